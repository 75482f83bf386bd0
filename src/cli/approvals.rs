//! `approvals`: the requests for a second administrator's approval; `approvals cancel` withdraws a run's.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::arguments::{Approvals, ApprovalsCancel, ApprovalsCommand};
use super::config::Config;
use super::confirm::{APPROVALS, ask_for};
use super::options::{Common, Format};
use super::output::Output;
use super::{interrupt, runtime, settings};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::render::approvals as render;
use crate::report::Withdrawn;
use crate::run::approvals::{Listed, Which, cancel, list};
use crate::run::connect::connect;
use crate::run::{Failure, inputs, plan};

pub(super) fn run(command: &Approvals, common: &Common, output: &Output) -> Result<Exit, Failure> {
    if output.format == Format::Github {
        return Err(
            Failure::usage("the result of `approvals` has no places to annotate")
                .hint("`--format` is text, json or markdown here"),
        );
    }
    let config = settings::configuration(common)?;
    match &command.command {
        Some(ApprovalsCommand::Cancel(command)) => withdraw(command, common, &config, output),
        None => show(command, common, &config, output),
    }
}

fn show(
    command: &Approvals,
    common: &Common,
    config: &Config,
    output: &Output,
) -> Result<Exit, Failure> {
    let paths = &command.paths;
    let mut read = settings::inputs(&[], common, Some(config));
    read.extend(paths.iter().cloned());
    output.keep_inputs(&[], &read)?;
    let loaded;
    let which = match paths.as_slice() {
        [] => Which::All,
        [report] if inputs::is_report(report) => Which::Filed(Box::new(inputs::report(report)?)),
        paths => {
            if paths.iter().any(|path| inputs::is_report(path)) {
                return Err(Failure::usage("a report stands alone, without other paths")
                    .hint("name one report, or manifests"));
            }
            loaded = plan::load(paths, config.path.as_deref())?;
            output.diagnostics(&loaded.diagnostics, &loaded.sources);
            Which::Managed(&loaded)
        }
    };
    let Listed { open, closed } = connected(common, config, output, async |client, stop| {
        list(&client, which, &stop).await
    })?;
    output.print_report(
        || render::text(&open, &closed),
        |most_bytes| render::markdown(&open, &closed, most_bytes),
        &render::json(&open, &closed),
    )?;
    Ok(Exit::Success)
}

/// Withdraws what a run has filed and this sign-in may withdraw.
fn withdraw(
    command: &ApprovalsCancel,
    common: &Common,
    config: &Config,
    output: &Output,
) -> Result<Exit, Failure> {
    let report: &Path = &command.report;
    let mut read = settings::inputs(&[], common, Some(config));
    read.push(report.to_owned());
    output.keep_inputs(&[], &read)?;
    let recorded = inputs::report(report)?;
    let outcomes = connected(common, config, output, async |client, stop| {
        let Listed { open, closed } =
            list(&client, Which::Filed(Box::new(recorded)), &stop).await?;
        if !open.is_empty() && !command.yes {
            output.note(&render::text(&open, &closed));
            ask_for(output, &stop, APPROVALS).await?;
        }
        let withdrawn = cancel(open, &client, &stop).await?.into_iter();
        let closed = closed.into_iter().map(|entry| {
            let outcome = Withdrawn::Closed(entry.status);
            (entry, outcome)
        });
        Ok(withdrawn.chain(closed).collect::<Vec<_>>())
    })?;
    output.print_report(
        || match outcomes.is_empty() {
            true => "The run of this report has filed no request for approval.\n".to_owned(),
            false => render::withdrawn_text(&outcomes),
        },
        |most_bytes| render::withdrawn_markdown(&outcomes, most_bytes),
        &render::withdrawn_json(&outcomes),
    )?;
    let failed = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Withdrawn::Failed(reason) => Some(reason),
        Withdrawn::Done | Withdrawn::Closed(_) => None,
    });
    let failed: Vec<_> = failed.collect();
    let is_refusal = failed.iter().all(|reason| reason.is_refusal);
    Ok(match failed.len() {
        0 => Exit::Success,
        number if number == outcomes.len() && is_refusal => Exit::Refused,
        _ => Exit::Partial,
    })
}

/// Does some work with a client.
fn connected<T>(
    common: &Common,
    config: &Config,
    output: &Output,
    work: impl AsyncFnOnce(Arc<Client>, CancellationToken) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let service = settings::service(&common.service, config)?;
    runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let environment = settings::environment(&output.redactor);
        let client = connect(&service, &environment, output.observer(), &stop)?;
        work(client, stop).await
    })
}
