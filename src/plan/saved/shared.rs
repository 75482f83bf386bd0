//! Which names of a plan say too little, as plans write it.
//!
//! The other objects need not be in the file, so it cannot be computed from the file alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::PolicyKind;
use crate::plan::{Names, Plan, PlannedPolicy, shared_policy_names};

/// Ids of objects whose names are shared with others, or look the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct SharedNamesRecord {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    filters: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    policies: BTreeMap<String, BTreeSet<String>>,
}

impl SharedNamesRecord {
    /// Writes out what is shared of the names in a plan's changed policies, or in all.
    pub fn of(plan: &Plan, names: &Names, all: bool) -> Self {
        let mut record = Self::default();
        let shown = plan.policies.iter();
        for policy in shown.filter(|policy| all || policy.is_changed()) {
            if policy.shares_name {
                let of_kind = record.policies.entry(policy.kind.name().to_owned());
                of_kind.or_default().insert(policy.id.clone());
            }
            for assignment in policy.before.iter().chain(&*policy.after) {
                let group = assignment.key.target.group_id();
                if let Some(id) = group.filter(|id| names.shares_group_name(id)) {
                    record.groups.insert(id.to_owned());
                }
                let filter = assignment.filter.as_ref().map(|filter| &*filter.id);
                if let Some(id) = filter.filter(|id| names.shares_filter_name(id)) {
                    record.filters.insert(id.to_owned());
                }
            }
        }
        record
    }

    /// Whether no name is shared.
    pub fn is_empty(&self) -> bool {
        let Self {
            groups,
            filters,
            policies,
        } = self;
        groups.is_empty() && filters.is_empty() && policies.is_empty()
    }

    /// Whether a policy's name is shared.
    pub fn has_policy(&self, kind: PolicyKind, id: &str) -> bool {
        let of_kind = self.policies.get(kind.name());
        of_kind.is_some_and(|ids| ids.contains(id))
    }

    /// Marks the names of groups and filters that are ambiguous.
    pub fn add_to(&self, names: &mut Names) {
        names.add_shared(self.groups.iter().cloned(), self.filters.iter().cloned());
    }

    /// Marks the policies and names that are ambiguous. Policies of the file can share names too.
    pub(super) fn read(&self, policies: &mut [PlannedPolicy], names: &mut Names) {
        self.add_to(names);
        let here = policies.iter();
        let here =
            shared_policy_names(here.map(|policy| (policy.kind, &*policy.id, &*policy.name)));
        let shares = |policy: &PlannedPolicy| {
            here.contains(&(policy.kind, policy.id.as_str()))
                || self.has_policy(policy.kind, &policy.id)
        };
        let shared: Vec<bool> = policies.iter().map(shares).collect();
        for (policy, shares) in policies.iter_mut().zip(shared) {
            policy.shares_name = shares;
        }
    }
}
