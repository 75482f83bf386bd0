//! Refusals, failures and interrupts: what ends the run, and what does not.

use std::time::Duration;

use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use assignctl::report::{Outcome, Results};

use super::{adding, ids, is_about, moving};
use crate::library::support::answers::{error, html, later};
use crate::library::support::tenants::{all_rows, tenant, tenant_with_set_rows, wants};
use crate::library::support::wire::{Act, Deed, Sent};
use crate::library::support::world::{World, first_reason, outcomes};

#[tokio::test(start_paused = true)]
async fn a_403_on_every_write_is_a_refusal() {
    for answer in [error(403, "Forbidden"), html(403)] {
        let (world, plan) = moving(tenant(5)).await;
        world.wire.rule(move |sent| {
            if sent.is_write() {
                Act::Answer(answer.clone())
            } else {
                Act::Pass
            }
        });
        let results = world.apply(&plan).await;
        assert_eq!(results.count(Outcome::Failed), 5);
        assert!(results.is_refusal());
        assert_eq!(all_rows(&world.tenant()), ["A"; 5]);
        assert_eq!(world.wire.writes().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_only_read_is_refused_by_the_sandbox() {
    let mut tenant = tenant(3);
    tenant.service.roles = vec![
        "DeviceManagementConfiguration.Read.All".to_owned(),
        "Group.Read.All".to_owned(),
    ];
    let (world, plan) = moving(tenant.clone()).await;
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "3 failed Forbidden");
    assert!(results.is_refusal());
    let (world, plan) = adding(tenant).await;
    assert!(world.apply(&plan).await.is_refusal());
}

#[tokio::test(start_paused = true)]
async fn a_403_on_some_writes_is_no_refusal() {
    let (world, plan) = moving(tenant(5)).await;
    let id = ids(&world)[3].clone();
    world.wire.rule(move |sent| {
        if sent.is_write() && is_about(sent, &id) {
            Act::Answer(error(403, "Forbidden"))
        } else {
            Act::Pass
        }
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "4 applied, failed Forbidden");
    assert!(!results.is_refusal());
}

#[tokio::test(start_paused = true)]
async fn one_policy_that_is_refused_does_not_stop_the_others() {
    for status in [400, 404, 405, 409, 412, 422] {
        let (world, plan) = moving(tenant(12)).await;
        let id = ids(&world)[0].clone();
        world.wire.rule(move |sent| {
            if sent.is_write() && is_about(sent, &id) {
                Act::Answer(error(status, "BadRequest"))
            } else {
                Act::Pass
            }
        });
        let results = world.apply(&plan).await;
        assert_eq!(results.count(Outcome::Applied), 11, "{status}");
        assert!(!results.is_good());
        // A refusal is not tried again.
        assert_eq!(world.wire.writes().len(), 12);
    }
}

#[tokio::test(start_paused = true)]
async fn fail_fast_starts_nothing_after_the_first_failure() {
    for (concurrency, most) in [(1, 4), (8, 11)] {
        let (mut world, plan) = moving(tenant(40)).await;
        world.settings.fail_fast = true;
        world.settings.concurrency = concurrency;
        let id = ids(&world)[3].clone();
        world.wire.rule(move |sent| Deed {
            before: Duration::from_millis(10),
            act: if sent.is_write() && is_about(sent, &id) {
                Act::Answer(error(400, "BadRequest"))
            } else {
                Act::Pass
            },
            after: Duration::from_millis(10),
        });
        let results = world.apply(&plan).await;
        let writes = world.wire.writes().len();
        assert!(writes <= most, "{writes} at {concurrency}");
        assert_eq!(results.count(Outcome::Failed), 1, "{}", outcomes(&results));
        assert_eq!(results.count(Outcome::Applied), writes - 1);
        assert!(outcomes(&results).contains("skipped failFast"));
        assert!(!results.interrupted);
    }
}

/// Interrupts a run as its request of a number leaves; returns the requests from that one on.
async fn interrupted_at(world: &World, plan: &Plan, at: usize) -> (Results, Vec<Sent>) {
    let before = world.wire.log().len();
    let stop = world.stop.clone();
    world.wire.rule(move |sent| {
        if sent.number == before + at {
            stop.cancel();
        }
        Deed {
            before: Duration::from_millis(15),
            act: Act::Pass,
            after: Duration::from_millis(15),
        }
    });
    let results = world.apply(plan).await;
    assert!(results.interrupted);
    let log = world.wire.log();
    assert!(log.iter().all(|sent| sent.end.is_some()), "at {at}");
    (results, log[before + at - 1..].to_vec())
}

/// F23: an interrupt called 16 writes failed that had been answered.
#[tokio::test(start_paused = true)]
async fn f23_after_an_interrupt_nothing_starts_but_looks_at_what_was_written() {
    for at in [1, 2, 9, 20, 33, 60] {
        let (world, plan) = moving(tenant(40)).await;
        let (results, log) = interrupted_at(&world, &plan, at).await;
        assert!(!log[1..].iter().any(Sent::is_write), "at {at}");
        assert!(world.wire.elapsed() - log[0].at < Duration::from_secs(1));
        assert_eq!(results.settled.len(), 40);
        assert!(results.count(Outcome::Skipped) > 0);
        let moved = all_rows(&world.tenant());
        for (settled, rows) in results.settled.iter().zip(moved) {
            let expected = if rows == "B" {
                Outcome::Applied
            } else {
                Outcome::Skipped
            };
            assert_eq!(settled.outcome, expected, "at {at}: {settled:?}");
        }
        assert_eq!(results.count(Outcome::Applied), world.wire.writes().len());
        for sent in &log[1..] {
            let writes = world.wire.writes();
            let ids = ids(&world);
            let id = ids.iter().find(|id| is_about(sent, id)).expect("a policy");
            assert!(writes.iter().any(|write| is_about(write, id)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f23_looks_after_an_interrupt_are_bounded() {
    let mut slow = tenant(40);
    slow.service.read_after_write_lag = 60.0;
    let (world, plan) = moving(slow).await;
    let (results, log) = interrupted_at(&world, &plan, 30).await;
    let written = world.wire.writes().len();
    assert_eq!(
        outcomes(&results),
        format!(
            "{written} failed unverified, {} skipped interrupted",
            40 - written
        )
    );
    let took = world.wire.elapsed() - log[0].at;
    assert!(took < Duration::from_secs(6), "{took:?}");
    assert!(took > Duration::from_secs(4), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn f23_a_policy_between_two_of_its_writes_is_said_to_be_so() {
    let mut world = World::new(tenant(1));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["B", "C"])).await;
    // A look, the first create, and the look at it.
    let (results, _) = interrupted_at(&world, &plan, 3).await;
    assert_eq!(outcomes(&results), "failed interrupted");
    let reason = first_reason(&results);
    assert_eq!(
        reason.message,
        "interrupted after 1 of 3 writes to the policy"
    );
    assert_eq!(world.wire.writes().len(), 1);
}

/// Whether the latest write had its effect is not known then, whatever was done before it.
#[tokio::test(start_paused = true)]
async fn an_interrupt_after_a_lost_answer_leaves_the_outcome_unknown() {
    for lost in [1, 2] {
        let mut world = World::new(tenant(1));
        world.settings.write_with = WriteWith::Create;
        let plan = world.plan(&wants("*", &["B", "C"])).await;
        let stop = world.stop.clone();
        let mut writes = 0;
        world.wire.rule(move |sent| {
            writes += usize::from(sent.is_write());
            if sent.is_write() && writes == lost {
                let stop = stop.clone();
                tokio::spawn(async move {
                    // The looks are over by then, and the next try is waited for.
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    stop.cancel();
                });
                return Act::Answer(later(500, "60"));
            }
            Act::Pass
        });
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "failed unverified", "{lost}");
        assert_eq!(world.wire.writes().len(), lost);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_before_the_start_sends_nothing() {
    let (world, plan) = moving(tenant(5)).await;
    let before = world.wire.log().len();
    world.stop.cancel();
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "5 skipped interrupted");
    assert_eq!(world.wire.log().len(), before);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_reads_that_are_tried_again() {
    for (status, retry_after) in [(500, ""), (429, "600")] {
        let (world, plan) = moving(tenant(3)).await;
        let before = world.wire.log().len();
        let stop = world.stop.clone();
        world.wire.rule(move |sent| {
            if sent.number == before + 2 {
                stop.cancel();
            }
            Act::Answer(later(status, retry_after))
        });
        let results = world.apply(&plan).await;
        assert!(results.interrupted);
        let log = world.wire.log();
        assert_eq!(log.len() - before, 2, "{status}: {}", outcomes(&results));
        // Nor is the wait that the last answer asked for sat out.
        let interrupted_at = log.last().expect("a request").at;
        assert!(world.wire.elapsed() - interrupted_at < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_reading_of_pages() {
    let mut tenant = tenant_with_set_rows(1);
    tenant.service.max_page_size = 1;
    let (world, plan) = moving(tenant).await;
    let before = world.wire.log().len();
    let stop = world.stop.clone();
    world.wire.rule(move |sent| {
        if sent.number == before + 1 {
            stop.cancel();
        }
        Act::Pass
    });
    let results = world.apply(&plan).await;
    assert_eq!(world.wire.log().len() - before, 1, "{}", outcomes(&results));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_a_long_wait_at_once() {
    let (world, plan) = moving(tenant(5)).await;
    let stop = world.stop.clone();
    world.wire.rule(move |sent| {
        if !sent.is_write() {
            return Act::Pass;
        }
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            stop.cancel();
        });
        Act::Answer(later(429, "600"))
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "5 skipped interrupted");
    assert!(world.wire.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn without_a_create_route_create_fails_and_writes_nothing_else() {
    let mut tenant = tenant(3);
    tenant.service.create_route_missing = vec!["configurationPolicies".to_owned()];
    let mut world = World::new(tenant);
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    let results = world.apply(&plan).await;
    assert_eq!(results.count(Outcome::Failed), 3, "{}", outcomes(&results));
    assert_eq!(world.writes_reached(), 1);
    assert_eq!(all_rows(&world.tenant()), ["A"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_second_administrator_who_has_to_approve_is_a_failure_with_the_services_words() {
    let mut tenant = tenant(2);
    tenant.service.approval.policy_types = vec!["configurationPolicy".to_owned()];
    let (world, plan) = moving(tenant).await;
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "2 failed approvalRequired");
    assert!(!results.is_refusal());
}
