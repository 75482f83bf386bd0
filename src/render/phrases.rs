//! Shared phrases of the human-readable formats: assignments, counts, durations.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::clean::clean;
use super::properties::{property_value, shown};
use super::review::{Direction, PlanView};
use crate::kinds::properties::unescaped;
use crate::model::{Assignment, Filter, Source, Target, virtual_group};
use crate::plan::guards::{Guard, GuardName};
use crate::plan::since::Cause;
use crate::plan::{
    Annotations, ManifestPlace, Names, Plan, PlannedPolicy, PolicyRef, Selection, Summary,
};
use crate::report::{Outcome, Reason, Results};
pub use crate::text::count;

/// Says which tenant is meant: its short name, if manifests name it, with its id.
pub(super) fn named_tenant(name: Option<&str>, id: Option<&str>) -> String {
    let id = id.map_or("unknown".into(), clean);
    match name {
        Some(name) => format!("{} ({id})", clean(name)),
        None => id.into_owned(),
    }
}

/// Says a duration for people, in a unit of which there are at least two.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "under a second".to_owned(),
        1..120 => format!("{seconds} s"),
        120..7_200 => two(seconds / 60, "min", seconds % 60, "s"),
        7_200..172_800 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Says a duration in two units, without the smaller one if there is none of it.
fn two(large: u64, unit: &str, small: u64, smaller: &str) -> String {
    match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {smaller}"),
    }
}

/// Says how many writes a plan takes, and how long they wait for the service's limit.
pub fn writes(number: usize, time: Duration) -> String {
    let waiting = match time.is_zero() {
        true => "no rate-limit wait".to_owned(),
        false => format!("about {}", duration(time)),
    };
    format!("{}, {waiting}", count(number, "write", "writes"))
}

/// Says a place with its column.
pub(super) fn whole_place(place: &ManifestPlace) -> String {
    format!("{}:{}:{}", clean(&place.path), place.line, place.column)
}

/// Returns the first of some texts, and what is said of how many are left, if any are.
pub(super) fn first(
    most: usize,
    texts: impl ExactSizeIterator<Item = String>,
    rest: impl FnOnce(usize) -> String,
) -> impl Iterator<Item = String> {
    let left = texts.len().saturating_sub(most);
    texts.take(most).chain((left > 0).then(|| rest(left)))
}

/// What a partial view takes and leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    /// The options that narrow it.
    pub(super) options: String,
    /// How many policies they leave out, and what is counted nevertheless.
    pub(super) left_out: String,
}

/// Says what a partial view takes and leaves out; nothing where it is not partial.
pub(super) fn partial(plan: &Plan) -> Option<Partial> {
    if !plan.is_partial() {
        return None;
    }
    let left_out = count(plan.left_out, "managed policy", "managed policies");
    let counted = match plan.hidden {
        0 => "",
        _ => "; the counts are those of the whole plan",
    };
    Some(Partial {
        options: narrowed(&plan.selection),
        left_out: format!("{left_out}{counted}"),
    })
}

/// Returns the options that narrow what is looked at.
pub(super) fn narrowed(selection: &Selection) -> String {
    let Selection {
        only,
        exclude,
        kinds,
    } = selection;
    let globs = [("--only", only), ("--exclude", exclude)];
    let globs = globs.iter().flat_map(|(option, globs)| {
        let texts = globs.iter().map(|glob| clean(glob.as_str()));
        texts.map(move |glob| format!("{option} '{glob}'"))
    });
    let kinds = kinds.iter().map(|kind| format!("--kind {kind}"));
    globs.chain(kinds).collect::<Vec<_>>().join(" ")
}

/// Says what happened since a run; nothing where that was not asked.
pub(super) fn since(annotations: &Annotations) -> Option<(&str, String)> {
    let since = annotations.since.as_ref()?;
    let counts: Vec<String> = Cause::ALL
        .into_iter()
        .map(|cause| (cause, since.count(cause)))
        .filter(|(_, number)| *number > 0)
        .map(|(cause, number)| format!("{number} {}", cause.about()))
        .collect();
    let counts = match counts.is_empty() {
        true => "nothing to explain".to_owned(),
        false => counts.join(", "),
    };
    Some((&since.report, counts))
}

/// Says that so many policies change, or differ.
fn change_or_differ(number: usize, direction: Direction) -> &'static str {
    match (direction, number) {
        (Direction::Plan, 1) => "changes",
        (Direction::Plan, _) => "change",
        (Direction::Drift, 1) => "differs",
        (Direction::Drift, _) => "differ",
    }
}

/// Says how many policies of which change or differ.
pub(super) fn of_policies(view: &PlanView<'_>) -> String {
    let Summary {
        changed, managed, ..
    } = *view.summary;
    let which = managed_or_selected(view.plan);
    let policies = if managed == 1 { "policy" } else { "policies" };
    let verb = change_or_differ(changed, view.detail.direction);
    format!("{changed} of {managed} {which} {policies} {verb}")
}

/// Says what a plan changes, or how the tenant differs, in one line.
pub(super) fn changes(view: &PlanView<'_>) -> String {
    let Summary {
        managed,
        changed,
        add,
        remove,
        update,
        ..
    } = *view.summary;
    let which = managed_or_selected(view.plan);
    match (changed, view.detail.direction) {
        (0, _) if managed == 0 => "nothing to do".to_owned(),
        (0, _) => format!(
            "nothing to do, {} the manifests",
            count(
                managed,
                &format!("{which} policy matches"),
                &format!("{which} policies match")
            )
        ),
        (_, Direction::Plan) => format!(
            "{}: {} to add, {remove} to remove, {update} to update",
            of_policies(view),
            count(add, "assignment", "assignments"),
        ),
        (_, Direction::Drift) => format!(
            "{}: the tenant lacks {}, has {remove} not in the manifests and {update} with another filter or setting",
            of_policies(view),
            count(add, "assignment", "assignments"),
        ),
    }
}

/// Says what became of the policies that were read; the numbers add up.
pub(super) fn read_counts(view: &PlanView<'_>, hidden: &str) -> String {
    let PlanView { plan, summary, .. } = *view;
    let changed = change_or_differ(summary.changed, view.detail.direction);
    // A rollback looks at the policies of a report; those that it does not plan for stay as they are.
    let rest = match plan.unmanaged {
        Some(_) => "unmanaged and left alone",
        None => "left as they are",
    };
    let parts = [
        (summary.changed, changed.to_owned()),
        (summary.unchanged, format!("unchanged{hidden}")),
        (
            plan.left_out - plan.hidden,
            "managed but outside this view".to_owned(),
        ),
        (summary.unmanaged, rest.to_owned()),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    let read = count(summary.policies_read, "policy", "policies");
    format!("Read {read}{colon}{}", parts.join(", "))
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
    let (message, code) = (clean(message), clean(code.name()));
    let status = status.map_or_else(String::new, |status| format!("status {status}, "));
    let id = request_id.as_deref().map(clean);
    let id = id.map_or_else(String::new, |id| format!(", request id {id}"));
    format!("{message} ({status}code {code}{id})")
}

/// Says how many policies had which outcome, also that none was applied.
pub(super) fn outcomes(results: &Results) -> String {
    outcomes_with(results, Some(Outcome::Applied), Outcome::name)
}

/// Says how many policies had which outcome, each by a word; `always` also if there is none.
pub(super) fn outcomes_with(
    results: &Results,
    always: Option<Outcome>,
    word: fn(Outcome) -> &'static str,
) -> String {
    let counts = Outcome::ALL.into_iter().filter_map(|outcome| {
        let number = results.count(outcome);
        (number > 0 || always == Some(outcome)).then(|| format!("{number} {}", word(outcome)))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Policies of which the same is to be said.
pub(super) struct EqualPolicies<'r> {
    pub(super) outcome: Outcome,
    /// Why, in one line.
    pub(super) why: String,
    pub(super) policies: Vec<&'r PlannedPolicy>,
}

/// Returns the policies that are not as planned, those with the same outcome and reason together.
pub(super) fn alike<'r>(plan: &'r Plan, results: &'r Results) -> Vec<EqualPolicies<'r>> {
    let mut known: HashMap<(&str, &str, Option<u16>, &str), usize> = HashMap::new();
    let mut alike: Vec<EqualPolicies<'r>> = Vec::new();
    for (policy, settled) in results.all(plan) {
        let outcome = settled.outcome;
        let Some(why) = &settled.reason else {
            continue;
        };
        let key = (outcome.name(), why.code.name(), why.status, &*why.message);
        let index = *known.entry(key).or_insert(alike.len());
        if index == alike.len() {
            alike.push(EqualPolicies {
                outcome,
                why: reason(why),
                policies: Vec::new(),
            });
        }
        alike[index].policies.push(policy);
    }
    alike
}

/// Says why a policy is not as the manifests say, unless that goes without saying: a plan is expected
/// to come from a change of the manifests.
pub(super) fn cause(cause: Option<Cause>, view: &PlanView<'_>) -> Option<&'static str> {
    match (cause?, view.detail.direction) {
        (Cause::Unapplied, Direction::Plan) => None,
        (Cause::Drift, Direction::Plan) => Some("changed by hand, not by the manifests"),
        (cause, _) => Some(cause.about()),
    }
}

/// Returns the word for the policies that a plan looked at, whatever a view of it shows.
pub(super) fn managed_or_selected(plan: &Plan) -> &'static str {
    let is_selection = match plan.hidden {
        0 => plan.is_partial(),
        hidden => plan.left_out > hidden,
    };
    if is_selection { "selected" } else { "managed" }
}

/// Says what a guard that tripped looks at, and what it observed, with texts that `safe` makes harmless.
pub(crate) fn seen(guard: &Guard, safe: impl Fn(&str) -> String) -> String {
    let observation = &guard.observation;
    let observed = safe(&observation.observed());
    let limit = safe(&observation.limit());
    let bound = match guard.name {
        GuardName::Tenant => "expected",
        _ => "limit",
    };
    format!("{} ({observed}, {bound} {limit})", guard.name.about())
}

/// Returns the word for what became of a guard that tripped.
pub(super) fn verdict(guard: &Guard) -> &'static str {
    if guard.accepted {
        "accepted"
    } else {
        "tripped"
    }
}

/// Says what makes a guard let the plan through.
pub(super) fn how_to_accept(guard: &Guard) -> String {
    match guard.acceptance() {
        Some(flag) => format!("accept it with `{flag}`"),
        None => "this guard cannot be accepted; sign in to the right tenant".to_owned(),
    }
}

/// Says what a guard that tripped has seen, and unless it is accepted, how to accept it.
pub(super) fn seen_and_hint(guard: &Guard, safe: impl Fn(&str) -> String) -> String {
    let seen = seen(guard, safe);
    match guard.accepted {
        true => seen,
        false => format!("{seen}; {}", how_to_accept(guard)),
    }
}

/// Returns a name, with the id behind it if the name alone is ambiguous.
pub(super) fn named(name: &str, id: &str, shares_name: bool) -> String {
    if shares_name {
        format!("{} ({})", clean(name), clean(id))
    } else {
        clean(name).into_owned()
    }
}

/// Cleans the name of a group or a filter: in quotes if what stands behind it in the line, such as a filter,
/// could be a part of the name.
fn part(name: &str) -> String {
    let name = clean(name);
    match name.contains(", ") || name.trim() != name {
        true => format!("\"{}\"", name.replace('"', "\\\"")),
        false => name.into_owned(),
    }
}

/// Names a policy, without its kind.
pub fn policy(policy: &PlannedPolicy) -> String {
    named(&policy.name, &policy.id, policy.shares_name)
}

/// Names a policy of a list that is not sorted by kind.
pub(super) fn policy_of_kind(policy: &PolicyRef) -> String {
    let PolicyRef {
        kind,
        name,
        id,
        shares_name,
    } = policy;
    format!("{kind} {}", named(name, id, *shares_name))
}

/// Says a group, with its id where its name is not enough.
pub(super) fn group(id: &str, names: &Names) -> String {
    match names.group(id) {
        Some(name) if names.shares_group_name(id) => format!("{} ({})", part(name), clean(id)),
        Some(name) => part(name),
        None if let Some((_, audience)) = virtual_group(id) => {
            format!("{} (virtual group of {audience})", clean(id))
        }
        None if let Some(deleted) = names.deleted_group(id) => {
            let at = deleted.at.strftime("%Y-%m-%d %H:%M UTC");
            format!("{} ({}, deleted {at})", part(&deleted.name), clean(id))
        }
        None if names.is_missing_group(id) => format!("{} (does not exist)", clean(id)),
        None => format!("{} (name unknown)", clean(id)),
    }
}

/// Says which target an assignment has, without its filter.
pub fn target(assignment: &Assignment, names: &Names) -> String {
    let mut text = match &assignment.key.target {
        Target::AllDevices => "allDevices".to_owned(),
        Target::AllUsers => "allUsers".to_owned(),
        Target::Group(id) => format!("group {}", group(id, names)),
        Target::ExclusionGroup(id) => format!("exclude group {}", group(id, names)),
        Target::Collection(id) => format!("collection {}", clean(id)),
        Target::Other { odata_type, .. } => format!("{} (unknown target)", clean(odata_type)),
    };
    if assignment.key.source != Source::Direct {
        let _ = write!(text, ", source {}", clean(assignment.key.source.name()));
        if let Some(id) = &assignment.source_id {
            let _ = write!(text, " {}", clean(id));
        }
    }
    text
}

/// Says a filter.
pub fn filter(filter: Option<&Filter>, names: &Names) -> String {
    match filter {
        None => "no filter".to_owned(),
        Some(filter) => format!("filter {}", named_filter(filter, names)),
    }
}

/// Says a filter's name and mode, with its id where the name is not enough.
pub(super) fn named_filter(Filter { id, mode }: &Filter, names: &Names) -> String {
    let mode = clean(mode.name());
    match names.filter(id) {
        Some(name) if names.shares_filter_name(id) => {
            format!("{} ({mode}, {})", part(name), clean(id))
        }
        Some(name) => format!("{} ({mode})", part(name)),
        None if names.is_missing_filter(id) => format!("{} ({mode}, does not exist)", clean(id)),
        None => format!("{} ({mode}, name unknown)", clean(id)),
    }
}

/// Says what of a plan's policies is not compared, since it cannot be read.
pub(super) fn not_compared(plan: &Plan) -> Option<&'static str> {
    let detects = |policy: &PlannedPolicy| policy.remediation.iter().any(|(_, repairs)| !repairs);
    let mut unchanged = plan.policies.iter().filter(|policy| !policy.is_changed());
    unchanged.any(detects).then_some(
        "`runRemediationScript` of unchanged policies is not compared, since the service does not show it; it is written with the next change of each.",
    )
}

/// Says an assignment, with its filter and its properties if it has any.
pub fn assignment(assignment: &Assignment, names: &Names) -> String {
    let mut text = target(assignment, names);
    if let Some(variant) = &assignment.key.variant {
        let _ = write!(text, ", {}", clean(variant));
    }
    for (name, value) in shown(&assignment.properties) {
        let (name, value) = (unescaped(name), property_value(value));
        let _ = write!(text, ", {} {value}", clean(&name));
    }
    if assignment.filter.is_some() {
        let filter = filter(assignment.filter.as_ref(), names);
        let _ = write!(text, ", {filter}");
    }
    text
}

#[cfg(test)]
mod tests;
