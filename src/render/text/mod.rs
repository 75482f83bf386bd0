//! Plans and results as text for people.
//!
//! Readable without colour; the stream that prints it drops colours where none are wanted.

mod policies;
mod results;
mod totals;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::clean::clean;
use super::columns::hanging;
use super::groups::groups;
use super::members::{FILTERS, filters};
use super::phrases::{how_to_accept, policy_of_kind, seen, verdict};
use super::requests;
use super::review::{Direction, PlanView};
use super::unmanaged::{self, ALL_UNMANAGED, MOST_UNMANAGED};
use crate::plan::guards::Guard;
use crate::plan::{Annotations, Plan, PlanDiagnostic};
use policies::{draw_group, draw_policy, shown, summary_line};
pub use results::{results, stale};
use totals::totals;

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
const UPDATE: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// The most lines of groups that have empty lines between them.
const MOST_LINES_APART: usize = 60;

/// What of a plan is shown, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail<'a> {
    /// Unchanged policies as well, each by itself.
    pub all: bool,
    /// Each policy's assignments before and after, as a unified diff.
    pub diff: bool,
    /// One line a policy.
    pub summary: bool,
    /// Each policy by itself, also those with the same changes.
    pub expand: bool,
    /// How many columns a line may take; `None` if that is not known.
    pub width: Option<usize>,
    /// From which side changes are described.
    pub direction: Direction,
    /// What to do with the plan next.
    pub next: Option<Next<'a>>,
}

/// What to do with a plan next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// It is not saved.
    Save,
    /// It is saved in this file.
    Apply(&'a str),
}

/// Joins groups with blank lines, or without if that would be too long.
/// Headings stand out by themselves, and what fits a screen is read at a glance.
fn join_groups(groups: &[String]) -> String {
    let apart = groups.concat();
    if apart.lines().count() <= MOST_LINES_APART {
        return apart;
    }
    let groups = groups.iter().map(|group| group.trim_end_matches('\n'));
    format!("{}\n\n", groups.collect::<Vec<_>>().join("\n"))
}

/// Adds a line that goes on below, deeper, where the terminal ends.
fn hang(text: &mut String, line: &str, detail: Detail<'_>) {
    text.push_str(&hanging(line, detail.width));
    text.push('\n');
}

/// Draws a plan.
pub fn plan(view: &PlanView<'_>, detail: Detail<'_>) -> String {
    let PlanView {
        plan, annotations, ..
    } = *view;
    let mut text = String::new();
    if detail.summary {
        for policy in shown(plan, detail) {
            summary_line(&mut text, policy, annotations, detail.direction);
        }
        if !text.is_empty() {
            text.push('\n');
        }
    } else if detail.expand || detail.diff || detail.all {
        for policy in shown(plan, detail) {
            draw_policy(&mut text, policy, annotations, detail);
        }
    } else {
        let groups = groups(view).into_iter().map(|group| {
            let mut drawn = String::new();
            draw_group(&mut drawn, &group, annotations, detail);
            drawn
        });
        text = join_groups(&groups.collect::<Vec<_>>());
    }
    draw_filters(&mut text, annotations, detail);
    draw_unmanaged(&mut text, annotations, detail);
    draw_approvals(&mut text, annotations, detail);
    for guard in plan.guards.iter().filter(|guard| guard.tripped) {
        draw_guard(&mut text, guard, plan, detail);
    }
    totals(&mut text, view, detail);
    text
}

/// Draws how many devices the filters of the changes match, if that was asked.
fn draw_filters(text: &mut String, annotations: &Annotations, detail: Detail<'_>) {
    let lines = filters(annotations);
    if lines.is_empty() {
        return;
    }
    hang(text, &format!("{FILTERS}:"), detail);
    for line in lines {
        hang(text, &format!("  {line}"), detail);
    }
    text.push('\n');
}

/// Draws the unmanaged policies that are worth a name.
fn draw_unmanaged(text: &mut String, annotations: &Annotations, detail: Detail<'_>) {
    for (title, policies) in unmanaged::by_reason(annotations) {
        let _ = writeln!(text, "{UPDATE}{title}{UPDATE:#}");
        for (policy, assignments) in policies.iter().take(MOST_UNMANAGED) {
            let policy = policy_of_kind(policy);
            let line = format!("  {policy}: {}", assignments.join("; "));
            hang(text, &line, detail);
        }
        if policies.len() > MOST_UNMANAGED {
            let left = policies.len() - MOST_UNMANAGED;
            let line = format!("  and {left} more ({ALL_UNMANAGED})");
            hang(text, &line, detail);
        }
        text.push('\n');
    }
}

fn draw_approvals(text: &mut String, annotations: &Annotations, detail: Detail<'_>) {
    let open = annotations.approvals.as_ref();
    let entries = open.map_or(&[][..], |open| &open.of_policies);
    let unclear = open.and_then(|open| requests::unclear(open.unclear));
    if entries.is_empty() && unclear.is_none() {
        return;
    }
    let _ = writeln!(text, "{UPDATE}{}{UPDATE:#}", requests::TITLE);
    for entry in entries.iter().take(MOST_UNMANAGED) {
        hang(text, &format!("  {}", requests::line(entry)), detail);
    }
    if entries.len() > MOST_UNMANAGED {
        let _ = writeln!(text, "  and {} more", entries.len() - MOST_UNMANAGED);
    }
    if let Some(line) = unclear {
        hang(text, &format!("  {line}"), detail);
    }
    text.push('\n');
}

/// Draws a guard that tripped. Names that are many, and those of all the changes above, are not repeated.
fn draw_guard(text: &mut String, guard: &Guard, plan: &Plan, detail: Detail<'_>) {
    const MOST_NAMES: usize = 10;
    let style = if guard.accepted { UPDATE } else { REMOVE };
    let title = format!(
        "{style}guard `{}` {}{style:#}: {}",
        guard.name.name(),
        verdict(guard),
        seen(guard, |text| clean(text).into_owned())
    );
    hang(text, &title, detail);
    let policies = &guard.policies;
    let is_long = policies.len() > MOST_NAMES;
    if is_long && policies.len() == plan.changed().count() {
        text.push_str("  all policies that change\n");
    } else {
        for policy in policies.iter().take(MOST_NAMES) {
            // The dash keeps a name from standing first on a line, where CI looks for commands.
            let _ = writeln!(text, "  - {}", policy_of_kind(policy));
        }
        if is_long {
            let _ = writeln!(text, "  and {} more", policies.len() - MOST_NAMES);
        }
    }
    if !guard.accepted {
        hang(text, &format!("  hint: {}", how_to_accept(guard)), detail);
    }
    text.push('\n');
}

/// Says first of all that what follows must not be trusted.
pub fn doubt(message: &str) -> String {
    format!(
        "{REMOVE}Do not trust this plan{REMOVE:#}: {}.\n\n",
        clean(message)
    )
}

/// Draws the warnings of a saved plan, whose manifests may be elsewhere or have changed.
pub fn diagnostics(list: &[PlanDiagnostic]) -> String {
    let mut text = String::new();
    for PlanDiagnostic {
        severity,
        code,
        summary,
        place,
        hint,
        related,
    } in list
    {
        let _ = writeln!(
            text,
            "{UPDATE}{}[{}]{UPDATE:#}: {}",
            severity.name(),
            clean(code),
            clean(summary)
        );
        if let Some(place) = place {
            let _ = writeln!(
                text,
                "  --> {}:{}:{}",
                clean(&place.path),
                place.line,
                place.column
            );
        }
        for (place, label) in related {
            let _ = writeln!(
                text,
                "  see {}:{}:{}: {}",
                clean(&place.path),
                place.line,
                place.column,
                clean(label)
            );
        }
        if let Some(hint) = hint {
            let _ = writeln!(text, "hint: {}", clean(hint));
        }
    }
    text
}
