//! A small simulation: random tenants and manifests, random faults at every request.
//!
//! What goes wrong is decided by the seed alone. A seed that fails says its number; put it into
//! `SEEDS` to run it alone.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assignctl::apply::Outcome;
use assignctl::graph::sign_in::{Fetching, Token, TokenSource};
use assignctl::plan::writes::WriteWith;
use assignctl::sandbox::Policy;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use secrecy::SecretString;

use super::property::{Case, bytes, expected, policies, raw};
use super::support::answers::{cut, error, html, later, plain};
use super::support::wire::{Act, Deed};
use super::support::world::{Trouble, World, in_virtual_time, outcomes, published};

const SEEDS: Range<u64> = 0..300;

#[test]
fn whatever_goes_wrong_nothing_is_lost_and_nothing_is_said_that_is_not_so() {
    let mut seen = Seen::default();
    for seed in SEEDS {
        let ended = catch_unwind(AssertUnwindSafe(|| in_virtual_time(simulate(seed))));
        match ended {
            Ok(one) => seen.add(&one),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                panic!("seed {seed}: {}", text.unwrap_or("a panic without words"));
            }
        }
    }
    // A simulation in which nothing ever happens proves nothing.
    let Seen {
        unread,
        applied,
        failed,
        faults,
    } = seen;
    assert!(
        unread > 5 && applied > 100 && failed > 20 && faults > 1000,
        "{seen:?}"
    );
}

/// What came to pass, over all seeds.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    unread: usize,
    applied: usize,
    failed: usize,
    faults: usize,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.unread += other.unread;
        self.applied += other.applied;
        self.failed += other.failed;
        self.faults += other.faults;
    }
}

/// Makes a case that any machine makes of the seed.
fn case(seed: u64) -> Case {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let tree = raw::case().new_tree(&mut runner).expect("a case");
    Case::new(&tree.current())
}

/// There is always another token.
struct Endless;

impl TokenSource for Endless {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async { Ok(Token::new(SecretString::from("opaque"), None)) })
    }
}

/// What becomes of one request.
fn fate(dice: &mut fastrand::Rng, rate: f64) -> (Deed, bool) {
    let delay = |dice: &mut fastrand::Rng| Duration::from_millis(dice.u64(0..200));
    let (before, after) = (delay(dice), delay(dice));
    if dice.f64() >= rate {
        let deed = Deed {
            before,
            act: Act::Pass,
            after,
        };
        return (deed, false);
    }
    let status = dice.choice([408, 500, 502, 503, 504]).unwrap_or(500);
    let wait = dice
        .choice(["0", "0.249", "3", "45", "soon"])
        .unwrap_or("0");
    let act = match dice.u32(0..13) {
        0 => Act::LostBefore,
        1 => Act::LostAfter,
        2 => Act::NotSent,
        3 => Act::Silence,
        4 => Act::Answer(error(status, "UnknownError")),
        5 => Act::AnswerAfter(error(status, "UnknownError")),
        6 => Act::Answer(html(status)),
        7 => Act::Answer(later(429, wait)),
        8 => Act::Answer(error(429, "TooManyRequests")),
        9 => Act::alter(cut),
        10 => Act::AnswerAfter(html(200)),
        11 => Act::Answer(plain(200, "")),
        _ => Act::Answer(error(401, "InvalidAuthenticationToken")),
    };
    let slow = dice.u32(0..10) == 0;
    let deed = Deed {
        before: if slow { before * 100 } else { before },
        act,
        after,
    };
    (deed, true)
}

async fn simulate(seed: u64) -> Seen {
    let case = case(seed);
    let mut seen = Seen::default();
    if case.managed.is_empty() {
        return seen;
    }
    let mut world = World::build(case.tenant.clone(), published(), |_| Box::new(Endless));
    world.settings.write_with = case.write_with;
    let mut dice = fastrand::Rng::with_seed(seed);
    let rate = dice.choice([0.02, 0.1, 0.3, 0.6]).unwrap_or(0.1);
    let faults = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&faults);
    world.wire.rule(move |_| {
        let (deed, is_fault) = fate(&mut dice, rate);
        counted.fetch_add(usize::from(is_fault), Ordering::Relaxed);
        deed
    });

    let desired = expected::desired(&case);
    match world.try_plan_texts(case.texts.clone()).await {
        Err(Trouble::Unread(_)) => {
            seen.unread += 1;
            assert_eq!(world.tenant(), case.tenant);
        }
        Err(Trouble::Invalid(found)) => panic!("{found:#?}"),
        Ok(plan) => {
            let planned: BTreeSet<String> =
                plan.changed().map(|policy| policy.id.clone()).collect();
            let differing: BTreeSet<String> = policies(&case.tenant)
                .filter(|(_, policy)| expected::differs(&desired, policy))
                .map(|(_, policy)| policy.id.clone())
                .collect();
            assert_eq!(planned, differing);
            let results = world.apply(&plan).await;
            let after = world.tenant();
            for ((_, old), (_, new)) in policies(&case.tenant).zip(policies(&after)) {
                if !planned.contains(&new.id) {
                    assert_eq!(bytes(old), bytes(new), "not in the plan");
                }
            }
            for (policy, settled) in plan.changed().zip(&results.settled) {
                let find = |all: &assignctl::sandbox::Tenant| -> Policy {
                    let found = policies(all).find(|(_, one)| one.id == policy.id);
                    found.expect("a policy").1.clone()
                };
                let (old, new) = (find(&case.tenant), find(&after));
                match settled.outcome {
                    Outcome::Applied | Outcome::Already => {
                        expected::assert_desired(&desired, &old, &new, case.write_with);
                        seen.applied += 1;
                    }
                    Outcome::Skipped => assert_eq!(bytes(&old), bytes(&new), "skipped"),
                    Outcome::Stale => panic!("nobody else was there: {settled:?}"),
                    Outcome::Failed => {
                        seen.failed += 1;
                        // One `assign` or one create: all or nothing.
                        if case.write_with != WriteWith::Create && expected::differs(&desired, &new)
                        {
                            assert_eq!(bytes(&old), bytes(&new), "half done");
                        }
                        if case.is_additive(&new.id) && case.write_with != WriteWith::Create {
                            expected::assert_nothing_removed(&old, &new);
                        }
                    }
                }
            }
            let lines = world.report_lines();
            let settled = lines.iter().filter(|line| line["event"] == "policy");
            assert_eq!(settled.count(), results.settled.len());
            let sending = lines.iter().filter(|line| line["event"] == "sending");
            assert!(sending.count() <= world.wire.writes().len());
        }
    }
    seen.faults = faults.load(Ordering::Relaxed);

    // What was written last may not be visible yet.
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.wire.heal();
    let plan = world.try_plan_texts(case.texts.clone()).await;
    let plan = plan.expect("a plan of the second run");
    let results = world.apply(&plan).await;
    assert!(results.is_good(), "{}", outcomes(&results));
    let after = world.tenant();
    for (_, policy) in policies(&after) {
        assert!(!expected::differs(&desired, policy), "{}", policy.name);
    }
    seen
}
