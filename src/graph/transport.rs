//! The seam between the client and what carries its requests.
//!
//! A transport takes one request to the service and brings one answer back. It never retries,
//! waits or follows anything: those rules live in `client`, `pace` and `retry`, so that they hold
//! for real HTTP and for the sandbox inside the process alike.

mod http;
mod in_process;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use reqwest::header::HeaderMap;
use secrecy::SecretString;

use crate::kinds::WriteCall;
use crate::redact::Redactor;
use crate::text::Cause;

pub use http::HttpTransport;
pub use in_process::InProcessTransport;

/// The verbs that the program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or invokes an action.
    Post,
    /// Deletes.
    Delete,
}

impl Method {
    /// Returns the verb of a call that writes.
    pub(super) fn of(call: WriteCall) -> Self {
        match call {
            WriteCall::Create | WriteCall::Assign | WriteCall::Update => Self::Post,
            WriteCall::Delete => Self::Delete,
        }
    }

    /// Returns the verb as it goes over the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request as errors name it: its verb and where it goes below the version root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The verb.
    pub method: Method,
    /// The path.
    pub path: Box<str>,
}

impl RequestLine {
    /// Names a request that reads.
    pub(super) fn get(path: &str) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
        }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method.name(), self.path)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The absolute URL, to be sent as it stands.
    pub url: String,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The token; it does not print.
    pub bearer: SecretString,
    /// A JSON body.
    pub body: Option<Vec<u8>>,
}

/// An answer.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Takes a token out of an answer, which may repeat what it was sent: in an error's text or in
    /// the address of a redirect.
    ///
    /// # Errors
    ///
    /// The body of a good answer holds the token. Without it, it would say something else: a
    /// policy would have another name, and another assignment might be written back.
    pub(super) fn redact(&mut self, token: &Redactor) -> Result<(), RepeatsToken> {
        for (_, value) in &mut self.headers {
            *value = token.mask(value).into_owned();
        }
        if let Some(masked) = token.mask_bytes(&self.body) {
            if (200..300).contains(&self.status) {
                return Err(RepeatsToken);
            }
            self.body = masked;
        }
        Ok(())
    }
}

/// Returns the headers that are text.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    texts.collect()
}

/// A good answer that holds the token it was asked with.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the service's response repeats the access token")]
pub(super) struct RepeatsToken;

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TransportError {
    /// The request certainly did not reach the service.
    #[error("{0}")]
    NotSent(#[source] Cause),
    /// The request may have reached the service and may have had its effect.
    #[error("{0}")]
    Unknown(#[source] Cause),
    /// The service answered with more than is taken. The request may have had its effect, and the
    /// next answer will be no smaller.
    #[error("{0}")]
    TooLarge(String),
}

/// What a transport promises: an answer, or the reason why there is none.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// Carries one request to the service.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the whole answer.
    fn send(&self, request: Request) -> Sending<'_>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The address of a redirect was found by fuzzing: an error shows where it leads.
    #[test]
    fn a_token_that_comes_back_is_taken_out() {
        let mut response = Response {
            status: 302,
            headers: vec![("location".to_owned(), "https://x/?t=the-token".to_owned())],
            body: b"\xff the-token".to_vec(),
        };
        let redactor = |token: &str| Redactor::of("a secret", &SecretString::from(token));
        assert_eq!(response.redact(&redactor("the-token")), Ok(()));
        assert_eq!(response.header("Location"), Some("https://x/?t=[secret]"));
        assert_eq!(response.body, b"\xff [secret]");
        let untouched = b"\xff the-tok".to_vec();
        for status in [302, 200] {
            response.status = status;
            response.body.clone_from(&untouched);
            assert_eq!(response.redact(&redactor("the-token")), Ok(()));
            // What is so short is in too many texts.
            assert_eq!(response.redact(&redactor("the-tok")), Ok(()));
            assert_eq!(response.body, untouched);
        }
        response.body = b"the-token".to_vec();
        assert_eq!(response.redact(&redactor("the-token")), Err(RepeatsToken));
        assert_eq!(response.body, b"the-token");
    }
}
