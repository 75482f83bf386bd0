//! Small tenants in the sandbox's state file, and their rows in short words.
//!
//! A row is written `allDevices`, `allUsers`, `+Group`, `-Group` (excluded) or `collection ID`,
//! then `[include Filter]` or `[exclude Filter]`, then `<set>` where it comes from a policy set.

use serde_json::{Map, Value, json};

/// The tenant's id.
pub(in crate::cli) const TENANT_ID: &str = "11111111-2222-4333-8444-555555555555";

const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";

/// Returns the id of the n-th policy; configuration and compliance policies are counted together.
pub(in crate::cli) fn policy_id(number: usize) -> String {
    format!("aaaaaaaa-0000-4000-8000-{number:012}")
}

/// Returns the id of the n-th group.
pub(in crate::cli) fn group_id(number: usize) -> String {
    format!("bbbbbbbb-0000-4000-8000-{number:012}")
}

/// Returns the id of the n-th filter.
pub(in crate::cli) fn filter_id(number: usize) -> String {
    format!("cccccccc-0000-4000-8000-{number:012}")
}

/// A tenant in the making. Ids are counted from 1.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Tenant {
    service: Map<String, Value>,
    groups: Vec<Value>,
    filters: Vec<Value>,
    configuration_policies: Vec<Value>,
    compliance_policies: Vec<Value>,
}

impl Tenant {
    pub(in crate::cli) fn new() -> Self {
        Self::default()
    }

    /// Makes a tenant with the groups `A`, `B`, `C` and the Windows filter `F`.
    pub(in crate::cli) fn common() -> Self {
        Self::new()
            .group("A")
            .group("B")
            .group("C")
            .filter("F", "windows10AndLater")
    }

    /// Sets a switch of the service.
    pub(in crate::cli) fn switch(mut self, name: &str, value: Value) -> Self {
        self.service.insert(name.to_owned(), value);
        self
    }

    pub(in crate::cli) fn group(mut self, name: &str) -> Self {
        let id = group_id(self.groups.len() + 1);
        self.groups.push(json!({"id": id, "displayName": name}));
        self
    }

    pub(in crate::cli) fn filter(mut self, name: &str, platform: &str) -> Self {
        let id = filter_id(self.filters.len() + 1);
        self.filters
            .push(json!({"id": id, "displayName": name, "platform": platform, "rule": "true"}));
        self
    }

    /// Adds a configuration policy for Windows.
    pub(in crate::cli) fn policy(mut self, name: &str, rows: &[&str]) -> Self {
        let policy = self.make(name, rows);
        self.configuration_policies.push(policy);
        self
    }

    /// Adds a compliance policy for Windows.
    pub(in crate::cli) fn compliance(mut self, name: &str, rows: &[&str]) -> Self {
        let policy = self.make(name, rows);
        self.compliance_policies.push(policy);
        self
    }

    fn make(&self, name: &str, rows: &[&str]) -> Value {
        let number = self.configuration_policies.len() + self.compliance_policies.len() + 1;
        let rows: Vec<Value> = rows.iter().map(|row| self.row(row)).collect();
        json!({"id": policy_id(number), "name": name, "platforms": "windows10", "technologies": "mdm,configManager", "assignments": rows})
    }

    fn row(&self, words: &str) -> Value {
        let (words, set) = cut(words, '<', '>');
        let (words, filter) = cut(words, '[', ']');
        let (name, key) = match words.split_at_checked(1) {
            Some(("+", group)) => (
                "groupAssignmentTarget",
                Some(("groupId", self.named(group))),
            ),
            Some(("-", group)) => (
                "exclusionGroupAssignmentTarget",
                Some(("groupId", self.named(group))),
            ),
            _ => match words {
                "allDevices" => ("allDevicesAssignmentTarget", None),
                "allUsers" => ("allLicensedUsersAssignmentTarget", None),
                other => {
                    let id = other.strip_prefix("collection ").expect("a kind of row");
                    (
                        "configurationManagerCollectionAssignmentTarget",
                        Some(("collectionId", id.to_owned())),
                    )
                }
            },
        };
        let mut target = json!({
            "@odata.type": format!("#microsoft.graph.{name}"),
            FILTER_ID: null,
            FILTER_TYPE: "none",
        });
        if let Some((key, id)) = key {
            target[key] = json!(id);
        }
        if let Some(filter) = filter {
            let (mode, name) = filter.split_once(' ').expect("a mode and a filter");
            target[FILTER_ID] = find(&self.filters, "displayName", name)["id"].clone();
            target[FILTER_TYPE] = json!(mode);
        }
        match set {
            None => json!({"target": target}),
            Some(set) => json!({"target": target, "source": "policySets", "sourceId": set}),
        }
    }

    /// Returns a group's id; what is no group's name is taken for an id itself.
    fn named(&self, group: &str) -> String {
        let found = self
            .groups
            .iter()
            .find(|known| known["displayName"] == group);
        let id = found.and_then(|found| found["id"].as_str());
        id.unwrap_or(group).to_owned()
    }

    /// Returns the text of the state file.
    pub(in crate::cli) fn text(&self) -> String {
        let Self {
            service,
            groups,
            filters,
            configuration_policies,
            compliance_policies,
        } = self;
        let tenant = json!({
            "formatVersion": 1,
            "tenantId": TENANT_ID,
            "service": service,
            "groups": groups,
            "assignmentFilters": filters,
            "configurationPolicies": configuration_policies,
            "compliancePolicies": compliance_policies,
        });
        format!("{tenant:#}\n")
    }
}

/// Cuts off what stands between two marks at the end.
fn cut(words: &str, open: char, close: char) -> (&str, Option<&str>) {
    match words
        .strip_suffix(close)
        .and_then(|rest| rest.rsplit_once(open))
    {
        Some((rest, inner)) => (rest.trim_end(), Some(inner)),
        None => (words, None),
    }
}

fn find<'a>(list: &'a [Value], key: &str, name: &str) -> &'a Value {
    let found = list.iter().find(|object| object[key] == name);
    found.unwrap_or_else(|| panic!("nothing is called `{name}`"))
}

fn list<'a>(state: &'a Value, key: &str) -> &'a [Value] {
    state[key].as_array().map_or(&[], Vec::as_slice)
}

/// Finds a policy of either kind in a state file.
pub(in crate::cli) fn policy<'a>(state: &'a Value, name: &str) -> &'a Value {
    let all = ["configurationPolicies", "compliancePolicies"];
    all.iter()
        .flat_map(|key| list(state, key))
        .find(|policy| policy["name"] == name)
        .unwrap_or_else(|| panic!("no policy is called `{name}`"))
}

/// Returns a policy of the kind that tests take where it does not matter, by its place in a state file.
pub(in crate::cli) fn nth_policy(state: &mut Value, index: usize) -> &mut Value {
    &mut state["configurationPolicies"][index]
}

/// Finds a policy of either kind in a state file, to be changed.
pub(in crate::cli) fn policy_mut<'a>(state: &'a mut Value, name: &str) -> &'a mut Value {
    let state = state.as_object_mut().expect("an object");
    state
        .iter_mut()
        .filter(|(key, _)| key.ends_with("Policies"))
        .flat_map(|(_, list)| list.as_array_mut().expect("a list"))
        .find(|policy| policy["name"] == name)
        .unwrap_or_else(|| panic!("no policy is called `{name}`"))
}

/// Says the rows of a policy in a state file in short words, sorted.
pub(in crate::cli) fn rows(state: &Value, name: &str) -> Vec<String> {
    let name_of = |key: &str, id: &Value| {
        let found = list(state, key).iter().find(|object| object["id"] == *id);
        found.map_or(id, |object| &object["displayName"]).clone()
    };
    let plain = |value: Value| value.as_str().expect("text").to_owned();
    let said = |row: &Value| {
        let target = &row["target"];
        let group = || plain(name_of("groups", &target["groupId"]));
        let mut words = match target["@odata.type"].as_str().expect("a type") {
            "#microsoft.graph.allDevicesAssignmentTarget" => "allDevices".to_owned(),
            "#microsoft.graph.allLicensedUsersAssignmentTarget" => "allUsers".to_owned(),
            "#microsoft.graph.groupAssignmentTarget" => format!("+{}", group()),
            "#microsoft.graph.exclusionGroupAssignmentTarget" => format!("-{}", group()),
            "#microsoft.graph.configurationManagerCollectionAssignmentTarget" => {
                format!("collection {}", plain(target["collectionId"].clone()))
            }
            other => other.to_owned(),
        };
        if let Some(mode) = target[FILTER_TYPE].as_str().filter(|mode| *mode != "none") {
            let filter = plain(name_of("assignmentFilters", &target[FILTER_ID]));
            words = format!("{words} [{mode} {filter}]");
        }
        if row["source"] == "policySets" {
            let set = row["sourceId"].as_str().unwrap_or("?");
            words = format!("{words} <{set}>");
        }
        words
    };
    let mut rows: Vec<String> = list(policy(state, name), "assignments")
        .iter()
        .map(said)
        .collect();
    rows.sort();
    rows
}
