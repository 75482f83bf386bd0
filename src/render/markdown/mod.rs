//! A run as a comment on a pull request: GitHub's Markdown, bounded in size.
//!
//! The first line is an invisible comment, by which CI finds its own earlier comment. The most
//! important comes first, so that what does not fit is dropped from the end, and said to be. A piece
//! that is too large by itself takes no others with it.
//! `table` shows what changes, `escape` makes names harmless, `fit` keeps to the size.

mod escape;
mod fit;
mod table;

use std::fmt::Write as _;

use super::diff;
use super::members;
use super::phrases::{
    EqualPolicies, Partial, alike, changes, count, first, named, outcomes, partial, policy_of_kind,
    read_counts, seen_and_hint, since, verdict, writes,
};
use super::requests;
use super::review::{Direction, ErrorView, Finding, PlanView, Review};
use super::unmanaged::{self, ALL_UNMANAGED, MOST_UNMANAGED};
use crate::plan::guards::Guard;
use crate::plan::saved::is_digest;
use crate::plan::{Annotations, PlannedPolicy, PolicyRef};
use crate::report::Results;
use escape::{fenced, shorten};

pub use escape::code;
use fit::{Part, fit};

/// The smallest size that can be asked for: marker, headline and digest have to fit.
pub const MIN_MAX_BYTES: usize = 1_000;
/// The default. GitHub takes 65,536 characters, and CI may
/// want to add a line of its own.
pub const DEFAULT_MAX_BYTES: usize = 60_000;

/// The most policies that one guard names.
const MAX_GUARD_POLICIES: usize = 10;
/// The longest name that is shown outside of diffs, in characters.
const LONGEST_NAME: usize = 120;
/// The longest text of other kinds in the head, in characters: it is never dropped.
const LONGEST_IN_HEAD: usize = 60;

/// Returns the line by which CI finds the comment of a command.
pub fn marker(command: &str) -> String {
    format!("<!-- assignctl {command} -->")
}

/// Draws a run in at most so many bytes. Where the table and the details are too large together, all
/// that changes is listed in one block; before a change is dropped from it, the places are, and the kinds
/// are shortened.
pub fn draw(review: &Review<'_>, most_bytes: usize) -> String {
    let (usual_head, foot) = (head(review, true), foot(review));
    let of = |changes: Changes| fit(&usual_head, parts(review, changes), &foot, most_bytes);
    for changes in [table::usual, table::shorter] {
        let full = of(changes);
        if full.is_whole {
            return full.text;
        }
    }
    for changes in [table::compact, table::without_places, table::least] {
        let fitted = of(changes);
        if fitted.text.len() <= most_bytes && !fitted.left_out.contains(&table::CHANGES) {
            return fitted.text;
        }
    }
    let least = of(table::least);
    if least.text.len() <= most_bytes {
        return least.text;
    }
    fit(
        &head(review, false),
        parts(review, table::least),
        &foot,
        most_bytes,
    )
    .text
}

/// All that stands between head and foot, the most important first.
fn parts(review: &Review<'_>, changes: Changes) -> Vec<Part> {
    let mut parts = vec![
        error(review.error.as_ref()),
        guards(review),
        errors(review),
        failures(review),
        stale(review),
    ];
    if let Some(view) = &review.plan {
        let results = review.results;
        let results = results.filter(|results| !results.settled.is_empty());
        parts.extend(changes(view, results));
        parts.push(filters(view.annotations));
        parts.extend(unmanaged(view.annotations));
        parts.push(open_approvals(view.annotations));
    }
    parts.push(warnings(review));
    parts
}

/// A way to show what changes.
type Changes = fn(&PlanView<'_>, Option<&Results>) -> Vec<Part>;

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
    let named = view.tenant.map(|name| format!("{} in ", code(name)));
    let _ = write!(head, ", {}{tenant}\n\n", named.unwrap_or_default());
    let plan = view.plan;
    match partial(plan) {
        None => {}
        Some(Partial { options, left_out }) if with_counts => {
            let options = code(shorten(&options, LONGEST_NAME));
            let _ = write!(head, "**Partial view:** {options} excludes {left_out}.\n\n");
        }
        Some(_) => head.push_str("**Partial view:** some managed policies are not shown.\n\n"),
    }
    if let Some((report, counts)) = since(view.annotations) {
        let _ = write!(
            head,
            "Since {}: {counts}.\n\n",
            code(shorten(report, LONGEST_IN_HEAD))
        );
    }
    if with_counts {
        let summary = view.summary;
        if view.detail.direction == Direction::Plan && summary.changed > 0 {
            let _ = write!(head, "{}. ", writes(summary.writes, summary.time));
        }
        let _ = write!(
            head,
            "{}; at {}.\n\n",
            read_counts(view, ""),
            code(shorten(&plan.graph_url, LONGEST_IN_HEAD)),
        );
        for note in members::notes(view) {
            let _ = write!(head, "{note}\n\n");
        }
        if summary.changed > 0 {
            let _ = write!(head, "{}\n\n", legend(view));
        }
    }
    head
}

/// Says what the signs mean, for who sees a comment for the first time.
fn legend(view: &PlanView<'_>) -> String {
    let mut changed = view.plan.changed();
    let signs = match view.detail.direction {
        Direction::Plan => "`+` is added, `-` is removed, `~` (`!` in details) changes",
        Direction::Drift => {
            "`+` is in the tenant only, `-` is missing there, `~` (`!` in details) differs"
        }
    };
    let kept = match view.detail.direction {
        Direction::Plan if changed.any(|policy| policy.rewritten().next().is_some()) => {
            ", `=` (a blank in details) stays and is written again"
        }
        Direction::Plan | Direction::Drift => "",
    };
    format!("Each line is an assignment: {signs}{kept}.")
}

/// Says in one line what a run found or did.
pub(super) fn headline(review: &Review<'_>) -> String {
    let errors = review.findings.iter().filter(|finding| finding.is_error());
    if let Some(view) = &review.plan {
        if let Some(results) = review.results.filter(|results| !results.settled.is_empty()) {
            return outcomes(results);
        }
        let refused = view.plan.guards.iter().filter(|guard| guard.refuses());
        let line = match refused.count() {
            // What follows is only planned.
            0 if review.command == "apply" && review.error.is_some() => {
                "failed, nothing was applied; ".to_owned()
            }
            0 => String::new(),
            number => {
                let guards = count(number, "guard", "guards");
                match view.detail.direction {
                    Direction::Plan => format!("refused by {guards}; "),
                    Direction::Drift => format!("{guards} would refuse to undo it; "),
                }
            }
        };
        return line + &changes(view);
    }
    match (review.checked, errors.count()) {
        (Some(checked), _) => checked.to_owned(),
        (None, 0) => "failed".to_owned(),
        (None, errors) => format!("failed, {}", count(errors, "error", "errors")),
    }
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
    let (name, policies) = (guard.name.name(), &guard.policies);
    let seen = seen_and_hint(guard, |text| code(shorten(text, LONGEST_NAME)));
    let mut text = format!("**Guard `{name}` {}:** {seen}\n\n", verdict(guard));
    let names = policies
        .iter()
        .map(|policy| format!("- {}\n", code(policy_of_kind(&shortened(policy)))));
    text.extend(first(MAX_GUARD_POLICIES, names, |more| {
        format!("- and {more} more\n")
    }));
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
    let infos = warnings.iter().filter(|finding| finding.is_info()).count();
    let number = match (warnings.len() - infos, infos) {
        (0, infos) => count(infos, "note", "notes"),
        (warnings, 0) => count(warnings, "warning", "warnings"),
        (warnings, infos) => {
            count(warnings, "warning", "warnings") + ", " + &count(infos, "note", "notes")
        }
    };
    Part::new("warnings", warnings.into_iter().map(draw_finding)).between(
        format!("<details><summary>{number}</summary>\n\n"),
        "</details>\n\n".to_owned(),
    )
}

fn draw_finding(finding: &Finding) -> String {
    fenced("text", &finding.drawn)
}

fn failures(review: &Review<'_>) -> Part {
    let view = review.plan.zip(review.results).into_iter();
    let alike = view.flat_map(|(view, results)| alike(view.plan, results));
    let bad = alike.map(|alike| {
        let EqualPolicies {
            outcome,
            why,
            policies,
        } = alike;
        let names = policies
            .iter()
            .map(|policy| format!("{} {}", policy.kind, policy_name(policy)));
        let names = first(MAX_GUARD_POLICIES, names, |more| format!("{more} more"));
        let names = names.collect::<Vec<_>>().join(", ");
        format!("**{}** {names}: {}\n\n", outcome.name(), code(why))
    });
    Part::new("policies that are not as planned", bad)
}

/// Says how many devices the filters of the changes match, if that was asked.
fn filters(annotations: &Annotations) -> Part {
    let lines = members::filters(annotations).into_iter();
    let lines = lines.map(|line| format!("- {}\n", code(shorten(&line, LONGEST_NAME))));
    Part::new("filters", lines).between(format!("**{}:**\n\n", members::FILTERS), "\n".to_owned())
}

/// Names the unmanaged policies that are worth it.
fn unmanaged(annotations: &Annotations) -> impl Iterator<Item = Part> {
    let alike = unmanaged::by_reason(annotations).into_iter();
    alike.map(|(title, policies)| {
        let lines = policies.iter().map(|(policy, assignments)| {
            let name = code(policy_of_kind(&shortened(policy)));
            let assignments: Vec<String> = assignments.iter().map(code).collect();
            format!("- {name}: {}\n", assignments.join(", "))
        });
        let rest = |rest| format!("- and {rest} more ({ALL_UNMANAGED})\n");
        Part::new("unmanaged policies", first(MOST_UNMANAGED, lines, rest))
            .between(format!("**{title}:**\n\n"), "\n".to_owned())
    })
}

fn open_approvals(annotations: &Annotations) -> Part {
    let lines = requests::open(annotations, MOST_UNMANAGED, code).into_iter();
    let lines = lines.map(|line| format!("- {line}\n"));
    Part::new("open requests for approval", lines)
        .between(format!("**{}:**\n\n", requests::TITLE), "\n".to_owned())
}

/// Shows the policies that moved since a plan was saved, then and now.
fn stale(review: &Review<'_>) -> Part {
    let moved = review.plan.zip(review.results).into_iter();
    let moved = moved.flat_map(|(view, results)| {
        results.moved(view.plan).map(|(policy, live)| {
            let moved = diff::since_planned(policy, live, &view.annotations.names);
            let (name, moved) = (policy_name(policy), fenced("diff", &moved));
            format!("{} {name}\n\n{moved}", policy.kind)
        })
    });
    Part::new("policies that changed since", moved)
}

/// Names a policy in the head, with its id if the name is shared.
fn policy_name(policy: &PlannedPolicy) -> String {
    let PolicyRef {
        kind: _,
        name,
        id,
        shares_name,
    } = shortened(&policy.reference());
    code(named(&name, &id, shares_name))
}

fn shortened(policy: &PolicyRef) -> PolicyRef {
    PolicyRef {
        name: shorten(&policy.name, LONGEST_NAME).into(),
        ..policy.clone()
    }
}

fn foot(review: &Review<'_>) -> String {
    // `apply --reviewed` looks for it in the comment of a plan, also of one that has nothing to do.
    let is_needed = |view: &&PlanView<'_>| view.summary.changed > 0 || review.command == "plan";
    match review.plan.as_ref().filter(is_needed) {
        // Whole, as it is given to `--expect-digest`; a file that was altered may hold anything.
        Some(view) if is_digest(view.digest) => format!("Digest: `{}`\n", view.digest),
        Some(view) => format!("Digest: {}\n", code(shorten(view.digest, LONGEST_IN_HEAD))),
        None => String::new(),
    }
}
