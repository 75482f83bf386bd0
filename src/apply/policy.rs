//! One policy, from the last look before its write to the look that proves it.
//!
//! The rules, in one place:
//! - A turn in the queue of writes is had first, then the policy is read, then it is written at
//!   once. Nothing that another admin did is overwritten without having been seen.
//! - A policy that is neither as the plan found it nor on the plan's own way is stale.
//! - A write is followed by reading back until the policy shows what was written. What never
//!   shows is `unverified`.
//! - A write that the service did not take (429) or whose outcome nobody knows starts over with a
//!   new turn and a new look.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lessons::{Duty, Known};
use super::progress::{
    Next, Progress, Seen, WAIT_TOO_LONG, dropped_elsewhere, gone, interrupted_unverified, not_done,
    unverified, wait_too_long,
};
use super::{Outcome, Reason, Settled, Worker, place_in};
use crate::graph::GraphError;
use crate::graph::body::WriteRequest;
use crate::graph::retry::{FRESH, LOOKS_AFTER_UNKNOWN};
use crate::graph::write::{LookSlot, WriteSlot, Written};
use crate::kinds::{SingleRoute, Writing};
use crate::model::{LiveAssignment, PolicyKind, Source, rows, same_assignments};
use crate::plan::PlannedPolicy;
use crate::plan::writes::{CreateRoute, Step, StepAction, WriteWith, steps, steps_by, strategy};

impl Worker<'_> {
    /// Settles a policy and writes that down.
    pub(super) async fn settle(&self, policy: &PlannedPolicy) -> Settled {
        let mut progress = Progress {
            steps: steps(policy, self.settings.write_with),
            done: 0,
            touched: false,
            unknown: 0,
            renewed: false,
            seen: None,
            not_before: None,
        };
        let mut settled = loop {
            match self.step(policy, &mut progress).await {
                Ok(()) => {}
                Err(settled) => break settled,
            }
        };
        settled.written = progress.touched;
        tracing::info!(
            kind = policy.kind.name(),
            policy = policy.id,
            outcome = settled.outcome.name(),
            reason = settled
                .reason
                .as_ref()
                .map(|reason| reason.message.as_str()),
            "settled"
        );
        match self.note(|report| report.policy(policy, &settled, self.names)) {
            Ok(()) => settled,
            // What cannot be written down did not end well, whatever it was.
            Err(reason) => Settled {
                written: progress.touched,
                ..Settled::bad(Outcome::Failed, reason)
            },
        }
    }

    /// Does the next step of a policy, or finds that there is none.
    async fn step(&self, policy: &PlannedPolicy, progress: &mut Progress) -> Next {
        if progress.done == progress.steps.len() {
            return Err(Settled::good(Outcome::Applied));
        }
        self.may_go_on(policy, progress)?;
        let duty = self.learn_first(policy, progress).await?;
        let writing = place_in(&self.writing).await;
        let (look_slot, write_slot) = self.turn(progress).await?;
        let sending = place_in(&self.sending).await;
        let seen = self.look_before(policy, progress, look_slot).await?;
        // A lesson may have been learnt while this policy waited for its turn.
        self.may_go_on(policy, progress)?;
        let Some(step) = place(policy, progress, &seen)? else {
            return Err(Settled::good(if progress.touched {
                Outcome::Applied
            } else {
                Outcome::Already
            }));
        };
        // After the look, so that nothing is announced that turns out not to be sent.
        if self.end(progress).is_cancelled() {
            return Err(self.stopped(progress));
        }
        if self.writer.is_paused() {
            return Ok(());
        }
        self.note(|report| report.sending(policy, self.names))
            .map_err(|reason| not_done(progress, reason))?;
        let written = match request(policy, &step, &seen.live) {
            Ok(request) => self.writer.send(write_slot, &request).await,
            Err(error) => Written::NotSent(error),
        };
        drop((sending, writing));
        self.judge(policy, progress, step, seen, written, duty)
            .await
    }

    fn may_go_on(&self, policy: &PlannedPolicy, progress: &Progress) -> Next {
        if self.end(progress).is_cancelled() {
            return Err(self.stopped(progress));
        }
        let has_policy_set_rows = policy
            .before
            .iter()
            .any(|row| row.key.source == Source::PolicySets);
        if has_policy_set_rows && !progress.touched && self.lessons.rows_were_dropped() {
            return Err(dropped_elsewhere(progress));
        }
        Ok(())
    }

    /// Waits for what another policy is just finding out, or takes the duty to find it out.
    async fn learn_first(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
    ) -> Result<Option<Duty>, Settled> {
        loop {
            let Some(step) = progress.steps.get(progress.done) else {
                return Ok(None);
            };
            match &step.action {
                // What the table says of a route is not found out again.
                StepAction::Create(_) if !is_uncertain(policy.kind) => return Ok(None),
                StepAction::Create(_) => match self.lessons.create_route(policy.kind).await {
                    Known::Works => return Ok(None),
                    Known::FindOut(duty) => return Ok(Some(duty)),
                    Known::Fails if self.settings.write_with == WriteWith::Auto => {
                        self.choose_again(policy, progress, CreateRoute::Missing);
                    }
                    Known::Fails => {
                        return Err(Settled::bad(
                            Outcome::Failed,
                            Reason::new(
                                "createRouteMissing",
                                format!(
                                    "the service has no create route for {}, and `--write-with create` asks for it",
                                    policy.kind
                                ),
                            ),
                        ));
                    }
                },
                StepAction::Assign(_) if !policy.untouched.is_empty() => {
                    return match self.lessons.policy_set_rows().await {
                        Known::Works => Ok(None),
                        Known::FindOut(duty) => Ok(Some(duty)),
                        Known::Fails => Err(dropped_elsewhere(progress)),
                    };
                }
                StepAction::Assign(_) | StepAction::Delete(_) => return Ok(None),
            }
        }
    }

    async fn turn(&self, progress: &mut Progress) -> Result<(LookSlot, WriteSlot), Settled> {
        tokio::select! {
            biased;
            () = self.end(progress).cancelled() => Err(self.stopped(progress)),
            turn = self.writer.turn() => {
                turn.map_err(|wait| not_done(progress, wait_too_long(wait.to_string())))
            }
        }
    }

    /// Returns the policy as it is, from a look that is no older than a moment.
    async fn look_before(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        slot: LookSlot,
    ) -> Result<Seen, Settled> {
        if let Some(seen) = progress.seen.take()
            && seen.at.elapsed() <= FRESH
        {
            return Ok(seen);
        }
        match self.look(policy, Some(slot)).await {
            Ok(Some(seen)) => Ok(seen),
            Ok(None) => Err(gone()),
            Err(_) if self.interrupt.is_cancelled() => Err(self.stopped(progress)),
            Err(error) if error.code == WAIT_TOO_LONG => Err(not_done(progress, error)),
            Err(error) => Err(Settled::bad(
                Outcome::Failed,
                if progress.touched {
                    unverified(&format!("it could not be read back: {}", error.message))
                } else {
                    error
                },
            )),
        }
    }

    pub(super) async fn look(
        &self,
        policy: &PlannedPolicy,
        slot: Option<LookSlot>,
    ) -> Result<Option<Seen>, Reason> {
        let asked = Instant::now();
        let live = self
            .reader
            .assignments_at(policy.kind, &policy.id, slot)
            .await
            .map_err(|error| match error {
                GraphError::Wait { .. } => wait_too_long(error.to_string()),
                error => Reason::from_graph("readFailed", &error),
            })?;
        Ok(live.map(|live| Seen {
            rows: rows(&live),
            live,
            asked,
            at: Instant::now(),
        }))
    }

    /// Finds out what a write's outcome means.
    async fn judge(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        step: Step,
        before: Seen,
        written: Written,
        duty: Option<Duty>,
    ) -> Next {
        let creates = matches!(step.action, StepAction::Create(_));
        match written {
            Written::Done => {
                progress.touched = true;
                let duty = match duty {
                    Some(duty) if creates => {
                        duty.learn(true);
                        None
                    }
                    other => other,
                };
                self.read_back(policy, progress, &step, &before, duty).await
            }
            Written::Refused(error) if creates && error.is_missing_route() => {
                if let Some(duty) = duty {
                    duty.learn(false);
                }
                if self.settings.write_with == WriteWith::Create || !has_whole_set(policy.kind) {
                    return Err(Settled::bad(Outcome::Failed, Reason::from_service(&error)));
                }
                // The look before the refused create is one request old; `assign` needs a new one.
                self.choose_again(policy, progress, CreateRoute::Missing);
                Ok(())
            }
            Written::Refused(error) => {
                // A try of unknown outcome may have had its effect and be what is in the way now.
                if progress.touched && self.shows(policy, &step, LOOKS_AFTER_UNKNOWN).await {
                    progress.done += 1;
                    return Ok(());
                }
                if error.is_missing() && !progress.touched {
                    return Err(gone());
                }
                Err(Settled::bad(Outcome::Failed, Reason::from_service(&error)))
            }
            Written::Throttled(_) => {
                self.writer.count_retried();
                Ok(())
            }
            // Once is a token that ran out; twice is one that is never taken.
            Written::Renewed(error) if progress.renewed => {
                Err(Settled::bad(Outcome::Failed, Reason::from_service(&error)))
            }
            Written::Renewed(_) => {
                progress.renewed = true;
                self.writer.count_retried();
                Ok(())
            }
            Written::Paused => Ok(()),
            Written::NotSent(GraphError::Interrupted) => Err(self.stopped(progress)),
            Written::NotSent(error @ GraphError::Wait { .. }) => {
                Err(not_done(progress, wait_too_long(error.to_string())))
            }
            // An earlier try may have had its effect.
            Written::NotSent(error) if progress.touched => Err(Settled::bad(
                Outcome::Failed,
                unverified(&error.to_string()),
            )),
            Written::NotSent(error) => Err(Settled::bad(
                Outcome::Failed,
                Reason::from_graph("notSent", &error),
            )),
            Written::Unknown {
                reason,
                retry_after,
            } => {
                progress.touched = true;
                progress.unknown += 1;
                progress.not_before = retry_after.map(|wait| Instant::now() + wait);
                self.settle_unknown(policy, progress, &step, &before, &reason, duty)
                    .await
            }
        }
    }

    /// Chooses the writes again, for what has been learnt of the create route.
    pub(super) fn choose_again(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        create: CreateRoute,
    ) {
        let strategy = strategy(policy.kind.spec(), self.settings.write_with, create);
        progress.steps = steps_by(policy, strategy);
        progress.done = 0;
    }

    /// Returns what ends the work on a policy: once something was sent only an interrupt does, so
    /// that what was begun is finished or at least looked at.
    fn end(&self, progress: &Progress) -> &CancellationToken {
        if progress.touched {
            self.interrupt
        } else {
            self.stop
        }
    }

    fn stopped(&self, progress: &Progress) -> Settled {
        if progress.touched {
            return interrupted_unverified();
        }
        let reason = if self.interrupt.is_cancelled() {
            Reason::new(
                "interrupted",
                "the run was interrupted before this policy's turn",
            )
        } else if self.settings.fail_fast {
            Reason::new(
                "failFast",
                "an earlier policy failed, and `--fail-fast` is set",
            )
        } else {
            Reason::new(
                "report",
                "the run was ended because its report cannot be written",
            )
        };
        Settled::bad(Outcome::Skipped, reason)
    }
}

/// Whether only a try tells if a kind has the create route.
fn is_uncertain(kind: PolicyKind) -> bool {
    matches!(
        kind.spec().writing,
        Writing::Assign {
            single: SingleRoute::Documented,
            ..
        }
    )
}

/// Whether all assignments of a kind can be replaced at once.
fn has_whole_set(kind: PolicyKind) -> bool {
    kind.spec().writing != Writing::Single
}

/// Makes the request of a step, for a policy as it is.
fn request(
    policy: &PlannedPolicy,
    step: &Step,
    live: &[LiveAssignment],
) -> Result<WriteRequest, GraphError> {
    let (kind, id, then) = (policy.kind, policy.id.as_str(), Arc::clone(&step.then));
    match &step.action {
        StepAction::Create(new) => Ok(WriteRequest::create(kind, id, new, then)),
        StepAction::Assign(all) => Ok(WriteRequest::whole_set(kind, id, all, live, then)),
        StepAction::Delete(old) => {
            let found = live.iter().find(|live| live.row == *old);
            let assignment_id = found.and_then(|live| live.id.as_deref());
            // A group that is assigned directly and by a policy set has one id for both.
            let same_id = live
                .iter()
                .filter(|live| live.id.as_deref() == assignment_id);
            match (assignment_id, same_id.count()) {
                (Some(assignment_id), 1) => {
                    Ok(WriteRequest::delete(kind, id, assignment_id, then))
                }
                _ => Err(GraphError::Shape {
                    what: "DELETE".to_owned(),
                    detail: "the live assignment has no id of its own by which it could be deleted; `--write-with assign` can remove it"
                        .to_owned(),
                }),
            }
        }
    }
}

/// Finds where on the plan's way a policy stands; none where it has arrived.
fn place(
    policy: &PlannedPolicy,
    progress: &mut Progress,
    seen: &Seen,
) -> Result<Option<Step>, Settled> {
    if same_assignments(&policy.after, &seen.rows) {
        return Ok(None);
    }
    // Of several places with the same rows the one we think to be at counts.
    let is_at = |number: usize| {
        let rows = match number {
            0 => &policy.before,
            number => &progress.steps[number - 1].then,
        };
        same_assignments(rows, &seen.rows)
    };
    let here = progress.done;
    let found = std::iter::once(here)
        .chain(0..progress.steps.len())
        .find(|number| *number < progress.steps.len() && is_at(*number));
    match found {
        Some(number) => {
            progress.done = number;
            Ok(Some(progress.steps[number].clone()))
        }
        None if progress.touched => Err(Settled::bad(
            Outcome::Failed,
            unverified(
                "the policy is neither as it was nor as planned; somebody else may have changed it",
            ),
        )),
        None => Err(Settled::bad(
            Outcome::Stale,
            Reason::new(
                "moved",
                "the policy's assignments have changed since the plan was made",
            ),
        )),
    }
}
