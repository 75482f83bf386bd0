//! A simulation of approvers: tenants in which changes have to be approved, and stories of some days in
//! which runs file and resume, with everything that can go wrong; approvers approve, reject, wait and
//! let expire; and processes are killed at any step, as other administrators change and file as well.
//!
//! What has to hold is in `checks`: nothing is filed that is known to wait, a code is used for nothing
//! but the write that it was given for, and every open request can be resumed from a report.

mod checks;
mod every_step;
mod locks;
mod stage;

use std::ops::Range;
use std::time::Duration;

use super::scenario::one_of;
use super::seeds::{run_all, say, seeds};
use stage::{End, Stage};

/// What runs where no one says otherwise.
const SEEDS: Range<u64> = 0..40;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn nothing_is_filed_twice_and_no_code_is_lost_or_used_for_anything_else() {
    let seeds = seeds(SEEDS);
    let many = seeds.end - seeds.start >= SEEDS.end;
    let seen = run_all(seeds, "simulation::approvals", story, Seen::add);
    say(format_args!("{seen:?}"));
    // A simulation in which nothing ever happens proves nothing.
    let Seen {
        seeds,
        filed,
        completed,
        rejected,
        expired,
        withdrawn,
        killed,
        found,
        held,
        locked,
        faults,
    } = seen;
    let enough = |number: usize, of_a_hundred: usize| number * 100 >= seeds * of_a_hundred;
    assert!(
        !many
            || (enough(filed, 200)
                && enough(completed, 100)
                && enough(rejected, 10)
                && enough(expired, 20)
                && enough(withdrawn, 2)
                && enough(killed, 50)
                && enough(found, 2)
                && enough(held, 20)
                && enough(locked, 20)
                && enough(faults, 100)),
        "too little happened: {seen:?}"
    );
}

/// Seeds that once failed: a proxy answered an approved write as done that had not reached the service, and the
/// code, still good, was dropped; a request that a killed run had filed late was further from its write than one of
/// another step, and not taken for its own.
#[test]
fn seeds_that_once_failed_pass() {
    for seed in [6_003_836, 6_006_561, 6_050_925, 6_252_209, 7_315_179] {
        run_all(seed..seed + 1, "simulation::approvals", story, Seen::add);
    }
}

/// What came to pass, over all seeds.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    seeds: usize,
    filed: usize,
    completed: usize,
    rejected: usize,
    expired: usize,
    withdrawn: usize,
    killed: usize,
    /// Codes that a report did not hold, and that were found by what it announced.
    found: usize,
    /// Policies that were to get all devices before another one had given them up.
    held: usize,
    /// Policies that another's request locked until it was rejected.
    locked: usize,
    faults: usize,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        let Self {
            seeds,
            filed,
            completed,
            rejected,
            expired,
            withdrawn,
            killed,
            found,
            held,
            locked,
            faults,
        } = other;
        self.seeds += seeds;
        self.filed += filed;
        self.completed += completed;
        self.rejected += rejected;
        self.expired += expired;
        self.withdrawn += withdrawn;
        self.killed += killed;
        self.found += found;
        self.held += held;
        self.locked += locked;
        self.faults += faults;
    }
}

/// One seed's story.
async fn story(seed: u64) -> Seen {
    let mut stage = Stage::new(seed);
    let days = stage.dice.usize(4..12);
    for _ in 0..days {
        match stage.dice.u32(0..10) {
            0..4 => {
                let end = end(&mut stage);
                stage.apply(end).await;
            }
            4..7 => {
                let end = end(&mut stage);
                stage.resume(end).await;
            }
            7 => stage.approve_some(),
            8 => stage.somebody_else(),
            _ => stage.cancel().await,
        }
        stage.approve_some();
        let pause = one_of(&mut stage.dice, [0, 0, 1, 30, 90]);
        tokio::time::sleep(HOUR * pause / 2).await;
        if stage.dice.bool() {
            stage.no_code_is_lost().await;
        }
    }
    stage.no_code_is_lost().await;
    stage.another_locks().await;
    stage.come_to_an_end().await;
    stage.seen()
}

fn end(stage: &mut Stage) -> End {
    let dice = &mut stage.dice;
    match dice.u32(0..5) {
        0..3 => {
            let most = one_of(dice, [20, 60, 160]);
            End::Killed(dice.u32(1..most))
        }
        3 => End::Interrupted(dice.usize(1..15)),
        _ => End::Own,
    }
}
