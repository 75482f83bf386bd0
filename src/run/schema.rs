//! `schema --from-tenant`: the schema of manifests with the names that a tenant has.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Failure, unless_stopped};
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::manifest::schema::schema;
use crate::manifest::schema_names::{TenantNames, add_names};
use crate::model::{LivePolicy, PolicyKind};

/// The schema, and the kinds whose policies could not be read, with what the service says.
pub type TenantSchema = (Value, Vec<(PolicyKind, String)>);

/// Reads the names of a tenant, and makes the schema with them.
///
/// # Errors
///
/// Says why the tenant cannot be read.
pub async fn of_tenant(
    client: &Arc<Client>,
    stop: &CancellationToken,
) -> Result<TenantSchema, Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant = reader.raw_tenant().await?;
        let names_of = |objects: &[Map<String, Value>]| {
            let names = objects.iter().map(|object| &object["displayName"]);
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let policies = tenant.policies.iter().map(|policy| &policy.live);
        let (groups, filters) = (names_of(&tenant.groups), names_of(&tenant.filters));
        let schema = with_names(policies, groups, filters, &tenant.unavailable);
        Ok((schema, tenant.unavailable))
    })
    .await
}

/// Makes the schema with the names of a tenant.
#[must_use]
pub(super) fn with_names<'p>(
    policies: impl Iterator<Item = &'p LivePolicy>,
    groups: Vec<String>,
    filters: Vec<String>,
    unavailable: &[(PolicyKind, String)],
) -> Value {
    let refused = |kind: &PolicyKind| unavailable.iter().any(|(known, _)| known == kind);
    let kinds = PolicyKind::all().filter(|kind| !refused(kind));
    let mut names = TenantNames {
        groups,
        filters,
        policies: kinds.map(|kind| (kind, Vec::new())).collect(),
    };
    for live in policies {
        let of_kind = names.policies.entry(live.kind).or_default();
        if !live.is_tenant_default {
            of_kind.push(live.name.to_string());
        }
    }
    let mut schema = schema();
    add_names(&mut schema, &names);
    schema
}
