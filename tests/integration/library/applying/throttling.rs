//! Writes and the service's limits, in virtual time.

use std::time::Duration;

use assignctl::graph::transport::Response;
use assignctl_sandbox::RetryAfter;

use super::{adding, moving};
use crate::library::support::answers::{error, later, with_header};
use crate::library::support::tenants::{all_rows, tenant};
use crate::library::support::wire::{Act, Deed, Sent};
use crate::library::support::world::{World, applied, outcomes};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Answers the fifth write in the machine's place; everything takes 40 ms.
fn fifth_write(world: &World, answer: Response) {
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        Deed {
            before: Duration::from_millis(20),
            act: if sent.is_write() && writes == 5 {
                Act::Answer(answer.clone())
            } else {
                Act::Pass
            },
            after: Duration::from_millis(20),
        }
    });
}

/// Returns when the writes were told to wait, and when the next one left.
fn pause(log: &[Sent], status: u16) -> (Duration, Duration) {
    let told = log
        .iter()
        .find(|sent| sent.is_write() && sent.status() == Some(status))
        .and_then(|sent| sent.end)
        .expect("an answer")
        .0;
    let next = log
        .iter()
        .filter(|sent| sent.is_write() && sent.at >= told)
        .map(|sent| sent.at)
        .min()
        .expect("a later write");
    (told, next)
}

#[tokio::test(start_paused = true)]
async fn no_write_leaves_while_the_service_asks_to_wait() {
    let dated = with_header(
        later(429, "Mon, 23 Nov 2026 10:00:09 GMT"),
        "date",
        "Mon, 23 Nov 2026 10:00:00 GMT",
    );
    for (answer, least, most) in [
        (later(429, "17"), 17.0, 17.1),
        (later(429, "2.128"), 2.128, 2.2),
        (dated, 9.0, 9.1),
        (error(429, "TooManyRequests"), 1.5, 2.1),
        (later(429, "soon"), 1.5, 2.1),
        (later(503, "6"), 6.0, 6.1),
    ] {
        let status = answer.status;
        let (world, plan) = moving(tenant(30)).await;
        fifth_write(&world, answer);
        assert_eq!(outcomes(&world.apply(&plan).await), "30 applied");
        assert_eq!(world.writes_reached(), 30);
        assert_eq!(world.throttled(), 0);
        let (told, next) = pause(&world.wire.log(), status);
        let waited = next - told;
        assert!(
            (seconds(least)..=seconds(most)).contains(&waited),
            "{least}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_looked_at_again_after_it_had_to_wait() {
    let (world, plan) = moving(tenant(1)).await;
    let mut told = false;
    world.wire.rule(move |sent| {
        if sent.is_write() && !std::mem::replace(&mut told, true) {
            Act::Answer(later(429, "30"))
        } else {
            Act::Pass
        }
    });
    let before = world.wire.log().len();
    assert_eq!(outcomes(&world.apply(&plan).await), "applied");
    let steps: String = world.wire.log()[before..]
        .iter()
        .map(|sent| if sent.is_write() { 'w' } else { 'r' })
        .collect();
    assert_eq!(steps, "rwrwr");
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_writes_does_not_hold_the_looks_that_prove_them() {
    let (world, plan) = moving(tenant(30)).await;
    fifth_write(&world, later(429, "60"));
    assert_eq!(applied(&world.apply(&plan).await), 30);
    let log = world.wire.log();
    let (told, next) = pause(&log, 429);
    let looks = log
        .iter()
        .filter(|sent| !sent.is_write() && sent.at >= told && sent.at < next - seconds(1.0))
        .count();
    assert!(looks > 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_nobody_allows_ends_the_writing() {
    let (world, plan) = moving(tenant(20)).await;
    fifth_write(&world, later(429, "901"));
    let results = world.apply(&plan).await;
    let done = applied(&results);
    assert!((4..=12).contains(&done), "{}", outcomes(&results));
    assert_eq!(
        outcomes(&results),
        format!("{done} applied, {} skipped waitTooLong", 20 - done)
    );
    let rows = all_rows(&world.tenant());
    assert_eq!(rows.iter().filter(|rows| *rows == "B").count(), done);
    assert!(world.wire.elapsed() < seconds(60.0));
}

/// Nothing was found out about the policies, so none has failed.
#[tokio::test(start_paused = true)]
async fn a_wait_that_nobody_allows_ends_the_looks_too() {
    let (world, plan) = moving(tenant(3)).await;
    world.wire.rule(|_| Act::Answer(later(429, "901")));
    assert_eq!(outcomes(&world.apply(&plan).await), "3 skipped waitTooLong");
    assert!(world.wire.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_throttles_for_ever_is_given_up() {
    for answer in [error(429, "TooManyRequests"), later(429, "100")] {
        let (world, plan) = moving(tenant(10)).await;
        world.wire.rule(move |sent| {
            if sent.is_write() {
                Act::Answer(answer.clone())
            } else {
                Act::Pass
            }
        });
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            "10 skipped waitTooLong"
        );
        // Each policy has the longest wait to itself.
        assert!(world.wire.elapsed() < seconds(10.0 * 1000.0));
        assert_eq!(world.writes_reached(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_published_limits_nothing_is_throttled_and_nothing_given_away() {
    for (policies, latency, windows) in [(100, 20, 0.0), (250, 20, 40.0), (250, 1, 40.0)] {
        let (world, plan) = adding(tenant(policies)).await;
        world.wire.latency(Duration::from_millis(latency));
        let start = world.wire.elapsed();
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            format!("{policies} applied")
        );
        assert_eq!(world.throttled(), 0);
        assert_eq!(world.writes_reached(), policies as u64);
        let took = world.wire.elapsed() - start;
        assert!(took >= seconds(windows), "{took:?}");
        assert!(
            took <= seconds(f64::max(windows * 1.03, 2.0)),
            "{policies} at {latency} ms: {took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn uneven_latency_draws_no_429_either() {
    let (mut world, plan) = moving(tenant(350)).await;
    world.settings.concurrency = 32;
    let mut dice = fastrand::Rng::with_seed(3);
    world.wire.rule(move |_| Deed {
        before: Duration::from_millis(dice.u64(0..400)),
        act: Act::Pass,
        after: Duration::from_millis(dice.u64(0..400)),
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "350 applied");
    assert_eq!(world.throttled(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_app_that_takes_its_share_slows_the_run_and_does_not_stop_it() {
    for form in [
        RetryAfter::Seconds,
        RetryAfter::Fraction,
        RetryAfter::Date,
        RetryAfter::LowerCase,
        RetryAfter::Absent,
    ] {
        let mut tenant = tenant(120);
        tenant.service.throttling.other_apps_writes = 160;
        tenant.service.throttling.retry_after = form;
        let (world, plan) = moving(tenant).await;
        world.wire.latency(Duration::from_millis(20));
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            "120 applied",
            "{form:?}"
        );
        assert!(world.throttled() > 0);
        // 40 writes in 20 s are left.
        let took = world.wire.elapsed();
        assert!(
            (seconds(40.0)..=seconds(400.0)).contains(&took),
            "{form:?} {took:?}"
        );
    }
}
