//! Applies one policy: last read, write, and read-back.
//!
//! The rules, in one place:
//! - First get a turn in the queue of writes, then the policy is read, then it is written at
//!   once. Nothing that another admin did is overwritten without having been seen.
//! - A policy that is neither as the plan found it nor at an intermediate step of the plan is stale.
//! - A write is followed by reading back until the policy shows what was written. What never
//!   shows is `unverified`.
//! - A write that the service did not take (429) or whose outcome no one knows starts over with a
//!   new turn and a new look.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::capabilities::Capability;
use super::filed::goes_on;
use super::progress::{
    Next, Progress, Seen, Sent, dropped_elsewhere, gone, not_done, read_failed, unverified,
    wait_too_long,
};
use super::request::request;
use super::route::is_busy;
use super::so_far::Known;
use super::staleness::moved_since;
use super::{Outcome, PolicyResult, Reason, ReasonCode, Worker, acquire};
use crate::graph::error::ServiceError;
use crate::graph::retry::{BUSY_TRIES, BUSY_WAIT, MAX_READ_AGE, READ_BACKS_AFTER_UNKNOWN};
use crate::graph::writer::{LookSlot, WriteOutcome, WriteSlot};
use crate::graph::{GraphError, Reader};
use crate::model::{PolicyWrite, Source, assignments, same_assignments};
use crate::plan::PlannedPolicy;
use crate::plan::writes::{Step, WriteWith, steps};

impl Worker<'_> {
    /// Applies a policy and records the result. `was_written` says whether an earlier write of this run to the
    /// policy has had its effect, or may have.
    pub(super) async fn settle(&self, policy: &PlannedPolicy, was_written: bool) -> PolicyResult {
        let filed = self.approvals.filed(policy);
        let mut progress = Progress {
            steps: match &filed {
                Some(filed) => filed.steps(policy),
                None => steps(policy, self.settings.write_with),
            },
            resumes: filed.is_some() || policy.is_begun(),
            is_begun: policy.is_begun(),
            found: self.so_far.found(policy),
            ..Progress::default()
        };
        let _alone = match policy.kind.spec().writing.is_serial() {
            true => acquire(&self.serial).await,
            false => None,
        };
        let mut settled = loop {
            match self.step(policy, &mut progress).await {
                Ok(()) => {}
                Err(settled) => break settled,
            }
        };
        settled.written = was_written
            || policy.is_begun()
            || progress.lacks()
            || match settled.outcome {
                // What was filed has had no effect; steps before it have.
                Outcome::Pending => progress.own > 0,
                _ => progress.touched,
            };
        settled = progress.complete(self.names, settled);
        let was_written = was_written && !policy.is_begun();
        match settled.outcome {
            Outcome::Already if was_written => settled.outcome = Outcome::Applied,
            Outcome::Pending if was_written || progress.is_half_done() => {
                if let Some(reason) = &mut settled.reason {
                    reason.message += "; an earlier write to the policy is done";
                }
            }
            _ => {}
        }
        if settled.approval.is_none() {
            // Keep the approval code unless it is certain that it was used.
            let used = progress.used.take();
            let used = used.filter(|_| settled.outcome == Outcome::Failed);
            settled.approval = self.approvals.filed(policy).or(used).map(Box::new);
        }
        let found = std::mem::take(&mut progress.found);
        let known = Known {
            outcome: settled.outcome,
            goes_on: goes_on(&settled, progress.may_be_filed(), policy.earlier.is_some()),
            found,
        };
        self.so_far.note(policy, known);
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
            // If the outcome cannot be recorded, the policy counts as failed.
            Err(reason) => PolicyResult {
                written: settled.written,
                ..PolicyResult::failed(reason)
            },
        }
    }

    /// Performs the next step of a policy, if there is one.
    async fn step(&self, policy: &PlannedPolicy, progress: &mut Progress) -> Next {
        if progress.done == progress.steps.len() {
            return Err(match &progress.put_back {
                None => PolicyResult {
                    reason: progress.unknown_properties_note(),
                    ..PolicyResult::as_planned(Outcome::Applied)
                },
                Some(put_back) => PolicyResult::failed(put_back.reason.clone()),
            });
        }
        self.may_go_on(policy, progress)?;
        self.wait_for_givers(policy, progress).await?;
        self.choose_strategy(policy, progress).await?;
        let approval = self.load_approval_context(policy, progress).await?;
        let writing = acquire(&self.writing).await;
        let (look_slot, write_slot) = self.turn(policy, progress).await?;
        let sending = acquire(&self.sending).await;
        let seen = self.look_before(policy, progress, look_slot).await?;
        // Something may have been found out while this policy waited for its turn.
        self.may_go_on(policy, progress)?;
        let Some(step) = place(policy, progress, &seen)? else {
            let outcome = match progress.touched {
                true => Outcome::Applied,
                false => Outcome::Already,
            };
            drop((sending, writing));
            let mut settled = self.settle_as_planned(policy, outcome, approval).await;
            settled.reason = settled
                .reason
                .or_else(|| progress.unknown_properties_note());
            return Err(settled);
        };
        // After the look, so that nothing is announced that turns out not to be sent.
        if self.end(progress).is_cancelled() {
            return Err(self.stopped(progress));
        }
        if self.writer.is_paused(policy.kind) || !self.may_try(policy, progress, &step) {
            return Ok(());
        }
        progress.remember(policy, &seen.live);
        let earlier = progress.earlier(policy);
        let behind_cast = self.capabilities.needs_cast(policy.kind);
        let with = |bare| request(policy, &step, &seen.live, (&earlier, bare), behind_cast);
        let mut write = with(progress.bare)
            .map_err(|error| not_taken(progress, ReasonCode::NotSent, &error))?;
        if let Some(bare) = approval.filed_bare(policy, &write, || with(true)) {
            progress.bare = true;
            let filed_so = || {
                Reason::new(
                    ReasonCode::UnknownLeftOut,
                    "the request was filed without them",
                )
            };
            progress.found.refused.get_or_insert_with(filed_so);
            write = bare;
        }
        let header = self.approval_of(policy, progress, approval, &seen, &mut write)?;
        let Some(header) = header else {
            progress.completed = true;
            progress.seen = Some(seen);
            return Ok(());
        };
        let id = self.writer.new_request_id();
        let at = self
            .announce((policy, progress.found.unsaid()), &write, &header, &id)
            .map_err(|reason| not_done(progress, reason))?;
        progress.found.said = progress.found.all.len();
        let sent = Arc::new(Sent {
            request: write,
            header,
            at,
            step,
            before: seen,
        });
        let written = self
            .writer
            .send(write_slot, &sent.request, id, &sent.header)
            .await;
        drop((sending, writing));
        progress.tried = Some(Arc::clone(&sent));
        self.judge(policy, progress, &sent, written).await
    }

    fn may_go_on(&self, policy: &PlannedPolicy, progress: &Progress) -> Next {
        if self.end(progress).is_cancelled() {
            return Err(self.stopped(progress));
        }
        let has_policy_set_assignments = policy
            .before
            .iter()
            .any(|assignment| assignment.key.source == Source::PolicySets);
        if has_policy_set_assignments
            && !progress.touched
            && self.capabilities.assignments_were_dropped()
        {
            return Err(dropped_elsewhere(progress));
        }
        Ok(())
    }

    async fn turn(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
    ) -> Result<(LookSlot, WriteSlot), PolicyResult> {
        tokio::select! {
            biased;
            () = self.end(progress).cancelled() => Err(self.stopped(progress)),
            turn = self.writer.turn(policy.kind) => {
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
    ) -> Result<Seen, PolicyResult> {
        if let Some(seen) = progress.seen.take()
            && seen.at.elapsed() <= MAX_READ_AGE
        {
            return Ok(seen);
        }
        match self.look(self.reader, policy, Some(slot)).await {
            Ok(Some(seen)) => Ok(seen),
            Ok(None) => Err(gone(None)),
            Err(_) if self.interrupt.is_cancelled() => Err(self.stopped(progress)),
            Err(error) if error.code == ReasonCode::WaitTooLong => Err(not_done(progress, error)),
            Err(error) => Err(PolicyResult::failed(if progress.touched {
                unverified(&format!("it could not be read back: {}", error.message))
            } else {
                error
            })),
        }
    }

    pub(super) async fn look(
        &self,
        reader: &Reader,
        policy: &PlannedPolicy,
        slot: Option<LookSlot>,
    ) -> Result<Option<Seen>, Reason> {
        let asked = Instant::now();
        let live = reader
            .assignments_at(policy.kind, &policy.id, slot)
            .await
            .map_err(|error| read_failed(&error))?;
        Ok(live.map(|live| Seen {
            assignments: assignments(&live),
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
        sent: &Sent,
        written: WriteOutcome,
    ) -> Next {
        if sent.step.action.created().is_some() {
            progress.learn(match &written {
                // Any refusal but this one comes from the route itself.
                WriteOutcome::Refused(error) if error.is_missing_route() => Capability::Fails,
                WriteOutcome::Done | WriteOutcome::Refused(_) | WriteOutcome::Filed(_) => {
                    Capability::Works
                }
                // One is enough: others do not wait until this one has been read back.
                WriteOutcome::Unknown { .. } => Capability::Unclear,
                _ => Capability::Unknown,
            });
        }
        match written {
            WriteOutcome::Done => {
                progress.touched = true;
                if sent.is_approved() {
                    progress.used = self.approvals.filed(policy);
                    self.approvals.forget(policy);
                    progress.completed = true;
                }
                self.read_back(policy, progress, sent).await
            }
            WriteOutcome::Refused(error)
                if is_busy(policy.kind, &error) && progress.busy < BUSY_TRIES =>
            {
                progress.busy += 1;
                self.writer.count_retried();
                self.pause(progress, BUSY_WAIT).await
            }
            WriteOutcome::Refused(error) => {
                if error.is_filed_for_approval() {
                    // Its request is found like that of any write whose answer was not read.
                    progress.unknown += 1;
                }
                let found = self.refused_for_approval(policy, progress, sent, &error);
                if let Some(settled) = found.await {
                    return Err(settled);
                }
                self.refused(policy, progress, sent, error).await
            }
            WriteOutcome::Filed(code) => Err(self.filed(policy, sent, code).await),
            WriteOutcome::Throttled(_) => {
                self.writer.count_retried();
                Ok(())
            }
            // The first 401 means an expired token, the second that the new one is rejected too.
            WriteOutcome::Renewed(error) if progress.renewed => {
                let reason = Reason::from_service(&error);
                if progress.put_back(&policy.before, &reason) {
                    return Ok(());
                }
                Err(PolicyResult::failed(reason))
            }
            WriteOutcome::Renewed(_) => {
                progress.renewed = true;
                self.writer.count_retried();
                Ok(())
            }
            WriteOutcome::Paused => Ok(()),
            WriteOutcome::NotSent(GraphError::Interrupted) => Err(self.stopped(progress)),
            WriteOutcome::NotSent(error @ GraphError::Wait { .. }) => {
                Err(not_done(progress, wait_too_long(error.to_string())))
            }
            WriteOutcome::NotSent(error) => Err(not_taken(progress, ReasonCode::NotSent, &error)),
            WriteOutcome::Redirected(error) if progress.has_made_room() => {
                let reason = Reason::from_graph(ReasonCode::Redirected, &error);
                self.put_back_unless_shown(policy, progress, sent, reason)
                    .await
            }
            WriteOutcome::Redirected(error) => {
                Err(not_taken(progress, ReasonCode::Redirected, &error))
            }
            WriteOutcome::Unknown {
                reason,
                retry_after,
            } => {
                progress.touched = true;
                progress.unknown += 1;
                progress.not_before = retry_after.map(|wait| Instant::now() + wait);
                self.settle_unknown(policy, progress, sent, &reason).await
            }
        }
    }

    /// Finds out what a refusal means; nothing is sent again.
    async fn refused(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        sent: &Sent,
        error: ServiceError,
    ) -> Next {
        let creates = sent.step.action.created().is_some();
        let writing = policy.kind.spec().writing;
        let has_whole_set = writing.has_whole_set();
        if writing.cast().is_some()
            && error.is_missing_route()
            && sent.request.write == PolicyWrite::whole_set(policy.kind, &policy.id, false)
        {
            self.capabilities.note_cast(policy.kind);
            return Ok(());
        }
        if creates && error.is_missing_route() {
            if self.settings.write_with == WriteWith::Create || !has_whole_set {
                return Err(PolicyResult::failed(Reason::from_service(&error)));
            }
            // The look before the refused create is one request old; `assign` needs a new one.
            self.choose_without_create(policy, progress);
            return Ok(());
        }
        // A try of this very step whose outcome was not known may be what is in the way now. Of kinds that are written
        // one by one it is not known whether the service refuses what is there already.
        let looks = match progress.unknown {
            0 => usize::from(creates && !has_whole_set),
            _ => READ_BACKS_AFTER_UNKNOWN,
        };
        if self.shows(policy, &sent.step, looks).await {
            progress.seen_done();
            return Ok(());
        }
        // A missing group, filter or route is answered like a missing policy.
        if (error.status == 404 || error.is_missing()) && !progress.touched {
            let _sending = acquire(&self.sending).await;
            if let Ok(None) = self.look(self.look_back, policy, None).await {
                return Err(gone(Some(&error)));
            }
        }
        if progress.retry_without_unknown_properties(policy, sent, &error) {
            return Ok(());
        }
        // If the step was refused with and without unknown properties, report the first refusal.
        let first = progress.found.refused.clone().filter(|_| progress.bare);
        let reason = first.unwrap_or_else(|| Reason::from_service(&error));
        // Where an approval was needed, what is put back would need one too.
        if !progress.completed && progress.put_back(&policy.before, &reason) {
            return Ok(());
        }
        Err(PolicyResult::failed(reason))
    }

    /// Returns what ends the work on a policy: once something was sent only an interrupt does, so
    /// that what was begun is finished or at least looked at.
    pub(super) fn end(&self, progress: &Progress) -> &CancellationToken {
        if progress.touched {
            self.interrupt
        } else {
            self.stop
        }
    }

    /// Waits before a policy is tried again.
    async fn pause(&self, progress: &Progress, wait: Duration) -> Next {
        tokio::select! {
            biased;
            () = self.end(progress).cancelled() => Err(self.stopped(progress)),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

/// A write that could not be sent, or was sent elsewhere; an earlier try may have had its effect.
fn not_taken(progress: &Progress, code: ReasonCode, error: &GraphError) -> PolicyResult {
    let reason = match progress.touched && !progress.is_clear() {
        true => unverified(&error.to_string()),
        false => Reason::from_graph(code, error),
    };
    PolicyResult::failed(reason)
}

/// Finds which step the policy is at; `None` if it is as planned.
fn place(
    policy: &PlannedPolicy,
    progress: &mut Progress,
    seen: &Seen,
) -> Result<Option<Step>, PolicyResult> {
    if same_assignments(&policy.after, &seen.assignments) {
        return Ok(None);
    }
    progress.resume_if_shown(seen);
    // Of several places with the same assignments, prefer the step we believe we are at. What was
    // seen done is not done again: whoever undid it meant to.
    let is_at = |number: usize| {
        let assignments = match number {
            0 => &policy.before,
            number => &progress.steps[number - 1].after,
        };
        same_assignments(assignments, &seen.assignments)
    };
    let here = progress.done;
    let found = std::iter::once(here)
        .chain(progress.own..progress.steps.len())
        .find(|number| *number < progress.steps.len() && is_at(*number));
    match found {
        Some(number) => {
            progress.done = number;
            Ok(Some(progress.steps[number].clone()))
        }
        None if progress.touched => Err(PolicyResult::failed(unverified(
            "the policy is neither as it was nor as planned; someone else may have changed it",
        ))),
        None => Err(PolicyResult::stale(moved_since())),
    }
}
