//! Assignments, and what makes two of them the same.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Filter, SharedText, Source, Target};

/// Assignments that several owners share: the unchanged assignments of a plan are the live ones.
pub type Assignments = Arc<[Assignment]>;

/// Identifies an assignment within a policy. Everything else is a property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssignmentKey {
    /// Who is meant.
    pub target: Target,
    /// Where the assignment comes from.
    pub source: Source,
    /// What else tells assignments of one target apart: the intent of an app.
    pub variant: Option<SharedText>,
}

impl AssignmentKey {
    /// Makes the key of an assignment made on the policy itself.
    pub fn direct(target: Target) -> Self {
        Self {
            target,
            source: Source::Direct,
            variant: None,
        }
    }

    /// Whether the assignment was made on the policy itself.
    pub fn is_direct(&self) -> bool {
        self.source == Source::Direct
    }
}

/// One target on one policy, with all that was read of it, or that is planned: it is complete, and
/// what it lacks is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// Which assignment of the policy it is.
    pub key: AssignmentKey,
    /// The filter on the target.
    pub filter: Option<Filter>,
    /// The policy set, for assignments from one. Always empty for direct ones: the service puts the
    /// policy's own id there, which says nothing.
    pub source_id: Option<SharedText>,
    /// What it says besides that.
    pub properties: Properties,
}

impl Assignment {
    /// Makes the plainest assignment: of a target, made on the policy itself.
    pub fn direct(target: Target) -> Self {
        Self {
            key: AssignmentKey::direct(target),
            filter: None,
            source_id: None,
            properties: Properties::default(),
        }
    }
}

/// By target first, so that the assignments of one target stand together.
impl Ord for Assignment {
    fn cmp(&self, other: &Self) -> Ordering {
        let Self {
            key:
                AssignmentKey {
                    target,
                    source,
                    variant,
                },
            filter,
            source_id,
            properties,
        } = self;
        target
            .cmp(&other.key.target)
            .then_with(|| filter.cmp(&other.filter))
            .then_with(|| source.cmp(&other.key.source))
            .then_with(|| source_id.cmp(&other.source_id))
            .then_with(|| variant.cmp(&other.key.variant))
            .then_with(|| properties.cmp(&other.properties))
    }
}

impl PartialOrd for Assignment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What an assignment says besides target, filter and source: each property by its name, with its
/// value as JSON whose keys are sorted. A member of an object has the object's name before its own,
/// as in `settings.notifications`. A property that has the value which the service fills in by
/// itself is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Properties(Option<Arc<[Property]>>);

/// A property's name and value.
pub type Property = (SharedText, SharedText);

impl Properties {
    /// Makes properties of pairs in any order.
    pub fn new(mut all: Vec<Property>) -> Self {
        all.sort();
        Self((!all.is_empty()).then(|| all.into()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns all of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.iter().flat_map(|all| all.iter())
    }

    /// Returns a property's value.
    pub fn get(&self, name: &str) -> Option<&SharedText> {
        self.iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, value)| value)
    }
}

/// Whether two lists hold the same assignments, in any order.
pub fn same_assignments(one: &[Assignment], other: &[Assignment]) -> bool {
    one.len() == other.len() && (one == other || sorted(one) == sorted(other))
}

fn sorted(assignments: &[Assignment]) -> Vec<&Assignment> {
    let mut sorted: Vec<&Assignment> = assignments.iter().collect();
    sorted.sort();
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: &str) -> Assignment {
        Assignment::direct(Target::Group(id.into()))
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
    fn every_part_makes_another_assignment() {
        let plain = group("a");
        let mut others = vec![group("b"); 5];
        others[1].key = AssignmentKey {
            variant: Some("required".into()),
            ..plain.key.clone()
        };
        others[2].key.source = Source::PolicySets;
        others[3].source_id = Some("set".into());
        others[4].properties = Properties::new(vec![("a".into(), "1".into())]);
        for other in others {
            assert!(!same_assignments(
                std::slice::from_ref(&plain),
                std::slice::from_ref(&other)
            ));
            assert_ne!(plain.cmp(&other), Ordering::Equal);
        }
    }
}
