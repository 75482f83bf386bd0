//! Where things stand in the lists of a tenant, so that a large one is not searched from its
//! beginning for each request.
//!
//! It only narrows: it gives places where something may stand, and who asks looks there. Places
//! stay right as long as nothing comes, goes or is renamed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::kinds::Collection;
use super::predicate::Predicate;
use super::tenant::Tenant;

/// The places of all that is looked up by id or by name.
#[derive(Debug)]
pub(super) struct Index {
    policies: [Names; 2],
    groups: Names,
}

/// A list by the ids and by the names in it, both without their case.
#[derive(Debug)]
pub(super) struct Names {
    ids: Places,
    names: Places,
}

/// Pairs of a key's hash and a place, in order.
#[derive(Debug)]
struct Places(Vec<(u64, usize)>);

impl Index {
    pub(super) fn new(tenant: &Tenant) -> Self {
        let policies = Collection::ALL.map(|collection| {
            let policies = tenant.policies(collection).iter();
            Names::new(policies.map(|policy| (policy.id.as_str(), policy.name.as_str())))
        });
        let groups = tenant.groups.iter();
        Self {
            policies,
            groups: Names::new(
                groups.map(|group| (group.id.as_str(), group.display_name.as_str())),
            ),
        }
    }

    pub(super) fn policies(&self, collection: Collection) -> &Names {
        let [configuration, compliance] = &self.policies;
        match collection {
            Collection::ConfigurationPolicies => configuration,
            Collection::CompliancePolicies => compliance,
        }
    }

    pub(super) fn groups(&self) -> &Names {
        &self.groups
    }
}

impl Names {
    fn new<'a>(list: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        Self {
            ids: Places::new(list.clone().map(|(id, _)| id)),
            names: Places::new(list.map(|(_, name)| name)),
        }
    }

    /// Returns where an id may stand, in the order of the list.
    pub(super) fn with_id(&self, id: &str) -> impl Iterator<Item = usize> {
        self.ids.of(id)
    }

    /// Returns the places in whose rows alone a filter can find something, in the order of the
    /// list; none where all of them have to be looked at. `name` is how the filter calls names.
    pub(super) fn narrowed(&self, filter: &Predicate, name: &str) -> Option<Vec<usize>> {
        let (property, values) = filter.one_of(&["id", name])?;
        let places = if property == "id" {
            &self.ids
        } else {
            &self.names
        };
        let values = values.iter().filter_map(Value::as_str);
        let mut found: Vec<usize> = values.flat_map(|value| places.of(value)).collect();
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

impl Places {
    fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut places: Vec<(u64, usize)> = keys
            .enumerate()
            .map(|(place, key)| (hash(key), place))
            .collect();
        places.sort_unstable();
        places.shrink_to_fit();
        Self(places)
    }

    fn of(&self, key: &str) -> impl Iterator<Item = usize> {
        let wanted = hash(key);
        let first = self.0.partition_point(|(hash, _)| *hash < wanted);
        let rest = self.0.get(first..).unwrap_or_default().iter();
        rest.take_while(move |(hash, _)| *hash == wanted)
            .map(|(_, place)| *place)
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::predicate::Grammar;
    use super::*;

    #[test]
    fn names_and_ids_are_found_whatever_their_case_and_in_order() {
        let mut tenant = Tenant::empty();
        let first = tenant.add_group("Ring Ä");
        tenant.add_group("other");
        tenant.add_group("RING ä");
        let index = Index::new(&tenant);
        let groups = index.groups();
        let by_id: Vec<usize> = groups.with_id(&first.to_uppercase()).collect();
        assert_eq!(by_id, [0]);
        assert_eq!(groups.with_id("nobody").next(), None);
        let grammar = Grammar {
            properties: &["displayName", "id", "mail"],
            functions: &[],
            in_list: true,
            not: true,
            ignore_case: true,
        };
        for (filter, expected) in [
            ("displayName eq 'ring ä'", Some(vec![0, 2])),
            (
                "displayName in ('other','nobody','ring ä')",
                Some(vec![0, 1, 2]),
            ),
            ("mail eq 'x' and displayName eq 'other'", Some(vec![1])),
            ("displayName eq 'other' and mail eq 'x'", Some(vec![1])),
            ("displayName eq true", Some(vec![])),
            ("mail eq 'x'", None),
            ("mail eq 'x' or displayName eq 'other'", None),
            ("not (displayName eq 'other')", None),
        ] {
            let predicate = Predicate::parse(filter, &grammar).expect(filter);
            assert_eq!(
                groups.narrowed(&predicate, "displayName"),
                expected,
                "{filter}"
            );
        }
    }
}
