//! What assignments of apps say besides their target: an intent, and settings by the type of the app. Names,
//! values and defaults of each; a type of settings is a row.

use jiff::Timestamp;
use serde_json::Value;

/// The intents of an app's assignment.
pub const INTENTS: &[&str] = &[
    "required",
    "available",
    "uninstall",
    "availableWithoutEnrollment",
];

/// The settings of an app's assignment, by the type of the app.
#[derive(Debug)]
pub struct SettingsType {
    /// Their `@odata.type`, without its prefix.
    pub odata_type: &'static str,
    /// The types of apps that take them, without prefix.
    pub apps: &'static [&'static str],
    /// Their members.
    pub members: &'static [Setting],
}

impl SettingsType {
    /// Returns what a member takes, by its path: `restartSettings.gracePeriodInMinutes`.
    pub fn value_at(&self, path: &str) -> Option<&'static SettingValue> {
        let mut members = self.members;
        let mut found = None;
        for name in path.split('.') {
            let member = members.iter().find(|member| member.name == name)?;
            members = match &member.value {
                SettingValue::ObjectOrNull(members) => members,
                _ => &[],
            };
            found = Some(&member.value);
        }
        found
    }
}

/// A member of settings.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub value: SettingValue,
    /// The value that the service fills in, as JSON.
    pub default: &'static str,
}

/// What a setting takes.
#[derive(Debug)]
pub enum SettingValue {
    /// One of these words.
    Word(&'static [&'static str]),
    /// True or false.
    Flag,
    /// True, false or null.
    FlagOrNull,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// As well, or null.
    NumberOrNull(i64, i64),
    /// Text or null.
    TextOrNull,
    /// A list of texts.
    Texts,
    /// A moment, or null.
    MomentOrNull,
    /// An object with these members, or null.
    ObjectOrNull(&'static [Setting]),
}

const fn setting(name: &'static str, value: SettingValue, default: &'static str) -> Setting {
    Setting {
        name,
        value,
        default,
    }
}

const NOTIFICATIONS: Setting = setting(
    "notifications",
    SettingValue::Word(&["showAll", "showReboot", "hideAll"]),
    "\"showAll\"",
);
const RESTART: Setting = setting(
    "restartSettings",
    SettingValue::ObjectOrNull(&[
        setting(
            "gracePeriodInMinutes",
            SettingValue::Number(1, 20_160),
            "1440",
        ),
        setting(
            "countdownDisplayBeforeRestartInMinutes",
            SettingValue::Number(1, 240),
            "15",
        ),
        setting(
            "restartNotificationSnoozeDurationInMinutes",
            SettingValue::NumberOrNull(1, 710),
            "240",
        ),
    ]),
    "null",
);
const DEVICE_LICENSING: Setting = setting("useDeviceLicensing", SettingValue::Flag, "false");
const DEVICE_CONTEXT: Setting = setting("useDeviceContext", SettingValue::Flag, "false");
const AUTO_UPDATE: Setting = setting("preventAutoAppUpdate", SettingValue::FlagOrNull, "null");
const UNINSTALL: Setting = setting("uninstallOnDeviceRemoval", SettingValue::FlagOrNull, "null");
const REMOVABLE: Setting = setting("isRemovable", SettingValue::FlagOrNull, "null");
const BACKUP: Setting = setting("preventManagedAppBackup", SettingValue::FlagOrNull, "null");
const VPN: Setting = setting("vpnConfigurationId", SettingValue::TextOrNull, "null");

/// The members that win32 apps of both types have.
const WIN32: &[Setting] = &[
    NOTIFICATIONS,
    RESTART,
    setting(
        "installTimeSettings",
        SettingValue::ObjectOrNull(&[
            setting("useLocalTime", SettingValue::Flag, "false"),
            setting("startDateTime", SettingValue::MomentOrNull, "null"),
            setting("deadlineDateTime", SettingValue::MomentOrNull, "null"),
        ]),
        "null",
    ),
    setting(
        "deliveryOptimizationPriority",
        SettingValue::Word(&["notConfigured", "foreground"]),
        "\"notConfigured\"",
    ),
    setting(
        "autoUpdateSettings",
        SettingValue::ObjectOrNull(&[setting(
            "autoUpdateSupersededAppsState",
            SettingValue::Word(&["notConfigured", "enabled"]),
            "\"notConfigured\"",
        )]),
        "null",
    ),
];

/// Every type of settings. Apps of other types take none.
pub static APP_SETTINGS: &[SettingsType] = &[
    SettingsType {
        odata_type: "win32LobAppAssignmentSettings",
        apps: &["win32LobApp"],
        members: WIN32,
    },
    SettingsType {
        odata_type: "win32CatalogAppAssignmentSettings",
        apps: &["win32CatalogApp"],
        members: WIN32,
    },
    SettingsType {
        odata_type: "winGetAppAssignmentSettings",
        apps: &["winGetApp"],
        members: &[
            NOTIFICATIONS,
            RESTART,
            setting(
                "installTimeSettings",
                SettingValue::ObjectOrNull(&[
                    setting("useLocalTime", SettingValue::Flag, "false"),
                    setting("deadlineDateTime", SettingValue::MomentOrNull, "null"),
                ]),
                "null",
            ),
        ],
    },
    SettingsType {
        odata_type: "androidManagedStoreAppAssignmentSettings",
        apps: &[
            "androidManagedStoreApp",
            "androidManagedStoreWebApp",
            "androidForWorkApp",
        ],
        members: &[
            setting("androidManagedStoreAppTrackIds", SettingValue::Texts, "[]"),
            setting(
                "autoUpdateMode",
                SettingValue::Word(&["default", "postponed", "priority"]),
                "\"default\"",
            ),
        ],
    },
    SettingsType {
        odata_type: "iosLobAppAssignmentSettings",
        apps: &["iosLobApp"],
        members: &[VPN, UNINSTALL, REMOVABLE, BACKUP],
    },
    SettingsType {
        odata_type: "iosStoreAppAssignmentSettings",
        apps: &["iosStoreApp", "managedIOSStoreApp"],
        members: &[VPN, UNINSTALL, REMOVABLE, BACKUP],
    },
    SettingsType {
        odata_type: "iosVppAppAssignmentSettings",
        apps: &["iosVppApp"],
        members: &[
            VPN,
            UNINSTALL,
            REMOVABLE,
            BACKUP,
            DEVICE_LICENSING,
            AUTO_UPDATE,
        ],
    },
    SettingsType {
        odata_type: "macOsLobAppAssignmentSettings",
        apps: &["macOSLobApp"],
        members: &[UNINSTALL],
    },
    SettingsType {
        odata_type: "macOsVppAppAssignmentSettings",
        apps: &["macOsVppApp"],
        members: &[DEVICE_LICENSING, UNINSTALL, BACKUP, AUTO_UPDATE],
    },
    SettingsType {
        odata_type: "windowsAppXAppAssignmentSettings",
        apps: &["windowsAppX"],
        members: &[DEVICE_CONTEXT],
    },
    SettingsType {
        odata_type: "windowsUniversalAppXAppAssignmentSettings",
        apps: &["windowsUniversalAppX"],
        members: &[DEVICE_CONTEXT],
    },
    SettingsType {
        odata_type: "microsoftStoreForBusinessAppAssignmentSettings",
        apps: &["microsoftStoreForBusinessApp"],
        members: &[DEVICE_CONTEXT],
    },
];

/// Types of apps that take no settings, without prefix.
pub const WITHOUT_SETTINGS: &[&str] = &[
    "androidLobApp",
    "androidStoreApp",
    "managedAndroidLobApp",
    "managedAndroidStoreApp",
    "managedIOSLobApp",
    "iosiPadOSWebClip",
    "macOSDmgApp",
    "macOSPkgApp",
    "macOSOfficeSuiteApp",
    "macOSMicrosoftEdgeApp",
    "macOSMicrosoftDefenderApp",
    "macOSWebClip",
    "officeSuiteApp",
    "windowsMobileMSI",
    "windowsMicrosoftEdgeApp",
    "windowsStoreApp",
    "windowsWebApp",
    "webApp",
    "windowsPhone81AppX",
    "windowsPhone81AppXBundle",
    "windowsPhone81StoreApp",
    "windowsPhoneXAP",
];

/// Settings that go with some intents only, as sources say.
#[derive(Debug)]
pub struct IntentRule {
    /// Their names.
    pub settings: &'static [&'static str],
    /// The types of settings that they are of.
    pub of: &'static [&'static str],
    /// The intents that they go with.
    pub intents: &'static [&'static str],
    /// Who says so.
    pub source: &'static str,
}

const TOOLS: &str = "what tools send: no value with another intent";

/// The settings that go with some intents only. None of it was seen to be refused.
pub const INTENT_RULES: &[IntentRule] = &[
    IntentRule {
        settings: &["autoUpdateSettings"],
        of: &["win32LobAppAssignmentSettings"],
        intents: &["available"],
        source: "the portal, which offers it with `available` only",
    },
    IntentRule {
        settings: &["useDeviceContext"],
        of: &[
            "windowsAppXAppAssignmentSettings",
            "windowsUniversalAppXAppAssignmentSettings",
            "microsoftStoreForBusinessAppAssignmentSettings",
        ],
        intents: &["required", "uninstall"],
        source: "learn.microsoft.com: windowsUniversalAppXAppAssignmentSettings",
    },
    IntentRule {
        settings: &["isRemovable"],
        of: &[
            "iosVppAppAssignmentSettings",
            "iosStoreAppAssignmentSettings",
            "iosLobAppAssignmentSettings",
        ],
        intents: &["required"],
        source: TOOLS,
    },
    IntentRule {
        settings: &[
            "preventAutoAppUpdate",
            "preventManagedAppBackup",
            "uninstallOnDeviceRemoval",
        ],
        of: &["iosVppAppAssignmentSettings"],
        intents: &["required", "available", "availableWithoutEnrollment"],
        source: TOOLS,
    },
];

/// A setting that stays on once an assignment has it (learn.microsoft.com:
/// windowsUniversalAppXAppAssignmentSettings).
pub const STAYS_ON: &str = "useDeviceContext";

/// Returns the rule that a setting of a type breaks with an intent.
pub fn broken_rule(odata_type: &str, setting: &str, intent: &str) -> Option<&'static IntentRule> {
    INTENT_RULES.iter().find(|rule| {
        rule.settings.contains(&setting)
            && rule.of.contains(&odata_type)
            && !rule.intents.contains(&intent)
    })
}

/// Whether apps of a type cannot be offered to devices that are not enrolled: only apps for iOS and Android, of
/// their stores or one's own, can. Of a type that is not known nothing is said.
pub fn needs_enrollment(app_type: &str) -> bool {
    const PREFIXES: &[&str] = &["win", "macos", "officesuite", "microsoftstore", "webapp"];
    const NAMES: &[&str] = &["iosvppapp", "iosipadoswebclip"];
    let app_type = app_type.to_lowercase();
    NAMES.contains(&app_type.as_str()) || PREFIXES.iter().any(|prefix| app_type.starts_with(prefix))
}

/// Returns the settings that apps of a type take, if they take any.
pub fn settings_of(app_type: &str) -> Option<&'static SettingsType> {
    APP_SETTINGS.iter().find(|settings| {
        let mut apps = settings.apps.iter();
        apps.any(|name| name.eq_ignore_ascii_case(app_type))
    })
}

/// Returns a member of settings by its name. Types that share a name share what it takes, but for
/// members that only some of them have.
pub fn setting_named(name: &str) -> Option<&'static Setting> {
    let mut members = APP_SETTINGS.iter().flat_map(|settings| settings.members);
    members.find(|member| member.name == name)
}

/// Returns the value that the service fills in for a property, as JSON, if it is known.
pub fn default_of(name: &str) -> Option<&'static str> {
    let mut path = name.strip_prefix("settings.")?.split('.');
    let mut setting = setting_named(path.next()?)?;
    for member in path {
        let SettingValue::ObjectOrNull(members) = &setting.value else {
            return None;
        };
        setting = members.iter().find(|known| known.name == member)?;
    }
    Some(setting.default)
}

/// Whether a value is one that a setting takes.
pub fn takes(setting: &SettingValue, value: &Value) -> bool {
    match setting {
        SettingValue::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        SettingValue::Flag => value.is_boolean(),
        SettingValue::FlagOrNull => value.is_boolean() || value.is_null(),
        SettingValue::Number(least, most) => is_within(value, *least, *most),
        SettingValue::NumberOrNull(least, most) => {
            value.is_null() || is_within(value, *least, *most)
        }
        SettingValue::TextOrNull => value.is_string() || value.is_null(),
        SettingValue::Texts => {
            let texts = value.as_array();
            texts.is_some_and(|texts| texts.iter().all(Value::is_string))
        }
        SettingValue::MomentOrNull => value.is_null() || value.as_str().is_some_and(is_moment),
        SettingValue::ObjectOrNull(_) => value.is_object() || value.is_null(),
    }
}

pub(super) fn is_within(value: &Value, least: i64, most: i64) -> bool {
    value
        .as_i64()
        .is_some_and(|number| (least..=most).contains(&number))
}

fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

/// Says what a setting takes.
pub fn expected(takes: &SettingValue) -> String {
    match takes {
        SettingValue::Word(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        SettingValue::Flag => "`true` or `false`".to_owned(),
        SettingValue::FlagOrNull => "`true`, `false` or `null`".to_owned(),
        SettingValue::Number(least, most) => format!("a whole number from {least} to {most}"),
        SettingValue::NumberOrNull(least, most) => {
            format!("a whole number from {least} to {most}, or `null`")
        }
        SettingValue::TextOrNull => "text or `null`".to_owned(),
        SettingValue::Texts => "a list of strings".to_owned(),
        SettingValue::MomentOrNull => {
            "a date and time like `2026-01-31T08:00:00Z`, or `null`".to_owned()
        }
        SettingValue::ObjectOrNull(_) => "a mapping or `null`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_values_that_their_setting_takes() {
        fn check_all(members: &[Setting]) {
            for member in members {
                let default = serde_json::from_str(member.default).expect("JSON");
                assert!(takes(&member.value, &default), "{}", member.name);
                if let SettingValue::ObjectOrNull(members) = &member.value {
                    check_all(members);
                }
            }
        }
        for settings in APP_SETTINGS {
            check_all(settings.members);
            for app in settings.apps {
                assert_eq!(
                    settings_of(app).map(|found| found.odata_type),
                    Some(settings.odata_type)
                );
            }
        }
        assert!(settings_of("officeSuiteApp").is_none());
    }

    #[test]
    fn values_have_bounds() {
        let members = match &RESTART.value {
            SettingValue::ObjectOrNull(members) => members,
            other => panic!("{other:?}"),
        };
        for (value, fits) in [
            (json!(1), true),
            (json!(20_160), true),
            (json!(0), false),
            (json!(20_161), false),
            (json!(null), false),
            (json!("60"), false),
        ] {
            assert_eq!(takes(&members[0].value, &value), fits, "{value}");
        }
        assert!(takes(&NOTIFICATIONS.value, &json!("hideAll")));
        assert!(!takes(&NOTIFICATIONS.value, &json!("hideall")));
    }
}
