//! The sandbox's own table of policy kinds: one row a collection of the service.
//!
//! It repeats what the client's table says on purpose; the two must agree without sharing code.
//! Most of what a row says was seen in public captures and reports; what is not known has the
//! strictest answer that is possible.

use std::fmt;

use crate::target::TargetType::{
    self, AllDevices, AllLicensedUsers, AndroidFota, Collection as CmCollection, ExclusionGroup,
    Group, ScopeTagGroup,
};

mod families;
mod table;

use self::table::COLLECTIONS;

/// A policy collection of the service: a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collection(usize);

impl Collection {
    /// `/deviceManagement/configurationPolicies`, the settings catalog.
    pub const CONFIGURATION_POLICIES: Self = Self(0);
    /// `/deviceManagement/compliancePolicies`, its compliance surface.
    pub const COMPLIANCE_POLICIES: Self = Self(1);

    /// Returns all collections.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COLLECTIONS.len()).map(Self)
    }

    /// Finds a collection by the last segment of its path, like `mobileApps`.
    pub fn named(segment: &str) -> Option<Self> {
        Self::all().find(|collection| collection.segment() == segment)
    }

    /// Returns the last segment of its path, which is also the key in the state file.
    pub fn segment(self) -> &'static str {
        self.spec().segment
    }

    /// Returns its path below the version, like `deviceAppManagement/mobileApps`.
    pub fn path(self) -> String {
        let Spec { root, segment, .. } = self.spec();
        format!("{root}/{segment}")
    }

    pub(crate) fn spec(self) -> &'static Spec {
        &COLLECTIONS[self.0]
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.segment())
    }
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The first segment of the path.
    pub(crate) root: &'static str,
    /// The last one.
    pub(crate) segment: &'static str,
    /// The entity type, without its namespace.
    pub(crate) entity: &'static str,
    /// The property with the name.
    pub(crate) name: &'static str,
    /// What `$select` may name beside id and name.
    pub(crate) properties: &'static [&'static str],
    /// Whether the objects are of several types, which `@odata.type` tells.
    pub(crate) is_polymorphic: bool,
    /// The form of the objects' ids.
    pub(crate) object_ids: ObjectIds,
    /// What `$expand=assignments` gives on the list, and on one object.
    pub(crate) list_expand: Expand,
    pub(crate) item_expand: Expand,
    pub(crate) pages: Pages,
    /// Whether the list takes `$filter`.
    pub(crate) has_filter: bool,
    pub(crate) writes: Writes,
    /// Whether `GET …/assignments/{id}` exists.
    pub(crate) has_assignment_route: bool,
    /// Whether `PATCH …/assignments/{id}` exists.
    pub(crate) has_patch: bool,
    /// Whether `assign` may be called behind a cast to the entity type.
    pub(crate) has_cast: bool,
    /// The type of an assignment, without its namespace.
    pub(crate) element: &'static str,
    /// The form of the assignments' ids.
    pub(crate) row_ids: AssignmentIds,
    pub(crate) source: SourceForm,
    pub(crate) extras: Extras,
    pub(crate) targets: &'static [TargetType],
    pub(crate) filters: Filters,
    /// Whether an object without a filter shows the zero GUID instead of null.
    pub(crate) zero_filter: bool,
    pub(crate) family: Family,
    pub(crate) pool: Pool,
    pub(crate) answer: Answer,
    /// What the access policy (Multi Admin Approval) is called that covers it, where that is known.
    pub(crate) approval: Option<&'static str>,
    /// How the service behind calls itself in its messages.
    pub(crate) service: &'static str,
}

/// How objects are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectIds {
    Guid,
    /// A GUID behind `T_` or `A_`.
    Prefixed,
    /// A GUID before `_` and a word.
    Suffixed,
    Number,
}

/// What `$expand=assignments` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expand {
    /// The assignments.
    Full,
    /// Always an empty list.
    Empty,
    Refused,
}

/// How a list is cut into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// By the switches, with the page's size as `@odata.count`.
    Small,
    /// 1000 rows, with an `@odata.count` of 0.
    Thousand,
    /// Only where `$top` asks for it; no `@odata.count`.
    Whole,
}

/// Which routes write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// `POST …/assign` with this parameter.
    Assign(&'static str),
    /// The same, and `POST …/assignments` and `DELETE …/assignments/{id}`.
    Either(&'static str),
    /// Only the latter two.
    Single,
    /// `POST …/update`.
    Update,
}

/// How assignments are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AssignmentIds {
    /// `{policy}_{target}`
    Target,
    /// `{policy}:{target}`
    Colon,
    /// `{policy}_{target}_{source}`
    Source,
    /// `{target}_{intent}_{source}`
    Intent,
    /// What no one has captured.
    Opaque,
}

/// How `source` and `sourceId` are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceForm {
    /// A direct assignment has the policy's own id.
    Own,
    /// A direct assignment has null.
    Null,
    /// Neither is there.
    Absent,
}

/// The properties of an assignment beside its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extras {
    None,
    /// `intent` and `settings` of an app.
    App,
    /// `intent`, which is `apply` or `remove`.
    Apply,
    /// `runSchedule` and `runRemediationScript`.
    Remediation,
    /// `lastModifiedDateTime`, made by the service.
    Modified,
}

impl Extras {
    /// Returns the names of the properties.
    pub(crate) fn properties(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::App => &["intent", "settings"],
            Self::Apply => &["intent"],
            Self::Remediation => &["runRemediationScript", "runSchedule"],
            Self::Modified => &["lastModifiedDateTime"],
        }
    }
}

/// Which filters a target may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filters {
    Devices,
    Apps,
    Refused,
}

/// Who may read and write: the middle of a permission's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Configuration,
    Scripts,
    Apps,
    ServiceConfig,
    Rbac,
}

impl Family {
    /// Returns the permissions one of which lets read; the last one lets write.
    pub(crate) fn permissions(self) -> [&'static str; 2] {
        match self {
            Self::Configuration => [
                "DeviceManagementConfiguration.Read.All",
                "DeviceManagementConfiguration.ReadWrite.All",
            ],
            Self::Scripts => [
                "DeviceManagementScripts.Read.All",
                "DeviceManagementScripts.ReadWrite.All",
            ],
            Self::Apps => [
                "DeviceManagementApps.Read.All",
                "DeviceManagementApps.ReadWrite.All",
            ],
            Self::ServiceConfig => [
                "DeviceManagementServiceConfig.Read.All",
                "DeviceManagementServiceConfig.ReadWrite.All",
            ],
            Self::Rbac => [
                "DeviceManagementRBAC.Read.All",
                "DeviceManagementRBAC.ReadWrite.All",
            ],
        }
    }
}

/// What is counted together (DOCS:includes/throttling-intune-*.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pool {
    /// "Device configuration v2", and the filters.
    Catalog,
    DeviceConfiguration,
    Applications,
    ManagedApplications,
    Enrollment,
    Terms,
    Rbac,
    /// What is on none of the published lists.
    Shared,
}

/// What answers an `assign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 200 with the assignments.
    Assignments,
    /// 204.
    NoContent,
    /// 200 without a body or 204, in turn.
    Empty,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_the_first_two_are_the_catalog() {
        let names: BTreeSet<&str> = Collection::all().map(Collection::segment).collect();
        assert_eq!(names.len(), Collection::all().count());
        for (collection, path) in [
            (
                Collection::CONFIGURATION_POLICIES,
                "deviceManagement/configurationPolicies",
            ),
            (
                Collection::COMPLIANCE_POLICIES,
                "deviceManagement/compliancePolicies",
            ),
        ] {
            assert_eq!(collection.path(), path);
            assert_eq!(Collection::named(collection.segment()), Some(collection));
        }
        assert_eq!(Collection::named("groups"), None);
    }
}
