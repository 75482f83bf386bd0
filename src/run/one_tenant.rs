//! `apply`, `apply --resume` and `rollback` in one tenant: from the plan to the last line of the report. What of it is
//! shown and who is asked is up to its host. For several tenants [`super::tenants`] does the same.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Failure;
use super::apply::{ApplyInput, ApplyOptions, ApplyRun};
use super::connect::ServiceSettings;
use super::earlier_run::EarlierRun;
use super::plan::{self, PlanRequest, Planning, PreparedPlan};
use super::tenants::{rules_of, service_of_one};
use crate::apply::ObserveApply;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::{Loaded, Tenant};
use crate::plan::PlanDiagnostic;
use crate::report::Outcome;

/// What a run for one tenant needs of whoever starts it.
pub trait Host {
    /// Connects to the tenant.
    ///
    /// # Errors
    ///
    /// Says what is missing for that.
    fn connect(
        &self,
        service: &ServiceSettings,
        stop: &CancellationToken,
    ) -> Result<Arc<Client>, Failure>;

    /// Takes the secrets of the run out of a text.
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str>;

    /// This was found in manifests.
    fn found(&self, found: &[Diagnostic], sources: &Sources);

    /// This was found as a plan was made without manifests, or looked at again.
    fn found_in_plan(&self, found: &[PlanDiagnostic]);

    /// This many policies are already as they were before the run that is undone.
    fn as_before(&self, policies: usize);

    /// Refuses a plan whose JSON would hold a secret of the run.
    ///
    /// # Errors
    ///
    /// Says why.
    fn check(&self, plan: &PreparedPlan, run: &ApplyRun) -> Result<(), Failure>;

    /// Shows what is planned.
    ///
    /// # Errors
    ///
    /// Says why that cannot be shown.
    fn show(&self, plan: &PreparedPlan) -> Result<(), Failure>;

    /// Asks whether that is to be carried out.
    ///
    /// # Errors
    ///
    /// It is not.
    fn confirm(
        &self,
        plan: &PreparedPlan,
        stop: &CancellationToken,
    ) -> impl Future<Output = Result<(), Failure>>;

    /// The plan is about to be carried out. Returns what is told as its policies settle.
    fn begins(&self, plan: &PreparedPlan) -> &dyn ObserveApply;

    /// The plan is not carried out.
    ///
    /// # Errors
    ///
    /// Says why that cannot be shown.
    fn refused(&self, input: &ApplyInput, run: &ApplyRun, failure: &Failure)
    -> Result<(), Failure>;

    /// The plan was carried out; policies of it may have failed. If there is a `failure`, the report could not be written.
    ///
    /// # Errors
    ///
    /// Says why the results cannot be shown.
    fn carried_out(
        &self,
        plan: &PreparedPlan,
        run: &ApplyRun,
        exit: Exit,
        failure: Option<&Failure>,
    ) -> Result<(), Failure>;

    /// An earlier report, which may be needed, was moved aside.
    fn kept_report(&self, kept: &Path);

    /// Something was undone; the manifests may still ask for it.
    fn undone(&self);

    /// The report is in this file.
    fn reported(&self, report: &Path);

    /// This went wrong besides what the run ends with.
    fn failed(&self, failure: &Failure);
}

/// What a plan is made of.
#[derive(Debug)]
pub enum PlanSource {
    /// Manifests.
    Manifests(Box<Loaded>),
    /// What an earlier run has left.
    Earlier(EarlierRun),
}

/// A run for one tenant.
pub struct OneTenant<'a, H> {
    host: &'a H,
    service: ServiceSettings,
    request: PlanRequest,
    stop: &'a CancellationToken,
}

impl<'a, H: Host> OneTenant<'a, H> {
    /// Prepares a run, for the tenant that the manifests, the plan or the report name, if they name one.
    ///
    /// # Errors
    ///
    /// The service that is set is not that of the tenant.
    pub fn new(
        host: &'a H,
        (mut service, mut request): (ServiceSettings, PlanRequest),
        tenant: Option<&Tenant>,
        stop: &'a CancellationToken,
    ) -> Result<Self, Failure> {
        if let Some(tenant) = tenant {
            service = service_of_one(&service, tenant)?;
            request.rules = rules_of(&request.rules, tenant);
        }
        Ok(Self {
            host,
            service,
            request,
            stop,
        })
    }

    /// Plans, shows, asks and writes.
    ///
    /// # Errors
    ///
    /// Says why nothing was written, or why what was written could not be reported.
    pub async fn apply(
        &self,
        source: PlanSource,
        options: &ApplyOptions,
        run: &mut ApplyRun,
    ) -> Result<Exit, Failure> {
        let client = self.host.connect(&self.service, self.stop)?;
        run.connected(&client);
        let mut input = self.input(source, &client).await?;
        // Fail before anything is written to the service, if the output would hold a secret.
        self.host.check(&input.plan, run)?;
        run.begin(&input)?;
        if input.context.stale.is_empty() {
            self.host.show(&input.plan)?;
        }
        if let Err(failure) = self.allow(&mut input, options, run).await {
            self.host.refused(&input, run, &failure)?;
            return Err(failure);
        }
        self.carry_out(&input, options, run).await
    }

    /// Makes a plan that is only saved.
    ///
    /// # Errors
    ///
    /// Says why there is no plan.
    pub async fn plan(&self, source: PlanSource) -> Result<ApplyInput, Failure> {
        let client = self.host.connect(&self.service, self.stop)?;
        self.input(source, &client).await
    }

    /// Makes the plan, with what was found to be wrong or odd.
    async fn input(&self, source: PlanSource, client: &Arc<Client>) -> Result<ApplyInput, Failure> {
        let (host, service, request, stop) = (self.host, &self.service, &self.request, self.stop);
        match source {
            PlanSource::Manifests(loaded) => {
                let mask = |text: &str| host.mask(text).into_owned();
                let (plan, annotations, found) = plan::plan(&loaded, client, request, mask, stop)
                    .await
                    .map_err(|mut failure| {
                        // Now, before the report is named.
                        if let Some(findings) = failure.findings.take() {
                            host.found(&findings.0, &findings.1);
                        }
                        failure
                    })?;
                host.found(&found, &loaded.sources);
                let prepared = PreparedPlan::new(plan, annotations, service);
                Ok(ApplyInput::new(prepared))
            }
            PlanSource::Earlier(run) => {
                let planning = Planning {
                    client,
                    service,
                    request,
                    stop,
                };
                let input = run.input(planning).await?;
                host.found_in_plan(&input.plan.plan.diagnostics);
                if input.context.as_before > 0 {
                    host.as_before(input.context.as_before);
                }
                Ok(input)
            }
        }
    }

    /// Refuses a plan that must not be carried out. What keeps every write from succeeding is said before what keeps
    /// this plan from being carried out.
    async fn allow(
        &self,
        input: &mut ApplyInput,
        options: &ApplyOptions,
        run: &mut ApplyRun,
    ) -> Result<(), Failure> {
        run.check_rights(&input.plan.plan).await?;
        input.check(options.expect_digest.as_deref(), options.reviewed)?;
        if !input.plan.plan.is_empty() && !input.context.approved && !options.yes {
            self.host.confirm(&input.plan, self.stop).await?;
        }
        // A person may have taken their time, and a saved plan may be a day old.
        let renamed = run.check_objects(input, self.stop).await?;
        self.host.found_in_plan(&renamed);
        Ok(())
    }

    async fn carry_out(
        &self,
        input: &ApplyInput,
        options: &ApplyOptions,
        run: &mut ApplyRun,
    ) -> Result<Exit, Failure> {
        let settings = options.settings(self.service.concurrency, input);
        let observer = self.host.begins(&input.plan);
        let mask = |message: &str| self.host.mask(message).into_owned();
        let exit = run
            .carry_out(input, settings, observer, mask, self.stop)
            .await?;
        let failure = run.report_failure();
        self.host
            .carried_out(&input.plan, run, exit, failure.as_ref())?;
        failure.map_or(Ok(exit), Err)
    }
}

/// Judges a rollback that is only saved, as if it had been carried out: what is left alone is not rolled back.
///
/// # Errors
///
/// Guards refuse the plan.
pub fn judge_saved(input: &ApplyInput) -> Result<Exit, Failure> {
    match Failure::refused(input.plan.plan.refusing(), "") {
        Some(refused) => Err(refused),
        None if !input.context.skipped.is_empty() => Ok(Exit::Partial),
        None => Ok(Exit::Success),
    }
}

/// Ends the report of a run, however that ended, and says where it is.
///
/// # Errors
///
/// Why the run failed; or why the report could not be written.
pub fn finish(
    mut run: ApplyRun,
    ended: Result<Exit, Failure>,
    is_rollback: bool,
    host: &impl Host,
) -> Result<Exit, Failure> {
    // A result that cannot be printed, as on a terminal that was closed, must not hide that the run was interrupted.
    let ended = ended.map_err(|failure| Failure {
        exit: match run.results.interrupted {
            true => Exit::Interrupted,
            false => failure.exit,
        },
        ..failure
    });
    let exit = match &ended {
        Ok(exit) => *exit,
        Err(failure) => failure.exit,
    };
    let is_said = run.is_report_lost();
    let finished = run.finish(exit).map(|path| path.map(Path::to_owned));
    if let Some(kept) = run.kept() {
        host.kept_report(&kept);
    }
    if is_rollback && run.results.count(Outcome::Applied) > 0 {
        host.undone();
    }
    match &finished {
        Ok(None) => {}
        Ok(Some(report)) => host.reported(report),
        // The run's own failure is returned; this one must be shown too.
        Err(failure) if ended.is_err() && !is_said => host.failed(failure),
        Err(_) => {}
    }
    match (ended, finished) {
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(exit), Ok(_)) => Ok(exit),
    }
}
