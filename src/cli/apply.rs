//! `apply` and `rollback`: plan, ask, write; or carry out exactly a saved plan.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::arguments::Apply;
use super::config::Config;
use super::confirm::{APPLY, ask, still_in_git};
use super::options::{Common, Format};
use super::output::Output;
use super::tenants::runs;
use super::{client, requests, settings, until_stopped};
use crate::apply::ObserveApply;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::{Loaded, Tenant};
use crate::plan::PlanDiagnostic;
use crate::render::clean::clean;
use crate::render::json::{Json, WithResults};
use crate::render::phrases::count;
use crate::render::review::{Detail, ErrorView, Review};
use crate::render::text;
use crate::run::apply::{ApplyInput, ApplyRun};
use crate::run::connect::ServiceSettings;
use crate::run::earlier_run::EarlierRun;
use crate::run::one_tenant::{self, Host, OneTenant, PlanSource};
use crate::run::plan::{self, PreparedPlan};
use crate::run::reviewed::{MAX_AGE, check_age};
use crate::run::{Failure, inputs, tenants};

pub(super) fn run(command: &Apply, common: &Common, output: &Output) -> Result<Exit, Failure> {
    run_or_roll_back(command, command.resume.as_deref(), common, output)
}

/// Applies; or rolls back what the run of a report did.
pub(super) fn run_or_roll_back(
    command: &Apply,
    of: Option<&Path>,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    warn_of_length(command.justification.as_deref(), output);
    // A configuration error is returned later, so that the report has it too.
    let config = settings::configuration(common);
    let mut read = settings::inputs(&command.paths, common, config.as_ref().ok());
    read.extend(of.map(Path::to_owned));
    output.keep_apart("--report", command.report.as_deref())?;
    output.keep_inputs(&[("--report", command.report.as_deref())], &read)?;
    let loaded = match (&config, of) {
        (Ok(config), None) => preload(command, config),
        _ => None,
    };
    if let Ok(config) = &config {
        let source = match of {
            None => tenants_of(command, loaded.as_ref())?,
            Some(folder) if !folder.is_dir() => None,
            Some(folder) if command.resume.is_some() => Some(runs::Source::Resume(folder)),
            Some(folder) => Some(runs::Source::Rollback(folder)),
        };
        if let Some(source) = source {
            return runs::apply(command, common, config, (source, None), output);
        }
    }
    // Before the report is made, whatever name that has.
    let session = Session { command, output };
    let ready = match of {
        Some(report) => session.of_report(report).and_then(|of| Ok((config?, of))),
        None => config.and_then(|config| Ok((config, session.source(loaded)?))),
    };
    let tenant = ready.as_ref().ok().and_then(|(_, (_, tenant))| {
        let tenant = tenant.as_ref()?;
        Some(tenant.name.clone())
    });
    let mut run = ApplyRun::new(command.report.as_deref(), tenant.as_deref())?;
    let ended = ready.and_then(|(config, source)| session.go(source, common, &config, &mut run));
    let is_rollback = of.is_some() && command.resume.is_none();
    one_tenant::finish(run, ended, is_rollback, &session)
}

/// What a plan is made of, and the tenant that it is for, if manifests named that.
type OfTenant = (PlanSource, Option<Tenant>);

/// Whether the service counts characters or bytes is not documented.
fn warn_of_length(justification: Option<&str>, output: &Output) {
    const MOST_BYTES: usize = 1024;
    let Some(text) = justification.filter(|text| text.len() > MOST_BYTES) else {
        return;
    };
    let message = format!(
        "the justification takes {} bytes, and the service may refuse more than {MOST_BYTES}",
        text.len()
    );
    let hint = "shorten it; non-ASCII letters take more than a byte";
    output.warn("long-justification", message, hint);
}

/// Reads the manifests that are named; `None` if a saved plan is.
fn preload(command: &Apply, config: &Config) -> Option<Result<Loaded, Failure>> {
    let paths = &command.paths;
    let is_saved = paths.iter().any(|path| inputs::is_plan_file(path)) || is_plan_folder(paths);
    (!is_saved)
        .then(|| plan::load_any(&settings::manifests(paths, config)?, config.path.as_deref()))
}

fn is_plan_folder(paths: &[PathBuf]) -> bool {
    matches!(paths, [folder] if tenants::holds_plans(folder))
}

/// Returns what a run for several tenants carries out, if it is one.
fn tenants_of<'a>(
    command: &'a Apply,
    loaded: Option<&'a Result<Loaded, Failure>>,
) -> Result<Option<runs::Source<'a>>, Failure> {
    let asked = command.options.tenants.asked();
    match loaded {
        Some(Ok(loaded)) => {
            let chosen = tenants::choose(&loaded.tenants, &asked)?;
            Ok(chosen.map(|chosen| runs::Source::Manifests(loaded, chosen)))
        }
        Some(Err(_)) => Ok(None),
        None if command.options.tenants.are_asked() => Err(Failure::usage(
            "saved plans are for the tenants that they were made for",
        )
        .hint("leave `--tenant` and `--all-tenants` out")),
        None if is_plan_folder(&command.paths) => Ok(Some(runs::Source::Saved(&command.paths[0]))),
        None => Ok(None),
    }
}

/// What was typed, and where the result is printed.
pub(super) struct Session<'a> {
    pub(super) command: &'a Apply,
    pub(super) output: &'a Output,
}

impl Session<'_> {
    fn go(
        &self,
        (source, tenant): OfTenant,
        common: &Common,
        config: &Config,
        run: &mut ApplyRun,
    ) -> Result<Exit, Failure> {
        let mut service = settings::service(&common.service, config)?;
        service.login.writes = true;
        let is_saved = matches!(source, PlanSource::Earlier(EarlierRun::Saved(..)));
        let request = requests::plan(&self.command.options, config, is_saved)?;
        until_stopped(self.output, async |stop| {
            let one = OneTenant::new(self, (service, request), tenant.as_ref(), stop)?;
            one.apply(source, &requests::apply_options(self.command), run)
                .await
        })
    }

    /// Reads a report.
    fn of_report(&self, path: &Path) -> Result<OfTenant, Failure> {
        let recorded = inputs::report(path)?;
        let tenant = tenants::recorded_tenant(path, &recorded)?;
        let earlier = match self.command.resume {
            Some(_) => EarlierRun::Resume(recorded.into()),
            None => EarlierRun::Rollback(recorded.into()),
        };
        Ok((PlanSource::Earlier(earlier), tenant))
    }

    /// Reads what is named: one saved plan, or manifests.
    fn source(&self, loaded: Option<Result<Loaded, Failure>>) -> Result<OfTenant, Failure> {
        match (loaded, self.command.paths.as_slice()) {
            (None, [path]) => {
                if self.command.options.selecting.selection().is_partial() {
                    return Err(Failure::usage("a saved plan is applied as it is")
                        .hint("make a partial plan with `plan --out`, and apply that"));
                }
                let saved = inputs::plan(path)?;
                let max_age = self.command.max_age.unwrap_or(MAX_AGE);
                check_age(&saved.created_at, max_age, jiff::Timestamp::now())?;
                let tenant = tenants::saved_tenant(path, &saved)?;
                let given = self.command.options.guards.given();
                let earlier = EarlierRun::Saved(saved.into(), given);
                Ok((PlanSource::Earlier(earlier), tenant))
            }
            _ if self.command.max_age.is_some() => Err(Failure::usage(
                "`--max-age` is about a saved plan, and none is named",
            )
            .hint("manifests are always planned afresh")),
            (None, _) => Err(Failure::usage("a saved plan must be the only path")
                .hint("apply one saved plan, or manifests")),
            (Some(loaded), _) => {
                // Now, before the report is named.
                let loaded = loaded.map_err(|failure| self.output.print_findings(failure))?;
                Ok((PlanSource::Manifests(loaded.into()), None))
            }
        }
    }

    fn is_text(&self) -> bool {
        self.output.format == Format::Text
    }

    fn detail(&self) -> Detail<'static> {
        self.command.options.view.detail()
    }

    /// Prints the plan with what became of it. As text both have been printed by now.
    fn print(
        &self,
        prepared: &PreparedPlan,
        run: &ApplyRun,
        exit: Exit,
        failure: Option<&Failure>,
    ) -> Result<(), Failure> {
        let error = failure.map(|failure| failure.view(&failure.message));
        let findings = self.output.findings();
        self.output.print(
            &Review {
                plan: Some(prepared.view(self.detail())),
                results: Some(&run.results),
                error,
                ..self.output.review(&findings)
            },
            String::new,
            || self.json(prepared, run, exit, error),
        )
    }

    fn json<'j>(
        &self,
        prepared: &'j PreparedPlan,
        run: &'j ApplyRun,
        exit: Exit,
        error: Option<ErrorView<'j>>,
    ) -> Json<'j> {
        let all = self.command.options.view.all;
        Json::new(WithResults {
            error,
            ..prepared.with_results(all, (&run.results, run.requests()), exit)
        })
    }
}

impl Host for Session<'_> {
    fn connect(
        &self,
        service: &ServiceSettings,
        stop: &CancellationToken,
    ) -> Result<Arc<Client>, Failure> {
        client(service, self.output, stop)
    }

    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.output.without_secrets_in(text)
    }

    fn found(&self, found: &[Diagnostic], sources: &Sources) {
        self.output.diagnostics(found, sources);
    }

    fn found_in_plan(&self, found: &[PlanDiagnostic]) {
        self.output.saved_diagnostics(found);
    }

    fn as_before(&self, policies: usize) {
        let policies = count(
            policies,
            "policy is already as it was",
            "policies are already as they were",
        );
        self.output.info(&format!("{policies} before the run\n"));
    }

    fn check(&self, plan: &PreparedPlan, run: &ApplyRun) -> Result<(), Failure> {
        let json = self.json(plan, run, Exit::Success, None);
        self.output.checked(&json).map(|_| ())
    }

    fn show(&self, plan: &PreparedPlan) -> Result<(), Failure> {
        match self.is_text() {
            true => self.output.text(&plan.text(self.detail())),
            false => Ok(()),
        }
    }

    async fn confirm(&self, plan: &PreparedPlan, stop: &CancellationToken) -> Result<(), Failure> {
        if !self.is_text() {
            self.output.note(&plan.text(self.detail()));
        }
        ask(self.output, stop, APPLY).await
    }

    fn begins(&self, plan: &PreparedPlan) -> &dyn ObserveApply {
        let progress = &self.output.progress;
        progress.applying(&plan.summary);
        progress
    }

    fn refused(
        &self,
        input: &ApplyInput,
        run: &ApplyRun,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let prepared = &input.plan;
        if self.is_text() && !input.context.stale.is_empty() {
            let stale = text::stale(&prepared.view(self.detail()), &run.results);
            self.output.text(&stale)?;
        }
        self.print(prepared, run, failure.exit, Some(failure))
    }

    fn carried_out(
        &self,
        plan: &PreparedPlan,
        run: &ApplyRun,
        exit: Exit,
        failure: Option<&Failure>,
    ) -> Result<(), Failure> {
        let has_news = !(plan.plan.is_empty() && run.results.skipped.is_empty());
        let shown = match self.is_text() && has_news {
            true => {
                let results = text::results(&plan.view(self.detail()), &run.results);
                self.output.text(&results)
            }
            false => Ok(()),
        };
        // Files and comments get what was done also where stdout takes nothing.
        self.print(plan, run, exit, failure)?;
        shown
    }

    fn kept_report(&self, kept: &Path) {
        self.output.kept_report(kept);
    }

    fn undone(&self) {
        self.output.note(&still_in_git("what was undone"));
    }

    fn reported(&self, report: &Path) {
        let report = report.display().to_string();
        self.output.info(&format!("report: {}\n", clean(&report)));
    }

    fn failed(&self, failure: &Failure) {
        self.output.failure(failure);
    }
}
