//! Lists that come in pages, and lists that never end.

use std::sync::{Arc, Mutex};

use assignctl::graph::GraphError;
use assignctl::model::{Needs, PolicyKind};
use assignctl_sandbox::{Tenant, target};
use serde_json::{Value, json};

use super::{EVERYTHING, LISTS, healthy_plan, tenant, unread};
use crate::library::support::answers::{edit, error, json_of};
use crate::library::support::tenants::{self, CATALOG, wants};
use crate::library::support::wire::{Act, lock};
use crate::library::support::world::{World, outcomes};

const NEXT: &str = "@odata.nextLink";

#[tokio::test(start_paused = true)]
async fn links_are_followed_byte_for_byte() {
    let mut tenant = Tenant::sample();
    tenant.service.max_page_size = 7;
    let world = World::new(tenant);
    let links = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&links);
    world.wire.rule(move |_| {
        let given = Arc::clone(&given);
        Act::alter(move |response| {
            let body: Value = serde_json::from_slice(&response.body).expect("JSON");
            if let Some(link) = body[NEXT].as_str() {
                lock(&given).push(link.to_owned());
            }
        })
    });
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let read = world.reader().policies(kind).await.expect("all pages");
    assert_eq!(read.len(), world.tenant().policies(CATALOG).len());
    let links = lock(&links).clone();
    let followed: Vec<String> = world.wire.log()[1..]
        .iter()
        .map(|sent| format!("http://sandbox/beta{}", sent.path))
        .collect();
    assert!(links.len() > 10);
    assert_eq!(followed, links);
    assert!(links[0].contains("%255B"), "{}", links[0]);
}

#[tokio::test(start_paused = true)]
async fn the_page_size_changes_nothing() {
    let whole = read_sample(1000, None).await;
    for (page, expand_limit) in [(1, None), (3, Some(1)), (25, Some(2)), (100, Some(3))] {
        assert_eq!(read_sample(page, expand_limit).await, whole, "{page}");
    }
}

/// Reads the sample tenant and says what was read, without what may differ in order.
async fn read_sample(page: usize, expand_limit: Option<usize>) -> Vec<String> {
    let mut tenant = Tenant::sample();
    tenant.service.max_page_size = page;
    tenant.service.expand_limit = expand_limit;
    let rows: usize = tenant
        .policies(CATALOG)
        .iter()
        .chain(tenant.policies(tenants::COMPLIANCE))
        .map(|policy| policy.assignments.len())
        .sum();
    let world = World::new(tenant);
    let needs = Needs {
        kinds: ["configurationPolicy", "compliancePolicy"]
            .into_iter()
            .filter_map(PolicyKind::from_name)
            .collect(),
        filters: true,
        ..Needs::default()
    };
    let live = world.reader().tenant(&needs).await.expect("all");
    let read: usize = live
        .policies
        .iter()
        .map(|policy| policy.assignments.len())
        .sum();
    assert_eq!(read, rows);
    live.policies
        .iter()
        .map(|policy| format!("{} {} {:?}", policy.id, policy.name, policy.assignments))
        .chain(live.filters.iter().map(|filter| format!("{filter:?}")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_there_twice_does_not_look_like_an_endless_list() {
    let mut tenant = tenants::tenant_with_set_rows(1);
    let group = tenants::group_id(&tenant, "A");
    tenant.policies_mut(CATALOG)[0]
        .assign_from_set("a set", assignctl_sandbox::target::group(&group));
    tenant.service.max_page_size = 1;
    let world = World::new(tenant);
    let results = world.converge(&wants("*", &["A", "B"])).await;
    assert_eq!(outcomes(&results), "applied");
}

#[tokio::test(start_paused = true)]
async fn a_link_to_another_host_is_refused_and_never_asked() {
    for foreign in [
        "http://sandbox.example.com/beta/x",
        "https://sandbox/beta/x",
        "http://sandbox:81/beta/x",
        "http://sandbox@example.com/beta/x",
    ] {
        for list in LISTS {
            let world = World::new(tenant());
            world.wire.rule(move |sent| {
                if sent.path.starts_with(list) {
                    Act::alter(move |response| edit(response, |body| body[NEXT] = json!(foreign)))
                } else {
                    Act::Pass
                }
            });
            let error = unread(&world, EVERYTHING).await;
            assert!(
                matches!(&error, GraphError::ForeignLink { link, .. } if link == foreign),
                "{error}"
            );
            let log = world.wire.log();
            assert!(log.iter().all(|sent| !sent.path.contains("example")));
        }
    }
}

/// C3: what is no link is not followed either.
#[tokio::test(start_paused = true)]
async fn c3_a_relative_or_empty_link_is_refused() {
    for wrong in ["//example.com/beta/x", "/groups?$skiptoken=x", ""] {
        for list in LISTS {
            let world = World::new(tenant());
            world.wire.rule(move |sent| {
                if sent.path.starts_with(list) {
                    Act::alter(move |response| edit(response, |body| body[NEXT] = json!(wrong)))
                } else {
                    Act::Pass
                }
            });
            let error = unread(&world, EVERYTHING).await;
            assert!(
                matches!(&error, GraphError::WrongLink { link, .. } if link == wrong),
                "{error}"
            );
        }
    }
}

/// F10: a page size that the service refuses never stops a run, wherever it is asked for.
#[tokio::test(start_paused = true)]
async fn f10_a_refused_page_size_is_left_out() {
    for expand_limit in [None, Some(1)] {
        let mut tenant = tenants::tenant(30);
        tenant.service.expand_limit = expand_limit;
        tenant.service.max_page_size = 7;
        let world = World::new(tenant);
        world.wire.rule(|sent| {
            let has_size = |path: &str| path.contains("$top=");
            if has_size(&sent.path) {
                return Act::Answer(error(400, "BadRequest"));
            }
            let parts = sent.body["requests"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let refused: Vec<Value> = parts
                .into_iter()
                .filter(|part| part["url"].as_str().is_some_and(has_size))
                .map(|part| part["id"].clone())
                .collect();
            if refused.is_empty() {
                return Act::Pass;
            }
            Act::alter(move |response| {
                edit(response, |body| {
                    let parts = body["responses"].as_array_mut().expect("parts");
                    for part in parts
                        .iter_mut()
                        .filter(|part| refused.contains(&part["id"]))
                    {
                        part["status"] = json!(400);
                        part["body"] = json!({"error": {"code": "BadRequest", "message": "size"}});
                    }
                });
            })
        });
        let results = world.converge(&wants("*", &["A", "B"])).await;
        assert_eq!(outcomes(&results), "30 applied");
        // Each list learns it once.
        let log = world.wire.log();
        let refused = log.iter().filter(|sent| sent.path.contains("$top="));
        assert!(refused.count() <= 6);
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_cut_list_of_assignments_is_not_read_elsewhere() {
    let mut tenant = tenants::tenant_with_set_rows(1);
    tenant.service.expand_limit = Some(1);
    let world = World::new(tenant);
    world.wire.rule(|sent| {
        if sent.path.contains("$expand") {
            Act::alter(|response| {
                edit(response, |body| {
                    body["value"][0]["assignments@odata.nextLink"] = json!("http://example.com/x");
                });
            })
        } else {
            Act::Pass
        }
    });
    let error = unread(&world, &wants("*", &["A"])).await;
    assert!(matches!(error, GraphError::ForeignLink { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_ends_ends_the_run() {
    for list in LISTS {
        for (what, most) in [("same link", 2), ("same objects", 2), ("empty pages", 52)] {
            let world = World::new(tenant());
            let mut turn = 0;
            let mut page = None;
            world.wire.rule(move |sent| {
                if !sent.path.starts_with(&list[..list.len() - 1]) {
                    return Act::Pass;
                }
                turn += 1;
                let link = match what {
                    "same link" => format!("http://sandbox/beta{}", sent.path),
                    _ => format!("http://sandbox/beta{list}$skiptoken={turn}"),
                };
                let rows = match (what, &page) {
                    ("empty pages", _) => json!([]),
                    (_, Some(rows)) => Value::clone(rows),
                    (_, None) => {
                        json!([{"id": "x", "name": "y", "displayName": "y", "assignments": []}])
                    }
                };
                page = Some(rows.clone());
                Act::Answer(json_of(200, &json!({"value": rows, NEXT: link})))
            });
            let error = unread(&world, EVERYTHING).await;
            assert!(
                matches!(error, GraphError::EndlessList { .. }),
                "{list} {what}: {error}"
            );
            let log = world.wire.log();
            let asked = log
                .iter()
                .filter(|sent| sent.path.starts_with(list))
                .count();
            let is_exact = what == "empty pages";
            assert!(
                asked <= most && (asked == most || !is_exact),
                "{list} {what}: {asked} requests"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_list_of_assignments_that_never_ends_ends_the_run() {
    let mut tenant = tenants::tenant_with_set_rows(1);
    tenant.service.expand_limit = Some(1);
    let world = World::new(tenant);
    world.wire.rule(|sent| {
        if sent.path.contains("/assignments") {
            let link = format!("http://sandbox/beta{}", sent.path);
            Act::alter(move |response| edit(response, |body| body[NEXT] = json!(link)))
        } else {
            Act::Pass
        }
    });
    let error = unread(&world, &wants("*", &["A"])).await;
    assert!(matches!(error, GraphError::EndlessList { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_few_empty_pages_are_a_thing_of_the_store() {
    let world = World::new(tenant());
    let mut empty = 0;
    world.wire.rule(move |sent| {
        if sent.path.starts_with(LISTS[0]) && empty < 20 {
            empty += 1;
            let link = format!(
                "http://sandbox/beta/deviceManagement/configurationPolicies?$expand=assignments&$top={}",
                1000 - empty
            );
            return Act::Answer(json_of(200, &json!({"value": [], NEXT: link})));
        }
        Act::Pass
    });
    assert_eq!(world.plan(EVERYTHING).await, healthy_plan().await);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_comes_twice_while_the_list_moves_is_one_object() {
    let mut tenant = tenants::tenant(4);
    tenant.service.max_page_size = 2;
    let world = World::new(tenant);
    world.wire.rule(|sent| {
        if !sent.path.contains("$skiptoken") {
            return Act::Pass;
        }
        Act::alter(|response| {
            edit(response, |body| {
                let again = body["value"][0].clone();
                body["value"].as_array_mut().expect("a list").push(again);
            });
        })
    });
    let plan = world.plan(&wants("*", &["B"])).await;
    assert_eq!(plan.policies.len(), 4);
}

/// What changes between two pages makes a list that never was. It is read until it stands still.
#[tokio::test(start_paused = true)]
async fn a_policy_that_changes_between_its_pages_is_read_again() {
    for changes in [0, 1, 2, 100] {
        let mut tenant = tenants::tenant(1);
        tenant.service.max_page_size = 1;
        let groups = ["A", "B", "C"].map(|name| tenants::group_id(&tenant, name));
        let id = tenant.policies(CATALOG)[0].id.clone();
        tenants::assign(&mut tenant, CATALOG, &id, target::group(&groups[1]));
        let world = World::new(tenant);
        let service = world.service.clone();
        let changed = id.clone();
        let mut left = changes;
        world.wire.rule(move |sent| {
            if sent.path.contains("skiptoken") && left > 0 {
                left -= 1;
                service.with_machine(|machine| {
                    let policy = machine.tenant_mut().policy_mut(CATALOG, &changed);
                    let rows = &mut policy.expect("a policy").assignments;
                    rows.rotate_left(1);
                    rows.pop();
                });
                service.with_machine(|machine| {
                    let group = &groups[left % 3];
                    tenants::assign(
                        machine.tenant_mut(),
                        CATALOG,
                        &changed,
                        target::group(group),
                    );
                });
            }
            Act::Pass
        });
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let read = world.reader().assignments(kind, &id).await;
        if changes == 100 {
            let error = read.expect_err("no state to be had");
            assert!(error.to_string().contains("changed each time"), "{error}");
            continue;
        }
        let rows = read.expect("rows").expect("a policy");
        let tenant = world.tenant();
        let live = &tenant.policy(CATALOG, &id).expect("a policy").assignments;
        let read: Vec<String> = rows.iter().filter_map(|row| row.id.clone()).collect();
        let there: Vec<String> = live.iter().map(|row| row.id.clone()).collect();
        assert_eq!(read, there, "{changes}");
    }
}

/// Between the parts of a cut list, rows may come and go; parts of two states are no state.
#[tokio::test(start_paused = true)]
async fn what_changes_after_a_cut_list_is_read_as_it_is_then() {
    let (mut tenant, ids) = tenant_with_three_rows();
    tenant.service.expand_limit = Some(2);
    let world = World::new(tenant);
    let service = world.service.clone();
    let mut is_listed = false;
    world.wire.rule(move |sent| {
        let is_list = sent.path.contains("/configurationPolicies?");
        if is_listed && !is_list {
            is_listed = false;
            service.with_machine(|machine| {
                let tenant = machine.tenant_mut();
                let policy = tenant.policy_mut(CATALOG, &ids[0]).expect("a policy");
                policy.assignments.remove(0);
                tenants::assign(tenant, CATALOG, &ids[1], target::all_devices());
                let policy = tenant.policy_mut(CATALOG, &ids[1]).expect("a policy");
                policy.assignments.rotate_right(1);
            });
        }
        is_listed |= is_list;
        Act::Pass
    });
    assert_eq!(row_ids_read(&world).await, row_ids_there(&world));
    assert_eq!(row_ids_there(&world).len(), 6);
    let log = world.wire.log();
    let assignments = log.iter().filter(|sent| !sent.path.contains("$expand"));
    assert_eq!(assignments.count(), 1, "one batch for both");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_deleted_after_a_cut_list_is_gone() {
    let (mut tenant, ids) = tenant_with_three_rows();
    tenant.service.expand_limit = Some(2);
    let world = World::new(tenant);
    let service = world.service.clone();
    world.wire.rule(move |sent| {
        if !sent.path.contains("$expand") {
            service.with_machine(|machine| {
                let policies = machine.tenant_mut().policies_mut(CATALOG);
                policies.retain(|policy| policy.id != ids[0]);
            });
        }
        Act::Pass
    });
    assert_eq!(row_ids_read(&world).await, row_ids_there(&world));
    assert_eq!(row_ids_there(&world).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_on_two_pages_are_read_again() {
    let (mut tenant, ids) = tenant_with_three_rows();
    tenant.service.max_page_size = 2;
    let rows = ids.clone().map(|id| {
        let policy = tenant.policy(CATALOG, &id).expect("a policy");
        policy.assignments[0].id.clone()
    });
    let world = World::new(tenant);
    let mut left: Vec<(String, String)> = ids.into_iter().zip(rows).collect();
    world.wire.rule(move |sent| {
        let is_list = sent.path.contains("$expand");
        let is_next = sent.path.contains("skiptoken");
        let further = left
            .iter()
            .position(|(id, _)| is_next && sent.path.contains(id.as_str()));
        let again = further.map(|index| left.swap_remove(index));
        Act::alter(move |response| {
            if is_list {
                // So that they are asked for in a batch.
                edit(response, |body| {
                    for policy in body["value"].as_array_mut().expect("a list") {
                        policy
                            .as_object_mut()
                            .expect("a policy")
                            .remove("assignments");
                    }
                });
            }
            if let Some((policy, row)) = again {
                edit(response, |body| {
                    let target = target::all_users();
                    let row = json!({"id": row, "source": "direct", "sourceId": policy, "target": target});
                    body["value"].as_array_mut().expect("a list").push(row);
                });
            }
        })
    });
    assert_eq!(row_ids_read(&world).await, row_ids_there(&world));
    let log = world.wire.log();
    assert!(log.iter().any(|sent| sent.path == "/$batch"));
}

/// Two policies, each with three groups.
fn tenant_with_three_rows() -> (Tenant, [String; 2]) {
    let mut tenant = tenants::tenant(2);
    let ids = [0, 1].map(|index| tenant.policies(CATALOG)[index].id.clone());
    for id in &ids {
        for name in ["B", "C"] {
            let group = tenants::group_id(&tenant, name);
            tenants::assign(&mut tenant, CATALOG, id, target::group(&group));
        }
    }
    (tenant, ids)
}

async fn row_ids_read(world: &World) -> Vec<String> {
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let read = world.reader().policies(kind).await.expect("all pages");
    let ids = read.iter().flat_map(|policy| policy.assignment_ids.iter());
    let mut ids: Vec<String> = ids.map(ToString::to_string).collect();
    ids.sort();
    ids
}

fn row_ids_there(world: &World) -> Vec<String> {
    let tenant = world.tenant();
    let policies = tenant.policies(CATALOG).iter();
    let rows = policies.flat_map(|policy| policy.assignments.iter());
    let mut ids: Vec<String> = rows.map(|row| row.id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_listed_twice_is_what_was_read_last() {
    let mut tenant = tenants::tenant(3);
    tenant.service.max_page_size = 2;
    let id = tenant.policies(CATALOG)[0].id.clone();
    let world = World::new(tenant);
    let again = id.to_uppercase();
    world.wire.rule(move |sent| {
        if !sent.path.contains("$skiptoken") {
            return Act::Pass;
        }
        let again = again.clone();
        Act::alter(move |response| {
            edit(response, |body| {
                let policy = json!({"id": again, "name": "zzz", "assignments": []});
                body["value"].as_array_mut().expect("a list").push(policy);
            });
        })
    });
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let read = world.reader().policies(kind).await.expect("all pages");
    assert_eq!(read.len(), 3);
    let twice = read
        .iter()
        .find(|policy| policy.id.eq_ignore_ascii_case(&id));
    let twice = twice.expect("it is there");
    assert_eq!(&*twice.name, "zzz");
    assert!(twice.assignments.is_empty());
}

/// A list that says the same row twice each time that it is read still has it once.
#[tokio::test(start_paused = true)]
async fn a_row_that_is_listed_twice_is_one_row() {
    let world = World::new(tenants::tenant(1));
    let id = world.tenant().policies(CATALOG)[0].id.clone();
    world.wire.rule(move |sent| {
        if !sent.path.contains("/assignments") {
            return Act::Pass;
        }
        Act::alter(|response| {
            edit(response, |body| {
                let again = body["value"][0].clone();
                body["value"].as_array_mut().expect("a list").push(again);
            });
        })
    });
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let read = world.reader().assignments(kind, &id).await;
    let rows = read.expect("rows").expect("a policy");
    let tenant = world.tenant();
    let live = &tenant.policies(CATALOG)[0].assignments;
    assert_eq!(rows.len(), live.len());
}
