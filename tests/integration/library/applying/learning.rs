//! What one policy finds out for all, while the others do not wait longer than they must.
//!
//! "Learning one by one": where creates were answered with 500, each policy in turn waited its
//! 16 s to find out whether there is a create route: 12 single additions took 114 s.

use std::collections::BTreeSet;
use std::time::Duration;

use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Collection, PolicySetAssignments, Tenant};

use super::{adding, moving};
use crate::library::support::answers::error;
use crate::library::support::tenants::{all_rows, manifest, tenant, tenant_with_set_rows, wants};
use crate::library::support::wire::{Act, Deed, Sent};
use crate::library::support::world::{World, outcomes};

fn in_time(act: Act) -> Deed {
    Deed {
        before: Duration::from_millis(25),
        act,
        after: Duration::from_millis(25),
    }
}

/// Lets the first write to each policy meet something; returns what came of the run and how long it
/// took.
async fn first_writes(
    world: &World,
    plan: &Plan,
    act: impl Fn() -> Act + Send + 'static,
) -> (String, f64) {
    let mut met = BTreeSet::new();
    let ids = super::ids(world);
    world.wire.rule(move |sent| {
        let about = ids.iter().find(|id| super::is_about(sent, id));
        let first = sent.is_write() && about.is_some_and(|id| met.insert(id.clone()));
        in_time(if first { act() } else { Act::Pass })
    });
    let start = world.wire.elapsed();
    let results = world.apply(plan).await;
    let took = world.wire.elapsed() - start;
    (outcomes(&results), took.as_secs_f64())
}

fn creates(log: &[Sent]) -> usize {
    let creates = log.iter().filter(|sent| sent.is_write());
    creates
        .filter(|sent| sent.path.ends_with("/assignments"))
        .count()
}

#[tokio::test(start_paused = true)]
async fn one_create_of_unknown_outcome_is_lesson_enough() {
    for act in [
        || Act::Answer(error(500, "UnknownError")),
        || Act::LostBefore,
        || Act::LostAfter,
    ] {
        let (world, plan) = adding(tenant(12)).await;
        let (what, took) = first_writes(&world, &plan, act).await;
        assert_eq!(what, "12 applied");
        assert!(took < 40.0, "{took}");
        assert_eq!(creates(&world.wire.writes()), 1);
        assert_eq!(all_rows(&world.tenant()), ["A B"; 12]);
    }
}

#[tokio::test(start_paused = true)]
async fn many_writes_of_unknown_outcome_cost_the_windows_they_fill() {
    let (world, plan) = adding(tenant(500)).await;
    let act = || Act::Answer(error(500, "UnknownError"));
    let (what, took) = first_writes(&world, &plan, act).await;
    assert_eq!(what, "500 applied");
    // A thousand writes fill ten windows, of which nine have to be waited for.
    assert!(took < 180.0 * 1.2 + 40.0, "{took}");
}

/// With `--write-with create` there is no other way to go.
#[tokio::test(start_paused = true)]
async fn creates_that_were_asked_for_go_on_side_by_side() {
    let mut world = World::new(tenant(12));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    let act = || Act::Answer(error(500, "UnknownError"));
    let (what, took) = first_writes(&world, &plan, act).await;
    assert_eq!(what, "12 applied");
    assert!(took < 40.0, "{took}");
    assert_eq!(creates(&world.wire.writes()), 24);
}

/// A service that refuses each create has the route, and the next one need not find that out.
#[tokio::test(start_paused = true)]
async fn refused_creates_do_not_wait_for_each_other() {
    for status in [400, 403, 409] {
        let (world, plan) = adding(tenant(96)).await;
        world.wire.rule(move |sent| Deed {
            before: Duration::from_millis(500),
            act: if sent.is_write() {
                Act::Answer(error(status, "BadRequest"))
            } else {
                Act::Pass
            },
            after: Duration::from_millis(500),
        });
        let start = world.wire.elapsed();
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "96 failed BadRequest");
        assert_eq!(creates(&world.wire.writes()), 96);
        // A look and a write each, eight at a time.
        let took = (world.wire.elapsed() - start).as_secs_f64();
        assert!(took < 35.0, "{status}: {took}");
    }
}

/// Nor do policies of which nothing has to be written.
#[tokio::test(start_paused = true)]
async fn what_is_as_planned_already_does_not_wait_in_line() {
    for with_set in [false, true] {
        let made = if with_set {
            tenant_with_set_rows(80)
        } else {
            tenant(80)
        };
        let (world, plan) = if with_set {
            moving(made).await
        } else {
            adding(made).await
        };
        assert_eq!(outcomes(&world.apply(&plan).await), "80 applied");
        world.wire.latency(Duration::from_secs(1));
        let start = world.wire.elapsed();
        assert_eq!(outcomes(&world.apply(&plan).await), "80 already");
        let took = (world.wire.elapsed() - start).as_secs_f64();
        assert!(took < 25.0, "{took}");
    }
}

/// The one that finds out whether assignments of policy sets are kept goes on until it knows.
#[tokio::test(start_paused = true)]
async fn policy_set_assignments_are_found_out_once_where_first_writes_have_no_effect() {
    let (world, plan) = moving(tenant_with_set_rows(12)).await;
    let act = || Act::Answer(error(500, "UnknownError"));
    let (what, took) = first_writes(&world, &plan, act).await;
    assert_eq!(what, "12 applied");
    assert!(took < 60.0, "{took}");
}

/// Where two policies in a row could not find it out, nothing is risked with the others.
#[tokio::test(start_paused = true)]
async fn policy_set_assignments_that_stay_unclear_are_not_risked() {
    let mut made = tenant_with_set_rows(12);
    made.service.policy_set_assignments = PolicySetAssignments::Dropped;
    let (world, plan) = moving(made).await;
    world.wire.rule(|sent| {
        in_time(if sent.is_write() {
            Act::Answer(error(500, "UnknownError"))
        } else {
            Act::Pass
        })
    });
    let start = world.wire.elapsed();
    let results = world.apply(&plan).await;
    assert_eq!(
        outcomes(&results),
        "2 failed givenUp, 10 skipped policySetAssignmentsUnknown"
    );
    let took = (world.wire.elapsed() - start).as_secs_f64();
    assert!(took < 240.0, "{took}");
    assert_eq!(world.wire.writes().len(), 10);
}

/// Where app configurations have the plain `assign` behind a cast only, one refusal says so to all
/// (microsoft-graph-docs#15359). Any other refusal is a refusal.
#[tokio::test(start_paused = true)]
async fn the_cast_route_is_taken_where_the_plain_one_is_missing() {
    const CAST: &str = "/microsoft.graph.managedDeviceMobileAppConfiguration/assign";
    for (missing, refusal, expected, writes) in [
        (true, None, "3 applied", [1, 3]),
        (false, None, "3 applied", [3, 0]),
        (false, Some("BadRequest"), "3 failed BadRequest", [3, 0]),
        (
            true,
            Some("No method match route template"),
            "3 failed No method match route template",
            [1, 3],
        ),
    ] {
        let mut tenant = Tenant::empty();
        tenant.service.token_lifetime = 1_000_000;
        let apps = Collection::named("mobileAppConfigurations").expect("a collection");
        for name in ["A", "B"] {
            tenant.add_group(name);
        }
        for name in ["P 1", "P 2", "P 3"] {
            tenant.add_policy(apps, name, "iosMobileAppConfiguration");
        }
        if missing {
            tenant.service.plain_assign_missing = vec![apps.segment().to_owned()];
        }
        let mut world = World::new(tenant);
        world.settings.concurrency = 1;
        world.wire.rule(move |sent| match refusal {
            Some(code) if sent.is_write() && (!missing || sent.path.ends_with(CAST)) => {
                Act::Answer(error(400, code))
            }
            _ => Act::Pass,
        });
        let manifest = manifest("mobileAppConfiguration", "P *", "exact", &["A", "B"]);
        let results = world.converge(&manifest).await;
        assert_eq!(outcomes(&results), expected);
        let (cast, plain): (Vec<Sent>, Vec<Sent>) = world
            .wire
            .writes()
            .into_iter()
            .partition(|sent| sent.path.ends_with(CAST));
        assert_eq!([plain.len(), cast.len()], writes, "{expected}");
        let assigned = world
            .tenant()
            .policies(apps)
            .iter()
            .map(|policy| policy.assignments.len())
            .sum::<usize>();
        assert_eq!(assigned, if refusal.is_none() { 6 } else { 0 });
    }
}
