//! `schema --from-tenant`: the schema of manifests with the names that a tenant has.

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Failure, unless_stopped};
use crate::graph::client::Client;
use crate::graph::{AllNames, Reader};
use crate::manifest::schema::schema;
use crate::manifest::schema_names::{TenantNames, add_names};
use crate::model::{LiveFilter, PolicyKind, UnavailableKind};

/// The schema, and the kinds whose list the service refuses.
pub type TenantSchema = (Value, Vec<UnavailableKind>);

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
        let AllNames {
            policies,
            filters,
            groups,
            unavailable,
        } = reader.all_names().await?;
        let schema = with_names(policies.into_iter(), groups, &filters, &unavailable);
        Ok((schema, unavailable))
    })
    .await
}

/// Makes the schema with the names of a tenant.
#[must_use]
pub(super) fn with_names(
    policies: impl Iterator<Item = (PolicyKind, String)>,
    groups: Vec<String>,
    filters: &[LiveFilter],
    unavailable: &[UnavailableKind],
) -> Value {
    let refused = |kind: &PolicyKind| unavailable.iter().any(|known| known.kind == *kind);
    let kinds = PolicyKind::all().filter(|kind| !refused(kind));
    let filters = filters.iter().map(|filter| filter.name.clone());
    let mut names = TenantNames {
        groups,
        filters: filters.filter(|name| !name.is_empty()).collect(),
        policies: kinds.map(|kind| (kind, Vec::new())).collect(),
    };
    for (kind, name) in policies {
        names.policies.entry(kind).or_default().push(name);
    }
    let mut schema = schema();
    add_names(&mut schema, &names);
    schema
}
