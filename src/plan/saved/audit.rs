//! What the service noted of a policy, as plans write it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::audit::{AuditStatus, PolicyAudit, PolicyEvent};

/// Who changed a policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct AuditRecord {
    status: String,
    #[serde(default)]
    events: Vec<EventRecord>,
    /// How many older events there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    more: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct EventRecord {
    time: Timestamp,
    actor: Option<String>,
    application: Option<String>,
    activity: String,
    result: String,
    own: bool,
}

impl AuditRecord {
    pub(super) fn new(audit: &PolicyAudit) -> Self {
        let PolicyAudit {
            status,
            events,
            more,
        } = audit;
        let events = events.iter().map(|event| {
            let PolicyEvent {
                time,
                actor,
                application,
                activity,
                result,
                own,
            } = event;
            EventRecord {
                time: *time,
                actor: actor.clone(),
                application: application.clone(),
                activity: activity.clone(),
                result: result.clone(),
                own: *own,
            }
        });
        Self {
            status: status.name().to_owned(),
            events: events.collect(),
            more: *more,
        }
    }

    /// Reads it back; `None` if a newer version knows another status.
    pub(super) fn read(&self) -> Option<PolicyAudit> {
        let mut known = AuditStatus::ALL.into_iter();
        let status = known.find(|status| status.name() == self.status)?;
        let events = self.events.iter().map(|event| {
            let EventRecord {
                time,
                actor,
                application,
                activity,
                result,
                own,
            } = event.clone();
            PolicyEvent {
                time,
                actor,
                application,
                activity,
                result,
                own,
            }
        });
        Some(PolicyAudit {
            status,
            events: events.collect(),
            more: self.more,
        })
    }
}
