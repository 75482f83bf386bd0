//! The requests that steps come to.

use std::sync::Arc;

use crate::graph::GraphError;
use crate::graph::write_request::{PolicyToWrite, WriteRequest, assign_body, create_body};
use crate::model::LiveAssignment;
use crate::plan::PlannedPolicy;
use crate::plan::writes::{Step, StepAction};

/// Makes the request of a step, for a policy as it is. `earlier` are assignments that it had, which come back as they
/// were, or `bare`, without what the program does not know of them. In some tenants an `assign` has to go behind the
/// cast of its kind.
pub(super) fn request(
    policy: &PlannedPolicy,
    step: &Step,
    live: &[LiveAssignment],
    (earlier, bare): (&[LiveAssignment], bool),
    behind_cast: bool,
) -> Result<WriteRequest, GraphError> {
    let written = PolicyToWrite {
        kind: policy.kind,
        id: &policy.id,
        odata_type: policy.odata_type.as_deref(),
        remediates: &|key| policy.remediates(key),
        earlier,
        bare,
    };
    let mut gone = "";
    let body = match &step.action {
        StepAction::Create(new) => Some(create_body(written, new)),
        StepAction::Assign => Some(assign_body(written, &policy.whole_set(), live)),
        StepAction::Delete(old) => {
            let found = live.iter().find(|live| live.assignment == *old);
            let assignment_id = found.and_then(|live| live.id.as_deref());
            // A group that is assigned directly and by a policy set has one id for both.
            let same_id = live
                .iter()
                .filter(|live| live.id.as_deref() == assignment_id);
            gone = match (assignment_id, same_id.count()) {
                (Some(assignment_id), 1) => assignment_id,
                _ => return Err(GraphError::NoOwnId),
            };
            None
        }
    };
    let write = step.write(policy, gone, behind_cast);
    let after = Arc::clone(&step.after);
    Ok(WriteRequest::new(write, body.as_ref(), after))
}
