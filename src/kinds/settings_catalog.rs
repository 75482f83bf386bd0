//! The settings catalog, endpoint security among it, and what is made the same way.

use super::spec::{
    ALL_BUT_USERS_AND_GROUPS, FilterRule, PLAIN, Platform, PolicyKindSpec, RuleScope, SingleRoute,
    TargetRules, TypeRules, Variety, WORKLOADS, Workload, Writing,
};

/// Filters do not work on what is for Linux.
const NOT_ON_LINUX: (RuleScope, TypeRules) = (
    RuleScope::Platform("linux"),
    TypeRules::with_filters(FilterRule::Unsupported, WORKLOADS),
);

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
    targets: TargetRules {
        special: &[
            (
                RuleScope::Variety(Variety::DevicePreparation),
                TypeRules {
                    doubtful: ALL_BUT_USERS_AND_GROUPS,
                    filters: FilterRule::Doubtful,
                    source: "learn.microsoft.com: Overview of Windows Autopilot device preparation",
                    ..TypeRules::ALL
                },
            ),
            (
                RuleScope::Variety(Variety::TenantAttach),
                TypeRules {
                    doubtful: &[],
                    ..TypeRules::ALL
                },
            ),
            (
                RuleScope::Variety(Variety::MacEndpointSecurity),
                TypeRules::with_filters(FilterRule::Doubtful, WORKLOADS),
            ),
            (
                RuleScope::Variety(Variety::Declarative),
                TypeRules::with_filters(FilterRule::Doubtful, WORKLOADS),
            ),
            NOT_ON_LINUX,
        ],
        ..TargetRules::ALL
    },
    platform: Platform::Property("platforms"),
    approval: Some(Workload::Configuration),
    in_policy_sets: true,
    set_items: &["deviceManagementConfigurationPolicy"],
    ..PLAIN
};

pub(super) const COMPLIANCE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "compliancePolicy",
    collection: "/deviceManagement/compliancePolicies",
    targets: TargetRules {
        special: &[NOT_ON_LINUX],
        ..TargetRules::ALL
    },
    approval: Some(Workload::Compliance),
    set_items: &[],
    ..CONFIGURATION_POLICY
};

/// It is in no metadata; tools write it like the settings catalog.
pub(super) const INVENTORY_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "inventoryPolicy",
    collection: "/deviceManagement/inventoryPolicies",
    writing: Writing::assign("assignments"),
    targets: TargetRules::ALL,
    approval: None,
    set_items: &[],
    ..CONFIGURATION_POLICY
};
