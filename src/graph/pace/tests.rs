//! Paces in virtual time, against the service's own way of counting.

use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

const LONGEST: Duration = Duration::from_secs(900);

fn lane(writes: RateLimit, requests: RateLimit, longest_wait: Duration) -> RateLimiter {
    RateLimiter::new(writes, requests, longest_wait, WaitObserver::default())
}

fn limit(count: usize, seconds: u64) -> RateLimit {
    RateLimit {
        count,
        window: Duration::from_secs(seconds),
    }
}

/// Sends `number` requests side by side, each answered after `latency` and counted by the
/// service at a moment in between; returns the moments and the whole time.
async fn run(
    pace: &Arc<RateLimiter>,
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
    let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
    let (moments, took) = run(&pace, Class::Write, 500, latency).await;
    assert_eq!(most_in_any(Duration::from_secs(20), &moments), 100);
    // Four windows are the floor; each costs one latency and the margin on top.
    assert!(took >= Duration::from_secs(80), "{took:?}");
    assert!(took <= Duration::from_millis(80_000 + 5 * 60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_counts_against_both_limits() {
    let pace = Arc::new(lane(limit(100, 20), limit(10, 20), LONGEST));
    let (moments, _) = run(&pace, Class::Write, 25, Duration::from_millis(10)).await;
    assert_eq!(most_in_any(Duration::from_secs(20), &moments), 10);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_sent_nothing_costs_nothing() {
    let pace = Arc::new(lane(limit(1, 20), limit(10, 20), LONGEST));
    let start = Instant::now();
    drop(pace.permit(Class::Write, 1).await.expect("a permit"));
    drop(pace.permit(Class::Write, 1).await.expect("a permit"));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_its_class_and_no_other() {
    let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
    pace.throttle(Class::Write, Duration::from_secs(7), 0);
    let start = Instant::now();
    drop(pace.permit(Class::Read, 1).await.expect("a permit"));
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(pace.permit(Class::Write, 1).await.expect("a permit"));
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_one_of_a_group_and_a_class() {
    let pace = Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST);
    let group = RateGroup::Directory;
    pace.lane(group)
        .throttle(Class::Write, Duration::from_secs(7), 0);
    assert!(pace.lane(group).is_paused(Class::Write));
    assert!(!pace.lane(group).is_paused(Class::Read));
    let other = RateGroup::Intune(crate::kinds::ThrottleGroup::DeviceConfiguration);
    assert!(!pace.lane(other).is_paused(Class::Write));
    tokio::time::advance(Duration::from_secs(7)).await;
    assert!(!pace.lane(group).is_paused(Class::Write));
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_allowed_is_not_waited_for() {
    let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
    pace.throttle(Class::Write, Duration::from_secs(3600), 1);
    let start = Instant::now();
    let refused = pace.permit(Class::Write, 1).await.expect_err("too long");
    assert_eq!(refused.wait, Duration::from_secs(3600));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn pauses_without_an_end_are_one_long_pause() {
    let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
    let start = Instant::now();
    let refused = loop {
        match pace.permit(Class::Write, 1).await {
            Ok(mut permit) => permit.mark_used(),
            Err(refused) => break refused,
        }
        pace.throttle(Class::Write, Duration::from_secs(100), 1);
    };
    assert_eq!(refused.wait, Duration::from_secs(1000));
    assert_eq!(start.elapsed(), Duration::from_secs(900));
    // Once something has passed, the patience is there again.
    pace.passed(Class::Write);
    assert!(pace.permit(Class::Write, 1).await.is_ok());
}

/// A service that counts as Intune does, with a capacity that changes over time.
struct Counted {
    capacity: fn(Duration) -> usize,
    log: Vec<Duration>,
    refused: usize,
}

impl Counted {
    /// Counts a request, refused or not, and says for how long it is refused.
    fn count(&mut self, now: Duration) -> Option<Duration> {
        const WINDOW: Duration = Duration::from_secs(20);
        self.log.retain(|moment| now - *moment < WINDOW);
        self.log.push(now);
        let capacity = (self.capacity)(now);
        if self.log.len() <= capacity {
            return None;
        }
        self.refused += 1;
        // There is room for one more once so many have grown old.
        let old = self.log.get(self.log.len() - capacity).or(self.log.last());
        Some(*old.expect("itself at least") + WINDOW - now)
    }
}

/// Sends `number` writes at 8 side by side until each was taken; returns the time and how many
/// requests were refused.
async fn share(number: usize, capacity: fn(Duration) -> usize) -> (f64, usize) {
    const LATENCY: Duration = Duration::from_millis(50);
    let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
    let service = Arc::new(Mutex::new(Counted {
        capacity,
        log: Vec::new(),
        refused: 0,
    }));
    let start = Instant::now();
    let left = Arc::new(Mutex::new(number));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (pace, service, left) = (Arc::clone(&pace), Arc::clone(&service), Arc::clone(&left));
        workers.spawn(async move {
            loop {
                {
                    let mut left = left.lock().expect("a count");
                    if *left == 0 {
                        return;
                    }
                    *left -= 1;
                }
                loop {
                    let mut permit = pace.permit(Class::Write, 1).await.expect("a permit");
                    permit.mark_used();
                    tokio::time::sleep(LATENCY / 2).await;
                    let answer = service.lock().expect("a service").count(start.elapsed());
                    tokio::time::sleep(LATENCY / 2).await;
                    drop(permit);
                    match answer {
                        None => {
                            pace.passed(Class::Write);
                            break;
                        }
                        Some(wait) => pace.throttle(Class::Write, wait, 1),
                    }
                }
            }
        });
    }
    while workers.join_next().await.is_some() {}
    let refused = service.lock().expect("a service").refused;
    (start.elapsed().as_secs_f64(), refused)
}

/// What the issue of sharing comes to: never much slower than the share allows, and few refusals.
#[track_caller]
fn assert_settles((took, refused): (f64, usize), floor: f64, writes: usize) {
    assert!(
        took >= floor && took <= floor * 1.15,
        "{took} s, where {floor} s are the floor"
    );
    // For each write there are two looks, so that these are fewer than 2 % of all requests.
    assert!(refused * 100 < writes * 5, "{refused} of {writes} refused");
}

#[tokio::test(start_paused = true)]
async fn what_other_applications_leave_is_found_and_used() {
    assert_settles(share(500, |_| 100).await, 80.0, 500);
    assert_settles(share(500, |_| 50).await, 180.0, 500);
    assert_settles(share(500, |_| 30).await, 320.0, 500);
    assert_settles(share(1000, |_| 75).await, 260.0, 1000);
}

#[tokio::test(start_paused = true)]
async fn the_whole_limit_is_used_again_once_the_others_stop() {
    // 50 a window until 100 s: 250 writes at most. The rest fills two windows and part of a third.
    let stops = |now: Duration| if now.as_secs() < 100 { 50 } else { 100 };
    assert_settles(share(500, stops).await, 140.0, 500);
    // Nothing at all is left at first, as after another run of our own.
    let busy = |now: Duration| if now.as_secs() < 15 { 0 } else { 100 };
    let (took, refused) = share(200, busy).await;
    assert!((35.0..45.0).contains(&took), "{took}");
    assert!(refused <= 10, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_share_that_others_take_later_is_given_up_at_once() {
    let starts = |now: Duration| if now.as_secs() < 50 { 100 } else { 40 };
    // 300 until 50 s; then what was used before counts on.
    let (took, refused) = share(500, starts).await;
    assert!((120.0..170.0).contains(&took), "{took}");
    assert!(refused * 100 < 500 * 5, "{refused}");
}

/// Turns that are held while their looks have to be repeated must not wait for themselves.
#[tokio::test(start_paused = true)]
async fn turns_that_fill_the_window_do_not_wait_for_ever() {
    for count in [2, 16, 20, 40] {
        let pace = Arc::new(lane(PUBLISHED_WRITES, limit(count, 2), LONGEST));
        let mut held = Vec::new();
        for _ in 0..count / 2 {
            let (mut look, write) = pace.turn().await.expect("a turn");
            look.mark_used();
            drop(look);
            pace.throttle(Class::Read, Duration::from_secs(1), 1);
            held.push(write);
        }
        let start = Instant::now();
        for _ in 0..3 {
            let mut look = pace.permit(Class::Read, 1).await.expect("a look");
            look.mark_used();
        }
        assert!(start.elapsed() <= Duration::from_secs(10), "{count}");
        drop(held);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_nothing_explains_costs_no_window() {
    // One stray refusal, and a burst of eight, with the whole limit free.
    for strays in [1, 8] {
        let pace = Arc::new(lane(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST));
        let start = Instant::now();
        let mut first = Vec::new();
        for _ in 0..strays {
            let mut permit = pace.permit(Class::Write, 1).await.expect("a permit");
            permit.mark_used();
            first.push(permit);
        }
        first.clear();
        for _ in 0..strays {
            pace.throttle(Class::Write, Duration::from_secs(1), 1);
        }
        for _ in 0..60 {
            let mut permit = pace.permit(Class::Write, 1).await.expect("a permit");
            permit.mark_used();
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(permit);
            pace.passed(Class::Write);
        }
        let took = start.elapsed().as_secs_f64();
        assert!((4.0..=5.0).contains(&took), "{strays}: {took}");
    }
}
