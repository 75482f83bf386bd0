//! Remediations: the schedule of an assignment, and what its times look like afterwards.

use serde_json::{Map, Value, json};

use super::body::{only_known, wrong_type};
use crate::reply::Fault;
use crate::target::NAMESPACE;
use crate::tenant::Policy;

/// Checks schedule and remediation of an assignment. An exclusion has neither.
pub(super) fn check(
    policy: &Policy,
    assignment: &mut Map<String, Value>,
    excludes: bool,
) -> Result<(), Fault> {
    match assignment.get("runRemediationScript") {
        None | Some(Value::Null) => {
            assignment.insert("runRemediationScript".to_owned(), json!(false));
        }
        Some(Value::Bool(_)) => {}
        Some(other) => return Err(wrong_type("runRemediationScript", "true or false", other)),
    }
    let schedule = match assignment.remove("runSchedule") {
        None | Some(Value::Null) => Value::Null,
        Some(Value::Object(schedule)) => Value::Object(checked(policy, schedule)?),
        Some(other) => return Err(wrong_type("runSchedule", "a schedule or null", &other)),
    };
    if excludes {
        assignment.insert("runRemediationScript".to_owned(), json!(false));
    }
    let schedule = if excludes { Value::Null } else { schedule };
    assignment.insert("runSchedule".to_owned(), schedule);
    Ok(())
}

fn checked(policy: &Policy, mut schedule: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    let named = schedule.get("@odata.type").cloned().unwrap_or_default();
    let name = named.as_str().unwrap_or_default().trim_start_matches('#');
    let (known, longest): (&[&str], u64) = match name.strip_prefix(NAMESPACE) {
        Some("deviceHealthScriptDailySchedule") => (&["interval", "time", "useUtc"], u64::MAX),
        Some("deviceHealthScriptHourlySchedule") => (&["interval"], 23),
        Some("deviceHealthScriptRunOnceSchedule") => (&["interval", "time", "useUtc", "date"], 1),
        _ => {
            return Err(Fault::model(format!(
                "A type named '{name}' could not be resolved by the model. When a model is \
                 available, each type name must resolve to a valid type."
            )));
        }
    };
    schedule.insert("@odata.type".to_owned(), json!(format!("#{name}")));
    let is_known = |key: &&String| *key == "@odata.type" || known.contains(&key.as_str());
    let unknown = schedule.keys().filter(|key| !is_known(key));
    only_known(policy, &["runSchedule"], name, unknown)?;
    for (key, value) in &mut schedule {
        let wrong = |expected: &str, value: &Value| wrong_type(key, expected, value);
        match key.as_str() {
            "interval" => {
                let interval = value.as_u64().filter(|one| (1..=longest).contains(one));
                interval.ok_or_else(|| wrong("a number of the schedule's range", value))?;
            }
            "useUtc" => {
                value
                    .as_bool()
                    .ok_or_else(|| wrong("true or false", value))?;
            }
            "date" => {
                let date = value.as_str().and_then(|text| text.parse().ok());
                date.ok_or_else(|| wrong("a date", value))
                    .map(|_: jiff::civil::Date| ())?;
            }
            "time" => {
                let time = value.as_str().and_then(seven_decimals);
                *value = json!(time.ok_or_else(|| wrong("a time of day", value))?);
            }
            _ => {}
        }
    }
    schedule.entry("interval").or_insert_with(|| json!(1));
    Ok(schedule)
}

/// Writes a time of day as the service does.
fn seven_decimals(text: &str) -> Option<String> {
    let time: jiff::civil::Time = text.parse().ok()?;
    Some(time.strftime("%H:%M:%S.0000000").to_string())
}

/// Gives the times of a stored schedule the form in which they are served.
pub(crate) fn with_seven_decimals(mut schedule: Value) -> Value {
    if let Some(time) = schedule.get_mut("time")
        && let Some(shown) = time.as_str().and_then(seven_decimals)
    {
        *time = json!(shown);
    }
    schedule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::Collection;

    fn checked(assignment: Value, excludes: bool) -> Result<Value, Fault> {
        let Value::Object(mut assignment) = assignment else {
            panic!("an object");
        };
        let scripts = Collection::named("deviceHealthScripts").expect("a collection");
        let policy = Policy::new(scripts, "p", "P", Map::new());
        check(&policy, &mut assignment, excludes).map(|()| Value::Object(assignment))
    }

    fn daily(key: &str, value: Value) -> Value {
        json!({"runSchedule": {"@odata.type": "microsoft.graph.deviceHealthScriptDailySchedule",
            "interval": 2, "time": "01:30", key: value}})
    }

    #[test]
    fn a_schedule_is_completed_and_an_exclusion_loses_it() {
        let assignment = checked(daily("useUtc", json!(true)), false).expect("a good row");
        assert_eq!(
            assignment,
            json!({"runRemediationScript": false, "runSchedule": {
                "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
                "interval": 2, "time": "01:30:00.0000000", "useUtc": true}})
        );
        let assignment = json!({"runRemediationScript": true, "runSchedule": null});
        assert_eq!(
            checked(assignment.clone(), false).expect("a good row"),
            assignment
        );
        let mut sent = daily("useUtc", json!(true));
        sent["runRemediationScript"] = json!(true);
        assert_eq!(
            checked(sent, true).expect("a good row"),
            json!({"runRemediationScript": false, "runSchedule": null})
        );
    }

    #[test]
    fn schedules_that_break_a_rule_are_refused() {
        let once = "#microsoft.graph.deviceHealthScriptRunOnceSchedule";
        let hourly = "#microsoft.graph.deviceHealthScriptHourlySchedule";
        for assignment in [
            daily("interval", json!(0)),
            daily("interval", json!("1")),
            daily("time", json!("25:00")),
            daily("useUtc", json!("yes")),
            daily("date", json!("2026-01-31")),
            daily("@odata.type", json!("#microsoft.graph.weekly")),
            json!({"runSchedule": {"@odata.type": once, "date": "31.1.2026"}}),
            json!({"runSchedule": {"@odata.type": hourly, "interval": 24}}),
            json!({"runSchedule": {"interval": 1}}),
            json!({"runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptWeeklySchedule", "interval": 1}}),
            json!({"runSchedule": []}),
            json!({"runRemediationScript": "true"}),
        ] {
            assert!(checked(assignment.clone(), false).is_err(), "{assignment}");
        }
    }
}
