//! What several entries want of one policy, and whether it goes together with the policy as it is.

use std::collections::HashMap;

use super::directory::{Directory, Resolved};
use super::{Findings, ManagedPolicy, Wanted, platform};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::{Entry, Mode, WantedTarget, conflict};
use crate::model::{Assignment, LivePolicy, Source, Target};

/// What several entries want of one policy.
pub(super) struct United<'a, 'm> {
    live: &'a LivePolicy,
    /// The entry that came first; the others must be of its mode.
    first: &'m Entry,
    wanted: Vec<Wanted>,
    /// What each wanted row was written as.
    written: Vec<&'m WantedTarget>,
    by_target: HashMap<(Target, Source), usize>,
    by_group: HashMap<String, usize>,
    entries: Vec<Place>,
}

impl<'a, 'm> United<'a, 'm> {
    pub(super) fn new(live: &'a LivePolicy, first: &'m Entry) -> Self {
        Self {
            live,
            first,
            wanted: Vec::new(),
            written: Vec::new(),
            by_target: HashMap::new(),
            by_group: HashMap::new(),
            entries: Vec::new(),
        }
    }

    /// Takes in what an entry wants.
    pub(super) fn add(
        &mut self,
        entry: &'m Entry,
        targets: &[Resolved<'m>],
        findings: &mut Findings,
    ) {
        if entry.mode != self.first.mode {
            findings.note(conflict::modes(self.first, entry), self.live);
        }
        self.entries.push(entry.place);
        for target in targets {
            self.add_target(target, findings);
        }
    }

    fn add_target(&mut self, target: &Resolved<'m>, findings: &mut Findings) {
        let row = &target.wanted.row;
        if let Some(group) = row.target.group_id() {
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
                    findings.note(
                        conflict::included_and_excluded(included, excluded),
                        self.live,
                    );
                    return;
                }
                Some(_) => {}
                None => {
                    self.by_group.insert(group.to_owned(), self.wanted.len());
                }
            }
        }
        let key = (row.target.clone(), row.source.clone());
        match self.by_target.get(&key) {
            Some(index) => self.check_same_target(*index, target, findings),
            None => {
                self.by_target.insert(key, self.wanted.len());
                self.wanted.push(target.wanted.clone());
                self.written.push(target.written);
            }
        }
    }

    fn check_same_target(&self, index: usize, target: &Resolved<'_>, findings: &mut Findings) {
        let earlier = &self.wanted[index];
        let row = &target.wanted.row;
        if earlier.row.filter != row.filter {
            findings.note(
                conflict::filters(self.written[index], target.written),
                self.live,
            );
        } else if earlier.row.source_id != row.source_id {
            let diagnostic = Diagnostic::error(
                "conflicting-sources",
                target.wanted.place,
                "one target comes from different policy sets",
            )
            .also(earlier.place, "from another one here")
            .hint("give it the same `sourceId` in both places, or remove one");
            findings.note(diagnostic, self.live);
        }
    }

    /// Finds what does not go together with the policy as it is.
    pub(super) fn check_against_live(&self, directory: &Directory<'_>, findings: &mut Findings) {
        for (wanted, written) in self.wanted.iter().zip(&self.written) {
            // What is live already is not made worse by saying so; an export must be plannable.
            let severity = if self.is_live(&wanted.row) {
                Severity::Warning
            } else {
                Severity::Error
            };
            self.check_group(wanted, severity, directory, findings);
            self.check_filter(&wanted.row, written, severity, directory, findings);
            if self.first.mode == Mode::Additive {
                self.check_additive(wanted, findings);
            }
        }
    }

    fn is_live(&self, row: &Assignment) -> bool {
        self.live
            .assignments
            .iter()
            .any(|live| row.satisfied_by(&live.row))
    }

    fn check_group(
        &self,
        wanted: &Wanted,
        severity: Severity,
        directory: &Directory<'_>,
        findings: &mut Findings,
    ) {
        if let Some(group) = wanted.row.target.group_id()
            && !directory.has_group(group)
        {
            let message = format!("the tenant has no group with the id `{group}`");
            let diagnostic =
                Diagnostic::new(severity, "unknown-group", Some(wanted.place), message)
                    .hint("the group may have been deleted");
            findings.note(diagnostic, self.live);
        }
    }

    fn check_filter(
        &self,
        row: &Assignment,
        written: &WantedTarget,
        severity: Severity,
        directory: &Directory<'_>,
        findings: &mut Findings,
    ) {
        let (Some(filter), Some(reference)) = (&row.filter, &written.filter) else {
            return;
        };
        let place = Some(reference.place);
        let Some(live) = directory.filter_by_id(&filter.id) else {
            let message = format!(
                "the tenant has no assignment filter with the id `{}`",
                filter.id
            );
            let diagnostic = Diagnostic::new(severity, "unknown-filter", place, message)
                .hint("the filter may have been deleted, or the sign-in may not see it");
            return findings.note(diagnostic, self.live);
        };
        if let Some(message) = platform::misfit(live, self.live) {
            findings.note(
                Diagnostic::new(severity, "filter-platform", place, message),
                self.live,
            );
        }
    }

    fn check_additive(&self, wanted: &Wanted, findings: &mut Findings) {
        let row = &wanted.row;
        let Some(group) = row.target.group_id() else {
            return;
        };
        let on_other_side = self.live.assignments.iter().any(|live| {
            live.row.target.group_id() == Some(group)
                && live.row.target.is_exclusion() != row.target.is_exclusion()
        });
        if on_other_side {
            let (doing, done) = if row.target.is_exclusion() {
                ("excludes", "includes")
            } else {
                ("includes", "excludes")
            };
            let diagnostic = Diagnostic::error(
                "additive-conflict",
                wanted.place,
                format!("the entry {doing} a group that the live policy {done}"),
            )
            .hint(
                "mode `additive` never removes; use `exact`, or remove the live assignment first",
            );
            findings.note(diagnostic, self.live);
        }
    }

    pub(super) fn into_managed(self) -> ManagedPolicy<'a> {
        ManagedPolicy {
            live: self.live,
            mode: self.first.mode,
            wanted: self.wanted,
            entries: self.entries,
        }
    }
}
