//! `plan`, `drift`, `apply` and `rollback` for the tenants that manifests, saved plans or reports name.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::arguments::{Apply, Plan};
use super::super::config::Config;
use super::super::confirm::{ask, still_in_git};
use super::super::options::{Common, Format, Tenants};
use super::super::output::{Output, remove_earlier};
use super::super::{interrupt, requests, runtime, settings};
use super::forget_plans;
use super::host::Process;
use super::printed::View;
use super::warnings::{saved_shards, warn_of_domains, warn_of_limit, warn_of_others, warn_of_runs};
use crate::exit::Exit;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::{Guard, GuardName};
use crate::render::clean::clean;
use crate::render::json;
use crate::render::review::Direction;
use crate::render::text::Detail;
use crate::run::Failure;
use crate::run::plan::PlanRequest;
use crate::run::reports::default_folder;
use crate::run::reviewed::{MAX_AGE, check_age, check_write_with};
use crate::run::tenants::{self, Entry, Input, ManyTenants, Origin, Shard, TenantResults};

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
    if let Some(folder) = &command.out {
        for tenant in chosen {
            remove_earlier(&tenants::plan_file(folder, &tenant.name))?;
        }
    }
    check_since(command, chosen)?;
    let host = Process::new(output, settings::service(&common.service, config)?);
    let request = requests::plan_or_drift(command, config, None)?;
    let rules = request.rules.clone();
    let view = View {
        output,
        command: output.command(),
        origin: Origin {
            manifests: Some(manifests_digest(
                loaded,
                &command.options.tenants,
                &request,
            )?),
            shards: command.options.tenants.shard.into_iter().collect(),
            ..settings::origin(command.options.tenants.run_id.as_ref())
        },
        allows_tenants: rules.accepted.contains(&GuardName::Tenants),
        detail: Detail {
            direction: match command.is_drift {
                true => Direction::Drift,
                false => Direction::Plan,
            },
            ..command.options.view.detail()
        },
    };
    let mut results = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        let many = ManyTenants {
            direction: view.detail.direction,
            host: &host,
            request,
            since: command.since.as_deref(),
            parallel: parallel(&command.options.tenants),
            stop: &stop,
        };
        many.plan(Input::Manifests(loaded, chosen.to_vec())).await
    });
    // `drift` writes nothing, so that only a wrong tenant stops it.
    let counts: fn(&Guard) -> bool = match command.is_drift {
        true => |guard| !guard.name.can_be_accepted(),
        false => |_| true,
    };
    results.judge(&rules, &[], false);
    results.refuse("", counts);
    if command.detailed_exitcode {
        for entry in &mut results.entries {
            let is_changed = entry.brief.as_ref().is_some_and(|brief| !brief.is_empty);
            entry
                .exits
                .extend(is_changed.then_some(Exit::ChangesPending));
        }
    }
    results.sort();
    view.tell(&results)?;
    if let Some(folder) = &command.out {
        save_plans(folder, &results, command.options.tenants.shard, &view)?;
        if command.options.tenants.shard.is_none() {
            warn_of_others(folder, &results, output);
        }
    }
    view.print(&results)
}

/// Computes the digest of what the machines of a run have in common.
fn manifests_digest(
    loaded: &Loaded,
    options: &Tenants,
    request: &PlanRequest,
) -> Result<String, Failure> {
    let whole = tenants::choose_whole(&loaded.tenants, &options.asked())?;
    Ok(tenants::manifests_digest(
        loaded,
        &whole,
        &request.selection,
        &request.rules,
    ))
}

/// Writes one plan per tenant. One without a plan has none from an earlier run either.
fn save_plans(
    folder: &Path,
    results: &TenantResults,
    shard: Option<Shard>,
    view: &View<'_>,
) -> Result<(), Failure> {
    let output = view.output;
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be written: {error}", folder.display()),
        )
        .hint("with several tenants `--out` takes a folder")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    tenants::remove_no_tenants(folder, shard).map_err(failed)?;
    if results.entries.is_empty() {
        let empty = tenants::no_tenants_file(folder, shard);
        output.save(&empty, "This shard has no tenants.\n")?;
    }
    for entry in &results.entries {
        let path = tenants::plan_file(folder, &entry.tenant.name);
        match results.open(entry)?.prepared {
            Some(prepared) => {
                let record = prepared.record(false);
                let record = record.of_run(view.run(), shard.map(Shard::record));
                output.save_plan(&path, &json::plan(record))?;
            }
            None => remove_earlier(&path)?,
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
            if let Some(run) = reports.iter().find_map(|report| report.run_below(folder)) {
                output.note(&format!("reports of the run {}\n", clean(&run)));
            }
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
                if command.options.selecting.selection().is_partial() {
                    return Err(Failure::usage("saved plans are applied as they are"));
                }
                let max_age = command.max_age.unwrap_or(MAX_AGE);
                let now = jiff::Timestamp::now();
                let files = tenants::saved_plans(folder, |saved| {
                    check_age(&saved.created_at, max_age, now)?;
                    check_write_with(saved.plan.write_with, command.options.planning.write_with)
                })?;
                let given = command.options.guards.given();
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
    let input = source.input(command, output);
    if let Some(out) = out {
        forget_rolled_back(out, input.as_ref().ok())?;
    }
    let input = input?;
    let mut service = settings::service(&common.service, config)?;
    service.login.writes = true;
    let host = Process::new(output, service);
    let is_saved = matches!(source, Source::Saved(_));
    let request = requests::plan(&command.options, config, is_saved)?;
    let rules = request.rules.clone();
    let is_limit_given = command.options.guards.max_tenants.is_some();
    let saved = match &input {
        Input::Saved(files, _) => tenants::saved_guards(files, &rules),
        _ => Vec::new(),
    };
    if let (Source::Saved(folder), Input::Saved(files, _)) = (&source, &input) {
        warn_of_runs(folder, files, output);
        if !is_limit_given {
            warn_of_limit(&saved, &rules, output);
        }
    }
    let view = View {
        output,
        command: output.command(),
        origin: Origin {
            manifests: match (&source, &input) {
                (Source::Manifests(loaded, _), _) => Some(manifests_digest(
                    loaded,
                    &command.options.tenants,
                    &request,
                )?),
                (_, Input::Saved(files, _)) => tenants::saved_manifests(files),
                _ => None,
            },
            shards: match (&source, &input) {
                (Source::Saved(folder), Input::Saved(files, _)) => {
                    saved_shards(folder, files, output)?
                }
                _ => command.options.tenants.shard.into_iter().collect(),
            },
            ..settings::origin(command.options.tenants.run_id.as_ref())
        },
        // What this run accepts changes nothing about saved plans.
        allows_tenants: match saved.is_empty() {
            true => rules.accepted.contains(&GuardName::Tenants),
            false => saved.iter().all(|guard| guard.accepted),
        },
        detail: command.options.view.detail(),
    };
    if let (Source::Manifests(loaded, _), Some(shard)) = (&source, command.options.tenants.shard) {
        let whole = tenants::choose_whole(&loaded.tenants, &command.options.tenants.asked())?;
        warn_of_domains(&whole, shard, output);
    }
    let carrying = requests::carrying(command);
    let results = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let many = ManyTenants {
            direction: Direction::Plan,
            host: &host,
            request,
            since: None,
            parallel: parallel(&command.options.tenants),
            stop: &stop,
        };
        let mut results = many.reviewed(input, command.expect_digest.as_deref()).await;
        results.judge(&rules, &saved, is_limit_given);
        results.refuse("; nothing was written", |_| true);
        results.sort();
        view.tell(&results)?;
        if out.is_some() {
            return Ok(results);
        }
        let told: BTreeSet<String> = failed(&results)
            .map(|entry| entry.tenant.name.clone())
            .collect();
        let mut allowed = match &command.expect_digest {
            Some(digest) => results.check_digest(digest, command.reviewed),
            None => Ok(()),
        };
        if results.entries.is_empty() {
            return allowed.map(|()| results);
        }
        let is_planned = results.entries.iter().any(|entry| entry.brief.is_some());
        if output.format == Format::Text && is_planned {
            view.text(&results, |part| output.text(part))?;
        }
        if allowed.is_ok() && must_ask(&results, command.yes) {
            if output.format != Format::Text {
                view.text(&results, |part| {
                    output.note(part);
                    Ok(())
                })?;
            }
            allowed = ask(output, &stop).await;
        }
        if let Err(failure) = &allowed {
            output.failure(failure);
            for entry in results
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
        many.carry_out(&mut results, &carrying).await;
        if is_planned {
            let folder = match &command.report {
                Some(folder) => folder.clone(),
                None => default_folder(),
            };
            output.info(&format!(
                "reports: {}\n",
                clean(&folder.display().to_string())
            ));
        }
        if allowed.is_ok() {
            for entry in failed(&results).filter(|entry| !told.contains(&entry.tenant.name)) {
                output.note(&format!("tenant {}:\n", entry.tenant.name));
                if let Some(failure) = &entry.failure {
                    output.failure(failure);
                }
            }
        }
        Ok::<_, Failure>(results)
    })?;
    if let Some(out) = out {
        save_plans(out, &results, None, &view)?;
    }
    let exit = view.print(&results)?;
    let is_rollback = matches!(source, Source::Rollback(_));
    if is_rollback && (out.is_some() || results.entries.iter().any(|entry| entry.written)) {
        output.note(&still_in_git("what was undone"));
    }
    Ok(exit)
}

/// Removes the plans that an earlier run saved for the tenants of a rollback; all, if these are not known.
fn forget_rolled_back(out: &Path, input: Option<&Input<'_>>) -> Result<(), Failure> {
    let Some(Input::Rollback(reports)) = input else {
        return forget_plans(out, None);
    };
    for report in reports {
        remove_earlier(&tenants::plan_file(out, &report.tenant.name))?;
    }
    Ok(())
}

fn failed(results: &TenantResults) -> impl Iterator<Item = &Entry> {
    results
        .entries
        .iter()
        .filter(|entry| entry.failure.is_some())
}

/// Whether a person has to agree before anything is written.
fn must_ask(results: &TenantResults, yes: bool) -> bool {
    let mut entries = results
        .entries
        .iter()
        .filter(|entry| entry.failure.is_none());
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
    match since.exists() || command.options.ci.ci.is_some() {
        true => Ok(()),
        false => Err(
            Failure::new(Exit::Failure, format!("`{shown}` does not exist"))
                .hint("name the folder that `apply --report DIR` wrote, or leave `--since` out"),
        ),
    }
}
