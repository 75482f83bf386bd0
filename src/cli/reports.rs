//! Reports of earlier runs that are named on the command line.

use std::path::Path;

use super::failure::Failure;
use crate::apply::recorded::{self, Recorded};
use crate::exit::Exit;
use crate::files::{self, LARGEST_RESULT};

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Recorded, Failure> {
    let bytes =
        files::read(path, LARGEST_RESULT).map_err(|error| unusable(path, &error.to_string()))?;
    recorded::read(&bytes).map_err(|error| unusable(path, &error.to_string()))
}

/// Says that a report is of no use, and why.
pub(super) fn unusable(report: &Path, reason: &str) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("`{}` cannot be used: {reason}", report.display()),
    )
    .hint("name a file that `apply --report` wrote")
}

/// Refuses a report of another tenant than the one that the sign-in is for.
pub(super) fn check_tenant(recorded: Option<&str>, signed_in: Option<&str>) -> Result<(), Failure> {
    if recorded == signed_in {
        return Ok(());
    }
    let name = |tenant: Option<&str>| tenant.unwrap_or("unknown").to_owned();
    Err(Failure::new(
        Exit::Failure,
        format!(
            "the report is of tenant {}, but the sign-in is for tenant {}",
            name(recorded),
            name(signed_in)
        ),
    ))
}
