//! Who did it, in words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clean::clean;
use super::phrases::count;
use super::review::Direction;
use crate::plan::audit::{AuditStatus, PolicyAudit, PolicyEvent};
use crate::plan::{Annotations, Change, PlannedPolicy};

/// The most events, or people, that are named.
const MOST_NAMED: usize = 3;

/// How the portal calls itself in audit events (MicrosoftDocs/memdocs: monitor-audit-logs.md).
const PORTAL: &str = "Microsoft Intune portal extension";

/// Says who changed some policies that have the same changes, a line each; nothing if that was not asked
/// or could not be read.
pub(super) fn who(
    annotations: &Annotations,
    policies: &[&PlannedPolicy],
    direction: Direction,
) -> Vec<String> {
    let days = annotations.audit.as_ref().map_or(0, |audit| audit.days);
    if let [policy] = policies {
        let audit = annotations.audit_of(policy);
        return audit.map_or_else(Vec::new, |audit| of_one(policy, audit, days, direction));
    }
    let mut known: BTreeMap<String, (Timestamp, Timestamp, usize)> = BTreeMap::new();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for policy in policies {
        let Some(audit) = annotations.audit_of(policy) else {
            continue;
        };
        match audit.likely() {
            Some(event) => {
                let by = format!("{} {}", verb(policy, event, direction), by(event));
                let seen = known.entry(by).or_insert((event.time, event.time, 0));
                *seen = (seen.0.min(event.time), seen.1.max(event.time), seen.2 + 1);
            }
            None => {
                if let Some(said) = without_event(audit.status, days) {
                    *others.entry(said).or_default() += 1;
                }
            }
        }
    }
    let mut known: Vec<_> = known.into_iter().collect();
    known.sort_by_key(|(_, (_, last, _))| std::cmp::Reverse(*last));
    let policies_of = |number| count(number, "policy", "policies");
    let left = known.len().saturating_sub(MOST_NAMED);
    let lines = known.into_iter().take(MOST_NAMED);
    let lines = lines.map(|(by, (first, last, number))| {
        format!("{by}, {}: {}", span(first, last), policies_of(number))
    });
    let left = (left > 0).then(|| format!("and by {left} others"));
    let others = others.into_iter();
    let others = others.map(|(said, number)| format!("{said}: {}", policies_of(number)));
    lines.chain(left).chain(others).collect()
}

fn of_one(
    policy: &PlannedPolicy,
    audit: &PolicyAudit,
    days: u32,
    direction: Direction,
) -> Vec<String> {
    let Some(likely) = audit.likely() else {
        return without_event(audit.status, days).into_iter().collect();
    };
    let others = audit.events.iter().filter(|event| *event != likely);
    let mut lines: Vec<String> = std::iter::once(likely)
        .chain(others)
        .take(MOST_NAMED)
        .map(|event| {
            let failed = match event.succeeded() {
                true => String::new(),
                false => format!(", {}", clean(&event.result)),
            };
            format!(
                "{} {}, {} ({}{failed})",
                verb(policy, event, direction),
                by(event),
                minute(event.time),
                clean(&event.activity)
            )
        })
        .collect();
    let more = audit.events.len() + audit.more - lines.len();
    if more > 0 {
        lines.push(format!(
            "and {}",
            count(more, "earlier event", "earlier events")
        ));
    }
    lines
}

/// Says why nobody is named; nothing if the log could not be read, which is said once.
fn without_event(status: AuditStatus, days: u32) -> Option<String> {
    let days = count(usize::try_from(days).unwrap_or_default(), "day", "days");
    match status {
        AuditStatus::None => Some(format!("no audit event in the last {days}")),
        AuditStatus::NotCovered => Some(format!(
            "no audit event, but the log does not reach back {days}"
        )),
        AuditStatus::Found | AuditStatus::Unreadable => None,
    }
}

/// Says what an event most likely did to a policy. Only one that assigns can have made the difference.
fn verb(policy: &PlannedPolicy, event: &PolicyEvent, direction: Direction) -> &'static str {
    if !event.succeeded() {
        return "tried";
    }
    let assigns = event.activity.to_lowercase().contains("assign");
    if !assigns || direction == Direction::Plan {
        return "changed";
    }
    let lacks = |change: &Change| matches!(change, Change::Add(_));
    let has = |change: &Change| matches!(change, Change::Remove(_));
    if policy.changes.iter().all(lacks) {
        "removed"
    } else if policy.changes.iter().all(has) {
        "added"
    } else {
        "changed"
    }
}

fn by(event: &PolicyEvent) -> String {
    if event.own {
        return "by a run of assignctl".to_owned();
    }
    match (&event.actor, event.application.as_deref()) {
        (Some(actor), Some(PORTAL)) => format!("by {} in the portal", clean(actor)),
        (Some(actor), Some(application)) => {
            format!("by {} with {}", clean(actor), clean(application))
        }
        (Some(actor), None) => format!("by {}", clean(actor)),
        (None, Some(application)) => format!("by the application {}", clean(application)),
        (None, None) => "by an unknown actor".to_owned(),
    }
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn span(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (minute(first), minute(last));
    if from == to {
        return to;
    }
    format!("{} to {to}", from.trim_end_matches(" UTC"))
}
