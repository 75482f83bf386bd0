//! The changes of a plan as lines, and the policies with the same ones together.

use std::collections::{BTreeSet, HashMap};

use super::clean::clean;
use super::members::members;
use super::phrases::{assignment, filter, target};
use super::properties::{self, property_value};
use super::review::{Direction, PlanView};
use crate::kinds::properties::unescaped;
use crate::manifest::Mode;
use crate::model::{Assignment, Filter, MemberCount, Unknown};
use crate::plan::since::Cause;
use crate::plan::{Change, ManifestPlace, Names, PlannedPolicy};

/// How a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sign {
    Minus,
    Plus,
    Tilde,
    /// It stays, and something is written of it that no read shows.
    Equal,
}

impl Sign {
    /// Returns the sign in text.
    pub(super) fn text(self) -> char {
        match self {
            Self::Minus => '-',
            Self::Plus => '+',
            Self::Tilde => '~',
            Self::Equal => '=',
        }
    }

    /// Returns the sign in a fence of the language `diff`.
    pub(super) fn in_fence(self) -> char {
        match self {
            Self::Tilde => '!',
            Self::Equal => ' ',
            other => other.text(),
        }
    }
}

/// How grave a change is. The gravest come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Weight {
    /// An assignment goes away.
    Removal,
    /// More devices or users are reached than a group's: everyone, or no filter any more.
    Widening,
    /// All else.
    Other,
}

impl Weight {
    /// Weighs what was, or is to be, done to the tenant: drift has been done to it by others, away from what the
    /// manifests say.
    fn of(change: &Change, direction: Direction) -> Self {
        let (before, after) = match direction {
            Direction::Plan => (change.before(), change.after()),
            Direction::Drift => (change.after(), change.before()),
        };
        match (before, after) {
            (Some(_), None) => Self::Removal,
            (None, Some(after)) if after.key.target.is_broad() && after.filter.is_none() => {
                Self::Widening
            }
            (Some(before), Some(after)) if before.filter.is_some() && after.filter.is_none() => {
                Self::Widening
            }
            _ => Self::Other,
        }
    }
}

/// A change of a policy as a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub(super) weight: Weight,
    pub(super) sign: Sign,
    pub(super) text: String,
    /// Whether its place is that of an entry that does not have the assignment.
    pub(super) is_unasked: bool,
}

impl Line {
    fn new(
        change: &Change,
        policy: &PlannedPolicy,
        counted: Option<&MemberCount>,
        view: &PlanView<'_>,
    ) -> Self {
        let (names, direction) = (&view.annotations.names, view.detail.direction);
        let (sign, mut text) = match (change, direction) {
            (Change::Add(after), Direction::Plan) => (Sign::Plus, assignment(after, names)),
            (Change::Add(after), Direction::Drift) => (Sign::Minus, assignment(after, names)),
            (Change::Remove(before), Direction::Plan) => (Sign::Minus, assignment(before, names)),
            (Change::Remove(before), Direction::Drift) => (Sign::Plus, assignment(before, names)),
            (Change::Update { before, after }, _) => {
                (Sign::Tilde, update(before, after, names, direction))
            }
        };
        let after = change.after().filter(|_| direction == Direction::Plan);
        if after.is_some_and(|after| policy.only_detects(after)) {
            text.push_str(DETECTS);
        }
        Self {
            weight: Weight::of(change, direction),
            sign,
            text: match counted.filter(|counted| !says_missing(change, counted, names)) {
                None => text,
                Some(counted) => format!("{text} ({})", members(counted)),
            },
            // In additive mode, only what is said to be absent goes away.
            is_unasked: matches!(change, Change::Remove(_)) && policy.mode == Mode::Exact,
        }
    }

    /// Says where it is asked for, or which entry does not have it; `None` if no manifest is known.
    pub(super) fn places(&self, places: &BTreeSet<&ManifestPlace>) -> Option<String> {
        let first = places.first()?;
        let before = if self.is_unasked { NOT_IN } else { "" };
        let first = format!("{before}{}:{}", clean(&first.path), first.line);
        Some(match places.len() - 1 {
            0 => first,
            more => format!("{first} and {more} more"),
        })
    }
}

/// What stands before the place of an entry that does not have an assignment.
pub(super) const NOT_IN: &str = "not in ";

/// What is said of an assignment of a remediation that is to detect only.
pub(super) const DETECTS: &str = ", runRemediationScript false";

/// Says what an assignment is to be.
pub(super) fn planned(policy: &PlannedPolicy, after: &Assignment, names: &Names) -> String {
    let said = assignment(after, names);
    match policy.only_detects(after) {
        true => format!("{said}{DETECTS}"),
        false => said,
    }
}

/// Whether a change's target says already why its members are unknown: the group does not exist.
fn says_missing(change: &Change, counted: &MemberCount, names: &Names) -> bool {
    let assignment = change.after().or(change.before());
    let group = assignment.and_then(|assignment| assignment.key.target.group_id());
    counted.reason == Some(Unknown::Deleted)
        && counted.devices.is_none()
        && counted.users.is_none()
        && group.is_some_and(|id| names.is_missing_group(id))
}

/// Says what differs between two assignments of one target.
pub(super) fn update(
    before: &Assignment,
    after: &Assignment,
    names: &Names,
    direction: Direction,
) -> String {
    let between = |before: String, after: String| match direction {
        Direction::Plan => format!("{before} -> {after}"),
        Direction::Drift => format!("{before} instead of {after}"),
    };
    if before.source_id != after.source_id {
        return between(assignment(before, names), assignment(after, names));
    }
    let target = with_intent(after, names);
    if before.properties != after.properties {
        let differing = differing(before, after, names, between);
        return format!("{target}: {differing}");
    }
    if let (Some(old), Some(new)) = (&before.filter, &after.filter)
        && old.mode == new.mode
        && let (Some(old_name), Some(new_name)) = (plain_name(old, names), plain_name(new, names))
    {
        let (old_name, new_name) = (clean(old_name).into_owned(), clean(new_name).into_owned());
        return format!(
            "{target}: filter {} ({})",
            between(old_name, new_name),
            clean(new.mode.name())
        );
    }
    let filter = |assignment: &Assignment| filter(assignment.filter.as_ref(), names);
    format!("{target}: {}", between(filter(before), filter(after)))
}

/// Says a target, and with which intent it is meant.
fn with_intent(assignment: &Assignment, names: &Names) -> String {
    let target = target(assignment, names);
    match &assignment.key.variant {
        Some(intent) => format!("{target}, {}", clean(intent)),
        None => target,
    }
}

/// Says the properties that differ between two assignments of one target, and their filters if these do.
fn differing(
    before: &Assignment,
    after: &Assignment,
    names: &Names,
    between: impl Fn(String, String) -> String,
) -> String {
    const NONE: &str = "not set";
    let value = |assignment: &Assignment, name: &str| {
        let found = assignment.properties.get(name);
        found.map(|value| property_value(value))
    };
    let all = properties::between(&before.properties, &after.properties).into_iter();
    let changed = all.filter_map(|name| {
        let (old, new) = (value(before, name), value(after, name));
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
        let name = unescaped(name);
        (old != new).then(|| format!("{} {}", clean(&name), between(said(&old), said(&new))))
    });
    let filters = (before.filter != after.filter).then(|| {
        let said = |assignment: &Assignment| filter(assignment.filter.as_ref(), names);
        between(said(before), said(after))
    });
    changed.chain(filters).collect::<Vec<_>>().join(", ")
}

/// Returns a filter's name, if that says which filter it is.
fn plain_name<'n>(filter: &Filter, names: &'n Names) -> Option<&'n str> {
    let name = names.filter(&filter.id);
    name.filter(|_| !names.shares_filter_name(&filter.id))
}

/// A policy's changes as lines, the gravest first, each with the place that asks for it.
pub(super) fn lines<'p>(
    policy: &'p PlannedPolicy,
    view: &PlanView<'_>,
) -> Vec<(Line, Option<&'p ManifestPlace>)> {
    let members = view.annotations.members_of(policy);
    let changes = policy.changes.iter().enumerate();
    let mut lines: Vec<(Line, Option<&ManifestPlace>)> = changes
        .map(|(index, change)| {
            let counted = members.and_then(|members| members.changes.get(index));
            let line = Line::new(change, policy, counted, view);
            (line, policy.place_of(index))
        })
        .collect();
    let rewritten = policy.rewritten().map(|kept| Line {
        weight: Weight::Other,
        sign: Sign::Equal,
        text: planned(policy, kept, &view.annotations.names),
        is_unasked: false,
    });
    if view.detail.direction == Direction::Plan {
        lines.extend(rewritten.map(|line| (line, None)));
    }
    lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines
}

/// Policies that have the same changes.
#[derive(Clone, Debug)]
pub(super) struct Group<'p> {
    /// The changes, the gravest first, with the places that ask for each.
    pub(super) lines: Vec<(Line, BTreeSet<&'p ManifestPlace>)>,
    /// Why they are not as the manifests say, if that was asked.
    pub(super) cause: Option<Cause>,
    /// The policies, by kind and name.
    pub(super) policies: Vec<&'p PlannedPolicy>,
}

impl Group<'_> {
    /// Returns the gravest weight.
    pub(super) fn weight(&self) -> Weight {
        let weights = self.lines.iter().map(|(line, _)| line.weight);
        weights.min().unwrap_or(Weight::Other)
    }
}

/// Groups the changed policies of a plan, those with the gravest changes first.
pub(super) fn groups<'p>(view: &PlanView<'p>) -> Vec<Group<'p>> {
    let mut known: HashMap<(Vec<Line>, Option<Cause>, Mode), usize> = HashMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for policy in view.plan.changed() {
        let (lines, places): (Vec<Line>, Vec<_>) = lines(policy, view).into_iter().unzip();
        let cause = view.annotations.cause(policy);
        let key = (lines, cause, policy.mode);
        let index = known.get(&key).copied().unwrap_or(groups.len());
        if index == groups.len() {
            let lines = key.0.iter().cloned();
            groups.push(Group {
                lines: lines.map(|line| (line, BTreeSet::new())).collect(),
                cause,
                policies: Vec::new(),
            });
            known.insert(key, index);
        }
        let group = &mut groups[index];
        group.policies.push(policy);
        for ((_, known), place) in group.lines.iter_mut().zip(places) {
            known.extend(place);
        }
    }
    // Beyond that they stay in the order of their first policies. Drift by hand is what matters most.
    let by_cause = |group: &Group<'_>| match view.detail.direction {
        Direction::Plan => None,
        Direction::Drift => Cause::ALL
            .iter()
            .position(|cause| Some(*cause) == group.cause),
    };
    groups.sort_by_key(|group| (by_cause(group), group.weight()));
    groups
}

/// Returns the changed policies, each by itself.
pub(super) fn single<'p>(view: &PlanView<'p>) -> Vec<Group<'p>> {
    let policies = view.plan.changed();
    policies
        .map(|policy| Group {
            lines: lines(policy, view)
                .into_iter()
                .map(|(line, place)| (line, place.into_iter().collect()))
                .collect(),
            cause: view.annotations.cause(policy),
            policies: vec![policy],
        })
        .collect()
}
