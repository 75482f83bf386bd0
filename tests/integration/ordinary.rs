//! An ordinary policy of each kind, and what else may be wanted of it. The tables here are the tests'
//! own: what they say of a kind is what the service's documentation and other tools say.

use std::collections::BTreeSet;

use assignctl::kinds::{AssignmentProperties, TargetKind};
use assignctl::model::PolicyKind;
use assignctl_sandbox::{Assignment, Collection, Tenant, target};
use serde_json::{Value, json};

/// The collection of a kind in the sandbox.
pub(crate) fn collection(kind: PolicyKind) -> Collection {
    let path = kind.spec().collection;
    let segment = path.rsplit('/').next().expect("a path");
    Collection::named(segment).unwrap_or_else(|| panic!("no {segment} in the sandbox"))
}

/// What makes an object of the kind an ordinary one.
pub(crate) fn of_what(kind: PolicyKind) -> &'static str {
    match kind.name() {
        "mobileApp" => "win32LobApp",
        "deviceConfiguration" => "windows10GeneralConfiguration",
        "deviceCompliancePolicy" => "windows10CompliancePolicy",
        "mobileAppConfiguration" => "iosMobileAppConfiguration",
        "windowsAutopilotDeploymentProfile" => "azureADWindowsAutopilotDeploymentProfile",
        "deviceEnrollmentConfiguration" => "windows10EnrollmentCompletionPageConfiguration",
        _ => "windows10",
    }
}

/// A tenant with one policy of the kind, `P`, assigned to `A`.
pub(crate) fn tenant_with(kind: PolicyKind) -> (Tenant, String) {
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 1_000_000;
    let groups = ["A", "B", "C"].map(|name| tenant.add_group(name));
    let id = tenant.add_policy(collection(kind), "P", of_what(kind));
    let policy = tenant.policy_mut(collection(kind), &id).expect("a policy");
    let said = match kind.spec().properties {
        AssignmentProperties::None if kind.name() == "deviceConfiguration" => {
            json!({"intent": "apply"})
        }
        AssignmentProperties::None => Value::Null,
        AssignmentProperties::App => json!({"intent": "required", "settings": {
            "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
            "notifications": "hideAll", "restartSettings": null, "installTimeSettings": null,
            "deliveryOptimizationPriority": "notConfigured", "autoUpdateSettings": null,
        }}),
        AssignmentProperties::Remediation => json!({"runRemediationScript": true, "runSchedule": {
            "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
            "interval": 1, "useUtc": false, "time": "01:00:00.0000000",
        }}),
    };
    policy.assign_with(target::group(&groups[0]), said);
    (tenant, id)
}

pub(crate) fn takes(kind: PolicyKind, target: TargetKind) -> bool {
    let rules = kind.spec().targets.of(Some(of_what(kind)), None, None);
    !kind.spec().targets.refused.contains(&target) && !rules.doubtful.contains(&target)
}

/// What is wanted in the place of `A`: all that the kind takes.
pub(crate) fn wanted(kind: PolicyKind) -> (String, BTreeSet<&'static str>) {
    let mut lines = vec![format!("  - kind: {kind}"), "    name: P".to_owned()];
    let mut expected = BTreeSet::from(["group B"]);
    match kind.spec().properties {
        AssignmentProperties::None => {}
        AssignmentProperties::App => {
            lines.push("    intent: available".to_owned());
            lines.push("    settings: {notifications: showReboot}".to_owned());
        }
        AssignmentProperties::Remediation => {
            lines.push("    runSchedule: {type: hourly, interval: 2}".to_owned());
        }
    }
    lines.push("    include:".to_owned());
    lines.push("      - group: B".to_owned());
    if takes(kind, TargetKind::AllUsers) {
        lines.push("      - allUsers".to_owned());
        expected.insert("all users");
    } else if takes(kind, TargetKind::AllDevices)
        && kind.name() != "windowsAutopilotDeploymentProfile"
    {
        lines.push("      - allDevices".to_owned());
        expected.insert("all devices");
    }
    if takes(kind, TargetKind::ExclusionGroup) {
        lines.push("    exclude: [{group: C}]".to_owned());
        expected.insert("not C");
    }
    let manifest = format!("version: 1\npolicies:\n{}\n", lines.join("\n"));
    (manifest, expected)
}

pub(crate) fn said(tenant: &Tenant, row: &Assignment) -> String {
    let text = |key: &str| {
        row.target
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let group = || {
        let found = tenant.group(text("groupId"));
        found
            .map_or(text("groupId"), |group| group.display_name.as_str())
            .to_owned()
    };
    match text("@odata.type").trim_start_matches("#microsoft.graph.") {
        "allLicensedUsersAssignmentTarget" => "all users".to_owned(),
        "allDevicesAssignmentTarget" => "all devices".to_owned(),
        "exclusionGroupAssignmentTarget" => format!("not {}", group()),
        "groupAssignmentTarget" if text("groupId").starts_with("acacacac-") => {
            "all users".to_owned()
        }
        _ => format!("group {}", group()),
    }
}
