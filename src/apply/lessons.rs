//! What a run learns about the service at its first try, so that every lesson costs one request.
//!
//! Two things are uncertain until they have been seen: whether a kind has the create route, and
//! whether `assign` keeps the rows of policy sets. The first policy that finds out does so alone;
//! the others wait for what it learns.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::model::PolicyKind;

/// What is known of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lesson {
    /// Nobody has tried yet.
    #[default]
    Unknown,
    /// It works.
    Works,
    /// It does not.
    Fails,
}

type Slot = Arc<tokio::sync::Mutex<Lesson>>;

/// The lessons of a run.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    create_routes: Mutex<HashMap<PolicyKind, Slot>>,
    policy_set_rows: Slot,
    rows_were_dropped: AtomicBool,
}

/// A lesson, or the duty to learn it: as long as a duty is held, others wait.
#[derive(Debug)]
pub(super) enum Known {
    Works,
    Fails,
    FindOut(Duty),
}

/// Held by the one that finds out.
#[derive(Debug)]
pub(super) struct Duty(OwnedMutexGuard<Lesson>);

impl Duty {
    pub(super) fn learn(mut self, works: bool) {
        *self.0 = if works { Lesson::Works } else { Lesson::Fails };
    }
}

async fn known(slot: Slot) -> Known {
    let guard = slot.lock_owned().await;
    match *guard {
        Lesson::Works => Known::Works,
        Lesson::Fails => Known::Fails,
        Lesson::Unknown => Known::FindOut(Duty(guard)),
    }
}

impl Lessons {
    /// Whether a kind has the create route.
    pub(super) async fn create_route(&self, kind: PolicyKind) -> Known {
        let slot = Arc::clone(
            self.create_routes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(kind)
                .or_default(),
        );
        known(slot).await
    }

    /// Whether `assign` keeps the rows of policy sets that its body leaves out.
    pub(super) async fn policy_set_rows(&self) -> Known {
        if self.rows_were_dropped() {
            return Known::Fails;
        }
        let known = known(Arc::clone(&self.policy_set_rows)).await;
        // A drop may have been seen while this one waited.
        if self.rows_were_dropped() {
            return Known::Fails;
        }
        known
    }

    /// Notes that rows of a policy set vanished. It may happen after the first try went well.
    pub(super) fn note_dropped_rows(&self) {
        self.rows_were_dropped.store(true, Ordering::Release);
    }

    /// Whether rows of a policy set have vanished in this run.
    pub(super) fn rows_were_dropped(&self) -> bool {
        self.rows_were_dropped.load(Ordering::Acquire)
    }
}
