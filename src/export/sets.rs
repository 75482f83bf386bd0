//! Target sets that several policies share, and what to call them.
//!
//! A set is the whole of a policy's targets, not a part: policies that happen to overlap are not tied
//! together. One target alone is as short as the name of a set would be, so it stays where it is.

use std::collections::BTreeMap;

use super::layout::slug;
use super::wording::{Included, Targets, Whom};

/// From how many targets on a set gets a name.
const FEWEST_TARGETS: usize = 2;
/// From how many policies on.
const FEWEST_POLICIES: usize = 2;

/// The shared sets by their names.
#[derive(Debug, Default)]
pub(super) struct NamedSets {
    by_name: BTreeMap<String, Targets>,
    names: BTreeMap<Targets, String>,
}

impl NamedSets {
    /// Finds the shared sets among those of all policies.
    pub(super) fn of<'e>(all: impl Iterator<Item = &'e Targets>) -> Self {
        let mut users: BTreeMap<&Targets, usize> = BTreeMap::new();
        for targets in all.filter(|targets| targets.len() >= FEWEST_TARGETS) {
            *users.entry(targets).or_default() += 1;
        }
        let mut shared: Vec<(&Targets, usize)> = users
            .into_iter()
            .filter(|(_, users)| *users >= FEWEST_POLICIES)
            .collect();
        // Those that are used most choose their names first.
        shared.sort_by_key(|(_, users)| std::cmp::Reverse(*users));
        let mut sets = Self::default();
        for (targets, _) in shared {
            let name = free_name(targets, &sets.by_name);
            sets.by_name.insert(name.clone(), targets.clone());
            sets.names.insert(targets.clone(), name);
        }
        sets
    }

    /// Returns the name of the set that is the same as some targets.
    pub(super) fn name(&self, targets: &Targets) -> Option<&str> {
        self.names.get(targets).map(String::as_str)
    }

    /// Returns names and sets, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Targets)> {
        self.by_name
            .iter()
            .map(|(name, targets)| (name.as_str(), targets))
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// Calls a set by one of its targets. The last one is asked first: rings that grow are so called by
/// what each adds.
fn free_name(targets: &Targets, taken: &BTreeMap<String, Targets>) -> String {
    let included = targets.include.iter().rev().map(included_name);
    let excluded = targets.exclude.iter();
    let excluded = excluded.map(|group| format!("not {}", group.shown()));
    let names: Vec<String> = included
        .chain(excluded)
        .map(|name| slug(&name, char::is_alphanumeric))
        .filter(|name| !name.is_empty())
        .collect();
    let is_free = |name: &String| !taken.contains_key(name);
    if let Some(name) = names.iter().find(|name| is_free(name)) {
        return name.clone();
    }
    let base = names.first().map_or("targets", String::as_str);
    (1_usize..)
        .map(|number| match number {
            1 => base.to_owned(),
            _ => format!("{base}-{number}"),
        })
        .find(is_free)
        .unwrap_or_default()
}

fn included_name(included: &Included) -> String {
    let whom = match &included.whom {
        Whom::AllDevices => "all-devices",
        Whom::AllUsers => "all-users",
        Whom::Group(group) => group.shown(),
        Whom::Collection(id) => id,
    };
    match &included.filter {
        None => whom.to_owned(),
        Some(filter) if included.excludes => format!("{whom} not {}", filter.shown()),
        Some(filter) => format!("{whom} {}", filter.shown()),
    }
}
