//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its assignments before and after; where there is any, also what keeps guards from refusing: acceptances,
//! and changes that restore what a report recorded. It finds files that were altered or cut by
//! accident; it is not a signature, since anyone who can write the file can write the digest.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{AssignmentRecord, FORMAT_VERSION, GuardRecord, PlanRecord};
use crate::model::Assignment;
use crate::plan::digest::sha256;
use crate::plan::{Names, Plan, PlannedPolicy};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a, P> {
    format_version: &'a str,
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted: Vec<&'a str>,
    policies: P,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoveredPolicy<'a, B, A, U> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    before: B,
    after: A,
    untouched: U,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restores: bool,
}

/// Items that are made as they are written, so that a plan of any size needs no copy of itself.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The planned assignments that several policies share, as JSON that is made once.
type SharedJson = RefCell<HashMap<*const [Assignment], Box<RawValue>>>;

/// The planned assignments of a policy.
struct After<'a> {
    policy: &'a PlannedPolicy,
    names: &'a Names,
    shared: &'a SharedJson,
}

impl Serialize for After<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            policy,
            names,
            shared,
        } = *self;
        let planned = |planned| AssignmentRecord::of_planned(policy, planned, names);
        let each = Each(|| policy.after.iter().map(planned));
        if Arc::strong_count(&policy.after) == 1 || AssignmentRecord::says_more_of(policy) {
            return each.serialize(serializer);
        }
        let mut shared = shared.borrow_mut();
        if let Some(json) = shared.get(&Arc::as_ptr(&policy.after)) {
            return json.serialize(serializer);
        }
        let json = to_raw_value(&each).map_err(serde::ser::Error::custom)?;
        let written = json.serialize(serializer);
        shared.insert(Arc::as_ptr(&policy.after), json);
        written
    }
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
    let shared = SharedJson::default();
    sha256(&Covered {
        format_version: FORMAT_VERSION,
        tenant_id: plan.tenant_id.as_deref(),
        accepted,
        policies: Each(|| {
            plan.changed().map(|policy| {
                let found = |live| AssignmentRecord::of_found(policy, live, names);
                let untouched = |live| AssignmentRecord::new(live, names);
                CoveredPolicy {
                    kind: policy.kind.name(),
                    id: &policy.id,
                    name: &policy.name,
                    before: Each(move || policy.before.iter().map(found)),
                    after: After {
                        policy,
                        names,
                        shared: &shared,
                    },
                    untouched: Each(move || policy.untouched.iter().map(untouched)),
                    restores: policy.restores,
                }
            })
        }),
    })
}

/// Computes the digest of a plan's records.
pub(super) fn compute(record: &PlanRecord<'_>) -> String {
    let policies = record.policies.held();
    let accepted = record.guards.iter().filter_map(GuardRecord::accepted);
    sha256(&Covered {
        format_version: &record.format_version,
        tenant_id: record.tenant_id.as_deref(),
        accepted: accepted.collect(),
        policies: Each(|| {
            let changed = policies.iter().filter(|policy| !policy.changes.is_empty());
            changed.map(|policy| CoveredPolicy {
                kind: &policy.kind,
                id: &policy.id,
                name: &policy.name,
                before: &policy.before,
                after: &policy.after,
                untouched: &policy.untouched,
                restores: policy.restores,
            })
        }),
    })
}
