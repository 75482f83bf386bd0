//! `tenants`: what manifests say for single tenants.

mod check;
mod host;
mod merge;
mod printed;
pub(in crate::cli) mod runs;

use super::arguments::{TenantsCommand, TenantsShow};
use super::options::Common;
use super::output::Output;
use super::settings;
use crate::exit::Exit;
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

fn show(command: &TenantsShow, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let paths = settings::manifests(&command.paths, &config)?;
    let merged = tenants::merged(&paths, config.path.as_deref(), &command.name)?;
    output.diagnostics(&merged.diagnostics, &merged.sources);
    output.own(&merged.text)?;
    Ok(Exit::Success)
}
