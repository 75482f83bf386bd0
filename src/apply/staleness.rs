//! Whether a plan still fits the tenant, before the first write.

use std::collections::BTreeMap;

use crate::graph::{GraphError, Reader};
use crate::model::{Assignments, PolicyKind, assignments, same_assignments};
use crate::plan::references::{References, renamed, renamed_policy};
use crate::plan::writes::{WriteWith, steps};
use crate::plan::{Names, Plan, PlanDiagnostic, PlannedPolicy};
use crate::report::{Moved, PendingApproval, PolicyResult, Reason, ReasonCode};

pub(super) fn moved_since() -> Reason {
    Reason::new(
        ReasonCode::Moved,
        "the policy's assignments have changed since the plan was made",
    )
}

pub(super) fn deleted() -> Reason {
    Reason::new(
        ReasonCode::Deleted,
        "the policy has been deleted since the plan was made",
    )
}

/// What became of the groups and filters that a plan adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedObjects {
    /// Those that do not exist any more.
    pub gone: References,
    /// Warnings of those that were renamed since the plan was made.
    pub renamed: Vec<PlanDiagnostic>,
}

/// Looks up what a plan adds, in as few requests as possible. The service takes the id of a group
/// that was deleted, and no one gets the policy.
///
/// # Errors
///
/// Whatever keeps a group or filter from being looked up.
pub async fn added_objects(
    plan: &Plan,
    known: &Names,
    reader: &Reader,
) -> Result<AddedObjects, GraphError> {
    let added = References::added_by(plan, known);
    if added.is_empty() {
        return Ok(AddedObjects::default());
    }
    let (groups, filters) = reader
        .names(&added.groups, !added.filters.is_empty())
        .await?;
    Ok(AddedObjects {
        renamed: renamed(known, &groups, &filters, &added),
        gone: added.not_in(&groups, &filters),
    })
}

/// Warns of the policies that a plan changes and that are called otherwise now.
pub async fn renamed_policies(
    changed: impl Iterator<Item = &PlannedPolicy>,
    reader: &Reader,
) -> Vec<PlanDiagnostic> {
    let changed: Vec<&PlannedPolicy> = changed.collect();
    let ids = changed.iter();
    let ids: Vec<(PolicyKind, String)> =
        ids.map(|policy| (policy.kind, policy.id.clone())).collect();
    let names = reader.names_of_policies(&ids).await;
    let named = changed.into_iter().zip(names);
    named
        .filter_map(|(policy, now)| renamed_policy(policy, &now?))
        .collect()
}

/// Returns what becomes of a plan's policies if groups or filters that it adds are gone: nothing is
/// tried.
pub fn without_objects(plan: &Plan, names: &Names, gone: &References) -> Vec<PolicyResult> {
    let settle = |policy: &PlannedPolicy| {
        let lost = References::added_to(policy, names).in_common(gone);
        if lost.is_empty() {
            let reason = Reason::new(
                ReasonCode::StalePlan,
                "other policies of the plan cannot be written",
            );
            return PolicyResult::skipped(reason);
        }
        let lost = lost.describe(names);
        let reason = Reason::new(ReasonCode::TargetGone, format!("no longer there: {lost}"));
        PolicyResult::stale(reason)
    };
    plan.changed().map(settle).collect()
}

/// A policy that is not written, since what it was to get no longer exists. Its request stays as it is, and what earlier
/// writes have done, if the policy `is_begun`.
pub fn without_target(lost: &str, filed: Option<&PendingApproval>, is_begun: bool) -> PolicyResult {
    let mut message = match filed {
        Some(filed) => format!(
            "no longer there: {lost}; its request `{}` is not sent: withdraw it with `assignctl approvals cancel REPORT`, then fix the manifests and apply again",
            filed.code
        ),
        None => {
            format!("no longer there: {lost}; nothing was sent: fix the manifests and apply again")
        }
    };
    if is_begun {
        message +=
            "; an earlier write to the policy is done, and `assignctl rollback REPORT` undoes it";
    }
    PolicyResult {
        written: is_begun,
        approval: filed.cloned().map(Box::new),
        ..PolicyResult::stale(Reason::new(ReasonCode::TargetGone, message))
    }
}

/// A policy that is not written, since it cannot be read. Its request stays as it is.
pub fn unread(error: &GraphError, filed: Option<&PendingApproval>) -> PolicyResult {
    let reason = Reason::from_graph(ReasonCode::ReadFailed, error);
    PolicyResult {
        approval: filed.cloned().map(Box::new),
        ..PolicyResult::failed(reason)
    }
}

/// What the live state of a saved plan's policies is, beside what it was.
#[derive(Debug, Default)]
pub struct Compared {
    /// The policies that moved.
    pub moved: Vec<Moved>,
    /// Those that stand between two steps of the plan, with their live assignments, by their number among the
    /// changed ones. An earlier run was killed there; a change by hand can look the same.
    pub half_done: BTreeMap<usize, Assignments>,
}

/// Compares each changed policy of a plan with the live state, in as few requests as possible.
/// One that has its planned assignments already, or stands on the plan's own way to them, has not moved.
///
/// # Errors
///
/// Whatever keeps a policy from being read.
pub async fn compare(
    plan: &Plan,
    reader: &Reader,
    write_with: WriteWith,
) -> Result<Compared, GraphError> {
    let changed: Vec<&PlannedPolicy> = plan.changed().collect();
    let ids: Vec<(PolicyKind, String)> = changed
        .iter()
        .map(|policy| (policy.kind, policy.id.clone()))
        .collect();
    let mut compared = Compared::default();
    for (index, live) in reader.assignments_of(&ids).await?.into_iter().enumerate() {
        let policy = changed[index];
        let Some(live) = live? else {
            compared.moved.push(Moved { index, live: None });
            continue;
        };
        let live = assignments(&live);
        if [&policy.before, &policy.after]
            .iter()
            .any(|known| same_assignments(known, &live))
        {
            continue;
        }
        let mut steps = steps(policy, write_with).into_iter();
        if steps.any(|step| same_assignments(&step.after, &live)) {
            compared.half_done.insert(index, live.into());
        } else {
            let live = Some(live);
            compared.moved.push(Moved { index, live });
        }
    }
    Ok(compared)
}
