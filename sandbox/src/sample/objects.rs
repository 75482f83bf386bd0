//! The sample tenant's objects of other kinds: apps, scripts, classic policies, enrollment.

/// One object.
pub(super) struct Object {
    /// The segment of its collection.
    pub(super) segment: &'static str,
    /// Its type, if its collection holds several.
    pub(super) odata_type: &'static str,
    pub(super) name: &'static str,
    /// What else it says, as the members of a JSON object.
    pub(super) says: &'static str,
    /// Its assignments in the words of [`super::tables`], `&` for the group that stands for all users,
    /// and behind ` + ` what each says beside its target, as the members of a JSON object; `~` is the
    /// namespace.
    pub(super) assignments: &'static [&'static str],
}

/// Shortens the table below.
const fn object(
    segment: &'static str,
    odata_type: &'static str,
    name: &'static str,
    says: &'static str,
    assignments: &'static [&'static str],
) -> Object {
    Object {
        segment,
        odata_type,
        name,
        says,
        assignments,
    }
}

/// They come from the tables of the service's own forms: an app's settings in full, for example, are
/// made by the rules that answer requests.
pub(super) const OBJECTS: &[Object] = &[
    // One name and three types, as in most tenants.
    object(
        "mobileApps",
        "winGetApp",
        "Company Portal",
        r#""publisher": "Microsoft""#,
        &[
            r#"SG-Win-Ring-0-IT + "intent": "required", "settings": {"@odata.type": "~winGetAppAssignmentSettings", "notifications": "hideAll"}"#,
            r#"SG-Win-Ring-1-Pilot + "intent": "required", "settings": {"@odata.type": "~winGetAppAssignmentSettings", "notifications": "hideAll"}"#,
            r#"allUsers + "intent": "available""#,
        ],
    ),
    object(
        "mobileApps",
        "iosVppApp",
        "Company Portal",
        r#""publisher": "Microsoft""#,
        &[
            r#"allDevices|Supervised iPhones and iPads + "intent": "required", "settings": {"@odata.type": "~iosVppAppAssignmentSettings", "useDeviceLicensing": true, "uninstallOnDeviceRemoval": true, "isRemovable": false}"#,
        ],
    ),
    object(
        "mobileApps",
        "androidManagedStoreApp",
        "Company Portal",
        r#""publisher": "Microsoft""#,
        &[
            r#"SG-Mobile-Pilot + "intent": "required""#,
            r#"SG-Mobile-Broad + "intent": "required""#,
        ],
    ),
    object(
        "mobileApps",
        "win32LobApp",
        "7-Zip",
        r#""publisher": "Igor Pavlov""#,
        &[
            r#"SG-Win-Ring-0-IT + "intent": "required", "settings": {"@odata.type": "~win32LobAppAssignmentSettings", "notifications": "hideAll"}"#,
            r#"allUsers|-Cloud PCs + "intent": "available""#,
            r#"!SG-Privileged-Workstations + "intent": "available""#,
        ],
    ),
    object(
        "mobileApps",
        "win32LobApp",
        "SAP Logon",
        r#""publisher": "SAP SE""#,
        &[
            r#"SG-App-SAP + "intent": "required", "settings": {"@odata.type": "~win32LobAppAssignmentSettings", "notifications": "showReboot", "restartSettings": {"gracePeriodInMinutes": 1440, "countdownDisplayBeforeRestartInMinutes": 15, "restartNotificationSnoozeDurationInMinutes": 240}, "deliveryOptimizationPriority": "foreground"}"#,
            r#"SG-Dept-Finance + "intent": "available""#,
        ],
    ),
    object(
        "mobileApps",
        "win32LobApp",
        "AutoCAD",
        r#""publisher": "Autodesk""#,
        &[r#"SG-App-AutoCAD + "intent": "available""#],
    ),
    object(
        "mobileApps",
        "win32LobApp",
        "Visual Studio",
        r#""publisher": "Microsoft""#,
        &[r#"SG-App-Visual-Studio + "intent": "available""#],
    ),
    // Replaced by Teams; removed where it still is.
    object(
        "mobileApps",
        "win32LobApp",
        "Zoom Workplace",
        r#""publisher": "Zoom""#,
        &[
            r#"allDevices|Corporate Windows 11 + "intent": "uninstall""#,
            r#"!SG-Meeting-Rooms + "intent": "uninstall""#,
        ],
    ),
    object(
        "mobileApps",
        "officeSuiteApp",
        "Microsoft 365 Apps",
        r#""publisher": "Microsoft""#,
        &[
            r#"SG-Licence-E3 + "intent": "required""#,
            r#"SG-Licence-E5 + "intent": "required""#,
        ],
    ),
    object(
        "mobileApps",
        "macOSMicrosoftDefenderApp",
        "Microsoft Defender",
        r#""publisher": "Microsoft""#,
        &[r#"allDevices|Corporate Macs + "intent": "required""#],
    ),
    object(
        "mobileApps",
        "macOsVppApp",
        "Slack",
        r#""publisher": "Slack Technologies""#,
        &[
            r#"SG-Dept-Engineering + "intent": "available", "settings": {"@odata.type": "~macOsVppAppAssignmentSettings", "useDeviceLicensing": true}"#,
        ],
    ),
    object(
        "mobileApps",
        "iosStoreApp",
        "Microsoft Outlook",
        r#""publisher": "Microsoft""#,
        &[r#"SG-Mobile-Pilot + "intent": "availableWithoutEnrollment""#],
    ),
    object(
        "mobileApps",
        "webApp",
        "Intranet",
        r#""publisher": "IT""#,
        &[r#"allUsers + "intent": "available""#],
    ),
    object(
        "mobileAppConfigurations",
        "iosMobileAppConfiguration",
        "Outlook - iOS",
        "",
        &["SG-Mobile-Pilot", "SG-Mobile-Broad"],
    ),
    object(
        "mobileAppConfigurations",
        "androidManagedStoreAppConfiguration",
        "Chrome - Android",
        "",
        &["SG-Mobile-Broad"],
    ),
    object(
        "iosManagedAppProtections",
        "",
        "iOS - Office apps",
        r#""appGroupType": "selectedPublicApps""#,
        &["&", "!SG-Mobile-Executives"],
    ),
    object(
        "androidManagedAppProtections",
        "",
        "Android - Office apps",
        r#""appGroupType": "selectedPublicApps""#,
        &["&", "!SG-Mobile-Executives"],
    ),
    object(
        "deviceHealthScripts",
        "",
        "Disk clean-up",
        r#""publisher": "IT""#,
        &[
            r#"SG-Win-Ring-0-IT + "runRemediationScript": true, "runSchedule": {"@odata.type": "~deviceHealthScriptDailySchedule", "interval": 1, "time": "02:00:00", "useUtc": false}"#,
            r#"SG-Win-Ring-1-Pilot + "runRemediationScript": true, "runSchedule": {"@odata.type": "~deviceHealthScriptDailySchedule", "interval": 1, "time": "02:00:00", "useUtc": false}"#,
        ],
    ),
    object(
        "deviceHealthScripts",
        "",
        "Teams cache",
        r#""publisher": "IT""#,
        &[
            r#"allDevices|Corporate Windows 11 + "runRemediationScript": true, "runSchedule": {"@odata.type": "~deviceHealthScriptHourlySchedule", "interval": 4}"#,
            "!SG-Kiosk-Lobby",
        ],
    ),
    object(
        "deviceHealthScripts",
        "",
        "Update stale Group Policies",
        r#""publisher": "Microsoft", "isGlobalScript": true"#,
        &[],
    ),
    object(
        "deviceManagementScripts",
        "",
        "Remove consumer apps",
        r#""fileName": "Remove-ConsumerApps.ps1""#,
        &["SG-Autopilot-All"],
    ),
    object(
        "deviceManagementScripts",
        "",
        "Set time zone",
        r#""fileName": "Set-TimeZone.ps1""#,
        &["allDevices", "!SG-Test-Devices"],
    ),
    object(
        "deviceShellScripts",
        "",
        "Rename Mac",
        r#""fileName": "rename.sh""#,
        &["SG-Mac-Ring-1-Pilot", "SG-Mac-Ring-2-Broad"],
    ),
    object(
        "deviceCustomAttributeShellScripts",
        "",
        "Battery health",
        r#""fileName": "battery.sh""#,
        &["SG-Mac-Ring-1-Pilot"],
    ),
    object(
        "deviceConfigurations",
        "windowsUpdateForBusinessConfiguration",
        "Update ring - Pilot",
        "",
        &["SG-Win-Ring-0-IT", "SG-Win-Ring-1-Pilot"],
    ),
    object(
        "deviceConfigurations",
        "windowsUpdateForBusinessConfiguration",
        "Update ring - Broad",
        "",
        &[
            "SG-Win-Ring-2-Early",
            "SG-Win-Ring-3-Broad",
            "!SG-Exclude-Updates",
        ],
    ),
    object(
        "deviceConfigurations",
        "windows81TrustedRootCertificate",
        "Win - Root certificate",
        "",
        &["allDevices"],
    ),
    object(
        "deviceConfigurations",
        "iosUpdateConfiguration",
        "iOS - Updates",
        "",
        &["allDevices|Supervised iPhones and iPads"],
    ),
    object(
        "deviceCompliancePolicies",
        "windows10CompliancePolicy",
        "Win - Compliance - Defender",
        "",
        &["SG-Win-Ring-0-IT", "SG-Win-Ring-1-Pilot"],
    ),
    object(
        "deviceCompliancePolicies",
        "iosCompliancePolicy",
        "iOS - Compliance",
        "",
        &["allUsers"],
    ),
    object(
        "deviceCompliancePolicies",
        "androidWorkProfileCompliancePolicy",
        "Android - Work profile - Compliance",
        "",
        &["allUsers", "!SG-Test-Devices"],
    ),
    object(
        "groupPolicyConfigurations",
        "",
        "Win - Chrome",
        r#""policyConfigurationIngestionType": "builtIn""#,
        &["SG-Win-Ring-0-IT", "SG-Win-Ring-1-Pilot"],
    ),
    object(
        "windowsFeatureUpdateProfiles",
        "",
        "Windows 11 26H1",
        "",
        &[
            "SG-Win-Ring-0-IT",
            "SG-Win-Ring-1-Pilot",
            "!SG-Exclude-Updates",
        ],
    ),
    object(
        "windowsDriverUpdateProfiles",
        "",
        "Drivers - Pilot",
        "",
        &["SG-Win-Ring-0-IT", "SG-Win-Ring-1-Pilot"],
    ),
    object(
        "windowsQualityUpdatePolicies",
        "",
        "Hotpatch",
        "",
        &["SG-Win-Ring-0-IT"],
    ),
    object(
        "windowsAutopilotDeploymentProfiles",
        "azureADWindowsAutopilotDeploymentProfile",
        "Autopilot - Office",
        r#""deviceType": "windowsPc""#,
        &["SG-Autopilot-All"],
    ),
    object(
        "windowsAutopilotDeploymentProfiles",
        "azureADWindowsAutopilotDeploymentProfile",
        "Autopilot - Kiosk",
        r#""deviceType": "windowsPc""#,
        &["SG-Kiosk-Lobby"],
    ),
    object(
        "deviceEnrollmentConfigurations",
        "deviceEnrollmentLimitConfiguration",
        "All users and all devices",
        r#""priority": 0"#,
        &[],
    ),
    object(
        "deviceEnrollmentConfigurations",
        "windows10EnrollmentCompletionPageConfiguration",
        "All users and all devices",
        r#""priority": 0"#,
        &[],
    ),
    object(
        "deviceEnrollmentConfigurations",
        "windows10EnrollmentCompletionPageConfiguration",
        "ESP - Office",
        r#""priority": 1"#,
        &["SG-Autopilot-All"],
    ),
    object(
        "termsAndConditions",
        "",
        "Acceptable use",
        r#""title": "Acceptable use of company devices""#,
        &["allUsers"],
    ),
    object(
        "intuneBrandingProfiles",
        "",
        "Default",
        r#""isDefaultProfile": true, "displayName": "Contoso""#,
        &[],
    ),
    object(
        "policySets",
        "",
        "Starter kit",
        r#""status": "success""#,
        &["SG-Autopilot-All"],
    ),
    object(
        "embeddedSIMActivationCodePools",
        "",
        "eSIM - Field service",
        "",
        &["SG-Loaner-Pool"],
    ),
    object(
        "roleScopeTags",
        "",
        "Field service",
        r#""description": "Laptops of the field service""#,
        &["SG-Loaner-Pool"],
    ),
];
