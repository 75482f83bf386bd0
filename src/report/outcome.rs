//! What became of the policies of a plan that was carried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::reason_code::ReasonCode;
use crate::graph::error::{GraphError, LastError, ServiceError};
use crate::model::{ApprovalStatus, Assignment};
use crate::plan::{Plan, PlannedPolicy};

/// What became of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Written, read back, and as planned.
    Applied,
    /// As planned before anything was written.
    Already,
    /// Its write waits for a second administrator's approval.
    Pending,
    /// Not as planned, or not known to be; the reason says more.
    Failed,
    /// Changed by someone else since the plan was made; not written.
    Stale,
    /// Not tried.
    Skipped,
}

impl Outcome {
    /// Every outcome, in the order in which they are counted.
    pub const ALL: [Self; 6] = [
        Self::Applied,
        Self::Already,
        Self::Pending,
        Self::Failed,
        Self::Stale,
        Self::Skipped,
    ];

    /// Returns the word for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the policy is as planned.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Applied | Self::Already)
    }
}

/// Why a policy is not as planned; reports hold it so.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Graph's error code, or a word of ours.
    pub code: ReasonCode,
    /// The HTTP status, where the service answered.
    #[serde(default)]
    pub status: Option<u16>,
    /// The sentence for people.
    #[serde(default)]
    pub message: String,
    /// The id that Microsoft's support asks for.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Whether a permission was missing. That decided the run's exit code, which is recorded.
    #[serde(skip)]
    pub is_refusal: bool,
}

impl Reason {
    pub(crate) fn new(code: ReasonCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status: None,
            message: message.into(),
            request_id: None,
            is_refusal: false,
        }
    }

    pub(crate) fn from_service(error: &ServiceError) -> Self {
        Self {
            code: match &*error.code {
                "" => ReasonCode::HttpError,
                code => ReasonCode::Other(code.to_owned()),
            },
            status: Some(error.status),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            is_refusal: error.is_forbidden(),
        }
    }

    pub(crate) fn from_graph(code: ReasonCode, error: &GraphError) -> Self {
        match error {
            GraphError::Service { error, .. } => Self::from_service(error),
            GraphError::SignIn(error) => Self {
                is_refusal: true,
                ..Self::new(ReasonCode::SignInFailed, error.to_string())
            },
            GraphError::GivenUp {
                last: LastError::Service(last),
                ..
            } => Self {
                status: Some(last.status),
                request_id: last.request_id.clone(),
                ..Self::new(code, error.to_string())
            },
            other => Self {
                is_refusal: other.is_refusal(),
                ..Self::new(code, other.to_string())
            },
        }
    }
}

/// Says what a rollback could not restore, of a policy that is as planned all the same.
pub(crate) fn policy_set_assignments_missing(assignments: &str) -> Reason {
    let message = format!("policy sets assigned before the run what is missing now: {assignments}");
    Reason::new(ReasonCode::PolicySetAssignmentsMissing, message)
}

/// A write that was filed for approval: once approved, it is sent again as it is, with the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingApproval {
    /// The id of the request for approval.
    pub code: String,
    /// When it was filed, if that is known.
    pub filed_at: String,
    /// When it expires.
    pub expires_at: String,
    /// The write's method.
    pub method: String,
    /// Its path below the version root.
    pub path: String,
    /// Its body, to the byte.
    pub body: Option<String>,
    /// Who filed it: a person's object id, or an application's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl PendingApproval {
    /// Whether it is known that someone else than this identity filed it.
    #[must_use]
    pub fn is_of_another(&self, identity: Option<&str>) -> bool {
        let filed_by = self.identity.as_deref();
        filed_by
            .zip(identity)
            .is_some_and(|(filed_by, own)| !filed_by.eq_ignore_ascii_case(own))
    }
}

/// A write that the service may file for approval. A run that is killed before the answer is known
/// leaves this, by which its request is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilingAttempt {
    /// When it was about to leave.
    pub sent_at: String,
    /// What was said of it.
    pub justification: String,
    /// The write's method.
    pub method: String,
    /// Its path below the version root.
    pub path: String,
    /// Its body, to the byte.
    pub body: Option<String>,
    /// Who filed it: a person's object id, or an application's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl FilingAttempt {
    /// Returns what it became: a request that waits.
    pub fn filed(self, code: String, filed_at: String, expires_at: String) -> PendingApproval {
        let Self {
            sent_at: _,
            justification: _,
            method,
            path,
            body,
            identity,
        } = self;
        PendingApproval {
            code,
            filed_at,
            expires_at,
            method,
            path,
            body,
            identity,
        }
    }
}

/// What is announced of a write besides the policy that it changes.
#[derive(Clone, Copy, Debug)]
pub enum Announced<'a> {
    /// Nothing: it is not about approval.
    Write,
    /// It may be filed for approval.
    Filing(&'a FilingAttempt),
    /// It was filed and approved.
    Approved(&'a PendingApproval),
}

/// What became of a request that was to be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is withdrawn.
    Done,
    /// There was nothing to withdraw: this had become of it.
    Closed(ApprovalStatus),
    /// It may still be open.
    Failed(Reason),
}

/// A policy that is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyResult {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, unless it is as planned.
    pub reason: Option<Reason>,
    /// Whether a write of the run, or of one that it resumes, has had its effect, or may have.
    pub written: bool,
    /// What was filed for approval and not used: what waits, or what this run did not come to.
    pub approval: Option<Box<PendingApproval>>,
    /// The id of the policy that is to give up first what this one is to get.
    pub waits_for: Option<String>,
}

impl PolicyResult {
    /// Whether the run has changed the policy, or may have.
    pub fn may_be_written(&self) -> bool {
        self.written || self.outcome == Outcome::Applied
    }

    /// Adds what is to be said of it, if it is as planned and nothing else is said.
    #[must_use]
    pub(crate) fn noted(mut self, note: Option<&Reason>) -> Self {
        if self.outcome.is_good() && self.reason.is_none() {
            self.reason = note.cloned();
        }
        self
    }

    pub(crate) fn as_planned(outcome: Outcome) -> Self {
        Self {
            outcome,
            reason: None,
            written: false,
            approval: None,
            waits_for: None,
        }
    }

    pub(crate) fn not_as_planned(outcome: Outcome, reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::as_planned(outcome)
        }
    }

    pub(crate) fn failed(reason: Reason) -> Self {
        Self::not_as_planned(Outcome::Failed, reason)
    }

    pub(crate) fn pending(reason: Reason) -> Self {
        Self::not_as_planned(Outcome::Pending, reason)
    }

    pub(crate) fn skipped(reason: Reason) -> Self {
        Self::not_as_planned(Outcome::Skipped, reason)
    }

    pub(crate) fn stale(reason: Reason) -> Self {
        Self::not_as_planned(Outcome::Stale, reason)
    }
}

/// What became of a plan's changed policies, in the plan's order.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// One for each changed policy.
    pub settled: Vec<PolicyResult>,
    /// The indexes of those that were set aside: the run did not try to write them.
    pub set_aside: BTreeSet<usize>,
    /// Whether someone stopped the run.
    pub interrupted: bool,
    /// Policies that are not part of the plan, and why.
    pub skipped: Vec<(PlannedPolicy, PolicyResult)>,
    /// Why the report could not be kept; nothing was written from then on.
    pub report_failure: Option<String>,
    /// The policies that moved since the plan was saved, which is why nothing was tried.
    pub moved: Vec<Moved>,
}

/// A policy that is not as a saved plan found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The policy's place among the plan's changed policies.
    pub index: usize,
    /// Its assignments now; `None` if it does not exist any more.
    pub live: Option<Vec<Assignment>>,
}

impl Results {
    /// Returns how many policies had an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        let all = self.each();
        all.filter(|settled| settled.outcome == outcome).count()
    }

    fn each(&self) -> impl Iterator<Item = &PolicyResult> {
        let skipped = self.skipped.iter().map(|(_, settled)| settled);
        self.settled.iter().chain(skipped)
    }

    /// Returns what became of the policies that were not set aside.
    pub fn not_set_aside(&self) -> impl Iterator<Item = &PolicyResult> {
        let settled = self.settled.iter().enumerate();
        let rest = settled.filter(|(number, _)| !self.set_aside.contains(number));
        rest.map(|(_, settled)| settled)
    }

    /// Returns the policies that have settled: those of the plan in its order, then the others.
    pub fn all<'a>(
        &'a self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (&'a PlannedPolicy, &'a PolicyResult)> {
        let skipped = self
            .skipped
            .iter()
            .map(|(policy, settled)| (policy, settled));
        plan.changed().zip(&self.settled).chain(skipped)
    }

    /// Returns the policies that moved since the plan was saved, with their assignments now, if they
    /// still exist.
    pub fn moved<'a>(
        &'a self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (&'a PlannedPolicy, Option<&'a [Assignment]>)> {
        let changed = plan.changed().enumerate();
        changed.filter_map(|(index, policy)| {
            let moved = self.moved.iter().find(|moved| moved.index == index)?;
            Some((policy, moved.live.as_deref()))
        })
    }

    /// Whether there was no policy.
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }

    /// Whether every policy is as planned.
    pub fn is_good(&self) -> bool {
        self.each().all(|settled| settled.outcome.is_good())
    }

    /// Whether every policy is as planned or waits for approval.
    pub fn is_good_or_pending(&self) -> bool {
        let is_fine = |settled: &PolicyResult| {
            settled.outcome.is_good() || settled.outcome == Outcome::Pending
        };
        self.each().all(is_fine)
    }

    /// Whether there was no token any more, or writes were tried and every one of them was refused
    /// for lack of permission.
    pub fn is_refusal(&self) -> bool {
        let signed_out = |reason: &Reason| reason.code == ReasonCode::SignInFailed;
        let mut reasons = self
            .not_set_aside()
            .filter_map(|settled| settled.reason.as_ref());
        if reasons.any(signed_out) {
            return true;
        }
        let mut refused = 0;
        for settled in self.not_set_aside() {
            match (settled.outcome, &settled.reason) {
                (Outcome::Failed, Some(reason)) if reason.is_refusal && !settled.written => {
                    refused += 1;
                }
                // What was never written says nothing of what writes come to.
                (Outcome::Already | Outcome::Skipped | Outcome::Stale, _) => {}
                _ => return false,
            }
        }
        refused > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(is_refusal: bool) -> PolicyResult {
        let reason = Reason {
            is_refusal,
            ..Reason::new(ReasonCode::Other("Forbidden".to_owned()), "no")
        };
        PolicyResult::not_as_planned(Outcome::Failed, reason)
    }

    /// A policy that was set aside says nothing about how the writes went.
    #[test]
    fn what_was_set_aside_is_not_taken_for_a_write() {
        let results = |settled: [PolicyResult; 2]| Results {
            settled: settled.into(),
            set_aside: BTreeSet::from([1]),
            ..Results::default()
        };
        let already = || PolicyResult::as_planned(Outcome::Already);
        assert!(results([failed(true), failed(false)]).is_refusal());
        assert!(!results([failed(false), failed(true)]).is_refusal());
        assert!(!results([already(), failed(true)]).is_refusal());
        let begun = PolicyResult {
            written: true,
            ..failed(false)
        };
        let settled = results([already(), begun]);
        assert!(!settled.not_set_aside().any(PolicyResult::may_be_written));
    }
}
