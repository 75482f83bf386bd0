//! From the live state to files: tidy manifests, or a copy of the tenant for the sandbox.
//!
//! Pure: no I/O, no clock; the same tenant gives the same bytes. `references` says how groups and
//! filters are named and which assignments a manifest can ask for, `sets` finds target sets that several
//! policies share, `layout` chooses the files, `yaml` writes them. [`snapshot`] has types of its own,
//! since the sandbox's file is a boundary.
//!
//! What is promised: a plan of the export has no changes and no errors. Assignments that a plan leaves
//! alone in any case (those of policy sets, targets of unknown types) are mentioned in a comment. A policy
//! with an assignment that no manifest can ask for is left out with a warning, never written in part.

mod assignment_properties;
mod layout;
mod merged;
mod references;
mod sets;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod yaml;

use crate::diagnostic::Diagnostic;
use crate::manifest::NamedTargets;
use crate::model::{LivePolicy, PolicyKind, UnavailableKind, WholeTenant};
use assignment_properties::ExportedProperties;
pub use merged::manifest as merged;
use references::{Reference, References, Targets};
use sets::{KnownSets, NamedSets};

/// The manifests of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The files, target sets first, then by path.
    pub files: Vec<ManifestFile>,
    /// How many target sets there are.
    pub sets: usize,
    /// The policies that no manifest can express.
    pub left_out: Vec<LeftOut>,
    /// Kinds whose list the service refuses.
    pub unavailable: Vec<UnavailableKind>,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Its path below the export's folder: lower-case ASCII letters, digits, `-`, `/` and `.yaml`.
    pub path: String,
    /// Its content.
    pub text: String,
    /// How many policies it has.
    pub policies: usize,
}

/// A policy that is not exported, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id.
    pub id: String,
    /// The policy's display name.
    pub name: String,
    /// What cannot be expressed.
    pub reason: String,
}

impl LeftOut {
    /// Makes the warning for it.
    pub fn warning(&self) -> Diagnostic {
        let (kind, id, name) = (self.kind, &self.id, &self.name);
        let message = format!("{kind} `{name}` ({id}) is left out: {}", self.reason);
        Diagnostic::warning("not-exported", None, message)
            .hint("a plan leaves it alone, since no manifest names it")
    }
}

/// A policy as an entry of a manifest.
struct Entry<'a> {
    live: &'a LivePolicy,
    /// The tenant that it is for, if the manifests are for several.
    only: Option<&'a str>,
    selector: Reference,
    targets: Targets,
    /// What is said of all of its targets.
    properties: ExportedProperties,
    /// The target set that stands for all of its targets.
    set: Option<String>,
    /// What is there besides and stays as it is.
    notes: Vec<String>,
}

/// Makes the manifests of a tenant, for those of its policies that are chosen. Whether a name is
/// unique is judged among all.
pub fn manifests(
    tenant: &WholeTenant,
    tenant_id: Option<&str>,
    is_chosen: impl Fn(&LivePolicy) -> bool,
) -> Export {
    further_manifests((tenant, tenant_id), None, is_chosen, &[])
}

/// Makes manifests to stand beside others, whose target sets they use where one is all that a policy is
/// assigned to. `only` is the tenant's short name if they are for several tenants.
pub fn further_manifests(
    (tenant, tenant_id): (&WholeTenant, Option<&str>),
    only: Option<&str>,
    is_chosen: impl Fn(&LivePolicy) -> bool,
    others: &[NamedTargets],
) -> Export {
    let known = KnownSets::new(tenant, others);
    let references = References::new(tenant);
    let mut entries = Vec::new();
    let mut left_out = Vec::new();
    let assignable = |policy: &&LivePolicy| !policy.is_tenant_default && is_chosen(policy);
    for live in tenant.policies.iter().filter(assignable) {
        let read = references.targets(live).and_then(|(targets, notes)| {
            let selector = references.policy(live)?;
            Ok((selector, targets, notes))
        });
        match read {
            Ok((selector, mut targets, notes)) => entries.push(Entry {
                selector,
                live,
                only,
                properties: references::in_common(&mut targets),
                targets,
                set: None,
                notes,
            }),
            Err(reason) => left_out.push(LeftOut {
                kind: live.kind,
                id: live.id.clone(),
                name: live.name.to_string(),
                reason,
            }),
        }
    }
    for entry in &mut entries {
        entry.set = known.name(entry.live).map(str::to_owned);
    }
    let without = entries.iter().filter(|entry| entry.set.is_none());
    let sets = NamedSets::of(without.map(|entry| &entry.targets), others);
    for entry in entries.iter_mut().filter(|entry| entry.set.is_none()) {
        entry.set = sets.name(&entry.targets).map(str::to_owned);
    }
    let mut files = Vec::new();
    if sets.len() > 0 {
        files.push(ManifestFile {
            path: layout::TARGETS.to_owned(),
            text: yaml::sets(tenant_id, &sets),
            policies: 0,
        });
    }
    let sets = sets.len();
    for (path, entries) in layout::files(entries) {
        files.push(ManifestFile {
            path,
            text: yaml::entries(tenant_id, &entries),
            policies: entries.len(),
        });
    }
    Export {
        files,
        sets,
        left_out,
        unavailable: tenant.unavailable.clone(),
    }
}
