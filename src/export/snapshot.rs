//! A copy of a tenant as a state file for the sandbox (docs/sandbox.md).
//!
//! The types are private to this module: the sandbox shares none with the rest, so that what one writes
//! the other has to understand from the documentation alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::kinds::KINDS;
use crate::model::{RawPolicy, RawTenant};
use crate::text::escaped_in_json;

/// The version of the state file that is written.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    format_version: u32,
    tenant_id: &'a str,
    /// Nothing is read of users, devices and members, which is not the same as that there are none.
    service: Value,
    groups: Vec<Map<String, Value>>,
    assignment_filters: Vec<Map<String, Value>>,
    /// By the last part of their collection's path.
    #[serde(flatten)]
    policies: BTreeMap<&'static str, Vec<Policy<'a>>>,
}

#[derive(Serialize)]
struct Policy<'a> {
    id: &'a str,
    #[serde(flatten)]
    properties: Map<String, Value>,
    assignments: &'a [Map<String, Value>],
}

/// Writes a tenant as a state file, with everything that was read of it.
pub fn state(tenant: &RawTenant, tenant_id: &str) -> String {
    let policies = KINDS
        .iter()
        .map(|kind| {
            let key = kind.collection.rsplit('/').next();
            let key = key.unwrap_or(kind.collection);
            let policies = tenant.policies.iter();
            let of_kind = policies.filter(|policy| policy.live.kind.spec().name == kind.name);
            (key, of_kind.map(policy).collect::<Vec<_>>())
        })
        // A sandbox need not know a kind of which there is nothing.
        .filter(|(_, policies)| !policies.is_empty())
        .collect();
    let state = State {
        format_version: FORMAT_VERSION,
        tenant_id,
        service: json!({"membersUnknown": true}),
        groups: named(&tenant.groups),
        assignment_filters: named(&tenant.filters),
        policies,
    };
    // Texts, numbers and maps with texts for keys always serialise.
    let text = serde_json::to_string_pretty(&state).unwrap_or_default();
    let mut text = escaped_in_json(&text).into_owned();
    text.push('\n');
    text
}

fn policy(policy: &RawPolicy) -> Policy<'_> {
    let RawPolicy {
        live,
        properties,
        assignments,
    } = policy;
    let mut properties = without_annotations(properties);
    for known in ["id", "assignments"] {
        properties.remove(known);
    }
    let name_property = live.kind.spec().name_property.to_owned();
    properties.insert(name_property, Value::String(live.name.to_string()));
    Policy {
        id: &live.id,
        properties,
        assignments,
    }
}

/// Returns groups or filters, each once, with a name each: a directory may have none for a group.
fn named(objects: &[Map<String, Value>]) -> Vec<Map<String, Value>> {
    let mut seen = BTreeSet::new();
    objects
        .iter()
        .filter(|object| {
            let id = object.get("id").and_then(Value::as_str);
            seen.insert(id.map(str::to_lowercase))
        })
        .map(|object| {
            let mut object = without_annotations(object);
            if object.get("displayName").is_none_or(Value::is_null) {
                object.insert("displayName".to_owned(), json!(""));
            }
            object
        })
        .collect()
}

/// Leaves out what OData says of a reply, which is not a property of the object. Its type stays.
fn without_annotations(object: &Map<String, Value>) -> Map<String, Value> {
    let mut object = object.clone();
    object.retain(|key, _| key == "@odata.type" || !key.contains("@odata."));
    object
}
