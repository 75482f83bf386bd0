//! Target sets that several policies share, and what to call them.
//!
//! A set is the whole of a policy's targets, not a part: policies that happen to overlap are not tied
//! together. One target alone is as short as the name of a set would be, so it stays where it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::layout::slug;
use super::references::{Audience, Included, Targets};
use crate::manifest::{NameOrId, NamedTargets, TargetReference, WantedTarget};
use crate::model::{Assignment, Filter, LivePolicy, Properties, Source, Target, WholeTenant};

/// From how many targets on a set gets a name.
const FEWEST_TARGETS: usize = 2;
/// From how many policies on.
const FEWEST_POLICIES: usize = 2;
/// The longest name of a set.
const LONGEST_NAME: usize = 60;

/// The names of the shared sets.
#[derive(Debug, Default)]
pub(super) struct NamedSets(BTreeMap<Targets, String>);

impl NamedSets {
    /// Finds the shared sets among those of all policies.
    pub(super) fn of<'e>(all: impl Iterator<Item = &'e Targets>, others: &[NamedTargets]) -> Self {
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
        let mut taken: HashSet<String> = others.iter().map(|other| other.name.clone()).collect();
        let names = shared.into_iter().map(|(targets, _)| {
            let name = free_name(targets, &taken);
            taken.insert(name.clone());
            (targets.clone(), name)
        });
        Self(names.collect())
    }

    /// Returns the name of the set that is the same as some targets.
    pub(super) fn name(&self, targets: &Targets) -> Option<&str> {
        self.0.get(targets).map(String::as_str)
    }

    /// Returns names and sets, by name.
    pub(super) fn by_name(&self) -> BTreeMap<&str, &Targets> {
        let sets = self.0.iter();
        sets.map(|(targets, name)| (name.as_str(), targets))
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Sets that other manifests name, with the ids of what is in them.
pub(super) struct KnownSets<'m> {
    names: HashMap<BTreeSet<Assignment>, &'m str>,
}

impl<'m> KnownSets<'m> {
    /// Looks the targets of sets up. A set with a name that the tenant does not know, or that more than
    /// one object has, stands for nothing.
    pub(super) fn new(tenant: &WholeTenant, sets: &'m [NamedTargets]) -> Self {
        let by_name = |named: Vec<(&str, &str)>| {
            let mut ids: HashMap<String, BTreeSet<String>> = HashMap::new();
            for (name, id) in named {
                let same_name = ids.entry(name.to_lowercase()).or_default();
                same_name.insert(id.to_owned());
            }
            ids
        };
        let groups = tenant.groups.iter().chain(&tenant.namesakes);
        let groups = by_name(groups.map(|group| (&*group.name, &*group.id)).collect());
        let filters = tenant.filters.iter();
        let filters = by_name(filters.map(|filter| (&*filter.name, &*filter.id)).collect());
        let id = |known: &HashMap<String, BTreeSet<String>>, reference: &NameOrId| match reference {
            NameOrId::Id(id) => Some(id.to_string()),
            NameOrId::Name(name) => {
                let ids = known.get(&name.to_lowercase())?;
                (ids.len() == 1).then(|| ids.first().cloned())?
            }
        };
        let resolved = |wanted: &WantedTarget| {
            let plain = wanted.source == Source::Direct && wanted.properties.is_none();
            let target = match &wanted.target {
                TargetReference::AllDevices => Target::AllDevices,
                TargetReference::AllUsers => Target::AllUsers,
                TargetReference::Collection(id) => Target::Collection(id.as_str().into()),
                TargetReference::Group(group) => Target::Group(id(&groups, group)?.into()),
                TargetReference::ExclusionGroup(group) => {
                    Target::ExclusionGroup(id(&groups, group)?.into())
                }
            };
            let filter = match &wanted.filter {
                None => None,
                Some(reference) => Some(Filter {
                    id: id(&filters, &reference.filter)?.into(),
                    mode: reference.mode.clone(),
                }),
            };
            plain.then(|| Assignment {
                filter,
                ..Assignment::direct(target)
            })
        };
        let sets = sets.iter().filter_map(|set| {
            let targets: Option<BTreeSet<Assignment>> = set.targets.iter().map(resolved).collect();
            Some((targets?, set.name.as_str()))
        });
        Self {
            names: sets.filter(|(targets, _)| !targets.is_empty()).collect(),
        }
    }

    /// Returns the name of the set that is all that a policy is assigned to.
    pub(super) fn name(&self, policy: &LivePolicy) -> Option<&'m str> {
        let known = |assignment: &&Assignment| {
            assignment.key.is_direct() && !matches!(assignment.key.target, Target::Other { .. })
        };
        let assignments = policy.assignments.iter().filter(known);
        let assignments: Option<BTreeSet<Assignment>> = assignments
            .map(|assignment| {
                let plain = assignment.key.variant.is_none()
                    && assignment.properties == Properties::default();
                plain.then(|| assignment.clone())
            })
            .collect();
        self.names.get(&assignments?).copied()
    }
}

/// Returns a name for a set: all of its targets, or where that would be long their number. A name
/// that left targets out would promise less than whoever uses the set gets.
fn free_name(targets: &Targets, taken: &HashSet<String>) -> String {
    let base = joined_name(targets).unwrap_or_else(|| format!("{}-targets", targets.len()));
    (1_usize..)
        .map(|number| match number {
            1 => base.clone(),
            _ => format!("{base}-{number}"),
        })
        .find(|name| !taken.contains(name))
        .unwrap_or_default()
}

/// Returns the names of all targets as one; `None` if one of them has no letters, or if it is too long.
fn joined_name(targets: &Targets) -> Option<String> {
    let words = |name: &str| {
        let words = slug(name, usize::MAX, char::is_alphanumeric);
        (!words.is_empty()).then_some(words)
    };
    let included = targets.include.iter().map(included_name);
    let included: Vec<String> = included.map(|name| words(&name)).collect::<Option<_>>()?;
    let excluded = targets.exclude.iter().map(|excluded| {
        let intent = excluded.intent.as_deref().unwrap_or_default();
        words(&format!("{} {intent}", excluded.group.shown()))
    });
    let excluded: Vec<String> = excluded.collect::<Option<_>>()?;
    let mut name = included.join("-and-");
    for (number, group) in excluded.iter().enumerate() {
        name.push_str(match (number, name.is_empty()) {
            (0, true) => "without-",
            (0, false) => "-without-",
            _ => "-and-",
        });
        name.push_str(group);
    }
    (name.chars().count() <= LONGEST_NAME).then_some(name)
}

fn included_name(included: &Included) -> String {
    let audience = match &included.audience {
        Audience::AllDevices => "all-devices",
        Audience::AllUsers => "all-users",
        Audience::Group(group) => group.shown(),
        Audience::Collection(id) => id,
    };
    let name = match &included.filter {
        None => audience.to_owned(),
        Some(filter) if included.excludes => format!("{audience} not {}", filter.shown()),
        Some(filter) => format!("{audience} {}", filter.shown()),
    };
    match &included.properties.intent {
        None => name,
        Some(intent) => format!("{name} {intent}"),
    }
}
