//! The table of policy kinds. Adding a kind is adding a row.

use std::fmt;

/// One row of the table: all that the program needs to know of a policy kind.
#[derive(Debug)]
pub struct PolicyKindRow {
    /// The word for the kind in manifests, plans and reports.
    pub name: &'static str,
    /// The path of the Graph collection, below the version root.
    pub collection: &'static str,
    /// The property that holds the policy's display name.
    pub name_property: &'static str,
    /// The body parameter of the collection's `assign` action.
    pub assign_parameter: &'static str,
    /// The `@odata.type` of an assignment of this kind.
    pub assignment_type: &'static str,
    /// Whether the list takes `$expand=assignments`.
    pub expand_on_list: bool,
}

/// Every policy kind, in the order in which they are read and printed.
pub static KINDS: &[PolicyKindRow] = &[
    PolicyKindRow {
        name: "configurationPolicy",
        collection: "/deviceManagement/configurationPolicies",
        name_property: "name",
        assign_parameter: "assignments",
        assignment_type: "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
        expand_on_list: true,
    },
    PolicyKindRow {
        name: "compliancePolicy",
        collection: "/deviceManagement/compliancePolicies",
        name_property: "name",
        assign_parameter: "assignments",
        assignment_type: "#microsoft.graph.deviceManagementConfigurationPolicyAssignment",
        expand_on_list: true,
    },
];

/// A policy kind: a row of [`KINDS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyKind(usize);

impl PolicyKind {
    /// Returns every kind, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..KINDS.len()).map(Self)
    }

    /// Finds a kind by the word that manifests and plans use for it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.row().name == name)
    }

    /// Returns the kind's row.
    pub fn row(self) -> &'static PolicyKindRow {
        &KINDS[self.0]
    }

    /// Returns the kind's word.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_names_are_unique() {
        for kind in PolicyKind::all() {
            assert_eq!(PolicyKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(PolicyKind::from_name("configurationpolicy"), None);
    }
}
