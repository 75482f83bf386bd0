//! `plan`, `drift` and `apply` for the tenants that manifests name, side by side. Each has its own sign-in,
//! pace, guards, plan, report and exit code; what goes wrong in one stops no other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::super::arguments::{Apply, Plan};
use super::super::config::Config;
use super::super::confirm::ask;
use super::super::options::{Common, Format, Tenants};
use super::super::output::Output;
use super::super::{interrupt, runtime, settings};
use super::done::{Done, sort};
use super::printed::View;
use crate::apply::Settings;
use crate::apply::approval::Approval;
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::GivenLimits;
use crate::plan::saved::SavedPlan;
use crate::render::json;
use crate::render::review::Direction;
use crate::render::text::Detail;
use crate::run::apply::{ApplyInput, ApplyRun};
use crate::run::approval::{MAX_AGE, check_age};
use crate::run::connect::{ServiceSettings, connect};
use crate::run::plan::{self, NameUnmanaged, PlanRequest, PreparedPlan};
use crate::run::{Failure, reports, tenants};

/// How many tenants are processed in parallel unless it is said.
const PARALLEL: usize = 4;

/// What all tenants of a run have in common.
struct Session<'a> {
    view: View<'a>,
    service: ServiceSettings,
    request: PlanRequest<'a>,
    parallel: usize,
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
    let view = View {
        output,
        detail: Detail {
            direction: match command.is_drift {
                true => Direction::Drift,
                false => Direction::Plan,
            },
            ..command.view.detail()
        },
    };
    let session = Session {
        view,
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
    session.view.tell(&mut done);
    if let Some(folder) = &command.out {
        save_plans(folder, &done, output)?;
    }
    session.view.print(&done)
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
    let view = View {
        output,
        detail: command.view.detail(),
    };
    let session = Session {
        view,
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
        session.view.tell(&mut done);
        for done in &mut done {
            let refused = done.input.as_ref().map(|input| input.check(None, true));
            if let Some(Err(failure)) = refused {
                done.fail(failure);
            }
        }
        if output.format == Format::Text {
            output.text(&session.view.text(&done))?;
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
        Ok::<_, Failure>(session.side_by_side(work).await)
    })?;
    sort(&mut done);
    for done in done.iter().filter(|done| done.run.is_some()) {
        if let Some(failure) = &done.failure {
            output.note(&format!("tenant {}:\n", done.tenant.name));
            output.failure(failure);
        }
    }
    session.view.print(&done)
}

impl Session<'_> {
    /// Does the work of tenants, of as many at a time as are asked for.
    async fn side_by_side<T>(&self, work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let work = futures::stream::iter(work).buffer_unordered(self.parallel);
        work.collect().await
    }

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
        self.side_by_side(work).await
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
        let mask = |found: &_| self.view.output.without_secrets(found);
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
        let environment = settings::environment(&self.view.output.redactor);
        let client = connect(&service, &environment, self.view.output.observer(), stop)?;
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
        self.side_by_side(work).await
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
                self.view.output.failure(&failure);
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
        self.view.output.checked(&json::plan(record))?;
        run.begin(input)?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        run.check_rights(&input.plan.plan).await?;
        run.check_objects(input, stop).await?;
        let mask = |message: &str| self.view.output.without_secrets_in(message).into_owned();
        let progress = &self.view.output.progress;
        let exit = run.carry_out(input, settings, progress, mask, stop).await?;
        match &run.results.report_failure {
            Some(reason) => Err(Failure::new(Exit::Failure, reason.clone())),
            None => Ok(exit),
        }
    }
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
