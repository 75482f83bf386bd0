//! `rollback`: undoes what a report says that its run did, then as `apply`.

use std::path::Path;

use super::apply::Session;
use super::arguments::{Apply, PlanOptions, Rollback};
use super::confirm::still_in_git;
use super::options::Common;
use super::output::{Output, remove_earlier};
use super::tenants::{forget_plans, runs};
use super::{apply, requests, settings, until_stopped};
use crate::exit::Exit;
use crate::render::review::{Detail, Next};
use crate::run::earlier_run::EarlierRun;
use crate::run::one_tenant::{OneTenant, PlanSource, judge_saved};
use crate::run::{Failure, inputs, tenants};

pub(super) fn run(command: &Rollback, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Rollback {
        of,
        out,
        yes,
        report,
        fail_fast,
        justification,
        wait_for_approval,
        selecting,
        view,
        planning,
        guards,
    } = command.clone();
    let as_apply = Apply {
        yes,
        report,
        fail_fast,
        justification,
        wait_for_approval,
        options: PlanOptions {
            selecting,
            view,
            planning,
            guards,
            ..PlanOptions::default()
        },
        ..Apply::default()
    };
    match &out {
        Some(out) if of.is_dir() => {
            let config = settings::configuration(common)?;
            let mut read = settings::inputs(&[], common, Some(&config));
            read.push(of.clone());
            output.keep_apart("--out", Some(out))?;
            output.keep_inputs(&[], &read)?;
            let source = (runs::Source::Rollback(&of), Some(out.as_path()));
            runs::apply(&as_apply, common, &config, source, output)
        }
        Some(out) => save(&as_apply, (&of, out), common, output),
        None => apply::run_or_roll_back(&as_apply, Some(&of), common, output),
    }
}

/// Saves the plan of a rollback, for review. Nothing is written to the service.
fn save(
    command: &Apply,
    (of, out): (&Path, &Path),
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let mut read = settings::inputs(&[], common, Some(&config));
    read.push(of.to_owned());
    output.keep_inputs(&[("--out", Some(out))], &read)?;
    remove_earlier(out)?;
    // A folder of reports that is not there.
    forget_plans(out, None)?;
    let recorded = inputs::report(of)?;
    let service = settings::service(&common.service, &config)?;
    let request = requests::plan(&command.options, &config, false)?;
    let tenant = tenants::recorded_tenant(of, &recorded)?;
    let input = until_stopped(output, async |stop| {
        let session = Session { command, output };
        let one = OneTenant::new(&session, (service, request), tenant.as_ref(), stop)?;
        let source = PlanSource::Earlier(EarlierRun::Rollback(recorded.into()));
        one.plan(source).await
    })?;
    let prepared = &input.plan;
    let file = out.display().to_string();
    let detail = Detail {
        next: Some(Next::Apply(&file)),
        ..command.options.view.detail()
    };
    output.print_plan(prepared, Some(out), detail)?;
    if prepared.plan.changed().next().is_some() {
        output.note(&still_in_git("what the plan undoes"));
    }
    judge_saved(&input)
}
