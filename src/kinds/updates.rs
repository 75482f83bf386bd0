//! Windows updates. Update rings are device configurations.

use super::TargetKind;
use super::spec::{FilterRule, PLAIN, Platform, PolicyKindSpec, TargetRules};

/// They are for groups of devices; tools offer no others.
const GROUPS: TargetRules = TargetRules {
    doubtful: &[
        TargetKind::AllDevices,
        TargetKind::AllUsers,
        TargetKind::Collection,
    ],
    filters: FilterRule::Unsupported,
    ..TargetRules::ALL
};

pub(super) const WINDOWS_FEATURE_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsFeatureUpdateProfile",
    collection: "/deviceManagement/windowsFeatureUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsFeatureUpdateProfileAssignment",
    targets: GROUPS,
    platform: Platform::Only(&["windows10AndLater"]),
    ..PLAIN
};

pub(super) const WINDOWS_DRIVER_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsDriverUpdateProfile",
    collection: "/deviceManagement/windowsDriverUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsDriverUpdateProfileAssignment",
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};

pub(super) const WINDOWS_QUALITY_UPDATE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "windowsQualityUpdatePolicy",
    collection: "/deviceManagement/windowsQualityUpdatePolicies",
    assignment_type: "#microsoft.graph.windowsQualityUpdatePolicyAssignment",
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};

pub(super) const WINDOWS_QUALITY_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsQualityUpdateProfile",
    collection: "/deviceManagement/windowsQualityUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsQualityUpdateProfileAssignment",
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};
