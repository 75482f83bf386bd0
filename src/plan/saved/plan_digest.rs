//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its assignments before and after; where there is any, also what keeps guards from refusing: acceptances,
//! and changes that restore what a report recorded. It finds files that were altered or cut by
//! accident; it is not a signature, since anyone who can write the file can write the digest.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::{AssignmentRecord, FORMAT_VERSION, GuardRecord, PlanRecord};
use crate::model::Assignment;
use crate::plan::digest::{sha256, sha256_formatted};
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
#[derive(Default)]
struct SharedJson {
    numbers: HashMap<*const [Assignment], usize>,
    texts: Vec<Vec<u8>>,
}

/// Writes a number of 128 bits as the shared JSON of that number: nothing else that a digest covers has one.
struct Inserting<'a>(&'a RefCell<SharedJson>);

impl Formatter for Inserting<'_> {
    fn write_u128<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        number: u128,
    ) -> io::Result<()> {
        let shared = self.0.borrow();
        let number = usize::try_from(number).map_err(io::Error::other)?;
        let text = shared.texts.get(number);
        writer.write_all(text.ok_or(io::ErrorKind::NotFound)?)
    }
}

/// The planned assignments of a policy, to be written by [`Inserting`].
struct After<'a> {
    policy: &'a PlannedPolicy,
    names: &'a Names,
    shared: &'a RefCell<SharedJson>,
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
        let list = Arc::as_ptr(&policy.after);
        let known = shared.borrow().numbers.get(&list).copied();
        let number = match known {
            Some(number) => number,
            None => {
                let text = serde_json::to_vec(&each).map_err(serde::ser::Error::custom)?;
                let mut shared = shared.borrow_mut();
                shared.texts.push(text);
                let number = shared.texts.len() - 1;
                shared.numbers.insert(list, number);
                number
            }
        };
        serializer.serialize_u128(number as u128)
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
    let shared = RefCell::new(SharedJson::default());
    let covered = Covered {
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
    };
    sha256_formatted(&covered, Inserting(&shared))
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
