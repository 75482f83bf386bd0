//! What a run has filed for approval: what its report says, and what it was about to file when it ended
//! before it knew the answer.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Failure;
use crate::apply::filed::{may_be_unlisted, not_found};
use crate::auth::claims::Claims;
use crate::graph::Reader;
use crate::graph::approvals::{ApprovalRequest, Asks};
use crate::graph::client::Client;
use crate::graph::observe::Event;
use crate::graph::retry::{LISTED_WITHIN, listing_wait};
use crate::report::{Filing, Outcome, PendingApproval, RecordedPolicy, Settled};

/// What a run has filed, or may have.
#[derive(Debug, Default)]
pub struct Filings {
    /// Policies with the writes that were filed for them.
    pub known: Vec<(RecordedPolicy, PendingApproval)>,
    /// Those for which no request was found.
    pub unknown: Vec<Unknown>,
}

/// A write that may have been filed.
#[derive(Debug)]
pub struct Unknown {
    /// Its policy.
    pub policy: RecordedPolicy,
    /// The write.
    pub filing: Filing,
    /// What becomes of the policy.
    pub settled: Settled,
}

/// Finds what a run has filed. A request that may not be listed yet is waited for; `began` is the time now.
///
/// # Errors
///
/// Says why the open requests cannot be read.
pub async fn with_codes(
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
        }
    }
    if sought.is_empty() {
        return Ok(found);
    }
    let reader = Reader::new(Arc::clone(client));
    let claims = client.claims().await?;
    let start = Instant::now();
    let mut tries = 0;
    let open = loop {
        let mut open = reader.approval_requests().await?;
        open.retain(|request| request.status.is_open());
        let mut missing = Vec::new();
        for (policy, filing) in sought {
            let is_it =
                |request: &&ApprovalRequest| is_of(request, &policy, &filing, claims.as_deref());
            match open.iter().find(is_it) {
                Some(request) => {
                    let approval = approval(filing, request, claims.as_deref());
                    found.known.push((policy, approval));
                }
                None => missing.push((policy, filing)),
            }
        }
        sought = missing;
        let now = began.saturating_add(start.elapsed()).unwrap_or(began);
        let may_come = sought.iter().any(|(policy, filing)| {
            !policy.outcome.is_some_and(Outcome::is_good)
                && may_be_unlisted(&filing.sent_at, now)
                && candidates(filing, &open, claims.as_deref()) == 0
        });
        if !may_come || start.elapsed() >= LISTED_WITHIN {
            break open;
        }
        if tries == 0 {
            let requests = sought.len();
            client.notice(Event::Unlisted { requests });
        }
        tokio::time::sleep(listing_wait(tries)).await;
        tries += 1;
    };
    found.unknown = unknown(sought, &open, claims.as_deref());
    Ok(found)
}

/// Settles what was not found.
fn unknown(
    sought: Vec<(RecordedPolicy, Filing)>,
    open: &[ApprovalRequest],
    claims: Option<&Claims>,
) -> Vec<Unknown> {
    let unknown = sought.into_iter().filter_map(|(policy, filing)| {
        let candidates = candidates(&filing, open, claims);
        let is_known = match policy.outcome {
            // What is as planned needs no request.
            Some(Outcome::Applied | Outcome::Already) => true,
            // It was locked by another's.
            Some(Outcome::Pending) => candidates == 0 && !policy.is_taken_over(),
            Some(Outcome::Failed | Outcome::Stale | Outcome::Skipped) | None => false,
        };
        (!is_known).then(|| Unknown {
            settled: not_found(candidates),
            policy,
            filing,
        })
    });
    unknown.collect()
}

/// Returns how many requests may be what a write has filed: the service does not say which policy they
/// are for.
fn candidates(filing: &Filing, open: &[ApprovalRequest], claims: Option<&Claims>) -> usize {
    let may_be_it = |request: &&ApprovalRequest| {
        request.policy_id.is_none()
            && request.is_own(claims) != Some(false)
            && is_at(request, filing)
    };
    open.iter().filter(may_be_it).count()
}

/// Makes what was filed of what was announced. It is not said to be filed by this identity if that is not
/// known.
fn approval(filing: Filing, request: &ApprovalRequest, claims: Option<&Claims>) -> PendingApproval {
    let is_ours = request.is_own(claims) == Some(true) || is_at(request, &filing);
    let identity = filing.identity.clone().filter(|_| is_ours);
    let filed = filing.filed(
        request.id.clone(),
        request.requested_at.clone(),
        request.expires_at.clone(),
    );
    PendingApproval { identity, ..filed }
}

/// Whether a request is what a write has filed. Where the service does not say what it asks for, it is
/// by when it was filed: a policy has one open request at a time.
fn is_of(
    request: &ApprovalRequest,
    policy: &RecordedPolicy,
    filing: &Filing,
    claims: Option<&Claims>,
) -> bool {
    let then = policy.after.clone().into();
    let Some(write) = filing.write(policy.kind, &policy.id, then) else {
        return false;
    };
    request.is_for_policy(&policy.id)
        && request.is_own(claims) != Some(false)
        && match request.asks_for(&write) {
            // What the run has seen done it needs no request for, unless it is its own.
            Asks::Same if policy.outcome.is_none_or(|outcome| !outcome.is_good()) => true,
            Asks::Same | Asks::Unclear => is_at(request, filing),
            Asks::Other => false,
        }
}

fn is_at(request: &ApprovalRequest, filing: &Filing) -> bool {
    let sent_at = filing.sent_at.parse::<Timestamp>();
    sent_at.is_ok_and(|sent_at| request.was_filed_with(sent_at, &filing.justification))
}
