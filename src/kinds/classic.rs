//! Configuration and compliance from before the settings catalog.

use super::spec::{
    FilterRule, PLAIN, Platform, PolicyKindSpec, RuleScope, TargetRules, ThrottleGroup, TypeRules,
    Variety, WORKLOADS, Workload, Writing,
};

/// Update rings are of this kind. Its assignments have an `intent` of their own, which is always
/// `apply`; it is carried, and no manifest can set it.
pub(super) const DEVICE_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "deviceConfiguration",
    collection: "/deviceManagement/deviceConfigurations",
    assignment_type: "#microsoft.graph.deviceConfigurationAssignment",
    writing: Writing::either("assignments"),
    platform: Platform::FromType,
    throttle: ThrottleGroup::DeviceConfiguration,
    polymorphic: true,
    in_policy_sets: true,
    set_items: &["deviceConfiguration"],
    ..PLAIN
};

pub(super) const DEVICE_COMPLIANCE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "deviceCompliancePolicy",
    collection: "/deviceManagement/deviceCompliancePolicies",
    targets: TargetRules {
        special: &[(
            RuleScope::Variety(Variety::CustomCompliance),
            TypeRules::with_filters(FilterRule::Unsupported, WORKLOADS),
        )],
        ..TargetRules::ALL
    },
    assignment_type: "#microsoft.graph.deviceCompliancePolicyAssignment",
    platform: Platform::FromType,
    throttle: ThrottleGroup::DeviceConfiguration,
    approval: Some(Workload::Compliance),
    polymorphic: true,
    in_policy_sets: true,
    set_items: &["deviceCompliancePolicy"],
    ..PLAIN
};

pub(super) const GROUP_POLICY_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "groupPolicyConfiguration",
    collection: "/deviceManagement/groupPolicyConfigurations",
    assignment_type: "#microsoft.graph.groupPolicyConfigurationAssignment",
    platform: Platform::Only(&["windows10AndLater"]),
    ..PLAIN
};

/// Old endpoint security and security baselines. Their platform is that of a template, which is not
/// read. A list's `$expand` is an empty list whatever there is (microsoft-graph-explorer-v4#2051).
pub(super) const INTENT: PolicyKindSpec = PolicyKindSpec {
    name: "intent",
    collection: "/deviceManagement/intents",
    assignment_type: "#microsoft.graph.deviceManagementIntentAssignment",
    listing: super::Listing::PerPolicy,
    targets: TargetRules {
        filters: FilterRule::Doubtful,
        source: "learn.microsoft.com: filters do not work on security baselines",
        ..TargetRules::ALL
    },
    ..PLAIN
};

pub(super) const HARDWARE_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "hardwareConfiguration",
    collection: "/deviceManagement/hardwareConfigurations",
    assignment_type: "#microsoft.graph.hardwareConfigurationAssignment",
    writing: Writing::assign("hardwareConfigurationAssignments"),
    platform: Platform::Only(&["windows10AndLater"]),
    ..PLAIN
};

/// Profiles of a mobile network, for devices with a built-in SIM.
pub(super) const EMBEDDED_SIM_ACTIVATION_CODE_POOL: PolicyKindSpec = PolicyKindSpec {
    name: "embeddedSIMActivationCodePool",
    collection: "/deviceManagement/embeddedSIMActivationCodePools",
    assignment_type: "#microsoft.graph.embeddedSIMActivationCodePoolAssignment",
    targets: TargetRules {
        filters: FilterRule::Doubtful,
        source: "learn.microsoft.com: the list of what filters support does not name eSIM profiles",
        ..TargetRules::ALL
    },
    platform: Platform::Only(&["windows10AndLater"]),
    ..PLAIN
};
