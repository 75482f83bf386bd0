//! From checked manifests and the live state to the wanted rows of each policy.
//!
//! Names become ids, entries find their policies, and what several entries say of one policy is
//! united. Everything that only the tenant can tell to be wrong is found here, and points at the
//! line that said it.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Diagnostic, Place, Severity, nearest};
use crate::manifest::{
    Entry, FilterReference, Manifest, Mode, NameOrId, Selector, TargetReference, WantedTarget,
};
use crate::model::{
    Assignment, Filter, LiveFilter, LiveGroup, LivePolicy, LiveTenant, PolicyKind, Target,
};

/// What manifests select in a tenant.
#[derive(Debug)]
pub struct Selected<'a> {
    /// The managed policies, in the order in which they were read.
    pub policies: Vec<ManagedPolicy<'a>>,
    /// What is wrong or odd.
    pub diagnostics: Vec<Diagnostic>,
}

/// A policy that some entry selects.
#[derive(Debug)]
pub struct ManagedPolicy<'a> {
    /// The policy as it is.
    pub live: &'a LivePolicy,
    /// Whether the manifest is the whole set.
    pub mode: Mode,
    /// The rows that are asked for.
    pub wanted: Vec<Wanted>,
    /// The entries that select it.
    pub entries: Vec<Place>,
}

/// A row that is asked for, and the line that asks.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The row, with ids.
    pub row: Assignment,
    /// The target's line.
    pub place: Place,
}

/// Finds the policies of all entries and unites what is wanted of each.
pub fn select<'a>(manifest: &Manifest, live: &'a LiveTenant, strict: bool) -> Selected<'a> {
    let mut diagnostics = Vec::new();
    let directory = Directory::new(live);
    let index = PolicyIndex::new(live);
    let mut managed: BTreeMap<usize, United<'a>> = BTreeMap::new();
    for entry in &manifest.entries {
        let targets: Vec<Resolved<'_>> = entry
            .targets
            .iter()
            .filter_map(|target| directory.resolve(target, &mut diagnostics))
            .collect();
        for position in index.find(entry, strict, &mut diagnostics) {
            managed
                .entry(position)
                .or_insert_with(|| United::new(&live.policies[position], entry))
                .add(entry, &targets, &mut diagnostics);
        }
    }
    let mut misfits = Misfits::default();
    for united in managed.values() {
        united.check_against_live(&directory, &mut misfits, &mut diagnostics);
    }
    misfits.report(&mut diagnostics);
    if managed.is_empty() && !diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.push(
            Diagnostic::new(
                Severity::Error,
                "nothing-selected",
                None,
                "the manifests select no policy of this tenant",
            )
            .hint("check the tenant, and the names and globs of the entries"),
        );
    }
    Selected {
        policies: managed.into_values().map(United::into_managed).collect(),
        diagnostics,
    }
}

/// A target with ids, still knowing what it came from.
struct Resolved<'m> {
    wanted: Wanted,
    source: &'m WantedTarget,
}

/// The tenant's groups and filters by name and id.
struct Directory<'a> {
    groups_by_name: HashMap<String, Vec<&'a LiveGroup>>,
    groups_by_id: HashMap<&'a str, &'a LiveGroup>,
    filters_by_name: HashMap<String, Vec<&'a LiveFilter>>,
    filters_by_id: HashMap<&'a str, &'a LiveFilter>,
}

impl<'a> Directory<'a> {
    fn new(live: &'a LiveTenant) -> Self {
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
        }
    }

    fn resolve<'m>(
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
            TargetReference::Collection(id) => Some(Target::Collection(id.clone())),
            TargetReference::Group(group) => self
                .group(group, target.place, diagnostics)
                .map(Target::Group),
            TargetReference::ExclusionGroup(group) => self
                .group(group, target.place, diagnostics)
                .map(Target::ExclusionGroup),
        };
        Some(Resolved {
            wanted: Wanted {
                row: Assignment {
                    target: resolved?,
                    filter: filter?,
                    source: target.source.clone(),
                    source_id: target.source_id.clone(),
                },
                place: target.place,
            },
            source: target,
        })
    }

    /// Returns a group's id. An id is taken as it is here; whether its group exists is asked per
    /// policy, since a deleted group that is live already is no error.
    fn group(
        &self,
        group: &NameOrId,
        place: Place,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        let name = match group {
            NameOrId::Id(id) => return Some(id.as_str().to_owned()),
            NameOrId::Name(name) => name,
        };
        match self
            .groups_by_name
            .get(&name.to_lowercase())
            .map_or(&[][..], Vec::as_slice)
        {
            [one] => Some(one.id.clone()),
            [] => {
                let known = self.groups_by_id.values().map(|group| group.name.as_str());
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

    fn filter(
        &self,
        reference: &FilterReference,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Filter> {
        let (shown, found) = match &reference.filter {
            NameOrId::Id(id) => (
                id.as_str(),
                self.filters_by_id
                    .get(id.as_str())
                    .copied()
                    .into_iter()
                    .collect(),
            ),
            NameOrId::Name(name) => (
                name.as_str(),
                self.filters_by_name
                    .get(&name.to_lowercase())
                    .cloned()
                    .unwrap_or_default(),
            ),
        };
        match found.as_slice() {
            [one] => Some(Filter {
                id: one.id.clone(),
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
                        format!("the tenant has no assignment filter `{shown}`"),
                    ),
                    nearest(shown, known),
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
                            "the tenant has {} assignment filters `{shown}`",
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

fn with_nearest(diagnostic: Diagnostic, nearest: Option<&str>, otherwise: &str) -> Diagnostic {
    match nearest {
        Some(name) => diagnostic.hint(format!("did you mean `{name}`?")),
        None => diagnostic.hint(otherwise),
    }
}

fn list<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids.join(", ")
}

/// The tenant's policies by name and id.
struct PolicyIndex<'a> {
    live: &'a LiveTenant,
    by_name: HashMap<(PolicyKind, &'a str), Vec<usize>>,
    by_id: HashMap<(PolicyKind, String), usize>,
}

impl<'a> PolicyIndex<'a> {
    fn new(live: &'a LiveTenant) -> Self {
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

    fn find(&self, entry: &Entry, strict: bool, diagnostics: &mut Vec<Diagnostic>) -> Vec<usize> {
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

/// What several entries want of one policy.
struct United<'a> {
    live: &'a LivePolicy,
    mode: Mode,
    mode_place: Place,
    wanted: Vec<Wanted>,
    /// Which of the wanted rows take a filter by whose name, for checking platforms.
    filter_places: Vec<Option<Place>>,
    by_target: HashMap<(Target, crate::model::Source), usize>,
    by_group: HashMap<String, usize>,
    entries: Vec<Place>,
}

impl<'a> United<'a> {
    fn new(live: &'a LivePolicy, first: &Entry) -> Self {
        Self {
            live,
            mode: first.mode,
            mode_place: first.mode_place,
            wanted: Vec::new(),
            filter_places: Vec::new(),
            by_target: HashMap::new(),
            by_group: HashMap::new(),
            entries: Vec::new(),
        }
    }

    fn add(&mut self, entry: &Entry, targets: &[Resolved<'_>], diagnostics: &mut Vec<Diagnostic>) {
        if entry.mode != self.mode {
            diagnostics.push(
                Diagnostic::error(
                    "mode-conflict",
                    entry.mode_place,
                    format!("`{}` is managed in two modes", self.live.name),
                )
                .label(entry.mode.name())
                .also(self.mode_place, self.mode.name())
                .hint("all entries that select one policy need the same `mode`"),
            );
        }
        self.entries.push(entry.place);
        for target in targets {
            self.add_target(target, diagnostics);
        }
    }

    fn add_target(&mut self, target: &Resolved<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let row = &target.wanted.row;
        let place = target.wanted.place;
        if let Some(group) = row.target.group_id() {
            match self.by_group.get(group) {
                Some(index)
                    if self.wanted[*index].row.target.is_exclusion()
                        != row.target.is_exclusion() =>
                {
                    diagnostics.push(
                        Diagnostic::error(
                            "include-and-exclude",
                            place,
                            format!(
                                "one group is both included in and excluded from `{}`",
                                self.live.name
                            ),
                        )
                        .label(side(row))
                        .also(self.wanted[*index].place, side(&self.wanted[*index].row)),
                    );
                    return;
                }
                Some(_) => {}
                None => {
                    self.by_group.insert(group.to_owned(), self.wanted.len());
                }
            }
        }
        let key = (row.target.clone(), row.source.clone());
        match self.by_target.get(&key) {
            Some(index) => {
                let earlier = &self.wanted[*index];
                if earlier.row.filter != row.filter {
                    diagnostics.push(
                        Diagnostic::error(
                            "filter-conflict",
                            place,
                            format!(
                                "one target of `{}` is asked for with different filters",
                                self.live.name
                            ),
                        )
                        .label(filter_label(target.source.filter.as_ref()))
                        .also(earlier.place, "here with another"),
                    );
                } else if earlier.row.source_id != row.source_id {
                    diagnostics.push(
                        Diagnostic::error(
                            "source-conflict",
                            place,
                            format!(
                                "one target of `{}` is asked for from different policy sets",
                                self.live.name
                            ),
                        )
                        .also(earlier.place, "here from another"),
                    );
                }
            }
            None => {
                self.by_target.insert(key, self.wanted.len());
                self.wanted.push(target.wanted.clone());
                let filter_place = target.source.filter.as_ref().map(|filter| filter.place);
                self.filter_places.push(filter_place);
            }
        }
    }

    /// Finds what does not go together with the policy as it is.
    fn check_against_live(
        &self,
        directory: &Directory<'_>,
        misfits: &mut Misfits,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let is_live = |row: &Assignment| {
            self.live
                .assignments
                .iter()
                .any(|live| row.satisfied_by(&live.row))
        };
        for (wanted, filter_place) in self.wanted.iter().zip(&self.filter_places) {
            let row = &wanted.row;
            if let Some(group) = row.target.group_id()
                && !directory.groups_by_id.contains_key(group)
            {
                let severity = if is_live(row) {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                let message = format!("the tenant has no group with the id `{group}`");
                misfits.note(
                    severity,
                    "unknown-group",
                    wanted.place,
                    message,
                    &self.live.name,
                );
            }
            if let (Some(filter), Some(place)) = (&row.filter, filter_place)
                && let Some(live) = directory.filters_by_id.get(filter.id.as_str())
                && let Some(message) = platform_misfit(live, self.live)
            {
                let severity = if is_live(row) {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                misfits.note(
                    severity,
                    "filter-platform",
                    *place,
                    message,
                    &self.live.name,
                );
            }
            if self.mode == Mode::Additive
                && let Some(group) = row.target.group_id()
                && self.live.assignments.iter().any(|live| {
                    live.row.target.group_id() == Some(group)
                        && live.row.target.is_exclusion() != row.target.is_exclusion()
                })
            {
                let (doing, done) = if row.target.is_exclusion() {
                    ("excludes", "includes")
                } else {
                    ("includes", "excludes")
                };
                diagnostics.push(
                    Diagnostic::error(
                        "additive-conflict",
                        wanted.place,
                        format!(
                            "the entry {doing} a group that the live policy `{}` {done}",
                            self.live.name
                        ),
                    )
                    .hint("mode `additive` never removes; use `exact`, or remove the live assignment first"),
                );
            }
        }
    }

    fn into_managed(self) -> ManagedPolicy<'a> {
        ManagedPolicy {
            live: self.live,
            mode: self.mode,
            wanted: self.wanted,
            entries: self.entries,
        }
    }
}

fn side(row: &Assignment) -> &'static str {
    if row.target.is_exclusion() {
        "excluded here"
    } else {
        "included here"
    }
}

fn filter_label(filter: Option<&FilterReference>) -> String {
    match filter {
        None => "here without a filter".to_owned(),
        Some(filter) => {
            let name = match &filter.filter {
                NameOrId::Name(name) => name.as_str(),
                NameOrId::Id(id) => id.as_str(),
            };
            format!("here with `{name}`, mode {}", filter.mode.name())
        }
    }
}

/// Faults that one line causes in many policies: said once, with the policies counted.
#[derive(Default)]
struct Misfits {
    by_line: BTreeMap<(Place, Severity, &'static str, String), Vec<String>>,
}

impl Misfits {
    fn note(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: Place,
        message: String,
        policy: &str,
    ) {
        self.by_line
            .entry((place, severity, code, message))
            .or_default()
            .push(policy.to_owned());
    }

    fn report(self, diagnostics: &mut Vec<Diagnostic>) {
        for ((place, severity, code, message), mut policies) in self.by_line {
            policies.sort();
            let first = policies.first().map(String::as_str).unwrap_or_default();
            let others = match policies.len() {
                0 | 1 => String::new(),
                2 => " and 1 other policy".to_owned(),
                number => format!(" and {} other policies", number - 1),
            };
            diagnostics.push(Diagnostic::new(
                severity,
                code,
                Some(place),
                format!("{message}, for `{first}`{others}"),
            ));
        }
    }
}

/// Says why a filter cannot fit a policy; nothing where that is not certain.
fn platform_misfit(filter: &LiveFilter, policy: &LivePolicy) -> Option<String> {
    let filter_platform = filter.platform.as_deref()?;
    let policy_platforms = policy.platforms.as_deref()?;
    let made_for = filter_family(filter_platform)?;
    let mut families = policy_platforms
        .split(',')
        .map(|platform| policy_family(platform.trim()));
    // One platform that is not known may be the one that fits.
    let misfit = families.all(|family| family.is_some_and(|family| family != made_for));
    misfit.then(|| {
        format!(
            "the filter `{}` is made for {filter_platform} and cannot fit the platform {policy_platforms}",
            filter.name
        )
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlatformFamily {
    Windows,
    MacOs,
    Ios,
    Android,
}

/// Policies use `deviceManagementConfigurationPlatforms`; the portal adds `androidEnterprise` and
/// `aosp` to what the metadata knows.
fn policy_family(platform: &str) -> Option<PlatformFamily> {
    match platform {
        "windows10" => Some(PlatformFamily::Windows),
        "macOS" => Some(PlatformFamily::MacOs),
        "iOS" => Some(PlatformFamily::Ios),
        "android" | "androidEnterprise" | "aosp" => Some(PlatformFamily::Android),
        _ => None,
    }
}

/// Filters use `devicePlatformType`.
fn filter_family(platform: &str) -> Option<PlatformFamily> {
    match platform {
        "windows10AndLater" => Some(PlatformFamily::Windows),
        "macOS" => Some(PlatformFamily::MacOs),
        "iOS" => Some(PlatformFamily::Ios),
        "android" | "androidForWork" | "androidWorkProfile" | "androidAOSP" => {
            Some(PlatformFamily::Android)
        }
        _ => None,
    }
}
