//! What a tenant has assigned, narrowed to what was asked for: who gets a policy, and what a group, a
//! user or a device gets.

use std::collections::BTreeSet;

use super::{Names, PolicyRef, Selection, shared_policy_names};
use crate::model::{
    Assignment, Assignments, Guid, LivePolicy, PolicyKind, SharedText, Target, WholeTenant,
};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct InventoryQuery {
    /// Which policies.
    pub selection: Selection,
    /// The options of that which make the result a part of what there is: all but `--policy`, which asks for
    /// policies as others ask for groups.
    pub partial: Selection,
    /// Whose assignments; everyone's if it is `None`.
    pub subject: Option<Subject>,
    /// Only assignments with the filter with this id.
    pub filter: Option<String>,
    /// Only policies that reach no one.
    pub unassigned: bool,
    /// Only policies that are not among these.
    pub managed: Option<BTreeSet<(PolicyKind, String)>>,
}

/// Whose assignments are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// The id of its object; `None` of a user if the sign-in may not read it.
    pub id: Option<String>,
    /// Its name, as it was asked for.
    pub name: String,
    /// The ids of the groups through which assignments reach it; a group is one of its own.
    pub groups: BTreeSet<String>,
    /// Whether all users and all devices count, and what excludes it.
    pub effective: bool,
}

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A group.
    Group,
    /// A user.
    User,
    /// A device.
    Device,
}

impl SubjectKind {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
            Self::Device => "device",
        }
    }
}

/// Live assignments.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// The tenant; `None` if the token does not name it.
    pub tenant_id: Option<String>,
    /// Whose assignments they are, if that was asked.
    pub subject: Option<Subject>,
    /// The options that make it a part of what there is.
    pub partial: Selection,
    /// The options that choose policies otherwise: `--policy` and `--unmanaged`.
    pub also_narrowed_by: Vec<&'static str>,
    /// The id of the filter that was asked for.
    pub filter: Option<String>,
    /// Whether only policies that reach no one were asked for.
    pub unassigned_only: bool,
    /// The policies that were asked for, by kind, name and id, also those without such assignments.
    pub policies: Vec<InventoryPolicy>,
    /// Display names of groups and filters.
    pub names: Names,
    /// Whether everything that was asked for could be read.
    pub complete: bool,
}

/// A policy with those of its assignments that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct InventoryPolicy {
    /// The policy.
    pub policy: PolicyRef,
    /// The policy's type, without its prefix, if it is known.
    pub odata_type: Option<SharedText>,
    /// The policy's platforms, as the service writes them.
    pub platforms: Option<String>,
    /// Its assignments that were asked for.
    pub assignments: Vec<Listed>,
    /// Whether it reaches no one: it has no assignment, or only exclusions and groups that do not exist.
    pub is_unassigned: bool,
}

/// An assignment, and how it reaches the subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The assignment.
    pub assignment: Assignment,
    /// Through what it reaches the subject; empty unless that was asked.
    pub via: Vec<Reached>,
    /// The excluded groups that the subject is in.
    pub excluded_by: Vec<Reached>,
}

/// Through what an assignment reaches someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A group, by its id.
    Group(SharedText),
    /// All users.
    AllUsers,
    /// All devices.
    AllDevices,
}

/// Takes what was asked for out of what was read.
pub fn inventory(
    tenant: &WholeTenant,
    tenant_id: Option<String>,
    query: &InventoryQuery,
) -> Inventory {
    let WholeTenant {
        policies,
        groups,
        namesakes,
        filters,
        unavailable,
    } = tenant;
    let mut names = Names::of(groups.iter().chain(namesakes), filters);
    let assigned = policies.iter().flat_map(|policy| policy.assignments.iter());
    for assignment in assigned {
        let group = assignment.key.target.group_id();
        if let Some(id) = group.filter(|id| Guid::parse(id).is_some()) {
            names.add_missing_group(id.to_owned());
        }
        // All filters were read.
        if let Some(filter) = &assignment.filter {
            names.add_missing_filter(filter.id.to_string());
        }
    }
    let shared = shared_policy_names(policies.iter().map(LivePolicy::named));
    let is_meant = |kind, id: &str, name: &str| {
        let managed = query.managed.as_ref();
        query.selection.includes(kind, name)
            && !managed.is_some_and(|managed| managed.contains(&(kind, id.to_lowercase())))
    };
    let policies = policies
        .iter()
        .filter(|policy| is_meant(policy.kind, &policy.id, &policy.name))
        .map(|policy| InventoryPolicy {
            policy: PolicyRef::of(policy, shared.contains(&(policy.kind, &*policy.id))),
            odata_type: policy.odata_type.clone(),
            platforms: policy.platforms.clone(),
            assignments: listed(&policy.assignments, query),
            is_unassigned: !policy.is_tenant_default && reaches_nobody(&policy.assignments, &names),
        })
        .filter(|policy| !query.unassigned || policy.is_unassigned);
    let mut policies: Vec<InventoryPolicy> = policies.collect();
    policies.sort_by(|one, other| one.policy.cmp(&other.policy));
    let by_policy = (query.selection != query.partial).then_some("--policy");
    let unmanaged = query.managed.is_some().then_some("--unmanaged");
    Inventory {
        also_narrowed_by: by_policy.into_iter().chain(unmanaged).collect(),
        tenant_id,
        subject: query.subject.clone(),
        partial: query.partial.clone(),
        filter: query.filter.clone(),
        unassigned_only: query.unassigned,
        policies,
        names,
        complete: unavailable.is_empty(),
    }
}

/// Whether assignments reach no one for certain. A target of an unknown type may reach someone.
fn reaches_nobody(assignments: &Assignments, names: &Names) -> bool {
    assignments
        .iter()
        .all(|assignment| match &assignment.key.target {
            Target::ExclusionGroup(_) => true,
            Target::Group(id) => names.is_missing_group(id),
            Target::AllDevices
            | Target::AllUsers
            | Target::Collection(_)
            | Target::Other { .. } => false,
        })
}

fn listed(assignments: &Assignments, query: &InventoryQuery) -> Vec<Listed> {
    let has_filter = |assignment: &&Assignment| match &query.filter {
        None => true,
        Some(id) => assignment
            .filter
            .as_ref()
            .is_some_and(|filter| *filter.id == **id),
    };
    let asked_for = assignments.iter().filter(has_filter);
    let Some(subject) = &query.subject else {
        return asked_for
            .map(|assignment| Listed {
                assignment: assignment.clone(),
                via: Vec::new(),
                excluded_by: Vec::new(),
            })
            .collect();
    };
    // Within one intent, as the service takes them.
    let exclusions = |of: &Assignment| -> Vec<Reached> {
        let same = assignments
            .iter()
            .filter(|assignment| assignment.key.variant == of.key.variant);
        same.filter_map(|assignment| match &assignment.key.target {
            Target::ExclusionGroup(id) if subject.groups.contains(&**id) => {
                Some(Reached::Group(id.clone()))
            }
            _ => None,
        })
        .collect()
    };
    asked_for
        .filter_map(|assignment| {
            let via = subject.reached_by(&assignment.key.target)?;
            let is_exclusion = assignment.key.target.is_exclusion();
            Some(Listed {
                assignment: assignment.clone(),
                via: if subject.effective {
                    vec![via]
                } else {
                    Vec::new()
                },
                excluded_by: match subject.effective && !is_exclusion {
                    true => exclusions(assignment),
                    false => Vec::new(),
                },
            })
        })
        .collect()
}

impl Subject {
    /// Returns through what a target reaches the subject; `None` if it does not. What a device gets
    /// through its users, and a user on their devices, depends on who signs in where.
    fn reached_by(&self, target: &Target) -> Option<Reached> {
        match (target, self.kind) {
            (Target::Group(id), _) | (Target::ExclusionGroup(id), SubjectKind::Group) => self
                .groups
                .contains(&**id)
                .then(|| Reached::Group(id.clone())),
            (Target::AllUsers, SubjectKind::User | SubjectKind::Group) if self.effective => {
                Some(Reached::AllUsers)
            }
            (Target::AllDevices, SubjectKind::Device | SubjectKind::Group) if self.effective => {
                Some(Reached::AllDevices)
            }
            _ => None,
        }
    }
}

impl Inventory {
    /// Returns the assignments with their policies; policies that reach no one and have none stand
    /// there without one, if they were asked for.
    pub fn rows(&self) -> impl Iterator<Item = (&InventoryPolicy, Option<&Listed>)> {
        self.policies.iter().flat_map(|policy| {
            let none = (self.unassigned_only && policy.assignments.is_empty()).then_some(None);
            let some = policy.assignments.iter().map(Some);
            some.chain(none).map(move |row| (policy, row))
        })
    }

    /// Counts policies that reach no one.
    pub fn unassigned(&self) -> usize {
        let policies = self.policies.iter();
        policies.filter(|policy| policy.is_unassigned).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LiveGroup;

    const IN: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const OUT: &str = "aaaaaaaa-0000-4000-8000-000000000002";
    const GONE: &str = "aaaaaaaa-0000-4000-8000-000000000003";

    fn group(id: &str) -> Target {
        Target::Group(id.into())
    }

    fn tenant(policies: &[(&str, &[Target])]) -> WholeTenant {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let policies = policies.iter().map(|(name, targets)| {
            let assignments = targets.iter().map(|target| {
                let assignment = Assignment::direct(target.clone());
                (assignment, Box::from(""))
            });
            LivePolicy::new(
                kind,
                format!("id-{name}"),
                (*name).to_owned(),
                None,
                assignments.collect(),
            )
        });
        let groups = [IN, OUT].map(|id| LiveGroup {
            id: id.to_owned(),
            name: id.to_owned(),
        });
        WholeTenant {
            policies: policies.collect(),
            groups: groups.to_vec(),
            ..WholeTenant::default()
        }
    }

    fn of(tenant: &WholeTenant, query: &InventoryQuery) -> Vec<String> {
        let found = inventory(tenant, None, query);
        let rows = found.rows().map(|(policy, row)| {
            let shown = row.map_or("-".to_owned(), |row| {
                let excluded = if row.excluded_by.is_empty() {
                    ""
                } else {
                    " excluded"
                };
                format!("{}{excluded}", row.assignment.key.target.type_name())
            });
            format!("{}: {shown}", policy.policy.name)
        });
        rows.collect()
    }

    fn subject(kind: SubjectKind, effective: bool) -> InventoryQuery {
        InventoryQuery {
            subject: Some(Subject {
                kind,
                id: Some("x".to_owned()),
                name: "x".to_owned(),
                groups: BTreeSet::from([IN.to_owned()]),
                effective,
            }),
            ..InventoryQuery::default()
        }
    }

    #[test]
    fn what_reaches_a_user_a_device_and_a_group() {
        let excluded = Target::ExclusionGroup(IN.into());
        let tenant = tenant(&[
            ("both", &[Target::AllUsers, Target::AllDevices]),
            (
                "excluded",
                &[Target::AllUsers, Target::AllDevices, excluded],
            ),
            ("other", &[group(OUT)]),
            ("own", &[group(IN)]),
        ]);
        let user = [
            "both: allUsers",
            "excluded: allUsers excluded",
            "own: group",
        ];
        assert_eq!(of(&tenant, &subject(SubjectKind::User, true)), user);
        let device = [
            "both: allDevices",
            "excluded: allDevices excluded",
            "own: group",
        ];
        assert_eq!(of(&tenant, &subject(SubjectKind::Device, true)), device);
        let plain = ["excluded: exclusionGroup", "own: group"];
        assert_eq!(of(&tenant, &subject(SubjectKind::Group, false)), plain);
        assert_eq!(of(&tenant, &subject(SubjectKind::Group, true)).len(), 6);
    }

    #[test]
    fn a_policy_that_reaches_nobody_is_unassigned() {
        let unknown = Target::Other {
            odata_type: "x".into(),
            properties: "{}".into(),
        };
        let tenant = tenant(&[
            ("assigned", &[group(IN)]),
            ("empty", &[]),
            ("exclusion", &[Target::ExclusionGroup(IN.into())]),
            ("gone", &[group(GONE)]),
            ("unknown", &[unknown]),
        ]);
        let query = InventoryQuery {
            unassigned: true,
            ..InventoryQuery::default()
        };
        let expected = ["empty: -", "exclusion: exclusionGroup", "gone: group"];
        assert_eq!(of(&tenant, &query), expected);
        let all = inventory(&tenant, None, &InventoryQuery::default());
        assert_eq!((all.rows().count(), all.unassigned()), (4, 3));
    }

    #[test]
    fn managed_policies_are_left_out() {
        let tenant = tenant(&[("One", &[group(IN)]), ("Two", &[group(IN)])]);
        let kind = tenant.policies[0].kind;
        let query = InventoryQuery {
            managed: Some(BTreeSet::from([(kind, "id-one".to_owned())])),
            ..InventoryQuery::default()
        };
        assert_eq!(of(&tenant, &query), ["Two: group"]);
    }
}
