//! A request for the approval of a write, as the state file keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A request for the approval of one write, as the state file keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRequest {
    /// The code.
    pub id: String,
    /// The collection of the object that is written.
    pub collection: String,
    /// The object's id.
    pub object: String,
    /// The write's method.
    pub method: String,
    /// Its path below the version; a key in parentheses is a segment.
    pub path: String,
    /// Its body.
    pub body: String,
    /// Who filed it.
    pub requestor: Party,
    /// Why.
    pub justification: String,
    /// Who decided on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Party>,
    /// What that person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_justification: Option<String>,
    /// When it was filed.
    pub filed: Timestamp,
    /// When it expires unless it is completed.
    pub expires: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
    /// What has become of it.
    pub status: ApprovalStatus,
}

/// Who files or decides: an application, or a person who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Party {
    /// The application's id.
    pub application: String,
    /// The person's object id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

impl Party {
    /// Whether both are the same identity: the person, or else the application.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.user, &other.user) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            (None, None) => self.application.eq_ignore_ascii_case(&other.application),
            _ => false,
        }
    }
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApprovalStatus {
    /// It waits for an approver.
    NeedsApproval,
    /// It was approved, and the write was not sent again yet.
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
    /// Returns the service's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedsApproval => "needsApproval",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Expired => "expired",
        }
    }

    /// Whether the object is locked.
    pub fn is_open(self) -> bool {
        matches!(self, Self::NeedsApproval | Self::Approved)
    }
}

impl ApprovalRequest {
    /// Returns the status at a time: expiry is computed when a request is read.
    pub(crate) fn status_at(&self, time: Timestamp) -> ApprovalStatus {
        if self.status.is_open() && time >= self.expires {
            ApprovalStatus::Expired
        } else {
            self.status
        }
    }
}
