//! How often something may happen.

use std::time::Duration;

/// So many requests in any window of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests.
    pub count: usize,
    /// In any time this long.
    pub window: Duration,
}
