//! Multi Admin Approval: what has to be approved is filed and waits as `pending`, and nothing is filed twice.

use serde_json::{Value, json};

use super::kinds;
use super::support::World;
use super::support::gated::{
    WHY, as_app, decide, decide_on, end, file, lines, one, requests, set, three, ungate,
};
use super::support::service::Served;
use super::support::tenant::{Tenant, policy_id};

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
fn nothing_is_filed_twice() {
    let world = three();
    file(&world, "--report r.jsonl");
    file(&world, "--report s.jsonl");
    decide(&world, "approved", None);
    file(&world, "--report t.jsonl");
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
    file(&world, "--report r.jsonl");
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
    // It cannot be resumed as long as the other is open, and that is said.
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume s.jsonl --yes")
        .exits(8)
        .says(&["another change of the policy is approved and not sent"]);
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
        set(&world, "conflictWithoutJustification", json!(conflict));
        file(&world, "--report r.jsonl");
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
    set(&world, "olderAnswers", json!(true));
    world
        .sandbox("apply m.yaml --yes")
        .exits(6)
        .says(&["approvalRequired"]);
    file(&world, "--report r.jsonl");
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
        .exits(7)
        .says(&[
            "approvalsUnreadable",
            "the requests for approval could not be read",
        ]);
    // It was tried without the justification, which files nothing.
    assert!(requests(&world).is_empty());
    assert_eq!(end(&world, "r.jsonl")["requests"]["writes"], 1);
    // Where nothing needs approval, the requests need not be readable.
    set(&world, "policyTypes", json!([]));
    world
        .sandbox(&format!("apply m.yaml --yes --justification {WHY}"))
        .exits(0);
}

#[test]
fn a_justification_has_bounds_that_are_checked_first() {
    let world = one();
    let long = "x".repeat(1025);
    for (text, expected) in [(long.as_str(), "1024"), ("", "the reason as text")] {
        world
            .sandbox(&format!("apply m.yaml --yes --justification={text}"))
            .exits(64)
            .says(&[expected]);
    }
    assert!(requests(&world).is_empty());
    world
        .sandbox("apply m.yaml --yes --justification ==")
        .exits(8);
    let mut world = one();
    world.set("ASSIGNCTL_JUSTIFICATION", "from the variable");
    world.sandbox("apply m.yaml --yes").exits(8);
    assert_eq!(requests(&world)[0]["justification"], "from the variable");
}

#[test]
fn a_report_with_codes_is_kept_and_one_that_was_altered_is_refused() {
    let world = one();
    file(&world, "--report r.jsonl");
    let code = requests(&world)[0]["id"].clone();
    file(&world, "--report r.jsonl");
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

/// The service may not say who filed a request: then it need not have been this sign-in.
#[test]
fn the_same_change_of_an_unknown_identity_is_pending_and_not_taken_for_ones_own() {
    let mut world = one();
    set(&world, "peopleHidden", json!(true));
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    let apply = |world: &World, report: &str| {
        let line = format!("apply m.yaml --yes --justification {WHY} --report {report}");
        let ran = world.run(&line).exits(8);
        (ran, lines(world, report)[0]["approval"].clone())
    };
    as_app(&mut world, "one");
    let (_, own) = apply(&world, "r.jsonl");
    assert_eq!(own["identity"], "one");
    as_app(&mut world, "other");
    let (ran, found) = apply(&world, "s.jsonl");
    ran.says(&["waits for a second", "filed by an unknown identity"]);
    assert_eq!(
        (&found["code"], found.get("identity")),
        (&own["code"], None)
    );
    assert_eq!(requests(&world).len(), 1);
    let code = own["code"].as_str().expect("a code");
    served.post(&format!("/sandbox/approvals/{code}/approve"), "");
    // The report of whoever filed it says who that was.
    world
        .run("apply --resume r.jsonl --yes --report u.jsonl")
        .exits(6)
        .says(&["approvalForeign", "it was filed by one"]);
    // The service takes the code from whoever filed it only, and says no more.
    world
        .run("apply --resume s.jsonl --yes --report t.jsonl")
        .exits(6)
        .says(&["approvalRefused", "from the identity that filed it"]);
    assert_eq!(requests(&world)[0]["status"], "approved");
    as_app(&mut world, "one");
    world.run("apply --resume r.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

/// The step that made room was approved, and what was to take its place is not: that has to be said, and the newest
/// report restores it.
#[test]
fn what_made_room_for_a_rejected_write_is_named_and_restored_by_the_last_report() {
    let profiles = "windowsAutopilotDeploymentProfiles";
    let world = kinds::world(&[(
        profiles,
        json!([{"id": policy_id(1), "displayName": "P",
                "assignments": [{"target": kinds::to_group(1)}]}]),
    )]);
    world.edit("tenant.json", |state| {
        state["service"]["approval"] = json!({"collections": [profiles]});
    });
    world.write("m.yaml", "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: P, exclude: [{group: A}]}\n");
    let allowed = "--allow removals --allow exclusion-lost --allow unassigned";
    file(&world, &format!("{allowed} --report r1.jsonl"));
    decide(&world, "approved", None);
    let resume = format!("apply --resume r1.jsonl --yes --justification {WHY} --report r2.jsonl");
    world.sandbox(&resume).exits(8).says(&[
        "until then the assignment to the group `A` is missing, which was deleted to make room",
    ]);
    let last = requests(&world).len() - 1;
    decide_on(&world, last, "rejected", Some("no way"));
    world
        .sandbox(&format!("apply --resume r2.jsonl --yes --justification {WHY} --report r3.jsonl"))
        .exits(6)
        .says(&[
            "the request was rejected: no way; the assignment to the group `A` was deleted to make room and was not put back; restore it with `assignctl rollback",
        ]);
    assert_eq!(lines(&world, "r3.jsonl")[0]["written"], true);
    // Nothing of it can be resumed, and it is not forgotten for that.
    world
        .sandbox("apply --resume r3.jsonl --yes --report r4.jsonl")
        .exits(6)
        .says(&[
            "the request was rejected: no way",
            "not part of this resume: 1 failed",
        ]);
    assert_eq!(end(&world, "r4.jsonl")["requests"]["writes"], 0);
    assert_eq!(lines(&world, "r4.jsonl")[0]["written"], true);
    let rows = || {
        world.json("tenant.json")[profiles][0]["assignments"]
            .as_array()
            .expect("rows")
            .len()
    };
    assert_eq!(rows(), 0);
    ungate(&world);
    world
        .sandbox("rollback r4.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!(rows(), 1);
}
