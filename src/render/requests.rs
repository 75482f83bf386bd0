//! Requests for a second administrator's approval, in words.

use jiff::Timestamp;

use super::clean::clean;
use super::phrases::{count, first};
use crate::model::{ApprovalEntry, ApprovalStatus};
use crate::plan::Annotations;

/// What stands above the open requests that `drift` shows.
pub(super) const TITLE: &str = "Open requests for approval";

/// Says the open requests for the policies of a plan, so many at most, each made harmless by `safe`, and how many
/// do not say which policy they are for; nothing if that was not asked.
pub(super) fn open(
    annotations: &Annotations,
    most: usize,
    safe: impl Fn(String) -> String,
) -> Vec<String> {
    let Some(open) = &annotations.approvals else {
        return Vec::new();
    };
    let lines = open.of_policies.iter().map(|entry| safe(line(entry)));
    let lines = first(most, lines, |rest| format!("and {rest} more"));
    lines.chain(unclear(open.unclear)).collect()
}

/// Says of how many requests it is not known which policy they are for; `None` if of none.
pub(super) fn unclear(number: usize) -> Option<String> {
    let requests = count(
        number,
        "open request does not say which policy it is for",
        "open requests do not say which policy they are for",
    );
    (number > 0).then(|| format!("{requests}; `assignctl approvals` lists all"))
}

/// Says what has become of a request.
pub(super) fn state(status: ApprovalStatus) -> &'static str {
    match status {
        ApprovalStatus::Waiting => "waiting for approval",
        ApprovalStatus::Approved => "approved, not yet applied",
        ApprovalStatus::Rejected => "rejected",
        ApprovalStatus::Cancelled => "withdrawn",
        ApprovalStatus::Completed => "completed",
        ApprovalStatus::Expired => "expired",
        ApprovalStatus::Unknown => "not visible to this sign-in",
    }
}

/// Names the policy of a request, by what is known of it.
pub(super) fn policy(entry: &ApprovalEntry) -> String {
    let name = entry.name.as_ref().or(entry.id.as_ref());
    let name = name.map(|name| clean(name).into_owned());
    let name = name.unwrap_or_else(|| "an object that the service does not name".to_owned());
    match entry.kind {
        Some(kind) => format!("{kind} {name}"),
        None => name,
    }
}

pub(super) fn who(entry: &ApprovalEntry) -> String {
    let who = entry.requestor.as_deref().map(clean);
    match (who, entry.own) {
        (Some(who), Some(true)) => format!(" by {who}, this sign-in"),
        (None, Some(true)) => " by this sign-in".to_owned(),
        (Some(who), _) => format!(" by {who}"),
        (None, _) => String::new(),
    }
}

/// Says which request it is, in half a sentence.
pub(super) fn which(entry: &ApprovalEntry) -> String {
    format!(
        "request {}, filed {}{}, expires {}",
        clean(&entry.code),
        minute(&entry.requested_at),
        who(entry),
        minute(&entry.expires_at)
    )
}

/// Says a time to the minute; what is not one stays as it is.
pub(super) fn minute(time: &str) -> String {
    let Ok(time) = time.parse::<Timestamp>() else {
        return clean(time).into_owned();
    };
    time.strftime("%F %H:%M UTC").to_string()
}

/// Says a request in a line.
fn line(entry: &ApprovalEntry) -> String {
    format!(
        "{}: {}; {}",
        policy(entry),
        state(entry.status),
        which(entry)
    )
}
