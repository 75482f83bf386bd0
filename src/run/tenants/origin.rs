//! Of which run a result is: so that `tenants merge` does not take that of another night for a part of this one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::shard::Shard;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::{GuardName, GuardRules};
use crate::plan::saved::{RunRecord, SelectionRecord, sha256};
use crate::run::clock;
use crate::run::plan::PlanRequest;

/// Of which run a result is.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The run.
    pub run: RunRecord,
    /// The parts of the tenants that it was for; none if it was for all of them.
    pub shards: BTreeSet<Shard>,
}

impl Origin {
    /// Begins now.
    #[must_use]
    pub fn now(run_id: Option<String>) -> Self {
        Self {
            run: RunRecord {
                started_at: clock::now(),
                run_id,
                ..RunRecord::default()
            },
            ..Self::default()
        }
    }
}

/// Says which guards over all tenants are accepted, whatever they see.
#[must_use]
pub fn allowed(accepts_tenants: bool) -> Vec<String> {
    let word = accepts_tenants.then(|| GuardName::Tenants.name().to_owned());
    word.into_iter().collect()
}

/// Computes a digest of what runs must have in common to be one: what is in the manifests, whatever their
/// names, for which tenants it is, which policies are selected and what the guards let through.
#[must_use]
pub fn manifests_digest(loaded: &Loaded, tenants: &[Tenant], request: &PlanRequest) -> String {
    #[derive(Serialize)]
    struct Common<'a> {
        texts: BTreeSet<&'a str>,
        tenants: BTreeSet<&'a str>,
        selection: SelectionRecord,
        limits: [Option<String>; 4],
    }
    // What is accepted may differ: a guard of all tenants is accepted if every part accepts it.
    let GuardRules {
        max_removals,
        max_policies,
        max_members_lost,
        max_tenants,
        accepted: _,
        tenant_id: _,
    } = &request.rules;
    sha256(&Common {
        selection: SelectionRecord::asked(&request.selection),
        limits: [
            Some(max_removals.to_string()),
            Some(max_policies.to_string()),
            max_members_lost.map(|limit| limit.to_string()),
            max_tenants.map(|limit| limit.to_string()),
        ],
        texts: loaded
            .sources
            .files()
            .map(|(_, file)| &*file.text)
            .collect(),
        tenants: tenants.iter().map(|tenant| &*tenant.name).collect(),
    })
}
