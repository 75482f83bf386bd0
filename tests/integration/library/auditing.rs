//! The audit events: one query a run, bounded, and never the end of it.

use std::time::Duration;

use assignctl::model::AuditLog;
use assignctl_sandbox::{Collection, Tenant};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::support::world::World;

/// A tenant with so many events, a minute apart, the last at the start of the test.
fn tenant(number: u32) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
    for minute in 0..number {
        let time = start() - Duration::from_secs(60) * (number - 1 - minute);
        let event = json!({"id": minute.to_string(), "activityDateTime": time.to_string()});
        let Value::Object(event) = event else {
            continue;
        };
        tenant.audit_events.push(event);
    }
    tenant
}

fn start() -> Timestamp {
    Timestamp::from_second(1_795_428_000).expect("a time")
}

async fn read(world: &World, minutes: u32) -> (AuditLog, usize) {
    let before = world.wire.log().len();
    let since = start() - Duration::from_secs(60) * minutes;
    let log = world.reader().audit_log(since).await.expect("a log");
    (log, world.wire.log().len() - before)
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_until_one_is_older_than_what_is_asked_for() {
    let mut tenant = tenant(1000);
    tenant.service.audit.page_size = 100;
    tenant.service.audit.trailing_link = true;
    let world = World::new(tenant);
    let (log, requests) = read(&world, 98).await;
    assert_eq!((log.events.len(), log.covered, requests), (99, true, 1));
    let (log, requests) = read(&world, 250).await;
    assert_eq!((log.events.len(), log.covered, requests), (251, true, 3));
    assert_eq!(log.failure, None);
    // Ten pages are the end of it; that the log goes on is not taken for its end.
    let (log, requests) = read(&world, 5000).await;
    assert_eq!((log.events.len(), log.covered, requests), (1000, false, 10));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_begins_later_does_not_cover_the_time_before() {
    for trailing_link in [false, true] {
        let mut tenant = tenant(10);
        tenant.service.audit.trailing_link = trailing_link;
        let world = World::new(tenant);
        let (log, _) = read(&world, 60).await;
        assert_eq!((log.events.len(), log.covered), (10, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_log_is_given_up_within_half_a_minute() {
    let mut tenant = tenant(10);
    tenant.service.audit.throttled = true;
    let world = World::new(tenant);
    let begin = tokio::time::Instant::now();
    let (log, _) = read(&world, 60).await;
    assert!(begin.elapsed() <= Duration::from_secs(31));
    assert!(log.failure.is_some() && !log.covered && log.events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_time_is_not_passed_over() {
    let mut tenant = tenant(2);
    tenant.audit_events.push(Map::from_iter([
        ("activityDateTime".to_owned(), json!(start().to_string())),
        ("actor".to_owned(), json!(7)),
    ]));
    let world = World::new(tenant);
    let (log, _) = read(&world, 60).await;
    assert!(log.failure.is_some() && !log.covered);
}
