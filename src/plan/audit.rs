//! Who changed what differs, as the service noted it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::since::{Baseline, key};
use super::{PlanContents, PlannedPolicy};
use crate::model::{AuditEvent, AuditLog, PolicyKind};

/// The most events that are kept of a policy.
const MOST_EVENTS: usize = 10;

/// What is known of a policy's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditStatus {
    /// There are events.
    Found,
    /// There is none in the time that was asked for.
    None,
    /// There is none, and the log does not reach back so far.
    NotCovered,
    /// The log could not be read.
    Unreadable,
}

impl AuditStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Found, Self::None, Self::NotCovered, Self::Unreadable];

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::None => "none",
            Self::NotCovered => "notCovered",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A change to a policy, as the service noted it; plan files hold it so.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct PolicyEvent {
    /// When it happened.
    pub time: Timestamp,
    /// The person, if one did it.
    pub actor: Option<String>,
    /// The application that it was done with.
    pub application: Option<String>,
    /// What was done, in the service's word.
    pub activity: String,
    /// What became of it.
    pub result: String,
    /// Whether it is a write of this program, by a report.
    pub own: bool,
    /// The id of the request, in lower case; it says nothing to whoever reads the plan.
    #[serde(skip)]
    pub client_request_id: Option<String>,
}

impl PolicyEvent {
    /// Whether it had an effect.
    pub fn succeeded(&self) -> bool {
        self.result.eq_ignore_ascii_case("success")
    }
}

/// What the service noted of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyAudit {
    /// What is known.
    pub status: AuditStatus,
    /// The newest events, the newest first.
    pub events: Vec<PolicyEvent>,
    /// How many more there are.
    pub more: usize,
}

impl PolicyAudit {
    /// Returns our own last write that had an effect.
    pub fn last_own_write(&self) -> Option<&PolicyEvent> {
        let mut events = self.events.iter();
        events.find(|event| event.own && event.succeeded())
    }

    /// Returns the event that most likely made the difference: the newest that had an effect and is not
    /// our own, if there is one. What came before our own last write cannot have: that write undid it. Nor
    /// can what came before the time at which the policy was known not to differ, if there is one.
    pub fn likely(&self, no_earlier_than: Option<Timestamp>) -> Option<&PolicyEvent> {
        let own = self.last_own_write();
        let is_late = |event: &PolicyEvent| no_earlier_than.is_none_or(|time| event.time >= time);
        let events = || {
            let events = self.events.iter();
            events.take_while(|event| Some(*event) != own && is_late(event))
        };
        let others = || events().filter(|event| !event.own);
        others()
            .find(|event| event.succeeded())
            .or_else(|| others().next())
            .or_else(|| events().next().filter(|_| own.is_none()))
    }
}

/// What the service noted of the policies that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many days were asked for.
    pub days: u32,
    /// By kind and id in lower case.
    pub policies: BTreeMap<(PolicyKind, String), PolicyAudit>,
}

impl Audit {
    /// Finds what the service noted of each policy that changes. `own` holds the ids of our own writes'
    /// requests, in lower case.
    pub(super) fn of(
        plan: &PlanContents,
        log: &AuditLog,
        own: &BTreeSet<String>,
        days: u32,
    ) -> Self {
        let policies = plan
            .changed()
            .map(|policy| {
                let events = log
                    .events
                    .iter()
                    .filter(|event| is_about(event, &policy.id));
                (key(policy.kind, &policy.id), audit(events, log, own))
            })
            .collect();
        Self { days, policies }
    }

    /// Whether the last that had an effect on a policy is a write of a later run than the baseline.
    pub fn shows_a_later_run(&self, policy: &PlannedPolicy, baseline: &Baseline) -> bool {
        let events = self
            .of_policy(policy)
            .map_or(&[][..], |audit| &audit.events);
        let mut events = events.iter();
        events.find(|event| event.succeeded()).is_some_and(|last| {
            let id = last.client_request_id.as_ref();
            last.own
                && baseline.began.is_some_and(|began| last.time >= began)
                && id.is_some_and(|id| !baseline.own_writes.contains(id))
        })
    }

    /// Returns what the service noted of a policy, if it was asked about.
    pub fn of_policy(&self, policy: &PlannedPolicy) -> Option<&PolicyAudit> {
        self.policies.get(&key(policy.kind, &policy.id))
    }
}

fn audit<'e>(
    events: impl Iterator<Item = &'e AuditEvent>,
    log: &AuditLog,
    own: &BTreeSet<String>,
) -> PolicyAudit {
    let mut events: Vec<PolicyEvent> = events
        .map(|event| {
            let id = event.client_request_id.as_deref().map(str::to_lowercase);
            PolicyEvent {
                time: event.time,
                actor: event.actor.clone(),
                application: event.application.clone(),
                activity: event.activity.clone(),
                result: event.result.clone(),
                own: id.as_ref().is_some_and(|id| own.contains(id)),
                client_request_id: id,
            }
        })
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    let more = events.len().saturating_sub(MOST_EVENTS);
    events.truncate(MOST_EVENTS);
    let status = match (&events[..], &log.failure) {
        ([_, ..], _) => AuditStatus::Found,
        ([], Some(_)) => AuditStatus::Unreadable,
        ([], None) if log.covered => AuditStatus::None,
        ([], None) => AuditStatus::NotCovered,
    };
    PolicyAudit {
        status,
        events,
        more,
    }
}

/// Whether an event is about a policy, or about one of its assignments, whose ids begin with the policy's.
fn is_about(event: &AuditEvent, policy_id: &str) -> bool {
    let is_it = |id: &String| {
        let (Some(start), Some(rest)) = (id.get(..policy_id.len()), id.get(policy_id.len()..))
        else {
            return false;
        };
        start.eq_ignore_ascii_case(policy_id) && (rest.is_empty() || rest.starts_with(['_', ':']))
    };
    event.resources.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, resources: &[&str]) -> AuditEvent {
        AuditEvent {
            time: Timestamp::UNIX_EPOCH,
            actor: None,
            application: None,
            activity: "assign".to_owned(),
            result: "Success".to_owned(),
            client_request_id: Some(id.to_owned()),
            resources: resources.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn an_event_is_about_a_policy_or_its_assignments() {
        for (resources, expected) in [
            (&["AB"][..], true),
            (&["x", "ab_c"], true),
            (&["ab:c"], true),
            (&["abc"], false),
            (&["a", "é", "b_ab"], false),
            (&[], false),
        ] {
            assert_eq!(
                is_about(&event("", resources), "ab"),
                expected,
                "{resources:?}"
            );
        }
    }

    #[test]
    fn what_was_not_read_is_not_taken_for_nothing() {
        let log = |covered, failure: Option<&str>| AuditLog {
            events: Vec::new(),
            covered,
            failure: failure.map(str::to_owned),
            is_refused: false,
        };
        let status = |log: &AuditLog, events: &[AuditEvent]| {
            audit(events.iter(), log, &BTreeSet::new()).status
        };
        assert_eq!(status(&log(true, None), &[]), AuditStatus::None);
        assert_eq!(status(&log(false, None), &[]), AuditStatus::NotCovered);
        assert_eq!(status(&log(false, Some("x")), &[]), AuditStatus::Unreadable);
        let found = [event("", &[])];
        assert_eq!(status(&log(false, Some("x")), &found), AuditStatus::Found);
    }

    #[test]
    fn own_writes_are_known_and_not_blamed_where_there_is_another() {
        let own = BTreeSet::from(["own".to_owned()]);
        let log = AuditLog::default();
        let mut events = [event("OWN", &[]), event("other", &[])];
        events[0].time = "2026-11-27T22:14:00Z".parse().expect("a time");
        let found = audit(events.iter(), &log, &own);
        assert!(found.events[0].own && !found.events[1].own);
        // Our own write, which came later, undid it.
        assert_eq!(found.likely(None), None);
        assert_eq!(found.last_own_write(), found.events.first());
        // One that failed undid nothing.
        events[0].result = "Failure".to_owned();
        let found = audit(events.iter(), &log, &own);
        assert_eq!(found.likely(None), found.events.get(1));
        let found = audit(events[..1].iter(), &log, &own);
        assert_eq!(found.likely(None), found.events.first());
        events[0].result = "Success".to_owned();
        events[1].time = "2026-11-28T22:14:00Z".parse().expect("a time");
        let found = audit(events.iter(), &log, &own);
        assert!(!found.events[0].own);
        assert_eq!(found.likely(None), found.events.first());
        // What came before a run that knew the policy otherwise has not made the difference.
        let later = found.events[0].time + jiff::SignedDuration::from_secs(1);
        assert_eq!(
            found.likely(Some(found.events[0].time)),
            found.events.first()
        );
        assert_eq!(found.likely(Some(later)), None);
    }
}
