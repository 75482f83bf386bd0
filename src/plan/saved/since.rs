//! What a plan says of an earlier run, and what it keeps for a later one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit;
use crate::model::PolicyKind;
use crate::plan::digest::assignments_digest;
use crate::plan::since::{Cause, Since};
use crate::plan::{Plan, PlannedPolicy, Unchanged};

/// Digests of policies' assignments: kind, then id, then digest.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct ManagedRecord(pub BTreeMap<String, BTreeMap<String, String>>);

impl ManagedRecord {
    /// Writes out the assignments of the plan's policies as they were found: those that are wanted, and
    /// those that the plan holds the digests of only.
    pub fn of(plan: &Plan, wanted: impl Fn(&PlannedPolicy) -> bool) -> Self {
        let mut record = Self::default();
        let here = plan.policies.iter().filter(|policy| wanted(policy));
        let here = here.map(|policy| (policy.kind, &policy.id, assignments_digest(&policy.before)));
        let elsewhere = plan.unchanged.iter();
        let elsewhere = elsewhere.map(|((kind, id), digest)| (*kind, id, digest.clone()));
        for (kind, id, digest) in elsewhere.chain(here) {
            let of_kind = record.0.entry(kind.name().to_owned()).or_default();
            of_kind.insert(id.clone(), digest);
        }
        record
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the digests; a kind of a newer version is none of ours.
    pub(super) fn read(&self) -> Unchanged {
        let kinds = self.0.iter();
        kinds
            .filter_map(|(kind, policies)| Some((PolicyKind::from_name(kind)?, policies)))
            .flat_map(|(kind, policies)| {
                let digests = policies.iter();
                digests.map(move |(id, digest)| ((kind, id.clone()), digest.clone()))
            })
            .collect()
    }
}

/// How many policies are not as the manifests say, by what happened since a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct SinceRecord {
    report: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<Timestamp>,
    drift: usize,
    both: usize,
    #[serde(skip_serializing_if = "audit::is_zero")]
    later_run: usize,
    unapplied: usize,
    unknown: usize,
}

impl SinceRecord {
    pub(super) fn new(since: &Since) -> Self {
        Self {
            report: since.report.clone(),
            began: since.began,
            drift: since.count(Cause::Drift),
            both: since.count(Cause::Both),
            later_run: since.count(Cause::LaterRun),
            unapplied: since.count(Cause::Unapplied),
            unknown: since.count(Cause::Unknown),
        }
    }

    /// Reads it back, with the causes that stand at the policies.
    pub(super) fn read<'a>(
        &self,
        causes: impl Iterator<Item = (&'a PlannedPolicy, Option<&'a str>)>,
    ) -> Since {
        let mut since = Since::new(&self.report, self.began);
        for (policy, word) in causes {
            let known = Cause::ALL
                .into_iter()
                .find(|cause| Some(cause.name()) == word);
            if let Some(cause) = known {
                since.note(policy, cause);
            }
        }
        since
    }
}
