//! What a run knows of approvals: the open requests, the codes, and which kinds are asked for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Reason, lock};
use crate::auth::claims::Claims;
use crate::graph::GraphError;
use crate::graph::approvals::ApprovalRequest;
use crate::graph::write_request::WriteRequest;
use crate::model::PolicyKind;
use crate::plan::PlannedPolicy;
use crate::report::PendingApproval;

/// What a run is given for writes that have to be approved.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// Why the writes are to be approved.
    pub justification: Option<String>,
    /// Writes that were filed by an earlier run, by the policy's kind and id.
    pub filed: BTreeMap<(PolicyKind, String), PendingApproval>,
    /// How long to wait for the approvals.
    pub wait: Duration,
    /// When the run began; without it, now.
    pub began: Option<Timestamp>,
}

/// What is known of a policy's approval before it is written.
pub(super) enum Before {
    /// The open requests were read.
    Listed,
    /// Nothing is known, and nothing has to be: no request was asked for.
    Unasked,
    /// It was filed, and its request is so now; `None` if the sign-in does not see it.
    Filed(PendingApproval, Box<Option<ApprovalRequest>>),
}

impl Before {
    /// Returns the write without unknown properties, if that is what was filed: the one with them was refused.
    pub(super) fn filed_bare(
        &self,
        policy: &PlannedPolicy,
        write: &WriteRequest,
        bare: impl FnOnce() -> Result<WriteRequest, GraphError>,
    ) -> Option<WriteRequest> {
        let Self::Filed(filed, _) = self else {
            return None;
        };
        let is_for = |write: &WriteRequest| filed.is_for(write, policy.kind, &policy.id);
        if is_for(write) {
            return None;
        }
        bare().ok().filter(is_for)
    }
}

/// The open requests, or why they are not known.
pub(super) type Open = Result<Arc<Vec<ApprovalRequest>>, Reason>;

/// What a run knows of approvals.
#[derive(Debug)]
pub(super) struct Approvals {
    /// What the last reading came to; held while the list is read.
    pub(super) open: tokio::sync::Mutex<Option<Open>>,
    /// The open requests of the last reading that did not fail.
    listed: Mutex<Arc<Vec<ApprovalRequest>>>,
    /// The kinds of which a write without justification was refused.
    asked: Mutex<BTreeSet<PolicyKind>>,
    /// What was filed, by the policy.
    filed: Mutex<BTreeMap<(PolicyKind, String), PendingApproval>>,
    pub(super) claims: Option<Arc<Claims>>,
    began: (Timestamp, Instant),
}

impl Approvals {
    pub(super) fn new(approval: &Approval, claims: Option<Arc<Claims>>) -> Self {
        Self {
            open: tokio::sync::Mutex::default(),
            listed: Mutex::default(),
            asked: Mutex::default(),
            filed: Mutex::new(approval.filed.clone()),
            claims,
            began: (
                approval.began.unwrap_or_else(Timestamp::now),
                Instant::now(),
            ),
        }
    }

    /// Returns the time; the system's clock may be set while the run goes on.
    pub(super) fn now(&self) -> Timestamp {
        let (began, since) = self.began;
        began.saturating_add(since.elapsed()).unwrap_or(began)
    }

    pub(super) fn identity(&self) -> Option<&str> {
        self.claims.as_deref().and_then(Claims::identity)
    }

    pub(super) fn note_listed(&self, open: &Arc<Vec<ApprovalRequest>>) {
        *lock(&self.listed) = Arc::clone(open);
    }

    pub(super) fn listed(&self) -> Arc<Vec<ApprovalRequest>> {
        Arc::clone(&lock(&self.listed))
    }

    /// Returns what was filed for a policy and not used.
    pub(super) fn filed(&self, policy: &PlannedPolicy) -> Option<PendingApproval> {
        lock(&self.filed)
            .get(&(policy.kind, policy.id.clone()))
            .cloned()
    }

    pub(super) fn remember(&self, policy: &PlannedPolicy, approval: PendingApproval) {
        lock(&self.filed).insert((policy.kind, policy.id.clone()), approval);
    }

    /// Forgets a code that is of no more use.
    pub(super) fn forget(&self, policy: &PlannedPolicy) {
        lock(&self.filed).remove(&(policy.kind, policy.id.clone()));
    }

    /// Notes that a write of a kind without justification was refused.
    pub(super) fn ask(&self, kind: PolicyKind) {
        lock(&self.asked).insert(kind);
    }

    pub(super) fn is_asked(&self, kind: PolicyKind) -> bool {
        lock(&self.asked).contains(&kind)
    }
}
