//! Of which run a result is: so that `tenants merge` does not take that of another night for a part of this one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::shard::Shard;
use crate::manifest::{Loaded, Tenant};
use crate::plan::saved::sha256;
use crate::run::clock;

/// Of which run a result is.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// When it began.
    pub started_at: String,
    /// What it is called, if that was said: all its parts are called the same.
    pub run_id: Option<String>,
    /// A digest of the manifests, and of the tenants that were asked for on all machines together; `None` if there
    /// were no manifests.
    pub manifests: Option<String>,
    /// The parts of the tenants that it was for; none if it was for all of them.
    pub shards: BTreeSet<Shard>,
}

impl Origin {
    /// Begins now.
    #[must_use]
    pub fn now(run_id: Option<String>) -> Self {
        Self {
            started_at: clock::now(),
            run_id,
            ..Self::default()
        }
    }
}

/// Computes a digest of what runs have to have in common to be one: what is in the manifests, whatever their
/// names, and for which tenants it is.
#[must_use]
pub fn manifests_digest(loaded: &Loaded, tenants: &[Tenant]) -> String {
    #[derive(Serialize)]
    struct Common<'a> {
        texts: BTreeSet<&'a str>,
        tenants: BTreeSet<&'a str>,
    }
    sha256(&Common {
        texts: loaded
            .sources
            .files()
            .map(|(_, file)| &*file.text)
            .collect(),
        tenants: tenants.iter().map(|tenant| &*tenant.name).collect(),
    })
}
