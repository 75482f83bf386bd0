//! What kinds have in common; the rows of the table say how they differ from it.

use super::{
    AllDevices, AllLicensedUsers, AndroidFota, Answer, AssignmentIds, CmCollection, ExclusionGroup,
    Expand, Extras, Family, Filters, Group, ObjectIds, Pages, Pool, ScopeTagGroup, SourceForm,
    Spec, TargetType, Writes,
};

pub(super) const EVERY_TARGET: &[TargetType] = &[
    AllDevices,
    AllLicensedUsers,
    Group,
    ExclusionGroup,
    CmCollection,
    AndroidFota,
    ScopeTagGroup,
];
pub(super) const USUAL_TARGETS: &[TargetType] =
    &[AllDevices, AllLicensedUsers, Group, ExclusionGroup];
pub(super) const GROUPS: &[TargetType] = &[Group, ExclusionGroup];

/// What most kinds have in common.
pub(super) const PLAIN: Spec = Spec {
    root: "deviceManagement",
    segment: "",
    entity: "",
    name: "displayName",
    properties: &[
        "createdDateTime",
        "description",
        "lastModifiedDateTime",
        "roleScopeTagIds",
    ],
    is_polymorphic: false,
    object_ids: ObjectIds::Guid,
    list_expand: Expand::Full,
    item_expand: Expand::Full,
    pages: Pages::Whole,
    has_filter: false,
    writes: Writes::Assign("assignments"),
    has_assignment_route: false,
    has_patch: false,
    has_cast: false,
    element: "",
    row_ids: AssignmentIds::Opaque,
    source: SourceForm::Absent,
    extras: Extras::None,
    targets: USUAL_TARGETS,
    filters: Filters::Devices,
    zero_filter: false,
    family: Family::Configuration,
    pool: Pool::Shared,
    answer: Answer::NoContent,
    approval: None,
    service: "/DeviceConfigV2/DCV2GraphService",
};

/// What the settings catalog and its like have in common.
pub(super) const CATALOG: Spec = Spec {
    name: "name",
    properties: &[
        "createdDateTime",
        "creationSource",
        "description",
        "isAssigned",
        "lastModifiedDateTime",
        "platforms",
        "roleScopeTagIds",
        "settingCount",
        "technologies",
    ],
    // Always empty on a single object (msgraph-sdk-powershell#3337, TF PR #3623).
    item_expand: Expand::Empty,
    pages: Pages::Small,
    has_filter: true,
    writes: Writes::Either("assignments"),
    has_assignment_route: true,
    element: "deviceManagementConfigurationPolicyAssignment",
    row_ids: AssignmentIds::Target,
    source: SourceForm::Own,
    targets: EVERY_TARGET,
    pool: Pool::Catalog,
    answer: Answer::Assignments,
    ..PLAIN
};

/// What scripts have in common. Filters are not supported on them (memdocs, filters).
pub(super) const SCRIPT: Spec = Spec {
    properties: &[
        "createdDateTime",
        "description",
        "fileName",
        "lastModifiedDateTime",
        "roleScopeTagIds",
    ],
    writes: Writes::Assign("deviceManagementScriptAssignments"),
    element: "deviceManagementScriptAssignment",
    row_ids: AssignmentIds::Colon,
    filters: Filters::Refused,
    family: Family::Scripts,
    answer: Answer::Empty,
    service: "/DeviceFE/StatelessDeviceFEService",
    ..PLAIN
};

/// What Windows update profiles have in common.
pub(super) const UPDATES: Spec = Spec {
    targets: GROUPS,
    answer: Answer::Empty,
    service: "/Updates/SoftwareUpdateService",
    ..PLAIN
};

/// What app protection and the configuration of managed apps have in common.
pub(super) const MANAGED_APPS: Spec = Spec {
    root: "deviceAppManagement",
    properties: &[
        "appGroupType",
        "createdDateTime",
        "deployedAppCount",
        "description",
        "isAssigned",
        "lastModifiedDateTime",
        "roleScopeTagIds",
        "targetedAppManagementLevels",
        "version",
    ],
    object_ids: ObjectIds::Prefixed,
    element: "targetedManagedAppPolicyAssignment",
    row_ids: AssignmentIds::Target,
    source: SourceForm::Own,
    targets: GROUPS,
    filters: Filters::Apps,
    family: Family::Apps,
    pool: Pool::ManagedApplications,
    service: "/MAMAdmin/MAMAdminFEService",
    ..PLAIN
};
