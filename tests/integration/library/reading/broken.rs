//! Answers with status 200 that are no answers.

use assignctl::graph::GraphError;
use assignctl::graph::transport::Response;
use serde_json::{Value, json};

use super::{EVERYTHING, LISTS, healthy_plan, tenant, unread};
use crate::library::support::answers::{cut, edit, html, plain};
use crate::library::support::tenants::{self, all_rows, wants};
use crate::library::support::wire::Act;
use crate::library::support::world::{World, outcomes};

type Break = fn(&mut Response);

/// Ways in which an answer of status 200 can be no answer; each looks empty to a careless reader.
const BREAKS: [(&str, Break); 12] = [
    ("no JSON", |response| response.body = b"OK".to_vec()),
    ("HTML", |response| *response = html(200)),
    ("an empty body", |response| response.body.clear()),
    ("204", |response| *response = plain(204, "")),
    ("cut JSON", cut),
    ("null", |response| response.body = b"null".to_vec()),
    ("a list", |response| response.body = b"[]".to_vec()),
    ("an empty object", |response| response.body = b"{}".to_vec()),
    ("no list", |response| {
        edit(response, |body| {
            let list = list_of(body);
            body.as_object_mut().expect("an object").remove(list);
        });
    }),
    ("null for a list", |response| {
        edit(response, |body| {
            let list = list_of(body);
            body[list] = Value::Null;
        });
    }),
    ("text for a list", |response| {
        edit(response, |body| {
            let list = list_of(body);
            body[list] = json!("[]");
        });
    }),
    ("an error after all", |response| {
        response.body = br#"{"error": {"code": "UnknownError", "message": ""}}"#.to_vec();
    }),
];

fn list_of(body: &Value) -> &'static str {
    if body.get("responses").is_some() {
        "responses"
    } else {
        "value"
    }
}

/// A manifest that needs a batch to look its groups up, and the tenant for it.
fn with_batch() -> (assignctl_sandbox::Tenant, String) {
    let mut tenant = tenant();
    let names: Vec<String> = (0..20).map(|number| format!("SG-{number}")).collect();
    for name in &names {
        tenant.add_group(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (tenant, wants("P 001", &names))
}

#[tokio::test(start_paused = true)]
async fn what_stays_broken_ends_the_run() {
    for (what, break_it) in BREAKS {
        for list in LISTS {
            let world = World::new(tenant());
            world.wire.rule(move |sent| {
                if sent.path.starts_with(list) {
                    Act::alter(break_it)
                } else {
                    Act::Pass
                }
            });
            let error = unread(&world, EVERYTHING).await;
            assert!(
                matches!(error, GraphError::GivenUp { tries: 5, .. }),
                "{what} {list}: {error}"
            );
            assert!(!error.is_refusal());
        }
        let (tenant, text) = with_batch();
        let world = World::new(tenant);
        world.wire.rule(move |sent| match sent.path.as_str() {
            "/$batch" => Act::alter(break_it),
            _ => Act::Pass,
        });
        unread(&world, &text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_once_is_read_again() {
    let healthy = healthy_plan().await;
    for (what, break_it) in BREAKS {
        for list in LISTS {
            let world = World::new(tenant());
            let mut broken = false;
            world.wire.rule(move |sent| {
                if sent.path.starts_with(list) && !std::mem::replace(&mut broken, true) {
                    Act::alter(break_it)
                } else {
                    Act::Pass
                }
            });
            assert_eq!(world.plan(EVERYTHING).await, healthy, "{what} {list}");
            assert_eq!(world.client.counts().retried, 1, "{what} {list}");
        }
        let (tenant, text) = with_batch();
        let healthy = World::new(tenant.clone()).plan(&text).await;
        let world = World::new(tenant);
        let mut broken = false;
        world.wire.rule(move |sent| {
            if sent.path == "/$batch" && !std::mem::replace(&mut broken, true) {
                Act::alter(break_it)
            } else {
                Act::Pass
            }
        });
        assert_eq!(world.plan(&text).await, healthy, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_second_page_is_not_the_end_of_the_list() {
    for (what, break_it) in BREAKS {
        let mut tenant = tenants::tenant(4);
        tenant.service.max_page_size = 2;
        let world = World::new(tenant);
        world.wire.rule(move |sent| {
            if sent.path.contains("$skiptoken") {
                Act::alter(break_it)
            } else {
                Act::Pass
            }
        });
        let error = unread(&world, &wants("*", &["B"])).await;
        assert!(
            matches!(error, GraphError::GivenUp { .. }),
            "{what}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_looked_at_is_not_written() {
    for (what, break_it) in BREAKS {
        let world = World::new(tenants::tenant(1));
        let plan = world.plan(&wants("*", &["B"])).await;
        world.wire.rule(move |_| Act::alter(break_it));
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "failed readFailed", "{what}");
        assert_eq!(world.writes_reached(), 0);
        assert_eq!(all_rows(&world.tenant()), ["A"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_assignments_is_completed_policy_by_policy() {
    for policies in [1, 3, 45] {
        let world = World::new(tenants::tenant(policies));
        let healthy = world.plan(&wants("*", &["B"])).await;
        let before = world.wire.log().len();
        world.wire.rule(|sent| {
            if sent.path.contains("$expand") {
                Act::alter(|response| {
                    edit(response, |body| {
                        for policy in body["value"].as_array_mut().expect("a list") {
                            policy.as_object_mut().expect("one").remove("assignments");
                        }
                    });
                })
            } else {
                Act::Pass
            }
        });
        assert_eq!(world.plan(&wants("*", &["B"])).await, healthy);
        // The list, the names of both groups, and twenty policies a batch.
        let number = world.wire.log().len() - before;
        assert_eq!(number, 3 + policies.div_ceil(20), "{policies} policies");
    }
}

#[tokio::test(start_paused = true)]
async fn assignments_that_are_no_list_are_an_error() {
    for odd in [json!({}), json!("none"), json!([null]), json!([{}])] {
        let world = World::new(tenants::tenant(1));
        let shown = odd.to_string();
        world.wire.rule(move |sent| {
            let odd = odd.clone();
            if sent.path.contains("$expand") {
                Act::alter(move |response| {
                    edit(response, |body| body["value"][0]["assignments"] = odd);
                })
            } else {
                Act::Pass
            }
        });
        let error = unread(&world, &wants("*", &["B"])).await;
        assert!(
            matches!(error, GraphError::Shape { .. }),
            "{shown}: {error}"
        );
    }
}

/// It says no more than a list without them.
#[tokio::test(start_paused = true)]
async fn assignments_that_are_null_are_read_by_themselves() {
    let healthy = healthy_plan().await;
    let world = World::new(tenant());
    world.wire.rule(|sent| {
        if sent.path.contains("$expand") {
            Act::alter(|response| {
                edit(response, |body| {
                    body["value"][0]["assignments"] = json!(null);
                });
            })
        } else {
            Act::Pass
        }
    });
    assert_eq!(world.plan(EVERYTHING).await, healthy);
}

#[tokio::test(start_paused = true)]
async fn an_object_without_an_id_is_an_error() {
    for list in LISTS {
        let world = World::new(tenant());
        world.wire.rule(move |sent| {
            if sent.path.starts_with(list) {
                Act::alter(|response| {
                    edit(response, |body| {
                        body["value"][0].as_object_mut().expect("one").remove("id");
                    });
                })
            } else {
                Act::Pass
            }
        });
        let error = unread(&world, EVERYTHING).await;
        assert!(matches!(error, GraphError::Shape { .. }), "{list}: {error}");
    }
}
