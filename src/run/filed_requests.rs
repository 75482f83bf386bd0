//! What a run has filed for approval: what its report says, and what it was about to file when it ended
//! before it knew the answer.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Failure;
use crate::apply::filed::{
    is_locked, lacks_justification, may_be_unlisted, not_found, waits_for_another,
};
use crate::auth::claims::Claims;
use crate::diagnostic::{Diagnostic, Severity};
use crate::graph::Reader;
use crate::graph::approvals::{ApprovalRequest, RequestMatch};
use crate::graph::client::Client;
use crate::graph::observe::Event;
use crate::graph::retry::{LISTED_WITHIN, listing_wait};
use crate::model::ApprovalStatus;
use crate::report::{FilingAttempt, Outcome, PendingApproval, PolicyResult, RecordedPolicy};
use crate::text::count;

/// What a run has filed, or may have.
#[derive(Debug, Default)]
pub struct Filings {
    /// Policies with the writes that were filed for them.
    pub known: Vec<(RecordedPolicy, PendingApproval)>,
    /// Those for which no request was found.
    pub unknown: Vec<Unknown>,
    /// Those whose write wants an approval that the run did not ask for, and those that another request locked or that
    /// wait for another policy.
    pub unfiled: Vec<RecordedPolicy>,
}

/// A write that may have been filed.
#[derive(Debug)]
pub struct Unknown {
    /// Its policy.
    pub policy: RecordedPolicy,
    /// The write.
    pub filing: FilingAttempt,
    /// What becomes of the policy.
    pub settled: PolicyResult,
}

/// What of a run's requests may still take effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenRequests {
    /// How many wait for an approver.
    pub(super) waiting: usize,
    /// How many were approved, and their writes not sent.
    pub(super) approved: usize,
    /// Of how many it is not known.
    pub(super) unknown: usize,
}

impl OpenRequests {
    /// Says that a rollback leaves them as they are; `None` if there are none.
    pub(super) fn warning(self) -> Option<Diagnostic> {
        const CODE: &str = "open-requests";
        let counts = [
            (self.waiting, "waiting for approval"),
            (self.approved, "approved, not yet applied"),
            (self.unknown, "not visible to this sign-in"),
        ];
        let all = counts.iter().map(|(number, _)| number).sum();
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, state)| format!("{number} {state}"))
            .collect();
        if counts.is_empty() {
            return None;
        }
        let message = format!(
            "the run has filed {} that a rollback leaves open: {}",
            count(all, "request for approval", "requests for approval"),
            counts.join(", ")
        );
        let warning = Diagnostic::new(Severity::Warning, CODE, None, message);
        Some(warning.hint(
            "withdraw them with `assignctl approvals cancel REPORT` before the rollback; `assignctl apply --resume REPORT` would send what is approved",
        ))
    }
}

/// Whether a policy waits for approval, or may, or can be filed.
pub(super) fn waits(policy: &RecordedPolicy) -> bool {
    policy.may_be_filed() || waits_unfiled(policy)
}

/// Whether a policy waits for a justification with which it can be filed, until a request is closed that locks it, or
/// for another policy that waits.
fn waits_unfiled(policy: &RecordedPolicy) -> bool {
    let reason = policy.reason.as_ref();
    reason.is_some_and(lacks_justification)
        || was_locked(policy)
        || (policy.outcome == Some(Outcome::Pending) && reason.is_some_and(waits_for_another))
}

/// Whether a run found a policy locked by a request that it could not complete.
pub(super) fn was_locked(policy: &RecordedPolicy) -> bool {
    policy.outcome == Some(Outcome::Pending) && policy.reason.as_ref().is_some_and(is_locked)
}

/// The wait for requests that were just filed, which the service lists some seconds late.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListingWait {
    began: Timestamp,
    start: Instant,
}

impl ListingWait {
    /// Begins to wait; `began` is the time now.
    pub(super) fn new(began: Timestamp) -> Self {
        let start = Instant::now();
        Self { began, start }
    }

    /// Whether a request of that time may still come to be listed.
    pub(super) fn may_come(self, filed_at: &str) -> bool {
        let waited = self.start.elapsed();
        let now = self.began.saturating_add(waited).unwrap_or(self.began);
        waited < LISTED_WITHIN && may_be_unlisted(filed_at, now)
    }

    /// Waits before requests are looked for again, after so many tries; says so the first time.
    pub(super) async fn pause(self, client: &Client, tries: usize, requests: usize) {
        if tries == 0 {
            client.notice(Event::Unlisted { requests });
        }
        tokio::time::sleep(listing_wait(tries)).await;
    }
}

/// Finds what a run has filed. A request that may not be listed yet is waited for; `began` is the time now.
///
/// # Errors
///
/// Says why the open requests cannot be read.
pub async fn find_filed_requests(
    policies: Vec<RecordedPolicy>,
    client: &Arc<Client>,
    began: Timestamp,
) -> Result<Filings, Failure> {
    let mut found = Filings::default();
    let mut sought = Vec::new();
    for mut policy in policies {
        if let Some(approval) = policy.approval.take() {
            found.known.push((policy, approval));
        } else if let Some(filing) = policy.unknown_filing().cloned() {
            sought.push((policy, filing));
        } else if waits(&policy) {
            found.unfiled.push(policy);
        }
    }
    if sought.is_empty() {
        return Ok(found);
    }
    let reader = Reader::new(Arc::clone(client));
    let claims = client.claims().await?;
    let wait = ListingWait::new(began);
    let mut tries = 0;
    let open = loop {
        let mut open = reader.approval_requests().await?;
        let mut missing = Vec::new();
        for (policy, filing) in sought {
            match request_of(&open, &policy, &filing, claims.as_deref()) {
                Some(request) => {
                    let approval = approval(filing, request, claims.as_deref());
                    found.known.push((policy, approval));
                }
                None => missing.push((policy, filing)),
            }
        }
        sought = missing;
        open.retain(|request| request.status.is_open());
        let may_come = sought.iter().any(|(policy, filing)| {
            // A policy has one open request at a time.
            let is_other_open = open.iter().any(|other| other.is_for_policy(&policy.id));
            !policy.outcome.is_some_and(Outcome::is_good)
                && !is_other_open
                && wait.may_come(&filing.sent_at)
                && candidates(filing, &open, claims.as_deref()) == 0
        });
        if !may_come {
            break open;
        }
        wait.pause(client, tries, sought.len()).await;
        tries += 1;
    };
    for (policy, filing) in sought {
        match policy.outcome {
            // What is as planned needs no request.
            Some(Outcome::Applied | Outcome::Already) => {}
            // The service said that a request is open: it takes no other as long as that is so.
            Some(Outcome::Pending) if waits_unfiled(&policy) => found.unfiled.push(policy),
            _ => found.unknown.push(Unknown {
                settled: not_found(candidates(&filing, &open, claims.as_deref())),
                policy,
                filing,
            }),
        }
    }
    Ok(found)
}

/// Counts the open requests that a run has filed, or may have. `now` is the time.
///
/// # Errors
///
/// No token can be obtained.
pub(super) async fn open_requests(
    policies: &[RecordedPolicy],
    client: &Arc<Client>,
    now: Timestamp,
) -> Result<OpenRequests, Failure> {
    let mut found = OpenRequests::default();
    if !policies.iter().any(RecordedPolicy::may_be_filed) {
        return Ok(found);
    }
    let reader = Reader::new(Arc::clone(client));
    let claims = client.claims().await?;
    // Who may roll back need not be allowed to read them; then all that did not expire may be open.
    let requests = reader.approval_requests().await.ok();
    let listed = requests.as_deref().unwrap_or_default();
    for policy in policies {
        let (request, may_be_open) = match (&policy.approval, policy.unknown_filing()) {
            (Some(approval), _) => {
                let mut same = listed.iter();
                let request = same.find(|request| request.id.eq_ignore_ascii_case(&approval.code));
                let expires = approval.expires_at.parse::<Timestamp>();
                (request, !expires.is_ok_and(|expires| expires <= now))
            }
            (None, Some(filing)) => {
                let request = request_of(listed, policy, filing, claims.as_deref());
                let is_unread = requests.is_none() || may_be_unlisted(&filing.sent_at, now);
                let is_good = policy.outcome.is_some_and(Outcome::is_good);
                (request, is_unread && !is_good)
            }
            (None, None) => continue,
        };
        match request.map(|request| request.status) {
            Some(ApprovalStatus::Approved) => found.approved += 1,
            Some(status) if status.is_open() => found.waiting += 1,
            Some(_) => {}
            None => found.unknown += usize::from(may_be_open),
        }
    }
    Ok(found)
}

/// Returns how many requests may be what a write has filed: the service does not say which policy they
/// are for.
fn candidates(filing: &FilingAttempt, open: &[ApprovalRequest], claims: Option<&Claims>) -> usize {
    let may_be_it = |request: &&ApprovalRequest| {
        request.policy_id.is_none()
            && request.is_own(claims) != Some(false)
            && is_at(request, filing)
    };
    open.iter().filter(may_be_it).count()
}

/// Makes what was filed of what was announced. It is not said to be filed by this identity if that is not
/// known.
fn approval(
    filing: FilingAttempt,
    request: &ApprovalRequest,
    claims: Option<&Claims>,
) -> PendingApproval {
    let is_ours = request.is_own(claims) == Some(true) || is_at(request, &filing);
    let identity = filing.identity.clone().filter(|_| is_ours);
    let filed = filing.filed(
        request.id.clone(),
        request.requested_at.clone(),
        request.expires_at.clone(),
    );
    PendingApproval { identity, ..filed }
}

/// Finds what a write has filed. Where the service does not say what a request asks for, it is the one of
/// that time: a policy has one open request at a time, and that of an earlier run may be closed and another
/// open since.
fn request_of<'a>(
    requests: &'a [ApprovalRequest],
    policy: &RecordedPolicy,
    filing: &FilingAttempt,
    claims: Option<&Claims>,
) -> Option<&'a ApprovalRequest> {
    let write = filing.write(policy.kind, &policy.id, policy.after.clone().into())?;
    let may_be = requests.iter().filter(|request| {
        request.is_for_policy(&policy.id) && request.is_own(claims) != Some(false)
    });
    // A change that the run saw applied needs no request, unless it filed that request.
    let is_done = policy.outcome.is_some_and(Outcome::is_good);
    let mut same = may_be.clone().filter(|request| {
        !is_done && request.status.is_open() && request.asks_for(&write) == RequestMatch::Same
    });
    same.next().or_else(|| {
        // One that asks for something else is that of another step, however near.
        let of_that_time = may_be.filter(|request| {
            is_at(request, filing) && request.asks_for(&write) != RequestMatch::Other
        });
        let nearest = of_that_time.min_by_key(|request| {
            let apart = request.filed_apart(filing.sent_at.parse().unwrap_or_default());
            (apart, !request.status.is_open())
        })?;
        nearest.status.is_open().then_some(nearest)
    })
}

fn is_at(request: &ApprovalRequest, filing: &FilingAttempt) -> bool {
    let sent_at = filing.sent_at.parse::<Timestamp>();
    sent_at.is_ok_and(|sent_at| request.was_filed_with(sent_at, &filing.justification))
}
