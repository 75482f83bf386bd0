//! The tenant's groups and filters, and how the names in manifests become their ids.

use std::collections::HashMap;

use super::{PlacedDesired, list, with_nearest};
use crate::diagnostic::{Diagnostic, Place, nearest};
use crate::manifest::{FilterReference, NameOrId, TargetReference, WantedTarget};
use crate::model::{
    AssignmentKey, Desired, Filter, LiveFilter, LiveGroup, LiveTenant, SharedText, Stated, Target,
};

/// The tenant's groups and filters by name and id.
pub(super) struct Directory<'a> {
    groups_by_name: HashMap<String, Vec<&'a LiveGroup>>,
    groups_by_id: HashMap<&'a str, &'a LiveGroup>,
    filters_by_name: HashMap<String, Vec<&'a LiveFilter>>,
    filters_by_id: HashMap<&'a str, &'a LiveFilter>,
    /// Names of groups that nobody asked for, but that may be meant.
    similar_groups: &'a [String],
}

/// A target with ids, still knowing what it was written as.
pub(super) struct Resolved<'m> {
    pub(super) wanted: PlacedDesired,
    pub(super) written: &'m WantedTarget,
}

impl<'a> Directory<'a> {
    pub(super) fn new(live: &'a LiveTenant) -> Self {
        let mut groups_by_name: HashMap<String, Vec<&LiveGroup>> = HashMap::new();
        for group in &live.groups {
            let same_name = groups_by_name.entry(group.name.to_lowercase()).or_default();
            same_name.push(group);
        }
        let mut filters_by_name: HashMap<String, Vec<&LiveFilter>> = HashMap::new();
        for filter in &live.filters {
            let same_name = filters_by_name
                .entry(filter.name.to_lowercase())
                .or_default();
            same_name.push(filter);
        }
        Self {
            groups_by_name,
            groups_by_id: live
                .groups
                .iter()
                .map(|group| (group.id.as_str(), group))
                .collect(),
            filters_by_name,
            filters_by_id: live
                .filters
                .iter()
                .map(|filter| (filter.id.as_str(), filter))
                .collect(),
            similar_groups: &live.similar_groups,
        }
    }

    /// Whether a group was found by its id.
    pub(super) fn has_group(&self, id: &str) -> bool {
        self.groups_by_id.contains_key(id)
    }

    /// Returns the filter with an id.
    pub(super) fn filter_by_id(&self, id: &str) -> Option<&'a LiveFilter> {
        self.filters_by_id.get(id).copied()
    }

    /// Finds the ids of a target's names.
    pub(super) fn resolve<'m>(
        &self,
        target: &'m WantedTarget,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Resolved<'m>> {
        let filter = match &target.filter {
            None => Some(None),
            Some(reference) => self.filter(reference, diagnostics).map(Some),
        };
        let resolved = match &target.target {
            TargetReference::AllDevices => Some(Target::AllDevices),
            TargetReference::AllUsers => Some(Target::AllUsers),
            TargetReference::Collection(id) => Some(Target::Collection(id.as_str().into())),
            TargetReference::Group(group) => self
                .group(group, target.place, diagnostics)
                .map(Target::Group),
            TargetReference::ExclusionGroup(group) => self
                .group(group, target.place, diagnostics)
                .map(Target::ExclusionGroup),
        };
        Some(Resolved {
            wanted: PlacedDesired {
                desired: Desired {
                    key: AssignmentKey {
                        target: resolved?,
                        source: target.source.clone(),
                        variant: None,
                    },
                    filter: filter?,
                    source_id: match target.source_id.as_deref() {
                        Some(id) => Stated::Is(id.into()),
                        None => Stated::Unstated,
                    },
                    properties: Vec::new(),
                },
                place: target.place,
            },
            written: target,
        })
    }

    /// Returns a group's id. An id is taken as it is here; whether its group exists is asked per
    /// policy, since a deleted group that is live already is no error.
    fn group(
        &self,
        group: &NameOrId,
        place: Place,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<SharedText> {
        let name = match group {
            NameOrId::Id(id) => return Some(id.as_str().into()),
            NameOrId::Name(name) => name,
        };
        match self
            .groups_by_name
            .get(&name.to_lowercase())
            .map_or(&[][..], Vec::as_slice)
        {
            [one] => Some(one.id.as_str().into()),
            [] => {
                let known = self
                    .groups_by_id
                    .values()
                    .map(|group| group.name.as_str())
                    .chain(self.similar_groups.iter().map(String::as_str));
                diagnostics.push(with_nearest(
                    Diagnostic::error(
                        "unknown-group",
                        place,
                        format!("the tenant has no group `{name}`"),
                    ),
                    nearest(name, known),
                    "group names are compared without case; a group made just now may take a while to be found",
                ));
                None
            }
            several => {
                let ids = several.iter().map(|group| group.id.as_str());
                diagnostics.push(
                    Diagnostic::error(
                        "ambiguous-group",
                        place,
                        format!("the tenant has {} groups `{name}`", several.len()),
                    )
                    .hint(format!("name one with `groupId`: {}", list(ids))),
                );
                None
            }
        }
    }

    /// Returns a filter's id with its mode. As with groups, an id is taken as it is here.
    fn filter(
        &self,
        reference: &FilterReference,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Filter> {
        let name = match &reference.filter {
            NameOrId::Id(id) => {
                return Some(Filter {
                    id: id.as_str().into(),
                    mode: reference.mode.clone(),
                });
            }
            NameOrId::Name(name) => name,
        };
        let found = self.filters_by_name.get(&name.to_lowercase());
        match found.map_or(&[][..], Vec::as_slice) {
            [one] => Some(Filter {
                id: one.id.as_str().into(),
                mode: reference.mode.clone(),
            }),
            [] => {
                let known = self
                    .filters_by_id
                    .values()
                    .map(|filter| filter.name.as_str());
                diagnostics.push(with_nearest(
                    Diagnostic::error(
                        "unknown-filter",
                        reference.place,
                        format!("the tenant has no assignment filter `{name}`"),
                    ),
                    nearest(name, known),
                    "filter names are compared without case",
                ));
                None
            }
            several => {
                let ids = several.iter().map(|filter| filter.id.as_str());
                diagnostics.push(
                    Diagnostic::error(
                        "ambiguous-filter",
                        reference.place,
                        format!(
                            "the tenant has {} assignment filters `{name}`",
                            several.len()
                        ),
                    )
                    .hint(format!("name one with `filterId`: {}", list(ids))),
                );
                None
            }
        }
    }
}
