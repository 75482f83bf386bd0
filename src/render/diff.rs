//! A policy's assignments before and after in unified form, an assignment a line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::groups::planned;
use super::phrases;
use crate::model::Assignment;
use crate::plan::{Names, PlannedPolicy};

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();

/// Colours a difference for a terminal.
pub(super) fn coloured(unified: &str) -> String {
    let mut text = String::new();
    for line in unified.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => ADD,
            Some(b'-') => REMOVE,
            _ => Style::new(),
        };
        let _ = writeln!(text, "  {style}{line}{style:#}");
    }
    text
}

/// Returns the difference that a policy's changes make, as lines that begin with `@@`, a plus, a
/// minus or a space. Nothing in it can begin a line of its own: names are cleaned.
pub(super) fn unified(policy: &PlannedPolicy, names: &Names) -> String {
    let after = policy.after.iter();
    let after = after.map(|assignment| planned(policy, assignment, names) + "\n");
    difference_of(&said(&policy.before, names), &after.collect::<String>())
}

/// Returns the difference from what the manifests say to what the tenant has.
pub(super) fn reversed(policy: &PlannedPolicy, names: &Names) -> String {
    difference(&policy.after, &policy.before, names)
}

/// Returns the difference between the assignments that a plan was made for and those of now, if the
/// policy still exists.
pub(super) fn since_planned(
    policy: &PlannedPolicy,
    live: Option<&[Assignment]>,
    names: &Names,
) -> String {
    let now = if live.is_some() { "now" } else { "now deleted" };
    let moved = difference(&policy.before, live.unwrap_or_default(), names);
    format!("--- when the plan was made\n+++ {now}\n{moved}")
}

fn difference(before: &[Assignment], after: &[Assignment], names: &Names) -> String {
    difference_of(&said(before, names), &said(after, names))
}

/// Says assignments, each on a line.
fn said(assignments: &[Assignment], names: &Names) -> String {
    let all = assignments.iter();
    all.map(|assignment| phrases::assignment(assignment, names) + "\n")
        .collect()
}

fn difference_of(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(text, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            let _ = write!(text, "{sign}{}", change.value());
        }
    }
    text
}
