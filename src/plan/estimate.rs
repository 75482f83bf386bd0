//! How long the requests of a plan take at the service's limits.
//!
//! The limits are what a run waits for; what a single request takes is small beside them, and not
//! known before it is sent. So the estimate counts the windows that have to be waited for: the
//! first is free, and of the two limits the slower one counts, since both hold at once.

use std::time::Duration;

use super::Summary;

/// So many in any time this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: usize,
    /// In any time this long.
    pub window: Duration,
}

impl Rate {
    fn time(self, requests: usize) -> Duration {
        let windows = requests.saturating_sub(1) / self.count.max(1);
        self.window
            .saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
    }
}

/// Estimates how long an apply takes at two limits: of writes, and of requests of any kind.
pub fn estimate(summary: &Summary, writes: Rate, requests: Rate) -> Duration {
    // A look before the first write of a policy, and one after each write.
    let all = summary.changed + 2 * summary.writes;
    writes.time(summary.writes).max(requests.time(all))
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
        let [write, any] = rates.map(|(count, seconds)| Rate {
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
