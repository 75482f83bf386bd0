//! Tests: which targets and filters each kind takes.

use serde_json::json;

use super::*;
use crate::target::{all_devices, all_users, collection, exclusion_group, filtered, group};

#[test]
fn targets_and_filters_are_those_of_the_kind() {
    let users = json!([row(all_users())]);
    let devices = json!([row(all_devices())]);
    let excluded = json!([row(exclusion_group(GROUP))]);
    for (segment, kind, parameter, right, wrong) in [
        (
            "iosManagedAppProtections",
            "",
            "assignments",
            &excluded,
            &users,
        ),
        (
            "windowsFeatureUpdateProfiles",
            "",
            "assignments",
            &excluded,
            &devices,
        ),
        ("roleScopeTags", "", "assignments", &json!([]), &excluded),
        (
            "deviceEnrollmentConfigurations",
            "deviceEnrollmentNotificationConfiguration",
            "enrollmentConfigurationAssignments",
            &users,
            &devices,
        ),
        (
            "deviceEnrollmentConfigurations",
            "windows10EnrollmentCompletionPageConfiguration",
            "enrollmentConfigurationAssignments",
            &devices,
            &excluded,
        ),
    ] {
        let mut one = One::new(segment, kind);
        let (status, body) = one.assign(parameter, right.clone());
        assert!(matches!(status, 200 | 204), "{segment}: {body}");
        assert_eq!(one.assign(parameter, wrong.clone()).0, 400, "{segment}");
        let of_cm = json!([row(collection("MEM00012"))]);
        assert_eq!(one.assign(parameter, of_cm).0, 400, "{segment}");
    }
    let mut one = One::new("iosManagedAppProtections", "");
    let tenant = one.world.machine.tenant_mut();
    let device_filter = tenant.add_filter("D", "iOS", "");
    let app_filter = tenant.add_filter("A", "iOSMobileApplicationManagement", "");
    let filter = &mut tenant.assignment_filters[1].properties;
    filter.insert("assignmentFilterManagementType".to_owned(), json!("apps"));
    let filtered = |id: &str| json!([row(filtered(group(GROUP), id, "include"))]);
    assert_eq!(one.assign("assignments", filtered(&app_filter)).0, 204);
    assert_eq!(one.assign("assignments", filtered(&device_filter)).0, 400);
    // The virtual group that stands for all users.
    let users = group("acacacac-9df4-4c7d-9d50-4ef0226f57a9");
    assert_eq!(one.assign("assignments", json!([row(users)])).0, 204);
}

#[test]
fn one_autopilot_profile_has_all_devices() {
    let kind = "azureADWindowsAutopilotDeploymentProfile";
    let mut one = One::new("windowsAutopilotDeploymentProfiles", kind);
    let tenant = one.world.machine.tenant_mut();
    let other = tenant.add_policy(one.collection, "Other", kind);
    assert_eq!(one.post("/assignments", row(all_devices())).0, 201);
    assert_eq!(one.post("/assignments", row(all_users())).0, 400);
    assert_eq!(one.post("/assignments", row(group(GROUP))).0, 201);
    let expected = format!("{}_{GROUP}_0", one.id);
    assert!(one.rows().iter().any(|row| row["id"] == expected));
    let other = format!("{}/{other}/assignments", one.list());
    let (status, body) = one.world.post(&other, row(all_devices()));
    assert_eq!(status, 400);
    assert!(message(&body).contains("is already assigned to All Devices."));
}

#[test]
fn defaults_of_enrollment_have_a_fixed_assignment() {
    let mut one = One::new(
        "deviceEnrollmentConfigurations",
        "deviceEnrollmentLimitConfiguration",
    );
    one.policy()
        .properties
        .insert("priority".to_owned(), json!(0));
    let list = one.list();
    let (_, body) = one.world.get(&format!("{list}?$expand=assignments"));
    let object = body["value"][0].as_object().expect("an object");
    assert_eq!(object.get("assignments"), Some(&Value::Null));
    let both = format!("{list}?$expand=assignments&$select=id");
    let (status, body) = one.world.get(&both);
    assert_eq!(status, 400);
    assert!(message(&body).contains("'platformType'"));
    let rows = one.rows();
    assert_eq!(rows[0]["id"], one.id);
    let parameter = "enrollmentConfigurationAssignments";
    assert_eq!(one.assign(parameter, json!([])).0, 400);
    assert_eq!(one.assign(parameter, json!([row(group(GROUP))])).0, 400);
}
