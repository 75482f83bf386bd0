//! Scripts and remediations. Scripts take no filters by Microsoft's list (learn: filters-performance-recommendations and
//! filters-supported-workloads).

use super::spec::{
    AssignmentProperties, PLAIN, Permissions, Platform, PolicyKindSpec, TargetRules, Workload,
    Writing,
};

pub(super) const DEVICE_HEALTH_SCRIPT: PolicyKindSpec = PolicyKindSpec {
    name: "deviceHealthScript",
    collection: "/deviceManagement/deviceHealthScripts",
    assignment_type: "#microsoft.graph.deviceHealthScriptAssignment",
    writing: Writing::assign("deviceHealthScriptAssignments"),
    properties: AssignmentProperties::Remediation,
    platform: Platform::Only(&["windows10AndLater"]),
    permissions: Permissions::Scripts,
    approval: Some(Workload::Scripts),
    ..PLAIN
};

pub(super) const DEVICE_MANAGEMENT_SCRIPT: PolicyKindSpec = PolicyKindSpec {
    name: "deviceManagementScript",
    collection: "/deviceManagement/deviceManagementScripts",
    assignment_type: "#microsoft.graph.deviceManagementScriptAssignment",
    writing: Writing::assign("deviceManagementScriptAssignments"),
    targets: TargetRules::NO_FILTERS,
    platform: Platform::Only(&["windows10AndLater"]),
    permissions: Permissions::Scripts,
    approval: Some(Workload::Scripts),
    in_policy_sets: true,
    set_items: &["deviceManagementScript"],
    ..PLAIN
};

pub(super) const DEVICE_SHELL_SCRIPT: PolicyKindSpec = PolicyKindSpec {
    name: "deviceShellScript",
    collection: "/deviceManagement/deviceShellScripts",
    platform: Platform::Only(&["macOS"]),
    approval: None,
    in_policy_sets: false,
    set_items: &[],
    ..DEVICE_MANAGEMENT_SCRIPT
};

pub(super) const DEVICE_CUSTOM_ATTRIBUTE_SHELL_SCRIPT: PolicyKindSpec = PolicyKindSpec {
    name: "deviceCustomAttributeShellScript",
    collection: "/deviceManagement/deviceCustomAttributeShellScripts",
    ..DEVICE_SHELL_SCRIPT
};
