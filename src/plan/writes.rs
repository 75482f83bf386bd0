//! Which calls make a policy's changes, in which order.

use std::sync::Arc;

use super::{Change, PlannedPolicy};
use crate::model::{Assignment, Rows, assign_path, assignment_path, assignments_path};

/// How the calls are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteWith {
    /// The fewest writes: a single addition is one create, all else one `assign`.
    #[default]
    Auto,
    /// One create or delete for each row.
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

/// A call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `POST …/{id}/assignments`.
    Create,
    /// `POST …/{id}/assign`.
    Assign,
    /// `DELETE …/{id}/assignments/{assignmentId}`.
    Delete,
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 3] = [Self::Create, Self::Assign, Self::Delete];

    /// Returns the word for it in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Delete => "delete",
        }
    }

    /// Returns its HTTP verb.
    pub fn method(self) -> &'static str {
        match self {
            Self::Create | Self::Assign => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request that the plan holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWrite {
    /// The call.
    pub call: Call,
    /// Its path, below the version root.
    pub path: String,
}

/// One write of a policy, and the rows that the policy has once it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is sent.
    pub action: StepAction,
    /// The rows thereafter, sorted.
    pub then: Rows,
}

/// What one write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepAction {
    /// Adds the row.
    Create(Assignment),
    /// Removes the row.
    Delete(Assignment),
    /// Makes the rows the whole set; rows of policy sets that nobody declared are left out.
    Assign(Vec<Assignment>),
}

impl StepAction {
    /// Returns the call that does it.
    pub fn call(&self) -> Call {
        match self {
            Self::Create(_) => Call::Create,
            Self::Delete(_) => Call::Delete,
            Self::Assign(_) => Call::Assign,
        }
    }
}

/// Chooses the writes that a policy needs.
pub fn steps(policy: &PlannedPolicy, write_with: WriteWith) -> Vec<Step> {
    match (write_with, policy.changes.as_slice()) {
        (_, []) => Vec::new(),
        (WriteWith::Auto, [Change::Add(row)]) => vec![Step {
            action: StepAction::Create(row.clone()),
            then: Arc::clone(&policy.after),
        }],
        (WriteWith::Auto | WriteWith::Assign, _) => vec![assign_step(policy)],
        (WriteWith::Create, changes)
            if deletes_are_ambiguous(&policy.before, changes) || any_makes_room(changes) =>
        {
            vec![assign_step(policy)]
        }
        (WriteWith::Create, changes) => row_by_row(&policy.before, changes),
    }
}

/// Whether a row to be deleted shares its id with another. The service makes ids of policy and
/// target, so that a group has one id for its direct row and for the row of a policy set; which of
/// the two a DELETE would take is not known, and must not be found out on somebody's tenant.
fn deletes_are_ambiguous(before: &[Assignment], changes: &[Change]) -> bool {
    changes.iter().filter_map(Change::before).any(|leaving| {
        let same_target = |row: &&Assignment| match row.target.group_id() {
            Some(group) => leaving.target.group_id() == Some(group),
            None => row.target == leaving.target,
        };
        before.iter().filter(same_target).count() > 1
    })
}

/// Returns the one `assign` that makes all of a policy's changes.
///
/// Rows that a policy set made and nobody declared stay out of its body, as the tools do that get
/// this right; the run reads back whether the service keeps them.
pub fn assign_step(policy: &PlannedPolicy) -> Step {
    let body = policy
        .after
        .iter()
        .filter(|row| policy.untouched.binary_search(row).is_err())
        .cloned()
        .collect();
    Step {
        action: StepAction::Assign(body),
        then: Arc::clone(&policy.after),
    }
}

/// Whether a row has to go before another can come in its place. Row by row there would be a moment
/// without either, and if the second call failed it would not end.
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

/// Chooses creates and deletes, so that reach is never wider than planned and rows do not go
/// before others have come: exclusions come first and go last, inclusions come before others go.
fn row_by_row(before: &[Assignment], changes: &[Change]) -> Vec<Step> {
    let mut actions: Vec<(u8, StepAction)> = Vec::new();
    for change in changes {
        let is_exclusion = |row: &Assignment| row.target.is_exclusion();
        match change {
            Change::Add(row) => {
                let rank = if is_exclusion(row) { 0 } else { 1 };
                actions.push((rank, StepAction::Create(row.clone())));
            }
            Change::Remove(row) => {
                let rank = if is_exclusion(row) { 3 } else { 2 };
                actions.push((rank, StepAction::Delete(row.clone())));
            }
            // Its old row would have to make room: that is one `assign`.
            Change::Update { .. } => {}
        }
    }
    actions.sort_by_key(|(rank, _)| *rank);
    let mut rows = before.to_vec();
    actions
        .into_iter()
        .map(|(_, action)| {
            match &action {
                StepAction::Create(row) => rows.push(row.clone()),
                StepAction::Delete(row) => {
                    if let Some(index) = rows.iter().position(|live| live == row) {
                        rows.remove(index);
                    }
                }
                StepAction::Assign(all) => rows.clone_from(all),
            }
            rows.sort();
            Step {
                action,
                then: rows.as_slice().into(),
            }
        })
        .collect()
}

/// Whether two rows are for the same group, on the same or on opposite sides: the service has
/// room for one of them.
fn collides(one: &Assignment, other: &Assignment) -> bool {
    match (one.target.group_id(), other.target.group_id()) {
        (Some(one_id), Some(other_id)) => one_id == other_id && one.source == other.source,
        _ => one.same_identity(other),
    }
}

/// Returns the requests of a policy as plans show them. `id_of` knows the service's ids of live
/// rows.
pub(in crate::plan) fn planned<'l>(
    policy: &PlannedPolicy,
    id_of: impl Fn(&Assignment) -> Option<&'l str>,
    write_with: WriteWith,
) -> Vec<PlannedWrite> {
    steps(policy, write_with)
        .iter()
        .map(|step| PlannedWrite {
            call: step.action.call(),
            path: match &step.action {
                StepAction::Create(_) => assignments_path(policy.kind, &policy.id),
                StepAction::Assign(_) => assign_path(policy.kind, &policy.id),
                StepAction::Delete(row) => {
                    assignment_path(policy.kind, &policy.id, id_of(row).unwrap_or_default())
                }
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Mode;
    use crate::model::{Filter, FilterMode, PolicyKind, Source, Target};
    use crate::plan::changes;

    fn row(target: Target) -> Assignment {
        Assignment {
            target,
            filter: None,
            source: Source::Direct,
            source_id: None,
        }
    }

    fn group(id: &str) -> Assignment {
        row(Target::Group(id.into()))
    }

    fn exclusion(id: &str) -> Assignment {
        row(Target::ExclusionGroup(id.into()))
    }

    fn check(before: &[Assignment], after: &[Assignment], write_with: WriteWith) -> String {
        let policy = PlannedPolicy {
            kind: PolicyKind::from_name("configurationPolicy").expect("a kind"),
            id: "p".to_owned(),
            name: "P".into(),
            mode: Mode::Exact,
            manifest: Arc::default(),
            before: before.into(),
            after: after.into(),
            untouched: after
                .iter()
                .filter(|row| row.source == Source::PolicySets && before.contains(row))
                .cloned()
                .collect(),
            changes: changes(before, after),
            writes: Vec::new(),
        };
        let all = steps(&policy, write_with);
        if let Some(last) = all.last() {
            let mut sorted = after.to_vec();
            sorted.sort();
            let mut then = last.then.to_vec();
            then.sort();
            assert_eq!(then, sorted);
        }
        all.iter()
            .map(|step| match &step.action {
                StepAction::Create(row) => format!("create {}", row.target.type_name()),
                StepAction::Delete(row) => format!("delete {}", row.target.type_name()),
                StepAction::Assign(rows) => format!("assign {}", rows.len()),
            })
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn nothing_to_change_is_nothing_to_write() {
        for way in WriteWith::ALL {
            assert_eq!(check(&[group("a")], &[group("a")], way), "");
        }
    }

    #[test]
    fn a_single_addition_is_one_create_and_all_else_one_assign() {
        let auto = WriteWith::Auto;
        assert_eq!(check(&[], &[group("a")], auto), "create group");
        assert_eq!(check(&[group("a")], &[], auto), "assign 0");
        assert_eq!(check(&[], &[group("a"), group("b")], auto), "assign 2");
        assert_eq!(check(&[], &[group("a")], WriteWith::Assign), "assign 1");
    }

    #[test]
    fn row_by_row_reach_is_never_wider_than_planned() {
        let before = [group("a"), exclusion("b")];
        let after = [group("c"), exclusion("d")];
        assert_eq!(
            check(&before, &after, WriteWith::Create),
            "create exclusionGroup, create group, delete group, delete exclusionGroup"
        );
        // The same group changes sides: there is room for one row only.
        assert_eq!(
            check(&[group("a")], &[exclusion("a")], WriteWith::Create),
            "assign 1"
        );
    }

    #[test]
    fn a_row_that_shares_its_id_is_not_deleted_by_it() {
        let from_set = Assignment {
            source: Source::PolicySets,
            ..group("a")
        };
        let before = [group("a"), group("b"), from_set.clone()];
        let after = [group("b"), from_set.clone()];
        assert_eq!(check(&before, &after, WriteWith::Create), "assign 1");
        let after = [group("a"), from_set];
        assert_eq!(check(&before, &after, WriteWith::Create), "delete group");
    }

    #[test]
    fn rows_of_policy_sets_stay_out_of_an_assign_unless_they_change() {
        let from_set = Assignment {
            source: Source::PolicySets,
            source_id: Some("set".into()),
            ..group("s")
        };
        let before = [from_set.clone()];
        let after = [group("a"), group("b"), from_set.clone()];
        assert_eq!(check(&before, &after, WriteWith::Auto), "assign 2");
        let changed = Assignment {
            filter: Some(Filter {
                id: "f".into(),
                mode: FilterMode::Include,
            }),
            ..from_set
        };
        assert_eq!(check(&before, &[changed], WriteWith::Auto), "assign 1");
    }
}
