//! The requests for the approval of writes (Multi Admin Approval), as the service lists them.
//!
//! Which policy a request is for, and what it does, is in properties that no documentation names
//! (`payloadId`, `actionParameters`, `addedAssignments`). Without them a request is for no known policy.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::GraphError;
use super::read::Reader;
use super::retry::WRITE_TIME;
use super::transport::RequestLine;
use super::wire::{APPROVAL_REQUESTS as REQUESTS, FILTER_ID, FILTER_TYPE, Object};
use super::write_request::WriteRequest;
use crate::auth::claims::Claims;
use crate::kinds::WriteCall;
use crate::model::{ApprovalEntry, PolicyKind, encode};
use crate::text::Cause;

pub use crate::model::ApprovalStatus;

/// How far the service's clock and ours may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// A request for the approval of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRequest {
    /// Its id, which is the code.
    pub id: String,
    /// What has become of it.
    pub status: ApprovalStatus,
    /// When it was filed.
    pub requested_at: String,
    /// When it expires.
    pub expires_at: String,
    /// The policy, if the service says which.
    pub policy_id: Option<String>,
    /// The policy's name, if the service says it.
    pub policy_name: Option<String>,
    /// The policy's type as the service calls it to itself, if it says it.
    pub policy_type: Option<String>,
    /// Why it was filed.
    pub justification: Option<String>,
    /// What the approver said.
    pub approver_said: Option<String>,
    /// The body as it was filed, of writes of the whole set.
    pub body: Option<String>,
    operation: Option<String>,
    added: Vec<Value>,
    requestor: Option<Requestor>,
}

/// Whether a request is for a certain write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestMatch {
    /// It has the same effect.
    Same,
    /// It has another.
    Other,
    /// The service does not say.
    Unclear,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    status: Option<String>,
    request_date_time: Option<String>,
    expiration_date_time: Option<String>,
    requestor: Option<Requestor>,
    request_justification: Option<String>,
    approval_justification: Option<String>,
    payload_id: Option<String>,
    payload_name: Option<String>,
    payload_type: Option<String>,
    payload_operation: Option<String>,
    action_parameters: Option<String>,
    #[serde(default)]
    added_assignments: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Requestor {
    application: Option<Identity>,
    user: Option<Identity>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    id: Option<String>,
    display_name: Option<String>,
    upn: Option<String>,
}

impl Requestor {
    fn party(&self) -> Option<&Identity> {
        let known = |identity: &&Identity| identity.id.is_some() || identity.upn.is_some();
        let user = self.user.as_ref().filter(known);
        user.or(self.application.as_ref().filter(known))
    }
}

impl ApprovalRequest {
    fn of(wire: Wire) -> Self {
        // A list, or one as text.
        let added = match wire.added_assignments {
            Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
            other => other,
        };
        Self {
            id: wire.id,
            status: ApprovalStatus::of(wire.status.as_deref().unwrap_or_default()),
            requested_at: wire.request_date_time.unwrap_or_default(),
            expires_at: wire.expiration_date_time.unwrap_or_default(),
            policy_id: wire.payload_id,
            policy_name: wire.payload_name,
            policy_type: wire.payload_type,
            operation: wire.payload_operation,
            justification: wire.request_justification.filter(|text| !text.is_empty()),
            approver_said: wire.approval_justification.filter(|text| !text.is_empty()),
            body: wire.action_parameters.filter(|text| !text.is_empty()),
            added: match added {
                Value::Array(added) => added,
                _ => Vec::new(),
            },
            requestor: wire.requestor,
        }
    }

    /// Whether it is for a policy, as far as the service says for which one it is.
    pub fn is_for_policy(&self, id: &str) -> bool {
        let policy = self.policy_id.as_ref();
        policy.is_some_and(|policy| policy.eq_ignore_ascii_case(id))
    }

    /// Whether the service says that it is for another policy.
    pub fn is_for_another(&self, id: &str) -> bool {
        self.policy_id.is_some() && !self.is_for_policy(id)
    }

    /// Whether it was filed by the identity that a token is for; `None` if that is not known.
    pub fn is_own(&self, claims: Option<&Claims>) -> Option<bool> {
        let (claims, requestor) = (claims?, self.requestor.as_ref()?);
        let party = requestor.party()?;
        let is_person = requestor.user.as_ref().is_some_and(|user| user == party);
        let is_same = |one: &Option<String>, other: &Option<String>| {
            Some(one.as_ref()?.eq_ignore_ascii_case(other.as_ref()?))
        };
        match (claims.is_person(), is_person) {
            // A name may be given to another person, an object id is not.
            (true, true) => {
                is_same(&party.id, &claims.object_id).or_else(|| is_same(&party.upn, &claims.user))
            }
            (false, false) => is_same(&party.id, &claims.app_id),
            (false, true) | (true, false) => Some(false),
        }
    }

    /// Says who filed it, if that is known.
    pub fn who(&self) -> Option<String> {
        let party = self.requestor.as_ref()?.party()?;
        let name = party.upn.as_ref().or(party.display_name.as_ref());
        match (name, &party.id) {
            (Some(name), Some(id)) => Some(format!("{name} ({id})")),
            (Some(text), None) | (None, Some(text)) => Some(text.clone()),
            (None, None) => None,
        }
    }

    /// Returns the id of whoever filed it, if that is known.
    pub fn filer(&self) -> Option<&str> {
        self.requestor.as_ref()?.party()?.id.as_deref()
    }

    /// Returns the kind of the policy, if the service's word for its type is ours.
    pub fn kind(&self) -> Option<PolicyKind> {
        let name = self.policy_type.as_deref()?.rsplit('.').next()?;
        let of = |name: &str| {
            let mut kinds = PolicyKind::all();
            kinds.find(|kind| kind.name().eq_ignore_ascii_case(name))
        };
        let short = || of(name.strip_prefix("DeviceManagement")?);
        of(name).or_else(short)
    }

    /// Says what is shown of it. `kind` and `name` are the policy's, if they are known otherwise.
    pub fn entry(
        &self,
        kind: Option<PolicyKind>,
        name: Option<String>,
        claims: Option<&Claims>,
    ) -> ApprovalEntry {
        ApprovalEntry {
            code: self.id.clone(),
            kind: kind.or_else(|| self.kind()),
            id: self.policy_id.clone(),
            name: name.or_else(|| self.policy_name.clone()),
            status: self.status,
            requested_at: self.requested_at.clone(),
            expires_at: self.expires_at.clone(),
            requestor: self.who(),
            own: self.is_own(claims),
            justification: self.justification.clone(),
            approver_said: self.approver_said.clone(),
        }
    }

    /// Whether it asks for just this write. What cannot be compared is not the same.
    pub fn asks_for(&self, request: &WriteRequest) -> RequestMatch {
        let write = &request.write;
        let sent = request.body.as_deref().map(serde_json::from_slice::<Value>);
        let sent = match (write.call, sent) {
            (WriteCall::Delete, _) => return self.removes(),
            (_, Some(Ok(sent))) => sent,
            _ => return RequestMatch::Other,
        };
        let is_same = |yes: bool| {
            if yes {
                RequestMatch::Same
            } else {
                RequestMatch::Other
            }
        };
        let says_nothing = self.body.is_none() && self.added.is_empty() && !self.is_removal();
        if write.call == WriteCall::Create {
            return match (&self.body, self.added.as_slice()) {
                (None, [added]) => is_same(means_same(added, &sent)),
                _ if says_nothing => RequestMatch::Unclear,
                _ => RequestMatch::Other,
            };
        }
        match &self.body {
            Some(filed) => is_same(
                serde_json::from_str::<Value>(filed).is_ok_and(|filed| same_body(&filed, &sent)),
            ),
            // The service shows the body of writes of the whole set only, and may not do so everywhere.
            None if says_nothing || same_assignments(&self.added, &sent) => RequestMatch::Unclear,
            None => RequestMatch::Other,
        }
    }

    /// Whether it removes one assignment. The service does not say which.
    fn removes(&self) -> RequestMatch {
        let may_remove = self.body.is_none() && self.added.is_empty();
        let operation = self.operation.as_deref().unwrap_or_default();
        let is_other = matches!(operation, "Create" | "Update" | "Action");
        match may_remove && !is_other {
            true => RequestMatch::Unclear,
            false => RequestMatch::Other,
        }
    }

    fn is_removal(&self) -> bool {
        self.operation.as_deref() == Some("Delete")
    }

    /// Returns how far apart it was filed from a time, however the clocks differ; `None` if the service does
    /// not say when.
    pub fn filed_apart(&self, time: Timestamp) -> Option<SignedDuration> {
        let filed = self.requested_at.parse::<Timestamp>().ok()?;
        Some(filed.duration_since(time).abs())
    }

    /// Whether it may be what a write of this time has filed: the write was given up after
    /// [`WRITE_TIME`], and clocks differ. Not if the service does not say when or why it was filed.
    pub fn was_filed_with(&self, sent_at: Timestamp, justification: &str) -> bool {
        let why = self.justification.as_deref();
        let is_why = why.is_some_and(|why| why.trim() == justification.trim());
        let (true, Ok(filed)) = (is_why, self.requested_at.parse::<Timestamp>()) else {
            return false;
        };
        let after = |time: Duration| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let since = filed.duration_since(sent_at);
        since >= -after(CLOCKS_DIFFER) && since <= after(WRITE_TIME + CLOCKS_DIFFER)
    }
}

fn assignments_of(body: &Value) -> Option<&Vec<Value>> {
    // One list, whatever the action calls it.
    let mut lists = body.as_object()?.values().filter_map(Value::as_array);
    lists.next().filter(|_| lists.next().is_none())
}

/// Whether two bodies of writes have the same effect: one assignment, or a complete set in any order.
pub fn same_body(filed: &Value, sent: &Value) -> bool {
    means_same(filed, sent)
        || assignments_of(filed).is_some_and(|assignments| same_assignments(assignments, sent))
}

/// Whether assignments are those of a body, in any order.
fn same_assignments(filed: &[Value], sent: &Value) -> bool {
    let Some(sent) = assignments_of(sent) else {
        return false;
    };
    let has =
        |assignment: &Value, all: &[Value]| all.iter().any(|other| means_same(assignment, other));
    filed.len() == sent.len()
        && filed.iter().all(|assignment| has(assignment, sent))
        && sent.iter().all(|assignment| has(assignment, filed))
}

/// Whether two assignments say the same: the service spells types and words of its own in another way.
fn means_same(filed: &Value, sent: &Value) -> bool {
    match (filed, sent) {
        (Value::Object(filed), Value::Object(sent)) => same_objects(filed, sent),
        (Value::Array(filed), Value::Array(sent)) => {
            filed.len() == sent.len()
                && filed
                    .iter()
                    .zip(sent)
                    .all(|(filed, sent)| means_same(filed, sent))
        }
        (Value::String(filed), Value::String(sent)) => filed.eq_ignore_ascii_case(sent),
        (filed, sent) => filed == sent,
    }
}

fn same_objects(filed: &Map<String, Value>, sent: &Map<String, Value>) -> bool {
    let keys = filed.keys().chain(sent.keys());
    keys.into_iter().all(|key| {
        let of = |object: &Map<String, Value>| {
            let value = object.get(key).cloned().unwrap_or_default();
            match (key.as_str(), value.as_str()) {
                // The id follows from the rest.
                ("id", _) => Value::Null,
                (FILTER_TYPE, Some("none" | "")) => Value::Null,
                (FILTER_ID, Some("" | "00000000-0000-0000-0000-000000000000")) => Value::Null,
                ("source", None) => Value::from("direct"),
                ("sourceId", Some("")) => Value::Null,
                ("@odata.type", Some(name)) => Value::from(name.rsplit('.').next()),
                _ => value,
            }
        };
        let (filed, sent) = (of(filed), of(sent));
        // What type an assignment has follows from the policy.
        let is_implied = key == "@odata.type" && (filed.is_null() || sent.is_null());
        is_implied || means_same(&filed, &sent)
    })
}

impl Reader {
    /// Reads the requests for approval that the sign-in may see.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn approval_requests(&self) -> Result<Vec<ApprovalRequest>, GraphError> {
        let requests = self.objects(REQUESTS).await?;
        requests.into_iter().map(request).collect()
    }

    /// Reads one of them; `None` if the sign-in sees none with this id.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being read.
    pub async fn approval_request(&self, id: &str) -> Result<Option<ApprovalRequest>, GraphError> {
        let read = self.get(&format!("{REQUESTS}/{}", encode(id))).await;
        GraphError::unless_missing(read)?.map(request).transpose()
    }
}

fn request(object: Object) -> Result<ApprovalRequest, GraphError> {
    let wire = serde_json::from_value(Value::Object(object));
    wire.map(ApprovalRequest::of)
        .map_err(|error| GraphError::Shape {
            request: RequestLine::get(REQUESTS),
            detail: Cause::new(error),
        })
}
