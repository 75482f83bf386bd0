//! Answers before they become bytes, and error bodies in the forms in which the service sends
//! them (facts, section 2.5).

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::shown::Json;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// The body, as JSON.
    pub(super) body: Option<String>,
}

impl Reply {
    /// An answer with a body.
    pub(super) fn json(status: u16, body: &impl Json) -> Self {
        let mut text = String::new();
        body.write(&mut text);
        Self {
            status,
            headers: Vec::new(),
            body: Some(text),
        }
    }

    /// The answer to a delete.
    pub(super) fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: None,
        }
    }
}

/// What identifies a request in its answer.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) request_id: String,
    pub(super) client_request_id: String,
    pub(super) wall: SystemTime,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Whether the message is wrapped in JSON, as the Intune services do.
    pub(super) wrapped: bool,
    pub(super) headers: Vec<(String, String)>,
}

impl Fault {
    /// A refusal by Graph itself, or by the directory.
    pub(super) fn plain(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            wrapped: false,
            headers: Vec::new(),
        }
    }

    /// A refusal by an Intune service.
    pub(super) fn wrapped(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            wrapped: true,
            ..Self::plain(status, code, message)
        }
    }

    /// A 400 by Graph itself.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(400, "BadRequest", message)
    }

    /// A 400 by an Intune service.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::wrapped(400, "BadRequest", message)
    }

    /// The refusal of a path that Graph does not know.
    pub(super) fn no_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// The refusal of a verb or path for which the Intune service has no route
    /// (microsoft-graph-docs#4983, microsoft-graph-docs-contrib#4017).
    pub(super) fn no_route(template: &str, verb: &str, path: &str) -> Self {
        Self::plain(
            400,
            "No method match route template",
            format!(
                "No OData route exists that match template ~/singleton/{template} with http verb \
                 {verb} for request /DeviceConfigV2/DCV2GraphService/{path}."
            ),
        )
    }

    /// The refusal of an entity that Intune does not have (Microsoft365DSC#3812).
    pub(super) fn not_found() -> Self {
        Self::wrapped(404, "ResourceNotFound", "An error has occurred")
    }

    /// Adds a header.
    #[must_use]
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Makes the answer; `place` is the path below the version, without the query.
    pub(super) fn reply(self, identity: &Identity, place: &str) -> Reply {
        let message = if self.wrapped {
            wrap(&self.message, self.code, &identity.request_id, place)
        } else {
            self.message
        };
        Reply {
            headers: self.headers,
            ..Reply::json(
                self.status,
                &json!({"error": {
                    "code": self.code,
                    "message": message,
                    "innerError": {
                        "date": date(identity.wall, "%Y-%m-%dT%H:%M:%S"),
                        "request-id": identity.request_id,
                        "client-request-id": identity.client_request_id,
                    },
                }}),
            )
        }
    }
}

/// Returns a text that holds JSON, with CRLF and two spaces, like the Intune services
/// (Kvikku/IntuneAssignments#16).
fn wrap(text: &str, code: &str, activity: &str, place: &str) -> String {
    let message = format!(
        "{text} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - \
         Activity ID: {activity} - Url: https://fef.sandbox.manage.microsoft.com/DeviceConfigV2/\
         DCV2GraphService/{place}?api-version=5024-12-01"
    );
    let phrase = if code == "ResourceNotFound" { code } else { "" };
    format!(
        "{{\r\n  \"_version\": 3,\r\n  \"Message\": {},\r\n  \"CustomApiErrorPhrase\": \"{phrase}\",\
         \r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \
         \"{{}}\"\r\n}}",
        Value::String(message)
    )
}

/// Formats an instant in UTC; the epoch where the clock is out of range.
pub(super) fn date(wall: SystemTime, format: &str) -> String {
    Timestamp::try_from(wall)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime(format)
        .to_string()
}

/// The format of dates in HTTP headers.
pub(super) const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_messages_hold_json() {
        let identity = Identity {
            request_id: "r".to_owned(),
            client_request_id: "c".to_owned(),
            wall: SystemTime::UNIX_EPOCH,
        };
        let reply =
            Fault::invalid("Invalid GroupId : \"x\"").reply(&identity, "deviceManagement/a");
        let body: Value = serde_json::from_str(&reply.body.expect("an error body")).expect("JSON");
        assert_eq!(body["error"]["innerError"]["date"], "1970-01-01T00:00:00");
        let text = body["error"]["message"].as_str().expect("a text");
        assert!(text.starts_with("{\r\n  \"_version\": 3,\r\n"));
        let inner: Value = serde_json::from_str(text).expect("JSON in the text");
        let message = inner["Message"].as_str().expect("a text");
        assert!(message.starts_with("Invalid GroupId : \"x\" - Operation ID"));
    }

    #[test]
    fn http_dates_are_http_dates() {
        assert_eq!(
            date(SystemTime::UNIX_EPOCH, HTTP_DATE),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }
}
