//! The part of the managed policies that a run looks at: `--only`, `--exclude` and `--kind`.
//!
//! Manifests are read and checked as a whole whatever is selected, and so is what they select in
//! the tenant: a mistake in an entry does not hide because another one was asked for. The selection
//! says only which of the managed policies get into the plan, as `-target` does in other tools.
//! Guards judge what is in the plan, and its digest covers that.

use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::text::{all_of, shell_word};

/// Which of the managed policies are meant. Empty lists mean all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Globs over the display names to take.
    pub only: Vec<Glob>,
    /// Globs over the display names to leave out.
    pub exclude: Vec<Glob>,
    /// The kinds to take.
    pub kinds: Vec<PolicyKind>,
}

impl Selection {
    /// Whether anything may be left out.
    pub fn is_partial(&self) -> bool {
        let Self {
            only,
            exclude,
            kinds,
        } = self;
        !(only.is_empty() && exclude.is_empty() && kinds.is_empty())
    }

    /// Whether a policy is meant.
    pub fn includes(&self, kind: PolicyKind, name: &str) -> bool {
        let Self {
            only,
            exclude,
            kinds,
        } = self;
        (kinds.is_empty() || kinds.contains(&kind))
            && (only.is_empty() || only.iter().any(|glob| glob.matches(name)))
            && !exclude.iter().any(|glob| glob.matches(name))
    }

    /// Says that the options that were given leave none of some policies.
    pub fn leaves_none(&self, of: &str) -> String {
        let options = [
            ("--only", self.only.is_empty()),
            ("--exclude", self.exclude.is_empty()),
            ("--kind", self.kinds.is_empty()),
        ];
        let given = options.iter().filter(|(_, is_empty)| !is_empty);
        let given: Vec<&str> = given.map(|(option, _)| *option).collect();
        let leave = match given.len() {
            1 => "leaves",
            _ => "leave",
        };
        format!("{} {leave} none of {of}", all_of(&given))
    }

    /// Excludes what another selection excludes as well.
    pub fn and(&mut self, other: Self) {
        let Self {
            only,
            exclude,
            kinds,
        } = other;
        self.only.extend(only);
        self.exclude.extend(exclude);
        self.kinds.extend(kinds);
    }

    /// Leaves the policies that are not meant out, and returns how many those are. They are called `one`, or `all`.
    ///
    /// A glob that matches no managed policy is most likely misspelt, and what it should have kept out
    /// would be changed. A selection that leaves nothing is an error: a run that looked at nothing
    /// must not say that nothing is to be done.
    pub fn narrow<P>(
        &self,
        policies: &mut Vec<P>,
        named: impl Fn(&P) -> (PolicyKind, &str),
        (one, all): (&str, &str),
        strict: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> usize {
        let managed = policies.len();
        if !self.is_partial() || managed == 0 {
            return 0;
        }
        for (option, globs) in [("--only", &self.only), ("--exclude", &self.exclude)] {
            for glob in globs {
                let mut names = policies.iter().map(|policy| named(policy).1);
                if names.any(|name| glob.matches(name)) {
                    continue;
                }
                let severity = match strict {
                    true => Severity::Error,
                    false => Severity::Warning,
                };
                let names = policies.iter().map(|policy| named(policy).1);
                let hint = match nearest(glob.as_str(), names) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "the glob must match the whole name, case-sensitively".to_owned(),
                };
                let message = format!("`{option} {}` matches no {one}", shell_word(glob.as_str()));
                let found = Diagnostic::new(severity, "selection-matches-nothing", None, message);
                diagnostics.push(found.hint(hint));
            }
        }
        policies.retain(|policy| {
            let (kind, name) = named(policy);
            self.includes(kind, name)
        });
        if policies.is_empty() {
            let message = self.leaves_none(&format!("the {managed} {all}"));
            let found = Diagnostic::new(Severity::Error, "nothing-selected", None, message);
            diagnostics.push(found.hint("remove or widen an option"));
        }
        managed - policies.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> PolicyKind {
        PolicyKind::from_name(name).expect("a kind")
    }

    fn selection(only: &[&str], exclude: &[&str], kinds: &[&str]) -> Selection {
        Selection {
            only: only.iter().copied().map(Glob::new).collect(),
            exclude: exclude.iter().copied().map(Glob::new).collect(),
            kinds: kinds.iter().copied().map(kind).collect(),
        }
    }

    #[test]
    fn without_options_all_are_meant() {
        let all = Selection::default();
        assert!(!all.is_partial());
        assert!(all.includes(kind("compliancePolicy"), ""));
    }

    #[test]
    fn options_narrow_together_and_one_option_widens_by_itself() {
        let check = |selection: &Selection, kind_name: &str, name: &str| {
            assert!(selection.is_partial());
            selection.includes(kind(kind_name), name)
        };
        let some = selection(&["Win*", "Mac*"], &["*Legacy"], &["configurationPolicy"]);
        assert!(check(&some, "configurationPolicy", "Win - A"));
        assert!(check(&some, "configurationPolicy", "Mac"));
        assert!(!check(&some, "configurationPolicy", "Linux"));
        assert!(!check(&some, "configurationPolicy", "Win Legacy"));
        assert!(!check(&some, "compliancePolicy", "Win - A"));
        // Case counts, as it does in manifests.
        assert!(!check(&some, "configurationPolicy", "win - A"));
        let without = selection(&[], &["A"], &[]);
        assert!(check(&without, "compliancePolicy", "AB"));
        assert!(!check(&without, "compliancePolicy", "A"));
    }
}
