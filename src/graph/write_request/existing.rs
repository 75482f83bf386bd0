//! Assignments that are there, or were, as they are sent: with all that the service said of them.

use serde_json::{Value, json};

use super::PolicyToWrite;
use super::new::{RUN_REMEDIATION, new_body, schedule_body, set_filter, settings_type};
use crate::graph::wire::{FILTER_ID, FILTER_TYPE, Object, PREFIX, RUN_SCHEDULE, short_type};
use crate::kinds::{AssignmentProperties, app_settings, properties};
use crate::model::{Assignment, LiveAssignment, PolicyKind};

/// When an assignment was changed, which some kinds say and none takes.
const CHANGED_AT: &str = "lastModifiedDateTime";

/// Makes an assignment that is not there now. One that was there before comes back with all that it had, but for what
/// the program does not know if it is to be `bare`.
pub(super) fn made_again(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Object {
    let same = |one: &&LiveAssignment| one.assignment == *assignment;
    let same_key = |one: &&LiveAssignment| one.assignment.key == assignment.key;
    let earlier = policy.earlier.iter().find(same);
    match earlier.or_else(|| policy.earlier.iter().find(same_key)) {
        Some(earlier) if policy.bare => bare_body(policy, earlier, assignment),
        Some(earlier) => restored_body(policy, earlier, assignment),
        None => new_body(policy, assignment),
    }
}

/// Makes an assignment of one that was there, without what the program does not know of it.
fn bare_body(
    policy: PolicyToWrite<'_>,
    earlier: &LiveAssignment,
    assignment: &Assignment,
) -> Object {
    let mut body = new_body(policy, assignment);
    let mut restored = restored_body(policy, earlier, assignment);
    // Settings without their type are refused.
    if body.contains_key("settings")
        && settings_type(policy).is_none()
        && let Some(settings) = restored.remove("settings")
    {
        body.insert("settings".to_owned(), settings);
    }
    body
}

/// Makes an assignment of one that was there, without what the service gives it by itself.
fn restored_body(
    policy: PolicyToWrite<'_>,
    earlier: &LiveAssignment,
    assignment: &Assignment,
) -> Object {
    let mut raw = match earlier.assignment == *assignment {
        true => plain_filter(earlier),
        false => changed_body(policy, earlier, assignment),
    };
    raw.remove("id");
    raw.remove(CHANGED_AT);
    if assignment.key.is_direct() {
        raw.remove("source");
        raw.remove("sourceId");
    }
    if policy.kind.spec().properties == AssignmentProperties::Remediation {
        let remediates = (policy.remediates)(&assignment.key);
        raw.insert(RUN_REMEDIATION.to_owned(), json!(remediates));
    }
    raw
}

/// Whether what the service sent of an assignment says more than what is known of it, so that it could not
/// be made again from that.
pub fn has_unmodelled_properties(
    kind: PolicyKind,
    odata_type: Option<&str>,
    live: &LiveAssignment,
) -> bool {
    let LiveAssignment {
        assignment,
        id: _,
        raw,
    } = live;
    let policy = PolicyToWrite {
        kind,
        id: "",
        odata_type,
        remediates: &|_| false,
        earlier: &[],
        bare: false,
    };
    let known = new_body(policy, assignment);
    let is_known = |name: &str, value: &Value| match name {
        _ if value.is_null() => true,
        "id" | "source" | "sourceId" | "@odata.type" | CHANGED_AT => true,
        // The default where no intent is sent.
        "intent" if value == "apply" => true,
        "intent" => known.contains_key(name),
        "target" => has_members(value, known.get(name), &[FILTER_ID, FILTER_TYPE]),
        "settings" => match (&kind.spec().properties, value.as_object()) {
            (AssignmentProperties::App, Some(settings)) => are_known(policy, settings),
            _ => false,
        },
        RUN_SCHEDULE => has_members(value, known.get(name), &[]),
        // False says nothing.
        RUN_REMEDIATION => known.contains_key(name) && *value == json!(false),
        _ => false,
    };
    !raw.iter().all(|(name, value)| is_known(name, value))
}

/// Whether an object has no members but those of another, and these.
fn has_members(value: &Value, known: Option<&Value>, more: &[&str]) -> bool {
    value.as_object().is_some_and(|members| {
        members.iter().all(|(name, value)| {
            let is_known = known.is_some_and(|known| known.get(name).is_some());
            value.is_null() || is_known || more.contains(&name.as_str())
        })
    })
}

/// Whether settings are of the type that goes with the app; what the type does not have is carried by name.
fn are_known(policy: PolicyToWrite<'_>, settings: &Object) -> bool {
    settings.iter().all(|(name, value)| match name.as_str() {
        "@odata.type" => {
            let odata_type = value.as_str().map(short_type);
            odata_type.is_some() && odata_type == settings_type(policy)
        }
        name => !name.contains('@'),
    })
}

/// Returns the assignment as it came, but for odd spellings of "no filter", which some shapes of the
/// service's own answers have and its input validation may refuse.
pub(super) fn plain_filter(live: &LiveAssignment) -> Object {
    let mut raw = live.raw.clone();
    if live.assignment.filter.is_none()
        && let Some(Value::Object(target)) = raw.get_mut("target")
        && (target.get(FILTER_ID).is_some_and(Value::is_string)
            || target.get(FILTER_TYPE).is_some_and(|mode| mode != "none"))
    {
        set_filter(target, None);
    }
    raw
}

/// Returns a live assignment with its filter, policy set and properties changed, and all else as it
/// came.
pub(super) fn changed_body(
    policy: PolicyToWrite<'_>,
    live: &LiveAssignment,
    assignment: &Assignment,
) -> Object {
    let mut raw = live.raw.clone();
    if let Some(Value::Object(target)) = raw.get_mut("target") {
        set_filter(target, assignment.filter.as_ref());
    }
    if !assignment.key.is_direct() && assignment.source_id.is_some() {
        raw.insert(
            "sourceId".to_owned(),
            json!(assignment.source_id.as_deref()),
        );
    }
    if assignment.properties == live.assignment.properties {
        return raw;
    }
    match policy.kind.spec().properties {
        AssignmentProperties::None => {}
        AssignmentProperties::App => change_settings(policy, &mut raw, live, assignment),
        AssignmentProperties::Remediation => {
            match (raw.get_mut(RUN_SCHEDULE), schedule_body(assignment)) {
                // Of a schedule that stays of its type, what the program does not know stays too.
                (Some(Value::Object(old)), Value::Object(new))
                    if old.get("@odata.type") == new.get("@odata.type") =>
                {
                    old.extend(new);
                }
                (_, new) => {
                    raw.insert(RUN_SCHEDULE.to_owned(), new);
                }
            }
        }
    }
    raw
}

/// Changes the settings that differ. One that returns to its default is sent explicitly, since
/// what is not said may stay as it is.
fn change_settings(
    policy: PolicyToWrite<'_>,
    raw: &mut Object,
    live: &LiveAssignment,
    assignment: &Assignment,
) {
    let settings = raw.entry("settings").or_insert(Value::Null);
    if !settings.is_object() {
        let mut empty = Object::new();
        if let Some(name) = settings_type(policy) {
            empty.insert("@odata.type".to_owned(), json!(format!("{PREFIX}{name}")));
        }
        *settings = Value::Object(empty);
    }
    let Value::Object(settings) = settings else {
        return;
    };
    // An object comes before its members, so that one that ends takes them along.
    for (name, _) in live.assignment.properties.iter() {
        if assignment.properties.get(name).is_none()
            && let Some(path) = name.strip_prefix("settings.")
            && !parent_ends(assignment, name)
        {
            let default = app_settings::default_of(name);
            let value = default.and_then(|default| serde_json::from_str(default).ok());
            properties::put(settings, path, value.unwrap_or(Value::Null));
        }
    }
    for (name, value) in assignment.properties.iter() {
        if live.assignment.properties.get(name) != Some(value)
            && let Some(path) = name.strip_prefix("settings.")
        {
            let value = serde_json::from_str(value).unwrap_or(Value::Null);
            properties::put(settings, path, value);
        }
    }
}

/// Whether a member goes because its object does.
fn parent_ends(assignment: &Assignment, name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(parent, _)| {
        parent != "settings" && assignment.properties.get(parent).is_none()
    })
}
