//! `plan` and `drift`: read, compare, show.

use std::path::{Path, PathBuf};

use super::arguments::Plan;
use super::config::Config;
use super::options::Common;
use super::output::{Output, remove_earlier};
use super::tenants::{forget_plans, runs};
use super::{requests, settings, with_client};
use crate::exit::Exit;
use crate::manifest::{Loaded, Tenant};
use crate::plan::since::Baseline;
use crate::render::clean::clean;
use crate::render::review::{Detail, Direction, Next};
use crate::run::Failure;
use crate::run::plan::{self, PreparedPlan};
use crate::run::tenants;

pub(super) fn run(command: &Plan, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let mut inputs = settings::inputs(&command.paths, common, Some(&config));
    inputs.extend(command.since.clone());
    output.keep_apart("--out", command.out.as_deref())?;
    output.keep_inputs(&[("--out", command.out.as_deref())], &inputs)?;
    if let Some(out) = &command.out {
        remove_earlier(out)?;
    }
    let (loaded, chosen) = match read(command, &config) {
        Ok(read) => read,
        Err(failure) => {
            if let Some(out) = &command.out {
                forget_plans(out, command.options.tenants.shard)?;
            }
            return Err(failure);
        }
    };
    if let Some(chosen) = chosen {
        return runs::plan(command, common, &config, (&loaded, &chosen), output);
    }
    let baseline = match &command.since {
        Some(since) => baseline(since, command.options.ci.ci.is_some(), output)?,
        None => None,
    };
    let service = settings::service(&common.service, &config)?;
    let mut request = requests::plan_or_drift(command, &config, command.since.as_deref())?;
    if let Some((_, baseline)) = &baseline {
        request.new_since = Some(baseline.seen.clone());
    }
    let (plan, mut annotations) = with_client(&service, output, async |client, stop| {
        let mask = |text: &str| output.without_secrets_in(text).into_owned();
        let (plan, annotations, found) = plan::plan(&loaded, client, &request, mask, stop).await?;
        output.diagnostics(&found, &loaded.sources);
        Ok::<_, Failure>((plan, annotations))
    })?;
    if let Some((report, baseline)) = &baseline {
        let audit = annotations.audit.as_ref();
        annotations.since = Some(plan::explain(&plan, report, baseline, audit)?);
    }
    print(
        command,
        &PreparedPlan::new(plan, annotations, &service),
        output,
    )
}

/// Reads the manifests, and finds out which of their tenants are meant.
fn read(command: &Plan, config: &Config) -> Result<(Loaded, Option<Vec<Tenant>>), Failure> {
    let paths = settings::manifests(&command.paths, config)?;
    let loaded = plan::load_any(&paths, config.path.as_deref())?;
    let chosen = tenants::choose(&loaded.tenants, &command.options.tenants.asked())?;
    Ok((loaded, chosen))
}

/// Reads what to compare with. The first pipeline of a repository has not even the folder.
fn baseline(
    since: &Path,
    in_pipeline: bool,
    output: &Output,
) -> Result<Option<(PathBuf, Baseline)>, Failure> {
    let baseline = plan::newest_baseline(since, in_pipeline)?;
    if baseline.is_none() {
        output.note(&format!(
            "`{}` has no report of an apply that was carried out; everything that differs counts as drift\n",
            clean(&since.display().to_string())
        ));
    }
    Ok(baseline)
}

fn print(command: &Plan, prepared: &PreparedPlan, output: &Output) -> Result<Exit, Failure> {
    let file = command.out.as_ref().map(|path| path.display().to_string());
    let detail = Detail {
        direction: if command.is_drift {
            Direction::Drift
        } else {
            Direction::Plan
        },
        next: match &file {
            _ if command.is_drift => None,
            Some(file) => Some(Next::Apply(file)),
            None => Some(Next::Save),
        },
        ..command.options.view.detail()
    };
    output.print_plan(prepared, command.out.as_deref(), detail)?;
    let mut exits = Vec::new();
    // `drift` writes nothing, so that only a wrong tenant stops it.
    let refusing = prepared.plan.refusing();
    let refusing = refusing.filter(|guard| !command.is_drift || !guard.name.can_be_accepted());
    if let Some(refused) = Failure::refused(refusing, "") {
        output.failure(&refused);
        exits.push(refused.exit);
    }
    if command.detailed_exitcode && !prepared.plan.is_empty() {
        exits.push(Exit::ChangesPending);
    }
    Ok(Exit::most_severe(exits))
}
