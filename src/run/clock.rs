//! The current time in the format of plan files.

/// Returns the time as plans carry it: UTC, whole seconds.
#[must_use]
pub fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}
