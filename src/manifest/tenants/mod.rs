//! Manifests for several tenants: one baseline, and what each tenant has of its own.
//!
//! `declared` reads `vars` and `tenants`. `scope` turns the tree of a document into what it says for one
//! tenant: variables filled in, entries and targets for others left out. `overlay` takes out what the
//! tenant skips and adds what it adds; `intersection` knows which names two globs share. What comes out is
//! a manifest as if it had been written for that tenant alone, so that the rest of the program knows one
//! tenant only. `findings` brings together what is wrong for each.

mod declared;
mod findings;
mod intersection;
mod overlay;
pub(super) mod schema;
mod scope;
mod variables;

use crate::diagnostic::{Diagnostic, FileId, Place, Sources};
use crate::net::Cloud;

use super::Manifest;
use super::check;
use super::diagnostics::Diagnostics;
use super::read::Reader;
use declared::DeclaredTenant;
pub(super) use declared::{Declared, TENANT_KEYS, declared};
pub use declared::{is_tenant_name, tenant_name_rule};
use findings::Findings;
pub use overlay::Skip;
pub(super) use overlay::{ADD_KEYS, SKIP_KEYS};
use scope::Scope;
pub use variables::escaped;

/// A tenant that manifests are for.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its short name.
    pub name: String,
    /// Its id or one of its domains.
    pub tenant_id: String,
    /// The app registration to sign in with, if it has one of its own.
    pub client_id: Option<String>,
    /// The cloud it is in, if that is said.
    pub cloud: Option<&'static Cloud>,
    /// What it can be selected by besides its name.
    pub labels: Vec<String>,
    /// The key that names it; `None` if it is known from a saved plan.
    pub place: Option<Place>,
}

impl Tenant {
    /// Whether it has a name or a label; `label:` before it means labels only.
    pub fn is_called(&self, text: &str) -> bool {
        match text.strip_prefix("label:") {
            Some(label) => self.labels.iter().any(|own| own == label),
            None => self.name == text || self.labels.iter().any(|own| own == text),
        }
    }
}

/// Reads all files for each tenant, or for the only one if none is named. The manifest is that of the
/// only one.
pub(super) fn read(
    sources: &Sources,
    files: &[FileId],
    whole: bool,
    declared: &Declared,
    diagnostics: Diagnostics,
) -> (Manifest, Vec<Diagnostic>) {
    let mut usage = scope::Usage::default();
    let mut all = diagnostics;
    if declared.tenants.is_empty() {
        let scope = Scope::new(declared, None, &mut usage);
        let (manifest, _) = read_for(sources, files, whole, scope, &mut all);
        usage.report(declared, &mut all);
        return (manifest, all.finish());
    }
    let mut findings = Findings::default();
    for own in &declared.tenants {
        let scope = Scope::new(declared, Some(own), &mut usage);
        let (_, _, found) = read_for_tenant(sources, files, whole, scope, own);
        findings.add(&own.tenant.name, found);
    }
    usage.report(declared, &mut all);
    findings.report(declared.tenants.len(), &mut all);
    (Manifest::default(), all.finish())
}

/// Reads all files for one tenant. Returns its manifest, what it skips, and what is wrong or odd.
pub(super) fn read_one(
    sources: &Sources,
    files: &[FileId],
    declared: &Declared,
    own: &DeclaredTenant,
) -> (Manifest, Vec<Skip>, Vec<Diagnostic>) {
    let mut usage = scope::Usage::default();
    let scope = Scope::new(declared, Some(own), &mut usage);
    read_for_tenant(sources, files, true, scope, own)
}

fn read_for_tenant(
    sources: &Sources,
    files: &[FileId],
    whole: bool,
    scope: Scope<'_, '_>,
    own: &DeclaredTenant,
) -> (Manifest, Vec<Skip>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let (manifest, skipped) = read_for(sources, files, whole, scope, &mut diagnostics);
    // Something wrong with the entries may be why none is left.
    if manifest.entries.is_empty() && diagnostics.errors() == 0 {
        let message = "no entry is left, so that nothing can be planned";
        diagnostics.push(
            Diagnostic::warning("no-entry-left", own.tenant.place, message)
                .hint("skip fewer policies, or remove the tenant"),
        );
    }
    (manifest, skipped, diagnostics.finish())
}

fn read_for(
    sources: &Sources,
    files: &[FileId],
    whole: bool,
    mut scope: Scope<'_, '_>,
    diagnostics: &mut Diagnostics,
) -> (Manifest, Vec<Skip>) {
    let mut reader = Reader::new(whole, diagnostics);
    for id in files {
        let text = &sources.file(*id).text;
        let may_say_more = scope::may_say_more(text);
        reader.file(*id, text, |document, diagnostics| {
            scope.document(may_say_more, document, diagnostics)
        });
    }
    let overlay = overlay::read(&mut scope, &mut reader);
    let mut drafts = reader.finish();
    let skipped = overlay.lay_tenant_over(&mut drafts, diagnostics);
    (check::settle(drafts, diagnostics), skipped)
}
