//! Contradictions between targets and between entries, worded the same offline and against the tenant.
//!
//! Offline they show within an entry and between entries with the same selector; once names are
//! resolved, between all entries that select one policy. Each names both places, the later one
//! first, and the aliases and `use` lines through which the two came together.

use std::sync::Arc;

use super::{Entry, Placed, Selector, TargetReference, WantedTarget};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::model::PolicyKind;
use crate::text::{quoted, with_article};

/// The same target with different filters.
pub fn filters(one: &WantedTarget, other: &WantedTarget) -> Diagnostic {
    let message = format!("{} has different filters", describe_wanted(other));
    between(
        ("conflicting-filters", message),
        (one, &filter_words(one)),
        (other, &filter_words(other)),
    )
    .hint("give it the same filter in both places, or remove one")
}

/// The same target with different properties: each that both name, with different values.
pub fn properties(one: &WantedTarget, other: &WantedTarget) -> Vec<Diagnostic> {
    let (Some(first), Some(second)) = (&one.properties, &other.properties) else {
        return Vec::new();
    };
    if Arc::ptr_eq(first, second) {
        return Vec::new();
    }
    let mut different: Vec<(&str, Place, Place)> = Vec::new();
    for setting in second.settings.iter().flat_map(|all| &all.value) {
        let mut known = first.settings.iter().flat_map(|all| &all.value);
        let known = known.find(|known| known.name == setting.name);
        let known = known.map(|known| &known.value);
        different.extend(differing(&setting.name, known, Some(&setting.value)));
    }
    let (one_schedule, other_schedule) = (first.schedule.as_ref(), second.schedule.as_ref());
    different.extend(differing("runSchedule", one_schedule, other_schedule));
    let (one_flag, other_flag) = (first.remediation.as_ref(), second.remediation.as_ref());
    different.extend(differing("runRemediationScript", one_flag, other_flag));
    let different = different.into_iter().map(|(name, first, second)| {
        let (first, second) = (first.min(second), first.max(second));
        let message = format!("{} has different `{name}`", describe_wanted(other));
        Diagnostic::error("conflicting-properties", second, message)
            .also(first, "another value")
            .also(one.place.max(other.place), "the target")
            .hint("give it the same in both places, or remove one")
    });
    different.collect()
}

/// Returns the places of a property that is said twice, with different values.
fn differing<'n, T: PartialEq>(
    name: &'n str,
    one: Option<&Placed<T>>,
    other: Option<&Placed<T>>,
) -> Option<(&'n str, Place, Place)> {
    let (one, other) = one.zip(other)?;
    (one != other).then_some((name, one.place, other.place))
}

/// The same target with two intents. The portal forbids it, and what the service does is not known.
pub fn two_intents(one: &WantedTarget, other: &WantedTarget) -> Diagnostic {
    let words = |target: &WantedTarget| format!("intent `{}`", target.intent().unwrap_or_default());
    let message = format!("{} is included with two intents", describe(&other.target));
    let error = between(
        ("same-group-two-intents", message),
        (one, &words(one)),
        (other, &words(other)),
    );
    Diagnostic {
        severity: Severity::Warning,
        ..error
    }
    .hint("the portal does not allow that; what the service makes of it is not known")
}

/// A target that only one policy of a kind can have, and that two are to get.
pub fn exclusive_target(one: &WantedTarget, other: &WantedTarget, kind: PolicyKind) -> Diagnostic {
    let message = format!(
        "only one {kind} can have {}, and two would get it",
        describe_wanted(other)
    );
    between(
        ("target-held-once", message),
        (one, "for one"),
        (other, "for another"),
    )
    .hint("remove one of the two")
}

/// A target that the service refuses for certain on policies of a kind.
pub fn target_not_allowed(kind: PolicyKind, target: &WantedTarget) -> Diagnostic {
    let message = format!(
        "the service rejects {} on {}",
        describe_kind(&target.target),
        with_article(kind.name())
    );
    let error = Diagnostic::error("target-not-allowed", target.place, message);
    match target.via {
        Some(via) => error.also(via, "comes in here"),
        None => error,
    }
    .hint("remove the target, or assign another kind of policy")
}

/// A group that is both included and excluded.
pub fn included_and_excluded(included: &WantedTarget, excluded: &WantedTarget) -> Diagnostic {
    let message = format!(
        "{} is both included and excluded",
        describe_wanted(excluded)
    );
    between(
        ("included-and-excluded", message),
        (included, "included"),
        (excluded, "excluded"),
    )
    .hint("remove one of the two")
}

/// A target that is wanted and must not be there.
pub fn wanted_and_absent(wanted: &WantedTarget, absent: &WantedTarget) -> Diagnostic {
    let message = format!("{} is both wanted and absent", describe_wanted(wanted));
    let side = match wanted.target {
        TargetReference::ExclusionGroup(_) => "excluded",
        _ => "included",
    };
    between(
        ("wanted-and-absent", message),
        (wanted, side),
        (absent, "absent"),
    )
    .hint("remove one of the two")
}

/// Different modes for one policy.
pub fn modes(one: &Entry, other: &Entry) -> Diagnostic {
    let mut both = [one, other];
    both.sort_by_key(|entry| entry.mode_place);
    let [first, second] = both;
    let what = match &second.selector {
        Selector::Name(name) => format!("the policy {}", quoted(&name.value)),
        Selector::Id(id) => format!("the policy with the id {}", quoted(&id.value)),
        Selector::Match { pattern, .. } => {
            format!("the policies {}", quoted(pattern.value.as_str()))
        }
    };
    Diagnostic::error(
        "conflicting-modes",
        second.mode_place,
        format!("different modes for {what}"),
    )
    .label(second.mode.name())
    .also(first.mode_place, first.mode.name())
    .hint("give both entries the same mode; one that names none is `exact`")
}

fn between(
    (code, message): (&'static str, String),
    one: (&WantedTarget, &str),
    other: (&WantedTarget, &str),
) -> Diagnostic {
    let (one_place, other_place) = apart(one.0, other.0);
    let mut both = [(one_place, one.1), (other_place, other.1)];
    both.sort_by_key(|(place, _)| *place);
    let [(first, first_words), (second, second_words)] = both;
    let mut error = Diagnostic::error(code, second, message)
        .label(second_words)
        .also(first, first_words);
    let mut shown = vec![first, second];
    for via in [one.0.via, other.0.via].into_iter().flatten() {
        if !shown.contains(&via) {
            shown.push(via);
            error = error.also(via, "comes in here");
        }
    }
    error
}

/// Returns the places of two targets. Where an alias makes them one line, the aliases tell them
/// apart.
fn apart(one: &WantedTarget, other: &WantedTarget) -> (Place, Place) {
    if one.place != other.place {
        return (one.place, other.place);
    }
    (
        one.via.unwrap_or(one.place),
        other.via.unwrap_or(other.place),
    )
}

/// Names a target, and the intent with which it is meant.
fn describe_wanted(wanted: &WantedTarget) -> String {
    let target = describe(&wanted.target);
    match wanted.intent() {
        Some(intent) => format!("{target} with the intent `{intent}`"),
        None => target,
    }
}

fn describe(target: &TargetReference) -> String {
    match target {
        TargetReference::AllDevices => "`allDevices`".to_owned(),
        TargetReference::AllUsers => "`allUsers`".to_owned(),
        TargetReference::Collection(id) => format!("the collection {}", quoted(id)),
        TargetReference::Group(group) | TargetReference::ExclusionGroup(group) => {
            format!("the group {}", quoted(&group.text()))
        }
    }
}

/// Names a kind of target by its key.
fn describe_kind(target: &TargetReference) -> &'static str {
    match target {
        TargetReference::AllDevices => "`allDevices`",
        TargetReference::AllUsers => "`allUsers`",
        TargetReference::Collection(_) => "`collection`",
        TargetReference::Group(_) => "`group`",
        TargetReference::ExclusionGroup(_) => "excluded group",
    }
}

fn filter_words(wanted: &WantedTarget) -> String {
    match &wanted.filter {
        None => "without a filter".to_owned(),
        Some(filter) => format!(
            "filter {}, mode `{}`",
            quoted(&filter.filter.text()),
            filter.mode.name()
        ),
    }
}
