//! `apply` and `rollback`: plan, ask, write; or carry out exactly a saved plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::arguments::Apply;
use super::config::Config;
use super::confirm::{ask, still_in_git};
use super::options::{Common, Format};
use super::output::Output;
use super::tenants::runs;
use super::{interrupt, requests, runtime, settings};
use crate::apply::Settings;
use crate::apply::approval::Approval;
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::{Loaded, Tenant};
use crate::plan::saved::SavedPlan;
use crate::render::clean::clean;
use crate::render::json::{self, Json};
use crate::render::phrases::count;
use crate::render::review::Review;
use crate::render::text;
use crate::report::{Outcome, Recorded};
use crate::run::apply::{ApplyInput, ApplyRun};
use crate::run::connect::{ServiceSettings, connect};
use crate::run::plan::{self, PlanRequest, PreparedPlan};
use crate::run::resume::plan_resume;
use crate::run::reviewed::{MAX_AGE, check_age};
use crate::run::rollback::plan_rollback;
use crate::run::{Failure, inputs, tenants};

pub(super) fn run(command: &Apply, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Some(of) = &command.resume else {
        return run_or_roll_back(command, None, common, output);
    };
    run_or_roll_back(command, Some(of), common, output)
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
    if let (Ok(config), None) = (&config, of)
        && let Some(source) = tenants_of(command, loaded.as_ref())?
    {
        return runs::apply(command, common, config, (source, None), output);
    }
    if let (Ok(config), Some(folder)) = (&config, of)
        && folder.is_dir()
    {
        let source = match command.resume {
            Some(_) => runs::Source::Resume(folder),
            None => runs::Source::Rollback(folder),
        };
        return runs::apply(command, common, config, (source, None), output);
    }
    // Before the report is made, whatever name that has.
    let recorded = of.map(read_report).transpose();
    let session = Session { command, output };
    let ready = recorded.and_then(|recorded| {
        let config = config?;
        let source = session.settled(recorded.unwrap_or_default(), loaded)?;
        Ok((config, source))
    });
    let tenant = ready.as_ref().ok().and_then(|(_, (_, tenant))| {
        let tenant = tenant.as_ref()?;
        Some(tenant.name.clone())
    });
    let mut run = ApplyRun::of_tenant(command.report.as_deref(), tenant.as_deref())?;
    let ended = ready.and_then(|(config, source)| session.go(source, common, &config, &mut run));
    // A result that no one takes, as of a terminal that was closed, does not hide why the run ended.
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
        output.kept_report(&kept);
    }
    if of.is_some() && command.resume.is_none() && run.results.count(Outcome::Applied) > 0 {
        output.note(&still_in_git("what was undone"));
    }
    match &finished {
        Ok(None) => {}
        Ok(Some(path)) => output.info(&format!("report: {}\n", clean(&path.display().to_string()))),
        // What comes first is what is returned, but this must be known as well.
        Err(failure) if ended.is_err() && !is_said => {
            output.failure(failure);
        }
        Err(_) => {}
    }
    match (ended, finished) {
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(exit), Ok(_)) => Ok(exit),
    }
}

/// A report, and the tenant for which its run was, if manifests named its tenants.
type OfTenant = (Option<Recorded>, Option<Tenant>);

fn read_report(path: &Path) -> Result<OfTenant, Failure> {
    let recorded = inputs::report(path)?;
    let tenant = tenants::recorded_tenant(path, &recorded)?;
    Ok((Some(recorded), tenant))
}

/// Whether the service counts characters or bytes is not documented.
fn warn_of_length(justification: Option<&str>, output: &Output) {
    const CODE: &str = "long-justification";
    const MOST_BYTES: usize = 1024;
    let Some(text) = justification.filter(|text| text.len() > MOST_BYTES) else {
        return;
    };
    let message = format!(
        "the justification takes {} bytes, and the service may refuse more than {MOST_BYTES}",
        text.len()
    );
    let warning = Diagnostic::new(Severity::Warning, CODE, None, message)
        .hint("shorten it; non-ASCII letters take more than a byte");
    output.diagnostics(&[warning], &Sources::default());
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

/// Where the plan comes from.
enum Source {
    Manifests(Loaded),
    Saved(Box<SavedPlan>),
    Report(Box<Recorded>),
}

/// What was typed, and where the result is printed.
struct Session<'a> {
    command: &'a Apply,
    output: &'a Output,
}

impl Session<'_> {
    fn go(
        &self,
        (source, tenant): (Source, Option<Tenant>),
        common: &Common,
        config: &Config,
        run: &mut ApplyRun,
    ) -> Result<Exit, Failure> {
        let mut service = settings::service(&common.service, config)?;
        service.login.writes = true;
        if let Some(tenant) = &tenant {
            service = tenants::service_of_one(&service, tenant)?;
        }
        let is_saved = matches!(source, Source::Saved(_));
        let mut request = requests::plan(&self.command.options, config, is_saved)?;
        if let Some(tenant) = &tenant {
            request.rules = tenants::rules_of(&request.rules, tenant);
        }
        runtime()?.block_on(async {
            let stop = interrupt::watch(Some(&self.output.progress));
            let environment = settings::environment(&self.output.redactor);
            let client = connect(&service, &environment, self.output.observer(), &stop)?;
            run.connected(&client);
            let of_tenant = match &source {
                Source::Report(recorded) => recorded.tenant.clone(),
                Source::Manifests(_) | Source::Saved(_) => None,
            };
            let mut input = self
                .input(source, &client, &service, &request, &stop)
                .await?;
            input.plan.tenant = input.plan.tenant.or(of_tenant);
            // What the report will hold is known before anything is written to the service.
            self.output
                .checked(&self.json(&input.plan, run, Exit::Success, None))?;
            run.begin(&input)?;
            self.carry_out(&mut input, run, &service, &stop).await
        })
    }

    /// Settles where the plan comes from, and for which tenant it is, if manifests named that.
    fn settled(
        &self,
        (recorded, tenant): OfTenant,
        loaded: Option<Result<Loaded, Failure>>,
    ) -> Result<(Source, Option<Tenant>), Failure> {
        let source = match recorded {
            Some(recorded) => Source::Report(Box::new(recorded)),
            None => self.source(loaded)?,
        };
        let tenant = match (&source, self.command.paths.as_slice()) {
            (Source::Saved(saved), [path]) => tenants::saved_tenant(path, saved)?,
            _ => tenant,
        };
        Ok((source, tenant))
    }

    /// Reads what is named: one saved plan, or manifests.
    fn source(&self, loaded: Option<Result<Loaded, Failure>>) -> Result<Source, Failure> {
        let paths = &self.command.paths;
        match paths.as_slice() {
            [path] if inputs::is_plan_file(path) => {
                if self.command.options.selecting.selection().is_partial() {
                    return Err(Failure::usage("a saved plan is applied as it is")
                        .hint("make a partial plan with `plan --out`, and apply that"));
                }
                let saved = inputs::plan(path)?;
                let max_age = self.command.max_age.unwrap_or(MAX_AGE);
                check_age(&saved.created_at, max_age, jiff::Timestamp::now())?;
                Ok(Source::Saved(Box::new(saved)))
            }
            _ if self.command.max_age.is_some() => Err(Failure::usage(
                "`--max-age` is about a saved plan, and none is named",
            )
            .hint("manifests are always planned afresh")),
            paths if paths.iter().any(|path| inputs::is_plan_file(path)) => {
                Err(Failure::usage("a saved plan must be the only path")
                    .hint("apply one saved plan, or manifests"))
            }
            _ => {
                let loaded = loaded.unwrap_or_else(|| Ok(Loaded::default()));
                Ok(Source::Manifests(loaded.map_err(|failure| {
                    // Now, before the report is named.
                    self.output.print_findings(failure)
                })?))
            }
        }
    }

    /// Plans, and prints what was found to be wrong or odd.
    async fn input(
        &self,
        source: Source,
        client: &Arc<Client>,
        service: &ServiceSettings,
        request: &PlanRequest,
        stop: &CancellationToken,
    ) -> Result<ApplyInput, Failure> {
        let output = self.output;
        match source {
            Source::Saved(saved) => {
                let given = self.command.options.guards.given();
                let input =
                    ApplyInput::saved(*saved, client, service, request, given, stop).await?;
                output.saved_diagnostics(&input.plan.plan.diagnostics);
                Ok(input)
            }
            Source::Report(recorded) if self.command.resume.is_some() => {
                let began = jiff::Timestamp::now();
                let input = plan_resume(*recorded, client, service, request, began, stop).await?;
                output.saved_diagnostics(&input.plan.plan.diagnostics);
                Ok(input)
            }
            Source::Report(recorded) => {
                let planned = plan_rollback(*recorded, client, service, request, stop).await?;
                output.saved_diagnostics(&planned.input.plan.plan.diagnostics);
                if planned.as_before > 0 {
                    output.info(&format!(
                        "{} already as {} before the run\n",
                        count(planned.as_before, "policy is", "policies are"),
                        if planned.as_before == 1 {
                            "it was"
                        } else {
                            "they were"
                        }
                    ));
                }
                Ok(planned.input)
            }
            Source::Manifests(loaded) => {
                let mask = |found: &_| output.without_secrets(found);
                let (plan, annotations, found) = plan::plan(&loaded, client, request, mask, stop)
                    .await
                    .map_err(|failure| output.print_findings(failure))?;
                output.diagnostics(&found, &loaded.sources);
                Ok(ApplyInput::new(PreparedPlan::new(
                    plan,
                    annotations,
                    service,
                )))
            }
        }
    }

    async fn carry_out(
        &self,
        input: &mut ApplyInput,
        run: &mut ApplyRun,
        service: &ServiceSettings,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let prepared = &input.plan;
        let detail = self.command.options.view.detail();
        let is_text = self.output.format == Format::Text;
        if is_text && input.stale.is_empty() {
            self.output.text(&prepared.text(detail))?;
        }
        // What keeps every write from succeeding is said before what keeps this plan from being
        // carried out.
        let mut allowed = run.check_rights(&prepared.plan).await;
        if allowed.is_ok() {
            let Apply {
                expect_digest,
                reviewed,
                ..
            } = self.command;
            allowed = input.check(expect_digest.as_deref(), *reviewed);
        }
        let must_ask = !prepared.plan.is_empty() && !input.approved && !self.command.yes;
        if allowed.is_ok() && must_ask {
            if !is_text {
                self.output.note(&prepared.text(detail));
            }
            allowed = ask(self.output, stop).await;
        }
        if allowed.is_ok() {
            // A person may have taken their time, and a saved plan may be a day old.
            allowed = run.check_objects(input, stop).await.map(|renamed| {
                self.output.saved_diagnostics(&renamed);
            });
        }
        let prepared = &input.plan;
        if let Err(failure) = allowed {
            if is_text && !input.stale.is_empty() {
                let stale = text::stale(&prepared.plan, &prepared.annotations.names, &run.results);
                self.output.text(&stale)?;
            }
            self.print(prepared, run, failure.exit, Some(&failure))?;
            return Err(failure);
        }
        let settings = Settings {
            concurrency: service.concurrency,
            fail_fast: self.command.fail_fast,
            write_with: prepared.plan.write_with,
            approval: Approval {
                justification: self.command.justification.clone(),
                filed: input.filed.clone(),
                wait: self.command.wait_for_approval.unwrap_or_default(),
                ..Approval::default()
            },
        };
        let progress = &self.output.progress;
        progress.applying(&prepared.summary);
        let mask = |message: &str| self.output.without_secrets_in(message).into_owned();
        let exit = run.carry_out(input, settings, progress, mask, stop).await?;
        let results = &run.results;
        let has_news = !(prepared.plan.is_empty() && results.skipped.is_empty());
        let shown = match is_text && has_news {
            true => {
                let results = text::results(&prepared.plan, results, detail);
                self.output.text(&results)
            }
            false => Ok(()),
        };
        let reason = results.report_failure.as_ref();
        let failure = reason.map(|reason| Failure::new(Exit::Failure, reason.clone()));
        // Files and comments get what was done also where stdout takes nothing.
        self.print(prepared, run, exit, failure.as_ref())?;
        shown?;
        failure.map_or(Ok(exit), Err)
    }

    /// Prints the plan with what became of it. As text both have been printed by now.
    fn print(
        &self,
        prepared: &PreparedPlan,
        run: &ApplyRun,
        exit: Exit,
        failure: Option<&Failure>,
    ) -> Result<(), Failure> {
        let findings = self.output.findings();
        self.output.print(
            &Review {
                plan: Some(prepared.view(self.command.options.view.detail())),
                results: Some(&run.results),
                error: failure.map(|failure| failure.view(&failure.message)),
                ..self.output.review(&findings)
            },
            String::new,
            || self.json(prepared, run, exit, failure),
        )
    }

    fn json<'j>(
        &self,
        prepared: &'j PreparedPlan,
        run: &'j ApplyRun,
        exit: Exit,
        failure: Option<&'j Failure>,
    ) -> Json<'j> {
        let error = failure.map(|failure| failure.view(&failure.message));
        json::results(
            prepared.record(self.command.options.view.all),
            &prepared.plan,
            &prepared.annotations.names,
            &run.results,
            exit.code(),
            run.requests(),
            error.as_ref(),
        )
    }
}
