//! Plans and results as text for people.
//!
//! Readable without colour; the stream that prints it drops colours where none are wanted.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::clean::clean;
use super::diff;
use super::words::{
    Counts, Partial, assignment, count, filter, how_to_accept, managed_or_selected, partial, seen,
    since, target, verdict, writes,
};
use crate::plan::guards::Guard;
use crate::plan::since::Cause;
use crate::plan::{Change, Names, Plan, PlanDiagnostic, PlannedPolicy, Summary};
use crate::report::{Outcome, Reason, Results};

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
const UPDATE: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

/// What of a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Unchanged policies as well.
    pub all: bool,
    /// Each policy's assignments before and after, as a unified diff.
    pub diff: bool,
    /// One line a policy.
    pub summary: bool,
}

/// Draws a plan.
pub fn plan(
    plan: &Plan,
    summary: &Summary,
    digest: &str,
    time: Duration,
    detail: Detail,
) -> String {
    let mut text = String::new();
    let shown = plan
        .policies
        .iter()
        .filter(|policy| detail.all || policy.is_changed());
    for policy in shown {
        if detail.summary {
            summary_line(&mut text, policy, plan.cause(policy));
        } else {
            draw_policy(&mut text, policy, plan, detail);
        }
    }
    if detail.summary && !text.is_empty() {
        text.push('\n');
    }
    for guard in plan.guards.iter().filter(|guard| guard.tripped) {
        draw_guard(&mut text, guard);
    }
    totals(&mut text, plan, summary, digest, time, detail);
    text
}

fn heading(policy: &PlannedPolicy) -> String {
    format!("{} {STRONG}{}{STRONG:#}", policy.kind, clean(&policy.name))
}

fn summary_line(text: &mut String, policy: &PlannedPolicy, cause: Option<Cause>) {
    let Counts {
        add,
        remove,
        update,
    } = Counts::of(policy);
    let _ = writeln!(
        text,
        "{ADD}+{add}{ADD:#} {REMOVE}-{remove}{REMOVE:#} {UPDATE}~{update}{UPDATE:#}  {}{}",
        heading(policy),
        cause
            .map(|cause| format!("  {}", cause.name()))
            .unwrap_or_default()
    );
}

fn draw_policy(text: &mut String, policy: &PlannedPolicy, plan: &Plan, detail: Detail) {
    let names = &plan.names;
    let _ = writeln!(text, "{} ({})", heading(policy), policy.mode.name());
    for place in policy.manifest.iter() {
        let _ = writeln!(
            text,
            "  {QUIET}{}:{}:{}{QUIET:#}",
            clean(&place.path),
            place.line,
            place.column
        );
    }
    if let Some(cause) = plan.cause(policy) {
        let _ = writeln!(
            text,
            "  {UPDATE}{}{UPDATE:#}: {}",
            cause.name(),
            cause.about()
        );
    }
    if detail.diff {
        text.push_str(&diff::colored(policy, names));
    } else {
        for change in &policy.changes {
            draw_change(text, change, names);
        }
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

fn draw_change(text: &mut String, change: &Change, names: &Names) {
    let _ = match change {
        Change::Add(row) => writeln!(text, "  {ADD}+ {}{ADD:#}", assignment(row, names)),
        Change::Remove(row) => {
            writeln!(text, "  {REMOVE}- {}{REMOVE:#}", assignment(row, names))
        }
        Change::Update { before, after } => {
            writeln!(
                text,
                "  {UPDATE}~ {}: {} -> {}{UPDATE:#}",
                target(after, names),
                filter(before.filter.as_ref(), names),
                filter(after.filter.as_ref(), names)
            )
        }
    };
}

fn draw_guard(text: &mut String, guard: &Guard) {
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
    for policy in policies.iter().take(MOST_NAMES) {
        // The dash keeps a name from standing first on a line, where CI looks for commands.
        let _ = writeln!(text, "  - {}", clean(policy));
    }
    if policies.len() > MOST_NAMES {
        let _ = writeln!(text, "  and {} more", policies.len() - MOST_NAMES);
    }
    if !guard.accepted {
        let _ = writeln!(text, "  hint: {}", how_to_accept(guard));
    }
    text.push('\n');
}

fn totals(
    text: &mut String,
    plan: &Plan,
    summary: &Summary,
    digest: &str,
    time: Duration,
    detail: Detail,
) {
    let Summary {
        policies_read,
        managed,
        changed,
        unchanged,
        unmanaged,
        add,
        remove,
        update,
        writes: number_of_writes,
        time: _,
    } = *summary;
    if let Some(Partial { options, left_out }) = partial(plan) {
        let _ = writeln!(
            text,
            "{UPDATE}Partial view{UPDATE:#}: `{options}` left {left_out} out."
        );
    }
    let which = managed_or_selected(plan);
    if changed == 0 {
        let _ = writeln!(
            text,
            "{STRONG}Nothing to do{STRONG:#}: {} as the manifests say.",
            if managed == 1 {
                format!("the 1 {which} policy is")
            } else {
                format!("all {managed} {which} policies are")
            }
        );
    } else {
        let _ = writeln!(
            text,
            "{STRONG}Plan{STRONG:#}: {} of {managed} {which}: {ADD}{add} to add{ADD:#}, {REMOVE}{remove} to remove{REMOVE:#}, {UPDATE}{update} to update{UPDATE:#}; {}.",
            count(changed, "policy changes", "policies change"),
            self::writes(number_of_writes, time),
        );
    }
    if let Some((report, said)) = since(plan) {
        let _ = writeln!(text, "Since `{}`: {said}.", clean(report));
    }
    let hidden = if detail.all || unchanged == 0 || changed == 0 {
        ""
    } else {
        " (not shown; `--all` shows them)"
    };
    let _ = writeln!(
        text,
        "Read {}: {unchanged} managed and unchanged{hidden}, {unmanaged} unmanaged and left alone.",
        count(policies_read, "policy", "policies")
    );
    let _ = writeln!(
        text,
        "{QUIET}Tenant {} at {}{QUIET:#}",
        plan.tenant_id.as_deref().map_or("unknown".into(), clean),
        clean(&plan.graph_url)
    );
    let _ = writeln!(text, "{QUIET}Digest {}{QUIET:#}", clean(digest));
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

/// Says why a policy is not as planned, in one line.
pub fn reason(reason: &Reason) -> String {
    let Reason {
        code,
        status,
        message,
        request_id,
        is_refusal: _,
    } = reason;
    let mut text = clean(message).into_owned();
    text.push_str(" (");
    if let Some(status) = status {
        let _ = write!(text, "status {status}, ");
    }
    let _ = write!(text, "code {}", clean(code));
    if let Some(id) = request_id {
        let _ = write!(text, ", request id {}", clean(id));
    }
    text.push(')');
    text
}

/// Draws what became of a plan.
pub fn results(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    for (policy, settled) in results.told(plan) {
        let Some(why) = &settled.reason else {
            continue;
        };
        let _ = writeln!(
            text,
            "{REMOVE}{}{REMOVE:#} {}: {}",
            settled.outcome.name(),
            heading(policy),
            reason(why)
        );
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
