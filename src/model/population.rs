//! How many devices and users groups hold, and what is known of groups besides their names.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;

/// A group that was deleted and can be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedGroup {
    /// The group's id, in lower case.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// When it was deleted.
    pub at: Timestamp,
}

/// Why a number is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// The sign-in may not read it.
    Forbidden,
    /// It did not come in time.
    Timeout,
    /// The group does not exist any more.
    Deleted,
    /// More would have to be read than is allowed.
    Limit,
}

impl Unknown {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Forbidden, Self::Timeout, Self::Deleted, Self::Limit];

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Timeout => "timeout",
            Self::Deleted => "deleted",
            Self::Limit => "limit",
        }
    }
}

/// How many members a target has. What is not known is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberCount {
    /// The devices.
    pub devices: Option<u64>,
    /// The users.
    pub users: Option<u64>,
    /// What is neither.
    pub other: Option<u64>,
    /// Whether the members themselves were read; a count may lag behind.
    pub exact: bool,
    /// Why something is not known, if that is so and can be said.
    pub reason: Option<Unknown>,
}

impl MemberCount {
    /// Makes one of which nothing is known.
    pub fn unknown(reason: Option<Unknown>) -> Self {
        Self {
            reason,
            ..Self::default()
        }
    }
}

/// The members of a group, through other groups too, by their ids in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSet {
    /// The devices.
    pub devices: HashSet<String>,
    /// The users.
    pub users: HashSet<String>,
    /// How many there are of other types.
    pub other: u64,
}

/// What the directory says of a group besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupTraits {
    /// The rule, if its members come from one.
    pub rule: Option<String>,
    /// Whether the rule is not processed.
    pub paused: bool,
    /// Whether the last processing of the rule failed.
    pub failed: bool,
    /// Whether it can be a target, if the directory says so.
    pub security_enabled: Option<bool>,
    /// Whether its members are hidden, so that a count of 0 may mean anything.
    pub hidden: bool,
}

/// What has to be read to count members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PopulationNeeds {
    /// The groups to count.
    pub groups: BTreeSet<String>,
    /// Whether all devices are to be counted.
    pub all_devices: bool,
    /// Whether all users are.
    pub all_users: bool,
    /// Groups whose members themselves are to be read.
    pub sets: BTreeSet<String>,
    /// Filters for which it is asked how many devices they match.
    pub filters: BTreeSet<String>,
    /// How many members may be read in all.
    pub limit: u64,
}

/// What was counted, by group ids in lower case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Population {
    /// What groups are like. One that is not there is not known.
    pub traits: BTreeMap<String, GroupTraits>,
    /// How many members groups have.
    pub counts: BTreeMap<String, MemberCount>,
    /// The members themselves.
    pub sets: BTreeMap<String, MemberSet>,
    /// All devices.
    pub all_devices: MemberCount,
    /// All users.
    pub all_users: MemberCount,
    /// How many devices filters match.
    pub filters: BTreeMap<String, FilterCount>,
}

/// How many of a tenant's devices an assignment filter matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCount {
    /// The platform that the filter is for, as Graph names it.
    pub platform: Option<String>,
    /// The devices that match; `None` if they are not known.
    pub matches: Option<u64>,
    /// Whether there may be more that match.
    pub at_least: bool,
    /// All devices of the platform, if they are known.
    pub of: Option<u64>,
    /// Why it is not known how many match, if that is so and can be said.
    pub reason: Option<Unknown>,
}
