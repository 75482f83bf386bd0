//! Targets, filters and sources: what assignments are made of.

use std::sync::Arc;

use crate::kinds::TargetKind;

/// A text that many assignments share: a tenant has a thousand assignments for each of its groups.
pub type SharedText = Arc<str>;

/// The ids that portals and other tools use for the built-in targets, as if these were groups; with the word of
/// manifests for each, and what it means.
const VIRTUAL_GROUPS: [(&str, &str, &str); 2] = [
    (
        "acacacac-9df4-4c7d-9d50-4ef0226f57a9",
        "allUsers",
        "all users",
    ),
    (
        "adadadad-808e-44e2-905a-0b7873a8a531",
        "allDevices",
        "all devices",
    ),
];

/// Returns the word of manifests for a target whose id a group has, and what it means; `None` if it may be a
/// group's own id.
pub fn virtual_group(id: &str) -> Option<(&'static str, &'static str)> {
    let mut all = VIRTUAL_GROUPS.into_iter();
    let found = all.find(|(known, ..)| known.eq_ignore_ascii_case(id));
    found.map(|(_, word, audience)| (word, audience))
}

/// Who is meant by an assignment.
///
/// Group ids are GUIDs in lower case. They stay text, since a live object may hold anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Every managed device.
    AllDevices,
    /// Every licensed user.
    AllUsers,
    /// The members of the group with this id.
    Group(SharedText),
    /// The Configuration Manager collection with this id, in upper case, as Configuration Manager writes it.
    Collection(SharedText),
    /// The members of the group with this id are left out.
    ExclusionGroup(SharedText),
    /// A target of a type that this program does not know; carried along, never judged.
    Other {
        /// The `@odata.type`, without its `#microsoft.graph.` prefix.
        odata_type: SharedText,
        /// The target's other properties, without the filter, as JSON with sorted keys.
        properties: SharedText,
    },
}

impl Target {
    /// Makes the target of a collection; case does not matter.
    pub fn collection(id: &str) -> Self {
        Self::Collection(id.to_ascii_uppercase().into())
    }

    /// Returns the target's kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::AllDevices => TargetKind::AllDevices,
            Self::AllUsers => TargetKind::AllUsers,
            Self::Group(_) => TargetKind::Group,
            Self::Collection(_) => TargetKind::Collection,
            Self::ExclusionGroup(_) => TargetKind::ExclusionGroup,
            Self::Other { .. } => TargetKind::Other,
        }
    }

    /// Returns the target's type as manifests, plans and reports write it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::AllDevices => "allDevices",
            Self::AllUsers => "allUsers",
            Self::Group(_) => "group",
            Self::Collection(_) => "collection",
            Self::ExclusionGroup(_) => "exclusionGroup",
            Self::Other { odata_type, .. } => odata_type,
        }
    }

    /// Returns the id of the group or collection, if the target has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Group(id) | Self::Collection(id) | Self::ExclusionGroup(id) => Some(id),
            Self::AllDevices | Self::AllUsers | Self::Other { .. } => None,
        }
    }

    /// Returns the id of the group that the target includes or excludes.
    pub fn group_id(&self) -> Option<&str> {
        match self {
            Self::Group(id) | Self::ExclusionGroup(id) => Some(id),
            Self::AllDevices | Self::AllUsers | Self::Collection(_) | Self::Other { .. } => None,
        }
    }

    /// Whether the target is all devices or all users.
    pub fn is_broad(&self) -> bool {
        matches!(self, Self::AllDevices | Self::AllUsers)
    }

    /// Whether the target leaves a group out.
    pub fn is_exclusion(&self) -> bool {
        matches!(self, Self::ExclusionGroup(_))
    }
}

/// How a filter works on its target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilterMode {
    /// Only what the filter matches.
    Include,
    /// All but what the filter matches.
    Exclude,
    /// A mode that this program does not know, as the service wrote it.
    Other(SharedText),
}

impl FilterMode {
    /// Returns the mode as it is written in manifests and on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
            Self::Other(text) => text,
        }
    }

    /// Reads a mode as the service writes it.
    pub fn from_wire(text: &str) -> Self {
        match text {
            "include" => Self::Include,
            "exclude" => Self::Exclude,
            other => Self::Other(other.into()),
        }
    }
}

/// An assignment filter on a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    /// The filter's id, a GUID in lower case.
    pub id: SharedText,
    /// How it works.
    pub mode: FilterMode,
}

/// Where an assignment comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Made on the policy itself.
    Direct,
    /// Made through a policy set.
    PolicySets,
    /// A source that this program does not know, as the service wrote it; never touched.
    Other(SharedText),
}

impl Source {
    /// Returns the source as it is written in manifests and on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Direct => "direct",
            Self::PolicySets => "policySets",
            Self::Other(text) => text,
        }
    }

    /// Reads a source as the service writes it.
    pub fn from_wire(text: &str) -> Self {
        match text {
            "direct" => Self::Direct,
            "policySets" => Self::PolicySets,
            other => Self::Other(other.into()),
        }
    }
}
