//! What the service noted of a policy, as plans write it.

use serde::{Deserialize, Serialize};

use crate::plan::audit::{AuditStatus, PolicyAudit, PolicyEvent};

/// Who changed a policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct AuditRecord {
    status: String,
    #[serde(default)]
    events: Vec<PolicyEvent>,
    /// How many older events there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    more: usize,
}

pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl AuditRecord {
    pub(super) fn new(audit: &PolicyAudit) -> Self {
        let PolicyAudit {
            status,
            events,
            more,
        } = audit;
        Self {
            status: status.name().to_owned(),
            events: events.clone(),
            more: *more,
        }
    }

    /// Reads it back; `None` if a newer version knows another status.
    pub(super) fn read(&self) -> Option<PolicyAudit> {
        let mut known = AuditStatus::ALL.into_iter();
        let status = known.find(|status| status.name() == self.status)?;
        Some(PolicyAudit {
            status,
            events: self.events.clone(),
            more: self.more,
        })
    }
}
