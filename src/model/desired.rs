//! What someone asks for, and how it relates to what is there.

use super::{Assignment, AssignmentKey, Filter, Properties, SharedText};

/// Something that may be left unsaid, which is not the same as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stated<T> {
    /// Nothing is said: whatever is there is right, and stays.
    #[default]
    Unstated,
    /// It is to be this.
    Is(T),
}

/// An assignment that a manifest asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Desired {
    /// Which assignment of the policy it is.
    pub key: AssignmentKey,
    /// The filter. A target without one asks for none.
    pub filter: Option<Filter>,
    /// The policy set, if it comes from one that is named.
    pub source_id: Stated<SharedText>,
    /// The properties that are named, by name.
    pub properties: StatedProperties,
    /// Whether a remediation repairs what it detects. The service takes it and never reads it back
    /// (it is always false then), so that it is no part of any comparison.
    pub remediation: Stated<bool>,
}

/// Properties that are asked for, sorted by name. `None` asks for the value that the service fills
/// in by itself.
pub type StatedProperties = Vec<(SharedText, Option<SharedText>)>;

impl Desired {
    /// Whether a live assignment is what is asked for.
    pub fn accepts(&self, live: &Assignment) -> bool {
        let Self {
            key,
            filter,
            source_id,
            properties,
            remediation: _,
        } = self;
        *key == live.key
            && *filter == live.filter
            && match source_id {
                Stated::Unstated => true,
                Stated::Is(id) => live.source_id.as_ref() == Some(id),
            }
            && properties
                .iter()
                .all(|(name, value)| live.properties.get(name) == value.as_ref())
    }

    /// Returns the desired assignment: what is unstated is carried over from the live one.
    pub fn over(&self, live: Option<&Assignment>) -> Assignment {
        let Self {
            key,
            filter,
            source_id,
            properties,
            remediation: _,
        } = self;
        Assignment {
            key: key.clone(),
            filter: filter.clone(),
            source_id: match source_id {
                Stated::Unstated => live.and_then(|live| live.source_id.clone()),
                Stated::Is(id) => Some(id.clone()),
            },
            properties: overlaid(live.map(|live| &live.properties), properties),
        }
    }
}

fn overlaid(live: Option<&Properties>, stated: &StatedProperties) -> Properties {
    if stated.is_empty() {
        return live.cloned().unwrap_or_default();
    }
    let carried = live.into_iter().flat_map(Properties::iter);
    let carried = carried.filter(|(name, _)| {
        let replaced = |(stated, value): &(SharedText, Option<SharedText>)| {
            stated == name || (is_member(name, stated) && !is_object(value.as_deref()))
        };
        !stated.iter().any(replaced)
    });
    let stated = stated
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    Properties::new(carried.cloned().chain(stated).collect())
}

/// Whether a property is part of the object with this name.
fn is_member(name: &str, object: &str) -> bool {
    let rest = name.strip_prefix(object);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a value is an object, whose members are properties of their own.
fn is_object(value: Option<&str>) -> bool {
    value == Some("{}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FilterMode, Source, Target};

    fn desired() -> Desired {
        Desired {
            key: AssignmentKey::direct(Target::AllUsers),
            filter: None,
            source_id: Stated::Unstated,
            properties: Vec::new(),
            remediation: Stated::Unstated,
        }
    }

    fn live(properties: &[(&str, &str)]) -> Assignment {
        let pairs = properties.iter();
        Assignment {
            source_id: Some("set".into()),
            properties: Properties::new(
                pairs
                    .map(|(name, value)| ((*name).into(), (*value).into()))
                    .collect(),
            ),
            ..Assignment::direct(Target::AllUsers)
        }
    }

    fn stated(properties: &[(&str, Option<&str>)]) -> Desired {
        let pairs = properties.iter();
        Desired {
            properties: pairs
                .map(|(name, value)| ((*name).into(), value.map(Into::into)))
                .collect(),
            ..desired()
        }
    }

    #[test]
    fn what_is_unstated_is_accepted_and_carried() {
        let live = live(&[("a", "1"), ("b", "2")]);
        assert!(desired().accepts(&live));
        assert_eq!(desired().over(Some(&live)), live);
        assert_eq!(
            desired().over(None),
            Assignment::direct(Target::AllUsers),
            "nothing is there to be carried"
        );
    }

    #[test]
    fn another_key_or_filter_is_not_accepted() {
        let live = live(&[]);
        let mut other = desired();
        other.key.source = Source::PolicySets;
        assert!(!other.accepts(&live));
        let mut other = desired();
        other.key.variant = Some("required".into());
        assert!(!other.accepts(&live));
        let mut other = desired();
        other.filter = Some(Filter {
            id: "f".into(),
            mode: FilterMode::Include,
        });
        assert!(!other.accepts(&live));
        assert_eq!(other.over(Some(&live)).source_id, live.source_id);
    }

    #[test]
    fn a_named_policy_set_is_the_only_one_accepted() {
        let live = live(&[]);
        for (id, accepted) in [("set", true), ("other", false)] {
            let wanted = Desired {
                source_id: Stated::Is(id.into()),
                ..desired()
            };
            assert_eq!(wanted.accepts(&live), accepted);
            assert_eq!(wanted.over(Some(&live)).source_id.as_deref(), Some(id));
        }
    }

    #[test]
    fn only_named_properties_are_compared_and_replaced() {
        let before = live(&[("a", "1"), ("b", "2")]);
        assert!(stated(&[("a", Some("1"))]).accepts(&before));
        assert!(stated(&[("c", None)]).accepts(&before));
        assert!(!stated(&[("a", None)]).accepts(&before));
        let wanted = stated(&[("a", None), ("b", Some("3"))]);
        assert_eq!(wanted.over(Some(&before)), live(&[("b", "3")]));
    }

    #[test]
    fn an_object_keeps_the_members_that_are_not_named_and_null_ends_it() {
        let before = live(&[("s", "{}"), ("s.a", "1"), ("s.b", "2"), ("sx", "3")]);
        let wanted = stated(&[("s", Some("{}")), ("s.a", Some("9"))]);
        assert_eq!(
            wanted.over(Some(&before)),
            live(&[("s", "{}"), ("s.a", "9"), ("s.b", "2"), ("sx", "3")])
        );
        assert_eq!(
            stated(&[("s", None)]).over(Some(&before)),
            live(&[("sx", "3")])
        );
    }
}
