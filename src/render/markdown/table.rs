//! What a plan changes: as a table with details, or where that is too large, in one block.
//!
//! Policies with the same changes are one row. In the block each of them has a line as well, so that
//! nothing of what changes is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::escape::{code, longest_fence, shorten};
use super::fit::Part;
use super::{LONGEST_NAME, policy_name};
use crate::model::PolicyKind;
use crate::plan::ManifestPlace;
use crate::render::groups::{self, Group, Line, NOT_IN, Sign};
use crate::render::members::reaches;
use crate::render::phrases::{self, count};
use crate::render::review::{Direction, PlanView};
use crate::render::set_members::passed_on;
use crate::render::who::who;
use crate::report::{Outcome, Results};

/// The most policies that a row names.
const MOST_NAMED: usize = 3;
/// The most changes that a row shows.
const MOST_CHANGES: usize = 6;

/// Shows the changes as a table with details.
pub(super) fn usual(view: &PlanView<'_>, results: Option<&Results>) -> Vec<Part> {
    let groups = groups_of(view);
    let mut parts = vec![table(view, &groups, results)];
    if !view.detail.summary {
        parts.push(details(&groups));
    }
    parts.extend(unchanged(view));
    parts
}

/// Shows the changes as a table, with details only of what its rows have no room for.
pub(super) fn shorter(view: &PlanView<'_>, results: Option<&Results>) -> Vec<Part> {
    let groups = groups_of(view);
    let table = table(view, &groups, results);
    let cut: Vec<Group<'_>> = groups.into_iter().filter(is_cut).collect();
    vec![table, details(&cut)]
}

/// What the pieces of the block are.
pub(super) const CHANGES: &str = "changes";

/// Lists the changes in one block.
pub(super) fn compact(view: &PlanView<'_>, results: Option<&Results>) -> Vec<Part> {
    vec![block(view, results, true, &Kinds::default())]
}

/// Lists the changes in one block, without the lines of manifests.
pub(super) fn without_places(view: &PlanView<'_>, results: Option<&Results>) -> Vec<Part> {
    vec![block(view, results, false, &Kinds::default())]
}

/// As [`without_places`], with short words for the kinds.
pub(super) fn least(view: &PlanView<'_>, results: Option<&Results>) -> Vec<Part> {
    vec![block(view, results, false, &Kinds::short(view))]
}

/// Short words for kinds; without any they stand as they are.
#[derive(Default)]
struct Kinds(BTreeMap<PolicyKind, String>);

impl Kinds {
    /// Makes a word of a kind's initials, and of a number where two kinds have the same.
    fn short(view: &PlanView<'_>) -> Self {
        let kinds: BTreeSet<PolicyKind> = view.plan.changed().map(|policy| policy.kind).collect();
        let mut short: BTreeMap<PolicyKind, String> = BTreeMap::new();
        for kind in kinds {
            let (first, rest) = kind.name().split_at(1);
            let capitals: String = rest.chars().filter(char::is_ascii_uppercase).collect();
            let initials = first.to_uppercase() + &capitals;
            let numbered = (2..).map(|number| format!("{initials}{number}"));
            let is_free = |word: &String| short.values().all(|known| known != word);
            let free = std::iter::once(initials.clone())
                .chain(numbered)
                .find(is_free);
            short.insert(kind, free.unwrap_or(initials));
        }
        Self(short)
    }

    fn word(&self, kind: PolicyKind) -> &str {
        self.0.get(&kind).map_or(kind.name(), String::as_str)
    }

    /// Says what the words mean.
    fn legend(&self) -> String {
        let words = self.0.iter();
        let words = words.map(|(kind, word)| format!("{word} = {}", kind.name()));
        match self.0.is_empty() {
            true => String::new(),
            false => format!(" Kinds: {}.", words.collect::<Vec<_>>().join(", ")),
        }
    }
}

fn block(view: &PlanView<'_>, results: Option<&Results>, with_places: bool, kinds: &Kinds) -> Part {
    let groups = groups_of(view);
    let outcomes = outcomes(view, results);
    let pieces: Vec<String> = groups
        .iter()
        .map(|group| {
            let mut text = lines_in_fence(group, with_places);
            if let Some(cause) = phrases::cause(group.cause, view) {
                let _ = writeln!(text, "  {cause}");
            }
            let phrase = reaches(view, &group.policies).into_iter();
            let phrase = phrase.chain(passed_on(view.annotations, &group.policies));
            for phrase in phrase.chain(who(view, &group.policies)) {
                let _ = writeln!(text, "  {phrase}");
            }
            for policy in &group.policies {
                let outcome = outcomes.get(&(policy.kind, policy.id.as_str()));
                let outcome = outcome.map(|outcome| format!(": {}", outcome.name()));
                let _ = writeln!(
                    text,
                    "  {} {}{}",
                    kinds.word(policy.kind),
                    phrases::policy(policy),
                    outcome.unwrap_or_default()
                );
            }
            text.push('\n');
            text
        })
        .collect();
    let names = groups.iter().map(|group| match group.policies.as_slice() {
        [one] => policy_name(one),
        several => count(several.len(), "policy", "policies"),
    });
    let fence = longest_fence(&pieces);
    let left_out = match with_places {
        true => String::new(),
        false => format!(
            "Lines of manifests are left out for size; the formats `text` and `json` have them.{}\n\n",
            kinds.legend()
        ),
    };
    Part::new(CHANGES, pieces)
        .named(names)
        .between(format!("{left_out}{fence}diff\n"), format!("{fence}\n\n"))
}

fn groups_of<'v>(view: &PlanView<'v>) -> Vec<Group<'v>> {
    if view.detail.expand {
        groups::single(view)
    } else {
        groups::groups(view)
    }
}

fn lines_in_fence(group: &Group<'_>, with_places: bool) -> String {
    let lines = group.lines.iter().map(|(line, places)| {
        let place = line.places(places).filter(|_| with_places);
        let place = place.map_or_else(String::new, |place| format!("  ({place})"));
        format!("{} {}{place}\n", line.sign.in_fence(), line.text)
    });
    lines.collect()
}

fn table(view: &PlanView<'_>, groups: &[Group<'_>], results: Option<&Results>) -> Part {
    // On a phone the first two columns are what is seen.
    let changes = match view.detail.direction {
        Direction::Plan => "what changes",
        Direction::Drift => "in the tenant",
    };
    let (with_outcome, with_cause, with_who) = (
        results.is_some(),
        view.annotations.since.is_some(),
        view.annotations.audit.is_some(),
    );
    let titles = [
        Some("policy"),
        Some(changes),
        with_outcome.then_some("outcome"),
        with_cause.then_some("since the report"),
        with_who.then_some("who"),
        Some("manifest"),
        Some("kind"),
    ];
    let titles: Vec<&str> = titles.into_iter().flatten().collect();
    let line = "---|".repeat(titles.len());
    let open = format!("| {} |\n|{line}\n", titles.join(" | "));
    let outcomes = outcomes(view, results);
    let rows = groups.iter().map(|group| {
        let changes = group.lines.iter().take(MOST_CHANGES);
        // Lines wrap, so that a place beside a change would seem to belong to another. Details pair them.
        let mut places: Vec<String> = Vec::new();
        let mut changes: Vec<String> = changes
            .map(|(line, of_line)| {
                let place = place_cell(line, of_line).filter(|place| !places.contains(place));
                places.extend(place);
                code(shortened(line))
            })
            .collect();
        let more = group.lines.iter().skip(MOST_CHANGES).map(|(line, _)| line);
        changes.extend(number_of(more).map(|number| format!("and {number}")));
        let reached = reaches(view, &group.policies).into_iter();
        let reached = reached.chain(passed_on(view.annotations, &group.policies));
        changes.extend(reached.map(|line| code(shorten(&line, 4 * LONGEST_NAME))));
        let cause = || {
            phrases::cause(group.cause, view)
                .unwrap_or_default()
                .to_owned()
        };
        let cells = [
            Some(policies_cell(group)),
            Some(changes.join("<br>")),
            with_outcome.then(|| outcomes_of(group, &outcomes)),
            with_cause.then(cause),
            with_who.then(|| who_cell(view, group)),
            Some(places.join("<br>")),
            Some(kinds_of(group)),
        ];
        let cells: Vec<String> = cells.into_iter().flatten().collect();
        format!("| {} |\n", cells.join(" | "))
    });
    Part::new("table rows", rows.collect::<Vec<_>>())
        .between(open, "\n".to_owned())
        .without_gaps()
}

fn who_cell(view: &PlanView<'_>, group: &Group<'_>) -> String {
    let lines = who(view, &group.policies).into_iter();
    let lines = lines.map(|line| code(shorten(&line, 2 * LONGEST_NAME)));
    lines.collect::<Vec<_>>().join("<br>")
}

fn shortened(line: &Line) -> String {
    let (sign, text) = (line.sign.text(), &line.text);
    format!("{sign} {}", shorten(text, 2 * LONGEST_NAME))
}

fn place_cell(line: &Line, places: &BTreeSet<&ManifestPlace>) -> Option<String> {
    let first = places.first()?;
    let before = if line.is_unasked { NOT_IN } else { "" };
    let path = shorten(&first.path, LONGEST_NAME);
    let place = code(format!("{before}{path}:{}", first.line));
    Some(match places.len() - 1 {
        0 => place,
        more => format!("{place} and {more} more"),
    })
}

fn policies_cell(group: &Group<'_>) -> String {
    let policies = &group.policies;
    let names: Vec<String> = policies
        .iter()
        .take(MOST_NAMED)
        .map(|policy| policy_name(policy))
        .collect();
    let more = policies.len() - names.len();
    let names = names.join(", ");
    match (policies.len(), more) {
        (1, _) => names,
        (number, 0) => format!("**{number} policies:** {names}"),
        (number, more) => format!("**{number} policies:** {names} and {more} more"),
    }
}

fn kinds_of(group: &Group<'_>) -> String {
    let policies = group.policies.iter();
    let mut kinds: Vec<&str> = policies.map(|policy| policy.kind.name()).collect();
    kinds.dedup();
    kinds.join(", ")
}

/// Whether a group's row does not hold all of it.
fn is_cut(group: &Group<'_>) -> bool {
    let is_long = |line: &Line| line.text.chars().count() > 2 * LONGEST_NAME;
    group.policies.len() > MOST_NAMED
        || group.lines.len() > MOST_CHANGES
        || group.lines.iter().any(|(line, _)| is_long(line))
}

fn details(groups: &[Group<'_>]) -> Part {
    let pieces = groups.iter().map(|group| {
        let mut text = lines_in_fence(group, true);
        for policy in &group.policies {
            let _ = writeln!(text, "  {} {}", policy.kind, phrases::policy(policy));
        }
        let fence = longest_fence(std::slice::from_ref(&text));
        format!(
            "<details><summary>{}: {}</summary>\n\n{fence}diff\n{text}{fence}\n\n</details>\n\n",
            title(group),
            changes_of(group),
        )
    });
    let names = groups.iter().map(title);
    Part::new("details", pieces.collect::<Vec<_>>()).named(names.collect::<Vec<_>>())
}

fn title(group: &Group<'_>) -> String {
    match group.policies.as_slice() {
        [one] => policy_name(one),
        [first, rest @ ..] => format!(
            "{} and {}",
            policy_name(first),
            count(rest.len(), "more policy", "more policies")
        ),
        [] => String::new(),
    }
}

/// Says how many changes lines are, and how many assignments that stay; `None` if there are none.
fn number_of<'l>(lines: impl Iterator<Item = &'l Line>) -> Option<String> {
    let (kept, changes): (Vec<&Line>, Vec<&Line>) =
        lines.partition(|line| line.sign == Sign::Equal);
    let changes = (!changes.is_empty()).then(|| count(changes.len(), "change", "changes"));
    let kept = (!kept.is_empty()).then(|| count(kept.len(), "line that stays", "lines that stay"));
    let parts: Vec<String> = changes.into_iter().chain(kept).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn changes_of(group: &Group<'_>) -> String {
    let changes = group.lines.iter().map(|(line, _)| line);
    let changes = changes.filter(|line| line.sign != Sign::Equal);
    let number = count(changes.count(), "change", "changes");
    match group.policies.len() {
        1 => number,
        _ => format!("{number} each"),
    }
}

/// Names the unchanged policies where they are asked for.
fn unchanged(view: &PlanView<'_>) -> Option<Part> {
    let policies = view.plan.policies.iter();
    let unchanged = policies.filter(|policy| view.detail.all && !policy.is_changed());
    let names: Vec<String> = unchanged
        .map(|policy| format!("- {} {}\n", policy.kind, policy_name(policy)))
        .collect();
    (!names.is_empty()).then(|| {
        let open = format!("<details><summary>{} unchanged</summary>\n\n", names.len());
        Part::new("unchanged policies", names).between(open, "\n</details>\n\n".to_owned())
    })
}

/// What became of the policies, by kind and id.
type Outcomes<'v> = HashMap<(PolicyKind, &'v str), Outcome>;

fn outcomes<'v>(view: &PlanView<'v>, results: Option<&Results>) -> Outcomes<'v> {
    let settled = results.iter().flat_map(|results| &results.settled);
    let changed = view.plan.changed().zip(settled);
    changed
        .map(|(policy, settled)| ((policy.kind, policy.id.as_str()), settled.outcome))
        .collect()
}

/// Says what became of a group's policies.
fn outcomes_of(group: &Group<'_>, known: &Outcomes<'_>) -> String {
    let policies = group.policies.iter();
    let outcomes = policies.map(|policy| known.get(&(policy.kind, policy.id.as_str())));
    let counted = Outcome::ALL.into_iter().filter_map(|outcome| {
        let of_it = outcomes.clone().filter(|one| *one == Some(&outcome));
        match (of_it.count(), outcomes.len()) {
            (0, _) => None,
            (number, all) if number == all => Some(outcome.name().to_owned()),
            (number, _) => Some(format!("{number} {}", outcome.name())),
        }
    });
    counted.collect::<Vec<_>>().join(", ")
}
