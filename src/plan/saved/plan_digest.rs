//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its assignments before and after; where there is any, also what keeps guards from refusing: acceptances,
//! and changes that restore what a report recorded. It finds files that were altered or cut by
//! accident; it is not a signature, since anyone who can write the file can write the digest.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::{AssignmentRecord, FORMAT_VERSION, GuardRecord, PlanRecord};
use crate::plan::digest::sha256;
use crate::plan::{Names, Plan};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a, I: Fn() -> P, P: Iterator<Item = CoveredPolicy<'a>>> {
    format_version: &'a str,
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<&'a str>,
    #[serde(serialize_with = "each")]
    policies: I,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoveredPolicy<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    before: Cow<'a, [AssignmentRecord<'a>]>,
    after: Cow<'a, [AssignmentRecord<'a>]>,
    untouched: Cow<'a, [AssignmentRecord<'a>]>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restores: bool,
}

/// Writes items out as they come, so that a plan of any size needs no copy of itself.
fn each<S: Serializer, T: Serialize, P: Iterator<Item = T>>(
    items: &impl Fn() -> P,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items())
}

/// Computes a plan's digest. Unchanged policies do not count.
pub fn of_plan(plan: &Plan, names: &Names) -> String {
    let accepted = plan.guards.iter().filter(|guard| guard.accepted);
    of_changes(
        plan,
        names,
        accepted.map(|guard| guard.name.name()).collect(),
    )
}

/// Computes the digest that a plan would have if no guard had been accepted.
pub fn without_acceptances(plan: &Plan, names: &Names) -> String {
    of_changes(plan, names, Vec::new())
}

fn of_changes(plan: &Plan, names: &Names, accepted: Vec<&str>) -> String {
    sha256(&Covered {
        format_version: FORMAT_VERSION,
        tenant_id: plan.tenant_id.as_deref(),
        accepted,
        policies: || {
            plan.changed().map(|policy| CoveredPolicy {
                kind: policy.kind.name(),
                id: &policy.id,
                name: &policy.name,
                before: AssignmentRecord::found(policy, &[], names).into(),
                after: AssignmentRecord::planned(policy, names).into(),
                untouched: AssignmentRecord::all(&policy.untouched, names).into(),
                restores: policy.restores,
            })
        },
    })
}

/// Computes the digest of a plan's records.
pub(super) fn compute(record: &PlanRecord<'_>) -> String {
    let policies = record.policies.held();
    let accepted = record.guards.iter().filter_map(GuardRecord::accepted);
    let changed = || {
        policies
            .iter()
            .filter(|policy| !policy.changes.is_empty())
            .map(|policy| CoveredPolicy {
                kind: &policy.kind,
                id: &policy.id,
                name: &policy.name,
                before: policy.before.as_slice().into(),
                after: policy.after.as_slice().into(),
                untouched: policy.untouched.as_slice().into(),
                restores: policy.restores,
            })
    };
    sha256(&Covered {
        format_version: &record.format_version,
        tenant_id: record.tenant_id.as_deref(),
        accepted: accepted.collect(),
        policies: changed,
    })
}
