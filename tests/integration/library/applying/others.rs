//! Other admins, who do not wait for this run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assignctl::apply;
use assignctl::apply::staleness::{AddedObjects, added_objects, without_objects};
use assignctl::report::{Moved, Results};
use assignctl_sandbox::Tenant;

use super::{adding, ids, is_about, moving, other_admin};
use crate::library::support::answers::{error, with_header};
use crate::library::support::tenants::{CATALOG, all_rows, group_id, tenant};
use crate::library::support::wire::{Act, Sent, lock};
use crate::library::support::world::{World, outcomes};

/// Changes the tenant once, right before the first request that `when` picks reaches it.
fn meanwhile(
    world: &World,
    when: impl Fn(&Sent, bool) -> bool + Send + 'static,
    change: impl Fn(&mut Tenant) + Send + 'static,
) {
    let service = world.service.clone();
    let mut done = false;
    let mut written = false;
    world.wire.rule(move |sent| {
        if !done && when(sent, written) {
            done = true;
            service.with_machine(|machine| change(machine.tenant_mut()));
        }
        written |= sent.is_write();
        Act::Pass
    });
}

/// What a plan adds is looked up before the first write, and nothing is written where some of it is gone.
#[tokio::test(start_paused = true)]
async fn a_group_that_was_deleted_since_the_plan_stops_what_was_to_get_it() {
    let world = World::new(tenant(2));
    let manifest = "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P 000, include: [{group: B}]}\n  - {kind: configurationPolicy, name: P 001, include: [{group: C}]}\n";
    let plan = world.plan(manifest).await;
    let names = lock(&world.names).clone();
    let reader = world.reader();
    let looked_up = async || {
        added_objects(&plan, &names, &reader)
            .await
            .expect("an answer")
    };
    assert_eq!(looked_up().await, AddedObjects::default());
    let gone = group_id(&world.tenant(), "C");
    world.service.with_machine(|machine| {
        machine.tenant_mut().groups.retain(|group| group.id != gone);
    });
    let found = looked_up().await;
    assert_eq!(found.gone.groups, BTreeSet::from([gone]));
    let results = Results {
        settled: without_objects(&plan, &names, &found.gone),
        ..Results::default()
    };
    assert_eq!(outcomes(&results), "skipped stalePlan, stale targetGone");
}

#[tokio::test(start_paused = true)]
async fn what_changed_since_the_plan_is_stale_and_not_overwritten() {
    let (world, plan) = moving(tenant(3)).await;
    let id = ids(&world)[1].clone();
    world
        .service
        .with_machine(|machine| other_admin(machine.tenant_mut(), &id, "C"));
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "2 applied, stale moved"
    );
    assert_eq!(all_rows(&world.tenant()), ["B", "C", "B"]);
    assert_eq!(world.writes_reached(), 2);
}

/// Of a saved plan nothing is tried where a policy has moved; each says why.
#[tokio::test(start_paused = true)]
async fn a_plan_that_does_not_fit_any_more_names_what_has_moved() {
    let (_, plan) = moving(tenant(3)).await;
    let live = Some(Vec::new());
    let moved = vec![
        Moved {
            index: 0,
            live: None,
        },
        Moved { index: 2, live },
    ];
    let results = apply::not_started(&plan, moved);
    let said = results.settled.iter().map(|settled| {
        let reason = settled.reason.as_ref().expect("a reason");
        format!("{} {}", settled.outcome.name(), reason.code.name())
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["stale deleted", "skipped stalePlan", "stale moved"]
    );
    assert_eq!(results.moved.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_changes_right_before_the_last_look_is_stale_too() {
    for build in 0..2 {
        let (world, plan) = match build {
            0 => moving(tenant(3)).await,
            _ => adding(tenant(3)).await,
        };
        let id = ids(&world)[2].clone();
        let target = id.clone();
        meanwhile(
            &world,
            move |sent, _| is_about(sent, &id),
            move |tenant| other_admin(tenant, &target, "C"),
        );
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            "2 applied, stale moved"
        );
        assert_eq!(all_rows(&world.tenant())[2], "C");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_done_already_is_already() {
    let (world, plan) = moving(tenant(3)).await;
    let id = ids(&world)[0].clone();
    world
        .service
        .with_machine(|machine| other_admin(machine.tenant_mut(), &id, "B"));
    assert_eq!(outcomes(&world.apply(&plan).await), "already, 2 applied");
    assert_eq!(world.writes_reached(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_changes_between_write_and_look_is_unverified() {
    let (world, plan) = moving(tenant(3)).await;
    let id = ids(&world)[1].clone();
    let target = id.clone();
    let own_write = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&own_write);
    meanwhile(
        &world,
        move |sent, _| {
            let about = is_about(sent, &id);
            if about && sent.is_write() {
                seen.store(true, Ordering::Relaxed);
            }
            about && !sent.is_write() && seen.load(Ordering::Relaxed)
        },
        move |tenant| other_admin(tenant, &target, "C"),
    );
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "2 applied, failed unverified"
    );
    assert_eq!(all_rows(&world.tenant()), ["B", "C", "B"]);
    assert_eq!(world.writes_reached(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_changes_after_a_write_of_unknown_outcome_is_not_overwritten() {
    let (world, plan) = moving(tenant(1)).await;
    let id = ids(&world)[0].clone();
    let service = world.service.clone();
    world.wire.rule(move |sent| {
        if !sent.is_write() {
            return Act::Pass;
        }
        service.with_machine(|machine| other_admin(machine.tenant_mut(), &id, "C"));
        Act::LostBefore
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
    assert_eq!(all_rows(&world.tenant()), ["C"]);
    assert_eq!(world.wire.writes().len(), 1);
}

fn delete(tenant: &mut Tenant, id: &str) {
    tenant
        .policies_mut(CATALOG)
        .retain(|policy| policy.id != id);
}

#[tokio::test(start_paused = true)]
async fn a_policy_deleted_before_the_look_or_before_the_write_is_stale() {
    for at_the_write in [false, true] {
        let (world, plan) = moving(tenant(3)).await;
        let id = ids(&world)[0].clone();
        let target = id.clone();
        meanwhile(
            &world,
            move |sent, _| is_about(sent, &id) && sent.is_write() == at_the_write,
            move |tenant| delete(tenant, &target),
        );
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            "2 applied, stale deleted"
        );
        assert_eq!(all_rows(&world.tenant()), ["B", "B"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_deleted_after_the_write_is_unverified() {
    let (world, plan) = moving(tenant(1)).await;
    let target = ids(&world)[0].clone();
    meanwhile(
        &world,
        |sent, written| written && !sent.is_write(),
        move |tenant| delete(tenant, &target),
    );
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
}

/// "A write answered 404 or 400 `ResourceNotFound`": what is missing may be a group, a filter or the
/// route, and the policy may still be there.
#[tokio::test(start_paused = true)]
async fn a_write_answered_with_not_found_is_stale_only_if_the_policy_is_gone() {
    for (status, code) in [
        (404, "ResourceNotFound"),
        (400, "ResourceNotFound"),
        (404, "UnknownError"),
        (404, "Request_ResourceNotFound"),
    ] {
        for (build, gone) in [(0, false), (0, true), (1, false), (1, true)] {
            let (world, plan) = match build {
                0 => moving(tenant(3)).await,
                _ => adding(tenant(3)).await,
            };
            let id = ids(&world)[1].clone();
            let service = world.service.clone();
            world.wire.rule(move |sent| {
                if !(is_about(sent, &id) && sent.is_write()) {
                    return Act::Pass;
                }
                if gone {
                    service.with_machine(|machine| delete(machine.tenant_mut(), &id));
                }
                Act::Answer(with_header(error(status, code), "request-id", "r-1"))
            });
            let results = world.apply(&plan).await;
            let expected = if gone {
                "2 applied, stale deleted".to_owned()
            } else {
                format!("2 applied, failed {code}")
            };
            assert_eq!(outcomes(&results), expected, "{status} {code}");
            let reason = results.settled[1].reason.as_ref().expect("a reason");
            assert_eq!(reason.status, Some(status));
            assert_eq!(reason.request_id.as_deref(), Some("r-1"));
            if !gone {
                assert_eq!(reason.message, format!("{code} it is."));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_page_of_a_proxy_is_no_deleted_policy() {
    let (world, plan) = moving(tenant(1)).await;
    world
        .wire
        .rule(|_| Act::Answer(crate::library::support::answers::html(404)));
    assert_eq!(outcomes(&world.apply(&plan).await), "failed httpError");
}
