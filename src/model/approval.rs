//! Requests for a second administrator's approval, as they are shown.

use super::PolicyKind;

/// What has become of a request for approval.
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
    /// The sign-in does not see it.
    Unknown,
}

impl ApprovalStatus {
    /// Reads the service's word.
    pub fn of(word: &str) -> Self {
        match word {
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            "cancelled" | "canceled" => Self::Cancelled,
            "completed" => Self::Completed,
            "expired" => Self::Expired,
            _ => Self::Waiting,
        }
    }

    /// Returns the service's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "needsApproval",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the policy is locked, or may be.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved | Self::Unknown)
    }
}

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalEntry {
    /// Its id, which is the code.
    pub code: String,
    /// The policy's kind, if it is known.
    pub kind: Option<PolicyKind>,
    /// The policy's id, if it is known.
    pub id: Option<String>,
    /// The policy's name, if it is known.
    pub name: Option<String>,
    /// What has become of it.
    pub status: ApprovalStatus,
    /// When it was filed.
    pub requested_at: String,
    /// When it expires.
    pub expires_at: String,
    /// Who filed it, if the service says it.
    pub requestor: Option<String>,
    /// Whether the sign-in filed it, if that is known.
    pub own: Option<bool>,
    /// Why it was filed.
    pub justification: Option<String>,
    /// What the approver said.
    pub approver_said: Option<String>,
}
