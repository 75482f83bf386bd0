//! Requests for approval, as plans and `approvals` write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{ApprovalEntry, ApprovalStatus, PolicyKind};

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRecord(#[serde(with = "ApprovalForm")] pub ApprovalEntry);

#[derive(Serialize, Deserialize)]
#[serde(remote = "ApprovalEntry", rename_all = "camelCase")]
struct ApprovalForm {
    code: String,
    #[serde(default, serialize_with = "kind", deserialize_with = "read_kind")]
    kind: Option<PolicyKind>,
    id: Option<String>,
    name: Option<String>,
    #[serde(serialize_with = "status", deserialize_with = "read_status")]
    status: ApprovalStatus,
    requested_at: String,
    expires_at: String,
    requestor: Option<String>,
    own: Option<bool>,
    justification: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approver_said: Option<String>,
}

#[expect(clippy::ref_option, reason = "Serde wants a reference")]
fn kind<S: Serializer>(kind: &Option<PolicyKind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(PolicyKind::name).serialize(serializer)
}

fn read_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PolicyKind>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.as_deref().and_then(PolicyKind::from_name))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "Serde wants a reference")]
fn status<S: Serializer>(status: &ApprovalStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

fn read_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ApprovalStatus, D::Error> {
    Ok(match &*String::deserialize(deserializer)? {
        "unknown" => ApprovalStatus::Unknown,
        word => ApprovalStatus::of(word),
    })
}
