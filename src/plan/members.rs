//! How many devices and users a plan's changes are about, and who gains and loses each policy.
//!
//! Beside a plan, never in it: nothing here changes what is done. Exclusions work within their kind:
//! excluded devices do not keep users from a policy (MicrosoftDocs/memdocs: device-profile-assign.md).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::since::key;
use super::{Names, Plan, PlannedPolicy};
use crate::model::{
    Assignment, FilterCount, MemberCount, MemberSet, PolicyKind, Population, PopulationNeeds,
    SharedText, Target, Unknown,
};

/// What is to be counted beside the members of each target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Who gains and loses each policy, by the members themselves.
    pub exact: bool,
    /// How many devices filters match.
    pub filters: bool,
    /// What unchanged policies are assigned to, too.
    pub all: bool,
    /// How many members may be read in all.
    pub limit: u64,
}

/// Devices and users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Heads {
    /// The devices; `None` if they are not known.
    pub devices: Option<u64>,
    /// The users; `None` if they are not known.
    pub users: Option<u64>,
}

impl Heads {
    /// Returns both together, if both are known.
    pub fn sum(self) -> Option<u64> {
        Some(self.devices?.saturating_add(self.users?))
    }
}

/// Who gains and who loses a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach {
    /// Those who get it.
    pub gained: Heads,
    /// Those who had it.
    pub lost: Heads,
    /// Whether the numbers come from the members themselves; else they are the most that it can be.
    pub exact: bool,
    /// Why something is not known, if that is so and can be said.
    pub reason: Option<Unknown>,
}

/// What was counted of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyMembers {
    /// How many members the target of each change has, in their order.
    pub changes: Vec<MemberCount>,
    /// Who gains and loses it, if that was asked.
    pub reach: Option<Reach>,
}

/// What was counted of the changed policies, by kind and id in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    policies: BTreeMap<(PolicyKind, String), PolicyMembers>,
    /// How many devices the filters of the changes match, by their ids in lower case, if that was asked.
    pub filters: BTreeMap<String, FilterCount>,
}

impl Members {
    /// Adds what is known of a policy.
    pub(in crate::plan) fn add(&mut self, policy: &PlannedPolicy, members: PolicyMembers) {
        self.policies.insert(key(policy.kind, &policy.id), members);
    }

    /// Returns what is known of a policy.
    pub fn of(&self, policy: &PlannedPolicy) -> Option<&PolicyMembers> {
        self.policies.get(&key(policy.kind, &policy.id))
    }
}

/// Returns what has to be counted. With `exact` these are the members themselves, of the groups on which it
/// depends who gains and loses a policy.
pub fn needs(plan: &Plan, names: &Names, wanted: Wanted) -> PopulationNeeds {
    let Wanted {
        exact,
        filters,
        all,
        limit,
    } = wanted;
    let mut needs = PopulationNeeds {
        limit,
        ..PopulationNeeds::default()
    };
    let policies = plan.policies.iter();
    for policy in policies.filter(|policy| all || policy.is_changed()) {
        for row in policy.before.iter().chain(policy.after.iter()) {
            match &row.key.target {
                Target::AllDevices => needs.all_devices = true,
                Target::AllUsers => needs.all_users = true,
                Target::Group(id) | Target::ExclusionGroup(id) => {
                    if names.is_missing_group(id) {
                        continue;
                    }
                    let id = id.to_lowercase();
                    if exact && policy.is_changed() {
                        needs.sets.insert(id.clone());
                    }
                    needs.groups.insert(id);
                }
                Target::Collection(_) | Target::Other { .. } => {}
            }
        }
    }
    if filters {
        let changes = plan.changed().flat_map(|policy| policy.changes.iter());
        let rows = changes.flat_map(|change| change.before().into_iter().chain(change.after()));
        let filters = rows.filter_map(|row| row.filter.as_ref());
        needs.filters = filters.map(|filter| filter.id.to_lowercase()).collect();
    }
    needs
}

impl Members {
    /// Puts to each changed policy what was counted.
    pub fn count(plan: &Plan, names: &Names, population: &Population, exact: bool) -> Self {
        let mut members = Self {
            filters: population.filters.clone(),
            ..Self::default()
        };
        for policy in plan.changed() {
            let changes = policy.changes.iter();
            let changes = changes.filter_map(|change| change.after().or(change.before()));
            members.add(
                policy,
                PolicyMembers {
                    changes: changes
                        .map(|row| count_of(row, names, population))
                        .collect(),
                    reach: exact.then(|| reach(policy, names, population)),
                },
            );
        }
        members
    }
}

fn count_of(row: &Assignment, names: &Names, population: &Population) -> MemberCount {
    match &row.key.target {
        Target::AllDevices => population.all_devices,
        Target::AllUsers => population.all_users,
        Target::Group(id) | Target::ExclusionGroup(id) => {
            if names.is_missing_group(id) {
                return MemberCount::unknown(Some(Unknown::Deleted));
            }
            let count = population.counts.get(&id.to_lowercase());
            count.copied().unwrap_or_default()
        }
        Target::Collection(_) | Target::Other { .. } => MemberCount::default(),
    }
}

/// A kind of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Devices,
    Users,
}

/// Whom rows reach on one side.
#[derive(Default)]
struct Reached<'p> {
    /// Everybody, but those excluded.
    everybody: bool,
    /// Who is reached through groups.
    included: HashSet<&'p str>,
    /// Who is not reached, though everybody is.
    excluded: HashSet<&'p str>,
}

impl<'p> Reached<'p> {
    /// Adds whom other rows reach.
    fn or(self, other: Self) -> Self {
        let mut included = self.included;
        included.extend(other.included);
        let excluded = match (self.everybody, other.everybody) {
            (true, true) => &self.excluded & &other.excluded,
            (true, false) => self.excluded,
            (false, _) => other.excluded,
        };
        Self {
            everybody: self.everybody || other.everybody,
            excluded: &excluded - &included,
            included,
        }
    }
}

fn reach(policy: &PlannedPolicy, names: &Names, population: &Population) -> Reach {
    let mut reach = Reach {
        exact: true,
        ..Reach::default()
    };
    for side in [Side::Devices, Side::Users] {
        let before = reached(&policy.before, side, names, population);
        let after = reached(&policy.after, side, names, population);
        let (gained, lost) = match (before, after) {
            (Ok(before), Ok(after)) => {
                let all = match side {
                    Side::Devices => (
                        population.all_devices.devices,
                        population.all_devices.reason,
                    ),
                    Side::Users => (population.all_users.users, population.all_users.reason),
                };
                if before.everybody || after.everybody {
                    let sure =
                        before.everybody == after.everybody && before.excluded == after.excluded;
                    reach.exact &= sure;
                }
                let gained = difference(&after, &before, all.0);
                let lost = difference(&before, &after, all.0);
                if gained.is_none() || lost.is_none() {
                    reach.reason = reach.reason.or(all.1);
                }
                (gained, lost)
            }
            (Err(reason), _) | (_, Err(reason)) => {
                reach.reason = reach.reason.or(reason);
                reach.exact = false;
                (None, None)
            }
        };
        match side {
            Side::Devices => (reach.gained.devices, reach.lost.devices) = (gained, lost),
            Side::Users => (reach.gained.users, reach.lost.users) = (gained, lost),
        }
    }
    reach
}

/// Counts who is reached by some rows and not by others. Where everybody is reached, members of groups
/// are taken to be among them: that is the most that it can be.
fn difference(more: &Reached<'_>, less: &Reached<'_>, everybody: Option<u64>) -> Option<u64> {
    let number = |ids: usize| u64::try_from(ids).ok();
    match (more.everybody, less.everybody) {
        (false, false) => number(more.included.difference(&less.included).count()),
        (false, true) => number(more.included.intersection(&less.excluded).count()),
        (true, true) => number(less.excluded.difference(&more.excluded).count()),
        (true, false) => {
            let not = less.included.union(&more.excluded).count();
            Some(everybody?.saturating_sub(number(not)?))
        }
    }
}

/// Finds whom rows reach on one side, or why that is not known. Exclusions work within their intent.
fn reached<'p>(
    rows: &[Assignment],
    side: Side,
    names: &Names,
    population: &'p Population,
) -> Result<Reached<'p>, Option<Unknown>> {
    let mut variants: BTreeMap<Option<&SharedText>, Reached<'p>> = BTreeMap::new();
    for row in rows {
        let reached = variants.entry(row.key.variant.as_ref()).or_default();
        let (id, includes) = match &row.key.target {
            Target::AllDevices => {
                reached.everybody |= side == Side::Devices;
                continue;
            }
            Target::AllUsers => {
                reached.everybody |= side == Side::Users;
                continue;
            }
            Target::Group(id) => (id, true),
            Target::ExclusionGroup(id) => (id, false),
            // Collections hold devices, and nobody here knows which.
            Target::Collection(_) if side == Side::Users => continue,
            Target::Collection(_) | Target::Other { .. } => return Err(None),
        };
        if names.is_missing_group(id) {
            continue;
        }
        let id = id.to_lowercase();
        let count = population.counts.get(&id);
        let Some(MemberSet { devices, users, .. }) = population.sets.get(&id) else {
            // A side that is known to be empty needs no set.
            let known = count.and_then(|count| match side {
                Side::Devices => count.devices,
                Side::Users => count.users,
            });
            if known == Some(0) {
                continue;
            }
            return Err(count.and_then(|count| count.reason));
        };
        let members = match side {
            Side::Devices => devices,
            Side::Users => users,
        };
        let members = members.iter().map(String::as_str);
        match includes {
            true => reached.included.extend(members),
            false => reached.excluded.extend(members),
        }
    }
    let of_variants = variants.into_values().map(|reached| Reached {
        included: &reached.included - &reached.excluded,
        ..reached
    });
    Ok(of_variants.fold(Reached::default(), Reached::or))
}

/// Returns the groups of rows.
pub(in crate::plan) fn groups_of(rows: &[Assignment]) -> BTreeSet<&str> {
    rows.iter()
        .filter_map(|row| row.key.target.group_id())
        .collect()
}
