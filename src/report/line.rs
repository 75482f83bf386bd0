//! The lines of a report: written and read by the same structs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::{
    Announced, FilingAttempt, Outcome, PendingApproval, PolicyResult, Reason, Results,
};
use crate::graph::observe::RequestCounts;
use crate::model::{LiveAssignment, Source};
use crate::plan::saved::{
    AssignmentRecord, FORMAT_VERSION, GuardRecord, ManagedRecord, PlannedTenant, SelectionRecord,
    SharedNamesRecord, UnmanagedRecord,
};
use crate::plan::{Names, Plan, PlannedPolicy};

/// What a line is about.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Event {
    /// The run has a plan.
    Start,
    /// A write is about to leave.
    Sending,
    /// An earlier run has filed a write that this one is to send, or may have filed it.
    Filed,
    /// A policy has settled.
    Policy,
    /// The run has ended.
    End,
    /// A newer minor version may write more.
    #[serde(other)]
    Unknown,
}

/// What is to be carried out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartLine<'a> {
    pub(super) format_version: Cow<'a, str>,
    pub(super) event: Event,
    /// When the run began, before it had read anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) started_at: Option<Timestamp>,
    pub(super) digest: Option<Cow<'a, str>>,
    /// The tenant's short name, if manifests name their tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<Cow<'a, str>>,
    /// The tenant's own app registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<Cow<'a, str>>,
    /// The cloud that the tenant is said to be in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cloud: Option<Cow<'a, str>>,
    pub(super) tenant_id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) graph_url: Cow<'a, str>,
    #[serde(default)]
    pub(super) selection: SelectionRecord,
    /// Digests of the managed policies' assignments, as they were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) managed: Option<ManagedRecord>,
    /// The ids of those that are to be changed, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<BTreeMap<String, Vec<String>>>,
    /// The ids of the policies that no manifest manages, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unmanaged: Option<UnmanagedRecord>,
    /// Policies, groups and filters that are to be changed and whose names are shared with others, or look the same.
    #[serde(default, skip_serializing_if = "SharedNamesRecord::is_empty")]
    pub(super) shared_names: SharedNamesRecord,
    #[serde(default)]
    pub(super) guards: Vec<GuardRecord>,
}

impl<'a> StartLine<'a> {
    /// Describes a plan with its digest, if there is one, and the run: when it began, and for which of several
    /// tenants it is.
    pub(super) fn new(
        plan: Option<(&'a Plan, &'a str)>,
        shared_names: SharedNamesRecord,
        graph_url: &'a str,
        began: Option<Timestamp>,
        tenant: Option<&'a PlannedTenant>,
    ) -> Self {
        let (plan, digest) = plan.unzip();
        let own = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            format_version: FORMAT_VERSION.into(),
            event: Event::Start,
            // To the second, which the run began no earlier than.
            started_at: began.and_then(|began| Timestamp::from_second(began.as_second()).ok()),
            digest: digest.map(Cow::Borrowed),
            tenant: tenant.map(|tenant| tenant.name.as_str().into()),
            client_id: tenant.and_then(|tenant| own(&tenant.client_id)),
            cloud: tenant.and_then(|tenant| own(&tenant.cloud)),
            tenant_id: plan.and_then(|plan| plan.tenant_id.as_deref().map(Cow::Borrowed)),
            graph_url: graph_url.into(),
            selection: plan.map(SelectionRecord::of).unwrap_or_default(),
            managed: plan.map(|plan| ManagedRecord::of(plan, |_| true)),
            pending: plan.map(pending),
            unmanaged: plan
                .and_then(|plan| plan.unmanaged.as_deref())
                .map(UnmanagedRecord::new),
            shared_names,
            guards: plan
                .iter()
                .flat_map(|plan| &plan.guards)
                .map(GuardRecord::new)
                .collect(),
        }
    }
}

fn pending(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    let mut pending: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for policy in plan.changed() {
        pending
            .entry(policy.kind.name().to_owned())
            .or_default()
            .push(policy.id.clone());
    }
    pending
}

/// A write that is about to leave.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendingLine<'a> {
    pub(super) event: Event,
    pub(super) kind: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(super) odata_type: Option<Cow<'a, str>>,
    /// The id of its request, by which the service's log names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_request_id: Option<Cow<'a, str>>,
    pub(super) before: Vec<AssignmentRecord<'a>>,
    pub(super) after: Vec<AssignmentRecord<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) untouched: Option<Vec<AssignmentRecord<'a>>>,
    /// What is sent, if it may be filed for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filing: Option<Cow<'a, FilingAttempt>>,
    /// What is sent, if it was filed and approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<Cow<'a, PendingApproval>>,
    /// Of what an earlier run has filed: whether that run has written to the policy before, or may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<bool>,
}

impl<'a> SendingLine<'a> {
    pub(super) fn new(
        policy: &'a PlannedPolicy,
        found: &'a [LiveAssignment],
        names: &'a Names,
        request_id: &'a str,
        announced: Announced<'a>,
    ) -> Self {
        Self {
            client_request_id: Some(request_id.into()),
            before: AssignmentRecord::found(policy, found, names),
            ..Self::about(Event::Sending, policy, names, announced)
        }
    }

    /// Says what an earlier run has filed, or may have.
    pub(super) fn filed(
        policy: &'a PlannedPolicy,
        names: &'a Names,
        announced: Announced<'a>,
    ) -> Self {
        Self {
            written: policy.is_begun().then_some(true),
            ..Self::about(Event::Filed, policy, names, announced)
        }
    }

    fn about(
        event: Event,
        policy: &'a PlannedPolicy,
        names: &'a Names,
        announced: Announced<'a>,
    ) -> Self {
        let (filing, approval) = match announced {
            Announced::Write => (None, None),
            Announced::Filing(filing) => (Some(Cow::Borrowed(filing)), None),
            Announced::Approved(approval) => (None, Some(Cow::Borrowed(approval))),
        };
        Self {
            event,
            client_request_id: None,
            filing,
            approval,
            written: None,
            kind: policy.kind.name().into(),
            id: policy.id.as_str().into(),
            name: Some((&*policy.name).into()),
            odata_type: policy.odata_type.as_deref().map(Cow::Borrowed),
            before: AssignmentRecord::found(policy, &policy.recorded, names),
            after: AssignmentRecord::planned(policy, names),
            untouched: untouched(policy, names),
        }
    }
}

/// Writes out what stays out of what is written to a policy; `None` if no policy set assigns it.
fn untouched<'a>(policy: &'a PlannedPolicy, names: &'a Names) -> Option<Vec<AssignmentRecord<'a>>> {
    let mut before = policy.before.iter();
    before
        .any(|assignment| assignment.key.source == Source::PolicySets)
        .then(|| AssignmentRecord::all(&policy.untouched, names))
}

/// What became of a policy, as reports and JSON results write it.
#[derive(Debug, Serialize, Deserialize)]
pub struct PolicyLine<'a> {
    pub(super) event: Event,
    pub(super) kind: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(super) odata_type: Option<Cow<'a, str>>,
    pub(super) outcome: Outcome,
    /// Whether a write of the run, or of one that it resumes, has had its effect, or may have, unless the outcome
    /// says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<bool>,
    pub(super) before: Vec<AssignmentRecord<'a>>,
    pub(super) after: Vec<AssignmentRecord<'a>>,
    /// Of a policy that policy sets assign too: those of their assignments that stay out of what is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) untouched: Option<Vec<AssignmentRecord<'a>>>,
    #[serde(default)]
    pub(super) error: Option<Cow<'a, Reason>>,
    /// Of a policy that is pending: what is sent once it is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<Cow<'a, PendingApproval>>,
    /// Of a policy that is to get what only one can have: the id of the one that is to give it up first.
    #[serde(rename = "waitsFor", default, skip_serializing_if = "Option::is_none")]
    pub(super) waits_for: Option<Cow<'a, str>>,
    /// Of a policy that is as planned: what is to be said of it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<Cow<'a, Reason>>,
}

impl<'a> PolicyLine<'a> {
    /// Writes out what became of a policy.
    pub fn new(policy: &'a PlannedPolicy, settled: &'a PolicyResult, names: &'a Names) -> Self {
        let record = settled.reason.as_ref().map(Cow::Borrowed);
        let (error, note) = match settled.outcome.is_good() {
            true => (None, record),
            false => (record, None),
        };
        let written = settled.written || policy.is_begun();
        Self {
            event: Event::Policy,
            kind: policy.kind.name().into(),
            id: policy.id.as_str().into(),
            name: Some((&*policy.name).into()),
            odata_type: policy.odata_type.as_deref().map(Cow::Borrowed),
            outcome: settled.outcome,
            written: match settled.outcome {
                Outcome::Applied => None,
                Outcome::Failed => Some(written),
                Outcome::Already | Outcome::Pending | Outcome::Stale | Outcome::Skipped => {
                    written.then_some(true)
                }
            },
            before: AssignmentRecord::found(policy, &policy.recorded, names),
            after: AssignmentRecord::planned(policy, names),
            untouched: untouched(policy, names),
            error,
            approval: settled.approval.as_deref().map(Cow::Borrowed),
            waits_for: settled.waits_for.as_deref().map(Cow::Borrowed),
            note,
        }
    }
}

/// How the run ended.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndLine {
    event: Event,
    pub(super) exit_code: u8,
    #[serde(default)]
    summary: OutcomeCounts,
    #[serde(default)]
    pub(super) requests: RequestCounts,
    #[serde(default)]
    pub(super) elapsed_ms: u64,
}

impl EndLine {
    pub(super) fn new(
        exit_code: u8,
        results: &Results,
        requests: RequestCounts,
        elapsed_ms: u64,
    ) -> Self {
        Self {
            event: Event::End,
            exit_code,
            summary: OutcomeCounts::new(results),
            requests,
            elapsed_ms,
        }
    }
}

/// How many policies had which outcome.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OutcomeCounts {
    applied: usize,
    already: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pending: usize,
    failed: usize,
    stale: usize,
    skipped: usize,
}

// Serde wants a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl OutcomeCounts {
    /// Counts.
    pub fn new(results: &Results) -> Self {
        Self {
            applied: results.count(Outcome::Applied),
            already: results.count(Outcome::Already),
            pending: results.count(Outcome::Pending),
            failed: results.count(Outcome::Failed),
            stale: results.count(Outcome::Stale),
            skipped: results.count(Outcome::Skipped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads a report may write it again: another version's codes stay.
    #[test]
    fn a_reason_that_was_read_is_written_as_it_was() {
        for code in ["interrupted", "BadRequest", "ofAnotherVersion", ""] {
            let written =
                format!(r#"{{"code":"{code}","status":400,"message":"m","requestId":"r"}}"#);
            let read: Reason = serde_json::from_str(&written).expect("a reason");
            let again = serde_json::to_string(&read);
            assert_eq!(again.expect("JSON"), written);
        }
    }
}
