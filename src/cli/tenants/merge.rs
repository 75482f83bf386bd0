//! `tenants merge`: the results of several machines, printed as if one had done all of it.

use std::path::Path;

use super::super::arguments::TenantsMerge;
use super::super::options::Common;
use super::super::output::Output;
use super::super::settings;
use super::printed::View;
use crate::exit::Exit;
use crate::plan::PlanDiagnostic;
use crate::render::review::Detail;
use crate::run::Failure;
use crate::run::tenants::{self, Audience as _, Expected, MAX_RESULT_AGE, Origin, UNNAMED_SPREAD};

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
        max_spread: command.max_age.unwrap_or(UNNAMED_SPREAD),
    };
    let tell = |found: &[PlanDiagnostic]| output.saved_diagnostics(found);
    let merged = tenants::merge(&command.folder, &expected, Output::drawn_saved, tell)?;
    if merged.is_unnamed {
        warn_of_names(&command.folder, output);
    }
    let view = View {
        output,
        command: merged.command,
        origin: Origin {
            run: merged.run,
            ..Origin::default()
        },
        detail: Detail {
            direction: merged.results.direction,
            ..command.view.detail()
        },
    };
    view.found(&merged.results)?;
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

/// Warns that a result which an earlier run has left could be among those that are joined.
fn warn_of_names(folder: &Path, output: &Output) {
    let message = format!(
        "the runs of the results in `{}` have no name: one that an earlier run has left, of the same manifests and options, cannot be recognised",
        folder.display()
    );
    let hint = "name the run with the same `--run-id TEXT` for all shards";
    output.warn("unnamed-run", message, hint);
}
