//! `explain`: why a policy has its assignments. There is no writer in this module.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::manifests::compared;
use super::plan::{PlanRequest, add_names, left_out};
use super::{Failure, unavailable, unless_stopped};
use crate::diagnostic::{Diagnostic, nearest};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::manifest::Loaded;
use crate::model::{LivePolicy, PolicyKind, UnavailableKind, WholeTenant};
use crate::plan::explain::{self, Explanation};
use crate::plan::guards::GuardRules;
use crate::plan::inventory::{InventoryQuery, inventory};
use crate::plan::needs::needs;
use crate::plan::{PolicyRef, select};

/// Finds a policy by name or id, and explains its assignments; returns that with what was found to be
/// wrong or odd in the manifests.
///
/// # Errors
///
/// Says what cannot be read, or why it is not known which policy is meant.
pub async fn explain(
    client: &Arc<Client>,
    loaded: &Loaded,
    policy: &str,
    kinds: &[PolicyKind],
    stop: &CancellationToken,
) -> Result<(Explanation, Vec<Diagnostic>), Failure> {
    let reader = Reader::new(Arc::clone(client));
    let rules = GuardRules::default();
    unless_stopped(stop, async {
        // Whether the sign-in works is known before anything is read.
        reader.tenant_id().await?;
        let mut needs = needs(&loaded.manifest);
        needs.spare = left_out(&needs.kinds, kinds);
        let (live, manifest, _) = unavailable::read(&reader, &needs, loaded, false).await?;
        let (mut made, diagnostics) = compared(loaded, &manifest, &live)?;
        let found = matching(&live.policies, policy, kinds)?;
        let is_found =
            |kind, id: &str| found.is_some_and(|live| live.kind == kind && live.id == id);
        made.contents
            .policies
            .retain(|policy| is_found(policy.kind, &policy.id));
        let request = PlanRequest {
            all: true,
            ..PlanRequest::default()
        };
        if !made.contents.policies.is_empty() {
            add_names(&mut made, &reader, &request, &needs.group_names).await?;
        }
        let selected = select::select(&loaded.manifest, &live, false).policies;
        let mut selected = selected.into_iter();
        let desired = selected.find(|policy| is_found(policy.live.kind, &policy.live.id));
        let (plan, annotations) = made.finish(&rules);
        let explained = match (plan.policies.first(), desired) {
            (Some(policy), Some(desired)) => explain::explain(
                policy,
                &desired.desired,
                &loaded.manifest,
                &loaded.sources,
                &annotations.names,
            ),
            _ => unmanaged(&reader, policy, kinds).await?,
        };
        // What belongs to the writing of a whole plan says nothing of one policy.
        let on_a_line = diagnostics
            .into_iter()
            .filter(|found| found.place.is_some());
        Ok((explained, on_a_line.collect()))
    })
    .await
}

/// Explains a policy that no entry selects, of whatever kind.
async fn unmanaged(
    reader: &Reader,
    policy: &str,
    kinds: &[PolicyKind],
) -> Result<Explanation, Failure> {
    let tenant = of_kinds(reader, kinds).await?;
    let found = inventory(&tenant, None, &InventoryQuery::default());
    let Some(live) = matching(&tenant.policies, policy, kinds)? else {
        let names = tenant.policies.iter().map(|policy| &*policy.name);
        let near = nearest(policy, names).map(|near| format!("did you mean `{near}`?"));
        let message = format!("the tenant has no policy `{policy}`");
        return Err(not_found(message, near, NAMED, &tenant.unavailable));
    };
    let mut policies = found.policies.into_iter();
    let is_it = |reference: &PolicyRef| reference.kind == live.kind && reference.id == live.id;
    let listed = policies.find(|listed| is_it(&listed.policy));
    let reference = listed
        .ok_or_else(|| Failure::other("the policy is gone"))?
        .policy;
    let assignments = &live.assignments;
    Ok(explain::unmanaged(reference, assignments, found.names))
}

/// How a policy is named.
pub(super) const NAMED: &str = "give its display name, as the tenant spells it, or its id";

/// The failure to find a policy. It may be of a kind that could not be read.
pub(super) fn not_found(
    message: String,
    near: Option<String>,
    otherwise: &str,
    unavailable: &[UnavailableKind],
) -> Failure {
    if unavailable.is_empty() {
        let hint = near.unwrap_or_else(|| otherwise.to_owned());
        return Failure::new(Exit::InvalidManifests, message).hint(hint);
    }
    let kinds: Vec<&str> = unavailable.iter().map(|list| list.kind.name()).collect();
    let is_forbidden = unavailable.iter().any(|list| list.is_forbidden);
    let message = format!(
        "{message} in what could be read; {} could not be read",
        kinds.join(", ")
    );
    let (exit, hint) = match is_forbidden {
        true => (
            Exit::Refused,
            "name the kinds that can be read with `--kind`, or grant the permissions",
        ),
        false => (Exit::InvalidManifests, otherwise),
    };
    Failure::new(exit, message).hint(near.unwrap_or_else(|| hint.to_owned()))
}

/// Reads the kinds that are asked for, or all if none are; a kind that is asked for and that the tenant does not have is
/// an error.
pub(super) async fn of_kinds(
    reader: &Reader,
    kinds: &[PolicyKind],
) -> Result<WholeTenant, Failure> {
    if kinds.is_empty() {
        return Ok(reader.whole_tenant().await?);
    }
    let read = reader.whole_tenant_of(kinds).await;
    read.map_err(|error| unavailable::failure(error, None))
}

/// Finds the policy that is meant: by id without case, by name with case.
pub(super) fn matching<'l>(
    policies: &'l [LivePolicy],
    asked: &str,
    kinds: &[PolicyKind],
) -> Result<Option<&'l LivePolicy>, Failure> {
    let is_meant = |policy: &&LivePolicy| {
        (kinds.is_empty() || kinds.contains(&policy.kind))
            && (*policy.name == *asked || policy.id.eq_ignore_ascii_case(asked))
    };
    let found: Vec<&LivePolicy> = policies.iter().filter(is_meant).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let ids = several.iter();
            let ids: Vec<String> = ids
                .map(|policy| match &policy.odata_type {
                    Some(odata_type) if policy.kind.spec().polymorphic => {
                        format!("{} ({}, {odata_type})", policy.id, policy.kind)
                    }
                    _ => format!("{} ({})", policy.id, policy.kind),
                })
                .collect();
            let message = format!("{} policies are called `{asked}`", several.len());
            Err(Failure::new(Exit::InvalidManifests, message)
                .hint(format!("give the id of one: {}", ids.join(", "))))
        }
    }
}
