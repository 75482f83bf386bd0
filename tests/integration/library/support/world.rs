//! A sandbox, a client, the wire between them, and the same steps that the command line takes.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use assignctl::apply::{self, ObserveApply, Settings};
use assignctl::auth::{StaticToken, TokenSource, Tokens};
use assignctl::diagnostic::Diagnostic;
use assignctl::graph::address::GraphUrl;
use assignctl::graph::client::Client;
use assignctl::graph::observe::Unobserved;
use assignctl::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES, Pace};
use assignctl::graph::transport::InProcessTransport;
use assignctl::graph::{GraphError, Reader};
use assignctl::manifest;
use assignctl::plan::guards::GuardRules;
use assignctl::plan::needs::needs;
use assignctl::plan::saved::SharedNamesRecord;
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{self, Names, Plan, PlanInputs, PlannedPolicy, Selection};
use assignctl::report::{Outcome, PolicyResult, Reason, Report, Results};
use assignctl::run::apply::ApplyInput;
use assignctl_sandbox::{Machine, Service, Tenant};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::wire::{Plug, Wire, lock};

/// What `--max-wait` is unless a test says otherwise.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// When every world begins, so that dates are the same in every run.
const A_MONDAY: u64 = 1_795_428_000;

/// Everything of one test.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) wire: Arc<Wire>,
    pub(crate) client: Arc<Client>,
    pub(crate) settings: Settings,
    /// Stops the run.
    pub(crate) stop: CancellationToken,
    /// The report of the latest run.
    pub(crate) report: Arc<Mutex<Report>>,
    /// The names of the latest plan.
    pub(crate) names: Arc<Mutex<Names>>,
    /// What the run resumes.
    pub(crate) resumed: Option<ApplyInput>,
}

fn client(
    wire: &Arc<Wire>,
    pace: Pace,
    source: Box<dyn TokenSource>,
    stop: &CancellationToken,
    seed: u64,
) -> Arc<Client> {
    let client = Client::new(
        GraphUrl::in_process(),
        Box::new(Plug(Arc::clone(wire))),
        Tokens::new(source),
        pace,
        Box::new(Unobserved),
        seed,
    );
    Arc::new(client.interrupted_by(stop.clone()))
}

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum Trouble {
    Unread(GraphError),
    Invalid(Vec<Diagnostic>),
}

/// The published limits.
pub(crate) fn published() -> Pace {
    Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, LONGEST_WAIT)
}

impl World {
    pub(crate) fn new(tenant: Tenant) -> Self {
        Self::with_wait(tenant, LONGEST_WAIT)
    }

    pub(crate) fn with_wait(tenant: Tenant, longest_wait: Duration) -> Self {
        let pace = Pace::new(PUBLISHED_WRITES, PUBLISHED_REQUESTS, longest_wait);
        Self::at_pace(tenant, pace)
    }

    pub(crate) fn at_pace(tenant: Tenant, pace: Pace) -> Self {
        Self::build(tenant, pace, |service| {
            let token = StaticToken::new(&service.mint_token()).expect("a token");
            Box::new(token)
        })
    }

    pub(crate) fn build(
        tenant: Tenant,
        pace: Pace,
        source: impl FnOnce(&Service) -> Box<dyn TokenSource>,
    ) -> Self {
        let machine = Machine::new(tenant, "http://sandbox".to_owned());
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(A_MONDAY);
        let service = Service::new(machine, None).at(wall);
        let wire = Arc::new(Wire::new(
            InProcessTransport::new(service.router()),
            GraphUrl::in_process().as_str().to_owned(),
        ));
        let stop = CancellationToken::new();
        let client = client(&wire, pace, source(&service), &stop, 7);
        Self {
            service,
            wire,
            client,
            settings: Settings {
                approval: assignctl::apply::approval::Approval::default(),
                concurrency: 8,
                fail_fast: false,
                write_with: WriteWith::Auto,
            },
            stop,
            report: Arc::new(Mutex::new(Report::in_memory())),
            names: Arc::default(),
            resumed: None,
        }
    }

    /// Another run against the same service, over the same wire.
    pub(crate) fn beside(&self) -> Self {
        let token = StaticToken::new(&self.service.mint_token()).expect("a token");
        let stop = CancellationToken::new();
        Self {
            service: self.service.clone(),
            wire: Arc::clone(&self.wire),
            client: client(&self.wire, published(), Box::new(token), &stop, 8),
            settings: self.settings.clone(),
            stop,
            report: Arc::new(Mutex::new(Report::in_memory())),
            names: Arc::default(),
            resumed: None,
        }
    }

    /// Goes on as another process: with nothing but what the wire and the service know.
    pub(crate) fn restart(&mut self, pace: Pace, source: Box<dyn TokenSource>, seed: u64) {
        self.stop = CancellationToken::new();
        self.client = client(&self.wire, pace, source, &self.stop, seed);
    }

    /// The time on the service's clock.
    pub(crate) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(A_MONDAY) + self.wire.elapsed()
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.client))
    }

    /// The tenant as it is.
    pub(crate) fn tenant(&self) -> Tenant {
        self.service
            .with_machine(|machine| machine.tenant().clone())
    }

    /// How many writes have reached the machine, refused ones too.
    pub(crate) fn writes_reached(&self) -> u64 {
        self.service
            .with_machine(|machine| machine.statistics().writes)
    }

    pub(crate) fn throttled(&self) -> u64 {
        self.service
            .with_machine(|machine| machine.statistics().throttled)
    }

    /// Plans a single manifest.
    #[allow(
        clippy::result_large_err,
        reason = "newer versions of clippy do not see its size"
    )]
    pub(crate) async fn try_plan(&self, text: &str) -> Result<Plan, Trouble> {
        self.try_plan_texts(vec![("manifest.yaml".to_owned(), text.to_owned())])
            .await
    }

    /// Plans as the command line does.
    #[allow(
        clippy::result_large_err,
        reason = "newer versions of clippy do not see its size"
    )]
    pub(crate) async fn try_plan_texts(
        &self,
        texts: Vec<(String, String)>,
    ) -> Result<Plan, Trouble> {
        let loaded = manifest::read_texts(texts);
        if loaded.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(Trouble::Invalid(loaded.diagnostics));
        }
        let reader = self.reader();
        let tenant_id = reader.tenant_id().await.map_err(Trouble::Unread)?;
        let live = reader.tenant(&needs(&loaded.manifest)).await;
        let live = live.map_err(Trouble::Unread)?;
        let inputs = PlanInputs {
            tenant_id,
            graph_url: reader.graph_url(),
            write_with: self.settings.write_with,
            strict: false,
            selection: &Selection::default(),
        };
        let (made, diagnostics) = plan::make(&loaded.manifest, &loaded.sources, &live, &inputs);
        let mut made = made.ok_or(Trouble::Invalid(diagnostics))?;
        let asked = made.unnamed_groups(false);
        let filters = made.has_unnamed_filters(false);
        let names = reader.names(&asked, filters).await;
        let (groups, filters) = names.map_err(Trouble::Unread)?;
        made.add_names(asked, groups, filters);
        let (plan, annotations) = made.finish(&GuardRules::default());
        *lock(&self.names) = annotations.names;
        Ok(plan)
    }

    pub(crate) async fn plan(&self, text: &str) -> Plan {
        self.try_plan(text).await.expect("a plan")
    }

    /// Carries a plan out.
    pub(crate) async fn apply(&self, plan: &Plan) -> Results {
        self.apply_watched(plan, &Silent).await
    }

    /// Carries a plan out while someone looks on.
    pub(crate) async fn apply_watched(&self, plan: &Plan, observer: &dyn ObserveApply) -> Results {
        let mut report = Report::in_memory();
        report
            .start(
                Some((plan, "sha256:none")),
                SharedNamesRecord::default(),
                &plan.graph_url,
            )
            .expect("memory");
        let names = lock(&self.names).clone();
        if let Some(input) = &self.resumed {
            input.take_over(&mut report).expect("memory");
            for (policy, settled) in &input.context.skipped {
                report.policy(policy, settled, &names).expect("memory");
            }
        }
        *lock(&self.report) = report;
        apply::run(
            plan,
            &names,
            &self.client,
            &self.report,
            self.settings.clone(),
            &self.stop,
            observer,
        )
        .await
    }

    /// Plans a manifest and carries the plan out.
    pub(crate) async fn converge(&self, text: &str) -> Results {
        let plan = self.plan(text).await;
        self.apply(&plan).await
    }

    /// The lines of the latest report, after the first.
    pub(crate) fn report_lines(&self) -> Vec<Value> {
        let text = lock(&self.report).text();
        text.lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }
}

/// Looks away.
pub(crate) struct Silent;

impl ObserveApply for Silent {
    fn settled(&self, _: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {}
}

/// Says outcomes in short, with their codes: `applied, failed unverified`; equal ones are counted.
pub(crate) fn outcomes(results: &Results) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for settled in &results.settled {
        let code = settled.reason.as_ref().map(|reason| reason.code.name());
        let mut word = settled.outcome.name().to_owned();
        if let Some(code) = code {
            word.push(' ');
            word.push_str(code);
        }
        match counted.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counted.push((word, 1)),
        }
    }
    counted.sort();
    let words: Vec<String> = counted
        .into_iter()
        .map(|(word, count)| match count {
            1 => word,
            more => format!("{more} {word}"),
        })
        .collect();
    words.join(", ")
}

/// Why the first policy of a run is not simply as planned.
pub(crate) fn first_reason(results: &Results) -> &Reason {
    results.settled[0].reason.as_ref().expect("a reason")
}

pub(crate) fn applied(results: &Results) -> usize {
    results.count(Outcome::Applied)
}

/// Runs a future to its end under a paused clock, for bodies that no attribute reaches.
pub(crate) fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}
