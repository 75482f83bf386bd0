//! What a run reports while it works: events for the progress display, and counts for the report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::class::Class;

/// Something worth telling while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A page of a list arrived.
    PageRead {
        /// The list's path.
        list: &'static str,
        /// How many objects of that list have been read so far.
        total: usize,
    },
    /// The next request of a class waits until the service's limit lets it leave.
    LimitReached {
        /// Which requests wait.
        class: Class,
        /// For how long from now.
        wait: Duration,
    },
    /// Requests of a class wait because the service said so.
    Waiting {
        /// Which requests wait.
        class: Class,
        /// For how long from now.
        wait: Duration,
    },
    /// Requests for approval are looked for, which the service may not list yet.
    Unlisted {
        /// How many.
        requests: usize,
    },
}

/// Takes events; must not block.
pub trait Observe: Send + Sync {
    /// Notices an event.
    fn notice(&self, event: Event);
}

/// Ignores all events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observe for Unobserved {
    fn notice(&self, _event: Event) {}
}

/// Counts of what went over the wire.
#[derive(Debug, Default)]
pub struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    throttled: AtomicU64,
    retried: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// HTTP requests that only read, batches as one each.
    pub reads: u64,
    /// HTTP requests that change something.
    pub writes: u64,
    /// Answers that asked to slow down, batch parts one by one.
    pub throttled: u64,
    /// Requests that were repeated.
    pub retried: u64,
}

impl Counters {
    pub(super) fn count_request(&self, class: Class) {
        let counter = match class {
            Class::Read => &self.reads,
            Class::Write => &self.writes,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self, answers: u64) {
        self.throttled.fetch_add(answers, Ordering::Relaxed);
    }

    pub(super) fn count_retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts.
    pub fn counts(&self) -> RequestCounts {
        RequestCounts {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            retried: self.retried.load(Ordering::Relaxed),
        }
    }
}
