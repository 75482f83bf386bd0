//! Apps, their configuration and their protection.

use super::TargetKind;
use super::spec::{
    AssignmentProperties, FilterRule, IdForm, PLAIN, Permissions, Platform, PolicyKindSpec,
    RuleScope, TargetRules, ThrottleGroup, TypeRules, WORKLOADS, Workload, Writing,
};

pub(super) const MOBILE_APP: PolicyKindSpec = PolicyKindSpec {
    name: "mobileApp",
    collection: "/deviceAppManagement/mobileApps",
    assignment_type: "#microsoft.graph.mobileAppAssignment",
    writing: Writing::either("mobileAppAssignments"),
    targets: TargetRules {
        special: &[
            (
                RuleScope::Type("webApp"),
                TypeRules::with_filters(FilterRule::Unsupported, WORKLOADS),
            ),
            (
                RuleScope::Type("windowsMicrosoftEdgeApp"),
                TypeRules::with_filters(
                    FilterRule::Doubtful,
                    "Microsoft lists it as supported, and Micke-K/IntuneManagement leaves them out",
                ),
            ),
        ],
        ..TargetRules::ALL
    },
    properties: AssignmentProperties::App,
    platform: Platform::FromType,
    permissions: Permissions::Apps,
    throttle: ThrottleGroup::Applications,
    approval: Some(Workload::Apps),
    polymorphic: true,
    in_policy_sets: true,
    set_items: &["mobileApp"],
    ..PLAIN
};

/// The plain `assign` works since 2026; between 2021 and 2023 only the one of the derived type did
/// (microsoft-graph-docs#15359).
pub(super) const MOBILE_APP_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "mobileAppConfiguration",
    collection: "/deviceAppManagement/mobileAppConfigurations",
    assignment_type: "#microsoft.graph.managedDeviceMobileAppConfigurationAssignment",
    writing: Writing::Assign {
        parameter: "assignments",
        single: super::SingleRoute::Absent,
        cast: Some("microsoft.graph.managedDeviceMobileAppConfiguration"),
        serial: false,
    },
    platform: Platform::FromType,
    permissions: Permissions::Apps,
    throttle: ThrottleGroup::Applications,
    polymorphic: true,
    in_policy_sets: true,
    set_items: &["managedDeviceMobileAppConfiguration"],
    ..PLAIN
};

/// App protection reaches users, through groups. All users are written as a group that no directory
/// has; other targets are refused: "Group assignments contain classes other than
/// GroupAssignmentTarget and ExclusionGroupTarget" (CIPP#4677).
const APP_PROTECTION: PolicyKindSpec = PolicyKindSpec {
    assignment_type: "#microsoft.graph.targetedManagedAppPolicyAssignment",
    targets: TargetRules {
        refused: &[TargetKind::AllDevices, TargetKind::Collection],
        doubtful: &[],
        filters: FilterRule::Apps,
        virtual_all_users: true,
        ..TargetRules::ALL
    },
    permissions: Permissions::Apps,
    throttle: ThrottleGroup::ManagedApplications,
    ids: IdForm::Text,
    eventual: true,
    in_policy_sets: true,
    ..PLAIN
};

pub(super) const IOS_MANAGED_APP_PROTECTION: PolicyKindSpec = PolicyKindSpec {
    name: "iosManagedAppProtection",
    collection: "/deviceAppManagement/iosManagedAppProtections",
    platform: Platform::Only(&["iOSMobileApplicationManagement"]),
    ..APP_PROTECTION
};

pub(super) const ANDROID_MANAGED_APP_PROTECTION: PolicyKindSpec = PolicyKindSpec {
    name: "androidManagedAppProtection",
    collection: "/deviceAppManagement/androidManagedAppProtections",
    platform: Platform::Only(&["androidMobileApplicationManagement"]),
    ..APP_PROTECTION
};

pub(super) const WINDOWS_MANAGED_APP_PROTECTION: PolicyKindSpec = PolicyKindSpec {
    name: "windowsManagedAppProtection",
    collection: "/deviceAppManagement/windowsManagedAppProtections",
    platform: Platform::Only(&["windowsMobileApplicationManagement"]),
    ..APP_PROTECTION
};

/// Its apps have the platform, and they are not read.
pub(super) const TARGETED_MANAGED_APP_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "targetedManagedAppConfiguration",
    collection: "/deviceAppManagement/targetedManagedAppConfigurations",
    set_items: &["targetedManagedAppConfiguration"],
    ..APP_PROTECTION
};

pub(super) const IOS_LOB_APP_PROVISIONING_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "iosLobAppProvisioningConfiguration",
    collection: "/deviceAppManagement/iosLobAppProvisioningConfigurations",
    assignment_type: "#microsoft.graph.iosLobAppProvisioningConfigurationAssignment",
    writing: Writing::assign("iOSLobAppProvisioningConfigAssignments"),
    targets: TargetRules::NO_FILTERS,
    platform: Platform::Only(&["iOS"]),
    permissions: Permissions::Apps,
    in_policy_sets: true,
    set_items: &["iosLobAppProvisioningConfiguration"],
    ..PLAIN
};

pub(super) const WDAC_SUPPLEMENTAL_POLICY: PolicyKindSpec = PolicyKindSpec {
    name: "wdacSupplementalPolicy",
    collection: "/deviceAppManagement/wdacSupplementalPolicies",
    assignment_type: "#microsoft.graph.windowsDefenderApplicationControlSupplementalPolicyAssignment",
    writing: Writing::assign("wdacPolicyAssignments"),
    targets: TargetRules::NO_FILTERS,
    platform: Platform::Only(&["windows10AndLater"]),
    permissions: Permissions::Apps,
    ..PLAIN
};
