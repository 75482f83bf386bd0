//! Enrollment: Autopilot, enrollment configurations, terms of use, Apple's user-initiated enrollment.

use super::spec::{
    ALL_BUT_GROUPS, ALL_BUT_USERS_AND_GROUPS, FilterRule, IdForm, PLAIN, Permissions, Platform,
    PolicyKindSpec, RuleScope, TargetRules, TenantDefault, ThrottleGroup, TypeRules, Writing,
};
use super::{Listing, TargetKind};

/// `assign` of this kind takes devices, not assignments.
pub(super) const WINDOWS_AUTOPILOT_DEPLOYMENT_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "windowsAutopilotDeploymentProfile",
    collection: "/deviceManagement/windowsAutopilotDeploymentProfiles",
    assignment_type: "#microsoft.graph.windowsAutopilotDeploymentProfileAssignment",
    writing: Writing::Single,
    targets: TargetRules {
        refused: &[TargetKind::AllUsers],
        filters: FilterRule::Unsupported,
        // "Another Profile … is already assigned to All Devices." (CIPP#2803)
        exclusive: &[TargetKind::AllDevices],
        // MicrosoftDocs/memdocs: pull request 4144.
        excludes_from_all_devices: false,
        ..TargetRules::ALL
    },
    platform: Platform::Only(&["windows10AndLater"]),
    permissions: Permissions::ServiceConfig,
    polymorphic: true,
    in_policy_sets: true,
    set_items: &["windowsAutopilotDeploymentProfile"],
    ..PLAIN
};

const USER_GROUPS: TypeRules = TypeRules {
    doubtful: ALL_BUT_GROUPS,
    filters: FilterRule::Unsupported,
    source: "learn.microsoft.com: Overview of enrollment restrictions",
    ..TypeRules::ALL
};

/// Filters work on restrictions of Windows, macOS and iOS, by some properties of a device that is being
/// enrolled.
const RESTRICTION: &str = "deviceEnrollmentPlatformRestrictionConfiguration";

/// Writes side by side fail or get lost; a provider for Terraform sends them one after the other.
pub(super) const DEVICE_ENROLLMENT_CONFIGURATION: PolicyKindSpec = PolicyKindSpec {
    name: "deviceEnrollmentConfiguration",
    collection: "/deviceManagement/deviceEnrollmentConfigurations",
    assignment_type: "#microsoft.graph.enrollmentConfigurationAssignment",
    writing: Writing::Assign {
        parameter: "enrollmentConfigurationAssignments",
        single: super::SingleRoute::Absent,
        cast: None,
        serial: true,
    },
    targets: TargetRules {
        special: &[
            (
                RuleScope::Type("windows10EnrollmentCompletionPageConfiguration"),
                TypeRules {
                    doubtful: &[TargetKind::ExclusionGroup, TargetKind::Collection],
                    source: "learn.microsoft.com: Set up the Enrollment Status Page",
                    ..TypeRules::ALL
                },
            ),
            (RuleScope::TypeOn(RESTRICTION, "android"), USER_GROUPS),
            (RuleScope::TypeOn(RESTRICTION, "linux"), USER_GROUPS),
            (
                RuleScope::Type(RESTRICTION),
                TypeRules {
                    filters: FilterRule::Devices,
                    filter_properties: &[
                        "osVersion",
                        "operatingSystemSKU",
                        "enrollmentProfileName",
                    ],
                    ..USER_GROUPS
                },
            ),
            (
                RuleScope::Type("deviceEnrollmentLimitConfiguration"),
                USER_GROUPS,
            ),
            (
                RuleScope::Type("deviceEnrollmentWindowsHelloForBusinessConfiguration"),
                USER_GROUPS,
            ),
            (
                RuleScope::Type("deviceEnrollmentNotificationConfiguration"),
                TypeRules {
                    doubtful: ALL_BUT_USERS_AND_GROUPS,
                    filters: FilterRule::Unsupported,
                    source: "MicrosoftDocs/memdocs: pull requests 4540 and 3413",
                    ..TypeRules::ALL
                },
            ),
        ],
        ..TargetRules::ALL
    },
    platform: Platform::Property("platformType"),
    permissions: Permissions::ServiceConfig,
    throttle: ThrottleGroup::Enrollment,
    ids: IdForm::Text,
    tenant_default: TenantDefault::Priority,
    polymorphic: true,
    in_policy_sets: true,
    set_items: &[
        "windows10EnrollmentCompletionPageConfiguration",
        "enrollmentRestrictionsConfiguration",
    ],
    ..PLAIN
};

pub(super) const TERMS_AND_CONDITIONS: PolicyKindSpec = PolicyKindSpec {
    name: "termsAndConditions",
    collection: "/deviceManagement/termsAndConditions",
    assignment_type: "#microsoft.graph.termsAndConditionsAssignment",
    listing: Listing::PerPolicy,
    writing: Writing::Single,
    targets: TargetRules {
        doubtful: ALL_BUT_USERS_AND_GROUPS,
        filters: FilterRule::Unsupported,
        source: "deploymenttheory/terraform-provider-microsoft365: schema",
        ..TargetRules::ALL
    },
    permissions: Permissions::ServiceConfig,
    throttle: ThrottleGroup::CompanyTerms,
    ..PLAIN
};

pub(super) const APPLE_USER_INITIATED_ENROLLMENT_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "appleUserInitiatedEnrollmentProfile",
    collection: "/deviceManagement/appleUserInitiatedEnrollmentProfiles",
    assignment_type: "#microsoft.graph.appleEnrollmentProfileAssignment",
    writing: Writing::Single,
    targets: TargetRules {
        doubtful: &[TargetKind::AllDevices, TargetKind::Collection],
        filters: FilterRule::Doubtful,
        source: "deploymenttheory/terraform-provider-microsoft365: schema",
        ..TargetRules::ALL
    },
    permissions: Permissions::ServiceConfig,
    ids: IdForm::Text,
    ..PLAIN
};
