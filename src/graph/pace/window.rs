//! One sliding window: what has left in it, and how much of the limit is ours to use.
//!
//! No API reports our share of the limit: other applications use the same
//! tenant. It is measured. A refusal says that the service had counted as many requests as it
//! admits, and our own log says how many of them were ours: that is our share from then on. To
//! find out whether the others have stopped, one request more than the share is let go now and then (a probe).
//! If it is taken the share grows and more follow at once, twice as many each time, so that the
//! whole limit is back within one window. If it is refused that costs one answer, and the next
//! probe comes later.
//!
//! Near the end of a share that is less than the limit few requests that write are under way at
//! once, so that a wrong guess costs few refusals.
//!
//! A refused request counts for the service as any other does (facts in
//! microsoft-graph-docs-contrib: concepts/throttling.md), so it stays in the log.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::RateLimit;

#[cfg(test)]
mod tests;

/// Windows on two clocks never end at the very same instant.
const CLOCK_MARGIN: Duration = Duration::from_millis(5);

/// After a refusal and the wait that it asked for, no probe is put off for more windows than this.
const RAREST_PROBE: u32 = 2;

/// Near the end of a share, one in so many of it may be under way at once: enough for the whole
/// share in a window at latencies of half a second.
const UNDER_WAY: usize = 16;

/// A probe leaves within one in so many of a window behind the request before it.
const BEHIND: u32 = 20;

/// So many before its end a share is near to it.
const NEAR: usize = 10;

/// A sliding window of requests that count.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) limit: RateLimit,
    /// How many requests of the window are ours to send.
    share: usize,
    /// How far `share` shrinks at most.
    least: usize,
    /// Whether few may be under way at once near the end of a share.
    careful: bool,
    in_flight: usize,
    answered: VecDeque<Instant>,
    probe: Probe,
    /// The refusals of the latest burst: they are in the log, but were not admitted.
    refused: VecDeque<Instant>,
}

/// When and how the share is tried to be exceeded.
#[derive(Debug)]
struct Probe {
    /// Not before this moment; none as long as nothing was refused.
    at: Option<Instant>,
    /// How many requests beyond the share may be in flight at once.
    width: usize,
    /// How many windows to wait after the next refusal.
    windows: u32,
    /// Whether it leaves even if no other request did just before.
    at_once: bool,
}

impl Window {
    /// A window of requests that write.
    pub(super) fn of_writes(limit: RateLimit) -> Self {
        Self::new(limit, 1, true)
    }

    /// A window of requests of any kind. It shrinks to half at most: who holds a turn to write may
    /// have to read more than the one look that belongs to it.
    pub(super) fn of_any(limit: RateLimit) -> Self {
        Self::new(limit, limit.count.div_ceil(2).max(2), false)
    }

    fn new(limit: RateLimit, least: usize, careful: bool) -> Self {
        Self {
            limit,
            share: limit.count,
            least: least.min(limit.count),
            careful,
            in_flight: 0,
            answered: VecDeque::new(),
            probe: Probe {
                at: None,
                width: 1,
                windows: 0,
                at_once: false,
            },
            refused: VecDeque::new(),
        }
    }

    fn length(&self) -> Duration {
        self.limit.window + CLOCK_MARGIN
    }

    /// Forgets what no window of the service can hold any more.
    pub(super) fn forget_old(&mut self, now: Instant) {
        let length = self.length();
        for log in [&mut self.answered, &mut self.refused] {
            while log.front().is_some_and(|first| *first + length <= now) {
                log.pop_front();
            }
        }
    }

    /// Takes slots for requests that are about to leave.
    pub(super) fn take(&mut self, cost: usize) {
        self.in_flight += cost;
        // Whatever leaves now leaves after the latest burst of refusals and its pause. If it passes,
        // the service has room for all that the log holds, the refused ones among it.
        if cost > 0 {
            self.refused.clear();
        }
    }

    /// Returns nothing when `cost` more may leave now, else when to look again; `None` inside
    /// means that an answer has to arrive first.
    pub(super) fn look_again(&self, cost: usize, now: Instant) -> Option<Option<Instant>> {
        let taken = self.in_flight + self.answered.len();
        // What is larger than the whole limit leaves alone or never.
        let allowed = (self.share + self.beyond(cost, now))
            .min(self.limit.count)
            .max(cost);
        let over = (taken + cost).saturating_sub(allowed);
        let fits = taken + cost <= self.limit.count.max(cost);
        // A probe ignores the share, since it tests it. And reads must come through where
        // nothing is left to grow old: turns to write that wait for them hold all the rest.
        if over > 0
            && fits
            && (self.in_flight + cost <= self.beyond(cost, now)
                || !self.careful && self.answered.is_empty())
        {
            return None;
        }
        if over == 0 {
            let is_careful =
                self.careful && self.share < self.limit.count && taken + NEAR > self.share;
            let under_way = (self.share / UNDER_WAY).max(2);
            return (is_careful && self.in_flight >= under_way).then_some(None);
        }
        let free = self
            .answered
            .get(over - 1)
            .map(|time| *time + self.length());
        let probe = self.probe.at.filter(|at| *at > now);
        Some(match (free, probe) {
            (Some(free), Some(probe)) => Some(free.min(probe)),
            (free, probe) => free.or(probe),
        })
    }

    /// Returns how many requests beyond the share may be under way now; one batch at least.
    fn beyond(&self, cost: usize, now: Instant) -> usize {
        match self.probe.at {
            Some(at) if at <= now && (self.probe.at_once || self.is_under_way(now)) => {
                self.probe.width.max(cost)
            }
            _ => 0,
        }
    }

    /// Whether the latest request of the window left only just now. The slot of a refused probe comes
    /// back one window later, as that of any other. Right behind the others it comes back with
    /// theirs; before the next ones it would be missing for the last of them, which had to wait for a
    /// window of its own.
    fn is_under_way(&self, now: Instant) -> bool {
        let latest = self.answered.back();
        self.in_flight > 0 || latest.is_none_or(|latest| *latest + self.length() / BEHIND >= now)
    }

    /// Gives slots back that were taken for requests which never left.
    pub(super) fn unsent(&mut self, cost: usize) {
        self.in_flight -= cost;
    }

    /// Notes that requests were answered, or given up; their slots come back one window later.
    pub(super) fn answered(&mut self, cost: usize, now: Instant) {
        self.in_flight -= cost;
        self.answered.extend(std::iter::repeat_n(now, cost));
    }

    fn admitted(&self) -> usize {
        self.answered.len().saturating_sub(self.refused.len())
    }

    /// Notes that the latest answers were no refusals.
    pub(super) fn passed(&mut self, now: Instant) {
        self.forget_old(now);
        let admitted = self.admitted();
        if admitted <= self.share {
            return;
        }
        self.share = admitted.min(self.limit.count);
        self.probe.width = (self.probe.width * 2).min(self.limit.count);
        self.probe.windows = 1;
        if self.share == self.limit.count {
            self.probe = Probe {
                at: None,
                width: 1,
                windows: 0,
                at_once: false,
            };
        }
    }

    /// Notes that `count` of the latest answers were refusals, and whether they begin a new burst.
    /// No probe is made before `until`.
    pub(super) fn refused(&mut self, count: usize, again: bool, now: Instant, until: Instant) {
        self.forget_old(now);
        if again {
            self.refused.clear();
        }
        self.refused.extend(std::iter::repeat_n(now, count));
        self.share = self.share.min(self.admitted()).max(self.least);
        self.probe.width = 1;
        if again {
            // A share that small may well be what others just took for a moment.
            let at_once = self.probe.windows == 0 && self.share < self.limit.count / 4;
            self.probe.at_once = at_once;
            let windows = if at_once {
                0
            } else {
                self.probe.windows.max(1)
            };
            self.probe.windows = (windows * 2).clamp(1, RAREST_PROBE);
            self.probe.at = Some(until + self.length() * windows);
        } else {
            self.probe.at = self.probe.at.max(Some(until));
        }
    }
}
