//! What the steps of a trial say about the service.

use crate::graph::error::names_no_route;
use crate::graph::record::Exchange;
use crate::graph::transport::Method;
use crate::report::{Outcome, PolicyResult, Reason, ReasonCode};
use crate::service::{Finding, State};

/// Whether a write was taken and does not show yet.
pub(super) fn is_late(settled: &PolicyResult) -> bool {
    let reason = settled.reason.as_ref();
    reason.is_some_and(|reason| reason.code == ReasonCode::NotVisibleYet)
}

/// Judges a step: what the service refuses for a reason of its own says nothing of the route.
pub(super) fn judged(id: &str, settled: &PolicyResult) -> Finding {
    let reason = settled.reason.as_ref();
    match (settled.outcome, reason) {
        (Outcome::Applied, _) => Finding::new(id, State::Holds, "tried, and the change is visible"),
        (_, Some(reason)) => {
            let seen = match reason.status {
                Some(status) => format!("status {status} `{}`", reason.code.name()),
                None => format!("`{}`", reason.code.name()),
            };
            // Any other refusal is about what was sent.
            let is_missing =
                reason.code == ReasonCode::CreateRouteMissing || is_missing_route(reason);
            let state = match (is_missing, reason.is_refusal) {
                (true, _) => State::Differs,
                (_, true) => State::NotPermitted,
                _ => State::Unknown,
            };
            Finding::new(id, state, seen)
        }
        (outcome, None) => Finding::new(id, State::Unknown, outcome.name()),
    }
}

/// Whether the service says that there is no such route (microsoft-graph-docs#4983; KelvinTegelaar/CIPP#2541).
fn is_missing_route(reason: &Reason) -> bool {
    let is_said =
        |text: &str| names_no_route(text) || text.starts_with("Resource not found for the segment");
    matches!(reason.status, Some(400 | 404))
        && (is_said(reason.code.name()) || is_said(&reason.message))
}

pub(super) fn is_taken_write(exchange: &Exchange) -> bool {
    is_write(exchange)
        && exchange
            .status
            .is_some_and(|status| (200..300).contains(&status))
}

fn is_write(exchange: &Exchange) -> bool {
    exchange.method != Method::Get
        && matches!(
            exchange.last_segment.as_str(),
            "assign" | "assignments" | "update"
        )
        || exchange.method == Method::Delete
}

/// Says what the answers to `assign` were, in place of that it was taken.
pub(super) fn answers(exchanges: &[Exchange], findings: &[Finding]) -> Option<Finding> {
    let held = findings
        .iter()
        .any(|found| found.assumption.id == "assign-answer" && found.state == State::Holds);
    let mut assigns = exchanges
        .iter()
        .filter(|exchange| is_taken_write(exchange))
        .filter(|exchange| matches!(exchange.last_segment.as_str(), "assign" | "update"));
    let first = assigns.next().filter(|_| held)?;
    let status = first.status?;
    let seen = match first.listed {
        Some(assignments) => format!("status {status}, with {assignments} assignments"),
        None => format!("status {status}, without assignments"),
    };
    Some(Finding::new("assign-answer", State::Holds, seen))
}

/// Says how long writes took to show.
pub(super) fn lag(exchanges: &[Exchange]) -> String {
    let mut longest = std::time::Duration::ZERO;
    let mut looks = 0;
    let writes = exchanges
        .iter()
        .enumerate()
        .filter(|(_, exchange)| is_taken_write(exchange));
    for (index, write) in writes {
        let after = exchanges[index + 1..].iter();
        let reads: Vec<&Exchange> = after.take_while(|exchange| !is_write(exchange)).collect();
        // The last look belongs to the next write.
        looks = looks.max(reads.len());
        if let Some(last) = reads.first().filter(|_| reads.len() <= 2).or(reads.last()) {
            let end = last.sent + last.took;
            longest = longest.max(end.saturating_duration_since(write.sent + write.took));
        }
    }
    format!(
        "writes showed within {} ms, at most {looks} looks",
        longest.as_millis()
    )
}
