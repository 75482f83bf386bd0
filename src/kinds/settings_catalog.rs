//! The settings catalog, endpoint security among it, and what is made the same way.

use super::spec::{PLAIN, Platform, PolicyKindSpec, SingleRoute, TargetRules, Workload, Writing};

pub(super) const CONFIGURATION_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "configurationPolicy",
    collection: "/deviceManagement/configurationPolicies",
    name_property: "name",
    assignment_type: "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
    // The create call is documented and was never seen to work; its siblings have no such route
    // (microsoft-graph-docs#4983).
    writing: Writing::Assign {
        parameter: "assignments",
        single: SingleRoute::Documented,
        cast: None,
        serial: false,
    },
    // Collections are for endpoint security with tenant attach, which is of this kind.
    targets: TargetRules {
        doubtful: &[],
        ..TargetRules::ALL
    },
    platform: Platform::Property("platforms"),
    approval: Some(Workload::Configuration),
    set_items: &["deviceManagementConfigurationPolicy"],
    ..PLAIN
};

pub(super) const COMPLIANCE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "compliancePolicy",
    collection: "/deviceManagement/compliancePolicies",
    approval: Some(Workload::Compliance),
    ..CONFIGURATION_POLICY
};

/// It is in no metadata; tools write it like the settings catalog.
pub(super) const INVENTORY_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "inventoryPolicy",
    collection: "/deviceManagement/inventoryPolicies",
    writing: Writing::assign("assignments"),
    targets: TargetRules::ALL,
    approval: None,
    ..CONFIGURATION_POLICY
};
