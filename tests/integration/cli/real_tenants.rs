//! Assignments as captures and exports of real tenants have them: read from a state file, exported, and
//! written back as they were.

use std::fmt::Write as _;

use assignctl::model::PolicyKind;
use serde_json::{Value, json};

use super::super::ordinary::collection;
use super::kinds::{state, world};
use super::support::World;
use super::support::tenant::{filter_id, group_id, policy_id};

/// Assignments in the forms in which captures and exports of real tenants have them: ids, sources and
/// filters in every spelling, properties that are null or missing, and some that no manifest knows.
///
/// A line that is not indented is a policy: its collection, its type, and what its id ends with or begins
/// with. `ID` is its id. The lines below it are its assignments, with words for targets: `A` and `C` are
/// groups, `X` excludes one.
const REAL: &str = r##"
configurationPolicies
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @A}
  {"id": "ID_X", "source": "direct", "sourceId": "ID", "target": @X}
configurationPolicies
  {"source": "policySets", "sourceId": "5e700000-0000-4000-8000-000000000001", "target": @bare}
  {"id": "ID_X", "source": "direct", "sourceId": "ID", "target": @X}
configurationPolicies
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @filtered}
  {"id": "ID_adadadad-808e-44e2-905a-0b7873a8a531", "source": "direct", "sourceId": "ID", "target": @devices}
  {"id": "ID_acacacac-9df4-4c7d-9d50-4ef0226f57a9", "source": "direct", "sourceId": "ID", "target": @users}
configurationPolicies
  {"source": "direct", "sourceId": "ID", "target": @deleted}
compliancePolicies
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @A}
inventoryPolicies
  {"source": "direct", "sourceId": "ID", "target": @A}
mobileApps win32LobApp
  {"id": "A_1_0", "intent": "required", "source": "direct", "sourceId": null, "target": @A, "settings": {"@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings", "notifications": "showAll", "restartSettings": null, "installTimeSettings": null, "deliveryOptimizationPriority": "notConfigured"}}
  {"id": "X_0_0", "intent": "available", "source": "direct", "sourceId": null, "target": @X, "settings": null}
mobileApps win32LobApp
  {"id": "A_2_0", "intent": "uninstall", "source": "direct", "sourceId": "", "target": @A, "settings": {"@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings", "notifications": "hideAll", "restartSettings": {"@odata.type": "#microsoft.graph.win32LobAppRestartSettings", "gracePeriodInMinutes": 720, "countdownDisplayBeforeRestartInMinutes": 30, "restartNotificationSnoozeDurationInMinutes": null}, "installTimeSettings": {"@odata.type": "#microsoft.graph.mobileAppInstallTimeSettings", "useLocalTime": true, "startDateTime": "2026-03-01T00:00:00Z", "deadlineDateTime": "2026-03-02T08:00:00Z"}, "deliveryOptimizationPriority": "foreground", "autoUpdateSettings": {"@odata.type": "#microsoft.graph.win32LobAppAutoUpdateSettings", "autoUpdateSupersededAppsState": "enabled"}}}
  {"id": "A_0_0", "intent": "available", "source": "direct", "target": @A2, "settings": {"@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings", "notifications": "showAll", "restartSettings": null, "installTimeSettings": null, "deliveryOptimizationPriority": "notConfigured", "autoUpdateSettings": null}}
mobileApps win32LobApp
  {"id": "A_1_1", "intent": "required", "source": "policySets", "sourceId": "5e700000-0000-4000-8000-000000000001", "target": @A, "settings": null}
mobileApps win32CatalogApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.win32CatalogAppAssignmentSettings", "notifications": "showReboot", "restartSettings": null, "installTimeSettings": null, "deliveryOptimizationPriority": "notConfigured", "autoUpdateSettings": null}}
mobileApps winGetApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.winGetAppAssignmentSettings", "notifications": "showReboot", "restartSettings": {"@odata.type": "#microsoft.graph.winGetAppRestartSettings", "gracePeriodInMinutes": 60, "countdownDisplayBeforeRestartInMinutes": 15, "restartNotificationSnoozeDurationInMinutes": 10}, "installTimeSettings": {"@odata.type": "#microsoft.graph.winGetAppInstallTimeSettings", "useLocalTime": false, "deadlineDateTime": "2026-04-01T06:00:00Z"}}}
mobileApps androidManagedStoreApp
  {"id": "A_3_0", "intent": "availableWithoutEnrollment", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.androidManagedStoreAppAssignmentSettings", "androidManagedStoreAppTrackIds": ["4698"], "autoUpdateMode": "priority"}}
mobileApps androidManagedStoreWebApp
  {"intent": "available", "source": "direct", "target": @users, "settings": {"@odata.type": "#microsoft.graph.androidManagedStoreAppAssignmentSettings", "androidManagedStoreAppTrackIds": [], "autoUpdateMode": "default"}}
mobileApps androidForWorkApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.androidManagedStoreAppAssignmentSettings", "androidManagedStoreAppTrackIds": [], "autoUpdateMode": "postponed"}}
mobileApps iosVppApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.iosVppAppAssignmentSettings", "useDeviceLicensing": true, "vpnConfigurationId": null, "uninstallOnDeviceRemoval": false, "isRemovable": null, "preventManagedAppBackup": null, "preventAutoAppUpdate": null}}
mobileApps iosLobApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.iosLobAppAssignmentSettings", "vpnConfigurationId": null, "uninstallOnDeviceRemoval": true, "isRemovable": null, "preventManagedAppBackup": null}}
mobileApps iosStoreApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.iosStoreAppAssignmentSettings", "vpnConfigurationId": "9c1b0000-0000-4000-8000-000000000001", "uninstallOnDeviceRemoval": false, "isRemovable": true, "preventManagedAppBackup": true}}
mobileApps managedIOSStoreApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.iosStoreAppAssignmentSettings", "vpnConfigurationId": null, "uninstallOnDeviceRemoval": null, "isRemovable": true, "preventManagedAppBackup": null}}
mobileApps macOsVppApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.macOsVppAppAssignmentSettings", "useDeviceLicensing": false, "uninstallOnDeviceRemoval": true, "preventManagedAppBackup": null, "preventAutoAppUpdate": null}}
mobileApps macOSLobApp
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.macOsLobAppAssignmentSettings", "uninstallOnDeviceRemoval": true}}
mobileApps windowsAppX
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.windowsAppXAppAssignmentSettings", "useDeviceContext": true}}
mobileApps windowsUniversalAppX
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.windowsUniversalAppXAppAssignmentSettings", "useDeviceContext": false}}
mobileApps microsoftStoreForBusinessApp
  {"intent": "uninstall", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.microsoftStoreForBusinessAppAssignmentSettings", "useDeviceContext": false}}
mobileApps officeSuiteApp
  {"intent": "required", "source": "direct", "target": @A}
mobileApps webApp
  {"intent": "available", "source": "direct", "target": @A, "settings": null}
mobileApps appOfTomorrow
  {"intent": "required", "source": "direct", "target": @A, "settings": {"@odata.type": "#microsoft.graph.tomorrowAppAssignmentSettings", "when": {"soon": [true, null]}}}
deviceHealthScripts
  {"id": "ID:A", "runRemediationScript": false, "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 1, "useUtc": false, "time": "01:00:00.0000000"}, "target": @zero}
  {"id": "ID:X", "runRemediationScript": false, "runSchedule": null, "target": @X}
deviceHealthScripts
  {"id": "ID:A", "runRemediationScript": false, "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptHourlySchedule", "interval": 8}, "target": @zero}
deviceHealthScripts
  {"runRemediationScript": false, "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptRunOnceSchedule", "interval": 1, "date": "2026-02-01", "time": "23:00:00.0000000", "useUtc": true}, "target": @devices}
deviceHealthScripts
  {"runRemediationScript": false, "runSchedule": null, "target": @zero}
deviceHealthScripts
  {"runRemediationScript": false, "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 1, "useUtc": false, "time": "04:15:00.0000000", "jitter": 5}, "target": @zero}
deviceManagementScripts
  {"id": "ID:A", "target": @A}
  {"id": "ID:adadadad-808e-44e2-905a-0b7873a8a531", "target": @devices}
deviceShellScripts
  {"id": "ID:A", "target": @A}
deviceCustomAttributeShellScripts
  {"id": "ID:A", "target": @bare}
deviceConfigurations windows10CustomConfiguration
  {"id": "ID_A", "intent": "apply", "source": "direct", "sourceId": null, "target": @bare}
  {"id": "ID_X", "intent": "remove", "source": "direct", "target": @X}
deviceCompliancePolicies macOSCompliancePolicy
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @A}
groupPolicyConfigurations
  {"id": "ID_A", "lastModifiedDateTime": "2026-01-15T07:30:12.1234567Z", "target": @A}
windowsAutopilotDeploymentProfiles azureADWindowsAutopilotDeploymentProfile
  {"id": "ID_adadadad-808e-44e2-905a-0b7873a8a531_0", "source": "direct", "sourceId": "ID", "target": @devices}
windowsAutopilotDeploymentProfiles activeDirectoryWindowsAutopilotDeploymentProfile
  {"id": "ID_A_0", "source": "direct", "sourceId": "ID", "target": @A}
  {"id": "ID_X_0", "source": "direct", "sourceId": "ID", "target": @X}
deviceEnrollmentConfigurations windows10EnrollmentCompletionPageConfiguration _Windows10EnrollmentCompletionPageConfiguration
  {"id": "ID_A_0", "source": "direct", "sourceId": null, "target": @zero}
deviceEnrollmentConfigurations deviceEnrollmentPlatformRestrictionConfiguration _SinglePlatformRestriction
  {"id": "ID_A_0", "source": "direct", "sourceId": null, "target": @zero}
deviceEnrollmentConfigurations deviceEnrollmentLimitConfiguration _Limit
  {"id": "ID_A_0", "source": "direct", "sourceId": null, "target": @zero}
deviceEnrollmentConfigurations deviceEnrollmentNotificationConfiguration _EnrollmentNotificationsConfiguration
  {"source": "direct", "sourceId": null, "target": @users}
deviceEnrollmentConfigurations deviceComanagementAuthorityConfiguration _deviceComanagementAuthorityConfiguration
  {"source": "direct", "sourceId": null, "target": @devices}
androidManagedAppProtections - T_
  {"id": "ID_acacacac-9df4-4c7d-9d50-4ef0226f57a9", "source": "direct", "sourceId": "ID", "target": @virtual}
iosManagedAppProtections - T_
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @A}
  {"id": "ID_X", "source": "direct", "sourceId": "ID", "target": @X}
windowsManagedAppProtections - T_
  {"source": "policySets", "sourceId": "5e700000-0000-4000-8000-000000000001", "target": @A}
targetedManagedAppConfigurations - A_
  {"id": "ID_A", "source": "direct", "sourceId": "ID", "target": @A}
mobileAppConfigurations androidManagedStoreAppConfiguration
  {"id": "opaque", "target": @devices}
  {"id": "too", "target": @X}
mobileAppConfigurations iosMobileAppConfiguration
  {"target": @users, "source": "direct"}
windowsFeatureUpdateProfiles
  {"id": "opaque", "target": @A}
windowsDriverUpdateProfiles
  {"target": @A}
  {"target": @X}
windowsQualityUpdateProfiles
  {"target": @A}
windowsQualityUpdatePolicies
  {"target": @bare}
intents
  {"id": "opaque", "target": @devices}
termsAndConditions
  {"id": "opaque", "target": @users}
appleUserInitiatedEnrollmentProfiles
  {"id": "opaque", "target": @person}
policySets
  {"id": "ID_A", "lastModifiedDateTime": "2026-01-15T07:30:12Z", "target": @A}
intuneBrandingProfiles
  {"id": "opaque", "target": @A}
roleScopeTags - number
  {"id": "opaque", "target": @A}
hardwareConfigurations
  {"target": @A}
embeddedSIMActivationCodePools
  {"target": @A}
iosLobAppProvisioningConfigurations
  {"target": @A}
wdacSupplementalPolicies
  {"target": @A}
"##;

const NONE: &str = r#""deviceAndAppManagementAssignmentFilterId": null, "deviceAndAppManagementAssignmentFilterType": "none""#;

/// A policy of [`REAL`].
struct RealPolicy {
    segment: &'static str,
    id: String,
    odata_type: Option<&'static str>,
    rows: Vec<Value>,
}

/// Returns the targets for which [`REAL`] has words.
fn targets() -> Vec<(&'static str, String)> {
    let target = |name: &str, rest: String| {
        format!(r##"{{"@odata.type": "#microsoft.graph.{name}AssignmentTarget", {rest}}}"##)
    };
    let to = |id: &str| target("group", format!(r#""groupId": "{id}", {NONE}"#));
    let bare = r#""deviceAndAppManagementAssignmentFilterType": "none""#;
    let zero = NONE.replace("null", "\"00000000-0000-0000-0000-000000000000\"");
    let (a, filter) = (group_id(1), filter_id(1));
    vec![
        ("A2", to(&group_id(4))),
        ("A", to(&a)),
        (
            "X",
            target(
                "exclusionGroup",
                format!(r#""groupId": "{}", {NONE}"#, group_id(2)),
            ),
        ),
        (
            "bare",
            target("group", format!(r#""groupId": "{a}", {bare}"#)),
        ),
        (
            "zero",
            target("group", format!(r#""groupId": "{a}", {zero}"#)),
        ),
        (
            "filtered",
            target(
                "group",
                format!(
                    r#""groupId": "{a}", "deviceAndAppManagementAssignmentFilterId": "{filter}", "deviceAndAppManagementAssignmentFilterType": "exclude""#
                ),
            ),
        ),
        ("deleted", to("dead0000-0000-4000-8000-000000000001")),
        ("person", to("0e750000-0000-4000-8000-000000000001")),
        ("virtual", to("acacacac-9df4-4c7d-9d50-4ef0226f57a9")),
        ("devices", target("allDevices", NONE.to_owned())),
        ("users", target("allLicensedUsers", NONE.to_owned())),
    ]
}

fn real() -> Vec<RealPolicy> {
    let targets = targets();
    let mut policies: Vec<RealPolicy> = Vec::new();
    for line in REAL.lines().filter(|line| !line.is_empty()) {
        if let Some(row) = line.strip_prefix("  ") {
            let policy = policies.last_mut().expect("a policy");
            let mut row = row.to_owned();
            for (word, target) in &targets {
                row = row.replace(&format!("@{word}}}"), &format!("{target}}}"));
                row = row.replace(&format!("@{word},"), &format!("{target},"));
            }
            for (word, number) in [("A", 1), ("X", 2)] {
                for (before, after) in [("_", "\""), ("_", "_"), (":", "\""), ("\"", "_")] {
                    let wanted = format!("{before}{word}{after}");
                    row = row.replace(&wanted, &format!("{before}{}{after}", group_id(number)));
                }
            }
            let row = row.replace("\"ID", &format!("\"{}", policy.id));
            let row = serde_json::from_str(&row);
            policy
                .rows
                .push(row.unwrap_or_else(|error| panic!("{line}: {error}")));
            continue;
        }
        let mut words = line.split(' ');
        let number = policies.len() + 1;
        let segment = words.next().expect("a collection");
        let odata_type = words.next().filter(|word| *word != "-");
        let id = match words.next() {
            None => policy_id(number),
            Some("number") => number.to_string(),
            Some(end) if end.starts_with('_') => format!("{}{end}", policy_id(number)),
            Some(start) => format!("{start}{}", policy_id(number)),
        };
        policies.push(RealPolicy {
            segment,
            id,
            odata_type,
            rows: Vec::new(),
        });
    }
    policies
}

/// A world with all policies of [`REAL`].
fn real_world(policies: &[RealPolicy]) -> World {
    let world = world(&[]);
    world.edit("tenant.json", |state| {
        let groups = state["groups"].as_array_mut().expect("groups");
        groups.push(json!({"id": group_id(4), "displayName": "D"}));
        state["assignmentFilters"] = json!([{"id": filter_id(1), "displayName": "F",
            "platform": "windows10AndLater", "rule": "(device.model -eq \"x\")"}]);
        for (number, real) in policies.iter().enumerate() {
            let name = format!("P {number}");
            let mut policy = json!({"id": real.id, "assignments": real.rows});
            for key in ["name", "displayName", "profileName"] {
                policy[key] = json!(name);
            }
            if let Some(odata_type) = real.odata_type {
                policy["@odata.type"] = json!(format!("#microsoft.graph.{odata_type}"));
            }
            // What each kind says of itself.
            match real.segment {
                "configurationPolicies" | "inventoryPolicies" => {
                    policy["platforms"] = json!("windows10");
                }
                "deviceHealthScripts" => policy["isGlobalScript"] = json!(number % 2 == 0),
                "androidManagedAppProtections" => policy["version"] = json!("\"3a00c1\""),
                "deviceEnrollmentConfigurations" => policy["priority"] = json!(number),
                "policySets" => {
                    let payload = policy_id(900);
                    policy["items"] = json!([{
                        "@odata.type": "#microsoft.graph.mobileAppPolicySetItem",
                        "id": format!("{}_{payload}_MobileApp_Parcel", real.id), "payloadId": payload,
                    }]);
                }
                _ => {}
            }
            if state[real.segment].is_null() {
                state[real.segment] = json!([]);
            }
            state[real.segment].as_array_mut().expect("policies").push(policy);
        }
    });
    world
}

/// The assignments of a policy as the service holds them.
fn held<'s>(state: &'s Value, real: &RealPolicy) -> &'s [Value] {
    let policies = state[real.segment].as_array().expect("policies");
    let found = policies.iter().find(|policy| policy["id"] == *real.id);
    found.expect("the policy")["assignments"]
        .as_array()
        .expect("rows")
}

#[test]
fn assignments_as_real_tenants_have_them_are_written_back_unchanged() {
    let policies = real();
    let world = real_world(&policies);
    let kind_of = |segment: &str| {
        let mut kinds = PolicyKind::all();
        let found = kinds.find(|kind| collection(*kind).segment() == segment);
        found.expect("a kind")
    };
    for kind in PolicyKind::all() {
        let segment = collection(kind).segment();
        assert!(
            policies.iter().any(|real| real.segment == segment),
            "{kind}"
        );
    }

    // An export says all of it, and asks for nothing.
    world.sandbox("export --out exported").exits(0);
    world
        .sandbox("plan exported")
        .exits(0)
        .says(&["Nothing to do"]);
    let before = state(&world);

    // One more and one less: what was there goes back as it was.
    let mut manifest = "version: 1\npolicies:\n".to_owned();
    for real in &policies {
        let (kind, id) = (kind_of(real.segment), &real.id);
        let intent = match kind.name() {
            "mobileApp" => "intent: required, ",
            _ => "",
        };
        writeln!(
            manifest,
            "  - {{kind: {kind}, id: '{id}', mode: additive, {intent}include: [{{group: C}}]}}"
        )
        .expect("memory");
    }
    world.write("m.yaml", &manifest);
    let applied = format!("{} applied", policies.len());
    world
        .sandbox("apply m.yaml --yes --write-with assign --max-policies 100 --report r.jsonl")
        .exits(0)
        .says(&[&applied]);
    let between = state(&world);
    world
        .sandbox("rollback r.jsonl --yes --max-policies 100")
        .exits(0)
        .says(&[&applied]);
    let after = state(&world);
    for real in &policies {
        let (before, between, after) = (
            held(&before, real),
            held(&between, real),
            held(&after, real),
        );
        assert_eq!(between.len(), before.len() + 1, "{}", real.id);
        assert_eq!(after.len(), before.len(), "{}", real.id);
        for row in before {
            for later in [between, after] {
                assert!(
                    later.iter().any(|other| same(row, other)),
                    "{row}\n{later:#?}"
                );
            }
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
        // What is included repairs what it detects, whatever the service shows of it.
        object.remove("runRemediationScript");
        // What is not said is the direct one.
        object.entry("source").or_insert_with(|| json!("direct"));
        let set = object.entry("sourceId").or_insert(Value::Null);
        if *set == "" {
            *set = Value::Null;
        }
        if let Some(Value::Object(target)) = object.get_mut("target") {
            let filter = target
                .entry("deviceAndAppManagementAssignmentFilterId")
                .or_insert(Value::Null);
            if filter == "00000000-0000-0000-0000-000000000000" {
                *filter = Value::Null;
            }
        }
        let settings = object.entry("settings").or_insert(Value::Null);
        if let Value::Object(settings) = settings {
            settings.retain(|_, value| !value.is_null());
        }
        row
    };
    bare(one) == bare(other)
}
