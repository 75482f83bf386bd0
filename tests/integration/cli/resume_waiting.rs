//! `apply --resume` looks at each policy by itself, at those too that another request locked, and says which of the
//! run it leaves out.

use serde_json::{Value, json};

use super::kinds;
use super::support::World;
use super::support::gated::{WHY, decide, decide_on, end, file, gated, lines, requests, three};
use super::support::tenant::{Tenant, group_id, policy_id, policy_mut};

/// Takes the group `B` away, or gives it back.
fn group_b(world: &World, is_there: bool) {
    world.edit("tenant.json", |state| {
        let groups = state["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["displayName"] != "B");
        if is_there {
            groups.push(json!({"id": group_id(2), "displayName": "B"}));
        }
    });
}

/// Assigns a policy to one group, as another run or a person does.
fn assign(world: &World, policy: &str, group: usize) {
    world.edit("tenant.json", |state| {
        policy_mut(state, policy)["assignments"] = json!([{"target": kinds::to_group(group)}]);
    });
}

/// Lets a report be that of a run which was killed before it knew of any answer.
fn killed(world: &World, from: &str, to: &str) {
    let report = world.read(from);
    let announced = report.lines().filter(|line| {
        !line.contains("\"event\":\"policy\"") && !line.contains("\"event\":\"end\"")
    });
    let announced: Vec<&str> = announced.collect();
    world.write(to, &(announced.join("\n") + "\n"));
}

#[test]
fn what_needs_a_group_that_is_gone_is_stale_and_the_others_go_on() {
    let tenant = gated()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &["+A"])
        .policy("S", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: B]",
            "name: R, include: [group: A, group: B]",
            "name: S, include: [group: B]",
        ],
    );
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    group_b(&world, false);
    // Someone has done this one by hand, before the group was deleted.
    assign(&world, "S", 2);
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&[
            "1 applied, 1 already, 2 stale",
            "no longer there: group `B` (",
            "is not sent: withdraw it with `assignctl approvals cancel`",
        ]);
    assert_eq!(world.rows("P"), ["+A"]);
    assert_eq!(world.rows("Q"), [""; 0]);
    for line in lines(&world, "s.jsonl") {
        let is_stale = ["Q", "R"].contains(&line["name"].as_str().expect("a name"));
        assert_eq!(line["outcome"] == "stale", is_stale, "{line}");
        assert_eq!(line["approval"]["code"].is_string(), is_stale, "{line}");
    }
    // Their codes are not lost: the new report resumes as well.
    group_b(&world, true);
    world
        .sandbox("apply --resume s.jsonl --yes")
        .exits(0)
        .says(&["2 applied"]);
    assert_eq!(world.rows("R"), ["+A", "+B"]);
}

/// Of a policy that is half written the newest report says so, and restores it.
#[test]
fn what_is_begun_and_needs_a_group_that_is_gone_can_be_rolled_back() {
    let profiles = "windowsAutopilotDeploymentProfiles";
    let world = profile();
    world.write("m.yaml", "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: P, include: [{group: A}, {group: C}, {group: B}]}\n");
    file(&world, "--report r1.jsonl");
    decide(&world, "approved", None);
    let why = format!("--yes --justification {WHY}");
    world
        .sandbox(&format!("apply --resume r1.jsonl {why} --report r2.jsonl"))
        .exits(8);
    decide_on(&world, 1, "approved", None);
    // Whichever of the two is left.
    let rows = world.json("tenant.json")[profiles][0]["assignments"].to_string();
    let left = [2, 3].map(group_id).into_iter();
    let left: Vec<String> = left.filter(|id| !rows.contains(id)).collect();
    world.edit("tenant.json", |state| {
        let groups = state["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["id"] != *left[0]);
    });
    world
        .sandbox(&format!("apply --resume r2.jsonl {why} --report r3.jsonl"))
        .exits(6)
        .says(&[
            "no longer there",
            "an earlier write to the policy is done, and `assignctl rollback`",
        ]);
    assert_eq!(lines(&world, "r3.jsonl")[0]["written"], true);
    world
        .sandbox("approvals cancel r3.jsonl --yes")
        .exits(0)
        .says(&["withdrawn windowsAutopilotDeploymentProfile P"]);
    world.edit("tenant.json", |state| {
        state["service"]["approval"] = json!({});
    });
    world
        .sandbox("rollback r3.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
    let rows = world.json("tenant.json")[profiles][0]["assignments"].clone();
    assert_eq!(rows.as_array().expect("rows").len(), 1);
}

/// A profile that has the group `A`, whose assignments are written one by one and have to be approved.
fn profile() -> World {
    let profiles = "windowsAutopilotDeploymentProfiles";
    let world = kinds::world(&[(
        profiles,
        json!([{"id": policy_id(1), "displayName": "P",
                "assignments": [{"target": kinds::to_group(1)}]}]),
    )]);
    world.edit("tenant.json", |state| {
        state["service"]["approval"] = json!({"collections": [profiles]});
    });
    world
}

/// They are looked at before their requests are waited for, which a new one takes a minute.
#[test]
fn what_is_as_planned_is_already_whatever_became_of_its_request() {
    let world = three();
    file(&world, "--report r.jsonl");
    killed(&world, "r.jsonl", "killed.jsonl");
    decide(&world, "approved", None);
    // Q by its request, R by hand.
    world
        .sandbox("apply --resume r.jsonl --yes --only Q")
        .exits(0);
    assign(&world, "R", 1);
    world
        .sandbox("apply --resume killed.jsonl --yes --report s.jsonl")
        .exits(0)
        .says(&["1 applied, 2 already"])
        .says_nothing_of("looking for");
    let mut stands: Vec<Value> = requests(&world)
        .iter()
        .map(|request| request["status"].clone())
        .collect();
    stands.sort_by_key(Value::to_string);
    assert_eq!(stands, ["cancelled", "completed", "completed"]);
    world.sandbox("apply --resume s.jsonl --yes").exits(0);
}

#[test]
fn a_rollback_says_what_it_leaves_open() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide_on(&world, 0, "approved", None);
    for (format, expected) in [("text", "Nothing to do"), ("markdown", "warning")] {
        world
            .sandbox(&format!("rollback r.jsonl --yes --format {format}"))
            .exits(0)
            .says(&[
                expected,
                "the run has filed 3 requests for approval that a rollback leaves open: 2 waiting for approval, 1 approved, not yet applied",
                "`assignctl approvals cancel`",
                "`assignctl apply --resume`",
            ]);
    }
    killed(&world, "r.jsonl", "killed.jsonl");
    world
        .sandbox("rollback killed.jsonl --yes --only P")
        .says(&["1 request for approval"]);
    world.sandbox("approvals cancel r.jsonl --yes").exits(0);
    world
        .sandbox("rollback r.jsonl --yes")
        .exits(0)
        .says_nothing_of("open-requests");
}

/// Assignments of policy sets stay out of a body, unless a manifest declares them.
#[test]
fn what_was_filed_beside_assignments_of_a_policy_set_is_sent_as_it_was() {
    let set = "dddddddd-0000-4000-8000-000000000001";
    let row = format!("+C <{set}>");
    let declared = format!("{{group: C, source: policySets, sourceId: {set}}}");
    for include in ["{group: B}".to_owned(), format!("{{group: B}}, {declared}")] {
        let tenant: Tenant = gated().policy("P", &["+A", &row]);
        let entry = format!("name: P, include: [{include}]");
        let world = World::with(&tenant, &[&entry]);
        file(
            &world,
            "--write-with assign --allow removals --report r.jsonl",
        );
        decide(&world, "approved", None);
        world
            .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 1);
        assert_eq!(world.rows("P"), ["+B", &*row]);
    }
}
