//! Names and manifests that try to be more than text, in every format.

use std::fmt::Write as _;

use serde_json::json;

use super::support::World;
use super::support::readers::{annotations, is_tame, read};
use super::support::tenant::{Tenant, nth_policy};

/// Names that try to be more than names, each in its own way.
const HOSTILE: [&str; 15] = [
    "a | b \\| c \\",
    "`one` ``two`` ```three ````four",
    "<script>alert(1)</script> &amp; <!-- x --> <b>",
    "@everyone #1 GH-1 a@b.example https://evil.example www.evil.example",
    "line\nbreak\r\n| a | b |\n```\n::error::x\n",
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J",
    "\u{202e}gnp.exe\u{2066}\u{200b}",
    "::error file=x,line=1::y",
    "##vso[task.setvariable variable=A]b ##[error]c ##VSO[x]",
    "</code></details></summary><details>",
    "~~~\n~~~ %0A::warning::z",
    "[link](javascript:x) ![image](x) *a* _b_ ~~c~~",
    "-- --> <!-- assignctl plan --> $x$ :smile:",
    " \t leading and trailing \t ",
    "soft\u{ad}hyphen\u{85}\u{7f}\u{2028}\u{feff}x",
];

/// A name as all formats but JSON carry it.
fn cleaned(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{1b}' | '\u{7}' | '\u{9b}' | '\u{202e}' | '\u{2066}' | '\u{200b}' | '\u{ad}'
            | '\u{85}' | '\u{7f}' | '\u{2028}' | '\u{feff}' => {
                write!(text, "\\u{{{:x}}}", u32::from(character)).expect("memory");
            }
            _ => text.push(character),
        }
    }
    if name.contains("##") {
        text = text.replace("##", "#\\u{23}");
    }
    text
}

/// A tenant in which policies, their groups and filters have hostile names, and a manifest that takes
/// from each policy its group and gives it a collection.
fn hostile() -> World {
    let mut tenant = Tenant::new();
    for number in 0..HOSTILE.len() {
        let name = format!("N{number}");
        let group = format!("+{name} [include {name}]");
        tenant = tenant
            .group(&name)
            .filter(&name, "windows10AndLater")
            .policy(&name, &[&group]);
    }
    let world = World::with(
        &tenant,
        &[
            "match: '*', include: [collection: c]",
            "match: 'nothing ``` @me'",
        ],
    );
    world.edit("tenant.json", |state| {
        for (number, name) in HOSTILE.iter().enumerate() {
            state["groups"][number]["displayName"] = json!(name);
            state["assignmentFilters"][number]["displayName"] = json!(name);
            nth_policy(state, number)["name"] = json!(name);
        }
    });
    world
}

#[test]
fn no_name_breaks_text() {
    let world = hostile();
    for line in [
        "plan m.yaml",
        "plan m.yaml --diff",
        "plan m.yaml --summary",
        "drift m.yaml --max-removals 1",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, false);
        is_tame(&ran.stderr, false);
        for name in HOSTILE {
            assert!(
                ran.stdout.contains(&cleaned(name)),
                "{name:?} in\n{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn no_name_begins_a_line_of_policies_with_the_same_changes_or_one_that_wraps() {
    const WRAPS: &str = "a ::error::b \u{3000}::error::c ::error::d";
    let mut tenant = Tenant::common().group("N").filter("N", "windows10AndLater");
    for number in 0..HOSTILE.len() {
        tenant = tenant.policy(&format!("N{number}"), &["+N [include N]"]);
    }
    let mut world = World::with(
        &tenant,
        &[
            "match: '*', include: [group: A, {groupId: bbbbbbbb-0000-4000-8000-000000000004, filter: F}]",
        ],
    );
    world.edit("tenant.json", |state| {
        for (number, name) in HOSTILE.iter().enumerate() {
            nth_policy(state, number)["name"] = json!(name);
        }
        state["groups"][3]["displayName"] = json!(WRAPS);
        state["assignmentFilters"][1]["displayName"] = json!(WRAPS);
    });
    for columns in ["", "20", "33", "80"] {
        world.set("COLUMNS", columns);
        for line in [
            "plan m.yaml",
            "plan m.yaml --expand",
            "drift m.yaml",
            "plan m.yaml --summary",
            "list",
            "list --format csv",
            "list --format markdown",
        ] {
            let ran = world.sandbox(line);
            // Lines of CSV end with both (RFC 4180).
            is_tame(&ran.stdout.replace("\r\n", "\n"), false);
            assert!(ran.stdout.contains("error"), "{line}: {}", ran.stdout);
        }
    }
    world.set("COLUMNS", "20");
    for line in [
        "explain Missing m.yaml",
        "apply m.yaml --yes --report r.jsonl",
        "show r.jsonl",
        "rollback r.jsonl --yes",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, false);
        is_tame(&ran.stderr, false);
    }
}

#[test]
fn no_name_breaks_json() {
    let world = hostile();
    let ran = world
        .sandbox("plan m.yaml --format json --allow removals")
        .exits(0);
    assert!(!ran.stdout.to_lowercase().contains("##vso["));
    let plan = ran.json();
    for (number, name) in HOSTILE.iter().enumerate() {
        let policies = plan["policies"].as_array().expect("a list");
        let policy = policies.iter().find(|policy| policy["name"] == *name);
        let policy = policy.unwrap_or_else(|| panic!("no {number}"));
        assert_eq!(policy["before"][0]["target"]["name"], *name);
        assert_eq!(policy["before"][0]["filter"]["name"], *name);
    }
    // It can be saved, shown and applied.
    world
        .sandbox("plan m.yaml --out plan.json --allow removals")
        .exits(0);
    is_tame(&world.run("show plan.json").exits(0).stdout, false);
    world.sandbox("apply plan.json --format json").exits(0);
}

#[test]
fn no_name_breaks_an_export() {
    let world = hostile();
    // Twice the same name: an id stands in the manifest, and the name in a comment.
    world.edit("tenant.json", |state| {
        let groups = state["groups"].as_array_mut().expect("a list");
        let mut twin = groups[8].clone();
        twin["id"] = json!("bbbbbbbb-0000-4000-8000-0000000000ff");
        groups.push(twin);
    });
    let printed = world.sandbox("export").exits(0).stdout;
    is_tame(&printed, false);
    // What is read back is the same name.
    world.write("e.yaml", &printed);
    world.sandbox("drift e.yaml").exits(0);
    world.sandbox("export --out exported").exits(0);
    world.sandbox("drift exported").exits(0);
}

#[test]
fn no_name_breaks_markdown() {
    let world = hostile();
    for line in [
        "plan m.yaml --format markdown",
        "drift m.yaml --format markdown --max-removals 1",
        "apply m.yaml --yes --format markdown --write-limit 1/1s",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, false);
        let seen = read(&ran.stdout);
        assert_eq!(seen.headings.len(), 1, "{seen:?}");
        assert_eq!(seen.rows.len(), HOSTILE.len() + 1);
        let width = seen.rows[0].len();
        assert!(seen.rows.iter().all(|row| row.len() == width), "{seen:?}");
        let diffs: Vec<&String> = seen
            .fences
            .iter()
            .filter(|(language, _)| language == "diff")
            .map(|(_, lines)| lines)
            .collect();
        assert_eq!(diffs.len(), HOSTILE.len());
        for name in HOSTILE {
            let name = cleaned(name);
            let cell = name.trim();
            assert!(
                seen.rows.iter().any(|row| row[0].trim() == cell),
                "{cell} in {seen:?}"
            );
            assert!(
                seen.summaries.iter().any(|line| line.contains(&name)),
                "{name}"
            );
        }
        for lines in diffs {
            let tame = |line: &str| line.starts_with(['!', '+', '-', ' ']);
            assert!(lines.lines().all(tame), "{lines}");
            assert!(lines.contains(" collection C"), "{lines}");
        }
        // The warning of the `match` that selects nothing comes last.
        let (language, warning) = seen.fences.last().expect("a fence");
        assert_eq!(language, "text");
        assert!(warning.contains("nothing ``` @me"), "{warning}");
    }
}

/// The report and a snapshot are JSON too, which escapes what a terminal would act upon.
#[test]
fn no_name_stands_raw_in_a_report_or_a_snapshot() {
    let world = hostile();
    world
        .sandbox("apply m.yaml --yes --allow removals --report r.jsonl")
        .exits(0);
    world.sandbox("export --snapshot s.json").exits(0);
    is_tame(&world.read("r.jsonl"), false);
    is_tame(&world.read("s.json"), false);
    let lines = world.report("r.jsonl");
    let snapshot = world.json("s.json");
    for name in HOSTILE {
        assert!(lines.iter().any(|line| line["name"] == name), "{name:?}");
        let policies = snapshot["configurationPolicies"].as_array();
        let mut policies = policies.expect("policies").iter();
        assert!(policies.any(|policy| policy["name"] == name), "{name:?}");
    }
}

#[test]
fn no_name_breaks_annotations() {
    let world = hostile();
    for line in [
        "plan m.yaml --format github",
        "drift m.yaml --format github --max-removals 1",
        "apply m.yaml --yes --format github",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, true);
        let told = annotations(&ran.stdout);
        assert!(told.len() >= 2, "{told:?}");
        if line.starts_with("apply") {
            continue;
        }
        let entry = told
            .iter()
            .find(|told| {
                told.line.as_deref() == Some("3")
                    && (told.title.ends_with("policies change")
                        || told.title.ends_with("policies differ"))
            })
            .expect("the entry");
        assert_eq!(entry.file.as_deref(), Some("m.yaml"));
        for name in HOSTILE {
            assert!(entry.message.contains(&cleaned(name)), "{name:?}");
        }
    }
}

#[test]
fn hostile_manifests_break_no_format_either() {
    let world = World::new(&Tenant::common().policy("P", &[]));
    let name = "::error::x ##vso[y]z | ``` <b> @me";
    world.write(
        "%25,a::b.yaml",
        &format!("version: 1\npolicies:\n- {{kind: configurationPolicy, name: '{name}', include: [group: '{name}']}}\n# ##vso[z]\n"),
    );
    world.write("c.yaml", "version: 1\n\"##vso[q] \\e[31m\": 1\n");
    for line in ["plan %25,a::b.yaml", "validate c.yaml"] {
        let run = |format: &str| {
            world
                .run(&format!(
                    "{line} --format {format} --no-progress --sandbox tenant.json"
                ))
                .exits(3)
        };
        is_tame(&run("text").stderr, false);
        let markdown = run("markdown").stdout;
        is_tame(&markdown, false);
        let seen = read(&markdown);
        assert!(seen.fences.iter().all(|(language, _)| language == "text"));
        assert!(!seen.fences.is_empty());
        let github = run("github").stdout;
        is_tame(&github, true);
        let told = annotations(&github);
        assert!(told.iter().all(|told| told.level == "error"), "{told:?}");
        let file = line.split_once(' ').expect("a path").1;
        assert_eq!(told[0].file.as_deref(), Some(file), "{github}");
    }
}
