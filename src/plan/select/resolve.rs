//! The tenant's groups and filters, and how the names in manifests become their ids.

use std::collections::HashMap;

use super::suggest::Candidates;
use super::{PlacedDesired, list};
use crate::diagnostic::{Diagnostic, Place};
use crate::manifest::{
    AbsentTarget, FilterReference, NameOrId, TargetReference, WantedProperties, WantedTarget,
    built_in,
};
use crate::model::{
    AssignmentKey, Desired, Filter, LiveFilter, LiveGroup, LiveTenant, SharedText, Stated,
    StatedProperties, Target,
};

/// The tenant's groups and filters by name and id.
pub(super) struct Directory<'a> {
    groups_by_name: HashMap<String, Vec<&'a LiveGroup>>,
    groups_by_id: HashMap<&'a str, &'a LiveGroup>,
    filters_by_name: HashMap<String, Vec<&'a LiveFilter>>,
    filters_by_id: HashMap<&'a str, &'a LiveFilter>,
    group_candidates: Candidates<'a>,
    filter_candidates: Candidates<'a>,
}

/// A target with ids, still knowing what it was written as.
pub(super) struct Resolved<'m> {
    pub(super) wanted: PlacedDesired,
    pub(super) written: &'m WantedTarget,
}

/// An absent target with its id; a group stands for both sides.
pub(super) struct ResolvedAbsent<'m> {
    pub(super) target: Target,
    pub(super) written: &'m AbsentTarget,
}

/// Returns what is said of properties that are compared, by name.
fn stated(wanted: Option<&WantedProperties>) -> StatedProperties {
    let Some(wanted) = wanted else {
        return StatedProperties::new();
    };
    let settings = wanted.settings.iter().flat_map(|settings| &settings.all);
    let settings = settings.map(|setting| (setting.name.clone(), setting.value.clone()));
    let schedule = wanted.schedule.iter();
    let schedule =
        schedule.map(|wanted| ("runSchedule".into(), Some(wanted.value.as_str().into())));
    let mut all: StatedProperties = settings.chain(schedule).collect();
    all.sort();
    all
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
            group_candidates: Candidates::new(
                live.groups
                    .iter()
                    .map(|group| group.name.as_str())
                    .chain(live.similar_groups.names.iter().map(String::as_str)),
                live.similar_groups.complete,
            ),
            filter_candidates: Candidates::new(
                live.filters.iter().map(|filter| filter.name.as_str()),
                true,
            ),
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
        let resolved = self.target((&target.target, target.optional), target.place, diagnostics);
        let properties = target.properties.as_ref();
        let remediation = properties.and_then(|wanted| wanted.remediation.as_ref());
        let remediation = remediation.map(|wanted| wanted.value);
        Some(Resolved {
            wanted: PlacedDesired {
                desired: Desired {
                    key: AssignmentKey {
                        target: resolved?,
                        source: target.source.clone(),
                        variant: target.intent().map(Into::into),
                    },
                    filter: filter?,
                    source_id: match target.source_id.as_deref() {
                        Some(id) => Stated::Is(id.into()),
                        None => Stated::Unstated,
                    },
                    properties: stated(target.properties.as_deref()),
                    remediation: match remediation {
                        Some(repairs) => Stated::Is(repairs),
                        None => Stated::Unstated,
                    },
                },
                place: target.place,
            },
            written: target,
        })
    }

    /// Finds the id of a target's group, which the tenant may lack if it is optional.
    pub(super) fn target(
        &self,
        (target, optional): (&TargetReference, bool),
        place: Place,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        match target {
            TargetReference::AllDevices => Some(Target::AllDevices),
            TargetReference::AllUsers => Some(Target::AllUsers),
            TargetReference::Collection(id) => Some(Target::collection(id)),
            TargetReference::Group(group) => self
                .group(group, optional, place, diagnostics)
                .map(Target::Group),
            TargetReference::ExclusionGroup(group) => self
                .group(group, optional, place, diagnostics)
                .map(Target::ExclusionGroup),
        }
    }

    /// Returns a group's id. An id is taken as it is here; whether its group exists is asked per
    /// policy, since a deleted group that is live already is no error.
    fn group(
        &self,
        group: &NameOrId,
        optional: bool,
        place: Place,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<SharedText> {
        let lacks = |called: &str| {
            let message = format!("the tenant has no group {called}; the target is left out");
            Diagnostic::warning("optional-group", place, message)
                .hint("it is `optional`; remove that if the group has to be there")
        };
        let name = match group {
            NameOrId::Id(id) if optional && !self.has_group(&id.to_string()) => {
                diagnostics.push(lacks(&format!("with the id `{id}`")));
                return None;
            }
            NameOrId::Id(id) => return Some(id.to_string().into()),
            NameOrId::Name(name) => name,
        };
        match self
            .groups_by_name
            .get(&name.to_lowercase())
            .map_or(&[][..], Vec::as_slice)
        {
            [one] => Some(one.id.as_str().into()),
            [] if optional => {
                diagnostics.push(lacks(&format!("`{name}`")));
                None
            }
            [] => {
                let hint = match built_in(name) {
                    Some(word) => Some(format!("for the built-in target write `- {word}`")),
                    None => self.group_candidates.hint(name),
                };
                diagnostics.push(
                    Diagnostic::error(
                        "unknown-group",
                        place,
                        format!("the tenant has no group `{name}`"),
                    )
                    .hint(hint.as_deref().unwrap_or(
                        "group names are case-insensitive; a new group may take a while to be found",
                    )),
                );
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
                    id: id.to_string().into(),
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
                let hint = self.filter_candidates.hint(name);
                diagnostics.push(
                    Diagnostic::error(
                        "unknown-filter",
                        reference.place,
                        format!("the tenant has no assignment filter `{name}`"),
                    )
                    .hint(
                        hint.as_deref()
                            .unwrap_or("filter names are case-insensitive"),
                    ),
                );
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
