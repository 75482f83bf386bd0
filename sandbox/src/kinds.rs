//! The sandbox's own table of policy kinds: what differs between the two collections.
//!
//! It repeats what the client's table says on purpose; the two must agree without sharing a line.

/// One policy collection of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// `/deviceManagement/configurationPolicies`, the settings catalog.
    ConfigurationPolicies,
    /// `/deviceManagement/compliancePolicies`, its compliance surface.
    CompliancePolicies,
}

impl Collection {
    /// Both collections.
    pub const ALL: [Self; 2] = [Self::ConfigurationPolicies, Self::CompliancePolicies];

    /// Returns the path segment, which is also the key in the state file.
    pub fn segment(self) -> &'static str {
        match self {
            Self::ConfigurationPolicies => "configurationPolicies",
            Self::CompliancePolicies => "compliancePolicies",
        }
    }

    /// Returns the entity type without its namespace.
    pub(super) fn entity(self) -> &'static str {
        match self {
            Self::ConfigurationPolicies => "deviceManagementConfigurationPolicy",
            Self::CompliancePolicies => "deviceManagementCompliancePolicy",
        }
    }

    /// Returns the properties that `$select` may name (OpenAPI slice, schemas of the two types).
    pub(super) fn properties(self) -> &'static [&'static str] {
        const SHARED: [&str; 11] = [
            "createdDateTime",
            "creationSource",
            "description",
            "id",
            "isAssigned",
            "lastModifiedDateTime",
            "name",
            "platforms",
            "roleScopeTagIds",
            "settingCount",
            "technologies",
        ];
        const CONFIGURATION: [&str; 13] = [
            "createdDateTime",
            "creationSource",
            "description",
            "id",
            "isAssigned",
            "lastModifiedDateTime",
            "name",
            "platforms",
            "roleScopeTagIds",
            "settingCount",
            "technologies",
            "priorityMetaData",
            "templateReference",
        ];
        match self {
            Self::ConfigurationPolicies => &CONFIGURATION,
            Self::CompliancePolicies => &SHARED,
        }
    }

    /// Finds a collection by its path segment.
    pub(super) fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|collection| collection.segment() == segment)
    }
}

/// The entity type of an assignment, in both collections (facts, section 1).
pub(super) const ASSIGNMENT_ENTITY: &str = "deviceManagementConfigurationPolicyAssignment";

/// What stands for "All devices" in the id of an assignment (facts, section 2.4).
pub(super) const ALL_DEVICES_ID: &str = "adadadad-808e-44e2-905a-0b7873a8a531";

/// What stands for "All users" in the id of an assignment (facts, section 2.4).
pub(super) const ALL_USERS_ID: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";

/// The filter id that means "none" in some shapes (facts, section 2.3).
pub(super) const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";
