//! Whatever the tenant and whatever the manifests: after `apply` the live state is the desired
//! one, worked out here by other means, and nothing else has changed.

pub(super) mod build;
pub(super) mod expected;
mod exports;
pub(super) mod forms;
mod kinds;
mod manifests;
pub(super) mod raw;

use std::collections::BTreeSet;

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Collection, Policy, Tenant};
use proptest::prelude::*;

use super::support::world::{Trouble, World, in_virtual_time, outcomes};
use forms::Form;
pub(super) use manifests::Case;

proptest! {
    // 256 cases, or `PROPTEST_CASES`.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn after_apply_the_live_state_is_the_desired_one(raw in raw::case()) {
        in_virtual_time(check(&Case::new(&raw)));
    }
}

pub(super) fn policies(tenant: &Tenant) -> impl Iterator<Item = (Collection, &Policy)> {
    Collection::all().flat_map(|collection| {
        let policies = tenant.policies(collection).iter();
        policies.map(move |policy| (collection, policy))
    })
}

async fn check(case: &Case) {
    let mut world = World::new(case.tenant.clone());
    world.settings.write_with = case.write_with;
    let plan = match world.try_plan_texts(case.texts.clone()).await {
        Ok(plan) => plan,
        Err(Trouble::Invalid(found)) => {
            let codes: Vec<&str> = found.iter().map(|found| found.code).collect();
            assert!(
                case.managed.is_empty() && codes.contains(&"nothing-selected"),
                "{found:#?}"
            );
            return;
        }
        Err(Trouble::Unread(error)) => panic!("{error}"),
    };
    assert!(!case.managed.is_empty(), "a plan of nothing");

    let before = case.tenant.clone();
    let desired = expected::desired(case);
    let planned: BTreeSet<String> = plan.changed().map(|policy| policy.id.clone()).collect();
    let differing: BTreeSet<String> = policies(&before)
        .filter(|(_, policy)| expected::differs(&desired, policy))
        .map(|(_, policy)| policy.id.clone())
        .collect();
    assert_eq!(planned, differing, "the policies that have to change");
    assert_eq!(plan.policies.len(), case.managed.len());
    assert_eq!(world.writes_reached(), 0, "planning does not write");

    let results = world.apply(&plan).await;
    assert!(results.is_good(), "{}\n{:#?}", outcomes(&results), results);

    let after = world.tenant();
    assert_eq!(after.groups, before.groups);
    assert_eq!(after.assignment_filters, before.assignment_filters);
    for ((collection, old), (_, new)) in policies(&before).zip(policies(&after)) {
        assert_eq!(old.id, new.id);
        if planned.contains(&new.id) {
            let form = Form::of(collection);
            expected::assert_desired(&desired, form, [old, new], case.write_with);
            if case.only_adds(&new.id) {
                expected::assert_nothing_removed(old, new);
            }
        } else {
            assert_eq!(bytes(old), bytes(new), "an untouched policy");
        }
    }
    if case.write_with != WriteWith::Create {
        let most = planned.len() + before.service.create_route_missing.len();
        let writes = usize::try_from(world.writes_reached()).expect("few");
        assert!((planned.len()..=most).contains(&writes), "{writes} writes");
    }

    let again = world.try_plan_texts(case.texts.clone()).await;
    let again = again.expect("a second plan");
    assert!(again.is_empty(), "{:#?}", again.changed().next());
}

pub(super) fn bytes(policy: &Policy) -> String {
    serde_json::to_string(policy).expect("JSON")
}
