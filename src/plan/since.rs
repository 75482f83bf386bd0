//! Why the tenant is not as the manifests say, judged by what an earlier run left behind.
//!
//! A run's report says which policies it found as its manifests say, and what it made of the others.
//! Where that is still there, no one has touched the tenant, so that the manifests must have
//! changed. Where it is not, someone changed the tenant; that is drift. What a run only found, and
//! neither wanted so nor settled, proves nothing: it may have been drift itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::digest::assignments_digest;
use super::{PlanContents, PlannedPolicy};
use crate::model::{Assignment, PolicyKind, same_assignments};

/// Why a policy is not as the manifests say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The tenant was changed, the manifests were not.
    Drift,
    /// The tenant is as the run left it; the manifests were changed, or not carried out.
    Unapplied,
    /// Both were changed.
    Both,
    /// A later run of this program changed the tenant.
    LaterRun,
    /// The report does not say.
    Unknown,
}

impl Cause {
    /// Every cause, in the order in which they are counted.
    pub const ALL: [Self; 5] = [
        Self::Drift,
        Self::Both,
        Self::LaterRun,
        Self::Unapplied,
        Self::Unknown,
    ];

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Unapplied => "unapplied",
            Self::Both => "both",
            Self::LaterRun => "laterRun",
            Self::Unknown => "unknown",
        }
    }

    /// Says what happened.
    pub fn about(self) -> &'static str {
        match self {
            Self::Drift => "changed by hand",
            Self::Unapplied => "not applied yet",
            Self::Both => "changed both by hand and in the manifests",
            Self::LaterRun => "changed by a later run of assignctl",
            Self::Unknown => "of unknown cause",
        }
    }
}

/// What a run left of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastKnown {
    /// These assignments.
    Assignments(Vec<Assignment>),
    /// Assignments with this digest.
    Digest(String),
    /// No one knows how far the run came: these assignments, those, or some of the way between.
    Between(Vec<Assignment>, Vec<Assignment>),
    /// What it found there, which was not what it wanted there.
    Found,
}

impl LastKnown {
    /// Whether the assignments are what the run left; `None` if that cannot be known.
    fn is(&self, assignments: &[Assignment]) -> Option<bool> {
        let has = |some: &[Assignment], assignment: &Assignment| some.contains(assignment);
        match self {
            Self::Assignments(left) => Some(same_assignments(left, assignments)),
            Self::Digest(digest) => Some(*digest == assignments_digest(assignments)),
            Self::Between(_, after) if same_assignments(after, assignments) => Some(true),
            Self::Between(before, after) => {
                let known = |assignment| has(before, assignment) || has(after, assignment);
                let kept = |assignment: &&Assignment| has(after, assignment);
                let on_the_way = assignments.iter().all(known)
                    && before
                        .iter()
                        .filter(kept)
                        .all(|assignment| has(assignments, assignment));
                (!on_the_way).then_some(false)
            }
            Self::Found => None,
        }
    }
}

/// What a run left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// When the run began, before it had read anything; `None` if the report does not say.
    pub began: Option<Timestamp>,
    /// The ids of its requests that wrote, in lower case.
    pub own_writes: BTreeSet<String>,
    /// The tenant that the run was for.
    pub tenant_id: Option<String>,
    /// The service's URL.
    pub graph_url: String,
    /// What it left, by kind and id in lower case.
    pub policies: BTreeMap<(PolicyKind, String), LastKnown>,
    /// The policies that were there.
    pub seen: Seen,
}

impl Baseline {
    /// Adds what an earlier run left that this one says nothing of.
    pub fn complete(&mut self, earlier: Self) {
        let Self {
            began,
            own_writes,
            tenant_id: _,
            graph_url: _,
            policies,
            seen,
        } = earlier;
        // Someone may have changed what only the earlier run says since that began.
        self.began = self.began.min(began);
        self.own_writes.extend(own_writes);
        self.seen.kinds.extend(seen.kinds);
        self.seen.policies.extend(seen.policies);
        self.seen.policies.extend(self.policies.keys().cloned());
        for (key, left) in policies {
            self.policies.entry(key).or_insert(left);
        }
    }
}

/// The policies that were there when a run read the tenant, managed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The kinds for which the report names every policy. What was there of other kinds is unknown.
    pub kinds: BTreeSet<PolicyKind>,
    /// The policies, by kind and id in lower case.
    pub policies: BTreeSet<(PolicyKind, String)>,
}

impl Seen {
    /// Whether a policy was there; `None` if the report does not say.
    pub fn has(&self, kind: PolicyKind, id: &str) -> Option<bool> {
        match self.policies.contains(&key(kind, id)) {
            true => Some(true),
            false => self.kinds.contains(&kind).then_some(false),
        }
    }
}

/// Why each changed policy of a plan is not as the manifests say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// The report, as it was named.
    pub report: String,
    /// When its run began, if the report says that.
    pub began: Option<Timestamp>,
    causes: BTreeMap<(PolicyKind, String), Cause>,
}

impl Since {
    pub(in crate::plan) fn new(report: &str, began: Option<Timestamp>) -> Self {
        Self {
            report: report.to_owned(),
            began,
            causes: BTreeMap::new(),
        }
    }

    /// Returns how many policies have a cause.
    pub fn count(&self, cause: Cause) -> usize {
        self.causes
            .values()
            .filter(|known| **known == cause)
            .count()
    }

    /// Puts a cause down.
    pub(in crate::plan) fn note(&mut self, policy: &PlannedPolicy, cause: Cause) {
        self.causes.insert(key(policy.kind, &policy.id), cause);
    }
}

/// Lookup key: kind and lower-case id.
pub fn key(kind: PolicyKind, id: &str) -> (PolicyKind, String) {
    (kind, id.to_lowercase())
}

impl Since {
    /// Works out why a plan's policies are not as the manifests say. `is_later` says whether a later run of
    /// this program changed a policy, as far as that is known.
    pub fn explain(
        plan: &PlanContents,
        report: &str,
        baseline: &Baseline,
        is_later: impl Fn(&PlannedPolicy) -> bool,
    ) -> Self {
        let mut since = Self::new(report, baseline.began);
        for policy in plan.changed() {
            let cause = match cause(policy, baseline) {
                Cause::Drift | Cause::Both if is_later(policy) => Cause::LaterRun,
                cause => cause,
            };
            since.note(policy, cause);
        }
        since
    }

    /// Returns the time before which no one has made a policy differ, if that is known: the run found
    /// or left it otherwise.
    pub fn no_earlier_than(&self, policy: &PlannedPolicy) -> Option<Timestamp> {
        let was_left = matches!(
            self.cause(policy),
            Some(Cause::Drift | Cause::Both | Cause::LaterRun)
        );
        self.began.filter(|_| was_left)
    }

    /// Returns why a policy is not as the manifests say, if that is known of it.
    pub fn cause(&self, policy: &PlannedPolicy) -> Option<Cause> {
        let cause = self.causes.get(&key(policy.kind, &policy.id));
        cause.copied()
    }
}

fn cause(policy: &PlannedPolicy, baseline: &Baseline) -> Cause {
    let Some(left) = baseline.policies.get(&key(policy.kind, &policy.id)) else {
        // What was there and not managed the run did not leave in any state. What was not there was made since.
        return match baseline.seen.has(policy.kind, &policy.id) {
            Some(true) => Cause::Unapplied,
            Some(false) => Cause::Drift,
            None => Cause::Unknown,
        };
    };
    match (left.is(&policy.before), left.is(&policy.after)) {
        (Some(true), _) => Cause::Unapplied,
        (Some(false), Some(true)) => Cause::Drift,
        (Some(false), Some(false)) => Cause::Both,
        (Some(false), None) | (None, _) => Cause::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Target;

    fn assignments(names: &str) -> Vec<Assignment> {
        let assignment = |name: &str| Assignment::direct(Target::Group(name.into()));
        names.split_whitespace().map(assignment).collect()
    }

    fn check(left: Option<LastKnown>, live: &str, wanted: &str) -> Cause {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let (before, after) = (assignments(live), assignments(wanted));
        let named = (kind, "P".to_owned(), "P".into());
        let policy = PlannedPolicy::between(named, before.into(), after.into());
        let baseline = Baseline {
            policies: left
                .map(|left| (key(kind, "p"), left))
                .into_iter()
                .collect(),
            ..Baseline::default()
        };
        cause(&policy, &baseline)
    }

    #[test]
    fn what_was_left_and_is_still_there_was_not_touched() {
        for left in [
            LastKnown::Assignments(assignments("b a")),
            LastKnown::Digest(assignments_digest(&assignments("b a"))),
            LastKnown::Between(assignments("c"), assignments("a b")),
        ] {
            assert_eq!(check(Some(left.clone()), "a b", "c d"), Cause::Unapplied);
            let other = check(Some(left.clone()), "x", "a b");
            assert_eq!(other, Cause::Drift, "{left:?}");
            assert_eq!(check(Some(left), "x", "y"), Cause::Both);
        }
        assert_eq!(check(None, "a", "b"), Cause::Unknown);
        assert_eq!(check(Some(LastKnown::Found), "a", "b"), Cause::Unknown);
    }

    #[test]
    fn a_run_of_which_nobody_knows_how_far_it_came_may_have_left_anything_on_its_way() {
        let left = || Some(LastKnown::Between(assignments("a b c"), assignments("a d")));
        assert_eq!(check(left(), "a d", "z"), Cause::Unapplied);
        for live in ["a b c", "a", "a b", "d a c", "a b c d"] {
            assert_eq!(check(left(), live, "z"), Cause::Unknown, "{live}");
        }
        assert_eq!(check(left(), "a z", "a d"), Cause::Drift);
        // Was it to be gone back to what the run found?
        assert_eq!(check(left(), "a z", "a b c"), Cause::Unknown);
        for live in ["", "b", "a z"] {
            assert_eq!(check(left(), live, "q"), Cause::Both, "{live}");
        }
    }
}
