//! `tenants merge`: the results of several machines, printed as if one had done all of it.

use super::super::arguments::TenantsMerge;
use super::super::options::Common;
use super::super::output::Output;
use super::super::settings;
use super::printed::View;
use crate::exit::Exit;
use crate::render::text::Detail;
use crate::run::Failure;
use crate::run::tenants::{self, Expected, MAX_RESULT_AGE};

pub(super) fn run(
    command: &TenantsMerge,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let mut inputs = settings::inputs(&[], common, Some(&config));
    inputs.extend(tenants::results_in(&command.folder)?);
    output.keep_inputs(&[], &inputs)?;
    let expected = Expected {
        run_id: command.run_id.clone(),
        max_age: command.max_age.unwrap_or(MAX_RESULT_AGE),
    };
    let merged = tenants::merge(&command.folder, &expected, Output::drawn_saved)?;
    let view = View {
        output,
        command: merged.command,
        origin: merged.origin,
        allows_tenants: false,
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
