//! What assignments of some kinds say beside their target: an app's intent and settings, a
//! remediation's schedule. Names, values and defaults, and the one form in which they are compared.
//!
//! In that form a property is a name and a value as JSON. Members of an object are properties of
//! their own (`settings.restartSettings.gracePeriodInMinutes`), beside the object itself, `{}`. What
//! the service fills in by itself is left out, so that it is equal to nothing.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A property's name and its value as JSON.
pub type Flat = (String, String);

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

/// Says why a value is not one that a setting takes.
///
/// # Errors
///
/// What it takes.
pub fn check(value: &Value, takes: &SettingValue) -> Result<(), String> {
    let fits = match takes {
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
    };
    if fits { Ok(()) } else { Err(expected(takes)) }
}

fn is_within(value: &Value, least: i64, most: i64) -> bool {
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
        SettingValue::Texts => "a list of texts".to_owned(),
        SettingValue::MomentOrNull => "a moment like `2026-01-31T08:00:00Z`, or `null`".to_owned(),
        SettingValue::ObjectOrNull(_) => "a mapping or `null`".to_owned(),
    }
}

/// Writes the settings of an app's assignment out as properties. A value that the service fills in by
/// itself comes as `None`.
pub fn flatten_settings(settings: &Map<String, Value>) -> Vec<(String, Option<String>)> {
    let mut flat = Vec::new();
    for (name, value) in settings.iter().filter(|(name, _)| !is_annotation(name)) {
        flatten(format!("settings.{name}"), value, &mut flat);
    }
    flat
}

fn flatten(name: String, value: &Value, flat: &mut Vec<(String, Option<String>)>) {
    if let Value::Object(members) = value {
        for (member, value) in members.iter().filter(|(name, _)| !is_annotation(name)) {
            flatten(format!("{name}.{member}"), value, flat);
        }
        flat.push((name, Some("{}".to_owned())));
        return;
    }
    flat.push(self::flat(name, value));
}

/// Writes a value that has no members out as a property; one that the service fills in by itself
/// comes as `None`.
pub fn flat(name: String, value: &Value) -> (String, Option<String>) {
    let value = canonical(value);
    let is_default = default_of(&name) == Some(value.as_str());
    (name, (!is_default).then_some(value))
}

/// Whether a member says something about another, or about its object's type.
fn is_annotation(name: &str) -> bool {
    name.contains('@')
}

/// Writes a value as JSON in one form only: moments are spelled alike.
fn canonical(value: &Value) -> String {
    match value.as_str().map(str::parse::<Timestamp>) {
        Some(Ok(moment)) => json!(moment.to_string()).to_string(),
        _ => value.to_string(),
    }
}

/// Puts properties of one name back together: `None` if there is none.
pub fn nested<'p>(
    name: &str,
    properties: impl Iterator<Item = (&'p str, &'p str)>,
) -> Option<Map<String, Value>> {
    let mut whole: Option<Map<String, Value>> = None;
    for (property, value) in properties {
        let Some(path) = property
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        let value = serde_json::from_str(value).unwrap_or(Value::Null);
        put(whole.get_or_insert_default(), path, value);
    }
    whole
}

/// Sets what a path of names leads to, and makes the objects on its way. An object that is there
/// keeps its other members.
pub fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            let empties = value.as_object().is_some_and(Map::is_empty);
            if !(empties && object.get(path).is_some_and(Value::is_object)) {
                object.insert(path.to_owned(), value);
            }
        }
        Some((first, rest)) => {
            let inner = object
                .entry(first)
                .or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// When a remediation runs: the word of a manifest, the service's type, and what it has beside
/// `interval`.
const SCHEDULES: &[(&str, &str, &[&str])] = &[
    (
        "daily",
        "#microsoft.graph.deviceHealthScriptDailySchedule",
        &["time", "useUtc"],
    ),
    (
        "hourly",
        "#microsoft.graph.deviceHealthScriptHourlySchedule",
        &[],
    ),
    (
        "once",
        "#microsoft.graph.deviceHealthScriptRunOnceSchedule",
        &["date", "time", "useUtc"],
    ),
];

/// The words for schedules.
pub const SCHEDULE_TYPES: &[&str] = &["daily", "hourly", "once"];

/// Reads a schedule as the service sends it into the form of manifests. One of an unknown type stays
/// as it is.
pub fn schedule_from_wire(wire: &Map<String, Value>) -> String {
    let odata_type = wire.get("@odata.type").and_then(Value::as_str);
    let known = SCHEDULES
        .iter()
        .find(|(_, known, _)| odata_type == Some(known));
    let Some((word, _, members)) = known else {
        let mut sorted = wire.clone();
        sorted.sort_keys();
        return Value::Object(sorted).to_string();
    };
    let mut all = Map::new();
    all.insert("type".to_owned(), json!(word));
    if let Some(interval) = wire.get("interval").filter(|_| *word != "once") {
        all.insert("interval".to_owned(), interval.clone());
    }
    for member in *members {
        let value = match (*member, wire.get(*member)) {
            ("useUtc", None | Some(Value::Null)) => json!(false),
            ("time", Some(Value::String(time))) => {
                json!(to_the_second(time).unwrap_or_else(|| time.clone()))
            }
            (_, value) => value.cloned().unwrap_or_default(),
        };
        all.insert((*member).to_owned(), value);
    }
    all.sort_keys();
    Value::Object(all).to_string()
}

/// Writes a schedule as the service takes it.
pub fn schedule_to_wire(schedule: &str) -> Value {
    let Ok(Value::Object(mut schedule)) = serde_json::from_str(schedule) else {
        return Value::Null;
    };
    let word = schedule.get("type").and_then(Value::as_str);
    let Some((word, odata_type, _)) = SCHEDULES.iter().find(|(known, ..)| word == Some(known))
    else {
        return Value::Object(schedule);
    };
    schedule.remove("type");
    if *word == "once" {
        schedule.insert("interval".to_owned(), json!(1));
    }
    let mut wire = Map::new();
    wire.insert("@odata.type".to_owned(), json!(odata_type));
    wire.extend(schedule);
    Value::Object(wire)
}

/// Reads a schedule of a manifest into the form that is compared.
///
/// # Errors
///
/// Says which key is wrong, and what it takes.
pub fn schedule_from_manifest(schedule: &Map<String, Value>) -> Result<String, (String, String)> {
    let fault = |key: &str, takes: &str| Err((key.to_owned(), takes.to_owned()));
    let word = schedule.get("type").and_then(Value::as_str);
    let Some((word, _, members)) = SCHEDULES.iter().find(|(known, ..)| word == Some(known)) else {
        return fault("type", "`daily`, `hourly` or `once`");
    };
    for key in schedule.keys() {
        let known = key == "type" || (key == "interval" && *word != "once");
        if !known && !members.contains(&key.as_str()) {
            return Err((
                key.clone(),
                format!("left out, as type `{word}` has no such key"),
            ));
        }
    }
    let mut all = Map::new();
    all.insert("type".to_owned(), json!(word));
    let interval = schedule.get("interval").cloned().unwrap_or(json!(1));
    match *word {
        "once" => {}
        "hourly" if !is_within(&interval, 1, 23) => {
            return fault("interval", "a whole number from 1 to 23");
        }
        _ if !is_within(&interval, 1, i64::from(i32::MAX)) => {
            return fault("interval", "a whole number from 1 on");
        }
        _ => {
            all.insert("interval".to_owned(), interval);
        }
    }
    for member in *members {
        let text = schedule.get(*member).and_then(Value::as_str);
        let value = match *member {
            "time" => match text.and_then(time_of_day) {
                Some(time) => json!(time),
                None => return fault("time", "a time like `\"02:00:00\"`"),
            },
            "date" => match text.filter(|text| is_date(text)) {
                Some(date) => json!(date),
                None => return fault("date", "a date like `\"2026-01-31\"`"),
            },
            _ => match schedule.get(*member).cloned().unwrap_or(json!(false)) {
                Value::Bool(flag) => json!(flag),
                _ => return fault(member, "`true` or `false`"),
            },
        };
        all.insert((*member).to_owned(), value);
    }
    all.sort_keys();
    Ok(Value::Object(all).to_string())
}

/// Reads a time of day as manifests write it: `HH:MM` or `HH:MM:SS`.
fn time_of_day(text: &str) -> Option<String> {
    let time = to_the_second(text)?;
    let is_short = time.strip_suffix(":00") == Some(text);
    (text == time || is_short).then_some(time)
}

fn is_date(text: &str) -> bool {
    let date = text.parse::<jiff::civil::Date>();
    date.is_ok_and(|date| date.to_string() == text)
}

/// Spells a time of day as `HH:MM:SS`; the service sends seven decimals, and takes `HH:MM`.
fn to_the_second(time: &str) -> Option<String> {
    let time: jiff::civil::Time = time.parse().ok()?;
    Some(time.strftime("%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("an object, not {other}"),
        }
    }

    fn flat(value: Value) -> Vec<String> {
        let mut flat: Vec<String> = flatten_settings(&object(value))
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
            .collect();
        flat.sort();
        flat
    }

    #[test]
    fn what_the_service_fills_in_is_nothing() {
        assert_eq!(
            flat(json!({
                "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
                "notifications": "showAll", "restartSettings": null,
                "deliveryOptimizationPriority": "foreground", "novelty": null,
            })),
            [
                "settings.deliveryOptimizationPriority=\"foreground\"",
                "settings.notifications=-",
                "settings.novelty=null",
                "settings.restartSettings=-",
            ]
        );
    }

    #[test]
    fn objects_come_apart_and_together_again() {
        let settings = object(json!({
            "restartSettings": {"gracePeriodInMinutes": 60, "restartNotificationSnoozeDurationInMinutes": null},
            "installTimeSettings": {"deadlineDateTime": "2026-01-31T08:00:00.000Z"},
            "androidManagedStoreAppTrackIds": ["a"],
        }));
        let mut pairs: Vec<Flat> = flatten_settings(&settings)
            .into_iter()
            .map(|(name, value)| (name, value.expect("a value")))
            .collect();
        pairs.sort();
        let again = nested("settings", pairs.iter().map(|(a, b)| (&**a, &**b)));
        let mut expected = settings;
        expected["installTimeSettings"]["deadlineDateTime"] = json!("2026-01-31T08:00:00Z");
        assert_eq!(again, Some(expected));
        assert_eq!(nested("settings", std::iter::empty()), None);
    }

    #[test]
    fn defaults_are_values_that_their_setting_takes() {
        fn check_all(members: &[Setting]) {
            for member in members {
                let default = serde_json::from_str(member.default).expect("JSON");
                assert_eq!(check(&default, &member.value), Ok(()), "{}", member.name);
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
            assert_eq!(check(&value, &members[0].value).is_ok(), fits, "{value}");
        }
        assert!(check(&json!("hideAll"), &NOTIFICATIONS.value).is_ok());
        assert!(check(&json!("hideall"), &NOTIFICATIONS.value).is_err());
    }

    #[test]
    fn schedules_are_compared_as_times() {
        let wire = object(json!({
            "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
            "interval": 1, "useUtc": false, "time": "01:00:00.0000000",
        }));
        let written = object(json!({"type": "daily", "interval": 1, "time": "01:00"}));
        let canonical = schedule_from_manifest(&written).expect("a schedule");
        assert_eq!(schedule_from_wire(&wire), canonical);
        assert_eq!(
            schedule_to_wire(&canonical),
            json!({
                "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                "interval": 1, "time": "01:00:00", "useUtc": false,
            })
        );
        let novel = object(json!({"z": 1, "@odata.type": "#microsoft.graph.novel"}));
        assert_eq!(
            schedule_to_wire(&schedule_from_wire(&novel)),
            Value::Object(novel)
        );
    }

    #[test]
    fn schedules_of_manifests_are_checked() {
        for (schedule, wrong) in [
            (json!({"type": "weekly"}), "type"),
            (json!({}), "type"),
            (json!({"type": "hourly", "interval": 24}), "interval"),
            (json!({"type": "hourly", "time": "01:00"}), "time"),
            (json!({"type": "daily"}), "time"),
            (json!({"type": "daily", "time": "25:00"}), "time"),
            (
                json!({"type": "once", "time": "01:00", "date": "31.1.2026"}),
                "date",
            ),
            (
                json!({"type": "once", "time": "01:00", "date": "2026-01-31", "interval": 2}),
                "interval",
            ),
            (
                json!({"type": "daily", "time": "01:00", "useUtc": "yes"}),
                "useUtc",
            ),
        ] {
            let fault = schedule_from_manifest(&object(schedule.clone()));
            assert_eq!(fault.expect_err("a fault").0, wrong, "{schedule}");
        }
    }
}
