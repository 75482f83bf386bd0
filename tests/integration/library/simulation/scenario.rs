//! What a seed decides before anything happens: the tenant, the manifests, and how hard life is.

use std::time::Duration;

use assignctl::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES, Pace};
use assignctl::model::RateLimit;
use assignctl_sandbox::{PolicySetAssignments, RetryAfter};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::library::property::{Case, raw};
use crate::library::support::world::LONGEST_WAIT;

/// How a seed's story goes.
pub(super) struct Scenario {
    pub(super) case: Case,
    pub(super) dice: fastrand::Rng,
    /// How many of a hundred requests meet a fault.
    pub(super) faults: u32,
    /// How many of a hundred requests another admin's change comes along with.
    pub(super) admin: u32,
    /// How many processes try before everything is well again.
    pub(super) runs: usize,
    pub(super) limits: [RateLimit; 2],
    pub(super) concurrency: usize,
    pub(super) fail_fast: bool,
    /// For how long the client takes a token to be good, and for how long it is.
    pub(super) token: [Duration; 2],
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It comes to its own end.
    Own,
    /// It is killed after so many steps.
    Killed(u32),
    /// It is asked to end with its request of this number.
    Interrupted(usize),
}

impl Scenario {
    pub(super) fn new(seed: u64) -> Self {
        let mut case = case(seed);
        let mut dice = fastrand::Rng::with_seed(seed);
        let limits = match dice.u32(0..4) {
            // Small enough to be met by small cases.
            0 => [limit(dice.usize(1..4), 5), limit(dice.usize(8..20), 5)],
            _ => [PUBLISHED_WRITES, PUBLISHED_REQUESTS],
        };
        let service = &mut case.tenant.service;
        let throttling = &mut service.throttling;
        let count = |limit: RateLimit| u32::try_from(limit.count).expect("a small limit");
        throttling.app_writes = count(limits[0]);
        throttling.app_any = count(limits[1]);
        throttling.window = limits[0].window.as_secs_f64();
        throttling.retry_after = one_of(
            &mut dice,
            [
                RetryAfter::Seconds,
                RetryAfter::Fraction,
                RetryAfter::Date,
                RetryAfter::LowerCase,
                RetryAfter::Absent,
            ],
        );
        if dice.u32(0..6) == 0 {
            let left = dice.u32(1..4);
            throttling.other_apps_writes = throttling.tenant_writes - left;
        }
        if dice.u32(0..8) == 0 {
            service.policy_set_assignments = PolicySetAssignments::Dropped;
        }
        if dice.u32(0..8) == 0 {
            service.delete_route_missing = vec!["configurationPolicies".to_owned()];
        }
        service.managed_app_lag = one_of(&mut dice, [0.0, 0.0, 3.0, 20.0]);
        let life = Duration::from_secs(one_of(&mut dice, [3600, 3600, 600, 40]));
        service.token_lifetime = life.as_secs();
        // At times a token ends earlier than anyone said.
        let said = if dice.bool() { life } else { life * 3 };
        Self {
            faults: one_of(&mut dice, [0, 2, 10, 30, 60]),
            admin: one_of(&mut dice, [0, 0, 2, 10]),
            // Of a single run the most can be said.
            runs: one_of(&mut dice, [1, 1, 1, 2, 3]),
            limits,
            concurrency: one_of(&mut dice, [1, 2, 8, 8]),
            fail_fast: dice.u32(0..8) == 0,
            token: [said, life],
            case,
            dice,
        }
    }

    /// For how long the service may show what was before a write.
    pub(super) fn lag(&self) -> Duration {
        let service = &self.case.tenant.service;
        let lag = service.read_after_write_lag.max(service.managed_app_lag);
        Duration::from_secs_f64(lag) + Duration::from_millis(1)
    }

    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.limits[0], self.limits[1], LONGEST_WAIT)
    }

    pub(super) fn ending(&mut self) -> Ending {
        match self.dice.u32(0..6) {
            0 | 1 => Ending::Killed(self.dice.u32(1..80)),
            2 => Ending::Interrupted(self.dice.usize(1..15)),
            _ => Ending::Own,
        }
    }

    /// Whether the limits alone decide what is throttled: then a run draws no 429.
    pub(super) fn is_alone(&self) -> bool {
        self.case.tenant.service.throttling.other_apps_writes == 0
    }
}

fn limit(count: usize, seconds: u64) -> RateLimit {
    RateLimit {
        count,
        window: Duration::from_secs(seconds),
    }
}

pub(super) fn one_of<T: Clone, const N: usize>(dice: &mut fastrand::Rng, all: [T; N]) -> T {
    all[dice.usize(0..N)].clone()
}

/// Makes a case that any machine makes of the seed.
fn case(seed: u64) -> Case {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let tree = raw::case_of_kinds().new_tree(&mut runner).expect("a case");
    Case::new(&tree.current())
}
