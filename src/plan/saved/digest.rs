//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its rows before and after. It finds files that were altered or cut by accident; it is no
//! signature, since whoever can write the file can write the digest.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::{AssignmentRecord, FORMAT_VERSION, PolicyRecord};
use crate::plan::Plan;
use crate::plan::digest::sha256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a, I: Fn() -> P, P: Iterator<Item = CoveredPolicy<'a>>> {
    format_version: &'a str,
    tenant_id: Option<&'a str>,
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
}

/// Writes items out as they come, so that a plan of any size needs no copy of itself.
fn each<S: Serializer, T: Serialize, P: Iterator<Item = T>>(
    items: &impl Fn() -> P,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items())
}

/// Computes a plan's digest. Unchanged policies do not count.
pub fn of_plan(plan: &Plan) -> String {
    let names = &plan.names;
    sha256(&Covered {
        format_version: FORMAT_VERSION,
        tenant_id: plan.tenant_id.as_deref(),
        policies: || {
            plan.changed().map(|policy| CoveredPolicy {
                kind: policy.kind.name(),
                id: &policy.id,
                name: &policy.name,
                before: AssignmentRecord::all(&policy.before, names).into(),
                after: AssignmentRecord::planned(policy, names).into(),
                untouched: AssignmentRecord::all(&policy.untouched, names).into(),
            })
        },
    })
}

/// Computes the digest of a plan's records.
pub(super) fn compute(
    format_version: &str,
    tenant_id: Option<&str>,
    policies: &[PolicyRecord<'_>],
) -> String {
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
            })
    };
    sha256(&Covered {
        format_version,
        tenant_id,
        policies: changed,
    })
}
