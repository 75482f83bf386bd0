//! Only one Autopilot profile can have all devices: whoever gets them waits for who gives them up.

use serde_json::{Value, json};

use super::kinds::{state, to_group, world};
use super::support::World;
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
                "for a moment neither has",
            ]);
            world
                .sandbox(&format!(
                    "apply m.yaml --yes {allowed} {options} --report r.jsonl"
                ))
                .exits(0)
                .says(&["2 applied"]);
            assert_eq!(holders(&world), [to], "{options}");
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
