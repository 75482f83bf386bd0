use super::*;
use crate::graph::wire::tests::{kind, live};
use crate::graph::wire::{FILTER_ID, FILTER_TYPE};
use crate::model::{Filter, FilterMode};

fn to(kind: PolicyKind) -> PolicyToWrite<'static> {
    PolicyToWrite {
        kind,
        id: "p",
        odata_type: None,
        remediates: &|key| !key.target.is_exclusion(),
        earlier: &[],
        bare: false,
    }
}

#[test]
fn an_unknown_target_is_carried_and_never_judged() {
    let raw = json!({
        "id": "p_x", "source": "direct", "sourceId": "p", "novelty": [1],
        "target": {"@odata.type": "#microsoft.graph.androidFotaDeploymentAssignmentTarget", "groupId": "G", "x": 1}
    });
    let read = live(raw.clone());
    assert_eq!(
        read.assignment.key.target.type_name(),
        "androidFotaDeploymentAssignmentTarget"
    );
    let body = assign_body(to(kind()), &[&read.assignment], std::slice::from_ref(&read));
    assert_eq!(body, json!({"assignments": [raw]}));
}

#[test]
fn a_kept_assignment_keeps_what_nobody_knows() {
    let raw = json!({
        "id": "p_g", "source": "direct", "sourceId": "p", "intent": "apply",
        "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "g", "novelty": {"a": 1},
                   FILTER_ID: "f1", FILTER_TYPE: "include"}
    });
    let read = live(raw.clone());
    let mut assignment = read.assignment.clone();
    let kept = assign_body(to(kind()), &[&assignment], std::slice::from_ref(&read));
    assert_eq!(kept, json!({"assignments": [raw]}));
    assignment.filter = None;
    let mut expected = raw;
    expected["target"][FILTER_ID] = Value::Null;
    expected["target"][FILTER_TYPE] = json!("none");
    assert_eq!(
        assign_body(to(kind()), &[&assignment], &[read]),
        json!({"assignments": [expected]})
    );
}

#[test]
fn the_create_call_has_all_its_properties() {
    let mut assignment = Assignment::direct(Target::Collection("MEM00012".into()));
    assignment.key.source = Source::PolicySets;
    assignment.source_id = Some("set".into());
    assignment.filter = Some(Filter {
        id: "f".into(),
        mode: FilterMode::Exclude,
    });
    assert_eq!(
        create_body(to(kind()), &assignment),
        json!({
            "@odata.type": "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
            "id": "p_MEM00012",
            "source": "policySets",
            "sourceId": "set",
            "target": {
                "@odata.type": "#microsoft.graph.configurationManagerCollectionAssignmentTarget",
                "collectionId": "MEM00012",
                FILTER_ID: "f",
                FILTER_TYPE: "exclude",
            }
        })
    );
}

fn kind_named(word: &str) -> PolicyKind {
    PolicyKind::from_name(word).expect("a kind")
}

fn of_kind(word: &str, raw: Value) -> (PolicyKind, LiveAssignment) {
    let kind = kind_named(word);
    let Value::Object(raw) = raw else {
        panic!("an object")
    };
    let mut texts = crate::graph::wire::Texts::default();
    let live = crate::graph::wire::live_assignment(raw, kind.spec(), &mut texts);
    (kind, live.expect("an assignment"))
}

fn group(id: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": id,
           FILTER_ID: null, FILTER_TYPE: "none"})
}

#[test]
fn a_setting_that_changes_leaves_the_others_as_they_came() {
    let raw = json!({
        "id": "g_1_0", "intent": "required", "source": "direct", "sourceId": null, "target": group("g"),
        "settings": {
            "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
            "notifications": "hideAll", "deliveryOptimizationPriority": "notConfigured", "novelty": [1],
            "restartSettings": {"gracePeriodInMinutes": 60, "countdownDisplayBeforeRestartInMinutes": 15},
        },
    });
    let (kind, live) = of_kind("mobileApp", raw.clone());
    assert_eq!(live.assignment.key.variant.as_deref(), Some("required"));
    let kept = assign_body(to(kind), &[&live.assignment], std::slice::from_ref(&live));
    assert_eq!(kept, json!({"mobileAppAssignments": [raw]}));
    let mut assignment = live.assignment.clone();
    let mut left: Vec<_> = assignment.properties.iter().cloned().collect();
    left.retain(|(name, _)| &**name != "settings.notifications" && !name.contains("restart"));
    left.push((
        "settings.deliveryOptimizationPriority".into(),
        "\"foreground\"".into(),
    ));
    assignment.properties = crate::model::Properties::new(left);
    let mut expected = raw;
    expected["settings"]["notifications"] = json!("showAll");
    expected["settings"]["restartSettings"] = Value::Null;
    expected["settings"]["deliveryOptimizationPriority"] = json!("foreground");
    assert_eq!(
        assign_body(to(kind), &[&assignment], &[live]),
        json!({"mobileAppAssignments": [expected]})
    );
}

#[test]
fn a_new_assignment_of_an_app_has_intent_and_the_settings_of_its_type() {
    let kind = kind_named("mobileApp");
    let mut assignment = Assignment::direct(Target::AllUsers);
    assignment.key.variant = Some("available".into());
    assignment.properties =
        crate::model::Properties::new(vec![("settings.useDeviceLicensing".into(), "true".into())]);
    let policy = PolicyToWrite {
        odata_type: Some("iosVppApp"),
        ..to(kind)
    };
    assert_eq!(
        create_body(policy, &assignment),
        json!({
            "@odata.type": "#microsoft.graph.mobileAppAssignment",
            "intent": "available",
            "target": {"@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget",
                       FILTER_ID: null, FILTER_TYPE: "none"},
            "settings": {"@odata.type": "#microsoft.graph.iosVppAppAssignmentSettings",
                         "useDeviceLicensing": true},
        })
    );
}

#[test]
fn a_kept_remediation_is_never_switched_off_by_what_is_read() {
    let raw = json!({
        "id": "s:g", "runRemediationScript": false, "target": group("g"),
        "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                        "interval": 1, "useUtc": false, "time": "01:00:00.0000000"},
    });
    let (kind, live) = of_kind("deviceHealthScript", raw.clone());
    let body = assign_body(to(kind), &[&live.assignment], std::slice::from_ref(&live));
    let mut expected = raw;
    expected["runRemediationScript"] = json!(true);
    assert_eq!(body, json!({"deviceHealthScriptAssignments": [expected]}));
    let off = PolicyToWrite {
        remediates: &|_| false,
        ..to(kind)
    };
    let body = assign_body(off, &[&live.assignment], &[]);
    let sent = &body["deviceHealthScriptAssignments"][0];
    assert_eq!(sent["runRemediationScript"], json!(false));
    assert_eq!(sent["runSchedule"]["time"], json!("01:00:00"));
}

#[test]
fn a_schedule_that_changes_keeps_what_nobody_knows_of_it() {
    let raw = |time: &str| {
        json!({
            "id": "s:g", "runRemediationScript": true, "target": group("g"),
            "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                            "interval": 1, "useUtc": false, "time": time, "jitter": 5},
        })
    };
    let (kind, live) = of_kind("deviceHealthScript", raw("01:00:00.0000000"));
    let (_, other) = of_kind("deviceHealthScript", raw("02:00:00.0000000"));
    let body = assign_body(to(kind), &[&other.assignment], &[live]);
    assert_eq!(
        body,
        json!({"deviceHealthScriptAssignments": [raw("02:00:00")]})
    );
}

#[test]
fn all_users_of_app_protection_are_a_group_that_no_directory_has() {
    let (kind, live) = of_kind(
        "iosManagedAppProtection",
        json!({"id": "T_1", "target": group(ALL_USERS_ID)}),
    );
    assert_eq!(live.assignment.key.target, Target::AllUsers);
    let body = assign_body(to(kind), &[&live.assignment], &[]);
    assert_eq!(
        body,
        json!({"assignments": [{"target": group(ALL_USERS_ID)}]})
    );
}
