//! The catalogue of policy kinds: one row per kind, one file per family.
//!
//! Rows carry behaviour as data ([`spec`]). Permissions, hints, `whoami`, the schema and the tables in
//! the documentation are derived from here. This module depends on no other.

pub mod app_settings;
mod apps;
mod classic;
mod enrollment;
mod organization;
mod platform;
pub mod properties;
pub mod run_schedule;
mod scripts;
mod settings_catalog;
pub mod spec;
mod updates;
mod write_call;

use std::fmt;

pub use platform::{FILTER_PLATFORMS, POLICY_PLATFORMS, platform_of_type};
pub use spec::{
    AssignmentProperties, FilterRule, IdForm, Listing, Permissions, Platform, PolicyKindSpec,
    RuleScope, SingleRoute, TargetKind, TargetRules, TenantDefault, ThrottleGroup, TypeRules,
    Variety, WORKLOADS, Workload, Writing,
};
pub use write_call::WriteCall;

/// Every policy kind, in the order in which they are read and printed.
pub static KINDS: &[PolicyKindSpec] = &[
    settings_catalog::CONFIGURATION_POLICY,
    settings_catalog::COMPLIANCE_POLICY,
    classic::DEVICE_COMPLIANCE_POLICY,
    classic::DEVICE_CONFIGURATION,
    classic::GROUP_POLICY_CONFIGURATION,
    classic::INTENT,
    scripts::DEVICE_HEALTH_SCRIPT,
    scripts::DEVICE_MANAGEMENT_SCRIPT,
    scripts::DEVICE_SHELL_SCRIPT,
    scripts::DEVICE_CUSTOM_ATTRIBUTE_SHELL_SCRIPT,
    updates::WINDOWS_FEATURE_UPDATE_PROFILE,
    updates::WINDOWS_DRIVER_UPDATE_PROFILE,
    updates::WINDOWS_QUALITY_UPDATE_POLICY,
    updates::WINDOWS_QUALITY_UPDATE_PROFILE,
    apps::MOBILE_APP,
    apps::MOBILE_APP_CONFIGURATION,
    apps::TARGETED_MANAGED_APP_CONFIGURATION,
    apps::IOS_MANAGED_APP_PROTECTION,
    apps::ANDROID_MANAGED_APP_PROTECTION,
    apps::WINDOWS_MANAGED_APP_PROTECTION,
    enrollment::WINDOWS_AUTOPILOT_DEPLOYMENT_PROFILE,
    enrollment::DEVICE_ENROLLMENT_CONFIGURATION,
    enrollment::TERMS_AND_CONDITIONS,
    enrollment::APPLE_USER_INITIATED_ENROLLMENT_PROFILE,
    organization::INTUNE_BRANDING_PROFILE,
    organization::POLICY_SET,
    organization::ROLE_SCOPE_TAG,
    settings_catalog::INVENTORY_POLICY,
    classic::HARDWARE_CONFIGURATION,
    classic::EMBEDDED_SIM_ACTIVATION_CODE_POOL,
    apps::IOS_LOB_APP_PROVISIONING_CONFIGURATION,
    apps::WDAC_SUPPLEMENTAL_POLICY,
];

/// Objects of Intune that have no assignments of this sort, by Graph's words, and why.
pub const NOT_ASSIGNED: &[(&str, &str)] = &[
    ("notificationMessageTemplate", "compliance policies name it"),
    ("reusablePolicySetting", "policies refer to it"),
    ("deviceCategory", "users choose it"),
    ("assignmentFilter", "write it as `filter` of a target"),
    (
        "groupPolicyUploadedDefinitionFile",
        "its settings are assigned as `groupPolicyConfiguration`",
    ),
    ("mobileAppCategory", "it sorts apps"),
    ("windowsManagementApp", "Intune installs it by itself"),
    ("managementCondition", "statements refer to it"),
    (
        "deviceComplianceScript",
        "it takes effect with the compliance policy that names it",
    ),
    (
        "depOnboardingSetting",
        "its profiles are assigned to serial numbers",
    ),
    ("enrollmentProfile", "it is assigned to serial numbers"),
    (
        "managedAppPolicy",
        "name the kind of app protection, as in `iosManagedAppProtection`",
    ),
];

/// A policy kind: a row of [`KINDS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyKind(usize);

impl PolicyKind {
    /// Returns every kind, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..KINDS.len()).map(Self)
    }

    /// Finds a kind by the word that manifests and plans use for it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Returns the kind's row.
    pub fn spec(self) -> &'static PolicyKindSpec {
        &KINDS[self.0]
    }

    /// Whether the ids of such policies are GUIDs.
    pub fn has_guid_ids(self) -> bool {
        self.spec().ids == IdForm::Guid
    }

    /// Returns the kind's word.
    pub fn name(self) -> &'static str {
        self.spec().name
    }
}

/// Finds the kind whose collection a path below the version root leads to or into.
pub fn kind_of_path(path: &str) -> Option<PolicyKind> {
    PolicyKind::all().find(|kind| {
        let rest = path.strip_prefix(kind.spec().collection);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '(']))
    })
}

/// Finds the kind that an item of a policy set holds, by the item's type without `PolicySetItem`. App
/// protection has one type of item for all of its kinds, which then says none.
pub fn kind_of_set_item(word: &str) -> Option<PolicyKind> {
    PolicyKind::all().find(|kind| kind.spec().set_items.contains(&word))
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_names_are_unique() {
        for kind in PolicyKind::all() {
            assert_eq!(PolicyKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(PolicyKind::from_name("configurationpolicy"), None);
    }

    #[test]
    fn rows_are_well_formed() {
        let mut collections = HashSet::new();
        for spec in KINDS {
            let PolicyKindSpec {
                name,
                collection,
                assignment_type,
                ..
            } = spec;
            assert!(collections.insert(collection), "{name}");
            assert!(collection.starts_with("/device"), "{name}");
            assert!(assignment_type.starts_with("#microsoft.graph."), "{name}");
        }
    }
}
