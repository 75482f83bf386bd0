//! Many tenants in one process and in virtual time: what one of them meets is no matter of the others, and
//! a run of hundreds takes no longer and holds no more than those that are at work.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use assignctl::apply::ObserveApply;
use assignctl::auth::{StaticToken, Tokens};
use assignctl::diagnostic::{Diagnostic, Sources};
use assignctl::exit::Exit;
use assignctl::graph::address::GraphUrl;
use assignctl::graph::client::Client;
use assignctl::graph::observe::Unobserved;
use assignctl::graph::pace::{AppCeiling, Class, RateGroup};
use assignctl::graph::transport::InProcessTransport;
use assignctl::manifest::{self, Loaded};
use assignctl::model::RateLimit;
use assignctl::plan::{PlanDiagnostic, PlannedPolicy};
use assignctl::render::review::Direction;
use assignctl::report::PolicyResult;
use assignctl::run::Failure;
use assignctl::run::apply::ApplyOptions;
use assignctl::run::connect::ServiceSettings;
use assignctl::run::plan::PlanRequest;
use assignctl::run::tenants::{Drawn, Host, Input, ManyTenants, TenantResults};
use assignctl_sandbox::{Machine, Service, Tenant};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::simulation::faults;
use super::support::runs::service_settings;
use super::support::tenants::{CATALOG, all_rows, assign, group_id, name};
use super::support::wire::{Plug, Wire, lock};
use super::support::world::{in_virtual_time, published};

/// A tenant with policies that are assigned to `A`, of which the last is not yet managed so.
fn tenant(number: usize, policies: usize) -> Tenant {
    let mut tenant = super::support::tenants::tenant(policies);
    tenant.tenant_id = id(number);
    tenant
}

fn id(number: usize) -> String {
    format!("{number:08}-2222-4333-8444-555555555555")
}

fn named(number: usize) -> String {
    format!("t{number:03}")
}

/// Manifests that want `B` too for the first policies of each tenant.
fn baseline(tenants: usize, changes: usize) -> Loaded {
    let mut text = String::from("version: 1\ntenants:\n");
    for number in 0..tenants {
        text.push_str("  ");
        text.push_str(&named(number));
        text.push_str(": {tenantId: ");
        text.push_str(&id(number));
        text.push_str("}\n");
    }
    text.push_str(
        "policies:\n- {kind: configurationPolicy, match: 'P *', include: [{group: A}]}\n",
    );
    for number in 0..changes {
        text.push_str("- {kind: configurationPolicy, name: ");
        text.push_str(&name(number));
        text.push_str(", include: [{group: B}]}\n");
    }
    let loaded = manifest::read_texts(vec![("m.yaml".to_owned(), text)]);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded
}

/// How the tenants answer.
type Make = Box<dyn Fn(usize, &Wire) + Sync>;

/// Tenants that are kept, by number.
type Kept = BTreeMap<usize, (Service, Arc<Wire>)>;

/// The tenants. Each is made when it is connected to; one that is kept is the same from then on.
struct Cluster {
    policies: usize,
    kept: Option<Mutex<Kept>>,
    make: Make,
    /// The services of those that are at work.
    alive: Mutex<Vec<Weak<Client>>>,
    most_alive: AtomicUsize,
    throttled: AtomicU64,
    services: Mutex<Vec<Service>>,
}

impl Cluster {
    fn new(policies: usize, keep: bool, make: Make) -> Self {
        Self {
            policies,
            kept: keep.then(Mutex::default),
            make,
            alive: Mutex::default(),
            most_alive: AtomicUsize::new(0),
            throttled: AtomicU64::new(0),
            services: Mutex::default(),
        }
    }

    fn open(&self, number: usize) -> (Service, Arc<Wire>) {
        let open = || {
            let machine = Machine::new(tenant(number, self.policies), "http://sandbox".to_owned());
            let service = Service::new(machine, None);
            let wire = Arc::new(Wire::new(
                InProcessTransport::new(service.router()),
                GraphUrl::in_process().as_str().to_owned(),
            ));
            (self.make)(number, &wire);
            (service, wire)
        };
        match &self.kept {
            None => open(),
            Some(kept) => lock(kept).entry(number).or_insert_with(open).clone(),
        }
    }

    /// What is assigned in a tenant.
    fn found(&self, number: usize) -> Vec<String> {
        let (service, _) = self.open(number);
        service.with_machine(|machine| all_rows(machine.tenant()))
    }

    fn note_throttled(&self, service: &Service) {
        let throttled = service.with_machine(|machine| machine.statistics().throttled);
        self.throttled.fetch_add(throttled, Ordering::Relaxed);
    }
}

struct Silent;

impl ObserveApply for Silent {
    fn settled(&self, _: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {}
}

impl Host for Cluster {
    fn connect(
        &self,
        tenant: &manifest::Tenant,
        stop: &CancellationToken,
    ) -> Result<(Arc<Client>, ServiceSettings), Failure> {
        let number: usize = tenant.name[1..].parse().expect("a number");
        let (service, wire) = self.open(number);
        let token = StaticToken::new(&service.mint_token()).expect("a token");
        let client = Client::new(
            GraphUrl::in_process(),
            Box::new(Plug(wire)),
            Tokens::new(Box::new(token)),
            published(),
            Box::new(Unobserved),
            u64::try_from(number).expect("a small number"),
        );
        let client = Arc::new(client.interrupted_by(stop.clone()));
        let mut alive = lock(&self.alive);
        alive.retain(|client| client.strong_count() > 0);
        alive.push(Arc::downgrade(&client));
        self.most_alive.fetch_max(alive.len(), Ordering::Relaxed);
        if self.kept.is_none() {
            // Those that are done have said how often they were throttled.
            let mut services = lock(&self.services);
            let done = services.len().saturating_sub(16);
            for service in services.drain(..done) {
                self.note_throttled(&service);
            }
            services.push(service);
        }
        let settings = ServiceSettings {
            longest_wait: Duration::from_secs(60),
            ..service_settings()
        };
        Ok((client, settings))
    }

    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn check_data(&self, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn drawn(&self, _: &[Diagnostic], _: &Sources) -> Drawn {
        Drawn::default()
    }

    fn drawn_saved(&self, _: &[PlanDiagnostic]) -> Drawn {
        Drawn::default()
    }

    fn expects(&self, _: usize) {}

    fn all_done(&self) {}

    fn begins(&self, _: &manifest::Tenant) {}

    fn ends(&self, _: &manifest::Tenant, _: &str, _: bool) {}

    fn kept_report(&self, _: &std::path::Path) {}

    fn observer(&self, _: &str) -> Box<dyn ObserveApply> {
        Box::new(Silent)
    }
}

/// Plans and applies for all tenants, and returns how long that took.
fn run(cluster: &Cluster, loaded: &Loaded, parallel: usize) -> (TenantResults, Duration) {
    let reports = tempfile::tempdir().expect("a folder");
    let options = ApplyOptions {
        report: Some(reports.path().to_owned()),
        ..ApplyOptions::default()
    };
    in_virtual_time(async {
        let began = Instant::now();
        let stop = CancellationToken::new();
        let many = ManyTenants {
            direction: Direction::Plan,
            host: cluster,
            request: PlanRequest::default(),
            since: None,
            parallel,
            stop: &stop,
        };
        let tenants = loaded.tenants.clone();
        let mut batch = many.plan(Input::Manifests(loaded, tenants)).await;
        many.carry_out(&mut batch, &options).await;
        (batch, began.elapsed())
    })
}

/// What came of a tenant, in words.
fn came_of(cluster: &Cluster, batch: &TenantResults, number: usize) -> String {
    let name = named(number);
    let entry = batch.entries.iter().find(|entry| entry.tenant.name == name);
    let entry = entry.expect("an entry");
    let opened = batch.open(entry).expect("what was kept");
    let settled = opened.results.map(|results| results.settled);
    let digest = opened.prepared.map(|prepared| prepared.digest);
    let (exit, state) = (entry.exit(), entry.state());
    format!(
        "{exit:?} {state} {digest:?} {settled:?} {:?}",
        cluster.found(number)
    )
}

const TENANTS: usize = 5;

/// Runs some tenants, one of which meets faults if `faulty` says so.
fn simulated(seed: u64, faulty: Option<usize>, parallel: usize) -> (Cluster, TenantResults) {
    let make: Make = Box::new(move |number, wire| {
        wire.latency(Duration::from_millis(50));
        if Some(number) == faulty {
            let mut dice = fastrand::Rng::with_seed(seed);
            let percent = [20, 60, 95][usize::try_from(seed % 3).expect("a small number")];
            wire.rule(move |sent| faults::fate(&mut dice, sent, percent).0);
        }
    });
    let cluster = Cluster::new(12, true, make);
    let (batch, _) = run(&cluster, &baseline(TENANTS, 6), parallel);
    (cluster, batch)
}

#[test]
fn what_one_tenant_meets_is_no_matter_of_the_others() {
    let (well, batch) = simulated(0, None, 2);
    assert_eq!(batch.exit(), Exit::Success);
    let expected: Vec<String> = (0..TENANTS)
        .map(|number| came_of(&well, &batch, number))
        .collect();
    let mut failed = 0;
    for seed in 0..24 {
        let faulty = usize::try_from(seed).expect("a small number") % TENANTS;
        let parallel = 1 + faulty;
        let (cluster, batch) = simulated(seed, Some(faulty), parallel);
        assert_eq!(batch.entries.len(), TENANTS);
        for number in (0..TENANTS).filter(|number| *number != faulty) {
            let found = came_of(&cluster, &batch, number);
            assert_eq!(found, expected[number], "seed {seed}, tenant {number}");
        }
        failed += usize::from(batch.exit() != Exit::Success);
    }
    // The faults were such that a run can fail of them.
    assert!(failed > 4, "{failed}");
}

/// Takes as long as one tenant at a time and place, and holds no more tenants than are at work.
#[test]
fn hundreds_of_tenants_take_what_those_at_work_take() {
    const PARALLEL: usize = 8;
    let size = |name: &str, usual: usize| {
        let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
        asked.unwrap_or(usual)
    };
    // `TENANTS=300 POLICIES=100` is what docs/performance.md speaks of.
    let (tenants, policies, changes) = (size("TENANTS", 24), size("POLICIES", 24), 20);
    let make = || -> Make { Box::new(|_, wire: &Wire| wire.latency(Duration::from_millis(120))) };
    let one = Cluster::new(policies, false, make());
    let (_, own_time) = run(&one, &baseline(1, changes), 1);
    let all = Cluster::new(policies, false, make());
    let (batch, time) = run(&all, &baseline(tenants, changes), PARALLEL);
    assert_eq!(batch.exit(), Exit::Success);
    let rounds = u32::try_from(tenants.div_ceil(PARALLEL)).expect("a small number");
    let floor = own_time * rounds;
    let ratio = time.as_secs_f64() / floor.as_secs_f64();
    assert!(ratio <= 1.15, "{ratio:.3} times the floor of {floor:?}");
    assert!(all.most_alive.load(Ordering::Relaxed) <= PARALLEL);
    for service in lock(&all.services).iter() {
        all.note_throttled(service);
    }
    assert_eq!(all.throttled.load(Ordering::Relaxed), 0);
    for entry in &batch.entries {
        assert_eq!(entry.state(), format!("{changes} applied"));
    }
}

/// An interrupt lets what is under way end, and starts nothing further in any tenant.
#[test]
fn an_interrupt_ends_all_tenants_in_order() {
    for after in [1, 2, 5, 9, 14, 20, 40] {
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let seen = Arc::new(AtomicUsize::new(0));
        let make: Make = Box::new(move |_, wire| {
            wire.latency(Duration::from_millis(50));
            let (asked, seen) = (asked.clone(), Arc::clone(&seen));
            wire.witness(move |_| {
                if seen.fetch_add(1, Ordering::Relaxed) + 1 == after {
                    asked.cancel();
                }
            });
        });
        let cluster = Cluster::new(6, true, make);
        let loaded = baseline(4, 3);
        let reports = tempfile::tempdir().expect("a folder");
        let options = ApplyOptions {
            report: Some(reports.path().to_owned()),
            ..ApplyOptions::default()
        };
        let batch = in_virtual_time(async {
            let many = ManyTenants {
                direction: Direction::Plan,
                host: &cluster,
                request: PlanRequest::default(),
                since: None,
                parallel: 2,
                stop: &stop,
            };
            let tenants = loaded.tenants.clone();
            let mut batch = many.plan(Input::Manifests(&loaded, tenants)).await;
            many.carry_out(&mut batch, &options).await;
            batch
        });
        assert_eq!(batch.exit(), Exit::Interrupted, "{after}");
        for number in 0..4 {
            let path = reports
                .path()
                .join(format!("{}.report.jsonl", named(number)));
            let text = std::fs::read_to_string(path).expect("a report");
            let last = text.lines().last().expect("a line");
            assert!(last.contains("\"event\":\"end\""), "{after}: {last}");
            // What was sent is known: nothing is left open.
            let recorded = assignctl::report::read(text.as_bytes()).expect("a report");
            for policy in &recorded.policies {
                assert!(policy.outcome.is_some(), "{after}: {}", policy.id);
            }
        }
    }
}

/// What the directory gives the app is for all tenants together; each tenant's own limit is not reached here.
#[test]
fn tenants_share_what_the_directory_gives_the_app() {
    let ceiling = AppCeiling::of(RateLimit {
        count: 10,
        window: Duration::from_secs(20),
    });
    let took = in_virtual_time(async {
        let began = Instant::now();
        let work = (0..3).map(|_| {
            let pace = published().below(ceiling.clone());
            async move {
                for _ in 0..7 {
                    let mut permit = pace
                        .permit(RateGroup::Directory, Class::Read, 1)
                        .await
                        .expect("one");
                    permit.mark_used();
                    drop(permit);
                }
                // What is no request of the directory is not held up by it.
                let intune = RateGroup::of("/deviceManagement/configurationPolicies");
                pace.permit(intune, Class::Read, 1).await.expect("one");
            }
        });
        futures::future::join_all(work).await;
        began.elapsed()
    });
    // Twenty-one requests, ten in any twenty seconds.
    assert!((40..42).contains(&took.as_secs()), "{took:?}");
}

/// The groups that tests of this file name are there.
#[test]
fn the_tenants_are_what_the_baseline_is_about() {
    let mut tenant = tenant(1, 2);
    let group = group_id(&tenant, "B");
    let policy = tenant.policies(CATALOG)[0].id.clone();
    assign(
        &mut tenant,
        CATALOG,
        &policy,
        assignctl_sandbox::target::group(&group),
    );
    assert_eq!(all_rows(&tenant), ["A B", "A"]);
}
