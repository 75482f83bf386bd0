//! How far the work on one policy has come, and the ways in which it can end.

use tokio::time::Instant;

use super::{Outcome, Reason, Settled};
use crate::model::{Assignment, LiveAssignment};
use crate::plan::writes::Step;

/// What was seen of a policy, and when.
pub(super) struct Seen {
    pub(super) live: Vec<LiveAssignment>,
    pub(super) rows: Vec<Assignment>,
    /// When the look was begun, and when it was answered.
    pub(super) asked: Instant,
    pub(super) at: Instant,
}

/// How far the work on a policy has come.
pub(super) struct Progress {
    pub(super) steps: Vec<Step>,
    /// How many steps are done and seen to be done.
    pub(super) done: usize,
    /// Whether a write of ours has had, or may have had, its effect.
    pub(super) touched: bool,
    /// Tries of the present step whose outcome nobody knew.
    pub(super) unknown: u32,
    /// Whether a write was refused for its token, and another was got.
    pub(super) renewed: bool,
    pub(super) seen: Option<Seen>,
    /// The service asked not to be tried again before.
    pub(super) not_before: Option<Instant>,
}

/// Either there is more to do, or the policy is settled.
pub(super) type Next = Result<(), Settled>;

pub(super) fn gone() -> Settled {
    Settled::bad(
        Outcome::Stale,
        Reason::new(
            "deleted",
            "the policy has been deleted since the plan was made",
        ),
    )
}

pub(super) fn dropped_elsewhere(progress: &Progress) -> Settled {
    // A try that had no effect was a try all the same.
    let outcome = if progress.touched {
        Outcome::Failed
    } else {
        Outcome::Skipped
    };
    Settled::bad(
        outcome,
        Reason::new(
            "policySetRowsDropped",
            "the service dropped assignments of a policy set from another policy in this run, and this one has such assignments too",
        ),
    )
}

/// What is not done for a reason that is no verdict on the policy.
pub(super) fn not_done(progress: &Progress, reason: Reason) -> Settled {
    if progress.touched {
        Settled::bad(Outcome::Failed, unverified(&reason.message))
    } else {
        Settled::bad(Outcome::Skipped, reason)
    }
}

pub(super) const WAIT_TOO_LONG: &str = "waitTooLong";

pub(super) fn wait_too_long(message: String) -> Reason {
    Reason::new("waitTooLong", message)
}

pub(super) fn unverified(message: &str) -> Reason {
    Reason::new("unverified", message)
}

pub(super) fn interrupted_unverified() -> Settled {
    Settled::bad(
        Outcome::Failed,
        unverified("the run was interrupted before the policy could be read back"),
    )
}
