//! `plan`, `drift`, `apply` and `rollback` for the tenants that manifests, saved plans or reports name.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::arguments::{Apply, Plan};
use super::super::config::Config;
use super::super::confirm::{STILL_IN_GIT, ask};
use super::super::options::{Common, Format, Tenants};
use super::super::output::Output;
use super::super::{interrupt, runtime, settings};
use super::host::Process;
use super::printed::View;
use crate::exit::Exit;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::{GivenLimits, Guard, GuardRules};
use crate::render::json;
use crate::render::review::Direction;
use crate::render::text::Detail;
use crate::run::plan::{NameUnmanaged, PlanRequest};
use crate::run::reviewed::{MAX_AGE, check_age};
use crate::run::tenants::{self, Batch, Carrying, Fleet, Input};
use crate::run::{Failure, tenants::Entry};

/// How many tenants are processed in parallel unless it is said.
const PARALLEL: usize = 4;

pub(in crate::cli) fn parallel(options: &Tenants) -> usize {
    options.parallel_tenants.unwrap_or(PARALLEL)
}

/// Plans for tenants.
pub(in crate::cli) fn plan(
    command: &Plan,
    common: &Common,
    config: &Config,
    (loaded, chosen): (&Loaded, &[Tenant]),
    output: &Output,
) -> Result<Exit, Failure> {
    check_since(command, chosen)?;
    let unmanaged = match command.is_drift {
        true => NameUnmanaged::Broad,
        false => NameUnmanaged::Not,
    };
    let view = View {
        output,
        command: output.command(),
        shard: command.tenants.shard,
        detail: Detail {
            direction: match command.is_drift {
                true => Direction::Drift,
                false => Direction::Plan,
            },
            ..command.view.detail()
        },
    };
    let rules = settings::guards(&command.guards, config)?;
    let who = command.who.asked(None);
    let host = Process::new(output, settings::service(&common.service, config)?);
    let request = PlanRequest {
        unmanaged: &unmanaged,
        write_with: command.planning.write_with,
        strict: command.planning.strict,
        selection: &command.selecting.selection(),
        rules: &rules,
        all: command.view.all,
        members: &settings::members(&command.members, config, Some(&rules))?,
        who: who.as_ref(),
        approvals: command.is_drift,
    };
    let mut batch = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        let fleet = Fleet {
            host: &host,
            request,
            since: command.since.as_deref(),
            parallel: parallel(&command.tenants),
            stop: &stop,
        };
        host.expect(chosen.len());
        let batch = fleet.plan(Input::Manifests(loaded, chosen.to_vec())).await;
        host.clear();
        batch
    });
    // `drift` writes nothing, so that only a wrong tenant stops it.
    let counts: fn(&Guard) -> bool = match command.is_drift {
        true => |guard| !guard.name.can_be_accepted(),
        false => |_| true,
    };
    judge(&mut batch, &rules, &[], "", counts);
    if command.detailed_exitcode {
        for entry in &mut batch.entries {
            let is_changed = entry.brief.as_ref().is_some_and(|brief| !brief.is_empty);
            entry
                .exits
                .extend(is_changed.then_some(Exit::ChangesPending));
        }
    }
    batch.sort();
    view.tell(&batch)?;
    if let Some(folder) = &command.out {
        save_plans(folder, &batch, output)?;
    }
    view.print(&batch)
}

/// Lets the guards judge; what they refuse fails.
fn judge(
    batch: &mut Batch,
    rules: &GuardRules,
    saved: &[Guard],
    consequence: &str,
    counts: fn(&Guard) -> bool,
) {
    batch.judge(rules, saved);
    batch.refuse(consequence, counts);
}

/// Writes a plan a tenant. One without a plan has none from an earlier run either.
fn save_plans(folder: &Path, batch: &Batch, output: &Output) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be written: {error}", folder.display()),
        )
        .hint("with several tenants `--out` takes a folder")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for entry in &batch.entries {
        let path = tenants::plan_file(folder, &entry.tenant.name);
        match batch.open(entry)?.prepared {
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
    /// From a folder of reports, of what waits for approval.
    Resume(&'a Path),
    /// From a folder of reports, of what is to be undone.
    Rollback(&'a Path),
}

impl Source<'_> {
    fn input(&self, command: &Apply, output: &Output) -> Result<Input<'_>, Failure> {
        let reports = |folder: &Path| {
            let (reports, without) = tenants::reports(folder)?;
            for name in without {
                output.info(&format!(
                    "tenant {name}: its run ended before it had a plan\n"
                ));
            }
            Ok::<_, Failure>(reports)
        };
        Ok(match self {
            Self::Manifests(loaded, chosen) => {
                output.diagnostics(&loaded.diagnostics, &loaded.sources);
                Input::Manifests(loaded, chosen.clone())
            }
            Self::Saved(folder) => {
                if command.selecting.selection().is_partial() {
                    return Err(Failure::usage(
                        "saved plans are carried out as they are, or not at all",
                    ));
                }
                let max_age = command.max_age.unwrap_or(MAX_AGE);
                let now = jiff::Timestamp::now();
                let files = tenants::saved_plans(folder, |saved| {
                    check_age(&saved.created_at, max_age, now)
                })?;
                let given = GivenLimits {
                    removals: command.guards.max_removals.is_some(),
                    policies: command.guards.max_policies.is_some(),
                };
                Input::Saved(files, given)
            }
            Self::Resume(folder) => Input::Resume(reports(folder)?),
            Self::Rollback(folder) => Input::Rollback(reports(folder)?),
        })
    }
}

/// Applies or rolls back for tenants. With a folder for them, the plans are only saved.
pub(in crate::cli) fn apply(
    command: &Apply,
    common: &Common,
    config: &Config,
    (source, out): (Source<'_>, Option<&Path>),
    output: &Output,
) -> Result<Exit, Failure> {
    let rules = settings::guards(&command.guards, config)?;
    let view = View {
        output,
        command: output.command(),
        shard: command.tenants.shard,
        detail: command.view.detail(),
    };
    let mut service = settings::service(&common.service, config)?;
    service.login.writes = true;
    let host = Process::new(output, service);
    let own_rules = Some(&rules).filter(|_| !matches!(source, Source::Saved(_)));
    let request = PlanRequest {
        who: None,
        approvals: false,
        members: &settings::members(&command.members, config, own_rules)?,
        write_with: command.planning.write_with,
        strict: command.planning.strict,
        selection: &command.selecting.selection(),
        rules: &rules,
        all: command.view.all,
        unmanaged: &NameUnmanaged::Not,
    };
    let carrying = Carrying {
        report: command.report.clone(),
        fail_fast: command.fail_fast,
        justification: command.justification.clone(),
        wait_for_approval: command.wait_for_approval.unwrap_or_default(),
    };
    let input = source.input(command, output)?;
    let saved: Vec<Guard> = match &input {
        Input::Saved(files, _) => files.iter().filter_map(|file| file.guard.clone()).collect(),
        _ => Vec::new(),
    };
    let batch = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let fleet = Fleet {
            host: &host,
            request,
            since: None,
            parallel: parallel(&command.tenants),
            stop: &stop,
        };
        host.expect(input.len());
        let mut batch = fleet.plan(input).await;
        host.clear();
        judge(&mut batch, &rules, &saved, "; nothing was written", |_| {
            true
        });
        batch.sort();
        view.tell(&batch)?;
        if out.is_some() {
            return Ok(batch);
        }
        let told: BTreeSet<String> = failed(&batch)
            .map(|entry| entry.tenant.name.clone())
            .collect();
        let mut allowed = match &command.expect_digest {
            Some(digest) => batch.check_digest(digest, command.reviewed),
            None => Ok(()),
        };
        if output.format == Format::Text {
            view.text(&batch, |part| output.text(part))?;
        }
        if allowed.is_ok() && must_ask(&batch, command.yes) {
            if output.format != Format::Text {
                view.text(&batch, |part| {
                    output.note(part);
                    Ok(())
                })?;
            }
            allowed = ask(output, &stop).await;
        }
        if let Err(failure) = &allowed {
            output.failure(failure);
            for entry in batch
                .entries
                .iter_mut()
                .filter(|entry| entry.failure.is_none())
            {
                entry.failure = Some(Failure {
                    hint: failure.hint.clone(),
                    ..Failure::new(failure.exit, failure.message.clone())
                });
            }
        }
        let at_work = batch.entries.iter().filter(|entry| entry.brief.is_some());
        host.expect(at_work.count());
        fleet.carry_out(&mut batch, &carrying).await;
        host.clear();
        if allowed.is_ok() {
            for entry in failed(&batch).filter(|entry| !told.contains(&entry.tenant.name)) {
                output.note(&format!("tenant {}:\n", entry.tenant.name));
                if let Some(failure) = &entry.failure {
                    output.failure(failure);
                }
            }
        }
        Ok::<_, Failure>(batch)
    })?;
    if let Some(out) = out {
        save_plans(out, &batch, output)?;
    }
    let exit = view.print(&batch)?;
    let is_rollback = matches!(source, Source::Rollback(_));
    if is_rollback && (out.is_some() || batch.entries.iter().any(|entry| entry.written)) {
        output.note(STILL_IN_GIT);
    }
    Ok(exit)
}

fn failed(batch: &Batch) -> impl Iterator<Item = &Entry> {
    batch.entries.iter().filter(|entry| entry.failure.is_some())
}

/// Whether a person has to agree before anything is written.
fn must_ask(batch: &Batch, yes: bool) -> bool {
    let mut entries = batch.entries.iter().filter(|entry| entry.failure.is_none());
    !yes && entries.any(|entry| {
        let brief = entry.brief.as_ref();
        brief.is_some_and(|brief| !brief.approved && !brief.is_empty)
    })
}

/// Looks whether `--since` can be about all tenants. The first pipeline of a repository has not even the folder.
fn check_since(command: &Plan, chosen: &[Tenant]) -> Result<(), Failure> {
    let Some(since) = &command.since else {
        return Ok(());
    };
    let shown = since.display();
    if since.is_file() && chosen.len() > 1 {
        return Err(Failure::usage(format!(
            "`{shown}` is the report of one tenant, and {} are named",
            chosen.len()
        ))
        .hint("name the folder that `apply --report DIR` wrote, or `.assignctl/reports`"));
    }
    match since.exists() || command.ci.ci.is_some() {
        true => Ok(()),
        false => Err(
            Failure::new(Exit::Failure, format!("`{shown}` does not exist"))
                .hint("name the folder that `apply --report DIR` wrote, or leave `--since` out"),
        ),
    }
}
