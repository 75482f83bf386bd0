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
//! A 429 or 503 pauses its whole class, and shrinks the class's limit, since it says that someone
//! else uses part of the share; each quiet window gives a part of it back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A limit: so many requests in any window of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many requests.
    pub count: usize,
    /// In any time this long.
    pub window: Duration,
}

/// The published limit of writes.
pub const PUBLISHED_WRITES: Limit = Limit {
    count: 100,
    window: Duration::from_secs(20),
};

/// The published limit of requests of any kind.
pub const PUBLISHED_REQUESTS: Limit = Limit {
    count: 1000,
    window: Duration::from_secs(20),
};

/// Windows on two clocks never end at the very same instant.
const CLOCK_MARGIN: Duration = Duration::from_millis(5);

/// What a request is to the service's accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It only reads.
    Read,
    /// It changes something; it counts as a request of any kind as well.
    Write,
}

impl Class {
    /// Returns the word for requests of the class.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Write => "writes",
        }
    }
}

/// The service asked for a longer wait than the user allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service asks {} to wait for {} s, longer than allowed", .class.plural(), .wait.as_secs())]
pub struct WaitTooLong {
    /// Which requests would have to wait.
    pub class: Class,
    /// For how long.
    pub wait: Duration,
}

/// Lets requests leave at the pace that the service permits.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
    /// Rings when a slot may have come free without a time known in advance.
    changed: Notify,
    // One queue a class, first come first served; `tokio`'s mutex is fair.
    read_queue: tokio::sync::Mutex<()>,
    write_queue: tokio::sync::Mutex<()>,
    longest_wait: Duration,
}

#[derive(Debug)]
struct State {
    /// Requests of any kind.
    any: Window,
    /// Requests that write.
    writes: Window,
    reads_paused_until: Option<Instant>,
    writes_paused_until: Option<Instant>,
}

/// A sliding window of requests that count.
#[derive(Debug)]
struct Window {
    limit: Limit,
    /// The limit in force: shrinks when the service throttles, recovers in quiet windows.
    allowed: usize,
    changed_at: Option<Instant>,
    in_flight: usize,
    answered: VecDeque<Instant>,
    /// How far `allowed` shrinks at most.
    least: usize,
}

impl Window {
    fn new(limit: Limit, least: usize) -> Self {
        Self {
            limit,
            least,
            allowed: limit.count,
            changed_at: None,
            in_flight: 0,
            answered: VecDeque::new(),
        }
    }

    fn length(&self) -> Duration {
        self.limit.window + CLOCK_MARGIN
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(first) = self.answered.front() {
            if *first + self.length() > now {
                break;
            }
            self.answered.pop_front();
        }
        // A tenth of the limit comes back with each window that passed without a complaint.
        while let Some(changed_at) = self.changed_at {
            if changed_at + self.limit.window > now {
                break;
            }
            self.allowed = (self.allowed + self.limit.count.div_ceil(10)).min(self.limit.count);
            self.changed_at =
                (self.allowed < self.limit.count).then_some(changed_at + self.limit.window);
        }
    }

    /// Returns nothing when `cost` more may leave now, else when to look again; `None` inside
    /// means that an answer has to arrive first.
    fn look_again(&self, cost: usize) -> Option<Option<Instant>> {
        let taken = self.in_flight + self.answered.len();
        let over = (taken + cost).saturating_sub(self.allowed.max(cost));
        if over == 0 {
            return None;
        }
        Some(
            self.answered
                .get(over - 1)
                .map(|time| *time + self.length()),
        )
    }

    fn shrink(&mut self, now: Instant) {
        // Several answers of one burst say the same thing once.
        let again = self
            .changed_at
            .is_none_or(|changed_at| changed_at + self.limit.window / 4 <= now);
        if again {
            let least = self.limit.count.min(self.least);
            self.allowed = (self.allowed * 3 / 4).max(least);
        }
        self.changed_at = Some(now);
    }
}

impl Pace {
    /// Makes a pace for two limits; no single wait on the service's word is longer than
    /// `longest_wait`.
    pub fn new(writes: Limit, requests: Limit, longest_wait: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                // Whoever holds a turn to write still has to read, so that the turns alone must not
                // fill this window.
                any: Window::new(requests, requests.count.div_ceil(2).max(2)),
                writes: Window::new(writes, 1),
                reads_paused_until: None,
                writes_paused_until: None,
            }),
            changed: Notify::new(),
            read_queue: tokio::sync::Mutex::new(()),
            write_queue: tokio::sync::Mutex::new(()),
            longest_wait,
        }
    }

    /// Returns the most requests that may ever leave at once, so that a batch is not larger than
    /// the limit it counts against.
    pub fn largest_batch(&self) -> usize {
        self.state().any.limit.count
    }

    /// Returns the longest wait that is allowed on the service's word.
    pub fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// Waits until `cost` requests of a class may leave, and takes their slots.
    ///
    /// # Errors
    ///
    /// Gives up where the service asked for a longer wait than allowed.
    pub async fn permit(
        self: &Arc<Self>,
        class: Class,
        cost: usize,
    ) -> Result<Permit, WaitTooLong> {
        let queue = match class {
            Class::Read => &self.read_queue,
            Class::Write => &self.write_queue,
        };
        let _turn = queue.lock().await;
        let mut paused_since = None;
        loop {
            let rung = self.changed.notified();
            tokio::pin!(rung);
            // Listens from here on, so that no ring between the look and the wait is missed.
            rung.as_mut().enable();
            let now = Instant::now();
            let until = match self.state().look(class, cost, now) {
                Look::Leave => {
                    return Ok(Permit {
                        pace: Arc::clone(self),
                        class,
                        cost,
                        used: false,
                    });
                }
                Look::Paused(until) => {
                    let since = *paused_since.get_or_insert(now);
                    let wait = until.saturating_duration_since(since);
                    if wait > self.longest_wait {
                        return Err(WaitTooLong { class, wait });
                    }
                    Some(until)
                }
                Look::Full(until) => until,
            };
            match until {
                Some(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = rung => {}
                    }
                }
                None => rung.await,
            }
        }
    }

    /// Whether a class is to wait because the service asked for it.
    pub fn is_paused(&self, class: Class) -> bool {
        let state = self.state();
        let paused = match class {
            Class::Read => state.reads_paused_until,
            Class::Write => state.writes_paused_until,
        };
        paused.is_some_and(|until| until > Instant::now())
    }

    /// Pauses a class because the service asked for it, and lowers its limit for a while.
    pub fn throttle(&self, class: Class, wait: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        let until = now + wait;
        let paused = match class {
            Class::Read => &mut state.reads_paused_until,
            Class::Write => &mut state.writes_paused_until,
        };
        if paused.is_none_or(|earlier| earlier < until) {
            *paused = Some(until);
        }
        match class {
            Class::Read => state.any.shrink(now),
            Class::Write => state.writes.shrink(now),
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn give_back(&self, class: Class, cost: usize, used: bool) {
        let now = Instant::now();
        let mut state = self.state();
        let State { any, writes, .. } = &mut *state;
        let settle = |window: &mut Window| {
            window.in_flight -= cost;
            if used {
                window.answered.extend(std::iter::repeat_n(now, cost));
            }
        };
        settle(any);
        if class == Class::Write {
            settle(writes);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing inside can leave the state half-changed, so a poisoned lock is a sound one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Look {
    Leave,
    Paused(Instant),
    Full(Option<Instant>),
}

impl State {
    fn look(&mut self, class: Class, cost: usize, now: Instant) -> Look {
        self.any.forget_old(now);
        self.writes.forget_old(now);
        let paused = match class {
            Class::Read => self.reads_paused_until,
            Class::Write => self.writes_paused_until,
        };
        if let Some(until) = paused.filter(|until| *until > now) {
            return Look::Paused(until);
        }
        let any = self.any.look_again(cost);
        let writes = match class {
            Class::Read => None,
            Class::Write => self.writes.look_again(cost),
        };
        match (any, writes) {
            (None, None) => {
                self.any.in_flight += cost;
                if class == Class::Write {
                    self.writes.in_flight += cost;
                }
                Look::Leave
            }
            (Some(until), None) | (None, Some(until)) => Look::Full(until),
            // Both must be free; a window without a known time rings when it may be.
            (Some(Some(any)), Some(Some(writes))) => Look::Full(Some(any.max(writes))),
            (Some(_), Some(_)) => Look::Full(None),
        }
    }
}

/// Slots that were taken for requests. They start to come back when the permit is dropped, which
/// is to be when the answer has arrived; at once where nothing was sent.
#[derive(Debug)]
pub struct Permit {
    pace: Arc<Pace>,
    class: Class,
    cost: usize,
    used: bool,
}

impl Permit {
    /// Notes that the request leaves now.
    pub(super) fn mark_used(&mut self) {
        self.used = true;
    }

    /// Returns the class that the slots were taken for.
    pub(super) fn class(&self) -> Class {
        self.class
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pace.give_back(self.class, self.cost, self.used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(900);

    fn limit(count: usize, seconds: u64) -> Limit {
        Limit {
            count,
            window: Duration::from_secs(seconds),
        }
    }

    /// Sends `number` requests side by side, each answered after `latency` and counted by the
    /// service at a moment in between; returns the moments and the whole time.
    async fn run(
        pace: &Arc<Pace>,
        class: Class,
        number: usize,
        latency: Duration,
    ) -> (Vec<Duration>, Duration) {
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..number {
            let pace = Arc::clone(pace);
            tasks.spawn(async move {
                let mut permit = pace.permit(class, 1).await.expect("a permit");
                permit.mark_used();
                let share = u32::try_from(index % 11).expect("small");
                let before = latency * share / 10;
                tokio::time::sleep(before).await;
                let counted = start.elapsed();
                tokio::time::sleep(latency.saturating_sub(before)).await;
                drop(permit);
                counted
            });
        }
        let mut moments = tasks.join_all().await;
        moments.sort();
        (moments, start.elapsed())
    }

    fn most_in_any(window: Duration, moments: &[Duration]) -> usize {
        moments
            .iter()
            .enumerate()
            .map(|(index, start)| {
                moments[index..]
                    .iter()
                    .take_while(|moment| **moment - *start < window)
                    .count()
            })
            .max()
            .unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_the_service_holds_more_than_the_limit() {
        let latency = Duration::from_millis(50);
        let pace = Arc::new(Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
        let (moments, took) = run(&pace, Class::Write, 500, latency).await;
        assert_eq!(most_in_any(Duration::from_secs(20), &moments), 100);
        // Four windows are the floor; each costs one latency and the margin on top.
        assert!(took >= Duration::from_secs(80), "{took:?}");
        assert!(took <= Duration::from_millis(80_000 + 5 * 60), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_counts_against_both_limits() {
        let pace = Arc::new(Pace::new(limit(100, 20), limit(10, 20), LONGEST));
        let (moments, _) = run(&pace, Class::Write, 25, Duration::from_millis(10)).await;
        assert_eq!(most_in_any(Duration::from_secs(20), &moments), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_sent_nothing_costs_nothing() {
        let pace = Arc::new(Pace::new(limit(1, 20), limit(10, 20), LONGEST));
        let start = Instant::now();
        drop(pace.permit(Class::Write, 1).await.expect("a permit"));
        drop(pace.permit(Class::Write, 1).await.expect("a permit"));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_its_class_and_no_other() {
        let pace = Arc::new(Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
        pace.throttle(Class::Write, Duration::from_secs(7));
        let start = Instant::now();
        drop(pace.permit(Class::Read, 1).await.expect("a permit"));
        assert_eq!(start.elapsed(), Duration::ZERO);
        drop(pace.permit(Class::Write, 1).await.expect("a permit"));
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_longer_than_allowed_is_not_waited_for() {
        let pace = Arc::new(Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
        pace.throttle(Class::Write, Duration::from_secs(3600));
        let start = Instant::now();
        let refused = pace.permit(Class::Write, 1).await.expect_err("too long");
        assert_eq!(refused.wait, Duration::from_secs(3600));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_shrinks_on_a_complaint_and_comes_back() {
        let pace = Arc::new(Pace::new(limit(40, 20), PUBLISHED_REQUESTS, LONGEST));
        pace.throttle(Class::Write, Duration::ZERO);
        let allowed = |pace: &Pace| {
            let mut state = pace.state();
            state.writes.forget_old(Instant::now());
            state.writes.allowed
        };
        assert_eq!(allowed(&pace), 30);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(allowed(&pace), 34);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(allowed(&pace), 40);
    }
}
