//! What the contract says of manifests, sentence by sentence.

mod conflicts;
mod errors;
mod folders;
mod hostile;
mod schema;
mod targets;
mod tenants;
mod valid;
mod yaml;

use std::fmt::Write as _;

use crate::render::clean::clean;

use super::{Loaded, NameOrId, TargetReference, WantedTarget, read_texts};

/// Reads texts as the files `a.yaml`, `b.yaml` and so on.
fn read(texts: &[&str]) -> Loaded {
    let names = ["a.yaml", "b.yaml", "c.yaml"];
    let files = names
        .iter()
        .zip(texts)
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    read_texts(files)
}

/// Says what is wrong with files, a line each: where, the code and the message, then the related
/// places and the hint.
fn faults(loaded: &Loaded) -> String {
    let place = |place: crate::diagnostic::Place| {
        let path = &loaded.sources.file(place.file).path;
        format!("{path}:{}:{}+{}", place.line, place.column, place.length)
    };
    let mut lines = String::new();
    for fault in &loaded.diagnostics {
        let at = fault.place.map_or("-".to_owned(), place);
        let _ = write!(lines, "{at} {} {}", fault.code, clean(&fault.message));
        if let Some(label) = &fault.label {
            let _ = write!(lines, " | {label}");
        }
        for (also, label) in &fault.related {
            let _ = write!(lines, " | {} {label}", place(*also));
        }
        if let Some(hint) = &fault.hint {
            let _ = write!(lines, " | {hint}");
        }
        lines.push('\n');
    }
    lines
}

/// Says what is wrong with a file.
fn check(text: &str) -> String {
    faults(&read(&[text]))
}

/// Says what is wrong with an entry that has a kind and a name and goes on with these lines, of
/// which the first is line 5.
fn check_entry(lines: &str) -> String {
    let lines = lines.replace('\n', "\n  ");
    check(&format!(
        "version: 1\npolicies:\n- kind: configurationPolicy\n  name: P\n  {lines}\n"
    ))
}

/// Says what is wrong with an included target, which is line 6.
fn check_target(target: &str) -> String {
    check_entry(&format!("include:\n- {target}"))
}

/// Puts cases under each other, each with what was said of it.
fn table(said_of: impl Fn(&str) -> String, cases: &[&str]) -> String {
    let mut table = String::new();
    for case in cases {
        let lines: Vec<_> = case.trim_end().lines().map(clean).collect();
        let said = said_of(case).replace("a.yaml:", "    ");
        let _ = write!(table, "\n<{}>\n{said}", lines.join("\n "));
    }
    table
}

fn named(reference: &NameOrId) -> String {
    match reference {
        NameOrId::Name(name) => name.clone(),
        NameOrId::Id(id) => format!("#{id}"),
    }
}

fn target_words(target: &TargetReference) -> String {
    match target {
        TargetReference::AllDevices => "allDevices".to_owned(),
        TargetReference::AllUsers => "allUsers".to_owned(),
        TargetReference::Group(group) => format!("+{}", named(group)),
        TargetReference::ExclusionGroup(group) => format!("-{}", named(group)),
        TargetReference::Collection(id) => format!("collection {id}"),
    }
}

/// Says a target in a few words.
fn words(wanted: &WantedTarget) -> String {
    let mut words = target_words(&wanted.target);
    if let Some(filter) = &wanted.filter {
        let _ = write!(words, " [{} {}]", filter.mode.name(), named(&filter.filter));
    }
    if let Some(said) = &wanted.properties {
        if let Some(intent) = &said.intent {
            let _ = write!(words, " {}", intent.value);
        }
        for setting in said.settings.iter().flat_map(|settings| &settings.value) {
            let value = setting.value.value.as_deref().unwrap_or("-");
            let _ = write!(words, " {}={value}", setting.name);
        }
        if let Some(schedule) = &said.schedule {
            let _ = write!(words, " {}", schedule.value);
        }
        if let Some(repairs) = &said.remediation {
            let _ = write!(words, " repairs={}", repairs.value);
        }
    }
    if wanted.source.name() != "direct" {
        let id = wanted.source_id.as_deref().unwrap_or("any");
        let _ = write!(words, " <{} {id}>", wanted.source.name());
    }
    words
}

/// Says what the entries of files want, or what is wrong with them.
fn wants(texts: &[&str]) -> String {
    let loaded = read(texts);
    let mut lines = faults(&loaded);
    for entry in &loaded.manifest.entries {
        let place = entry.place;
        let mut targets: Vec<String> = entry.targets.iter().map(words).collect();
        let absent = entry.absent.iter();
        targets.extend(absent.map(|absent| format!("no {}", target_words(&absent.target))));
        let selector = match &entry.selector {
            super::Selector::Name(name) => format!("name {}", name.value),
            super::Selector::Id(id) => format!("id {}", id.value),
            super::Selector::Match { pattern, except } => {
                let except: Vec<&str> = except.iter().map(|glob| glob.value.as_str()).collect();
                format!("match {} except {except:?}", pattern.value)
            }
        };
        let _ = writeln!(
            lines,
            "{}:{} {} {selector} {}: {}",
            loaded.sources.file(place.file).path,
            place.line,
            entry.kind,
            entry.mode.name(),
            match targets.is_empty() {
                true => "nobody".to_owned(),
                false => targets.join(", "),
            }
        );
    }
    lines
}
