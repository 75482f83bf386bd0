//! Why a policy has its assignments: which lines ask for them, what is live, what would change.

use super::select::DesiredState;
use super::{Change, ManifestPlace, Names, PlannedPolicy, PolicyRef};
use crate::diagnostic::{Place, Sources};
use crate::manifest::{Entry, Manifest, Mode, NameOrId, TargetReference, WantedTarget};
use crate::model::{Assignment, AssignmentKey, Assignments, Guid, Source, Target};

/// What there is to say of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The policy.
    pub policy: PolicyRef,
    /// How its manifest treats what it does not list; `None` if no entry selects it.
    pub mode: Option<Mode>,
    /// The entries that select it: the lines that name it.
    pub entries: Vec<Line>,
    /// Its live and its planned assignments.
    pub assignments: Vec<Explained>,
    /// Display names of groups and filters.
    pub names: Names,
}

/// A line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it is.
    pub place: ManifestPlace,
    /// What it says, without the space around it.
    pub text: String,
}

/// An assignment, and why it is there or planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The live assignment.
    pub before: Option<Assignment>,
    /// The assignment after an apply.
    pub after: Option<Assignment>,
    /// Whether it is an assignment of a remediation that is to detect only.
    pub only_detects: bool,
    /// Why.
    pub reason: Reason,
    /// The lines that ask for it.
    pub asked: Vec<RequestingLine>,
}

/// A line that asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestingLine {
    /// The target's line, in the entry or in a target set.
    pub line: Line,
    /// The line of the entry that brings the set in.
    pub through: Option<Line>,
}

/// Why an assignment is there or planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is live, and a line asks for it.
    AskedFor,
    /// A line asks for it, and it is not live.
    Missing,
    /// It is live with another filter or property than a line asks for.
    Differs,
    /// No line asks for it, and the manifest is the whole set.
    NotAskedFor,
    /// A line says that it must not be there.
    Absent,
    /// No line asks for it, and the manifest only adds.
    Additive,
    /// No line asks for it, and no manifest can: its type is not known, and it is left alone.
    UnknownType,
    /// A policy set makes it, or the service in another way.
    NotDirect,
    /// No entry selects the policy.
    Unmanaged,
}

impl Reason {
    /// Returns the word for it in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::AskedFor => "askedFor",
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::NotAskedFor => "notAskedFor",
            Self::Absent => "absent",
            Self::Additive => "additive",
            Self::UnknownType => "unknownType",
            Self::NotDirect => "notDirect",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// Explains a managed policy.
pub fn explain(
    policy: &PlannedPolicy,
    desired: &DesiredState,
    manifest: &Manifest,
    sources: &Sources,
    names: &Names,
) -> Explanation {
    let entries = manifest.entries.iter();
    let entries: Vec<&Entry> = entries
        .filter(|entry| desired.entries.contains(&entry.place))
        .collect();
    let lines = Lines {
        entries: &entries,
        sources,
    };
    let asking_for = |assignment| {
        let place = desired.place_of(assignment);
        lines.asking_for(assignment, place, names)
    };
    let mut assignments: Vec<Explained> = policy
        .changes
        .iter()
        .map(|change| {
            let (reason, asked) = match change {
                Change::Add(new) => (Reason::Missing, asking_for(new)),
                Change::Update { after, .. } => (Reason::Differs, asking_for(after)),
                Change::Remove(old) if desired.removes(old) => {
                    (Reason::Absent, lines.absent(&old.key, names))
                }
                Change::Remove(_) => (Reason::NotAskedFor, Vec::new()),
            };
            Explained {
                before: change.before().cloned(),
                after: change.after().cloned(),
                only_detects: change
                    .after()
                    .is_some_and(|after| policy.only_detects(after)),
                reason,
                asked,
            }
        })
        .collect();
    let is_changed = |assignment: &&Assignment| {
        let mut changes = policy.changes.iter();
        changes.any(|change| change.after() == Some(*assignment))
    };
    assignments.extend(
        policy
            .after
            .iter()
            .filter(|assignment| !is_changed(assignment))
            .map(|assignment| {
                let asked = asking_for(assignment);
                Explained {
                    before: Some(assignment.clone()),
                    after: Some(assignment.clone()),
                    only_detects: policy.only_detects(assignment),
                    reason: match (asked.is_empty(), &assignment.key.source, policy.mode) {
                        (false, ..) => Reason::AskedFor,
                        (true, Source::Direct, Mode::Additive) => Reason::Additive,
                        (true, Source::Direct, Mode::Exact) => Reason::UnknownType,
                        (true, ..) => Reason::NotDirect,
                    },
                    asked,
                }
            }),
    );
    assignments.sort_by(|one, other| key(one).cmp(&key(other)));
    // What is written once for several kinds, or is added to several entries, stands there once for each.
    let mut places: Vec<Place> = entries.iter().map(|entry| entry.selector_place).collect();
    places.dedup();
    let selecting = places.into_iter().map(|place| line(place, sources));
    Explanation {
        policy: policy.reference(),
        mode: Some(policy.mode),
        entries: selecting.collect(),
        assignments,
        names: names.clone(),
    }
}

/// Explains a policy that no entry selects.
pub fn unmanaged(policy: PolicyRef, assignments: &Assignments, names: Names) -> Explanation {
    let assignments = assignments.iter().map(|assignment| Explained {
        before: Some(assignment.clone()),
        after: Some(assignment.clone()),
        only_detects: false,
        reason: Reason::Unmanaged,
        asked: Vec::new(),
    });
    Explanation {
        policy,
        mode: None,
        entries: Vec::new(),
        assignments: assignments.collect(),
        names,
    }
}

fn key(explained: &Explained) -> Option<&Assignment> {
    explained.after.as_ref().or(explained.before.as_ref())
}

/// The lines of the entries that select a policy.
struct Lines<'a> {
    entries: &'a [&'a Entry],
    sources: &'a Sources,
}

impl Lines<'_> {
    /// Returns the lines that ask for an assignment, which the one at `place` does: the target may be named in
    /// several entries and sets, by name and by id.
    fn asking_for(
        &self,
        assignment: &Assignment,
        place: Option<Place>,
        names: &Names,
    ) -> Vec<RequestingLine> {
        let Some(place) = place else {
            return Vec::new();
        };
        let key = &assignment.key;
        let is_asking = |target: &&WantedTarget| {
            target.place == place
                || is_meant(&target.target, &key.target, names)
                    && target.target.is_exclusion() == key.target.is_exclusion()
                    && target.source == key.source
                    && target.intent() == key.variant.as_deref()
        };
        let all = self.entries.iter().flat_map(|entry| &entry.targets);
        let lines = all.filter(is_asking).flat_map(|target| {
            let first = (target.place, target.via);
            std::iter::once(first).chain(target.also.iter().copied())
        });
        self.asked(lines)
    }

    /// Returns the lines that say that a target must not be there, on either side.
    fn absent(&self, key: &AssignmentKey, names: &Names) -> Vec<RequestingLine> {
        let all = self.entries.iter().flat_map(|entry| &entry.absent);
        let meant = all.filter(|absent| {
            is_meant(&absent.target, &key.target, names)
                && absent.is_absent_with(key.variant.as_deref())
        });
        let lines = meant.flat_map(|absent| {
            let first = (absent.place, absent.via);
            std::iter::once(first).chain(absent.also.iter().copied())
        });
        self.asked(lines)
    }

    fn asked(&self, lines: impl Iterator<Item = (Place, Option<Place>)>) -> Vec<RequestingLine> {
        let mut asked: Vec<RequestingLine> = Vec::new();
        for (place, via) in lines {
            let line = RequestingLine {
                line: line(place, self.sources),
                through: via.map(|via| line(via, self.sources)),
            };
            if !asked.contains(&line) {
                asked.push(line);
            }
        }
        asked
    }
}

/// Whether a reference means a target; on which side a group is does not count. Names are compared without case.
fn is_meant(reference: &TargetReference, target: &Target, names: &Names) -> bool {
    let is_group = |reference: &NameOrId| match (reference, target.group_id()) {
        (NameOrId::Id(known), Some(id)) => Guid::parse(id) == Some(*known),
        (NameOrId::Name(name), Some(id)) => names
            .group(id)
            .is_some_and(|known| known.to_lowercase() == name.to_lowercase()),
        (_, None) => false,
    };
    match (reference, target) {
        (TargetReference::AllDevices, Target::AllDevices)
        | (TargetReference::AllUsers, Target::AllUsers) => true,
        (TargetReference::Collection(one), Target::Collection(other)) => {
            one.eq_ignore_ascii_case(other)
        }
        (TargetReference::Group(group) | TargetReference::ExclusionGroup(group), _) => {
            is_group(group)
        }
        _ => false,
    }
}

fn line(place: Place, sources: &Sources) -> Line {
    let text = &sources.file(place.file).text;
    let line = text.lines().nth(place.line.saturating_sub(1));
    Line {
        place: ManifestPlace::new(place, sources),
        text: line.unwrap_or_default().trim().to_owned(),
    }
}
