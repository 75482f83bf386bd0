//! Targets, filters and assignments, and what makes two of them the same.

use std::sync::Arc;

/// A text that many rows share: a tenant has a thousand rows for each of its groups.
pub type SharedText = Arc<str>;

/// Rows that several owners share: the unchanged rows of a plan are the live ones.
pub type Rows = Arc<[Assignment]>;

/// The kind of a target, in the order in which targets are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// Every managed device.
    AllDevices,
    /// Every licensed user (Graph: `allLicensedUsers`).
    AllUsers,
    /// The members of a group.
    Group,
    /// A Configuration Manager collection.
    Collection,
    /// The members of a group are left out.
    ExclusionGroup,
    /// A target type that this program does not know.
    Other,
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
    /// The Configuration Manager collection with this id.
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

    /// Returns the id of the group or collection, where the target has one.
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

/// One target on one policy, with its filter and its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assignment {
    /// Who is meant.
    pub target: Target,
    /// The filter on the target. It is a property of the assignment, not part of its identity.
    pub filter: Option<Filter>,
    /// Where the assignment comes from.
    pub source: Source,
    /// The policy set, for rows from one. Always empty for direct rows: the service puts the
    /// policy's own id there, which says nothing.
    pub source_id: Option<SharedText>,
}

impl Assignment {
    /// Whether two assignments are the same one, whatever their filters: target type, group or
    /// collection, and source.
    pub fn same_identity(&self, other: &Self) -> bool {
        self.target == other.target && self.source == other.source
    }

    /// Whether a live row is what was asked for. A wanted row from a policy set that names no
    /// set is content with any.
    pub fn satisfied_by(&self, live: &Self) -> bool {
        self.same_identity(live)
            && self.filter == live.filter
            && (self.source_id.is_none() || self.source_id == live.source_id)
    }

    /// Whether the row was made on the policy itself.
    pub fn is_direct(&self) -> bool {
        self.source == Source::Direct
    }
}

/// Whether the live rows are the wanted ones, none missing and none over, in any order.
pub fn same_assignments(wanted: &[Assignment], live: &[Assignment]) -> bool {
    if wanted.len() != live.len() {
        return false;
    }
    // Equal rows are each other's; of many rows few are left then.
    let (mut wanted, mut live) = (sorted(wanted), sorted(live));
    drop_pairs(&mut wanted, &mut live);
    // Rows that name their policy set choose first, so that one that is content with any cannot
    // take the row of one that is not.
    wanted.sort_by_key(|row| row.source_id.is_none());
    wanted.into_iter().all(|row| {
        live.iter()
            .position(|candidate| row.satisfied_by(candidate))
            .map(|index| live.swap_remove(index))
            .is_some()
    })
}

fn sorted(rows: &[Assignment]) -> Vec<&Assignment> {
    let mut rows: Vec<&Assignment> = rows.iter().collect();
    rows.sort();
    rows
}

/// Takes what is equal out of two sorted lists.
fn drop_pairs(one: &mut Vec<&Assignment>, other: &mut Vec<&Assignment>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut others = other.iter().copied().peekable();
    for row in one.iter().copied() {
        while let Some(smaller) = others.next_if(|candidate| *candidate < row) {
            right.push(smaller);
        }
        if others.next_if(|candidate| *candidate == row).is_none() {
            left.push(row);
        }
    }
    right.extend(others);
    (*one, *other) = (left, right);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str) -> Assignment {
        Assignment {
            target: Target::Group(id.into()),
            filter: None,
            source: Source::Direct,
            source_id: None,
        }
    }

    fn from_set(id: &str, set: Option<&str>) -> Assignment {
        Assignment {
            source: Source::PolicySets,
            source_id: set.map(SharedText::from),
            ..group(id)
        }
    }

    #[test]
    fn nothing_is_the_same_as_nothing() {
        assert!(same_assignments(&[], &[]));
        assert!(!same_assignments(&[], &[group("a")]));
        assert!(!same_assignments(&[group("a")], &[]));
    }

    #[test]
    fn order_does_not_matter_but_number_does() {
        assert!(same_assignments(
            &[group("a"), group("b")],
            &[group("b"), group("a")]
        ));
        assert!(!same_assignments(
            &[group("a"), group("a")],
            &[group("a"), group("b")]
        ));
    }

    #[test]
    fn twenty_thousand_rows_are_compared_in_no_time() {
        let rows: Vec<Assignment> = (0..20_000).map(|id| group(&id.to_string())).collect();
        let mut turned = rows.clone();
        turned.reverse();
        assert!(same_assignments(&rows, &turned));
        turned[7] = group("another");
        assert!(!same_assignments(&rows, &turned));
    }

    #[test]
    fn a_row_that_names_no_policy_set_leaves_the_named_one_to_its_owner() {
        assert!(same_assignments(
            &[from_set("a", None), from_set("a", Some("one"))],
            &[from_set("a", Some("one")), from_set("a", Some("two"))]
        ));
        assert!(!same_assignments(
            &[from_set("a", Some("three"))],
            &[from_set("a", Some("one"))]
        ));
    }
}
