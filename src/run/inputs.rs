//! The plans and reports that a run is given.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::Failure;
use crate::exit::Exit;
use crate::files::{self, LARGEST_PLAN, LARGEST_REPORT, encoding};
use crate::plan::saved::{PlanRecord, SavedPlan};
use crate::report::{self, Recorded};

/// Reads a plan file that is to be carried out.
///
/// # Errors
///
/// Says why it cannot be.
pub fn plan(path: &Path) -> Result<SavedPlan, Failure> {
    Ok(PlanRecord::read(&plan_text(path)?)?)
}

/// Reads a plan file that is to be shown, with what is wrong with it.
///
/// # Errors
///
/// Says why there is nothing to show.
pub fn plan_to_show(path: &Path) -> Result<(SavedPlan, Option<Failure>), Failure> {
    let (saved, doubt) = PlanRecord::look(&plan_text(path)?)?;
    Ok((saved, doubt.map(Failure::from)))
}

fn plan_text(path: &Path) -> Result<String, Failure> {
    files::read_text(path, LARGEST_PLAN).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be read: {error}", path.display()),
        )
    })
}

/// Reads the report of an earlier run.
///
/// # Errors
///
/// Says why it cannot be used.
pub fn report(path: &Path) -> Result<Recorded, Failure> {
    let bytes =
        files::read(path, LARGEST_REPORT).map_err(|error| unusable(path, &error.to_string()))?;
    let bytes = encoding::to_utf8(bytes).map_err(|error| unusable(path, &error.to_string()))?;
    report::read(&bytes).map_err(|error| unusable(path, &error.to_string()))
}

/// Says that a report is of no use, and why.
pub(super) fn unusable(report: &Path, reason: &str) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("`{}` cannot be used: {reason}", report.display()),
    )
    .hint("name a file that `apply --report` wrote")
}

/// Whether a path is a saved plan rather than a manifest: a file that is named or begins like
/// JSON.
#[must_use]
pub fn is_plan_file(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => File::open(path).is_ok_and(|file| {
            // Not all of it: it may be anything.
            let mut start = Vec::new();
            let is_read = file.take(4096).read_to_end(&mut start).is_ok();
            let start = encoding::to_utf8(start).unwrap_or_else(|error| error.shown.into_bytes());
            is_read && start.trim_ascii_start().starts_with(b"{")
        }),
    }
}
