//! How long the requests of a plan take at the service's limits.
//!
//! The limits are what a run waits for; what a single request takes is small beside them, and not
//! known before it is sent. So the estimate counts the windows that have to be waited for: the
//! first is free, and of the two limits the slower one counts, since both hold at once.

use std::time::Duration;

use super::Summary;
use crate::model::RateLimit;

/// Estimates how long an apply takes at two limits: of writes, and of requests of any kind.
pub fn estimate(summary: &Summary, writes: RateLimit, requests: RateLimit) -> Duration {
    // A look before the first write of a policy, and one after each write.
    let all = summary.changed + 2 * summary.writes;
    waits(writes, summary.writes).max(waits(requests, all))
}

fn waits(limit: RateLimit, requests: usize) -> Duration {
    let windows = requests.saturating_sub(1) / limit.count.max(1);
    limit
        .window
        .saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(policies: usize, writes: usize, rates: [(usize, u64); 2]) -> u64 {
        let summary = Summary {
            changed: policies,
            writes,
            ..Summary::default()
        };
        let [write, any] = rates.map(|(count, seconds)| RateLimit {
            count,
            window: Duration::from_secs(seconds),
        });
        estimate(&summary, write, any).as_secs()
    }

    #[test]
    fn the_first_window_is_free_and_the_slower_limit_counts() {
        let published = [(100, 20), (1000, 20)];
        assert_eq!(seconds(0, 0, published), 0);
        assert_eq!(seconds(100, 100, published), 0);
        assert_eq!(seconds(101, 101, published), 20);
        assert_eq!(seconds(500, 500, published), 80);
        assert_eq!(seconds(500, 500, [(100, 20), (100, 20)]), 280);
        assert_eq!(seconds(10, 30, [(1000, 20), (10, 60)]), 360);
    }
}
