//! The assignments of apps: `intent`, and the settings that each type of app has.
//!
//! The service stores a settings object where none is sent for some types of app, and shows all
//! properties of one, so what is left out is filled in.

use serde_json::{Map, Value, json};

use super::body::{only_known, wrong_type};
use crate::reply::Fault;
use crate::target::NAMESPACE;
use crate::tenant::Policy;

const INTENTS: [&str; 4] = [
    "available",
    "required",
    "uninstall",
    "availableWithoutEnrollment",
];

/// A type of settings.
struct Settings {
    /// The type, before `AppAssignmentSettings`.
    name: &'static str,
    /// The types of app that have them.
    apps: &'static [&'static str],
    /// Whether the service stores them where none are sent.
    is_filled_in: bool,
    properties: &'static [Property],
}

type Property = (&'static str, Form);

/// What a property may be, and what it is where no one says.
enum Form {
    /// The first word is the default.
    Word(&'static [&'static str]),
    /// False by default.
    Flag,
    /// Null by default.
    FlagOrNull,
    TextOrNull,
    Texts,
    InstantOrNull,
    /// The bounds and the default.
    Number(u64, u64, u64),
    /// The same, where null is possible.
    NumberOrNull(u64, u64, u64),
    /// An object of a type, which is null by default.
    Object(&'static str, &'static [Property]),
}

const NOTIFICATIONS: Form = Form::Word(&["showAll", "showReboot", "hideAll"]);
const RESTART: &[Property] = &[
    ("gracePeriodInMinutes", Form::Number(1, 20160, 1440)),
    (
        "countdownDisplayBeforeRestartInMinutes",
        Form::Number(1, 240, 15),
    ),
    (
        "restartNotificationSnoozeDurationInMinutes",
        Form::NumberOrNull(1, 710, 240),
    ),
];
const VPN: Property = ("vpnConfigurationId", Form::TextOrNull);
const UNINSTALL: Property = ("uninstallOnDeviceRemoval", Form::FlagOrNull);
const REMOVABLE: Property = ("isRemovable", Form::FlagOrNull);
const BACKUP: Property = ("preventManagedAppBackup", Form::FlagOrNull);
const NO_UPDATE: Property = ("preventAutoAppUpdate", Form::FlagOrNull);
const LICENSING: Property = ("useDeviceLicensing", Form::Flag);
const CONTEXT: &[Property] = &[("useDeviceContext", Form::Flag)];

const WIN32: &[Property] = &[
    ("notifications", NOTIFICATIONS),
    (
        "restartSettings",
        Form::Object("win32LobAppRestartSettings", RESTART),
    ),
    (
        "installTimeSettings",
        Form::Object(
            "mobileAppInstallTimeSettings",
            &[
                ("useLocalTime", Form::Flag),
                ("startDateTime", Form::InstantOrNull),
                ("deadlineDateTime", Form::InstantOrNull),
            ],
        ),
    ),
    (
        "deliveryOptimizationPriority",
        Form::Word(&["notConfigured", "foreground"]),
    ),
    (
        "autoUpdateSettings",
        Form::Object(
            "win32LobAppAutoUpdateSettings",
            &[(
                "autoUpdateSupersededAppsState",
                Form::Word(&["notConfigured", "enabled", "unknownFutureValue"]),
            )],
        ),
    ),
];

const TYPES: &[Settings] = &[
    Settings {
        name: "win32Lob",
        apps: &["win32LobApp"],
        is_filled_in: true,
        properties: WIN32,
    },
    // Derived from that of `win32Lob`, with the same properties.
    Settings {
        name: "win32Catalog",
        apps: &["win32CatalogApp"],
        is_filled_in: true,
        properties: WIN32,
    },
    Settings {
        name: "winGet",
        apps: &["winGetApp"],
        is_filled_in: true,
        properties: &[
            ("notifications", NOTIFICATIONS),
            (
                "restartSettings",
                Form::Object("winGetAppRestartSettings", RESTART),
            ),
            (
                "installTimeSettings",
                Form::Object(
                    "winGetAppInstallTimeSettings",
                    &[
                        ("useLocalTime", Form::Flag),
                        ("deadlineDateTime", Form::InstantOrNull),
                    ],
                ),
            ),
        ],
    },
    Settings {
        name: "androidManagedStore",
        apps: &[
            "androidManagedStoreApp",
            "androidManagedStoreWebApp",
            "androidForWorkApp",
        ],
        is_filled_in: true,
        properties: &[
            ("androidManagedStoreAppTrackIds", Form::Texts),
            (
                "autoUpdateMode",
                Form::Word(&["default", "postponed", "priority"]),
            ),
        ],
    },
    Settings {
        name: "iosLob",
        apps: &["iosLobApp"],
        is_filled_in: false,
        properties: &[VPN, UNINSTALL, REMOVABLE, BACKUP],
    },
    Settings {
        name: "iosStore",
        apps: &["iosStoreApp", "managedIOSStoreApp"],
        is_filled_in: true,
        properties: &[VPN, UNINSTALL, REMOVABLE, BACKUP],
    },
    Settings {
        name: "iosVpp",
        apps: &["iosVppApp"],
        is_filled_in: false,
        properties: &[VPN, UNINSTALL, REMOVABLE, BACKUP, LICENSING, NO_UPDATE],
    },
    Settings {
        name: "macOsLob",
        apps: &["macOSLobApp"],
        is_filled_in: false,
        properties: &[UNINSTALL],
    },
    Settings {
        name: "macOsVpp",
        apps: &["macOsVppApp"],
        is_filled_in: false,
        properties: &[LICENSING, UNINSTALL, BACKUP, NO_UPDATE],
    },
    Settings {
        name: "windowsAppX",
        apps: &["windowsAppX"],
        is_filled_in: true,
        properties: CONTEXT,
    },
    Settings {
        name: "windowsUniversalAppX",
        apps: &["windowsUniversalAppX"],
        is_filled_in: true,
        properties: CONTEXT,
    },
    Settings {
        name: "microsoftStoreForBusiness",
        apps: &["microsoftStoreForBusinessApp"],
        is_filled_in: false,
        properties: CONTEXT,
    },
];

/// The types of app that have no settings.
const WITHOUT: [&str; 23] = [
    "androidLobApp",
    "androidStoreApp",
    "iosiPadOSWebClip",
    "macOSDmgApp",
    "macOSMicrosoftDefenderApp",
    "macOSMicrosoftEdgeApp",
    "macOSOfficeSuiteApp",
    "macOSPkgApp",
    "macOSWebClip",
    "managedAndroidLobApp",
    "managedAndroidStoreApp",
    "managedIOSLobApp",
    "officeSuiteApp",
    "webApp",
    "windowsMicrosoftEdgeApp",
    "windowsMobileMSI",
    "windowsPhone81AppX",
    "windowsPhone81AppXBundle",
    "windowsPhone81StoreApp",
    "windowsPhoneXAP",
    "windowsStoreApp",
    "windowsWebApp",
    "windowsWebLink",
];

/// Checks intent and settings of an assignment, and completes the settings.
pub(super) fn check(
    policy: &Policy,
    assignment: &mut Map<String, Value>,
    excludes: bool,
) -> Result<(), Fault> {
    match assignment.get("intent") {
        Some(Value::String(intent)) if INTENTS.contains(&intent.as_str()) => {}
        // IntuneGet#340.
        Some(Value::String(_)) => {
            return Err(Fault::wrapped(
                500,
                "InternalServerError",
                "An internal server error has occurred",
            ));
        }
        None => {
            return Err(Fault::bad_request(
                "An assignment of an app has no 'intent'.",
            ));
        }
        Some(other) => return Err(wrong_type("intent", "an intent", other)),
    }
    let app = policy.odata_type();
    let own = TYPES.iter().find(|settings| settings.apps.contains(&app));
    let settings = match assignment.remove("settings") {
        None | Some(Value::Null) if excludes => Value::Null,
        None | Some(Value::Null) => match own {
            Some(own) if own.is_filled_in => Value::Object(completed(policy, own, Map::new())?),
            _ => Value::Null,
        },
        // KelvinTegelaar/CIPP.
        Some(_) if excludes => {
            return Err(Fault::invalid(
                "Exclusion assignment does not support MobileAppAssignment Settings.",
            ));
        }
        Some(Value::Object(settings)) => {
            let named = settings.get("@odata.type").and_then(Value::as_str);
            let Some(named) = named.map(|name| name.trim_start_matches('#')) else {
                return Err(Fault::model(
                    "The settings have no '@odata.type', and their type is abstract.",
                ));
            };
            match own {
                Some(own) if named == format!("{NAMESPACE}{}AppAssignmentSettings", own.name) => {
                    Value::Object(completed(policy, own, settings)?)
                }
                // What a new type of app has, no one knows.
                None if !WITHOUT.contains(&app) => Value::Object(settings),
                // CIPP#5766, #5924.
                _ => {
                    return Err(Fault::invalid(format!(
                        "Invalid OData type specified: \"{named}\"."
                    )));
                }
            }
        }
        Some(other) => return Err(wrong_type("settings", "an object or null", &other)),
    };
    assignment.insert("settings".to_owned(), settings);
    Ok(())
}

/// Checks settings and fills in what is left out.
fn completed(
    policy: &Policy,
    own: &Settings,
    mut sent: Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let name = format!("{}AppAssignmentSettings", own.name);
    sent.remove("@odata.type");
    filled(policy, &["settings"], (&name, own.properties), sent)
}

fn filled(
    policy: &Policy,
    inside: &[&str],
    (name, properties): (&str, &[Property]),
    mut sent: Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let mut whole = Map::new();
    whole.insert(
        "@odata.type".to_owned(),
        json!(format!("#{NAMESPACE}{name}")),
    );
    for (key, form) in properties {
        let value = match sent.remove(*key) {
            None => form.default(),
            Some(value) => form.checked(policy, key, value)?,
        };
        whole.insert((*key).to_owned(), value);
    }
    only_known(policy, inside, &format!("{NAMESPACE}{name}"), sent.keys())?;
    whole.extend(sent);
    Ok(whole)
}

impl Form {
    fn default(&self) -> Value {
        match self {
            Self::Word(words) => json!(words.first()),
            Self::Flag => json!(false),
            Self::Texts => json!([]),
            Self::Number(_, _, default) | Self::NumberOrNull(_, _, default) => json!(default),
            Self::FlagOrNull | Self::TextOrNull | Self::InstantOrNull | Self::Object(..) => {
                Value::Null
            }
        }
    }

    fn checked(&self, policy: &Policy, key: &str, value: Value) -> Result<Value, Fault> {
        let is_right = match self {
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Flag => value.is_boolean(),
            Self::FlagOrNull => value.is_boolean() || value.is_null(),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Texts => value
                .as_array()
                .is_some_and(|texts| texts.iter().all(Value::is_string)),
            Self::InstantOrNull => {
                value.is_null()
                    || value
                        .as_str()
                        .is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
            }
            Self::Number(least, most, _) => in_range(&value, *least, *most),
            Self::NumberOrNull(least, most, _) => {
                value.is_null() || in_range(&value, *least, *most)
            }
            Self::Object(name, properties) => {
                return match value {
                    Value::Null => Ok(Value::Null),
                    Value::Object(object) => nested(policy, key, (name, properties), object),
                    other => Err(wrong_type(key, "an object or null", &other)),
                };
            }
        };
        if is_right {
            Ok(value)
        } else {
            Err(wrong_type(key, "a value of its type", &value))
        }
    }
}

fn nested(
    policy: &Policy,
    key: &str,
    (name, properties): (&str, &[Property]),
    mut object: Map<String, Value>,
) -> Result<Value, Fault> {
    match object.remove("@odata.type") {
        None => {}
        Some(Value::String(named))
            if named.trim_start_matches('#') == format!("{NAMESPACE}{name}") => {}
        Some(other) => return Err(wrong_type("@odata.type", name, &other)),
    }
    filled(policy, &["settings", key], (name, properties), object).map(Value::Object)
}

fn in_range(value: &Value, least: u64, most: u64) -> bool {
    value
        .as_u64()
        .is_some_and(|number| (least..=most).contains(&number))
}

#[cfg(test)]
mod tests;
