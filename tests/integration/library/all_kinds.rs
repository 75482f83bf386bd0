//! A tenant that has every kind: how many requests reading it takes, and how long.

use std::fmt::Write as _;
use std::time::Duration;

use assignctl::kinds::AssignmentProperties;
use assignctl::model::PolicyKind;
use assignctl_sandbox::{Tenant, target};
use serde_json::{Value, json};

use super::support::world::World;
use crate::ordinary::{collection, of_what};

/// Kinds whose lists bring no assignments; those of twenty policies come in one request.
const ONE_BY_ONE: [&str; 4] = [
    "intents",
    "policySets",
    "roleScopeTags",
    "termsAndConditions",
];
/// Kinds whose lists come in small pages.
const IN_PAGES: [&str; 3] = [
    "compliancePolicies",
    "configurationPolicies",
    "inventoryPolicies",
];
/// The largest page of these.
const PAGE: usize = 100;

/// A tenant with so many policies of each kind, assigned to `A`.
fn tenant(number: usize) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 1_000_000;
    tenant.service.max_page_size = PAGE;
    let group = tenant.add_group("A");
    for kind in PolicyKind::all() {
        for number in 0..number {
            let name = format!("P {number}");
            let id = tenant.add_policy(collection(kind), &name, of_what(kind));
            let beside = match kind.spec().properties {
                AssignmentProperties::App => json!({"intent": "required", "settings": null}),
                _ => Value::Null,
            };
            let policy = tenant.policy_mut(collection(kind), &id);
            policy
                .expect("a policy")
                .assign_with(target::group(&group), beside);
        }
    }
    tenant
}

/// What leaves the policies as they are.
fn manifest() -> String {
    let mut text = "version: 1\npolicies:\n".to_owned();
    for kind in PolicyKind::all() {
        let intent = match kind.spec().properties {
            AssignmentProperties::App => "\n    intent: required",
            _ => "",
        };
        let _ = write!(
            text,
            "  - kind: {kind}\n    match: 'P *'{intent}\n    include: [{{group: A}}]\n"
        );
    }
    text
}

fn segment(kind: PolicyKind) -> &'static str {
    collection(kind).segment()
}

/// The requests that follow each other for a kind, and all of its requests.
fn requests(kind: PolicyKind, number: usize) -> (usize, usize) {
    let pages = match IN_PAGES.contains(&segment(kind)) {
        true => number.div_ceil(PAGE).max(1),
        false => 1,
    };
    let batches = match ONE_BY_ONE.contains(&segment(kind)) {
        true => number.div_ceil(20),
        false => 0,
    };
    // Batches leave side by side, once the list is there.
    (pages + batches.min(1), pages + batches)
}

#[tokio::test(start_paused = true)]
async fn reading_every_kind_takes_its_pages_and_a_batch_for_twenty_where_lists_bring_nothing() {
    for number in [0, 1, 2, 20, 21, 45] {
        let world = World::new(tenant(number));
        let text = match number {
            // A tenant in which nothing is selected has nothing to plan; reading it is the same.
            0 => None,
            _ => Some(manifest()),
        };
        match text {
            None => {
                world.reader().whole_tenant().await.expect("a tenant");
            }
            Some(text) => {
                let plan = world.plan(&text).await;
                assert!(plan.is_empty(), "{number}: {:?}", plan.changed().next());
                assert_eq!(plan.policies.len(), 32 * number);
            }
        }
        let all: usize = PolicyKind::all().map(|kind| requests(kind, number).1).sum();
        // Beside the policies: the group; without manifests the filters.
        let log = world.wire.log();
        assert_eq!(
            log.len(),
            all + 1,
            "{number}: {:#?}",
            log.iter().map(|sent| &sent.path).collect::<Vec<_>>()
        );
    }
    assert_eq!(PolicyKind::all().count(), 32);
}

#[tokio::test(start_paused = true)]
async fn reading_every_kind_takes_no_longer_than_its_longest_chain() {
    const LATENCY: Duration = Duration::from_millis(100);
    for number in [1, 45, 250] {
        let world = World::new(tenant(number));
        world.wire.latency(LATENCY);
        let before = tokio::time::Instant::now();
        let plan = world.plan(&manifest()).await;
        let elapsed = before.elapsed();
        assert!(plan.is_empty());
        let longest = PolicyKind::all().map(|kind| requests(kind, number).0).max();
        let longest = u32::try_from(longest.expect("kinds")).expect("few");
        let bound = (LATENCY * longest).mul_f64(1.1);
        assert!(elapsed <= bound, "{number}: {elapsed:?} of {bound:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_kinds_that_manifests_name_are_read() {
    for kind in PolicyKind::all() {
        let world = World::new(tenant(1));
        let text = manifest();
        let of_kind = text
            .split("  - kind: ")
            .find(|entry| entry.starts_with(&format!("{kind}\n")));
        let entry = of_kind.expect("an entry");
        let text = format!("version: 1\npolicies:\n  - kind: {entry}");
        let plan = world.plan(&text).await;
        assert!(plan.is_empty(), "{kind}");
        for sent in world.wire.log() {
            let is_own = sent.path.contains(&format!("/{}", segment(kind)));
            assert!(
                is_own || sent.path.starts_with("/groups"),
                "{kind}: {}",
                sent.path
            );
        }
    }
}
