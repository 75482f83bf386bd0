//! `apply`: plan, ask, write; or carry out exactly a saved plan.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::approval::{MAX_AGE, check_age, check_digest, check_tenant};
use super::arguments::Apply;
use super::config::Config;
use super::connection::connect;
use super::failure::Failure;
use super::options::{Common, Format};
use super::output::Output;
use super::plan::{self, Shown};
use super::settings::{self, ServiceSettings};
use super::{interrupt, reports, runtime, show};
use crate::apply::staleness::moved;
use crate::apply::{self, Settings};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::observe::RequestCounts;
use crate::plan::guards::{GivenLimits, GuardRules};
use crate::plan::saved::SavedPlan;
use crate::plan::{Plan, PlannedPolicy};
use crate::render::clean::clean;
use crate::render::review::Review;
use crate::render::{json, text};
use crate::report::{Recorded, Report, Results, Settled};

pub(super) fn run(command: &Apply, common: &Common, output: &Output) -> Result<Exit, Failure> {
    run_or_go_back(command, None, common, output)
}

/// Applies; or goes back from what the run of a report did.
pub(super) fn run_or_go_back(
    command: &Apply,
    of: Option<&Path>,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let start = Instant::now();
    // One that cannot be read is told of later, so that the report tells of it as well.
    let config = settings::configuration(common);
    let mut inputs = settings::inputs(&command.paths, common, config.as_ref().ok());
    inputs.extend(of.map(Path::to_owned));
    output.keep_inputs(&[("--report", command.report.as_deref())], &inputs)?;
    // Before the report is made, whatever name that has.
    let recorded = of.map(reports::read).transpose();
    let path = command.report.clone().unwrap_or_else(default_report);
    let report = Report::create(&path).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("the report `{}` cannot be written: {error}", path.display()),
        )
        .hint("name another file with `--report`; nothing was written to the service")
    })?;
    let mut run = Run {
        command,
        recorded: None,
        output,
        report: Mutex::new(report),
        started: false,
        results: Results::default(),
        client: None,
        graph_url: String::new(),
    };
    let ended = recorded.and_then(|recorded| {
        run.recorded = recorded;
        run.go(common, config)
    });
    let exit = match &ended {
        Ok(exit) => *exit,
        Err(failure) => failure.exit,
    };
    let finished = run.finish(exit, start);
    if let Some(kept) = run.kept() {
        output.note(&format!(
            "the earlier report, which records writes, was kept as {}\n",
            clean(&kept.display().to_string())
        ));
    }
    match &finished {
        Ok(()) => output.note(&format!("report: {}\n", clean(&path.display().to_string()))),
        // What comes first is what is returned, but this must be known as well.
        Err(failure) if ended.is_err() => output.failure(failure),
        Err(_) => {}
    }
    match (ended, finished) {
        (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
        (Ok(exit), Ok(())) => Ok(exit),
    }
}

/// Returns where the report goes when nobody says: one file a run, by its time.
fn default_report() -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ");
    Path::new(".assignctl/reports").join(format!("{time}.json"))
}

/// One run, with what has to be written down however it ends.
pub(super) struct Run<'a> {
    pub(super) command: &'a Apply,
    /// What the run left that is to be undone.
    recorded: Option<Recorded>,
    pub(super) output: &'a Output,
    report: Mutex<Report>,
    started: bool,
    pub(super) results: Results,
    client: Option<Arc<Client>>,
    graph_url: String,
}

/// What is to be carried out.
pub(super) struct Intent {
    pub(super) shown: Shown,
    /// Whether it was approved before: it was saved.
    pub(super) approved: bool,
}

impl Run<'_> {
    fn go(&mut self, common: &Common, config: Result<Config, Failure>) -> Result<Exit, Failure> {
        let config = config?;
        let service = settings::service(&common.service, &config)?;
        let rules = settings::guards(&self.command.guards, &config)?;
        let recorded = self.recorded.take();
        let saved = match self.command.paths.as_slice() {
            _ if recorded.is_some() => None,
            [path] if is_plan_file(path) => {
                if self.command.selecting.selection().is_partial() {
                    return Err(Failure::usage(
                        "a saved plan is carried out as it is, or not at all",
                    )
                    .hint("make a partial plan with `plan --out`, and apply that"));
                }
                let saved = show::read(path)?;
                let max_age = self.command.max_age.unwrap_or(MAX_AGE);
                check_age(&saved.created_at, max_age, jiff::Timestamp::now())?;
                Some(saved)
            }
            _ if self.command.max_age.is_some() => {
                return Err(
                    Failure::usage("`--max-age` is about a saved plan, and none is named")
                        .hint("manifests are always planned afresh"),
                );
            }
            paths if paths.iter().any(|path| is_plan_file(path)) => {
                return Err(
                    Failure::usage("a saved plan stands alone, without other paths")
                        .hint("apply one saved plan, or manifests"),
                );
            }
            _ => None,
        };
        let loaded = match (&saved, &recorded) {
            (Some(_), _) | (_, Some(_)) => None,
            (None, None) => Some(plan::load(&self.command.paths, &config, self.output)?),
        };
        runtime()?.block_on(async {
            let stop = interrupt::watch();
            let client = connect(&service, self.output, &stop)?;
            self.client = Some(Arc::clone(&client));
            self.graph_url = client.address().as_str().to_owned();
            let intent = match (saved, recorded, loaded) {
                (Some(saved), _, _) => {
                    self.take_saved(saved, &client, &service, &rules, &stop)
                        .await?
                }
                (None, Some(recorded), _) => {
                    self.way_back(recorded, &client, &service, &rules, &stop)
                        .await?
                }
                (None, None, Some(loaded)) => {
                    let plan = plan::make(
                        &loaded,
                        &client,
                        &plan::Request {
                            planning: &self.command.planning,
                            selection: &self.command.selecting.selection(),
                            rules: &rules,
                            all: self.command.view.all,
                        },
                        self.output,
                        &stop,
                    )
                    .await?;
                    Intent {
                        shown: Shown::new(plan, &service),
                        approved: false,
                    }
                }
                (None, None, None) => return Err(Failure::usage("no manifests are named")),
            };
            self.carry_out(intent, &client, &service, &stop).await
        })
    }

    /// Takes a saved plan up, if it is for this tenant and still fits it.
    async fn take_saved(
        &mut self,
        saved: SavedPlan,
        client: &Arc<Client>,
        service: &ServiceSettings,
        rules: &GuardRules,
        stop: &CancellationToken,
    ) -> Result<Intent, Failure> {
        let reader = Reader::new(Arc::clone(client));
        let mut plan = saved.plan;
        let tenant_id = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Failure::interrupted()),
            tenant_id = reader.tenant_id() => tenant_id?,
        };
        check_tenant("plan", plan.tenant_id.as_deref(), tenant_id.as_deref())?;
        if let Some(write_with) = self.command.planning.write_with {
            plan.choose_writes(write_with);
        }
        let given = GivenLimits {
            removals: self.command.guards.max_removals.is_some(),
            policies: self.command.guards.max_policies.is_some(),
        };
        plan.recheck_guards(rules, given);
        self.output.saved_diagnostics(&plan.diagnostics);
        let mut shown = Shown::new(plan, service);
        // What was counted when the plan was made; the file holds only what changes.
        shown.summary = crate::plan::Summary {
            writes: shown.summary.writes,
            time: shown.summary.time,
            ..saved.summary
        };
        shown.created_at = saved.created_at;
        self.start(Some(&shown))?;
        let moved = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Failure::interrupted()),
            moved = moved(&shown.plan, &reader, shown.plan.write_with) => moved?,
        };
        if !moved.is_empty() {
            self.results = apply::not_started(&shown.plan, &moved);
            self.note_unstarted(&shown.plan)?;
            let names: Vec<String> = shown
                .plan
                .changed()
                .enumerate()
                .filter_map(|(index, policy)| {
                    let found = moved.iter().find(|moved| moved.index == index)?;
                    let how = if found.deleted { " (deleted)" } else { "" };
                    Some(format!("{} `{}`{how}", policy.kind, policy.name))
                })
                .collect();
            let failure = Failure::new(
                Exit::StalePlan,
                format!(
                    "the live state has moved since the plan was made: {}",
                    names.join(", ")
                ),
            )
            .hint("nothing was written; plan again");
            self.tell(&shown, failure.exit, Some(&failure))?;
            return Err(failure);
        }
        Ok(Intent {
            shown,
            approved: true,
        })
    }

    async fn carry_out(
        &mut self,
        intent: Intent,
        client: &Arc<Client>,
        service: &ServiceSettings,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let Intent { shown, approved } = intent;
        let view = &self.command.view;
        self.start(Some(&shown))?;
        self.note_aside(&shown.plan)?;
        let is_text = self.output.format == Format::Text;
        if is_text {
            self.output.text(&shown.text(view))?;
        }
        if let Err(failure) = check_digest(&shown.digest, self.command.expect_digest.as_deref()) {
            self.tell(&shown, failure.exit, Some(&failure))?;
            return Err(failure);
        }
        if let Some(failure) = Failure::refused(&shown.plan, "; nothing was written") {
            self.tell(&shown, failure.exit, Some(&failure))?;
            return Err(failure);
        }
        if !shown.plan.is_empty() && !approved && !self.command.yes {
            if !is_text {
                self.output.note(&shown.text(view));
            }
            if let Err(failure) = self.ask(stop).await {
                self.tell(&shown, failure.exit, Some(&failure))?;
                return Err(failure);
            }
        }
        let settings = Settings {
            concurrency: service.concurrency,
            fail_fast: self.command.fail_fast,
            write_with: shown.plan.write_with,
        };
        if !shown.plan.is_empty() {
            self.report().begin().map_err(report_failed)?;
        }
        let progress = &self.output.progress;
        progress.applying(&shown.summary);
        let aside = std::mem::take(&mut self.results.aside);
        self.results =
            apply::run(&shown.plan, client, &self.report, settings, stop, progress).await;
        self.results.aside = aside;
        for settled in &mut self.results.settled {
            if let Some(reason) = &mut settled.reason {
                reason.message = self.output.without_secrets_in(&reason.message).into_owned();
            }
        }
        let exit = exit_of(&self.results);
        if is_text && !(shown.plan.is_empty() && self.results.aside.is_empty()) {
            self.output
                .text(&text::results(&shown.plan, &self.results))?;
        }
        let reason = self.results.report_failure.as_ref();
        let failure = reason.map(|reason| Failure::new(Exit::Failure, reason.clone()));
        self.tell(&shown, exit, failure.as_ref())?;
        failure.map_or(Ok(exit), Err)
    }

    /// Asks for the word `yes` on a terminal; refuses without one.
    async fn ask(&self, stop: &CancellationToken) -> Result<(), Failure> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "without a terminal to ask on, `apply` needs `--yes`; nothing was written",
            ));
        }
        self.output
            .note("Apply these changes? Only `yes` will be accepted: ");
        let (told, answer) = tokio::sync::oneshot::channel();
        // A thread of its own, since nothing ends the reading of a line: an interrupt leaves it
        // behind, and the process does not wait for it.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            // Nobody listens any more where the run was interrupted.
            let _ = told.send(read.map(|_| line));
        });
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Failure::interrupted()),
            answer = answer => answer,
        };
        match answer {
            Ok(Ok(line)) if line.trim() == "yes" => Ok(()),
            Ok(Err(error)) => Err(Failure::new(
                Exit::Failure,
                format!("the answer cannot be read: {error}"),
            )),
            Ok(Ok(_)) | Err(_) => Err(Failure::new(
                Exit::Failure,
                "not applied; nothing was written",
            )),
        }
    }

    /// Tells the plan with what became of it. As text both have been told by now.
    fn tell(&self, shown: &Shown, exit: Exit, failure: Option<&Failure>) -> Result<(), Failure> {
        let counts = self
            .client
            .as_ref()
            .map(|client| client.counts())
            .unwrap_or_default();
        let error = failure.map(|failure| failure.view(&failure.message));
        let findings = self.output.findings();
        self.output.tell(
            &Review {
                plan: Some(shown.view(&self.command.view)),
                results: Some(&self.results),
                error,
                ..self.output.review(&findings)
            },
            String::new,
            || {
                json::results(
                    shown.record(self.command.view.all),
                    &shown.plan,
                    &self.results,
                    exit.code(),
                    counts,
                    error.as_ref(),
                )
            },
        )
    }

    fn start(&mut self, shown: Option<&Shown>) -> Result<(), Failure> {
        if self.started {
            return Ok(());
        }
        // What the report will hold is known before anything is written to the service.
        if let Some(shown) = shown {
            self.output.checked(&json::results(
                shown.record(self.command.view.all),
                &shown.plan,
                &self.results,
                0,
                RequestCounts::default(),
                None,
            ))?;
        }
        self.started = true;
        self.report()
            .start(
                shown.map(|shown| (&shown.plan, shown.digest.as_str())),
                &self.graph_url,
            )
            .map_err(report_failed)
    }

    fn note_aside(&self, plan: &Plan) -> Result<(), Failure> {
        let aside = self.results.aside.iter();
        self.note(aside.map(|(policy, settled)| (policy, settled)), plan)
    }

    fn note_unstarted(&self, plan: &Plan) -> Result<(), Failure> {
        self.note(plan.changed().zip(&self.results.settled), plan)
    }

    /// Writes down what became of policies that the run did not get to.
    fn note<'p>(
        &self,
        policies: impl Iterator<Item = (&'p PlannedPolicy, &'p Settled)>,
        plan: &Plan,
    ) -> Result<(), Failure> {
        let mut report = self.report();
        for (policy, settled) in policies {
            report
                .policy(policy, settled, &plan.names)
                .map_err(report_failed)?;
        }
        Ok(())
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where an earlier report of writes is kept.
    fn kept(&self) -> Option<PathBuf> {
        self.report().kept().map(Path::to_owned)
    }

    fn finish(&mut self, exit: Exit, start: Instant) -> Result<(), Failure> {
        self.start(None)?;
        let counts = self
            .client
            .as_ref()
            .map(|client| client.counts())
            .unwrap_or_default();
        let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report()
            .end(exit.code(), &self.results, counts, elapsed)
            .map_err(report_failed)
    }
}

fn report_failed(error: std::io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("the report could not be written: {error}"),
    )
}

fn exit_of(results: &Results) -> Exit {
    let mut exits = Vec::new();
    if results.interrupted {
        exits.push(Exit::Interrupted);
    }
    if results.report_failure.is_some() {
        exits.push(Exit::Failure);
    }
    if results.is_refusal() {
        exits.push(Exit::Refused);
    } else if !results.is_good() {
        exits.push(Exit::Partial);
    }
    Exit::first(exits)
}

/// Whether a path is a saved plan rather than a manifest: a file that is named or begins like
/// JSON.
fn is_plan_file(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => std::fs::File::open(path).is_ok_and(|file| {
            // Not all of it: it may be anything.
            let start = std::io::BufReader::new(file.take(4096)).bytes();
            let mut start = start.map_while(Result::ok);
            start.find(|byte| !byte.is_ascii_whitespace()) == Some(b'{')
        }),
    }
}
