//! What is sent: writes as values.
//!
//! An assignment that is live already goes back as the service sent it, so that properties the
//! program does not know survive.

use serde_json::{Value, json};

use super::transport::Method;
use super::wire::{FILTER_ID, FILTER_TYPE, Object, PREFIX};
use crate::kinds::{SingleRoute, Writing};
use crate::model::{
    Assignment, Filter, LiveAssignment, PolicyKind, Rows, Source, Target, assign_path,
    assignment_path, assignments_path,
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
    pub then: Rows,
}

impl WriteRequest {
    /// Adds one assignment: `POST …/{id}/assignments`.
    pub fn create(kind: PolicyKind, policy_id: &str, new: &Assignment, then: Rows) -> Self {
        Self {
            method: Method::Post,
            path: assignments_path(kind, policy_id),
            body: Some(bytes(&create_body(kind, policy_id, new))),
            then,
        }
    }

    /// Makes assignments the complete set: `POST …/{id}/assign`, or what the kind has in its place.
    pub fn whole_set(
        kind: PolicyKind,
        policy_id: &str,
        all: &[Assignment],
        live: &[LiveAssignment],
        then: Rows,
    ) -> Self {
        Self {
            method: Method::Post,
            path: assign_path(kind, policy_id),
            body: Some(bytes(&assign_body(kind, all, live))),
            then,
        }
    }

    /// Removes one assignment: `DELETE …/{id}/assignments/{assignmentId}`.
    pub fn delete(kind: PolicyKind, policy_id: &str, assignment_id: &str, then: Rows) -> Self {
        Self {
            method: Method::Delete,
            path: assignment_path(kind, policy_id, assignment_id),
            body: None,
            then,
        }
    }
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

/// The id that stands for all devices in assignment ids; many tools and the service's own answers
/// agree on it.
const ALL_DEVICES_ID: &str = "adadadad-808e-44e2-905a-0b7873a8a531";
/// The same for all licensed users.
const ALL_USERS_ID: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";

/// Makes a target's wire form.
fn target_body(row: &Assignment) -> Value {
    let mut body = match &row.key.target {
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
        && !row.key.target.is_exclusion()
    {
        set_filter(properties, row.filter.as_ref());
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
fn create_body(kind: PolicyKind, policy_id: &str, row: &Assignment) -> Value {
    let spec = kind.spec();
    let documented = matches!(
        spec.writing,
        Writing::Assign {
            single: SingleRoute::Documented,
            ..
        }
    );
    if !documented {
        return json!({"@odata.type": spec.assignment_type, "target": target_body(row)});
    }
    let target_id = match &row.key.target {
        Target::AllDevices => ALL_DEVICES_ID,
        Target::AllUsers => ALL_USERS_ID,
        Target::Group(id) | Target::ExclusionGroup(id) | Target::Collection(id) => id,
        Target::Other { .. } => "",
    };
    let source_id = match row.key.source {
        Source::Direct => Some(policy_id),
        Source::PolicySets | Source::Other(_) => row.source_id.as_deref(),
    };
    json!({
        "@odata.type": spec.assignment_type,
        "id": format!("{policy_id}_{target_id}"),
        "target": target_body(row),
        "source": row.key.source.name(),
        "sourceId": source_id,
    })
}

/// Makes the body of `assign` for a complete set of rows. A row that is live already is sent as
/// the service sent it, with its filter changed where that changes, so that properties the program
/// does not know survive; a new one is sent in the least form that every tool sends.
fn assign_body(kind: PolicyKind, rows: &[Assignment], live: &[LiveAssignment]) -> Value {
    let mut left: Vec<&LiveAssignment> = live.iter().collect();
    let mut take = |wanted: &dyn Fn(&LiveAssignment) -> bool| {
        let index = left.iter().position(|candidate| wanted(candidate))?;
        Some(left.swap_remove(index))
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            if let Some(kept) = take(&|candidate| *row == candidate.row) {
                return Value::Object(plain_filter(kept));
            }
            if let Some(changed) = take(&|candidate| row.key == candidate.row.key) {
                return Value::Object(refiltered(changed, row));
            }
            let mut body = json!({"target": target_body(row)});
            if !row.key.is_direct() {
                body["source"] = json!(row.key.source.name());
                body["sourceId"] = json!(row.source_id.as_deref());
            }
            body
        })
        .collect();
    let parameter = match kind.spec().writing {
        Writing::Assign { parameter, .. } | Writing::Update { parameter } => parameter,
        // Never sent: the strategy of such kinds has no complete set.
        Writing::Single => "assignments",
    };
    json!({parameter: rows})
}

/// Returns the row as it came, but for odd spellings of "no filter", which some shapes of the
/// service's own answers have and its input validation may refuse.
fn plain_filter(live: &LiveAssignment) -> Object {
    let mut raw = live.raw.clone();
    if live.row.filter.is_none()
        && let Some(Value::Object(target)) = raw.get_mut("target")
        && (target.get(FILTER_ID).is_some_and(Value::is_string)
            || target.get(FILTER_TYPE).is_some_and(|mode| mode != "none"))
    {
        set_filter(target, None);
    }
    raw
}

fn refiltered(live: &LiveAssignment, row: &Assignment) -> Object {
    let mut raw = live.raw.clone();
    if let Some(Value::Object(target)) = raw.get_mut("target") {
        set_filter(target, row.filter.as_ref());
    }
    if !row.key.is_direct() && row.source_id.is_some() {
        raw.insert("sourceId".to_owned(), json!(row.source_id.as_deref()));
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::wire::tests::{kind, live};
    use crate::model::FilterMode;

    #[test]
    fn an_unknown_target_is_carried_and_never_judged() {
        let raw = json!({
            "id": "p_x", "source": "direct", "sourceId": "p", "novelty": [1],
            "target": {"@odata.type": "#microsoft.graph.androidFotaDeploymentAssignmentTarget", "groupId": "G", "x": 1}
        });
        let read = live(raw.clone());
        assert_eq!(
            read.row.key.target.type_name(),
            "androidFotaDeploymentAssignmentTarget"
        );
        let body = assign_body(
            kind(),
            std::slice::from_ref(&read.row),
            std::slice::from_ref(&read),
        );
        assert_eq!(body, json!({"assignments": [raw]}));
    }

    #[test]
    fn a_kept_row_keeps_what_nobody_knows() {
        let raw = json!({
            "id": "p_g", "source": "direct", "sourceId": "p", "intent": "apply",
            "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "g", "novelty": {"a": 1},
                       FILTER_ID: "f1", FILTER_TYPE: "include"}
        });
        let read = live(raw.clone());
        let mut row = read.row.clone();
        let kept = assign_body(
            kind(),
            std::slice::from_ref(&row),
            std::slice::from_ref(&read),
        );
        assert_eq!(kept, json!({"assignments": [raw]}));
        row.filter = None;
        let mut expected = raw;
        expected["target"][FILTER_ID] = Value::Null;
        expected["target"][FILTER_TYPE] = json!("none");
        assert_eq!(
            assign_body(kind(), std::slice::from_ref(&row), &[read]),
            json!({"assignments": [expected]})
        );
    }

    #[test]
    fn the_create_call_has_all_its_properties() {
        let mut row = Assignment::direct(Target::Collection("MEM00012".into()));
        row.key.source = Source::PolicySets;
        row.source_id = Some("set".into());
        row.filter = Some(Filter {
            id: "f".into(),
            mode: FilterMode::Exclude,
        });
        assert_eq!(
            create_body(kind(), "p", &row),
            json!({
                "@odata.type": "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
                "id": "p_MEM00012",
                "source": "policySets",
                "sourceId": "set",
                "target": {
                    "@odata.type": "#microsoft.graph.configurationManagerCollectionAssignmentTarget",
                    "collectionId": "MEM00012",
                    FILTER_ID: "f",
                    FILTER_TYPE: "exclude",
                }
            })
        );
    }
}
