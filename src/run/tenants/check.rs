//! `tenants check`: what each tenant lacks of that which the manifests name. It plans, and keeps what was missing.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use super::host::Host;
use super::many::{Input, ManyTenants};
use crate::diagnostic::Severity;
use crate::manifest::{Loaded, Tenant};
use crate::render::lacks::{Missing, TenantLacks};
use crate::render::review::{Direction, Finding};
use crate::run::Failure;
use crate::run::plan::PlanRequest;

/// Finds out what tenants lack, the worst first.
///
/// # Errors
///
/// What was found in a tenant cannot be read back.
pub async fn check(
    host: &impl Host,
    (loaded, tenants): (&Loaded, Vec<Tenant>),
    parallel: usize,
    stop: &CancellationToken,
) -> Result<Vec<TenantLacks>, Failure> {
    let many = ManyTenants {
        direction: Direction::Plan,
        host,
        request: PlanRequest::default(),
        since: None,
        parallel,
        stop,
    };
    let results = many.plan(Input::Manifests(loaded, tenants)).await;
    let entries = results.entries.iter();
    entries
        .map(|entry| Ok(lacks_of(host, entry, &results.open_found(entry)?.findings)))
        .collect()
}

fn lacks_of(host: &impl Host, entry: &Entry, findings: &[Finding]) -> TenantLacks {
    let mut missing: BTreeMap<(&str, &str), Missing> = BTreeMap::new();
    let mut errors = Vec::new();
    for Finding {
        diagnostic: found, ..
    } in findings
    {
        let is_error = found.severity == Severity::Error;
        let what = match found.code.as_str() {
            "unknown-group" | "optional-group" => "group",
            "unknown-filter" => "filter",
            "unknown-policy" | "match-selects-nothing" => "policy",
            _ => {
                errors.extend(is_error.then(|| found.summary.clone()));
                continue;
            }
        };
        let lack = missing
            .entry((what, &found.summary))
            .or_insert_with(|| Missing {
                what,
                message: found.summary.clone(),
                required: false,
                places: Vec::new(),
            });
        lack.required |= is_error;
        lack.places.extend(found.place.as_ref().map(Into::into));
    }
    let failure = entry.failure.as_ref();
    let error = failure.filter(|failure| !failure.message.is_empty());
    TenantLacks {
        name: entry.tenant.name.clone(),
        tenant_id: entry.tenant.tenant_id.clone(),
        exit: entry.exit(),
        lacks: missing.into_values().collect(),
        errors,
        error: error.map(|failure| host.mask(&failure.message).into_owned()),
        hint: failure.and_then(|failure| failure.hint.clone()),
    }
}
