//! What several entries want of one policy, and whether it goes together with the policy as it is.

use std::collections::HashMap;
use std::sync::Arc;

use super::directory::{Directory, Resolved};
use super::{Findings, Wanted, Wants, platform};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::{Entry, Mode, WantedTarget, conflict};
use crate::model::{Assignment, LiveFilter, LivePolicy, SharedText, Source, Target};

/// What several entries want of each policy that all of them select.
pub(super) struct United<'a> {
    wants: Arc<Wants>,
    /// What does not go together, whatever the policy.
    faults: Vec<Diagnostic>,
    /// What may be wrong with some of the policies.
    doubts: Vec<Doubt<'a>>,
}

/// A row that does not go together with some policies.
struct Doubt<'a> {
    wanted: Wanted,
    kind: DoubtKind<'a>,
}

enum DoubtKind<'a> {
    /// Its group is not known; no harm where the row is live already.
    UnknownGroup,
    /// Its filter is not known, written there; as with groups.
    UnknownFilter(Place),
    /// Its filter, written there, is made for a platform.
    Platform(Place, &'a LiveFilter),
    /// It adds a group, which may be live on the other side.
    Additive,
}

impl<'a> United<'a> {
    /// Brings together what entries want; the first decides the mode.
    pub(super) fn new<'e, 'm: 'e>(
        parts: impl Iterator<Item = (&'m Entry, &'e [Resolved<'m>])>,
        directory: &Directory<'a>,
    ) -> Self {
        let mut union = Union::default();
        for (entry, targets) in parts {
            union.add(entry, targets);
        }
        let Union {
            first,
            wanted,
            written,
            entries,
            faults,
            ..
        } = union;
        let mode = first.map_or(Mode::Exact, |first| first.mode);
        let mut doubts = Vec::new();
        for (wanted, written) in wanted.iter().zip(written) {
            let kinds = doubtful(&wanted.row, written, mode, directory);
            doubts.extend(kinds.into_iter().flatten().map(|kind| Doubt {
                wanted: wanted.clone(),
                kind,
            }));
        }
        let mut rows: Vec<Assignment> = wanted.into_iter().map(|wanted| wanted.row).collect();
        rows.sort();
        Self {
            wants: Arc::new(Wants {
                mode,
                rows: rows.into(),
                entries,
            }),
            faults,
            doubts,
        }
    }

    pub(super) fn wants(&self) -> Arc<Wants> {
        Arc::clone(&self.wants)
    }

    /// Finds what does not go together with a policy as it is.
    pub(super) fn check_against_live(&self, live: &LivePolicy, findings: &mut Findings) {
        for fault in &self.faults {
            findings.note(fault.clone(), live);
        }
        for doubt in &self.doubts {
            if let Some(diagnostic) = doubt.check(live) {
                findings.note(diagnostic, live);
            }
        }
    }
}

fn doubtful<'a>(
    row: &Assignment,
    written: &WantedTarget,
    mode: Mode,
    directory: &Directory<'a>,
) -> [Option<DoubtKind<'a>>; 3] {
    let group = row.target.group_id();
    let unknown_group = group.filter(|group| !directory.has_group(group));
    let filter = row.filter.as_ref().zip(written.filter.as_ref());
    let filter = filter.and_then(
        |(filter, written)| match directory.filter_by_id(&filter.id) {
            None => Some(DoubtKind::UnknownFilter(written.place)),
            Some(live) if live.platform.is_some() => Some(DoubtKind::Platform(written.place, live)),
            Some(_) => None,
        },
    );
    let additive = group.filter(|_| mode == Mode::Additive);
    [
        unknown_group.map(|_| DoubtKind::UnknownGroup),
        filter,
        additive.map(|_| DoubtKind::Additive),
    ]
}

impl Doubt<'_> {
    fn check(&self, live: &LivePolicy) -> Option<Diagnostic> {
        let Wanted { row, place } = &self.wanted;
        // What is live already is not made worse by saying so; an export must be plannable.
        let severity = || {
            let same_target = live.rows_of(&row.target);
            if same_target.iter().any(|live| row.satisfied_by(live)) {
                Severity::Warning
            } else {
                Severity::Error
            }
        };
        let diagnostic = match &self.kind {
            DoubtKind::UnknownGroup => Diagnostic::new(
                severity(),
                "unknown-group",
                Some(*place),
                format!(
                    "the tenant has no group with the id `{}`",
                    row.target.group_id().unwrap_or_default()
                ),
            )
            .hint("the group may have been deleted"),
            DoubtKind::UnknownFilter(place) => Diagnostic::new(
                severity(),
                "unknown-filter",
                Some(*place),
                format!(
                    "the tenant has no assignment filter with the id `{}`",
                    row.filter.as_ref().map_or("", |filter| &filter.id)
                ),
            )
            .hint("the filter may have been deleted, or the sign-in may not see it"),
            DoubtKind::Platform(place, filter) => {
                let message = platform::misfit(filter, live)?;
                Diagnostic::new(severity(), "filter-platform", Some(*place), message)
            }
            DoubtKind::Additive => return check_additive(row, *place, live),
        };
        Some(diagnostic)
    }
}

fn check_additive(row: &Assignment, place: Place, live: &LivePolicy) -> Option<Diagnostic> {
    let (other_side, doing, done) = match &row.target {
        Target::Group(id) => (Target::ExclusionGroup(id.clone()), "includes", "excludes"),
        Target::ExclusionGroup(id) => (Target::Group(id.clone()), "excludes", "includes"),
        _ => return None,
    };
    if live.rows_of(&other_side).is_empty() {
        return None;
    }
    let diagnostic = Diagnostic::error(
        "additive-conflict",
        place,
        format!("the entry {doing} a group that the live policy {done}"),
    )
    .hint("mode `additive` never removes; use `exact`, or remove the live assignment first");
    Some(diagnostic)
}

/// The entries so far.
#[derive(Default)]
struct Union<'e, 'm> {
    /// The entry that came first; the others must be of its mode.
    first: Option<&'m Entry>,
    wanted: Vec<Wanted>,
    /// What each wanted row was written as.
    written: Vec<&'m WantedTarget>,
    by_target: HashMap<(&'e Target, &'e Source), usize>,
    by_group: HashMap<&'e SharedText, usize>,
    entries: Vec<Place>,
    faults: Vec<Diagnostic>,
}

impl<'e, 'm> Union<'e, 'm> {
    /// Takes in what an entry wants.
    fn add(&mut self, entry: &'m Entry, targets: &'e [Resolved<'m>]) {
        let first = *self.first.get_or_insert(entry);
        if entry.mode != first.mode {
            self.faults.push(conflict::modes(first, entry));
        }
        self.entries.push(entry.place);
        for target in targets {
            self.add_target(target);
        }
    }

    fn add_target(&mut self, target: &'e Resolved<'m>) {
        let row = &target.wanted.row;
        if let Target::Group(group) | Target::ExclusionGroup(group) = &row.target {
            match self.by_group.get(group) {
                Some(index)
                    if self.wanted[*index].row.target.is_exclusion()
                        != row.target.is_exclusion() =>
                {
                    let (included, excluded) = if row.target.is_exclusion() {
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
                    self.by_group.insert(group, self.wanted.len());
                }
            }
        }
        let key = (&row.target, &row.source);
        match self.by_target.get(&key) {
            Some(index) => self.check_same_target(*index, target),
            None => {
                self.by_target.insert(key, self.wanted.len());
                self.wanted.push(target.wanted.clone());
                self.written.push(target.written);
            }
        }
    }

    fn check_same_target(&mut self, index: usize, target: &Resolved<'_>) {
        let earlier = &self.wanted[index];
        let row = &target.wanted.row;
        if earlier.row.filter != row.filter {
            self.faults
                .push(conflict::filters(self.written[index], target.written));
        } else if earlier.row.source_id != row.source_id {
            let diagnostic = Diagnostic::error(
                "conflicting-sources",
                target.wanted.place,
                "one target comes from different policy sets",
            )
            .also(earlier.place, "from another one here")
            .hint("give it the same `sourceId` in both places, or remove one");
            self.faults.push(diagnostic);
        }
    }
}
