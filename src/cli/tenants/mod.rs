//! `tenants`: what manifests say for single tenants.

mod check;
pub(in crate::cli) mod host;
mod merge;
mod printed;
pub(in crate::cli) mod runs;
mod warnings;

use std::path::Path;

use super::arguments::{TenantsCommand, TenantsShow};
use super::options::Common;
use super::output::{Output, remove_earlier};
use super::settings;
use crate::exit::Exit;
use crate::run::tenants::Shard;
use crate::run::{Failure, tenants};

pub(super) fn run(
    command: &TenantsCommand,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        TenantsCommand::Show(show) => self::show(show, common, output),
        TenantsCommand::Check(check) => check::run(check, common, output),
        TenantsCommand::Merge(merge) => merge::run(merge, common, output),
    }
}

/// Removes the plans in a folder that a run would have replaced, which ended before it knew its tenants: `apply`
/// must not take them for those of that run.
pub(super) fn forget_plans(folder: &Path, shard: Option<Shard>) -> Result<(), Failure> {
    for path in tenants::replaced_plans(folder, shard) {
        remove_earlier(&path)?;
    }
    match folder.is_dir() {
        true => tenants::remove_no_tenants(folder, shard)
            .map_err(|error| Failure::unwritten(folder, &error)),
        false => Ok(()),
    }
}

fn show(command: &TenantsShow, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let paths = settings::manifests(&command.paths, &config)?;
    let merged = tenants::merged(&paths, config.path.as_deref(), &command.name)?;
    output.diagnostics(&merged.diagnostics, &merged.sources);
    output.own(&merged.text)?;
    Ok(Exit::Success)
}
