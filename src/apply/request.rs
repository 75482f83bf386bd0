//! The requests that steps come to.

use std::sync::Arc;

use crate::graph::GraphError;
use crate::graph::write_request::{PolicyToWrite, WriteRequest};
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
    let after = Arc::clone(&step.after);
    let written = PolicyToWrite {
        kind: policy.kind,
        id: &policy.id,
        odata_type: policy.odata_type.as_deref(),
        remediates: &|key| policy.remediates(key),
        earlier,
        bare,
        behind_cast,
    };
    match &step.action {
        StepAction::Create(new) => Ok(WriteRequest::create(written, new, after)),
        StepAction::Assign => {
            let all = policy.whole_set();
            Ok(WriteRequest::whole_set(written, &all, live, after))
        }
        StepAction::Delete(old) => {
            let found = live.iter().find(|live| live.assignment == *old);
            let assignment_id = found.and_then(|live| live.id.as_deref());
            // A group that is assigned directly and by a policy set has one id for both.
            let same_id = live
                .iter()
                .filter(|live| live.id.as_deref() == assignment_id);
            match (assignment_id, same_id.count()) {
                (Some(assignment_id), 1) => Ok(WriteRequest::delete(written, assignment_id, after)),
                _ => Err(GraphError::NoOwnId),
            }
        }
    }
}
