//! What changes on policies: each by itself, or those with the same changes as one group.

use std::fmt::Write as _;

use super::{ADD, Detail, QUIET, REMOVE, STRONG, UPDATE, hang};
use crate::manifest::Mode;
use crate::model::PolicyKind;
use crate::plan::since::Cause;
use crate::plan::{Annotations, Plan, PlannedPolicy};
use crate::render::clean::clean;
use crate::render::columns::{columns, shorten_place, width, wrap};
use crate::render::diff;
use crate::render::groups::{self, Group, Line, Sign};
use crate::render::members::reaches;
use crate::render::phrases::{self, Counts};
use crate::render::review::Direction;
use crate::render::set_members::passed_on;
use crate::render::who::who;

/// The width of what is printed where no terminal has one.
const USUAL_WIDTH: usize = 120;
/// The most lines of names that a group of policies gets.
const MOST_NAME_LINES: usize = 10;

pub(super) fn shown<'p>(
    plan: &'p Plan,
    detail: Detail<'_>,
) -> impl Iterator<Item = &'p PlannedPolicy> {
    let policies = plan.policies.iter();
    policies.filter(move |policy| detail.all || policy.is_changed())
}

pub(super) fn heading(policy: &PlannedPolicy) -> String {
    let mode = match policy.mode {
        Mode::Exact => String::new(),
        mode @ Mode::Additive => format!(" ({})", mode.name()),
    };
    format!(
        "{} {STRONG}{}{STRONG:#}{mode}",
        policy.kind,
        phrases::policy(policy)
    )
}

pub(super) fn summary_line(
    text: &mut String,
    policy: &PlannedPolicy,
    annotations: &Annotations,
    direction: Direction,
) {
    let Counts {
        add,
        remove,
        update,
    } = Counts::of(policy);
    let (plus, minus) = match direction {
        Direction::Plan => (add, remove),
        Direction::Drift => (remove, add),
    };
    let _ = writeln!(
        text,
        "{ADD}+{plus}{ADD:#} {REMOVE}-{minus}{REMOVE:#} {UPDATE}~{update}{UPDATE:#}  {}{}",
        heading(policy),
        phrases::cause(annotations.cause(policy), direction)
            .map(str::to_owned)
            .into_iter()
            .chain(who(annotations, &[policy], direction).into_iter().next())
            .map(|line| format!("  {line}"))
            .collect::<String>()
    );
}

pub(super) fn draw_group(
    text: &mut String,
    group: &Group<'_>,
    annotations: &Annotations,
    detail: Detail<'_>,
) {
    let Group {
        lines,
        cause,
        policies,
    } = group;
    let mut kinds: Vec<PolicyKind> = policies.iter().map(|policy| policy.kind).collect();
    kinds.dedup();
    let heading = match (policies.as_slice(), kinds.as_slice()) {
        ([one], _) => heading(one),
        ([first, ..], kinds) => {
            let kind = match kinds {
                [kind] => format!("{kind}, "),
                _ => String::new(),
            };
            let mode = match first.mode {
                Mode::Exact => String::new(),
                mode @ Mode::Additive => format!(" ({})", mode.name()),
            };
            let number = policies.len();
            format!("{kind}{STRONG}{number} policies{STRONG:#}{mode}")
        }
        ([], _) => return,
    };
    let _ = writeln!(text, "{heading}");
    draw_cause(text, *cause, detail.direction);
    draw_who(text, annotations, policies, detail);
    let lines = lines.iter();
    let lines: Vec<(&Line, Option<String>)> = lines
        .map(|(line, places)| (line, line.places(places)))
        .collect();
    draw_lines(text, &lines, detail);
    if policies.len() > 1 {
        for kind in &kinds {
            if kinds.len() > 1 {
                let _ = writeln!(text, "  {kind}");
            }
            let of_kind = policies.iter().filter(|policy| policy.kind == *kind);
            draw_names(
                text,
                &of_kind
                    .map(|policy| phrases::policy(policy))
                    .collect::<Vec<_>>(),
                detail,
            );
        }
    }
    text.push('\n');
}

/// Names in columns, indented: none of them may begin a line, where CI looks for commands.
pub(super) fn draw_names(text: &mut String, names: &[String], detail: Detail<'_>) {
    const INDENT: usize = 4;
    let width = detail.width.unwrap_or(USUAL_WIDTH).saturating_sub(INDENT);
    let (lines, left) = columns(names, width, MOST_NAME_LINES);
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
    if left > 0 {
        let _ = writeln!(
            text,
            "    {QUIET}… {left} more (`--expand` shows all){QUIET:#}"
        );
    }
}

fn draw_cause(text: &mut String, cause: Option<Cause>, direction: Direction) {
    if let Some(cause) = phrases::cause(cause, direction) {
        let _ = writeln!(text, "  {UPDATE}{cause}{UPDATE:#}");
    }
}

/// Draws who gains and loses policies that have the same changes, and who changed them, if that was asked,
/// and what policy sets pass on.
fn draw_who(
    text: &mut String,
    annotations: &Annotations,
    policies: &[&PlannedPolicy],
    detail: Detail<'_>,
) {
    const INDENT: usize = 4;
    for line in reaches(annotations, policies, detail.direction)
        .into_iter()
        .chain(passed_on(annotations, policies))
    {
        hang(text, &format!("  {line}"), detail);
    }
    for line in who(annotations, policies, detail.direction) {
        let lines = match detail.width {
            None => vec![line],
            Some(width) => wrap(&line, width.saturating_sub(INDENT)),
        };
        let line = lines.join(&format!("{UPDATE:#}\n    {UPDATE}"));
        let _ = writeln!(text, "  {UPDATE}{line}{UPDATE:#}");
    }
}

/// Draws lines with the places that ask for them behind, below each other if there is room.
fn draw_lines(text: &mut String, lines: &[(&Line, Option<String>)], detail: Detail<'_>) {
    const INDENT: usize = 4;
    let room = detail.width.unwrap_or(USUAL_WIDTH).saturating_sub(INDENT);
    let widest = lines.iter().map(|(line, _)| width(&line.text)).max();
    let widest = widest.unwrap_or_default();
    let is_wide = |place: &Option<String>| {
        let place = place.as_ref().map(|place| width(place) + 2);
        widest + place.unwrap_or_default() > room
    };
    let aligned = !lines.iter().any(|(_, place)| is_wide(place));
    for (line, place) in lines {
        let style = match line.sign {
            Sign::Plus => ADD,
            Sign::Minus => REMOVE,
            Sign::Tilde => UPDATE,
            Sign::Equal => QUIET,
        };
        let mut parts = wrap(&line.text, room).into_iter();
        let mut last = parts.next().unwrap_or_default();
        let _ = write!(text, "  {style}{} {last}{style:#}", line.sign.text());
        for part in parts {
            let _ = write!(text, "\n    {style}{part}{style:#}");
            last = part;
        }
        if let Some(place) = place {
            let filled = width(&last);
            let start = if aligned { widest } else { filled };
            let place = shorten_place(place, room.saturating_sub(start + 2));
            if start + 2 + width(&place) <= room {
                let _ = write!(text, "{:1$}  {QUIET}{place}{QUIET:#}", "", start - filled);
            } else {
                let _ = write!(text, "\n      {QUIET}{place}{QUIET:#}");
            }
        }
        text.push('\n');
    }
}

pub(super) fn draw_policy(
    text: &mut String,
    policy: &PlannedPolicy,
    annotations: &Annotations,
    detail: Detail<'_>,
) {
    let names = &annotations.names;
    let _ = writeln!(text, "{}", heading(policy));
    draw_cause(text, annotations.cause(policy), detail.direction);
    draw_who(text, annotations, &[policy], detail);
    if detail.diff || !policy.is_changed() {
        for place in policy.manifest.iter() {
            let path = clean(&place.path);
            let _ = writeln!(text, "  {QUIET}{path}:{}{QUIET:#}", place.line);
        }
    }
    if detail.diff {
        text.push_str(&diff::coloured(&match detail.direction {
            Direction::Plan => diff::unified(policy, names),
            Direction::Drift => diff::reversed(policy, names),
        }));
    } else {
        let lines = groups::lines(policy, annotations, detail.direction);
        let lines: Vec<(&Line, Option<String>)> = lines
            .iter()
            .map(|(line, place)| (line, line.places(&place.iter().copied().collect())))
            .collect();
        draw_lines(text, &lines, detail);
        if detail.all {
            for assignment in policy.after.iter() {
                if policy.before.binary_search(assignment).is_ok()
                    && (detail.direction == Direction::Drift
                        || !policy.rewritten().any(|other| other == assignment))
                {
                    let line = groups::planned(policy, assignment, names);
                    let _ = writeln!(text, "    {line}");
                }
            }
        }
    }
    text.push('\n');
}
