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
    filters: FilterRule::Doubtful,
    source: "KelvinTegelaar/CIPP#4879",
    ..TargetRules::ALL
};

pub(super) const WINDOWS_FEATURE_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsFeatureUpdateProfile",
    collection: "/deviceManagement/windowsFeatureUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsFeatureUpdateProfileAssignment",
    targets: TargetRules {
        filters: FilterRule::Unsupported,
        ..GROUPS
    },
    platform: Platform::Only(&["windows10AndLater"]),
    ..PLAIN
};

pub(super) const WINDOWS_DRIVER_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsDriverUpdateProfile",
    collection: "/deviceManagement/windowsDriverUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsDriverUpdateProfileAssignment",
    targets: GROUPS,
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};

pub(super) const WINDOWS_QUALITY_UPDATE_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "windowsQualityUpdatePolicy",
    collection: "/deviceManagement/windowsQualityUpdatePolicies",
    assignment_type: "#microsoft.graph.windowsQualityUpdatePolicyAssignment",
    targets: GROUPS,
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};

pub(super) const WINDOWS_QUALITY_UPDATE_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsQualityUpdateProfile",
    collection: "/deviceManagement/windowsQualityUpdateProfiles",
    assignment_type: "#microsoft.graph.windowsQualityUpdateProfileAssignment",
    targets: GROUPS,
    ..WINDOWS_FEATURE_UPDATE_PROFILE
};
