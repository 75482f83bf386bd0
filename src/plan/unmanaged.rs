//! Policies that no manifest manages, and which of them are listed.

use std::collections::HashSet;

use super::PolicyRef;
use super::since::Seen;
use crate::model::{Assignments, LivePolicy, PolicyKind};

/// A policy that no entry selects.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmanaged {
    /// The policy.
    pub policy: PolicyRef,
    /// Its live assignments.
    pub assignments: Assignments,
}

/// The unmanaged policies that are named.
#[derive(Clone, Debug, PartialEq)]
pub struct Notable {
    /// Why the first of them are, or would be.
    pub reason: NotableReason,
    /// The policies, by reason, kind and name.
    pub policies: Vec<(NotableReason, Unmanaged)>,
}

/// Why an unmanaged policy is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotableReason {
    /// It did not exist when a report was written.
    New,
    /// It is assigned to all users or all devices.
    Broad,
}

impl NotableReason {
    /// Returns the word for it in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Broad => "broad",
        }
    }
}

/// Writes out the policies that are not managed, by kind and name.
pub(super) fn of(
    unmanaged: &[&LivePolicy],
    shared_names: &HashSet<(PolicyKind, &str)>,
) -> Vec<Unmanaged> {
    let mut unmanaged: Vec<Unmanaged> = unmanaged
        .iter()
        .map(|policy| Unmanaged {
            policy: PolicyRef::of(policy, shared_names.contains(&(policy.kind, &*policy.id))),
            assignments: policy.assignments.clone(),
        })
        .collect();
    unmanaged.sort_by(|one, other| one.policy.cmp(&other.policy));
    unmanaged
}

impl Notable {
    /// Chooses among the unmanaged policies: those that are new since a report, if there is one that has `seen`
    /// the others, and if `broad`, those that are assigned to everyone.
    pub(super) fn among<'u>(
        unmanaged: impl Iterator<Item = &'u Unmanaged>,
        seen: Option<&Seen>,
        broad: bool,
    ) -> Self {
        let reason = |one: &Unmanaged| {
            let mut assignments = one.assignments.iter();
            let was_there = seen.and_then(|seen| seen.has(one.policy.kind, &one.policy.id));
            if was_there == Some(false) {
                Some(NotableReason::New)
            } else if broad && assignments.any(|assignment| assignment.key.target.is_broad()) {
                Some(NotableReason::Broad)
            } else {
                None
            }
        };
        let policies = unmanaged.filter_map(|one| Some((reason(one)?, one.clone())));
        let mut policies: Vec<(NotableReason, Unmanaged)> = policies.collect();
        policies.sort_by_key(|(reason, _)| *reason);
        let sought = match seen {
            Some(_) => NotableReason::New,
            None => NotableReason::Broad,
        };
        Self {
            reason: policies.first().map_or(sought, |(reason, _)| *reason),
            policies,
        }
    }
}
