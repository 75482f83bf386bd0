//! The desired assignments of a policy, and the changes that lead to them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::select::ManagedPolicy;
use crate::manifest::Mode;
use crate::model::{Assignment, Assignments, Source, Target};

/// One step from the live to the desired assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An assignment that is not there yet.
    Add(Assignment),
    /// An assignment to be removed.
    Remove(Assignment),
    /// An assignment that gets another filter or other properties.
    Update {
        /// As it is. Few changes are updates; they need not make the others large.
        before: Box<Assignment>,
        /// As planned.
        after: Box<Assignment>,
    },
}

impl Change {
    /// Returns the word for the change in plans.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Remove(_) => "remove",
            Self::Update { .. } => "update",
        }
    }

    /// Returns the assignment before, if there was one.
    pub fn before(&self) -> Option<&Assignment> {
        match self {
            Self::Add(_) => None,
            Self::Remove(before) => Some(before),
            Self::Update { before, .. } => Some(before),
        }
    }

    /// Returns the assignment after, if there is one.
    pub fn after(&self) -> Option<&Assignment> {
        match self {
            Self::Remove(_) => None,
            Self::Add(after) => Some(after),
            Self::Update { after, .. } => Some(after),
        }
    }
}

/// The planned assignments of a policy.
#[derive(Debug)]
pub(super) struct PlannedAssignments {
    /// All of them, sorted.
    pub(super) after: Assignments,
    /// Those of them that a policy set made and no manifest declares, sorted.
    pub(super) untouched: Assignments,
}

/// Returns the planned assignments of a policy.
///
/// In exact mode a live assignment that no manifest declares is removed, with two exceptions: those
/// of policy sets belong to the set, and those with unknown target types are preserved. In additive
/// mode only what a manifest says to be absent is removed.
pub(super) fn planned(policy: &ManagedPolicy<'_>) -> PlannedAssignments {
    let ManagedPolicy { live, desired } = policy;
    // Most policies are as desired.
    if desired.is_met_by(&live.assignments) {
        return PlannedAssignments {
            after: Arc::clone(&live.assignments),
            untouched: Assignments::default(),
        };
    }
    // What is planned without the live assignments is shared by the policies that the same entries select.
    if desired.mode == Mode::Exact && live.assignments.iter().all(leaves_nothing) {
        return PlannedAssignments {
            after: Arc::clone(&desired.alone),
            untouched: Assignments::default(),
        };
    }
    let mut pool = Pool::new(live.assignments.iter());
    let mut assignments = Vec::with_capacity(desired.assignments.len());
    let mut unmatched = Vec::new();
    for wanted in &desired.assignments {
        match pool.take(&wanted.key.target, |live| wanted.accepts(live)) {
            Some(live) => assignments.push(live.clone()),
            None => unmatched.push(wanted),
        }
    }
    for wanted in unmatched {
        let live = pool.take(&wanted.key.target, |live| wanted.key == live.key);
        assignments.push(wanted.over(live));
    }
    let stays = |live: &&Assignment| match desired.mode {
        Mode::Additive => !desired.removes(live),
        Mode::Exact => is_preserved(live),
    };
    let left: Vec<&Assignment> = pool.left().filter(stays).collect();
    assignments.extend(left.iter().copied().cloned());
    assignments.sort();
    let after = if assignments[..] == desired.alone[..] {
        Arc::clone(&desired.alone)
    } else {
        assignments.into()
    };
    PlannedAssignments {
        after,
        untouched: left
            .into_iter()
            .filter(|live| live.key.source == Source::PolicySets)
            .cloned()
            .collect(),
    }
}

/// Whether a live assignment that no manifest declares stays in exact mode.
fn is_preserved(live: &Assignment) -> bool {
    !live.key.is_direct() || matches!(live.key.target, Target::Other { .. })
}

/// Whether nothing of a live assignment can be in what is planned in exact mode, unless it is asked for.
fn leaves_nothing(live: &Assignment) -> bool {
    let Assignment {
        key: _,
        filter: _,
        source_id,
        properties,
    } = live;
    !is_preserved(live) && source_id.is_none() && properties.is_empty()
}

/// Returns what leads from some assignments to others, in the order of the assignments.
pub fn changes(before: &[Assignment], after: &[Assignment]) -> Vec<Change> {
    // Most policies stay as they are.
    if before == after {
        return Vec::new();
    }
    let (gone, new) = apart(before, after);
    let mut pool = Pool::new(gone);
    let mut changes: Vec<Change> = new
        .into_iter()
        .map(|assignment| {
            match pool.take(&assignment.key.target, |live| assignment.key == live.key) {
                Some(live) => Change::Update {
                    before: Box::new(live.clone()),
                    after: Box::new(assignment.clone()),
                },
                None => Change::Add(assignment.clone()),
            }
        })
        .collect();
    changes.extend(pool.left().cloned().map(Change::Remove));
    changes.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
    changes.shrink_to_fit();
    changes
}

/// Returns what only one side has, or has more often, sorted.
fn apart<'a>(
    before: &'a [Assignment],
    after: &'a [Assignment],
) -> (Vec<&'a Assignment>, Vec<&'a Assignment>) {
    let sorted = |assignments: &'a [Assignment]| {
        let mut sorted: Vec<&Assignment> = assignments.iter().collect();
        sorted.sort();
        sorted.into_iter().peekable()
    };
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    let (mut before, mut after) = (sorted(before), sorted(after));
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some(old), Some(wanted)) => old.cmp(wanted),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (gone, new),
        };
        let old = before.next_if(|_| order.is_le());
        let wanted = after.next_if(|_| order.is_ge());
        if order.is_ne() {
            gone.extend(old);
            new.extend(wanted);
        }
    }
}

/// Assignments of which each is taken once. Those of one target stand together, so that a policy with
/// thousands of assignments costs no more per assignment than one with ten.
struct Pool<'a> {
    assignments: Vec<(&'a Assignment, bool)>,
}

impl<'a> Pool<'a> {
    fn new(assignments: impl IntoIterator<Item = &'a Assignment>) -> Self {
        let assignments = assignments.into_iter();
        let mut assignments: Vec<(&Assignment, bool)> =
            assignments.map(|assignment| (assignment, false)).collect();
        assignments.sort_by_key(|(assignment, _)| *assignment);
        Self { assignments }
    }

    /// Takes the first assignment of a target that fits.
    fn take(
        &mut self,
        target: &Target,
        fits: impl Fn(&Assignment) -> bool,
    ) -> Option<&'a Assignment> {
        let start = self
            .assignments
            .partition_point(|(assignment, _)| assignment.key.target < *target);
        let (assignment, taken) = self.assignments[start..]
            .iter_mut()
            .take_while(|(assignment, _)| assignment.key.target == *target)
            .find(|(assignment, taken)| !taken && fits(assignment))?;
        *taken = true;
        Some(assignment)
    }

    /// Returns what no one took.
    fn left(&self) -> impl Iterator<Item = &'a Assignment> + '_ {
        self.assignments
            .iter()
            .filter(|(_, taken)| !taken)
            .map(|(assignment, _)| *assignment)
    }
}

/// Changes stand in the order of their assignments; where a group moves from one side to the other, its
/// removal comes with its own kind of target.
fn sort_key(change: &Change) -> (Option<&Assignment>, Option<&Assignment>) {
    (change.after().or(change.before()), change.before())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{FileId, Place};
    use crate::model::{
        AssignmentKey, Desired, Filter, FilterMode, LivePolicy, PolicyKind, Properties, Stated,
        same_assignments,
    };
    use crate::plan::select::DesiredState;

    const PLACE: Place = Place {
        file: FileId(0),
        line: 1,
        column: 1,
        length: 1,
    };

    /// Reads assignments in a short form: `g:a` a group, `x:a` an excluded one, `d`/`u` all devices and
    /// users, `c:a` a collection, `?:a` an unknown target; `+f`/`-f` a filter; `@s` a policy set.
    fn assignments(text: &str) -> Vec<Assignment> {
        text.split_whitespace().map(assignment).collect()
    }

    fn assignment(text: &str) -> Assignment {
        let (text, set) = match text.split_once('@') {
            Some((text, set)) => (text, Some(set)),
            None => (text, None),
        };
        let split = text.find(['+', '-']).unwrap_or(text.len());
        let (target, filter) = text.split_at(split);
        let target = match target.split_once(':') {
            None if target == "d" => Target::AllDevices,
            None => Target::AllUsers,
            Some(("g", id)) => Target::Group(id.into()),
            Some(("x", id)) => Target::ExclusionGroup(id.into()),
            Some(("c", id)) => Target::Collection(id.into()),
            Some((_, id)) => Target::Other {
                odata_type: id.into(),
                properties: "{}".into(),
            },
        };
        let filter = (!filter.is_empty()).then(|| Filter {
            id: filter[1..].into(),
            mode: if filter.starts_with('+') {
                FilterMode::Include
            } else {
                FilterMode::Exclude
            },
        });
        Assignment {
            key: AssignmentKey {
                target,
                source: if set.is_some() {
                    Source::PolicySets
                } else {
                    Source::Direct
                },
                variant: None,
            },
            filter,
            source_id: set.filter(|set| !set.is_empty()).map(Into::into),
            properties: Properties::default(),
        }
    }

    /// Reads what is asked for in the same form; `@` alone names no policy set.
    fn desired(text: &str) -> Vec<Desired> {
        let asked = assignments(text).into_iter().map(|assignment| Desired {
            key: assignment.key,
            filter: assignment.filter,
            source_id: assignment.source_id.map_or(Stated::Unstated, Stated::Is),
            properties: Vec::new(),
            remediation: Stated::Unstated,
        });
        asked.collect()
    }

    fn short(assignment: &Assignment) -> String {
        let target = match &assignment.key.target {
            Target::AllDevices => "d".to_owned(),
            Target::AllUsers => "u".to_owned(),
            Target::Group(id) => format!("g:{id}"),
            Target::ExclusionGroup(id) => format!("x:{id}"),
            Target::Collection(id) => format!("c:{id}"),
            Target::Other { odata_type, .. } => format!("?:{odata_type}"),
        };
        let filter = assignment.filter.as_ref().map_or(String::new(), |filter| {
            let sign = if filter.mode == FilterMode::Include {
                '+'
            } else {
                '-'
            };
            format!("{sign}{}", filter.id)
        });
        let source = match assignment.key.source {
            Source::Direct => String::new(),
            _ => format!("@{}", assignment.source_id.as_deref().unwrap_or_default()),
        };
        format!("{target}{filter}{source}")
    }

    fn check(mode: Mode, live: &str, wanted: &str) -> String {
        check_with(mode, live, wanted, "")
    }

    fn check_with(mode: Mode, live: &str, wanted: &str, absent: &str) -> String {
        let policy = LivePolicy::new(
            PolicyKind::from_name("configurationPolicy").expect("a kind"),
            "p".to_owned(),
            "P".to_owned(),
            None,
            assignments(live)
                .into_iter()
                .map(|assignment| (assignment, "".into()))
                .collect(),
        );
        let managed = ManagedPolicy {
            live: &policy,
            desired: Arc::new(DesiredState::new(
                mode,
                desired(wanted)
                    .into_iter()
                    .map(|desired| (desired, PLACE))
                    .collect(),
                assignments(absent)
                    .into_iter()
                    .map(|assignment| ((assignment.key.target, None), PLACE))
                    .collect(),
                Vec::new(),
            )),
        };
        let before = &policy.assignments;
        let after = planned(&managed).after;
        let steps = changes(before, &after);
        // What is applied leaves nothing to do.
        assert!(changes(&after, &after).is_empty());
        assert!(same_assignments(&after, &after));
        steps
            .iter()
            .map(|change| match change {
                Change::Add(assignment) => format!("add {}", short(assignment)),
                Change::Remove(assignment) => format!("remove {}", short(assignment)),
                Change::Update { before, after } => {
                    format!("update {} to {}", short(before), short(after))
                }
            })
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn nothing_wanted_and_nothing_there_is_nothing_to_do() {
        assert_eq!(check(Mode::Exact, "", ""), "");
        assert_eq!(check(Mode::Additive, "", ""), "");
    }

    #[test]
    fn exact_mode_makes_the_manifest_the_whole_set() {
        for (live, wanted, expected) in [
            ("g:a x:b", "x:b g:a", ""),
            ("", "g:a", "add g:a"),
            ("g:a", "", "remove g:a"),
            ("g:a d u", "g:a", "remove d; remove u"),
            ("g:a", "g:a+f", "update g:a to g:a+f"),
            ("g:a+f", "g:a-f", "update g:a+f to g:a-f"),
            ("g:a+f", "g:a", "update g:a+f to g:a"),
            ("g:a", "x:a", "remove g:a; add x:a"),
            ("c:1", "c:2", "remove c:1; add c:2"),
            // Not ours to remove.
            ("?:novel g:a", "", "remove g:a"),
            ("g:a@set g:a", "", "remove g:a"),
            ("g:a@set", "g:a", "add g:a"),
            ("g:a@set", "g:a@", ""),
            ("g:a@set", "g:a+f@", "update g:a@set to g:a+f@set"),
            ("g:a@set", "g:a@other", "update g:a@set to g:a@other"),
            // The service should not have two, but if it has, one is right.
            ("g:a g:a+f", "g:a+f", "remove g:a"),
        ] {
            // One that stays has the others compared one by one.
            for live in [live, &format!("{live} g:other@set")] {
                assert_eq!(
                    check(Mode::Exact, live, wanted),
                    expected,
                    "{live} / {wanted}"
                );
            }
        }
    }

    #[test]
    fn additive_mode_never_removes() {
        for (live, wanted, expected) in [
            ("g:a x:b", "", ""),
            ("g:a", "g:b", "add g:b"),
            ("g:a+f", "g:a", "update g:a+f to g:a"),
            ("d g:a@set ?:novel", "u", "add u"),
        ] {
            assert_eq!(
                check(Mode::Additive, live, wanted),
                expected,
                "{live} / {wanted}"
            );
        }
    }

    #[test]
    fn f22a_additive_mode_removes_what_is_said_to_be_absent() {
        for (live, wanted, absent, expected) in [
            ("g:a g:b", "", "g:b", "remove g:b"),
            ("x:a g:b+f", "", "g:a g:b", "remove g:b+f; remove x:a"),
            ("g:a", "d", "g:a", "add d; remove g:a"),
            ("d u c:1", "", "d u c:1", "remove d; remove u; remove c:1"),
            ("g:a", "", "g:b", ""),
            // Policy sets are not ours to change.
            ("g:a@set g:a", "", "g:a", "remove g:a"),
        ] {
            assert_eq!(
                check_with(Mode::Additive, live, wanted, absent),
                expected,
                "{live} / {wanted} / {absent}"
            );
        }
    }
}
