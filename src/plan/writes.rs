//! Which calls make a policy's changes, in which order. [`strategy`] is the one place that knows the
//! ways of writing; `apply` only asks.

use std::sync::Arc;

use super::{Change, PlannedPolicy};
use crate::kinds::{PolicyKindSpec, SingleRoute, Writing};
use crate::model::{Assignment, AssignmentKey, Assignments, PolicyWrite, same_assignments};

/// How the calls are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteWith {
    /// The fewest writes: a single addition is one create, all else one `assign`.
    #[default]
    Auto,
    /// One create or delete for each assignment.
    Create,
    /// One `assign` with the complete set.
    Assign,
}

impl WriteWith {
    /// Every way, with its word.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Create, Self::Assign];

    /// Returns the word for it on the command line and in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Create => "create",
            Self::Assign => "assign",
        }
    }

    /// Finds a way by its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

/// What is known of the route that creates one assignment of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreateRoute {
    /// What the table of kinds says.
    #[default]
    Untried,
    /// The service has none.
    Missing,
}

/// A way to make a policy's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A single addition is one create, all else the complete set.
    Fewest,
    /// The complete set, whatever changes.
    WholeSet,
    /// One create or delete for each change; what has to make room for another is the complete set.
    OneByOne,
    /// One create or delete for each change, since the kind has no other way. What has to make room
    /// is deleted first: the service has room for one of two.
    OnlyOneByOne,
}

/// Chooses how policies of a kind are written.
pub fn strategy(spec: &PolicyKindSpec, asked: WriteWith, create: CreateRoute) -> Strategy {
    let single = match spec.writing {
        Writing::Single => return Strategy::OnlyOneByOne,
        Writing::Update { .. } => return Strategy::WholeSet,
        Writing::Assign { single, .. } => single,
    };
    let creates = single != SingleRoute::Absent && create != CreateRoute::Missing;
    match asked {
        WriteWith::Auto if creates => Strategy::Fewest,
        WriteWith::Create if creates => Strategy::OneByOne,
        WriteWith::Auto | WriteWith::Create | WriteWith::Assign => Strategy::WholeSet,
    }
}

/// Returns the strategy that a request belongs to by its path, whatever would be chosen now: another run has filed it.
pub fn strategy_of(policy: &PlannedPolicy, path: &str) -> Strategy {
    let filed = PolicyWrite::read(policy.kind, &policy.id, "POST", path);
    if filed.is_some_and(|write| write.is_whole_set()) {
        Strategy::WholeSet
    } else if policy.kind.spec().writing.has_whole_set() {
        Strategy::OneByOne
    } else {
        Strategy::OnlyOneByOne
    }
}

/// One write of a policy, and the assignments that the policy has once it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is sent.
    pub action: StepAction,
    /// The assignments thereafter, sorted.
    pub after: Assignments,
}

/// What one write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepAction {
    /// Adds the assignment.
    Create(Assignment),
    /// Removes the assignment.
    Delete(Assignment),
    /// Makes the planned assignments ([`PlannedPolicy::whole_set`]) the whole set.
    Assign,
}

impl StepAction {
    /// Returns the assignment that is created, if one is.
    pub fn created(&self) -> Option<&Assignment> {
        match self {
            Self::Create(new) => Some(new),
            Self::Delete(_) | Self::Assign => None,
        }
    }

    /// Returns the assignment that is deleted, if one is.
    pub fn deleted(&self) -> Option<&Assignment> {
        match self {
            Self::Delete(old) => Some(old),
            Self::Create(_) | Self::Assign => None,
        }
    }
}

impl Step {
    /// Returns the write that it is: the one place that says where a policy's writes go. A delete names the assignment
    /// by its id.
    pub fn write(
        &self,
        policy: &PlannedPolicy,
        assignment_id: &str,
        behind_cast: bool,
    ) -> PolicyWrite {
        let (kind, id) = (policy.kind, &policy.id);
        match &self.action {
            StepAction::Create(_) => PolicyWrite::create(kind, id),
            StepAction::Assign => PolicyWrite::whole_set(kind, id, behind_cast),
            StepAction::Delete(_) => PolicyWrite::delete(kind, id, assignment_id),
        }
    }
}

/// Returns the writes that a policy needs, as known before any is tried.
pub fn steps(policy: &PlannedPolicy, write_with: WriteWith) -> Vec<Step> {
    let chosen = strategy(policy.kind.spec(), write_with, CreateRoute::Untried);
    steps_by(policy, chosen)
}

/// Returns the writes that a policy needs when it is written in a certain way.
pub fn steps_by(policy: &PlannedPolicy, strategy: Strategy) -> Vec<Step> {
    match (strategy, policy.changes.as_slice()) {
        (_, []) => Vec::new(),
        (Strategy::Fewest, [Change::Add(assignment)]) => vec![Step {
            action: StepAction::Create(assignment.clone()),
            after: Arc::clone(&policy.after),
        }],
        (Strategy::Fewest | Strategy::WholeSet, _) => vec![assign_step(policy)],
        (Strategy::OneByOne, changes)
            if deletes_are_ambiguous(&policy.before, changes) || any_makes_room(changes) =>
        {
            vec![assign_step(policy)]
        }
        (Strategy::OneByOne | Strategy::OnlyOneByOne, changes) => {
            one_by_one(&policy.before, changes)
        }
    }
}

/// Whether a policy has a moment without an assignment that is replaced.
pub fn has_gap(policy: &PlannedPolicy, write_with: WriteWith) -> bool {
    let chosen = strategy(policy.kind.spec(), write_with, CreateRoute::Untried);
    chosen == Strategy::OnlyOneByOne && any_makes_room(&policy.changes)
}

/// Whether an assignment to be deleted shares its id with another. The service makes ids of policy and
/// target, so that a group has one id for its direct assignment and for the assignment of a policy set; which of
/// the two a DELETE would take is not known, and must not be found out on someone's tenant.
fn deletes_are_ambiguous(before: &[Assignment], changes: &[Change]) -> bool {
    changes.iter().filter_map(Change::before).any(|leaving| {
        let same_id = |assignment: &&Assignment| {
            assignment.key.variant == leaving.key.variant
                && match assignment.key.target.group_id() {
                    Some(group) => leaving.key.target.group_id() == Some(group),
                    None => assignment.key.target == leaving.key.target,
                }
        };
        before.iter().filter(same_id).count() > 1
    })
}

/// Returns the one `assign` that makes all of a policy's changes.
fn assign_step(policy: &PlannedPolicy) -> Step {
    Step {
        action: StepAction::Assign,
        after: Arc::clone(&policy.after),
    }
}

impl PlannedPolicy {
    /// Returns the planned assignments as an `assign` sends them.
    ///
    /// Assignments that a policy set made and no one declared stay out of its body, as the tools do that get
    /// this right; the run reads back whether the service keeps them.
    pub fn whole_set(&self) -> Vec<&Assignment> {
        let planned = self.after.iter();
        let sent = planned.filter(|planned| self.untouched.binary_search(planned).is_err());
        sent.collect()
    }
}

/// Whether an assignment has to go before another can come in its place. Done one by one, the policy
/// would have neither in between, permanently so if the second call failed.
fn any_makes_room(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Update { .. } => true,
        Change::Remove(_) => false,
        Change::Add(new) => changes
            .iter()
            .filter_map(Change::before)
            .any(|leaving| collides(leaving, new)),
    })
}

/// Chooses creates and deletes, so that reach is never wider than planned and assignments do not go
/// before others have come: exclusions come first and go last, inclusions come before others go.
/// What has to make room goes right before what takes its place.
fn one_by_one(before: &[Assignment], changes: &[Change]) -> Vec<Step> {
    let mut actions: Vec<(u8, StepAction)> = Vec::new();
    let rank_of = |assignment: &Assignment, inclusion, exclusion| {
        if assignment.key.target.is_exclusion() {
            exclusion
        } else {
            inclusion
        }
    };
    for change in changes {
        match change {
            Change::Add(new) => {
                let rank = rank_of(new, 1, 0);
                let leaving = changes.iter().filter_map(|change| match change {
                    Change::Remove(old) if collides(old, new) => Some(old),
                    _ => None,
                });
                actions.extend(leaving.map(|old| (rank, StepAction::Delete(old.clone()))));
                actions.push((rank, StepAction::Create(new.clone())));
            }
            Change::Remove(old) => {
                let makes_room = changes.iter().any(|change| match change {
                    Change::Add(new) => collides(old, new),
                    _ => false,
                });
                if !makes_room {
                    actions.push((rank_of(old, 2, 3), StepAction::Delete(old.clone())));
                }
            }
            Change::Update { before, after } => {
                let rank = rank_of(after, 1, 0);
                actions.push((rank, StepAction::Delete((**before).clone())));
                actions.push((rank, StepAction::Create((**after).clone())));
            }
        }
    }
    actions.sort_by_key(|(rank, _)| *rank);
    let mut assignments = before.to_vec();
    actions
        .into_iter()
        .map(|(_, action)| {
            assignments.extend(action.created().cloned());
            let gone = action.deleted();
            if let Some(index) = gone.and_then(|old| assignments.iter().position(|one| one == old))
            {
                assignments.remove(index);
            }
            assignments.sort();
            Step {
                action,
                after: assignments.as_slice().into(),
            }
        })
        .collect()
}

/// Whether two assignments are for the same group, on the same or on opposite sides: the service has
/// room for one of them.
fn collides(one: &Assignment, other: &Assignment) -> bool {
    let (
        AssignmentKey {
            target,
            source,
            variant,
        },
        other,
    ) = (&one.key, &other.key);
    let same_target = match (target.group_id(), other.target.group_id()) {
        (Some(one), Some(other)) => one == other,
        _ => *target == other.target,
    };
    same_target && *source == other.source && *variant == other.variant
}

/// Returns the requests of a policy as plans show them. `id_of` knows the service's ids of live
/// assignments.
pub(in crate::plan) fn planned<'l>(
    policy: &PlannedPolicy,
    id_of: impl Fn(&Assignment) -> Option<&'l str>,
    write_with: WriteWith,
) -> Vec<PolicyWrite> {
    shown(policy, &steps(policy, write_with), id_of)
}

impl PlannedPolicy {
    /// Shows only the writes that are left of some steps: all that come after the one which led to the live assignments.
    #[must_use]
    pub fn with_writes_left(mut self, steps: &[Step], live: Option<&[Assignment]>) -> Self {
        let is_there = |step: &Step| live.is_some_and(|live| same_assignments(&step.after, live));
        let done = steps.iter().rposition(is_there);
        let left = &steps[done.map_or(0, |last| last + 1)..];
        self.writes = shown(&self, left, |_| None);
        self
    }
}

/// Returns steps as plans show them.
fn shown<'l>(
    policy: &PlannedPolicy,
    steps: &[Step],
    id_of: impl Fn(&Assignment) -> Option<&'l str>,
) -> Vec<PolicyWrite> {
    let write = |step: &Step| {
        let gone = step.action.deleted();
        let assignment_id = gone.and_then(&id_of).unwrap_or_default();
        step.write(policy, assignment_id, false)
    };
    steps.iter().map(write).collect()
}

#[cfg(test)]
mod tests;
