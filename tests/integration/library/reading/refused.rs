//! Refusals: no permission, no token, and redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assignctl::auth::{SignInError, Token, TokenSource};
use assignctl::graph::GraphError;
use assignctl::model::{Needs, PolicyKind};
use assignctl_sandbox::Collection;
use secrecy::SecretString;
use serde_json::json;

use super::{EVERYTHING, LISTS, healthy_plan, tenant, unread};
use crate::library::support::answers::{error, html, json_of, plain, with_header};
use crate::library::support::tenants::{self, wants};
use crate::library::support::wire::Act;
use crate::library::support::world::{World, outcomes, published};

/// Hands out `token 1`, `token 2` and so on.
struct Numbered(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl TokenSource for Numbered {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let secret = SecretString::from(format!("token {number}"));
        Ok(Token::new(secret, None))
    }
}

fn world_with_tokens(tenant: assignctl_sandbox::Tenant) -> (World, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let source = Numbered(Arc::clone(&given));
    let world = World::build(tenant, published(), |_| Box::new(source));
    (world, given)
}

#[tokio::test(start_paused = true)]
async fn a_401_in_mid_run_renews_the_token_once_for_all() {
    let mut tenant = tenants::tenant(20);
    tenant.service.max_page_size = 2;
    let (world, given) = world_with_tokens(tenant);
    world.wire.rule(|sent| {
        if sent.number > 3 && sent.bearer == "token 1" {
            Act::Answer(error(401, "InvalidAuthenticationToken"))
        } else {
            Act::Pass
        }
    });
    let plan = world.plan(&wants("*", &["B"])).await;
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "20 applied");
    assert_eq!(given.load(Ordering::Relaxed), 2);
    assert_eq!(world.writes_reached(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_runs_out_while_writing_is_renewed() {
    let (world, given) = world_with_tokens(tenants::tenant(20));
    let plan = world.plan(&wants("*", &["B"])).await;
    world.wire.rule(|sent| {
        let old = sent.bearer == "token 1" && sent.number > 20;
        if old {
            Act::Answer(error(401, "InvalidAuthenticationToken"))
        } else {
            Act::Pass
        }
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "20 applied");
    assert_eq!(given.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_a_refusal() {
    let (world, given) = world_with_tokens(tenant());
    world
        .wire
        .rule(|_| Act::Answer(error(401, "InvalidAuthenticationToken")));
    let error_of_many = unread(&world, &wants("*", &[])).await;
    assert!(error_of_many.is_refusal(), "{error_of_many}");
    assert_eq!(given.load(Ordering::Relaxed), 2);
    assert_eq!(world.wire.log().len(), 2);
    // A token for which there is no other is not tried again.
    let world = World::new(tenant());
    world
        .wire
        .rule(|_| Act::Answer(error(401, "InvalidAuthenticationToken")));
    assert!(unread(&world, &wants("*", &[])).await.is_refusal());
    assert_eq!(world.wire.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_403_is_a_refusal_and_is_not_tried_again() {
    for list in LISTS {
        for answer in [error(403, "Forbidden"), html(403), plain(403, "")] {
            let world = World::new(tenant());
            world.wire.rule(move |sent| {
                if sent.path.starts_with(list) {
                    Act::Answer(answer.clone())
                } else {
                    Act::Pass
                }
            });
            let error = unread(&world, EVERYTHING).await;
            assert!(error.is_refusal(), "{list}: {error}");
            let log = world.wire.log();
            let tries = log.iter().filter(|sent| sent.path.starts_with(list));
            assert_eq!(tries.count(), 1, "{list}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_refuses_who_has_no_permission() {
    let mut tenant = tenant();
    tenant.service.roles = vec!["DeviceManagementConfiguration.Read.All".to_owned()];
    let error = unread(&World::new(tenant.clone()), EVERYTHING).await;
    assert!(error.is_refusal(), "{error}");
    tenant.service.roles = vec!["GroupMember.Read.All".to_owned()];
    let error = unread(&World::new(tenant), EVERYTHING).await;
    assert!(error.is_refusal(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn redirects_are_refused_wherever_they_lead() {
    for status in [301, 302, 303, 307, 308] {
        for (location, foreign) in [
            ("https://example.com/x", true),
            ("//example.com/x", true),
            ("http://sandbox/beta/x", false),
            ("/beta/x", false),
            ("", false),
        ] {
            for list in LISTS {
                let world = World::new(tenant());
                world.wire.rule(move |sent| {
                    if sent.path.starts_with(list) {
                        Act::Answer(with_header(plain(status, ""), "location", location))
                    } else {
                        Act::Pass
                    }
                });
                let error = unread(&world, EVERYTHING).await;
                match &error {
                    GraphError::ForeignLink { link, .. } => {
                        assert!(foreign && link == location, "{error}");
                    }
                    GraphError::Redirect { link, .. } => {
                        assert!(!foreign && link == location, "{error}");
                    }
                    _ => panic!("{error}"),
                }
                assert!(!error.is_refusal());
                let log = world.wire.log();
                assert!(log.iter().all(|sent| !sent.path.contains("example")));
            }
        }
    }
}

/// A later page that is refused, as for a skip token that has expired, says nothing of the tenant's licences: the
/// policies are there.
#[tokio::test(start_paused = true)]
async fn only_the_first_page_of_a_list_says_that_a_kind_is_missing() {
    for status in [400, 403, 404] {
        let mut tenant = tenants::tenant(5);
        tenant.service.max_page_size = 2;
        tenant.service.page_size = 2;
        let world = World::new(tenant);
        world.wire.rule(move |sent| {
            let is_later = sent.path.contains("skip");
            match is_later && sent.path.contains("/configurationPolicies") {
                true => Act::Answer(error(status, "BadRequest")),
                false => Act::Pass,
            }
        });
        let reader = world.reader();
        let status = format!("(status {status}, code BadRequest");
        for failed in [
            reader.whole_tenant().await.map(|whole| whole.unavailable),
            reader.raw_tenant().await.map(|whole| whole.unavailable),
            reader.all_names().await.map(|names| names.unavailable),
            world
                .reader()
                .tenant(&world_needs())
                .await
                .map(|live| live.unavailable),
        ] {
            let failed = failed.expect_err("a page is missing");
            assert!(matches!(failed, GraphError::Service { .. }), "{failed}");
            assert!(failed.to_string().contains(&status), "{failed}");
        }
    }
}

fn world_needs() -> Needs {
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    Needs {
        kinds: [kind].into(),
        ..Needs::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_missing_whatever_its_list_is_refused_with() {
    for status in [400, 403, 404] {
        let world = World::new(tenants::tenant(5));
        world.wire.rule(move |sent| {
            match sent.path.contains("/intents") || sent.path.contains("/mobileApps") {
                true => Act::Answer(error(status, "BadRequest")),
                false => Act::Pass,
            }
        });
        let whole = world.reader().whole_tenant().await.expect("the others");
        assert_eq!(whole.unavailable.len(), 2, "{:?}", whole.unavailable);
        for unavailable in whole.unavailable {
            assert_eq!(unavailable.is_forbidden, status == 403);
            assert!(unavailable.reason.contains(&format!("(status {status}")));
        }
    }
}

/// Some lists may be had without their assignments only, whatever the service says to that.
#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_with_assignments_only_is_read_without() {
    for (status, code) in [(400, "BadRequest"), (404, "ResourceNotFound")] {
        let world = World::new(tenants::tenant(5));
        world
            .wire
            .rule(move |sent| match sent.path.contains("expand=assignments") {
                true => Act::Answer(error(status, code)),
                false => Act::Pass,
            });
        let plan = world.plan(&wants("*", &["B"])).await;
        assert_eq!(plan.changed().count(), 5, "{status}");
        assert_eq!(plan.changed().next().expect("one").before.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_pass_is_not_tried_again() {
    for status in [400, 404, 405, 409, 414] {
        let world = World::new(tenant());
        world
            .wire
            .rule(move |_| Act::Answer(error(status, "BadRequest")));
        let error = unread(&world, &wants("*", &[])).await;
        let is_known = match status {
            400 | 404 => matches!(error, GraphError::RefusedLists(_)),
            _ => matches!(error, GraphError::Service { .. }),
        };
        assert!(is_known, "{error}");
        // A 400 may be about `$top` or about `$expand`: it is asked once more without each. A 404 may be about the latter.
        let expected = match status {
            400 => 4,
            404 => 2,
            _ => 1,
        };
        assert_eq!(world.wire.log().len(), expected, "{status}");
    }
    assert!(!healthy_plan().await.is_empty());
}

/// A policy that the list served and that is not found is deleted only if the next list lacks it.
#[tokio::test(start_paused = true)]
async fn a_listed_policy_that_is_not_found_is_a_failed_read() {
    for deleted in [false, true] {
        let mut tenant = tenants::tenant(5);
        let intents = Collection::named("intents").expect("a collection");
        let gone = tenant.add_policy(intents, "Gone", "windows10");
        let world = World::new(tenant);
        let id = gone.clone();
        let mut lists = 0;
        world.wire.rule(move |sent| {
            if sent.path.contains("/intents?") || sent.path.ends_with("/intents") {
                lists += 1;
            }
            if sent.path.contains(&id) {
                return Act::Answer(error(404, "ResourceNotFound"));
            }
            match deleted
                && lists > 1
                && sent.path.contains("/intents")
                && !sent.path.contains("/assignments")
            {
                true => Act::Answer(json_of(200, &json!({"value": []}))),
                false => Act::Pass,
            }
        });
        let whole = world.reader().whole_tenant().await;
        match deleted {
            true => {
                let whole = whole.expect("the others");
                assert!(!whole.policies.iter().any(|policy| &*policy.name == "Gone"));
            }
            false => {
                let error = whole.expect_err("an unread policy").to_string();
                assert!(error.contains("lists it all the same"), "{error}");
            }
        }
    }
}
