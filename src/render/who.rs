//! Who did it, in words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::clean::clean;
use super::phrases::count;
use super::review::{Direction, PlanView};
use crate::plan::audit::{AuditStatus, PolicyAudit, PolicyEvent};
use crate::plan::since::Cause;
use crate::plan::{Change, PlannedPolicy};

/// The most events, or people, that are named.
const MOST_NAMED: usize = 3;

/// Who wrote a policy last, if it is this program.
const OWN: &str = "last written by a run of assignctl";

/// How the portal calls itself in audit events (MicrosoftDocs/memdocs: monitor-audit-logs.md).
const PORTAL: &str = "Microsoft Intune portal extension";

/// Says who changed some policies that have the same changes, a line each; nothing if that was not asked
/// or could not be read.
pub(super) fn who(view: &PlanView<'_>, policies: &[&PlannedPolicy]) -> Vec<String> {
    let annotations = view.annotations;
    let days = annotations.audit.as_ref().map_or(0, |audit| audit.days);
    if let [policy] = policies {
        let audit = annotations.audit_of(policy);
        return audit.map_or_else(Vec::new, |audit| of_one(policy, audit, days, view));
    }
    let mut known: BTreeMap<String, (Timestamp, Timestamp, usize)> = BTreeMap::new();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for policy in policies {
        let Some(audit) = annotations.audit_of(policy) else {
            continue;
        };
        let no_earlier_than = annotations.no_earlier_than(policy);
        let likely = audit.likely(no_earlier_than).map(|event| {
            let made = made(policy, event, view);
            (format!("{} {}", verb(event, made), by(event)), event)
        });
        let own = || Some((OWN.to_owned(), audit.last_own_write()?));
        match likely.or_else(own) {
            Some((by, event)) => {
                let seen = known.entry(by).or_insert((event.time, event.time, 0));
                *seen = (seen.0.min(event.time), seen.1.max(event.time), seen.2 + 1);
            }
            None => {
                if let Some(reason) = without_event(audit.status, days, no_earlier_than) {
                    *others.entry(reason).or_default() += 1;
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
    let left = (left > 0).then(|| format!("and by {}", count(left, "other", "others")));
    let others = others.into_iter();
    let others = others.map(|(reason, number)| format!("{reason}: {}", policies_of(number)));
    lines.chain(left).chain(others).collect()
}

fn of_one(
    policy: &PlannedPolicy,
    audit: &PolicyAudit,
    days: u32,
    view: &PlanView<'_>,
) -> Vec<String> {
    let no_earlier_than = view.annotations.no_earlier_than(policy);
    let mut lines: Vec<String> = Vec::new();
    let mut events = audit.events.len() + audit.more;
    if let Some(likely) = audit.likely(no_earlier_than) {
        let made = made(policy, likely, view);
        let others = audit.events.iter().filter(|event| *event != likely);
        let others = others.map(|event| (event, "changed"));
        let all = std::iter::once((likely, made)).chain(others);
        lines.extend(all.take(MOST_NAMED).map(|(event, made)| {
            let failed = match event.succeeded() {
                true => String::new(),
                false => format!(", {}", clean(&event.result)),
            };
            format!(
                "{} {}, {} ({}{failed})",
                verb(event, made),
                by(event),
                minute(event.time),
                clean(&event.activity)
            )
        }));
        events -= lines.len();
    } else if let Some(own) = audit.last_own_write() {
        let (time, activity) = (minute(own.time), clean(&own.activity));
        lines.push(format!("{OWN}, {time} ({activity}), and no event since"));
        events -= 1;
    } else {
        lines.extend(without_event(audit.status, days, no_earlier_than));
    }
    if events > 0 {
        let earlier = count(events, "earlier event", "earlier events");
        lines.push(format!("and {earlier}"));
    }
    lines
}

/// Says why no one is named; nothing if the log could not be read, which is said once.
fn without_event(
    status: AuditStatus,
    days: u32,
    no_earlier_than: Option<Timestamp>,
) -> Option<String> {
    let days = count(usize::try_from(days).unwrap_or_default(), "day", "days");
    match status {
        AuditStatus::None => Some(format!("no audit event in the last {days}")),
        AuditStatus::NotCovered => Some(format!(
            "no audit event, but the log does not reach back {days}"
        )),
        AuditStatus::Found => {
            let time = minute(no_earlier_than?);
            Some(format!("no audit event since the run of {time}"))
        }
        AuditStatus::Unreadable => None,
    }
}

/// Says what an event did, which `made` a difference if it is neither our own nor failed.
fn verb(event: &PolicyEvent, made: &'static str) -> &'static str {
    match (event.succeeded(), event.own) {
        (false, _) => "tried",
        (true, true) => "written",
        (true, false) => made,
    }
}

/// Says what the likely event made of a policy. Only one that assigns can have made the difference, and what
/// is missing was not removed if it is the manifests that changed.
fn made(policy: &PlannedPolicy, event: &PolicyEvent, view: &PlanView<'_>) -> &'static str {
    let assigns = event.activity.to_lowercase().contains("assign");
    let cause = view.annotations.cause(policy);
    let may_be_by_hand = matches!(cause, None | Some(Cause::Drift));
    if !assigns || !may_be_by_hand || view.detail.direction == Direction::Plan {
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

const MINUTE: &str = "%Y-%m-%d %H:%M";

fn minute(time: Timestamp) -> String {
    format!("{} UTC", time.strftime(MINUTE))
}

fn span(first: Timestamp, last: Timestamp) -> String {
    let to = minute(last);
    match minute(first) == to {
        true => to,
        false => format!("{} to {to}", first.strftime(MINUTE)),
    }
}
