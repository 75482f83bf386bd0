//! Two runs at once against one tenant, each with another plan for the same policies.
//!
//! The service has no way to write only what has not changed, so that two writes can cross. What
//! must not happen is that both runs call a policy applied: then one has lost its change without
//! a word.

use std::time::Duration;

use assignctl::report::{Outcome, ReasonCode};

use super::super::support::tenants::{all_rows, tenant};
use super::super::support::wire::{Act, Deed};
use super::super::support::world::{World, in_virtual_time};
use super::wants;

/// What came of one race.
#[derive(Debug, Default)]
struct Race {
    stale: usize,
    crossed: usize,
}

async fn race(seed: u64) -> Race {
    const POLICIES: usize = 6;
    let one = World::new(tenant(POLICIES));
    let other = one.beside();
    let plans = (
        one.plan(&wants("*", &["B"])).await,
        other.plan(&wants("*", &["C"])).await,
    );
    let mut dice = fastrand::Rng::with_seed(seed);
    let head_start = Duration::from_millis(dice.u64(0..400));
    // The slowest way is twice as long as the fastest.
    let mut way = move || Duration::from_millis(dice.u64(20..=40));
    one.wire.rule(move |_| Deed {
        before: way(),
        act: Act::Pass,
        after: way(),
    });
    let (first, second) = tokio::join!(one.apply(&plans.0), async {
        tokio::time::sleep(head_start).await;
        other.apply(&plans.1).await
    });
    let mut race = Race::default();
    let rows = all_rows(&one.tenant());
    for ((first, second), rows) in first.settled.iter().zip(&second.settled).zip(rows) {
        let outcomes = [first.outcome, second.outcome];
        assert_ne!(
            outcomes,
            [Outcome::Applied; 2],
            "one was lost without a word"
        );
        match outcomes {
            [Outcome::Applied, _] => assert_eq!(rows, "B", "{outcomes:?}"),
            [_, Outcome::Applied] => assert_eq!(rows, "C", "{outcomes:?}"),
            _ => panic!("nobody was first: {first:?} {second:?}"),
        }
        race.stale += usize::from(outcomes.contains(&Outcome::Stale));
        for settled in [first, second] {
            if settled.outcome == Outcome::Failed {
                let reason = settled.reason.as_ref().expect("a reason");
                assert_eq!(reason.code, ReasonCode::Unverified);
                race.crossed += 1;
            }
        }
    }
    race
}

#[test]
fn two_runs_never_lose_a_change_of_the_other_without_a_word() {
    let mut all = Race::default();
    for seed in 0..150 {
        let Race { stale, crossed } = in_virtual_time(race(seed));
        all.stale += stale;
        all.crossed += crossed;
    }
    // Both ways of meeting were met.
    assert!(all.stale > 150 && all.crossed > 50, "{all:?}");
}
