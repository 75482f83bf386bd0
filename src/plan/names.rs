//! What policies, groups and filters are called, and which of those names are ambiguous.

use std::collections::{HashMap, HashSet, hash_map};
use std::fmt::Write as _;

use crate::look_alike::skeleton;
use crate::model::{
    Assignment, DeletedGroup, LiveFilter, LiveGroup, PolicyKind, Target, virtual_group,
};

/// Display names by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    groups: Known,
    filters: Known,
    /// Groups that were looked up and do not exist.
    missing_groups: HashSet<String>,
    /// Those of them that were deleted not long ago.
    deleted_groups: HashMap<String, DeletedGroup>,
    /// Assignment filters that were looked up and do not exist.
    missing_filters: HashSet<String>,
}

impl Names {
    /// Returns the names of groups and filters that were read.
    pub(in crate::plan) fn of<'r>(
        groups: impl IntoIterator<Item = &'r LiveGroup>,
        filters: &[LiveFilter],
    ) -> Self {
        let mut names = Self::default();
        for LiveGroup { id, name } in groups {
            names.add_group(id.clone(), name.clone());
        }
        for filter in filters {
            names.add_filter(filter.id.clone(), filter.name.clone());
        }
        names
    }

    /// Returns a group's display name.
    pub fn group(&self, id: &str) -> Option<&str> {
        self.groups.name(id)
    }

    /// Returns an assignment filter's display name.
    pub fn filter(&self, id: &str) -> Option<&str> {
        self.filters.name(id)
    }

    /// Adds a group's display name, or replaces it.
    pub fn add_group(&mut self, id: String, name: String) {
        self.missing_groups.remove(&id);
        self.groups.add(id, name);
    }

    /// Adds a group that does not exist. One that stands for everyone is not in the directory either.
    pub fn add_missing_group(&mut self, id: String) {
        if self.groups.name(&id).is_none() && virtual_group(&id).is_none() {
            self.missing_groups.insert(id);
        }
    }

    /// Adds a group that was deleted.
    pub fn add_deleted_group(&mut self, group: DeletedGroup) {
        self.add_missing_group(group.id.clone());
        self.deleted_groups.insert(group.id.clone(), group);
    }

    /// Returns what a group was that does not exist any more, if that can still be read.
    pub fn deleted_group(&self, id: &str) -> Option<&DeletedGroup> {
        self.deleted_groups
            .get(id)
            .filter(|_| self.is_missing_group(id))
    }

    /// Returns the groups that are known not to exist.
    pub fn missing_groups(&self) -> impl Iterator<Item = &str> {
        self.missing_groups.iter().map(String::as_str)
    }

    /// Adds an assignment filter's display name, or replaces it.
    pub fn add_filter(&mut self, id: String, name: String) {
        self.missing_filters.remove(&id);
        self.filters.add(id, name);
    }

    /// Adds an assignment filter that does not exist.
    pub fn add_missing_filter(&mut self, id: String) {
        if self.filters.name(&id).is_none() {
            self.missing_filters.insert(id);
        }
    }

    /// Whether an assignment filter is known not to exist. One that was not looked up may exist.
    pub fn is_missing_filter(&self, id: &str) -> bool {
        self.missing_filters.contains(id)
    }

    /// Whether a group is known not to exist. One that was not looked up may exist.
    pub fn is_missing_group(&self, id: &str) -> bool {
        self.missing_groups.contains(id)
    }

    /// Whether another known group has the same display name, or one that looks the same.
    pub fn shares_group_name(&self, id: &str) -> bool {
        self.groups.shares(id)
    }

    /// Whether another known filter has the same display name, or one that looks the same.
    pub fn shares_filter_name(&self, id: &str) -> bool {
        self.filters.shares(id)
    }

    /// Says an assignment in a sentence: its target, the intent with which it is meant, and its filter.
    pub fn describe(&self, assignment: &Assignment) -> String {
        let group = |id: &str| format!("group `{}`", self.group(id).unwrap_or(id));
        let mut text = match &assignment.key.target {
            Target::AllDevices => "all devices".to_owned(),
            Target::AllUsers => "all users".to_owned(),
            Target::Group(id) => group(id),
            Target::ExclusionGroup(id) => format!("excluded {}", group(id)),
            Target::Collection(id) => format!("collection `{id}`"),
            Target::Other { odata_type, .. } => format!("a target of the type `{odata_type}`"),
        };
        if let Some(intent) = &assignment.key.variant {
            let _ = write!(text, " as `{intent}`");
        }
        if let Some(filter) = &assignment.filter {
            let name = self.filter(&filter.id).unwrap_or(&filter.id);
            let _ = write!(text, " with filter `{name}` ({})", filter.mode.name());
        }
        text
    }

    /// Notes groups and filters whose names are shared with objects that are not known.
    pub fn add_shared(
        &mut self,
        groups: impl IntoIterator<Item = String>,
        filters: impl IntoIterator<Item = String>,
    ) {
        self.groups.noted.extend(groups);
        self.filters.noted.extend(filters);
    }
}

/// Returns the policies whose name another one of their kind has, or one that looks the same.
pub fn shared_policy_names<'p>(
    policies: impl Iterator<Item = (PolicyKind, &'p str, &'p str)>,
) -> HashSet<(PolicyKind, &'p str)> {
    let mut first: HashMap<(PolicyKind, String), &str> = HashMap::new();
    let mut shared = HashSet::new();
    for (kind, id, name) in policies {
        match first.entry((kind, skeleton(name))) {
            hash_map::Entry::Vacant(new) => {
                new.insert(id);
            }
            hash_map::Entry::Occupied(known) if *known.get() == id => {}
            hash_map::Entry::Occupied(known) => {
                shared.extend([(kind, *known.get()), (kind, id)]);
            }
        }
    }
    shared
}

/// Objects of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    names: HashMap<String, Named>,
    /// How many objects have a name that looks like this.
    skeletons: HashMap<String, usize>,
    /// Those that share their name with an object that is not known.
    noted: HashSet<String>,
}

/// A name, and what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    skeleton: String,
}

impl Known {
    fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(|named| named.name.as_str())
    }

    fn add(&mut self, id: String, name: String) {
        if self.name(&id) == Some(&name) {
            return;
        }
        let skeleton = skeleton(&name);
        *self.skeletons.entry(skeleton.clone()).or_default() += 1;
        if let Some(former) = self.names.insert(id, Named { name, skeleton })
            && let Some(number) = self.skeletons.get_mut(&former.skeleton)
        {
            *number -= 1;
        }
    }

    fn shares(&self, id: &str) -> bool {
        self.noted.contains(id)
            || self
                .names
                .get(id)
                .and_then(|named| self.skeletons.get(&named.skeleton))
                .is_some_and(|number| *number > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shared_as_long_as_two_groups_have_it() {
        let mut names = Names::default();
        names.add_group("a".to_owned(), "Pilot".to_owned());
        names.add_group("a".to_owned(), "Pilot".to_owned());
        assert!(!names.shares_group_name("a"));
        names.add_group("b".to_owned(), "Pilot".to_owned());
        assert!(names.shares_group_name("a"));
        assert!(!names.shares_group_name("c"));
        names.add_group("b".to_owned(), "Broad".to_owned());
        assert!(!names.shares_group_name("a"));
        assert_eq!(names.group("b"), Some("Broad"));
    }

    #[test]
    fn f25_a_name_that_looks_like_another_is_shared() {
        let mut names = Names::default();
        names.add_filter("a".to_owned(), "Corporate".to_owned());
        names.add_filter("b".to_owned(), "corp\u{43e}rate ".to_owned());
        assert!(names.shares_filter_name("a") && names.shares_filter_name("b"));
    }

    #[test]
    fn f25_policies_of_one_kind_share_names_that_look_the_same() {
        let kind = |name| PolicyKind::from_name(name).expect("a kind");
        let (one, other) = (kind("configurationPolicy"), kind("compliancePolicy"));
        let mut policies = vec![(one, "p", "Defender"), (other, "q", "Defender")];
        // The kind tells them apart.
        assert!(shared_policy_names(policies.iter().copied()).is_empty());
        policies.push((one, "r", "DEFENDER"));
        policies.push((one, "r", "DEFENDER"));
        let shared = shared_policy_names(policies.iter().copied());
        assert_eq!(shared, HashSet::from([(one, "p"), (one, "r")]));
    }

    #[test]
    fn f34_only_a_group_that_was_looked_up_is_missing() {
        let mut names = Names::default();
        names.add_missing_group("a".to_owned());
        assert!(names.is_missing_group("a") && !names.is_missing_group("b"));
        names.add_group("a".to_owned(), "A".to_owned());
        names.add_missing_group("a".to_owned());
        assert!(!names.is_missing_group("a"));
    }
}
