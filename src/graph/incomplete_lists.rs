//! Lists that leave assignments out without saying so.

use super::batch::LARGEST_BATCH;
use super::error::GraphError;
use super::listing::{ListedAssignments, Listing};
use super::read::Reader;

impl Reader {
    /// Looks again at policies that came without assignments, where the list may have left them out, as
    /// those of some kinds do (microsoftgraph/microsoft-graph-explorer-v4#2051): where the policy says
    /// that it has some, and where none of the kind has any and none says so. What has to be read one by
    /// one is marked.
    pub(super) async fn recheck_empty(&self, policies: &mut [Listing]) -> Result<(), GraphError> {
        for policy in &mut *policies {
            if policy.is_empty() && policy.says_assigned == Some(true) {
                policy.listed = ListedAssignments::Unread;
            }
        }
        let is_silent = |policy: &Listing| policy.is_empty() && policy.says_assigned.is_none();
        if !policies.iter().all(is_silent) {
            return Ok(());
        }
        let some = policies.iter().take(LARGEST_BATCH);
        let some: Vec<_> = some
            .map(|policy| (policy.live.kind, policy.live.id.clone()))
            .collect();
        if some.is_empty() {
            return Ok(());
        }
        for assignments in self.assignments_of(&some).await? {
            match assignments {
                Ok(Some(assignments)) if !assignments.is_empty() => {
                    let all = policies.iter_mut();
                    all.for_each(|policy| policy.listed = ListedAssignments::Unread);
                    break;
                }
                // The list stands where there is nothing to compare it with.
                Ok(_) | Err(GraphError::Service { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
