//! The live state as it was read: policies with their assignments, groups and filters.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Assignment, Assignments, PolicyKind, SharedText, Target};
use crate::kinds::{TypeRules, Variety};

/// An assignment of a live policy: what it means, and what the service sent.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveAssignment {
    /// What the assignment means.
    pub assignment: Assignment,
    /// The service's id for the assignment, where it has one.
    pub id: Option<String>,
    /// The assignment as the service sent it, so that properties the program does not know survive.
    pub raw: Map<String, Value>,
}

/// A live policy.
#[derive(Clone, Debug, PartialEq)]
pub struct LivePolicy {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id, as the service spells it.
    pub id: String,
    /// The policy's display name.
    pub name: SharedText,
    /// The policy's platforms, comma-joined as the service sends them.
    pub platforms: Option<String>,
    /// The policy's type, without its prefix, if the list says it.
    pub odata_type: Option<SharedText>,
    /// What sets it apart from others of its kind, besides type and platform.
    pub variety: Option<Variety>,
    /// Whether every tenant has it, and it takes no assignment.
    pub is_tenant_default: bool,
    /// What the policy's assignments mean: all of them, sorted.
    pub assignments: Assignments,
    /// The service's ids of the assignments, in their order; empty for an assignment that has none.
    pub assignment_ids: Box<[Box<str>]>,
}

impl LivePolicy {
    /// Makes a policy of assignments with their ids, in any order.
    pub fn new(
        kind: PolicyKind,
        id: String,
        name: String,
        platforms: Option<String>,
        assignments: Vec<(Assignment, Box<str>)>,
    ) -> Self {
        let mut policy = Self {
            kind,
            id,
            name: name.into(),
            platforms,
            odata_type: None,
            variety: None,
            is_tenant_default: false,
            assignments: Assignments::default(),
            assignment_ids: Box::default(),
        };
        policy.set_assignments(assignments);
        policy
    }

    /// Gives the policy other assignments. One that comes twice, with the same id and meaning, is one assignment.
    pub fn set_assignments(&mut self, mut assignments: Vec<(Assignment, Box<str>)>) {
        assignments.sort();
        assignments.dedup_by(|(one, one_id), (other, other_id)| {
            one_id == other_id && !one_id.is_empty() && one == other
        });
        let (assignments, ids): (Vec<_>, Vec<_>) = assignments.into_iter().unzip();
        self.assignments = assignments.into();
        self.assignment_ids = ids.into();
    }

    /// Returns what names the policy: kind, id and display name.
    pub fn named(&self) -> (PolicyKind, &str, &str) {
        (self.kind, &self.id, &self.name)
    }

    /// Returns what the policy takes.
    pub fn rules(&self) -> TypeRules {
        let targets = &self.kind.spec().targets;
        targets.of(
            self.odata_type.as_deref(),
            self.platforms.as_deref(),
            self.variety,
        )
    }

    /// Returns the assignments of a target.
    pub fn assignments_of(&self, target: &Target) -> &[Assignment] {
        let start = self
            .assignments
            .partition_point(|assignment| assignment.key.target < *target);
        let assignments = &self.assignments[start..];
        &assignments[..assignments.partition_point(|assignment| assignment.key.target == *target)]
    }

    /// Returns the service's id of an assignment that is there.
    pub fn assignment_id(&self, assignment: &Assignment) -> Option<&str> {
        let index = self
            .assignments
            .iter()
            .position(|live| live == assignment)?;
        let id = self.assignment_ids.get(index)?;
        (!id.is_empty()).then_some(&**id)
    }
}

/// Returns what live assignments mean, sorted.
pub fn assignments(assignments: &[LiveAssignment]) -> Vec<Assignment> {
    let mut assignments: Vec<Assignment> = assignments
        .iter()
        .map(|live| live.assignment.clone())
        .collect();
    assignments.sort();
    assignments
}

/// Something that a policy set assigns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetMember {
    /// The word for its kind; Graph's word if this program does not know the kind.
    pub kind: String,
    /// Its display name, or its id if the set does not say one.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveGroup {
    /// The group's id, in lower case.
    pub id: String,
    /// The group's display name.
    pub name: String,
}

/// A device of the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveDevice {
    /// The id of the device's object.
    pub id: String,
    /// The device's display name; not unique.
    pub name: String,
}

/// An assignment filter of the tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveFilter {
    /// The filter's id, in lower case.
    pub id: String,
    /// The filter's display name.
    pub name: String,
    /// The platform that the filter is made for.
    pub platform: Option<String>,
    /// What the filter is over: `devices` or `apps`.
    pub management: Option<String>,
    /// What it lets pass: an expression.
    pub rule: Option<String>,
}

/// Names of groups that may be meant by names that were not found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimilarGroups {
    /// The names.
    pub names: Vec<String>,
    /// Whether they are all that the directory has.
    pub complete: bool,
}

/// All that was read of a tenant for one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveTenant {
    /// The policies of the kinds that were asked for, by kind, name and id.
    pub policies: Vec<LivePolicy>,
    /// The groups that were looked up and found.
    pub groups: Vec<LiveGroup>,
    /// What may be meant by group names that were not found; for hints only.
    pub similar_groups: SimilarGroups,
    /// The tenant's filters; empty where none was asked for.
    pub filters: Vec<LiveFilter>,
    /// Kinds that are of no use to the run, and whose list the service refuses.
    pub unavailable: Vec<UnavailableKind>,
}

/// A kind whose list the service refuses, so that nothing is known of its policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnavailableKind {
    /// The kind.
    pub kind: PolicyKind,
    /// The request, and what the service says.
    pub reason: String,
    /// Whether the sign-in may not see it; else the tenant does not have it, usually because a licence is missing.
    pub is_forbidden: bool,
}

/// All that is read of a tenant to write it down as manifests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WholeTenant {
    /// The policies of all kinds, by kind, name and id.
    pub policies: Vec<LivePolicy>,
    /// The groups that policies are assigned to and that exist.
    pub groups: Vec<LiveGroup>,
    /// What the directory finds by those groups' names: the groups themselves and their
    /// namesakes. A group that is not found by its name cannot be named.
    pub namesakes: Vec<LiveGroup>,
    /// All filters.
    pub filters: Vec<LiveFilter>,
    /// Kinds whose list the service refuses.
    pub unavailable: Vec<UnavailableKind>,
}

/// All that is read of a tenant to keep a copy of it: objects as the service sends them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawTenant {
    /// The policies of all kinds, by kind, name and id.
    pub policies: Vec<RawPolicy>,
    /// All groups of the directory: id and display name.
    pub groups: Vec<Map<String, Value>>,
    /// All filters.
    pub filters: Vec<Map<String, Value>>,
    /// As in [`WholeTenant`].
    pub unavailable: Vec<UnavailableKind>,
}

/// A live policy, with all that the service says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RawPolicy {
    /// What it means.
    pub live: LivePolicy,
    /// What it was sent as, without its assignments.
    pub properties: Map<String, Value>,
    /// Its assignments as they were sent.
    pub assignments: Vec<Map<String, Value>>,
}

/// What has to be read of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The kinds of policies, all of whose policies are listed.
    pub kinds: BTreeSet<PolicyKind>,
    /// Those of them that are left out anyway: a list of theirs that is refused does not end the run.
    pub spare: BTreeSet<PolicyKind>,
    /// Display names of groups. Of spellings that differ in case only, one.
    pub group_names: BTreeSet<String>,
    /// Ids of groups.
    pub group_ids: BTreeSet<String>,
    /// Whether the filters are needed.
    pub filters: bool,
}
