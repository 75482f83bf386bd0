//! Looking names up in batches: parts in any order, lost parts, failing parts, odd names.

use std::time::Duration;

use assignctl::graph::GraphError;
use assignctl::graph::error::LastError;
use assignctl::graph::transport::Response;
use assignctl::model::LiveGroup;
use assignctl_sandbox::Tenant;
use serde_json::{Value, json};

use crate::library::support::answers::{edit, json_of};
use crate::library::support::tenants;
use crate::library::support::wire::{Act, Deed, Sent};
use crate::library::support::world::World;

fn names(number: usize) -> Vec<String> {
    (0..number)
        .map(|number| format!("SG {number:04}"))
        .collect()
}

fn tenant(names: &[String]) -> Tenant {
    let mut tenant = tenants::tenant(1);
    for name in names {
        tenant.add_group(name);
    }
    tenant
}

#[allow(
    clippy::result_large_err,
    reason = "newer versions of clippy do not see its size"
)]
async fn look_up(world: &World, names: &[String]) -> Result<Vec<LiveGroup>, GraphError> {
    let none = std::collections::BTreeSet::new();
    world
        .reader()
        .groups(&names.iter().cloned().collect(), &none)
        .await
}

/// Looks 60 groups up, in 4 parts of one batch, with a rule on the answers to batches.
async fn four_parts(
    rule: impl FnMut(&Sent, &mut Value) + Clone + Send + 'static,
) -> (World, Result<Vec<LiveGroup>, GraphError>) {
    let names = names(60);
    let world = World::new(tenant(&names));
    world.wire.rule(move |sent| {
        if sent.path != "/$batch" {
            return Act::Pass;
        }
        let sent = sent.clone();
        let mut rule = rule.clone();
        Act::alter(move |response: &mut Response| edit(response, |body| rule(&sent, body)))
    });
    let found = look_up(&world, &names).await;
    (world, found)
}

fn parts(body: &mut Value) -> &mut Vec<Value> {
    body["responses"].as_array_mut().expect("parts")
}

fn part<'a>(body: &'a mut Value, id: &str) -> Option<&'a mut Value> {
    parts(body).iter_mut().find(|part| part["id"] == id)
}

fn asked(sent: &Sent) -> usize {
    sent.body["requests"].as_array().map_or(0, Vec::len)
}

/// Puts an error in the place of one part.
fn fail(body: &mut Value, id: &str, status: u16, headers: Value) {
    if let Some(part) = part(body, id) {
        part["status"] = json!(status);
        part["headers"] = headers;
        part["body"] = json!({"error": {"code": "Trouble", "message": "Trouble it is."}});
    }
}

#[tokio::test(start_paused = true)]
async fn parts_come_in_any_order() {
    let (world, found) = four_parts(|_, body| parts(body).reverse()).await;
    assert_eq!(found.expect("all").len(), 60);
    assert_eq!(world.wire.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_part_is_asked_again_alone() {
    let (world, found) = four_parts(|sent, body| {
        if sent.number == 1 {
            parts(body).retain(|part| part["id"] != "2");
        }
    })
    .await;
    assert_eq!(found.expect("all").len(), 60);
    let sizes: Vec<usize> = world.wire.log().iter().map(asked).collect();
    assert_eq!(sizes, [4, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_is_asked_again_alone_after_its_own_wait() {
    for (status, headers, least, most) in [
        (429, json!({"Retry-After": "0.249"}), 249, 260),
        (429, json!({"Retry-After": "12"}), 12_000, 12_010),
        (429, json!({"retry-after": "12"}), 12_000, 12_010),
        (429, json!({"Retry-After": 12}), 12_000, 12_010),
        (503, json!({"Retry-After": "7"}), 7_000, 7_010),
        (429, json!({}), 700, 1010),
        (500, json!({}), 300, 510),
        (504, json!({}), 300, 510),
    ] {
        let shown = headers.clone();
        let (world, found) = four_parts(move |sent, body| {
            if sent.number == 1 {
                fail(body, "1", status, headers.clone());
            }
        })
        .await;
        assert_eq!(found.expect("all").len(), 60);
        let log = world.wire.log();
        let sizes: Vec<usize> = log.iter().map(asked).collect();
        assert_eq!(sizes, [4, 1], "{status} {shown}");
        let wait = log[1].at - log[0].at;
        let range = Duration::from_millis(least)..=Duration::from_millis(most);
        assert!(range.contains(&wait), "{status} {shown}: {wait:?}");
    }
}

/// Waits that the service asks for in a row add up for all requests, until something passes.
#[tokio::test(start_paused = true)]
async fn a_part_that_passes_ends_a_row_of_waits() {
    for (refused, is_next_read) in [(4, false), (2, true)] {
        let mut batches = 0;
        let names = names(60);
        let world = World::new(tenant(&names));
        world.wire.rule(move |sent| {
            batches += 1;
            let (refused, seconds) = match batches {
                1 => (4, "500"),
                2 => (refused, "450"),
                _ => return Act::Pass,
            };
            assert_eq!(sent.path, "/$batch");
            Act::alter(move |response: &mut Response| {
                edit(response, |body| {
                    for id in 0..refused {
                        fail(body, &id.to_string(), 429, json!({"Retry-After": seconds}));
                    }
                });
            })
        });
        // 950 s are more than one request may wait.
        assert!(look_up(&world, &names).await.is_err());
        let found = look_up(&world, &names).await;
        assert_eq!(found.is_ok(), is_next_read, "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_of_the_parts_counts() {
    let (world, found) = four_parts(|sent, body| {
        if sent.number == 1 {
            fail(body, "0", 429, json!({"Retry-After": "3"}));
            fail(body, "2", 429, json!({"Retry-After": "9"}));
            fail(body, "3", 500, json!({}));
        }
    })
    .await;
    assert_eq!(found.expect("all").len(), 60);
    let log = world.wire.log();
    assert_eq!(log.iter().map(asked).collect::<Vec<_>>(), [4, 3]);
    assert!(log[1].at - log[0].at >= Duration::from_secs(9));
    // Each answer that asks to slow down counts, in the report as well.
    assert_eq!(world.client.counts().throttled, 2);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_for_ever_ends_the_run() {
    for status in [0, 429, 500, 503, 504] {
        let (world, found) = four_parts(move |_, body| {
            if status == 0 {
                parts(body).retain(|part| part["id"] != "3");
            } else {
                fail(body, "3", status, json!({}));
            }
        })
        .await;
        let error = found.expect_err("a part is missing");
        assert!(
            matches!(error, GraphError::GivenUp { tries: 5, .. }),
            "{status}: {error}"
        );
        assert!(error.to_string().contains("GET /groups"), "{error}");
        assert_eq!(world.wire.log().len(), 5);
        assert!(world.wire.elapsed() <= Duration::from_secs(30));
    }
}

/// A part has the same 30 s as a read by itself, however often the batch is sent.
#[tokio::test(start_paused = true)]
async fn a_part_is_given_up_after_thirty_seconds() {
    for (each, tries) in [(8, 4), (14, 3), (29, 2)] {
        let names = names(60);
        let world = World::new(tenant(&names));
        world.wire.rule(move |_| Deed {
            before: Duration::from_secs(each),
            act: Act::alter(|response| {
                edit(response, |body| fail(body, "3", 500, json!({})));
            }),
            after: Duration::ZERO,
        });
        let error = look_up(&world, &names)
            .await
            .expect_err("a part is missing");
        assert!(matches!(error, GraphError::GivenUp { .. }), "{error}");
        assert_eq!(world.wire.log().len(), tries, "{each} s each");
        assert!(world.wire.elapsed() <= Duration::from_secs(60));
    }
}

/// Nor does a batch that fails as a whole give its parts further tries.
#[tokio::test(start_paused = true)]
async fn tries_of_a_batch_are_tries_of_its_parts() {
    let names = names(60);
    let world = World::new(tenant(&names));
    world.wire.rule(|sent| {
        if sent.number % 2 == 1 {
            Act::LostBefore
        } else {
            Act::alter(|response| edit(response, |body| fail(body, "3", 500, json!({}))))
        }
    });
    let error = look_up(&world, &names)
        .await
        .expect_err("a part is missing");
    assert!(
        matches!(error, GraphError::GivenUp { tries: 5, .. }),
        "{error}"
    );
    assert_eq!(world.wire.log().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_given_up_keeps_status_and_request_id() {
    let (_, found) = four_parts(|_, body| {
        fail(body, "3", 503, json!({"request-id": "r-3"}));
    })
    .await;
    let Err(GraphError::GivenUp { last, .. }) = found else {
        panic!("{found:?}")
    };
    let LastError::Service(last) = last else {
        panic!("{last:?}")
    };
    assert_eq!(
        (last.status, last.request_id.as_deref()),
        (503, Some("r-3"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_refused_ends_the_run_at_once() {
    for (status, refusal) in [(403, true), (401, true), (400, false), (404, false)] {
        let (world, found) = four_parts(move |_, body| fail(body, "0", status, json!({}))).await;
        let error = found.expect_err("a part is refused");
        assert_eq!(error.is_refusal(), refusal, "{error}");
        // A 400 may be about the page size, and is asked once more without it.
        let asked = if status == 400 { 2 } else { 1 };
        assert_eq!(world.wire.log().len(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_without_a_page_is_not_an_empty_page() {
    for odd in [
        json!(null),
        json!({}),
        json!([]),
        json!({"value": null}),
        json!("e30="),
    ] {
        let shown = odd.to_string();
        let (_, found) = four_parts(move |_, body| {
            if let Some(part) = part(body, "1") {
                part["body"] = odd.clone();
            }
        })
        .await;
        assert!(found.is_err(), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_leads_elsewhere_is_refused() {
    let (world, found) = four_parts(|_, body| {
        if let Some(part) = part(body, "1") {
            part["body"]["@odata.nextLink"] = json!("https://example.com/groups");
        }
    })
    .await;
    let error = found.expect_err("a foreign link");
    assert!(matches!(error, GraphError::ForeignLink { .. }), "{error}");
    assert_eq!(world.wire.log().len(), 1);
    let (_, found) = four_parts(|_, body| {
        fail(
            body,
            "1",
            302,
            json!({"Location": "https://example.com/groups"}),
        );
    })
    .await;
    assert!(matches!(found, Err(GraphError::ForeignLink { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_part_is_read_too() {
    let names = names(60);
    let world = World::new(tenant(&names));
    world.wire.rule(|sent| match sent.path.as_str() {
        "/$batch" => Act::alter(|response| {
            edit(response, |body| {
                let part = part(body, "1").expect("a part");
                part["body"]["@odata.nextLink"] = json!("http://sandbox/beta/groups?more");
            });
        }),
        "/groups?more" => Act::Answer(json_of(
            200,
            &json!({"value": [{"id": "x", "displayName": "one more"}]}),
        )),
        _ => Act::Pass,
    });
    assert_eq!(look_up(&world, &names).await.expect("all").len(), 61);
}

#[tokio::test(start_paused = true)]
async fn more_than_three_hundred_names_take_more_than_one_batch() {
    for (number, requests) in [(300, 1), (301, 2), (600, 2), (601, 3), (1000, 4)] {
        let names = names(number);
        let world = World::new(tenant(&names));
        assert_eq!(look_up(&world, &names).await.expect("all").len(), number);
        assert_eq!(world.wire.log().len(), requests, "{number} names");
    }
}

const ODD: [&str; 12] = [
    "O'Neil's \"group\"",
    "''",
    "a & b = c",
    "#1",
    "1 + 1",
    "50% / 100%25",
    "Zürich Größe",
    "😀 🇨🇭",
    "a,b','c",
    "(x) or displayName ne ''",
    "back\\slash?",
    " . ",
];

#[tokio::test(start_paused = true)]
async fn odd_names_are_found_alone_and_among_others() {
    let odd: Vec<String> = ODD.map(str::to_owned).to_vec();
    let mut all = names(40);
    all.extend(odd.iter().cloned());
    let tenant = tenant(&all);
    for name in &odd {
        let world = World::new(tenant.clone());
        let found = look_up(&world, std::slice::from_ref(name)).await;
        let found: Vec<String> = found
            .expect("an answer")
            .into_iter()
            .map(|group| group.name)
            .collect();
        assert_eq!(found, std::slice::from_ref(name));
    }
    let world = World::new(tenant.clone());
    let found = look_up(&world, &odd).await.expect("an answer");
    assert_eq!(found.len(), odd.len());
    let world = World::new(tenant);
    assert_eq!(
        look_up(&world, &all).await.expect("an answer").len(),
        all.len()
    );
    assert_eq!(world.wire.log()[0].path, "/$batch");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_would_be_too_long_goes_into_a_batch() {
    for (length, path) in [(20, "/groups?"), (250, "/$batch")] {
        let names: Vec<String> = (0..15)
            .map(|number| format!("{number} {}", "ü".repeat(length / 5)))
            .collect();
        let world = World::new(tenant(&names));
        assert_eq!(look_up(&world, &names).await.expect("all").len(), 15);
        let log = world.wire.log();
        assert_eq!(log.len(), 1);
        assert!(log[0].path.starts_with(path), "{}", log[0].path);
    }
}
