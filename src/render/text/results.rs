//! What became of a plan, and which policies changed meanwhile.

use std::fmt::Write as _;

use super::policies::{draw_names, heading};
use super::{ADD, Detail, REMOVE, STRONG, hang};
use crate::plan::{Names, Plan};
use crate::render::diff;
use crate::render::phrases::{EqualPolicies, alike, outcomes, policy_of_kind};
use crate::report::Results;

/// Draws the assignments of policies that moved since a plan was saved, then and now.
pub fn stale(plan: &Plan, names: &Names, results: &Results) -> String {
    let mut text = String::new();
    for (policy, live) in results.moved(plan) {
        let _ = writeln!(text, "{}", heading(policy));
        text.push_str(&diff::coloured(&diff::since_planned(policy, live, names)));
        text.push('\n');
    }
    text
}

/// Draws what became of a plan. What several policies have in common is said once.
pub fn results(plan: &Plan, results: &Results, detail: Detail<'_>) -> String {
    let mut text = String::new();
    for alike in alike(plan, results) {
        let EqualPolicies {
            outcome,
            why,
            policies,
        } = alike;
        let name = outcome.name();
        match policies.as_slice() {
            [policy] => {
                let line = format!("{REMOVE}{name}{REMOVE:#} {}: {why}", heading(policy));
                hang(&mut text, &line, detail);
            }
            several => {
                let line = format!(
                    "{REMOVE}{name}{REMOVE:#} {STRONG}{} policies{STRONG:#}: {why}",
                    several.len()
                );
                hang(&mut text, &line, detail);
                let names: Vec<String> = several
                    .iter()
                    .map(|policy| policy_of_kind(&policy.reference()))
                    .collect();
                draw_names(&mut text, &names, detail);
            }
        }
    }
    let style = if results.is_good() { ADD } else { REMOVE };
    let _ = writeln!(
        text,
        "{STRONG}Result{STRONG:#}: {style}{}{style:#}.",
        outcomes(results)
    );
    text
}
