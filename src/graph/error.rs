//! What can go wrong between us and the service, and the readable message inside the service's errors.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::address::GraphUrl;
use super::pace::WaitTooLong;
use super::permissions;
use super::retry::{is_throttle, retry_after};
use super::transport::{RequestLine, Response};
use crate::auth::SignInError;
use crate::auth::claims::Claims;
use crate::kinds::PolicyKind;
use crate::model::UnavailableKind;
use crate::text::{Cause, excerpt, shortened_url};

/// An error that the service sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The HTTP status.
    pub status: u16,
    /// Graph's error code; empty if the answer was not a Graph error.
    pub code: String,
    /// The sentence meant for people, without its wrapping.
    pub message: String,
    /// The id that Microsoft's support asks for.
    pub request_id: Option<String>,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.message)?;
        write!(formatter, " (status {}", self.status)?;
        if !self.code.is_empty() {
            write!(formatter, ", code {}", self.code)?;
        }
        if let Some(id) = &self.request_id {
            write!(formatter, ", request id {id}")?;
        }
        formatter.write_str(")")
    }
}

impl std::error::Error for ServiceError {}

/// What went wrong with the last try of a read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LastError {
    /// The service answered with an error.
    #[error(transparent)]
    Service(ServiceError),
    /// There was no answer, or none that can be used.
    #[error("{0}")]
    Other(#[source] Cause),
}

impl LastError {
    /// Returns the status, if it asks to slow down.
    pub(super) fn refusal(&self) -> Option<u16> {
        match self {
            Self::Service(error) => Some(error.status).filter(|status| is_throttle(*status)),
            Self::Other(_) => None,
        }
    }

    /// Returns the wait that the service asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Service(error) => error.retry_after,
            Self::Other(_) => None,
        }
    }
}

impl ServiceError {
    /// Reads the error out of an answer.
    pub fn from_response(response: &Response) -> Self {
        let body = response.body.as_slice();
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        let error = parsed.as_ref().and_then(|body| body.get("error"));
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let inner = error.and_then(|error| error.get("innerError").or(error.get("innererror")));
        let message = text(error.and_then(|error| error.get("message")))
            .map(|message| unwrap_message(&message))
            .filter(|message| !message.is_empty());
        Self {
            status: response.status,
            code: text(error.and_then(|error| error.get("code"))).unwrap_or_default(),
            message: message.unwrap_or_else(|| {
                if error.is_some() {
                    "the service gave no reason".to_owned()
                } else {
                    format!("the response is not a Graph error: {}", excerpt(body))
                }
            }),
            request_id: text(inner.and_then(|inner| inner.get("request-id")))
                .or_else(|| response.header("request-id").map(str::to_owned)),
            retry_after: retry_after(response),
        }
    }

    /// Whether the service wants the approval of a second administrator, and a justification. It answers
    /// 400 (Microsoft365DSC#7236); its documentation of May 2026 said 403.
    pub fn asks_for_approval(&self) -> bool {
        matches!(self.status, 400 | 403)
            && self
                .message
                .contains("'x-msft-approval-justification' is required")
    }

    /// Whether the service has filed a request for approval. Its id is in the answer, unless something on
    /// the way has dropped it.
    pub fn is_filed_for_approval(&self) -> bool {
        self.status == 412 && self.message.contains("Approval Required")
    }

    /// Whether the object is locked by an open request for approval; the answer does not say which.
    pub fn is_locked_for_approval(&self) -> bool {
        self.status == 409
            && self
                .message
                .to_ascii_lowercase()
                .contains("active approval request already exists")
    }

    /// Whether the object the request is about does not exist. The code decides, not the status:
    /// a missing configuration policy has been answered with 400 as well as with 404. A 404
    /// that is not a Graph error (a proxy's page, say) says nothing about the policy.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ResourceNotFound" | "Request_ResourceNotFound"
        ) || (self.status == 404 && !matches!(self.code.as_str(), "" | "UnknownError"))
    }

    /// Whether permission was refused.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Whether properties of what was sent were refused, as OData refuses those that a type does not have.
    pub fn is_about_properties(&self) -> bool {
        self.status == 400
            && (self.code == "ModelValidationFailure"
                || self.message.contains("does not exist on type"))
    }

    /// Whether the service has no such route, as for `POST …/assignments` of many kinds
    /// (microsoft-graph-docs#4983).
    pub fn is_missing_route(&self) -> bool {
        self.status == 400 && (names_no_route(&self.code) || names_no_route(&self.message))
    }
}

/// Whether an error code or message of the service says that the route does not exist.
pub fn names_no_route(text: &str) -> bool {
    text.contains("No method match route template") || text.starts_with("No OData route exists")
}

/// The header that carries the id of a request for approval, in both directions.
pub(super) const APPROVAL_CODE: &str = "x-msft-approval-code";

fn guid(text: &str) -> Option<String> {
    let id = Uuid::try_parse(text.trim()).ok()?;
    Some(id.to_string())
}

/// Returns the id of the request for approval that the service has filed, if an answer says so: in its
/// headers, in those that a wrapped message repeats, or in the sentence.
pub(super) fn approval_code(response: &Response) -> Option<String> {
    let header = response.header(APPROVAL_CODE).and_then(guid);
    header.or_else(|| code_in(&String::from_utf8_lossy(&response.body)))
}

fn code_in(body: &str) -> Option<String> {
    body.match_indices(APPROVAL_CODE).find_map(|(place, name)| {
        let rest = &body[place + name.len()..];
        let rest = rest.trim_start_matches(['"', '\\', ':', ' ']);
        guid(rest.get(..36)?)
    })
}

/// Takes the sentence out of a message. Intune's is often JSON in a string, at times twice, and
/// the sentence in it ends where the operation id begins.
fn unwrap_message(message: &str) -> String {
    let mut text = message.to_owned();
    for _ in 0..4 {
        let Ok(Value::Object(wrapped)) = serde_json::from_str::<Value>(&text) else {
            break;
        };
        let Some(inner) = wrapped
            .get("Message")
            .or_else(|| wrapped.get("message"))
            .and_then(Value::as_str)
        else {
            break;
        };
        text = inner.to_owned();
    }
    let sentence = text.split(" - Operation ID").next().unwrap_or_default();
    sentence.trim().to_owned()
}

/// The refusal of a kind's list: of its first page, in every form in which it was asked for. A failure of a later
/// page, or of a single policy, is never one.
#[derive(Clone, Debug)]
pub struct RefusedList {
    /// The kind.
    pub kind: PolicyKind,
    /// The request.
    pub request: RequestLine,
    /// What the service says.
    pub error: ServiceError,
    /// What the token says of the sign-in, if that is known.
    pub claims: Option<Arc<Claims>>,
}

impl RefusedList {
    /// Whether the sign-in may not see the list. Else the tenant does not have it.
    pub fn is_forbidden(&self) -> bool {
        self.error.is_forbidden()
    }
}

impl fmt::Display for RefusedList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind: _,
            request,
            error,
            claims: _,
        } = self;
        write!(formatter, "{request}: {error}")
    }
}

impl From<RefusedList> for UnavailableKind {
    fn from(list: RefusedList) -> Self {
        Self {
            reason: list.to_string(),
            is_forbidden: list.is_forbidden(),
            kind: list.kind,
        }
    }
}

fn all_said(lists: &[RefusedList]) -> String {
    let lists: Vec<String> = lists.iter().map(RefusedList::to_string).collect();
    lists.join("; ")
}

/// Why something could not be read, or a write could not be sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GraphError {
    /// No token.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The service answered with an error that does not pass.
    #[error("{request}: {error}")]
    Service {
        /// The request.
        request: RequestLine,
        /// The service's error.
        #[source]
        error: ServiceError,
    },
    /// The service refuses the lists of kinds.
    #[error("{}", all_said(_0))]
    RefusedLists(Vec<RefusedList>),
    /// Every try failed.
    #[error("{request}: gave up after {tries} tries: {last}")]
    GivenUp {
        /// The request.
        request: RequestLine,
        /// How many tries were made.
        tries: u32,
        /// What went wrong the last time.
        #[source]
        last: LastError,
    },
    /// The service asked for a longer wait than allowed.
    #[error("{request}: {wait}")]
    Wait {
        /// The request.
        request: RequestLine,
        /// The wait.
        #[source]
        wait: WaitTooLong,
    },
    /// The run was interrupted before the read could be made or repeated.
    #[error("interrupted")]
    Interrupted,
    /// The answer has not the form it should have.
    #[error("{request}: {detail}")]
    Shape {
        /// The request.
        request: RequestLine,
        /// What is wrong with it.
        #[source]
        detail: Cause,
    },
    /// A link or a redirect leads away from the configured host.
    #[error(
        "{request}: the service sent a link to `{}`, which is not the configured Graph host",
        shortened_url(link)
    )]
    ForeignLink {
        /// The request.
        request: RequestLine,
        /// Where it leads.
        link: String,
    },
    /// A link to the next page is not a URL.
    #[error(
        "{request}: the service sent {} as the link to the next page (`@odata.nextLink`)",
        wrong_link(link)
    )]
    WrongLink {
        /// The request.
        request: RequestLine,
        /// What was sent.
        link: String,
    },
    /// A text of the answer holds half of a character.
    #[error(
        "{request}: the service sent half of a character (a lone surrogate) in a text, so its response cannot be read: {around}"
    )]
    LoneSurrogate {
        /// The request.
        request: RequestLine,
        /// What stands around it.
        around: String,
    },
    /// A redirect to the same host, or to nowhere. None is followed.
    #[error(
        "{request}: the service answered with a redirect{}; redirects are not followed",
        leading(link)
    )]
    Redirect {
        /// The request.
        request: RequestLine,
        /// Where it leads, as it was written.
        link: String,
    },
    /// An assignment cannot be deleted, since none but it may have its id.
    #[error(
        "DELETE: the live assignment has no id of its own by which it could be deleted; `--write-with assign` can remove it"
    )]
    NoOwnId,
    /// A list repeats itself, or goes on past all measure.
    #[error("{request}: the list repeats itself or would never end")]
    EndlessList {
        /// The request.
        request: RequestLine,
    },
}

/// Says what can be done about lists that are refused.
fn hint_of(lists: &[RefusedList]) -> String {
    let forbidden: Vec<&RefusedList> = lists.iter().filter(|list| list.is_forbidden()).collect();
    match forbidden.is_empty() {
        false => {
            let kinds: Vec<PolicyKind> = forbidden.iter().map(|list| list.kind).collect();
            let claims = forbidden.iter().find_map(|list| list.claims.as_deref());
            permissions::missing(&kinds, claims.map(|claims| &claims.permissions))
        }
        true => {
            "the service has no such list; check the Graph URL and the tenant, or name other kinds"
                .to_owned()
        }
    }
}

/// Whether a link is a path on the same host; two slashes begin the name of another.
fn is_path(link: &str) -> bool {
    link.starts_with('/') && !link[1..].starts_with(['/', '\\'])
}

fn wrong_link(link: &str) -> String {
    if link.is_empty() {
        "an empty text".to_owned()
    } else {
        format!("`{}`, which is not an absolute URL,", shortened_url(link))
    }
}

fn leading(link: &str) -> String {
    if link.is_empty() {
        String::new()
    } else {
        format!(" to `{}`", shortened_url(link))
    }
}

impl GraphError {
    /// Makes the error for a redirect: to elsewhere, or within the configured host.
    pub(super) fn redirected(
        address: &GraphUrl,
        request: RequestLine,
        response: &Response,
    ) -> Self {
        let link = response.header("location").unwrap_or_default().to_owned();
        if link.is_empty() || address.admits(&link) || is_path(&link) {
            Self::Redirect { request, link }
        } else {
            Self::ForeignLink { request, link }
        }
    }

    /// Takes what the first request for a kind's list was answered with for a refusal of the list, if it is one: the
    /// service says that there is none, or that it may not be seen.
    pub(super) fn of_list(self, kind: PolicyKind) -> Self {
        match self {
            Self::Service { request, error } if matches!(error.status, 400 | 403 | 404) => {
                Self::RefusedLists(vec![RefusedList {
                    kind,
                    request,
                    error,
                    claims: None,
                }])
            }
            other => other,
        }
    }

    /// Takes the answer that an object does not exist for what it says.
    pub(super) fn unless_missing<T>(read: Result<T, Self>) -> Result<Option<T>, Self> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(Self::Service { error, .. }) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the error for a link to the next page that is not followed.
    pub(super) fn not_followed(request: RequestLine, link: String) -> Self {
        if Url::parse(&link).is_ok() {
            Self::ForeignLink { request, link }
        } else {
            Self::WrongLink { request, link }
        }
    }

    /// Whether the service may have refused the page size that was asked for: any 400 that does not
    /// say what else it is about.
    pub(super) fn may_be_about_size(&self) -> bool {
        match self {
            Self::Service { error, .. } => {
                error.status == 400 && !error.is_missing() && !error.is_missing_route()
            }
            _ => false,
        }
    }

    /// Whether signing in or reading was refused, rather than failing.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::SignIn(_) => true,
            Self::Service { error, .. } => error.is_forbidden(),
            Self::RefusedLists(lists) => lists.iter().any(RefusedList::is_forbidden),
            _ => false,
        }
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Service { error, .. } if error.status == 401 => {
                "the service rejects the token: it may have expired, or be for another tenant or cloud; `assignctl whoami` shows what it says of itself"
            }
            Self::Service { request, error } if error.is_forbidden() => {
                return Some(permissions::needs(&[permissions::of_request(request)]));
            }
            Self::RefusedLists(lists) => return Some(hint_of(lists)),
            Self::Wait { .. } => "allow a longer wait with `--max-wait`, or run again later",
            Self::GivenUp { .. } => {
                "nothing was treated as empty; run again when the service answers"
            }
            Self::WrongLink { .. } => {
                "a page is missing, so nothing was planned; run again, and if it stays so, look for a proxy or gateway that changes responses"
            }
            Self::LoneSurrogate { .. } => {
                "nothing was planned; correct the name or text that is shown, in the Intune admin center or in Entra"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests;
