//! `--members`: how many devices and users a plan is about, the guard `reach`, deleted groups.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_mut};

fn device(number: usize) -> String {
    format!("dddddddd-0000-4000-8000-{number:012}")
}

fn user(number: usize) -> String {
    format!("eeeeeeee-0000-4000-8000-{number:012}")
}

/// Gives a tenant 12 devices and 9 users, and its groups members: `d1-3 u2 g1` and the like.
pub(super) fn populate(world: &World, groups: &[&str]) {
    world.edit("tenant.json", |state| {
        state["devices"] = (1..=12)
            .map(|number| json!({"id": device(number), "displayName": "D"}))
            .collect();
        state["users"] = (1..=9)
            .map(|number| json!({"id": user(number), "userPrincipalName": format!("u{number}@x")}))
            .collect();
        for (index, words) in groups.iter().enumerate() {
            let mut members = Vec::new();
            for word in words.split_whitespace() {
                let (kind, numbers) = word.split_at(1);
                let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
                let number = |text: &str| text.parse::<usize>().expect("a number");
                for number in number(first)..=number(last) {
                    members.push(match kind {
                        "d" => device(number),
                        "u" => user(number),
                        _ => group_id(number),
                    });
                }
            }
            state["groups"][index]["members"] = json!(members);
        }
    });
}

/// A policy that is assigned to `A`, and shall be assigned to `B` and all users, without `C`.
fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: B, allUsers], exclude: [group: C]"],
    );
    populate(&world, &["d1-4", "d3-9 u1-2 g1", "d9 u9"]);
    world
}

#[test]
fn numbers_stand_beside_each_change_in_every_format() {
    let world = world();
    let lines = [
        "group A (4 devices)",
        "group B (9 devices, 2 users)",
        "exclude group C (1 device, 1 user)",
        "allUsers (9 users)",
    ];
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!(
                "plan m.yaml --members --format {format} --allow broad-target"
            ))
            .exits(0)
            .says(&lines);
    }
    world
        .sandbox("drift m.yaml --members")
        .exits(2)
        .says(&lines);
    let without = world
        .sandbox("plan m.yaml --format json --allow broad-target")
        .json();
    let told = world
        .sandbox("plan m.yaml --members --format json --allow broad-target --out p.json")
        .exits(0)
        .json();
    assert_eq!(told["digest"], without["digest"]);
    assert_eq!(without["policies"][0]["changes"][0].get("members"), None);
    assert_eq!(told["policies"][0].get("reach"), None);
    let changes = told["policies"][0]["changes"].as_array().expect("a list");
    let of = |name: &str| {
        let target = |change: &&Value| {
            let row = ["after", "before"].map(|side| &change[side]["target"]["name"]);
            row.contains(&&json!(name))
        };
        changes.iter().find(target).expect("a change")["members"].clone()
    };
    let expected = json!({"devices": 9, "users": 2, "other": null, "exact": false, "reason": null});
    assert_eq!(of("B"), expected);
    // A saved plan keeps them.
    world.run("show p.json").exits(0).says(&lines);
    world.write("assignctl.yaml", "members: true\n");
    world.sandbox("drift m.yaml").exits(2).says(&lines);
    world
        .sandbox("apply m.yaml --yes --members --allow broad-target --report r.jsonl")
        .exits(0)
        .says(&lines);
}

#[test]
fn exact_numbers_say_who_gains_and_who_loses() {
    let world = world();
    // Devices 3 to 8 and, through A, 1 and 2: those of A stay. All users but one of C.
    let told = world
        .sandbox("plan m.yaml --members exact --format json --allow broad-target")
        .exits(0)
        .json();
    let reach = &told["policies"][0]["reach"];
    assert_eq!(reach["gained"], json!({"devices": 4, "users": 8}));
    assert_eq!(reach["lost"], json!({"devices": 0, "users": 0}));
    assert_eq!(
        reach["exact"], false,
        "licensed users are the most it can be"
    );
    world
        .sandbox("plan m.yaml --members exact --allow broad-target")
        .exits(0)
        .says(&["  at most 4 devices and 8 users get it\n"]);
    world.manifest(&["name: P, include: [group: C]"]);
    let told = world
        .sandbox("plan m.yaml --members exact --format json --out p.json")
        .exits(0)
        .json();
    assert_eq!(
        told["policies"][0]["reach"],
        json!({
            "gained": {"devices": 1, "users": 1},
            "lost": {"devices": 4, "users": 0},
            "exact": true,
            "reason": null,
        })
    );
    for line in [
        "plan m.yaml --members exact",
        "drift m.yaml --members exact --format markdown",
    ] {
        let code = if line.starts_with("plan") { 0 } else { 2 };
        world
            .sandbox(line)
            .exits(code)
            .says(&["1 device and 1 user get it; 4 devices lose it"]);
    }
    world.run("show p.json").says(&["4 devices lose it"]);
}

#[test]
fn what_is_unknown_is_never_zero() {
    let world = world();
    world.manifest(&["name: P, include: [group: B, allUsers, allDevices]"]);
    world.edit("tenant.json", |state| {
        state["groups"][1]["visibility"] = json!("HiddenMembership");
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
        // A group that does not exist.
        let row = &mut policy_mut(state, "P")["assignments"][0];
        row["target"]["groupId"] = json!(group_id(77));
        row["id"] = Value::Null;
    });
    let plan = "plan m.yaml --allow broad-target --members";
    world.sandbox(plan).exits(0).says(&[
        "group B (members unknown, not permitted to read)",
        "allDevices (unknown devices)",
        "allUsers (unknown users)",
        "(does not exist) (members unknown, the group does not exist)",
    ]);
    let told = world
        .sandbox(&format!("{plan} exact --format json"))
        .exits(0)
        .json();
    let reach = &told["policies"][0]["reach"];
    assert_eq!(reach["gained"], json!({"devices": null, "users": null}));
    assert_eq!(reach["reason"], "forbidden");
    let text = told["policies"][0]["changes"].to_string();
    assert!(!text.contains(":0,\"users\":0"), "{text}");
}

#[test]
fn more_members_than_allowed_are_not_read() {
    let world = world();
    world.manifest(&["name: P, include: [group: B]"]);
    let told = world
        .sandbox("plan m.yaml --members exact --members-limit 5 --format json")
        .exits(0)
        .json();
    let policy = &told["policies"][0];
    assert_eq!(policy["reach"]["lost"]["devices"], Value::Null);
    assert_eq!(policy["reach"]["reason"], "limit");
    // The counts are there all the same.
    let text = policy["changes"].to_string();
    assert!(text.contains("\"devices\":9"), "{text}");
    world
        .sandbox("plan m.yaml --members exact --members-limit 15")
        .exits(0)
        .says(&["5 devices and 2 users get it"]);
}

#[test]
fn the_guard_reach_trips_on_many_losses_and_on_what_cannot_be_counted() {
    let world = world();
    world.manifest(&["name: P, include: [group: C]"]);
    let plan = "plan m.yaml --max-members-lost";
    world.sandbox(&format!("{plan} 4")).exits(0);
    world.sandbox(&format!("{plan} 3")).exits(4).says(&[
        "guard `reach` tripped: policies lose more devices and users than allowed (saw 4, limit 3)",
        "configurationPolicy P",
        "--allow reach",
    ]);
    world
        .sandbox(&format!("{plan} 3 --allow reach --out accepted.json"))
        .exits(0);
    world.sandbox(&format!("{plan} 3 --out p.json")).exits(4);
    // What a file says of it is not believed.
    world.edit("p.json", |plan| {
        plan["policies"][0]["reach"]["lost"] = json!({"devices": 0, "users": 0});
    });
    world.sandbox("apply p.json --report r.jsonl").exits(4);
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox(&format!("{plan} 100 --members-limit 1"))
        .exits(4)
        .says(&["(saw cannot be judged, limit 100)"]);
    world.write("assignctl.yaml", "guards: {maxMembersLost: 3}\n");
    world.sandbox("plan m.yaml").exits(4).says(&["`reach`"]);
    world.sandbox("drift m.yaml").exits(2).says(&["`reach`"]);
    world
        .sandbox("apply accepted.json --report r.jsonl")
        .exits(0);
    assert_eq!(world.rows("P"), ["+C"]);
}

#[test]
fn a_deleted_group_is_named_with_the_time() {
    let world = world();
    world.manifest(&["name: P, include: [group: A]"]);
    let gone = json!({
        "id": group_id(77),
        "displayName": "SG-Old",
        "deletedDateTime": "2026-11-20T08:12:00Z",
    });
    world.edit("tenant.json", |state| {
        state["deletedGroups"] = json!([gone]);
        let row = &mut policy_mut(state, "P")["assignments"][0];
        row["target"]["groupId"] = json!(group_id(77));
        row["id"] = Value::Null;
    });
    let deleted = format!(
        "- group SG-Old ({}, deleted 2026-11-20 08:12 UTC)",
        group_id(77)
    );
    world
        .sandbox("plan m.yaml --out p.json")
        .exits(0)
        .says(&[&deleted]);
    world.run("show p.json").exits(0).says(&[&deleted]);
    // Without the permission it is one that does not exist, and the plan is the same.
    let digest = world.json("p.json")["digest"].clone();
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
    });
    let told = world.sandbox("plan m.yaml --format json").exits(0).json();
    assert_eq!(told["digest"], digest);
    let missing = format!("- group {} (does not exist)", group_id(77));
    world.sandbox("plan m.yaml").exits(0).says(&[&missing]);
}
