//! What a plan comes to: how much changes, what was read, and what to do next.

use std::fmt::Write as _;

use super::{ADD, QUIET, REMOVE, STRONG, UPDATE, hang};
use crate::plan::Summary;
use crate::render::clean::clean;
use crate::render::columns::wrap;
use crate::render::members::notes;
use crate::render::phrases::{
    Partial, count, managed_or_selected, named_tenant, of_policies, partial, read_counts, since,
    writes,
};
use crate::render::review::{Direction, Next, PlanView};
use crate::text::shell_word;

/// Adds a line of prose, which wraps at the width of a terminal.
fn prose(text: &mut String, line: &str, view: &PlanView<'_>) {
    match view.detail.width {
        None => text.push_str(line),
        Some(width) => text.push_str(&wrap(line, width).join("\n")),
    }
    text.push('\n');
}

pub(super) fn totals(text: &mut String, view: &PlanView<'_>) {
    let PlanView {
        plan,
        annotations,
        summary,
        digest,
        tenant,
        detail,
    } = *view;
    if let Some(Partial { options, left_out }) = partial(plan) {
        let sentence = format!("{UPDATE}Partial view{UPDATE:#}: `{options}` excludes {left_out}.");
        prose(text, &sentence, view);
    }
    prose(text, &headline(view), view);
    if let Some((report, counts)) = since(annotations) {
        prose(text, &format!("Since `{}`: {counts}.", clean(report)), view);
    }
    let hidden = if detail.all || summary.unchanged == 0 || summary.changed == 0 {
        ""
    } else {
        " (`--all` shows them)"
    };
    prose(text, &format!("{}.", read_counts(view, hidden)), view);
    for note in notes(view) {
        prose(text, note, view);
    }
    let tenant = format!(
        "{QUIET}Tenant {} at {}{QUIET:#}",
        named_tenant(tenant, plan.tenant_id.as_deref()),
        clean(&plan.graph_url)
    );
    hang(text, &tenant, view);
    if summary.changed == 0 {
        return;
    }
    let _ = writeln!(text, "{QUIET}Digest {}{QUIET:#}", clean(digest));
    let next = match detail.next.filter(|_| plan.refusing().next().is_none()) {
        None => return,
        Some(Next::Save) => {
            "save it with `--out FILE`, or run `assignctl apply` with the same paths and options."
                .to_owned()
        }
        Some(Next::Apply(file)) => format!("`assignctl apply {}`", clean(&shell_word(file))),
    };
    prose(text, &format!("Next: {next}"), view);
}

fn headline(view: &PlanView<'_>) -> String {
    let which = managed_or_selected(view.plan);
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
    } = *view.summary;
    match (changed, view.detail.direction) {
        (0, _) if managed == 0 => format!("{STRONG}Nothing to do{STRONG:#}."),
        (0, _) => {
            let matching = match managed {
                1 => format!("the 1 {which} policy matches"),
                _ => format!("all {managed} {which} policies match"),
            };
            format!("{STRONG}Nothing to do{STRONG:#}: {matching} the manifests.")
        }
        (_, Direction::Plan) => format!(
            "{STRONG}Plan{STRONG:#}: {}: {ADD}{} to add{ADD:#}, {REMOVE}{remove} to remove{REMOVE:#}, {UPDATE}{update} to update{UPDATE:#}; {}.",
            of_policies(view),
            count(add, "assignment", "assignments"),
            writes(number_of_writes, time),
        ),
        (_, Direction::Drift) => format!(
            "{STRONG}Drift{STRONG:#}: {}: the tenant {REMOVE}lacks {} (-){REMOVE:#}, {ADD}has {remove} not in the manifests (+){ADD:#} and {UPDATE}{update} with another filter or setting (~){UPDATE:#}.",
            of_policies(view),
            count(add, "assignment", "assignments"),
        ),
    }
}
