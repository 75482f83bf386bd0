//! `plan`, `drift`, `apply` and `rollback` for the tenants that manifests, saved plans or reports name.

use std::path::Path;

use super::super::arguments::{Apply, Plan};
use super::super::config::Config;
use super::super::confirm::still_in_git;
use super::super::options::{Common, Tenants};
use super::super::output::{Output, remove_earlier};
use super::super::{requests, settings, until_stopped};
use super::forget_plans;
use super::host::Process;
use super::printed::View;
use super::warnings::{saved_shards, warn_of_domains, warn_of_limit, warn_of_others, warn_of_runs};
use crate::exit::Exit;
use crate::manifest::{Loaded, Tenant};
use crate::plan::saved::RunRecord;
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::render::review::{Detail, Direction};
use crate::run::Failure;
use crate::run::plan::PlanRequest;
use crate::run::reviewed::{MAX_AGE, check_age, check_write_with};
use crate::run::tenants::{self, Audience as _, Input, ManyTenants, Origin, Shard, TenantResults};

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
    let options = &command.options.tenants;
    let input = Input::Manifests(loaded, chosen.to_vec());
    let manifests = digest(loaded, options, &request)?;
    let view = View {
        output,
        command: output.command(),
        origin: origin(
            options,
            input.accepts_tenants(&request.rules),
            Some(manifests),
        ),
        detail: Detail {
            direction: match command.is_drift {
                true => Direction::Drift,
                false => Direction::Plan,
            },
            ..command.options.view.detail()
        },
    };
    let mut results = until_stopped(output, async |stop| {
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        let many = ManyTenants {
            direction: view.detail.direction,
            host: &host,
            request,
            since: command.since.as_deref(),
            parallel: parallel(options),
            stop,
        };
        Ok(many.judged(input, None, "").await)
    })?;
    if command.detailed_exitcode {
        results.distinguish_changes();
    }
    view.found(&results)?;
    if let Some(folder) = &command.out {
        save_plans(folder, &results, options.shard, &view)?;
        if options.shard.is_none() {
            warn_of_others(folder, &results, output);
        }
    }
    view.print(&results)
}

/// Says of which run the results are.
fn origin(options: &Tenants, accepts_tenants: bool, manifests: Option<String>) -> Origin {
    let Origin { run, .. } = settings::origin(options.run_id.as_ref());
    Origin {
        run: RunRecord {
            manifests,
            allow: tenants::allowed(accepts_tenants),
            ..run
        },
        shards: options.shard.into_iter().collect(),
    }
}

/// Computes the digest of manifests, and of what is asked for on all machines together.
fn digest(loaded: &Loaded, options: &Tenants, request: &PlanRequest) -> Result<String, Failure> {
    let whole = tenants::choose_whole(&loaded.tenants, &options.asked())?;
    Ok(tenants::manifests_digest(loaded, &whole, request))
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
        Failure::other(format!("`{}` cannot be written: {error}", folder.display()))
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
                let run = view.origin.run.clone();
                let record = record.of_run(run, shard.map(Shard::record));
                output.save_plan(&path, &Json::new(record))?;
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

    /// Says of which run the results are, and warns of what may not be meant.
    fn origin(
        &self,
        input: &Input<'_>,
        request: &PlanRequest,
        options: &Tenants,
        output: &Output,
    ) -> Result<Origin, Failure> {
        let accepts_tenants = input.accepts_tenants(&request.rules);
        let origin = |manifests| origin(options, accepts_tenants, manifests);
        match (self, input) {
            (Self::Saved(folder), Input::Saved(files, given)) => {
                warn_of_runs(folder, files, output);
                if !given.tenants {
                    warn_of_limit(input, &request.rules, output);
                }
                Ok(Origin {
                    shards: saved_shards(folder, files, output)?,
                    ..origin(tenants::saved_manifests(files))
                })
            }
            (Self::Manifests(loaded, _), _) => {
                if let Some(shard) = options.shard {
                    let whole = tenants::choose_whole(&loaded.tenants, &options.asked())?;
                    warn_of_domains(&whole, shard, output);
                }
                Ok(origin(Some(digest(loaded, options, request)?)))
            }
            _ => Ok(origin(None)),
        }
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
    let view = View {
        output,
        command: output.command(),
        origin: source.origin(&input, &request, &command.options.tenants, output)?,
        detail: command.options.view.detail(),
    };
    let options = requests::apply_options(command);
    let results = until_stopped(output, async |stop| {
        let many = ManyTenants {
            direction: Direction::Plan,
            host: &host,
            request,
            since: None,
            parallel: parallel(&command.options.tenants),
            stop,
        };
        if out.is_none() {
            return many.apply(input, &options, &view).await;
        }
        let results = many.judged(input, None, "; nothing was written").await;
        view.found(&results)?;
        Ok(results)
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
        false => Err(Failure::other(format!("`{shown}` does not exist"))
            .hint("name the folder that `apply --report DIR` wrote, or leave `--since` out")),
    }
}
