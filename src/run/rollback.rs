//! `rollback`: undoes what a report says that its run did.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::apply::{ApplyContext, ApplyInput};
use super::filed_requests::open_requests;
use super::plan::{PlanRequest, Planning, PreparedPlan, add_names};
use super::reviewed::check_report;
use super::{Failure, members, unless_stopped};
use crate::apply::staleness::renamed_policies;
use crate::diagnostic::{Diagnostic, Sources};
use crate::graph::Reader;
use crate::model::PolicyKind;
use crate::plan::rollback::{self, AppliedPolicy, MissingAssignments, Rollback};
use crate::plan::{Names, PlanInputs, PlannedPolicy, Selection};
use crate::report::{
    Notes, Outcome, PolicyResult, Reason, ReasonCode, Recorded, RecordedPolicy,
    policy_set_assignments_missing,
};

/// Plans the rollback of a recorded run.
///
/// # Errors
///
/// The report is for another tenant, or the tenant cannot be read.
pub async fn plan_rollback(
    recorded: Recorded,
    planning: Planning<'_>,
) -> Result<ApplyInput, Failure> {
    let (client, service) = (planning.client, planning.service);
    let (request, stop) = (planning.request, planning.stop);
    let reader = Reader::new(Arc::clone(client));
    let tenant_id = unless_stopped(stop, check_report(&recorded, &reader)).await?;
    let lacking = recorded.lacking();
    let (policies, names) = (recorded.policies, recorded.names);
    let is_meant = |policy: &&RecordedPolicy| {
        let name = policy.name.as_deref().unwrap_or(&policy.id);
        policy.may_be_filed() && request.selection.includes(policy.kind, name)
    };
    let filed: Vec<RecordedPolicy> = policies.iter().filter(is_meant).cloned().collect();
    let mut applied: Vec<AppliedPolicy> = policies
        .into_iter()
        .filter(RecordedPolicy::may_be_changed)
        .map(applied_policy)
        .collect();
    let (left_out, mut warnings) = narrow(&request.selection, &mut applied, |policy| {
        (policy.kind, &policy.name)
    })?;
    if lacking > 0 {
        warnings.push(rollback::unfinished(lacking));
    }
    let back = unless_stopped(stop, async {
        let open = open_requests(&filed, client, jiff::Timestamp::now()).await?;
        warnings.extend(open.warning());
        let mut back = compare(&applied, names, tenant_id, &reader, request).await?;
        add_names(&mut back.draft, &reader, request, &BTreeSet::new()).await?;
        back.draft.leave_out(left_out, &warnings);
        members::count(
            &mut back.draft,
            &reader,
            &request.members,
            &request.rules,
            false,
        )
        .await?;
        let renamed = renamed_policies(back.draft.contents.changed(), &reader).await;
        back.draft.contents.diagnostics.extend(renamed);
        Ok(back)
    })
    .await?;
    let (notes, as_they_are) = noted(back.missing);
    let skipped = back.moved.into_iter().map(|(policy, stays)| {
        let reason = Reason::new(ReasonCode::from_name(stays.name()), stays.about());
        let settled = PolicyResult::not_as_planned(Outcome::Skipped, reason);
        (policy, settled)
    });
    let (plan, annotations) = back.draft.finish(&request.rules);
    Ok(ApplyInput {
        plan: PreparedPlan {
            tenant: recorded.tenant,
            ..PreparedPlan::new(plan, annotations, service)
        },
        context: ApplyContext {
            skipped: skipped.chain(as_they_are).collect(),
            as_before: back.as_before,
            notes,
            ..ApplyContext::default()
        },
    })
}

/// Reads what a run has changed, and compares it with what was there before.
async fn compare(
    applied: &[AppliedPolicy],
    names: Names,
    tenant_id: Option<String>,
    reader: &Reader,
    request: &PlanRequest,
) -> Result<Rollback, Failure> {
    let ids: Vec<(PolicyKind, String)> = applied
        .iter()
        .map(|policy| (policy.kind, policy.id.clone()))
        .collect();
    let live = reader.assignments_of(&ids).await?;
    let live = live.into_iter().collect::<Result<Vec<_>, _>>()?;
    let restored = rollback::restored(applied);
    let filters = !restored.filters.is_empty();
    let (groups, filters) = reader.names(&restored.groups, filters).await?;
    let gone = restored.not_in(&groups, &filters);
    let mut others = Vec::new();
    for kind in rollback::contested(applied) {
        others.extend(reader.policies(kind).await?);
    }
    let inputs = PlanInputs {
        tenant_id,
        graph_url: reader.graph_url(),
        write_with: request.write_with.unwrap_or_default(),
        strict: false,
        selection: &request.selection,
    };
    Ok(rollback::plan(
        applied, &live, &gone, &others, names, &inputs,
    ))
}

/// Makes the notes about assignments of policy sets that are missing. For a policy that does not change, the note is its
/// result.
fn noted(missing: Vec<MissingAssignments>) -> (Notes, Vec<(PlannedPolicy, PolicyResult)>) {
    let mut notes = Notes::new();
    let mut as_they_are = Vec::new();
    for MissingAssignments {
        policy,
        assignments,
    } in missing
    {
        let note = policy_set_assignments_missing(&assignments);
        match policy.is_changed() {
            true => {
                notes.insert((policy.kind, policy.id), note);
            }
            false => {
                let already = PolicyResult::as_planned(Outcome::Already);
                as_they_are.push((policy, already.noted(Some(&note))));
            }
        }
    }
    (notes, as_they_are)
}

/// Leaves the policies of a report out that options do not select. Returns how many those are, and warnings.
///
/// # Errors
///
/// The options leave none of them.
pub(super) fn narrow<P>(
    selection: &Selection,
    policies: &mut Vec<P>,
    named: impl Fn(&P) -> (PolicyKind, &str),
) -> Result<(usize, Vec<Diagnostic>), Failure> {
    let these = ("policy of the report", "policies of the report");
    let mut found = Vec::new();
    let left_out = selection.narrow(policies, named, these, false, &mut found);
    match found.iter().any(Diagnostic::is_error) {
        true => Err(Failure::invalid(found, &Sources::default())),
        false => Ok((left_out, found)),
    }
}

/// Returns what a run did to a policy, as a rollback needs it.
pub fn applied_policy(policy: RecordedPolicy) -> AppliedPolicy {
    AppliedPolicy {
        kind: policy.kind,
        name: policy.name.unwrap_or_else(|| policy.id.clone()),
        id: policy.id,
        shares_name: policy.shares_name,
        odata_type: policy.odata_type,
        remediation: policy.remediation.into(),
        known_before: policy.known_before.into(),
        recorded: policy.recorded.into(),
        before: policy.before,
        after: policy.after,
        seen: policy.outcome.is_some_and(Outcome::is_good),
    }
}
