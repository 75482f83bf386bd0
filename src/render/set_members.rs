//! What policy sets pass their assignments on to, in words.

use super::clean::clean;
use super::phrases::{count, first};
use crate::model::SetMember;
use crate::plan::{Annotations, PlannedPolicy};

/// The most sets whose members are shown of those with the same changes.
const MOST_SETS: usize = 5;
/// The most members of a set that are named.
const MOST_NAMED: usize = 10;

/// Says what else changes with policy sets that have the same changes; nothing of other kinds.
pub(super) fn passed_on(annotations: &Annotations, policies: &[&PlannedPolicy]) -> Vec<String> {
    let sets: Vec<(&PlannedPolicy, &[SetMember])> = policies
        .iter()
        .filter_map(|policy| Some((*policy, annotations.set_members.of(policy)?)))
        .collect();
    let lines = sets.iter().map(|(set, members)| {
        let text = passes_on_to(members);
        match policies.len() {
            1 => text,
            _ => format!("{}: {text}", clean(&set.name)),
        }
    });
    let rest = |left| count(left, "more set", "more sets") + " with members of their own";
    first(MOST_SETS, lines, rest).collect()
}

fn passes_on_to(members: &[SetMember]) -> String {
    if members.is_empty() {
        return "the set has no members".to_owned();
    }
    let named = members.iter().map(|member| {
        let SetMember { kind, name, id: _ } = member;
        format!("{} {}", clean(kind), clean(name))
    });
    let names = first(MOST_NAMED, named, |more| format!("and {more} more"));
    let names: Vec<String> = names.collect();
    let number = count(members.len(), "member", "members");
    format!("the set passes this on to {number}: {}", names.join(", "))
}
