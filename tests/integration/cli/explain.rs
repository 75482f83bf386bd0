//! Issue 15, `explain`: which lines make a policy's targets, what is live, and what would change.

use serde_json::json;

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_id};

fn world() -> World {
    let tenant = Tenant::common()
        .group("D")
        .policy("P", &["+A", "+B [include F]", "-D", "allUsers <set>"])
        .policy("Additive", &["+A", "+C"])
        .policy("Unmanaged", &["+C"])
        .policy("Twin", &[])
        .policy("Twin", &["+A"])
        .compliance("Elsewhere", &["+B"]);
    let world = World::new(&tenant);
    world.write(
        "sets.yaml",
        "version: 1\ntargets:\n  ring:\n    include:\n      - group: A\n      - group: B\n",
    );
    world.write(
        "m.yaml",
        "version: 1\npolicies:\n  - kind: configurationPolicy\n    name: P\n    use: [ring]\n    include:\n      - group: C\n  \
         - kind: configurationPolicy\n    match: \"P*\"\n    include: [group: a]\n  - kind: configurationPolicy\n    \
         name: Additive\n    mode: additive\n    include: []\n    absent: [group: C]\n",
    );
    world
}

#[test]
fn every_assignment_has_its_reason_and_its_lines() {
    let world = world();
    world
        .sandbox("explain P m.yaml sets.yaml")
        .exits(0)
        .matches("explain/managed");
    let ran = world
        .sandbox("explain P m.yaml sets.yaml --format json")
        .exits(0);
    let result = ran.json();
    assert_eq!(result["managed"], true);
    let rows = result["assignments"].as_array().expect("rows").iter();
    let mut said: Vec<_> = rows
        .map(|row| {
            (
                row["action"].clone(),
                row["reason"].clone(),
                row["asked"].as_array().map(Vec::len),
            )
        })
        .collect();
    said.sort_by_key(|said| format!("{said:?}"));
    let mut expected = vec![
        // `A` is asked for by the set and by an entry.
        (json!(null), json!("askedFor"), Some(2)),
        (json!(null), json!("notDirect"), Some(0)),
        (json!("add"), json!("missing"), Some(1)),
        (json!("remove"), json!("notAskedFor"), Some(0)),
        (json!("update"), json!("differs"), Some(1)),
    ];
    expected.sort_by_key(|said| format!("{said:?}"));
    assert_eq!(said, expected);
    // By id, too.
    world
        .sandbox(&format!("explain {} m.yaml sets.yaml", policy_id(1)))
        .exits(0)
        .says(&["selected by"]);
    world
        .sandbox("explain Additive m.yaml sets.yaml")
        .exits(0)
        .says(&[
            "must not be there",
            "m.yaml:15: absent: [group: C]",
            "in mode `additive` it stays",
        ]);
}

/// A target that one entry has through two sets, and by name and by id.
#[test]
fn every_line_that_asks_for_a_target_is_named() {
    let tenant = Tenant::common().policy("P", &[]).policy("Q", &["+B", "-C"]);
    let world = World::new(&tenant);
    world.write(
        "sets.yaml",
        &format!(
            "version: 1\ntargets:\n  one:\n    include:\n      - group: A\n  two:\n    include:\n      - groupId: {}\n      - group: a\n",
            group_id(1)
        ),
    );
    world.write(
        "m.yaml",
        "version: 1\npolicies:\n  - kind: configurationPolicy\n    name: P\n    use: [one, two]\n  - kind: configurationPolicy\n    match: 'P*'\n    use: [one]\n    include:\n      - group: A\n    exclude:\n      - group: B\n  - kind: configurationPolicy\n    name: Q\n    mode: additive\n    absent:\n      - group: B\n      - group: b\n",
    );
    let explained = |policy: &str| {
        let ran = world.sandbox(&format!("explain {policy} m.yaml sets.yaml --format json"));
        let rows = ran.exits(0).json()["assignments"].clone();
        let rows = rows.as_array().expect("rows").clone();
        let lines = |row: &serde_json::Value| {
            let asked = row["asked"].as_array().expect("lines").iter();
            let mut lines: Vec<String> = asked
                .map(|line| {
                    let through = line["through"]["line"].as_u64();
                    let through = through.map(|through| format!(" through {through}"));
                    format!(
                        "{}:{}{}",
                        line["path"].as_str().expect("a path"),
                        line["line"],
                        through.unwrap_or_default()
                    )
                })
                .collect();
            lines.sort();
            lines
        };
        rows.iter().map(lines).collect::<Vec<_>>()
    };
    assert_eq!(
        explained("P"),
        [
            vec![
                "m.yaml:10",
                "sets.yaml:5 through 5",
                "sets.yaml:5 through 8",
                "sets.yaml:8 through 5",
                "sets.yaml:9 through 5",
            ],
            vec!["m.yaml:12"],
        ]
    );
    assert_eq!(explained("Q"), [vec!["m.yaml:17", "m.yaml:18"], vec![]]);
}

#[test]
fn a_policy_that_nothing_manages_is_explained_as_well() {
    let world = world();
    for policy in ["Unmanaged", "Elsewhere"] {
        world
            .sandbox(&format!("explain {policy} m.yaml sets.yaml"))
            .exits(0)
            .says(&["no manifest entry selects it", "= group"]);
    }
    let ran = world
        .sandbox("explain Elsewhere m.yaml sets.yaml --format json")
        .exits(0);
    assert_eq!(ran.json()["managed"], false);
}

#[test]
fn which_policy_is_meant_must_be_known() {
    let world = world();
    for (arguments, code, message) in [
        ("Unmanagd m.yaml sets.yaml", 3, "did you mean `Unmanaged`?"),
        ("Twin m.yaml sets.yaml", 3, "2 policies are called `Twin`"),
        ("P missing.yaml", 3, "no-such-path"),
        ("P", 64, "no manifests are named"),
        ("P m.yaml sets.yaml --format markdown", 64, "text or JSON"),
    ] {
        world
            .sandbox(&format!("explain {arguments}"))
            .exits(code)
            .says(&[message]);
    }
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!(["GroupMember.Read.All"]);
    });
    world.sandbox("explain P m.yaml sets.yaml").exits(7);
    // It may be of a kind that could not be read.
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All"
        ]);
    });
    let group = format!("list --group {}", group_id(9));
    for command in [
        "explain Portal m.yaml sets.yaml",
        "list --policy Portal",
        &group,
    ] {
        world.sandbox(command).exits(7).says(&[
            "` in what could be read; ",
            "mobileApp",
            " could not be read",
        ]);
    }
    world
        .sandbox("list --policy Portal --kind compliancePolicy")
        .exits(3);
    world.sandbox("explain Unmanaged m.yaml sets.yaml").exits(0);
}

#[test]
fn a_namesake_that_no_manifest_names_is_told_apart_by_the_id() {
    let tenant = Tenant::common()
        .group("D")
        .group("d")
        .policy("P", &["+A", "-D"]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let id = group_id(4);
    world
        .sandbox("explain P m.yaml")
        .exits(0)
        .says(&[&format!("exclude group D ({id})"), "group A\n"]);
}
