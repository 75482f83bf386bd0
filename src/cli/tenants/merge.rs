//! `tenants merge`: the results of several machines, printed as if one had done all of it.

use super::super::arguments::TenantsMerge;
use super::super::options::Common;
use super::super::output::Output;
use super::super::settings;
use super::printed::View;
use crate::exit::Exit;
use crate::render::text::Detail;
use crate::run::Failure;
use crate::run::tenants;

pub(super) fn run(
    command: &TenantsMerge,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let inputs = settings::inputs(std::slice::from_ref(&command.folder), common, Some(&config));
    output.keep_inputs(&[], &inputs)?;
    let merged = tenants::merge(&command.folder, Output::drawn_saved)?;
    let view = View {
        output,
        command: merged.command,
        shard: None,
        detail: Detail {
            direction: merged.results.direction,
            ..command.view.detail()
        },
    };
    view.tell(&merged.results)?;
    let exit = view.print(&merged.results)?;
    let Some(digest) = &command.expect_digest else {
        return Ok(exit);
    };
    let checked = merged.results.check_digest(digest, true);
    checked.map(|()| exit).map_err(|failure| Failure {
        exit: Exit::most_severe([exit, failure.exit]),
        ..failure
    })
}
