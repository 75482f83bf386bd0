//! However the service deviates from what is taken for granted: no assignment is lost that was not to go,
//! and nothing counts as applied that is not there.

use assignctl::report::Outcome;
use assignctl::service::{Probe, State};
use assignctl_sandbox::{Deviation, target};

use super::support::tenants::{CATALOG, all_rows, group_id, tenant, wants};
use super::support::world::{World, outcomes};

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_nothing_is_invented() {
    for how in Deviation::ALL {
        // Several pages of policies.
        let mut tenant = tenant(30);
        let other = group_id(&tenant, "C");
        for policy in tenant.policies_mut(CATALOG).iter_mut().step_by(3) {
            policy.assign(target::group(&other));
        }
        tenant.service.deviations = vec![how];
        let world = World::new(tenant);
        let before = all_rows(&world.tenant());
        // A and C go, B comes.
        let Ok(plan) = world.try_plan(&wants("P *", &["B"])).await else {
            assert_eq!(all_rows(&world.tenant()), before, "{how:?}");
            assert_eq!(world.writes_reached(), 0, "{how:?}");
            continue;
        };
        let results = world.apply(&plan).await;
        let said = outcomes(&results);
        let after = all_rows(&world.tenant());
        let changed = plan.changed().zip(&results.settled);
        for (policy, settled) in changed {
            let tenant = world.tenant();
            let mut policies = tenant.policies(CATALOG).iter();
            let found = policies.position(|known| policy.id.ends_with(&known.id));
            let place = found.expect("a policy of the plan");
            let (before, after) = (&before[place], &after[place]);
            match settled.outcome {
                Outcome::Applied | Outcome::Already => assert_eq!(after, "B", "{how:?}: {said}"),
                // It is as it was, or as planned; what the program does not know stays beside it.
                _ => assert!(
                    after == before
                        || after == "B"
                        || before.split(' ').all(|row| after.contains(row)),
                    "{how:?}: {before} became {after}: {said}"
                ),
            }
        }
        let kept = after.iter().filter(|rows| *rows != "B").count();
        assert!(
            kept == 0 || results.count(Outcome::Applied) < after.len(),
            "{how:?}: {said}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn looking_writes_nothing() {
    let kinds: Vec<_> = assignctl::kinds::PolicyKind::all().collect();
    for how in Deviation::ALL {
        let mut tenant = tenant(3);
        tenant.service.deviations = vec![how];
        let world = World::new(tenant);
        let before = all_rows(&world.tenant());
        let probed = world.reader().probe(&kinds).await.expect("findings");
        assert_eq!(world.writes_reached(), 0, "{how:?}");
        assert_eq!(all_rows(&world.tenant()), before, "{how:?}");
        assert!(!probed.findings.is_empty());
        for finding in probed.findings {
            let is_read = matches!(finding.assumption.probe, Probe::Read(_));
            assert!(is_read || finding.state == State::Unknown, "{finding:?}");
        }
    }
}

/// What one reader of a run has learnt, a probe too, no other asks for again.
#[tokio::test(start_paused = true)]
async fn what_was_refused_once_is_not_asked_for_again() {
    let catalog = assignctl::kinds::PolicyKind::from_name("configurationPolicy").expect("a kind");
    // How many requests are in vain: with the page size, and with and without it where the list does not expand.
    for (how, in_vain) in [(Deviation::TopRefused, 1), (Deviation::ExpandRefused, 2)] {
        let with = || {
            let mut tenant = tenant(3);
            tenant.service.deviations = vec![how];
            World::new(tenant)
        };
        let cost = async |world: &World| {
            let before = world.client.counts().reads;
            let policies = world.reader().policies(catalog).await.expect("policies");
            assert_eq!(policies.len(), 3, "{how:?}");
            world.client.counts().reads - before
        };
        let world = with();
        let (first, second) = (cost(&world).await, cost(&world).await);
        assert_eq!(first, second + in_vain, "{how:?}");
        let world = with();
        world.reader().probe(&[catalog]).await.expect("findings");
        assert_eq!(cost(&world).await, second, "{how:?}");
    }
}
