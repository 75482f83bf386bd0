//! Multi Admin Approval: what has to be approved is filed, waits as `pending`, and is sent again as it
//! was once someone has approved it.

use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::stand_in::readable_token;
use super::support::tenant::{TENANT_ID, Tenant, policy_mut};

const WHY: &str = "ring_0,_asked_by_Ada";
const DAY: u64 = 86_400;

fn gated() -> Tenant {
    Tenant::common().switch("approval", json!({"policyTypes": ["configurationPolicy"]}))
}

fn one() -> World {
    World::with(&gated().policy("P", &[]), &["name: P, include: [group: A]"])
}

fn three() -> World {
    let tenant = gated()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &["+A", "+B"]);
    World::with(&tenant, &["match: '?', include: [group: A]"])
}

/// Files what a world's manifest wants.
fn file(world: &World, report: &str) {
    let line = format!("apply m.yaml --yes --justification {WHY} --report {report}");
    world.sandbox(&line).exits(8);
}

fn requests(world: &World) -> Vec<Value> {
    let state = world.json("tenant.json");
    let requests = state["operationApprovalRequests"].as_array().cloned();
    requests.unwrap_or_default()
}

/// Decides on all requests, in the state file.
fn decide(world: &World, status: &str, words: Option<&str>) {
    world.edit("tenant.json", |state| {
        let requests = state["operationApprovalRequests"].as_array_mut();
        for request in requests.expect("there are some") {
            request["status"] = json!(status);
            if let Some(words) = words {
                request["approvalJustification"] = json!(words);
            }
        }
    });
}

fn let_pass(world: &World, seconds: u64) {
    world.edit("tenant.json", |state| {
        state["service"]["approval"]["clockAhead"] = json!(seconds);
    });
}

fn lines(world: &World, report: &str) -> Vec<Value> {
    let mut lines = world.report(report);
    lines.retain(|line| line["event"] == "policy");
    lines
}

fn end(world: &World, report: &str) -> Value {
    world.report(report).last().cloned().expect("an end")
}

#[test]
fn what_is_filed_is_pending_with_its_code_and_exits_8() {
    let world = three();
    world
        .sandbox(&format!(
            "apply m.yaml --yes --justification {WHY} --report r.jsonl"
        ))
        .exits(8)
        .says(&[
            "pending",
            "waits for a second administrator's approval",
            "0 applied, 3 pending",
        ]);
    let filed = requests(&world);
    assert_eq!(filed.len(), 3);
    assert_eq!(world.rows("P"), [""; 0]);
    for line in lines(&world, "r.jsonl") {
        assert_eq!(line["outcome"], "pending");
        let approval = &line["approval"];
        let is_it = |request: &&Value| request["id"] == approval["code"];
        let request = filed.iter().find(is_it).expect("its request");
        assert_eq!(request["object"], line["id"]);
        assert_eq!(request["justification"], WHY);
        assert_eq!(approval["method"], request["method"]);
        assert_eq!(
            approval["path"]
                .as_str()
                .map(|path| path.trim_start_matches('/')),
            request["path"].as_str()
        );
        assert_eq!(approval["body"], request["body"]);
        assert!(approval["filedAt"].is_string() && approval["expiresAt"].is_string());
    }
    let end = end(&world, "r.jsonl");
    assert_eq!(
        (&end["exitCode"], &end["summary"]["pending"]),
        (&json!(8), &json!(3))
    );
    world
        .run("show r.jsonl")
        .exits(0)
        .says(&["pending configurationPolicy P", "3 pending; exit code 8"]);
    let shown = world.run("show r.jsonl --format json").exits(0).json();
    assert_eq!(shown["policies"][0]["outcome"], "pending");
    assert!(shown["policies"][0]["approval"]["code"].is_string());
    world
        .run("show r.jsonl --format markdown")
        .says(&["| pending | <code>P</code> |", "waits for a second"]);
}

#[test]
fn every_format_says_what_is_pending() {
    for (format, expected) in [
        ("json", "\"outcome\": \"pending\""),
        ("markdown", "pending"),
        ("github", "pending"),
    ] {
        let world = one();
        world
            .sandbox(&format!(
                "apply m.yaml --yes --justification {WHY} --format {format}"
            ))
            .exits(8)
            .says(&[expected, "approval"]);
    }
}

#[test]
fn approved_it_is_sent_again_as_it_was_with_the_code() {
    // The strictest service: the same bytes.
    let world = three();
    world.edit("tenant.json", |state| {
        state["service"]["approval"]["sameBody"] = json!("bytes");
    });
    file(&world, "r.jsonl");
    decide(&world, "approved", None);
    // The route stays, whatever is asked for.
    world
        .sandbox("apply --resume r.jsonl --yes --write-with create --report s.jsonl")
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

#[test]
fn resuming_asks_and_never_writes_into_the_report_that_it_reads() {
    let world = one();
    file(&world, "r.jsonl");
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

#[test]
fn what_waits_stays_pending() {
    let world = one();
    file(&world, "r.jsonl");
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
    file(&world, "r.jsonl");
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
        file(&world, "r.jsonl");
        match status {
            "expired" => let_pass(&world, 3 * DAY),
            _ => decide(&world, status, words),
        }
        world
            .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
            .exits(6)
            .says(&[code, words.unwrap_or_default()]);
        assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 0);
        file(&world, "t.jsonl");
        assert_eq!(requests(&world).len(), 2);
    }
}

#[test]
fn nothing_is_filed_twice() {
    let world = three();
    file(&world, "r.jsonl");
    file(&world, "s.jsonl");
    decide(&world, "approved", None);
    file(&world, "t.jsonl");
    assert_eq!(requests(&world).len(), 3);
    assert_eq!(end(&world, "t.jsonl")["requests"]["writes"], 0);
    let codes = |report: &str| -> Vec<Value> {
        let lines = lines(&world, report).into_iter();
        lines.map(|line| line["approval"].clone()).collect()
    };
    assert_eq!(codes("s.jsonl"), codes("t.jsonl"));
    // Without its own report a run finds the codes, and any of the reports resumes.
    world.sandbox("apply --resume t.jsonl --yes").exits(0);
    assert_eq!(world.rows("R"), ["+A"]);
}

#[test]
fn another_change_that_waits_is_pending_and_named_and_nothing_is_sent() {
    let world = one();
    file(&world, "r.jsonl");
    world.manifest(&["name: P, include: [group: B]"]);
    world
        .sandbox(&format!(
            "apply m.yaml --yes --justification {WHY} --report s.jsonl"
        ))
        .exits(8)
        .says(&[
            "another change of the policy waits for approval",
            "filed by",
        ]);
    assert_eq!(requests(&world).len(), 1);
    assert_eq!(lines(&world, "s.jsonl")[0].get("approval"), None);
    assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 0);
    // Nothing can be resumed, and nothing is.
    decide(&world, "approved", None);
    world.sandbox("apply --resume s.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn without_a_justification_it_is_refused_once_a_kind() {
    let world = three();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl --concurrency 1")
        .exits(6)
        .says(&["approvalRequired", "--justification"]);
    assert_eq!(end(&world, "r.jsonl")["requests"]["writes"], 1);
    assert!(requests(&world).is_empty());
    for line in lines(&world, "r.jsonl") {
        assert_eq!(line["outcome"], "failed");
        assert_eq!(line["error"]["code"], "approvalRequired");
    }
}

#[test]
fn without_a_justification_what_waits_is_pending_all_the_same() {
    for conflict in [false, true] {
        let world = one();
        world.edit("tenant.json", |state| {
            state["service"]["approval"]["conflictWithoutJustification"] = json!(conflict);
        });
        file(&world, "r.jsonl");
        world
            .sandbox("apply m.yaml --yes --report s.jsonl")
            .exits(8);
        let code = |report: &str| lines(&world, report)[0]["approval"]["code"].clone();
        assert_eq!(code("s.jsonl"), code("r.jsonl"));
    }
}

#[test]
fn the_older_answers_mean_the_same() {
    let world = one();
    world.edit("tenant.json", |state| {
        state["service"]["approval"]["olderAnswers"] = json!(true);
    });
    world
        .sandbox("apply m.yaml --yes")
        .exits(6)
        .says(&["approvalRequired"]);
    file(&world, "r.jsonl");
    decide(&world, "approved", None);
    world.sandbox("apply --resume r.jsonl --yes").exits(0);
}

#[test]
fn any_kind_may_be_gated_and_what_is_not_takes_a_justification() {
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
    world
        .sandbox(&format!("apply m.yaml --yes --justification {WHY}"))
        .exits(8)
        .says(&["1 applied, 1 pending"]);
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn a_list_of_requests_that_cannot_be_read_is_not_an_empty_one() {
    let roles = json!(["DeviceManagementScripts.ReadWrite.All", "Group.Read.All"]);
    let script = json!({"id": "50000000-0000-4000-8000-000000000001", "displayName": "S", "assignments": []});
    let world = World::new(&Tenant::common().switch("roles", roles));
    world.edit("tenant.json", |state| {
        state["deviceManagementScripts"] = json!([script]);
        state["service"]["approval"] = json!({"policyTypes": ["script"]});
    });
    world.manifest(&["kind: deviceManagementScript, name: S, include: [group: A]"]);
    world
        .sandbox(&format!(
            "apply m.yaml --yes --justification {WHY} --report r.jsonl"
        ))
        .exits(6)
        .says(&[
            "approvalsUnreadable",
            "the requests for approval could not be read",
        ]);
    assert!(requests(&world).is_empty());
    assert_eq!(end(&world, "r.jsonl")["requests"]["writes"], 0);
}

#[test]
fn only_the_identity_that_filed_completes() {
    let mut world = one();
    let as_app = |world: &mut World, app: &str| {
        let claims = json!({"tid": TENANT_ID, "appid": app});
        world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(&claims));
    };
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
fn a_justification_has_bounds_that_are_checked_first() {
    let world = one();
    let long = "x".repeat(1025);
    for (text, expected) in [(long.as_str(), "1024"), ("=", "")] {
        let line = format!("apply m.yaml --yes --justification {text}");
        let ran = world.sandbox(&line);
        if text == "=" {
            ran.exits(8);
        } else {
            ran.exits(64).says(&[expected]);
        }
    }
    let mut world = one();
    world.set("ASSIGNCTL_JUSTIFICATION", "from the variable");
    world.sandbox("apply m.yaml --yes").exits(8);
    assert_eq!(requests(&world)[0]["justification"], "from the variable");
}

#[test]
fn a_report_with_codes_is_kept_and_one_that_was_altered_is_refused() {
    let world = one();
    file(&world, "r.jsonl");
    let code = requests(&world)[0]["id"].clone();
    file(&world, "r.jsonl");
    assert!(
        world
            .read("r.jsonl.earlier")
            .contains(code.as_str().expect("a code"))
    );
    let text = world.read("r.jsonl");
    let text = text.replace(
        "/deviceManagement/configurationPolicies/",
        "/deviceManagement/x/",
    );
    world.write("altered.jsonl", &text);
    world
        .sandbox("apply --resume altered.jsonl --yes")
        .exits(1)
        .says(&["is not a write to that policy"]);
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
    file(&world, "r.jsonl");
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
    file(&world, "r.jsonl");
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
        file(&world, "r.jsonl");
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
    file(&world, "r.jsonl");
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
    world.edit("tenant.json", |state| {
        state["service"]["approval"]["onlyOwnRequests"] = json!(true);
    });
    let as_app = |world: &mut World, app: &str| {
        let claims = json!({"tid": TENANT_ID, "appid": app});
        world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(&claims));
    };
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
fn a_long_justification_in_other_letters_is_warned_of() {
    let world = one();
    let text = "\u{fc}".repeat(600);
    world
        .sandbox(&format!("apply m.yaml --yes --justification {text}"))
        .exits(8)
        .says(&["long-justification", "1200 bytes"]);
    let kept = requests(&world)[0]["justification"].clone();
    assert_eq!(kept.as_str().map(|kept| kept.chars().count()), Some(600));
}

#[test]
fn a_report_that_holds_a_write_to_elsewhere_is_refused() {
    let world = one();
    file(&world, "r.jsonl");
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
