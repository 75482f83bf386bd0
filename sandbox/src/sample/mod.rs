//! The sample tenant: an endpoint team's usual mess, made from tables.
//!
//! Ids are made from names, so the sample is the same on every machine and every day. The
//! manifests in `examples/manifests` are written for it.

mod objects;
mod people;
mod tables;

use serde_json::{Map, Value, json};

use self::objects::{OBJECTS, Object};
use self::people::{DEVICES, DYNAMIC, FLEETS, MORE_USERS, NESTED, PLACED, USERS};
use self::tables::{FAMILIES, FILTERS, Family, GROUPS};
use crate::collections::Collection;
use crate::encoding::guid_from;
use crate::rules::assignment;
use crate::target;
use crate::tenant::{Device, Policy, Tenant, User, object};

/// The place of the Macs among the fleets.
const MACS: usize = 5;

impl Tenant {
    /// Makes the sample tenant: 195 policies, 60 groups, 8 filters, 184 users and 305 devices.
    pub fn sample() -> Self {
        let mut tenant = Self::empty();
        tenant.tenant_id = guid_from("sample tenant");
        for name in GROUPS {
            tenant.add_group(name);
        }
        tenant.add_members();
        for (name, platform, rule) in FILTERS {
            tenant.add_filter(name, platform, rule);
        }
        for family in FAMILIES {
            for name in family.names {
                let name = format!("{}{name}", family.prefix);
                let id = tenant.add_policy(family.collection, &name, family.platform);
                let rows: Vec<(char, Value)> = family
                    .assignments
                    .split("; ")
                    .filter(|text| !text.is_empty())
                    .map(|text| tenant.row(text))
                    .collect();
                if let Some(policy) = tenant.policy_mut(family.collection, &id) {
                    fill(policy, family, rows);
                }
            }
        }
        for object in OBJECTS {
            tenant.add(object);
        }
        tenant
    }

    fn add(&mut self, object: &Object) {
        let Some(collection) = Collection::named(object.segment) else {
            return;
        };
        let mut id = self.add_policy(collection, object.name, object.odata_type);
        if object.segment == "policySets" {
            id = self.name_policy_set(collection);
        }
        let rows = object.assignments.iter();
        let rows: Vec<Value> = rows.map(|text| self.spoken(text)).collect();
        if said(object.says).get("priority") == Some(&json!(0)) {
            id = self.mark_default(collection, &id);
        }
        if let Some(policy) = self.policy_mut(collection, &id) {
            policy.properties.extend(said(object.says));
        }
        let Some(policy) = self.policy(collection, &id) else {
            return;
        };
        let rows = rows.into_iter();
        let rows = rows.filter_map(|row| assignment::read(self, policy, row).ok());
        let rows = rows.collect();
        if let Some(policy) = self.policy_mut(collection, &id) {
            policy.assignments = rows;
        }
    }

    /// Gives an enrollment configuration that every tenant has the id of one.
    fn mark_default(&mut self, configurations: Collection, id: &str) -> String {
        let Some(policy) = self.policy_mut(configurations, id) else {
            return id.to_owned();
        };
        let odata_type = policy.odata_type();
        let kind = odata_type
            .strip_prefix("deviceEnrollment")
            .and_then(|rest| rest.strip_suffix("Configuration"))
            .unwrap_or(odata_type);
        let start = id.trim_end_matches("Custom");
        policy.id = format!("{start}Default{}", kind.replace("windows10", "Windows10"));
        policy.id.clone()
    }

    /// Reads an assignment of an object as it is sent.
    fn spoken(&self, text: &str) -> Value {
        let (whom, beside) = text.split_once(" + ").unwrap_or((text, ""));
        let target = match whom {
            "&" => target::group(target::ALL_USERS_ID),
            whom => self.row(whom).1,
        };
        let mut row = said(beside);
        row.insert("target".to_owned(), target);
        Value::Object(row)
    }

    /// Gives the policy set the id that its members' assignments name, and its members.
    fn name_policy_set(&mut self, sets: Collection) -> String {
        let id = guid_from("policy set");
        let catalog = self.policies(Collection::CONFIGURATION_POLICIES).iter();
        let members = catalog.filter(|policy| policy.name.starts_with("Win - Starter kit - "));
        let items: Vec<Value> = members
            .map(|policy| {
                json!({
                    "@odata.type": "#microsoft.graph.deviceManagementConfigurationPolicyPolicySetItem",
                    "payloadId": policy.id,
                    "displayName": policy.name,
                })
            })
            .collect();
        for set in self.policies_mut(sets) {
            set.id.clone_from(&id);
            set.properties.insert("items".to_owned(), json!(items));
        }
        id
    }

    fn add_members(&mut self) {
        let more =
            (1..=MORE_USERS).map(|number| (format!("u{number:03}@contoso.example"), &[][..]));
        let users = USERS
            .iter()
            .map(|(name, groups)| ((*name).to_owned(), *groups));
        for (number, (name, groups)) in users.chain(more).enumerate() {
            let id = guid_from(&format!("user {number}"));
            self.users.push(User {
                id: id.clone(),
                user_principal_name: name,
                properties: Map::new(),
            });
            groups.iter().for_each(|group| self.put_into(group, &id));
        }
        for (number, (name, groups)) in DEVICES.iter().enumerate() {
            let id = guid_from(&format!("device {number}"));
            let of_mac = usize::from(name.starts_with("MAC")) * MACS;
            let says = FLEETS.get(of_mac).map_or("", |fleet| fleet.says);
            self.add_device(&id, name, says);
            groups.iter().for_each(|group| self.put_into(group, &id));
        }
        for fleet in FLEETS {
            for number in 1..=fleet.number {
                let name = format!("{}{number:03}", fleet.prefix);
                self.add_device(&guid_from(&format!("device {name}")), &name, fleet.says);
            }
        }
        for (group, prefix, first, last) in PLACED {
            for number in *first..=*last {
                let id = match *prefix {
                    "u" => guid_from(&format!("user {}", USERS.len() + number - 1)),
                    prefix => guid_from(&format!("device {prefix}{number:03}")),
                };
                self.put_into(group, &id);
            }
        }
        for (inner, outer) in NESTED {
            let found = self.groups.iter().find(|group| group.display_name == inner);
            if let Some(id) = found.map(|group| group.id.clone()) {
                self.put_into(outer, &id);
            }
        }
        for group in &mut self.groups {
            let mut dynamic = DYNAMIC.iter();
            if let Some((_, rule)) = dynamic.find(|(name, _)| *name == group.display_name) {
                group.properties.extend(object(json!({
                    "groupTypes": ["DynamicMembership"],
                    "membershipRule": rule,
                    "membershipRuleProcessingState": "On",
                })));
            }
        }
    }

    fn add_device(&mut self, id: &str, name: &str, says: &str) {
        self.devices.push(Device {
            id: id.to_owned(),
            display_name: name.to_owned(),
            properties: said(says),
        });
    }

    fn put_into(&mut self, group: &str, member: &str) {
        let mut groups = self.groups.iter_mut().rev();
        if let Some(group) = groups.find(|found| found.display_name == group) {
            group.members.push(member.to_owned());
        }
    }

    /// Reads one row of the tables; gives its sign and its target.
    fn row(&self, text: &str) -> (char, Value) {
        let (whom, filter) = match text.split_once('|') {
            Some((whom, filter)) => (whom, Some(filter)),
            None => (text, None),
        };
        let sign = whom.chars().next().unwrap_or(' ');
        let name = whom.trim_start_matches(['!', '@', '#']);
        let group = || {
            let found = self.groups.iter().find(|group| group.display_name == name);
            found.map_or_else(String::new, |group| group.id.clone())
        };
        let target = match sign {
            '!' => target::exclusion_group(&group()),
            '#' => target::collection(name),
            _ if whom == "allDevices" => target::all_devices(),
            _ if whom == "allUsers" => target::all_users(),
            _ => target::group(&group()),
        };
        let Some(filter) = filter else {
            return (sign, target);
        };
        let (mode, name) = match filter.strip_prefix('-') {
            Some(name) => ("exclude", name),
            None => ("include", filter),
        };
        let all = &self.assignment_filters;
        let found = all.iter().find(|filter| filter.display_name == name);
        let id = found.map_or("", |filter| filter.id.as_str());
        (sign, target::filtered(target, id, mode))
    }
}

/// Reads the members of a JSON object.
fn said(text: &str) -> Map<String, Value> {
    serde_json::from_str(&format!("{{{text}}}").replace('~', "#microsoft.graph."))
        .unwrap_or_default()
}

fn fill(policy: &mut Policy, family: &Family, rows: Vec<(char, Value)>) {
    if !family.template.is_empty() && family.template != "none" {
        policy.properties.insert(
            "templateReference".to_owned(),
            json!({
                "templateId": format!("{}_1", guid_from(family.template)),
                "templateFamily": family.template,
                "templateDisplayName": null,
                "templateDisplayVersion": "Version 1",
            }),
        );
    }
    let set = guid_from("policy set");
    // Only what Configuration Manager takes part in is for its collections.
    if rows.iter().any(|(sign, _)| *sign == '#') {
        let technologies = json!("mdm,configManager");
        policy
            .properties
            .insert("technologies".to_owned(), technologies);
    }
    for (sign, target) in rows {
        if sign == '@' {
            policy.assign_from_set(&set, target);
        } else {
            policy.assign(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::collections::Collection;
    use crate::encoding::is_guid;
    use crate::rules::assignment;

    #[test]
    fn the_sample_is_as_big_as_it_says() {
        let tenant = Tenant::sample();
        assert_eq!(tenant.policies.values().flatten().count(), 195);
        assert_eq!(tenant.groups.len(), 60);
        assert_eq!(tenant.assignment_filters.len(), 8);
        assert_eq!((tenant.users.len(), tenant.devices.len()), (184, 305));
        let placed: usize = tenant.groups.iter().map(|group| group.members.len()).sum();
        let in_tables = |table: &[(&str, &[&str])]| -> usize {
            table.iter().map(|(_, groups)| groups.len()).sum()
        };
        let in_ranges: usize = PLACED
            .iter()
            .map(|(_, _, first, last)| last - first + 1)
            .sum();
        assert_eq!(
            placed,
            in_tables(&USERS) + in_tables(&DEVICES) + in_ranges + NESTED.len()
        );
        assert!(tenant.check_members().is_ok());
        let policies = tenant.policies.values().flatten();
        let rows = policies.flat_map(|policy| &policy.assignments);
        assert_eq!(rows.filter(|row| row.source == "policySets").count(), 7);
    }

    #[test]
    fn one_name_of_each_kind_is_there_twice() {
        let tenant = Tenant::sample();
        let twice = |names: Vec<&str>| {
            let mut counts = BTreeMap::new();
            for name in names {
                *counts.entry(name.to_lowercase()).or_insert(0) += 1;
            }
            counts.retain(|_, count| *count != 1);
            counts
        };
        let names = |policies: &'static str| (policies.to_owned(), 2);
        let catalog = tenant.policies(Collection::CONFIGURATION_POLICIES).iter();
        let catalog = twice(catalog.map(|policy| policy.name.as_str()).collect());
        assert_eq!(catalog, BTreeMap::from([names("win - printers")]));
        let compliance = tenant.policies(Collection::COMPLIANCE_POLICIES).iter();
        let compliance = twice(compliance.map(|policy| policy.name.as_str()).collect());
        assert_eq!(compliance, BTreeMap::new());
        let groups = tenant.groups.iter();
        let groups = twice(groups.map(|group| group.display_name.as_str()).collect());
        assert_eq!(groups, BTreeMap::from([names("sg-contractors")]));
    }

    /// What the rules refuse would be left out.
    #[test]
    fn no_object_lacks_an_assignment() {
        let tenant = Tenant::sample();
        for object in OBJECTS {
            let collection = Collection::named(object.segment).expect("a collection");
            let policies = tenant.policies(collection).iter();
            let mut counts = policies
                .filter(|policy| policy.name == object.name)
                .map(|policy| policy.assignments.len());
            let expected = object.assignments.len();
            assert!(counts.any(|count| count == expected), "{}", object.name);
            assert!(object.says.is_empty() || !said(object.says).is_empty());
        }
    }

    #[test]
    fn the_service_takes_its_own_sample() {
        let tenant = Tenant::sample();
        assert_eq!(
            Tenant::from_json(&tenant.to_json()).expect("its own text"),
            tenant
        );
        for policy in tenant.policies.values().flatten() {
            for row in &policy.assignments {
                let read = assignment::read(&tenant, policy, json!(row));
                assert_eq!(read.as_ref(), Ok(row), "{}", policy.name);
            }
            assert_eq!(assignment::unique(&policy.assignments), Ok(()));
            if let Some(group) = policy
                .assignments
                .iter()
                .find_map(|row| row.target.get("groupId"))
            {
                let id = group.as_str().unwrap_or_default();
                assert!(id == target::ALL_USERS_ID || tenant.group(id).is_some());
            }
        }
    }

    #[test]
    fn the_examples_name_ids_of_the_sample() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/manifests");
        let known = Tenant::sample().to_json();
        let mut ids = 0;
        for file in ["network.yaml", "special.yaml"] {
            let text = std::fs::read_to_string(folder.join("windows").join(file)).expect(file);
            for word in text.split_whitespace() {
                if is_guid(word) {
                    assert!(known.contains(word), "{file}: {word}");
                    ids += 1;
                }
            }
        }
        assert_eq!(ids, 4);
    }
}
