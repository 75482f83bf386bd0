//! Answers before they become bytes, and error bodies in the forms in which the service sends
//! them (facts, section 2.5).

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Option<Value>,
}

impl Reply {
    /// An answer with a body.
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    /// An answer with one object.
    pub(crate) fn object(status: u16, context: String, mut body: Map<String, Value>) -> Self {
        body.insert("@odata.context".to_owned(), json!(context));
        Self::json(status, Value::Object(body))
    }

    /// An answer with a page of a list.
    pub(crate) fn page(
        context: String,
        count: Option<usize>,
        next: Option<String>,
        rows: Vec<Map<String, Value>>,
    ) -> Self {
        let rows = rows.into_iter().map(Value::Object).collect();
        let mut body = Map::new();
        if let Some(count) = count {
            body.insert("@odata.count".to_owned(), json!(count));
        }
        if let Some(next) = next {
            body.insert("@odata.nextLink".to_owned(), json!(next));
        }
        body.insert("value".to_owned(), Value::Array(rows));
        Self::object(200, context, body)
    }

    /// An answer with a number, which comes as text (microsoft-graph-docs#11882).
    pub(crate) fn count(number: usize) -> Self {
        let mut reply = Self::json(200, json!(number));
        reply
            .headers
            .push(("Content-Type".to_owned(), "text/plain".to_owned()));
        reply
    }

    /// The answer to a delete.
    pub(crate) fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: None,
        }
    }
}

/// What identifies a request in its answer.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) request_id: String,
    pub(crate) client_request_id: String,
    pub(crate) wall: SystemTime,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Whether the message is wrapped in JSON, as the Intune services do.
    pub(crate) wrapped: bool,
    pub(crate) headers: Vec<(String, String)>,
}

impl Fault {
    /// A refusal by Graph itself, or by the directory.
    pub(crate) fn plain(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            wrapped: false,
            headers: Vec::new(),
        }
    }

    /// A refusal by an Intune service.
    pub(crate) fn wrapped(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            wrapped: true,
            ..Self::plain(status, code, message)
        }
    }

    /// A 400 by Graph itself.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(400, "BadRequest", message)
    }

    /// A 400 by an Intune service.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::wrapped(400, "BadRequest", message)
    }

    /// The refusal of a body that is not of the type that it has to be.
    pub(crate) fn model(message: impl Into<String>) -> Self {
        Self::plain(400, "ModelValidationFailure", message)
    }

    /// The refusal of a path that Graph does not know.
    pub(crate) fn no_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// The refusal of a verb or path for which the Intune service has no route
    /// (microsoft-graph-docs#4983, microsoft-graph-docs-contrib#4017).
    pub(crate) fn no_route(template: &str, verb: &str, service: &str, path: &str) -> Self {
        Self::plain(
            400,
            "No method match route template",
            format!(
                "No OData route exists that match template ~/singleton/{template} with http verb \
                 {verb} for request {service}/{path}."
            ),
        )
    }

    /// The refusal of an entity that Intune does not have (Microsoft365DSC#3812).
    pub(crate) fn not_found() -> Self {
        Self::wrapped(404, "ResourceNotFound", "An error has occurred")
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Returns a text that holds JSON, with CRLF and two spaces, like the Intune services
    /// (Kvikku/IntuneAssignments#16).
    fn wrap(&self, activity: &str, place: &str) -> String {
        let Self { code, message, .. } = self;
        let message = format!(
            "{message} - Operation ID (for customer support): \
             00000000-0000-0000-0000-000000000000 - Activity ID: {activity} - Url: \
             https://fef.sandbox.manage.microsoft.com/DeviceConfigV2/DCV2GraphService/{place}?\
             api-version=5024-12-01"
        );
        let phrase = if *code == "ResourceNotFound" {
            code
        } else {
            ""
        };
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-msft-"))
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        format!(
            "{{\r\n  \"_version\": 3,\r\n  \"Message\": {},\r\n  \"CustomApiErrorPhrase\": \
             \"{phrase}\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \
             \"HttpHeaders\": {}\r\n}}",
            Value::String(message),
            Value::String(Value::Object(headers).to_string())
        )
    }

    /// Makes the answer; `place` is the path below the version, without the query.
    pub(crate) fn reply(self, identity: &Identity, place: &str) -> Reply {
        let message = if self.wrapped {
            self.wrap(&identity.request_id, place)
        } else {
            self.message
        };
        Reply {
            headers: self.headers,
            ..Reply::json(
                self.status,
                json!({"error": {
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

/// Formats an instant in UTC; the epoch where the clock is out of range.
pub(crate) fn date(wall: SystemTime, format: &str) -> String {
    Timestamp::try_from(wall)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime(format)
        .to_string()
}

/// The format of dates in HTTP headers.
pub(crate) const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

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
        let body = reply.body.expect("an error body");
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
