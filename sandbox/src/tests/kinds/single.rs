//! Tests: what is so of one kind only.

use serde_json::json;

use super::*;
use crate::target::{all_devices, all_users, exclusion_group, group};

#[test]
fn intent_is_a_part_of_an_apps_assignment() {
    let mut one = One::new("mobileApps", "win32LobApp");
    let with = |intent: &str, target: Value| json!({"intent": intent, "target": target});
    let set = json!([
        with("required", group(GROUP)),
        with("available", exclusion_group(GROUP)),
        with("uninstall", all_devices()),
    ]);
    assert_eq!(one.assign("mobileAppAssignments", set).0, 204);
    let rows = one.rows();
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids[0], format!("{GROUP}_1_0"));
    assert_eq!(ids[1], format!("{GROUP}_0_0"));
    assert_eq!(rows[0]["sourceId"], Value::Null);
    assert_eq!(rows[0]["settings"]["notifications"], "showAll");
    assert_eq!(rows[1]["settings"], Value::Null);
    // Both at once, within one intent.
    let set = json!([
        with("required", group(GROUP)),
        with("required", exclusion_group(GROUP)),
    ]);
    assert_eq!(one.assign("mobileAppAssignments", set).0, 400);
    let set = json!([with("mandatory", group(GROUP))]);
    assert_eq!(one.assign("mobileAppAssignments", set).0, 500);
    let (status, body) = one.post("/assignments", with("available", all_users()));
    assert_eq!((status, &body["intent"]), (201, &json!("available")));
    assert_eq!(one.get("").1["isAssigned"], false);
    one.policy()
        .properties
        .insert("publishingState".to_owned(), json!("processing"));
    assert_eq!(one.assign("mobileAppAssignments", json!([])).0, 400);
    let again = with("available", group(GROUP));
    assert_eq!(one.post("/assignments", again).0, 400);
}

#[test]
fn a_remediation_reads_back_false_and_a_schedule_with_seven_decimals() {
    let mut one = One::new("deviceHealthScripts", "");
    let rows = json!([
        {"target": group(GROUP), "runRemediationScript": true, "runSchedule": {
            "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
            "interval": 1, "time": "01:00", "useUtc": false}},
        {"target": exclusion_group(&guid_from("other")), "runRemediationScript": true},
    ]);
    one.assign("deviceHealthScriptAssignments", rows);
    // It is kept as it was sent, and never shown.
    let kept = &one.policy().assignments;
    assert_eq!(kept[0].properties["runRemediationScript"], true);
    assert_eq!(kept[1].properties["runRemediationScript"], false);
    let rows = one.rows();
    assert_eq!(rows[0]["runRemediationScript"], false);
    assert_eq!(rows[0]["runSchedule"]["time"], "01:00:00.0000000");
    assert_eq!(rows[1]["runSchedule"], Value::Null);
    let filter = "deviceAndAppManagementAssignmentFilterId";
    assert_eq!(
        rows[0]["target"][filter],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(rows[0].get("source"), None);
}

#[test]
fn the_cast_route_is_the_fallback_of_app_configurations() {
    let mut one = One::new("mobileAppConfigurations", "iosMobileAppConfiguration");
    let cast = "/microsoft.graph.managedDeviceMobileAppConfiguration/assign";
    let body = json!({"assignments": [row(group(GROUP))]});
    assert_eq!(one.post(cast, body.clone()).0 / 100, 2);
    assert_eq!(one.post("/assign", body.clone()).0 / 100, 2);
    let service = &mut one.world.machine.tenant_mut().service;
    service.plain_assign_missing = vec!["mobileAppConfigurations".to_owned()];
    let (status, refused) = one.post("/assign", body.clone());
    assert_eq!(status, 400);
    assert!(message(&refused).contains("~/singleton/navigation/key/action"));
    assert_eq!(one.post(cast, body.clone()).0 / 100, 2);
    let mut other = One::new("intents", "");
    assert_eq!(other.post(cast, body).0, 400);
}

#[test]
fn switches_take_a_list_or_its_expansion_away() {
    let mut one = One::new("windowsFeatureUpdateProfiles", "");
    let list = one.list();
    let expanded = format!("{list}?$expand=assignments");
    assert_eq!(one.world.get(&expanded).0, 200);
    let service = &mut one.world.machine.tenant_mut().service;
    service.expand_refused = vec!["windowsFeatureUpdateProfiles".to_owned()];
    assert_eq!(one.world.get(&expanded).0, 400);
    assert_eq!(one.world.get(&list).0, 200);
    let service = &mut one.world.machine.tenant_mut().service;
    service.unavailable = vec!["windowsFeatureUpdateProfiles".to_owned()];
    assert_eq!(one.world.get(&list).0, 400);
}

#[test]
fn each_pool_has_limits_of_its_own() {
    let mut one = One::new("mobileApps", "win32LobApp");
    let tenant = one.world.machine.tenant_mut();
    tenant.service.throttling.app_writes = 1;
    let policy = tenant.add_policy(CATALOG, "P", "windows10");
    let body = json!({"mobileAppAssignments": []});
    assert_eq!(one.post("/assign", body.clone()).0, 204);
    assert_eq!(one.post("/assign", body).0, 429);
    let path = catalog(&policy, "/assign");
    assert_eq!(one.world.post(&path, json!({"assignments": []})).0, 200);
}

#[test]
fn one_assignment_is_changed_in_its_place_where_that_has_a_route() {
    let mut app = One::new("mobileApps", "win32LobApp");
    let mut wanted = row(group(GROUP));
    wanted["intent"] = json!("required");
    assert_eq!(app.post("/assignments", wanted).0, 201);
    let id = app.rows()[0]["id"].as_str().expect("an id").to_owned();
    let path = app.path(&format!("/assignments/{id}"));
    let settings = json!({"settings": {"@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
        "notifications": "hideAll"}});
    let (status, body, _) = app.world.send("PATCH", &path, Some(settings));
    assert_eq!(
        (status, &body["settings"]["notifications"]),
        (200, &json!("hideAll"))
    );
    assert_eq!(app.rows()[0]["settings"]["notifications"], "hideAll");
    let (status, ..) = app
        .world
        .send("PATCH", &path, Some(json!({"intent": "never"})));
    assert_eq!(status, 500);
    let missing = app.path("/assignments/none");
    assert_eq!(app.world.send("PATCH", &missing, Some(json!({}))).0, 404);

    let mut apple = One::new("appleUserInitiatedEnrollmentProfiles", "");
    assert_eq!(apple.post("/assignments", row(group(GROUP))).0, 201);
    let id = apple.rows()[0]["id"].as_str().expect("an id").to_owned();
    let path = apple.path(&format!("/assignments/{id}"));
    let excluded = json!({"target": exclusion_group(GROUP)});
    assert_eq!(apple.world.send("PATCH", &path, Some(excluded)).0, 200);
    let kind = "#microsoft.graph.exclusionGroupAssignmentTarget";
    assert_eq!(apple.rows()[0]["target"]["@odata.type"], kind);

    for segment in [
        "termsAndConditions",
        "deviceConfigurations",
        "deviceShellScripts",
    ] {
        let mut one = One::new(segment, "");
        let path = one.path("/assignments/x");
        let (status, body, _) = one.world.send("PATCH", &path, Some(json!({})));
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("No method match route template")),
            "{segment}"
        );
    }
}
