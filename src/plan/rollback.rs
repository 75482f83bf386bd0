//! The rollback of a run: for each policy that the run changed and that still looks as it left
//! it, the assignments that were there before.
//!
//! Assignments that the run left untouched (of policy sets, mostly) are not part of the rollback
//! either: they stay as they are now, whatever they were then. Assignments of policy sets are never removed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::exclusive_targets::{ExclusiveTargets, exclusive_target_of, keeper};
use super::make::replaced_one_by_one;
use super::references::References;
use super::writes::{self, WriteWith, steps};
use super::{
    Annotations, Change, Draft, Names, PlanContents, PlanDiagnostic, PlanInputs, PlannedPolicy,
    repairs, said_of, shared_policy_names,
};
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::kinds::AssignmentProperties;
use crate::model::{
    Assignment, AssignmentKey, LiveAssignment, LivePolicy, PolicyKind, SharedText, Source,
    assignments, same_assignments,
};
use crate::text::count;

/// A policy as a run left it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedPolicy {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id.
    pub id: String,
    /// The policy's display name.
    pub name: String,
    /// Whether another policy of its kind has the same name, or one that looks the same.
    pub shares_name: bool,
    /// The policy's type, without its prefix, if the report has it.
    pub odata_type: Option<SharedText>,
    /// What the run said of remediations that repair.
    pub remediation: Arc<[(AssignmentKey, bool)]>,
    /// What is known of them before the run.
    pub known_before: Arc<[(AssignmentKey, bool)]>,
    /// What the service had sent of assignments that the run changed, where that says more than what they mean.
    pub recorded: Arc<[LiveAssignment]>,
    /// The assignments before the run, sorted.
    pub before: Vec<Assignment>,
    /// The assignments that the run meant to leave, sorted.
    pub after: Vec<Assignment>,
    /// Whether the run saw its assignments there. Otherwise it may have left any step of its way.
    pub seen: bool,
}

/// Why a policy is not taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It looks as it did before the run, but for assignments of policy sets.
    AsBefore,
    /// It is neither as the run left it nor as it was before.
    Moved,
    /// It does not exist any more.
    Deleted,
    /// Groups or filters that it had do not exist any more.
    Gone(String),
    /// Another policy has what only one can have; the target, and the policy.
    Held(String),
}

impl SkipReason {
    /// Returns the word for it in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AsBefore => "asBefore",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Gone(_) => "targetGone",
            Self::Held(_) => "targetHeld",
        }
    }

    /// Says what happened to the policy.
    pub fn about(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::AsBefore => "the policy is as it was before the run",
            Self::Moved => "the policy's assignments have changed since the run",
            Self::Deleted => "the policy has been deleted since the run",
            Self::Gone(objects) => {
                return Cow::Owned(format!("what it had is no longer there: {objects}"));
            }
            Self::Held(held) => return Cow::Owned(held.clone()),
        })
    }
}

/// The rollback of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// What is to be done; the ordinary kind of plan.
    pub draft: Draft,
    /// The policies that moved since, or are gone, with what the run left and what was before it.
    pub moved: Vec<(PlannedPolicy, SkipReason)>,
    /// How many policies already look as they did before the run.
    pub as_before: usize,
    /// What policy sets assigned before the run, is missing now, and cannot be restored.
    pub missing: Vec<MissingAssignments>,
}

/// Assignments of policy sets that a policy had before a run and lacks now, whatever a rollback does.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingAssignments {
    /// The policy as it is now, or as the rollback plans it.
    pub policy: PlannedPolicy,
    /// The assignments in words.
    pub assignments: String,
}

/// Returns the groups and filters that a rollback would assign again.
pub fn restored(applied: &[AppliedPolicy]) -> References {
    References::of(applied.iter().flat_map(|policy| {
        let lost = |assignment: &&Assignment| !policy.after.contains(assignment);
        policy.before.iter().filter(lost)
    }))
}

/// Returns the kinds of which a policy would get again what only one can have.
pub fn contested(applied: &[AppliedPolicy]) -> BTreeSet<PolicyKind> {
    let is_contested = |policy: &&AppliedPolicy| {
        let mut before = policy.before.iter();
        before.any(|old| {
            exclusive_target_of(policy.kind, old).is_some() && !policy.after.contains(old)
        })
    };
    let contested = applied.iter().filter(is_contested);
    contested.map(|policy| policy.kind).collect()
}

/// Warns of a report without an end that says nothing of some policies.
pub fn unfinished(policies: usize) -> Diagnostic {
    let message = format!(
        "the report has no end line, and lacks {policies} of the policies that its run was to change"
    );
    Diagnostic::new(Severity::Warning, "unfinished-report", None, message).hint(
        "if the run was killed, they are as they were; if the file was cut off, use the whole one",
    )
}

/// Plans the rollback. `live` holds the assignments of each policy that the run left, `None` if it
/// does not exist any more, in the same order; `gone` is what does not exist any more of
/// [`restored`], `others` are all policies of the kinds that are [`contested`].
pub fn plan(
    left: &[AppliedPolicy],
    live: &[Option<Vec<LiveAssignment>>],
    gone: &References,
    others: &[LivePolicy],
    names: Names,
    inputs: &PlanInputs<'_>,
) -> Rollback {
    let mut policies = Vec::new();
    let mut moved = Vec::new();
    let mut diagnostics = Vec::new();
    let mut as_before = 0;
    let mut missing = Vec::new();
    let known = left.iter().map(|left| (left.kind, &*left.id, &*left.name));
    let shared_names = shared_policy_names(known);
    for (left, live) in left.iter().zip(live) {
        let judged = judge(left, live.as_deref(), inputs.write_with).and_then(|policy| {
            let lost = References::added_to(&policy, &names).in_common(gone);
            if lost.is_empty() {
                Ok(policy)
            } else {
                Err(SkipReason::Gone(lost.describe(&names)))
            }
        });
        match judged {
            Ok(policy) => policies.push((left, policy)),
            Err(SkipReason::AsBefore) => {
                as_before += 1;
                let now = assignments(live.as_deref().unwrap_or_default());
                let policy = back(left, &now, now.clone());
                missing.extend(missing_assignments(left, &policy, &names));
            }
            Err(reason) => moved.push((left, reason)),
        }
    }
    while let Some((index, reason)) = held(&policies, others) {
        moved.push((policies.remove(index).0, reason));
    }
    let not_known = policies.iter();
    let not_known = not_known.filter_map(|(left, policy)| remediation_not_known(left, policy));
    diagnostics.extend(not_known);
    let planned = policies.iter();
    missing.extend(planned.filter_map(|(left, policy)| missing_assignments(left, policy, &names)));
    let mut policies: Vec<PlannedPolicy> = policies.into_iter().map(|(_, policy)| policy).collect();
    let moved = moved.into_iter();
    let mut moved: Vec<(PlannedPolicy, SkipReason)> = moved
        .map(|(left, reason)| (back(left, &left.after, left.before.clone()), reason))
        .collect();
    let planned = policies.iter_mut();
    let planned = planned.chain(moved.iter_mut().map(|(policy, _)| policy));
    for policy in planned.chain(missing.iter_mut().map(|missing| &mut missing.policy)) {
        policy.shares_name |= shared_names.contains(&(policy.kind, policy.id.as_str()));
    }
    let key = |policy: &PlannedPolicy| (policy.kind, policy.name.clone(), policy.id.clone());
    policies.sort_by_key(key);
    moved.sort_by_key(|(policy, _)| key(policy));
    let left_alone = moved.iter();
    let left_alone = left_alone.map(|(policy, reason)| not_rolled_back(policy, reason));
    diagnostics.extend(left_alone);
    diagnostics.extend(moments(&policies, others, inputs.write_with));
    missing.sort_by_key(|missing| key(&missing.policy));
    diagnostics.extend(missing.iter().map(not_restored));
    let contents = PlanContents {
        tenant_id: inputs.tenant_id.clone(),
        graph_url: inputs.graph_url.to_owned(),
        policies_read: left.len(),
        selection: inputs.selection.clone(),
        policies,
        diagnostics,
        write_with: inputs.write_with,
        ..PlanContents::default()
    };
    let annotations = Annotations {
        names,
        ..Annotations::default()
    };
    Rollback {
        draft: Draft {
            contents,
            annotations,
        },
        moved,
        as_before,
        missing,
    }
}

/// Finds a policy that cannot get what it had, since another one has it and keeps it.
fn held(
    policies: &[(&AppliedPolicy, PlannedPolicy)],
    others: &[LivePolicy],
) -> Option<(usize, SkipReason)> {
    let planned: Vec<&PlannedPolicy> = policies.iter().map(|(_, policy)| policy).collect();
    let mut indexed = planned.iter().enumerate();
    indexed.find_map(|(index, policy)| {
        let (target, keeper) = keeper(policy, &planned, others)?;
        let held = format!(
            "only one {} can have `{}`, and {keeper} has it",
            policy.kind,
            target.type_name()
        );
        Some((index, SkipReason::Held(held)))
    })
}

/// Warns of moments in which something is neither as it is nor as it was.
fn moments(
    policies: &[PlannedPolicy],
    others: &[LivePolicy],
    write_with: WriteWith,
) -> Vec<PlanDiagnostic> {
    let mut exclusive = ExclusiveTargets::default();
    for policy in policies {
        exclusive.add(policy, |_| None);
    }
    let gaps = policies.iter();
    let gaps = gaps.filter(|policy| writes::has_gap(policy, write_with));
    let gaps: Vec<SharedText> = gaps.map(|policy| policy.name.clone()).collect();
    let found = exclusive.judge(others).into_iter();
    let found = found.chain(replaced_one_by_one(&gaps));
    found
        .map(|found| PlanDiagnostic::new(&found, &Sources::default()))
        .collect()
}

fn not_rolled_back(policy: &PlannedPolicy, reason: &SkipReason) -> PlanDiagnostic {
    let summary = format!("{} is left alone: {}", policy.reference(), reason.about());
    PlanDiagnostic::warning("not-rolled-back", summary)
}

/// Finds what policy sets assigned before a run and is not there after its rollback either.
fn missing_assignments(
    left: &AppliedPolicy,
    policy: &PlannedPolicy,
    names: &Names,
) -> Option<MissingAssignments> {
    let lost = left
        .before
        .iter()
        .filter(|before| before.key.source == Source::PolicySets && !policy.after.contains(before));
    let lost: Vec<String> = lost.map(|lost| names.describe(lost)).collect();
    (!lost.is_empty()).then(|| MissingAssignments {
        policy: policy.clone(),
        assignments: lost.join(", "),
    })
}

fn not_restored(missing: &MissingAssignments) -> PlanDiagnostic {
    let MissingAssignments {
        policy,
        assignments,
    } = missing;
    let summary = format!(
        "{} lacks what policy sets assigned before the run, and a rollback cannot restore it: {assignments}",
        policy.reference()
    );
    PlanDiagnostic::warning("policy-set-assignments-missing", summary).hint(
        "take the policy out of its policy sets and add it again in the portal, or assign the sets again",
    )
}

/// Says what is written of repairing: what was before the run, or else what the run wrote.
fn with_remediation(left: &AppliedPolicy, policy: PlannedPolicy) -> PlannedPolicy {
    let wrote = |key: &AssignmentKey| repairs(&left.remediation, key);
    let said = |key: &AssignmentKey| {
        let known = said_of(&left.known_before, key);
        known.unwrap_or_else(|| wrote(key))
    };
    let keys = policy.after.iter().map(|assignment| &assignment.key);
    let remediation = keys.map(|key| (key.clone(), said(key))).collect();
    // A remediation is written as a whole set, so that the run wrote all that it left.
    let written = left.after.iter().filter(|_| left.seen);
    let keys = written.map(|assignment| &assignment.key);
    PlannedPolicy {
        remediation,
        known_before: keys.map(|key| (key.clone(), wrote(key))).collect(),
        ..policy
    }
}

/// Warns where what is written of repairing may be other than it was.
fn remediation_not_known(left: &AppliedPolicy, policy: &PlannedPolicy) -> Option<PlanDiagnostic> {
    if policy.kind.spec().properties != AssignmentProperties::Remediation {
        return None;
    }
    let included = policy.after.iter().map(|assignment| &assignment.key);
    let unknown = included
        .filter(|key| !key.target.is_exclusion() && said_of(&left.known_before, key).is_none());
    let number = match unknown.count() {
        0 => return None,
        number => count(number, "assignment", "assignments"),
    };
    let summary = format!(
        "the service does not report whether {number} of {} ran the remediation before the run; `runRemediationScript` is written as in the run, and as `true` for what the run removed",
        policy.reference()
    );
    let warning = PlanDiagnostic::warning("remediation-not-known", summary);
    Some(warning.hint(
        "apply a manifest with `runRemediationScript: false` for those that are to detect only",
    ))
}

fn judge(
    left: &AppliedPolicy,
    live: Option<&[LiveAssignment]>,
    write_with: WriteWith,
) -> Result<PlannedPolicy, SkipReason> {
    let live = live.ok_or(SkipReason::Deleted)?;
    let now = assignments(live);
    // What the run was to leave alone is not looked at: it is as it is.
    let aside = |assignment: &&Assignment| {
        !assignment.key.is_direct()
            && left.before.contains(assignment) == left.after.contains(assignment)
    };
    let own = |assignments: &[Assignment]| -> Vec<Assignment> {
        assignments
            .iter()
            .filter(|assignment| !aside(assignment))
            .cloned()
            .collect()
    };
    let (own_before, own_after, own_now) = (own(&left.before), own(&left.after), own(&now));
    if same_assignments(&own_before, &own_now) {
        return Err(SkipReason::AsBefore);
    }
    let run = back(left, &left.before, left.after.clone());
    let is_on_the_way = || {
        [write_with, WriteWith::Create].into_iter().any(|way| {
            steps(&run, way)
                .iter()
                .any(|step| same_assignments(&own(&step.after), &own_now))
        })
    };
    if !same_assignments(&own_after, &own_now) && (left.seen || !is_on_the_way()) {
        return Err(SkipReason::Moved);
    }
    // An assignment of a policy set is never removed, whoever declared it; it can get its old filter back.
    let stays = |assignment: &&Assignment| {
        aside(assignment)
            || (!assignment.key.is_direct()
                && !own_before.iter().any(|old| old.key == assignment.key))
    };
    let untouched: Vec<Assignment> = now.iter().filter(stays).cloned().collect();
    let mut after = own_before.clone();
    after.extend(untouched.iter().cloned());
    after.sort();
    let mut policy = back(left, &now, after);
    if !policy.is_changed() {
        return Err(SkipReason::AsBefore);
    }
    policy.restores = policy
        .changes
        .iter()
        .all(|change| restores(change, &left.before));
    policy.untouched = untouched.into();
    let is_restored = |recorded: &&LiveAssignment| {
        policy.after.contains(&recorded.assignment) && !now.contains(&recorded.assignment)
    };
    policy.recorded = left.recorded.iter().filter(is_restored).cloned().collect();
    if policy.kind.spec().properties == AssignmentProperties::Remediation {
        policy = with_remediation(left, policy);
    }
    let id_of = |assignment: &Assignment| {
        live.iter()
            .find(|live| live.assignment == *assignment)?
            .id
            .as_deref()
    };
    policy.writes = writes::planned(&policy, id_of, write_with);
    Ok(policy)
}

/// Whether a change leads to what was there before the run.
fn restores(change: &Change, before: &[Assignment]) -> bool {
    match change {
        Change::Add(assignment) => before.contains(assignment),
        Change::Remove(assignment) => !before.contains(assignment),
        Change::Update { after, .. } => before.contains(after),
    }
}

/// Returns a policy as the run of a report was to change it.
pub fn as_recorded(left: &AppliedPolicy, write_with: WriteWith) -> PlannedPolicy {
    let mut policy = back(left, &left.before, left.after.clone());
    policy.writes = writes::planned(&policy, |_| None, write_with);
    policy
}

/// Makes a change of a policy's assignments.
fn back(left: &AppliedPolicy, before: &[Assignment], after: Vec<Assignment>) -> PlannedPolicy {
    PlannedPolicy {
        odata_type: left.odata_type.clone(),
        remediation: Arc::clone(&left.remediation),
        known_before: Arc::clone(&left.known_before),
        recorded: Arc::clone(&left.recorded),
        shares_name: left.shares_name,
        ..PlannedPolicy::between(
            (left.kind, left.id.clone(), left.name.as_str().into()),
            before.into(),
            after.into(),
        )
    }
}

#[cfg(test)]
mod tests;
