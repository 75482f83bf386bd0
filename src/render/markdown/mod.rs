//! A run as a comment on a pull request: GitHub's Markdown, bounded in size.
//!
//! The first line is a comment that nobody sees, by which CI finds its own earlier comment. The most
//! important comes first, so that what does not fit is dropped from the end, and said to be. A diff
//! that is too large by itself takes no others with it.
//! `escape` makes names harmless, `fit` keeps to the size.

mod escape;
mod fit;

use std::fmt::Write as _;

use super::diff;
use super::review::{ErrorView, Finding, PlanView, Review};
use super::text::reason;
use super::words::{
    Counts, Partial, count, how_to_accept, managed_or_selected, partial, seen, since, verdict,
    writes,
};
use crate::plan::guards::Guard;
use crate::plan::saved::is_digest;
use crate::plan::since::Cause;
use crate::plan::{Plan, PlannedPolicy};
use crate::report::{Outcome, Results, Settled};
use escape::{fenced, shorten};

pub(super) use escape::code;
use fit::{Part, fit};

/// The smallest size that can be asked for: marker, headline and digest have to fit.
pub const SMALLEST: usize = 1_000;
/// What is asked for unless somebody says otherwise. GitHub takes 65,536 characters, and CI may
/// want to add a line of its own.
pub const USUAL: usize = 60_000;

/// The most policies that one guard names.
const MOST_BLAMED: usize = 10;
/// The longest name that is shown outside of diffs, in characters.
const LONGEST_NAME: usize = 120;
/// The longest text of other kinds in the head, in characters: it is never dropped.
const LONGEST_IN_HEAD: usize = 60;

/// Returns the line by which CI finds the comment of a command.
pub fn marker(command: &str) -> String {
    format!("<!-- assignctl {command} -->")
}

/// Draws a run in at most so many bytes.
pub fn draw(review: &Review<'_>, most_bytes: usize) -> String {
    let mut parts = vec![
        error(review.error.as_ref()),
        guards(review),
        errors(review),
        failures(review),
    ];
    if let Some(view) = &review.plan {
        parts.push(table(view, review.results));
        if !view.brief {
            parts.push(diffs(view));
        }
    }
    parts.push(warnings(review));
    let full = fit(
        &head(review, true),
        parts.clone(),
        &foot(review),
        most_bytes,
    );
    if full.len() <= most_bytes {
        return full;
    }
    fit(&head(review, false), parts, &foot(review), most_bytes)
}

/// Marker, headline, and what the headline's counts are of.
fn head(review: &Review<'_>, with_counts: bool) -> String {
    let mut head = marker(review.command);
    let _ = write!(
        head,
        "\n### assignctl {}: {}",
        review.command,
        headline(review)
    );
    let Some(view) = &review.plan else {
        head.push_str("\n\n");
        return head;
    };
    let tenant = match &view.plan.tenant_id {
        Some(tenant) => format!("tenant {}", code(shorten(tenant, LONGEST_IN_HEAD))),
        None => "a tenant that the sign-in does not name".to_owned(),
    };
    let _ = write!(head, ", {tenant}\n\n");
    let plan = view.plan;
    match partial(plan) {
        None => {}
        Some(Partial { options, left_out }) if with_counts => {
            let options = code(shorten(&options, LONGEST_NAME));
            let _ = write!(head, "**Partial view:** {options} left {left_out} out.\n\n");
        }
        Some(_) => head.push_str("**Partial view:** managed policies are left out.\n\n"),
    }
    if let Some((report, said)) = since(plan) {
        let _ = write!(
            head,
            "Since {}: {said}.\n\n",
            code(shorten(report, LONGEST_IN_HEAD))
        );
    }
    if with_counts {
        let summary = view.summary;
        let _ = write!(
            head,
            "{}. Read {} from {}: {} managed and unchanged, {} unmanaged and left alone.\n\n",
            writes(summary.writes, summary.time),
            count(summary.policies_read, "policy", "policies"),
            code(shorten(&plan.graph_url, LONGEST_IN_HEAD)),
            summary.unchanged,
            summary.unmanaged,
        );
    }
    head
}

fn headline(review: &Review<'_>) -> String {
    let errors = review
        .findings
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    if let Some(view) = &review.plan {
        if let Some(results) = review.results.filter(|results| !results.settled.is_empty()) {
            return outcomes(results);
        }
        let refused = view.plan.guards.iter().filter(|guard| guard.refuses());
        let mut line = match refused.count() {
            0 => String::new(),
            number => format!("refused by {}; ", count(number, "guard", "guards")),
        };
        line.push_str(&changes(view));
        return line;
    }
    match review.checked {
        Some(checked) => checked.to_owned(),
        None if errors > 0 => format!("failed, {}", count(errors, "error", "errors")),
        None => "failed".to_owned(),
    }
}

/// Says what a plan changes, in one line.
pub(super) fn changes(view: &PlanView<'_>) -> String {
    let summary = view.summary;
    let which = managed_or_selected(view.plan);
    if summary.changed == 0 {
        return format!(
            "nothing to do, {} as the manifests say",
            count(
                summary.managed,
                &format!("{which} policy is"),
                &format!("{which} policies are")
            )
        );
    }
    format!(
        "{} of {} {which}: {} to add, {} to remove, {} to update",
        count(summary.changed, "policy changes", "policies change"),
        summary.managed,
        summary.add,
        summary.remove,
        summary.update
    )
}

/// Says how many policies had which outcome.
pub(super) fn outcomes(results: &Results) -> String {
    let counts: Vec<String> = Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome, results.count(outcome)))
        .filter(|(outcome, number)| *number > 0 || *outcome == Outcome::Applied)
        .map(|(outcome, number)| format!("{number} {}", outcome.name()))
        .collect();
    counts.join(", ")
}

fn error(error: Option<&ErrorView<'_>>) -> Part {
    let pieces = error.map(|error| {
        let ErrorView {
            exit_code: _,
            message,
            hint,
        } = error;
        let mut piece = format!("**Error:** {}\n\n", code(message));
        if let Some(hint) = hint {
            let _ = write!(piece, "Hint: {}\n\n", code(hint));
        }
        piece
    });
    Part::new("errors", pieces)
}

fn guards(review: &Review<'_>) -> Part {
    let guards = review.plan.iter().flat_map(|view| &view.plan.guards);
    Part::new(
        "guards",
        guards.filter(|guard| guard.tripped).map(draw_guard),
    )
}

fn draw_guard(guard: &Guard) -> String {
    let mut text = format!(
        "**Guard `{}` {}:** {}",
        guard.name.name(),
        verdict(guard),
        seen(guard, |text| code(shorten(text, LONGEST_NAME)))
    );
    if !guard.accepted {
        let _ = write!(text, "; {}", how_to_accept(guard));
    }
    let policies = &guard.policies;
    text.push_str("\n\n");
    for policy in policies.iter().take(MOST_BLAMED) {
        let _ = writeln!(text, "- {}", code(shorten(policy, LONGEST_NAME)));
    }
    if policies.len() > MOST_BLAMED {
        let _ = writeln!(text, "- and {} more", policies.len() - MOST_BLAMED);
    }
    if !policies.is_empty() {
        text.push('\n');
    }
    text
}

fn errors(review: &Review<'_>) -> Part {
    let errors = review.findings.iter().filter(|finding| finding.is_error());
    Part::new("errors", errors.map(draw_finding))
}

fn warnings(review: &Review<'_>) -> Part {
    let warnings: Vec<&Finding> = review
        .findings
        .iter()
        .filter(|finding| !finding.is_error())
        .collect();
    let number = count(warnings.len(), "warning", "warnings");
    Part::new("warnings", warnings.into_iter().map(draw_finding)).between(
        format!("<details><summary>{number}</summary>\n\n"),
        "</details>\n\n",
    )
}

fn draw_finding(finding: &Finding) -> String {
    fenced("text", &finding.drawn)
}

fn failures(review: &Review<'_>) -> Part {
    let settled = review
        .plan
        .iter()
        .flat_map(|view| settled(view.plan, review.results));
    let bad = settled.filter_map(|(policy, settled)| {
        let why = settled?.reason.as_ref()?;
        Some(format!(
            "**{}** {} {}: {}\n\n",
            settled?.outcome.name(),
            policy.kind,
            code(shorten(&policy.name, LONGEST_NAME)),
            code(reason(why))
        ))
    });
    Part::new("policies that are not as planned", bad)
}

/// Returns the changed policies with what became of them.
fn settled<'a>(
    plan: &'a Plan,
    results: Option<&'a Results>,
) -> impl Iterator<Item = (&'a PlannedPolicy, Option<&'a Settled>)> {
    plan.changed().enumerate().map(move |(index, policy)| {
        (
            policy,
            results.and_then(|results| results.settled.get(index)),
        )
    })
}

fn table(view: &PlanView<'_>, results: Option<&Results>) -> Part {
    let results = results.filter(|results| !results.settled.is_empty());
    let mut open = String::from("| policy | kind | add | remove | update |");
    let mut line = String::from("\n|---|---|--:|--:|--:|");
    if results.is_some() {
        open.push_str(" outcome |");
        line.push_str("---|");
    }
    if view.plan.since.is_some() {
        open.push_str(" cause |");
        line.push_str("---|");
    }
    open.push_str(" manifest |");
    line.push_str("---|\n");
    let unchanged = view
        .plan
        .policies
        .iter()
        .filter(|policy| view.all && !policy.is_changed())
        .map(|policy| (policy, None));
    let rows = settled(view.plan, results).chain(unchanged);
    let rows = rows.map(|(policy, settled)| {
        let Counts {
            add,
            remove,
            update,
        } = Counts::of(policy);
        let outcome = match (results, settled) {
            (None, _) => String::new(),
            (Some(_), settled) => {
                format!(
                    " {} |",
                    settled.map_or("", |settled| settled.outcome.name())
                )
            }
        };
        let cause = match (&view.plan.since, view.plan.cause(policy)) {
            (None, _) => String::new(),
            (Some(_), cause) => format!(" {} |", cause.map_or("", Cause::name)),
        };
        format!(
            "| {} | {} | {add} | {remove} | {update} |{outcome}{cause} {} |\n",
            code(shorten(&policy.name, LONGEST_NAME)),
            policy.kind,
            places(policy)
        )
    });
    Part::new("table rows", rows)
        .between(open + &line, "\n")
        .without_gaps()
}

fn places(policy: &PlannedPolicy) -> String {
    let Some(first) = policy.manifest.first() else {
        return String::new();
    };
    let first = format!("{}:{}", shorten(&first.path, LONGEST_NAME), first.line);
    match policy.manifest.len() - 1 {
        0 => code(&first),
        more => format!("{} and {more} more", code(&first)),
    }
}

fn diffs(view: &PlanView<'_>) -> Part {
    let diffs = view.plan.changed().map(|policy| {
        let Counts {
            add,
            remove,
            update,
        } = Counts::of(policy);
        format!(
            "<details><summary>{} ({}): {add} to add, {remove} to remove, {update} to update</summary>\n\n{}</details>\n\n",
            code(&policy.name),
            policy.kind,
            fenced("diff", &diff::unified(policy, &view.plan.names))
        )
    });
    let names = view.plan.changed();
    let names = names.map(|policy| code(shorten(&policy.name, LONGEST_NAME)));
    Part::new("diffs", diffs).named(names)
}

fn foot(review: &Review<'_>) -> String {
    match &review.plan {
        // Whole, as it is given to `--expect-digest`; a file that was altered may hold anything.
        Some(view) if is_digest(view.digest) => format!("Digest: `{}`\n", view.digest),
        Some(view) => format!("Digest: {}\n", code(shorten(view.digest, LONGEST_IN_HEAD))),
        None => String::new(),
    }
}
