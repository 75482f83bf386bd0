//! The schema of what assignments say besides their target: intent, settings and schedules.

use serde_json::{Map, Value, json};

use super::object;
use crate::kinds::app_settings::{self, SettingValue};
use crate::kinds::run_schedule;
use crate::manifest::properties::SCHEDULE_KEYS;

pub(super) fn property_of(key: &'static str) -> Value {
    match key {
        "intent" => json!({
            "enum": app_settings::INTENTS,
            "description": "Of a `mobileApp`: what to do with the app. On an entry, for all targets; a target's own takes \
                precedence.",
        }),
        "settings" => settings(),
        "runSchedule" => schedule(),
        _ => json!({
            "type": "boolean",
            "default": true,
            "description": "Of a `deviceHealthScript`: whether the remediation repairs what it detects. The \
                service never says it, so that it is written with every change and is not a change by itself.",
        }),
    }
}

/// Describes the settings of all types of apps. Which of them a type takes shows with the tenant.
fn settings() -> Value {
    let mut members = Map::new();
    for settings in app_settings::APP_SETTINGS {
        for setting in settings.members {
            let described = members.entry(setting.name).or_insert_with(|| {
                let mut described = setting_value(&setting.value);
                described["description"] = json!(String::new());
                described
            });
            let apps = settings.apps.join("`, `");
            let known = described["description"].as_str().unwrap_or_default();
            let separator = if known.is_empty() { "Of `" } else { ", `" };
            let all = format!("{known}{separator}{apps}`");
            described["description"] = json!(all);
        }
    }
    json!({
        "type": "object",
        "description": "Of a `mobileApp`: settings by Graph's names. Only those that are named are compared and \
            written. On an entry, for all included targets; a target's own take precedence.",
        "properties": members,
        "additionalProperties": false,
    })
}

fn setting_value(takes: &SettingValue) -> Value {
    let spelled = |kind: &str| json!({"type": [kind, "null"]});
    match takes {
        SettingValue::Word(words) => json!({"enum": words}),
        SettingValue::Flag => json!({"type": "boolean"}),
        SettingValue::FlagOrNull => spelled("boolean"),
        SettingValue::Number(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        SettingValue::NumberOrNull(least, most) => {
            json!({"type": ["integer", "null"], "minimum": least, "maximum": most})
        }
        SettingValue::TextOrNull => json!({"type": ["string", "number", "boolean", "null"]}),
        SettingValue::Texts => {
            json!({"type": "array", "items": {"type": ["string", "number", "boolean"]}})
        }
        SettingValue::MomentOrNull => json!({
            "type": ["string", "null"],
            "pattern": concat!(
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?",
                r"([Zz]|[+-][0-9]{2}:[0-9]{2})$",
            ),
        }),
        SettingValue::ObjectOrNull(members) => {
            let described = members.iter().map(|member| {
                let mut value = setting_value(&member.value);
                value["description"] = json!(format!(
                    "`{}` if it is left out.",
                    member.default.trim_matches('"')
                ));
                (member.name.to_owned(), value)
            });
            json!({
                "type": ["object", "null"],
                "properties": described.collect::<Map<_, _>>(),
                "additionalProperties": false,
            })
        }
    }
}

fn schedule() -> Value {
    let time =
        json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"});
    let mut schedule = object(
        SCHEDULE_KEYS,
        "Of a `deviceHealthScript`: when it runs.",
        |key| {
            let (description, mut value) = match key {
                "type" => (
                    "`daily` takes `interval`, `time` and `useUtc`, `hourly` takes `interval`, `once` takes \
                     `date`, `time` and `useUtc`.",
                    json!({"enum": run_schedule::types().collect::<Vec<_>>()}),
                ),
                "interval" => (
                    "Every so many days or hours.",
                    json!({"type": "integer", "minimum": 1, "maximum": i32::MAX, "default": 1}),
                ),
                "date" => (
                    "The day, like `2026-01-31`.",
                    json!({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"}),
                ),
                "time" => ("The time of day, like `\"02:00:00\"`.", time.clone()),
                _ => (
                    "Whether the time is UTC, and not that of the device.",
                    json!({"type": "boolean", "default": false}),
                ),
            };
            value["description"] = json!(description);
            value
        },
    );
    schedule["oneOf"] = json!([
        {
            "properties": {"type": {"const": "daily"}, "date": false},
            "required": ["type", "time"],
        },
        {
            "properties": {
                "type": {"const": "hourly"}, "interval": {"maximum": 23},
                "date": false, "time": false, "useUtc": false,
            },
            "required": ["type"],
        },
        {
            "properties": {"type": {"const": "once"}, "interval": false},
            "required": ["type", "date", "time"],
        },
    ]);
    schedule
}
