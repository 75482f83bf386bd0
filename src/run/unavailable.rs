//! Kinds whose list the service refuses: what is said of them.

use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::exit::Exit;
use crate::graph::error::{GraphError, RefusedList};
use crate::manifest::{Loaded, Manifest};
use crate::model::{PolicyKind, UnavailableKind};

use super::Failure;

const CODE: &str = "kind-unavailable";

/// Makes the warnings of kinds that are missing in a result. `done` is what is not done with them.
#[must_use]
pub fn warnings(kinds: &[UnavailableKind], done: &str) -> Vec<Diagnostic> {
    let warning = |unavailable: &UnavailableKind| {
        let UnavailableKind {
            kind,
            reason,
            is_forbidden,
        } = unavailable;
        let message = format!("no {kind} is {done}: {reason}");
        Diagnostic::new(Severity::Warning, CODE, None, message).hint(match is_forbidden {
            true => format!(
                "grant `{}` to the app registration, or leave it if these are not to be managed",
                kind.spec().permissions.read()
            ),
            false => {
                "the tenant may lack the licence; if it has such policies, they are missing here"
                    .to_owned()
            }
        })
    };
    kinds.iter().map(warning).collect()
}

/// Says why a tenant could not be read: of the kinds that it does not have, with the first entry of each.
pub(super) fn failure(error: GraphError, loaded: Option<&Loaded>) -> Failure {
    let GraphError::RefusedLists(lists) = error else {
        return error.into();
    };
    let (forbidden, absent): (Vec<_>, Vec<_>) =
        lists.into_iter().partition(RefusedList::is_forbidden);
    if absent.is_empty() {
        return GraphError::RefusedLists(forbidden).into();
    }
    let found = absent.iter().map(|list| {
        let RefusedList {
            kind,
            what: _,
            error,
        } = list;
        let message = format!("`{kind}` is not available in this tenant: {error}");
        let place = loaded.and_then(|loaded| place_of(&loaded.manifest, *kind));
        Diagnostic::new(Severity::Error, CODE, place, message).hint(match place {
            Some(_) => "the tenant may lack the licence; leave the entry out for this tenant",
            None => "the tenant may lack the licence",
        })
    });
    let mut diagnostics = loaded.map_or(Vec::new(), |loaded| loaded.diagnostics.clone());
    diagnostics.extend(found);
    let sources = loaded.map_or(Sources::default(), |loaded| loaded.sources.clone());
    match forbidden.is_empty() {
        true => Failure::found(Exit::InvalidManifests, diagnostics, sources),
        false => {
            Failure::from(GraphError::RefusedLists(forbidden)).with_findings(diagnostics, sources)
        }
    }
}

fn place_of(manifest: &Manifest, kind: PolicyKind) -> Option<crate::diagnostic::Place> {
    let mut entries = manifest.entries.iter();
    Some(entries.find(|entry| entry.kind == kind)?.place)
}

/// Leaves the entries out whose kinds the run leaves out anyway, and cannot read. Says which they are.
pub(super) fn without(
    loaded: &Loaded,
    unavailable: &[UnavailableKind],
) -> (Manifest, Vec<Diagnostic>) {
    let mut manifest = loaded.manifest.clone();
    let warning = |unavailable: &UnavailableKind| {
        let UnavailableKind {
            kind,
            reason,
            is_forbidden: _,
        } = unavailable;
        let place = place_of(&loaded.manifest, *kind);
        let message = format!("the entries of `{kind}` are not checked: {reason}");
        Diagnostic::new(Severity::Warning, CODE, place, message)
            .hint("`--kind` leaves its policies out of this run")
    };
    let found = unavailable.iter().map(warning).collect();
    let is_unread = |kind| unavailable.iter().any(|other| other.kind == kind);
    manifest.entries.retain(|entry| !is_unread(entry.kind));
    (manifest, found)
}
            claims: _,
