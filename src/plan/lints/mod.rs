//! Warnings from Microsoft's rules of targeting, on planned assignments.
//!
//! Each says the numbers that it saw and the page that it comes from. Nothing is said where it is not known
//! whether a group holds devices or users. Existing risks are marked as such and never fail a run.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use super::{Names, PlanContents, PlannedPolicy};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Population;
use rules::{Context, Lint};

/// The codes, each with whether it is a warning that `--strict` makes an error; otherwise it is informational.
pub const CODES: [(&str, bool); 12] = [
    ("app-available-devices", true),
    ("dynamic-device-exclusion", true),
    ("dynamic-paused", true),
    ("exclude-empty-group", false),
    ("exclusion-no-effect", true),
    ("filter-mode-mix", true),
    ("filter-unsupported-kind", true),
    ("group-not-security", true),
    ("include-empty-group", false),
    ("mixed-exclusion", true),
    ("mixed-group", true),
    ("redundant-include", false),
];

/// Behind what was so before.
pub(in crate::plan) const ALREADY: &str = " (existing)";

/// Makes errors of warnings with a place that are new and have one of the [`CODES`] that fail a strict run.
pub fn be_strict(found: &mut [Diagnostic]) {
    for found in found {
        if fails(found.code) && found.place.is_some() && !found.is_existing {
            found.severity = Severity::Error;
        }
    }
}

/// Whether a strict run fails by a code.
fn fails(code: &str) -> bool {
    CODES.contains(&(code, true))
}

/// The most policies that a warning names.
const MOST_NAMED: usize = 3;

/// Looks at the policies that change, or at all of them. Codes that are `off` are not looked for; with
/// `strict`, what is new is an error.
pub fn find(
    plan: &PlanContents,
    names: &Names,
    population: Option<&Population>,
    all: bool,
    off: &BTreeSet<String>,
    strict: bool,
) -> Vec<Diagnostic> {
    let context = Context { names, population };
    let mut found: BTreeMap<(Lint, bool), Vec<&PlannedPolicy>> = BTreeMap::new();
    let policies = plan.policies.iter();
    for policy in policies.filter(|policy| all || policy.is_changed()) {
        let before: BTreeSet<Lint> = rules::of(&context, policy, &policy.before).collect();
        let after: BTreeSet<Lint> = match policy.is_changed() {
            true => rules::of(&context, policy, &policy.after).collect(),
            false => before.clone(),
        };
        for lint in after.into_iter().filter(|lint| !off.contains(lint.code)) {
            let already = before.contains(&lint);
            found.entry((lint, already)).or_default().push(policy);
        }
    }
    let found = found.into_iter();
    found
        .map(|((lint, already), policies)| warning(&lint, already, &policies, strict))
        .collect()
}

fn warning(
    lint: &Lint,
    is_existing: bool,
    policies: &[&PlannedPolicy],
    strict: bool,
) -> Diagnostic {
    let Lint { code, text, source } = lint;
    let names: Vec<String> = policies
        .iter()
        .take(MOST_NAMED)
        .map(|policy| policy.reference().to_string())
        .collect();
    let more = policies.len() - names.len();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let already = if is_existing { ALREADY } else { "" };
    let severity = match strict && fails(code) && !is_existing {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let message = format!(
        "{}{more}: {text}{already} (Microsoft: \"{source}\")",
        names.join(", ")
    );
    Diagnostic {
        is_existing,
        ..Diagnostic::new(severity, code, None, message)
    }
}
