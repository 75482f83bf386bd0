//! Targets that only one policy of a kind can have: who wants them, who has them, and who gives them up.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, PlannedPolicy, PolicyRef};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::model::{Assignment, LivePolicy, PolicyKind, Target};

/// What becomes of such targets in a run.
#[derive(Debug, Default)]
pub(super) struct ExclusiveTargets {
    by_target: BTreeMap<(PolicyKind, Target), Claims>,
    /// The policies that the run looks at.
    planned: BTreeSet<(PolicyKind, String)>,
}

/// What policies of a run do about one target.
#[derive(Debug, Default)]
struct Claims {
    wanted: Vec<(PolicyRef, Option<Place>)>,
    kept: Vec<PolicyRef>,
    given_up: Vec<PolicyRef>,
}

/// Whether a policy of a kind can be the only one with a target.
fn is_exclusive(kind: PolicyKind, target: &Target) -> bool {
    kind.spec().targets.exclusive.contains(&target.kind())
}

/// Returns the targets that a policy is to get and that only one of its kind can have: those that have them give
/// them up first.
pub fn taken_over(policy: &PlannedPolicy) -> impl Iterator<Item = &Target> {
    policy.changes.iter().filter_map(|change| match change {
        Change::Add(new) => exclusive_target_of(policy.kind, new),
        Change::Remove(_) | Change::Update { .. } => None,
    })
}

/// Returns the targets that a policy gives up and that only one of its kind can have.
pub fn given_up(policy: &PlannedPolicy) -> impl Iterator<Item = &Target> {
    policy.changes.iter().filter_map(|change| match change {
        Change::Remove(old) => exclusive_target_of(policy.kind, old),
        Change::Add(_) | Change::Update { .. } => None,
    })
}

/// Returns the target of an assignment if only one policy of the kind can have it.
pub(super) fn exclusive_target_of(kind: PolicyKind, assignment: &Assignment) -> Option<&Target> {
    let target = &assignment.key.target;
    is_exclusive(kind, target).then_some(target)
}

/// Finds a policy that keeps what another one is to get, with the target: one of the plan, or a live one that is not
/// in it.
pub(super) fn keeper<'p>(
    policy: &'p PlannedPolicy,
    planned: &[&PlannedPolicy],
    live: &[LivePolicy],
) -> Option<(&'p Target, PolicyRef)> {
    let is_other = |kind, id: &str| kind == policy.kind && id != policy.id;
    taken_over(policy).find_map(|target| {
        let has = |assignment: &Assignment| assignment.key.target == *target;
        let mut of_plan = planned.iter();
        let of_plan = of_plan
            .find(|other| is_other(other.kind, &other.id) && other.after.iter().any(has))
            .map(|other| other.reference());
        let keeper = of_plan.or_else(|| {
            let is_planned = |id: &str| planned.iter().any(|other| other.id == id);
            let mut live = live.iter();
            live.find(|other| {
                is_other(other.kind, &other.id)
                    && !is_planned(&other.id)
                    && !other.assignments_of(target).is_empty()
            })
            .map(reference)
        });
        Some((target, keeper?))
    })
}

fn reference(policy: &LivePolicy) -> PolicyRef {
    // Its id says which one it is.
    PolicyRef::of(policy, true)
}

impl ExclusiveTargets {
    /// Takes a planned policy in.
    pub(super) fn add(
        &mut self,
        policy: &PlannedPolicy,
        place_of: impl Fn(&Assignment) -> Option<Place>,
    ) {
        if policy.kind.spec().targets.exclusive.is_empty() {
            return;
        }
        self.planned.insert((policy.kind, policy.id.clone()));
        let mut new = BTreeSet::new();
        for change in &policy.changes {
            let (assignment, gives_up) = match change {
                Change::Add(assignment) => (assignment, false),
                Change::Remove(assignment) => (assignment, true),
                Change::Update { .. } => continue,
            };
            let target = &assignment.key.target;
            if !is_exclusive(policy.kind, target) {
                continue;
            }
            let claims = self.by_target.entry((policy.kind, target.clone()));
            let claims = claims.or_default();
            if gives_up {
                claims.given_up.push(policy.reference());
            } else {
                new.insert(target.clone());
                let place = place_of(assignment);
                claims.wanted.push((policy.reference(), place));
            }
        }
        for assignment in policy.after.iter() {
            let target = &assignment.key.target;
            if is_exclusive(policy.kind, target) && !new.contains(target) {
                let claims = self.by_target.entry((policy.kind, target.clone()));
                claims.or_default().kept.push(policy.reference());
            }
        }
    }

    /// Reports conflicts, and moves during which neither policy has the target.
    pub(super) fn judge(mut self, live: &[LivePolicy]) -> Vec<Diagnostic> {
        self.by_target.retain(|_, claims| !claims.wanted.is_empty());
        if self.by_target.is_empty() {
            return Vec::new();
        }
        for policy in live {
            let key = (policy.kind, policy.id.clone());
            if policy.kind.spec().targets.exclusive.is_empty() || self.planned.contains(&key) {
                continue;
            }
            for ((kind, target), claims) in &mut self.by_target {
                if *kind == policy.kind && !policy.assignments_of(target).is_empty() {
                    claims.kept.push(reference(policy));
                }
            }
        }
        let all = self.by_target.into_iter();
        all.flat_map(|((kind, target), claims)| claims.judge(kind, target.type_name()))
            .collect()
    }
}

impl Claims {
    fn judge(self, kind: PolicyKind, word: &str) -> Vec<Diagnostic> {
        let Self {
            wanted,
            kept,
            given_up,
        } = self;
        let Some(((first, first_place), others)) = wanted.split_first() else {
            return Vec::new();
        };
        let error = |place: Option<Place>, message: String| {
            let message = format!("only one {kind} can have `{word}`, and {message}");
            Diagnostic::new(Severity::Error, "target-held-once", place, message)
        };
        if let Some(holder) = kept.first() {
            let said = wanted.iter().map(|(policy, place)| {
                error(
                    *place,
                    format!("{holder} has it, so {policy} cannot get it"),
                )
                .hint("take it from the other policy in the same run, or leave the target out")
            });
            return said.collect();
        }
        if !others.is_empty() {
            let said = others.iter().map(|(policy, place)| {
                let message = format!("both {first} and {policy} would get it");
                let said = error(*place, message).hint("remove one of the two");
                match *first_place {
                    Some(first) => said.also(first, "the first"),
                    None => said,
                }
            });
            return said.collect();
        }
        let moves = given_up.first().map(|from| {
            let message = format!(
                "`{word}` is taken from {from} before {first} gets it, since only one {kind} can have it; for a moment neither has it"
            );
            Diagnostic::new(Severity::Warning, "replaced-one-by-one", None, message)
        });
        moves.into_iter().collect()
    }
}
