//! What manifests say for single tenants.

use std::path::{Path, PathBuf};

use super::{Failure, plan};
use crate::diagnostic::{Diagnostic, Sources, nearest};
use crate::export;
use crate::manifest::Loaded;

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
    let Some(own) = loaded.of_tenant(name) else {
        return Err(unknown(name, &loaded));
    };
    let Loaded {
        manifest,
        tenants,
        sources,
        diagnostics,
    } = own;
    let tenant = tenants.iter().find(|tenant| tenant.name == name);
    let Some(tenant) = tenant else {
        return Err(unknown(name, &loaded));
    };
    Ok(Merged {
        text: export::merged(tenant, &manifest),
        diagnostics,
        sources,
    })
}

fn unknown(name: &str, loaded: &Loaded) -> Failure {
    let names: Vec<&str> = loaded.tenants.iter().map(|tenant| &*tenant.name).collect();
    let failure = Failure::usage(format!("the manifests have no tenant `{name}`"));
    failure.hint(match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "define tenants below `tenants`".to_owned(),
        None => format!("there are {}", names.join(", ")),
    })
}
