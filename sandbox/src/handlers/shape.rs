//! Objects and assignments as the service shows them.

use serde_json::{Map, Value, json};

use crate::collections::{Collection, Extras, Pool, SourceForm};
use crate::rules::with_seven_decimals;
use crate::target::{FILTER_ID, FILTER_TYPE, TargetType, ZERO_GUID};
use crate::tenant::{Assignment, Policy};

/// The day on which everything was made that does not say when.
const LONG_AGO: &str = "2024-03-01T08:00:00Z";

/// Returns a policy as the service shows it, without its assignments.
pub(super) fn policy(policy: &Policy) -> Map<String, Value> {
    let spec = policy.collection.spec();
    let mut object = Map::new();
    for name in spec.properties {
        let value = match *name {
            "isAssigned" => json!(!policy.assignments.is_empty()),
            // An etag, with its quotes.
            "version" if spec.pool == Pool::ManagedApplications => json!("\"1\""),
            other => default(other),
        };
        object.insert((*name).to_owned(), value);
    }
    add_own(&mut object, &policy.properties);
    object.insert("id".to_owned(), json!(policy.id));
    object.insert(spec.name.to_owned(), json!(policy.name));
    if spec.segment == "policySets" {
        // They are shown only where they are asked for.
        object.remove("items");
    }
    object
}

/// What the service says where the state file does not.
fn default(name: &str) -> Value {
    match name {
        "createdDateTime" | "lastModifiedDateTime" | "modifiedDateTime" | "creationDateTime" => {
            json!(LONG_AGO)
        }
        "description" => json!(""),
        "platforms" | "technologies" => json!("none"),
        "roleScopeTagIds" | "roleScopeTags" => json!(["0"]),
        "settingCount" | "version" => json!(1),
        "publishingState" => json!("published"),
        "isFeatured" | "isGlobalScript" | "isBuiltIn" | "isDefaultProfile" => json!(false),
        "templateReference" => json!({
            "templateId": "",
            "templateFamily": "none",
            "templateDisplayName": null,
            "templateDisplayVersion": null,
        }),
        _ => Value::Null,
    }
}

/// Adds what an object says itself. Annotations, which come with objects that were copied from the
/// service's answers, are the answer's to make.
pub(super) fn add_own(object: &mut Map<String, Value>, own: &Map<String, Value>) {
    let said = own
        .iter()
        .filter(|(key, _)| !key.contains("@odata.") || *key == "@odata.type");
    object.extend(said.map(|(key, value)| (key.clone(), value.clone())));
}

/// Leaves the selected properties. The type stays where the objects are of several; where there is
/// one, a selection loses it too.
pub(super) fn select(
    collection: Collection,
    select: Option<&[String]>,
    mut object: Map<String, Value>,
) -> Map<String, Value> {
    if let Some(selected) = select {
        let keeps_type = collection.spec().is_polymorphic;
        object.retain(|key, _| selected.contains(key) || keeps_type && key == "@odata.type");
    }
    object
}

/// Returns an assignment as the service shows it.
pub(super) fn assignment(collection: Collection, assignment: &Assignment) -> Map<String, Value> {
    let Assignment {
        id,
        source,
        source_id,
        target,
        properties,
    } = assignment;
    let spec = collection.spec();
    let mut shown = properties.clone();
    shown.insert("id".to_owned(), json!(id));
    if spec.source != SourceForm::Absent {
        shown.insert("source".to_owned(), json!(source));
        shown.insert("sourceId".to_owned(), json!(source_id));
    }
    let mut target = target.clone();
    let filter = target.entry(FILTER_ID).or_insert(Value::Null);
    if spec.zero_filter && filter.is_null() {
        *filter = json!(ZERO_GUID);
    }
    target.entry(FILTER_TYPE).or_insert_with(|| json!("none"));
    let excludes = TargetType::of(&target) == Some(TargetType::ExclusionGroup);
    shown.insert("target".to_owned(), Value::Object(target));
    match spec.extras {
        Extras::None => {}
        Extras::App => {
            shown.entry("settings").or_insert(Value::Null);
        }
        Extras::Apply => {
            shown.entry("intent").or_insert_with(|| json!("apply"));
        }
        Extras::Modified => {
            shown
                .entry("lastModifiedDateTime")
                .or_insert_with(|| json!(LONG_AGO));
        }
        Extras::Remediation => {
            // Whatever was written (TF PR #1385).
            shown.insert("runRemediationScript".to_owned(), json!(false));
            let schedule = shown.remove("runSchedule").unwrap_or_default();
            let schedule = if excludes { Value::Null } else { schedule };
            shown.insert("runSchedule".to_owned(), with_seven_decimals(schedule));
        }
    }
    shown
}
