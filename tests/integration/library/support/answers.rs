//! Answers that no healthy service gives, and the shapes of those it gives when it is not.

use assignctl::graph::transport::Response;
use serde_json::{Value, json};

pub(crate) fn plain(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.into(),
    }
}

pub(crate) fn json_of(status: u16, body: &Value) -> Response {
    plain(status, body.to_string())
}

/// A Graph error without any hint of when to come back.
pub(crate) fn error(status: u16, code: &str) -> Response {
    json_of(
        status,
        &json!({"error": {"code": code, "message": format!("{code} it is.")}}),
    )
}

pub(crate) fn with_header(mut response: Response, name: &str, value: &str) -> Response {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

/// A refusal that says when to come back.
pub(crate) fn later(status: u16, retry_after: &str) -> Response {
    with_header(error(status, "TooManyRequests"), "retry-after", retry_after)
}

pub(crate) fn html(status: u16) -> Response {
    plain(status, "<!DOCTYPE html><html><body>Sign in</body></html>")
}

/// Changes the JSON of an answer.
pub(crate) fn edit(response: &mut Response, change: impl FnOnce(&mut Value)) {
    let mut body: Value = serde_json::from_slice(&response.body).expect("a JSON answer");
    change(&mut body);
    response.body = body.to_string().into_bytes();
}

/// Takes the second half of an answer away.
pub(crate) fn cut(response: &mut Response) {
    response.body.truncate(response.body.len() / 2);
}
