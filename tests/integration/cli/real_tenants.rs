//! Assignments as captures and exports of real tenants have them: read from a state file, exported, and
//! written back as they were.

use assignctl::model::PolicyKind;
use serde_json::{Value, json};

use super::super::ordinary::collection;
use super::kinds::{state, to_group, world};
use super::support::World;
use super::support::tenant::{group_id, policy_id};

/// Assignments in the forms in which captures and exports of real tenants have them: ids, sources and
/// filters in every spelling, properties that are null, and some that no manifest knows.
fn real() -> Vec<(&'static str, Value, Value)> {
    let group = group_id(1);
    let excluded = json!({"@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget",
        "deviceAndAppManagementAssignmentFilterId": null,
        "deviceAndAppManagementAssignmentFilterType": "none", "groupId": group_id(2)});
    let zero = json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group,
        "deviceAndAppManagementAssignmentFilterId": "00000000-0000-0000-0000-000000000000",
        "deviceAndAppManagementAssignmentFilterType": "none"});
    let bare = json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group,
        "deviceAndAppManagementAssignmentFilterType": "none"});
    let everywhere = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
        "deviceAndAppManagementAssignmentFilterId": null,
        "deviceAndAppManagementAssignmentFilterType": "none"});
    let id = policy_id(1);
    let settings = |name: &str, rest: Value| {
        let mut settings =
            json!({"@odata.type": format!("#microsoft.graph.{name}AppAssignmentSettings")});
        settings
            .as_object_mut()
            .expect("an object")
            .extend(rest.as_object().expect("an object").clone());
        settings
    };
    let app = |odata_type: &str| json!({"@odata.type": format!("#microsoft.graph.{odata_type}")});
    let required = |settings: Value| {
        json!([
            {"id": format!("{group}_1_0"), "intent": "required", "source": "direct", "sourceId": null,
             "target": to_group(1), "settings": settings},
            {"id": format!("{}_0_0", group_id(2)), "intent": "available", "source": "direct",
             "sourceId": null, "target": excluded.clone(), "settings": null},
        ])
    };
    vec![
        (
            "mobileApps",
            app("win32LobApp"),
            required(settings(
                "win32Lob",
                json!({
            "notifications": "showAll", "restartSettings": null, "installTimeSettings": null,
            "deliveryOptimizationPriority": "notConfigured"}),
            )),
        ),
        (
            "mobileApps",
            app("win32LobApp"),
            required(settings(
                "win32Lob",
                json!({
            "notifications": "hideAll",
            "restartSettings": {"@odata.type": "#microsoft.graph.win32LobAppRestartSettings", "gracePeriodInMinutes": 720, "countdownDisplayBeforeRestartInMinutes": 30,
                "restartNotificationSnoozeDurationInMinutes": null},
            "installTimeSettings": {"@odata.type": "#microsoft.graph.mobileAppInstallTimeSettings", "useLocalTime": true, "startDateTime": "2026-03-01T00:00:00Z",
                "deadlineDateTime": "2026-03-02T08:00:00Z"},
            "deliveryOptimizationPriority": "foreground",
            "autoUpdateSettings": {"@odata.type": "#microsoft.graph.win32LobAppAutoUpdateSettings", "autoUpdateSupersededAppsState": "enabled"}}),
            )),
        ),
        (
            "mobileApps",
            app("winGetApp"),
            required(settings(
                "winGet",
                json!({
            "notifications": "showReboot", "restartSettings": null,
            "installTimeSettings": {"@odata.type": "#microsoft.graph.winGetAppInstallTimeSettings", "useLocalTime": false, "deadlineDateTime": "2026-04-01T06:00:00Z"}}),
            )),
        ),
        (
            "mobileApps",
            app("androidManagedStoreApp"),
            required(settings(
                "androidManagedStore",
                json!({
            "androidManagedStoreAppTrackIds": ["4698"], "autoUpdateMode": "priority"}),
            )),
        ),
        (
            "mobileApps",
            app("iosVppApp"),
            required(settings(
                "iosVpp",
                json!({
            "useDeviceLicensing": true, "vpnConfigurationId": null, "uninstallOnDeviceRemoval": false,
            "isRemovable": null, "preventManagedAppBackup": null, "preventAutoAppUpdate": null}),
            )),
        ),
        (
            "mobileApps",
            app("iosLobApp"),
            required(settings(
                "iosLob",
                json!({
            "vpnConfigurationId": null, "uninstallOnDeviceRemoval": true, "isRemovable": null,
            "preventManagedAppBackup": null}),
            )),
        ),
        (
            "mobileApps",
            app("managedIOSStoreApp"),
            required(settings(
                "iosStore",
                json!({
            "vpnConfigurationId": null, "uninstallOnDeviceRemoval": null, "isRemovable": true,
            "preventManagedAppBackup": null}),
            )),
        ),
        (
            "mobileApps",
            app("macOsVppApp"),
            required(settings(
                "macOsVpp",
                json!({
            "useDeviceLicensing": false, "uninstallOnDeviceRemoval": true,
            "preventManagedAppBackup": null, "preventAutoAppUpdate": null}),
            )),
        ),
        (
            "mobileApps",
            app("macOSLobApp"),
            required(settings(
                "macOsLob",
                json!({"uninstallOnDeviceRemoval": true}),
            )),
        ),
        (
            "mobileApps",
            app("windowsUniversalAppX"),
            required(settings(
                "windowsUniversalAppX",
                json!({"useDeviceContext": true}),
            )),
        ),
        (
            "mobileApps",
            app("microsoftStoreForBusinessApp"),
            required(settings(
                "microsoftStoreForBusiness",
                json!({"useDeviceContext": false}),
            )),
        ),
        ("mobileApps", app("officeSuiteApp"), required(Value::Null)),
        (
            "deviceHealthScripts",
            json!({}),
            json!([
                {"id": format!("{id}:{group}"), "runRemediationScript": true,
                 "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                     "interval": 3, "useUtc": true, "time": "04:15:00.0000000"}, "target": zero.clone()},
                {"id": format!("{id}:{}", group_id(2)), "runRemediationScript": false, "runSchedule": null,
                 "target": excluded.clone()},
            ]),
        ),
        (
            "deviceHealthScripts",
            json!({"isGlobalScript": true, "publisher": "Microsoft"}),
            json!([
                {"runRemediationScript": true, "runSchedule": {"@odata.type":
                    "#microsoft.graph.deviceHealthScriptRunOnceSchedule", "interval": 1, "date": "2026-02-01",
                    "time": "23:00:00.0000000", "useUtc": false}, "target": zero.clone()},
            ]),
        ),
        (
            "deviceHealthScripts",
            json!({}),
            json!([{"runRemediationScript": true, "runSchedule": null, "target": zero.clone()}]),
        ),
        (
            "deviceManagementScripts",
            json!({}),
            json!([{"id": format!("{id}:{group}"), "target": to_group(1)}]),
        ),
        (
            "windowsAutopilotDeploymentProfiles",
            app("azureADWindowsAutopilotDeploymentProfile"),
            json!([
                {"id": format!("{id}_adadadad-808e-44e2-905a-0b7873a8a531_0"), "source": "direct",
                 "sourceId": id, "target": everywhere.clone()},
            ]),
        ),
        (
            "configurationPolicies",
            json!({"platforms": "windows10"}),
            json!([
                {"source": "policySets", "sourceId": policy_id(9), "target": bare.clone()},
                {"id": format!("{id}_{}", group_id(2)), "source": "direct", "sourceId": id, "target": excluded.clone()},
            ]),
        ),
        (
            "deviceConfigurations",
            app("windows10CustomConfiguration"),
            json!([
                {"id": format!("{id}_{group}"), "intent": "apply", "source": "direct", "sourceId": null, "target": bare.clone()},
            ]),
        ),
        (
            "deviceCompliancePolicies",
            app("macOSCompliancePolicy"),
            json!([
                {"id": format!("{id}_{group}"), "source": "direct", "sourceId": id, "target": to_group(1)},
            ]),
        ),
        (
            "groupPolicyConfigurations",
            json!({}),
            json!([
                {"id": format!("{id}_{group}"), "lastModifiedDateTime": "2026-01-15T07:30:12.1234567Z", "target": to_group(1)},
            ]),
        ),
        (
            "deviceEnrollmentConfigurations",
            json!({"priority": 2,
            "@odata.type": "#microsoft.graph.windows10EnrollmentCompletionPageConfiguration"}),
            json!([
                {"id": format!("{id}_{group}_0"), "source": "direct", "sourceId": null, "target": zero.clone()},
            ]),
        ),
        (
            "androidManagedAppProtections",
            json!({"version": "\"3a00c1\""}),
            json!([
                {"id": format!("T_{id}_acacacac-9df4-4c7d-9d50-4ef0226f57a9"), "source": "direct", "sourceId": format!("T_{id}"),
                 "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget",
                     "groupId": "acacacac-9df4-4c7d-9d50-4ef0226f57a9",
                     "deviceAndAppManagementAssignmentFilterId": null,
                     "deviceAndAppManagementAssignmentFilterType": "none"}},
            ]),
        ),
        (
            "mobileAppConfigurations",
            app("androidManagedStoreAppConfiguration"),
            json!([{"target": everywhere, "source": "direct"}]),
        ),
        (
            "policySets",
            json!({"status": "success", "items": []}),
            json!([
                {"lastModifiedDateTime": "2026-01-15T07:30:12Z", "target": to_group(1)},
            ]),
        ),
    ]
}

/// What the service shows of a policy's assignments.
fn shown(world: &World, segment: &str, id: &str) -> Vec<Value> {
    state(world)[segment]
        .as_array()
        .expect("policies")
        .iter()
        .find(|policy| policy["id"] == id)
        .expect("the policy")["assignments"]
        .as_array()
        .expect("rows")
        .clone()
}

#[test]
fn assignments_as_real_tenants_have_them_are_written_back_unchanged() {
    for (segment, says, rows) in real() {
        let id = match segment {
            "androidManagedAppProtections" => format!("T_{}", policy_id(1)),
            "deviceEnrollmentConfigurations" => format!(
                "{}_Windows10EnrollmentCompletionPageConfiguration",
                policy_id(1)
            ),
            _ => policy_id(1),
        };
        let mut policy = json!({"id": id, "displayName": "P", "name": "P", "assignments": rows});
        policy
            .as_object_mut()
            .expect("an object")
            .extend(says.as_object().expect("an object").clone());
        let what = format!("{segment} {policy}");
        let world = world(&[(segment, json!([policy]))]);
        let kind = PolicyKind::all().find(|kind| collection(*kind).segment() == segment);
        let kind = kind.expect("a kind");

        // An export says all of it, and asks for nothing.
        world.sandbox("export --out exported").exits(0);
        world
            .sandbox("plan exported")
            .exits(0)
            .says(&["Nothing to do"]);
        let before = shown(&world, segment, &id);

        // One more and one less: what was there goes back as it was.
        let intent = match kind.name() {
            "mobileApp" => "    intent: required\n",
            _ => "",
        };
        world.write("m.yaml", &format!(
            "version: 1\npolicies:\n  - kind: {kind}\n    id: {id}\n    mode: additive\n{intent}    include: [{{group: C}}]\n"
        ));
        world
            .sandbox("apply m.yaml --yes --write-with assign --report r.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        let between = shown(&world, segment, &id);
        assert_eq!(between.len(), before.len() + 1, "{what}");
        for row in &before {
            assert!(
                between.iter().any(|other| same(row, other)),
                "{what}\n{row}\n{between:#?}"
            );
        }
        world
            .sandbox("rollback r.jsonl --yes")
            .exits(0)
            .says(&["1 applied"]);
        let after = shown(&world, segment, &id);
        assert_eq!(after.len(), before.len(), "{what}");
        for row in &before {
            assert!(
                after.iter().any(|other| same(row, other)),
                "{what}\n{row}\n{after:#?}"
            );
        }
    }
}

/// Whether two assignments are the same, but for what the service makes of them by itself.
fn same(one: &Value, other: &Value) -> bool {
    let bare = |row: &Value| {
        let mut row = row.clone();
        let object = row.as_object_mut().expect("an object");
        object.remove("lastModifiedDateTime");
        object.remove("id");
        // What is not said is the direct one.
        object.entry("source").or_insert_with(|| json!("direct"));
        object.entry("sourceId").or_insert(Value::Null);
        if let Some(Value::Object(target)) = object.get_mut("target") {
            let filter = target
                .entry("deviceAndAppManagementAssignmentFilterId")
                .or_insert(Value::Null);
            if filter == "00000000-0000-0000-0000-000000000000" {
                *filter = Value::Null;
            }
        }
        if let Some(Value::Object(settings)) = object.get_mut("settings") {
            settings.retain(|_, value| !value.is_null());
        }
        row
    };
    bare(one) == bare(other)
}
