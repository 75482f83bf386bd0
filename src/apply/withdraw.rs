//! Withdrawing requests for approval: one's own that are no longer needed.

use std::sync::Arc;

use crate::graph::client::Client;
use crate::graph::retry::WRITE_TRIES;
use crate::graph::writer::{WriteOutcome, Writer};
use crate::graph::{GraphError, Reader};
use crate::model::ApprovalStatus;
use crate::report::{Reason, ReasonCode, Withdrawn};

/// Withdraws requests by their codes, one after the other, if they are open and not someone else's.
pub async fn withdraw_all(client: &Arc<Client>, codes: &[String]) -> Vec<Withdrawn> {
    let reader = Reader::new(Arc::clone(client));
    let writer = Writer::new(Arc::clone(client));
    let claims = client.claims().await.ok().flatten();
    let mut outcomes = Vec::new();
    for code in codes {
        outcomes.push(match reader.approval_request(code).await {
            Err(error) => unread(&error),
            Ok(None) => failed(
                ReasonCode::ApprovalUnknown,
                "this sign-in sees no such request",
            ),
            Ok(Some(request)) if !request.status.is_open() => Withdrawn::Closed(request.status),
            Ok(Some(request)) if request.is_own(claims.as_deref()) == Some(false) => {
                let who = request.who().unwrap_or_default();
                let message =
                    format!("it was filed by {who}, and only that identity can withdraw it");
                failed(ReasonCode::ApprovalForeign, &message)
            }
            Ok(Some(_)) => withdraw(&writer, &reader, code).await,
        });
    }
    outcomes
}

fn unread(error: &GraphError) -> Withdrawn {
    Withdrawn::Failed(Reason::from_graph(ReasonCode::ReadFailed, error))
}

fn failed(code: ReasonCode, message: &str) -> Withdrawn {
    Withdrawn::Failed(Reason::new(code, message))
}

/// Withdraws a request. It is idempotent.
pub(super) async fn withdraw(writer: &Writer, reader: &Reader, code: &str) -> Withdrawn {
    let mut last = String::new();
    for number in 1..=WRITE_TRIES {
        match writer.withdraw(code).await {
            WriteOutcome::Done => return Withdrawn::Done,
            WriteOutcome::Refused(error) => return Withdrawn::Failed(Reason::from_service(&error)),
            WriteOutcome::Filed(other) => {
                return failed(
                    ReasonCode::ApprovalRefused,
                    &format!("the service filed request `{other}`"),
                );
            }
            WriteOutcome::NotSent(error) | WriteOutcome::Redirected(error) => {
                return Withdrawn::Failed(Reason::from_graph(ReasonCode::NotSent, &error));
            }
            WriteOutcome::Throttled(error) | WriteOutcome::Renewed(error) => {
                last = error.to_string();
            }
            WriteOutcome::Paused => {}
            WriteOutcome::Unknown {
                reason,
                retry_after,
            } => {
                last = reason;
                let request = reader.approval_request(code).await;
                match request.map(|request| request.map(|request| request.status)) {
                    Ok(Some(ApprovalStatus::Cancelled)) => return Withdrawn::Done,
                    Ok(Some(status)) if !status.is_open() => return Withdrawn::Closed(status),
                    Ok(_) => {}
                    Err(error) => return unread(&error),
                }
                let wait = retry_after.unwrap_or_default();
                let wait = wait.min(writer.longest_wait());
                tokio::time::sleep(wait.max(writer.backoff(number))).await;
            }
        }
        writer.count_retried();
    }
    failed(
        ReasonCode::GivenUp,
        &format!("gave up after {WRITE_TRIES} tries: {last}"),
    )
}
