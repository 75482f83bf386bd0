//! `approvals`: the requests for a second administrator's approval; `approvals cancel` withdraws a run's.
//! With several tenants each has its own sign-in, and what goes wrong in one stops no other.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;

use super::arguments::{Approvals, ApprovalsCommand};
use super::config::Config;
use super::confirm::{APPROVALS, ask};
use super::options::Common;
use super::output::Output;
use super::{client, settings, until_stopped};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::Tenant;
use crate::render::approvals::{self as render, Listed, Shown};
use crate::report::Withdrawn;
use crate::run::approvals::{RequestFilter, cancel, list};
use crate::run::reviewed::check_sign_in;
use crate::run::{Failure, inputs, plan, tenants};

/// How many tenants are asked in parallel.
const PARALLEL: usize = 4;

/// What is asked of a tenant, and the tenant if it is one that manifests name.
type Job = (Option<Tenant>, RequestFilter);

/// What came of it.
struct Done {
    tenant: Option<Tenant>,
    client: Option<Arc<Client>>,
    listed: Listed,
    failure: Option<Failure>,
    withdrawn: Vec<Withdrawn>,
}

pub(super) fn run(command: &Approvals, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.no_annotations(
        "the result of `approvals` has no places to annotate",
        "`--format` is text, json or markdown here",
    )?;
    let config = settings::configuration(common)?;
    let mut read = settings::inputs(&[], common, Some(&config));
    let withdraws = command.command.as_ref();
    match withdraws {
        Some(ApprovalsCommand::Cancel(cancel)) => read.push(cancel.report.clone()),
        None => read.extend(command.paths.iter().cloned()),
    }
    output.keep_inputs(&[], &read)?;
    let (jobs, many) = match withdraws {
        Some(ApprovalsCommand::Cancel(cancel)) => of_reports(&cancel.report, output)?,
        None => jobs(command, &config, output)?,
    };
    let yes = withdraws.map(|ApprovalsCommand::Cancel(cancel)| cancel.yes);
    let mut done = work(jobs, yes, common, &config, output)?;
    done.sort_by(|one, other| {
        let name = |done: &Done| done.tenant.as_ref().map(|tenant| tenant.name.clone());
        name(one).cmp(&name(other))
    });
    let exits = done.iter().map(|done| exit(done, yes.is_some()));
    let exits: Vec<Exit> = exits.collect();
    if let ([one], false) = (done.as_mut_slice(), many)
        && let Some(failure) = one.failure.take()
    {
        return Err(failure);
    }
    for done in &done {
        if let (Some(tenant), Some(failure)) = (&done.tenant, &done.failure) {
            output.note(&format!("tenant {}:\n", tenant.name));
            output.failure(failure);
        }
    }
    let shown: Vec<Shown<'_>> = done
        .iter()
        .zip(&exits)
        .map(|(done, exit)| shown(done, *exit, yes.is_some()))
        .collect();
    let exit = Exit::most_severe(exits.iter().copied());
    output.print_report(
        || render::text(&shown),
        |most_bytes| render::markdown(&shown, most_bytes),
        &render::json(&shown, many.then_some(exit.code())),
    )?;
    Ok(exit)
}

fn shown(done: &Done, exit: Exit, withdraws: bool) -> Shown<'_> {
    let tenant = done.tenant.as_ref();
    Shown {
        tenant: tenant.map(|tenant| (&*tenant.name, &*tenant.tenant_id)),
        exit_code: exit.code(),
        error: done.failure.as_ref().map(|failure| &*failure.message),
        listed: &done.listed,
        withdrawn: withdraws.then_some(&done.withdrawn),
    }
}

/// Finds out what is asked for, and whether the answer is for several tenants.
fn jobs(
    command: &Approvals,
    config: &Config,
    output: &Output,
) -> Result<(Vec<Job>, bool), Failure> {
    let paths = &command.paths;
    match paths.as_slice() {
        [] if !command.tenants.are_asked() => {
            return Ok((vec![(None, RequestFilter::All)], false));
        }
        [report] if inputs::is_report(report) || tenants::holds_reports(report) => {
            return of_reports(report, output);
        }
        _ => {}
    }
    if paths.iter().any(|path| inputs::is_report(path)) {
        return Err(
            Failure::usage("a report must be the only path").hint("name one report, or manifests")
        );
    }
    let paths = settings::manifests(paths, config)?;
    let loaded = plan::load_any(&paths, config.path.as_deref())?;
    output.diagnostics(&loaded.diagnostics, &loaded.sources);
    let Some(chosen) = tenants::choose(&loaded.tenants, &command.tenants.asked())? else {
        let job = (None, RequestFilter::Managed(Box::new(loaded)));
        return Ok((vec![job], false));
    };
    let jobs = chosen.into_iter().filter_map(|tenant| {
        let own = loaded.of_tenant(&tenant.name)?;
        Some((Some(tenant), RequestFilter::Managed(Box::new(own))))
    });
    Ok((jobs.collect(), true))
}

/// Takes a report, or those of tenants in a folder.
fn of_reports(path: &Path, output: &Output) -> Result<(Vec<Job>, bool), Failure> {
    if !path.is_dir() {
        let recorded = inputs::report(path)?;
        let tenant = tenants::recorded_tenant(path, &recorded)?;
        let job = (tenant, RequestFilter::Filed(Box::new(recorded)));
        return Ok((vec![job], false));
    }
    let (reports, without) = tenants::reports(path)?;
    for name in without {
        output.info(&format!(
            "tenant {name}: its run ended before it had a plan\n"
        ));
    }
    let jobs = reports.into_iter().map(|file| {
        let recorded = Box::new(file.report()?);
        Ok((Some(file.tenant), RequestFilter::Filed(recorded)))
    });
    Ok((jobs.collect::<Result<_, Failure>>()?, true))
}

/// Lists what is asked for, and withdraws it if `yes` is said, or after having asked.
fn work(
    jobs: Vec<Job>,
    yes: Option<bool>,
    common: &Common,
    config: &Config,
    output: &Output,
) -> Result<Vec<Done>, Failure> {
    let service = settings::service(&common.service, config)?;
    let is_one = jobs.len() == 1;
    until_stopped(output, async |stop| {
        let service = &service;
        let listing = jobs.into_iter().map(|(tenant, which)| async move {
            let listed = async {
                let service = match &tenant {
                    Some(tenant) if is_one => tenants::service_of_one(service, tenant)?,
                    Some(tenant) => tenants::service_of(service, tenant)?,
                    None => service.clone(),
                };
                let client = client(&service, output, stop)?;
                check_sign_in(&client, config.tenant_id.as_deref(), stop).await?;
                let listed = list(&client, which, jiff::Timestamp::now(), stop).await?;
                Ok((client, listed))
            };
            let (listed, failure) = match listed.await {
                Ok((client, listed)) => (Some((client, listed)), None),
                Err(failure) => (None, Some(failure)),
            };
            let (client, listed) = listed.unzip();
            Done {
                tenant,
                client,
                listed: listed.unwrap_or_default(),
                failure,
                withdrawn: Vec::new(),
            }
        });
        let listing = futures::stream::iter(listing).buffer_unordered(PARALLEL);
        let mut all: Vec<Done> = listing.collect().await;
        let Some(yes) = yes else {
            return Ok(all);
        };
        if all.iter().any(|done| !done.listed.open.is_empty()) && !yes {
            let all: Vec<Shown<'_>> = all
                .iter()
                .map(|done| shown(done, Exit::Success, false))
                .collect();
            output.note(&render::text(&all));
            ask(output, stop, APPROVALS).await?;
        }
        for done in &mut all {
            if let Some(client) = &done.client {
                done.withdrawn = cancel(&done.listed.open, client, stop).await?;
            }
        }
        Ok(all)
    })
}

fn exit(done: &Done, withdraws: bool) -> Exit {
    if let Some(failure) = &done.failure {
        return failure.exit;
    }
    let withdrawn = &done.withdrawn;
    let has_failed = |one: &Withdrawn| matches!(one, Withdrawn::Failed(_));
    let is_refused = |one: &Withdrawn| matches!(one, Withdrawn::Failed(why) if why.is_refusal);
    if !withdrawn.iter().any(has_failed) {
        return match withdraws && done.listed.has_unknown() {
            true => Exit::Partial,
            false => Exit::Success,
        };
    }
    match withdrawn.iter().all(is_refused) {
        true => Exit::Refused,
        false => Exit::Partial,
    }
}
