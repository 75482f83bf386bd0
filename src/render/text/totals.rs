//! What a plan comes to: how much changes, what was read, and what to do next.

use std::fmt::Write as _;

use super::{ADD, Detail, Next, QUIET, REMOVE, STRONG, UPDATE, hang};
use crate::plan::{Plan, Summary};
use crate::render::clean::clean;
use crate::render::columns::wrap;
use crate::render::members::note;
use crate::render::phrases::{
    Partial, count, managed_or_selected, named_tenant, not_compared, of_policies, partial,
    read_counts, since, writes,
};
use crate::render::review::{Direction, PlanView};
use crate::text::shell_word;

/// Adds a line of prose, which wraps at the width of a terminal.
fn prose(text: &mut String, line: &str, detail: Detail<'_>) {
    match detail.width {
        None => text.push_str(line),
        Some(width) => text.push_str(&wrap(line, width).join("\n")),
    }
    text.push('\n');
}

pub(super) fn totals(text: &mut String, view: &PlanView<'_>, detail: Detail<'_>) {
    let PlanView {
        plan,
        annotations,
        summary,
        digest,
        tenant,
        ..
    } = *view;
    if let Some(Partial { options, left_out }) = partial(plan) {
        let sentence = format!("{UPDATE}Partial view{UPDATE:#}: `{options}` excludes {left_out}.");
        prose(text, &sentence, detail);
    }
    prose(text, &headline(plan, summary, detail.direction), detail);
    if let Some((report, sentence)) = since(annotations) {
        prose(
            text,
            &format!("Since `{}`: {sentence}.", clean(report)),
            detail,
        );
    }
    let hidden = if detail.all || summary.unchanged == 0 || summary.changed == 0 {
        ""
    } else {
        " (`--all` shows them)"
    };
    let read = read_counts(plan, summary, detail.direction, hidden);
    prose(text, &format!("{read}."), detail);
    for note in note(plan, annotations)
        .into_iter()
        .chain(not_compared(plan))
    {
        prose(text, note, detail);
    }
    let tenant = format!(
        "{QUIET}Tenant {} at {}{QUIET:#}",
        named_tenant(tenant, plan.tenant_id.as_deref()),
        clean(&plan.graph_url)
    );
    hang(text, &tenant, detail);
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
            prose(
                text,
                &format!("Next: `assignctl apply {}`", clean(&shell_word(file))),
                detail,
            );
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
        (0, _) if managed == 0 => format!("{STRONG}Nothing to do{STRONG:#}."),
        (0, _) => format!(
            "{STRONG}Nothing to do{STRONG:#}: {} the manifests.",
            if managed == 1 {
                format!("the 1 {which} policy matches")
            } else {
                format!("all {managed} {which} policies match")
            }
        ),
        (_, Direction::Plan) => format!(
            "{STRONG}Plan{STRONG:#}: {}: {ADD}{} to add{ADD:#}, {REMOVE}{remove} to remove{REMOVE:#}, {UPDATE}{update} to update{UPDATE:#}; {}.",
            of_policies(plan, summary, "changes", "change"),
            count(add, "assignment", "assignments"),
            writes(number_of_writes, time),
        ),
        (_, Direction::Drift) => format!(
            "{STRONG}Drift{STRONG:#}: {}: the tenant {REMOVE}lacks {} (-){REMOVE:#}, {ADD}has {remove} not in the manifests (+){ADD:#} and {UPDATE}{update} with another filter or setting (~){UPDATE:#}.",
            of_policies(plan, summary, "differs", "differ"),
            count(add, "assignment", "assignments"),
        ),
    }
}
