//! How many devices and users a plan's changes are about, and who gains and loses each policy.
//!
//! Display only: nothing here changes the plan.

use std::collections::{BTreeMap, BTreeSet};

pub use super::reach::{DevicesAndUsers, Reach};
use super::since::key;
use super::{Names, PlanContents, PlannedPolicy, reach};
use crate::model::{
    Assignment, FilterCount, MemberCount, PolicyKind, Population, PopulationNeeds, Target, Unknown,
};

/// What is to be counted besides the members of each target.
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
pub fn needs(plan: &PlanContents, names: &Names, wanted: Wanted) -> PopulationNeeds {
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
        for assignment in policy.before.iter().chain(policy.after.iter()) {
            match &assignment.key.target {
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
        let assignments =
            changes.flat_map(|change| change.before().into_iter().chain(change.after()));
        let filters = assignments.filter_map(|assignment| assignment.filter.as_ref());
        needs.filters = filters.map(|filter| filter.id.to_lowercase()).collect();
    }
    needs
}

impl Members {
    /// Puts to each changed policy what was counted.
    pub fn count(plan: &PlanContents, names: &Names, population: &Population, exact: bool) -> Self {
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
                        .map(|assignment| count_of(assignment, names, population))
                        .collect(),
                    reach: exact.then(|| reach::of(policy, names, population)),
                },
            );
        }
        members
    }
}

fn count_of(assignment: &Assignment, names: &Names, population: &Population) -> MemberCount {
    match &assignment.key.target {
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

/// Returns the groups of assignments.
pub(in crate::plan) fn groups_of(assignments: &[Assignment]) -> BTreeSet<&str> {
    assignments
        .iter()
        .filter_map(|assignment| assignment.key.target.group_id())
        .collect()
}
