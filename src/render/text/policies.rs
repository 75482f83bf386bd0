//! What changes on policies: each by itself, or those with the same changes as one group.

use std::fmt::Write as _;

use super::{ADD, QUIET, REMOVE, STRONG, UPDATE, hang};
use crate::manifest::Mode;
use crate::model::PolicyKind;
use crate::plan::since::Cause;
use crate::plan::{Change, PlannedPolicy};
use crate::render::clean::clean;
use crate::render::columns::{columns, shorten_place, width, wrap};
use crate::render::diff;
use crate::render::groups::{self, Group, Line, Sign};
use crate::render::members::reaches;
use crate::render::phrases;
use crate::render::review::{Direction, PlanView};
use crate::render::set_members::passed_on;
use crate::render::who::who;

/// The width of what is printed where no terminal has one.
const USUAL_WIDTH: usize = 120;
/// The most lines of names that a group of policies gets.
const MOST_NAME_LINES: usize = 10;

pub(super) fn shown<'p>(view: &PlanView<'p>) -> impl Iterator<Item = &'p PlannedPolicy> {
    let all = view.detail.all;
    let policies = view.plan.policies.iter();
    policies.filter(move |policy| all || policy.is_changed())
}

pub(super) fn heading(policy: &PlannedPolicy) -> String {
    let (kind, mode) = (policy.kind, unless_exact(policy.mode));
    format!("{kind} {STRONG}{}{STRONG:#}{mode}", phrases::policy(policy))
}

/// Says the mode behind a name, unless it is the usual one.
fn unless_exact(mode: Mode) -> String {
    match mode {
        Mode::Exact => String::new(),
        Mode::Additive => format!(" ({})", mode.name()),
    }
}

pub(super) fn summary_line(text: &mut String, policy: &PlannedPolicy, view: &PlanView<'_>) {
    let count = |which: fn(&Change) -> bool| {
        let changes = policy.changes.iter();
        changes.filter(|change| which(change)).count()
    };
    let add = count(|change| matches!(change, Change::Add(_)));
    let remove = count(|change| matches!(change, Change::Remove(_)));
    let update = count(|change| matches!(change, Change::Update { .. }));
    let (plus, minus) = match view.detail.direction {
        Direction::Plan => (add, remove),
        Direction::Drift => (remove, add),
    };
    let cause = phrases::cause(view.annotations.cause(policy), view).map(str::to_owned);
    let who = who(view, &[policy]).into_iter().next();
    let notes = cause.into_iter().chain(who);
    let _ = writeln!(
        text,
        "{ADD}+{plus}{ADD:#} {REMOVE}-{minus}{REMOVE:#} {UPDATE}~{update}{UPDATE:#}  {}{}",
        heading(policy),
        notes.map(|note| format!("  {note}")).collect::<String>()
    );
}

pub(super) fn draw_group(group: &Group<'_>, view: &PlanView<'_>) -> String {
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
            let (number, mode) = (policies.len(), unless_exact(first.mode));
            format!("{kind}{STRONG}{number} policies{STRONG:#}{mode}")
        }
        ([], _) => return String::new(),
    };
    let mut text = heading + "\n";
    draw_cause(&mut text, *cause, view);
    draw_who(&mut text, policies, view);
    let lines = lines.iter();
    let lines = lines.map(|(line, places)| (line, line.places(places)));
    draw_lines(&mut text, &lines.collect::<Vec<_>>(), view);
    if policies.len() > 1 {
        for kind in &kinds {
            if kinds.len() > 1 {
                let _ = writeln!(text, "  {kind}");
            }
            let of_kind = policies.iter().filter(|policy| policy.kind == *kind);
            let names = of_kind.map(|policy| phrases::policy(policy));
            draw_names(&mut text, &names.collect::<Vec<_>>(), view);
        }
    }
    text.push('\n');
    text
}

/// Returns how many columns there are behind an indent.
fn room(view: &PlanView<'_>) -> usize {
    const INDENT: usize = 4;
    view.detail
        .width
        .unwrap_or(USUAL_WIDTH)
        .saturating_sub(INDENT)
}

/// Names in columns, indented: none of them may begin a line, where CI looks for commands.
pub(super) fn draw_names(text: &mut String, names: &[String], view: &PlanView<'_>) {
    let width = room(view);
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

fn draw_cause(text: &mut String, cause: Option<Cause>, view: &PlanView<'_>) {
    if let Some(cause) = phrases::cause(cause, view) {
        let _ = writeln!(text, "  {UPDATE}{cause}{UPDATE:#}");
    }
}

/// Draws who gains and loses policies that have the same changes, and who changed them, if that was asked,
/// and what policy sets pass on.
fn draw_who(text: &mut String, policies: &[&PlannedPolicy], view: &PlanView<'_>) {
    let reached = reaches(view, policies).into_iter();
    for line in reached.chain(passed_on(view.annotations, policies)) {
        hang(text, &format!("  {line}"), view);
    }
    for line in who(view, policies) {
        let lines = match view.detail.width {
            None => vec![line],
            Some(_) => wrap(&line, room(view)),
        };
        let line = lines.join(&format!("{UPDATE:#}\n    {UPDATE}"));
        let _ = writeln!(text, "  {UPDATE}{line}{UPDATE:#}");
    }
}

/// Draws lines with the places that ask for them behind, below each other if there is room.
fn draw_lines(text: &mut String, lines: &[(&Line, Option<String>)], view: &PlanView<'_>) {
    let room = room(view);
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

pub(super) fn draw_policy(text: &mut String, policy: &PlannedPolicy, view: &PlanView<'_>) {
    let (names, detail) = (&view.annotations.names, view.detail);
    let _ = writeln!(text, "{}", heading(policy));
    draw_cause(text, view.annotations.cause(policy), view);
    draw_who(text, &[policy], view);
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
        let lines = groups::lines(policy, view);
        let lines = lines.iter().map(|(line, place)| {
            let places = place.iter().copied().collect();
            (line, line.places(&places))
        });
        draw_lines(text, &lines.collect::<Vec<_>>(), view);
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
