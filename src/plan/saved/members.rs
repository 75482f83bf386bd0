//! What was counted, as plans write it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{DeletedGroup, FilterCount, MemberCount, Unknown};
use crate::plan::Names;
use crate::plan::members::{DevicesAndUsers, Members, Reach};

/// A group that was deleted and is still assigned.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct DeletedRecord {
    id: String,
    name: String,
    at: Timestamp,
}

impl DeletedRecord {
    pub(super) fn all(names: &Names) -> Vec<Self> {
        let mut ids: Vec<&str> = names.missing_groups().collect();
        ids.sort_unstable();
        let deleted = ids.into_iter().filter_map(|id| names.deleted_group(id));
        deleted
            .map(|group| {
                let DeletedGroup { id, name, at } = group.clone();
                Self { id, name, at }
            })
            .collect()
    }

    pub(super) fn read(&self) -> DeletedGroup {
        let Self { id, name, at } = self.clone();
        DeletedGroup { id, name, at }
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
    reason: Option<String>,
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
                    reason: word(reason),
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
            reason: word,
        } = self.clone();
        let count = FilterCount {
            platform,
            matches,
            at_least,
            of,
            reason: reason(word.as_ref()),
        };
        (id, count)
    }
}

/// How many members a change's target has; null for what is not known.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct CountRecord {
    devices: Option<u64>,
    users: Option<u64>,
    other: Option<u64>,
    exact: bool,
    reason: Option<String>,
}

/// Who gains and loses a policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct ReachRecord {
    gained: DevicesAndUsersRecord,
    lost: DevicesAndUsersRecord,
    exact: bool,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct DevicesAndUsersRecord {
    devices: Option<u64>,
    users: Option<u64>,
}

impl DevicesAndUsersRecord {
    fn new(heads: DevicesAndUsers) -> Self {
        let DevicesAndUsers { devices, users } = heads;
        Self { devices, users }
    }

    fn read(self) -> DevicesAndUsers {
        let Self { devices, users } = self;
        DevicesAndUsers { devices, users }
    }
}

fn word(reason: Option<Unknown>) -> Option<String> {
    reason.map(|reason| reason.name().to_owned())
}

fn reason(word: Option<&String>) -> Option<Unknown> {
    let mut all = Unknown::ALL.into_iter();
    all.find(|reason| word.is_some_and(|word| word == reason.name()))
}

impl CountRecord {
    pub(super) fn new(count: &MemberCount) -> Self {
        let MemberCount {
            devices,
            users,
            other,
            exact,
            reason,
        } = *count;
        Self {
            devices,
            users,
            other,
            exact,
            reason: word(reason),
        }
    }

    pub(super) fn read(&self) -> MemberCount {
        let Self {
            devices,
            users,
            other,
            exact,
            reason: word,
        } = self;
        MemberCount {
            devices: *devices,
            users: *users,
            other: *other,
            exact: *exact,
            reason: reason(word.as_ref()),
        }
    }
}

impl ReachRecord {
    pub(super) fn new(reach: &Reach) -> Self {
        let Reach {
            gained,
            lost,
            exact,
            reason,
        } = *reach;
        Self {
            gained: DevicesAndUsersRecord::new(gained),
            lost: DevicesAndUsersRecord::new(lost),
            exact,
            reason: word(reason),
        }
    }

    pub(super) fn read(&self) -> Reach {
        let Self {
            gained,
            lost,
            exact,
            reason: word,
        } = self;
        Reach {
            gained: gained.read(),
            lost: lost.read(),
            exact: *exact,
            reason: reason(word.as_ref()),
        }
    }
}
