//! `apply --resume` looks at each policy by itself, at those too that another request locked, and says which of the
//! run it leaves out.

use serde_json::{Value, json};

use super::kinds;
use super::support::World;
use super::support::gated::{
    WHY, decide, decide_on, end, file, gated, lines, one, requests, set, three, ungate,
};
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
            "is not sent: withdraw it with `assignctl approvals cancel REPORT`",
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

/// The plan that was shown stays as it is, and every policy has its result in its place.
#[test]
fn what_is_set_aside_keeps_its_place_in_the_plan() {
    let tenant = ["P", "Q", "R"]
        .into_iter()
        .fold(gated(), |tenant, name| tenant.policy(name, &[]));
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: A]",
            "name: R, include: [group: B]",
        ],
    );
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    group_b(&world, false);
    let run = world
        .sandbox("apply --resume r.jsonl --yes --format json")
        .exits(6);
    let json = run.json();
    assert_eq!(json["summary"]["changed"], 3);
    let outcomes = |list: &Value| {
        let policies = list.as_array().expect("a list").iter();
        let outcomes = policies.map(|policy| (policy["name"].clone(), policy["outcome"].clone()));
        outcomes.collect::<Vec<_>>()
    };
    let expected = [("P", "stale"), ("Q", "applied"), ("R", "stale")];
    let expected = expected.map(|(name, outcome)| (json!(name), json!(outcome)));
    assert_eq!(outcomes(&json["results"]["policies"]), expected);
    assert_eq!(json["policies"].as_array().map(Vec::len), Some(3));
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
            "an earlier write to the policy is done, and `assignctl rollback REPORT`",
        ]);
    assert_eq!(lines(&world, "r3.jsonl")[0]["written"], true);
    world
        .sandbox("approvals cancel r3.jsonl --yes")
        .exits(0)
        .says(&["withdrawn windowsAutopilotDeploymentProfile P"]);
    ungate(&world);
    world
        .sandbox("rollback r3.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
    let rows = world.json("tenant.json")[profiles][0]["assignments"].clone();
    assert_eq!(rows.as_array().expect("rows").len(), 1);
}

/// However many runs resume it, and whatever they come to.
#[test]
fn what_an_earlier_run_has_begun_can_be_rolled_back_with_every_later_report() {
    const HALF: &str = "1 of 2 writes to the policy is done";
    let profiles = "windowsAutopilotDeploymentProfiles";
    let world = profile();
    world.write("m.yaml", "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: P, include: [{group: A}, {group: C}, {group: B}]}\n");
    let why = format!("--justification {WHY}");
    let resume = |from: &str, to: &str, why: &str| {
        world.sandbox(&format!(
            "apply --resume {from}.jsonl --yes {why} --report {to}.jsonl"
        ))
    };
    // Rolls a copy of the tenant back, in which nothing has to be approved.
    let is_restored = |report: &str| {
        let tenant = world.read("tenant.json");
        ungate(&world);
        let ran = world.sandbox(&format!("rollback {report}.jsonl --yes"));
        ran.exits(0).says(&["1 applied"]);
        let rows = world.json("tenant.json")[profiles][0]["assignments"].clone();
        assert_eq!(rows.as_array().expect("rows").len(), 1, "{report}");
        world.write("tenant.json", &tenant);
    };
    file(&world, "--report r1.jsonl");
    decide(&world, "approved", None);
    resume("r1", "r2", "")
        .exits(6)
        .says(&["approvalRequired", HALF]);
    resume("r2", "r3", &why)
        .exits(8)
        .says(&["an earlier write to the policy is done"]);
    resume("r3", "r4", "").exits(8);
    killed(&world, "r4.jsonl", "killed.jsonl");
    let waits = world.read("tenant.json");
    decide_on(&world, 1, "rejected", None);
    resume("r4", "rejected", "")
        .exits(6)
        .says(&["approvalRejected", HALF]);
    for report in ["r2", "r3", "r4", "killed", "rejected"] {
        is_restored(report);
    }
    for report in ["r2", "r3", "r4", "rejected"] {
        assert_eq!(
            lines(&world, &format!("{report}.jsonl"))[0]["written"],
            true
        );
    }
    // Someone does the rest by hand, or all else.
    world.write("tenant.json", &waits);
    world.edit("tenant.json", |state| {
        let rows = [1, 2, 3].map(|number| json!({"target": kinds::to_group(number)}));
        state[profiles][0]["assignments"] = json!(rows);
    });
    resume("r4", "already", "").exits(0).says(&["1 already"]);
    is_restored("already");
    world.write("tenant.json", &waits);
    world.edit("tenant.json", |state| {
        state[profiles][0]["assignments"] = json!([]);
    });
    resume("r4", "moved", "").exits(6).says(&["1 stale"]);
    world
        .sandbox("rollback moved.jsonl --yes")
        .exits(6)
        .says(&["1 skipped"]);
}

/// With `--only` what failed of other policies is neither in the result nor in the report; the older report has it.
#[test]
fn a_part_is_resumed_by_itself() {
    let tenant = gated().policy("P", &[]).policy("Q", &[]);
    let world = World::with(&tenant, &["match: '?', include: [group: A, group: B]"]);
    file(&world, "--write-with create --report r1.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox(&format!(
            "apply --resume r1.jsonl --yes --justification {WHY} --report r2.jsonl"
        ))
        .exits(8);
    let q = policy_id(2);
    world.edit("tenant.json", |state| {
        let requests = state["operationApprovalRequests"].as_array_mut();
        for request in requests.expect("requests").iter_mut().skip(2) {
            let status = match request.to_string().contains(&q) {
                true => "rejected",
                false => "approved",
            };
            request["status"] = json!(status);
        }
    });
    world
        .sandbox("apply --resume r2.jsonl --yes --report r3.jsonl")
        .exits(6)
        .says(&["1 applied, 1 failed"]);
    // Nothing of Q is resumed any more, and it stays in the newest report.
    world
        .sandbox("apply --resume r3.jsonl --yes --report r4.jsonl")
        .exits(6);
    assert_eq!(lines(&world, "r4.jsonl")[0]["written"], true);
    world
        .sandbox("apply --resume r2.jsonl --only P --yes --report r5.jsonl")
        .exits(0)
        .says(&["1 already", "excludes 1 managed policy"]);
    assert!(!world.read("r5.jsonl").contains(&q));
}

/// Also where an older report is resumed once more, which does not know what was written since.
#[test]
fn what_is_begun_is_known_to_a_second_resume_of_the_same_report() {
    let world = profile();
    world.write("m.yaml", "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: P, include: [{group: B}], exclude: [{group: A}]}\n");
    let resume = |from: &str, to: &str| {
        world.sandbox(&format!(
            "apply --resume {from}.jsonl --yes --justification {WHY} --report {to}.jsonl"
        ))
    };
    file(&world, "--report r1.jsonl");
    decide(&world, "approved", None);
    resume("r1", "r2").exits(8);
    resume("r1", "r3")
        .exits(8)
        .says(&["an earlier write to the policy is done", "2 writes"]);
    decide_on(&world, 1, "rejected", None);
    resume("r3", "r4").exits(6).says(&["deleted to make room"]);
    for report in ["r2", "r3", "r4"] {
        let name = format!("{report}.jsonl");
        assert_eq!(lines(&world, &name)[0]["written"], true, "{report}");
    }
    ungate(&world);
    world
        .sandbox("rollback r4.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
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

#[test]
fn what_another_request_locks_is_looked_at_and_filed_once_that_is_closed() {
    let world = one();
    file(&world, "--report r.jsonl");
    world.manifest(&["name: P, include: [group: B]"]);
    file(&world, "--report s.jsonl");
    let code = requests(&world)[0]["id"].clone();
    let code = code.as_str().expect("a code");
    // The request that locks is named wherever the report is looked at.
    world.run("show s.jsonl").exits(0).says(&[
        "pending configurationPolicy P",
        "`assignctl apply --resume s.jsonl` sends what is approved or no longer locked",
    ]);
    world.sandbox("approvals s.jsonl").exits(0).says(&[
        "configurationPolicy P: waiting for approval",
        code,
        "it locks a change of this run, which has not filed it",
        "Approvals: no open request of this run, and 1 other locks one of its policies.",
    ]);
    let listed = world.sandbox("approvals s.jsonl --format json").exits(0);
    let listed = listed.json();
    assert_eq!(listed["approvals"][0]["code"], code);
    assert_eq!(listed["approvals"][0]["locks"], true);
    world
        .sandbox("approvals s.jsonl --format markdown")
        .exits(0)
        .says(&["it locks a change of this run", code]);
    world
        .sandbox("approvals cancel s.jsonl --yes")
        .exits(0)
        .says(&["not withdrawn configurationPolicy P", code]);
    assert_eq!(requests(&world)[0]["status"], "needsApproval");
    // With and without a justification, and from each new report.
    let why = format!("--justification {WHY}");
    for (from, to, why) in [("s", "t", ""), ("t", "u", &*why)] {
        world
            .sandbox(&format!(
                "apply --resume {from}.jsonl --yes {why} --report {to}.jsonl"
            ))
            .exits(8)
            .says(&["another change of the policy waits for approval", code]);
    }
    assert_eq!(requests(&world).len(), 1);
    decide(&world, "rejected", None);
    world
        .sandbox("approvals u.jsonl")
        .exits(0)
        .says(&["1 policy was locked by a request that is not open any more"]);
    world
        .sandbox("apply --resume u.jsonl --yes --report v.jsonl")
        .exits(6)
        .says(&["approvalRequired"]);
    world
        .sandbox(&format!(
            "apply --resume v.jsonl --yes {why} --report w.jsonl"
        ))
        .exits(8)
        .says(&["1 pending"]);
    decide_on(&world, 1, "approved", None);
    world.sandbox("apply --resume w.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), ["+B"]);
}

/// Where nothing has to be approved any more, it is sent; where the policy has moved, it is stale.
#[test]
fn what_was_locked_is_sent_or_stale() {
    for moved in [false, true] {
        let world = one();
        file(&world, "--report r.jsonl");
        world.manifest(&["name: P, include: [group: B]"]);
        file(&world, "--report s.jsonl");
        decide(&world, "rejected", None);
        set(&world, "policyTypes", json!([]));
        if moved {
            assign(&world, "P", 3);
        }
        let ran = world.sandbox("apply --resume s.jsonl --yes");
        match moved {
            false => ran.exits(0).says(&["1 applied"]),
            true => ran.exits(6).says(&["1 stale"]),
        };
        assert_eq!(world.rows("P"), [if moved { "+C" } else { "+B" }]);
    }
}

/// The rollback of a run whose own next step waits: what that run deleted is put back once the step is rejected.
#[test]
fn a_rollback_that_was_locked_is_resumed_and_restores() {
    let profiles = "windowsAutopilotDeploymentProfiles";
    let world = profile();
    world.write("m.yaml", "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: P, exclude: [{group: A}]}\n");
    let rows = || {
        let rows = world.json("tenant.json")[profiles][0]["assignments"].clone();
        rows.as_array().expect("rows").len()
    };
    let why = format!("--yes --justification {WHY}");
    let allowed = "--allow removals --allow exclusion-lost --allow unassigned";
    file(&world, &format!("{allowed} --report r1.jsonl"));
    decide(&world, "approved", None);
    world
        .sandbox(&format!("apply --resume r1.jsonl {why} --report r2.jsonl"))
        .exits(8);
    assert_eq!(rows(), 0);
    world
        .sandbox(&format!("rollback r2.jsonl {why} --report b1.jsonl"))
        .exits(8)
        .says(&[
            "warning[open-requests]",
            "1 waiting for approval",
            "another change of the policy waits for approval",
        ]);
    decide_on(&world, 1, "rejected", None);
    world
        .sandbox(&format!("apply --resume b1.jsonl {why} --report b2.jsonl"))
        .exits(8)
        .says(&["1 pending"]);
    decide_on(&world, 2, "approved", None);
    world.sandbox("apply --resume b2.jsonl --yes").exits(0);
    assert_eq!(rows(), 1);
}

/// The service does not say what a removal removes, so that another run's report cannot complete it.
#[test]
fn what_an_earlier_run_has_filed_and_the_service_does_not_describe_stays_pending() {
    let world = World::with(
        &gated().policy("P", &["+A", "+B"]).policy("Q", &[]),
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: A]",
        ],
    );
    file(&world, "--write-with create --report r.jsonl");
    file(&world, "--write-with create --report s.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume s.jsonl --yes --report t.jsonl")
        .exits(8)
        .says(&[
            "1 applied, 1 pending",
            "is resumed by the report of the run that filed it",
        ]);
    world
        .sandbox("apply --resume r.jsonl --yes")
        .exits(0)
        .says(&["1 applied, 1 already"]);
    world
        .sandbox("apply --resume t.jsonl --yes")
        .exits(0)
        .says(&["1 already"]);
}

#[test]
fn a_policy_that_a_resume_did_not_come_to_waits_on() {
    let world = World::with(
        &gated().policy("P", &[]).policy("Q", &[]),
        &["match: '?', include: [group: A]"],
    );
    file(&world, "--only Q --report q.jsonl");
    world.manifest(&["match: '?', include: [group: B]"]);
    file(&world, "--report r.jsonl");
    decide(&world, "rejected", None);
    let why = format!("--yes --justification {WHY}");
    let resume = format!("apply --resume r.jsonl {why} --fail-fast --concurrency 1");
    world
        .sandbox(&format!("{resume} --report s.jsonl"))
        .exits(6)
        .says(&["1 pending, 1 failed"]);
    world
        .sandbox(&format!("apply --resume s.jsonl {why}"))
        .exits(8)
        .says(&["1 pending", "warning[not-resumed]", "1 failed"]);
    assert_eq!(requests(&world).len(), 3);
}

#[test]
fn policies_that_a_resume_leaves_out_are_counted() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    // As if Q had failed, and the run had not come to R.
    let report = world.read("r.jsonl");
    let is_of = |name: &str, line: &str| line.contains(&format!("\"name\":\"{name}\""));
    let policies = report.lines();
    let policies = policies.filter(|line| !is_of("Q", line) && !is_of("R", line));
    let mut kept: Vec<String> = policies.map(str::to_owned).collect();
    let mut settled = lines(&world, "r.jsonl").into_iter();
    let mut failed = settled.find(|line| line["name"] == "Q").expect("its line");
    let fields = failed.as_object_mut().expect("an object");
    fields.remove("approval");
    fields.insert("outcome".to_owned(), json!("failed"));
    fields.insert("written".to_owned(), json!(false));
    kept.insert(1, failed.to_string());
    world.write("r.jsonl", &(kept.join("\n") + "\n"));
    let said = "2 policies that the report's run left not as planned are not part of this resume: 1 failed, 1 not started";
    world
        .sandbox("apply --resume r.jsonl --yes --format markdown")
        .exits(0)
        .says(&["warning[not-resumed]", said, "plan again for the others"]);
    let ran = world.sandbox("apply --resume r.jsonl --yes --format json");
    let found = ran.exits(0).json()["diagnostics"][0].clone();
    assert_eq!(found["code"], "not-resumed", "{found}");
    world
        .sandbox("apply --resume r.jsonl --yes --only P")
        .exits(0)
        .says_nothing_of("not-resumed");
}

#[test]
fn a_report_without_a_plan_has_nothing_to_resume() {
    let world = one();
    world
        .sandbox("apply none.yaml --yes --report r.jsonl")
        .exits(3);
    world
        .sandbox("apply --resume r.jsonl --yes")
        .exits(1)
        .says(&["its run ended before it had a plan"]);
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
    world
        .sandbox("apply --resume s.jsonl --yes")
        .exits(0)
        .says_nothing_of("not-resumed");
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
                "`assignctl approvals cancel REPORT`",
                "`assignctl apply --resume REPORT`",
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

/// Whether it lacked a justification, or another request locked it; the service drops what a body leaves out.
#[test]
fn what_could_not_be_filed_keeps_declared_assignments_of_policy_sets() {
    let set = "dddddddd-0000-4000-8000-000000000001";
    let row = format!("+C <{set}>");
    for (is_locked, way) in [(false, "assign"), (false, "auto"), (true, "assign")] {
        let tenant: Tenant = gated().policy("P", &["+A", &row]);
        let declared = format!("{{group: C, source: policySets, sourceId: {set}}}");
        let entry = format!("name: P, include: [{{group: B}}, {declared}]");
        let world = World::with(&tenant, &[&entry]);
        world.edit("tenant.json", |state| {
            state["service"]["policySetAssignments"] = json!("dropped");
        });
        let why = format!("--justification {WHY}");
        if is_locked {
            world.write("other.yaml", "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P, mode: additive, include: [{group: B}]}\n");
            world
                .sandbox(&format!("apply other.yaml --yes {why}"))
                .exits(8);
        }
        let (why_first, exit) = match is_locked {
            true => (&*why, 8),
            false => ("", 6),
        };
        world
            .sandbox(&format!("apply m.yaml --yes {why_first} --write-with {way} --allow removals --report r.jsonl"))
            .exits(exit);
        if is_locked {
            decide(&world, "rejected", None);
        }
        world
            .sandbox(&format!(
                "apply --resume r.jsonl --yes {why} --report s.jsonl"
            ))
            .exits(8);
        decide_on(&world, usize::from(is_locked), "approved", None);
        world
            .sandbox("apply --resume s.jsonl --yes")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(world.rows("P"), ["+B", &*row]);
    }
}
