//! What goes back as it was: a rollback restores what the service said of assignments, whether the program
//! knows it or not, and what it cannot know it says.

use serde_json::{Value, json};

use super::kinds::{state, to_group, world};
use super::support::World;
use super::support::gated::{WHY, decide_on};
use super::support::tenant::policy_id;

/// The assignments of the only policy of a collection, without their ids and where they come from, by group.
fn rows(world: &World, segment: &str) -> Vec<Value> {
    let state = state(world);
    let rows = state[segment][0]["assignments"].as_array().expect("rows");
    let mut rows = rows.clone();
    for row in &mut rows {
        let row = row.as_object_mut().expect("an object");
        for own in ["id", "source", "sourceId"] {
            row.remove(own);
        }
    }
    rows.sort_by_key(|row| row["target"]["groupId"].to_string());
    rows
}

fn entry(world: &World, text: &str) {
    world.write(
        "m.yaml",
        &format!("version: 1\npolicies:\n  - {{{text}}}\n"),
    );
}

fn policy(odata_type: Option<&str>, assignments: Value) -> Value {
    let mut policy = json!({"id": policy_id(1), "displayName": "P", "assignments": assignments});
    if let Some(odata_type) = odata_type {
        policy["@odata.type"] = json!(format!("#microsoft.graph.{odata_type}"));
    }
    json!([policy])
}

#[test]
fn a_rollback_restores_what_the_program_does_not_know() {
    let with = |mut row: Value, target: Value| {
        row["target"] = to_group(1);
        for (name, value) in target.as_object().expect("an object") {
            row["target"][name] = value.clone();
        }
        row
    };
    for (kind, segment, odata_type, row) in [
        (
            "deviceConfiguration",
            "deviceConfigurations",
            Some("windows10CustomConfiguration"),
            with(
                json!({"intent": "remove", "futureRow": [1, null]}),
                json!({"futureTarget": "z"}),
            ),
        ),
        (
            "mobileApp",
            "mobileApps",
            Some("quantumApp"),
            with(
                json!({"intent": "required", "settings": {
                    "@odata.type": "#microsoft.graph.quantumAppAssignmentSettings",
                    "spin@odata.type": "#Int64", "spin": 1, "a.b~1": {"c.d": 1}, "nothing": null,
                }}),
                json!({}),
            ),
        ),
        (
            "appleUserInitiatedEnrollmentProfile",
            "appleUserInitiatedEnrollmentProfiles",
            None,
            with(json!({"futureRow": {"a": 1}}), json!({})),
        ),
        (
            "deviceHealthScript",
            "deviceHealthScripts",
            None,
            with(
                json!({"runRemediationScript": true, "futureRow": 1, "runSchedule": {
                    "@odata.type": "#microsoft.graph.deviceHealthScriptHourlySchedule",
                    "interval": 2, "jitter": 5,
                }}),
                json!({}),
            ),
        ),
    ] {
        // The emulator takes properties that it serves itself on another assignment of the policy.
        let mut kept = row.clone();
        kept["target"]["groupId"] = to_group(3)["groupId"].clone();
        let world = world(&[(segment, policy(odata_type, json!([row, kept])))]);
        let before = rows(&world, segment);
        let intent = match kind {
            "mobileApp" => ", intent: required",
            _ => "",
        };
        entry(
            &world,
            &format!("kind: {kind}, name: P{intent}, include: [{{group: B}}, {{group: C}}]"),
        );
        world
            .sandbox("apply m.yaml --yes --report r.jsonl")
            .exits(0)
            .says(&["1 applied"])
            .says_nothing_of("a~1b");
        assert_ne!(rows(&world, segment), before, "{kind}");
        // Through a saved plan, and the same again at once.
        world.sandbox("rollback r.jsonl --out p.json").exits(0);
        let after_run = world.read("tenant.json");
        world.sandbox("apply p.json").exits(0).says(&["1 applied"]);
        assert_eq!(rows(&world, segment), before, "{kind}");
        world.write("tenant.json", &after_run);
        world
            .sandbox("rollback r.jsonl --yes")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(rows(&world, segment), before, "{kind}");
    }
}

/// The emulator refuses what it serves on no other assignment of the policy.
#[test]
fn what_the_service_refuses_is_left_out_of_a_rollback_which_says_so() {
    let row = json!({"target": to_group(1), "futureRow": 1});
    for (kind, segment) in [
        ("groupPolicyConfiguration", "groupPolicyConfigurations"),
        ("termsAndConditions", "termsAndConditions"),
    ] {
        let world = world(&[(segment, policy(None, json!([row])))]);
        entry(
            &world,
            &format!("kind: {kind}, name: P, include: [{{group: B}}]"),
        );
        world
            .sandbox("apply m.yaml --yes --report r.jsonl")
            .exits(0);
        world
            .sandbox("rollback r.jsonl --yes --report back.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(
            rows(&world, segment)[0]["target"]["groupId"],
            to_group(1)["groupId"]
        );
        let report = world.report("back.jsonl");
        let line = report.iter().find(|line| line["event"] == "policy");
        let line = line.expect("the policy's line");
        assert_eq!(line["note"]["code"], "unknownLeftOut", "{kind}: {line}");
        // With the first refusal, and what it says.
        assert_eq!(line["note"]["status"], 400, "{kind}: {line}");
        let message = line["note"]["message"].as_str().expect("a text");
        assert!(message.contains("'futureRow'"), "{message}");
    }
}

/// A property refused for one assignment is still sent with the next.
#[test]
fn what_is_refused_of_one_assignment_is_left_out_of_that_alone() {
    let row = |group: usize, name: &str| json!({"target": to_group(group), name: 1});
    let segment = "termsAndConditions";
    let rows_before = json!([row(1, "futureA"), row(2, "futureB"), row(3, "futureB")]);
    let world = world(&[(segment, policy(None, rows_before))]);
    let before = rows(&world, segment);
    entry(
        &world,
        "kind: termsAndConditions, name: P, include: [{group: C}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world
        .sandbox("rollback r.jsonl --yes")
        .exits(0)
        .says(&["'futureA'", "unknownLeftOut"])
        .says_nothing_of("futureB");
    let after = rows(&world, segment);
    assert_eq!(after[0].get("futureA"), None);
    assert_eq!(after[1], before[1]);
}

/// Settings are what an assignment says: of a type that no one knows they go as they were, or not at all.
#[test]
fn settings_of_an_unknown_type_keep_it_where_something_else_is_left_out() {
    let segment = "mobileApps";
    let settings =
        json!({"@odata.type": "#microsoft.graph.quantumAppAssignmentSettings", "spin": 1});
    let row = |group: usize| json!({"target": to_group(group), "intent": "required", "settings": settings});
    let mut first = row(1);
    first["futureRow"] = json!(1);
    let world = world(&[(segment, policy(Some("quantumApp"), json!([first, row(3)])))]);
    entry(
        &world,
        "kind: mobileApp, name: P, intent: required, include: [{group: B}, {group: C}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.sandbox("rollback r.jsonl --yes").exits(0).says(&[
        "1 applied",
        "'futureRow'",
        "unknownLeftOut",
    ]);
    let after = rows(&world, segment);
    assert_eq!(after[0].get("futureRow"), None);
    assert_eq!(after[0]["settings"], settings);
}

#[test]
fn a_schedule_of_an_unknown_type_that_is_refused_is_a_failure_with_its_reason() {
    let schedule =
        json!({"@odata.type": "#microsoft.graph.deviceHealthScriptWeeklySchedule", "interval": 1});
    let row = json!({"target": to_group(1), "runSchedule": schedule, "runRemediationScript": true});
    let world = world(&[("deviceHealthScripts", policy(None, json!([row])))]);
    entry(
        &world,
        "kind: deviceHealthScript, name: P, include: [{group: B}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world
        .sandbox("rollback r.jsonl --yes --report back.jsonl")
        .exits(6)
        .says(&["deviceHealthScriptWeeklySchedule", "1 failed"]);
    // The same is not sent twice.
    let report = world.report("back.jsonl");
    assert_eq!(report.last().expect("an end")["requests"]["writes"], 1);
    let group = &rows(&world, "deviceHealthScripts")[0]["target"]["groupId"];
    assert_eq!(*group, to_group(2)["groupId"]);
}

/// Whatever becomes of a request: each report on the way restores all.
#[test]
fn the_report_of_a_run_that_resumes_restores_what_an_earlier_one_deleted() {
    let segment = "appleUserInitiatedEnrollmentProfiles";
    let row = |group: usize| {
        let mut target = to_group(group);
        target["futureTarget"] = json!("z");
        json!({"target": target, "futureRow": {"a": 1}})
    };
    let world = world(&[(segment, policy(None, json!([row(1), row(3)])))]);
    world.edit("tenant.json", |tenant| {
        tenant["assignmentFilters"] = json!([{"id": policy_id(9), "displayName": "F", "platform": "iOS",
                                              "rule": "(device.osVersion -eq \"1\")"}]);
        tenant["service"]["approval"] = json!({"collections": [segment]});
    });
    let before = rows(&world, segment);
    entry(
        &world,
        "kind: appleUserInitiatedEnrollmentProfile, name: P, include: [{group: A, filter: F}, {group: C}]",
    );
    let run = |what: &str| {
        world.sandbox(&format!(
            "apply {what} --yes --allow removals --justification {WHY}"
        ))
    };
    run("m.yaml --report r1.jsonl").exits(8);
    decide_on(&world, 0, "approved", None);
    run("--resume r1.jsonl --report r2.jsonl").exits(8);
    decide_on(&world, 1, "rejected", None);
    // This run sends nothing, and another one does not either.
    run("--resume r2.jsonl --report r3.jsonl").exits(6).says(&[
        "approvalRejected",
        "was deleted to make room and was not put back",
    ]);
    world.edit("tenant.json", |tenant| {
        tenant["service"]["approval"] = json!({"collections": []});
    });
    world
        .sandbox("rollback r3.jsonl --yes")
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!(rows(&world, segment), before);
}

#[test]
fn a_schedule_that_changed_its_type_goes_back_with_all_that_it_had() {
    let schedule = json!({"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                          "interval": 1, "time": "01:00:00.0000000", "useUtc": false, "jitter": 5});
    let row = |group: usize| json!({"runRemediationScript": true, "target": to_group(group), "runSchedule": schedule});
    let world = world(&[("deviceHealthScripts", policy(None, json!([row(1), row(3)])))]);
    let before = rows(&world, "deviceHealthScripts");
    entry(
        &world,
        "kind: deviceHealthScript, name: P, include: [{group: A, runSchedule: {type: hourly, interval: 4}}, {group: C}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.sandbox("rollback r.jsonl --yes").exits(0);
    let schedule = |rows: &[Value]| {
        let mut schedule = rows[0]["runSchedule"].clone();
        schedule["time"] = json!(
            schedule["time"]
                .as_str()
                .map(|time| time.trim_end_matches(".0000000").to_owned())
        );
        schedule
    };
    assert_eq!(
        schedule(&rows(&world, "deviceHealthScripts")),
        schedule(&before)
    );
}

/// Deleted and made again, since such kinds have no other way.
#[test]
fn a_change_one_by_one_carries_what_the_program_does_not_know() {
    let row = |group: usize| {
        let mut target = to_group(group);
        target["futureTarget"] = json!("z");
        json!({"target": target, "futureRow": {"a": 1}})
    };
    let world = world(&[(
        "appleUserInitiatedEnrollmentProfiles",
        policy(None, json!([row(1), row(3)])),
    )]);
    let mut tenant = state(&world);
    tenant["assignmentFilters"] = json!([{"id": policy_id(9), "displayName": "F", "platform": "iOS",
                                          "rule": "(device.osVersion -eq \"1\")"}]);
    world.write("tenant.json", &tenant.to_string());
    let segment = "appleUserInitiatedEnrollmentProfiles";
    let before = rows(&world, segment);
    entry(
        &world,
        "kind: appleUserInitiatedEnrollmentProfile, name: P, include: [{group: A, filter: F}, {group: C}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let after = rows(&world, segment);
    assert_eq!(after[0]["futureRow"], json!({"a": 1}));
    assert_eq!(after[0]["target"]["futureTarget"], "z");
    assert_eq!(
        after[0]["target"]["deviceAndAppManagementAssignmentFilterId"],
        policy_id(9)
    );
    world.sandbox("rollback r.jsonl --yes").exits(0);
    assert_eq!(rows(&world, segment), before);
    // Alone the emulator refuses them: the change is made all the same.
    tenant[segment][0]["assignments"] = json!([row(1)]);
    world.write("tenant.json", &tenant.to_string());
    entry(
        &world,
        "kind: appleUserInitiatedEnrollmentProfile, name: P, include: [{group: A, filter: F}]",
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let report = world.report("r.jsonl");
    let line = report.iter().find(|line| line["event"] == "policy");
    assert_eq!(line.expect("a line")["note"]["code"], "unknownLeftOut");
    let filter = "deviceAndAppManagementAssignmentFilterId";
    assert_eq!(rows(&world, segment)[0]["target"][filter], policy_id(9));
}

fn flags(world: &World) -> Vec<Value> {
    let rows = rows(world, "deviceHealthScripts");
    rows.iter()
        .map(|row| row["runRemediationScript"].clone())
        .collect()
}

#[test]
fn a_rollback_says_what_of_a_remediation_it_cannot_know() {
    const WARNING: &str = "warning[remediation-not-known]";
    let world = world(&[("deviceHealthScripts", policy(None, json!([])))]);
    let both = "kind: deviceHealthScript, name: P, runRemediationScript: false, runSchedule: {type: hourly, interval: 4}, include: [{group: A}, {group: B}]";
    entry(&world, both);
    world
        .sandbox("apply m.yaml --yes --report r1.jsonl")
        .exits(0);
    assert_eq!(flags(&world), [false, false]);
    // What the run wrote is known: it goes away and comes back to detect only.
    world
        .sandbox("rollback r1.jsonl --yes --report r2.jsonl")
        .exits(0)
        .says_nothing_of(WARNING);
    assert!(flags(&world).is_empty());
    world
        .sandbox("rollback r2.jsonl --yes")
        .exits(0)
        .says_nothing_of(WARNING);
    assert_eq!(flags(&world), [false, false]);
    // What another run, or another program, wrote is not.
    entry(&world, &both.replace(", {group: B}", ""));
    world
        .sandbox("apply m.yaml --yes --report r3.jsonl")
        .exits(0);
    let report = world.report("r3.jsonl");
    let line = report.iter().find(|line| line["event"] == "policy");
    let line = line.expect("the policy's line");
    for before in line["before"].as_array().expect("a list") {
        assert_eq!(before.get("runRemediationScript"), Some(&Value::Null));
    }
    assert_eq!(line["after"][0]["runRemediationScript"], json!(false));
    world.sandbox("rollback r3.jsonl --yes").exits(0).says(&[
        WARNING,
        "the service does not report whether 2 assignments of deviceHealthScript `P` ran the remediation before the run",
        "as `true` for what the run removed",
    ]);
    assert_eq!(flags(&world), [false, true]);
}

#[test]
fn a_plan_says_what_of_a_remediation_it_carries_without_knowing() {
    let row = |group: usize| json!({"runRemediationScript": false, "runSchedule": null, "target": to_group(group)});
    let world = world(&[("deviceHealthScripts", policy(None, json!([row(1)])))]);
    let additive = |target: &str| {
        entry(
            &world,
            &format!(
                "kind: deviceHealthScript, name: P, mode: additive, runSchedule: {{type: hourly, interval: 4}}, {target}"
            ),
        );
    };
    additive("include: [{group: B}]");
    let said = [
        "warning[remediation-not-known]: the service does not report whether the unlisted assignments of `P` run the remediation",
        "hint: name those that are to detect only",
    ];
    let plan = world.sandbox("plan m.yaml").exits(0);
    plan.says(&said);
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    let change = &plan["policies"][0]["changes"][0];
    assert_eq!(change["after"]["runRemediationScript"], json!(true));
    additive("include: [{group: B}, {group: A, runRemediationScript: false}]");
    world
        .sandbox("apply m.yaml --yes")
        .exits(0)
        .says_nothing_of("remediation-not-known");
    assert_eq!(flags(&world), [false, true]);
}

/// The report of the rollback has what the service had said, so that what it files can be resumed.
#[test]
fn a_rollback_that_has_to_be_approved_restores_what_the_program_does_not_know() {
    let settings = json!({"@odata.type": "#microsoft.graph.quantumAppAssignmentSettings", "foo": "bar", "notifications": "hideAll"});
    for (kind, segment, odata_type, intent, row) in [
        (
            "mobileApp",
            "mobileApps",
            Some("quantumApp"),
            Some("required"),
            json!({"intent": "required", "settings": settings, "target": to_group(1)}),
        ),
        (
            "configurationPolicy",
            "configurationPolicies",
            None,
            None,
            json!({"novel": "x", "target": to_group(1)}),
        ),
    ] {
        // The emulator takes properties that it serves itself on another assignment of the policy.
        let mut kept = row.clone();
        kept["target"] = to_group(2);
        let mut found = policy(odata_type, json!([row, kept]));
        match intent {
            Some(_) => found[0]["publishingState"] = json!("published"),
            None => found[0]["name"] = json!("P"),
        }
        let include = |group: &str| {
            let intent = intent.map(|intent| format!(", intent: {intent}"));
            let intent = intent.unwrap_or_default();
            format!("kind: {kind}, name: P, include: [{{group: {group}{intent}}}]")
        };
        for (way, is_locked) in [
            ("auto", false),
            ("create", false),
            ("assign", false),
            ("auto", true),
        ] {
            let world = world(&[(segment, found.clone())]);
            let before = rows(&world, segment);
            entry(&world, &include("B"));
            world
                .sandbox("apply m.yaml --yes --allow removals --report a.jsonl")
                .exits(0);
            world.edit("tenant.json", |state| {
                state["service"]["approval"] = json!({"collections": [segment]});
            });
            let why = format!("--yes --justification {WHY}");
            if is_locked {
                entry(&world, &include("C"));
                world
                    .sandbox(&format!("apply m.yaml {why} --allow removals"))
                    .exits(8);
            }
            world
                .sandbox(&format!(
                    "rollback a.jsonl {why} --write-with {way} --report b.jsonl"
                ))
                .exits(8);
            if is_locked {
                decide_on(&world, 0, "rejected", None);
            }
            let resume = |from: &str, to: &str| {
                world.sandbox(&format!(
                    "apply --resume {from}.jsonl {why} --report {to}.jsonl"
                ))
            };
            resume("b", "c").exits(8);
            decide_on(&world, usize::from(is_locked), "approved", None);
            resume("c", "d").exits(0).says(&["1 applied"]);
            assert_eq!(rows(&world, segment), before, "{kind} {way} {is_locked}");
        }
    }
}
