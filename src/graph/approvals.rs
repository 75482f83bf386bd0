//! The requests for the approval of writes (Multi Admin Approval), as the service lists them.
//!
//! Which policy a request is for, and what it does, is in properties that no documentation names
//! (`payloadId`, `actionParameters`, `addedAssignments`). Without them a request is for no known policy.

use serde::Deserialize;
use serde_json::Value;

use super::body::WriteRequest;
use super::client::Call;
use super::error::GraphError;
use super::pages;
use super::read::Reader;
use super::wire::Object;
use crate::auth::claims::Claims;

const REQUESTS: &str = "/deviceManagement/operationApprovalRequests";

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
    /// What the approver said.
    pub approver_said: Option<String>,
    /// The body as it was filed, of writes of the whole set.
    pub body: Option<String>,
    added: Vec<Value>,
    requestor: Option<Requestor>,
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalStatus {
    /// It waits for an approver; also what a newer service may say.
    Waiting,
    /// It was approved, and the write was not sent again.
    Approved,
    /// It was rejected.
    Rejected,
    /// It was withdrawn.
    Cancelled,
    /// The write was sent again, and done.
    Completed,
    /// Its time ran out.
    Expired,
}

impl ApprovalStatus {
    fn of(word: &str) -> Self {
        match word {
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            "cancelled" | "canceled" => Self::Cancelled,
            "completed" => Self::Completed,
            "expired" => Self::Expired,
            _ => Self::Waiting,
        }
    }

    /// Whether the policy is locked.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    request_date_time: Option<String>,
    #[serde(default)]
    expiration_date_time: Option<String>,
    #[serde(default)]
    requestor: Option<Requestor>,
    #[serde(default)]
    approval_justification: Option<String>,
    #[serde(default)]
    payload_id: Option<String>,
    #[serde(default)]
    payload_name: Option<String>,
    #[serde(default)]
    action_parameters: Option<String>,
    #[serde(default)]
    added_assignments: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Requestor {
    #[serde(default)]
    application: Option<Identity>,
    #[serde(default)]
    user: Option<Identity>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
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
            approver_said: wire.approval_justification.filter(|text| !text.is_empty()),
            body: wire.action_parameters.filter(|text| !text.is_empty()),
            added: match added {
                Value::Array(added) => added,
                _ => Vec::new(),
            },
            requestor: wire.requestor,
        }
    }

    /// Whether it was filed by the identity that a token is for; `None` if that is not known.
    pub fn is_own(&self, claims: Option<&Claims>) -> Option<bool> {
        let (claims, requestor) = (claims?, self.requestor.as_ref()?);
        let party = requestor.party()?;
        let is_person = requestor.user.as_ref().is_some_and(|user| user == party);
        match (&claims.user, is_person) {
            (None, true) | (Some(_), false) => Some(false),
            (Some(user), true) => Some(party.upn.as_ref()?.eq_ignore_ascii_case(user)),
            (None, false) => Some(
                party
                    .id
                    .as_ref()?
                    .eq_ignore_ascii_case(claims.app_id.as_ref()?),
            ),
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

    /// Whether it asks for just this write. What cannot be compared is not the same.
    pub fn asks_for(&self, write: &WriteRequest) -> bool {
        let sent: Option<Value> = write
            .body
            .as_ref()
            .and_then(|body| serde_json::from_slice(body).ok());
        let Some(sent) = sent else {
            return false;
        };
        let is_single = write.path.ends_with("/assignments");
        match (&self.body, self.added.as_slice()) {
            (Some(filed), _) if !is_single => {
                serde_json::from_str::<Value>(filed).is_ok_and(|filed| filed == sent)
            }
            (None, [added]) if is_single => same_target(&added["target"], &sent["target"]),
            _ => false,
        }
    }
}

/// Whether two targets are the same; the service spells types of its own in another way.
fn same_target(filed: &Value, sent: &Value) -> bool {
    let kind = |target: &Value| {
        let name = target["@odata.type"].as_str()?;
        name.rsplit('.').next().map(str::to_ascii_lowercase)
    };
    let text = |target: &Value, key: &str| {
        let text = target[key].as_str().unwrap_or_default();
        text.to_ascii_lowercase()
    };
    let keys = [
        "groupId",
        "collectionId",
        "deviceAndAppManagementAssignmentFilterId",
        "deviceAndAppManagementAssignmentFilterType",
    ];
    kind(sent).is_some()
        && kind(filed) == kind(sent)
        && keys.iter().all(|key| text(filed, key) == text(sent, key))
}

impl Reader {
    /// Reads the requests for approval that the sign-in may see.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn approval_requests(&self) -> Result<Vec<ApprovalRequest>, GraphError> {
        let first = self.client().address().join(REQUESTS);
        let rows = self
            .client()
            .read_list(first, &pages::objects, |_| {})
            .await?;
        rows.into_iter().map(request).collect()
    }

    /// Reads one of them; `None` if the sign-in sees none with this id.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being read.
    pub async fn approval_request(&self, id: &str) -> Result<Option<ApprovalRequest>, GraphError> {
        let url = self.client().address().join(&format!("{REQUESTS}/{id}"));
        match self.client().read_json_with(None, &Call::get(url)).await {
            Ok(row) => Ok(Some(request(row)?)),
            Err(GraphError::Service { error, .. }) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn request(row: Object) -> Result<ApprovalRequest, GraphError> {
    let wire = serde_json::from_value(Value::Object(row));
    wire.map(ApprovalRequest::of)
        .map_err(|error| GraphError::Shape {
            what: format!("GET {REQUESTS}"),
            detail: error.to_string(),
        })
}
