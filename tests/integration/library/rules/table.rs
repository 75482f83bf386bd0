//! What each target and filter of a kind is taken for, written from the service's documentation and from what
//! other tools say.

use serde_json::{Value, json};

/// What is found: nothing, or a code and the words of the source.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    Nothing,
    Refused(&'static str),
    Doubt(&'static str, &'static str),
}
use Found::{Doubt, Nothing, Refused};

const TARGET: &str = "target-not-allowed";
const UNSUPPORTED: &str = "filter-unsupported-kind";
pub(super) const GROUP: &str = "include: [{group: A}]";
pub(super) const DEVICES: &str = "include: [{allDevices: true}]";
const USERS: &str = "include: [{allUsers: true}]";
const EXCLUDED: &str = "include: [{group: B}]\n    exclude: [{group: A}]";
const COLLECTION: &str = "include: [{collection: MEM00012}]";
pub(super) const FILTERED: &str = "include: [{group: A, filter: F}]";
const APP_FILTERED: &str = "include: [{group: A, filter: M}]";
const LIST: &str = "Platforms, policies, and app types supported by filters";

/// An object of a kind, by its collection, what makes it the one it is, and what each target and filter
/// of it is taken for.
pub(super) struct Line {
    pub(super) kind: &'static str,
    pub(super) collection: &'static str,
    pub(super) says: Value,
    pub(super) targets: &'static [(&'static str, Found)],
}

pub(super) fn line(
    kind: &'static str,
    collection: &'static str,
    says: Value,
    targets: &'static [(&'static str, Found)],
) -> Line {
    Line {
        kind,
        collection,
        says,
        targets,
    }
}

fn of_type(name: &str) -> Value {
    json!({"@odata.type": format!("#microsoft.graph.{name}")})
}

/// All targets, and filters over devices.
const ALL: &[(&str, Found)] = &[
    (GROUP, Nothing),
    (EXCLUDED, Nothing),
    (DEVICES, Nothing),
    (USERS, Nothing),
    (COLLECTION, Doubt(TARGET, "tenant attach")),
    (FILTERED, Nothing),
    (APP_FILTERED, Refused("filter-not-allowed")),
];
const SCRIPTS: &[(&str, Found)] = &[
    (EXCLUDED, Nothing),
    (DEVICES, Nothing),
    (USERS, Nothing),
    (FILTERED, Doubt(UNSUPPORTED, LIST)),
];
const APP_PROTECTION: &[(&str, Found)] = &[
    (EXCLUDED, Nothing),
    (USERS, Nothing),
    (DEVICES, Refused(TARGET)),
    (COLLECTION, Refused(TARGET)),
    (FILTERED, Refused("filter-not-allowed")),
];
const UPDATES: &[(&str, Found)] = &[
    (EXCLUDED, Nothing),
    (DEVICES, Doubt(TARGET, "CIPP#4879")),
    (USERS, Doubt(TARGET, "CIPP#4879")),
    (FILTERED, Doubt(UNSUPPORTED, "CIPP#4879")),
];
const USER_GROUPS: &[(&str, Found)] = &[
    (GROUP, Nothing),
    (USERS, Doubt(TARGET, "enrollment restrictions")),
    (DEVICES, Doubt(TARGET, "enrollment restrictions")),
    (EXCLUDED, Doubt(TARGET, "enrollment restrictions")),
    (FILTERED, Doubt(UNSUPPORTED, LIST)),
];
pub(super) const GROUPS_ALONE: &[(&str, Found)] = &[
    (GROUP, Nothing),
    (EXCLUDED, Doubt(TARGET, "no tool")),
    (USERS, Doubt(TARGET, "no tool")),
    (DEVICES, Doubt(TARGET, "no tool")),
    (FILTERED, Doubt(UNSUPPORTED, LIST)),
];

pub(super) fn lines() -> Vec<Line> {
    let windows = || json!({"platforms": "windows10"});
    vec![
        line(
            "configurationPolicy",
            "configurationPolicies",
            windows(),
            ALL,
        ),
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "windows10", "technologies": "mdm,microsoftSense,configManager"}),
            &[(COLLECTION, Nothing), (FILTERED, Nothing)],
        ),
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "linux"}),
            &[(FILTERED, Doubt(UNSUPPORTED, LIST)), (DEVICES, Nothing)],
        ),
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "macOS",
                   "templateReference": {"templateFamily": "endpointSecurityFirewall"}}),
            &[(
                "include: [{group: A, filter: Mac}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "macOS", "technologies": "appleRemoteManagement"}),
            &[(
                "include: [{group: A, filter: Mac}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        // What most policies for Apple say, with declarative settings or without.
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "macOS", "technologies": "mdm,appleRemoteManagement"}),
            &[("include: [{group: A, filter: Mac}]", Nothing)],
        ),
        line(
            "configurationPolicy",
            "configurationPolicies",
            json!({"platforms": "windows10",
                   "templateReference": {"templateFamily": "enrollmentConfiguration"}}),
            &[
                (GROUP, Nothing),
                (USERS, Nothing),
                (EXCLUDED, Doubt(TARGET, "device preparation")),
                (DEVICES, Doubt(TARGET, "device preparation")),
                (FILTERED, Doubt(UNSUPPORTED, "device preparation")),
            ],
        ),
        line(
            "deviceConfiguration",
            "deviceConfigurations",
            of_type("windows10GeneralConfiguration"),
            ALL,
        ),
        line(
            "groupPolicyConfiguration",
            "groupPolicyConfigurations",
            json!({}),
            ALL,
        ),
        line(
            "deviceCompliancePolicy",
            "deviceCompliancePolicies",
            of_type("windows10CompliancePolicy"),
            ALL,
        ),
        line(
            "deviceCompliancePolicy",
            "deviceCompliancePolicies",
            json!({"@odata.type": "#microsoft.graph.windows10CompliancePolicy",
                   "deviceCompliancePolicyScript": {"deviceComplianceScriptId": "x"}}),
            &[(FILTERED, Doubt(UNSUPPORTED, LIST)), (DEVICES, Nothing)],
        ),
        line(
            "compliancePolicy",
            "compliancePolicies",
            json!({"platforms": "linux"}),
            &[
                (EXCLUDED, Nothing),
                (DEVICES, Nothing),
                (USERS, Nothing),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "mobileApp",
            "mobileApps",
            of_type("win32LobApp"),
            &[
                (
                    "intent: required\n    include: [{allDevices: true}, {allUsers: true, filter: F}]",
                    Nothing,
                ),
                (
                    "intent: available\n    include: [{allUsers: true}]",
                    Nothing,
                ),
                (
                    "intent: available\n    include: [{allDevices: true}]",
                    Doubt(TARGET, "Assign apps to groups"),
                ),
                (
                    "intent: availableWithoutEnrollment\n    include: [{allDevices: true}]",
                    Doubt(TARGET, "Assign apps to groups"),
                ),
                (
                    "intent: required\n    include: [{group: A, filter: M}]",
                    Refused("filter-not-allowed"),
                ),
            ],
        ),
        line(
            "mobileApp",
            "mobileApps",
            of_type("webApp"),
            &[(
                "intent: required\n    include: [{group: A, filter: F}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        line(
            "mobileApp",
            "mobileApps",
            of_type("windowsMicrosoftEdgeApp"),
            &[(
                "intent: required\n    include: [{group: A, filter: F}]",
                Doubt(UNSUPPORTED, "Micke-K/IntuneManagement"),
            )],
        ),
        line(
            "deviceManagementScript",
            "deviceManagementScripts",
            json!({}),
            SCRIPTS,
        ),
        line(
            "deviceShellScript",
            "deviceShellScripts",
            json!({}),
            &[(
                "include: [{group: A, filter: Mac}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        line(
            "deviceCustomAttributeShellScript",
            "deviceCustomAttributeShellScripts",
            json!({}),
            &[(
                "include: [{group: A, filter: Mac}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        line(
            "deviceHealthScript",
            "deviceHealthScripts",
            json!({}),
            &[
                (
                    "runSchedule: {type: hourly, interval: 1}\n    include: [{allDevices: true}, {allUsers: true, filter: F}]",
                    Nothing,
                ),
                (
                    GROUP,
                    Doubt("remediation-without-schedule", "the portal always sets one"),
                ),
            ],
        ),
        line(
            "iosManagedAppProtection",
            "iosManagedAppProtections",
            json!({}),
            APP_PROTECTION,
        ),
        line(
            "iosManagedAppProtection",
            "iosManagedAppProtections",
            json!({}),
            &[(APP_FILTERED, Nothing)],
        ),
        line(
            "androidManagedAppProtection",
            "androidManagedAppProtections",
            json!({}),
            APP_PROTECTION,
        ),
        line(
            "windowsManagedAppProtection",
            "windowsManagedAppProtections",
            json!({}),
            APP_PROTECTION,
        ),
        line(
            "targetedManagedAppConfiguration",
            "targetedManagedAppConfigurations",
            json!({}),
            APP_PROTECTION,
        ),
        line(
            "mobileAppConfiguration",
            "mobileAppConfigurations",
            of_type("androidManagedStoreAppConfiguration"),
            &[
                (EXCLUDED, Nothing),
                (DEVICES, Nothing),
                (USERS, Nothing),
                (APP_FILTERED, Refused("filter-not-allowed")),
            ],
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            of_type("windows10EnrollmentCompletionPageConfiguration"),
            &[
                (GROUP, Nothing),
                (DEVICES, Nothing),
                (USERS, Nothing),
                (EXCLUDED, Doubt(TARGET, "Enrollment Status Page")),
                (FILTERED, Nothing),
                (
                    "include: [{group: A, filter: Mac}]",
                    Refused("filter-platform"),
                ),
            ],
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            json!({"@odata.type": "#microsoft.graph.deviceEnrollmentPlatformRestrictionConfiguration",
                   "platformType": "windows"}),
            &[
                (GROUP, Nothing),
                (USERS, Doubt(TARGET, "enrollment restrictions")),
                (DEVICES, Doubt(TARGET, "enrollment restrictions")),
                (EXCLUDED, Doubt(TARGET, "enrollment restrictions")),
                ("include: [{group: A, filter: OS}]", Nothing),
                (FILTERED, Doubt(UNSUPPORTED, "enrollment restrictions")),
            ],
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            json!({"@odata.type": "#microsoft.graph.deviceEnrollmentPlatformRestrictionConfiguration",
                   "platformType": "androidForWork"}),
            &[(
                "include: [{group: A, filter: Droid}]",
                Doubt(UNSUPPORTED, LIST),
            )],
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            of_type("deviceEnrollmentLimitConfiguration"),
            USER_GROUPS,
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            of_type("deviceEnrollmentWindowsHelloForBusinessConfiguration"),
            USER_GROUPS,
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            of_type("deviceEnrollmentNotificationConfiguration"),
            &[
                (GROUP, Nothing),
                (USERS, Nothing),
                (EXCLUDED, Doubt(TARGET, "memdocs")),
                (DEVICES, Doubt(TARGET, "memdocs")),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            json!({"@odata.type": "#microsoft.graph.deviceEnrollmentLimitConfiguration", "priority": 0}),
            &[(GROUP, Refused("tenant-default"))],
        ),
        line(
            "windowsDriverUpdateProfile",
            "windowsDriverUpdateProfiles",
            json!({}),
            UPDATES,
        ),
        line(
            "windowsQualityUpdateProfile",
            "windowsQualityUpdateProfiles",
            json!({}),
            UPDATES,
        ),
        line(
            "windowsQualityUpdatePolicy",
            "windowsQualityUpdatePolicies",
            json!({}),
            UPDATES,
        ),
        line(
            "windowsFeatureUpdateProfile",
            "windowsFeatureUpdateProfiles",
            json!({}),
            &[
                (EXCLUDED, Nothing),
                (DEVICES, Doubt(TARGET, "CIPP#4879")),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "windowsAutopilotDeploymentProfile",
            "windowsAutopilotDeploymentProfiles",
            of_type("azureADWindowsAutopilotDeploymentProfile"),
            &[
                (EXCLUDED, Nothing),
                (DEVICES, Nothing),
                (USERS, Refused(TARGET)),
                (
                    "include: [{allDevices: true}]\n    exclude: [{group: A}]",
                    Doubt(TARGET, "4144"),
                ),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "intent",
            "intents",
            json!({}),
            &[
                (EXCLUDED, Nothing),
                (DEVICES, Nothing),
                (USERS, Nothing),
                (FILTERED, Doubt(UNSUPPORTED, "security baselines")),
            ],
        ),
        line(
            "termsAndConditions",
            "termsAndConditions",
            json!({}),
            &[
                (GROUP, Nothing),
                (USERS, Nothing),
                (EXCLUDED, Doubt(TARGET, "terraform-provider")),
                (DEVICES, Doubt(TARGET, "terraform-provider")),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "appleUserInitiatedEnrollmentProfile",
            "appleUserInitiatedEnrollmentProfiles",
            json!({}),
            &[
                (EXCLUDED, Nothing),
                (USERS, Nothing),
                (DEVICES, Doubt(TARGET, "terraform-provider")),
                (FILTERED, Doubt(UNSUPPORTED, "terraform-provider")),
            ],
        ),
        line(
            "policySet",
            "policySets",
            json!({}),
            &[
                (EXCLUDED, Nothing),
                (USERS, Doubt(TARGET, "no tool")),
                (DEVICES, Doubt(TARGET, "no tool")),
                (FILTERED, Doubt(UNSUPPORTED, LIST)),
            ],
        ),
        line(
            "intuneBrandingProfile",
            "intuneBrandingProfiles",
            json!({}),
            GROUPS_ALONE,
        ),
        line("roleScopeTag", "roleScopeTags", json!({}), GROUPS_ALONE),
        line("inventoryPolicy", "inventoryPolicies", windows(), ALL),
        line(
            "hardwareConfiguration",
            "hardwareConfigurations",
            json!({}),
            ALL,
        ),
        line(
            "embeddedSIMActivationCodePool",
            "embeddedSIMActivationCodePools",
            json!({}),
            &[
                (EXCLUDED, Nothing),
                (USERS, Nothing),
                (DEVICES, Nothing),
                (FILTERED, Doubt(UNSUPPORTED, "does not name eSIM")),
            ],
        ),
    ]
}
