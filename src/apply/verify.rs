//! Looking at a policy after it was written, until it shows what was written.
//!
//! Reads lag behind writes for a time that is not documented, so that one look that shows the old
//! state proves nothing. Several do, and only then is a write of unknown outcome tried again.
//!
//! The service has no way to write only what has not changed since it was read (no ETag was ever
//! seen for Intune). Another run that looked just before our write may write just after it, and
//! neither would know. So the first look back comes only once as much time has passed as our own
//! look and write took together: by then the other's write is there to be seen, unless it is more
//! than three times as slow as ours.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::capabilities::Capability;
use super::progress::{
    Next, Progress, Seen, Sent, interrupted_unverified, not_done, unverified, wait_too_long,
};
use super::{Outcome, PolicyResult, Reason, ReasonCode, Worker, acquire};
use crate::graph::retry::{
    MAX_FIRST_READ_BACK_DELAY, READ_BACK_DELAYS, READ_BACKS_AFTER_UNKNOWN, READ_BACKS_THAT_AGREE,
    SLOW_READ_BACK_DELAYS, WRITE_TRIES,
};
use crate::model::{Assignment, same_assignments};
use crate::plan::PlannedPolicy;
use crate::plan::writes::{Step, WriteWith};

/// What came of looking at a policy that was just written.
enum ReadBackResult {
    /// It shows what was written.
    Shown(Seen),
    /// It does not.
    NotShown {
        /// What was seen last, or why it could not be read.
        last: Result<Seen, Reason>,
        /// Whether it has shown the old state often enough to say that the write had no effect.
        had_no_effect: bool,
    },
}

impl Worker<'_> {
    /// Reads back after a write that the service took.
    pub(super) async fn read_back(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        Sent { step, before, .. }: &Sent,
    ) -> Next {
        let first = before.asked.elapsed().min(MAX_FIRST_READ_BACK_DELAY);
        match self.watch(policy, step, first, None).await? {
            ReadBackResult::Shown(seen) => {
                shown(progress, seen);
                Ok(())
            }
            // The service took it, and shows it late.
            ReadBackResult::NotShown { last: Ok(seen), .. }
                if policy.kind.spec().eventual
                    && (same_assignments(&before.assignments, &seen.assignments)
                        || same_assignments(&step.after, &seen.assignments)) =>
            {
                Err(PolicyResult {
                    reason: Some(Reason::new(
                        ReasonCode::NotVisibleYet,
                        "the service accepted the write but does not show it yet, which is normal for this kind",
                    )),
                    ..PolicyResult::as_planned(Outcome::Applied)
                })
            }
            ReadBackResult::NotShown { last, .. } => {
                Err(self.read_back_failure(policy, progress, last))
            }
        }
    }

    /// Reads back after a write of unknown outcome: either it shows, or it is tried again.
    pub(super) async fn settle_unknown(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        sent: &Sent,
        reason: &str,
    ) -> Next {
        if self.shows_after_all(policy, progress, sent).await? {
            return Ok(());
        }
        if progress.unknown >= WRITE_TRIES {
            self.release_inconclusive_probe(progress);
            let reason = Reason::new(
                ReasonCode::GivenUp,
                format!("gave up after {WRITE_TRIES} tries, none of which had an effect: {reason}"),
            );
            // A write that may have been filed for approval has to be looked for.
            if !progress.may_be_filed() && progress.put_back(&policy.before, &reason) {
                return Ok(());
            }
            return Err(PolicyResult::failed(reason));
        }
        // The first try may show later than anyone waits. A second create would make a
        // second assignment then; the complete set comes to the same however often it is
        // sent. A kind without it is looked at again before each create.
        if sent.step.action.created().is_some()
            && self.settings.write_with == WriteWith::Auto
            && policy.kind.spec().writing.has_whole_set()
            && self.approvals.filed(policy).is_none()
        {
            self.choose_without_create(policy, progress);
        }
        let asked = progress.not_before.take();
        let asked = asked.map(|at| at.saturating_duration_since(Instant::now()));
        let asked = asked.unwrap_or_default();
        if asked > self.writer.longest_wait() {
            let message = format!("the service asks to wait for {} s", asked.as_secs());
            return Err(not_done(progress, wait_too_long(message)));
        }
        self.writer.count_retried();
        let backoff = self.writer.backoff(progress.unknown);
        self.sleep(backoff.max(asked), self.interrupt).await
    }

    /// Looks back after a write that seems to have had no effect: whether it shows.
    async fn shows_after_all(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        sent: &Sent,
    ) -> Result<bool, PolicyResult> {
        let watched = self.watch(policy, &sent.step, Duration::ZERO, Some(&sent.before));
        match watched.await? {
            ReadBackResult::Shown(seen) => {
                shown(progress, seen);
                Ok(true)
            }
            ReadBackResult::NotShown {
                had_no_effect: true,
                ..
            } => Ok(false),
            ReadBackResult::NotShown { last, .. } => {
                Err(self.read_back_failure(policy, progress, last))
            }
        }
    }

    /// Puts back what made room for a step, unless that shows after all.
    pub(super) async fn put_back_unless_shown(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        sent: &Sent,
        reason: Reason,
    ) -> Next {
        let shows = self.shows_after_all(policy, progress, sent).await?;
        if shows || progress.put_back(&policy.before, &reason) {
            return Ok(());
        }
        Err(PolicyResult::failed(reason))
    }

    /// Looks at a policy again and again, `first` from now and later. `unknown_since` is what was seen before a write of
    /// unknown outcome; after a write that the service took, the old state only means a lag.
    async fn watch(
        &self,
        policy: &PlannedPolicy,
        step: &Step,
        first: Duration,
        unknown_since: Option<&Seen>,
    ) -> Result<ReadBackResult, PolicyResult> {
        let mut last = Err(unverified("it was not looked at"));
        let eventual = policy.kind.spec().eventual;
        let needed = if eventual { READ_BACKS_THAT_AGREE } else { 1 };
        let mut agreeing = 0;
        for (number, wait) in looks(first, eventual).enumerate() {
            let look = self.look_again(policy, wait).await?;
            let is_unchanged = |seen: &Seen| {
                unknown_since
                    .is_some_and(|before| same_assignments(&before.assignments, &seen.assignments))
            };
            if number >= READ_BACKS_AFTER_UNKNOWN && look.as_ref().is_ok_and(is_unchanged) {
                return Ok(ReadBackResult::NotShown {
                    last: look,
                    had_no_effect: true,
                });
            }
            match look {
                Ok(seen) if same_assignments(&step.after, &seen.assignments) => {
                    agreeing += 1;
                    if agreeing >= needed {
                        return Ok(ReadBackResult::Shown(seen));
                    }
                    last = Ok(seen);
                }
                other => {
                    agreeing = 0;
                    // No other policy is to lose such assignments while this one is looked at further.
                    if other
                        .as_ref()
                        .is_ok_and(|seen| lost_only(policy, step, seen))
                    {
                        self.capabilities.note_dropped_assignments();
                    }
                    last = other;
                }
            }
        }
        Ok(ReadBackResult::NotShown {
            last,
            had_no_effect: false,
        })
    }

    /// Whether what a step should bring is to be seen.
    pub(super) async fn shows(&self, policy: &PlannedPolicy, step: &Step, most: usize) -> bool {
        for wait in looks(Duration::ZERO, false).take(most) {
            match self.look_again(policy, wait).await {
                Ok(Ok(seen)) if same_assignments(&step.after, &seen.assignments) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Looks at a policy that was just written.
    async fn look_again(
        &self,
        policy: &PlannedPolicy,
        wait: Duration,
    ) -> Result<Result<Seen, Reason>, PolicyResult> {
        self.sleep(wait, self.overdue).await?;
        let _sending = acquire(&self.sending).await;
        if self.overdue.is_cancelled() {
            return Err(interrupted_unverified());
        }
        match self.look(self.look_back, policy, None).await {
            Ok(Some(seen)) => Ok(Ok(seen)),
            Ok(None) => Err(PolicyResult::failed(unverified("the policy is gone"))),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Sleeps, unless what was to come after it may not be sent any more.
    async fn sleep(&self, wait: Duration, end: &CancellationToken) -> Next {
        tokio::select! {
            biased;
            () = end.cancelled() => Err(interrupted_unverified()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Says why a policy does not show what was written.
    fn read_back_failure(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        last: Result<Seen, Reason>,
    ) -> PolicyResult {
        let message = match last {
            Ok(seen) => {
                let lost = |assignment| !seen.assignments.contains(assignment);
                if policy.untouched.iter().any(lost) {
                    self.capabilities.note_dropped_assignments();
                    progress.learn(Capability::Fails);
                    return PolicyResult::failed(Reason::new(
                        ReasonCode::PolicySetAssignmentsDropped,
                        "the service dropped the policy's assignments that come from a policy set; no other policy with such assignments is written in this run",
                    ));
                }
                "what was written does not show when it is read back; someone else may have changed the policy".to_owned()
            }
            Err(reason) => format!("it could not be read back: {}", reason.message),
        };
        self.release_inconclusive_probe(progress);
        PolicyResult::failed(unverified(&message))
    }

    /// Lets another policy find out what this one could not.
    fn release_inconclusive_probe(&self, progress: &mut Progress) {
        if let Some(probe) = progress.probe.take() {
            self.capabilities.note_inconclusive_probe(probe);
        }
    }
}

/// Notes that a step is done and seen to be done.
fn shown(progress: &mut Progress, seen: Seen) {
    progress.learn(Capability::Works);
    progress.seen_done();
    progress.seen = Some(seen);
}

/// Whether a policy that does not show a step shows all that was written: then it lacks assignments that were to stay.
fn lost_only(policy: &PlannedPolicy, step: &Step, seen: &Seen) -> bool {
    let left: Vec<Assignment> = step
        .after
        .iter()
        .filter(|assignment| {
            seen.assignments.contains(assignment) || !policy.untouched.contains(assignment)
        })
        .cloned()
        .collect();
    same_assignments(&left, &seen.assignments)
}

/// The waits before each look at a policy.
fn looks(first: Duration, eventual: bool) -> impl Iterator<Item = Duration> {
    let further: &[Duration] = if eventual {
        &SLOW_READ_BACK_DELAYS
    } else {
        &READ_BACK_DELAYS
    };
    std::iter::once(first).chain(further.iter().copied())
}
