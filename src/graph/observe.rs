//! What a run reports while it works: events for the progress display, and counts for the report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// What went over the wire so far; reports hold it so.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
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
