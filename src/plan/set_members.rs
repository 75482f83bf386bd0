//! What changed policy sets pass their assignments on to. Beside a plan, never in it: the service does
//! it by itself, some time after the set was written.

use std::collections::BTreeMap;

use super::PlannedPolicy;
use super::since::key;
use crate::model::{PolicyKind, SetMember};

/// The members of the changed policy sets, by kind and id of the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetMembers(BTreeMap<(PolicyKind, String), Vec<SetMember>>);

impl SetMembers {
    /// Returns the members of a set; `None` if it is none, or was not read.
    pub fn of(&self, policy: &PlannedPolicy) -> Option<&[SetMember]> {
        self.0.get(&key(policy.kind, &policy.id)).map(Vec::as_slice)
    }

    /// Notes the members of a set.
    pub fn add(&mut self, kind: PolicyKind, id: &str, members: Vec<SetMember>) {
        self.0.insert(key(kind, id), members);
    }
}
