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
use super::phrases::{first, how_to_accept, policy_of_kind, seen, verdict, whole_place};
use super::requests;
use super::review::PlanView;
use super::unmanaged::{self, ALL_UNMANAGED, MOST_UNMANAGED};
use crate::plan::PlanDiagnostic;
use crate::plan::guards::Guard;
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
fn hang(text: &mut String, line: &str, view: &PlanView<'_>) {
    text.push_str(&hanging(line, view.detail.width));
    text.push('\n');
}

/// Draws a plan.
pub fn plan(view: &PlanView<'_>) -> String {
    let detail = view.detail;
    let mut text = String::new();
    if detail.summary {
        for policy in shown(view) {
            summary_line(&mut text, policy, view);
        }
        if !text.is_empty() {
            text.push('\n');
        }
    } else if detail.expand || detail.diff || detail.all {
        for policy in shown(view) {
            draw_policy(&mut text, policy, view);
        }
    } else {
        let groups = groups(view);
        let groups = groups.iter().map(|group| draw_group(group, view));
        text = join_groups(&groups.collect::<Vec<_>>());
    }
    draw_filters(&mut text, view);
    draw_unmanaged(&mut text, view);
    draw_approvals(&mut text, view);
    for guard in view.plan.guards.iter().filter(|guard| guard.tripped) {
        draw_guard(&mut text, guard, view);
    }
    totals(&mut text, view);
    text
}

/// Draws how many devices the filters of the changes match, if that was asked.
fn draw_filters(text: &mut String, view: &PlanView<'_>) {
    let lines = filters(view.annotations);
    if lines.is_empty() {
        return;
    }
    hang(text, &format!("{FILTERS}:"), view);
    for line in lines {
        hang(text, &format!("  {line}"), view);
    }
    text.push('\n');
}

/// Draws the unmanaged policies that are worth a name.
fn draw_unmanaged(text: &mut String, view: &PlanView<'_>) {
    for (title, policies) in unmanaged::by_reason(view.annotations) {
        let _ = writeln!(text, "{UPDATE}{title}{UPDATE:#}");
        let lines = policies.iter().map(|(policy, assignments)| {
            let assignments = assignments.join("; ");
            format!("  {}: {assignments}", policy_of_kind(policy))
        });
        let rest = |left| format!("  and {left} more ({ALL_UNMANAGED})");
        for line in first(MOST_UNMANAGED, lines, rest) {
            hang(text, &line, view);
        }
        text.push('\n');
    }
}

fn draw_approvals(text: &mut String, view: &PlanView<'_>) {
    let lines = requests::open(view.annotations, MOST_UNMANAGED, |line| line);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{UPDATE}{}{UPDATE:#}", requests::TITLE);
    for line in lines {
        hang(text, &format!("  {line}"), view);
    }
    text.push('\n');
}

/// Draws a guard that tripped. Names that are many, and those of all the changes above, are not repeated.
fn draw_guard(text: &mut String, guard: &Guard, view: &PlanView<'_>) {
    const MOST_NAMES: usize = 10;
    let style = if guard.accepted { UPDATE } else { REMOVE };
    let title = format!(
        "{style}guard `{}` {}{style:#}: {}",
        guard.name.name(),
        verdict(guard),
        seen(guard, |text| clean(text).into_owned())
    );
    hang(text, &title, view);
    let policies = &guard.policies;
    if policies.len() > MOST_NAMES && policies.len() == view.plan.changed().count() {
        text.push_str("  all policies that change\n");
    } else {
        // The dash keeps a name from standing first on a line, where CI looks for commands.
        let names = policies
            .iter()
            .map(|policy| format!("  - {}\n", policy_of_kind(policy)));
        text.extend(first(MOST_NAMES, names, |more| {
            format!("  and {more} more\n")
        }));
    }
    if !guard.accepted {
        hang(text, &format!("  hint: {}", how_to_accept(guard)), view);
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
        let (severity, code, summary) = (severity.name(), clean(code), clean(summary));
        let _ = writeln!(text, "{UPDATE}{severity}[{code}]{UPDATE:#}: {summary}");
        if let Some(place) = place {
            let _ = writeln!(text, "  --> {}", whole_place(place));
        }
        for (place, label) in related {
            let _ = writeln!(text, "  see {}: {}", whole_place(place), clean(label));
        }
        if let Some(hint) = hint {
            let _ = writeln!(text, "hint: {}", clean(hint));
        }
    }
    text
}
