//! What became of a plan, and which policies changed meanwhile.

use std::fmt::Write as _;

use super::policies::{draw_names, heading};
use super::{ADD, REMOVE, STRONG, hang};
use crate::render::diff;
use crate::render::phrases::{EqualPolicies, alike, outcomes, policy_of_kind};
use crate::render::review::PlanView;
use crate::report::Results;

/// Draws the assignments of policies that moved since a plan was saved, then and now.
pub fn stale(view: &PlanView<'_>, results: &Results) -> String {
    let moved = results.moved(view.plan).map(|(policy, live)| {
        let moved = diff::since_planned(policy, live, &view.annotations.names);
        format!("{}\n{}\n", heading(policy), diff::coloured(&moved))
    });
    moved.collect()
}

/// Draws what became of a plan. What several policies have in common is said once.
pub fn results(view: &PlanView<'_>, results: &Results) -> String {
    let mut text = String::new();
    for alike in alike(view.plan, results) {
        let EqualPolicies {
            outcome,
            why,
            policies,
        } = alike;
        let (name, number) = (outcome.name(), policies.len());
        let who = match policies.as_slice() {
            [policy] => heading(policy),
            _ => format!("{STRONG}{number} policies{STRONG:#}"),
        };
        let line = format!("{REMOVE}{name}{REMOVE:#} {who}: {why}");
        hang(&mut text, &line, view);
        if number > 1 {
            let names = policies.iter();
            let names = names.map(|policy| policy_of_kind(&policy.reference()));
            draw_names(&mut text, &names.collect::<Vec<_>>(), view);
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
