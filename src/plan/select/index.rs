//! The tenant's policies, and how entries find theirs.

use std::collections::HashMap;

use super::{list, with_nearest};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::manifest::{Entry, Glob, Selector};
use crate::model::{LiveTenant, PolicyKind};

/// The tenant's policies by name and id.
pub(super) struct PolicyIndex<'a> {
    live: &'a LiveTenant,
    by_name: HashMap<(PolicyKind, &'a str), Vec<usize>>,
    by_id: HashMap<(PolicyKind, String), usize>,
}

impl<'a> PolicyIndex<'a> {
    pub(super) fn new(live: &'a LiveTenant) -> Self {
        let mut by_name: HashMap<(PolicyKind, &str), Vec<usize>> = HashMap::new();
        let mut by_id = HashMap::new();
        for (position, policy) in live.policies.iter().enumerate() {
            let same_name = by_name
                .entry((policy.kind, policy.name.as_str()))
                .or_default();
            same_name.push(position);
            by_id.insert((policy.kind, policy.id.to_lowercase()), position);
        }
        Self {
            live,
            by_name,
            by_id,
        }
    }

    /// Finds the policies that an entry selects.
    pub(super) fn find(
        &self,
        entry: &Entry,
        strict: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<usize> {
        let kind = entry.kind;
        match &entry.selector {
            Selector::Name(name) => {
                let found = self
                    .by_name
                    .get(&(kind, name.value.as_str()))
                    .cloned()
                    .unwrap_or_default();
                match found.len() {
                    1 => return found,
                    0 => {
                        let unknown = Diagnostic::error(
                            "unknown-policy",
                            name.place,
                            format!("the tenant has no {kind} `{}`", name.value),
                        );
                        diagnostics.push(match self.other_kind(kind, &name.value) {
                            Some(other) => unknown.hint(format!("there is a {other} of that name")),
                            None => with_nearest(
                                unknown,
                                nearest(&name.value, self.names_of(kind)),
                                "policy names are compared with case",
                            ),
                        });
                    }
                    number => {
                        let ids = found
                            .iter()
                            .map(|index| self.live.policies[*index].id.as_str());
                        diagnostics.push(
                            Diagnostic::error(
                                "ambiguous-policy",
                                name.place,
                                format!("the tenant has {number} {kind} objects `{}`", name.value),
                            )
                            .hint(format!("name one with `id`: {}", list(ids))),
                        );
                    }
                }
                Vec::new()
            }
            Selector::Id(id) => {
                if let Some(found) = self.by_id.get(&(kind, id.value.to_lowercase())) {
                    return vec![*found];
                }
                diagnostics.push(
                    Diagnostic::error(
                        "unknown-policy",
                        id.place,
                        format!("the tenant has no {kind} with the id `{}`", id.value),
                    )
                    .hint("the id may belong to another kind, or the policy may have been deleted"),
                );
                Vec::new()
            }
            Selector::Match { pattern, .. } => {
                let found: Vec<usize> = self
                    .live
                    .policies
                    .iter()
                    .enumerate()
                    .filter(|(_, policy)| {
                        policy.kind == kind && entry.selector.selects(&policy.id, &policy.name)
                    })
                    .map(|(position, _)| position)
                    .collect();
                if found.is_empty() {
                    let severity = if strict {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    let diagnostic = Diagnostic::new(
                        severity,
                        "match-selects-nothing",
                        Some(pattern.place),
                        format!("`{}` selects no {kind} of this tenant", pattern.value),
                    );
                    diagnostics.push(match self.near_match(kind, &pattern.value) {
                        Some(name) if pattern.value.matches(name) => {
                            diagnostic.hint("`except` leaves out all that it matches")
                        }
                        Some(name) => diagnostic.hint(format!("case counts: there is `{name}`")),
                        None => diagnostic,
                    });
                }
                found
            }
        }
    }

    /// Returns another kind that has a policy of a name, as far as other kinds were read.
    fn other_kind(&self, kind: PolicyKind, name: &str) -> Option<PolicyKind> {
        PolicyKind::all()
            .filter(|other| *other != kind)
            .find(|other| self.by_name.contains_key(&(*other, name)))
    }

    /// Returns a policy that a glob would match if case did not count.
    fn near_match(&self, kind: PolicyKind, pattern: &Glob) -> Option<&'a str> {
        let glob = Glob::new(pattern.as_str().to_lowercase());
        let mut names = self.names_of(kind);
        names.find(|name| glob.matches(&name.to_lowercase()))
    }

    fn names_of(&self, kind: PolicyKind) -> impl Iterator<Item = &'a str> {
        self.live
            .policies
            .iter()
            .filter(move |policy| policy.kind == kind)
            .map(|policy| policy.name.as_str())
    }
}
