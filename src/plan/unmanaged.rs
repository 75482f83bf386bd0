//! Policies that no manifest manages, and which of them are worth a name.

use std::collections::{BTreeSet, HashSet};

use super::PolicyRef;
use super::since::key;
use crate::model::{Assignments, LiveTenant, PolicyKind};

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
    /// Why they are.
    pub reason: NotableReason,
    /// The policies, by kind and name.
    pub policies: Vec<Unmanaged>,
}

/// Why an unmanaged policy is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotableReason {
    /// It did not exist, or was managed, when a report was written.
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

/// Returns the policies of a tenant that are not managed, by kind and name.
pub(super) fn of(
    live: &LiveTenant,
    managed: &HashSet<(PolicyKind, &str)>,
    shared_names: &HashSet<(PolicyKind, &str)>,
) -> Vec<Unmanaged> {
    let policies = live.policies.iter();
    let unmanaged = policies.filter(|policy| !managed.contains(&(policy.kind, &*policy.id)));
    let mut unmanaged: Vec<Unmanaged> = unmanaged
        .map(|policy| Unmanaged {
            policy: PolicyRef {
                kind: policy.kind,
                name: policy.name.clone(),
                id: policy.id.clone(),
                shares_name: shared_names.contains(&(policy.kind, &*policy.id)),
            },
            assignments: policy.assignments.clone(),
        })
        .collect();
    unmanaged.sort_by(|one, other| one.policy.cmp(&other.policy));
    unmanaged
}

impl Notable {
    /// Chooses among the unmanaged policies: those that are new since a report that `known` the
    /// others, or without one, those that are assigned to everyone.
    pub(super) fn among<'u>(
        unmanaged: impl Iterator<Item = &'u Unmanaged>,
        known: Option<&BTreeSet<(PolicyKind, String)>>,
    ) -> Self {
        let (reason, policies) = match known {
            Some(known) => {
                let is_new =
                    |one: &&Unmanaged| !known.contains(&key(one.policy.kind, &one.policy.id));
                (
                    NotableReason::New,
                    unmanaged.filter(is_new).cloned().collect(),
                )
            }
            None => {
                let is_broad = |one: &&Unmanaged| {
                    let mut assignments = one.assignments.iter();
                    assignments.any(|assignment| assignment.key.target.is_broad())
                };
                (
                    NotableReason::Broad,
                    unmanaged.filter(is_broad).cloned().collect(),
                )
            }
        };
        Self { reason, policies }
    }
}
