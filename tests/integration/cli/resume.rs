//! `apply --resume`: what was filed is sent again as it was once someone has approved it, and only then.

use serde_json::{Value, json};

use super::support::World;
use super::support::gated::{
    WHY, as_app, decide, decide_on, end, file, gated, let_pass, lines, one, requests, set, three,
};
use super::support::service::Served;
use super::support::tenant::{Tenant, policy_mut};

const DAY: u64 = 86_400;

#[test]
fn approved_it_is_sent_again_as_it_was_with_the_code() {
    // The strictest service: the same bytes.
    let world = three();
    set(&world, "sameBody", json!("bytes"));
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    // The route stays, whatever is asked for.
    world
        .sandbox("apply --resume r.jsonl --yes --write-with create --wait-for-approval 5m --report s.jsonl")
        .exits(0)
        .says(&["3 applied"]);
    for policy in ["P", "Q", "R"] {
        assert_eq!(world.rows(policy), ["+A"]);
    }
    let status = |request: &Value| request["status"].clone();
    assert!(
        requests(&world)
            .iter()
            .all(|request| status(request) == "completed")
    );
    // Again there is nothing left to do, and nothing is sent.
    let ran = world.sandbox("apply --resume r.jsonl --yes --report t.jsonl");
    ran.exits(0).says(&["3 already"]);
    assert_eq!(end(&world, "t.jsonl")["requests"]["writes"], 0);
    world.sandbox("apply m.yaml --yes").exits(0);
    // What was applied can be rolled back, and that is filed in its turn.
    world
        .sandbox(&format!("rollback s.jsonl --yes --justification {WHY}"))
        .exits(8);
}

/// A run that resumes has not seen the plain route refused.
#[test]
fn what_was_filed_behind_a_cast_is_sent_again_there() {
    let tenant = Tenant::common()
        .switch("plainAssignMissing", json!(["mobileAppConfigurations"]))
        .switch(
            "approval",
            json!({"collections": ["mobileAppConfigurations"]}),
        );
    let world = World::with(
        &tenant,
        &["kind: mobileAppConfiguration, name: P, include: [group: A]"],
    );
    world.edit("tenant.json", |state| {
        state["mobileAppConfigurations"] = json!([{
            "@odata.type": "#microsoft.graph.iosMobileAppConfiguration",
            "id": super::support::tenant::policy_id(1),
            "displayName": "P",
            "assignments": [],
        }]);
    });
    file(&world, "--report r.jsonl");
    let filed = lines(&world, "r.jsonl")[0]["approval"]["path"].clone();
    assert!(filed.as_str().is_some_and(|path| {
        path.ends_with("/microsoft.graph.managedDeviceMobileAppConfiguration/assign")
    }));
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 1);
    assert_eq!(requests(&world)[0]["status"], "completed");
    world.sandbox("plan m.yaml --detailed-exitcode").exits(0);
}

#[test]
fn resuming_asks_and_never_writes_into_the_report_that_it_reads() {
    let world = one();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl")
        .exits(64)
        .says(&["--yes"]);
    world
        .sandbox("apply --resume r.jsonl --yes --report r.jsonl")
        .exits(64);
    world
        .sandbox("apply m.yaml --resume r.jsonl --yes")
        .exits(64);
    assert_eq!(world.rows("P"), [""; 0]);
}

/// What was filed was judged when it was filed: a limit that would not be looked at is refused.
#[test]
fn limits_of_guards_do_not_go_with_resuming() {
    let mut world = one();
    file(&world, "--report r.jsonl");
    for limit in [
        "--max-removals 1",
        "--max-policies 1",
        "--max-members-lost 1",
    ] {
        let option = limit.split(' ').next().unwrap_or_default();
        world
            .sandbox(&format!("apply --resume r.jsonl --yes {limit}"))
            .exits(64)
            .says(&["--resume", "cannot be used with", option]);
    }
    // A variable is for the other runs of the pipeline.
    world.set("ASSIGNCTL_MAX_POLICIES", "1");
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(8);
}

#[test]
fn what_waits_stays_pending() {
    let world = one();
    file(&world, "--report r.jsonl");
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(8)
        .says(&["pending"]);
    assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 0);
    // The new report resumes as well.
    decide(&world, "approved", None);
    world.sandbox("apply --resume s.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn what_moved_is_stale_and_its_code_is_not_used() {
    let world = one();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([
            {"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}
        ]);
    });
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["stale"]);
    assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 0);
    assert_eq!(requests(&world)[0]["status"], "approved");
}

#[test]
fn what_was_not_approved_fails_with_the_approvers_words_and_is_filed_anew() {
    for (status, code, words) in [
        ("rejected", "approvalRejected", Some("not on a Friday")),
        ("cancelled", "approvalCancelled", None),
        ("expired", "approvalExpired", None),
    ] {
        let world = one();
        file(&world, "--report r.jsonl");
        match status {
            "expired" => let_pass(&world, 3 * DAY),
            _ => decide(&world, status, words),
        }
        world
            .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
            .exits(6)
            .says(&[code, words.unwrap_or_default()]);
        assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 0);
        file(&world, "--report t.jsonl");
        assert_eq!(requests(&world).len(), 2);
    }
}

/// Nothing is asked of the service that it would refuse.
#[test]
fn a_request_that_is_closed_or_someone_elses_is_not_withdrawn() {
    let as_planned = |world: &World| {
        let group = super::support::tenant::group_id(1);
        world.edit("tenant.json", |state| {
            policy_mut(state, "P")["assignments"] = json!([{"target": {
                "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group,
            }}]);
        });
    };
    let closed = one();
    file(&closed, "--report r.jsonl");
    decide(&closed, "rejected", None);
    as_planned(&closed);
    let mut other = one();
    let served = Served::start(&other);
    other.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut other, "one");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    other.run(&line).exits(8);
    drop(served);
    as_planned(&other);
    let served = Served::start(&other);
    other.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut other, "other");
    let line = "apply --resume r.jsonl --yes --report s.jsonl";
    for (world, ran) in [(&closed, closed.sandbox(line)), (&other, other.run(line))] {
        ran.exits(0).says(&["1 already"]);
        assert_eq!(lines(world, "s.jsonl")[0]["note"], Value::Null);
        assert_eq!(end(world, "s.jsonl")["requests"]["writes"], 0);
    }
}

#[test]
fn only_the_identity_that_filed_completes() {
    let mut world = one();
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut world, "one");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    world.run(&line).exits(8);
    as_app(&mut world, "other");
    world
        .run("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["approvalForeign", "(one)"]);
    let line = format!("apply m.yaml --yes --justification {WHY} --report t.jsonl");
    world
        .run(&line)
        .exits(8)
        .says(&["this change of the policy waits for approval", "(one)"]);
    assert_eq!(lines(&world, "t.jsonl")[0].get("approval"), None);
    assert_eq!(requests(&world).len(), 1);
}

#[test]
fn what_was_applied_beside_what_waits_can_be_rolled_back() {
    let tenant = Tenant::common()
        .switch("approval", json!({"collections": ["compliancePolicies"]}))
        .policy("P", &[])
        .compliance("C", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "kind: compliancePolicy, name: C, include: [group: A]",
        ],
    );
    file(&world, "--report r.jsonl");
    // What waits was not changed, and its request stays.
    world
        .sandbox("rollback r.jsonl --yes --report b.jsonl")
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!((world.rows("P"), world.rows("C")), (vec![], vec![]));
    assert_eq!(requests(&world)[0]["status"], "needsApproval");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(0);
    assert_eq!(world.rows("C"), ["+A"]);
    // The first report has not changed it; that of the resuming run has.
    world.sandbox("rollback r.jsonl --yes").exits(0);
    assert_eq!(world.rows("C"), ["+A"]);
    world
        .sandbox(&format!(
            "rollback s.jsonl --yes --justification {WHY} --report t.jsonl"
        ))
        .exits(8);
    decide(&world, "approved", None);
    world.edit("tenant.json", |state| {
        state["operationApprovalRequests"][0]["status"] = json!("completed");
    });
    world.sandbox("apply --resume t.jsonl --yes").exits(0);
    assert_eq!(world.rows("C"), [""; 0]);
}

#[test]
fn what_nothing_needs_any_more_is_withdrawn() {
    let world = one();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    let group = super::support::tenant::group_id(1);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([{"target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group,
        }}]);
    });
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(0)
        .says(&["1 already"]);
    assert_eq!(
        lines(&world, "s.jsonl")[0]["note"]["code"],
        "approvalWithdrawn"
    );
    assert_eq!(requests(&world)[0]["status"], "cancelled");
}

/// A report whose codes were swapped: no code goes with another policy's write, or is withdrawn for it.
#[test]
fn a_code_of_another_policy_is_neither_used_nor_withdrawn() {
    for approved in [true, false] {
        let world = three();
        file(&world, "--report r.jsonl");
        if approved {
            decide(&world, "approved", None);
        }
        let [one, other] = [0, 1].map(|number| requests(&world)[number]["id"].clone());
        let [one, other] = [&one, &other].map(|code| code.as_str().expect("a code"));
        let report = world.read("r.jsonl");
        let swapped = report.replace(one, "CODE").replace(other, one);
        world.write("r.jsonl", &swapped.replace("CODE", other));
        if !approved {
            // What is as planned needs no request: not its own, and no other.
            let group = super::support::tenant::group_id(1);
            world.edit("tenant.json", |state| {
                policy_mut(state, "P")["assignments"] = json!([{"target": {
                    "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group,
                }}]);
            });
        }
        world
            .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
            .exits(6)
            .says(&["approvalOther", "is for another policy"]);
        let status = |request: &Value| request["status"].clone();
        let stands = requests(&world).iter().map(status).collect::<Vec<_>>();
        let expected = match approved {
            true => ["approved", "approved", "completed"],
            false => ["needsApproval"; 3],
        };
        assert_eq!(stands, expected);
    }
}

#[test]
fn a_report_of_resuming_resumes_whatever_became_of_it() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([
            {"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}
        ]);
    });
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["2 applied, 1 stale"]);
    // The code of what moved is in the new report too, and is used once the policy is as it was.
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([]);
    });
    world
        .sandbox("apply --resume s.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn a_request_that_the_sign_in_does_not_see_is_not_completed() {
    let mut world = one();
    set(&world, "onlyOwnRequests", json!(true));
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut world, "one");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    world.run(&line).exits(8);
    // As if filed long ago; a new request may only be late.
    let text = world.read("r.jsonl");
    let (before, after) = text.split_once("\"filedAt\":\"20").expect("a time");
    world.write("old.jsonl", &format!("{before}\"filedAt\":\"19{after}"));
    as_app(&mut world, "other");
    world
        .run("apply --resume old.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["approvalUnknown"]);
}

#[test]
fn a_report_that_holds_a_write_to_elsewhere_is_refused() {
    let world = one();
    file(&world, "--report r.jsonl");
    let text = world.read("r.jsonl");
    for (from, to) in [
        ("/assignments\",\"body", "/assignments/../x\",\"body"),
        ("/assignments\",\"body", "/assign?x=1\",\"body"),
        ("\"method\":\"POST\"", "\"method\":\"PATCH\""),
    ] {
        assert!(text.contains(from), "{from}");
        world.write("altered.jsonl", &text.replace(from, to));
        world
            .sandbox("apply --resume altered.jsonl --yes")
            .exits(1)
            .says(&["is not a write to that policy"]);
    }
}

#[test]
fn a_report_with_nothing_to_resume_says_so_and_no_more() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: A]"],
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("apply --resume r.jsonl --yes --format {format}"))
            .exits(0)
            .says(&["othing to do"])
            .says_nothing_of("0 policies:")
            .says_nothing_of("all 0");
    }
}

/// With one assignment and another wanted, written one by one: two writes, and an approval for each.
fn two_steps() -> World {
    World::with(
        &gated().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    )
}

#[test]
fn a_step_that_was_done_before_the_next_one_waits_can_be_rolled_back() {
    for wait in ["", "--wait-for-approval 1s"] {
        let world = two_steps();
        file(&world, "--write-with create --report r.jsonl");
        decide(&world, "approved", None);
        let why = format!("--yes --justification {WHY}");
        world
            .sandbox(&format!(
                "apply --resume r.jsonl {why} {wait} --report s.jsonl"
            ))
            .exits(8)
            .says(&["an earlier write to the policy is done"]);
        assert_eq!(world.rows("P"), ["+A", "+B"]);
        let shown = world.sandbox("show s.jsonl --format json").exits(0).json();
        assert_eq!(shown["policies"][0]["outcome"], "pending");
        assert_eq!(shown["policies"][0]["mayBeChanged"], true);
        decide_on(&world, 1, "rejected", None);
        set(&world, "policyTypes", json!([]));
        world.sandbox("rollback s.jsonl --yes").exits(0);
        assert_eq!(world.rows("P"), ["+A"]);
        // The first run has filed only.
        world
            .sandbox("rollback r.jsonl --yes")
            .exits(0)
            .says(&["Nothing to do"]);
    }
}

#[test]
fn a_step_that_lacked_its_justification_goes_on_with_one() {
    let world = two_steps();
    file(&world, "--write-with create --report r.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["approvalRequired"]);
    world
        .sandbox(&format!(
            "apply --resume s.jsonl --yes --justification {WHY} --write-with create --report t.jsonl"
        ))
        .exits(8);
    decide(&world, "approved", None);
    world.sandbox("apply --resume t.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), ["+B"]);
}

/// An approved `assign` is a whole set, with what the program carries through.
#[test]
fn what_is_carried_through_and_moved_is_stale() {
    let world = World::with(
        &gated().policy("P", &["+A"]),
        &["name: P, include: [group: A, group: B]"],
    );
    let novel = |world: &World, value: &str| {
        world.edit("tenant.json", |state| {
            policy_mut(state, "P")["assignments"][0]["novel"] = json!(value);
        });
    };
    novel(&world, "x");
    file(&world, "--write-with assign --report r.jsonl");
    decide(&world, "approved", None);
    novel(&world, "y");
    world
        .sandbox("apply --resume r.jsonl --yes")
        .exits(6)
        .says(&[
            "stale",
            "can be withdrawn with `assignctl approvals cancel REPORT`",
        ]);
    assert_eq!(world.rows("P"), ["+A"]);
    assert_eq!(requests(&world)[0]["status"], "approved");
}

/// The service does not say which assignment a removal is about.
#[test]
fn a_request_of_a_later_run_is_not_taken_for_that_of_an_earlier_one() {
    let world = World::with(
        &gated().policy("P", &["+A", "+B"]),
        &["name: P, include: [group: A]"],
    );
    file(&world, "--write-with create --report r.jsonl");
    decide(&world, "cancelled", None);
    let report = world.read("r.jsonl");
    let lines: Vec<&str> = report
        .lines()
        .filter(|line| {
            !line.contains("\"event\":\"policy\"") && !line.contains("\"event\":\"end\"")
        })
        .collect();
    // Sent two minutes ago, so that nothing is waited for.
    let killed = lines.join("\n") + "\n";
    let (before, after) = killed.split_once("\"sentAt\":\"").expect("a time");
    let (time, after) = after.split_once('"').expect("a time");
    let time: jiff::Timestamp = time.parse().expect("a time");
    let time = time - jiff::SignedDuration::from_mins(2);
    world.write(
        "killed.jsonl",
        &format!("{before}\"sentAt\":\"{time}\"{after}"),
    );
    world.write(
        "m.yaml",
        &world.read("m.yaml").replace("group: A", "group: B"),
    );
    file(&world, "--write-with create --report s.jsonl");
    let open = || requests(&world)[1]["status"].clone();
    world
        .sandbox("approvals cancel killed.jsonl --yes")
        .exits(0)
        .says_nothing_of("withdrawn");
    assert_eq!(open(), "needsApproval");
    decide_on(&world, 1, "approved", None);
    world
        .sandbox("apply --resume killed.jsonl --yes --report t.jsonl")
        .exits(6)
        .says(&["notFiled"]);
    assert_eq!(end(&world, "t.jsonl")["requests"]["writes"], 0);
    assert_eq!(open(), "approved");
}

#[test]
fn the_time_until_a_request_expires_is_the_services() {
    let world = one();
    set(&world, "expiresAfter", json!(3600));
    file(&world, "--report r.jsonl");
    let known = requests(&world)[0]["expires"].clone();
    assert_eq!(lines(&world, "r.jsonl")[0]["approval"]["expiresAt"], known);
    // It may be put off; whoever looks again is told.
    const LATER: &str = "2096-01-01T00:00:00Z";
    world.edit("tenant.json", |state| {
        state["operationApprovalRequests"][0]["expires"] = json!(LATER);
    });
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(8);
    assert_eq!(lines(&world, "s.jsonl")[0]["approval"]["expiresAt"], LATER);
}

/// What no plan may do, no resume may either.
#[test]
fn nothing_is_sent_or_withdrawn_in_another_tenant_than_the_configuration_names() {
    let world = one();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world.write(
        "assignctl.yaml",
        "tenantId: 99999999-2222-4333-8444-555555555555\n",
    );
    world
        .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(4)
        .says(&["guard `tenant` refuses"]);
    world.sandbox("approvals cancel r.jsonl --yes").exits(4);
    assert_eq!(requests(&world)[0]["status"], "approved");
    // The code is not lost.
    world.write("assignctl.yaml", "");
    world.sandbox("apply --resume s.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn a_part_that_is_none_is_an_error() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl --yes --only X --report s.jsonl")
        .exits(3)
        .says(&["leaves none of the 3 policies of the report"]);
    // Planned once more, it is said to be approved.
    world
        .sandbox("apply m.yaml --yes --report s.jsonl")
        .exits(8)
        .says(&["was approved, and can be sent with `apply --resume` until"]);
}
