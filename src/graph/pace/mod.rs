//! The one place for rates: how fast requests may leave.
//!
//! Intune counts requests per app and tenant in any 20 s: 100 that write and 1,000 of any kind
//! (microsoft-graph-docs-contrib: includes/throttling-intune-device-config-v2.md). The service
//! counts a request at some moment between our sending it and its answer, and that moment is not
//! ours to know. So a slot that a request took comes back one window after its *answer* arrived:
//! then no 20 s of the service's clock can hold more than the limit, and nothing is given away
//! but one latency a window. A token bucket with a burst would let two full windows stand back to
//! back; a smooth rate would waste the first window.
//!
//! The service counts by groups of paths ([`RateGroup`]): each has windows of its own, here as there, so
//! that looking up names in the directory takes nothing from the policies.
//!
//! A 429 or 503 pauses its whole class of the group until the service's `Retry-After`. A 429 also says that
//! someone else uses part of the limit; `window` finds out how much is left.

mod groups;
mod limiter;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use super::class::Class;
use super::observe::Observe;
use crate::model::RateLimit;
pub use groups::RateGroup;
pub use limiter::Permit;
use limiter::{RateLimiter, WaitObserver};

/// The published limit of writes.
pub const PUBLISHED_WRITES: RateLimit = RateLimit {
    count: 100,
    window: Duration::from_secs(20),
};

/// The published limit of requests of any kind.
pub const PUBLISHED_REQUESTS: RateLimit = RateLimit {
    count: 1000,
    window: Duration::from_secs(20),
};

/// The service asked for a longer wait than the user allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service asks {} to wait for {} s, longer than allowed", .class.plural(), .wait.as_secs())]
pub struct WaitTooLong {
    /// Which requests would have to wait.
    pub class: Class,
    /// For how long.
    pub wait: Duration,
}

/// What the directory gives an application over all tenants: 150,000 resource units in 20 s
/// (microsoft-graph-docs-contrib: concepts/throttling-limits.md). No request of ours costs more than five.
const DIRECTORY_OF_APP: RateLimit = RateLimit {
    count: 30_000,
    window: Duration::from_secs(20),
};

/// The pace of an application over all tenants that it reads side by side. Clones share it.
#[derive(Clone, Debug)]
pub struct AppCeiling(Arc<RateLimiter>);

impl Default for AppCeiling {
    fn default() -> Self {
        Self::of(DIRECTORY_OF_APP)
    }
}

impl AppCeiling {
    /// Creates a ceiling for directory requests.
    pub fn of(limit: RateLimit) -> Self {
        let lane = RateLimiter::new(limit, limit, Duration::MAX, WaitObserver::default());
        Self(Arc::new(lane))
    }
}

/// Lets requests leave at the pace that the service permits.
#[derive(Debug)]
pub struct Pace {
    writes: RateLimit,
    requests: RateLimit,
    longest_wait: Duration,
    lanes: Mutex<HashMap<RateGroup, Arc<RateLimiter>>>,
    ceiling: Option<AppCeiling>,
    watcher: WaitObserver,
}

impl Pace {
    /// Makes a pace. The two limits hold for each group of Intune's requests; no single wait that the
    /// service asks for is longer than `longest_wait`.
    pub fn new(writes: RateLimit, requests: RateLimit, longest_wait: Duration) -> Self {
        Self {
            writes,
            requests,
            longest_wait,
            lanes: Mutex::default(),
            ceiling: None,
            watcher: WaitObserver::default(),
        }
    }

    /// Notifies an observer of each wait for the limit.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observe>) -> Self {
        self.watcher = WaitObserver(Some(observer));
        self
    }

    /// Keeps to a ceiling that other tenants' runs keep to as well.
    #[must_use]
    pub fn below(mut self, ceiling: AppCeiling) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// Returns what lets the requests of a group leave.
    pub(in crate::graph) fn lane(&self, group: RateGroup) -> Arc<RateLimiter> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(group).or_insert_with(|| {
            let watcher = self.watcher.clone();
            Arc::new(RateLimiter::new(
                self.writes,
                group.requests(self.requests),
                self.longest_wait,
                watcher,
            ))
        });
        Arc::clone(lane)
    }

    /// Returns the most requests of a group that may ever leave at once, so that a batch is not
    /// larger than the limit it counts against.
    pub fn largest_batch(&self, group: RateGroup) -> usize {
        group.requests(self.requests).count
    }

    /// Returns the limit of writes.
    pub fn writes(&self) -> RateLimit {
        self.writes
    }

    /// Returns the longest wait to accept from the service.
    pub fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// Waits until `cost` requests of a class may leave, and takes their slots.
    ///
    /// # Errors
    ///
    /// Gives up if the service asked for a longer wait than allowed.
    pub async fn permit(
        &self,
        group: RateGroup,
        class: Class,
        cost: usize,
    ) -> Result<Permit, WaitTooLong> {
        let ceiling = self
            .ceiling
            .as_ref()
            .filter(|_| group == RateGroup::Directory);
        let shared = match ceiling {
            Some(AppCeiling(lane)) => Some(lane.permit(class, cost).await?),
            None => None,
        };
        let own = self.lane(group).permit(class, cost).await?;
        Ok(own.beside(shared))
    }
}

#[cfg(test)]
mod tests;
