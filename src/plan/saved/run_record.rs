//! Which run saved a plan, and for which of several tenants.

use serde::{Deserialize, Serialize};

/// The run that saved the plans of tenants, so that plans of different runs can be distinguished.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// When it began.
    pub started_at: String,
    /// Its name, which all its parts share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// A digest of what all its parts share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<String>,
    /// Guards over all tenants that it accepted, whether or not they tripped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// The part of the tenants that a run was for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ShardRecord {
    /// The number of the part, from 1.
    pub index: usize,
    /// How many parts there are.
    pub of: usize,
}

/// The tenant that a plan was made for, as manifests name it, and how it is signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTenant {
    /// Its short name.
    pub name: String,
    /// The app registration, if it has one of its own.
    pub client_id: Option<String>,
    /// The cloud, if it is named.
    pub cloud: Option<String>,
}
