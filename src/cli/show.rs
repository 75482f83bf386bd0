//! `show`: a saved plan, in any format. It asks nobody whether the plan still fits.

use std::path::Path;

use super::arguments::{Common, Show};
use super::failure::Failure;
use super::output::Output;
use crate::exit::Exit;
use crate::plan::saved::{PlanRecord, SavedPlan};
use crate::render::json;
use crate::render::text::{self, Detail};

pub(super) fn run(command: &Show, _common: &Common, output: &Output) -> Result<Exit, Failure> {
    let saved = read(&command.plan)?;
    let SavedPlan {
        plan,
        summary,
        digest,
        created_at,
    } = &saved;
    let detail = Detail {
        all: command.view.all,
        diff: command.view.diff,
        summary: command.view.summary,
    };
    output.note(&text::diagnostics(&plan.diagnostics));
    output.result(
        || text::plan(plan, summary, digest, summary.time, detail),
        || json::plan(&PlanRecord::new(plan, summary, created_at, true)),
    )?;
    Ok(Exit::Success)
}

/// Reads a plan file.
pub(super) fn read(path: &Path) -> Result<SavedPlan, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be read: {error}", path.display()),
        )
    })?;
    Ok(PlanRecord::read(&text)?)
}
