//! `apply`: carries a plan out, and keeps its report from the first line to the last.

mod input;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::plan::PreparedPlan;
use super::reports::{self, default_report};
use super::{Failure, unless_stopped};
use crate::apply::approval::Approval;
use crate::apply::staleness::{added_objects, without_objects};
use crate::apply::{self, ObserveApply, Settings};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::observe::RequestCounts;
use crate::graph::permissions::missing_to_write;
use crate::plan::{Plan, PlanDiagnostic};
use crate::report::{Report, Results};
pub use input::{ApplyContext, ApplyInput, Unfiled};

/// How plans are carried out.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Where the report is to be, if that was said: a file, or with several tenants a folder.
    pub report: Option<PathBuf>,
    /// The digest of what was reviewed.
    pub expect_digest: Option<String>,
    /// Whether a pipeline has read the digest, and what is accepted, from where it was reviewed.
    pub reviewed: bool,
    /// Whether no person is asked.
    pub yes: bool,
    /// Whether a failure starts nothing further.
    pub fail_fast: bool,
    /// Why the changes are made, for those who have to approve them.
    pub justification: Option<String>,
    /// How long approval is waited for.
    pub wait_for_approval: Duration,
}

impl ApplyOptions {
    pub(super) fn settings(&self, concurrency: usize, input: &ApplyInput) -> Settings {
        Settings {
            concurrency,
            fail_fast: self.fail_fast,
            write_with: input.plan.plan.write_with,
            approval: Approval {
                justification: self.justification.clone(),
                filed: input.context.filed.clone(),
                wait: self.wait_for_approval,
                ..Approval::default()
            },
        }
    }
}

/// One run, with what has to be written down however it ends.
pub struct ApplyRun {
    report: Mutex<Report>,
    path: PathBuf,
    /// Whether the user named the report's file. It is written whatever happens then.
    is_named: bool,
    started: bool,
    client: Option<Arc<Client>>,
    /// What became of the policies.
    pub results: Results,
    start: Instant,
    /// Whether it is known by now that the report cannot be written.
    is_report_lost: bool,
}

impl ApplyRun {
    /// Begins a run, whose report will be this file; without one, a file named after the time. For a tenant that
    /// manifests have named that is in a folder of its own.
    ///
    /// # Errors
    ///
    /// Says why the file cannot be written.
    pub fn new(report: Option<&Path>, tenant: Option<&str>) -> Result<Self, Failure> {
        let start = Instant::now();
        let path = match report {
            Some(path) => path.to_owned(),
            None => default_report(jiff::Timestamp::now(), tenant),
        };
        let created = Report::create(&path).map_err(|error| {
            Failure::other(format!(
                "the report `{}` cannot be written: {error}",
                path.display()
            ))
            .hint("use another file with `--report`; nothing was written to the service")
        })?;
        Ok(Self {
            report: Mutex::new(created),
            path,
            is_named: report.is_some(),
            started: false,
            client: None,
            is_report_lost: false,
            results: Results::default(),
            start,
        })
    }

    /// Returns the report's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the client that the run's requests are counted by.
    pub fn connected(&mut self, client: &Arc<Client>) {
        self.client = Some(Arc::clone(client));
    }

    /// Says whether what is carried out from now on takes back what this run has done.
    pub fn restores(&self, restores: bool) {
        self.report().restores(restores);
    }

    /// Writes down what is to be carried out, and what is not.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub fn begin(&mut self, input: &ApplyInput) -> Result<(), Failure> {
        self.start(Some(&input.plan))?;
        let plan = &input.plan.plan;
        if !input.context.stale.is_empty() {
            self.results = apply::not_started(plan, input.context.stale.clone());
        }
        self.results.skipped.clone_from(&input.context.skipped);
        let names = &input.plan.annotations.names;
        let mut report = self.report();
        report.noting(input.context.notes.clone());
        input.take_over(&mut report).map_err(report_failed)?;
        for (policy, settled) in self.results.all(plan) {
            report
                .policy(policy, settled, names)
                .map_err(report_failed)?;
        }
        Ok(())
    }

    /// Looks up again what the plan adds. Returns warnings of what was renamed. Of a plan that resumes, only the
    /// policies that need what is gone are set aside: the requests of the others were approved each by itself.
    ///
    /// # Errors
    ///
    /// A group or filter does not exist any more, or cannot be looked up.
    pub async fn check_objects(
        &mut self,
        input: &mut ApplyInput,
        stop: &CancellationToken,
    ) -> Result<Vec<PlanDiagnostic>, Failure> {
        let plan = &input.plan.plan;
        let names = &input.plan.annotations.names;
        let Some(client) = &self.client else {
            return Ok(Vec::new());
        };
        let reader = Reader::new(Arc::clone(client));
        let objects = unless_stopped(stop, async {
            Ok(added_objects(plan, names, &reader).await?)
        })
        .await?;
        if objects.gone.is_empty() {
            return Ok(objects.renamed);
        }
        if input.context.resumes {
            let set_aside = async { Ok(input.set_aside(&objects.gone, &reader).await?) };
            unless_stopped(stop, set_aside).await?;
            for (policy, settled) in input.those_set_aside() {
                self.report()
                    .policy(policy, settled, &input.plan.annotations.names)
                    .map_err(report_failed)?;
            }
            return Ok(objects.renamed);
        }
        self.results.settled = without_objects(plan, names, &objects.gone);
        let mut report = self.report();
        for (policy, settled) in plan.changed().zip(&self.results.settled) {
            report
                .policy(policy, settled, names)
                .map_err(report_failed)?;
        }
        Err(Failure::new(
            Exit::StalePlan,
            format!(
                "the plan assigns what no longer exists: {}",
                objects.gone.describe(names)
            ),
        )
        .hint("nothing was written; fix the manifests and plan again"))
    }

    /// Refuses to write with a token that says that it may only read. What a token does not say is the
    /// service's decision.
    ///
    /// # Errors
    ///
    /// Names the permissions that are missing.
    pub async fn check_rights(&self, plan: &Plan) -> Result<(), Failure> {
        let claims = match &self.client {
            Some(client) => client.claims().await?,
            None => None,
        };
        let Some(claims) = claims.filter(|claims| !claims.permissions.is_empty()) else {
            return Ok(());
        };
        let kinds = plan.changed().map(|policy| policy.kind);
        let missing = missing_to_write(kinds, &claims.permissions);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        Err(Failure::new(
            Exit::Refused,
            format!(
                "this sign-in cannot write: it lacks {}; nothing was written",
                names.join(", ")
            ),
        )
        .hint(match claims.is_person() {
            true => "sign in with `assignctl login --for apply`; `assignctl whoami` shows what is granted",
            false => "grant it to the app registration as an application permission, with admin consent; `assignctl whoami` shows what is granted",
        }))
    }

    /// Carries the plan out. What the results say of it is without secrets, which `mask` takes out.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub async fn carry_out(
        &mut self,
        input: &ApplyInput,
        settings: Settings,
        observer: &dyn ObserveApply,
        mask: impl Fn(&str) -> String,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let plan = &input.plan.plan;
        let Some(client) = &self.client else {
            return Err(Failure::other("there is no client"));
        };
        let rest = input.rest();
        let executed = rest.as_ref().unwrap_or(plan);
        if !executed.is_empty() {
            let begun = self
                .ignore_folder()
                .and_then(|()| self.report().begin().map_err(report_failed));
            self.is_report_lost = begun.is_err();
            begun?;
        }
        let skipped = std::mem::take(&mut self.results.skipped);
        let names = &input.plan.annotations.names;
        self.results = apply::run(
            executed,
            names,
            client,
            &self.report,
            settings,
            stop,
            observer,
        )
        .await;
        self.results.skipped = skipped;
        let report_failure = &mut self.results.report_failure;
        for (policy, settled) in executed.changed().zip(&mut self.results.settled) {
            let waits = input.not_reached(policy, settled);
            if let Some(waits) = waits.filter(|_| report_failure.is_none()) {
                let written = lock(&self.report).policy(policy, &waits, names);
                *report_failure = written.err().map(|error| report_failed(error).message);
                *settled = waits;
            }
            let note = input.context.notes.get(&(policy.kind, policy.id.clone()));
            *settled = settled.clone().noted(note);
            if let Some(reason) = &mut settled.reason {
                reason.message = mask(&reason.message);
            }
        }
        for (index, settled) in &input.context.set_aside {
            self.results.settled.insert(*index, settled.clone());
            self.results.set_aside.insert(*index);
        }
        self.is_report_lost = self.results.report_failure.is_some();
        Ok(exit_of(&self.results))
    }

    /// Returns why the report could not be written to the end, if that is so.
    #[must_use]
    pub fn report_failure(&self) -> Option<Failure> {
        let reason = self.results.report_failure.as_ref();
        reason.map(|reason| Failure::other(reason.clone()))
    }

    /// Whether it is known by now that the report cannot be written.
    #[must_use]
    pub fn is_report_lost(&self) -> bool {
        self.is_report_lost
    }

    /// Returns what went over the wire so far.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        let client = self.client.as_ref();
        client.map(|client| client.counts()).unwrap_or_default()
    }

    /// Writes the report's last line, and returns its file. A run that ended before it had a plan has
    /// a report only if the user named one.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub fn finish(&mut self, exit: Exit) -> Result<Option<&Path>, Failure> {
        if !self.started && !self.is_named {
            reports::remove_empty_folders(&self.path);
            return Ok(None);
        }
        self.start(None)?;
        self.ignore_folder()?;
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report()
            .end(exit.code(), &self.results, self.requests(), elapsed)
            .map_err(report_failed)?;
        if !self.is_named {
            reports::delete_old(&self.path);
        }
        Ok(Some(&self.path))
    }

    /// Makes git ignore the folder of reports that the user did not name.
    fn ignore_folder(&self) -> Result<(), Failure> {
        if self.is_named {
            return Ok(());
        }
        reports::ignore_folder().map_err(report_failed)
    }

    /// Returns where an earlier report of that name was kept, if it records writes.
    #[must_use]
    pub fn kept(&self) -> Option<PathBuf> {
        self.report().kept().map(Path::to_owned)
    }

    fn start(&mut self, plan: Option<&PreparedPlan>) -> Result<(), Failure> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        if let Some(tenant) = plan.and_then(|prepared| prepared.tenant.clone()) {
            self.report().of_tenant(tenant);
        }
        let client = self.client.as_ref();
        // That of a saved plan may have been another name of the service.
        let graph_url = match (client, plan) {
            (Some(client), _) => client.address().as_str(),
            (None, Some(prepared)) => prepared.plan.graph_url.as_str(),
            (None, None) => "",
        };
        self.report()
            .start(
                plan.map(|prepared| (&prepared.plan, prepared.digest.as_str())),
                plan.map(PreparedPlan::shared_names).unwrap_or_default(),
                graph_url,
            )
            .map_err(report_failed)
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        lock(&self.report)
    }
}

fn lock(report: &Mutex<Report>) -> MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report_failed(error: io::Error) -> Failure {
    Failure::other(format!("the report could not be written: {error}"))
}

fn exit_of(results: &Results) -> Exit {
    let settled = match results {
        _ if results.is_refusal() => Exit::Refused,
        _ if results.is_good() => Exit::Success,
        _ if results.is_good_or_pending() => Exit::Pending,
        _ => Exit::Partial,
    };
    let interrupted = results.interrupted.then_some(Exit::Interrupted);
    let unreported = results.report_failure.as_ref().map(|_| Exit::Failure);
    Exit::most_severe(
        [Some(settled), interrupted, unreported]
            .into_iter()
            .flatten(),
    )
}
