//! From checked manifests and the live state to the desired assignments of each policy.
//!
//! `resolve` turns names into ids, `index` finds the policies of each entry, `combined` brings
//! together what several entries say of one policy, `platform` knows which filters fit, `settings` which
//! settings of apps, `suggest` offers what may have been meant. Everything that only the tenant can tell to be wrong is found here, and points at the line that said it.

mod checks;
mod combined;
mod index;
mod platform;
mod resolve;
mod settings;
mod suggest;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::shared_policy_names;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::{Entry, Manifest, Mode};
use crate::model::{
    Assignment, AssignmentKey, Assignments, Desired, LivePolicy, LiveTenant, SharedText, Stated,
    Target,
};
use combined::Combined;
use index::PolicyIndex;
use resolve::{Directory, Resolved, ResolvedAbsent};

/// What manifests select in a tenant.
#[derive(Debug)]
pub struct Selected<'a> {
    /// The managed policies, in the order in which they were read.
    pub policies: Vec<ManagedPolicy<'a>>,
    /// The policies that no entry selects, in that order.
    pub unmanaged: Vec<&'a LivePolicy>,
    /// What is wrong or odd.
    pub diagnostics: Vec<Diagnostic>,
}

/// A policy that some entry selects.
#[derive(Debug)]
pub struct ManagedPolicy<'a> {
    /// The policy as it is.
    pub live: &'a LivePolicy,
    /// What is desired of it, shared by all the policies that the same entries select.
    pub desired: Arc<DesiredState>,
}

/// A target that must not be there, of an app with an intent or with any.
pub type AbsentKey = (Target, Option<SharedText>);

/// What some entries together ask for.
#[derive(Debug)]
pub struct DesiredState {
    /// Whether the assignments are the whole set.
    pub mode: Mode,
    /// The assignments that are asked for, sorted.
    pub assignments: Vec<Desired>,
    /// The lines that ask for them, in their order.
    pub places: Vec<Place>,
    /// The assignments of a policy that has none yet, sorted.
    pub alone: Assignments,
    /// What must not be there, sorted; a group is meant on either side.
    pub absent: Vec<AbsentKey>,
    /// The lines that say so, in their order.
    pub absent_places: Vec<Place>,
    /// Of remediations: what is said of repairing, which no read shows.
    pub remediation: Arc<[(AssignmentKey, bool)]>,
    /// The entries.
    pub entries: Vec<Place>,
}

impl DesiredState {
    /// Makes the desired state of assignments in any order, each with the line that asks for it, as what must not be
    /// there.
    pub fn new(
        mode: Mode,
        mut assignments: Vec<(Desired, Place)>,
        mut absent: Vec<(AbsentKey, Place)>,
        entries: Vec<Place>,
    ) -> Self {
        assignments.sort();
        absent.sort();
        let (assignments, places): (Vec<Desired>, Vec<Place>) = assignments.into_iter().unzip();
        let (absent, absent_places) = absent.into_iter().unzip();
        let mut alone: Vec<Assignment> = assignments
            .iter()
            .map(|desired| desired.over(None))
            .collect();
        alone.sort();
        let stated = assignments
            .iter()
            .filter_map(|desired| match desired.remediation {
                Stated::Is(repairs) => Some((desired.key.clone(), repairs)),
                Stated::Unstated => None,
            });
        Self {
            remediation: stated.collect(),
            mode,
            assignments,
            places,
            alone: alone.into(),
            absent,
            absent_places,
            entries,
        }
    }

    /// Returns the line that asks for an assignment, if one does.
    pub fn place_of(&self, assignment: &Assignment) -> Option<Place> {
        let key = &assignment.key;
        let index = self
            .assignments
            .partition_point(|desired| desired.key < *key);
        let found = self.assignments.get(index)?;
        (found.key == *key).then(|| self.places.get(index).copied())?
    }

    /// Whether live assignments, sorted, are what is asked for, and all of it.
    pub fn is_met_by(&self, live: &[Assignment]) -> bool {
        self.assignments.len() == live.len()
            && self
                .assignments
                .iter()
                .zip(live)
                .all(|(desired, live)| desired.accepts(live))
    }

    /// Whether a live assignment must not be there. Those of policy sets stay in any case.
    pub fn removes(&self, live: &Assignment) -> bool {
        self.absent_index(live).is_some()
    }

    /// Returns the line that says that a live assignment must not be there, if one does.
    pub fn place_of_absent(&self, live: &Assignment) -> Option<Place> {
        self.absent_places.get(self.absent_index(live)?).copied()
    }

    fn absent_index(&self, live: &Assignment) -> Option<usize> {
        if self.absent.is_empty() || !live.key.is_direct() {
            return None;
        }
        let group = match &live.key.target {
            Target::ExclusionGroup(id) => Some(Target::Group(Arc::clone(id))),
            _ => None,
        };
        let target = group.as_ref().unwrap_or(&live.key.target);
        let intent = live.key.variant.as_ref();
        let start = self.absent.partition_point(|(known, _)| known < target);
        let mut of_target = self.absent[start..]
            .iter()
            .take_while(|(known, _)| known == target);
        let found = of_target.position(|(_, meant)| meant.is_none() || meant.as_ref() == intent)?;
        Some(start + found)
    }
}

/// An assignment that is asked for, and the line that asks.
#[derive(Clone, Debug)]
struct PlacedDesired {
    /// The assignment, with ids.
    desired: Desired,
    /// The target's line.
    place: Place,
}

/// An entry whose names are resolved.
struct ResolvedEntry<'m> {
    entry: &'m Entry,
    targets: Vec<Resolved<'m>>,
    absent: Vec<ResolvedAbsent<'m>>,
}

impl<'m> ResolvedEntry<'m> {
    fn new(entry: &'m Entry, directory: &Directory<'_>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let targets = entry.targets.iter();
        let targets = targets.filter_map(|target| directory.resolve(target, diagnostics));
        let targets = targets.collect();
        let absent = entry.absent.iter().filter_map(|written| {
            let named = (&written.target, written.optional);
            let target = directory.target(named, written.place, diagnostics)?;
            Some(ResolvedAbsent { target, written })
        });
        Self {
            entry,
            targets,
            absent: absent.collect(),
        }
    }
}

/// Finds the policies of all entries and combines what they ask for.
pub fn select<'a>(manifest: &Manifest, live: &'a LiveTenant, strict: bool) -> Selected<'a> {
    let mut diagnostics = Vec::new();
    let directory = Directory::new(live);
    let entries = &manifest.entries;
    let resolved: Vec<ResolvedEntry<'_>> = entries
        .iter()
        .map(|entry| ResolvedEntry::new(entry, &directory, &mut diagnostics))
        .collect();
    let selected = PolicyIndex::new(live).entries_of_policies(entries, strict, &mut diagnostics);
    // Many policies are selected by the same entries; what those ask for is combined once.
    let mut combined: HashMap<Vec<usize>, Combined<'_>> = HashMap::new();
    let mut findings = Findings::default();
    let mut policies = Vec::new();
    let mut unmanaged = Vec::new();
    for (live, numbers) in live.policies.iter().zip(selected) {
        if numbers.is_empty() {
            unmanaged.push(live);
            continue;
        }
        let combined = combined.entry(numbers).or_insert_with_key(|numbers| {
            let parts = numbers.iter().map(|number| &resolved[*number]);
            Combined::new(parts, &directory)
        });
        combined.check_against_live(live, &mut findings);
        policies.push(ManagedPolicy {
            live,
            desired: combined.desired(),
        });
    }
    findings.report(live, &mut diagnostics);
    if policies.is_empty() && !diagnostics.iter().any(Diagnostic::is_error) {
        let message = "the manifests select no policy of this tenant";
        let error = Diagnostic::new(Severity::Error, "nothing-selected", None, message);
        diagnostics.push(error.hint("check the tenant, and the names and globs of the entries"));
    }
    Selected {
        policies,
        unmanaged,
        diagnostics,
    }
}

/// Faults that one line causes in many policies: said once, with the policies counted.
#[derive(Default)]
struct Findings<'a> {
    by_line: BTreeMap<FindingKey, (Diagnostic, Vec<&'a LivePolicy>)>,
}

/// What makes two findings one: place, severity, code and message.
type FindingKey = (Option<Place>, Severity, &'static str, String);

impl<'a> Findings<'a> {
    /// Takes a fault of one policy.
    fn note(&mut self, diagnostic: Diagnostic, policy: &'a LivePolicy) {
        let key = (
            diagnostic.place,
            diagnostic.severity,
            diagnostic.code,
            diagnostic.message.clone(),
        );
        let (_, policies) = self
            .by_line
            .entry(key)
            .or_insert_with(|| (diagnostic, Vec::new()));
        policies.push(policy);
    }

    fn report(self, live: &LiveTenant, diagnostics: &mut Vec<Diagnostic>) {
        if self.by_line.is_empty() {
            return;
        }
        let shared = shared_policy_names(live.policies.iter().map(LivePolicy::named));
        for (mut diagnostic, mut policies) in self.by_line.into_values() {
            policies.sort_by_key(|policy| (&policy.name, &policy.id));
            policies.dedup_by_key(|policy| &policy.id);
            let first = policies.first().map_or_else(String::new, |policy| {
                if shared.contains(&(policy.kind, &*policy.id)) {
                    format!("`{}` ({})", policy.name, policy.id)
                } else {
                    format!("`{}`", policy.name)
                }
            });
            let others = match policies.len() {
                0 | 1 => String::new(),
                2 => " and 1 other policy".to_owned(),
                number => format!(" and {} other policies", number - 1),
            };
            diagnostic.message = format!("{}, for {first}{others}", diagnostic.message);
            diagnostics.push(diagnostic);
        }
    }
}

fn list<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    ids.join(", ")
}
