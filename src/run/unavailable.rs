//! Kinds whose list the service refuses: what is said of them.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Place, Severity, Sources};
use crate::graph::Reader;
use crate::graph::error::{GraphError, RefusedList};
use crate::manifest::{Loaded, Manifest, Selector};
use crate::model::{LiveTenant, Needs, PolicyKind, UnavailableKind};
use crate::plan::select::select;

use super::Failure;

const CODE: &str = "kind-unavailable";

/// Makes the warnings of kinds that are missing in a result. `done` is what is not done with them.
#[must_use]
pub fn warnings(kinds: &[UnavailableKind], done: &str) -> Vec<Diagnostic> {
    let warning = |unavailable: &UnavailableKind| {
        let kind = unavailable.kind;
        let message = format!("no {kind} is {done}: {}", unavailable.reason);
        let hint = if unavailable.is_forbidden {
            format!(
                "grant `{}` to the app registration, or ignore this if you do not manage these",
                kind.spec().permissions.read()
            )
        } else {
            "the tenant may lack the licence; if it has such policies, they are missing here"
                .to_owned()
        };
        Diagnostic::new(Severity::Warning, CODE, None, message).hint(hint)
    };
    kinds.iter().map(warning).collect()
}

/// Reads what manifests need of a tenant. Returns it with the entries whose kinds were read, and warnings of the
/// others.
///
/// # Errors
///
/// Says what cannot be read, with all that is wrong with the entries of what can be.
pub(super) async fn read(
    reader: &Reader,
    needs: &Needs,
    loaded: &Loaded,
    strict: bool,
) -> Result<(LiveTenant, Manifest, Vec<Diagnostic>), Failure> {
    let read = reader.tenant_in_part(needs).await;
    let (live, refused) = read.map_err(|error| failure(error, Some(loaded)))?;
    let Some(refused) = refused else {
        let (manifest, unread) = without(loaded, &live.unavailable);
        return Ok((live, manifest, unread));
    };
    let spare = live.unavailable.iter().map(|unavailable| unavailable.kind);
    let mut unread: BTreeSet<PolicyKind> = spare.collect();
    if let GraphError::RefusedLists(lists) = &refused {
        unread.extend(lists.iter().map(|list| list.kind));
    }
    let mut failure = failure(refused, Some(loaded));
    let found = other_faults(loaded, &unread, &live, strict);
    let known = failure.findings.take().map(|found| found.0);
    let mut all = known.unwrap_or_else(|| loaded.diagnostics.clone());
    all.extend(found);
    crate::diagnostic::tidy(&mut all);
    Err(failure.with_findings(all, loaded.sources.clone()))
}

/// Finds what else is wrong with the manifests. What entries of other kinds than those that were read would select is
/// not known.
fn other_faults(
    loaded: &Loaded,
    unread: &BTreeSet<PolicyKind>,
    live: &LiveTenant,
    strict: bool,
) -> Vec<Diagnostic> {
    let entries = loaded.manifest.entries.iter();
    let of_unread = entries.filter(|entry| unread.contains(&entry.kind));
    let selectors = of_unread.map(|entry| match &entry.selector {
        Selector::Name(name) | Selector::Id(name) => name.place,
        Selector::Match { pattern, .. } => pattern.place,
    });
    let selectors: BTreeSet<Place> = selectors.collect();
    let mut found = select(&loaded.manifest, live, strict).diagnostics;
    found.retain(|found| match found.code {
        "nothing-selected" => false,
        "unknown-policy" | "match-selects-nothing" => {
            found.place.is_none_or(|place| !selectors.contains(&place))
        }
        _ => true,
    });
    found
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
        let RefusedList { kind, error, .. } = list;
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
        true => Failure::invalid(diagnostics, &sources),
        false => {
            Failure::from(GraphError::RefusedLists(forbidden)).with_findings(diagnostics, sources)
        }
    }
}

fn place_of(manifest: &Manifest, kind: PolicyKind) -> Option<Place> {
    let mut entries = manifest.entries.iter();
    Some(entries.find(|entry| entry.kind == kind)?.kind_place)
}

/// Leaves the entries out whose kinds the run leaves out anyway, and cannot read. Says which they are.
fn without(loaded: &Loaded, unavailable: &[UnavailableKind]) -> (Manifest, Vec<Diagnostic>) {
    let warning = |unavailable: &UnavailableKind| {
        let UnavailableKind { kind, reason, .. } = unavailable;
        let place = place_of(&loaded.manifest, *kind);
        let message = format!("the entries of `{kind}` are not checked: {reason}");
        Diagnostic::new(Severity::Warning, CODE, place, message)
            .hint("`--kind` leaves its policies out of this run")
    };
    let found = unavailable.iter().map(warning).collect();
    let is_unread = |kind| unavailable.iter().any(|other| other.kind == kind);
    let mut manifest = loaded.manifest.clone();
    manifest.entries.retain(|entry| !is_unread(entry.kind));
    (manifest, found)
}
