//! What several entries ask of one policy, and whether it fits the policy as it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::checks::{LiveCheck, LiveCheckKind, to_check};
use super::resolve::{Directory, Resolved, ResolvedAbsent};
use super::{DesiredState, Findings, PlacedDesired, ResolvedEntry};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::{Entry, Mode, WantedTarget, conflict};
use crate::model::{
    Assignment, AssignmentKey, Desired, LivePolicy, SharedText, Source, Stated, Target,
    virtual_group,
};

/// What several entries ask of each policy that all of them select.
pub(super) struct Combined<'a> {
    desired: Arc<DesiredState>,
    /// What contradicts itself, whatever the policy.
    faults: Vec<Diagnostic>,
    /// What may be wrong with some of the policies.
    checks: Vec<LiveCheck<'a>>,
    absent: Vec<Absent>,
}

/// A target that must not be there, and the line that says so.
struct Absent {
    target: Target,
    /// The intent that is meant; `None` if it is any.
    intent: Option<SharedText>,
    place: Place,
    /// Whether its group is not known.
    is_unknown: bool,
}

impl<'a> Combined<'a> {
    /// Combines what entries ask for; the first decides the mode.
    pub(super) fn new<'e, 'm: 'e>(
        parts: impl Iterator<Item = &'e ResolvedEntry<'m>>,
        directory: &Directory<'a>,
    ) -> Self {
        let mut combiner = Combiner::default();
        for part in parts {
            combiner.add(part);
        }
        combiner.check_absent();
        let Combiner {
            first,
            wanted,
            written,
            also,
            by_key: _,
            by_group: _,
            by_target: _,
            absent,
            entries,
            faults,
        } = combiner;
        let mode = first.map_or(Mode::Exact, |first| first.mode);
        let excludes_only = wanted
            .iter()
            .all(|wanted| wanted.desired.key.target.is_exclusion());
        let all_devices = wanted
            .iter()
            .any(|wanted| wanted.desired.key.target == Target::AllDevices);
        let mut checks = Vec::new();
        let all_written = written.iter().copied().enumerate().chain(also);
        for (index, written) in all_written {
            if let Some(properties) = &written.properties
                && properties.settings.is_some()
            {
                checks.push(LiveCheck {
                    wanted: wanted[index].clone(),
                    kind: LiveCheckKind::Settings(Arc::clone(properties)),
                });
            }
        }
        for (wanted, written) in wanted.iter().zip(written) {
            let lone = excludes_only.then_some(LiveCheckKind::LoneExclusion);
            let kinds = to_check(&wanted.desired, written, mode, directory);
            let beside = (wanted.desired.key.target.is_exclusion()
                && (all_devices || mode == Mode::Additive))
                .then_some(LiveCheckKind::BesideAllDevices(all_devices));
            let kinds = kinds.into_iter().chain([lone, beside]);
            checks.extend(kinds.flatten().map(|kind| LiveCheck {
                wanted: wanted.clone(),
                kind,
            }));
        }
        let asked = wanted.into_iter();
        let asked = asked.map(|PlacedDesired { desired, place }| (desired, place));
        let absent: Vec<Absent> = absent
            .into_iter()
            .map(|((target, intent), absent)| Absent {
                target: target.clone(),
                intent: intent.map(Into::into),
                place: absent.written.place,
                is_unknown: target.group_id().is_some_and(|id| !directory.has_group(id)),
            })
            .collect();
        let targets = absent.iter();
        let targets = targets.map(|absent| {
            let key = (absent.target.clone(), absent.intent.clone());
            (key, absent.place)
        });
        let targets = targets.collect();
        Self {
            desired: Arc::new(DesiredState::new(mode, asked.collect(), targets, entries)),
            faults,
            checks,
            absent,
        }
    }

    pub(super) fn desired(&self) -> Arc<DesiredState> {
        Arc::clone(&self.desired)
    }

    /// Finds what does not fit a policy as it is.
    pub(super) fn check_against_live<'p>(&self, live: &'p LivePolicy, findings: &mut Findings<'p>) {
        for fault in &self.faults {
            findings.note(fault.clone(), live);
        }
        let rules = live.rules();
        for check in &self.checks {
            if let Some(diagnostic) = check.check(live, &rules, &self.desired) {
                findings.note(diagnostic, live);
            }
        }
        for absent in &self.absent {
            if let Some(diagnostic) = absent.check(live) {
                findings.note(diagnostic, live);
            }
        }
        if self.desired.mode == Mode::Exact {
            let place = self.desired.entries.first().copied();
            let unnamed = live.assignments.iter().filter(|live| live.key.is_direct());
            for diagnostic in unnamed.filter_map(|live| beyond_manifests(live, place)) {
                findings.note(diagnostic, live);
            }
        }
    }
}

/// Finds what an entry that is the whole set cannot name: what stays nevertheless, and what goes away.
fn beyond_manifests(live: &Assignment, place: Option<Place>) -> Option<Diagnostic> {
    if let Target::Other { odata_type, .. } = &live.key.target {
        let message = format!(
            "a target of the type `{odata_type}` stays, though it is not in the manifest: the program does not know the type"
        );
        // Of no place, so that policies of several entries share one.
        let info = Diagnostic::new(Severity::Info, "unknown-target-kept", None, message);
        return Some(info.hint("what it means is not known, so that it is carried as it is"));
    }
    let (_, audience) = live.key.target.group_id().and_then(virtual_group)?;
    let side = match live.key.target.is_exclusion() {
        true => "excluded",
        false => "assigned",
    };
    let message = format!(
        "the virtual group of {audience} is {side}, which no manifest can name; in mode `exact` it is removed"
    );
    let warning = Diagnostic::new(Severity::Warning, "virtual-group-live", place, message);
    Some(warning.hint(
        "to keep it, write `mode: additive`, or leave the policy out; a rollback restores it",
    ))
}

impl Absent {
    fn check(&self, live: &LivePolicy) -> Option<Diagnostic> {
        let group = self.target.group_id();
        let excluded = group.map(|id| Target::ExclusionGroup(id.into()));
        let sides = [Some(&self.target), excluded.as_ref()];
        let mut found = sides
            .into_iter()
            .flatten()
            .flat_map(|target| live.assignments_of(target))
            .filter(|live| self.intent.is_none() || self.intent == live.key.variant)
            .peekable();
        if self.is_unknown && found.peek().is_none() {
            let message = format!(
                "the tenant has no group with the id `{}`",
                group.unwrap_or_default()
            );
            return Some(
                Diagnostic::warning("unknown-group", self.place, message)
                    .hint("remove the line if the group was deleted"),
            );
        }
        let is_from_set = found.any(|live| live.key.source == Source::PolicySets);
        is_from_set.then(|| {
            Diagnostic::warning(
                "absent-from-policy-set",
                self.place,
                "the absent target is assigned by a policy set, and stays",
            )
            .hint("remove the policy from the policy set")
        })
    }
}

/// The entries so far.
#[derive(Default)]
struct Combiner<'e, 'm> {
    /// The entry that came first; the others must be of its mode.
    first: Option<&'m Entry>,
    wanted: Vec<PlacedDesired>,
    /// What each of them was written as.
    written: Vec<&'m WantedTarget>,
    /// What else some of them were written as.
    also: Vec<(usize, &'m WantedTarget)>,
    by_key: HashMap<&'e AssignmentKey, usize>,
    /// The first of a group and a variant, on either side.
    by_group: HashMap<(&'e SharedText, Option<&'e SharedText>), usize>,
    /// The first that includes a target, whatever its variant.
    by_target: HashMap<(&'e Target, &'e Source), usize>,
    /// What must not be there, each target once for an intent.
    absent: BTreeMap<(&'e Target, Option<&'static str>), &'e ResolvedAbsent<'m>>,
    entries: Vec<Place>,
    faults: Vec<Diagnostic>,
}

impl<'e, 'm> Combiner<'e, 'm> {
    /// Adds what an entry asks for.
    fn add(&mut self, part: &'e ResolvedEntry<'m>) {
        let ResolvedEntry {
            entry,
            targets,
            absent,
        } = part;
        let entry = *entry;
        let first = *self.first.get_or_insert(entry);
        if entry.mode != first.mode {
            self.faults.push(conflict::modes(first, entry));
        }
        // What a tenant adds to several entries selects a policy once for each of them, one after the other.
        if self.entries.last() != Some(&entry.place) {
            self.entries.push(entry.place);
        }
        self.wanted.reserve(targets.len());
        self.by_key.reserve(targets.len());
        self.by_group.reserve(targets.len());
        for target in targets {
            self.add_target(target);
        }
        for absent in absent {
            let intent = absent.written.intent();
            let key = (&absent.target, intent);
            self.absent.entry(key).or_insert(absent);
        }
    }

    /// Finds what is wanted and must not be there.
    fn check_absent(&mut self) {
        if self.absent.is_empty() {
            return;
        }
        for (wanted, written) in self.wanted.iter().zip(&self.written) {
            let target = match &wanted.desired.key.target {
                Target::ExclusionGroup(id) => Target::Group(Arc::clone(id)),
                target => target.clone(),
            };
            let intents = [None, written.intent()];
            let mut found = intents
                .iter()
                .filter_map(|intent| self.absent.get(&(&target, *intent)));
            if let Some(absent) = found.next() {
                self.faults
                    .push(conflict::wanted_and_absent(written, absent.written));
            }
        }
    }

    fn add_target(&mut self, target: &'e Resolved<'m>) {
        let key = &target.wanted.desired.key;
        if let Target::Group(group) | Target::ExclusionGroup(group) = &key.target {
            let excluded = key.target.is_exclusion();
            match self.by_group.get(&(group, key.variant.as_ref())) {
                Some(index)
                    if self.wanted[*index].desired.key.target.is_exclusion() != excluded =>
                {
                    let (included, excluded) = if excluded {
                        (self.written[*index], target.written)
                    } else {
                        (target.written, self.written[*index])
                    };
                    self.faults
                        .push(conflict::included_and_excluded(included, excluded));
                    return;
                }
                Some(_) => {}
                None => {
                    let group = (group, key.variant.as_ref());
                    self.by_group.insert(group, self.wanted.len());
                }
            }
        }
        match self.by_key.get(key) {
            Some(index) => self.check_same_target(*index, target),
            None => {
                self.check_two_intents(target);
                self.by_key.insert(key, self.wanted.len());
                self.wanted.push(target.wanted.clone());
                self.written.push(target.written);
            }
        }
    }

    fn check_two_intents(&mut self, target: &'e Resolved<'m>) {
        let AssignmentKey {
            target: who,
            source,
            variant,
        } = &target.wanted.desired.key;
        if variant.is_none() || who.is_exclusion() {
            return;
        }
        match self.by_target.get(&(who, source)) {
            Some(index) => {
                let first = self.written[*index];
                self.faults
                    .push(conflict::two_intents(first, target.written));
            }
            None => {
                self.by_target.insert((who, source), self.wanted.len());
            }
        }
    }

    fn check_same_target(&mut self, index: usize, target: &'e Resolved<'m>) {
        let earlier = &self.wanted[index];
        let desired = &target.wanted.desired;
        if earlier.desired.filter != desired.filter {
            self.faults
                .push(conflict::filters(self.written[index], target.written));
        } else if earlier.desired.source_id != desired.source_id {
            let diagnostic = Diagnostic::error(
                "conflicting-sources",
                target.wanted.place,
                "one target comes from different policy sets",
            )
            .also(earlier.place, "from another one here")
            .hint("give it the same `sourceId` in both places, or remove one");
            self.faults.push(diagnostic);
        }
        if target.written.properties.is_none() {
            return;
        }
        let also = self.also.iter().filter(|(other, _)| *other == index);
        let earlier = also.map(|(_, written)| *written);
        for earlier in std::iter::once(self.written[index]).chain(earlier) {
            self.faults
                .extend(conflict::properties(earlier, target.written));
        }
        merge_properties(&mut self.wanted[index].desired, desired);
        self.also.push((index, target.written));
    }
}

/// Takes in the properties that another line asks for as well.
fn merge_properties(wanted: &mut Desired, more: &Desired) {
    for (name, value) in &more.properties {
        if !wanted.properties.iter().any(|(known, _)| known == name) {
            wanted.properties.push((name.clone(), value.clone()));
        }
    }
    wanted.properties.sort();
    if wanted.remediation == Stated::Unstated {
        wanted.remediation.clone_from(&more.remediation);
    }
}
