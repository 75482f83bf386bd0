//! What a report says that its run did, as `rollback`, `drift --since` and `show` take it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::outcome::{FilingAttempt, Outcome, PendingApproval, Reason};
use crate::graph::observe::RequestCounts;
use crate::kinds::AssignmentProperties;
use crate::model::{Assignment, AssignmentKey, LiveAssignment, PolicyKind, SharedText};
use crate::plan::saved::{PlannedTenant, UnmanagedRecord};
use crate::plan::{Names, repairs};

/// What a run left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// When the run began, before it had read anything; `None` if the report does not say.
    pub started_at: Option<Timestamp>,
    /// The digest of the plan that was carried out; `None` if there was no plan.
    pub digest: Option<String>,
    /// The tenant; `None` if the token did not name it, or where the run ended before its start.
    pub tenant_id: Option<String>,
    /// The tenant as manifests name it, if they name their tenants.
    pub tenant: Option<PlannedTenant>,
    /// The service's URL.
    pub graph_url: String,
    /// The policies of the run, by kind and id.
    pub policies: Vec<RecordedPolicy>,
    /// The ids of the requests that wrote, in lower case.
    pub client_request_ids: BTreeSet<String>,
    /// The names of groups and filters, as the run knew them.
    pub names: Names,
    /// Digests of the assignments of every managed policy as the run found it, by kind and id, as the
    /// report writes them; `None` if there was no plan.
    pub managed: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Those of them that were not as the run wanted them, by kind and id; `None` if the report
    /// does not tell.
    pub pending: Option<BTreeMap<String, BTreeSet<String>>>,
    /// The policies that no manifest managed; `None` if the report does not say.
    pub unmanaged: Option<UnmanagedRecord>,
    /// Whether the run looked at a part of the managed policies only.
    pub partial: bool,
    /// The exit code; `None` if the run was killed.
    pub exit_code: Option<u8>,
    /// What went over the wire, if the run was not killed.
    pub requests: RequestCounts,
    /// How long the run took, if it was not killed.
    pub elapsed: Duration,
}

/// What became of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedPolicy {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id.
    pub id: String,
    /// The policy's display name, where the report has it.
    pub name: Option<String>,
    /// Whether another policy of its kind has the same name, or one that looks the same.
    pub shares_name: bool,
    /// The policy's type, without its prefix, if the report has it.
    pub odata_type: Option<SharedText>,
    /// What the run said of remediations that repair.
    pub remediation: Vec<(AssignmentKey, bool)>,
    /// What is known of them before the run.
    pub known_before: Vec<(AssignmentKey, bool)>,
    /// What the service had sent of assignments that the run changed, where the report has it.
    pub recorded: Vec<LiveAssignment>,
    /// The assignments before, sorted.
    pub before: Vec<Assignment>,
    /// The assignments that were planned, sorted.
    pub after: Vec<Assignment>,
    /// Assignments of policy sets that stay out of what is written; `None` if there are none or the report does not
    /// say.
    pub untouched: Option<Vec<Assignment>>,
    /// Whether a write was announced.
    pub sent: bool,
    /// What became of it; `None` if the run was killed before that was known.
    pub outcome: Option<Outcome>,
    /// Whether a write of the run, or of one that it resumes, has had its effect, or may have; `None` if the report
    /// does not say.
    pub written: Option<bool>,
    /// Why it is not as planned.
    pub reason: Option<Reason>,
    /// What was filed for approval and not used.
    pub approval: Option<PendingApproval>,
    /// What was sent last that the service may have filed.
    pub filing: Option<FilingAttempt>,
    /// The id of the policy that is to give up first what this one is to get.
    pub waits_for: Option<String>,
}

impl Recorded {
    /// Whether the run had a plan. Otherwise the report does not name the tenant, and the
    /// run has changed nothing in any.
    pub fn has_plan(&self) -> bool {
        self.digest.is_some() || self.managed.is_some() || !self.policies.is_empty()
    }

    /// How many policies a report without an end lacks: the run was killed before their turn, or the file was cut off.
    pub fn lacking(&self) -> usize {
        match self.exit_code {
            None => self.unmentioned(),
            Some(_) => 0,
        }
    }

    /// How many policies the run meant to change that the report says nothing of.
    pub fn unmentioned(&self) -> usize {
        let policies = self.policies.iter();
        let there: BTreeSet<(&str, &str)> = policies
            .map(|policy| (policy.kind.name(), &*policy.id))
            .collect();
        let pending = self.pending.iter().flatten();
        let pending = pending.flat_map(|(kind, ids)| ids.iter().map(move |id| (&**kind, &**id)));
        pending.filter(|policy| !there.contains(policy)).count()
    }

    /// Whether the run was carried out: it sent a write, or had none to send. Only such a run knows how
    /// it left the tenant; one that was refused knows what it found.
    pub fn was_carried_out(&self) -> bool {
        self.has_plan()
            && (self.exit_code == Some(0) || self.policies.iter().any(|policy| policy.sent))
    }
}

impl RecordedPolicy {
    /// Whether the run has filed a request for approval, or may have.
    pub fn may_be_filed(&self) -> bool {
        self.approval.is_some() || self.unknown_filing().is_some()
    }

    /// Whether an assignment was to repair; `None` if the policy is not a remediation.
    pub fn repairs(&self, assignment: &Assignment) -> Option<bool> {
        if self.kind.spec().properties != AssignmentProperties::Remediation {
            return None;
        }
        Some(repairs(&self.remediation, &assignment.key))
    }

    /// Whether the report only takes over what an earlier run may have filed.
    pub fn is_taken_over(&self) -> bool {
        !self.sent && self.filing.is_some()
    }

    /// Returns the write that may have been filed without the run having learnt the code.
    pub fn unknown_filing(&self) -> Option<&FilingAttempt> {
        let may_be = match self.outcome {
            _ if self.is_taken_over() => true,
            // It may have become as planned while a request for it is open.
            None | Some(Outcome::Pending | Outcome::Applied | Outcome::Already) => true,
            Some(Outcome::Failed) => self.written != Some(false),
            Some(Outcome::Stale | Outcome::Skipped) => false,
        };
        self.filing
            .as_ref()
            .filter(|_| may_be && self.approval.is_none())
    }

    /// Whether the run, or one that it resumes, has changed the policy, or may have.
    pub fn may_be_changed(&self) -> bool {
        match self.outcome {
            Some(Outcome::Applied) => true,
            Some(Outcome::Already | Outcome::Pending | Outcome::Stale | Outcome::Skipped) => {
                self.written == Some(true)
            }
            Some(Outcome::Failed) | None => self.written.unwrap_or(self.sent),
        }
    }
}
