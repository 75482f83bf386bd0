//! Assignments of policy sets, which an `assign` leaves out and the service may drop.

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Collection, PolicySetAssignments, Tenant, target};
use serde_json::json;

use super::{adding, moving};
use crate::library::support::answers::edit;
use crate::library::support::tenants::{
    CATALOG, all_rows, assign, group_id, name, tenant_with_set_rows, wants,
};
use crate::library::support::wire::{Act, Deed};
use crate::library::support::world::{World, outcomes};
use assignctl::report::Outcome;

/// Policies with rows of a policy set, and after them some without.
fn mixed(with: usize, without: usize, rows: PolicySetAssignments) -> Tenant {
    let mut tenant = tenant_with_set_rows(with);
    let group = group_id(&tenant, "A");
    for number in with..with + without {
        let id = tenant.add_policy(CATALOG, &name(number), "windows10");
        assign(&mut tenant, CATALOG, &id, target::group(&group));
    }
    tenant.service.policy_set_assignments = rows;
    tenant
}

#[tokio::test(start_paused = true)]
async fn rows_that_the_service_keeps_stay() {
    for lag in [0.0, 3.0] {
        let mut tenant = mixed(12, 5, PolicySetAssignments::Kept);
        tenant.service.read_after_write_lag = lag;
        let (world, plan) = moving(tenant).await;
        assert_eq!(outcomes(&world.apply(&plan).await), "17 applied");
        let rows = all_rows(&world.tenant());
        assert!(rows[..12].iter().all(|rows| rows == "B C@"));
        assert!(rows[12..].iter().all(|rows| rows == "B"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_policy_that_loses_its_rows_is_the_last() {
    for (lag, concurrency) in [(0.0, 1), (0.0, 8), (2.0, 8), (0.0, 32)] {
        let mut tenant = mixed(12, 5, PolicySetAssignments::Dropped);
        tenant.service.read_after_write_lag = lag;
        let (mut world, plan) = moving(tenant).await;
        world.settings.concurrency = concurrency;
        world.wire.latency(std::time::Duration::from_millis(30));
        assert_eq!(
            outcomes(&world.apply(&plan).await),
            "5 applied, failed policySetAssignmentsDropped, 11 skipped policySetAssignmentsDropped"
        );
        assert_eq!(world.wire.writes().len(), 6, "{concurrency}");
        let rows = all_rows(&world.tenant());
        assert_eq!(rows[..12].iter().filter(|rows| *rows == "A C@").count(), 11);
        assert_eq!(rows[..12].iter().filter(|rows| *rows == "B").count(), 1);
        assert!(rows[12..].iter().all(|rows| rows == "B"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_does_not_hide_the_loss() {
    let (world, plan) = moving(mixed(4, 1, PolicySetAssignments::Dropped)).await;
    world.wire.rule(|sent| {
        if sent.is_write() {
            Act::LostAfter
        } else {
            Act::Pass
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "applied, failed policySetAssignmentsDropped, 3 skipped policySetAssignmentsDropped"
    );
    assert_eq!(world.writes_reached(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_first_policy_that_fails_otherwise_teaches_nothing() {
    let (world, plan) = moving(mixed(4, 0, PolicySetAssignments::Dropped)).await;
    let mut first = true;
    world.wire.rule(move |sent| {
        if sent.is_write() && std::mem::replace(&mut first, false) {
            Act::Answer(crate::library::support::answers::error(400, "BadRequest"))
        } else {
            Act::Pass
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "failed BadRequest, failed policySetAssignmentsDropped, 2 skipped policySetAssignmentsDropped"
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_leaves_rows_of_policy_sets_alone() {
    let (world, plan) = adding(mixed(3, 0, PolicySetAssignments::Dropped)).await;
    assert_eq!(outcomes(&world.apply(&plan).await), "3 applied");
    assert_eq!(all_rows(&world.tenant()), ["A B C@"; 3]);
    let mut world = World::new(mixed(3, 0, PolicySetAssignments::Dropped));
    world.settings.write_with = WriteWith::Create;
    let results = world.converge(&wants("*", &["B"])).await;
    assert_eq!(outcomes(&results), "3 applied");
    assert_eq!(all_rows(&world.tenant()), ["B C@"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_turns_into_an_assign_learns_it_too() {
    let mut tenant = mixed(6, 2, PolicySetAssignments::Dropped);
    tenant.service.create_route_missing = vec!["configurationPolicies".to_owned()];
    let (world, plan) = adding(tenant).await;
    world.wire.latency(std::time::Duration::from_millis(30));
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "2 applied, failed policySetAssignmentsDropped, 5 skipped policySetAssignmentsDropped"
    );
    let rows = all_rows(&world.tenant());
    assert_eq!(rows[..6].iter().filter(|rows| *rows == "A C@").count(), 5);
}

/// The service keeps the rows of the first policies and drops those of a later one.
#[tokio::test(start_paused = true)]
async fn a_loss_after_a_good_start_ends_what_has_not_begun() {
    let (mut world, plan) = moving(mixed(40, 0, PolicySetAssignments::Kept)).await;
    world.settings.concurrency = 4;
    let service = world.service.clone();
    let mut writes = 0;
    world.wire.rule(move |sent| {
        if sent.is_write() {
            writes += 1;
            if writes == 10 {
                service.with_machine(|machine| {
                    machine.tenant_mut().service.policy_set_assignments =
                        PolicySetAssignments::Dropped;
                });
            }
        }
        Deed {
            before: std::time::Duration::from_millis(10),
            act: Act::Pass,
            after: std::time::Duration::from_millis(10),
        }
    });
    let results = world.apply(&plan).await;
    let dropped = all_rows(&world.tenant())
        .iter()
        .filter(|rows| *rows == "B")
        .count();
    let failed = results.count(assignctl::report::Outcome::Failed);
    assert_eq!(dropped, failed, "{}", outcomes(&results));
    assert!(outcomes(&results).contains("skipped policySetAssignmentsDropped"));
}

/// Only a look that shows all that was written, and lacks what the policy set assigns, shows a loss.
#[tokio::test(start_paused = true)]
async fn an_odd_look_is_not_taken_for_a_loss() {
    let (mut world, plan) = moving(mixed(2, 0, PolicySetAssignments::Kept)).await;
    world.settings.concurrency = 1;
    let mut looks = None;
    world.wire.rule(move |sent| {
        if sent.is_write() {
            looks.get_or_insert(0);
        } else if let Some(looks) = &mut looks {
            *looks += 1;
            if *looks == 1 {
                return Act::alter(|answer| edit(answer, |body| body["value"] = json!([])));
            }
        }
        Act::Pass
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "2 applied");
}

/// Whoever writes a set changes its members. Those that the same run changes are written before it.
#[tokio::test(start_paused = true)]
async fn a_set_is_written_after_the_members_that_change_with_it() {
    const MEMBERS: usize = 12;
    for (lag, concurrency) in [(0.0, 1), (0.0, 8), (3.0, 8)] {
        let mut tenant = Tenant::empty();
        tenant.service.token_lifetime = 1_000_000;
        tenant.service.policy_set_lag = lag;
        let a = tenant.add_group("A");
        tenant.add_group("B");
        let [provisioning, sets] = ["iosLobAppProvisioningConfigurations", "policySets"]
            .map(|segment| Collection::named(segment).expect("a collection"));
        let mut items = Vec::new();
        for collection in [CATALOG, provisioning] {
            for number in 0..MEMBERS {
                let id = tenant.add_policy(collection, &name(number), "windows10");
                assign(&mut tenant, collection, &id, target::group(&a));
                let item = match collection == CATALOG {
                    true => "deviceManagementConfigurationPolicy",
                    false => "iosLobAppProvisioningConfiguration",
                };
                let odata_type = format!("#microsoft.graph.{item}PolicySetItem");
                items.push(json!({"@odata.type": odata_type, "payloadId": id}));
            }
        }
        let set = tenant.add_policy(sets, "Kit", "");
        let kit = tenant.policy_mut(sets, &set).expect("just added");
        kit.properties.insert("items".to_owned(), json!(items));
        let mut world = World::new(tenant);
        world.settings.concurrency = concurrency;
        world.wire.latency(std::time::Duration::from_millis(20));
        let kinds = [
            "policySet",
            "configurationPolicy",
            "iosLobAppProvisioningConfiguration",
        ];
        let entries = kinds
            .map(|kind| format!("  - {{kind: {kind}, match: '*', include: [{{group: B}}]}}\n"));
        let manifest = format!("version: 1\npolicies:\n{}", entries.concat());
        let results = world.converge(&manifest).await;
        assert_eq!(
            results.count(Outcome::Applied),
            2 * MEMBERS + 1,
            "{}",
            outcomes(&results)
        );
        let last = world.wire.writes().pop().expect("writes");
        assert!(last.path.contains("/policySets/"), "{}", last.path);
        // The members have both: what they were to have, and what the set passes on.
        let tenant = world.tenant();
        for member in tenant.policies(CATALOG) {
            let sources: Vec<&str> = member
                .assignments
                .iter()
                .map(|row| row.source.as_str())
                .collect();
            assert_eq!(sources, ["direct", "policySets"]);
        }
    }
}
