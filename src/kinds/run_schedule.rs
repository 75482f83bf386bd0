//! When a remediation runs: as manifests say it, as the service says it, and the one form in which it is
//! compared.

use serde_json::{Map, Value, json};

use super::app_settings::is_within;

/// When a remediation runs: the word of a manifest, the service's type, and what it has besides
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

/// Returns the words for schedules.
pub fn types() -> impl Iterator<Item = &'static str> {
    SCHEDULES.iter().map(|(word, ..)| *word)
}

/// Reads a schedule as the service sends it into the form of manifests. One of an unknown type stays
/// as it is.
pub fn from_wire(wire: &Map<String, Value>) -> String {
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
pub fn to_wire(schedule: &str) -> Value {
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
pub fn from_manifest(schedule: &Map<String, Value>) -> Result<String, (String, String)> {
    let fault = |key: &str, takes: &str| Err((key.to_owned(), takes.to_owned()));
    let word = schedule.get("type").and_then(Value::as_str);
    let Some((word, _, members)) = SCHEDULES.iter().find(|(known, ..)| word == Some(known)) else {
        return fault("type", "`daily`, `hourly` or `once`");
    };
    for key in schedule.keys() {
        let known = key == "type" || (key == "interval" && *word != "once");
        if !known && !members.contains(&key.as_str()) {
            return Err((key.clone(), format!("left out with type `{word}`")));
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
            return fault("interval", "a whole number of at least 1");
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

    #[test]
    fn schedules_are_compared_as_times() {
        let wire = object(json!({
            "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
            "interval": 1, "useUtc": false, "time": "01:00:00.0000000",
        }));
        let written = object(json!({"type": "daily", "interval": 1, "time": "01:00"}));
        let canonical = from_manifest(&written).expect("a schedule");
        assert_eq!(from_wire(&wire), canonical);
        assert_eq!(
            to_wire(&canonical),
            json!({
                "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                "interval": 1, "time": "01:00:00", "useUtc": false,
            })
        );
        let novel = object(json!({"z": 1, "@odata.type": "#microsoft.graph.novel"}));
        assert_eq!(to_wire(&from_wire(&novel)), Value::Object(novel));
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
            let fault = from_manifest(&object(schedule.clone()));
            assert_eq!(fault.expect_err("a fault").0, wrong, "{schedule}");
        }
    }
}
