//! What the sign-in service answers where it issues no token.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::encoding::guid_from;
use crate::reply::date;

/// Why no token is issued.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    error: &'static str,
    pub(super) number: u32,
    text: String,
}

impl Refusal {
    pub(super) fn new(
        status: u16,
        error: &'static str,
        number: u32,
        text: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error,
            number,
            text: text.into(),
        }
    }

    /// The refusal of a client that does not prove who it is.
    pub(super) fn client(number: u32, text: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", number, text)
    }

    pub(super) fn malformed(text: &str) -> Self {
        Self::client(50027, format!("JWT token is invalid or malformed{text}."))
    }

    /// Returns status and body.
    pub(super) fn answer(self, wall: SystemTime) -> (u16, Value) {
        let Self {
            status,
            error,
            number,
            text,
        } = self;
        let trace = guid_from(&text);
        let at = date(wall, "%Y-%m-%d %H:%M:%SZ");
        let description = format!(
            "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {trace} Timestamp: {at}"
        );
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": trace,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        });
        (status, body)
    }
}
