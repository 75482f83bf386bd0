//! Reads the values of options.

use std::time::Duration;

use super::settings::{self, DurationError};
use crate::render::markdown;

pub(super) fn max_bytes(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|bytes| *bytes >= markdown::SMALLEST)
        .ok_or_else(|| format!("expected a number of at least {}", markdown::SMALLEST))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    settings::parse_duration(text).map_err(|error| match error {
        DurationError::NotADuration => "expected a duration like `90m`, `36h` or `7d`".to_owned(),
        DurationError::TooLong => format!("it is {error}"),
    })
}

pub(super) fn digest(text: &str) -> Result<String, String> {
    if text.starts_with("sha256:") {
        Ok(text.to_owned())
    } else {
        Err("expected `sha256:` and what follows it in the plan".to_owned())
    }
}
