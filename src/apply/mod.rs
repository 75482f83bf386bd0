//! Carries out a plan. The only module that can write.
//!
//! [`run`] settles each changed policy of a plan, several side by side, in order within one:
//! look, compare with the plan, write, look again. What a run finds out about the service that holds
//! for all policies is in `capabilities`; [`crate::report`] keeps what happens on disk.

pub mod approval;
mod approval_state;
mod capabilities;
pub mod filed;
mod partial_writes;
mod policy;
mod progress;
mod request;
mod route;
mod so_far;
pub mod staleness;
mod verify;
pub mod withdraw;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::graph::Reader;
use crate::graph::approvals::{ApprovalRequest, ApprovalStatus};
use crate::graph::client::Client;
use crate::graph::retry::{APPROVAL_POLL, LONGEST_APPROVAL_WAIT, READ_BACK_TIME_AFTER_INTERRUPT};
use crate::graph::writer::Writer;
use crate::plan::writes::WriteWith;
use crate::plan::{Names, Plan, PlannedPolicy, taken_over};
use crate::report::{Moved, Outcome, PolicyResult, Reason, ReasonCode, Report, Results};
use approval::Approval;
use approval_state::Approvals;
use capabilities::Capabilities;
use so_far::{SoFar, gives_to, is_held};

/// How a plan is carried out.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many policies are written side by side, and how many are read back. With one, a policy is
    /// settled before the next is begun.
    pub concurrency: usize,
    /// Whether the first policy that fails ends the run.
    pub fail_fast: bool,
    /// How the calls are chosen.
    pub write_with: WriteWith,
    /// What is done about writes that have to be approved.
    pub approval: Approval,
}

/// Is notified as policies settle.
pub trait ObserveApply: Sync {
    /// A policy has settled; it is the `done`th of `all`. One that waited for approval may settle again.
    fn settled(&self, policy: &PlannedPolicy, settled: &PolicyResult, done: usize, all: usize);
}

/// Returns what becomes of a saved plan's policies if some have moved: nothing is tried.
pub fn not_started(plan: &Plan, moved: Vec<Moved>) -> Results {
    let settle = |index| match moved.iter().find(|moved| moved.index == index) {
        Some(Moved { live: None, .. }) => PolicyResult::stale(staleness::deleted()),
        Some(_) => PolicyResult::stale(staleness::moved_since()),
        None => PolicyResult::skipped(Reason::new(
            ReasonCode::StalePlan,
            "other policies of the plan have changed",
        )),
    };
    Results {
        settled: (0..plan.changed().count()).map(settle).collect(),
        moved,
        ..Results::default()
    }
}

/// Carries out the changes of a plan.
pub async fn run(
    plan: &Plan,
    names: &Names,
    client: &Arc<Client>,
    report: &Mutex<Report>,
    settings: Settings,
    stop: &CancellationToken,
    observer: &dyn ObserveApply,
) -> Results {
    let reader = Reader::new(Arc::clone(client));
    // Read-backs continue for a while after an interrupt.
    let overdue = CancellationToken::new();
    let patient = Client::clone(client).interrupted_by(overdue.clone());
    let look_back = Reader::new(Arc::new(patient));
    let writer = Writer::new(Arc::clone(client));
    let changed: Vec<&PlannedPolicy> = plan.changed().collect();
    // Ends the starting of further policies without ending the run's own work on others.
    let enough = stop.child_token();
    let side_by_side = settings.concurrency.max(1);
    // Without a token nothing is written either.
    let claims = client.claims().await.ok().flatten();
    let worker = Worker {
        writing: Semaphore::new(side_by_side),
        sending: Semaphore::new(side_by_side),
        serial: Semaphore::new(1),
        reader: &reader,
        look_back: &look_back,
        writer: &writer,
        report,
        names,
        changed: &changed,
        so_far: SoFar::default(),
        approvals: Approvals::new(&settings.approval, claims),
        settings,
        capabilities: Capabilities::default(),
        stop: &enough,
        interrupt: stop,
        overdue: &overdue,
        report_failure: Mutex::new(None),
    };
    let settled = tokio::select! {
        settled = worker.apply_all(observer) => settled,
        never = worker.end_looks() => match never {},
    };
    Results {
        settled,
        interrupted: stop.is_cancelled(),
        report_failure: worker.report_failure().take(),
        ..Results::default()
    }
}

/// Returns how many policies are begun and not yet settled at most.
///
/// The service shows a write late at times, by seconds. The policies that wait for theirs to show
/// send nothing, and must not keep others from being written; so a whole window of them may wait.
fn in_progress(settings: &Settings, writer: &Writer) -> usize {
    let side_by_side = settings.concurrency.max(1);
    if settings.fail_fast || side_by_side == 1 {
        side_by_side
    } else {
        side_by_side + writer.writes_in_a_window()
    }
}

/// Whether a policy waits for the approval of what this run can complete.
fn waits(settled: &PolicyResult) -> bool {
    settled.outcome == Outcome::Pending && settled.approval.is_some()
}

/// Locks what policies share. No one leaves it half changed.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the work on each policy shares.
struct Worker<'a> {
    /// Held from the wait for a turn to the end of the write.
    writing: Semaphore,
    /// Held while requests are sent: a look and the write that follows it, or a look back.
    sending: Semaphore,
    /// Held while a policy is settled whose kind takes no writes side by side.
    serial: Semaphore,
    reader: &'a Reader,
    /// Reads what was written, also for a while after an interrupt.
    look_back: &'a Reader,
    writer: &'a Writer,
    report: &'a Mutex<Report>,
    names: &'a Names,
    /// All that the run is to change.
    changed: &'a [&'a PlannedPolicy],
    so_far: SoFar,
    settings: Settings,
    capabilities: Capabilities,
    approvals: Approvals,
    /// No further policy is started.
    stop: &'a CancellationToken,
    /// Nothing further is sent but looks at what was written.
    interrupt: &'a CancellationToken,
    /// Nor are these: [`READ_BACK_TIME_AFTER_INTERRUPT`] is over.
    overdue: &'a CancellationToken,
    report_failure: Mutex<Option<String>>,
}

/// Waits for a permit. One is always free in the end: no holder waits for ever.
async fn acquire(semaphore: &Semaphore) -> Option<SemaphorePermit<'_>> {
    // The semaphores are never closed.
    semaphore.acquire().await.ok()
}

impl Worker<'_> {
    /// Applies policies concurrently, takeovers and policy sets last; results are in plan order.
    async fn apply_all(&self, observer: &dyn ObserveApply) -> Vec<PolicyResult> {
        let changed = self.changed;
        let most = in_progress(&self.settings, self.writer);
        let mut results: Vec<Option<PolicyResult>> = vec![None; changed.len()];
        let mut done = 0;
        // A policy set passes its assignments on to its members, which would then be neither as they were
        // nor as planned. So sets come last. What only one policy can have is given up before another gets it.
        let (sets, others): (Vec<usize>, Vec<usize>) =
            (0..changed.len()).partition(|index| changed[*index].kind.spec().is_policy_set());
        let (later, first): (Vec<usize>, Vec<usize>) = others
            .into_iter()
            .partition(|index| taken_over(changed[*index]).next().is_some());
        for part in [first, later, sets] {
            let part = part.into_iter().map(|index| (index, false)).collect();
            let keep = |index: usize, settled| {
                done += 1;
                observer.settled(changed[index], &settled, done, changed.len());
                results[index] = Some(settled);
            };
            self.settle_each(part, most, keep).await;
        }
        let mut results: Vec<PolicyResult> = results.into_iter().flatten().collect();
        self.wait_for_approvals(&mut results, observer).await;
        results
    }

    /// Waits until requests are decided on, and goes on with the policies that wait for them.
    async fn wait_for_approvals(&self, results: &mut [PolicyResult], observer: &dyn ObserveApply) {
        let end = Instant::now() + self.settings.approval.wait.min(LONGEST_APPROVAL_WAIT);
        loop {
            let waiting: Vec<usize> = (0..results.len())
                .filter(|index| waits(&results[*index]) && !is_held(&results[*index]))
                .collect();
            let left = end.saturating_duration_since(Instant::now());
            if waiting.is_empty() || left.is_zero() || self.stop.is_cancelled() {
                return;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(APPROVAL_POLL.min(left)) => {}
            }
            // What cannot be read now is looked at again at the next turn.
            let Ok(requests) = self.reader.approval_requests().await else {
                continue;
            };
            let is_decided = |index: &usize| {
                let approval = results[*index].approval.as_ref();
                let found = approval.and_then(|approval| {
                    let is_it = |request: &&ApprovalRequest| request.id == approval.code;
                    requests.iter().find(is_it)
                });
                found.is_some_and(|request| request.status != ApprovalStatus::Waiting)
            };
            let decided: Vec<usize> = waiting.into_iter().filter(is_decided).collect();
            self.settle_again(&decided, results, observer).await;
            // What these have given up others can get now.
            let is_next = |index: &usize| {
                let mut givers = decided.iter();
                is_held(&results[*index])
                    && givers.any(|giver| gives_to(self.changed[*giver], self.changed[*index]))
            };
            let next: Vec<usize> = (0..results.len()).filter(is_next).collect();
            self.settle_again(&next, results, observer).await;
        }
    }

    /// Goes on with policies that have settled before.
    async fn settle_again(
        &self,
        indices: &[usize],
        results: &mut [PolicyResult],
        observer: &dyn ObserveApply,
    ) {
        let changed = self.changed;
        let again = indices.iter();
        let again = again
            .map(|index| (*index, results[*index].written))
            .collect();
        let keep = |index: usize, settled| {
            observer.settled(changed[index], &settled, changed.len(), changed.len());
            results[index] = settled;
        };
        let side_by_side = self.settings.concurrency.max(1);
        self.settle_each(again, side_by_side, keep).await;
    }

    /// Settles policies, at most so many side by side; each with whether it was written before.
    async fn settle_each(
        &self,
        part: Vec<(usize, bool)>,
        most: usize,
        mut keep: impl FnMut(usize, PolicyResult),
    ) {
        let changed = self.changed;
        let mut settling =
            futures::stream::iter(part)
                .map(|(index, written)| async move {
                    (index, self.settle(changed[index], written).await)
                })
                .buffer_unordered(most);
        while let Some((index, settled)) = settling.next().await {
            if self.settings.fail_fast && settled.outcome == Outcome::Failed {
                self.stop.cancel();
            }
            keep(index, settled);
        }
    }

    /// Ends the looks some time after an interrupt.
    async fn end_looks(&self) -> Infallible {
        self.interrupt.cancelled().await;
        tokio::time::sleep(READ_BACK_TIME_AFTER_INTERRUPT).await;
        self.overdue.cancel();
        std::future::pending().await
    }

    /// Writes a line of the report. Where that fails nothing may be written to the service any
    /// more, since no one could tell what was.
    fn note(&self, write: impl FnOnce(&mut Report) -> std::io::Result<()>) -> Result<(), Reason> {
        write(&mut lock(self.report)).map_err(|error| {
            self.stop.cancel();
            let message = format!("the report could not be written: {error}");
            // Later failures only follow from the first.
            let first = self.report_failure().get_or_insert(message).clone();
            Reason::new(ReasonCode::Report, first)
        })
    }

    /// Returns why the report cannot be written, if it cannot.
    fn report_failure(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.report_failure)
    }
}
