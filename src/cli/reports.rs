//! Reports of earlier runs that are named on the command line.

use std::path::Path;

use super::failure::Failure;
use crate::exit::Exit;
use crate::files::{self, LARGEST_REPORT};
use crate::report::{self, Recorded};

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Recorded, Failure> {
    let bytes =
        files::read(path, LARGEST_REPORT).map_err(|error| unusable(path, &error.to_string()))?;
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
