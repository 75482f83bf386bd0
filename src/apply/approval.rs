//! Multi Admin Approval: a write that a second administrator has to approve is filed, and sent again
//! once it was approved.
//!
//! The rules:
//! - Whether a policy is gated only the service's answer tells, never its kind.
//! - One request for one policy: the open ones are read before anything is filed, and again where
//!   nobody knows whether a filing arrived. What cannot be read is not taken for empty.
//! - A code is sent only with the write that was filed for it, once it is approved, and only while the
//!   policy is as it was: an approved `assign` is a whole set, and would undo another's change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::progress::Progress;
use super::{Outcome, Reason, Settled, Worker};
use crate::auth::claims::Claims;
use crate::graph::approvals::{ApprovalRequest, ApprovalStatus};
use crate::graph::body::WriteRequest;
use crate::graph::error::ServiceError;
use crate::graph::retry::{LISTING_TRIES, LISTING_WAIT};
use crate::graph::transport::Method;
use crate::graph::write::ApprovalHeader;
use crate::model::{PolicyKind, Rows};
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
}

/// The open requests, or why they are not known.
type Open = Result<Arc<Vec<ApprovalRequest>>, Reason>;

/// What a run knows of approvals.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    open: tokio::sync::Mutex<Option<Open>>,
    /// The kinds of which a write without justification was refused.
    asked: Mutex<BTreeSet<PolicyKind>>,
    /// What was filed, by the policy.
    filed: Mutex<BTreeMap<(PolicyKind, String), PendingApproval>>,
    claims: Option<Arc<Claims>>,
}

impl Approvals {
    pub(super) fn new(approval: &Approval, claims: Option<Arc<Claims>>) -> Self {
        Self {
            filed: Mutex::new(approval.filed.clone()),
            claims,
            ..Self::default()
        }
    }

    /// Returns what an earlier try filed for a policy.
    pub(super) fn filed(&self, policy: &PlannedPolicy) -> Option<PendingApproval> {
        let filed = self.filed.lock().unwrap_or_else(PoisonError::into_inner);
        filed.get(&(policy.kind, policy.id.clone())).cloned()
    }

    pub(super) fn remember(&self, policy: &PlannedPolicy, approval: PendingApproval) {
        let mut filed = self.filed.lock().unwrap_or_else(PoisonError::into_inner);
        filed.insert((policy.kind, policy.id.clone()), approval);
    }

    fn is_asked(&self, kind: PolicyKind) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.contains(&kind)
    }
}

/// What is known of a policy's approval before it is written.
pub(super) enum Before {
    /// The requests for it that are open.
    Open(Vec<ApprovalRequest>),
    /// Nothing is known, and nothing has to be: no request was asked for.
    Unasked,
    /// It was filed, and its request is so now; `None` if the sign-in does not see it.
    Filed(PendingApproval, Box<Option<ApprovalRequest>>),
}

impl PendingApproval {
    fn new(code: String, filed_at: String, expires_at: String, write: &WriteRequest) -> Self {
        let body = write.body.as_deref();
        Self {
            code,
            filed_at,
            expires_at,
            method: write.method.name().to_owned(),
            path: write.path.clone(),
            body: body.map(|body| String::from_utf8_lossy(body).into_owned()),
        }
    }

    /// Makes the write again, to the byte; `None` if it is none.
    pub(super) fn write(&self, then: Rows) -> Option<WriteRequest> {
        Some(WriteRequest {
            method: match self.method.as_str() {
                "POST" => Method::Post,
                "DELETE" => Method::Delete,
                _ => return None,
            },
            path: self.path.clone(),
            body: self.body.clone().map(String::into_bytes),
            then,
        })
    }
}

impl Worker<'_> {
    /// Learns what has to be known of a policy's approval, before its last look.
    pub(super) async fn approval_before(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
    ) -> Result<Before, Settled> {
        if let Some(filed) = self.approvals.filed(policy) {
            let request = self.reader.approval_request(&filed.code).await;
            let request = request
                .map_err(|error| not_read(progress, Reason::from_graph("readFailed", &error)))?;
            return Ok(Before::Filed(filed, Box::new(request)));
        }
        let asks = self.settings.approval.justification.is_some();
        if !asks && !self.approvals.is_asked(policy.kind) {
            return Ok(Before::Unasked);
        }
        // A filing whose outcome nobody knows may have come after the list was read.
        let open = self.open_requests(progress.unknown > 0).await;
        let open = open.map_err(|reason| not_read(progress, reason))?;
        Ok(Before::Open(requests_for(policy, &open)))
    }

    async fn open_requests(&self, again: bool) -> Open {
        let mut known = self.approvals.open.lock().await;
        if let Some(open) = known.as_ref().filter(|_| !again) {
            return open.clone();
        }
        let read = self.reader.approval_requests().await;
        let open = read
            .map(|mut requests| {
                requests.retain(|request| request.status.is_open());
                Arc::new(requests)
            })
            .map_err(|error| Reason::from_graph("readFailed", &error));
        known.insert(open).clone()
    }

    /// Decides by what is known of its approval whether a write is sent, and with which header.
    pub(super) fn approval_of(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        before: Before,
        write: &mut WriteRequest,
    ) -> Result<ApprovalHeader, Settled> {
        match before {
            Before::Unasked => Ok(ApprovalHeader::None),
            Before::Filed(filed, request) => {
                *write = match filed.write(Arc::clone(&write.then)) {
                    Some(write) => write,
                    None => {
                        return Err(dead(Reason::new(
                            "approvalUnknown",
                            "the report holds no write for it",
                        )));
                    }
                };
                self.may_complete(filed, *request)
            }
            Before::Open(open) => {
                if let Some(settled) = self.found(policy, progress, &open, write) {
                    return Err(settled);
                }
                match &self.settings.approval.justification {
                    Some(text) => Ok(ApprovalHeader::Justification(text.clone())),
                    None => Err(approval_required(None)),
                }
            }
        }
    }

    fn may_complete(
        &self,
        filed: PendingApproval,
        request: Option<ApprovalRequest>,
    ) -> Result<ApprovalHeader, Settled> {
        let Some(request) = request else {
            return Err(dead(Reason::new(
                "approvalUnknown",
                format!("this sign-in sees no request `{}`", filed.code),
            )));
        };
        if request.is_own(self.approvals.claims.as_deref()) == Some(false) {
            let who = request.who().unwrap_or_default();
            return Err(dead(Reason::new(
                "approvalForeign",
                format!("it was filed by {who}, and only that identity can complete it"),
            )));
        }
        let said = |what: &str| match &request.approver_said {
            Some(words) => format!("the request was {what}: {words}"),
            None => format!("the request was {what}"),
        };
        match request.status {
            ApprovalStatus::Approved => Ok(ApprovalHeader::Code(filed.code)),
            ApprovalStatus::Waiting => Err(pending(filed, None)),
            ApprovalStatus::Rejected => {
                Err(dead(Reason::new("approvalRejected", said("rejected"))))
            }
            ApprovalStatus::Cancelled => {
                Err(dead(Reason::new("approvalCancelled", said("withdrawn"))))
            }
            ApprovalStatus::Expired => Err(dead(Reason::new(
                "approvalExpired",
                "the request expired before the write was sent",
            ))),
            ApprovalStatus::Completed => Err(dead(Reason::new(
                "approvalUsed",
                "the approved write was sent before, and the policy does not show it",
            ))),
        }
    }

    /// Settles a policy that has an open request.
    fn found(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        open: &[ApprovalRequest],
        write: &WriteRequest,
    ) -> Option<Settled> {
        let request = open.first()?;
        // After a filing of unknown outcome another way of writing may have been chosen.
        let same = progress
            .tried
            .iter()
            .chain([write])
            .find(|write| request.asks_for(write));
        let own = request.is_own(self.approvals.claims.as_deref());
        let who = request.who();
        let (Some(write), true) = (same, own != Some(false)) else {
            let who = who.unwrap_or_else(|| "an unknown identity".to_owned());
            let what = if same.is_some() { "this" } else { "another" };
            return Some(locked(&format!(
                "{what} change of the policy waits for approval: request `{}`, filed by {who}; nothing was sent",
                request.id
            )));
        };
        let filed = PendingApproval {
            // Its exact bytes, as they were filed.
            body: request.body.clone().or_else(|| {
                let body = write.body.as_deref();
                body.map(|body| String::from_utf8_lossy(body).into_owned())
            }),
            ..PendingApproval::new(
                request.id.clone(),
                request.requested_at.clone(),
                request.expires_at.clone(),
                write,
            )
        };
        self.approvals.remember(policy, filed.clone());
        Some(pending(filed, who))
    }

    /// Settles a policy whose write was just filed.
    pub(super) fn filed(&self, policy: &PlannedPolicy, sent: &Sent, code: String) -> Settled {
        let Sent { write, header } = sent;
        // A code files nothing; whatever this is, it is not known to the run.
        if matches!(header, ApprovalHeader::Code(_)) {
            return dead(Reason::new(
                "approvalRefused",
                format!("the service filed the approved write anew, as request `{code}`"),
            ));
        }
        let now = Timestamp::now();
        // What the service documents; the request itself says it when it is looked at.
        let expires = now.saturating_add(SignedDuration::from_hours(72));
        let filed = PendingApproval::new(
            code,
            now.strftime("%FT%TZ").to_string(),
            expires.unwrap_or(now).strftime("%FT%TZ").to_string(),
            write,
        );
        self.approvals.remember(policy, filed.clone());
        pending(filed, None)
    }

    /// Finds out whether a refusal is about approval, and what it comes to.
    pub(super) async fn refused_for_approval(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        sent: &Sent,
        error: &ServiceError,
    ) -> Option<Settled> {
        let Sent { write, header } = sent;
        if let ApprovalHeader::Code(code) = header {
            let reason = Reason::new(
                "approvalRefused",
                format!(
                    "the service refused the approved write (request `{code}`): {}; it takes it from the identity that filed it only",
                    error.message
                ),
            );
            return Some(dead(answered(reason, error)));
        }
        let is_locked = error.is_locked_for_approval();
        if !is_locked && !error.asks_for_approval() {
            return None;
        }
        if !is_locked {
            let asked = &self.approvals.asked;
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.insert(policy.kind);
        }
        // A new request may take some seconds to be listed.
        for number in 0..if is_locked { LISTING_TRIES } else { 1 } {
            if number > 0 {
                tokio::time::sleep(LISTING_WAIT).await;
            }
            match self.open_requests(true).await {
                Ok(open) => {
                    let open = requests_for(policy, &open);
                    if let Some(settled) = self.found(policy, progress, &open, write) {
                        return Some(settled);
                    }
                }
                Err(reason) if is_locked => {
                    return Some(locked(&format!(
                        "a change of the policy waits for approval, and the open requests could not be read: {}",
                        reason.message
                    )));
                }
                Err(_) => break,
            }
        }
        Some(match is_locked {
            true => locked(
                "a change of the policy waits for approval, and the list of requests does not show which",
            ),
            false => approval_required(Some(error)),
        })
    }
}

/// A write as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) write: WriteRequest,
    pub(super) header: ApprovalHeader,
}

fn requests_for(policy: &PlannedPolicy, open: &[ApprovalRequest]) -> Vec<ApprovalRequest> {
    let is_for = |request: &&ApprovalRequest| {
        let id = request.policy_id.as_ref();
        id.is_some_and(|id| id.eq_ignore_ascii_case(&policy.id))
    };
    open.iter().filter(is_for).cloned().collect()
}

fn pending(filed: PendingApproval, who: Option<String>) -> Settled {
    let by = who
        .map(|who| format!(", filed by {who}"))
        .unwrap_or_default();
    let message = format!(
        "waits for a second administrator's approval until {}: request `{}`{by}",
        filed.expires_at, filed.code
    );
    Settled {
        approval: Some(Box::new(filed)),
        ..Settled::bad(Outcome::Pending, Reason::new("pendingApproval", message))
    }
}

/// A policy that is locked by a request that this run cannot complete.
fn locked(message: &str) -> Settled {
    Settled::bad(Outcome::Pending, Reason::new("lockedByApproval", message))
}

fn dead(reason: Reason) -> Settled {
    Settled::bad(Outcome::Failed, reason)
}

/// Adds what the service said of a request.
fn answered(reason: Reason, error: &ServiceError) -> Reason {
    Reason {
        status: Some(error.status),
        request_id: error.request_id.clone(),
        ..reason
    }
}

fn approval_required(error: Option<&ServiceError>) -> Settled {
    let reason = Reason::new(
        "approvalRequired",
        "the service wants a second administrator's approval of this change; say why with `--justification`",
    );
    dead(match error {
        Some(error) => answered(reason, error),
        None => reason,
    })
}

/// Nothing is filed while nobody knows what is open: it may be open already.
fn not_read(progress: &Progress, reason: Reason) -> Settled {
    let Reason {
        code: _,
        status,
        message,
        request_id,
        is_refusal: _,
    } = reason;
    let message = format!("the requests for approval could not be read: {message}");
    let reason = Reason {
        status,
        request_id,
        ..Reason::new("approvalsUnreadable", message)
    };
    Settled {
        written: progress.touched,
        ..Settled::bad(Outcome::Failed, reason)
    }
}
