//! Defects that were found and mended, each with the test that found it.

use super::support::World;
use super::support::tenant::{Tenant, policy_mut};
use serde_json::json;

#[test]
fn a_report_never_replaces_what_the_run_reads() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    for (input, line) in [
        ("plan.json", "apply plan.json --report plan.json"),
        ("m.yaml", "apply m.yaml --yes --report m.yaml"),
        ("m.yaml", "apply . --yes --report ./m.yaml"),
        ("tenant.json", "apply m.yaml --yes --report tenant.json"),
    ] {
        let before = world.read(input);
        world.sandbox(line).exits(64);
        assert_eq!(world.read(input), before, "{line}");
    }
}

#[test]
fn a_stale_plan_has_its_results_as_json() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([]);
    });
    let told = world
        .sandbox("apply plan.json --format json --json-into copy.json")
        .exits(5)
        .json();
    assert_eq!(told["results"]["exitCode"], 5);
    assert_eq!(told["results"]["policies"][0]["outcome"], "stale");
    assert_eq!(told, world.json("copy.json"));
}

#[test]
fn a_saved_plan_shows_its_warnings() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]", "match: 'Zzz*'"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    let ran = world.run("show plan.json").exits(0);
    assert!(
        ran.stderr.contains("warning[match-selects-nothing]"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--> m.yaml:"), "{}", ran.stderr);
}

#[test]
fn a_run_that_may_not_ask_has_its_plan_as_json() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let told = world
        .sandbox("apply m.yaml --format json --json-into copy.json")
        .exits(64)
        .json();
    assert_eq!(told["summary"]["add"], 1);
    assert_eq!(told["results"]["exitCode"], 64);
    assert_eq!(told, world.json("copy.json"));
}

#[test]
fn a_saved_plan_stands_alone() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.sandbox("apply plan.json m.yaml --yes").exits(64);
}

#[test]
fn a_report_never_replaces_what_the_configuration_names() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    for input in ["m.yaml", "assignctl.yaml"] {
        let before = world.read(input);
        world
            .sandbox(&format!("apply --yes --report {input}"))
            .exits(64);
        world
            .sandbox(&format!("plan --json-into {input}"))
            .exits(64);
        assert_eq!(world.read(input), before);
    }
}

#[test]
fn turns_to_write_leave_room_for_the_looks_they_need() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes --read-limit 1/1s")
        .exits(64);
    world
        .sandbox("apply m.yaml --yes --read-limit 2/1s")
        .exits(0)
        .says(&["1 applied"]);
}

#[test]
fn two_outputs_are_two_files() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes --report x.json --json-into x.json")
        .exits(64);
    world
        .sandbox("plan m.yaml --out x.json --json-into x.json")
        .exits(64);
}
