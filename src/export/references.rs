//! How policies, groups and filters are named in manifests, and what manifests can ask for.
//!
//! A name is used where it finds exactly the object that is meant; else the id, with the name as a
//! comment. What a plan finds by names is a subset of what was looked at here, so a name that is
//! unique here is unique there.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::assignment_properties::ExportedProperties;
use crate::manifest::is_name;
use crate::model::{
    Assignment, Filter, FilterMode, Guid, LiveFilter, LiveGroup, LivePolicy, PolicyKind, Source,
    Target, WholeTenant, virtual_group,
};
use crate::text::with_article;

/// A policy, group or filter as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// By its display name.
    Name(String),
    /// By its id, with what a reader should know.
    Id {
        /// The id.
        id: String,
        /// The name, or why there is none.
        comment: Option<String>,
    },
}

impl Reference {
    /// Returns what the reader takes for its name.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Id { id, comment } => comment.as_deref().unwrap_or(id),
        }
    }
}

/// Who is included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    AllDevices,
    AllUsers,
    Group(Reference),
    Collection(String),
}

/// An included target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Included {
    pub(super) audience: Audience,
    pub(super) filter: Option<Reference>,
    /// Whether the filter leaves out what it matches.
    pub(super) excludes: bool,
    /// What is said besides that.
    pub(super) properties: ExportedProperties,
}

/// An excluded group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Excluded {
    pub(super) group: Reference,
    /// Of an app.
    pub(super) intent: Option<String>,
}

/// The targets of a policy, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Targets {
    pub(super) include: Vec<Included>,
    pub(super) exclude: Vec<Excluded>,
}

impl Targets {
    pub(super) fn len(&self) -> usize {
        self.include.len() + self.exclude.len()
    }
}

/// The names of a tenant, and how many objects share each.
pub(super) struct References<'a> {
    policy_names: HashMap<(PolicyKind, &'a str), usize>,
    groups: HashMap<&'a str, &'a LiveGroup>,
    group_names: HashMap<String, Vec<&'a str>>,
    filters: HashMap<&'a str, &'a LiveFilter>,
    filter_names: HashMap<String, usize>,
}

impl<'a> References<'a> {
    pub(super) fn new(tenant: &'a WholeTenant) -> Self {
        let mut policy_names = HashMap::new();
        let assignable = tenant.policies.iter();
        for policy in assignable.filter(|policy| !policy.is_tenant_default) {
            *policy_names
                .entry((policy.kind, &*policy.name))
                .or_default() += 1;
        }
        let mut group_names: HashMap<String, Vec<&str>> = HashMap::new();
        for group in &tenant.namesakes {
            let ids = group_names.entry(group.name.to_lowercase()).or_default();
            ids.push(group.id.as_str());
        }
        let mut filter_names = HashMap::new();
        for filter in &tenant.filters {
            *filter_names.entry(filter.name.to_lowercase()).or_default() += 1;
        }
        Self {
            policy_names,
            groups: tenant
                .groups
                .iter()
                .map(|group| (group.id.as_str(), group))
                .collect(),
            group_names,
            filters: tenant
                .filters
                .iter()
                .map(|filter| (filter.id.as_str(), filter))
                .collect(),
            filter_names,
        }
    }

    /// Returns how a policy is selected. Names are compared with case.
    pub(super) fn policy(&self, policy: &LivePolicy) -> Result<Reference, String> {
        let namesakes = self.policy_names.get(&(policy.kind, &*policy.name));
        if namesakes == Some(&1) && is_name(&policy.name) {
            return Ok(Reference::Name(policy.name.to_string()));
        }
        if policy.kind.has_guid_ids() && Guid::parse(&policy.id).is_none() {
            return Err(format!(
                "its name does not tell it from others, and its id `{}` is not a GUID",
                policy.id
            ));
        }
        Ok(by_id(&policy.id, &policy.name))
    }

    fn group(&self, id: &str) -> Reference {
        let name = self.groups.get(id).map(|group| &*group.name);
        reference(id, name, "the tenant has no such group", |name| {
            // Found by its name, and nothing else with it.
            let found = self.group_names.get(name);
            found.is_some_and(|ids| ids.as_slice() == [id])
        })
    }

    fn filter(&self, id: &str) -> Reference {
        let name = self.filters.get(id).map(|filter| &*filter.name);
        let missing = "the tenant has no such assignment filter";
        reference(id, name, missing, |name| {
            self.filter_names.get(name) == Some(&1)
        })
    }

    /// Returns what a manifest asks for to keep a policy as it is, and notes on what it need not
    /// ask for; or why it cannot ask for it.
    pub(super) fn targets(&self, policy: &LivePolicy) -> Result<(Targets, Vec<String>), String> {
        if is_blank(&policy.id) {
            return Err("its id is empty".to_owned());
        }
        let mut targets = Targets::default();
        let mut notes = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut sides = HashMap::new();
        let on_kind = format!("on {}", with_article(policy.kind.name()));
        for assignment in policy.assignments.iter() {
            if !assignment.key.is_direct() || matches!(assignment.key.target, Target::Other { .. })
            {
                notes.insert(self.note(assignment));
                continue;
            }
            let target = &assignment.key.target;
            let variant = assignment.key.variant.as_deref();
            if let Some((_, audience)) = target.group_id().and_then(virtual_group) {
                return Err(format!(
                    "it has the virtual group of {audience}, which no manifest can name {on_kind}"
                ));
            }
            if policy.kind.spec().targets.refused.contains(&target.kind()) {
                let target = self.describe(target);
                return Err(format!(
                    "it has {target}, which the service is known to refuse {on_kind}, and so does a manifest"
                ));
            }
            if !seen.insert((target, variant)) {
                return Err(format!("{} is assigned twice", self.named(assignment)));
            }
            if let Some(group) = target.group_id() {
                let excluded = target.is_exclusion();
                if *sides.entry((group, variant)).or_insert(excluded) != excluded {
                    let group = self.named(assignment);
                    return Err(format!("{group} is both included and excluded"));
                }
            }
            self.add(assignment, policy, &mut targets)?;
        }
        targets.include.sort();
        targets.exclude.sort();
        Ok((targets, notes.into_iter().collect()))
    }

    fn add(
        &self,
        assignment: &Assignment,
        policy: &LivePolicy,
        targets: &mut Targets,
    ) -> Result<(), String> {
        let properties = ExportedProperties::of(assignment, policy)?;
        let group = |id: &str| match Guid::parse(id) {
            Some(_) => Ok(self.group(id)),
            None => Err(format!("the group id `{id}` is not a GUID")),
        };
        let audience = match &assignment.key.target {
            Target::AllDevices => Audience::AllDevices,
            Target::AllUsers => Audience::AllUsers,
            Target::Group(id) => Audience::Group(group(id)?),
            Target::Collection(id) if !is_blank(id) => Audience::Collection(id.to_string()),
            Target::Collection(_) => return Err("a collection has no id".to_owned()),
            Target::ExclusionGroup(id) => {
                if assignment.filter.is_some() {
                    return Err(format!("{} has a filter", self.named(assignment)));
                }
                targets.exclude.push(Excluded {
                    group: group(id)?,
                    intent: properties.intent,
                });
                return Ok(());
            }
            // Not asked for; see `note`.
            Target::Other { .. } => return Ok(()),
        };
        let filter = assignment.filter.as_ref();
        let filter = filter.map(|filter| self.filtered(filter)).transpose()?;
        let (filter, excludes) = filter.unzip();
        targets.include.push(Included {
            audience,
            filter,
            excludes: excludes.unwrap_or_default(),
            properties,
        });
        Ok(())
    }

    fn filtered(&self, filter: &Filter) -> Result<(Reference, bool), String> {
        let excludes = match &filter.mode {
            FilterMode::Include => false,
            FilterMode::Exclude => true,
            FilterMode::Other(mode) => return Err(format!("the filter mode `{mode}` is unknown")),
        };
        match Guid::parse(&filter.id) {
            Some(_) => Ok((self.filter(&filter.id), excludes)),
            None => Err(format!("the filter id `{}` is not a GUID", filter.id)),
        }
    }

    /// Says what is there and stays, whatever the manifests say.
    fn note(&self, assignment: &Assignment) -> String {
        let target = self.named(assignment);
        match (&assignment.key.source, &assignment.key.target) {
            (Source::PolicySets, _) => format!("also assigned by a policy set: {target}"),
            (Source::Other(source), _) => format!("also assigned by `{source}`: {target}"),
            (Source::Direct, _) => format!("also assigned: {target}"),
        }
    }

    /// Names an assignment's target, and the intent with which it is meant.
    fn named(&self, assignment: &Assignment) -> String {
        let target = self.describe(&assignment.key.target);
        match &assignment.key.variant {
            Some(intent) => format!("{target}, {intent}"),
            None => target,
        }
    }

    fn describe_group(&self, id: &str) -> String {
        match (virtual_group(id), self.groups.get(id)) {
            (Some((_, audience)), _) => format!("the virtual group of {audience}"),
            (None, None) => format!("group {id}, which the tenant does not have"),
            (None, Some(_)) => format!("group {}", self.group(id).shown()),
        }
    }

    fn describe(&self, target: &Target) -> String {
        match target {
            Target::AllDevices => "allDevices".to_owned(),
            Target::AllUsers => "allUsers".to_owned(),
            Target::Group(id) => self.describe_group(id),
            Target::ExclusionGroup(id) => format!("excluded {}", self.describe_group(id)),
            Target::Collection(id) => format!("collection {id}"),
            Target::Other { odata_type, .. } => format!("a target of the type {odata_type}"),
        }
    }
}

/// Whether a manifest cannot hold the text.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Names a group or filter. `is_unique` is asked with the name in lower case.
fn reference(
    id: &str,
    name: Option<&str>,
    missing: &str,
    is_unique: impl FnOnce(&str) -> bool,
) -> Reference {
    match name {
        None => by_id(id, missing),
        Some(name) if is_unique(&name.to_lowercase()) && is_name(name) => {
            Reference::Name(name.to_owned())
        }
        Some(name) => by_id(id, name),
    }
}

fn by_id(id: &str, name: &str) -> Reference {
    Reference::Id {
        id: id.to_owned(),
        comment: (!is_blank(name)).then(|| name.to_owned()),
    }
}

/// Takes out of all targets what they say alike, for the entry to say once.
pub(super) fn in_common(targets: &mut Targets) -> ExportedProperties {
    let included = || targets.include.iter().map(|included| &included.properties);
    let excluded = targets.exclude.iter().map(|excluded| &excluded.intent);
    let intents = included().map(|properties| &properties.intent);
    let common = ExportedProperties {
        intent: alike(intents.chain(excluded)),
        settings: alike(included().map(|properties| &properties.settings)),
        schedule: alike(included().map(|properties| &properties.schedule)),
    };
    for included in &mut targets.include {
        let properties = &mut included.properties;
        if !common.settings.is_empty() {
            properties.settings.clear();
        }
        if common.schedule.is_some() {
            properties.schedule = None;
        }
        if common.intent.is_some() {
            properties.intent = None;
        }
    }
    if common.intent.is_some() {
        for excluded in &mut targets.exclude {
            excluded.intent = None;
        }
    }
    targets.include.sort();
    targets.exclude.sort();
    common
}

/// Returns what all are; nothing if they differ.
fn alike<'p, T: Clone + Default + PartialEq + 'p>(mut all: impl Iterator<Item = &'p T>) -> T {
    match all.next() {
        Some(first) if all.all(|other| other == first) => first.clone(),
        _ => T::default(),
    }
}
