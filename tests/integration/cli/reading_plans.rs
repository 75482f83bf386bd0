//! What a person reads of a plan and of drift: equal changes once, each with the line that asks for it.

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::support::World;
use super::support::readers::{annotations, read};
use super::support::tenant::{Tenant, policy_mut};

/// A tenant of 500 policies without assignments.
fn many() -> Tenant {
    (0..500).fold(Tenant::common(), |tenant, number| {
        tenant.policy(&format!("Win - Policy {number:03}"), &[])
    })
}

/// Three policies that change alike, two that change otherwise, and one that does not.
fn small() -> World {
    let tenant = Tenant::common()
        .policy("One", &["+B"])
        .policy("Two", &["+B"])
        .policy("Three", &["+B"])
        .policy("Other", &["+A [include F]", "-C"])
        .compliance("Wide", &[])
        .policy("Same", &["+A"])
        .policy("Unmanaged", &["+C"]);
    let world = World::new(&tenant);
    world.write(
        "sets.yaml",
        "version: 1\ntargets:\n  ring:\n    include:\n      - group: A\n",
    );
    world.write(
        "m.yaml",
        "version: 1\npolicies:\n- {kind: configurationPolicy, match: 'T*', use: [ring]}\n- {kind: configurationPolicy, name: One, use: [ring]}\n- {kind: compliancePolicy, name: Wide, mode: additive, include: [allUsers]}\n- kind: configurationPolicy\n  name: Other\n  include:\n  - group: A\n  exclude:\n  - group: C\n- {kind: configurationPolicy, name: Same, include: [group: A]}\n",
    );
    world
}

const ALLOWED: &str = "--allow broad-target";

#[test]
fn equal_changes_are_shown_once_the_gravest_first() {
    let world = small();
    let told = world
        .sandbox(&format!("plan sets.yaml m.yaml {ALLOWED}"))
        .exits(0);
    let (changes, rest) = told.stdout.split_once("guard `broad").expect("a guard");
    assert_eq!(
        changes,
        "configurationPolicy, 3 policies\n  - group B  not in m.yaml:3 and 1 more\n  + group A  sets.yaml:5\n    One  Three  Two\n\n\
         configurationPolicy Other\n  ~ group A: filter F (include) -> no filter  m.yaml:9\n\n\
         compliancePolicy Wide (additive)\n  + allUsers  m.yaml:5\n\n"
    );
    assert!(
        rest.ends_with(
            "Next: save it with `--out FILE`, or run `assignctl apply` with the same paths and options.\n"
        ),
        "{rest}"
    );
    told.says(&[
        "Plan: 5 of 6 managed policies change: 4 assignments to add, 3 to remove, 1 to update; 5 writes, ",
        "Read 7 policies: 5 change, 1 unchanged (`--all` shows them), 1 unmanaged and left alone.\n",
    ]);
    world
        .sandbox(&format!("plan sets.yaml m.yaml --expand {ALLOWED}"))
        .exits(0)
        .says(&[
            "configurationPolicy One\n  - group B  not in m.yaml:4\n  + group A  sets.yaml:5\n\n",
            "configurationPolicy Three\n  - group B  not in m.yaml:3\n  + group A  sets.yaml:5\n\n",
        ]);
}

#[test]
fn a_saved_plan_knows_the_lines_and_says_how_to_go_on() {
    let world = small();
    let planned = world
        .sandbox(&format!("plan sets.yaml m.yaml --out plan.json {ALLOWED}"))
        .exits(0);
    assert!(planned.stdout.contains("sets.yaml:5"));
    assert!(
        planned
            .stdout
            .ends_with("Next: `assignctl apply plan.json`\n")
    );
    assert_eq!(world.run("show plan.json").exits(0).stdout, planned.stdout);
}

#[test]
fn the_sample_and_five_hundred_equal_changes_fit_a_screen() {
    let mut world = World::empty();
    let tenant = world.path("tenant.json");
    let line = format!(
        "plan examples/manifests --no-progress --sandbox {}",
        tenant.display()
    );
    // In the log of a job, and on a wide terminal.
    for columns in [None, Some("80"), Some("100"), Some("140")] {
        if let Some(columns) = columns {
            world.set("COLUMNS", columns);
        }
        let told = world.run_in(env!("CARGO_MANIFEST_DIR"), &line).exits(0);
        let lines = told.stdout.lines().count();
        assert!(lines <= 70, "{columns:?}: {lines}\n{}", told.stdout);
    }

    let mut world = World::with(&many(), &["match: 'Win - *', include: [group: A]"]);
    for (columns, shown) in [("80", 40), ("140", 70)] {
        world.set("COLUMNS", columns);
        let told = world.sandbox("plan m.yaml --max-policies 500").exits(0);
        let lines = told.stdout.lines().count();
        assert!(lines <= 30, "{lines}\n{}", told.stdout);
        let width = told.stdout.lines().map(|line| line.chars().count());
        let names = told
            .stdout
            .lines()
            .filter(|line| line.starts_with("    Win"));
        assert!(
            names.map(|line| line.chars().count()).max() <= columns.parse().ok(),
            "{}",
            told.stdout
        );
        assert!(width.count() > 10);
        told.says(&[&format!("… {} more (`--expand` shows all)", 500 - shown)]);
    }
    // Also where several guards are about all of them.
    world.manifest(&["match: 'Win - *', include: [allDevices]"]);
    for columns in ["80", "140"] {
        world.set("COLUMNS", columns);
        let told = world.sandbox("plan m.yaml").exits(4);
        let lines = told.stdout.lines().count();
        assert!(lines <= 30, "{lines}\n{}", told.stdout);
        told.says(&[
            "guard `broad-target` tripped",
            "guard `policies` tripped: policies to change (500, limit 50)\n  all policies that change\n",
        ]);
    }
}

#[test]
fn names_that_look_like_changes_are_quoted() {
    let names = ["- allDevices  x.yaml:3  X", "~ Y", " Outer", "Two  blanks"];
    let tenant = names.iter().fold(Tenant::common(), |tenant, name| {
        tenant.policy(name, &["+B"])
    });
    let world = World::with(
        &tenant.policy("Plain", &["+B"]),
        &["match: '*', include: [group: A]"],
    );
    let told = world.sandbox("plan m.yaml").exits(0);
    for name in names {
        assert!(
            told.stdout.contains(&format!("\"{name}\"")),
            "{}",
            told.stdout
        );
    }
    let mut lines = told.stdout.lines().map(str::trim_start);
    assert!(!lines.any(|line| line.starts_with("- allDevices")));
    told.says(&["Plain"]).says_nothing_of("\"Plain\"");
}

#[test]
fn the_selection_narrows_unmanaged_policies_too_and_a_cut_list_says_where_the_rest_is() {
    let tenant = (0..27).fold(Tenant::common(), |tenant, number| {
        tenant.policy(&format!("Mac {number:02}"), &["allDevices"])
    });
    let tenant = tenant
        .policy("Win", &["+B"])
        .policy("Win by hand", &["allUsers"]);
    let world = World::with(&tenant, &["name: Win, include: [group: A]"]);
    for format in ["text", "markdown"] {
        let drift = format!("drift m.yaml --format {format}");
        world.sandbox(&drift).exits(2).says(&[
            "28 unmanaged policies are assigned to all users or all devices",
            "and 8 more (`assignctl list --unmanaged PATH` lists all)",
        ]);
        world
            .sandbox(&format!("{drift} --only Win*"))
            .exits(2)
            .says(&["1 unmanaged policy is", "Win by hand"])
            .says_nothing_of("Mac 00");
    }
    world
        .sandbox("list --unmanaged m.yaml")
        .exits(0)
        .says(&["Mac 00", "Mac 26", "Win by hand"]);
}

#[test]
fn a_comment_of_five_hundred_changes_has_all_of_them() {
    let world = World::with(&many(), &["match: 'Win - *', include: [group: A]"]);
    let flags = "--max-policies 500 --format markdown";
    let told = world.sandbox(&format!("plan m.yaml {flags}")).exits(0);
    assert!(told.stdout.len() <= 60_000, "{}", told.stdout.len());
    told.says(&[
        "| policy | what changes | manifest | kind |",
        "| **500 policies:** <code>Win - Policy 000</code>,",
        " | <code>+ group A</code> | <code>m.yaml:3</code> | configurationPolicy |",
        "Win - Policy 499",
    ])
    .says_nothing_of("Left out");

    let entries: Vec<String> = (0..500)
        .map(|number| {
            format!("name: Win - Policy {number:03}, include: [collection: MEM{number:05}]")
        })
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let world = World::with(&many(), &entries);
    let told = world.sandbox(&format!("plan m.yaml {flags}")).exits(0);
    assert!(told.stdout.len() <= 60_000, "{}", told.stdout.len());
    for number in [0, 250, 499] {
        assert!(told.stdout.contains(&format!("Win - Policy {number:03}")));
        assert!(
            told.stdout
                .contains(&format!("+ collection MEM{number:05}"))
        );
    }
    read(&told.stdout);
    told.says_nothing_of("Left out");

    // Before a change is left out, the places are, then the kinds are shortened.
    let folder = "manifests/windows/security";
    let rest = "x".repeat(30);
    let tenant = (0..500).fold(Tenant::common(), |tenant, number| {
        tenant.policy(&format!("{number:03} {rest}"), &["+B"])
    });
    let world = World::new(&tenant);
    let entry = |number: usize| {
        format!(
            "  - {{kind: configurationPolicy, name: '{number:03} {rest}', include: [collection: MEM{number:05}]}}\n"
        )
    };
    let entries: String = (0..500).map(entry).collect();
    world.write(
        &format!("{folder}/m.yaml"),
        &format!("version: 1\npolicies:\n{entries}"),
    );
    let flags = "--max-policies 500 --allow removals --format markdown";
    for (bytes, kind) in [("60000", "configurationPolicy"), ("45000", "CP")] {
        let told = world
            .sandbox(&format!("plan manifests {flags} --max-bytes {bytes}"))
            .exits(0);
        let told = told
            .says(&["Lines of manifests are left out for size"])
            .says_nothing_of("Left out")
            .says_nothing_of("m.yaml:");
        for number in [0, 250, 499] {
            let block =
                format!("- group B\n+ collection MEM{number:05}\n  {kind} {number:03} {rest}\n");
            assert!(told.stdout.contains(&block), "{block}");
        }
        let legend = told.stdout.contains("Kinds: CP = configurationPolicy.");
        assert_eq!(legend, kind == "CP");
        read(&told.stdout);
    }
}

/// What was taken away in the tenant and what was widened there comes first.
#[test]
fn drift_begins_with_what_is_gravest_in_the_tenant() {
    let tenant = Tenant::common()
        .policy("A more", &["+A", "+B"])
        .policy("B wide", &["allDevices"])
        .policy("C wide", &["+A", "allUsers"])
        .policy("D lacks", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "name: A more, include: [group: A]",
            "name: B wide, include: [{allDevices: true, filter: F}]",
            "name: C wide, include: [group: A]",
            "name: D lacks, include: [group: A], exclude: [group: C]",
        ],
    );
    let told = world.sandbox("drift m.yaml").exits(2);
    let at = |text: &str| told.stdout.find(text).expect("a policy");
    let order = ["D lacks", "B wide", "C wide", "A more"].map(at);
    assert!(order.is_sorted(), "{}", told.stdout);
}

#[test]
fn an_annotation_stands_on_the_line_that_asks_and_counts_the_policies() {
    let world = small();
    let told = world
        .sandbox(&format!("plan sets.yaml m.yaml --format github {ALLOWED}"))
        .exits(0);
    let told = annotations(&told.stdout);
    let at: Vec<(Option<&str>, Option<&str>)> = told
        .iter()
        .filter(|told| told.title.contains("change"))
        .map(|told| (told.file.as_deref(), told.line.as_deref()))
        .collect();
    // Removals, then what widens, then the rest.
    assert_eq!(
        at,
        [
            (Some("m.yaml"), Some("3")),
            (Some("m.yaml"), Some("4")),
            (Some("m.yaml"), Some("5")),
            (Some("m.yaml"), Some("9")),
            (Some("sets.yaml"), Some("5")),
        ]
    );
    let set = told.last().expect("annotations");
    assert!(set.title.contains("3 policies change"), "{set:?}");
    assert!(set.message.starts_with("+ group A: 3 policies"), "{set:?}");
}

#[test]
fn drift_is_told_from_the_tenants_side() {
    let tenant = Tenant::common()
        .policy("P", &["+B"])
        .policy("Q", &["+A [include F]"])
        .policy("New in the portal", &["allDevices"])
        .policy("Harmless", &["+C"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: A]",
        ],
    );
    world.sandbox("drift m.yaml").exits(2).says(&[
        "configurationPolicy P\n  - group A  m.yaml:3\n  + group B  not in m.yaml:3\n",
        "configurationPolicy Q\n  ~ group A: filter F (include) instead of no filter  m.yaml:4\n",
        "Drift: 2 of 2 managed policies differ: the tenant lacks 1 assignment (-), has 1 not in the manifests (+) and 1 with another filter or setting (~).\n",
        "1 unmanaged policy is assigned to all users or all devices\n  configurationPolicy New in the portal: allDevices\n",
    ])
    .says_nothing_of("Harmless");
    for format in ["markdown", "github"] {
        world
            .sandbox(&format!("drift m.yaml --format {format}"))
            .exits(2)
            .says(&[
                "2 of 2 managed policies differ: the tenant lacks 1 assignment",
                "- group A",
                "+ group B",
                "New in the portal",
            ]);
    }
    let told = world.sandbox("drift m.yaml --diff").exits(2);
    told.says(&["  -group A\n  +group B\n"]);
    // A plan has nothing to say of them.
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("New in the portal");
}

#[test]
fn equal_outcomes_are_said_once() {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &[]);
    let world = World::with(&tenant, &["match: '*', include: [group: A]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([{"target": {
            "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
    });
    world
        .sandbox("apply plan.json --format github")
        .exits(5)
        .says(&["2 policies: other policies of the plan have changed"]);
}

/// Names are not broken within a word, nor the line that a policy's changes stand below; nothing else is wider
/// than the terminal.
#[test]
fn nothing_is_wider_than_the_terminal() {
    let mut world = World::empty();
    let tenant = world.path("tenant.json");
    let tenant = tenant.display();
    let folder = env!("CARGO_MANIFEST_DIR");
    let is_heading = |line: &str| {
        let kind = line.split([' ', ',']).next().unwrap_or_default();
        assignctl::model::PolicyKind::from_name(kind).is_some()
    };
    for columns in ["80", "100"] {
        world.set("COLUMNS", columns);
        let room: usize = columns.parse().expect("a number");
        for line in [
            "plan examples/manifests",
            "plan examples/manifests --expand",
            "plan examples/manifests --members --max-policies 1",
            "drift examples/manifests",
            "drift examples/manifests --expand --who",
            "list",
            "list --unassigned",
            "list --group SG-Win-Ring-1-Pilot --effective",
            "explain 'Win - Security - BitLocker' examples/manifests",
        ] {
            let mut command = world.command("");
            command
                .current_dir(folder)
                .args(["--no-progress", "--sandbox"])
                .arg(tenant.to_string());
            for (number, part) in line.split('\'').enumerate() {
                match number % 2 {
                    0 => command.args(part.split(' ').filter(|part| !part.is_empty())),
                    _ => command.arg(part),
                };
            }
            let ran = command.output().expect("the executable");
            let said = String::from_utf8(ran.stdout).expect("UTF-8");
            assert!(
                said.lines().count() > 2,
                "{line}: {}",
                String::from_utf8_lossy(&ran.stderr)
            );
            for shown in said.lines().filter(|line| !is_heading(line)) {
                let is_one_word = !shown.trim().contains(' ');
                assert!(
                    shown.width() <= room || is_one_word,
                    "{line} at {columns}: {shown}"
                );
            }
        }
    }
}
