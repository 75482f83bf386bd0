//! One group of requests: its two windows, and its throttling state.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::window::Window;
use super::{Class, RateLimit, WaitTooLong};
use crate::graph::observe::{Event, Observe};

/// Lets the requests of one group leave at the pace that the service permits.
#[derive(Debug)]
pub(in crate::graph) struct RateLimiter {
    state: Mutex<State>,
    /// Notified when a slot may have been freed at a time not known in advance.
    changed: Notify,
    // One queue a class, first come first served; `tokio`'s mutex is fair.
    read_queue: tokio::sync::Mutex<()>,
    write_queue: tokio::sync::Mutex<()>,
    longest_wait: Duration,
    watcher: WaitObserver,
}

/// Who is notified of waits for the limit.
#[derive(Clone, Default)]
pub(super) struct WaitObserver(pub(super) Option<Arc<dyn Observe>>);

impl fmt::Debug for WaitObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WaitObserver")
    }
}

#[derive(Debug)]
struct State {
    /// Requests of any kind.
    any: Window,
    /// Requests that write.
    writes: Window,
    read_brake: ThrottleState,
    write_brake: ThrottleState,
}

/// What the service's refusals have brought upon a class.
#[derive(Debug, Default)]
struct ThrottleState {
    paused_until: Option<Instant>,
    /// When the latest burst of refusals began.
    burst_at: Option<Instant>,
    /// Since when every request was refused.
    refused_since: Option<Instant>,
}

/// Answers to requests that left together come within this time: one burst, not two.
const BURST: Duration = Duration::from_secs(1);

impl RateLimiter {
    /// Makes a lane for two limits.
    pub(super) fn new(
        writes: RateLimit,
        requests: RateLimit,
        longest_wait: Duration,
        watcher: WaitObserver,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                any: Window::of_any(requests),
                writes: Window::of_writes(writes),
                read_brake: ThrottleState::default(),
                write_brake: ThrottleState::default(),
            }),
            changed: Notify::new(),
            read_queue: tokio::sync::Mutex::new(()),
            write_queue: tokio::sync::Mutex::new(()),
            longest_wait,
            watcher,
        }
    }

    /// Waits until `cost` requests of a class may leave, and takes their slots.
    ///
    /// # Errors
    ///
    /// Gives up where the service asked for a longer wait than allowed.
    pub(super) async fn permit(
        self: &Arc<Self>,
        class: Class,
        cost: usize,
    ) -> Result<Permit, WaitTooLong> {
        self.wait(class, Cost::of(class, cost)).await?;
        Ok(self.give(class, cost))
    }

    /// Waits until a write and the look right before it may leave, and takes the slots of both, first
    /// the look's, so that nothing has to be waited for in between.
    ///
    /// # Errors
    ///
    /// Gives up where the service asked for a longer wait than allowed.
    pub(in crate::graph) async fn turn(self: &Arc<Self>) -> Result<(Permit, Permit), WaitTooLong> {
        let cost = Cost { any: 2, writes: 1 };
        self.wait(Class::Write, cost).await?;
        Ok((self.give(Class::Read, 1), self.give(Class::Write, 1)))
    }

    fn give(self: &Arc<Self>, class: Class, cost: usize) -> Permit {
        Permit {
            lane: Arc::clone(self),
            class,
            cost,
            used: false,
            beside: None,
        }
    }

    async fn wait(&self, class: Class, cost: Cost) -> Result<(), WaitTooLong> {
        let queue = match class {
            Class::Read => &self.read_queue,
            Class::Write => &self.write_queue,
        };
        let _turn = queue.lock().await;
        loop {
            let notified = self.changed.notified();
            tokio::pin!(notified);
            // Listens from here on, so that no notification between the check and the wait is missed.
            notified.as_mut().enable();
            let now = Instant::now();
            let until = match self.state().look(class, cost, now) {
                Admission::Leave => return Ok(()),
                // However many waits it asks for: nothing passes until they are over.
                Admission::Paused { since, until } => {
                    let wait = until.saturating_duration_since(since);
                    if wait > self.longest_wait {
                        return Err(WaitTooLong { class, wait });
                    }
                    Some(until)
                }
                Admission::Full(until) => {
                    if let (Some(until), WaitObserver(Some(observer))) = (until, &self.watcher) {
                        let wait = until.saturating_duration_since(now);
                        observer.notice(Event::LimitReached { class, wait });
                    }
                    until
                }
            };
            match until {
                Some(until) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = notified => {}
                    }
                }
                None => notified.await,
            }
        }
    }

    /// Whether a class is to wait because the service asked for it.
    pub(in crate::graph) fn is_paused(&self, class: Class) -> bool {
        let until = self.state().brake(class).paused_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// Pauses a class because the service asked for it. Where it was for the limit's sake that
    /// `refused` requests were refused, less of the limit is used from then on.
    pub(in crate::graph) fn throttle(&self, class: Class, wait: Duration, refused: usize) {
        let now = Instant::now();
        let until = now + wait;
        let mut state = self.state();
        let brake = state.brake(class);
        let is_over = brake.paused_until.is_none_or(|until| until <= now);
        let again = is_over && brake.burst_at.is_none_or(|at| at + BURST <= now);
        if again {
            brake.burst_at = Some(now);
        }
        brake.refused_since.get_or_insert(now);
        brake.paused_until = brake.paused_until.max(Some(until));
        if refused > 0 {
            let window = match class {
                Class::Read => &mut state.any,
                Class::Write => &mut state.writes,
            };
            window.refused(refused, again, now, until);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Notes that the service took a request of a class.
    pub(in crate::graph) fn passed(&self, class: Class) {
        let now = Instant::now();
        let mut state = self.state();
        state.brake(class).refused_since = None;
        match class {
            Class::Read => state.any.passed(now),
            Class::Write => state.writes.passed(now),
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn give_back(&self, class: Class, cost: usize, used: bool) {
        let now = Instant::now();
        let mut state = self.state();
        let Cost { any, writes } = Cost::of(class, cost);
        let settle = |window: &mut Window, cost| {
            if used {
                window.answered(cost, now);
            } else {
                window.unsent(cost);
            }
        };
        settle(&mut state.any, any);
        settle(&mut state.writes, writes);
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing inside can leave the state half-changed, so a poisoned lock is a sound one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many slots are taken in each window.
#[derive(Clone, Copy, Debug)]
struct Cost {
    any: usize,
    writes: usize,
}

impl Cost {
    fn of(class: Class, requests: usize) -> Self {
        Self {
            any: requests,
            writes: match class {
                Class::Read => 0,
                Class::Write => requests,
            },
        }
    }
}

enum Admission {
    Leave,
    Paused { since: Instant, until: Instant },
    Full(Option<Instant>),
}

impl State {
    fn brake(&mut self, class: Class) -> &mut ThrottleState {
        match class {
            Class::Read => &mut self.read_brake,
            Class::Write => &mut self.write_brake,
        }
    }

    fn look(&mut self, class: Class, cost: Cost, now: Instant) -> Admission {
        self.any.forget_old(now);
        self.writes.forget_old(now);
        let brake = self.brake(class);
        if let Some(until) = brake.paused_until.filter(|until| *until > now) {
            return Admission::Paused {
                since: brake.refused_since.unwrap_or(now),
                until,
            };
        }
        let any = self.any.look_again(cost.any, now);
        let writes = match cost.writes {
            0 => None,
            writes => self.writes.look_again(writes, now),
        };
        match (any, writes) {
            (None, None) => {
                self.any.take(cost.any);
                self.writes.take(cost.writes);
                Admission::Leave
            }
            (Some(until), None) | (None, Some(until)) => Admission::Full(until),
            // Both must be free; a window without a known time notifies when it may be free.
            (Some(Some(any)), Some(Some(writes))) => Admission::Full(Some(any.max(writes))),
            (Some(_), Some(_)) => Admission::Full(None),
        }
    }
}

/// Slots that were taken for requests. They start to come back when the permit is dropped, which
/// is to be when the answer has arrived; at once where nothing was sent.
#[derive(Debug)]
pub struct Permit {
    lane: Arc<RateLimiter>,
    class: Class,
    cost: usize,
    used: bool,
    /// The slots of a limit that counts the same requests.
    beside: Option<Box<Self>>,
}

impl Permit {
    /// Adds the slots of a limit that counts the same requests.
    pub(super) fn beside(mut self, other: Option<Self>) -> Self {
        self.beside = other.map(Box::new);
        self
    }

    /// Notes that the request leaves now.
    pub fn mark_used(&mut self) {
        self.used = true;
        if let Some(beside) = &mut self.beside {
            beside.mark_used();
        }
    }

    /// Returns the class that the slots were taken for.
    pub(in crate::graph) fn class(&self) -> Class {
        self.class
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.lane.give_back(self.class, self.cost, self.used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lane() -> RateLimiter {
        let limit = RateLimit {
            count: 20,
            window: SECOND * 20,
        };
        RateLimiter::new(limit, limit, SECOND * 900, WaitObserver::default())
    }

    /// Refusals that come in a pause, or close together, are of one burst: they were sent before its first was known.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_begins_a_burst_after_the_pause_and_the_burst_before_it() {
        for (pause, next, begins) in [
            (0, 999, false),
            (0, 1000, true),
            (1500, 1499, false),
            (1500, 1500, true),
            (60_000, 5000, false),
        ] {
            let lane = lane();
            lane.throttle(Class::Write, Duration::from_millis(pause), 1);
            let first = lane.state().write_brake.burst_at;
            assert_eq!(first, Some(Instant::now()));
            tokio::time::advance(Duration::from_millis(next)).await;
            lane.throttle(Class::Write, SECOND, 1);
            let latest = lane.state().write_brake.burst_at;
            assert_eq!(latest != first, begins, "{pause} {next}");
            assert_eq!(latest == Some(Instant::now()), begins, "{pause} {next}");
        }
    }

    /// Only a refusal for the limit's sake says what the share is.
    #[tokio::test(start_paused = true)]
    async fn a_pause_for_another_reason_leaves_the_share() {
        for (refused, free) in [(0, 20), (1, 10)] {
            let lane = Arc::new(lane());
            lane.throttle(Class::Read, SECOND, refused);
            tokio::time::advance(SECOND).await;
            // Something has to grow old, or reads pass all the same.
            let mut permit = lane.permit(Class::Read, 1).await.expect("a permit");
            permit.mark_used();
            drop(permit);
            let mut permits = Vec::new();
            while let Ok(permit) = tokio::time::timeout(SECOND, lane.permit(Class::Read, 1)).await {
                permits.push(permit.expect("a short wait"));
            }
            assert_eq!(permits.len() + 1, free);
        }
    }
}
