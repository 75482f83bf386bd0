//! How far the work on one policy has come, and the ways in which it can end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::capabilities::{Capability, Probe};
use super::request::request;
use super::staleness::deleted;
use super::{Outcome, PolicyResult, Reason, ReasonCode};
use crate::graph::error::{GraphError, ServiceError};
use crate::graph::write_request::{WriteRequest, has_unmodelled_properties};
use crate::graph::writer::ApprovalHeader;
use crate::model::{Assignment, LiveAssignment};
use crate::plan::writes::{Step, StepAction};
use crate::plan::{Change, PlannedPolicy};
use crate::report::PendingApproval;

/// What was seen of a policy, and when.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) live: Vec<LiveAssignment>,
    pub(super) assignments: Vec<Assignment>,
    /// When the look was begun, and when it was answered.
    pub(super) asked: Instant,
    pub(super) at: Instant,
}

/// What the service sent of assignments before they changed, where that says more than what they mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) all: Vec<LiveAssignment>,
    /// How many of them the report has.
    pub(super) said: usize,
    /// The first refusal of what the program does not know of them.
    pub(super) refused: Option<Reason>,
}

impl Found {
    /// Returns what the report does not have yet.
    pub(super) fn unsaid(&self) -> &[LiveAssignment] {
        self.all.get(self.said..).unwrap_or_default()
    }
}

/// A write as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) request: WriteRequest,
    pub(super) header: ApprovalHeader,
    pub(super) at: Timestamp,
    pub(super) step: Step,
    /// What was seen of the policy right before.
    pub(super) before: Seen,
}

impl Sent {
    pub(super) fn is_approved(&self) -> bool {
        matches!(self.header, ApprovalHeader::Code(_))
    }
}

/// How far the work on a policy has come.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) steps: Vec<Step>,
    /// How many steps are done and seen to be done.
    pub(super) done: usize,
    /// How many of them this run has written and seen done.
    pub(super) own: usize,
    /// Whether a write of ours has had, or may have had, its effect.
    pub(super) touched: bool,
    /// Tries of the present step whose outcome no one knew.
    pub(super) unknown: u32,
    /// What was sent last.
    pub(super) tried: Option<Arc<Sent>>,
    /// Whether a request for the policy was completed while this run worked on it.
    pub(super) completed: bool,
    /// What was sent with its code and taken, as long as it was not seen done.
    pub(super) used: Option<PendingApproval>,
    /// How often a write was refused because an earlier change had not settled.
    pub(super) busy: u32,
    /// Whether a write was refused for its token, and another was got.
    pub(super) renewed: bool,
    pub(super) seen: Option<Seen>,
    /// What the service sent of assignments that change.
    pub(super) found: Found,
    /// Do not retry before this time, as the service asked.
    pub(super) not_before: Option<Instant>,
    /// What this policy is finding out for all.
    pub(super) probe: Option<Probe>,
    /// Whether an earlier run of the same plan has begun.
    pub(super) resumes: bool,
    /// Whether it has written to the policy, or may have.
    pub(super) is_begun: bool,
    /// What is put back, since the step that it made room for had no effect.
    pub(super) put_back: Option<PutBack>,
    /// Whether what only one policy can have was seen to be free.
    pub(super) is_free: bool,
    /// Whether the current step omits unknown properties.
    pub(super) bare: bool,
}

/// The way back from a step that had no effect to what it was to replace.
#[derive(Debug)]
pub(super) struct PutBack {
    /// Why the step had none.
    pub(super) reason: Reason,
    /// The steps of the plan, and which of them had none.
    pub(super) planned: (Vec<Step>, usize),
    /// How many of its own steps are kept.
    pub(super) kept: usize,
}

impl Progress {
    /// Starts over with other steps; none of the earlier ones has had an effect.
    pub(super) fn restart_with(&mut self, steps: Vec<Step>) {
        self.steps = steps;
        self.done = 0;
        self.own = 0;
        self.bare = false;
        self.found.refused = None;
    }

    /// Keeps what the service sent of assignments that change, so that what comes in their place, or they
    /// themselves later, have what else was said of them.
    pub(super) fn remember(&mut self, policy: &PlannedPolicy, live: &[LiveAssignment]) {
        let odata_type = policy.odata_type.as_deref();
        for live in live {
            let mut changes = policy.changes.iter().filter_map(Change::before);
            let mut known = self.found.all.iter();
            if changes.any(|before| *before == live.assignment)
                && !known.any(|known| known.assignment == live.assignment)
                && has_unmodelled_properties(policy.kind, odata_type, live)
            {
                self.found.all.push(live.clone());
            }
        }
    }

    /// Returns the assignments that the policy had, with what the service sent of them.
    pub(super) fn earlier(&self, policy: &PlannedPolicy) -> Vec<LiveAssignment> {
        let all = policy.recorded.iter().chain(&self.found.all);
        all.cloned().collect()
    }

    /// Tries the present step again without what the program does not know of assignments, if that is what was
    /// refused: an assignment without it is more than none. Not without an intent, which may say the opposite of
    /// what stays. `false` if nothing can be left out.
    pub(super) fn retry_without_unknown_properties(
        &mut self,
        policy: &PlannedPolicy,
        sent: &Sent,
        error: &ServiceError,
    ) -> bool {
        let earlier = self.earlier(policy);
        let carried: Vec<&LiveAssignment> = match &sent.step.action {
            StepAction::Create(new) => {
                let same_key = |earlier: &&LiveAssignment| earlier.assignment.key == new.key;
                earlier.iter().filter(same_key).collect()
            }
            // What is live is sent as it is.
            StepAction::Assign => policy.recorded.iter().collect(),
            StepAction::Delete(_) => Vec::new(),
        };
        let is_intent = |carried: &&LiveAssignment| {
            let intent = carried.raw.get("intent");
            carried.assignment.key.variant.is_none()
                && intent.is_some_and(|intent| intent != "apply")
        };
        if self.bare || !error.is_about_properties() || carried.iter().any(is_intent) {
            return false;
        }
        // Only its body is compared, wherever it goes.
        let without = request(
            policy,
            &sent.step,
            &sent.before.live,
            (&earlier, true),
            false,
        );
        let leaves_out = without.is_ok_and(|without| !without.has_body_of(&sent.request));
        if leaves_out {
            self.bare = true;
            let first = &mut self.found.refused;
            first.get_or_insert_with(|| Reason::from_service(error));
        }
        leaves_out
    }

    /// Says that a policy is as planned but for what the program does not know.
    pub(super) fn unknown_properties_note(&self) -> Option<Reason> {
        self.found.refused.clone().map(|refused| {
            let message = format!(
                "the service refused properties that assignctl does not know; the assignments were restored without them: {}",
                refused.message
            );
            Reason {
                status: refused.status,
                request_id: refused.request_id,
                ..Reason::new(ReasonCode::UnknownLeftOut, message)
            }
        })
    }

    /// Notes that the present step is done and was seen done.
    pub(super) fn seen_done(&mut self) {
        self.done += 1;
        self.own = self.done;
        self.unknown = 0;
        self.used = None;
        // The next may be taken with all that it had.
        self.bare = false;
    }

    /// Whether a write was sent that the service may have filed for approval.
    pub(super) fn may_be_filed(&self) -> bool {
        let tried = self.tried.as_ref();
        tried.is_some_and(|sent| matches!(sent.header, ApprovalHeader::Justification(_)))
    }

    /// Tells the others what was found out, if this policy was to find it out.
    pub(super) fn learn(&mut self, found: Capability) {
        if found != Capability::Unknown
            && let Some(probe) = self.probe.take()
        {
            probe.learn(found);
        }
    }
}

/// `Ok` if there is more to do; `Err` with the final result.
pub(super) type Next = Result<(), PolicyResult>;

/// A policy that does not exist any more; `answer` is what a write to it was answered.
pub(super) fn gone(answer: Option<&ServiceError>) -> PolicyResult {
    PolicyResult::stale(Reason {
        status: answer.map(|error| error.status),
        request_id: answer.and_then(|error| error.request_id.clone()),
        ..deleted()
    })
}

pub(super) fn dropped_elsewhere(progress: &Progress) -> PolicyResult {
    // A try that had no effect was a try all the same.
    let outcome = if progress.touched {
        Outcome::Failed
    } else {
        Outcome::Skipped
    };
    PolicyResult::not_as_planned(
        outcome,
        Reason::new(
            ReasonCode::PolicySetAssignmentsDropped,
            "the service dropped assignments of a policy set from another policy in this run, and this one has such assignments too",
        ),
    )
}

pub(super) fn policy_set_assignments_unclear(progress: &Progress) -> PolicyResult {
    not_done(
        progress,
        Reason::new(
            ReasonCode::PolicySetAssignmentsUnknown,
            "the policy has assignments from a policy set, and the first writes to such policies did not show whether the service keeps them",
        ),
    )
}

/// What is not done for a reason that is not a verdict on the policy.
pub(super) fn not_done(progress: &Progress, reason: Reason) -> PolicyResult {
    if progress.is_clear() {
        PolicyResult::failed(reason)
    } else if progress.touched {
        PolicyResult::failed(unverified(&reason.message))
    } else {
        PolicyResult::skipped(reason)
    }
}

pub(super) fn wait_too_long(message: String) -> Reason {
    Reason::new(ReasonCode::WaitTooLong, message)
}

/// Why a policy could not be read.
pub(super) fn read_failed(error: &GraphError) -> Reason {
    match error {
        GraphError::Wait { .. } => wait_too_long(error.to_string()),
        error => Reason::from_graph(ReasonCode::ReadFailed, error),
    }
}

pub(super) fn unverified(message: &str) -> Reason {
    Reason::new(ReasonCode::Unverified, message)
}

pub(super) fn interrupted_unverified() -> PolicyResult {
    PolicyResult::failed(unverified(
        "the run was interrupted before the policy could be read back",
    ))
}
