//! The tenant's policies, and how entries find theirs.

use std::collections::HashMap;

use super::{list, with_nearest};
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::manifest::{Entry, Selector};
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
                    0 => diagnostics.push(with_nearest(
                        Diagnostic::error(
                            "unknown-policy",
                            name.place,
                            format!("the tenant has no {kind} `{}`", name.value),
                        ),
                        nearest(&name.value, self.names_of(kind)),
                        "policy names are compared with case",
                    )),
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
                    diagnostics.push(Diagnostic::new(
                        severity,
                        "match-selects-nothing",
                        Some(pattern.place),
                        format!("`{}` selects no {kind} of this tenant", pattern.value),
                    ));
                }
                found
            }
        }
    }

    fn names_of(&self, kind: PolicyKind) -> impl Iterator<Item = &'a str> {
        self.live
            .policies
            .iter()
            .filter(move |policy| policy.kind == kind)
            .map(|policy| policy.name.as_str())
    }
}
