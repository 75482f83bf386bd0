//! The text of manifests.
//!
//! Their shape is drawn here, for the blank lines and comments that a person would want; how a text
//! is spelled in YAML is left to `serde_saphyr`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Entry;
use super::assignment_properties::ExportedProperties;
use super::references::{Audience, Reference, Targets};
use super::sets::NamedSets;
use crate::manifest::tenants::escaped as escaped_variables;
use crate::render::clean::{clean, holds_command};

/// Writes the file of the target sets.
pub(super) fn sets(tenant_id: Option<&str>, sets: &NamedSets) -> String {
    let mut text = head(tenant_id);
    text.push_str("targets:\n");
    for (number, (name, set)) in sets.by_name().into_iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        push(&mut text, 2, &format!("{}:", scalar(name)));
        targets(&mut text, 4, set);
    }
    text
}

/// Writes a file of policies.
pub(super) fn entries(tenant_id: Option<&str>, entries: &[Entry<'_>]) -> String {
    let mut text = head(tenant_id);
    text.push_str("policies:\n");
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        self::entry(&mut text, entry);
    }
    text
}

fn head(tenant_id: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(tenant_id) = tenant_id {
        push(&mut text, 0, &format!("# Tenant {}", clean(tenant_id)));
    }
    text.push_str("version: 1\n\n");
    text
}

fn entry(text: &mut String, entry: &Entry<'_>) {
    push(text, 2, &format!("- kind: {}", entry.live.kind));
    push(text, 4, &reference("name", "id", &entry.selector));
    if let Some(tenant) = entry.only {
        push(text, 4, &format!("onlyTenants: [{}]", scalar(tenant)));
    }
    for note in &entry.notes {
        push(text, 4, &format!("# {}", clean(note)));
    }
    exported(text, 4, &entry.properties);
    match &entry.set {
        Some(set) => push(text, 4, &format!("use: [{}]", scalar(set))),
        None if entry.targets.len() == 0 => push(text, 4, "include: []"),
        None => targets(text, 4, &entry.targets),
    }
}

fn exported(text: &mut String, indent: usize, exported: &ExportedProperties) {
    properties(
        text,
        indent,
        exported.intent.as_deref(),
        exported.nested_settings(),
        exported.schedule.as_deref(),
    );
}

fn targets(text: &mut String, indent: usize, targets: &Targets) {
    if !targets.include.is_empty() {
        push(text, indent, "include:");
    }
    for included in &targets.include {
        let audience = match &included.audience {
            Audience::AllDevices => "allDevices: true".to_owned(),
            Audience::AllUsers => "allUsers: true".to_owned(),
            Audience::Group(group) => reference("group", "groupId", group),
            Audience::Collection(id) => format!("collection: {}", scalar(&escaped_variables(id))),
        };
        push(text, indent + 2, &format!("- {audience}"));
        if let Some(filter) = &included.filter {
            push(text, indent + 4, &reference("filter", "filterId", filter));
            if included.excludes {
                push(text, indent + 4, "filterMode: exclude");
            }
        }
        exported(text, indent + 4, &included.properties);
    }
    if !targets.exclude.is_empty() {
        push(text, indent, "exclude:");
    }
    for excluded in &targets.exclude {
        let audience = reference("group", "groupId", &excluded.group);
        push(text, indent + 2, &format!("- {audience}"));
        if let Some(intent) = &excluded.intent {
            push(text, indent + 4, &format!("intent: {}", scalar(intent)));
        }
    }
}

/// Writes what is said besides targets; a schedule is JSON.
pub(super) fn properties(
    text: &mut String,
    indent: usize,
    intent: Option<&str>,
    settings: Option<Map<String, Value>>,
    schedule: Option<&str>,
) {
    if let Some(intent) = intent {
        push(text, indent, &format!("intent: {}", scalar(intent)));
    }
    if let Some(settings) = settings {
        let settings = in_flow(&Value::Object(settings));
        push(text, indent, &format!("settings: {settings}"));
    }
    if let Some(schedule) = schedule.and_then(|schedule| serde_json::from_str(schedule).ok()) {
        let schedule = in_flow(&schedule);
        push(text, indent, &format!("runSchedule: {schedule}"));
    }
}

/// Spells a value on one line.
fn in_flow(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name}: {}", in_flow(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(in_flow).collect();
            format!("[{}]", values.join(", "))
        }
        // What ends a plain text in a flow need not end one elsewhere.
        Value::String(text)
            if text
                .chars()
                .all(|character| character.is_ascii_alphabetic()) =>
        {
            scalar(text)
        }
        Value::String(text) => escaped(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn reference(name_key: &str, id_key: &str, reference: &Reference) -> String {
    match reference {
        Reference::Name(name) => format!("{name_key}: {}", scalar(&escaped_variables(name))),
        Reference::Id { id, comment } => {
            let mut line = format!("{id_key}: {}", scalar(id));
            if let Some(comment) = comment {
                let _ = write!(line, " # {}", clean(comment));
            }
            line
        }
    }
}

pub(super) fn push(text: &mut String, indent: usize, line: &str) {
    let _ = writeln!(text, "{:indent$}{line}", "");
}

/// Spells a text on one line, so that every YAML reader reads the same text back. What could
/// move a cursor or hide is spelled out, and so is what a build service would take for a command.
pub(super) fn scalar(text: &str) -> String {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let written = serde_saphyr::to_string_with_options(&text, options);
    let written = written
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('\n');
    // The emitter spells out what YAML forbids, but not direction marks, commands and the like.
    if written.is_empty() || clean(written) != written {
        return escaped(text);
    }
    written.to_owned()
}

fn escaped(text: &str) -> String {
    let commands = holds_command(text);
    let mut written = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                written.push('\\');
                written.push(character);
            }
            _ if (commands && character == '#')
                || matches!(
                    clean(character.encode_utf8(&mut [0; 4])),
                    std::borrow::Cow::Owned(_)
                ) =>
            {
                let _ = write!(written, "\\U{:08X}", u32::from(character));
            }
            _ => written.push(character),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn ordinary_names_are_plain_and_tricky_ones_are_quoted() {
        for (text, written) in [
            ("Win - BitLocker", "Win - BitLocker"),
            ("Büro: Süd", "\"Büro: Süd\""),
            ("no", "\"no\""),
            ("1.10", "\"1.10\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("  indented ", "\"  indented \""),
            ("a\nb\t\"c\"", "\"a\\nb\\t\\\"c\\\"\""),
            ("*", "\"*\""),
            ("x #1", "\"x #1\""),
            ("---", "\"---\""),
            (
                "gpj.\u{202e}exe\u{feff}",
                "\"gpj.\\U0000202Eexe\\U0000FEFF\"",
            ),
            ("##[x]", "\"\\U00000023\\U00000023[x]\""),
            ("a ## b", "\"a ## b\""),
            ("", "\"\""),
        ] {
            assert_eq!(scalar(text), written, "{text:?}");
        }
        assert!(!scalar(&"long ".repeat(100)).contains('\n'));
    }
}
