//! Plans and results as text for people.
//!
//! Readable without colour; the stream that prints it drops colours where none are wanted.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::clean::clean;
use super::columns::{columns, shorten_place, width, wrap};
use super::diff;
use super::groups::{self, Group, Line, Sign, groups};
use super::members::{FILTERS, filters, note, reaches};
use super::phrases::{
    self, ALL_UNMANAGED, Alike, Counts, MOST_UNMANAGED, Partial, alike, assignment, count,
    how_to_accept, managed_or_selected, of_policies, partial, policy_of_kind, read_counts, seen,
    since, verdict, writes,
};
use super::requests;
use super::review::{Direction, PlanView};
use super::set_members::passed_on;
use super::who::who;
use crate::manifest::Mode;
use crate::model::PolicyKind;
use crate::plan::guards::Guard;
use crate::plan::since::Cause;
use crate::plan::{Annotations, Names, Plan, PlanDiagnostic, PlannedPolicy, Summary};
use crate::report::{Outcome, Results};

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
const UPDATE: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// The width of what is printed where no terminal has one.
const USUAL_WIDTH: usize = 120;
/// The most lines of groups that have empty lines between them.
const MOST_LINES_APART: usize = 60;
/// The most lines of names that a group of policies gets.
const MOST_NAME_LINES: usize = 10;

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
    /// From which side changes are told.
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

/// Puts groups below each other: apart, or if that would be long without the empty lines between them.
/// Headings stand out by themselves, and what fits a screen is read at a glance.
fn close_up(groups: &[String]) -> String {
    let apart = groups.concat();
    if apart.lines().count() <= MOST_LINES_APART {
        return apart;
    }
    let groups = groups.iter().map(|group| group.trim_end_matches('\n'));
    format!("{}\n\n", groups.collect::<Vec<_>>().join("\n"))
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
        text = close_up(&groups.collect::<Vec<_>>());
    }
    draw_filters(&mut text, annotations);
    draw_unmanaged(&mut text, annotations);
    draw_approvals(&mut text, annotations);
    for guard in plan.guards.iter().filter(|guard| guard.tripped) {
        draw_guard(&mut text, guard, plan);
    }
    totals(&mut text, view, detail);
    text
}

fn shown<'p>(plan: &'p Plan, detail: Detail<'_>) -> impl Iterator<Item = &'p PlannedPolicy> {
    let policies = plan.policies.iter();
    policies.filter(move |policy| detail.all || policy.is_changed())
}

fn heading(policy: &PlannedPolicy) -> String {
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

fn summary_line(
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
            .map(|said| format!("  {said}"))
            .collect::<String>()
    );
}

fn draw_group(text: &mut String, group: &Group<'_>, annotations: &Annotations, detail: Detail<'_>) {
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
fn draw_names(text: &mut String, names: &[String], detail: Detail<'_>) {
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
        let _ = writeln!(text, "  {line}");
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

/// Adds a line of prose, which wraps at the width of a terminal.
fn prose(text: &mut String, line: &str, detail: Detail<'_>) {
    match detail.width {
        None => text.push_str(line),
        Some(width) => text.push_str(&wrap(line, width).join("\n")),
    }
    text.push('\n');
}

fn draw_policy(
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
        text.push_str(&diff::colored(&match detail.direction {
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
            for row in policy.after.iter() {
                if policy.before.binary_search(row).is_ok() {
                    let _ = writeln!(text, "    {}", assignment(row, names));
                }
            }
        }
    }
    text.push('\n');
}

/// Draws how many devices the filters of the changes match, if that was asked.
fn draw_filters(text: &mut String, annotations: &Annotations) {
    let lines = filters(annotations);
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{FILTERS}:");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
}

/// Draws the unmanaged policies that are worth a name.
fn draw_unmanaged(text: &mut String, annotations: &Annotations) {
    let Some((title, policies)) = phrases::unmanaged(annotations) else {
        return;
    };
    let _ = writeln!(text, "{UPDATE}{title}{UPDATE:#}");
    for (policy, assignments) in policies.iter().take(MOST_UNMANAGED) {
        let _ = writeln!(
            text,
            "  {}: {}",
            policy_of_kind(policy),
            assignments.join("; ")
        );
    }
    if policies.len() > MOST_UNMANAGED {
        let left = policies.len() - MOST_UNMANAGED;
        let _ = writeln!(text, "  and {left} more ({ALL_UNMANAGED})");
    }
    text.push('\n');
}

fn draw_approvals(text: &mut String, annotations: &Annotations) {
    let entries = annotations.approvals.as_deref().unwrap_or_default();
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "{UPDATE}{}{UPDATE:#}", requests::TITLE);
    for entry in entries.iter().take(MOST_UNMANAGED) {
        let _ = writeln!(text, "  {}", requests::line(entry));
    }
    if entries.len() > MOST_UNMANAGED {
        let _ = writeln!(text, "  and {} more", entries.len() - MOST_UNMANAGED);
    }
    text.push('\n');
}

/// Draws a guard that tripped. Names that are many, and those of all the changes above, are not repeated.
fn draw_guard(text: &mut String, guard: &Guard, plan: &Plan) {
    const MOST_NAMES: usize = 10;
    let style = if guard.accepted { UPDATE } else { REMOVE };
    let _ = writeln!(
        text,
        "{style}guard `{}` {}{style:#}: {}",
        guard.name.name(),
        verdict(guard),
        seen(guard, |text| clean(text).into_owned())
    );
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
        let _ = writeln!(text, "  hint: {}", how_to_accept(guard));
    }
    text.push('\n');
}

fn totals(text: &mut String, view: &PlanView<'_>, detail: Detail<'_>) {
    let PlanView {
        plan,
        annotations,
        summary,
        digest,
        ..
    } = *view;
    if let Some(Partial { options, left_out }) = partial(plan) {
        let _ = writeln!(
            text,
            "{UPDATE}Partial view{UPDATE:#}: `{options}` left {left_out} out."
        );
    }
    prose(text, &headline(plan, summary, detail.direction), detail);
    if let Some((report, said)) = since(annotations) {
        prose(text, &format!("Since `{}`: {said}.", clean(report)), detail);
    }
    let hidden = if detail.all || summary.unchanged == 0 || summary.changed == 0 {
        ""
    } else {
        " (`--all` shows them)"
    };
    let read = read_counts(plan, summary, detail.direction, hidden);
    prose(text, &format!("{read}."), detail);
    if let Some(note) = note(plan, annotations) {
        prose(text, note, detail);
    }
    let _ = writeln!(
        text,
        "{QUIET}Tenant {} at {}{QUIET:#}",
        plan.tenant_id.as_deref().map_or("unknown".into(), clean),
        clean(&plan.graph_url)
    );
    if summary.changed == 0 {
        return;
    }
    let _ = writeln!(text, "{QUIET}Digest {}{QUIET:#}", clean(digest));
    match detail.next.filter(|_| plan.refusing().next().is_none()) {
        None => {}
        Some(Next::Save) => prose(
            text,
            "Next: save it with `--out FILE`, or run `assignctl apply` with the same paths and options.",
            detail,
        ),
        Some(Next::Apply(file)) => {
            let _ = writeln!(text, "Next: `assignctl apply {}`", clean(file));
        }
    }
}

fn headline(plan: &Plan, summary: &Summary, direction: Direction) -> String {
    let which = managed_or_selected(plan);
    let Summary {
        policies_read: _,
        managed,
        changed,
        unchanged: _,
        unmanaged: _,
        add,
        remove,
        update,
        writes: number_of_writes,
        time,
    } = *summary;
    match (changed, direction) {
        (0, _) => format!(
            "{STRONG}Nothing to do{STRONG:#}: {} as the manifests say.",
            if managed == 1 {
                format!("the 1 {which} policy is")
            } else {
                format!("all {managed} {which} policies are")
            }
        ),
        (_, Direction::Plan) => format!(
            "{STRONG}Plan{STRONG:#}: {}: {ADD}{add} to add{ADD:#}, {REMOVE}{remove} to remove{REMOVE:#}, {UPDATE}{update} to update{UPDATE:#}; {}.",
            of_policies(plan, summary, "changes", "change"),
            writes(number_of_writes, time),
        ),
        (_, Direction::Drift) => format!(
            "{STRONG}Drift{STRONG:#}: {}: the tenant {REMOVE}lacks {} (-){REMOVE:#}, {ADD}has {remove} beyond the manifests (+){ADD:#} and {UPDATE}{update} with another filter (~){UPDATE:#}.",
            of_policies(plan, summary, "differs", "differ"),
            count(add, "assignment", "assignments"),
        ),
    }
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

/// Draws the assignments of policies that moved since a plan was saved, then and now.
pub fn stale(plan: &Plan, names: &Names, results: &Results) -> String {
    let mut text = String::new();
    for (policy, live) in results.moved(plan) {
        let _ = writeln!(text, "{}", heading(policy));
        text.push_str(&diff::colored(&diff::since_planned(policy, live, names)));
        text.push('\n');
    }
    text
}

/// Draws what became of a plan. What several policies have in common is said once.
pub fn results(plan: &Plan, results: &Results, detail: Detail<'_>) -> String {
    let mut text = String::new();
    for alike in alike(plan, results) {
        let why = alike.why();
        let Alike {
            outcome,
            reason: _,
            policies,
        } = alike;
        let name = outcome.name();
        match policies.as_slice() {
            [policy] => {
                let _ = writeln!(text, "{REMOVE}{name}{REMOVE:#} {}: {why}", heading(policy));
            }
            several => {
                let _ = writeln!(
                    text,
                    "{REMOVE}{name}{REMOVE:#} {STRONG}{} policies{STRONG:#}: {why}",
                    several.len()
                );
                let names: Vec<String> = several
                    .iter()
                    .map(|policy| policy_of_kind(&policy.reference()))
                    .collect();
                draw_names(&mut text, &names, detail);
            }
        }
    }
    let counts: Vec<String> = Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome, results.count(outcome)))
        .filter(|(outcome, number)| *number > 0 || *outcome == Outcome::Applied)
        .map(|(outcome, number)| format!("{number} {}", outcome.name()))
        .collect();
    let style = if results.is_good() { ADD } else { REMOVE };
    let _ = writeln!(
        text,
        "{STRONG}Result{STRONG:#}: {style}{}{style:#}.",
        counts.join(", ")
    );
    text
}
