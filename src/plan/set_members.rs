//! What changed policy sets pass their assignments on to. Beside a plan, never in it: the service does
//! it by itself, some time after the set was written.

use std::collections::BTreeMap;

use super::since::key;
use super::{PlanContents, PlannedPolicy};
use crate::model::{PolicyKind, SetMember};

/// The members of the changed policy sets, by kind and id of the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetMembers(BTreeMap<(PolicyKind, String), Vec<SetMember>>);

impl SetMembers {
    /// Returns the members of a set; `None` if it is none, or was not read.
    pub fn of(&self, policy: &PlannedPolicy) -> Option<&[SetMember]> {
        self.0.get(&key(policy.kind, &policy.id)).map(Vec::as_slice)
    }

    pub(super) fn add(&mut self, kind: PolicyKind, id: &str, members: Vec<SetMember>) {
        self.0.insert(key(kind, id), members);
    }
}

/// Returns the policy sets that a plan changes, with their ids.
pub(super) fn changed_sets(plan: &PlanContents) -> Vec<(PolicyKind, String)> {
    let changed = plan.changed();
    let sets = changed.filter(|policy| policy.kind.spec().is_policy_set());
    sets.map(|set| (set.kind, set.id.clone())).collect()
}
