//! A plan in the making: compared, but not judged, since names are still to be looked up.

use std::collections::BTreeSet;

use super::annotations::Annotations;
use super::audit::Audit;
use super::guards::{self, GuardRules};
use super::members::Members;
use super::since::Seen;
use super::unmanaged::Notable;
use super::{Plan, PlanContents, PlanDiagnostic};
use crate::diagnostic::{Diagnostic, Sources};
use crate::model::{
    Assignment, AuditLog, DeletedGroup, LiveFilter, LiveGroup, PolicyKind, Population,
};

/// A plan in the making. [`Self::finish`] makes it one that does not change any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What the plan is made of.
    pub contents: PlanContents,
    /// What is shown beside it.
    pub annotations: Annotations,
}

impl Draft {
    /// Chooses the unmanaged policies that are named: those that are new since a report that has `seen`
    /// the others, and if `broad`, those that are assigned to everyone. The selection narrows them as well.
    pub fn name_unmanaged(&mut self, seen: Option<&Seen>, broad: bool) {
        let selection = &self.contents.selection;
        let unmanaged = self.contents.unmanaged.iter().flatten();
        let unmanaged =
            unmanaged.filter(|one| selection.includes(one.policy.kind, &one.policy.name));
        self.annotations.notable = Some(Notable::among(unmanaged, seen, broad));
    }

    /// Notes who changed what differs. `own` holds the ids of our own writes' requests, in lower case.
    pub fn add_audit(&mut self, log: &AuditLog, own: &BTreeSet<String>, days: u32) {
        self.annotations.audit = Some(Audit::of(&self.contents, log, own, days));
    }

    /// Returns the ids of groups in the changed policies (in all, if `all` is set) whose names are
    /// not known yet.
    pub fn unnamed_groups(&self, all: bool) -> BTreeSet<String> {
        self.shown(all)
            .filter_map(|assignment| assignment.key.target.group_id())
            .filter(|id| self.annotations.names.group(id).is_none())
            .map(str::to_owned)
            .collect()
    }

    /// Returns the names of the groups in the changed policies (in all, if `all` is set).
    pub fn group_names(&self, all: bool) -> BTreeSet<String> {
        let shown = self.shown(all);
        let ids = shown.filter_map(|assignment| assignment.key.target.group_id());
        let names = ids.filter_map(|id| self.annotations.names.group(id));
        names.map(str::to_owned).collect()
    }

    /// Whether a filter in the changed policies (in all, if `all` is set) has no known name.
    pub fn has_unnamed_filters(&self, all: bool) -> bool {
        self.shown(all)
            .filter_map(|assignment| assignment.filter.as_ref())
            .any(|filter| self.annotations.names.filter(&filter.id).is_none())
    }

    /// Adds names that were looked up for the groups of [`Self::unnamed_groups`]. A group that was
    /// `asked` for and not found does not exist.
    pub fn add_names(
        &mut self,
        asked: BTreeSet<String>,
        groups: Vec<LiveGroup>,
        filters: Vec<LiveFilter>,
    ) {
        let names = &mut self.annotations.names;
        for LiveGroup { id, name } in groups {
            names.add_group(id, name);
        }
        for id in asked {
            names.add_missing_group(id);
        }
        for filter in filters {
            names.add_filter(filter.id, filter.name);
        }
    }

    /// Notes that filters in the changed policies (in all, if `all` is set) do not exist: all filters were read, and
    /// these are without a name.
    pub fn add_missing_filters(&mut self, all: bool) {
        let filters = self
            .shown(all)
            .filter_map(|assignment| assignment.filter.as_ref());
        let ids: Vec<String> = filters.map(|filter| filter.id.to_string()).collect();
        for id in ids {
            self.annotations.names.add_missing_filter(id);
        }
    }

    /// Adds groups that were deleted and are still assigned.
    pub fn add_deleted_groups(&mut self, groups: Vec<DeletedGroup>) {
        for group in groups {
            self.annotations.names.add_deleted_group(group);
        }
    }

    /// Returns the policy sets that change.
    pub fn changed_sets(&self) -> Vec<(PolicyKind, String)> {
        let changed = self.contents.changed();
        let sets = changed.filter(|policy| policy.kind.spec().is_policy_set());
        sets.map(|set| (set.kind, set.id.clone())).collect()
    }

    /// Notes what was counted.
    pub fn add_members(&mut self, population: &Population, exact: bool) {
        let members = Members::count(&self.contents, &self.annotations.names, population, exact);
        self.annotations.members = Some(members);
    }

    /// Notes how many policies options left out, and what is to be said of the options.
    pub fn leave_out(&mut self, left_out: usize, warnings: &[Diagnostic]) {
        self.contents.left_out = left_out;
        let warnings = warnings.iter();
        let warnings = warnings.map(|found| PlanDiagnostic::new(found, &Sources::default()));
        self.contents.diagnostics.extend(warnings);
    }

    /// Judges the plan. From here on it stays as it is.
    #[must_use]
    pub fn finish(mut self, rules: &GuardRules) -> (Plan, Annotations) {
        let judged = self.contents.guard_input(&self.annotations, None);
        self.contents.guards = guards::evaluate(&judged, rules);
        (Plan::from(self.contents), self.annotations)
    }

    fn shown(&self, all: bool) -> impl Iterator<Item = &Assignment> {
        let policies = self.contents.policies.iter();
        let policies = policies.filter(move |policy| all || policy.is_changed());
        let shown = policies.flat_map(|policy| policy.before.iter().chain(policy.after.iter()));
        let notable = self.annotations.notable.iter();
        let notable = notable.flat_map(|notable| &notable.policies);
        shown.chain(notable.flat_map(|(_, policy)| policy.assignments.iter()))
    }
}
