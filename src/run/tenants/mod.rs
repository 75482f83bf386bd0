//! Runs for the tenants that manifests name: which of them are meant, and how each is talked to. The runs
//! themselves are those for one tenant.

mod apply;
mod check;
mod entry;
mod files;
mod host;
mod judge;
mod many;
mod merge;
mod origin;
mod part;
mod record;
mod results;
mod shard;
mod spool;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::connect::{Endpoint, ServiceSettings};
use super::{CONFIGURATION_FILE, Failure, plan};
use crate::auth::ExpectedTenant;
use crate::diagnostic::{Diagnostic, Sources, nearest};
use crate::exit::Exit;
use crate::export;
use crate::manifest::Tenant;
use crate::model::Guid;
use crate::plan::guards::GuardRules;
use crate::plan::saved::PlannedTenant;

pub use apply::Audience;
pub use check::check;
pub use entry::{Brief, Entry};
pub use files::{
    TenantFile, holds_plans, holds_reports, is_of_tenant, no_tenants_file, of_other_runs,
    plan_file, planned_tenants, recorded_tenant, remove_no_tenants, replaced_plans, reports,
    saved_manifests, saved_plans, saved_shards, saved_tenant,
};
pub use host::Host;
pub use many::{Input, ManyTenants};
pub use merge::{Expected, MAX_RESULT_AGE, MergedResults, UNNAMED_SPREAD, merge};
pub use origin::{Origin, allowed, manifests_digest};
pub use part::{merged_command, results_in};
pub use record::{ErrorRecord, FindingRecord, TenantRecord};
pub use results::{Drawn, Opened, TenantResults};
pub use shard::Shard;

/// A tenant's manifest.
#[derive(Debug)]
pub struct Merged {
    /// Its text.
    pub text: String,
    /// What is odd about it.
    pub diagnostics: Vec<Diagnostic>,
    /// The manifests.
    pub sources: Sources,
}

/// Merges what manifests say for a tenant into a plain manifest.
///
/// # Errors
///
/// All that is wrong with the manifests, for any tenant; or there is no such tenant.
pub fn merged(
    paths: &[PathBuf],
    configuration: Option<&Path>,
    name: &str,
) -> Result<Merged, Failure> {
    let loaded = plan::load_any(paths, configuration)?;
    if let Some(label) = name.strip_prefix("label:") {
        let tenants = loaded.tenants.iter();
        let names: Vec<&str> = tenants
            .filter(|tenant| tenant.is_called(name))
            .map(|tenant| tenant.name.as_str())
            .collect();
        if !names.is_empty() {
            return Err(
                Failure::usage(format!("one tenant is shown, and `{label}` is a label")).hint(
                    format!("name a tenant with that label: {}", names.join(", ")),
                ),
            );
        }
    }
    match loaded.of_tenant(name) {
        Some(own) if own.tenants.len() == 1 => Ok(Merged {
            text: export::merged(&own.tenants[0], &own.manifest),
            diagnostics: own.diagnostics,
            sources: own.sources,
        }),
        _ => Err(unknown(name, &loaded.tenants)),
    }
}

/// Which tenants are asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Names, and labels with `label:` before them.
    pub named: Vec<String>,
    /// Whether all are.
    pub all: bool,
    /// Which part of them.
    pub shard: Option<Shard>,
}

/// Returns the tenants that are asked for, by name; `None` if the manifests name no tenants.
///
/// # Errors
///
/// No tenant has the name, or there are several and none was chosen.
pub fn choose(tenants: &[Tenant], asked: &Asked) -> Result<Option<Vec<Tenant>>, Failure> {
    let chosen = choose_all(tenants, asked)?;
    Ok(match asked.shard {
        Some(shard) => chosen.map(|chosen| shard.take(chosen)),
        None => chosen,
    })
}

/// Returns the tenants that are asked for on all machines together.
///
/// # Errors
///
/// As [`choose`].
pub fn choose_whole(tenants: &[Tenant], asked: &Asked) -> Result<Vec<Tenant>, Failure> {
    choose_all(tenants, asked).map(Option::unwrap_or_default)
}

/// Returns the one tenant that is asked for; `None` if the manifests name no tenants.
///
/// # Errors
///
/// No tenant has the name, or several are meant.
pub fn choose_one(tenants: &[Tenant], asked: &Asked) -> Result<Option<Tenant>, Failure> {
    if tenants.len() > 1 && asked.named.is_empty() && !asked.all {
        return Err(not_chosen(tenants).hint("name one with `--tenant NAME`"));
    }
    let Some(mut chosen) = choose(tenants, asked)? else {
        return Ok(None);
    };
    match (chosen.pop(), chosen.len()) {
        (Some(tenant), 0) => Ok(Some(tenant)),
        (None, _) => Err(Failure::usage("that shard has no tenants")),
        (Some(_), others) => Err(Failure::usage(format!(
            "this command is about one tenant, and {} are named",
            others + 1
        ))
        .hint("name one with `--tenant NAME`")),
    }
}

fn choose_all(tenants: &[Tenant], asked: &Asked) -> Result<Option<Vec<Tenant>>, Failure> {
    if tenants.is_empty() {
        if asked.all || !asked.named.is_empty() || asked.shard.is_some() {
            return Err(Failure::usage("the manifests name no tenants")
                .hint("define them below `tenants`, or leave `--tenant` and `--all-tenants` out"));
        }
        return Ok(None);
    }
    if asked.all || (asked.named.is_empty() && tenants.len() == 1) {
        return Ok(Some(tenants.to_vec()));
    }
    if asked.named.is_empty() {
        return Err(not_chosen(tenants).hint(
            "name some with `--tenant NAME` or `--tenant label:LABEL`, or take `--all-tenants`",
        ));
    }
    let mut chosen = BTreeSet::new();
    for name in &asked.named {
        let is_meant = |tenant: &&Tenant| match name.starts_with("label:") {
            true => tenant.is_called(name),
            false => tenant.name == *name,
        };
        let meant: Vec<&Tenant> = tenants.iter().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(unknown(name, tenants));
        }
        chosen.extend(meant.into_iter().map(|tenant| &tenant.name));
    }
    let chosen = tenants
        .iter()
        .filter(|tenant| chosen.contains(&tenant.name));
    Ok(Some(chosen.cloned().collect()))
}

fn not_chosen(tenants: &[Tenant]) -> Failure {
    let names: Vec<&str> = tenants.iter().map(|tenant| &*tenant.name).collect();
    Failure::usage(format!(
        "the manifests are for {} tenants: {}",
        names.len(),
        names.join(", ")
    ))
}

fn unknown(name: &str, tenants: &[Tenant]) -> Failure {
    let names: Vec<String> = match name.starts_with("label:") {
        true => {
            let labels = tenants.iter().flat_map(|tenant| &tenant.labels);
            let labels: BTreeSet<String> = labels.map(|label| format!("label:{label}")).collect();
            labels.into_iter().collect()
        }
        false => tenants.iter().map(|tenant| tenant.name.clone()).collect(),
    };
    let what = match name.strip_prefix("label:") {
        Some(label) => format!("the manifests have no tenant with the label `{label}`"),
        None => format!("the manifests have no tenant `{name}`"),
    };
    Failure::usage(what).hint(match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "define tenants below `tenants`".to_owned(),
        None => format!("use one of {}", names.join(", ")),
    })
}

/// Settles how the tenant of a single plan or report is talked to, where the sandbox may be its file.
///
/// # Errors
///
/// It is not the configured tenant, or the sandbox is a folder and has no file of the tenant.
pub fn service_of_one(
    settings: &ServiceSettings,
    tenant: &Tenant,
) -> Result<ServiceSettings, Failure> {
    match &settings.endpoint {
        Endpoint::Sandbox(file) if !file.is_dir() => {
            check_configured(settings, tenant)?;
            Ok(settings.clone())
        }
        _ => service_of(settings, tenant),
    }
}

/// Refuses a tenant that is not the one which the configuration says that runs must be signed in to.
fn check_configured(settings: &ServiceSettings, tenant: &Tenant) -> Result<(), Failure> {
    let Some(configured) = &settings.tenant_id else {
        return Ok(());
    };
    // Whether a domain is the configured tenant shows once it is signed in to.
    let is_known = Guid::parse(&tenant.tenant_id).is_some();
    if tenant.tenant_id.eq_ignore_ascii_case(configured) || !is_known {
        return Ok(());
    }
    let message = format!(
        "guard `tenant` tripped: `{CONFIGURATION_FILE}` says `tenantId: {configured}`, and the tenant `{}` is `{}`",
        tenant.name, tenant.tenant_id
    );
    Err(Failure::new(Exit::GuardRefused, message).hint(format!(
        "with several tenants, leave `tenantId` out of `{CONFIGURATION_FILE}`: each has its own; nothing was written"
    )))
}

/// Settles how a tenant is talked to: signed in to as itself, and in a sandbox with a file of its own.
///
/// # Errors
///
/// It is not the configured tenant, or the sandbox has no file of the tenant.
pub fn service_of(settings: &ServiceSettings, tenant: &Tenant) -> Result<ServiceSettings, Failure> {
    check_configured(settings, tenant)?;
    let endpoint = match &settings.endpoint {
        Endpoint::Sandbox(folder) => {
            let file = folder.join(format!("{}.json", tenant.name));
            if !file.is_file() {
                let message = format!("the sandbox has no tenant in `{}`", file.display());
                return Err(Failure::other(message).hint(
                    "with several tenants `--sandbox` takes a folder with one file per tenant",
                ));
            }
            Endpoint::Sandbox(file)
        }
        Endpoint::Copy(file) => Endpoint::Copy(file.clone()),
        Endpoint::Graph(url) => Endpoint::Graph(match tenant.cloud {
            Some(cloud) if *url == settings.cloud.graph_url() => cloud.graph_url(),
            _ => url.clone(),
        }),
    };
    Ok(ServiceSettings {
        endpoint,
        cloud: tenant.cloud.unwrap_or(settings.cloud),
        expected_tenant: Some(ExpectedTenant {
            tenant_id: tenant.tenant_id.clone(),
            client_id: tenant.client_id.clone(),
        }),
        ..settings.clone()
    })
}

/// Returns the guards of a tenant: it has to be the one that was meant. A domain says less than the configuration.
#[must_use]
pub fn rules_of(rules: &GuardRules, tenant: &Tenant) -> GuardRules {
    let id = Guid::parse(&tenant.tenant_id);
    GuardRules {
        tenant_id: match id {
            Some(_) => Some(tenant.tenant_id.clone()),
            None => rules.tenant_id.clone(),
        },
        ..rules.clone()
    }
}

/// Returns a tenant as its saved plan names it.
#[must_use]
pub fn planned(tenant: &Tenant) -> PlannedTenant {
    PlannedTenant {
        name: tenant.name.clone(),
        client_id: tenant.client_id.clone(),
        cloud: tenant.cloud.map(|cloud| cloud.name.to_owned()),
    }
}
