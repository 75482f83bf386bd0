//! Assignment targets: the sandbox's table of target types, and short ways to write one.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::encoding::guid_from;
use super::kinds::{ALL_DEVICES_ID, ALL_USERS_ID};
use super::shown::Json as _;

/// What every `@odata.type` of the service begins with.
pub(super) const NAMESPACE: &str = "microsoft.graph.";
/// The property with the filter's id.
pub(super) const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
/// The property with the filter's mode.
pub(super) const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";

/// An assignment's target, an object. Clones are the same one.
///
/// It keeps the JSON in which it is shown: a page of policies with their assignments has hundreds.
#[derive(Clone, Debug)]
pub struct Target(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    object: Map<String, Value>,
    json: Box<str>,
}

impl Target {
    /// Returns the JSON in which it is shown.
    pub(super) fn json(&self) -> &str {
        &self.0.json
    }
}

impl From<Map<String, Value>> for Target {
    fn from(object: Map<String, Value>) -> Self {
        let mut json = String::new();
        object.write(&mut json);
        Self(Arc::new(Kept {
            object,
            json: json.into(),
        }))
    }
}

impl Deref for Target {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0.object
    }
}

impl Borrow<Map<String, Value>> for Target {
    fn borrow(&self) -> &Map<String, Value> {
        self
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Target {}

impl Hash for Target {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// The target types that the service knows (facts, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TargetType {
    AllDevices,
    AllLicensedUsers,
    Group,
    ExclusionGroup,
    Collection,
    /// Gone from newer metadata (TF commit ea12f94d), still taken.
    AndroidFota,
    /// Documented only (DOCS: intune-shared-scopetaggroupassignmenttarget.md).
    ScopeTagGroup,
}

impl TargetType {
    /// Finds a type by its `@odata.type`, with the leading `#` or without (facts, section 2.3).
    pub(super) fn from_odata(text: &str) -> Option<Self> {
        let text = text.strip_prefix('#').unwrap_or(text);
        Some(match text.strip_prefix(NAMESPACE)? {
            "allDevicesAssignmentTarget" => Self::AllDevices,
            "allLicensedUsersAssignmentTarget" => Self::AllLicensedUsers,
            "groupAssignmentTarget" => Self::Group,
            "exclusionGroupAssignmentTarget" => Self::ExclusionGroup,
            "configurationManagerCollectionAssignmentTarget" => Self::Collection,
            "androidFotaDeploymentAssignmentTarget" => Self::AndroidFota,
            "scopeTagGroupAssignmentTarget" => Self::ScopeTagGroup,
            _ => return None,
        })
    }

    /// Returns the property that says who is meant, where there is one.
    pub(super) fn key(self) -> Option<&'static str> {
        match self {
            Self::AllDevices | Self::AllLicensedUsers => None,
            Self::Group | Self::ExclusionGroup | Self::AndroidFota => Some("groupId"),
            Self::Collection => Some("collectionId"),
            Self::ScopeTagGroup => Some("entraObjectId"),
        }
    }
}

/// Returns the part of an assignment's id that stands for its target: `{policyId}_{targetId}`
/// (TF fixture, TFCAP; facts, section 2.4). Targets that share it can't stand side by side.
pub(super) fn target_id(target: &Map<String, Value>) -> String {
    let odata_type = target.get("@odata.type").and_then(Value::as_str);
    match odata_type.and_then(TargetType::from_odata) {
        Some(TargetType::AllDevices) => ALL_DEVICES_ID.to_owned(),
        Some(TargetType::AllLicensedUsers) => ALL_USERS_ID.to_owned(),
        Some(known) => known
            .key()
            .and_then(|key| target.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_ascii_lowercase(),
        // A type that only a state file can hold: its content stands for it.
        None => guid_from(&Value::Object(target.clone()).to_string()),
    }
}

/// Makes a target of all devices.
pub fn all_devices() -> Value {
    make("allDevicesAssignmentTarget", None)
}

/// Makes a target of all licensed users.
pub fn all_users() -> Value {
    make("allLicensedUsersAssignmentTarget", None)
}

/// Makes a target of a group.
pub fn group(id: &str) -> Value {
    make("groupAssignmentTarget", Some(("groupId", id)))
}

/// Makes a target that excludes a group.
pub fn exclusion_group(id: &str) -> Value {
    make("exclusionGroupAssignmentTarget", Some(("groupId", id)))
}

/// Makes a target of a Configuration Manager collection.
pub fn collection(id: &str) -> Value {
    make(
        "configurationManagerCollectionAssignmentTarget",
        Some(("collectionId", id)),
    )
}

/// Puts a filter on a target; the mode is `include` or `exclude`.
#[must_use]
pub fn filtered(mut target: Value, filter: &str, mode: &str) -> Value {
    if let Some(target) = target.as_object_mut() {
        target.insert(FILTER_ID.to_owned(), json!(filter));
        target.insert(FILTER_TYPE.to_owned(), json!(mode));
    }
    target
}

fn make(name: &str, key: Option<(&str, &str)>) -> Value {
    let mut target = Map::new();
    target.insert(
        "@odata.type".to_owned(),
        json!(format!("#{NAMESPACE}{name}")),
    );
    target.insert(FILTER_ID.to_owned(), Value::Null);
    target.insert(FILTER_TYPE.to_owned(), json!("none"));
    if let Some((key, value)) = key {
        target.insert(key.to_owned(), json!(value));
    }
    Value::Object(target)
}
