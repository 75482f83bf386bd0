//! The groups and filters that assignments refer to.

use std::collections::BTreeSet;

use super::{Change, Names, PlanContents, PlanDiagnostic, PlannedPolicy};
use crate::model::{Assignment, LiveFilter, LiveGroup, virtual_group};

/// Groups and filters, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Ids of groups.
    pub groups: BTreeSet<String>,
    /// Ids of filters.
    pub filters: BTreeSet<String>,
}

impl References {
    /// Returns what assignments refer to.
    pub fn of<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> Self {
        let mut all = Self::default();
        for assignment in assignments {
            let group = assignment.key.target.group_id();
            // What stands for everyone is not in the directory.
            let group = group.filter(|id| virtual_group(id).is_none());
            all.groups.extend(group.map(str::to_owned));
            let filter = assignment.filter.as_ref();
            all.filters
                .extend(filter.map(|filter| filter.id.to_string()));
        }
        all
    }

    /// Returns what the changes of a policy bring, but for what the policy has already and was known
    /// to be gone: that is kept as it is.
    pub fn added_to(policy: &PlannedPolicy, names: &Names) -> Self {
        let mut all = Self::of(policy.changes.iter().filter_map(Change::after));
        let before = Self::of(policy.before.iter());
        all.groups
            .retain(|id| !before.groups.contains(id) || !names.is_missing_group(id));
        all.filters
            .retain(|id| !before.filters.contains(id) || names.filter(id).is_some());
        all
    }

    /// Returns what the changes of a plan add.
    pub fn added_by(plan: &PlanContents, names: &Names) -> Self {
        let mut all = Self::default();
        for policy in plan.changed() {
            let Self { groups, filters } = Self::added_to(policy, names);
            all.groups.extend(groups);
            all.filters.extend(filters);
        }
        all
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        let Self { groups, filters } = self;
        groups.is_empty() && filters.is_empty()
    }

    /// Leaves out what exists.
    #[must_use]
    pub fn not_in(mut self, groups: &[LiveGroup], filters: &[LiveFilter]) -> Self {
        for group in groups {
            self.groups.remove(&*group.id);
        }
        for filter in filters {
            self.filters.remove(&*filter.id);
        }
        self
    }

    /// Leaves out what is not in `others`.
    #[must_use]
    pub fn in_common(mut self, others: &Self) -> Self {
        self.groups.retain(|id| others.groups.contains(id));
        self.filters.retain(|id| others.filters.contains(id));
        self
    }

    /// Says what they are, with their names if these are known: ``group `Pilot` (ID)``.
    pub fn describe(&self, names: &Names) -> String {
        let groups = self
            .groups
            .iter()
            .map(|id| one("group", names.group(id), id));
        let filters = self
            .filters
            .iter()
            .map(|id| one("filter", names.filter(id), id));
        groups.chain(filters).collect::<Vec<_>>().join(", ")
    }
}

/// Warns of each group and filter that has another name now than in a plan.
pub fn renamed(
    known: &Names,
    groups: &[LiveGroup],
    filters: &[LiveFilter],
    of: &References,
) -> Vec<PlanDiagnostic> {
    let other = |sort: &str, id: &str, was: Option<&str>, is: &str| {
        let was = was.filter(|was| *was != is)?;
        Some(other_name(sort, id, was, is))
    };
    let groups = groups
        .iter()
        .filter(|group| of.groups.contains(&*group.id))
        .filter_map(|group| other("group", &group.id, known.group(&group.id), &group.name));
    let filters = filters
        .iter()
        .filter(|filter| of.filters.contains(&*filter.id))
        .filter_map(|filter| other("filter", &filter.id, known.filter(&filter.id), &filter.name));
    groups.chain(filters).collect()
}

/// Warns of a policy that has another name now than in a plan or a report. One that was recorded without a name
/// has its id as its name.
pub fn renamed_policy(policy: &PlannedPolicy, now: &str) -> Option<PlanDiagnostic> {
    let PlannedPolicy { kind, id, name, .. } = policy;
    let is_other = **name != *now && **name != **id;
    is_other.then(|| other_name(kind.name(), id, name, now))
}

fn other_name(sort: &str, id: &str, was: &str, is: &str) -> PlanDiagnostic {
    let summary = format!("{sort} `{was}` is now called `{is}` ({id})");
    let warning = PlanDiagnostic::warning("renamed-since", summary);
    warning.hint("the plan uses ids, so it still applies as made")
}

fn one(sort: &str, name: Option<&str>, id: &str) -> String {
    match name {
        Some(name) => format!("{sort} `{name}` ({id})"),
        None => format!("{sort} {id}"),
    }
}
