//! Collects what is wrong with the manifests of a run: all of it, each fault once.
//!
//! A manifest is text that anyone may have written. What is collected, what is shown and how much
//! work goes into hints is bounded here, so that a file full of faults costs no more than a large
//! file without any.

use std::collections::HashSet;

use crate::diagnostic::{self, Diagnostic, Place, Severity};
use crate::text::LONGEST_QUOTE;

/// The code of the last diagnostic, if others are not shown.
pub const TOO_MANY: &str = "too-many-faults";

/// How many diagnostics are shown.
pub(super) const MOST_SHOWN: usize = 500;

/// How many are kept to choose from; those found later are only counted.
const MOST_KEPT: usize = 10_000;

/// How many candidates are compared for hints in one run.
const MOST_COMPARISONS: usize = 50_000;

/// The diagnostics of a run, as they are found.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    list: Vec<Diagnostic>,
    seen: HashSet<(Option<Place>, &'static str, String)>,
    more_errors: usize,
    more_warnings: usize,
    errors: usize,
    comparisons: usize,
    doubts: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a diagnostic, unless the same was said of the same place before: what an alias or a
    /// target set brings to many entries is wrong once.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.is_error());
        if self.list.len() >= MOST_KEPT {
            if diagnostic.is_error() {
                self.more_errors += 1;
            } else {
                self.more_warnings += 1;
            }
            return;
        }
        let what = (
            diagnostic.place,
            diagnostic.code,
            diagnostic.message.clone(),
        );
        if self.seen.insert(what) {
            self.list.push(diagnostic);
        }
    }

    /// Adds an error that is made only if it is kept: what no one will see is counted, and not
    /// worded.
    pub(super) fn push_error(&mut self, error: impl FnOnce() -> Diagnostic) {
        if self.list.len() >= MOST_KEPT {
            self.errors += 1;
            self.more_errors += 1;
        } else {
            self.push(error());
        }
    }

    /// Adds a warning that counts only together with errors: what is in doubt shows once the tenant is
    /// asked, and errors keep it from being asked.
    pub(super) fn push_if_others(&mut self, doubt: Diagnostic) {
        if self.doubts.len() < MOST_SHOWN {
            self.doubts.push(doubt);
        }
    }

    /// Notes that something that was reported before is missing here.
    pub(super) fn miss(&mut self) {
        self.errors += 1;
    }

    /// Returns how many errors were found so far; more than before means that something between
    /// was wrong.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Returns a hint that names the nearest candidate, if one is near.
    pub(super) fn did_you_mean<'a>(
        &mut self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<String> {
        let near = self.suggest(name, candidates)?;
        Some(format!("did you mean `{near}`?"))
    }

    /// Returns the nearest candidate, if one is near.
    pub(super) fn suggest<'a>(
        &mut self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        let length = name.chars().take(LONGEST_QUOTE + 1).count();
        if length > LONGEST_QUOTE {
            return None;
        }
        // What differs much in length cannot be near; leaving it out keeps large sets cheap.
        let slack = (length / 3).max(1) + 1;
        let mut compared = 0;
        let near: Vec<&str> = candidates
            .into_iter()
            .take(MOST_COMPARISONS.saturating_sub(self.comparisons) + 1)
            .inspect(|_| compared += 1)
            .filter(|candidate| candidate.chars().count().abs_diff(length) <= slack)
            .collect();
        self.comparisons += compared;
        // What was not compared may be nearer.
        if self.comparisons > MOST_COMPARISONS {
            self.comparisons = MOST_COMPARISONS;
            return None;
        }
        diagnostic::nearest(name, near)
    }

    /// Returns the diagnostics in order, errors before warnings where there are too many.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let Self {
            mut list,
            seen: _,
            mut more_errors,
            mut more_warnings,
            errors,
            comparisons: _,
            doubts,
        } = self;
        if errors > 0 {
            list.extend(doubts);
        }
        diagnostic::tidy(&mut list);
        if list.len() > MOST_SHOWN {
            list.sort_by_key(|diagnostic| diagnostic.severity);
            for hidden in list.drain(MOST_SHOWN..) {
                if hidden.is_error() {
                    more_errors += 1;
                } else {
                    more_warnings += 1;
                }
            }
        }
        let more = more_errors + more_warnings;
        if more > 0 {
            let severity = if more_errors > 0 {
                Severity::Error
            } else {
                Severity::Warning
            };
            list.push(Diagnostic::new(
                severity,
                TOO_MANY,
                None,
                format!("and {more} more, not shown"),
            ));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;

    fn place(line: usize) -> Place {
        Place {
            file: FileId(0),
            line,
            column: 1,
            length: 1,
        }
    }

    #[test]
    fn nothing_wrong_is_nothing_to_say() {
        assert_eq!(Diagnostics::default().finish(), []);
    }

    #[test]
    fn a_fault_is_said_once() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::error("a", place(2), "x"));
        diagnostics.push(Diagnostic::error("a", place(1), "x"));
        diagnostics.push(Diagnostic::error("a", place(2), "x").hint("again"));
        assert_eq!(diagnostics.finish().len(), 2);
    }

    #[test]
    fn too_many_are_counted_and_errors_are_shown_first() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::warning("w", place(1), "x"));
        for line in 0..20_000 {
            diagnostics.push(Diagnostic::error("e", place(line), "x"));
        }
        let list = diagnostics.finish();
        assert_eq!(list.len(), MOST_SHOWN + 1);
        assert!(list.iter().all(Diagnostic::is_error));
        assert_eq!(list[MOST_SHOWN].message, "and 19501 more, not shown");
    }

    #[test]
    fn what_is_only_counted_is_not_worded() {
        let mut diagnostics = Diagnostics::default();
        let mut worded = 0;
        for line in 0..20_000 {
            diagnostics.push_error(|| {
                worded += 1;
                Diagnostic::error("e", place(line), "x")
            });
        }
        assert_eq!((worded, diagnostics.errors()), (MOST_KEPT, 20_000));
        let list = diagnostics.finish();
        assert_eq!(list[MOST_SHOWN].message, "and 19500 more, not shown");
    }

    #[test]
    fn hints_cost_little_however_much_there_is_to_compare() {
        let mut diagnostics = Diagnostics::default();
        let names: Vec<String> = (0..10_000).map(|number| format!("set-{number}")).collect();
        for _ in 0..2_000 {
            diagnostics.suggest("set-x", names.iter().map(String::as_str));
        }
        assert_eq!(diagnostics.comparisons, MOST_COMPARISONS);
        assert_eq!(diagnostics.suggest(&"x".repeat(1_000_000), ["x"]), None);
        let mut diagnostics = Diagnostics {
            comparisons: MOST_COMPARISONS - 1,
            ..Diagnostics::default()
        };
        // f32: a list that was cut offers nothing.
        assert_eq!(diagnostics.suggest("set-x", ["set-y", "set-x1"]), None);
    }
}
