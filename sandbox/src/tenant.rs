//! The tenant: policies with their assignments, groups, filters and the service's switches.
//!
//! Policies, groups and filters are open objects: what the sandbox does not know of them is kept
//! and served. `state` reads and writes the text of a tenant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::approval_request::ApprovalRequest;
use crate::collections::{AssignmentIds, Collection, ObjectIds, SourceForm};
use crate::encoding::guid_from;
use crate::switches::Switches;
use crate::target::target_id;

/// The only version of the state file so far.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// A tenant, as kept in the state file, in this order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub(crate) format_version: u32,
    /// The directory's id.
    pub tenant_id: String,
    /// How the service behaves.
    pub service: Switches,
    /// The directory's groups.
    pub groups: Vec<Group>,
    /// The directory's users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
    /// The directory's devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// The assignment filters.
    pub assignment_filters: Vec<Filter>,
    /// The requests for the approval of writes, in the order in which they were filed.
    #[serde(
        rename = "operationApprovalRequests",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub approval_requests: Vec<ApprovalRequest>,
    /// The policies of each collection.
    #[serde(flatten, serialize_with = "without_empty")]
    pub(crate) policies: BTreeMap<Collection, Vec<Policy>>,
    /// The groups that were deleted and can be restored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted_groups: Vec<Group>,
    /// The audit events, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit_events: Vec<Map<String, Value>>,
}

/// Writes the policies of each collection that has some.
fn without_empty<S: Serializer>(
    policies: &BTreeMap<Collection, Vec<Policy>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let some = policies.iter().filter(|(_, some)| !some.is_empty());
    serializer.collect_map(some.map(|(collection, some)| (collection.segment(), some)))
}

/// A policy of any collection, with its assignments.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Where it is.
    pub(crate) collection: Collection,
    /// The id.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// Everything else that the service says about it, `assignments` not included.
    pub properties: Map<String, Value>,
    /// The assignments, in the order in which they are served.
    pub assignments: Vec<Assignment>,
}

/// One assignment of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "RawAssignment")]
pub struct Assignment {
    /// The id, in the form of its collection.
    pub id: String,
    /// `direct` or `policySets`.
    pub source: String,
    /// The policy's own id, or the policy set's.
    pub source_id: Option<String>,
    /// The target, as it was sent.
    pub target: Map<String, Value>,
    /// What is said beside the target: an app's settings, a schedule, and what the sandbox does not
    /// know.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// An assignment as people write it: only its target has to be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAssignment {
    id: Option<String>,
    source: Option<Source>,
    source_id: Option<String>,
    target: Map<String, Value>,
    #[serde(flatten)]
    properties: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Source {
    Direct,
    PolicySets,
}

impl TryFrom<RawAssignment> for Assignment {
    type Error = &'static str;

    fn try_from(raw: RawAssignment) -> Result<Self, Self::Error> {
        let RawAssignment {
            id,
            source,
            source_id,
            target,
            properties,
        } = raw;
        if !target.get("@odata.type").is_some_and(Value::is_string) {
            return Err("a `target` needs an `@odata.type`");
        }
        Ok(Self {
            id: id.unwrap_or_default(),
            source: match source {
                None | Some(Source::Direct) => "direct".to_owned(),
                Some(Source::PolicySets) => "policySets".to_owned(),
            },
            source_id,
            target,
            properties,
        })
    }
}

/// A user of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The id, a GUID.
    pub id: String,
    /// The sign-in name, which may stand for the id.
    pub user_principal_name: String,
    /// Everything else that the directory says about the user.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// A device of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The id, a GUID.
    pub id: String,
    /// The display name; not unique.
    pub display_name: String,
    /// Everything else that the directory says about it.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The id, a GUID.
    pub id: String,
    /// The display name; not unique.
    pub display_name: String,
    /// The ids of its members: users, devices and other groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Everything else that the directory says about it.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// An assignment filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// The id, a GUID.
    pub id: String,
    /// The display name.
    pub display_name: String,
    /// Everything else that the service says about it, `platform` and `rule` among it.
    #[serde(flatten)]
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
            users: Vec::new(),
            devices: Vec::new(),
            deleted_groups: Vec::new(),
            assignment_filters: Vec::new(),
            audit_events: Vec::new(),
            approval_requests: Vec::new(),
            policies: Collection::all()
                .map(|collection| (collection, Vec::new()))
                .collect(),
        }
    }

    /// Returns the policies of a collection.
    pub fn policies(&self, collection: Collection) -> &[Policy] {
        self.policies
            .get(&collection)
            .map_or(&[], |policies| policies.as_slice())
    }

    /// Returns the policies of a collection, to be changed.
    pub fn policies_mut(&mut self, collection: Collection) -> &mut Vec<Policy> {
        self.policies.entry(collection).or_default()
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
            members: Vec::new(),
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

    /// Adds a policy without assignments and returns its id. It is of the platforms, or where such
    /// objects are of several types, of the type: `windows10`, or `win32LobApp`.
    pub fn add_policy(&mut self, collection: Collection, name: &str, platforms: &str) -> String {
        let id = fresh_id(collection.segment(), name, |id| {
            self.policy(collection, &object_id(collection, id))
                .is_some()
        });
        let properties = if collection.spec().is_polymorphic {
            json!({"@odata.type": format!("#microsoft.graph.{platforms}")})
        } else if collection.spec().name == "name" {
            let technologies = match platforms {
                "linux" => "linuxMdm",
                "macOS" | "iOS" => "mdm,appleRemoteManagement",
                _ => "mdm",
            };
            json!({"platforms": platforms, "technologies": technologies})
        } else {
            json!({})
        };
        let id = object_id(collection, &id);
        let policy = Policy::new(collection, &id, name, object(properties));
        self.policies_mut(collection).push(policy);
        id
    }
}

/// Gives a GUID the form that a collection's ids have.
fn object_id(collection: Collection, guid: &str) -> String {
    match collection.spec().object_ids {
        ObjectIds::Guid => guid.to_owned(),
        ObjectIds::Prefixed if collection.segment().starts_with("targeted") => format!("A_{guid}"),
        ObjectIds::Prefixed => format!("T_{guid}"),
        ObjectIds::Suffixed => format!("{guid}_Custom"),
        ObjectIds::Number => {
            let digits = guid.bytes().filter(u8::is_ascii_digit).take(6);
            format!("1{}", digits.map(char::from).collect::<String>())
        }
    }
}

impl Policy {
    /// Makes a policy without assignments.
    pub fn new(
        collection: Collection,
        id: &str,
        name: &str,
        properties: Map<String, Value>,
    ) -> Self {
        Self {
            collection,
            id: id.to_owned(),
            name: name.to_owned(),
            properties,
            assignments: Vec::new(),
        }
    }

    /// Adds a direct assignment.
    pub fn assign(&mut self, target: Value) {
        self.assign_with(target, Value::Null);
    }

    /// Adds a direct assignment with more properties, an app's intent for example.
    pub fn assign_with(&mut self, target: Value, properties: Value) {
        self.push("direct", None, target, properties);
    }

    /// Adds an assignment that comes from a policy set.
    pub fn assign_from_set(&mut self, set: &str, target: Value) {
        self.push("policySets", Some(set.to_owned()), target, Value::Null);
    }

    fn push(&mut self, source: &str, set: Option<String>, target: Value, properties: Value) {
        self.assignments.push(Assignment {
            id: String::new(),
            source: source.to_owned(),
            source_id: set,
            target: object(target),
            properties: object(properties),
        });
        self.settle();
    }

    /// Gives every assignment the id and the source id that the service makes.
    pub(crate) fn settle(&mut self) {
        let Self {
            collection,
            id,
            assignments,
            ..
        } = self;
        for assignment in assignments {
            if assignment.id.is_empty() {
                assignment.id = assignment_id(*collection, id, assignment);
            }
            if assignment.source == "direct" && assignment.source_id.is_none() {
                assignment.source_id = own_source_id(*collection, id);
            }
        }
    }

    /// Whether the policy shows a property on one of its assignments, inside the objects that are named from
    /// the outside in.
    pub(crate) fn serves(&self, inside: &[&str], key: &str) -> bool {
        self.assignments.iter().any(|assignment| {
            let (object, deeper) = match inside {
                ["target", deeper @ ..] => (Some(&assignment.target), deeper),
                _ => (Some(&assignment.properties), inside),
            };
            let object = deeper
                .iter()
                .fold(object, |object, name| object?.get(*name)?.as_object());
            object.is_some_and(|object| object.contains_key(key))
        })
    }

    /// Returns the type that an object of several types has, without the namespace.
    pub(crate) fn odata_type(&self) -> &str {
        let name = self.properties.get("@odata.type").and_then(Value::as_str);
        name.unwrap_or_default()
            .trim_start_matches("#microsoft.graph.")
    }
}

/// Returns the source id of a direct assignment.
pub(crate) fn own_source_id(collection: Collection, policy_id: &str) -> Option<String> {
    match collection.spec().source {
        // Direct assignments read back with the policy's own id (TF fixture, TFCAP).
        SourceForm::Own => Some(policy_id.to_owned()),
        SourceForm::Null | SourceForm::Absent => None,
    }
}

/// Makes the id of an assignment. Those that share one cannot stand side by side.
pub(crate) fn assignment_id(
    collection: Collection,
    policy_id: &str,
    assignment: &Assignment,
) -> String {
    let target = target_id(&assignment.target);
    let source = i32::from(assignment.source != "direct");
    match collection.spec().row_ids {
        AssignmentIds::Target => format!("{policy_id}_{target}"),
        AssignmentIds::Colon => format!("{policy_id}:{target}"),
        AssignmentIds::Source => format!("{policy_id}_{target}_{source}"),
        AssignmentIds::Intent => {
            let intent = match assignment.properties.get("intent").and_then(Value::as_str) {
                Some("required") => 1,
                Some("uninstall") => 2,
                Some("availableWithoutEnrollment") => 3,
                _ => 0,
            };
            format!("{target}_{intent}_{source}")
        }
        AssignmentIds::Opaque => guid_from(&format!("{policy_id}/{target}/{source}")),
    }
}

/// Returns the content of an object; of anything else, nothing.
pub(crate) fn object(value: Value) -> Map<String, Value> {
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
