//! Requests for approval, as plans and `approvals` write them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::model::{ApprovalEntry, ApprovalStatus, PolicyKind};

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord<'a> {
    code: Cow<'a, str>,
    kind: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    status: Cow<'a, str>,
    requested_at: Cow<'a, str>,
    expires_at: Cow<'a, str>,
    requestor: Option<Cow<'a, str>>,
    own: Option<bool>,
    justification: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approver_said: Option<Cow<'a, str>>,
}

impl<'a> ApprovalRecord<'a> {
    /// Writes a request out.
    pub fn new(entry: &'a ApprovalEntry) -> Self {
        let ApprovalEntry {
            code,
            kind,
            id,
            name,
            status,
            requested_at,
            expires_at,
            requestor,
            own,
            justification,
            approver_said,
        } = entry;
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            code: code.into(),
            kind: kind.map(|kind| kind.name().into()),
            id: text(id),
            name: text(name),
            status: status.name().into(),
            requested_at: requested_at.into(),
            expires_at: expires_at.into(),
            requestor: text(requestor),
            own: *own,
            justification: text(justification),
            approver_said: text(approver_said),
        }
    }

    /// Reads a request back.
    #[must_use]
    pub fn read(&self) -> ApprovalEntry {
        let Self {
            code,
            kind,
            id,
            name,
            status,
            requested_at,
            expires_at,
            requestor,
            own,
            justification,
            approver_said,
        } = self;
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        ApprovalEntry {
            code: code.clone().into_owned(),
            kind: kind.as_deref().and_then(PolicyKind::from_name),
            id: text(id),
            name: text(name),
            status: match status.as_ref() {
                "unknown" => ApprovalStatus::Unknown,
                word => ApprovalStatus::of(word),
            },
            requested_at: requested_at.clone().into_owned(),
            expires_at: expires_at.clone().into_owned(),
            requestor: text(requestor),
            own: *own,
            justification: text(justification),
            approver_said: text(approver_said),
        }
    }
}
