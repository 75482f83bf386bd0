//! What a run knows of policies that it has worked on: some are worked on again once they were approved, and others
//! wait for what they give up.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::filed::{held, waits_for_another};
use super::progress::{Found, Next, Progress, not_done, read_failed};
use super::{Outcome, PolicyResult, ReasonCode, Worker, acquire, lock};
use crate::model::{LivePolicy, PolicyKind, Target};
use crate::plan::{Earlier, PlannedPolicy, given_up, taken_over};

/// What is known of policies so far, by kind and id.
#[derive(Debug, Default)]
pub(super) struct SoFar(Mutex<BTreeMap<(PolicyKind, String), Known>>);

/// What is known of a policy.
#[derive(Debug)]
pub(super) struct Known {
    /// What became of it.
    pub(super) outcome: Outcome,
    /// Whether the report of the run goes on with it.
    pub(super) goes_on: bool,
    /// What was found of its assignments.
    pub(super) found: Found,
}

impl SoFar {
    fn get<T>(&self, policy: &PlannedPolicy, read: impl Fn(&Known) -> T) -> Option<T> {
        let all = lock(&self.0);
        all.get(&(policy.kind, policy.id.clone())).map(read)
    }

    pub(super) fn outcome(&self, policy: &PlannedPolicy) -> Option<Outcome> {
        self.get(policy, |known| known.outcome)
    }

    /// Returns what is known of a policy's assignments before it is looked at: from this run if it was worked on
    /// before, else from the report of an earlier one.
    pub(super) fn found(&self, policy: &PlannedPolicy) -> Found {
        self.get(policy, |known| known.found.clone())
            .unwrap_or_else(|| {
                let recorded = policy.recorded.iter();
                let had = recorded.filter(|recorded| policy.before.contains(&recorded.assignment));
                Found {
                    all: had.cloned().collect(),
                    ..Found::default()
                }
            })
    }

    /// Whether the report of the run goes on with a policy that has settled.
    fn goes_on(&self, policy: &PlannedPolicy) -> bool {
        self.get(policy, |known| known.goes_on).unwrap_or_default()
    }

    pub(super) fn note(&self, policy: &PlannedPolicy, known: Known) {
        lock(&self.0).insert((policy.kind, policy.id.clone()), known);
    }
}

/// Whether a policy waits for another to give up what only one can have.
pub(super) fn is_held(settled: &PolicyResult) -> bool {
    let reason = settled.reason.as_ref();
    settled.outcome == Outcome::Pending && reason.is_some_and(waits_for_another)
}

/// Whether a policy gives up what another is to get.
pub(super) fn gives_to(giver: &PlannedPolicy, taker: &PlannedPolicy) -> bool {
    giver.kind == taker.kind && taken_over(taker).any(|target| gives_up(giver, target))
}

fn gives_up(policy: &PlannedPolicy, target: &Target) -> bool {
    given_up(policy).any(|given_up| given_up == target)
}

impl Worker<'_> {
    /// Lets a policy wait that is to get what only one can have, as long as another one has it: the service would
    /// refuse it, and an approval would be spent for nothing.
    pub(super) async fn wait_for_givers(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
    ) -> Next {
        if progress.is_free {
            return Ok(());
        }
        for target in taken_over(policy) {
            let givers = self.changed.iter();
            let givers =
                givers.filter(|giver| giver.kind == policy.kind && gives_up(giver, target));
            let givers: Vec<&&PlannedPolicy> = givers.collect();
            let is_done = |giver: &&&PlannedPolicy| {
                let outcome = self.so_far.outcome(giver);
                outcome.is_some_and(Outcome::is_good)
            };
            if !givers.is_empty() && givers.iter().all(is_done) {
                continue;
            }
            let Some(holder) = self.holder(policy, target, progress).await? else {
                continue;
            };
            let mut givers = givers.into_iter();
            let giver = givers.find(|giver| giver.id == holder.id);
            let waits_for = |earlier: &Earlier| earlier.waits_for.as_ref() == Some(&holder.id);
            let holding = match giver {
                // The report of this run goes on with it.
                Some(giver) if self.so_far.goes_on(giver) => (
                    Outcome::Pending,
                    "gives it up once its own change is approved and sent",
                ),
                Some(_) => (Outcome::Skipped, "was to give it up first and still has it"),
                None if policy.earlier.as_ref().is_some_and(waits_for) => (
                    Outcome::Pending,
                    "gives it up once its own change is approved and sent, which is not part of this run",
                ),
                None => (Outcome::Skipped, "has it"),
            };
            return Err(held(policy.kind, target, &holder, holding));
        }
        progress.is_free = true;
        Ok(())
    }

    /// Finds another policy that has a target now.
    async fn holder(
        &self,
        policy: &PlannedPolicy,
        target: &Target,
        progress: &Progress,
    ) -> Result<Option<LivePolicy>, PolicyResult> {
        let _sending = acquire(&self.sending).await;
        let policies = match self.reader.policies(policy.kind).await {
            Ok(policies) => policies,
            Err(_) if self.end(progress).is_cancelled() => return Err(self.stopped(progress)),
            Err(error) => {
                let reason = read_failed(&error);
                return Err(match reason.code == ReasonCode::WaitTooLong {
                    true => not_done(progress, reason),
                    false => PolicyResult::failed(reason),
                });
            }
        };
        let has_it =
            |other: &LivePolicy| other.id != policy.id && !other.assignments_of(target).is_empty();
        Ok(policies.into_iter().find(has_it))
    }
}
