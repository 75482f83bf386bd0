//! `export`: the live state as manifests, or as a file for the sandbox. There is no writer to the
//! service in this module either.

use std::collections::BTreeSet;
use std::sync::Arc;

use assignctl_sandbox as sandbox;
use tokio_util::sync::CancellationToken;

use super::explain::of_kinds;
use super::list::managed;
use super::{Failure, unless_stopped};
use crate::exit::Exit;
use crate::export::{self, Export};
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::manifest::Loaded;
use crate::model::{LivePolicy, UnavailableKind};
use crate::plan::Selection;

/// What stands for the tenant in a snapshot if the token does not name it.
pub const UNKNOWN_TENANT: &str = "00000000-0000-0000-0000-000000000000";

/// Reads the tenant, and returns its id with its manifests.
///
/// # Errors
///
/// Says why the tenant cannot be read.
pub async fn manifests(
    client: &Arc<Client>,
    selection: &Selection,
    stop: &CancellationToken,
) -> Result<(Option<String>, Export), Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        let tenant = of_kinds(&reader, &selection.kinds).await?;
        let export = export::manifests(&tenant, tenant_id.as_deref(), |policy| {
            selection.includes(policy.kind, &policy.name)
        });
        Ok((tenant_id, export))
    })
    .await
}

/// Reads the tenant, and returns its id with manifests of those policies that a folder of manifests does
/// not manage, to be added to it.
///
/// # Errors
///
/// Says why the tenant or the manifests cannot be read.
pub async fn unmanaged(
    client: &Arc<Client>,
    loaded: Option<&Loaded>,
    selection: &Selection,
    stop: &CancellationToken,
) -> Result<(Option<String>, Export), Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        let tenant = of_kinds(&reader, &selection.kinds).await?;
        let managed = match loaded {
            None => BTreeSet::new(),
            Some(loaded) => managed(&reader, loaded, &tenant).await?,
        };
        let sets = loaded.map_or(&[][..], |loaded| &loaded.manifest.sets);
        let is_chosen = |policy: &LivePolicy| {
            selection.includes(policy.kind, &policy.name)
                && !managed.contains(&(policy.kind, policy.id.to_lowercase()))
                && !loaded.is_some_and(|loaded| loaded.skips(policy.kind, &policy.name))
        };
        // What one tenant has is nothing that the others should have.
        let named = loaded.and_then(|loaded| loaded.tenants.first());
        let only = named.map(|tenant| tenant.name.as_str());
        let tenant = (&tenant, tenant_id.as_deref());
        let export = export::further_manifests(tenant, only, is_chosen, sets);
        Ok((tenant_id, export))
    })
    .await
}

/// Refuses an export of nothing.
///
/// # Errors
///
/// Says why there is nothing.
pub fn check(export: &Export, selection: &Selection) -> Result<(), Failure> {
    if !export.files.is_empty() {
        return Ok(());
    }
    if selection.is_partial() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            "`--only`, `--exclude` and `--kind` leave no policy to export",
        )
        .hint("nothing was written; globs are case-sensitive"));
    }
    Err(Failure::other("the tenant has no policy to export")
        .hint("nothing was written; check the tenant, and what the sign-in may see"))
}

/// A tenant as a file for the sandbox.
#[derive(Debug)]
pub struct Snapshot {
    /// The tenant, or [`UNKNOWN_TENANT`].
    pub tenant_id: String,
    /// The file's text.
    pub text: String,
    /// How many policies it holds.
    pub policies: usize,
    /// How many groups it holds.
    pub groups: usize,
    /// How many assignment filters it holds.
    pub filters: usize,
    /// Kinds whose list the service refuses: the file holds none of their policies.
    pub unavailable: Vec<UnavailableKind>,
}

/// Reads the whole tenant. `configured` is its id if the token does not name it.
///
/// # Errors
///
/// Says why the tenant cannot be read, or why the sandbox cannot hold it.
pub async fn snapshot(
    client: &Arc<Client>,
    configured: Option<&str>,
    stop: &CancellationToken,
) -> Result<Snapshot, Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        let tenant = reader.raw_tenant().await?;
        let tenant_id = tenant_id
            .or_else(|| configured.map(str::to_owned))
            .unwrap_or_else(|| UNKNOWN_TENANT.to_owned());
        let text = export::snapshot::state(&tenant, &tenant_id);
        // What the sandbox will not take is reported now, not to the pull request that wants to use
        // it.
        if let Err(error) = sandbox::Tenant::from_json(&text) {
            return Err(
                Failure::other(format!("the sandbox cannot hold this tenant: {error}"))
                    .hint("nothing was written"),
            );
        }
        Ok(Snapshot {
            tenant_id,
            text,
            policies: tenant.policies.len(),
            groups: tenant.groups.len(),
            filters: tenant.filters.len(),
            unavailable: tenant.unavailable,
        })
    })
    .await
}
