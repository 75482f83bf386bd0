//! What is sent: writes as values.
//!
//! An assignment that is live already goes back as the service sent it, so that properties the
//! program does not know survive.

mod existing;
mod new;

use serde_json::{Value, json};

use super::wire::{ALL_DEVICES_ID, ALL_USERS_ID};
use crate::kinds::AssignmentProperties;
use crate::model::{
    Assignment, AssignmentKey, Assignments, LiveAssignment, PolicyKind, PolicyWrite, Source, Target,
};
pub use existing::has_unmodelled_properties;
use existing::{changed_body, made_again, plain_filter};
use new::{RUN_REMEDIATION, target_body};

/// One request that changes something: the write that the plan shows, with its body. Made once, then kept, sent and sent
/// again as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRequest {
    /// What is called, and where.
    pub write: PolicyWrite,
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
    /// Adds a body to a write; a delete has none.
    pub fn new(write: PolicyWrite, body: Option<&Value>, after: Assignments) -> Self {
        let body = body.map(|body| body.to_string().into_bytes());
        Self { write, body, after }
    }

    /// Whether another request has the same body.
    pub fn has_body_of(&self, other: &Self) -> bool {
        let read = |body: &Vec<u8>| serde_json::from_slice::<Value>(body).ok();
        self.body.as_ref().and_then(read) == other.body.as_ref().and_then(read)
    }
}

/// Makes the body of the create call. Where the call is only documented it has all the properties
/// that the documentation gives it: `id`, `target`, `source` and `sourceId`. The id is the one that
/// the service itself makes. Where the call is known to work, tools send the type and the target.
pub fn create_body(policy: PolicyToWrite<'_>, assignment: &Assignment) -> Value {
    let spec = policy.kind.spec();
    if !spec.writing.create_route_is_uncertain() {
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

/// Makes the body of `assign` for a complete set of assignments. An assignment that is live already is sent as
/// the service sent it, with its filter changed where that changes, so that properties the program
/// does not know survive; a new one is sent in the least form that every tool sends.
pub fn assign_body(
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
    // A kind without one is written one by one, so that this is never sent.
    let parameter = policy.kind.spec().writing.parameter();
    let parameter = parameter.unwrap_or("assignments");
    json!({parameter: assignments})
}

#[cfg(test)]
mod tests;
