//! `show`: a saved plan, in any format. It asks nobody whether the plan still fits.

use std::path::Path;

use super::arguments::{Common, Show};
use super::failure::Failure;
use super::output::Output;
use crate::exit::Exit;
use crate::plan::saved::{PlanRecord, SavedPlan};
use crate::render::json;
use crate::render::review::{PlanView, Review};
use crate::render::text::{self, Detail};

pub(super) fn run(command: &Show, _common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.keep_inputs(&[], std::slice::from_ref(&command.plan))?;
    let SavedPlan {
        mut plan,
        summary,
        digest,
        created_at,
    } = read(&command.plan)?;
    let hidden = plan.view(command.selecting.selection());
    if hidden > 0 && plan.policies.is_empty() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            format!(
                "`--only`, `--exclude` and `--kind` leave none of the plan's {hidden} policies"
            ),
        ));
    }
    let detail = Detail {
        all: command.view.all,
        diff: command.view.diff,
        summary: command.view.summary,
    };
    output.saved_diagnostics(&plan.diagnostics);
    let findings = output.findings();
    output.tell(
        &Review {
            plan: Some(PlanView {
                plan: &plan,
                summary: &summary,
                digest: &digest,
                all: command.view.all,
                brief: command.view.summary,
            }),
            ..output.review(&findings)
        },
        || text::plan(&plan, &summary, &digest, summary.time, detail),
        || {
            json::plan(&PlanRecord {
                // A part of a plan has the digest of the whole: it is to look at, not to apply.
                digest: digest.clone(),
                ..PlanRecord::new(&plan, &summary, &created_at, true)
            })
        },
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
