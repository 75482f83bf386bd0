//! Assignments that are not there yet, as they are sent.

use serde_json::{Value, json};

use super::PolicyToWrite;
use crate::graph::wire::{ALL_USERS_ID, FILTER_ID, FILTER_TYPE, Object, PREFIX, RUN_SCHEDULE};
use crate::kinds::{AssignmentProperties, app_settings, properties, run_schedule};
use crate::model::{Assignment, Filter, PolicyKind, Target};

pub(super) const RUN_REMEDIATION: &str = "runRemediationScript";

/// Makes a target's wire form.
pub(super) fn target_body(kind: PolicyKind, assignment: &Assignment) -> Value {
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

pub(super) fn set_filter(properties: &mut Object, filter: Option<&Filter>) {
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

/// Makes an assignment that is not there yet, in the least form that every tool sends.
pub(super) fn new_body(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Object {
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

pub(super) fn settings_type(policy: PolicyToWrite<'_>) -> Option<&'static str> {
    app_settings::settings_of(policy.odata_type?).map(|settings| settings.odata_type)
}

pub(super) fn schedule_body(assignment: &Assignment) -> Value {
    let schedule = assignment.properties.get(RUN_SCHEDULE);
    schedule.map_or(Value::Null, |schedule| run_schedule::to_wire(schedule))
}
