//! `drift --since`: what was changed in the tenant, and what was not applied from git.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{TENANT_ID, Tenant, group_id, policy_mut};

/// A tenant of five policies, of which an apply changed `A`, `B` and `C` and found `D` and `E` in
/// order; its report is `r.jsonl`.
fn applied() -> World {
    let tenant = Tenant::common()
        .policy("A", &[])
        .policy("B", &[])
        .policy("C", &[])
        .policy("D", &["+A"])
        .policy("E", &["+A"])
        .policy("New", &[]);
    let world = World::with(&tenant, &["match: '?', include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world
}

/// Takes all assignments of a policy away, as someone in the portal does.
fn by_hand(world: &World, name: &str) {
    world.edit("tenant.json", |state| {
        policy_mut(state, name)["assignments"] = json!([]);
    });
}

/// Returns the causes of all policies that are not as the manifests say.
#[track_caller]
fn causes(world: &World, flags: &str) -> Vec<(String, String)> {
    let told = world
        .sandbox(&format!(
            "drift m.yaml --since r.jsonl --format json {flags}"
        ))
        .exits(2)
        .json();
    let policies = told["policies"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    policies
        .iter()
        .map(|policy| (text(&policy["name"]), text(&policy["cause"])))
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(name, cause)| ((*name).to_owned(), (*cause).to_owned()))
        .collect()
}

/// Someone changed two policies by hand, someone else changed manifests.
fn changed_on_both_sides() -> World {
    let world = applied();
    by_hand(&world, "A");
    by_hand(&world, "B");
    by_hand(&world, "D");
    world.manifest(&[
        "name: A, include: [group: A]",
        "name: B, include: [group: B]",
        "name: C, include: [group: B]",
        "name: D, include: [group: A]",
        "name: E, include: [group: B]",
        "name: New, include: [group: A]",
    ]);
    world
}

#[test]
fn nothing_happened() {
    let world = applied();
    world
        .sandbox("drift m.yaml --since r.jsonl")
        .exits(0)
        .says(&["Nothing to do", "Since `r.jsonl`: nothing to explain."]);
}

#[test]
fn drift_is_told_from_manifests_that_were_not_applied() {
    let world = changed_on_both_sides();
    assert_eq!(
        causes(&world, ""),
        pairs(&[
            ("A", "drift"),
            ("B", "both"),
            ("C", "unapplied"),
            ("D", "drift"),
            ("E", "unapplied"),
            ("New", "unapplied"),
        ])
    );
    let drift = world
        .sandbox("drift m.yaml --since r.jsonl --format json --json-into d.json")
        .exits(2)
        .json();
    let began = drift["since"]["began"].clone();
    assert!(began.is_string(), "{drift}");
    assert_eq!(
        drift["since"],
        json!({"report": "r.jsonl", "began": began, "drift": 2, "both": 1, "unapplied": 3, "unknown": 0})
    );
    world
        .sandbox("drift m.yaml --since r.jsonl")
        .exits(2)
        .matches("since/text");
    world
        .sandbox("drift m.yaml --since r.jsonl --summary")
        .exits(2)
        .says(&["configurationPolicy A  changed by hand\n"]);
    world
        .sandbox("drift m.yaml --since r.jsonl --format markdown --summary")
        .exits(2)
        .matches("since/markdown");
    world
        .sandbox("drift m.yaml --since r.jsonl --format github")
        .exits(2)
        .matches("since/github");
    // What was told as JSON can be shown later.
    world.run("show d.json --format markdown").exits(0).says(&[
        "2 changed by hand",
        "| changed both by hand and in the manifests |",
    ]);
    // A plan is expected to come from the manifests, and marks what does not.
    world
        .sandbox("plan m.yaml --since r.jsonl")
        .exits(0)
        .says(&["changed by hand, not by the manifests"])
        .says_nothing_of("  not applied yet\n");
}

/// A policy that was made since the run was made by hand; that it is not as the manifests say was not left by the run.
#[test]
fn what_was_made_since_was_made_by_hand() {
    let world = applied();
    world.edit("tenant.json", |state| {
        let mut made = policy_mut(state, "A").clone();
        made["id"] = json!("aaaaaaaa-0000-4000-8000-000000000098");
        made["name"] = json!("Z");
        made["assignments"] = json!([{"target": {
            "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
        // Made again under its old name.
        policy_mut(state, "E")["id"] = json!("aaaaaaaa-0000-4000-8000-000000000099");
        policy_mut(state, "E")["assignments"] = json!([]);
        let policies = state["configurationPolicies"].as_array_mut();
        policies.expect("policies").push(made);
    });
    // What was there and not managed is not applied yet.
    world.manifest(&[
        "match: '?', include: [group: A]",
        "name: New, include: [group: A]",
    ]);
    let expected = [("E", "drift"), ("New", "unapplied"), ("Z", "drift")];
    assert_eq!(causes(&world, ""), pairs(&expected));
    world
        .sandbox("plan m.yaml --since r.jsonl --only Z")
        .exits(0)
        .says(&["changed by hand, not by the manifests"]);
    // A report that does not say what else was there cannot tell.
    let report = world.read("r.jsonl");
    let (start, rest) = report.split_once('\n').expect("lines");
    let mut start: Value = serde_json::from_str(start).expect("JSON");
    start
        .as_object_mut()
        .expect("an object")
        .remove("unmanaged");
    world.write("r.jsonl", &format!("{start}\n{rest}"));
    let expected = [("E", "unknown"), ("New", "unknown"), ("Z", "unknown")];
    assert_eq!(causes(&world, ""), pairs(&expected));
}

#[test]
fn without_a_report_nobody_is_blamed() {
    let world = changed_on_both_sides();
    let told = world.sandbox("drift m.yaml --format json").exits(2).json();
    assert_eq!(told.get("since"), None);
    assert_eq!(told["policies"][0].get("cause"), None);
}

#[test]
fn a_saved_plan_leads_to_a_report_that_tells_as_much() {
    let tenant = Tenant::common().policy("A", &[]).policy("D", &["+A"]);
    let world = World::with(&tenant, &["match: '?', include: [group: A]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.sandbox("apply plan.json --report r.jsonl").exits(0);
    by_hand(&world, "D");
    assert_eq!(causes(&world, ""), pairs(&[("D", "drift")]));
    world.manifest(&["match: '?', include: [group: B]"]);
    assert_eq!(
        causes(&world, ""),
        pairs(&[("A", "unapplied"), ("D", "both")])
    );
}

#[test]
fn the_report_of_a_killed_run_will_do() {
    let world = changed_on_both_sides();
    let text = world.read("r.jsonl");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let sending = |id: &str| {
        let has = |line: &&&str| line.contains("\"sending\"") && line.contains(id);
        lines.iter().position(|line| has(&line)).expect("a line")
    };
    // Cut after the first policy was announced, and in the middle of the next line.
    let first = (1..4)
        .map(|number| sending(&super::support::tenant::policy_id(number)))
        .min()
        .expect("three");
    let next = lines[first + 1];
    world.write(
        "r.jsonl",
        &format!("{}{}", lines[..=first].concat(), &next[..next.len() / 2]),
    );
    // As the run found them, all three had no assignments: no one knows whether that was drift.
    by_hand(&world, "C");
    let told = causes(&world, "");
    let of = |name: &str| {
        let found = told.iter().find(|(known, _)| known == name);
        found.expect("it differs").1.clone()
    };
    for name in ["A", "B", "C"] {
        assert_eq!(of(name), "unknown", "{told:?}");
    }
    assert_eq!(of("D"), "drift");
    assert_eq!(of("E"), "unapplied");
}

/// What a run found, wanted to change and did not change may be drift that it was to undo.
#[track_caller]
fn tells_nothing_of_what_it_found(world: &World) {
    world.manifest(&["match: '?', include: [group: A]"]);
    assert_eq!(causes(world, ""), pairs(&[("A", "unknown")]));
    // What it found in order is another matter.
    by_hand(world, "E");
    assert_eq!(
        causes(world, ""),
        pairs(&[("A", "unknown"), ("E", "drift")])
    );
    world.manifest(&[
        "name: A, include: [group: A]",
        "name: D, include: [group: B]",
    ]);
    assert_eq!(
        causes(world, ""),
        pairs(&[("A", "unknown"), ("D", "unapplied")])
    );
}

#[test]
fn a_run_that_a_guard_refused_does_not_make_drift_its_own() {
    let world = applied();
    by_hand(&world, "A");
    world.manifest(&["match: '?', include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes --max-policies 0 --report r.jsonl")
        .exits(4);
    tells_nothing_of_what_it_found(&world);
}

#[test]
fn nor_does_one_whose_plan_was_not_the_reviewed_one() {
    let world = applied();
    by_hand(&world, "A");
    let digest = format!("sha256:{}", "0".repeat(64));
    world
        .sandbox(&format!(
            "apply m.yaml --yes --expect-digest {digest} --report r.jsonl"
        ))
        .exits(5);
    tells_nothing_of_what_it_found(&world);
}

#[test]
fn nor_does_one_that_nobody_approved() {
    let world = applied();
    by_hand(&world, "A");
    world.sandbox("apply m.yaml --report r.jsonl").exits(64);
    tells_nothing_of_what_it_found(&world);
}

#[test]
fn nor_does_one_whose_saved_plan_no_longer_fits() {
    let world = applied();
    by_hand(&world, "A");
    by_hand(&world, "B");
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    let state = world.json("tenant.json");
    world.edit("tenant.json", |state| {
        let rows = &mut policy_mut(state, "B")["assignments"];
        *rows = json!([{"target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(3)
        }}]);
    });
    // `A` is skipped, `B` is stale.
    world.sandbox("apply plan.json --report r.jsonl").exits(5);
    let both = pairs(&[("A", "unknown"), ("B", "unknown")]);
    assert_eq!(causes(&world, ""), both);
    world.edit("tenant.json", |now| *now = state.clone());
    assert_eq!(causes(&world, ""), both);
}

#[test]
fn a_run_that_never_had_a_plan_cannot_be_compared_with() {
    let world = applied();
    world.manifest(&["name: A, include: [group: Nobody]"]);
    world
        .sandbox("apply m.yaml --yes --report never.jsonl")
        .exits(3);
    world.manifest(&["match: '?', include: [group: A]"]);
    world
        .sandbox("drift m.yaml --since never.jsonl")
        .exits(1)
        .says(&[
            "`never.jsonl` cannot be used: its run ended before it had a plan",
            "hint: use the report of the last apply that was carried out",
        ]);
    // There is no way back to go either, from whatever tenant.
    world.sandbox("rollback never.jsonl").exits(0);
}

#[test]
fn a_policy_whose_write_was_refused_is_as_it_was_found() {
    let tenant = Tenant::common()
        .group("Gone")
        .switch("refuseMissingGroups", json!(true))
        .policy("A", &["+Gone"]);
    let world = World::with(
        &tenant,
        &["name: A, include: [group: Gone, group: B, group: C]"],
    );
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    let groups = world.json("tenant.json")["groups"].clone();
    world.edit("tenant.json", |state| {
        state["groups"].as_array_mut().expect("a list").pop();
    });
    world.sandbox("apply plan.json --report r.jsonl").exits(6);
    world.edit("tenant.json", |state| state["groups"] = groups.clone());
    assert_eq!(causes(&world, ""), pairs(&[("A", "unknown")]));
}

#[test]
fn a_partial_run_does_not_know_of_the_others() {
    let world = applied();
    world
        .sandbox("apply m.yaml --only A --report r.jsonl")
        .exits(0);
    by_hand(&world, "A");
    by_hand(&world, "B");
    assert_eq!(
        causes(&world, ""),
        pairs(&[("A", "drift"), ("B", "unknown")])
    );
}

/// In a folder the runs before complete what it does not say.
#[test]
fn of_a_folder_a_partial_run_is_completed_by_those_before() {
    let world = applied();
    world.write("reports/1.jsonl", &world.read("r.jsonl"));
    by_hand(&world, "A");
    world
        .sandbox("apply m.yaml --only A --yes --report reports/2.jsonl")
        .exits(0);
    world
        .sandbox("rollback reports/2.jsonl --yes --report reports/3.jsonl")
        .exits(0);
    by_hand(&world, "B");
    world.edit("tenant.json", |state| {
        let mut new = policy_mut(state, "E").clone();
        new["id"] = "cccccccc-0000-4000-8000-00000000000a".into();
        new["name"] = "Made".into();
        state["configurationPolicies"]
            .as_array_mut()
            .expect("a list")
            .push(new);
    });
    let ran = world
        .sandbox("drift m.yaml --since reports --format json")
        .exits(2);
    let told = ran.json();
    let policies = told["policies"].as_array().expect("a list").iter();
    let causes: Vec<String> = policies
        .map(|policy| format!("{} {}", policy["name"], policy["cause"]).replace('"', ""))
        .collect();
    assert_eq!(causes, ["A unapplied", "B drift"], "{told:#}");
    assert!(ran.stdout.contains("Made"), "{told:#}");
}

#[test]
fn a_report_of_old_without_what_was_found_tells_of_what_was_written() {
    let world = applied();
    let text = world.read("r.jsonl");
    let (start, rest) = text.split_once('\n').expect("lines");
    let mut start: Value = serde_json::from_str(start).expect("JSON");
    start.as_object_mut().expect("an object").remove("managed");
    world.write("r.jsonl", &format!("{start}\n{rest}"));
    by_hand(&world, "A");
    by_hand(&world, "D");
    let known = pairs(&[("A", "drift"), ("D", "unknown")]);
    assert_eq!(causes(&world, ""), known);
    // Without what differed, no one knows what was found in order.
    let mut start: Value =
        serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    start.as_object_mut().expect("an object").remove("pending");
    world.write("r.jsonl", &format!("{start}\n{rest}"));
    assert_eq!(causes(&world, ""), known);
}

#[test]
fn what_is_no_report_of_this_tenant_is_refused() {
    let world = applied();
    let report = world.read("r.jsonl");
    for text in ["", "{}", "no", "{\"event\":\"policy\"}\n"] {
        world.write("r.jsonl", text);
        world
            .sandbox("drift m.yaml --since r.jsonl")
            .exits(1)
            .says(&["`r.jsonl` cannot be used", "apply --report"]);
    }
    world.sandbox("drift m.yaml --since gone.jsonl").exits(1);
    world.write("r.jsonl", &report.replace("\"1.0\"", "\"2.0\""));
    world
        .sandbox("drift m.yaml --since r.jsonl")
        .exits(1)
        .says(&["format version `2.0`"]);
    let other = "99999999-2222-4333-8444-555555555555";
    world.write("r.jsonl", &report.replace(TENANT_ID, other));
    world
        .sandbox("drift m.yaml --since r.jsonl --format markdown")
        .exits(1)
        .says(&["**Error:** <code>the report is for tenant", other]);
    // It is read, and not written over.
    world
        .sandbox("drift m.yaml --since r.jsonl --json-into r.jsonl")
        .exits(64);
}
