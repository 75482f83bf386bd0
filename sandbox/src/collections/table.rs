//! The table itself, in the order of how often tenants have a kind.

use super::{
    AllDevices, AllLicensedUsers, AndroidFota, Answer, CmCollection, ExclusionGroup, Expand,
    Extras, Family, Filters, Group, ObjectIds, Pages, Pool, RowIds, ScopeTagGroup, SourceForm,
    Spec, TargetType, Writes,
};

const EVERY_TARGET: &[TargetType] = &[
    AllDevices,
    AllLicensedUsers,
    Group,
    ExclusionGroup,
    CmCollection,
    AndroidFota,
    ScopeTagGroup,
];
const USUAL_TARGETS: &[TargetType] = &[AllDevices, AllLicensedUsers, Group, ExclusionGroup];
const GROUPS: &[TargetType] = &[Group, ExclusionGroup];

/// What most kinds have in common.
const PLAIN: Spec = Spec {
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
    has_row_route: false,
    has_patch: false,
    has_cast: false,
    element: "",
    row_ids: RowIds::Opaque,
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
const CATALOG: Spec = Spec {
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
    has_row_route: true,
    element: "deviceManagementConfigurationPolicyAssignment",
    row_ids: RowIds::Target,
    source: SourceForm::Own,
    targets: EVERY_TARGET,
    pool: Pool::Catalog,
    answer: Answer::Rows,
    ..PLAIN
};

/// What scripts have in common. Filters are not supported on them (memdocs, filters).
const SCRIPT: Spec = Spec {
    properties: &[
        "createdDateTime",
        "description",
        "fileName",
        "lastModifiedDateTime",
        "roleScopeTagIds",
    ],
    writes: Writes::Assign("deviceManagementScriptAssignments"),
    element: "deviceManagementScriptAssignment",
    row_ids: RowIds::Colon,
    filters: Filters::Refused,
    family: Family::Scripts,
    answer: Answer::Empty,
    service: "/DeviceFE/StatelessDeviceFEService",
    ..PLAIN
};

/// What Windows update profiles have in common.
const UPDATES: Spec = Spec {
    targets: GROUPS,
    answer: Answer::Empty,
    service: "/Updates/SoftwareUpdateService",
    ..PLAIN
};

/// What app protection and the configuration of managed apps have in common.
const MANAGED_APPS: Spec = Spec {
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
    row_ids: RowIds::Target,
    source: SourceForm::Own,
    targets: GROUPS,
    filters: Filters::Apps,
    family: Family::Apps,
    pool: Pool::ManagedApplications,
    service: "/MAMAdmin/MAMAdminFEService",
    ..PLAIN
};

pub(super) const COLLECTIONS: &[Spec] = &[
    Spec {
        segment: "configurationPolicies",
        approval: Some("configurationPolicy"),
        entity: "deviceManagementConfigurationPolicy",
        properties: &[
            "createdDateTime",
            "creationSource",
            "description",
            "isAssigned",
            "lastModifiedDateTime",
            "platforms",
            "priorityMetaData",
            "roleScopeTagIds",
            "settingCount",
            "technologies",
            "templateReference",
        ],
        ..CATALOG
    },
    Spec {
        segment: "compliancePolicies",
        approval: Some("compliancePolicy"),
        entity: "deviceManagementCompliancePolicy",
        ..CATALOG
    },
    Spec {
        root: "deviceAppManagement",
        segment: "mobileApps",
        approval: Some("app"),
        entity: "mobileApp",
        properties: &[
            "createdDateTime",
            "description",
            "isAssigned",
            "isFeatured",
            "lastModifiedDateTime",
            "publisher",
            "publishingState",
            "roleScopeTagIds",
        ],
        is_polymorphic: true,
        pages: Pages::Thousand,
        has_filter: true,
        writes: Writes::Either("mobileAppAssignments"),
        has_row_route: true,
        has_patch: true,
        element: "mobileAppAssignment",
        row_ids: RowIds::Intent,
        source: SourceForm::Null,
        extras: Extras::App,
        family: Family::Apps,
        pool: Pool::Applications,
        service: "/AppLifecycle_2610/StatelessAppMetadataFEService",
        ..PLAIN
    },
    Spec {
        segment: "deviceConfigurations",
        entity: "deviceConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "version",
        ],
        is_polymorphic: true,
        writes: Writes::Either("assignments"),
        element: "deviceConfigurationAssignment",
        row_ids: RowIds::Target,
        source: SourceForm::Null,
        extras: Extras::Apply,
        pool: Pool::DeviceConfiguration,
        answer: Answer::Rows,
        service: "/DeviceConfiguration_2610/StatelessDeviceConfigurationFEService",
        ..PLAIN
    },
    Spec {
        segment: "deviceCompliancePolicies",
        approval: Some("compliancePolicy"),
        entity: "deviceCompliancePolicy",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "version",
        ],
        is_polymorphic: true,
        element: "deviceCompliancePolicyAssignment",
        row_ids: RowIds::Target,
        source: SourceForm::Own,
        pool: Pool::DeviceConfiguration,
        answer: Answer::Rows,
        service: "/DeviceConfiguration_2610/StatelessDeviceConfigurationFEService",
        ..PLAIN
    },
    Spec {
        segment: "deviceHealthScripts",
        approval: Some("script"),
        entity: "deviceHealthScript",
        properties: &[
            "createdDateTime",
            "description",
            "deviceHealthScriptType",
            "isGlobalScript",
            "lastModifiedDateTime",
            "publisher",
            "roleScopeTagIds",
            "version",
        ],
        writes: Writes::Assign("deviceHealthScriptAssignments"),
        element: "deviceHealthScriptAssignment",
        extras: Extras::Remediation,
        filters: Filters::Devices,
        zero_filter: true,
        ..SCRIPT
    },
    Spec {
        segment: "deviceManagementScripts",
        approval: Some("script"),
        entity: "deviceManagementScript",
        ..SCRIPT
    },
    Spec {
        segment: "iosManagedAppProtections",
        entity: "iosManagedAppProtection",
        ..MANAGED_APPS
    },
    Spec {
        segment: "androidManagedAppProtections",
        entity: "androidManagedAppProtection",
        ..MANAGED_APPS
    },
    Spec {
        segment: "groupPolicyConfigurations",
        entity: "groupPolicyConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "policyConfigurationIngestionType",
            "roleScopeTagIds",
        ],
        element: "groupPolicyConfigurationAssignment",
        row_ids: RowIds::Target,
        extras: Extras::Modified,
        answer: Answer::Rows,
        service: "/GroupPolicy/GroupPolicyAdminService",
        ..PLAIN
    },
    Spec {
        segment: "deviceEnrollmentConfigurations",
        entity: "deviceEnrollmentConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "deviceEnrollmentConfigurationType",
            "lastModifiedDateTime",
            "priority",
            "roleScopeTagIds",
            "version",
        ],
        is_polymorphic: true,
        object_ids: ObjectIds::Suffixed,
        writes: Writes::Assign("enrollmentConfigurationAssignments"),
        element: "enrollmentConfigurationAssignment",
        row_ids: RowIds::Source,
        source: SourceForm::Null,
        zero_filter: true,
        family: Family::ServiceConfig,
        pool: Pool::Enrollment,
        answer: Answer::Empty,
        service: "/DeviceEnrollmentFE/StatelessDeviceEnrollmentFEService",
        ..PLAIN
    },
    Spec {
        root: "deviceAppManagement",
        segment: "mobileAppConfigurations",
        entity: "managedDeviceMobileAppConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "targetedMobileApps",
            "version",
        ],
        is_polymorphic: true,
        has_cast: true,
        element: "managedDeviceMobileAppConfigurationAssignment",
        family: Family::Apps,
        pool: Pool::Applications,
        answer: Answer::Empty,
        service: "/AppLifecycle_2610/StatelessAppMetadataFEService",
        ..PLAIN
    },
    Spec {
        segment: "windowsFeatureUpdateProfiles",
        entity: "windowsFeatureUpdateProfile",
        element: "windowsFeatureUpdateProfileAssignment",
        filters: Filters::Refused,
        ..UPDATES
    },
    Spec {
        segment: "windowsDriverUpdateProfiles",
        entity: "windowsDriverUpdateProfile",
        element: "windowsDriverUpdateProfileAssignment",
        ..UPDATES
    },
    Spec {
        segment: "windowsQualityUpdatePolicies",
        entity: "windowsQualityUpdatePolicy",
        element: "windowsQualityUpdatePolicyAssignment",
        ..UPDATES
    },
    Spec {
        segment: "windowsQualityUpdateProfiles",
        entity: "windowsQualityUpdateProfile",
        element: "windowsQualityUpdateProfileAssignment",
        ..UPDATES
    },
    Spec {
        segment: "windowsAutopilotDeploymentProfiles",
        entity: "windowsAutopilotDeploymentProfile",
        properties: &[
            "createdDateTime",
            "description",
            "deviceType",
            "lastModifiedDateTime",
            "roleScopeTagIds",
        ],
        is_polymorphic: true,
        writes: Writes::Single,
        element: "windowsAutopilotDeploymentProfileAssignment",
        row_ids: RowIds::Source,
        source: SourceForm::Own,
        targets: &[AllDevices, Group, ExclusionGroup],
        filters: Filters::Refused,
        family: Family::ServiceConfig,
        service: "/DeviceEnrollmentFE/StatelessDeviceEnrollmentFEService",
        ..PLAIN
    },
    Spec {
        segment: "targetedManagedAppConfigurations",
        entity: "targetedManagedAppConfiguration",
        ..MANAGED_APPS
    },
    Spec {
        segment: "deviceShellScripts",
        entity: "deviceShellScript",
        ..SCRIPT
    },
    Spec {
        segment: "deviceCustomAttributeShellScripts",
        entity: "deviceCustomAttributeShellScript",
        ..SCRIPT
    },
    Spec {
        segment: "windowsManagedAppProtections",
        entity: "windowsManagedAppProtection",
        ..MANAGED_APPS
    },
    Spec {
        segment: "intents",
        entity: "deviceManagementIntent",
        properties: &[
            "description",
            "isAssigned",
            "isMigratingToConfigurationPolicy",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "templateId",
        ],
        list_expand: Expand::Empty,
        element: "deviceManagementIntentAssignment",
        service: "/DeviceManagementIntent/DeviceManagementIntentService",
        ..PLAIN
    },
    Spec {
        segment: "termsAndConditions",
        entity: "termsAndConditions",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "modifiedDateTime",
            "roleScopeTagIds",
            "title",
            "version",
        ],
        list_expand: Expand::Refused,
        item_expand: Expand::Refused,
        writes: Writes::Single,
        has_row_route: true,
        element: "termsAndConditionsAssignment",
        targets: &[AllLicensedUsers, Group],
        filters: Filters::Refused,
        family: Family::ServiceConfig,
        pool: Pool::Terms,
        service: "/CompanyTerms/StatelessCompanyTermsFEService",
        ..PLAIN
    },
    Spec {
        segment: "intuneBrandingProfiles",
        entity: "intuneBrandingProfile",
        name: "profileName",
        properties: &[
            "createdDateTime",
            "displayName",
            "isDefaultProfile",
            "lastModifiedDateTime",
            "roleScopeTagIds",
        ],
        element: "intuneBrandingProfileAssignment",
        targets: &[Group],
        filters: Filters::Refused,
        family: Family::Apps,
        service: "/Branding/StatelessBrandingFEService",
        ..PLAIN
    },
    Spec {
        root: "deviceAppManagement",
        segment: "policySets",
        entity: "policySet",
        properties: &[
            "createdDateTime",
            "description",
            "errorCode",
            "guidedDeploymentTags",
            "lastModifiedDateTime",
            "roleScopeTags",
            "status",
        ],
        list_expand: Expand::Refused,
        writes: Writes::Update,
        element: "policySetAssignment",
        extras: Extras::Modified,
        targets: GROUPS,
        filters: Filters::Refused,
        service: "/GnT/StatelessPayloadLinkingService",
        ..PLAIN
    },
    Spec {
        segment: "roleScopeTags",
        entity: "roleScopeTag",
        properties: &["description", "isBuiltIn"],
        object_ids: ObjectIds::Number,
        list_expand: Expand::Empty,
        item_expand: Expand::Empty,
        element: "roleScopeTagAutoAssignment",
        targets: &[Group],
        filters: Filters::Refused,
        family: Family::Rbac,
        pool: Pool::Rbac,
        answer: Answer::Rows,
        service: "/RBAC/StatelessRoleAdministrationFEService",
        ..PLAIN
    },
    Spec {
        segment: "appleUserInitiatedEnrollmentProfiles",
        entity: "appleUserInitiatedEnrollmentProfile",
        properties: &[
            "createdDateTime",
            "defaultEnrollmentType",
            "description",
            "lastModifiedDateTime",
            "platform",
            "priority",
        ],
        writes: Writes::Single,
        has_row_route: true,
        has_patch: true,
        element: "appleEnrollmentProfileAssignment",
        targets: &[AllLicensedUsers, Group, ExclusionGroup],
        family: Family::ServiceConfig,
        service: "/DeviceEnrollmentFE/StatelessDeviceEnrollmentFEService",
        ..PLAIN
    },
    Spec {
        segment: "inventoryPolicies",
        entity: "deviceManagementInventoryPolicy",
        writes: Writes::Assign("assignments"),
        has_row_route: false,
        ..CATALOG
    },
    Spec {
        segment: "hardwareConfigurations",
        entity: "hardwareConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "fileName",
            "hardwareConfigurationFormat",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "version",
        ],
        writes: Writes::Assign("hardwareConfigurationAssignments"),
        element: "hardwareConfigurationAssignment",
        answer: Answer::Rows,
        ..PLAIN
    },
    Spec {
        root: "deviceAppManagement",
        segment: "iosLobAppProvisioningConfigurations",
        entity: "iosLobAppProvisioningConfiguration",
        properties: &[
            "createdDateTime",
            "description",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "version",
        ],
        writes: Writes::Assign("iOSLobAppProvisioningConfigAssignments"),
        element: "iosLobAppProvisioningConfigurationAssignment",
        filters: Filters::Refused,
        family: Family::Apps,
        service: "/AppLifecycle_2610/StatelessAppMetadataFEService",
        ..PLAIN
    },
    Spec {
        root: "deviceAppManagement",
        segment: "wdacSupplementalPolicies",
        entity: "windowsDefenderApplicationControlSupplementalPolicy",
        properties: &[
            "creationDateTime",
            "description",
            "lastModifiedDateTime",
            "roleScopeTagIds",
            "version",
        ],
        writes: Writes::Assign("wdacPolicyAssignments"),
        element: "windowsDefenderApplicationControlSupplementalPolicyAssignment",
        filters: Filters::Refused,
        family: Family::Apps,
        ..PLAIN
    },
];
