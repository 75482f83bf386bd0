//! What belongs to the tenant as a whole: branding, policy sets, scope tags.

use super::spec::{
    ALL_BUT_GROUPS, FilterRule, IdForm, PLAIN, Permissions, PolicyKindSpec, TargetRules,
    TenantDefault, ThrottleGroup, Writing,
};
use super::{Listing, TargetKind};

/// Groups alone; anything else was never seen.
const GROUPS: TargetRules = TargetRules {
    doubtful: ALL_BUT_GROUPS,
    filters: FilterRule::Unsupported,
    source: "no tool and no capture of the portal has others",
    ..TargetRules::ALL
};

pub(super) const INTUNE_BRANDING_PROFILE: PolicyKindSpec = PolicyKindSpec {
    name: "intuneBrandingProfile",
    collection: "/deviceManagement/intuneBrandingProfiles",
    name_property: "profileName",
    assignment_type: "#microsoft.graph.intuneBrandingProfileAssignment",
    targets: GROUPS,
    permissions: Permissions::Apps,
    tenant_default: TenantDefault::Flag("isDefaultProfile"),
    ..PLAIN
};

/// Its assignments are read with a single object only, and written by `update`, which leaves the
/// members alone. The set then assigns its members.
pub(super) const POLICY_SET: PolicyKindSpec = PolicyKindSpec {
    name: "policySet",
    collection: "/deviceAppManagement/policySets",
    assignment_type: "#microsoft.graph.policySetAssignment",
    listing: Listing::ItemExpand("$expand=assignments,items"),
    writing: Writing::Update {
        parameter: "assignments",
    },
    targets: TargetRules {
        doubtful: &[
            TargetKind::AllUsers,
            TargetKind::AllDevices,
            TargetKind::Collection,
        ],
        ..GROUPS
    },
    ..PLAIN
};

/// Assigning one tags the devices of the groups.
pub(super) const ROLE_SCOPE_TAG: PolicyKindSpec = PolicyKindSpec {
    name: "roleScopeTag",
    collection: "/deviceManagement/roleScopeTags",
    assignment_type: "#microsoft.graph.roleScopeTagAutoAssignment",
    listing: Listing::PerPolicy,
    targets: GROUPS,
    permissions: Permissions::Rbac,
    throttle: ThrottleGroup::Rbac,
    ids: IdForm::Text,
    tenant_default: TenantDefault::Flag("isBuiltIn"),
    ..PLAIN
};
