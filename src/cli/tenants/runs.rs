//! `plan`, `drift` and `apply` for the tenants that manifests name, side by side. Each has its own sign-in,
//! pace, guards, plan, report and exit code; what goes wrong in one stops no other.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::super::arguments::{Apply, Plan};
use super::super::config::Config;
use super::super::confirm::ask;
use super::super::options::{Common, Format, Tenants};
use super::super::output::Output;
use super::super::{interrupt, runtime, settings};
use crate::apply::Settings;
use crate::apply::approval::Approval;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::GivenLimits;
use crate::plan::saved::SavedPlan;
use crate::render::json::{self, Json};
use crate::render::review::{Direction, Finding, Review};
use crate::render::tenants::{self as render, TenantView};
use crate::render::text::{self, Detail};
use crate::run::apply::{ApplyInput, ApplyRun};
use crate::run::approval::{MAX_AGE, check_age};
use crate::run::connect::{ServiceSettings, connect};
use crate::run::plan::{self, NameUnmanaged, PlanRequest, PreparedPlan};
use crate::run::{Failure, reports, tenants};

/// How many tenants are processed in parallel unless it is said.
const PARALLEL: usize = 4;

/// What all tenants of a run have in common.
struct Session<'a> {
    output: &'a Output,
    service: ServiceSettings,
    request: PlanRequest<'a>,
    parallel: usize,
    detail: Detail<'static>,
}

/// A tenant, and what came of it.
struct Done {
    tenant: Tenant,
    service: Option<ServiceSettings>,
    client: Option<Arc<Client>>,
    input: Option<ApplyInput>,
    run: Option<ApplyRun>,
    found: Vec<Diagnostic>,
    sources: Sources,
    findings: Vec<Finding>,
    failure: Option<Failure>,
    exits: Vec<Exit>,
}

impl Done {
    fn new(tenant: &Tenant) -> Self {
        Self {
            tenant: tenant.clone(),
            service: None,
            client: None,
            input: None,
            run: None,
            found: Vec::new(),
            sources: Sources::default(),
            findings: Vec::new(),
            failure: None,
            exits: Vec::new(),
        }
    }

    fn exit(&self) -> Exit {
        let failed = self.failure.as_ref().map(|failure| failure.exit);
        Exit::first(self.exits.iter().copied().chain(failed))
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    fn prepared(&self) -> Option<&PreparedPlan> {
        self.input.as_ref().map(|input| &input.plan)
    }
}

/// Plans for tenants.
pub(in crate::cli) fn plan(
    command: &Plan,
    common: &Common,
    config: &Config,
    (loaded, chosen): (&Loaded, &[Tenant]),
    output: &Output,
) -> Result<Exit, Failure> {
    refuse(&[
        ("--since", command.since.is_some()),
        ("--who", command.who.who),
        ("--ci", command.ci.ci.is_some()),
    ])?;
    let rules = settings::guards(&command.guards, config)?;
    let members = settings::members(&command.members, config)?;
    let selection = command.selecting.selection();
    let unmanaged = match command.is_drift {
        true => NameUnmanaged::Broad,
        false => NameUnmanaged::Not,
    };
    let session = Session {
        output,
        service: settings::service(&common.service, config)?,
        request: PlanRequest {
            unmanaged: &unmanaged,
            write_with: command.planning.write_with,
            strict: command.planning.strict,
            selection: &selection,
            rules: &rules,
            all: command.view.all,
            members: &members,
            who: None,
        },
        parallel: parallel(&command.tenants),
        detail: Detail {
            direction: match command.is_drift {
                true => Direction::Drift,
                false => Direction::Plan,
            },
            ..command.view.detail()
        },
    };
    let mut done = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        Ok::<_, Failure>(session.plan_all(loaded, chosen, &stop).await)
    })?;
    for done in &mut done {
        let Some(input) = &done.input else { continue };
        let refusing = input.plan.plan.refusing();
        // `drift` writes nothing, so that only a wrong tenant stops it.
        let refusing = refusing.filter(|guard| !command.is_drift || !guard.name.can_be_accepted());
        if command.detailed_exitcode && !input.plan.plan.is_empty() {
            done.exits.push(Exit::ChangesPending);
        }
        done.failure = Failure::refused(refusing, "");
    }
    session.tell(&mut done);
    if let Some(folder) = &command.out {
        save_plans(folder, &done, output)?;
    }
    session.print(&done)
}

/// Writes a plan a tenant. One without a plan has none from an earlier run either.
fn save_plans(folder: &Path, done: &[Done], output: &Output) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be written: {error}", folder.display()),
        )
        .hint("with several tenants `--out` takes a folder")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for done in done {
        let path = tenants::plan_file(folder, &done.tenant.name);
        match done.prepared() {
            Some(prepared) => output.save_plan(&path, &json::plan(prepared.record(false)))?,
            None if path.symlink_metadata().is_ok() => {
                std::fs::remove_file(&path).map_err(failed)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// Where the plans of tenants come from.
pub(in crate::cli) enum Source<'a> {
    /// From manifests.
    Manifests(&'a Loaded, Vec<Tenant>),
    /// From a folder of saved plans.
    Saved(&'a Path),
}

/// Applies for tenants.
pub(in crate::cli) fn apply(
    command: &Apply,
    common: &Common,
    config: &Config,
    source: Source<'_>,
    output: &Output,
) -> Result<Exit, Failure> {
    refuse(&[
        ("--ci", command.ci.ci.is_some()),
        ("--expect-digest", command.expect_digest.is_some()),
    ])?;
    let rules = settings::guards(&command.guards, config)?;
    let members = settings::members(&command.members, config)?;
    let selection = command.selecting.selection();
    let session = Session {
        output,
        service: settings::service(&common.service, config)?,
        request: PlanRequest {
            who: None,
            members: &members,
            write_with: command.planning.write_with,
            strict: command.planning.strict,
            selection: &selection,
            rules: &rules,
            all: command.view.all,
            unmanaged: &NameUnmanaged::Not,
        },
        parallel: parallel(&command.tenants),
        detail: command.view.detail(),
    };
    let given = GivenLimits {
        removals: command.guards.max_removals.is_some(),
        policies: command.guards.max_policies.is_some(),
    };
    let mut done = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let mut done = match source {
            Source::Manifests(loaded, chosen) => {
                output.diagnostics(&loaded.diagnostics, &loaded.sources);
                session.plan_all(loaded, &chosen, &stop).await
            }
            Source::Saved(folder) => {
                if selection.is_partial() {
                    return Err(Failure::usage(
                        "saved plans are carried out as they are, or not at all",
                    ));
                }
                let max_age = command.max_age.unwrap_or(MAX_AGE);
                let saved = tenants::saved_plans(folder)?;
                for (_, saved) in &saved {
                    check_age(&saved.created_at, max_age, jiff::Timestamp::now())?;
                }
                session.look_again(saved, given, &stop).await
            }
        };
        session.tell(&mut done);
        for done in &mut done {
            let refused = done.input.as_ref().map(|input| input.check(None, true));
            if let Some(Err(failure)) = refused {
                done.fail(failure);
            }
        }
        if output.format == Format::Text {
            output.text(&session.text(&done))?;
        }
        if session.must_ask(&done, command.yes) {
            ask(output, &stop).await?;
        }
        let failed = AtomicBool::new(done.iter().any(|done| done.failure.is_some()));
        let work = done.into_iter().map(|done| {
            let may_start = || !(command.fail_fast && failed.load(Memory::Relaxed));
            let (session, stop, failed) = (&session, &stop, &failed);
            async move {
                let done = session.carry_out(done, command, may_start, stop).await;
                if !matches!(done.exit(), Exit::Success | Exit::Pending) {
                    failed.store(true, Memory::Relaxed);
                }
                done
            }
        });
        let work = futures::stream::iter(work).buffer_unordered(session.parallel);
        Ok::<_, Failure>(work.collect::<Vec<_>>().await)
    })?;
    sort(&mut done);
    for done in done.iter().filter(|done| done.run.is_some()) {
        if let Some(failure) = &done.failure {
            output.note(&format!("tenant {}:\n", done.tenant.name));
            output.failure(failure);
        }
    }
    session.print(&done)
}

impl Session<'_> {
    async fn plan_all(
        &self,
        loaded: &Loaded,
        chosen: &[Tenant],
        stop: &CancellationToken,
    ) -> Vec<Done> {
        let work = chosen.iter().map(|tenant| async move {
            let mut done = Done::new(tenant);
            if let Err(failure) = self.plan_one(loaded, &mut done, stop).await {
                done.fail(failure);
            }
            done
        });
        let work = futures::stream::iter(work).buffer_unordered(self.parallel);
        work.collect().await
    }

    async fn plan_one(
        &self,
        loaded: &Loaded,
        done: &mut Done,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let Some(own) = loaded.of_tenant(&done.tenant.name) else {
            return Err(Failure::new(Exit::Failure, "the manifests lack the tenant"));
        };
        // What is odd about the manifests themselves was said once, for all tenants.
        let is_new = |found: &Diagnostic| !own.diagnostics.contains(found);
        let (client, service) = self.connect(&done.tenant, stop)?;
        let rules = tenants::rules_of(self.request.rules, &done.tenant);
        let request = PlanRequest {
            rules: &rules,
            ..self.request
        };
        let mask = |found: &_| self.output.without_secrets(found);
        let (plan, annotations, found) = plan::plan(&own, &client, &request, mask, stop)
            .await
            .map_err(|mut failure| {
                if let Some(findings) = &mut failure.findings {
                    findings.0.retain(is_new);
                }
                failure
            })?;
        done.found = found.into_iter().filter(is_new).collect();
        done.sources.clone_from(&own.sources);
        let prepared = PreparedPlan {
            tenant: Some(tenants::planned(&done.tenant)),
            ..PreparedPlan::new(plan, annotations, &service)
        };
        done.input = Some(ApplyInput::new(prepared));
        done.client = Some(client);
        done.service = Some(service);
        Ok(())
    }

    fn connect(
        &self,
        tenant: &Tenant,
        stop: &CancellationToken,
    ) -> Result<(Arc<Client>, ServiceSettings), Failure> {
        let service = tenants::service_of(&self.service, tenant)?;
        let environment = settings::environment(&self.output.redactor);
        let client = connect(&service, &environment, self.output.observer(), stop)?;
        Ok((client, service))
    }

    /// Looks whether saved plans still fit.
    async fn look_again(
        &self,
        saved: Vec<(Tenant, SavedPlan)>,
        given: GivenLimits,
        stop: &CancellationToken,
    ) -> Vec<Done> {
        let work = saved.into_iter().map(|(tenant, saved)| async move {
            let mut done = Done::new(&tenant);
            let looked = async {
                let (client, service) = self.connect(&tenant, stop)?;
                let rules = tenants::rules_of(self.request.rules, &tenant);
                let request = PlanRequest {
                    rules: &rules,
                    ..self.request
                };
                let input =
                    ApplyInput::saved(saved, &client, &service, &request, given, stop).await?;
                Ok::<_, Failure>((client, service, input))
            };
            match looked.await {
                Ok((client, service, input)) => {
                    done.client = Some(client);
                    done.service = Some(service);
                    done.input = Some(input);
                }
                Err(failure) => done.fail(failure),
            }
            done
        });
        let work = futures::stream::iter(work).buffer_unordered(self.parallel);
        work.collect().await
    }

    /// Whether a person has to agree before anything is written.
    fn must_ask(&self, done: &[Done], yes: bool) -> bool {
        let mut inputs = done
            .iter()
            .filter(|done| done.failure.is_none())
            .filter_map(|done| done.input.as_ref());
        !yes && inputs.any(|input| !input.approved && !input.plan.plan.is_empty())
    }

    /// Carries a tenant's plan out, and writes its report.
    async fn carry_out(
        &self,
        mut done: Done,
        command: &Apply,
        may_start: impl Fn() -> bool,
        stop: &CancellationToken,
    ) -> Done {
        let (Some(input), Some(client), Some(service)) = (&done.input, &done.client, &done.service)
        else {
            // A report that is named is written whatever happens.
            if let Some(folder) = &command.report
                && let Err(failure) = report_of(Some(folder), &done.tenant.name)
                    .and_then(|mut run| run.finish(done.exit()).map(|_| ()))
            {
                self.output.failure(&failure);
            }
            return done;
        };
        if done.failure.is_none() && !may_start() {
            done.fail(
                Failure::new(Exit::Failure, "not started, since another tenant failed")
                    .hint("nothing was written in this tenant"),
            );
            return done;
        }
        let mut run = match report_of(command.report.as_deref(), &done.tenant.name) {
            Ok(run) => run,
            Err(failure) => {
                done.fail(failure);
                return done;
            }
        };
        run.connected(client);
        let settings = Settings {
            concurrency: service.concurrency,
            fail_fast: command.fail_fast,
            write_with: input.plan.plan.write_with,
            approval: Approval {
                justification: command.justification.clone(),
                filed: input.filed.clone(),
                wait: command.wait_for_approval.unwrap_or_default(),
            },
        };
        let refused = done.failure.take();
        let ended = self.write(input, refused, &mut run, settings, stop).await;
        let exit = match &ended {
            Ok(exit) => *exit,
            Err(failure) => failure.exit,
        };
        let finished = run.finish(exit).map(|_| ());
        done.run = Some(run);
        done.exits.push(exit);
        done.failure = ended.err().or(finished.err());
        done
    }

    async fn write(
        &self,
        input: &ApplyInput,
        refused: Option<Failure>,
        run: &mut ApplyRun,
        settings: Settings,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let record = input.plan.record(false);
        self.output.checked(&json::plan(record))?;
        run.begin(input)?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        run.check_rights(&input.plan.plan).await?;
        run.check_objects(input, stop).await?;
        let mask = |message: &str| self.output.without_secrets_in(message).into_owned();
        let progress = &self.output.progress;
        let exit = run.carry_out(input, settings, progress, mask, stop).await?;
        match &run.results.report_failure {
            Some(reason) => Err(Failure::new(Exit::Failure, reason.clone())),
            None => Ok(exit),
        }
    }

    /// Says what is wrong or odd, tenant by tenant, the worst first.
    fn tell(&self, all: &mut [Done]) {
        sort(all);
        for done in all {
            let saved = done.prepared().filter(|_| done.found.is_empty());
            let saved = saved.map(|prepared| prepared.plan.diagnostics.clone());
            let saved = saved.unwrap_or_default();
            let known = self.output.findings().len();
            let has_more = done.failure.is_some() || !done.found.is_empty() || !saved.is_empty();
            if has_more {
                self.output.note(&format!("tenant {}:\n", done.tenant.name));
            }
            self.output.diagnostics(&done.found, &done.sources);
            if !saved.is_empty() {
                self.output.saved_diagnostics(&saved);
            }
            if let Some(failure) = &done.failure {
                self.output.failure(failure);
            }
            done.findings = self.output.findings().split_off(known);
        }
    }

    fn views<'d>(&self, done: &'d [Done]) -> Vec<TenantView<'d>> {
        let view = |done: &'d Done| TenantView {
            name: &done.tenant.name,
            tenant_id: &done.tenant.tenant_id,
            exit_code: done.exit().code(),
            review: Review {
                plan: done.prepared().map(|prepared| prepared.view(self.detail)),
                results: done.run.as_ref().map(|run| &run.results),
                error: done
                    .failure
                    .as_ref()
                    .map(|failure| failure.view(&failure.message)),
                ..self.output.review(&done.findings)
            },
        };
        done.iter().map(view).collect()
    }

    fn text(&self, done: &[Done]) -> String {
        let views = self.views(done);
        render::text(&views, |number| {
            let done = &done[number];
            match (done.prepared(), &done.run) {
                (Some(prepared), Some(run)) => {
                    text::results(&prepared.plan, &run.results, self.detail)
                }
                (Some(prepared), None) => prepared.text(self.detail),
                (None, _) => String::new(),
            }
        })
    }

    fn print(&self, done: &[Done]) -> Result<Exit, Failure> {
        let exit = Exit::first(done.iter().map(Done::exit));
        let tenants = done.iter().map(|done| self.record(done)).collect();
        let json = Json::new(Record {
            tenants,
            exit_code: exit.code(),
        });
        let views = self.views(done);
        self.output
            .print_tenants(&views, || self.text(done), &json)?;
        Ok(exit)
    }

    fn record<'d>(&self, done: &'d Done) -> TenantRecord<'d> {
        let plan = done.prepared().map(|prepared| {
            let record = prepared.record(self.detail.all);
            match &done.run {
                Some(run) => json::results(
                    record,
                    &prepared.plan,
                    &prepared.annotations.names,
                    &run.results,
                    done.exit().code(),
                    run.requests(),
                    None,
                ),
                None => json::plan(record),
            }
        });
        TenantRecord {
            name: &done.tenant.name,
            tenant_id: &done.tenant.tenant_id,
            exit_code: done.exit().code(),
            // What was written as JSON can be read.
            plan: plan.and_then(|plan| serde_json::from_str(&plan.text()).ok()),
            diagnostics: done.findings.iter().map(Said::of).collect(),
            error: done.failure.as_ref().map(|failure| ErrorRecord {
                message: self
                    .output
                    .without_secrets_in(&failure.message)
                    .into_owned(),
                hint: failure.hint.as_deref(),
            }),
        }
    }
}

/// Sorts the worst first, then by name.
fn sort(all: &mut [Done]) {
    all.sort_by(|one, other| {
        let (first, second) = (one.exit(), other.exit());
        let worst = Exit::first([first, second]);
        let by_exit = match (first == second, first == worst) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        };
        by_exit.then_with(|| one.tenant.name.cmp(&other.tenant.name))
    });
}

fn parallel(options: &Tenants) -> usize {
    options.parallel_tenants.unwrap_or(PARALLEL)
}

/// Begins the report of a tenant.
fn report_of(folder: Option<&Path>, tenant: &str) -> Result<ApplyRun, Failure> {
    let path = match folder {
        Some(folder) => reports::in_folder(folder, tenant),
        None => reports::of_tenant(jiff::Timestamp::now(), tenant),
    };
    let path = path.map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("the report of the tenant `{tenant}` cannot be written: {error}"),
        )
        .hint("with several tenants `--report` takes a folder; nothing was written to the service")
    })?;
    ApplyRun::new(Some(&path))
}

/// Refuses options that are about one tenant.
fn refuse(options: &[(&str, bool)]) -> Result<(), Failure> {
    match options.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::usage(format!(
            "`{option}` cannot be used with manifests that name their tenants"
        ))
        .hint(
            "write one tenant's manifest with `assignctl tenants show NAME`, and name that file",
        )),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenants: Vec<TenantRecord<'a>>,
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantRecord<'a> {
    name: &'a str,
    tenant_id: &'a str,
    exit_code: u8,
    plan: Option<Value>,
    diagnostics: Vec<Said<'a>>,
    error: Option<ErrorRecord<'a>>,
}

#[derive(Serialize)]
struct Said<'a> {
    severity: &'static str,
    code: &'a str,
    summary: &'a str,
}

impl<'a> Said<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.diagnostic.severity.name(),
            code: &finding.diagnostic.code,
            summary: &finding.diagnostic.summary,
        }
    }
}

#[derive(Serialize)]
struct ErrorRecord<'a> {
    message: String,
    hint: Option<&'a str>,
}
