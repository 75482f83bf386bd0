//! What is sent: writes as values.
//!
//! An assignment that is live already goes back as the service sent it, so that properties the
//! program does not know survive.

use serde_json::{Value, json};

use super::transport::Method;
use super::wire::{
    ALL_DEVICES_ID, ALL_USERS_ID, FILTER_ID, FILTER_TYPE, Object, PREFIX, RUN_SCHEDULE, short_type,
};
use crate::kinds::{
    AssignmentProperties, SingleRoute, Writing, app_settings, properties, run_schedule,
};
use crate::model::{
    Assignment, AssignmentKey, Assignments, Filter, LiveAssignment, PolicyKind, Source, Target,
    assign_path, assignment_path, assignments_path,
};

/// One request that changes something: made once, then shown, kept and sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRequest {
    /// The HTTP verb.
    pub method: Method,
    /// The path below the version root.
    pub path: String,
    /// The body, as its bytes go over the wire.
    pub body: Option<Vec<u8>>,
    /// The policy's assignments once it is done, sorted.
    pub after: Assignments,
}

/// The policy that is written.
#[derive(Clone, Copy)]
pub struct PolicyToWrite<'a> {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its id.
    pub id: &'a str,
    /// Its type, without prefix, if it is known.
    pub odata_type: Option<&'a str>,
    /// Whether the remediation of an assignment is to repair what it detects.
    pub remediates: &'a dyn Fn(&AssignmentKey) -> bool,
    /// Assignments that were there and are to be there again, as they were or changed.
    pub earlier: &'a [LiveAssignment],
    /// Whether they come without what the program does not know of them. Settings and schedules of unknown types
    /// are kept: an assignment without them would be another.
    pub bare: bool,
}

impl WriteRequest {
    /// Adds one assignment: `POST …/{id}/assignments`.
    pub fn create(policy: PolicyToWrite<'_>, new: &Assignment, after: Assignments) -> Self {
        Self {
            method: Method::Post,
            path: assignments_path(policy.kind, policy.id),
            body: Some(bytes(&create_body(policy, new))),
            after,
        }
    }

    /// Makes assignments the complete set: `POST …/{id}/assign`, or what the kind has in its place.
    pub fn whole_set(
        policy: PolicyToWrite<'_>,
        all: &[&Assignment],
        live: &[LiveAssignment],
        after: Assignments,
    ) -> Self {
        Self {
            method: Method::Post,
            path: assign_path(policy.kind, policy.id),
            body: Some(bytes(&assign_body(policy, all, live))),
            after,
        }
    }

    /// Removes one assignment: `DELETE …/{id}/assignments/{assignmentId}`.
    pub fn delete(policy: PolicyToWrite<'_>, assignment_id: &str, after: Assignments) -> Self {
        Self {
            method: Method::Delete,
            path: assignment_path(policy.kind, policy.id, assignment_id),
            body: None,
            after,
        }
    }

    /// Whether another request has the same body.
    pub fn has_body_of(&self, other: &Self) -> bool {
        let read = |body: &Vec<u8>| serde_json::from_slice::<Value>(body).ok();
        self.body.as_ref().and_then(read) == other.body.as_ref().and_then(read)
    }
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

const RUN_REMEDIATION: &str = "runRemediationScript";
/// When an assignment was changed, which some kinds say and none takes.
const CHANGED_AT: &str = "lastModifiedDateTime";

/// Makes a target's wire form.
fn target_body(kind: PolicyKind, assignment: &Assignment) -> Value {
    let mut body = match &assignment.key.target {
        Target::AllUsers if kind.spec().targets.virtual_all_users => {
            json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": ALL_USERS_ID})
        }
        Target::AllDevices => json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}),
        Target::AllUsers => {
            json!({"@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget"})
        }
        Target::Group(id) => {
            json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": &**id})
        }
        Target::ExclusionGroup(id) => {
            json!({"@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget", "groupId": &**id})
        }
        Target::Collection(id) => json!({
            "@odata.type": "#microsoft.graph.configurationManagerCollectionAssignmentTarget",
            "collectionId": &**id,
        }),
        Target::Other {
            odata_type,
            properties,
        } => {
            let mut body: Value = serde_json::from_str(properties).unwrap_or_else(|_| json!({}));
            body["@odata.type"] = json!(format!("{PREFIX}{odata_type}"));
            body
        }
    };
    // An excluded group takes no filter, and the tools that are careful send none with it.
    if let Value::Object(properties) = &mut body
        && !assignment.key.target.is_exclusion()
    {
        set_filter(properties, assignment.filter.as_ref());
    }
    body
}

fn set_filter(properties: &mut Object, filter: Option<&Filter>) {
    match filter {
        Some(filter) => {
            properties.insert(FILTER_ID.to_owned(), json!(&*filter.id));
            properties.insert(FILTER_TYPE.to_owned(), json!(filter.mode.name()));
        }
        None => {
            properties.insert(FILTER_ID.to_owned(), Value::Null);
            properties.insert(FILTER_TYPE.to_owned(), json!("none"));
        }
    }
}

/// Makes the body of the create call. Where the call is only documented it has all the properties
/// that the documentation gives it: `id`, `target`, `source` and `sourceId`. The id is the one that
/// the service itself makes. Where the call is known to work, tools send the type and the target.
fn create_body(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Value {
    let spec = policy.kind.spec();
    let documented = matches!(
        spec.writing,
        Writing::Assign {
            single: SingleRoute::Documented,
            ..
        }
    );
    if !documented {
        let mut body = made_again(policy, assignment);
        body.insert("@odata.type".to_owned(), json!(spec.assignment_type));
        return Value::Object(body);
    }
    let target_id = match &assignment.key.target {
        Target::AllDevices => ALL_DEVICES_ID,
        Target::AllUsers => ALL_USERS_ID,
        Target::Group(id) | Target::ExclusionGroup(id) | Target::Collection(id) => id,
        Target::Other { .. } => "",
    };
    let source_id = match assignment.key.source {
        Source::Direct => Some(policy.id),
        Source::PolicySets | Source::Other(_) => assignment.source_id.as_deref(),
    };
    let mut body = json!({
        "@odata.type": spec.assignment_type,
        "id": format!("{}_{target_id}", policy.id),
        "target": target_body(policy.kind, assignment),
        "source": assignment.key.source.name(),
        "sourceId": source_id,
    });
    let all = made_again(policy, assignment).into_iter();
    let rest = all.filter(|(name, _)| name == "target" || body.get(name).is_none());
    let rest: Vec<_> = rest.collect();
    for (name, value) in rest {
        body[name] = value;
    }
    body
}

/// Makes an assignment that is not there: one that was there before with all that it had.
fn made_again(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Object {
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

/// Makes an assignment that is not there yet, in the least form that every tool sends.
fn new_body(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Object {
    let mut body = Object::new();
    let mut say = |name: &str, value| body.insert(name.to_owned(), value);
    say("target", target_body(policy.kind, assignment));
    if !assignment.key.is_direct() {
        say("source", json!(assignment.key.source.name()));
        say("sourceId", json!(assignment.source_id.as_deref()));
    }
    match policy.kind.spec().properties {
        AssignmentProperties::None => {}
        AssignmentProperties::App => {
            say("intent", json!(assignment.key.variant.as_deref()));
            if let Some(mut members) = nested_settings(assignment) {
                if let Some(name) = settings_type(policy) {
                    members.insert("@odata.type".to_owned(), json!(format!("{PREFIX}{name}")));
                }
                say("settings", Value::Object(members));
            }
        }
        AssignmentProperties::Remediation => {
            say(RUN_SCHEDULE, schedule_body(assignment));
            let remediates = (policy.remediates)(&assignment.key);
            say(RUN_REMEDIATION, json!(remediates));
        }
    }
    body
}

/// Returns an app's settings as an object, if any is said.
fn nested_settings(assignment: &Assignment) -> Option<Object> {
    let pairs = assignment.properties.iter();
    properties::nested("settings", pairs.map(|(name, value)| (&**name, &**value)))
}

fn settings_type(policy: PolicyToWrite<'_>) -> Option<&'static str> {
    app_settings::settings_of(policy.odata_type?).map(|settings| settings.odata_type)
}

fn schedule_body(assignment: &Assignment) -> Value {
    let schedule = assignment.properties.get(RUN_SCHEDULE);
    schedule.map_or(Value::Null, |schedule| run_schedule::to_wire(schedule))
}

/// Makes the body of `assign` for a complete set of assignments. An assignment that is live already is sent as
/// the service sent it, with its filter changed where that changes, so that properties the program
/// does not know survive; a new one is sent in the least form that every tool sends.
fn assign_body(
    policy: PolicyToWrite<'_>,
    assignments: &[&Assignment],
    live: &[LiveAssignment],
) -> Value {
    let mut left: Vec<&LiveAssignment> = live.iter().collect();
    let mut take = |wanted: &dyn Fn(&LiveAssignment) -> bool| {
        let index = left.iter().position(|candidate| wanted(candidate))?;
        Some(left.swap_remove(index))
    };
    let is_recorded = |assignment: &Assignment| {
        let mut earlier = policy.earlier.iter();
        !policy.bare && earlier.any(|earlier| earlier.assignment == *assignment)
    };
    let assignments: Vec<Value> = assignments
        .iter()
        .map(|assignment| {
            let mut raw =
                if let Some(kept) = take(&|candidate| **assignment == candidate.assignment) {
                    plain_filter(kept)
                } else if is_recorded(assignment) {
                    made_again(policy, assignment)
                } else if let Some(changed) =
                    take(&|candidate| assignment.key == candidate.assignment.key)
                {
                    changed_body(policy, changed, assignment)
                } else {
                    made_again(policy, assignment)
                };
            // What is read is always false: sent back, it would switch the remediation off.
            if policy.kind.spec().properties == AssignmentProperties::Remediation {
                let remediates = (policy.remediates)(&assignment.key);
                raw.insert(RUN_REMEDIATION.to_owned(), json!(remediates));
            }
            Value::Object(raw)
        })
        .collect();
    let parameter = match policy.kind.spec().writing {
        Writing::Assign { parameter, .. } | Writing::Update { parameter } => parameter,
        // Never sent: such kinds are written one by one.
        Writing::Single => "assignments",
    };
    json!({parameter: assignments})
}

/// Returns the assignment as it came, but for odd spellings of "no filter", which some shapes of the
/// service's own answers have and its input validation may refuse.
fn plain_filter(live: &LiveAssignment) -> Object {
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
fn changed_body(
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

#[cfg(test)]
mod tests;
