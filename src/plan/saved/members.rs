//! What was counted, as plans write it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{DeletedGroup, FilterCount, MemberCount, Unknown};
use crate::plan::Names;
use crate::plan::members::{DevicesAndUsers, Members, Reach};

/// A group that was deleted and is still assigned.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct DeletedRecord(#[serde(with = "DeletedGroupForm")] pub(super) DeletedGroup);

#[derive(Serialize, Deserialize)]
#[serde(remote = "DeletedGroup")]
struct DeletedGroupForm {
    id: String,
    name: String,
    at: Timestamp,
}

impl DeletedRecord {
    pub(super) fn all(names: &Names) -> Vec<Self> {
        let mut ids: Vec<&str> = names.missing_groups().collect();
        ids.sort_unstable();
        let deleted = ids.into_iter().filter_map(|id| names.deleted_group(id));
        deleted.cloned().map(Self).collect()
    }
}

/// How many of the tenant's devices a filter matches; null for what is not known.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FilterRecord {
    id: String,
    name: Option<String>,
    platform: Option<String>,
    matches: Option<u64>,
    at_least: bool,
    of: Option<u64>,
    #[serde(default, with = "reason_word")]
    reason: Option<Unknown>,
}

impl FilterRecord {
    pub(super) fn all(members: Option<&Members>, names: &Names) -> Vec<Self> {
        let counted = members.into_iter().flat_map(|members| &members.filters);
        counted
            .map(|(id, count)| {
                let FilterCount {
                    platform,
                    matches,
                    at_least,
                    of,
                    reason,
                } = count.clone();
                Self {
                    id: id.clone(),
                    name: names.filter(id).map(str::to_owned),
                    platform,
                    matches,
                    at_least,
                    of,
                    reason,
                }
            })
            .collect()
    }

    pub(super) fn read(&self) -> (String, FilterCount) {
        let Self {
            id,
            name: _,
            platform,
            matches,
            at_least,
            of,
            reason,
        } = self.clone();
        let count = FilterCount {
            platform,
            matches,
            at_least,
            of,
            reason,
        };
        (id, count)
    }
}

/// How many members a change's target has; null for what is not known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct CountRecord(#[serde(with = "CountForm")] pub(super) MemberCount);

#[derive(Serialize, Deserialize)]
#[serde(remote = "MemberCount")]
struct CountForm {
    devices: Option<u64>,
    users: Option<u64>,
    other: Option<u64>,
    exact: bool,
    #[serde(default, with = "reason_word")]
    reason: Option<Unknown>,
}

/// Who gains and loses a policy.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct ReachRecord(#[serde(with = "ReachForm")] pub(super) Reach);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reach")]
struct ReachForm {
    #[serde(with = "DevicesAndUsersForm")]
    gained: DevicesAndUsers,
    #[serde(with = "DevicesAndUsersForm")]
    lost: DevicesAndUsers,
    exact: bool,
    #[serde(default, with = "reason_word")]
    reason: Option<Unknown>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DevicesAndUsers")]
struct DevicesAndUsersForm {
    devices: Option<u64>,
    users: Option<u64>,
}

/// Why something is not known, by its word. A word of a newer version says nothing.
mod reason_word {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::model::Unknown;

    #[expect(clippy::ref_option, reason = "Serde wants a reference")]
    pub(super) fn serialize<S: Serializer>(
        reason: &Option<Unknown>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        reason.map(Unknown::name).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Unknown>, D::Error> {
        let word = Option::<String>::deserialize(deserializer)?;
        let mut all = Unknown::ALL.into_iter();
        Ok(all.find(|reason| word.as_deref() == Some(reason.name())))
    }
}
