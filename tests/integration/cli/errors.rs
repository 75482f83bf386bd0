//! `docs/errors.md` and the code know the same codes, and every example on the page shows what it is an
//! example of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Command;

use assignctl::plan::guards::GuardName;
use assignctl::report::ReasonCode;

#[cfg(unix)]
use super::support::World;

const PAGE: &str = include_str!("../../../docs/errors.md");

/// Words with hyphens in the rooms that find faults which are no codes, besides guards.
const NO_CODES: [&str; 3] = ["all-devices", "all-users", "several-platforms"];

/// Codes whose examples would be too large, or need a tenant that is not the sample.
const WITHOUT_EXAMPLE: [&str; 59] = [
    "absent-from-policy-set",
    "ambiguous-filter",
    "approvals-unreadable",
    "audit-unreadable",
    "built-in-as-group",
    "filter-not-allowed",
    "filter-unsupported-kind",
    "intent-not-supported",
    "kind-unavailable",
    "long-justification",
    "looser-limit",
    "newer-plan",
    "not-exported",
    "not-resumed",
    "not-rolled-back",
    "old-plan",
    "missing-plans",
    "open-requests",
    "tenant-by-domain",
    "other-plans",
    "unnamed-run",
    "app-available-devices",
    "dynamic-device-exclusion",
    "dynamic-paused",
    "exclude-empty-group",
    "exclusion-no-effect",
    "filter-mode-mix",
    "group-not-security",
    "half-done",
    "include-empty-group",
    "mixed-exclusion",
    "mixed-group",
    "redundant-include",
    "opposite-of-policy-set",
    "policy-set-assignments",
    "policy-set-assignments-missing",
    "remediation-not-known",
    "remediation-without-schedule",
    "renamed-since",
    "unfinished-report",
    "replaced-one-by-one",
    "same-group-two-intents",
    "setting-and-intent",
    "setting-cannot-change",
    "setting-not-allowed",
    "target-not-allowed",
    "tenant-default",
    "unknown-target-kept",
    "virtual-group-live",
    "too-complicated",
    "too-deep",
    "too-large",
    "too-long",
    "too-many-aliases",
    "too-many-documents",
    "too-many-faults",
    "too-many-targets",
    "too-many-tenants",
    "too-many-values",
];

/// A part of the page about one code.
struct Section {
    code: String,
    body: String,
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open = false;
    for line in PAGE.lines() {
        if line.starts_with('#') && !line.starts_with("### ") {
            open = false;
        } else if let Some(code) = line.strip_prefix("### `") {
            let code = code.trim_end_matches('`').to_owned();
            let body = String::new();
            sections.push(Section { code, body });
            open = true;
        } else if let (true, Some(section)) = (open, sections.last_mut()) {
            section.body.push_str(line);
            section.body.push('\n');
        }
    }
    sections
}

/// Returns the codes of the page's table of reasons.
fn reasons() -> BTreeSet<String> {
    let (_, table) = PAGE.split_once("\n|---|---|---|\n").expect("a table");
    table
        .lines()
        .take_while(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('`').nth(1))
        .map(str::to_owned)
        .collect()
}

/// Returns the sources of a room without its tests.
fn sources(room: &str) -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("a room")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        for path in paths {
            match path.file_name().and_then(|name| name.to_str()) {
                Some("tests" | "tests.rs") => {}
                _ if path.is_dir() => folders.push(path),
                _ => {
                    let text = std::fs::read_to_string(path).expect("a source");
                    let code = text.split("#[cfg(test)]\nmod tests {").next();
                    texts.push(code.unwrap_or_default().to_owned());
                }
            }
        }
    }
    texts
}

/// Returns the texts in quotes that come right behind a word, with nothing but blanks between.
fn behind<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.split(word)
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect()
}

fn is_kebab(word: &str) -> bool {
    // A GUID is none.
    word.contains('-')
        && word.len() < 36
        && word.split('-').all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
        })
        && !word.starts_with(|character: char| character.is_ascii_digit())
}

#[test]
fn the_page_has_every_code_and_no_other() {
    let mut codes = BTreeSet::new();
    for text in ["manifest", "plan", "export"].into_iter().flat_map(sources) {
        for constructor in ["Diagnostic::error(", "Diagnostic::warning("] {
            codes.extend(behind(&text, constructor).into_iter().map(str::to_owned));
        }
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for line in code {
            codes.extend(
                line.split('"')
                    .skip(1)
                    .step_by(2)
                    .filter(|word| is_kebab(word))
                    .map(str::to_owned),
            );
        }
        // The code comes second here; `unreadable` has no hyphen.
        for rest in text.split(" Diagnostic::new(").skip(1) {
            codes.extend(rest.split('"').nth(1).map(str::to_owned));
        }
    }
    // The command line has some of its own.
    for text in ["cli", "run"].into_iter().flat_map(sources) {
        for word in [
            "Diagnostic::error(",
            "const CODE: &str =",
            " warn(",
            "output.warn(",
        ] {
            codes.extend(behind(&text, word).into_iter().map(str::to_owned));
        }
    }
    codes.retain(|code| GuardName::from_name(code).is_none() && !NO_CODES.contains(&code.as_str()));
    let page: BTreeSet<String> = sections().into_iter().map(|section| section.code).collect();
    assert_eq!(page, codes, "the page, and the code");
    assert!(codes.len() > 50);
}

#[test]
fn the_page_has_every_reason_of_a_report_and_no_other() {
    let codes: BTreeSet<String> = ReasonCode::OWN
        .iter()
        .map(|code| code.name().to_owned())
        .collect();
    assert_eq!(reasons(), codes, "the page, and the code");
    let texts: Vec<String> = ["apply", "report"].into_iter().flat_map(sources).collect();
    for code in ReasonCode::OWN {
        let used = format!("ReasonCode::{code:?}");
        assert!(texts.iter().any(|text| text.contains(&used)), "{used}");
    }
}

#[test]
fn every_section_has_a_cause_an_example_and_what_to_do() {
    for Section { code, body } in sections() {
        let parts: Vec<&str> = body.trim().split("```").collect();
        if WITHOUT_EXAMPLE.contains(&code.as_str()) {
            assert_eq!(parts.len(), 1, "{code}");
            assert!(parts[0].trim().contains("\n\n"), "{code}");
        } else {
            assert_eq!(parts.len(), 3, "{code}");
            assert!(
                !parts[0].trim().is_empty() && !parts[2].trim().is_empty(),
                "{code}"
            );
        }
    }
}

// Some examples are lines for a shell.
#[cfg(unix)]
#[test]
fn every_example_shows_its_code() {
    let world = World::empty();
    world.write(
        "manifests/m.yaml",
        "version: 1\npolicies: [{kind: configurationPolicy, name: Win - Wi-Fi - Berlin, mode: additive, include: [group: SG-Shared-Devices]}]\n",
    );
    // Makes the tenant from the sample.
    world.sandbox("plan manifests").exits(0);
    for Section { code, body } in sections() {
        let Some(example) = body.split("```").nth(1) else {
            continue;
        };
        let said = format!("[{code}]: ");
        if let Some(script) = example.strip_prefix("sh\n") {
            let mut last = None;
            for line in script.lines() {
                match line.strip_prefix("assignctl ") {
                    Some(line) => last = Some(world.run(line)),
                    None => {
                        let status = Command::new("sh")
                            .args(["-c", line])
                            .current_dir(world.path(""))
                            .status();
                        assert!(status.expect("a shell").success(), "{line}");
                    }
                }
            }
            let exit = match code.as_str() {
                "configuration" => 1,
                _ if body.contains("A warning") => 0,
                _ => 3,
            };
            last.expect("a command").exits(exit).says(&[&said]);
            continue;
        }
        let manifest = example.strip_prefix("yaml\n").expect("YAML");
        let manifest = match manifest.starts_with("- ") {
            true => format!("version: 1\npolicies:\n{manifest}"),
            false => manifest.to_owned(),
        };
        world.write("m.yaml", &manifest);
        let ran = world.sandbox("plan m.yaml");
        let warns = body.contains("A warning");
        let ran = ran
            .says(&[&said, "--> m.yaml:", "^"][..if code == "nothing-selected" { 1 } else { 3 }]);
        assert_eq!(ran.code == Some(3), !warns, "{code}: {:?}", ran.code);
        // One fault is told, not a shower of what follows from it.
        let heads = ran.stderr.lines().filter(|line| line.starts_with("error["));
        assert!(heads.count() <= 1, "{code}\n{}", ran.stderr);
    }
}
