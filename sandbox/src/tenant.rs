//! The tenant: policies with their assignments, groups, filters and the service's switches.
//!
//! Policies, groups and filters are open objects: what the sandbox does not know of them is kept
//! and served. `state` reads and writes the text of a tenant.

use std::borrow::Cow;
use std::sync::Arc;

use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::encoding::guid_from;
use super::kinds::Collection;
use super::switches::Switches;
use super::target::{Target, target_id};

/// The only version of the state file so far.
pub(super) const FORMAT_VERSION: u32 = 1;

/// A tenant, as kept in the state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    pub(super) format_version: u32,
    /// The directory's id.
    pub tenant_id: String,
    /// How the service behaves.
    #[serde(default)]
    pub service: Switches,
    /// The directory's groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The assignment filters.
    #[serde(default)]
    pub assignment_filters: Vec<Filter>,
    /// The settings catalog's policies.
    #[serde(default, deserialize_with = "super::rows::policies")]
    pub configuration_policies: Vec<Policy>,
    /// The compliance policies.
    #[serde(default, deserialize_with = "super::rows::policies")]
    pub compliance_policies: Vec<Policy>,
}

/// A policy of either collection, with its assignments.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The id, a GUID.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// Everything else that the service says about it, `assignments` not included.
    pub properties: Map<String, Value>,
    /// The assignments, in the order in which they are served.
    pub assignments: Vec<Assignment>,
}

/// One assignment of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The id, `{policyId}_{targetId}`.
    pub id: String,
    /// `direct` or `policySets`.
    pub source: Cow<'static, str>,
    /// The policy's own id, or the policy set's.
    pub source_id: Option<Arc<str>>,
    /// The target, as it was sent. A large tenant has the same few thousand a million times.
    pub target: Target,
    /// Properties that the sandbox does not know.
    pub properties: Map<String, Value>,
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The id, a GUID.
    pub id: String,
    /// The display name; not unique.
    pub display_name: String,
    /// Everything else that the directory says about it.
    pub properties: Map<String, Value>,
}

/// An assignment filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The id, a GUID.
    pub id: String,
    /// The display name.
    pub display_name: String,
    /// Everything else that the service says about it, `platform` and `rule` among it.
    pub properties: Map<String, Value>,
}

impl Tenant {
    /// Makes a tenant without policies, groups and filters.
    pub fn empty() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            tenant_id: guid_from("tenant"),
            service: Switches::default(),
            groups: Vec::new(),
            assignment_filters: Vec::new(),
            configuration_policies: Vec::new(),
            compliance_policies: Vec::new(),
        }
    }

    /// Returns the policies of a collection.
    pub fn policies(&self, collection: Collection) -> &[Policy] {
        match collection {
            Collection::ConfigurationPolicies => &self.configuration_policies,
            Collection::CompliancePolicies => &self.compliance_policies,
        }
    }

    /// Returns the policies of a collection, to be changed.
    pub fn policies_mut(&mut self, collection: Collection) -> &mut Vec<Policy> {
        match collection {
            Collection::ConfigurationPolicies => &mut self.configuration_policies,
            Collection::CompliancePolicies => &mut self.compliance_policies,
        }
    }

    /// Finds a policy by its id.
    pub fn policy(&self, collection: Collection, id: &str) -> Option<&Policy> {
        self.policies(collection)
            .iter()
            .find(|policy| policy.id.eq_ignore_ascii_case(id))
    }

    /// Finds a policy by its id, to be changed.
    pub fn policy_mut(&mut self, collection: Collection, id: &str) -> Option<&mut Policy> {
        self.policies_mut(collection)
            .iter_mut()
            .find(|policy| policy.id.eq_ignore_ascii_case(id))
    }

    /// Finds a group by its id.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.id.eq_ignore_ascii_case(id))
    }

    /// Finds a filter by its id.
    pub fn filter(&self, id: &str) -> Option<&Filter> {
        self.assignment_filters
            .iter()
            .find(|filter| filter.id.eq_ignore_ascii_case(id))
    }

    /// Adds a group and returns its id, which is made from its name and its place.
    pub fn add_group(&mut self, name: &str) -> String {
        let id = fresh_id("group", name, |id| self.group(id).is_some());
        self.groups.push(Group {
            id: id.clone(),
            display_name: name.to_owned(),
            properties: object(json!({"mailEnabled": false, "securityEnabled": true})),
        });
        id
    }

    /// Adds a filter and returns its id; the platform is a Graph name like `windows10AndLater`.
    pub fn add_filter(&mut self, name: &str, platform: &str, rule: &str) -> String {
        let id = fresh_id("filter", name, |id| self.filter(id).is_some());
        self.assignment_filters.push(Filter {
            id: id.clone(),
            display_name: name.to_owned(),
            properties: object(json!({
                "platform": platform,
                "rule": rule,
                "assignmentFilterManagementType": "devices",
            })),
        });
        id
    }

    /// Adds a policy without assignments and returns its id.
    pub fn add_policy(&mut self, collection: Collection, name: &str, platforms: &str) -> String {
        let id = fresh_id(collection.segment(), name, |id| {
            self.policy(collection, id).is_some()
        });
        let technologies = match platforms {
            "linux" => "linuxMdm",
            "macOS" | "iOS" => "mdm,appleRemoteManagement",
            _ => "mdm",
        };
        self.policies_mut(collection).push(Policy {
            id: id.clone(),
            name: name.to_owned(),
            properties: object(json!({"platforms": platforms, "technologies": technologies})),
            assignments: Vec::new(),
        });
        id
    }
}

impl Policy {
    /// Adds a direct assignment.
    pub fn assign(&mut self, target: Value) {
        self.push("direct", None, target);
    }

    /// Adds an assignment that comes from a policy set.
    pub fn assign_from_set(&mut self, set: &str, target: Value) {
        self.push("policySets", Some(set.to_owned()), target);
    }

    fn push(&mut self, source: &'static str, source_id: Option<String>, target: Value) {
        let mut row = Assignment {
            id: String::new(),
            source: Cow::Borrowed(source),
            source_id: source_id.map(Arc::from),
            target: Target::from(object(target)),
            properties: Map::new(),
        };
        row.settle(&self.id, &Arc::from(self.id.as_str()));
        self.assignments.push(row);
    }

    /// Gives every assignment the id and the source id that the service makes.
    pub(super) fn settle(&mut self) {
        let own = Arc::from(self.id.as_str());
        for row in &mut self.assignments {
            row.settle(&self.id, &own);
        }
    }
}

impl Assignment {
    fn settle(&mut self, policy_id: &str, own: &Arc<str>) {
        if self.id.is_empty() {
            self.id = format!("{policy_id}_{}", target_id(&self.target));
        }
        // Direct rows read back with the policy's own id (TF fixture, TFCAP).
        if self.source == "direct" && self.source_id.as_ref().is_none_or(|id| **id == **own) {
            self.source_id = Some(Arc::clone(own));
        }
    }

    /// Returns the row as the service shows it.
    pub fn to_value(&self) -> Value {
        // Strings, numbers and maps with string keys only: this cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Assignment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("id", &self.id)?;
        row.serialize_entry("source", &self.source)?;
        row.serialize_entry("sourceId", &self.source_id.as_deref())?;
        row.serialize_entry("target", &*self.target)?;
        for (key, value) in &self.properties {
            row.serialize_entry(key, value)?;
        }
        row.end()
    }
}

/// Returns the content of an object; of anything else, nothing.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn fresh_id(kind: &str, name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut id = guid_from(&format!("{kind}/{name}"));
    let mut count = 1;
    while taken(&id) {
        count += 1;
        id = guid_from(&format!("{kind}/{name}/{count}"));
    }
    id
}
