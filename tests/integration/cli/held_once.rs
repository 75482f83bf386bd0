//! Only one Autopilot profile can have all devices: whoever gets them waits for who gives them up.

use serde_json::{Value, json};

use super::kinds::{state, to_group, world};
use super::support::World;
use super::support::gated::{WHY, decide_on, lines, requests};
use super::support::tenant::policy_id;

const SEGMENT: &str = "windowsAutopilotDeploymentProfiles";

fn everywhere() -> Value {
    json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"})
}

/// The profiles `A`, `B` and `C`, of which the one with this number has all devices, and the others a group.
fn profiles(holder: usize) -> World {
    let profile = |(number, name): (usize, &str)| {
        let target = match number == holder {
            true => everywhere(),
            false => to_group(number),
        };
        json!({"id": policy_id(number), "displayName": name, "assignments": [{"target": target}],
               "@odata.type": "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile"})
    };
    let all: Vec<Value> = (1..).zip(["A", "B", "C"]).map(profile).collect();
    world(&[(SEGMENT, json!(all))])
}

fn entries(world: &World, entries: &[(&str, &str)]) {
    let entries: Vec<String> = entries
        .iter()
        .map(|(selector, targets)| {
            format!("  - {{kind: windowsAutopilotDeploymentProfile, {selector}, include: [{targets}]}}\n")
        })
        .collect();
    world.write(
        "m.yaml",
        &format!("version: 1\npolicies:\n{}", entries.concat()),
    );
}

/// Who has all devices.
fn holders(world: &World) -> Vec<String> {
    let state = state(world);
    let all = state[SEGMENT].as_array().expect("a list").iter();
    let has = |profile: &&Value| {
        let rows = profile["assignments"].as_array().expect("a list");
        rows.iter()
            .any(|row| row["target"]["@odata.type"] == everywhere()["@odata.type"])
    };
    all.filter(has)
        .map(|profile| profile["displayName"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn all_devices_move_whichever_profile_comes_first() {
    for (holder, from, to) in [(1, "A", "C"), (3, "C", "A")] {
        for options in ["", "--concurrency 1", "--fail-fast"] {
            let world = profiles(holder);
            entries(
                &world,
                &[
                    (&format!("name: {from}"), "{group: B}"),
                    (&format!("name: {to}"), "allDevices"),
                ],
            );
            let allowed = "--allow broad-target";
            world.sandbox(&format!("plan m.yaml {allowed}")).exits(0).says(&[
                "warning[replaced-one-by-one]: `allDevices` is taken from windowsAutopilotDeploymentProfile",
                "for a moment neither has it",
            ]);
            world
                .sandbox(&format!(
                    "apply m.yaml --yes {allowed} {options} --report r.jsonl"
                ))
                .exits(0)
                .says(&["2 applied"]);
            assert_eq!(holders(&world), [to], "{options}");
            // A rollback warns of the same moment, saved or not.
            for line in ["rollback r.jsonl --out p.json", "rollback r.jsonl"] {
                world.sandbox(line).says(&[
                    "warning[replaced-one-by-one]",
                    "for a moment neither has it",
                ]);
            }
            world
                .sandbox(&format!("rollback r.jsonl --yes {options}"))
                .exits(0)
                .says(&["2 applied"]);
            assert_eq!(holders(&world), [from], "{options}");
        }
    }
}

#[test]
fn two_profiles_cannot_have_all_devices() {
    const CODE: &str = "error[target-held-once]: only one windowsAutopilotDeploymentProfile can have `allDevices`, and";
    let world = profiles(2);
    // Another one has it, and keeps it: it is in no manifest, adds only, or is left out of this run.
    for (others, options) in [
        (vec![], ""),
        (vec![("name: B, mode: additive", "{group: A}")], ""),
        (vec![("name: B", "{group: A}")], "--exclude B"),
    ] {
        let mut all = others;
        all.push(("name: C", "allDevices"));
        entries(&world, &all);
        world.run("validate m.yaml").exits(0);
        world
            .sandbox(&format!("plan m.yaml {options}"))
            .exits(3)
            .says(&[CODE, "`B`", "has it", &format!("m.yaml:{}", all.len() + 2)]);
    }
    // Two are to get it, which a name does not show if it is a glob or an id.
    entries(
        &world,
        &[("name: A", "allDevices"), ("name: C", "allDevices")],
    );
    world
        .run("validate m.yaml")
        .exits(3)
        .says(&[CODE, "m.yaml:3", "m.yaml:4"]);
    let id = format!("id: {}", policy_id(3));
    entries(
        &world,
        &[
            ("name: A", "allDevices"),
            (&id, "allDevices"),
            ("name: B", "{group: A}"),
        ],
    );
    world.run("validate m.yaml").exits(0);
    world
        .sandbox("plan m.yaml")
        .exits(3)
        .says(&[CODE, "both", "m.yaml:3", "m.yaml:4"]);
    // What is so already is no fault, and an export can be planned.
    world.sandbox("export --out exported").exits(0);
    world
        .sandbox("plan exported")
        .exits(0)
        .says(&["Nothing to do"]);
}

/// What one is to get that another one has now is not sent, and no plan of a rollback says that it could be.
#[test]
fn a_rollback_leaves_alone_what_another_profile_has_now() {
    let world = profiles(1);
    entries(
        &world,
        &[("name: A", "{group: B}"), ("name: B", "{group: A}")],
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&["2 applied"]);
    world.edit("tenant.json", |state| {
        state[SEGMENT][2]["assignments"] = json!([{"target": everywhere()}]);
    });
    let said = format!(
        "warning[not-rolled-back]: windowsAutopilotDeploymentProfile `A` is left alone: only one windowsAutopilotDeploymentProfile can have `allDevices`, and windowsAutopilotDeploymentProfile `C` ({}) has it",
        policy_id(3)
    );
    let saved = world
        .sandbox("rollback r.jsonl --out p.json --format json")
        .exits(6)
        .says(&[&said])
        .says_nothing_of("for a moment neither has it");
    assert_eq!(saved.json()["summary"]["changed"], 1);
    world
        .sandbox("rollback r.jsonl --yes --report back.jsonl")
        .exits(6)
        .says(&[&said, "1 applied, 1 skipped"]);
    assert_eq!(holders(&world), ["C"]);
    assert_eq!(
        lines(&world, "back.jsonl")[0]["error"]["code"],
        "targetHeld"
    );
    // Once it is free, the same report restores it.
    world.edit("tenant.json", |state| {
        state[SEGMENT][2]["assignments"] = json!([]);
    });
    world.sandbox("rollback r.jsonl --yes").exits(0);
    assert_eq!(holders(&world), ["A"]);
}

#[test]
fn a_rollback_warns_of_what_is_replaced_one_by_one() {
    let world = profiles(3);
    world.edit("tenant.json", |state| {
        let mut excluded = to_group(1);
        excluded["@odata.type"] = json!("#microsoft.graph.exclusionGroupAssignmentTarget");
        let rows = state[SEGMENT][0]["assignments"].as_array_mut();
        rows.expect("a list")
            .extend([json!({"target": to_group(2)})]);
        state[SEGMENT][0]["assignments"][0] = json!({"target": excluded});
    });
    entries(&world, &[("name: A", "{group: A}, {group: B}")]);
    let said = ["warning[replaced-one-by-one]: assignments of `A` are deleted before others"];
    world
        .sandbox("apply m.yaml --yes --allow exclusion-lost --report r.jsonl")
        .exits(0)
        .says(&said);
    world
        .sandbox("rollback r.jsonl --out p.json")
        .exits(0)
        .says(&said);
    world.sandbox("rollback r.jsonl --yes").exits(0).says(&said);
}

/// The plan was saved when no one had it.
#[test]
fn what_another_profile_has_since_a_plan_was_saved_is_not_sent() {
    let world = profiles(0);
    entries(&world, &[("name: B", "allDevices")]);
    world
        .sandbox("plan m.yaml --allow broad-target --out p.json")
        .exits(0);
    world.edit("tenant.json", |state| {
        state[SEGMENT][0]["assignments"] = json!([{"target": everywhere()}]);
    });
    world
        .sandbox("apply p.json --report r.jsonl")
        .exits(6)
        .says(&[
            &format!(
                "only one windowsAutopilotDeploymentProfile can have `allDevices`, and `A` ({}) has it; nothing was sent",
                policy_id(1)
            ),
            "1 skipped",
        ]);
    assert_eq!(lines(&world, "r.jsonl")[0]["error"]["code"], "targetHeld");
    assert_eq!(holders(&world), ["A"]);
}

/// The profile `A` has all devices, which `B` is to get, and every change has to be approved.
fn gated_move() -> World {
    let world = profiles(1);
    world.edit("tenant.json", |state| {
        state["service"]["approval"] = json!({"collections": [SEGMENT]});
    });
    entries(
        &world,
        &[("name: B", "allDevices"), ("name: A", "{group: B}")],
    );
    world
}

fn apply_gated(world: &World, what: &str, report: &str) -> super::support::Ran {
    world.sandbox(&format!(
        "apply {what} --yes --allow broad-target --justification {WHY} --report {report}"
    ))
}

#[test]
fn who_gets_all_devices_files_nothing_until_who_has_them_gave_them_up() {
    let world = gated_move();
    apply_gated(&world, "m.yaml", "r0.jsonl").exits(8).says(&[
        &format!(
            "only one windowsAutopilotDeploymentProfile can have `allDevices`, and `A` ({}) gives it up once its own change is approved and sent; nothing was sent",
            policy_id(1)
        ),
        "2 pending",
    ]);
    let filed = requests(&world);
    assert_eq!(filed.len(), 1, "{filed:#?}");
    // Applied again, it waits as well.
    apply_gated(&world, "m.yaml", "again.jsonl").exits(8);
    assert_eq!(requests(&world).len(), 1);
    // Each report leads on, until all is done; each write is filed once, and none is in vain.
    let mut number = 0;
    loop {
        decide_on(&world, requests(&world).len() - 1, "approved", None);
        let [from, to] = [number, number + 1].map(|number| format!("r{number}.jsonl"));
        let ran = apply_gated(&world, &format!("--resume {from}"), &to);
        number += 1;
        assert!(number < 8, "no end of it");
        if lines(&world, &to)
            .iter()
            .all(|line| line["outcome"] != "pending")
        {
            ran.exits(0);
            break;
        }
        ran.exits(8);
    }
    assert_eq!(holders(&world), ["B"]);
    let completed = requests(&world);
    assert_eq!(completed.len(), 4);
    assert!(
        completed
            .iter()
            .all(|request| request["status"] == "completed")
    );
    world.sandbox("plan m.yaml --detailed-exitcode").exits(0);
}

#[test]
fn who_gets_all_devices_is_skipped_where_they_were_not_given_up() {
    let world = gated_move();
    apply_gated(&world, "m.yaml", "r.jsonl").exits(8);
    decide_on(&world, 0, "rejected", None);
    apply_gated(&world, "--resume r.jsonl", "s.jsonl")
        .exits(6)
        .says(&[
            "approvalRejected",
            &format!(
                "and `A` ({}) was to give it up first and still has it; nothing was sent",
                policy_id(1)
            ),
            "1 failed, 1 skipped",
        ]);
    assert_eq!(requests(&world).len(), 1);
    // Another run files again, and waits as the first did.
    apply_gated(&world, "m.yaml", "t.jsonl")
        .exits(8)
        .says(&["2 pending"]);
    assert_eq!(requests(&world).len(), 2);
    // Resumed alone, it waits on for the other's change.
    apply_gated(&world, "--resume t.jsonl --only B", "u.jsonl").exits(8);
    assert_eq!(requests(&world).len(), 2);
    assert_eq!(holders(&world), ["A"]);
}

/// Also with a report that does not have the one that gives them up.
#[test]
fn who_gets_all_devices_and_is_resumed_alone_waits_on() {
    let world = gated_move();
    apply_gated(&world, "m.yaml", "r.jsonl").exits(8);
    let waits = format!(
        "and `A` ({}) gives it up once its own change is approved and sent, which is not part of this run; nothing was sent",
        policy_id(1)
    );
    for (from, to) in [
        ("r.jsonl --only B", "s"),
        ("s.jsonl", "t"),
        ("t.jsonl", "u"),
    ] {
        apply_gated(&world, &format!("--resume {from}"), &format!("{to}.jsonl"))
            .exits(8)
            .says(&[&waits, "1 pending"]);
    }
    assert_eq!(requests(&world).len(), 1);
    // The one that has them does its part with its own report.
    decide_on(&world, 0, "approved", None);
    apply_gated(&world, "--resume r.jsonl --only A", "a.jsonl").exits(8);
    decide_on(&world, 1, "approved", None);
    apply_gated(&world, "--resume a.jsonl", "b.jsonl").exits(0);
    assert_eq!(holders(&world), [""; 0]);
    apply_gated(&world, "--resume u.jsonl", "v.jsonl").exits(8);
    decide_on(&world, 2, "approved", None);
    // The group that it gives up for them.
    apply_gated(&world, "--resume v.jsonl", "w.jsonl").exits(8);
    decide_on(&world, 3, "approved", None);
    apply_gated(&world, "--resume w.jsonl", "x.jsonl").exits(0);
    assert_eq!(holders(&world), ["B"]);
}

/// As long as a report goes on with the one that has all devices, it does with the one that gets them.
#[test]
fn who_gets_all_devices_waits_for_what_lacks_a_justification() {
    let world = gated_move();
    let resume = |from: &str, why: &str, to: &str| {
        world.sandbox(&format!(
            "apply --resume {from}.jsonl --yes {why} --report {to}.jsonl"
        ))
    };
    let said = "gives it up once its own change is approved and sent; nothing was sent";
    world
        .sandbox("apply m.yaml --yes --allow broad-target --report q.jsonl")
        .exits(6)
        .says(&["approvalRequired", said, "1 pending, 1 failed"]);
    let why = format!("--justification {WHY}");
    resume("q", &why, "r").exits(8).says(&["2 pending"]);
    decide_on(&world, 0, "approved", None);
    resume("r", "", "s")
        .exits(6)
        .says(&["approvalRequired", said, "1 pending, 1 failed"]);
    resume("s", &why, "t").exits(8).says(&["2 pending"]);
    decide_on(&world, 1, "approved", None);
    resume("t", &why, "u")
        .exits(8)
        .says(&["1 applied, 1 pending"]);
}

/// The group that the one which has all devices is to get instead is gone: what was filed is kept for both.
#[test]
fn who_gets_all_devices_waits_for_what_is_set_aside() {
    let world = gated_move();
    apply_gated(&world, "m.yaml", "r.jsonl").exits(8);
    let tenant = world.read("tenant.json");
    world.edit("tenant.json", |state| {
        let groups = state["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["displayName"] != "B");
    });
    apply_gated(&world, "--resume r.jsonl", "s.jsonl")
        .exits(6)
        .says(&["1 pending, 1 stale"]);
    world.write("tenant.json", &tenant);
    apply_gated(&world, "--resume s.jsonl", "t.jsonl")
        .exits(8)
        .says(&["2 pending"]);
}
