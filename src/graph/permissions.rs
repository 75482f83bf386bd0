//! The permissions that the commands need, in one place.
//!
//! Least first, then those that include it (microsoft-graph-docs-contrib: api-reference, the
//! tables of `configurationPolicies`, `deviceCompliancePolicies` and `group-list.md`).

use std::collections::BTreeSet;

use crate::kinds::{KINDS, Permissions, PolicyKind};

/// Something that has to be permitted.
#[derive(Debug)]
pub struct Permission {
    /// The least permission that is enough.
    pub name: &'static str,
    /// Others that are enough.
    pub or: &'static [&'static str],
}

/// What some commands need.
#[derive(Debug)]
pub struct Need {
    /// The word by which it is known, which is also a command.
    pub name: &'static str,
    /// The commands.
    pub commands: &'static [&'static str],
    /// What they need.
    pub permissions: &'static [&'static Permission],
}

static READ_POLICIES: Permission = Permission {
    name: "DeviceManagementConfiguration.Read.All",
    or: &["DeviceManagementConfiguration.ReadWrite.All"],
};

static WRITE_POLICIES: Permission = Permission {
    name: "DeviceManagementConfiguration.ReadWrite.All",
    or: &[],
};

static READ_GROUPS: Permission = Permission {
    name: "GroupMember.Read.All",
    or: &[
        "Group.Read.All",
        "Directory.Read.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
        "Directory.AccessAsUser.All",
    ],
};

/// What all commands that talk to the service need.
pub static NEEDS: &[Need] = &[
    Need {
        name: "plan",
        commands: &["plan", "drift", "export", "list", "explain", "init"],
        permissions: &[&READ_POLICIES, &READ_GROUPS],
    },
    Need {
        name: "apply",
        commands: &["apply", "rollback"],
        permissions: &[&WRITE_POLICIES, &READ_GROUPS],
    },
];

/// Returns the permission that a request to read takes, by the kind that its path belongs to. Filters
/// are read with that of configuration policies.
pub(super) fn of_request(what: &str) -> &'static str {
    if what.starts_with("GET /devices") {
        return "Device.Read.All";
    }
    let of_kind = KINDS.iter().find(|spec| what.contains(spec.collection));
    of_kind
        .map_or(Permissions::Configuration, |spec| spec.permissions)
        .read()
}

/// Says which permissions are needed.
pub(super) fn needs(permissions: &[&str]) -> String {
    let permissions: Vec<String> = permissions.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "reading needs the application permissions {} and `GroupMember.Read.All`, with admin consent",
        permissions.join(", ")
    )
}

impl Need {
    /// Returns what was not granted of what some kinds take, with the filters and groups that any kind
    /// takes; without kinds, of what the settings catalog takes.
    pub fn missing_for(
        &self,
        granted: &BTreeSet<String>,
        kinds: &[PolicyKind],
    ) -> Vec<&'static str> {
        if kinds.is_empty() {
            return self.missing(granted);
        }
        let writes = self.name == "apply";
        let mut missing = BTreeSet::new();
        for family in by_family(granted, kinds) {
            if writes && !family.write {
                missing.insert(family.permissions.write());
            } else if !family.read {
                missing.insert(family.permissions.read());
            }
        }
        let reads = NEEDS.iter().filter(|need| need.name == "plan");
        let reads = reads.flat_map(|need| need.missing(granted));
        // Who may not write configuration policies may not read filters either, or may: one name says it.
        let says_it = missing.contains(WRITE_POLICIES.name);
        missing.extend(reads.filter(|name| !(says_it && *name == READ_POLICIES.name)));
        missing.into_iter().collect()
    }

    /// Returns what was not granted: of each permission the least name.
    pub fn missing(&self, granted: &BTreeSet<String>) -> Vec<&'static str> {
        self.permissions
            .iter()
            .filter(|permission| {
                !granted.contains(permission.name)
                    && !permission.or.iter().any(|name| granted.contains(*name))
            })
            .map(|permission| permission.name)
            .collect()
    }
}

/// What a sign-in may do with the kinds of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The family.
    pub permissions: Permissions,
    /// Its kinds, of those that were asked for.
    pub kinds: Vec<PolicyKind>,
    /// Whether they can be read.
    pub read: bool,
    /// Whether they can be written.
    pub write: bool,
}

/// Returns what was granted, by family; of `kinds` only, if there are any.
pub fn by_family(granted: &BTreeSet<String>, kinds: &[PolicyKind]) -> Vec<Granted> {
    let families = Permissions::ALL.into_iter().map(|permissions| {
        let write = granted.contains(permissions.write());
        let of_family = PolicyKind::all().filter(|kind| kind.spec().permissions == permissions);
        Granted {
            permissions,
            kinds: of_family
                .filter(|kind| kinds.is_empty() || kinds.contains(kind))
                .collect(),
            read: write || granted.contains(permissions.read()),
            write,
        }
    });
    families.filter(|family| !family.kinds.is_empty()).collect()
}

/// Returns the delegated permissions that a person is asked for: those of some kinds, or of all, and those
/// that filters and groups take.
pub fn delegated(kinds: &[PolicyKind], writes: bool) -> Vec<&'static str> {
    let families = by_family(&BTreeSet::new(), kinds).into_iter();
    let mut names: BTreeSet<&'static str> = families
        .map(|family| match writes {
            true => family.permissions.write(),
            false => family.permissions.read(),
        })
        .collect();
    if !names.contains(WRITE_POLICIES.name) {
        names.insert(READ_POLICIES.name);
    }
    names.insert(READ_GROUPS.name);
    names.into_iter().collect()
}

/// Returns what was not granted of what writing to some kinds takes.
pub fn missing_to_write(
    kinds: impl IntoIterator<Item = PolicyKind>,
    granted: &BTreeSet<String>,
) -> BTreeSet<&'static str> {
    let needed = kinds
        .into_iter()
        .map(|kind| kind.spec().permissions.write());
    needed.filter(|name| !granted.contains(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_missing() {
        let [plan, apply] = NEEDS else {
            panic!("two needs");
        };
        for (granted, of_plan, of_apply) in [
            (
                &[][..],
                &[
                    "DeviceManagementConfiguration.Read.All",
                    "GroupMember.Read.All",
                ][..],
                &[
                    "DeviceManagementConfiguration.ReadWrite.All",
                    "GroupMember.Read.All",
                ][..],
            ),
            (
                &["DeviceManagementConfiguration.Read.All", "Group.Read.All"],
                &[],
                &["DeviceManagementConfiguration.ReadWrite.All"],
            ),
            (
                &[
                    "DeviceManagementConfiguration.ReadWrite.All",
                    "GroupMember.Read.All",
                ],
                &[],
                &[],
            ),
        ] {
            let granted = granted.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(plan.missing(&granted), of_plan);
            assert_eq!(apply.missing(&granted), of_apply);
        }
    }
}
