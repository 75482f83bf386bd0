//! The settings catalog, endpoint security among it, and the compliance policies made the same way.

use super::spec::{
    AssignmentProperties, FilterRule, IdForm, Listing, Permissions, Platform, PolicyKindSpec,
    SingleRoute, TargetRules, TenantDefault, ThrottleGroup, Workload, Writing,
};

/// A collection's targets are for endpoint security with tenant attach, which is of this kind.
const TARGETS: TargetRules = TargetRules {
    doubtful: &[],
    filters: FilterRule::Devices,
    ..TargetRules::ALL
};

/// The create call is documented and was never seen to work (microsoft-graph-docs#4983 for its
/// siblings); `assign` is what tools use.
const WRITING: Writing = Writing::Assign {
    parameter: "assignments",
    single: SingleRoute::Documented,
    cast: None,
    serial: false,
};

pub(super) const CONFIGURATION_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "configurationPolicy",
    collection: "/deviceManagement/configurationPolicies",
    name_property: "name",
    assignment_type: "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
    listing: Listing::Expanded,
    writing: WRITING,
    targets: TARGETS,
    properties: AssignmentProperties::None,
    platform: Platform::Property("platforms"),
    permissions: Permissions::Configuration,
    throttle: ThrottleGroup::Shared,
    approval: Some(Workload::Configuration),
    ids: IdForm::Guid,
    tenant_default: TenantDefault::None,
    polymorphic: false,
    eventual: false,
};

pub(super) const COMPLIANCE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "compliancePolicy",
    collection: "/deviceManagement/compliancePolicies",
    approval: Some(Workload::Compliance),
    ..CONFIGURATION_POLICY
};
