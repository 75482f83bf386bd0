//! The unmanaged policies that are worth a name, in words.

use super::phrases::{assignment, count};
use crate::plan::{Annotations, NotableReason, PolicyRef, Unmanaged};

/// The most unmanaged policies that are named.
pub(super) const MOST_UNMANAGED: usize = 20;

/// What shows the others.
pub(super) const ALL_UNMANAGED: &str = "`assignctl list --unmanaged PATH` lists all";

/// A policy, and its assignments in words.
pub(super) type WithAssignments = (PolicyRef, Vec<String>);

/// Unmanaged policies that are named, by why they are: the reason, and each with what it is assigned to.
pub(super) fn by_reason(annotations: &Annotations) -> Vec<(String, Vec<WithAssignments>)> {
    let notable = annotations.notable.iter();
    let policies: Vec<&(NotableReason, Unmanaged)> =
        notable.flat_map(|notable| &notable.policies).collect();
    let alike = policies.chunk_by(|(one, _), (other, _)| one == other);
    alike
        .filter_map(|alike| {
            let (reason, _) = alike.first()?;
            let policies = alike.iter().map(|(_, policy)| policy);
            Some(of_one_reason(*reason, policies, annotations))
        })
        .collect()
}

fn of_one_reason<'a>(
    reason: NotableReason,
    policies: impl ExactSizeIterator<Item = &'a Unmanaged>,
    annotations: &Annotations,
) -> (String, Vec<WithAssignments>) {
    let number = count(
        policies.len(),
        "unmanaged policy is",
        "unmanaged policies are",
    );
    let title = match reason {
        NotableReason::New => format!("{number} new since the report"),
        NotableReason::Broad => format!("{number} assigned to all users or all devices"),
    };
    let policies = policies.map(|policy| {
        let assignments = policy.assignments.iter();
        let mut assignments: Vec<String> = assignments
            .map(|found| assignment(found, &annotations.names))
            .collect();
        if assignments.is_empty() {
            assignments.push("not assigned".to_owned());
        }
        (policy.policy.clone(), assignments)
    });
    (title, policies.collect())
}
