//! Gives every entry the sets it uses, and finds entries and targets that contradict each other.
//!
//! Only what can be known offline: within an entry, and between entries with the same selector.
//! A group by name and a group by id may be the same group; that shows once names are resolved.

use std::borrow::Cow;
use std::collections::hash_map::{self, HashMap};
use std::collections::{BTreeSet, HashSet};
use std::mem::discriminant;

use super::diagnostics::Diagnostics;
use super::properties::{self, OfEntry};
use super::read::{Draft, Drafts, TargetSet, too_many_targets};
use super::targets::MOST_TARGETS;
use super::{
    Entry, FilterReference, Manifest, Mode, NameOrId, NamedTargets, Placed, Selector,
    TargetReference, WantedTarget, conflict,
};
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::TargetKind;
use crate::model::{FilterMode, PolicyKind, Source};
use crate::text::quoted;

/// Makes the manifest of what was read.
pub(super) fn settle(drafts: Drafts, diagnostics: &mut Diagnostics) -> Manifest {
    let Drafts {
        sets,
        entries,
        whole,
    } = drafts;
    let mut names: Vec<&str> = sets.keys().map(String::as_str).collect();
    names.sort_unstable();
    let used: Vec<Vec<(Place, &TargetSet)>> = entries
        .iter()
        .map(|draft| used_sets(&draft.uses, &sets, &names, whole, diagnostics))
        .collect();
    // A few lines can ask for very many targets; none is made before it is known how many.
    let mut left = MOST_TARGETS;
    for (draft, used) in entries.iter().zip(&used) {
        let shared: usize = used.iter().map(|(_, set)| set.targets.len()).sum();
        let kinds = draft.what.as_ref().map_or(1, |what| what.kinds.len());
        let asked = (draft.targets.len() + draft.absent.len() + shared).saturating_mul(kinds);
        let Some(rest) = left.checked_sub(asked) else {
            diagnostics.push(too_many_targets(draft.place));
            return Manifest::default();
        };
        left = rest;
    }
    let mut settled = Vec::with_capacity(entries.len());
    for (draft, used) in entries.into_iter().zip(&used) {
        let Draft {
            place,
            what,
            mode,
            properties,
            targets,
            absent,
            uses,
            faulty,
        } = draft;
        let certain = !faulty
            && !used.iter().any(|(_, set)| set.faulty)
            && !uses.iter().any(|name| !sets.contains_key(&name.value));
        let of_entry = OfEntry::new(properties);
        let shared = used.iter().flat_map(|(place, set)| {
            set.targets.iter().map(|target| WantedTarget {
                via: target.via.or(Some(*place)),
                ..target.clone()
            })
        });
        let targets = targets.into_iter().chain(shared);
        let targets = unite(targets.map(|target| of_entry.complete(target)));
        let absent = absent.into_iter();
        let absent = unite(absent.map(|target| of_entry.complete_absent(target)));
        let is_empty = targets.is_empty() && absent.is_empty();
        if mode.value == Mode::Additive && is_empty && certain {
            diagnostics.push(
                Diagnostic::warning(
                    "nothing-to-do",
                    place,
                    "an additive entry without targets does nothing",
                )
                .hint("add targets, or remove the entry; `mode: exact` means no assignment"),
            );
        }
        match what {
            Some(what) => {
                for kind in what.kinds {
                    let (kind, kind_place) = (kind.value, kind.place);
                    let entry = Entry {
                        kind,
                        kind_place,
                        selector: what.selector.clone(),
                        selector_place: what.selector_place,
                        odata_type: what.odata_type.clone(),
                        mode: mode.value,
                        mode_place: mode.place,
                        targets: targets.clone(),
                        absent: absent.clone(),
                        place,
                    };
                    properties::check(kind, &entry, certain, diagnostics);
                    settled.push(entry);
                }
            }
            // It is not known which policies are meant, but its targets can still contradict.
            None => {
                compare_targets(&targets, diagnostics);
                compare_absent(&targets, &absent, diagnostics);
            }
        }
    }
    find_conflicts(&settled, diagnostics);
    let sets = sets.into_iter().filter(|(_, set)| !set.faulty);
    let mut sets: Vec<NamedTargets> = sets
        .map(|(name, TargetSet { targets, .. })| NamedTargets { name, targets })
        .collect();
    sets.sort_by(|one, other| one.name.cmp(&other.name));
    Manifest {
        entries: settled,
        sets,
    }
}

/// Looks the sets up that an entry uses, each once, with the line that uses it.
fn used_sets<'s>(
    uses: &[Placed<String>],
    sets: &'s HashMap<String, TargetSet>,
    names: &[&str],
    whole: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<(Place, &'s TargetSet)> {
    let mut seen = HashSet::new();
    let mut used = Vec::new();
    for name in uses {
        match sets.get(&name.value) {
            Some(set) => {
                if seen.insert(name.value.as_str()) {
                    used.push((name.place, set));
                }
            }
            None => {
                let near = diagnostics.did_you_mean(&name.value, names.iter().copied());
                let message = format!("unknown target set {}", quoted(&name.value));
                let error = Diagnostic::error("unknown-target-set", name.place, message);
                diagnostics.push(match near {
                    Some(near) => error.hint(near),
                    None if !whole => error.hint("a part that could not be read may define it"),
                    None => error.hint("define it below `targets`, in any file of the run"),
                });
            }
        }
    }
    used
}

/// Puts equal targets together.
fn unite(targets: impl Iterator<Item = WantedTarget>) -> Vec<WantedTarget> {
    let mut seen: HashMap<_, Vec<usize>> = HashMap::new();
    let mut united: Vec<WantedTarget> = Vec::new();
    for target in targets {
        let what = (
            identity(&target),
            target.filter.as_ref().map(filter_identity),
            target.source_id.clone(),
            target.optional,
        );
        let known = seen.entry(what).or_default();
        let mut equal = known.iter().copied();
        match equal.find(|index| united[*index].properties == target.properties) {
            Some(index) => {
                let also = std::iter::once((target.place, target.via)).chain(target.also);
                united[index].also.extend(also);
            }
            None => {
                known.push(united.len());
                united.push(target);
            }
        }
    }
    united
}

fn compare_absent<'e>(
    targets: impl IntoIterator<Item = &'e WantedTarget>,
    absent: impl IntoIterator<Item = &'e WantedTarget>,
    diagnostics: &mut Diagnostics,
) {
    // On which side a group is does not count.
    let either_side = |target: &TargetReference| match target.folded() {
        TargetReference::ExclusionGroup(group) => TargetReference::Group(group),
        folded => folded,
    };
    let mut absent_targets: HashMap<TargetReference, Vec<&WantedTarget>> = HashMap::new();
    for absent in absent {
        let of_target = absent_targets.entry(either_side(&absent.target));
        of_target.or_default().push(absent);
    }
    if absent_targets.is_empty() {
        return;
    }
    for target in targets {
        let of_target = absent_targets.get(&either_side(&target.target));
        let meant = |absent: &&&WantedTarget| absent.is_absent_with(target.intent());
        if let Some(absent) = of_target.and_then(|all| all.iter().find(meant)) {
            diagnostics.push(conflict::wanted_and_absent(target, absent));
        }
    }
}

/// What identifies a target within manifests: who is meant, the source and the intent.
type Identity = (TargetReference, Source, Option<&'static str>);

fn identity(wanted: &WantedTarget) -> Identity {
    (
        wanted.target.folded(),
        wanted.source.clone(),
        wanted.intent(),
    )
}

/// What identifies a filter within manifests.
type FilterIdentity = (NameOrId, FilterMode);

fn filter_identity(reference: &FilterReference) -> FilterIdentity {
    (reference.filter.folded(), reference.mode.clone())
}

/// Whether two filters cannot be the same: a name and an id may be.
fn differ(one: Option<&FilterIdentity>, other: Option<&FilterIdentity>) -> bool {
    match (one, other) {
        (Some((one, one_mode)), Some((other, other_mode))) => {
            one_mode != other_mode || (discriminant(one) == discriminant(other) && one != other)
        }
        _ => one != other,
    }
}

/// Entries are compared where these are the same: the kind, the key and text of the selector, its exceptions, and
/// the type.
type SelectorIdentity<'e> = (
    PolicyKind,
    &'static str,
    Cow<'e, str>,
    BTreeSet<&'e str>,
    Option<String>,
);

fn selector_identity(entry: &Entry) -> SelectorIdentity<'_> {
    let (key, text, except): (_, Cow<'_, str>, &[_]) = match &entry.selector {
        Selector::Name(name) => ("name", name.value.as_str().into(), &[]),
        Selector::Id(id) => ("id", id.value.to_lowercase().into(), &[]),
        Selector::Match { pattern, except } => ("match", pattern.value.as_str().into(), except),
    };
    let except = except.iter().map(|glob| glob.value.as_str()).collect();
    let odata_type = entry.odata_type.as_ref();
    let odata_type = odata_type.map(|named| named.value.to_lowercase());
    (entry.kind, key, text, except, odata_type)
}

fn find_conflicts(entries: &[Entry], diagnostics: &mut Diagnostics) {
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    let mut index: HashMap<SelectorIdentity<'_>, usize> = HashMap::new();
    for entry in entries {
        match index.entry(selector_identity(entry)) {
            hash_map::Entry::Occupied(known) => groups[*known.get()].push(entry),
            hash_map::Entry::Vacant(new) => {
                new.insert(groups.len());
                groups.push(vec![entry]);
            }
        }
    }
    find_exclusive_targets(&groups, diagnostics);
    for group in groups {
        let first = group[0];
        for other in group.iter().filter(|other| other.mode != first.mode) {
            diagnostics.push(conflict::modes(first, other));
        }
        let targets = || group.iter().flat_map(|entry| &entry.targets);
        compare_targets(targets(), diagnostics);
        let absent = group.iter().flat_map(|entry| &entry.absent);
        compare_absent(targets(), absent, diagnostics);
    }
}

/// Finds what only one policy of a kind can have, and entries of two want. Entries that select by different
/// means may mean one policy; that shows with the tenant at hand.
fn find_exclusive_targets(groups: &[Vec<&Entry>], diagnostics: &mut Diagnostics) {
    let mut first: HashMap<(PolicyKind, bool, TargetKind), &WantedTarget> = HashMap::new();
    for group in groups {
        let Some(entry) = group.first() else { continue };
        let by_name = match entry.selector {
            Selector::Name(_) => true,
            Selector::Id(_) => false,
            Selector::Match { .. } => continue,
        };
        let exclusive = entry.kind.spec().targets.exclusive;
        for kind in exclusive {
            let mut targets = group.iter().flat_map(|entry| &entry.targets);
            let Some(target) = targets.find(|target| target.target.kind() == *kind) else {
                continue;
            };
            match first.entry((entry.kind, by_name, *kind)) {
                hash_map::Entry::Occupied(first) => {
                    diagnostics.push(conflict::exclusive_target(first.get(), target, entry.kind));
                }
                hash_map::Entry::Vacant(free) => {
                    free.insert(target);
                }
            }
        }
    }
}

fn compare_targets<'e>(
    targets: impl IntoIterator<Item = &'e WantedTarget>,
    diagnostics: &mut Diagnostics,
) {
    // Filters that are known for a target. Those that contradict are not added, so there are at
    // most two: one by name and one by id.
    let mut filters: HashMap<Identity, Vec<(Option<FilterIdentity>, &WantedTarget)>> =
        HashMap::new();
    // Where a group is included and where it is excluded, whatever the source.
    let mut sides: HashMap<(NameOrId, Option<&str>), [Option<&WantedTarget>; 2]> = HashMap::new();
    for target in targets {
        let filter = target.filter.as_ref().map(filter_identity);
        let known = filters.entry(identity(target)).or_default();
        match known
            .iter()
            .find(|(other, _)| differ(other.as_ref(), filter.as_ref()))
        {
            Some((_, other)) => {
                diagnostics.push(conflict::filters(other, target));
            }
            None if known.iter().any(|(other, _)| *other == filter) => {}
            None => known.push((filter, target)),
        }
        if let Some((_, first)) = known.first() {
            for error in conflict::properties(first, target) {
                diagnostics.push(error);
            }
        }

        let Some(group) = target.target.group() else {
            continue;
        };
        let who = (group.folded(), target.intent());
        let [included, excluded] = sides.entry(who).or_default();
        let conflict = if target.target.is_exclusion() {
            excluded.get_or_insert(target);
            included.map(|included| (included, target))
        } else {
            included.get_or_insert(target);
            excluded.map(|excluded| (target, excluded))
        };
        if let Some((included, excluded)) = conflict {
            diagnostics.push(conflict::included_and_excluded(included, excluded));
        }
    }
}
