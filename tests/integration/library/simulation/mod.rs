//! A simulation: random tenants and manifests, and at every request one of all that can go wrong.
//!
//! The seed alone decides everything: what the service is like, what becomes of each request, what
//! another administrator does meanwhile, and when the process is killed or asked to end. Client
//! and sandbox run in one process under a paused clock, so that hours take milliseconds.
//!
//! `SEEDS=0..1000000 cargo test --profile simulation --test integration simulation` runs a million;
//! a seed that fails says how it is run alone. `LOG=1` prints each request of it.

mod admin;
mod approvals;
mod checks;
pub(super) mod faults;
mod history;
mod scenario;
mod seeds;
mod undo;

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use assignctl::apply::ObserveApply;
use assignctl::auth::{SignInError, Token, TokenSource};
use assignctl::plan::{Plan, PlannedPolicy};
use assignctl::report::{Outcome, PolicyResult, Results};
use assignctl_sandbox::{PolicySetAssignments, Service};
use secrecy::SecretString;

use super::property::expected;
use super::property::forms::Form;
use super::property::policies;
use super::support::wire::lock;
use super::support::world::{Trouble, World, outcomes};
use checks::Run;
use history::History;
use scenario::{Ending, Scenario};
use seeds::{run_all, say, seeds};

/// What runs where no one says otherwise.
const SEEDS: Range<u64> = 0..200;

#[test]
fn whatever_goes_wrong_nothing_is_lost_and_nothing_is_said_that_is_not_so() {
    let seeds = seeds(SEEDS);
    let many = seeds.end - seeds.start >= SEEDS.end;
    let seen = run_all(seeds, "simulation", simulate, Seen::add);
    say(format_args!("{seen:?}"));
    // A simulation in which nothing ever happens proves nothing.
    let Seen {
        seeds,
        unread,
        runs,
        killed,
        interrupted,
        applied,
        failed,
        stale,
        faults,
        by_admin,
        undone,
    } = seen;
    let enough = |number: usize, of_a_hundred: usize| number * 100 >= seeds * of_a_hundred;
    assert!(
        !many
            || (enough(unread, 5)
                && enough(runs, 100)
                && enough(killed, 10)
                && enough(interrupted, 5)
                && enough(applied, 60)
                && enough(failed, 20)
                && enough(stale, 2)
                && enough(faults, 300)
                && enough(by_admin, 20)
                && enough(undone, 4)),
        "too little happened: {seen:?}"
    );
}

/// Seeds that once failed. In 3025974 a plan right after an apply saw app protection as it was before; in
/// 4022613 and 4278889 a read that was given up was counted by the service later, and brought a 429.
#[test]
fn seeds_that_once_failed_pass() {
    for seed in [3_025_974, 4_022_613, 4_278_889, 8_001_887, 8_006_220] {
        run_all(seed..seed + 1, "simulation", simulate, Seen::add);
    }
}

/// What came to pass, over all seeds.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    seeds: usize,
    unread: usize,
    runs: usize,
    killed: usize,
    interrupted: usize,
    applied: usize,
    failed: usize,
    stale: usize,
    faults: usize,
    by_admin: usize,
    undone: usize,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        let Self {
            seeds,
            unread,
            runs,
            killed,
            interrupted,
            applied,
            failed,
            stale,
            faults,
            by_admin,
            undone,
        } = other;
        self.seeds += seeds;
        self.unread += unread;
        self.runs += runs;
        self.killed += killed;
        self.interrupted += interrupted;
        self.applied += applied;
        self.failed += failed;
        self.stale += stale;
        self.faults += faults;
        self.by_admin += by_admin;
        self.undone += undone;
    }
}

/// Tokens of the sandbox, said to be good for a while that may be longer than they are.
struct Minted {
    service: Service,
    said: Duration,
}

#[async_trait::async_trait]
impl TokenSource for Minted {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let secret = SecretString::from(self.service.mint_token());
        Ok(Token::new(secret, Some(self.said)))
    }
}

/// One seed's story: processes that meet everything that can go wrong, one after the other, then
/// one that meets nothing and has to bring about what is desired.
async fn simulate(seed: u64) -> Seen {
    let mut scenario = Scenario::new(seed);
    let mut seen = Seen {
        seeds: 1,
        ..Seen::default()
    };
    if scenario.case.managed.is_empty() {
        return seen;
    }
    let mut stage = Stage::new(&scenario);
    stage.disturb(&scenario);
    for number in 0..scenario.runs {
        let ending = scenario.ending();
        let calm = scenario.dice.u32(0..5) > 0;
        stage.start_process(&scenario, number);
        let before = stage.world.tenant();
        let planned = stage.run(&scenario, ending, calm, &mut seen).await;
        if planned && scenario.admin == 0 && scenario.runs == 1 && scenario.dice.bool() {
            stage.undo(&scenario, &before).await;
            seen.undone += 1;
        }
    }
    stage.settle(&scenario).await;
    seen.faults = stage.faults.load(Ordering::Relaxed);
    seen.by_admin = stage.by_admin.load(Ordering::Relaxed);
    seen
}

/// Everything that outlives a process.
struct Stage {
    world: World,
    history: History,
    /// Whether nothing goes wrong just now.
    calm: Arc<AtomicBool>,
    faults: Arc<AtomicUsize>,
    by_admin: Arc<AtomicUsize>,
}

impl Stage {
    fn new(scenario: &Scenario) -> Self {
        let said = scenario.token[0];
        let mut world = World::build(scenario.case.tenant.clone(), scenario.pace(), |service| {
            Box::new(Minted {
                service: service.clone(),
                said,
            })
        });
        world.settings.write_with = scenario.case.write_with;
        world.settings.concurrency = scenario.concurrency;
        world.settings.fail_fast = scenario.fail_fast;
        world.wire.keep_answers();
        let history = History::default();
        history.note(&world.tenant(), Duration::ZERO, None);
        let (service, noted) = (world.service.clone(), history.clone());
        let start = tokio::time::Instant::now();
        world.wire.witness(move |sent| {
            if sent.is_write() {
                service.with_machine(|machine| {
                    noted.note(machine.tenant(), start.elapsed(), Some(sent.number));
                });
            }
        });
        Self {
            world,
            history,
            calm: Arc::default(),
            faults: Arc::default(),
            by_admin: Arc::default(),
        }
    }

    /// Sets what becomes of requests, and lets another admin at the tenant.
    fn disturb(&self, scenario: &Scenario) {
        let mut dice = scenario.dice.clone();
        let (percent, admin) = (scenario.faults, scenario.admin);
        let (faults, by_admin) = (Arc::clone(&self.faults), Arc::clone(&self.by_admin));
        let (service, history) = (self.world.service.clone(), self.history.clone());
        let calm = Arc::clone(&self.calm);
        let start = tokio::time::Instant::now();
        let ids: Vec<String> = policies(&scenario.case.tenant)
            .map(|(_, policy)| policy.id.clone())
            .collect();
        self.world.wire.rule(move |sent| {
            if dice.u32(0..100) < admin {
                let about = ids.iter().find(|id| sent.path.contains(id.as_str()));
                let about = about.cloned();
                let mut dice = dice.fork();
                let (service, history) = (service.clone(), history.clone());
                let by_admin = Arc::clone(&by_admin);
                // At any moment while the request is on its way, or a while later.
                let wait = dice.choice([0, 50, 150, 400, 5000]).unwrap_or_default();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    service.with_machine(|machine| {
                        let changed = admin::act(&mut dice, machine.tenant_mut(), about.as_deref());
                        if changed.is_some() {
                            by_admin.fetch_add(1, Ordering::Relaxed);
                            history.note(machine.tenant(), start.elapsed(), None);
                        }
                    });
                });
            }
            let percent = if calm.load(Ordering::Relaxed) {
                0
            } else {
                percent
            };
            let (deed, is_fault) = faults::fate(&mut dice, sent, percent);
            faults.fetch_add(usize::from(is_fault), Ordering::Relaxed);
            deed
        });
    }

    fn start_process(&mut self, scenario: &Scenario, number: usize) {
        let source = Minted {
            service: self.world.service.clone(),
            said: scenario.token[0],
        };
        let seed = u64::try_from(number).expect("a small number");
        self.world.restart(scenario.pace(), Box::new(source), seed);
    }

    /// Lets one process plan and apply until it ends, and checks what it did.
    /// Returns whether there was a plan.
    async fn run(&self, scenario: &Scenario, ending: Ending, calm: bool, seen: &mut Seen) -> bool {
        let before = self.world.tenant();
        let first = self.world.wire.log().len();
        let texts = scenario.case.texts.clone();
        // Most runs shall come as far as their first write.
        self.calm.store(calm, Ordering::Relaxed);
        let plan = match self.world.try_plan_texts(texts).await {
            Err(Trouble::Unread(_)) => {
                seen.unread += 1;
                let written = self.world.wire.log()[first..]
                    .iter()
                    .any(|sent| sent.is_write());
                assert!(!written, "written without a plan");
                return false;
            }
            // Another admin has made something that a manifest can't be united with.
            Err(Trouble::Invalid(_)) if scenario.admin > 0 => return false,
            Err(Trouble::Invalid(found)) => panic!("{found:#?}"),
            Ok(plan) => plan,
        };
        if scenario.admin == 0 && scenario.runs == 1 {
            let desired = expected::desired_in(&before, &scenario.case);
            let differing: Vec<&str> = policies(&before)
                .filter(|(_, policy)| expected::differs(&desired, policy))
                .map(|(_, policy)| policy.id.as_str())
                .collect();
            let planned: std::collections::BTreeSet<&str> =
                plan.changed().map(|policy| policy.id.as_str()).collect();
            assert_eq!(planned, differing.into_iter().collect());
        }
        self.calm.store(false, Ordering::Relaxed);
        seen.runs += 1;
        let start = self.world.wire.log().len();
        let started = self.world.wire.elapsed();
        let throttled = self.world.throttled();
        let clock = Clock::default();
        let results = self.apply(&plan, ending, start, &clock).await;
        match &results {
            None => seen.killed += 1,
            Some(results) if results.interrupted => seen.interrupted += 1,
            Some(_) => {}
        }
        let log = self.world.wire.log();
        let report = self.world.report_lines();
        if std::env::var_os("LOG").is_some() {
            for sent in &log[first..] {
                let end = sent.end.map(|(at, status)| (at, status.unwrap_or(0)));
                say(format_args!(
                    "{} {:?} -> {end:?} {} {}",
                    sent.number, sent.at, sent.method, sent.path
                ));
            }
        }
        let run = Run {
            plan: &plan,
            write_with: self.world.settings.write_with,
            log: &log[start..],
            history: &self.history,
            started,
            ended: self.world.wire.elapsed(),
            report: &report,
            lag: scenario.lag(),
        };
        run.writes_are_planned();
        run.report_is_whole(results.as_ref());
        run.pauses_are_kept();
        run.repeats_wait();
        run.refusals_are_final();
        run.enrollment_is_written_in_line();
        if scenario.admin == 0 {
            run.nothing_is_half_done();
        }
        if scenario.runs == 1 && scenario.is_alone() {
            // It cannot be known when the service counts a request that was given up.
            let given_up = log[first..]
                .iter()
                .filter(|sent| sent.end.is_none())
                .count();
            let own = self.world.throttled() - throttled;
            assert!(
                usize::try_from(own).expect("a small number") <= given_up,
                "{own} answers 429 of its own making, {given_up} requests given up"
            );
        }
        let Some(results) = results else { return true };
        if let Ending::Interrupted(last) = ending
            && results.interrupted
        {
            run.ends_when_asked(start + last);
        }
        run.outcomes_are_true(&results, &lock(&clock.0));
        seen.applied += results.count(Outcome::Applied);
        seen.failed += results.count(Outcome::Failed);
        seen.stale += results.count(Outcome::Stale);
        if scenario.admin == 0 && scenario.runs == 1 {
            assert_eq!(results.count(Outcome::Stale), 0, "nobody else was there");
        }
        true
    }

    /// Applies until the end that is meant for the process; no results where it was killed.
    async fn apply(
        &self,
        plan: &Plan,
        ending: Ending,
        first: usize,
        clock: &Clock,
    ) -> Option<Results> {
        let watched = Watched {
            world: &self.world,
            clock,
        };
        let applying = self.world.apply_watched(plan, &watched);
        match ending {
            Ending::Own => Some(applying.await),
            Ending::Killed(steps) => {
                Mortal {
                    work: Box::pin(applying),
                    steps,
                }
                .await
            }
            Ending::Interrupted(number) => {
                let stop = self.world.stop.clone();
                self.world.wire.interrupt_at(first + number, stop);
                Some(applying.await)
            }
        }
    }

    /// Lets nothing go wrong any more.
    fn make_well(&self) {
        self.world.wire.heal();
        self.world.service.with_machine(|machine| {
            let service = &mut machine.tenant_mut().service;
            service.policy_set_assignments = PolicySetAssignments::Kept;
            service.delete_route_missing.clear();
            service.throttling.other_apps_writes = 0;
        });
    }

    /// Lets everything be well, and one more process bring about what is desired.
    async fn settle(&mut self, scenario: &Scenario) {
        self.make_well();
        // What is still under way arrives, and what was written last shows.
        tokio::time::sleep(Duration::from_secs(120)).await;
        self.start_process(scenario, scenario.runs);
        self.world.settings.fail_fast = false;
        let before = self.world.tenant();
        let desired = expected::desired_in(&before, &scenario.case);
        let texts = || scenario.case.texts.clone();
        let plan = match self.world.try_plan_texts(texts()).await {
            Ok(plan) => plan,
            Err(Trouble::Invalid(_)) if scenario.admin > 0 => return,
            Err(trouble) => panic!("no plan at last: {trouble:?}"),
        };
        let results = self.world.apply(&plan).await;
        assert!(results.is_good(), "{}", outcomes(&results));
        let after = self.world.tenant();
        for ((collection, old), (_, new)) in policies(&before).zip(policies(&after)) {
            assert!(!expected::differs(&desired, new), "{}", new.name);
            if desired.contains_key(&new.id) && expected::differs(&desired, old) {
                let form = Form::of(collection);
                expected::assert_desired(&desired, form, [old, new], scenario.case.write_with);
            }
        }
        // Where most has happened before.
        if scenario.runs > 1 {
            // Until then a kind that shows writes late may still answer with what was.
            tokio::time::sleep(scenario.lag()).await;
            let again = self.world.try_plan_texts(texts()).await.expect("a plan");
            assert!(again.is_empty());
        }
    }
}

/// When each policy settled, by id.
#[derive(Default)]
struct Clock(Mutex<BTreeMap<String, Duration>>);

struct Watched<'a> {
    world: &'a World,
    clock: &'a Clock,
}

impl ObserveApply for Watched<'_> {
    fn settled(&self, policy: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {
        lock(&self.clock.0).insert(policy.id.clone(), self.world.wire.elapsed());
    }
}

/// Work that is dropped after so many steps, wherever it stands then.
struct Mortal<'a> {
    work: Pin<Box<dyn Future<Output = Results> + 'a>>,
    steps: u32,
}

impl Future for Mortal<'_> {
    type Output = Option<Results>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.steps == 0 {
            return Poll::Ready(None);
        }
        self.steps -= 1;
        self.work.as_mut().poll(context).map(Some)
    }
}
