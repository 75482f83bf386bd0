//! The tenant's groups and filters, and how the names in manifests become their ids.

use std::collections::{HashMap, HashSet};

use super::suggest::Candidates;
use super::{PlacedDesired, list};
use crate::diagnostic::{Diagnostic, Place};
use crate::manifest::{
    FilterReference, NameOrId, TargetReference, WantedProperties, WantedTarget, built_in,
};
use crate::model::{
    AssignmentKey, Desired, Filter, LiveFilter, LiveTenant, SharedText, Stated, StatedProperties,
    Target,
};

/// The tenant's groups and filters by name and id.
pub(super) struct Directory<'a> {
    groups: Named<'a>,
    group_ids: HashSet<&'a str>,
    filters: Named<'a>,
    filters_by_id: HashMap<&'a str, &'a LiveFilter>,
}

/// Objects by their names, which are compared without case.
struct Named<'a> {
    ids: HashMap<String, Vec<&'a str>>,
    candidates: Candidates<'a>,
    words: Words,
}

/// How objects are spoken of.
struct Words {
    one: &'static str,
    unknown: &'static str,
    ambiguous: &'static str,
    /// The key of manifests that takes an id.
    id_key: &'static str,
    /// What is said of a name that nothing is like.
    hint: &'static str,
}

const GROUPS: Words = Words {
    one: "group",
    unknown: "unknown-group",
    ambiguous: "ambiguous-group",
    id_key: "groupId",
    hint: "group names are case-insensitive; a new group may take a while to be found",
};

const FILTERS: Words = Words {
    one: "assignment filter",
    unknown: "unknown-filter",
    ambiguous: "ambiguous-filter",
    id_key: "filterId",
    hint: "filter names are case-insensitive",
};

impl<'a> Named<'a> {
    /// Takes objects by id and name. `similar` are names of others that may be meant; `complete` says whether these
    /// are all.
    fn new(
        objects: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        (similar, complete): (&'a [String], bool),
        words: Words,
    ) -> Self {
        let mut ids: HashMap<String, Vec<&str>> = HashMap::new();
        for (id, name) in objects.clone() {
            ids.entry(name.to_lowercase()).or_default().push(id);
        }
        let names = objects.map(|(_, name)| name);
        let names = names.chain(similar.iter().map(String::as_str));
        Self {
            ids,
            candidates: Candidates::new(names, complete),
            words,
        }
    }

    /// Returns the ids of all that have a name.
    fn ids(&self, name: &str) -> &[&'a str] {
        let found = self.ids.get(&name.to_lowercase());
        found.map_or(&[], Vec::as_slice)
    }

    /// Returns the id of the one that has a name. `meant` says what may be meant by a name that no one has.
    fn find(
        &self,
        name: &str,
        place: Place,
        meant: impl FnOnce() -> Option<String>,
    ) -> Result<SharedText, Box<Diagnostic>> {
        let Words {
            one,
            unknown,
            ambiguous,
            id_key,
            hint,
        } = self.words;
        match self.ids(name) {
            [id] => Ok((*id).into()),
            [] => {
                let meant = meant().or_else(|| self.candidates.hint(name));
                let message = format!("the tenant has no {one} `{name}`");
                let error = Diagnostic::error(unknown, place, message);
                Err(error.hint(meant.as_deref().unwrap_or(hint)).into())
            }
            several => {
                let number = several.len();
                let message = format!("the tenant has {number} {one}s `{name}`");
                let ids = list(several.iter().copied());
                let error = Diagnostic::error(ambiguous, place, message);
                Err(error
                    .hint(format!("name one with `{id_key}`: {ids}"))
                    .into())
            }
        }
    }
}

/// A target with ids, still knowing what it was written as.
pub(super) struct Resolved<'m> {
    pub(super) wanted: PlacedDesired,
    pub(super) written: &'m WantedTarget,
}

/// An absent target with its id; a group stands for both sides.
pub(super) struct ResolvedAbsent<'m> {
    pub(super) target: Target,
    pub(super) written: &'m WantedTarget,
}

/// Returns what is said of properties that are compared, by name.
fn stated(wanted: Option<&WantedProperties>) -> StatedProperties {
    let Some(wanted) = wanted else {
        return StatedProperties::new();
    };
    let settings = wanted.settings.iter().flat_map(|settings| &settings.value);
    let settings = settings.map(|setting| (setting.name.clone(), setting.value.value.clone()));
    let schedule = wanted.schedule.iter();
    let schedule =
        schedule.map(|wanted| ("runSchedule".into(), Some(wanted.value.as_str().into())));
    let mut all: StatedProperties = settings.chain(schedule).collect();
    all.sort();
    all
}

impl<'a> Directory<'a> {
    pub(super) fn new(live: &'a LiveTenant) -> Self {
        let LiveTenant {
            groups,
            filters,
            similar_groups,
            ..
        } = live;
        let similar = (&*similar_groups.names, similar_groups.complete);
        let groups = groups.iter().map(|group| (&*group.id, &*group.name));
        let names = filters.iter().map(|filter| (&*filter.id, &*filter.name));
        let filters = filters.iter().map(|filter| (&*filter.id, filter));
        Self {
            group_ids: groups.clone().map(|(id, _)| id).collect(),
            groups: Named::new(groups, similar, GROUPS),
            filters: Named::new(names, (&[], true), FILTERS),
            filters_by_id: filters.collect(),
        }
    }

    /// Whether a group was found by its id.
    pub(super) fn has_group(&self, id: &str) -> bool {
        self.group_ids.contains(id)
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
        if optional && self.groups.ids(name).is_empty() {
            diagnostics.push(lacks(&format!("`{name}`")));
            return None;
        }
        let hint = || {
            let word = built_in(name)?;
            Some(format!("for the built-in target write `- {word}`"))
        };
        let found = self.groups.find(name, place, hint);
        found.map_err(|error| diagnostics.push(*error)).ok()
    }

    /// Returns a filter's id with its mode. As with groups, an id is taken as it is here.
    fn filter(
        &self,
        reference: &FilterReference,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Filter> {
        let id = match &reference.filter {
            NameOrId::Id(id) => id.to_string().into(),
            NameOrId::Name(name) => {
                let found = self.filters.find(name, reference.place, || None);
                found.map_err(|error| diagnostics.push(*error)).ok()?
            }
        };
        Some(Filter {
            id,
            mode: reference.mode.clone(),
        })
    }
}
