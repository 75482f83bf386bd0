//! How long a run takes, against the least that the service's limits allow.

use std::sync::OnceLock;
use std::time::Duration;

use assignctl::apply::ObserveApply;
use assignctl::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES, Pace};
use assignctl::model::RateLimit;
use assignctl::plan::{PlannedPolicy, estimate};
use assignctl::report::PolicyResult;
use assignctl_sandbox::{RetryAfter, Tenant};

use super::super::support::tenants::tenant;
use super::super::support::wire::{Act, Deed};
use super::super::support::world::{LONGEST_WAIT, World, outcomes};
use super::{adding, moving, wants};

const LATENCY: Duration = Duration::from_millis(50);

/// Carries a plan out in a world where each request takes [`LATENCY`]; returns the seconds.
async fn time(world: &World, plan: &assignctl::plan::Plan) -> f64 {
    world.wire.latency(LATENCY);
    carry_out(world, plan).await
}

async fn carry_out(world: &World, plan: &assignctl::plan::Plan) -> f64 {
    let start = world.wire.elapsed();
    let results = world.apply(plan).await;
    assert_eq!(
        outcomes(&results),
        format!("{} applied", plan.changed().count())
    );
    (world.wire.elapsed() - start).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_writes_take_four_windows_and_a_tail() {
    // The tail: what a run takes that has not to wait.
    let (world, plan) = adding(tenant(100)).await;
    let tail = time(&world, &plan).await;
    let (world, plan) = adding(tenant(500)).await;
    let took = time(&world, &plan).await;
    assert_eq!(world.throttled(), 0);
    assert_eq!(world.writes_reached(), 500);
    let floor = 80.0 + tail;
    assert!(tail < 2.5, "{tail}");
    assert!((80.0..=floor * 1.03).contains(&took), "{took} of {floor}");
}

/// What a run comes to where other applications leave so many writes a window: the seconds, and
/// the share of its requests that was refused.
async fn sharing(mut tenant: Tenant, left: u32, form: RetryAfter) -> (f64, f64) {
    tenant.service.throttling.other_apps_writes = 200 - left;
    tenant.service.throttling.retry_after = form;
    let (world, plan) = moving(tenant).await;
    let took = time(&world, &plan).await;
    (took, refused(&world))
}

#[expect(clippy::cast_precision_loss, reason = "a test's counts are small")]
fn refused(world: &World) -> f64 {
    world.throttled() as f64 / world.wire.log().len() as f64
}

#[tokio::test(start_paused = true)]
async fn a_run_settles_at_what_other_applications_leave() {
    for (count, left, floor, form, ratio) in [
        (500, 100, 80.0, RetryAfter::Seconds, 1.15),
        // Seven full windows: a slot that a refused probe took from the last of them is a window more.
        (350, 50, 120.0, RetryAfter::Seconds, 1.05),
        (500, 50, 180.0, RetryAfter::Seconds, 1.05),
        (500, 50, 180.0, RetryAfter::Fraction, 1.15),
        (500, 50, 180.0, RetryAfter::Date, 1.15),
        (500, 50, 180.0, RetryAfter::LowerCase, 1.15),
        (500, 50, 180.0, RetryAfter::Absent, 1.15),
        (500, 40, 240.0, RetryAfter::Seconds, 1.15),
    ] {
        let (took, refused) = sharing(tenant(count), left, form).await;
        let most = floor * ratio;
        assert!(
            (floor..=most).contains(&took),
            "{count} {left} {form:?}: {took}"
        );
        assert!(refused < 0.03, "{count} {left} {form:?}: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_comes_back_up_when_the_other_application_stops() {
    let mut tenant = tenant(500);
    tenant.service.throttling.other_apps_writes = 150;
    let (world, plan) = moving(tenant).await;
    let (service, start) = (world.service.clone(), world.wire.elapsed());
    world.wire.rule(move |sent| {
        if sent.at - start > Duration::from_secs(100) {
            service.with_machine(|machine| {
                machine.tenant_mut().service.throttling.other_apps_writes = 0;
            });
        }
        passes()
    });
    let took = carry_out(&world, &plan).await;
    // Five windows of 50, then three of 100.
    assert!((140.0..=140.0 * 1.15).contains(&took), "{took}");
    assert!(refused(&world) < 0.03);
}

fn passes() -> Deed {
    Deed {
        before: LATENCY / 2,
        act: Act::Pass,
        after: LATENCY / 2,
    }
}

/// Writes that show late do not keep others from being written.
#[tokio::test(start_paused = true)]
async fn a_service_that_shows_writes_late_costs_time_once_not_for_each_policy() {
    let mut tenant = tenant(200);
    tenant.service.read_after_write_lag = 5.0;
    let (world, plan) = moving(tenant).await;
    let took = time(&world, &plan).await;
    // One window, and the last policies' lag; with eight at a time it would be two minutes.
    assert!((20.0..=35.0).contains(&took), "{took}");
    assert_eq!(world.throttled(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_policies_may_be_worked_on() {
    for concurrency in [1, 3, 8] {
        let (mut world, plan) = moving(tenant(60)).await;
        world.settings.concurrency = concurrency;
        let before = world.wire.log().len();
        time(&world, &plan).await;
        let log = &world.wire.log()[before..];
        let most = log
            .iter()
            .map(|sent| {
                let is_under_way = |other: &&super::Sent| {
                    other.at <= sent.at && other.end.is_none_or(|(end, _)| end > sent.at)
                };
                log.iter().filter(is_under_way).count()
            })
            .max();
        assert_eq!(most, Some(concurrency));
    }
}

/// How many policies were written when the first of them settled.
struct FirstSettled<'a>(&'a World, OnceLock<usize>);

impl ObserveApply for FirstSettled<'_> {
    fn settled(&self, _: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {
        self.1.get_or_init(|| self.0.wire.writes().len());
    }
}

/// Where nothing shows, a run that is killed leaves one window of policies in doubt, and as many as are written side by
/// side.
#[tokio::test(start_paused = true)]
async fn policies_that_do_not_show_are_a_window_at_most() {
    let mut tenant = tenant(160);
    tenant.service.read_after_write_lag = 80_000.0;
    let (mut world, plan) = moving(tenant).await;
    world.settings.concurrency = 2;
    let first = FirstSettled(&world, OnceLock::new());
    let results = world.apply_watched(&plan, &first).await;
    assert_eq!(outcomes(&results), "160 failed unverified");
    assert_eq!(first.1.get(), Some(&102));
}

#[tokio::test(start_paused = true)]
async fn one_at_a_time_means_that_a_policy_is_settled_before_the_next_is_begun() {
    let (mut world, plan) = moving(tenant(5)).await;
    world.settings.concurrency = 1;
    let before = world.wire.log().len();
    time(&world, &plan).await;
    let steps: String = world.wire.log()[before..]
        .iter()
        .map(|sent| if sent.is_write() { 'w' } else { 'r' })
        .collect();
    assert_eq!(steps, "rwr".repeat(5));
}

/// The limits that the user sets are kept like the service's own, and the estimate knows them.
#[tokio::test(start_paused = true)]
async fn what_is_estimated_is_what_it_takes() {
    let limit = |count, seconds| RateLimit {
        count,
        window: Duration::from_secs(seconds),
    };
    for (policies, writes, requests) in [
        (101, PUBLISHED_WRITES, PUBLISHED_REQUESTS),
        (350, PUBLISHED_WRITES, PUBLISHED_REQUESTS),
        (500, PUBLISHED_WRITES, PUBLISHED_REQUESTS),
        (200, limit(10, 5), PUBLISHED_REQUESTS),
        (60, limit(1, 3), PUBLISHED_REQUESTS),
        (300, PUBLISHED_WRITES, limit(100, 20)),
        (150, limit(40, 10), limit(60, 20)),
    ] {
        let world = World::at_pace(tenant(policies), Pace::new(writes, requests, LONGEST_WAIT));
        let plan = world.plan(&wants("*", &["B"])).await;
        // What planning read is not part of it.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let expected = estimate(&plan.summary(), writes, requests).as_secs_f64();
        let start = world.wire.elapsed();
        let took = {
            world.wire.rule(|_| Deed {
                before: Duration::from_millis(1),
                act: Act::Pass,
                after: Duration::from_millis(1),
            });
            carry_out(&world, &plan).await
        };
        assert!(
            (took - expected).abs() <= expected * 0.1,
            "{policies} {writes:?} {requests:?}: {took}, estimated {expected}"
        );
        let moments = |only_writes: bool| -> Vec<Duration> {
            let log = world.wire.log();
            log.iter()
                .filter(|sent| sent.at >= start && (sent.is_write() || !only_writes))
                .map(|sent| sent.at)
                .collect()
        };
        for (limit, moments) in [(writes, moments(true)), (requests, moments(false))] {
            for (index, first) in moments.iter().enumerate() {
                let last = index + limit.count;
                let is_over = moments
                    .get(last)
                    .is_some_and(|last| *last - *first < limit.window);
                assert!(!is_over, "{limit:?} at {first:?}");
            }
        }
    }
}
