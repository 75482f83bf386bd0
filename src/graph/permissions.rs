//! The permissions that the commands need, in one place.
//!
//! Least first, then those that include it (microsoft-graph-docs-contrib: api-reference, the
//! tables of `configurationPolicies`, `deviceCompliancePolicies` and `group-list.md`).

use std::collections::BTreeSet;

use super::transport::RequestLine;
use crate::kinds::{Permissions, PolicyKind, kind_of_path};
use crate::text::all_of;

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
pub(super) fn of_request(RequestLine { path, .. }: &RequestLine) -> &'static str {
    if path.starts_with("/devices") {
        return "Device.Read.All";
    }
    let of_groups = ["/groups", "/users", "/directory"];
    if of_groups.iter().any(|root| path.starts_with(root)) {
        return READ_GROUPS.name;
    }
    kind_of_path(path)
        .map_or(Permissions::Configuration, |kind| kind.spec().permissions)
        .read()
}

/// Says which permissions reading needs.
pub(super) fn needs(permissions: &[&str]) -> String {
    let word = match permissions {
        [_] => "permission",
        _ => "permissions",
    };
    format!(
        "reading needs the application {word} {}, with admin consent",
        all_of(permissions)
    )
}

/// Says which permissions are missing for kinds that may not be read, and for the groups of any: all that are
/// needed, if it is not known what was granted.
pub(super) fn missing(kinds: &[PolicyKind], granted: Option<&BTreeSet<String>>) -> String {
    let nothing = BTreeSet::new();
    let granted = granted.unwrap_or(&nothing);
    let families = by_family(granted, kinds).into_iter();
    let families = families.filter(|family| !family.read);
    let mut missing: Vec<&str> = families.map(|family| family.permissions.read()).collect();
    if missing.is_empty() {
        return "the token has the permissions; a person also needs an Intune role that allows it"
            .to_owned();
    }
    missing.sort_unstable();
    missing.extend((!READ_GROUPS.is_granted(granted)).then_some(READ_GROUPS.name));
    needs(&missing)
}

impl Permission {
    fn is_granted(&self, granted: &BTreeSet<String>) -> bool {
        granted.contains(self.name) || self.or.iter().any(|name| granted.contains(*name))
    }
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
        // Writing configuration policies includes reading filters, so one permission is named.
        let says_it = missing.contains(WRITE_POLICIES.name);
        missing.extend(reads.filter(|name| !(says_it && *name == READ_POLICIES.name)));
        missing.into_iter().collect()
    }

    /// Returns what was not granted: of each permission the least name.
    pub fn missing(&self, granted: &BTreeSet<String>) -> Vec<&'static str> {
        self.permissions
            .iter()
            .filter(|permission| !permission.is_granted(granted))
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
    fn what_is_granted_is_not_said_to_be_missing() {
        let kinds = ["deviceHealthScript", "roleScopeTag"];
        let kinds = kinds.map(|name| PolicyKind::from_name(name).expect("a kind"));
        let said = |granted: &[&str]| {
            let granted = granted.iter().map(|name| (*name).to_owned()).collect();
            missing(&kinds, Some(&granted))
        };
        let all = "`DeviceManagementRBAC.Read.All`, `DeviceManagementScripts.Read.All` and `GroupMember.Read.All`";
        assert!(missing(&kinds, None).contains(all));
        assert!(said(&["User.Read.All"]).contains(all));
        assert_eq!(
            said(&["Group.Read.All", "DeviceManagementRBAC.ReadWrite.All"]),
            "reading needs the application permission `DeviceManagementScripts.Read.All`, with admin consent"
        );
        let both = [
            "DeviceManagementRBAC.Read.All",
            "DeviceManagementScripts.Read.All",
        ];
        assert!(said(&both).contains("Intune role"));
    }

    #[test]
    fn the_directory_has_a_permission_of_its_own() {
        for (path, permission) in [
            ("/groups", "GroupMember.Read.All"),
            ("/directoryObjects/getByIds", "GroupMember.Read.All"),
            ("/users/ada/transitiveMemberOf", "GroupMember.Read.All"),
            ("/devices", "Device.Read.All"),
            (
                "/deviceManagement/assignmentFilters",
                "DeviceManagementConfiguration.Read.All",
            ),
            (
                "/deviceManagement/deviceHealthScripts/x/assignments",
                "DeviceManagementScripts.Read.All",
            ),
        ] {
            assert_eq!(of_request(&RequestLine::get(path)), permission, "{path}");
        }
    }

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
