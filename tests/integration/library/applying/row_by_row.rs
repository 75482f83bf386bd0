//! Creates and deletes one by one, where something comes between two of them.

use std::time::Duration;

use assignctl::graph::pace::{PUBLISHED_REQUESTS, Pace};
use assignctl::model::RateLimit;
use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Collection, Tenant, target};

use super::{ids, other_admin};
use crate::library::support::answers::error;
use crate::library::support::tenants::{CATALOG, all_rows, assign, group_id, rows, tenant, wants};
use crate::library::support::wire::Act;
use crate::library::support::world::{LONGEST_WAIT, World, outcomes};

/// A world in which two writes leave in 5 s, and a plan of two creates and a delete.
async fn two_come_and_one_goes() -> (World, Plan) {
    let writes = RateLimit {
        count: 2,
        window: Duration::from_secs(5),
    };
    let pace = Pace::new(writes, PUBLISHED_REQUESTS, LONGEST_WAIT);
    let mut world = World::at_pace(tenant(1), pace);
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["B", "C"])).await;
    (world, plan)
}

/// Seed 2413611 at 8b87455: earlier creates were taken, a later one was refused for good; another
/// admin added its group. The run took that for an earlier try of its own, and went on; when the
/// admin took everything back it sent all of them again.
#[tokio::test(start_paused = true)]
async fn seed_2413611_a_refusal_is_final_whatever_was_written_before() {
    let (world, plan) = two_come_and_one_goes().await;
    let id = ids(&world)[0].clone();
    let service = world.service.clone();
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        if !sent.is_write() || writes != 2 {
            return Act::Pass;
        }
        service.with_machine(|machine| {
            let tenant = machine.tenant_mut();
            let group = group_id(tenant, "C");
            assign(tenant, CATALOG, &id, target::group(&group));
        });
        Act::Answer(error(400, "BadRequest"))
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed BadRequest");
    assert_eq!(world.wire.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn seed_2413611_what_was_seen_done_is_not_done_again() {
    let (world, plan) = two_come_and_one_goes().await;
    let id = ids(&world)[0].clone();
    let service = world.service.clone();
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        if sent.is_write() && writes == 2 {
            let (service, id) = (service.clone(), id.clone());
            tokio::spawn(async move {
                // Both creates have been seen, and the delete has to wait for its turn.
                tokio::time::sleep(Duration::from_secs(2)).await;
                service.with_machine(|machine| other_admin(machine.tenant_mut(), &id, "A"));
            });
        }
        Act::Pass
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
    assert_eq!(world.wire.writes().len(), 2);
    assert_eq!(all_rows(&world.tenant()), ["A"]);
}

/// What makes room for an assignment is put back where that is refused (GAA: a field report of 2026-09).
/// Kinds that take whole sets replace at once.
#[tokio::test(start_paused = true)]
async fn what_made_room_is_put_back_where_its_successor_is_refused() {
    const MANIFEST: &str = "version: 1\npolicies:\n  - kind: termsAndConditions\n    name: T\n    include: [{group: B}]\n    exclude: [{group: A}]\n";
    for (refused, expected, said) in [
        (1, "A", "; what it was to replace was put back"),
        (2, "", "; what it was to replace could not be put back"),
    ] {
        let terms = Collection::named("termsAndConditions").expect("a collection");
        let mut tenant = Tenant::empty();
        let [group, _] = ["A", "B"].map(|name| tenant.add_group(name));
        let id = tenant.add_policy(terms, "T", "");
        assign(&mut tenant, terms, &id, target::group(&group));
        let world = World::new(tenant);
        let plan = world.plan(MANIFEST).await;
        let mut posts = 0;
        world.wire.rule(move |sent| {
            posts += usize::from(sent.method == "POST");
            match sent.method == "POST" && posts <= refused {
                true => Act::Answer(error(400, "BadRequest")),
                false => Act::Pass,
            }
        });
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "failed BadRequest");
        let settled = &results.settled[0];
        let reason = settled.reason.as_ref().expect("a reason");
        assert!(reason.message.contains(said), "{}", reason.message);
        assert!(settled.written);
        assert_eq!(rows(&world.tenant(), terms, &id), expected);
        // The delete, the create, and what puts back.
        assert_eq!(world.wire.writes().len(), 3);
    }
}
