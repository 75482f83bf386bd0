//! What assignments say besides target and filter, in words.

use std::collections::BTreeSet;

use super::clean::clean;
use crate::model::{Properties, Property};

/// What stands for an object whose members are properties of their own.
const OBJECT: &str = "{}";

/// Returns the properties that are to be shown: of an object that has members, only these.
pub(super) fn shown(properties: &Properties) -> impl Iterator<Item = &Property> {
    let all = properties.iter();
    all.filter(|(name, value)| {
        let mut others = properties.iter();
        **value != *OBJECT || !others.any(|(other, _)| is_member(other, name))
    })
}

/// Returns the names of the properties that two assignments have between them, but for objects whose members
/// say it all.
pub(super) fn between<'p>(before: &'p Properties, after: &'p Properties) -> BTreeSet<&'p str> {
    let all = before.iter().chain(after.iter());
    let all: BTreeSet<&str> = all.map(|(name, _)| &**name).collect();
    let is_object = |name: &str| {
        let mut values = [before, after].into_iter();
        values.all(|of| of.get(name).is_none_or(|value| **value == *OBJECT))
    };
    let says_it_all =
        |name: &str| is_object(name) && all.iter().any(|other| is_member(other, name));
    all.iter()
        .copied()
        .filter(|name| !says_it_all(name))
        .collect()
}

/// Whether a property is a member of the object with a name.
fn is_member(name: &str, object: &str) -> bool {
    let rest = name.strip_prefix(object);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Says when a remediation runs, in the form of manifests; `None` if it is anything else.
fn schedule(value: &str) -> Option<String> {
    /// What a schedule says; all of it, so that nothing of another form is left out.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Schedule {
        r#type: String,
        interval: Option<u64>,
        date: Option<String>,
        time: Option<String>,
        use_utc: Option<bool>,
    }
    let Schedule {
        r#type,
        interval,
        date,
        time,
        use_utc,
    } = serde_json::from_str(value).ok()?;
    let every = match (r#type.as_str(), interval) {
        ("daily", Some(1)) => "daily".to_owned(),
        ("daily", Some(days)) => format!("every {days} days"),
        ("hourly", Some(1)) => "hourly".to_owned(),
        ("hourly", Some(hours)) => format!("every {hours} hours"),
        ("once", None) => "once".to_owned(),
        _ => return None,
    };
    // Manifests need no seconds either, and local time is what holds unless UTC is asked for.
    let time = time.map(|time| match time.strip_suffix(":00") {
        Some(short) if short.contains(':') => short.to_owned(),
        _ => time,
    });
    let clock = use_utc.filter(|utc| *utc).map(|_| "UTC".to_owned());
    let parts = [Some(every), date, time, clock];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Says the value of a property.
pub(super) fn property_value(value: &str) -> String {
    clean(schedule(value).as_deref().unwrap_or(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        let pairs = pairs.iter();
        Properties::new(
            pairs
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    #[test]
    fn of_an_object_its_members_are_shown() {
        let full = properties(&[("s.w", "{}"), ("s.w.x", "1"), ("s.wy", "2")]);
        let names = |of: &Properties| -> Vec<String> {
            shown(of).map(|(name, _)| name.to_string()).collect()
        };
        assert_eq!(names(&full), ["s.w.x", "s.wy"]);
        let empty = properties(&[("s.w", "{}"), ("s.wy", "2")]);
        assert_eq!(names(&empty), ["s.w", "s.wy"]);
        let none = Properties::default();
        let between = |one, other| Vec::from_iter(between(one, other));
        assert_eq!(between(&none, &full), ["s.w.x", "s.wy"]);
        assert_eq!(between(&empty, &full), ["s.w.x", "s.wy"]);
        assert_eq!(between(&none, &empty), ["s.w", "s.wy"]);
        let null = properties(&[("s.w", "null")]);
        assert_eq!(between(&null, &full), ["s.w", "s.w.x", "s.wy"]);
    }

    #[test]
    fn schedules_are_said_in_words() {
        for (value, expected) in [
            (
                r#"{"interval":1,"time":"02:00:00","type":"daily","useUtc":true}"#,
                Some("daily 02:00 UTC"),
            ),
            (
                r#"{"interval":1,"time":"02:00:30","type":"daily","useUtc":false}"#,
                Some("daily 02:00:30"),
            ),
            (r#"{"interval":4,"type":"hourly"}"#, Some("every 4 hours")),
            (
                r#"{"date":"2026-12-01","time":"02:00:00","type":"once","useUtc":false}"#,
                Some("once 2026-12-01 02:00"),
            ),
            (r#"{"type":"daily","interval":1,"other":1}"#, None),
            (r#""hideAll""#, None),
        ] {
            assert_eq!(schedule(value).as_deref(), expected, "{value}");
        }
    }
}
