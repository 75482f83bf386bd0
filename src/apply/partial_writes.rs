//! Policies of which some writes are done and others are not.
//!
//! Where the service has room for one of two assignments, one is deleted before the other is created. If the create
//! has no effect, what was deleted is put back. What cannot be put back is named, with the reason why the create
//! had no effect: that reason and its request id are what a reader has to look for.

use std::sync::Arc;

use super::progress::{Progress, PutBack, Seen, interrupted_unverified};
use super::{Outcome, PolicyResult, Reason, ReasonCode, Worker};
use crate::model::{Assignment, Assignments, Target, same_assignments};
use crate::plan::Names;
use crate::plan::writes::{Step, StepAction};

const RESTORE: &str = "restore it with `assignctl rollback REPORT`";

impl Progress {
    /// Returns what was deleted to make room for the next step, the last first, with its place among the steps.
    fn deleted_for_next_step(&self) -> Vec<(usize, Assignment)> {
        let next = self.steps.get(self.done);
        if next.and_then(|next| next.action.created()).is_none() {
            return Vec::new();
        }
        let done = self.steps[..self.done].iter().enumerate().rev();
        done.map_while(|(index, step)| Some((index, step.action.deleted()?.clone())))
            .collect()
    }

    /// Returns what was deleted and has nothing in its place.
    fn gone(&self) -> Vec<Assignment> {
        let to_come = self.steps.get(self.done..).unwrap_or_default();
        match self.put_back {
            Some(_) => {
                let put_back = to_come.iter().filter_map(|step| step.action.created());
                put_back.cloned().collect()
            }
            None if self.own == self.done || self.resumes => self
                .deleted_for_next_step()
                .into_iter()
                .map(|(_, old)| old)
                .collect(),
            // It was not this run, and need not have been one of this plan.
            None => Vec::new(),
        }
    }

    /// Whether this run has deleted something to make room for the next step.
    pub(super) fn has_made_room(&self) -> bool {
        self.own == self.done && self.put_back.is_none() && !self.deleted_for_next_step().is_empty()
    }

    /// Goes back to what the present step was to replace, since that had no effect; `false` if this run has made no
    /// room for it. `before` is what the policy had at first.
    pub(super) fn put_back(&mut self, before: &Assignments, reason: &Reason) -> bool {
        if !self.has_made_room() {
            return false;
        }
        let deleted_for_next_step = self.deleted_for_next_step();
        let planned = (self.steps.clone(), self.done);
        self.steps.truncate(self.done);
        let kept = self.done - deleted_for_next_step.len();
        for (index, old) in deleted_for_next_step {
            let after = match index.checked_sub(1) {
                Some(earlier) => Arc::clone(&self.steps[earlier].after),
                None => Arc::clone(before),
            };
            let action = StepAction::Create(old);
            self.steps.push(Step { action, after });
        }
        self.unknown = 0;
        self.bare = false;
        self.put_back = Some(PutBack {
            reason: reason.clone(),
            planned,
            kept,
        });
        true
    }

    /// Goes on as planned if the step shows after all that seemed to have no effect.
    pub(super) fn resume_if_shown(&mut self, seen: &Seen) {
        let is_shown = |put_back: &mut PutBack| {
            let (steps, failed) = &put_back.planned;
            same_assignments(&steps[*failed].after, &seen.assignments)
        };
        if let Some(PutBack { planned, .. }) = self.put_back.take_if(is_shown) {
            let (steps, failed) = planned;
            self.steps = steps;
            self.done = failed;
            self.seen_done();
        }
    }

    /// Whether all that this run has sent was seen done, or seen to have had no effect.
    pub(super) fn is_clear(&self) -> bool {
        self.touched && self.unknown == 0 && self.own == self.done
    }

    /// Says of a policy that is half written what became of it, with the reason that counts.
    pub(super) fn complete(&mut self, names: &Names, settled: PolicyResult) -> PolicyResult {
        let (Some(reason), Outcome::Failed | Outcome::Pending) = (&settled.reason, settled.outcome)
        else {
            return settled;
        };
        let gone = all_called(&self.gone(), names);
        let message = &reason.message;
        let (reason, said) = match (self.put_back.take(), gone) {
            (
                Some(PutBack {
                    reason: first,
                    kept,
                    planned,
                }),
                gone,
            ) => {
                let (steps, failed) = planned;
                let replaced = steps[kept..failed].iter();
                let replaced = replaced.filter_map(|step| step.action.deleted().cloned());
                let replaced = all_called(&replaced.collect::<Vec<_>>(), names);
                let said = match (gone, replaced) {
                    (Some(gone), _) => format!(
                        "{gone} was deleted to make room and could not be put back ({message}); {RESTORE}"
                    ),
                    (None, replaced) => format!(
                        "{}, deleted to make room, was put back{}",
                        replaced.unwrap_or_default(),
                        match self.found.refused.is_some() {
                            true => ", without properties that assignctl does not know",
                            false => "",
                        }
                    ),
                };
                let kept = match kept {
                    0 => String::new(),
                    kept => format!("; {}", done_of(kept, steps.len())),
                };
                (first, format!("{said}{kept}"))
            }
            (None, Some(gone)) if settled.outcome == Outcome::Pending => (
                reason.clone(),
                format!("until then {gone} is missing, which was deleted to make room"),
            ),
            (None, Some(gone)) => (
                reason.clone(),
                format!("{gone} was deleted to make room and was not put back; {RESTORE}"),
            ),
            (None, None)
                if settled.outcome == Outcome::Failed
                    && self.steps_done() > 0
                    && reason.code != ReasonCode::Interrupted =>
            {
                (reason.clone(), done_of(self.steps_done(), self.steps.len()))
            }
            (None, None) => return settled,
        };
        let message = format!("{}; {said}", reason.message);
        PolicyResult {
            reason: Some(Reason { message, ..reason }),
            ..settled
        }
    }

    /// Returns how many steps this run has done, and an earlier one that has begun.
    fn steps_done(&self) -> usize {
        match self.is_begun {
            true => self.done,
            false => self.own,
        }
    }

    /// Whether a write to the policy is seen to be done, by this run or an earlier one of the same plan, and others
    /// are not.
    pub(super) fn is_half_done(&self) -> bool {
        self.steps_done() > 0 || self.lacks()
    }

    /// Whether the policy lacks what was deleted to make room, by this run or an earlier one of the same plan, which the
    /// report that is resumed need not know.
    pub(super) fn lacks(&self) -> bool {
        !self.gone().is_empty()
    }
}

impl Worker<'_> {
    /// Settles a policy whose work is stopped.
    pub(super) fn stopped(&self, progress: &Progress) -> PolicyResult {
        if progress.is_clear() {
            let (done, all) = (progress.done, progress.steps.len());
            return PolicyResult::failed(Reason::new(
                ReasonCode::Interrupted,
                format!("interrupted after {done} of {all} writes to the policy"),
            ));
        }
        if progress.touched {
            return interrupted_unverified();
        }
        let reason = if self.interrupt.is_cancelled() {
            Reason::new(ReasonCode::Interrupted, "interrupted before being written")
        } else if self.report_failure().is_some() {
            Reason::new(
                ReasonCode::Report,
                "the run was ended because its report cannot be written",
            )
        } else {
            Reason::new(
                ReasonCode::FailFast,
                "an earlier policy failed, and `--fail-fast` is set",
            )
        };
        PolicyResult::skipped(reason)
    }
}

fn done_of(done: usize, all: usize) -> String {
    let are = match done {
        1 => "is",
        _ => "are",
    };
    format!("{done} of {all} writes to the policy {are} done")
}

/// Names assignments; `None` if there are none.
fn all_called(assignments: &[Assignment], names: &Names) -> Option<String> {
    let called = assignments
        .iter()
        .map(|assignment| called(assignment, names));
    let called: Vec<String> = called.collect();
    (!called.is_empty()).then(|| called.join(" and "))
}

fn called(assignment: &Assignment, names: &Names) -> String {
    let group = |id: &str| names.group(id).unwrap_or(id).to_owned();
    let target = match &assignment.key.target {
        Target::AllDevices => "the assignment to all devices".to_owned(),
        Target::AllUsers => "the assignment to all users".to_owned(),
        Target::Group(id) => format!("the assignment to the group `{}`", group(id)),
        Target::ExclusionGroup(id) => format!("the exclusion of the group `{}`", group(id)),
        Target::Collection(id) => format!("the assignment to the collection `{id}`"),
        Target::Other { .. } => "an assignment to a target of an unknown type".to_owned(),
    };
    match &assignment.key.variant {
        Some(intent) => format!("{target} ({intent})"),
        None => target,
    }
}
