//! Multi Admin Approval: a write that a second administrator has to approve is filed, and sent again
//! once it was approved.
//!
//! The rules:
//! - Only the service's answer says whether a policy is gated, never its kind.
//! - One request for one policy: the open ones are read before anything is filed, and again where
//!   it is unknown whether a filing arrived. What cannot be read is not taken for empty.
//! - A code is sent only with the write that was filed for it, once it is approved, and only while the
//!   policy is as it was: an approved `assign` is a whole set, and would undo another's change.
//! - What is filed is announced in the report with its body. Where the answer gets lost, the request is
//!   found by what it asks for; where the service does not say that, as with removals, by when it was
//!   filed and by whom.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use super::approval_state::Approval;
use super::approval_state::{Before, Open};
use super::filed::{answered, approval_required, locked, may_be_unlisted, not_read, pending};
use super::progress::{Progress, Seen, Sent};
use super::request::request;
use super::staleness::moved_since;
use super::withdraw::withdraw;
use super::{Outcome, PolicyResult, Reason, ReasonCode, Worker};
use crate::graph::approvals::{ApprovalRequest, ApprovalStatus, RequestMatch};
use crate::graph::error::ServiceError;
use crate::graph::retry::{LISTING_TRIES, LISTING_WAIT};
use crate::graph::write_request::WriteRequest;
use crate::graph::writer::ApprovalHeader;
use crate::model::LiveAssignment;
use crate::plan::PlannedPolicy;
use crate::plan::writes::{WriteWith, steps};
use crate::report::{Announced, FilingAttempt, PendingApproval, Withdrawn};

impl Worker<'_> {
    /// Learns what has to be known of a policy's approval, before its last look.
    pub(super) async fn load_approval_context(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
    ) -> Result<Before, PolicyResult> {
        if let Some(filed) = self.approvals.filed(policy) {
            let request = self.reader.approval_request(&filed.code).await;
            let request = request
                .map_err(|error| not_read(Reason::from_graph(ReasonCode::ReadFailed, &error)))?;
            if request
                .as_ref()
                .is_some_and(|request| request.is_for_another(&policy.id))
            {
                return Err(PolicyResult::failed(Reason::new(
                    ReasonCode::ApprovalOther,
                    format!(
                        "the request `{}` is for another policy, so its code is not used here",
                        filed.code
                    ),
                )));
            }
            return Ok(Before::Filed(filed, Box::new(request)));
        }
        let asks = self.settings.approval.justification.is_some();
        let is_gated = self.approvals.is_asked(policy.kind);
        if !asks && !is_gated {
            return Ok(Before::Unasked);
        }
        // A filing of unknown outcome may have come after the list was read, and a request that
        // was completed is on it.
        let is_old = progress.unknown > 0 || progress.completed;
        match self.open_requests(is_old).await {
            Ok(_) => Ok(Before::Listed),
            // A write without a justification files nothing, so a sign-in that may not read the requests can
            // still make the changes that need no approval.
            Err(reason) if reason.is_refusal && !is_gated && !progress.may_be_filed() => {
                Ok(Before::Unasked)
            }
            // Without a justification, all that is known of the kind is that it needs one.
            Err(reason) if reason.is_refusal && !asks => Err(approval_required(None)),
            Err(reason) => Err(not_read(reason)),
        }
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
            .map_err(|error| Reason::from_graph(ReasonCode::ReadFailed, &error));
        if let Ok(open) = &open {
            self.approvals.note_listed(open);
        }
        // Only the policy that asked again fails: for the others, what was read before still holds.
        if open.is_ok() || !matches!(*known, Some(Ok(_))) {
            *known = Some(open.clone());
        }
        open
    }

    /// Decides by what is known of its approval whether a write is sent, and with which header; `None` if
    /// the policy has to be looked at again.
    pub(super) fn approval_of(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        before: Before,
        seen: &Seen,
        write: &mut WriteRequest,
    ) -> Result<Option<ApprovalHeader>, PolicyResult> {
        match before {
            Before::Unasked => Ok(Some(ApprovalHeader::None)),
            Before::Filed(filed, request) => {
                let after = Arc::clone(&write.after);
                let (kind, id) = (policy.kind, &policy.id);
                match filed.write(kind, id, after) {
                    Some(filed_write) if filed.is_for(write, kind, id) => *write = filed_write,
                    _ if is_completed(&request) => {
                        // Its step is done, and another is next.
                        self.approvals.forget(policy);
                        return Ok(None);
                    }
                    _ => {
                        let mut reason = moved_since();
                        let message = reason.message;
                        reason.message = format!(
                            "{message}; its request `{}` is not sent, and can be withdrawn with `assignctl approvals cancel REPORT`",
                            filed.code
                        );
                        return Err(PolicyResult::stale(reason));
                    }
                }
                self.may_complete(policy, filed, *request).map(Some)
            }
            Before::Listed => {
                // Another policy may have had the list read again while this one waited for its turn.
                let open = requests_for(policy, &self.approvals.listed());
                let alike = self.alike(policy, progress, seen, write);
                if let Some(settled) = self.found(policy, progress, &open, &alike) {
                    return Err(settled);
                }
                match &self.settings.approval.justification {
                    Some(text) => Ok(Some(ApprovalHeader::Justification(text.clone()))),
                    None => Err(approval_required(None)),
                }
            }
        }
    }

    fn filing(&self, write: &WriteRequest, sent_at: Timestamp) -> FilingAttempt {
        let justification = self.settings.approval.justification.as_deref();
        FilingAttempt::of(
            write,
            time(sent_at),
            justification.unwrap_or_default(),
            self.approvals.identity(),
        )
    }

    /// Announces a write in the report, with all that is needed to find what it files, and returns the time.
    pub(super) fn announce(
        &self,
        (policy, found): (&PlannedPolicy, &[LiveAssignment]),
        request: &WriteRequest,
        header: &ApprovalHeader,
        id: &str,
    ) -> Result<Timestamp, Reason> {
        let at = self.approvals.now();
        let filing = self.filing(request, at);
        let filed = self.approvals.filed(policy);
        let announced = match (header, &filed) {
            (ApprovalHeader::Justification(_), _) => Announced::Filing(&filing),
            (ApprovalHeader::Code(_), Some(filed)) => Announced::Approved(filed),
            (ApprovalHeader::Code(_), None) | (ApprovalHeader::None, _) => Announced::Write,
        };
        self.note(|report| report.sending((policy, found), self.names, id, announced))?;
        Ok(at)
    }

    /// Returns the writes that have the effect of the next one, in every way of writing: an earlier run
    /// may have chosen another.
    fn alike(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        seen: &Seen,
        write: &WriteRequest,
    ) -> Vec<WriteRequest> {
        let is_first = progress.done == 0;
        let earlier = progress.earlier(policy);
        let behind_cast = self.capabilities.needs_cast(policy.kind);
        let ways = WriteWith::ALL.into_iter().filter(|_| is_first);
        let others = ways.filter_map(|way| {
            let steps = steps(policy, way);
            let step = steps.first().filter(|step| step.after == write.after)?;
            let kept = (earlier.as_slice(), progress.bare);
            request(policy, step, &seen.live, kept, behind_cast).ok()
        });
        std::iter::once(write.clone()).chain(others).collect()
    }

    fn may_complete(
        &self,
        policy: &PlannedPolicy,
        filed: PendingApproval,
        request: Option<ApprovalRequest>,
    ) -> Result<ApprovalHeader, PolicyResult> {
        let Some(request) = request else {
            if may_be_unlisted(&filed.filed_at, self.approvals.now()) {
                return Err(pending(filed, None, None));
            }
            return Err(PolicyResult::failed(Reason::new(
                ReasonCode::ApprovalUnknown,
                format!("this sign-in sees no request `{}`", filed.code),
            )));
        };
        if !self.may_be_ours(&filed, &request) {
            let who = request.who().or(filed.identity).unwrap_or_default();
            return Err(PolicyResult::failed(Reason::new(
                ReasonCode::ApprovalForeign,
                format!("it was filed by {who}, and only that identity can complete it"),
            )));
        }
        let decided = |what: &str| match &request.approver_said {
            Some(words) => format!("the request was {what}: {words}"),
            None => format!("the request was {what}"),
        };
        let reason = match request.status {
            ApprovalStatus::Approved => return Ok(ApprovalHeader::Code(filed.code)),
            ApprovalStatus::Waiting | ApprovalStatus::Unknown => {
                let known = Some(request.expires_at).filter(|time| !time.is_empty());
                let expires_at = known.unwrap_or(filed.expires_at);
                let filed = PendingApproval {
                    expires_at,
                    ..filed
                };
                return Err(pending(filed, None, None));
            }
            ApprovalStatus::Rejected => {
                Reason::new(ReasonCode::ApprovalRejected, decided("rejected"))
            }
            ApprovalStatus::Cancelled => {
                Reason::new(ReasonCode::ApprovalCancelled, decided("withdrawn"))
            }
            ApprovalStatus::Expired => Reason::new(
                ReasonCode::ApprovalExpired,
                "the request expired before the write was sent",
            ),
            ApprovalStatus::Completed => Reason::new(
                ReasonCode::ApprovalUsed,
                "the approved write was sent before, and the policy does not show it",
            ),
        };
        self.approvals.forget(policy);
        Err(PolicyResult::failed(reason))
    }

    /// Whether a request was filed by the identity that is signed in, if that is known.
    fn may_be_ours(&self, filed: &PendingApproval, request: &ApprovalRequest) -> bool {
        !filed.is_of_another(self.approvals.identity())
            && request.is_own(self.approvals.claims.as_deref()) != Some(false)
    }

    /// Settles a policy that is as planned. Withdraws its request, so that the policy is not locked until
    /// that expires; what could not be withdrawn stays in the report.
    pub(super) async fn settle_as_planned(
        &self,
        policy: &PlannedPolicy,
        outcome: Outcome,
        before: Before,
    ) -> PolicyResult {
        let settled = PolicyResult::as_planned(outcome);
        let Before::Filed(filed, request) = before else {
            return settled;
        };
        self.approvals.forget(policy);
        let is_ours = |request: &ApprovalRequest| {
            request.status.is_open() && self.may_be_ours(&filed, request)
        };
        match request.as_ref() {
            Some(request) if is_ours(request) => {}
            Some(_) => return settled,
            // It may be open all the same.
            None => {
                return PolicyResult {
                    approval: Some(Box::new(filed)),
                    ..settled
                };
            }
        }
        let code = &filed.code;
        let (reason, approval) = match withdraw(self.writer, self.reader, code).await {
            Withdrawn::Done | Withdrawn::Closed(_) => {
                let message =
                    format!("nothing is left to approve, so the request `{code}` was withdrawn");
                (Reason::new(ReasonCode::ApprovalWithdrawn, message), None)
            }
            Withdrawn::Failed(reason) => {
                let message = format!(
                    "nothing is left to approve, but the request `{code}` could not be withdrawn: {}",
                    reason.message
                );
                (
                    Reason::new(ReasonCode::ApprovalNotWithdrawn, message),
                    Some(filed),
                )
            }
        };
        PolicyResult {
            reason: Some(reason),
            approval: approval.map(Box::new),
            ..settled
        }
    }

    /// Settles a policy that has an open request. `alike` are the equivalent writes.
    fn found(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        open: &[ApprovalRequest],
        alike: &[WriteRequest],
    ) -> Option<PolicyResult> {
        let request = open.first()?;
        let own = request.is_own(self.approvals.claims.as_deref());
        let who = request.who();
        // After a filing of unknown outcome another way of writing may have been chosen.
        let tried = progress.tried.as_ref();
        let asked = tried.map(|sent| (&sent.request, request.asks_for(&sent.request)));
        let is_at = tried.is_some_and(|sent| {
            let justification = self.settings.approval.justification.as_deref();
            request.was_filed_with(sent.at, justification.unwrap_or_default())
        });
        let is_ours = match asked {
            Some((_, RequestMatch::Same)) => true,
            Some((_, RequestMatch::Unclear)) => progress.unknown > 0 && is_at,
            Some((_, RequestMatch::Other)) | None => false,
        };
        let same = match asked.filter(|_| is_ours) {
            Some((write, _)) => Some(write),
            None => alike
                .iter()
                .find(|write| request.asks_for(write) == RequestMatch::Same),
        };
        let who = who.unwrap_or_else(|| "an unknown identity".to_owned());
        let (Some(write), true) = (same, own != Some(false)) else {
            let is_unclear =
                |write: &WriteRequest| request.asks_for(write) == RequestMatch::Unclear;
            let what = if same.is_some() {
                "this change of the policy"
            } else if alike.iter().any(is_unclear) {
                "a change of the policy that the service does not describe"
            } else {
                "another change of the policy"
            };
            let resumes = match own {
                Some(true) => ", and is resumed by the report of the run that filed it",
                _ => "",
            };
            let state = match request.status {
                ApprovalStatus::Approved => "is approved and not sent",
                _ => "waits for approval",
            };
            return Some(locked(&format!(
                "{what} {state}: request `{}`, filed by {who}{resumes}; nothing was sent",
                request.id
            )));
        };
        let filing = FilingAttempt {
            // Its exact bytes, as they were filed.
            body: request.body.clone().or_else(|| {
                let body = write.body.as_deref();
                body.map(|body| String::from_utf8_lossy(body).into_owned())
            }),
            // Where the service does not say who filed it, it need not have been this identity: the write
            // is the same, and the service accepts the code only from whoever filed it.
            identity: match own == Some(true) || (is_ours && is_at) {
                true => self.approvals.identity().map(str::to_owned),
                false => request.filer().map(str::to_owned),
            },
            ..self.filing(write, self.approvals.now())
        };
        let filed = filing.filed(
            request.id.clone(),
            request.requested_at.clone(),
            request.expires_at.clone(),
        );
        self.approvals.remember(policy, filed.clone());
        Some(pending(filed, Some(who), Some(request.status)))
    }

    /// Settles a policy whose write was just filed.
    pub(super) async fn filed(
        &self,
        policy: &PlannedPolicy,
        sent: &Sent,
        code: String,
    ) -> PolicyResult {
        // A write with a code should file nothing; this request is unexpected.
        if sent.is_approved() {
            return PolicyResult::failed(Reason::new(
                ReasonCode::ApprovalRefused,
                format!("the service filed the approved write again, as request `{code}`"),
            ));
        }
        // What the service documents, unless the request says it: it may not be there yet.
        let expires = sent.at.saturating_add(SignedDuration::from_hours(72));
        let filing = self.filing(&sent.request, sent.at);
        let filed_at = filing.sent_at.clone();
        let mut filed = filing.filed(code, filed_at, time(expires.unwrap_or(sent.at)));
        self.approvals.remember(policy, filed.clone());
        if let Ok(Some(request)) = self.reader.approval_request(&filed.code).await
            && !request.expires_at.is_empty()
        {
            filed.expires_at = request.expires_at;
            self.approvals.remember(policy, filed.clone());
        }
        pending(filed, None, None)
    }

    /// Finds out whether a refusal is about approval, and what it comes to.
    pub(super) async fn refused_for_approval(
        &self,
        policy: &PlannedPolicy,
        progress: &Progress,
        sent: &Sent,
        error: &ServiceError,
    ) -> Option<PolicyResult> {
        if let ApprovalHeader::Code(code) = &sent.header {
            let rule = match error.status {
                403 => "; it takes it from the identity that filed it, and before it expires",
                _ => "",
            };
            let reason = Reason::new(
                ReasonCode::ApprovalRefused,
                format!(
                    "the service refused the approved write (request `{code}`): {}{rule}",
                    error.message
                ),
            );
            return Some(PolicyResult::failed(answered(reason, error)));
        }
        let is_locked = error.is_locked_for_approval() || error.is_filed_for_approval();
        if !is_locked && !error.asks_for_approval() {
            return None;
        }
        let asks = self.settings.approval.justification.is_some();
        if !is_locked {
            self.approvals.ask(policy.kind);
        }
        let alike = self.alike(policy, progress, &sent.before, &sent.request);
        // A new request may take some seconds to be listed.
        for number in 0..if is_locked { LISTING_TRIES } else { 1 } {
            if number > 0 {
                tokio::time::sleep(LISTING_WAIT).await;
            }
            match self.open_requests(true).await {
                Ok(open) => {
                    let open = requests_for(policy, &open);
                    if let Some(settled) = self.found(policy, progress, &open, &alike) {
                        return Some(settled);
                    }
                }
                Err(reason) if is_locked => {
                    return Some(locked(&format!(
                        "a change of the policy waits for approval, and the open requests could not be read: {}",
                        reason.message
                    )));
                }
                Err(reason) if asks => return Some(not_read(reason)),
                Err(_) => break,
            }
        }
        Some(match is_locked {
            true if error.is_filed_for_approval() => locked(
                "the write was filed for approval, and the list of requests does not show it yet",
            ),
            true => locked(
                "a change of the policy waits for approval, and the list of requests does not show which",
            ),
            false => approval_required(Some(error)),
        })
    }
}

fn is_completed(request: &Option<ApprovalRequest>) -> bool {
    let status = request.as_ref().map(|request| request.status);
    status == Some(ApprovalStatus::Completed)
}

/// Formats a time with fractional seconds, so that writes can be distinguished.
fn time(time: Timestamp) -> String {
    time.strftime("%FT%T.%3fZ").to_string()
}

fn requests_for(policy: &PlannedPolicy, open: &[ApprovalRequest]) -> Vec<ApprovalRequest> {
    let is_for = |request: &&ApprovalRequest| request.is_for_policy(&policy.id);
    open.iter().filter(is_for).cloned().collect()
}
