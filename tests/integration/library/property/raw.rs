//! Cases as plain numbers, which shrink well. What they mean is `build`'s to say.

use proptest::collection::vec;
use proptest::prelude::*;

use super::forms::FORMS;

/// A row that is live already.
#[derive(Clone, Debug)]
pub(crate) struct RawRow {
    pub(crate) whom: u8,
    pub(crate) index: u8,
    /// Of the spellings of "no filter", or a filter with its mode.
    pub(crate) filter: u8,
    /// The policy set, where it is from one.
    pub(crate) set: Option<u8>,
    /// Which properties it has that no one knows.
    pub(crate) extra: u8,
    pub(crate) upper_case: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RawPolicy {
    /// Of the case's two kinds, which.
    pub(crate) second: bool,
    pub(crate) name: u8,
    pub(crate) rows: Vec<RawRow>,
}

/// A target that a manifest asks for.
#[derive(Clone, Debug)]
pub(crate) struct RawTarget {
    pub(crate) whom: u8,
    pub(crate) index: u8,
    pub(crate) by_name: bool,
    pub(crate) filter: Option<(u8, bool, bool)>,
    /// Whether it is from a policy set, and from which.
    pub(crate) set: Option<Option<u8>>,
    pub(crate) upper_case: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct RawEntry {
    /// Of the case's two kinds, which.
    pub(crate) second: bool,
    pub(crate) selector: u8,
    pub(crate) pick: u8,
    pub(crate) except: bool,
    pub(crate) additive: bool,
    pub(crate) uses: Vec<u8>,
    pub(crate) targets: Vec<RawTarget>,
    /// What must not be there; for additive entries.
    pub(crate) absent: Vec<RawTarget>,
    pub(crate) file: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct RawCase {
    /// Which of `FORMS` the policies are.
    pub(crate) kinds: (usize, usize),
    pub(crate) policies: Vec<RawPolicy>,
    pub(crate) sets: Vec<Vec<RawTarget>>,
    pub(crate) entries: Vec<RawEntry>,
    pub(crate) page: usize,
    pub(crate) expand_limit: Option<usize>,
    pub(crate) lag: f64,
    pub(crate) no_create: (bool, bool),
    pub(crate) write_with: u8,
}

fn row() -> impl Strategy<Value = RawRow> {
    (
        0..9_u8,
        0..14_u8,
        0..10_u8,
        prop_oneof![4 => Just(None), 1 => (0..3_u8).prop_map(Some)],
        0..8_u8,
        prop::bool::weighted(0.2),
    )
        .prop_map(|(whom, index, filter, set, extra, upper_case)| RawRow {
            whom,
            index,
            filter,
            set,
            extra,
            upper_case,
        })
}

fn target() -> impl Strategy<Value = RawTarget> {
    (
        0..8_u8,
        0..14_u8,
        any::<bool>(),
        prop_oneof![2 => Just(None), 1 => (0..5_u8, any::<bool>(), any::<bool>()).prop_map(Some)],
        prop_oneof![
            6 => Just(None),
            1 => Just(Some(None)),
            1 => (0..3_u8).prop_map(|set| Some(Some(set))),
        ],
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(whom, index, by_name, filter, set, upper_case)| RawTarget {
                whom,
                index,
                by_name,
                filter,
                set,
                upper_case,
            },
        )
}

/// Cases of the settings catalog.
pub(crate) fn case() -> impl Strategy<Value = RawCase> {
    case_of(Just((0, 1)))
}

/// Cases of all ways of writing.
pub(crate) fn case_of_kinds() -> impl Strategy<Value = RawCase> {
    let any_two = (0..FORMS.len(), 0..FORMS.len());
    case_of(prop_oneof![1 => Just((0, 1)), 3 => any_two])
}

fn case_of(kinds: impl Strategy<Value = (usize, usize)>) -> impl Strategy<Value = RawCase> {
    let policy = (any::<bool>(), 0..19_u8, vec(row(), 0..6))
        .prop_map(|(second, name, rows)| RawPolicy { second, name, rows });
    let entry = (
        any::<bool>(),
        0..4_u8,
        any::<u8>(),
        any::<bool>(),
        prop::bool::weighted(0.4),
        vec(0..3_u8, 0..3),
        vec(target(), 0..5),
        vec(target(), 0..4),
        0..3_u8,
    )
        .prop_map(
            |(second, selector, pick, except, additive, uses, targets, absent, file)| RawEntry {
                second,
                selector,
                pick,
                except,
                additive,
                uses,
                targets,
                absent,
                file,
            },
        );
    (
        kinds,
        vec(policy, 1..9),
        vec(vec(target(), 0..4), 3),
        vec(entry, 1..6),
        1..6_usize,
        prop::option::of(1..4_usize),
        prop_oneof![3 => Just(0.0), 1 => Just(0.4)],
        (any::<bool>(), any::<bool>()),
        0..3_u8,
    )
        .prop_map(
            |(kinds, policies, sets, entries, page, expand_limit, lag, no_create, write_with)| {
                RawCase {
                    kinds,
                    policies,
                    sets,
                    entries,
                    page,
                    expand_limit,
                    lag,
                    no_create,
                    write_with,
                }
            },
        )
}
