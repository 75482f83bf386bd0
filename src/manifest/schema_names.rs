//! The schema with what a tenant has: names of groups, filters and policies, for editors to complete and
//! check.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::is_name;
use crate::model::PolicyKind;

/// Names of a tenant's objects, each as often as an object has it.
#[derive(Clone, Debug, Default)]
pub struct TenantNames {
    /// Of groups.
    pub groups: Vec<String>,
    /// Of assignment filters.
    pub filters: Vec<String>,
    /// Of policies, for the kinds whose policies are known.
    pub policies: BTreeMap<PolicyKind, Vec<String>>,
}

/// Adds the names to the schema.
pub fn add_names(schema: &mut Value, names: &TenantNames) {
    let TenantNames {
        groups,
        filters,
        policies,
    } = names;
    let groups = one_of(unique(groups, str::to_lowercase));
    let filters = one_of(unique(filters, str::to_lowercase));
    let definitions = &mut schema["$defs"];
    // Of two alternatives the second names its keys.
    for path in [
        "/includedTarget/anyOf/1",
        "/excludedTarget",
        "/absentTarget/anyOf/1",
    ] {
        let Some(target) = definitions.pointer_mut(path) else {
            continue;
        };
        let properties = &mut target["properties"];
        if properties["filter"].is_object() {
            properties["filter"]["anyOf"] = filters.clone();
        }
        // A tenant may lack a group that is optional.
        let rule = json!({
            "if": {"properties": {"optional": {"const": true}}, "required": ["optional"]},
            "else": {"properties": {"group": {"anyOf": groups}}},
        });
        match &mut target["allOf"] {
            Value::Array(all) => all.push(rule),
            none => *none = json!([rule]),
        }
    }
    let by_kind = policies.iter().map(|(kind, names)| {
        let one = unique(names, str::to_owned);
        let all: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let all: Vec<&str> = all.into_iter().filter(|name| is_name(name)).collect();
        let mut then = json!({"properties": {"name": {"anyOf": one_of(all.clone())}}});
        if one.len() < all.len() {
            // The type can tell policies of one name apart.
            then["if"] = json!({"not": {"required": ["type"]}});
            then["then"] = json!({"properties": {"name": {"anyOf": one_of(one)}}});
        }
        json!({
            "if": {"properties": {"kind": {"const": kind.name()}}, "required": ["kind"]},
            "then": then,
        })
    });
    if let Some(rules) = definitions["policyEntry"]["allOf"].as_array_mut() {
        rules.extend(by_kind);
    }
}

/// Returns the names that were added to a schema.
pub fn names(schema: &Value) -> TenantNames {
    let definitions = &schema["$defs"];
    let target = &definitions["includedTarget"]["anyOf"][1];
    let rules = target["allOf"].as_array().into_iter().flatten();
    let groups = rules.flat_map(|rule| listed(&rule["else"]["properties"]["group"]));
    let by_kind = definitions["policyEntry"]["allOf"].as_array();
    let by_kind = by_kind.into_iter().flatten().filter_map(|rule| {
        let kind = rule["if"]["properties"]["kind"]["const"].as_str()?;
        let then = &rule["then"];
        let own = match &then["then"] {
            Value::Null => then,
            of_one => of_one,
        };
        let names = listed(&own["properties"]["name"]);
        Some((PolicyKind::from_name(kind)?, names))
    });
    TenantNames {
        groups: groups.collect(),
        filters: listed(&target["properties"]["filter"]),
        policies: by_kind.collect(),
    }
}

fn listed(property: &Value) -> Vec<String> {
    let names = property["anyOf"][0]["enum"].as_array();
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// Returns the names that find one object and can be written, sorted. `same` says when two are equal.
fn unique(names: &[String], same: impl Fn(&str) -> String) -> Vec<&str> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *known.entry(same(name)).or_default() += 1;
    }
    let names = names.iter().map(String::as_str);
    let names = names.filter(|name| is_name(name) && known.get(&same(name)) == Some(&1));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Says that a text is one of some names, or holds a variable.
fn one_of(names: Vec<&str>) -> Value {
    let variable = json!({"type": "string", "pattern": r"\$\{"});
    match names.is_empty() {
        true => json!([variable]),
        false => json!([{"enum": names}, variable]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::schema;
    use super::*;

    #[test]
    fn names_that_were_added_are_found_again() {
        let kind = PolicyKind::from_name("compliancePolicy").expect("a kind");
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let added = TenantNames {
            groups: owned(&["A", "B"]),
            filters: owned(&["F"]),
            policies: BTreeMap::from([(kind, owned(&["P"]))]),
        };
        let mut with_names = schema();
        add_names(&mut with_names, &added);
        let found = names(&with_names);
        assert_eq!(found.groups, added.groups);
        assert_eq!(found.filters, added.filters);
        assert_eq!(found.policies, added.policies);
        let plain = names(&schema());
        assert!(plain.groups.is_empty() && plain.filters.is_empty());
        assert!(plain.policies.values().all(Vec::is_empty));
    }
}
