//! Reads that are told to wait, and reads that are given up, in virtual time.

use std::time::Duration;

use assignctl::graph::GraphError;
use assignctl::graph::pace::{PUBLISHED_WRITES, Pace};
use assignctl::graph::transport::Response;
use assignctl::model::RateLimit;

use super::{EVERYTHING, LISTS, healthy_plan, tenant, unread};
use crate::library::support::answers::{error, html, later, with_header};
use crate::library::support::tenants::{self, wants};
use crate::library::support::wire::{Act, Deed};
use crate::library::support::world::{LONGEST_WAIT, World};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Answers the first request to the policy list once, and returns how long the second one kept
/// the service waiting.
async fn pause_after(answer: Response) -> Duration {
    let world = World::new(tenant());
    let mut once = Some(answer);
    world.wire.rule(move |sent| {
        if !sent.path.starts_with(LISTS[0]) {
            return Act::Pass;
        }
        once.take().map_or(Act::Pass, Act::Answer)
    });
    assert_eq!(world.plan(EVERYTHING).await, healthy_plan().await);
    let log = world.wire.log();
    let tries: Vec<Duration> = log
        .iter()
        .filter(|sent| sent.path.starts_with(LISTS[0]))
        .map(|sent| sent.at)
        .collect();
    assert_eq!(tries.len(), 2);
    tries[1] - tries[0]
}

#[tokio::test(start_paused = true)]
async fn every_form_of_retry_after_is_obeyed_exactly() {
    for status in [429, 503] {
        for (value, expected) in [
            ("17", 17.0),
            ("0.249", 0.249),
            ("2.128", 2.128),
            (" 3 ", 3.0),
        ] {
            let pause = pause_after(later(status, value)).await;
            assert!(pause >= seconds(expected), "{status} {value}: {pause:?}");
            assert!(
                pause <= seconds(expected + 0.002),
                "{status} {value}: {pause:?}"
            );
        }
        let named = with_header(error(status, "TooManyRequests"), "RETRY-AFTER", "4");
        let pause = pause_after(named).await;
        assert!(
            (seconds(4.0)..=seconds(4.002)).contains(&pause),
            "{pause:?}"
        );
        let dated = with_header(
            later(status, "Mon, 23 Nov 2026 10:00:30 GMT"),
            "date",
            "Mon, 23 Nov 2026 10:00:00 GMT",
        );
        let pause = pause_after(dated).await;
        assert!(
            (seconds(30.0)..=seconds(30.002)).contains(&pause),
            "{pause:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_usable_retry_after_the_wait_is_ours() {
    for answer in [
        error(429, "TooManyRequests"),
        later(429, ""),
        later(429, "soon"),
        later(429, "-5"),
        later(503, "NaN"),
        error(503, "CancelledOnServiceTimeout"),
        html(503),
    ] {
        let pause = pause_after(answer).await;
        assert!((seconds(0.7)..=seconds(1.01)).contains(&pause), "{pause:?}");
    }
    for status in [408, 500, 502, 504] {
        let pause = pause_after(error(status, "UnknownError")).await;
        assert!((seconds(0.3)..=seconds(0.51)).contains(&pause), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_all_reads() {
    let mut tenant = tenants::tenant(40);
    tenant.service.max_page_size = 2;
    let world = World::new(tenant);
    let text = format!(
        "{}\n  - kind: compliancePolicy\n    match: '*'\n    include: []\n",
        wants("*", &["B"])
    );
    world.wire.rule(|sent| Deed {
        before: Duration::from_millis(20),
        act: if sent.number == 5 {
            Act::Answer(later(429, "11"))
        } else {
            Act::Pass
        },
        after: Duration::from_millis(20),
    });
    world.plan(&text).await;
    let log = world.wire.log();
    let told = log
        .iter()
        .find(|sent| sent.status() == Some(429))
        .and_then(|sent| sent.end)
        .expect("an answer")
        .0;
    let early = log
        .iter()
        .filter(|sent| sent.at > told && sent.at < told + Duration::from_secs(11))
        .count();
    assert_eq!(early, 0);
    assert_eq!(world.client.counts().throttled, 1);
}

/// The service counts requests to the directory apart.
#[tokio::test(start_paused = true)]
async fn the_directory_takes_nothing_from_intunes_limit() {
    let mut made = tenant();
    made.service.throttling.app_any = 3;
    let requests = RateLimit {
        count: 3,
        window: Duration::from_secs(20),
    };
    let world = World::at_pace(made, Pace::new(PUBLISHED_WRITES, requests, LONGEST_WAIT));
    world.plan(EVERYTHING).await;
    let log = world.wire.log();
    assert_eq!(log.len(), 4);
    assert!(log.iter().all(|sent| sent.status() == Some(200)));
    assert!(world.wire.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_the_directory_holds_nothing_else() {
    let world = World::new(tenant());
    let mut told = false;
    world.wire.rule(move |sent| {
        if sent.path.starts_with("/groups") && !std::mem::replace(&mut told, true) {
            return Act::Answer(later(429, "60"));
        }
        Act::Pass
    });
    assert_eq!(world.plan(EVERYTHING).await, healthy_plan().await);
    for sent in world.wire.log() {
        let late = sent.at >= Duration::from_secs(60);
        assert_eq!(late, sent.path.starts_with("/groups") && sent.number > 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_nobody_allows_is_not_begun() {
    for value in ["901", "1e300", "inf", "Thu, 01 Jan 9998 00:00:00 GMT"] {
        let world = World::new(tenant());
        let shown = value.to_owned();
        world.wire.rule(move |_| Act::Answer(later(429, &shown)));
        let error = unread(&world, EVERYTHING).await;
        assert!(matches!(error, GraphError::Wait { .. }), "{value}: {error}");
        assert!(world.wire.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn waits_that_the_service_asks_for_do_not_use_the_time_up() {
    let world = World::new(tenant());
    let mut told = 0;
    world.wire.rule(move |sent| {
        if sent.path.starts_with(LISTS[0]) && told < 4 {
            told += 1;
            return Act::Answer(later(429, "60"));
        }
        Act::Pass
    });
    assert_eq!(world.plan(EVERYTHING).await, healthy_plan().await);
    assert!(world.wire.elapsed() >= Duration::from_secs(240));
}

#[tokio::test(start_paused = true)]
async fn together_the_waits_may_not_be_longer_than_allowed() {
    let world = World::with_wait(tenant(), Duration::from_secs(100));
    world.wire.rule(|sent| {
        if sent.path.starts_with(LISTS[0]) {
            Act::Answer(later(429, "40"))
        } else {
            Act::Pass
        }
    });
    let error = unread(&world, EVERYTHING).await;
    assert!(matches!(error, GraphError::Wait { .. }), "{error}");
    assert!(world.wire.elapsed() <= Duration::from_secs(100));
}

#[tokio::test(start_paused = true)]
async fn a_read_is_given_up_after_five_tries() {
    for status in [408, 429, 500, 502, 503, 504] {
        let world = World::new(tenants::tenant(1));
        world.wire.rule(move |sent| {
            if sent.path.contains("$expand") {
                Act::Answer(error(status, "UnknownError"))
            } else {
                Act::Pass
            }
        });
        let error = unread(&world, &wants("*", &[])).await;
        assert!(
            matches!(error, GraphError::GivenUp { tries: 5, .. }),
            "{status}: {error}"
        );
        assert_eq!(world.wire.log().len(), 5);
        assert!(world.wire.elapsed() <= Duration::from_secs(15));
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_given_up_after_thirty_seconds() {
    for (each, tries) in [(8, 4), (14, 3), (29, 2)] {
        let world = World::new(tenants::tenant(1));
        world.wire.rule(move |_| Deed {
            before: Duration::from_secs(each),
            act: Act::LostBefore,
            after: Duration::ZERO,
        });
        let error = unread(&world, &wants("*", &[])).await;
        assert!(matches!(error, GraphError::GivenUp { .. }), "{error}");
        assert_eq!(world.wire.log().len(), tries, "{each} s each");
        let took = world.wire.elapsed();
        assert!((seconds(29.0)..=seconds(30.01)).contains(&took), "{took:?}");
    }
    let world = World::new(tenants::tenant(1));
    world.wire.rule(|_| Act::Silence);
    unread(&world, &wants("*", &[])).await;
    assert_eq!(world.wire.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_tried_again() {
    for lost in [|| Act::LostBefore, || Act::LostAfter, || Act::NotSent] {
        let world = World::new(tenant());
        world.wire.rule(move |sent| {
            if sent.number % 2 == 1 {
                lost()
            } else {
                Act::Pass
            }
        });
        assert_eq!(world.plan(EVERYTHING).await, healthy_plan().await);
    }
}
