//! Whether a saved plan still fits the tenant, before the first write.

use crate::graph::{GraphError, Reader};
use crate::model::{PolicyKind, rows, same_assignments};
use crate::plan::writes::{WriteWith, steps};
use crate::plan::{Plan, PlannedPolicy};
use crate::report::Moved;

/// Compares each changed policy of a plan with the live state, in as few requests as possible.
/// One that has its planned rows already, or stands on the plan's own way to them because an
/// earlier run was killed there, has not moved.
///
/// # Errors
///
/// Whatever keeps a policy from being read.
pub async fn moved(
    plan: &Plan,
    reader: &Reader,
    write_with: WriteWith,
) -> Result<Vec<Moved>, GraphError> {
    let changed: Vec<&PlannedPolicy> = plan.changed().collect();
    let ids: Vec<(PolicyKind, String)> = changed
        .iter()
        .map(|policy| (policy.kind, policy.id.clone()))
        .collect();
    let mut moved = Vec::new();
    for (index, live) in reader.assignments_of(&ids).await?.into_iter().enumerate() {
        let policy = changed[index];
        match live? {
            None => moved.push(Moved { index, live: None }),
            Some(live) => {
                let live = rows(&live);
                let fits = same_assignments(&policy.before, &live)
                    || same_assignments(&policy.after, &live)
                    || steps(policy, write_with)
                        .iter()
                        .any(|step| same_assignments(&step.then, &live));
                if !fits {
                    moved.push(Moved {
                        index,
                        live: Some(live),
                    });
                }
            }
        }
    }
    Ok(moved)
}
