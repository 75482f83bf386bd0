//! What assignments of some kinds say besides their target, an app's settings above all, in the one form in
//! which it is compared.
//!
//! In that form a property is a name and a value as JSON. Members of an object are properties of
//! their own (`settings.restartSettings.gracePeriodInMinutes`), besides the object itself, `{}`. What
//! the service fills in by itself is left out, so that it is equal to nothing.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::app_settings::default_of;

/// Writes the settings of an app's assignment out as properties. A value that the service fills in by
/// itself comes as `None`.
pub fn flatten_settings(settings: &Map<String, Value>) -> Vec<(String, Option<String>)> {
    let mut flat = Vec::new();
    for (name, value) in settings.iter().filter(|(name, _)| !is_annotation(name)) {
        flatten(format!("settings.{}", escaped(name)), value, &mut flat);
    }
    flat
}

/// Writes a member's name so that it has no dot, which separates names; as in JSON Pointer (RFC 6901).
fn escaped(name: &str) -> Cow<'_, str> {
    match name.contains(['~', '.']) {
        true => name.replace('~', "~0").replace('.', "~1").into(),
        false => name.into(),
    }
}

/// Returns the name of a property, or of a member, as it was sent.
pub fn unescaped(name: &str) -> Cow<'_, str> {
    match name.contains('~') {
        true => name.replace("~1", ".").replace("~0", "~").into(),
        false => name.into(),
    }
}

fn flatten(name: String, value: &Value, flat: &mut Vec<(String, Option<String>)>) {
    if let Value::Object(members) = value {
        for (member, value) in members.iter().filter(|(name, _)| !is_annotation(name)) {
            flatten(format!("{name}.{}", escaped(member)), value, flat);
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
            let name = unescaped(path);
            let empties = value.as_object().is_some_and(Map::is_empty);
            if !(empties && object.get(&*name).is_some_and(Value::is_object)) {
                object.insert(name.into_owned(), value);
            }
        }
        Some((first, rest)) => {
            let inner = object
                .entry(unescaped(first))
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
            "a.b~1": {"c.d": 1},
        }));
        let mut pairs: Vec<(String, String)> = flatten_settings(&settings)
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
}
