//! Assignment targets: the sandbox's table of target types, and short ways to write one.

use serde_json::{Map, Value, json};

use crate::encoding::guid_from;

/// What stands for "All devices" in the id of an assignment (facts, section 2.4).
const ALL_DEVICES_ID: &str = "adadadad-808e-44e2-905a-0b7873a8a531";

/// What stands for "All users" in the id of an assignment (facts, section 2.4).
pub(crate) const ALL_USERS_ID: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";

/// The filter id that means "none" in some shapes (facts, section 2.3).
pub(crate) const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// What every `@odata.type` of the service begins with.
pub(crate) const NAMESPACE: &str = "microsoft.graph.";
/// The property with the filter's id.
pub(crate) const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
/// The property with the filter's mode.
pub(crate) const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";

/// The target types that the service knows (facts, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TargetType {
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
    pub(crate) fn from_odata(text: &str) -> Option<Self> {
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

    /// Returns the type of a target.
    pub(crate) fn of(target: &Map<String, Value>) -> Option<Self> {
        let name = target.get("@odata.type").and_then(Value::as_str)?;
        Self::from_odata(name)
    }

    /// Returns the properties that such a target has.
    pub(crate) fn properties(self) -> &'static [&'static str] {
        match self {
            Self::AllDevices | Self::AllLicensedUsers => &["@odata.type", FILTER_ID, FILTER_TYPE],
            Self::Group | Self::ExclusionGroup | Self::AndroidFota => {
                &["@odata.type", FILTER_ID, FILTER_TYPE, "groupId"]
            }
            Self::Collection => &["@odata.type", FILTER_ID, FILTER_TYPE, "collectionId"],
            Self::ScopeTagGroup => &[
                "@odata.type",
                FILTER_ID,
                FILTER_TYPE,
                "entraObjectId",
                "targetType",
            ],
        }
    }

    /// Returns the property that says who is meant, if there is one.
    pub(crate) fn key(self) -> Option<&'static str> {
        match self {
            Self::AllDevices | Self::AllLicensedUsers => None,
            Self::Group | Self::ExclusionGroup | Self::AndroidFota => Some("groupId"),
            Self::Collection => Some("collectionId"),
            Self::ScopeTagGroup => Some("entraObjectId"),
        }
    }
}

/// Returns the part of an assignment's id that stands for its target: `{policyId}_{targetId}`
/// (TF fixture, TFCAP; facts, section 2.4). Targets that share it cannot stand side by side.
pub(crate) fn target_id(target: &Map<String, Value>) -> String {
    match TargetType::of(target) {
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
