//! `apply --resume`: sends again what a run has filed for approval.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::apply::{ApplyContext, ApplyInput, Unfiled};
use super::filed_requests::{find_filed_requests, waits};
use super::plan::{Planning, PreparedPlan};
use super::reviewed::check_report;
use super::rollback::{applied_policy, narrow};
use super::{Failure, unless_stopped};
use crate::apply::staleness::renamed_policies;
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::graph::Reader;
use crate::model::{Assignment, PolicyKind, Source, Target, assignments, same_assignments};
use crate::plan::rollback::as_recorded;
use crate::plan::writes::{WriteWith, steps};
use crate::plan::{
    Annotations, Earlier, Plan, PlanContents, PlanDiagnostic, PlannedPolicy, Selection, guards,
};
use crate::report::{
    FilingAttempt, Outcome, PendingApproval, PolicyResult, Recorded, RecordedPolicy,
};
use crate::text::count;

/// Makes the plan of what a report says is pending. `began` is the time now.
///
/// # Errors
///
/// The report is for another tenant, or holds what no run has written.
pub async fn plan_resume(
    recorded: Recorded,
    began: Timestamp,
    planning: Planning<'_>,
) -> Result<ApplyInput, Failure> {
    let (client, service) = (planning.client, planning.service);
    let (request, stop) = (planning.request, planning.stop);
    let reader = Reader::new(Arc::clone(client));
    let tenant_id = unless_stopped(stop, check_report(&recorded, &reader)).await?;
    let write_with = request.write_with.unwrap_or_default();
    if !recorded.has_plan() {
        return Err(Failure::other(
            "the report cannot be resumed: its run ended before it had a plan",
        )
        .hint("resume the report of the run that filed the requests"));
    }
    let dropped = not_resumed(&recorded, &request.selection);
    let (mut policies, names) = (recorded.policies, recorded.names);
    forget_ended_givers(&mut policies);
    let is_meant = |policy: &RecordedPolicy| request.selection.includes(policy.kind, name(policy));
    let not_meant = policies.iter().filter(|policy| {
        let is_left = is_half_written(policy) || (waits(policy) && !is_settled(policy));
        is_left && !is_meant(policy)
    });
    let left_out = not_meant.count();
    let half_written: Vec<RecordedPolicy> = policies
        .extract_if(.., |policy| is_half_written(policy) && is_meant(policy))
        .collect();
    policies.retain(waits);
    let (_, warnings) = narrow(&request.selection, &mut policies, |policy| {
        (policy.kind, name(policy))
    })?;
    let warnings = warnings.iter().chain(&dropped);
    let mut diagnostics =
        Vec::from_iter(warnings.map(|found| PlanDiagnostic::new(found, &Sources::default())));
    let found = async {
        let already = note_as_planned(&mut policies, &reader).await?;
        Ok((already, find_filed_requests(policies, client, began).await?))
    };
    let (mut already, found) = unless_stopped(stop, found).await?;
    let mut context = ApplyContext {
        resumes: true,
        ..ApplyContext::default()
    };
    let resumed = resumed(found.known, found.unfiled, write_with, &mut context)?;
    // Those with a request stay in the plan: what is filed for them is sent or withdrawn.
    already.retain(|key, _| !context.filed.contains_key(key));
    let looked_at = async {
        let changed = resumed.iter().filter(|policy| policy.is_changed());
        let renamed = renamed_policies(changed, &reader).await;
        let resumed = with_writes_left(resumed, write_with, &context.filed, &reader).await;
        Ok((renamed, resumed))
    };
    let (renamed, resumed) = unless_stopped(stop, looked_at).await?;
    diagnostics.extend(renamed);
    // Only guard `tenant` is evaluated again; the others were when the changes were filed.
    let guard = guards::tenant(request.rules.tenant_id.as_deref(), tenant_id.as_deref());
    let plan = Plan::from(PlanContents {
        tenant_id,
        graph_url: reader.graph_url().to_owned(),
        policies_read: resumed.len(),
        selection: request.selection.clone(),
        left_out,
        policies: resumed,
        guards: guard.into_iter().collect(),
        diagnostics,
        write_with,
        ..PlanContents::default()
    });
    let annotations = Annotations {
        names,
        ..Annotations::default()
    };
    let unknown = found.unknown.into_iter();
    let unknown = unknown.map(|unknown| (unknown.policy, Some(unknown.filing), unknown.settled));
    let half_written = half_written.into_iter().map(|policy| {
        let settled = as_left(&policy);
        (policy, None, settled)
    });
    let already = already.into_values().map(|(policy, filing)| {
        let settled = PolicyResult::as_planned(Outcome::Already);
        (policy, Some(filing), settled)
    });
    for (policy, filing, settled) in unknown.chain(half_written).chain(already) {
        let policy = planned(policy, None, write_with);
        let may_be_filed = filing.map(|filing| (policy.clone(), filing));
        context.unknown.extend(may_be_filed);
        context.skipped.push((policy, settled));
    }
    let plan = PreparedPlan {
        tenant: recorded.tenant,
        ..PreparedPlan::new(plan, annotations, service)
    };
    Ok(ApplyInput { plan, context })
}

/// Plans the policies again for which a request was filed, and those for which none could be, and notes what an earlier
/// run has filed for them.
fn resumed(
    known: Vec<(RecordedPolicy, PendingApproval)>,
    unfiled: Vec<RecordedPolicy>,
    write_with: WriteWith,
    context: &mut ApplyContext,
) -> Result<Vec<PlannedPolicy>, Failure> {
    let mut resumed = Vec::new();
    for policy in unfiled {
        let left = Unfiled {
            filing: policy.filing.clone(),
            settled: as_left(&policy),
        };
        let key = (policy.kind, policy.id.clone());
        context.unfiled.insert(key, left);
        resumed.push(planned(policy, None, write_with));
    }
    for (policy, approval) in known {
        let key = (policy.kind, policy.id.clone());
        let policy = planned(policy, Some(&approval), write_with);
        check_filed(&policy, &approval)?;
        context.filed.insert(key, approval);
        resumed.push(policy);
    }
    resumed.sort_by_key(|policy| (policy.kind, policy.name.clone(), policy.id.clone()));
    Ok(resumed)
}

/// Rejects a filed request that is not a write to its policy, or whose code is not a GUID.
fn check_filed(policy: &PlannedPolicy, approval: &PendingApproval) -> Result<(), Failure> {
    let after = Arc::clone(&policy.after);
    let is_own = approval.write(policy.kind, &policy.id, after).is_some();
    if is_own && Uuid::try_parse(&approval.code).is_ok() {
        return Ok(());
    }
    Err(Failure::other(format!(
        "the report cannot be used: what it holds for `{}` is not a write to that policy",
        policy.id
    )))
}

/// Shows of policies the writes that the run will send: in the way in which requests were filed, and without those that an
/// earlier run has done. Where that cannot be read all of them are shown.
async fn with_writes_left(
    policies: Vec<PlannedPolicy>,
    write_with: WriteWith,
    filed: &BTreeMap<(PolicyKind, String), PendingApproval>,
    reader: &Reader,
) -> Vec<PlannedPolicy> {
    let key = |policy: &PlannedPolicy| (policy.kind, policy.id.clone());
    let steps = |policy: &PlannedPolicy| match filed.get(&key(policy)) {
        Some(filed) => filed.steps(policy),
        None => steps(policy, write_with),
    };
    // A single write cannot be half done. The report may not know what another run that resumed it has written.
    let several = policies.iter().filter(|policy| steps(policy).len() > 1);
    let several: Vec<(PolicyKind, String)> = several.map(key).collect();
    let live = match several.as_slice() {
        [] => Vec::new(),
        several => reader.assignments_of(several).await.unwrap_or_default(),
    };
    let live = live.into_iter().map(|live| Some(assignments(&live.ok()??)));
    let live: BTreeMap<_, _> = several.into_iter().zip(live).collect();
    let left = |policy: PlannedPolicy| {
        let steps = steps(&policy);
        let live = live.get(&key(&policy)).and_then(Option::as_deref);
        policy.with_writes_left(&steps, live)
    };
    policies.into_iter().map(left).collect()
}

/// Whether a run has ended its part of a policy with some of the writes done. Nothing of it is resumed; it stays in the
/// newest report, so that a rollback of that restores the policy.
fn is_half_written(policy: &RecordedPolicy) -> bool {
    let has_failed = policy.outcome.is_some_and(|outcome| !outcome.is_good());
    has_failed && !waits(policy) && policy.written == Some(true)
}

/// Whether a policy is as planned, and no request for it is known: there is nothing to resume, but for a request that may
/// be open all the same.
fn is_settled(policy: &RecordedPolicy) -> bool {
    policy.approval.is_none() && policy.outcome.is_some_and(Outcome::is_good)
}

/// What the new report says of a policy that stays as the earlier run left it.
fn as_left(policy: &RecordedPolicy) -> PolicyResult {
    PolicyResult {
        outcome: policy.outcome.unwrap_or(Outcome::Pending),
        reason: policy.reason.clone(),
        written: policy.may_be_changed(),
        approval: None,
        waits_for: policy.waits_for.clone(),
    }
}

/// Forgets which policy another waits for where the run has ended its part: nothing of it is resumed.
fn forget_ended_givers(policies: &mut [RecordedPolicy]) {
    let ended = policies.iter().filter(|policy| !waits(policy));
    let ended: BTreeSet<(PolicyKind, String)> = ended
        .map(|policy| (policy.kind, policy.id.clone()))
        .collect();
    for policy in policies {
        let kind = policy.kind;
        let waits_for = &mut policy.waits_for;
        waits_for.take_if(|giver| ended.contains(&(kind, giver.clone())));
    }
}

/// Policies, each with the write that may have been filed for it.
type MayBeFiled = BTreeMap<(PolicyKind, String), (RecordedPolicy, FilingAttempt)>;

/// Finds which of the policies for which something may have been filed are as planned, and notes that: no request of
/// theirs is waited for.
async fn note_as_planned(
    policies: &mut [RecordedPolicy],
    reader: &Reader,
) -> Result<MayBeFiled, Failure> {
    let is_sought = |policy: &&mut RecordedPolicy| {
        policy.unknown_filing().is_some() && !policy.outcome.is_some_and(Outcome::is_good)
    };
    let sought: Vec<&mut RecordedPolicy> = policies.iter_mut().filter(is_sought).collect();
    let mut found = MayBeFiled::new();
    if sought.is_empty() {
        return Ok(found);
    }
    let keys = sought.iter().map(|policy| (policy.kind, policy.id.clone()));
    let keys: Vec<(PolicyKind, String)> = keys.collect();
    let live = reader.assignments_of(&keys).await?;
    for ((policy, key), live) in sought.into_iter().zip(keys).zip(live) {
        // What cannot be read is looked for.
        let is_as_planned =
            matches!(live, Ok(Some(live)) if same_assignments(&policy.after, &assignments(&live)));
        if let (true, Some(filing)) = (is_as_planned, policy.unknown_filing().cloned()) {
            policy.outcome = Some(Outcome::Already);
            found.insert(key, (policy.clone(), filing));
        }
    }
    Ok(found)
}

/// Warns of the policies that a run left not as planned, and that do not wait for approval.
fn not_resumed(recorded: &Recorded, selection: &Selection) -> Option<Diagnostic> {
    const CODE: &str = "not-resumed";
    let is_left = |policy: &&RecordedPolicy| {
        let is_good = policy.outcome.is_some_and(Outcome::is_good);
        !is_good && !waits(policy) && selection.includes(policy.kind, name(policy))
    };
    let left: Vec<&RecordedPolicy> = recorded.policies.iter().filter(is_left).collect();
    let of = |outcome: Option<Outcome>| left.iter().filter(move |policy| policy.outcome == outcome);
    let mut counts: Vec<(usize, &str)> = Outcome::ALL
        .into_iter()
        .map(|outcome| (of(Some(outcome)).count(), outcome.name()))
        .collect();
    counts.push((of(None).count(), "not known"));
    // Their names are not known, nor whether they are meant.
    let not_started = match selection.is_partial() {
        true => 0,
        false => recorded.unmentioned(),
    };
    counts.push((not_started, "not started"));
    counts.retain(|(number, _)| *number > 0);
    let all: usize = counts.iter().map(|(number, _)| number).sum();
    if all == 0 {
        return None;
    }
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let message = format!(
        "{} not part of this resume: {}",
        count(
            all,
            "policy that the report's run left not as planned is",
            "policies that the report's run left not as planned are"
        ),
        counts.join(", ")
    );
    let warning = Diagnostic::new(Severity::Warning, CODE, None, message);
    Some(warning.hint(
        "`assignctl show REPORT` names them; only what waits for approval is resumed, so plan again for the others",
    ))
}

/// Makes a policy's plan again. Assignments of policy sets that the change leaves alone stay out of a body, as they did
/// when it was made; what was filed says which these are, or else the report.
fn planned(
    policy: RecordedPolicy,
    filed: Option<&PendingApproval>,
    write_with: WriteWith,
) -> PlannedPolicy {
    let earlier = Earlier {
        written: policy.may_be_changed(),
        waits_for: policy.waits_for.clone(),
    };
    let said = policy.untouched.clone();
    let mut policy = as_recorded(&applied_policy(policy), write_with);
    policy.earlier = Some(earlier);
    let body = filed.and_then(|filed| filed.body.as_deref());
    if let (None, Some(mut untouched)) = (body, said) {
        untouched.retain(|assignment| policy.before.contains(assignment));
        policy.untouched = untouched.into();
        return policy;
    }
    let body: Value = body
        .and_then(|body| serde_json::from_str(body).ok())
        .unwrap_or_default();
    let is_left = |assignment: &&Assignment| {
        assignment.key.source == Source::PolicySets
            && policy.before.contains(assignment)
            && !holds(&body, assignment)
    };
    let untouched: Vec<Assignment> = policy.after.iter().filter(is_left).cloned().collect();
    policy.untouched = untouched.into();
    policy
}

/// Whether the body of an `assign` has an assignment of a policy set.
fn holds(body: &Value, assignment: &Assignment) -> bool {
    let mut lists = body
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, list)| list.as_array());
    let mark = match &assignment.key.target {
        Target::AllDevices => "#microsoft.graph.allDevicesAssignmentTarget",
        Target::AllUsers => "#microsoft.graph.allLicensedUsersAssignmentTarget",
        target => target.id().unwrap_or_default(),
    };
    let is_it = |sent: &Value| {
        let texts = sent["target"].as_object().into_iter().flatten();
        let mut texts = texts.filter_map(|(_, value)| value.as_str());
        sent["source"] == Source::PolicySets.name()
            && texts.any(|text| text.eq_ignore_ascii_case(mark))
    };
    lists.any(|list| list.iter().any(is_it))
}

fn name(policy: &RecordedPolicy) -> &str {
    policy.name.as_deref().unwrap_or(&policy.id)
}
