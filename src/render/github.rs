//! A run as annotations, which GitHub and Azure DevOps show on the lines of the manifests.
//!
//! One command a line, escaped as GitHub's own toolkit does (actions/toolkit:
//! packages/core/src/command.ts), or Azure's (microsoft/azure-pipelines-task-lib:
//! node/taskcommand.ts). GitHub shows ten errors, ten warnings and ten notices of a step, so that the
//! gravest come first, and all policies for which one line of a manifest asks the same share an
//! annotation. Azure DevOps has no notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::clean::clean;
use super::diff;
use super::groups::{self, Line, Sign};
use super::members::{filters, notes, reaches};
use super::phrases::{
    self, EqualPolicies, Partial, alike, changes, count, first, how_to_accept, named_tenant,
    outcomes, partial, policy_of_kind, seen, since, verdict, whole_place,
};
use super::requests;
use super::review::{Direction, ErrorView, Finding, PlanView, Review};
use super::unmanaged;
use super::who::who;
use crate::diagnostic::Severity;
use crate::plan::guards::Guard;
use crate::plan::since::Cause;
use crate::plan::{ManifestPlace, PlannedPolicy};
use crate::report::{Outcome, Results};

/// The most policies that one annotation names.
const MOST_NAMES: usize = 20;

/// How much an annotation weighs.
#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Which build service reads the annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `::error …::` of GitHub Actions.
    GitHub,
    /// `##vso[task.logissue …]` of Azure Pipelines.
    AzureDevOps,
}

/// Draws a run as annotations of GitHub's, a line each.
pub fn draw(review: &Review<'_>) -> String {
    draw_as(Form::GitHub, review)
}

/// Draws a run as annotations, a line each.
pub fn draw_as(form: Form, review: &Review<'_>) -> String {
    let mut lines = Lines {
        form,
        command: review.command,
        text: String::new(),
    };
    if let Some(ErrorView {
        exit_code: _,
        message,
        hint,
    }) = &review.error
    {
        let message = format!("{}{}", clean(message), with_hint(*hint));
        lines.add(Level::Error, None, "", &message);
    }
    let (errors, warnings): (Vec<&Finding>, Vec<&Finding>) = review
        .findings
        .iter()
        .partition(|finding| finding.is_error());
    let failed = !errors.is_empty();
    for finding in errors {
        lines.finding(finding);
    }
    if let Some(view) = &review.plan {
        for guard in view.plan.guards.iter().filter(|guard| guard.tripped) {
            lines.guard(guard, view);
        }
        if let Some(results) = review.results {
            lines.failures(view, results);
        }
    }
    let (infos, warnings): (Vec<&Finding>, Vec<&Finding>) =
        warnings.into_iter().partition(|finding| finding.is_info());
    for finding in warnings {
        lines.finding(finding);
    }
    if let Some(view) = &review.plan {
        lines.total(view, review.results);
        if review.results.is_none_or(|results| !results.is_good()) {
            lines.changes(view);
        }
        lines.unmanaged(view);
        lines.approvals(view);
    } else if let Some(checked) = review.checked.filter(|_| !failed) {
        lines.add(Level::Notice, None, "", checked);
    }
    for finding in infos {
        lines.finding(finding);
    }
    lines.text
}

/// Whether all lines are of assignments that stay.
fn are_kept<V>(lines: &BTreeMap<Line, V>) -> bool {
    lines.keys().all(|line| line.sign == Sign::Equal)
}

struct Lines<'a> {
    form: Form,
    command: &'a str,
    text: String,
}

impl Lines<'_> {
    /// Adds an annotation. Everything that comes from outside is clean by now or made so here, and
    /// cannot begin a line of its own.
    fn add(&mut self, level: Level, place: Option<&ManifestPlace>, about: &str, message: &str) {
        let title = match about {
            "" => format!("assignctl {}", self.command),
            about => format!("assignctl {}: {}", self.command, clean(about)),
        };
        let line = match self.form {
            Form::GitHub => github(level, place, &title, message),
            Form::AzureDevOps => match level {
                Level::Error | Level::Warning => azure(level, place, &title, message),
                Level::Notice => return,
            },
        };
        self.text.push_str(&line);
    }

    fn finding(&mut self, finding: &Finding) {
        let diagnostic = &finding.diagnostic;
        let level = match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Info => Level::Notice,
        };
        let mut message = clean(&diagnostic.summary).into_owned();
        for (place, label) in &diagnostic.related {
            let _ = write!(message, "\nsee {}: {}", whole_place(place), clean(label));
        }
        message.push_str(&with_hint(diagnostic.hint.as_deref()));
        self.add(level, diagnostic.place.as_ref(), &diagnostic.code, &message);
    }

    fn guard(&mut self, guard: &Guard, view: &PlanView<'_>) {
        let policies = &guard.policies;
        let mut message = seen(guard, |text| clean(text).into_owned());
        message.push_str(&names(policies.iter().map(policy_of_kind)));
        // An apply would be refused; `drift` itself is not.
        let is_drift = view.detail.direction == Direction::Drift && guard.name.can_be_accepted();
        let level = if guard.accepted {
            Level::Notice
        } else if is_drift {
            Level::Warning
        } else {
            let _ = write!(message, "\nhint: {}", how_to_accept(guard));
            Level::Error
        };
        // It is shown where the first of the policies is declared.
        let mut changed = view.plan.changed();
        let first = changed.find(|policy| policies.contains(&policy.reference()));
        let place = first.and_then(|policy| policy.manifest.first());
        let about = format!("guard {} {}", guard.name.name(), verdict(guard));
        self.add(level, place, &about, &message);
    }

    fn failures(&mut self, view: &PlanView<'_>, results: &Results) {
        for alike in alike(view.plan, results) {
            let EqualPolicies {
                outcome,
                why,
                policies,
            } = alike;
            let place = policies.first().and_then(|policy| policy.manifest.first());
            let list = policies.iter();
            let list = list.map(|policy| policy_of_kind(&policy.reference()));
            let message = match policies.as_slice() {
                [_] => format!("{}: {why}", list.collect::<String>()),
                several => format!("{} policies: {why}{}", several.len(), names(list)),
            };
            // What waits is not done, and has not failed.
            let level = match outcome {
                Outcome::Pending => Level::Warning,
                _ => Level::Error,
            };
            self.add(level, place, outcome.name(), &message);
        }
        for (policy, live) in results.moved(view.plan) {
            let name = policy_of_kind(&policy.reference());
            let moved = diff::since_planned(policy, live, &view.annotations.names);
            let place = policy.manifest.first();
            self.add(Level::Error, place, "moved", &format!("{name}\n{moved}"));
        }
    }

    /// An annotation for each line that asks for a change, the gravest first.
    fn changes(&mut self, view: &PlanView<'_>) {
        let mut by_place: BTreeMap<Option<&ManifestPlace>, BTreeMap<Line, Vec<&PlannedPolicy>>> =
            BTreeMap::new();
        for policy in view.plan.changed() {
            for (line, place) in groups::lines(policy, view) {
                let lines = by_place.entry(place).or_default();
                lines.entry(line).or_default().push(policy);
            }
        }
        let mut by_place: Vec<_> = by_place.into_iter().collect();
        // Within a weight they stay in the order of the places.
        by_place.sort_by_key(|(_, lines)| {
            let weight = lines.keys().map(|line| line.weight).min();
            (are_kept(lines), weight)
        });
        for (place, lines) in by_place {
            let all = lines.values().flatten();
            let ids: BTreeSet<&str> = all.clone().map(|policy| policy.id.as_str()).collect();
            let about = match view.detail.direction {
                _ if are_kept(&lines) => {
                    format!(
                        "written again in {}",
                        count(ids.len(), "policy", "policies")
                    )
                }
                Direction::Plan => count(ids.len(), "policy changes", "policies change"),
                Direction::Drift => count(ids.len(), "policy differs", "policies differ"),
            };
            let waits =
                |policy: &&PlannedPolicy| view.annotations.cause(policy) == Some(Cause::Unapplied);
            let level = match view.detail.direction {
                Direction::Drift if !all.clone().all(waits) => Level::Warning,
                Direction::Drift | Direction::Plan => Level::Notice,
            };
            let mut message = String::new();
            for (line, policies) in &lines {
                let list = policies.iter().map(|policy| {
                    let name = policy_of_kind(&policy.reference());
                    match phrases::cause(view.annotations.cause(policy), view) {
                        Some(cause) => format!("{name} ({cause})"),
                        None => name,
                    }
                });
                let _ = write!(
                    message,
                    "\n{} {}: {}{}",
                    line.sign.text(),
                    line.text,
                    count(policies.len(), "policy", "policies"),
                    names(list)
                );
            }
            let policies: BTreeMap<_, &PlannedPolicy> = all
                .map(|policy| ((policy.kind, &policy.id), *policy))
                .collect();
            let policies: Vec<&PlannedPolicy> = policies.into_values().collect();
            let reaches = reaches(view, &policies).into_iter();
            for phrase in reaches.chain(who(view, &policies)) {
                let _ = write!(message, "\n{phrase}");
            }
            self.add(level, place, &about, message.trim_start());
        }
    }

    /// Names the unmanaged policies that are worth it.
    fn unmanaged(&mut self, view: &PlanView<'_>) {
        for (title, policies) in unmanaged::by_reason(view.annotations) {
            let list = policies.iter().map(|(policy, assignments)| {
                format!("{}: {}", policy_of_kind(policy), assignments.join("; "))
            });
            let message = format!("{title}{}", names(list));
            self.add(Level::Warning, None, "unmanaged policies", &message);
        }
    }

    /// Says what waits for approval, and what was approved and not sent.
    fn approvals(&mut self, view: &PlanView<'_>) {
        let lines = requests::open(view.annotations, usize::MAX, |line| line);
        if !lines.is_empty() {
            self.add(Level::Notice, None, requests::TITLE, &lines.join("\n"));
        }
    }

    fn total(&mut self, view: &PlanView<'_>, results: Option<&Results>) {
        let mut message = changes(view);
        if let Some(results) = results.filter(|results| !results.is_empty()) {
            let _ = write!(message, "\n{}", outcomes(results));
        }
        if let Some((report, phrase)) = since(view.annotations) {
            let _ = write!(message, "\nsince {}: {phrase}", clean(report));
        }
        for filter in filters(view.annotations) {
            let _ = write!(message, "\n{filter}");
        }
        for note in notes(view) {
            let _ = write!(message, "\n{note}");
        }
        let tenant = named_tenant(view.tenant, view.plan.tenant_id.as_deref());
        let _ = write!(message, "\ntenant {tenant}");
        if view.summary.changed > 0 {
            let _ = write!(message, "\ndigest {}", clean(view.digest));
        }
        if let Some(Partial { options, left_out }) = partial(view.plan) {
            let _ = write!(message, "\npartial view: `{options}` excludes {left_out}");
            return self.add(Level::Warning, None, "partial view", &message);
        }
        self.add(Level::Notice, None, "", &message);
    }
}

fn github(level: Level, place: Option<&ManifestPlace>, title: &str, message: &str) -> String {
    let mut properties = String::new();
    if let Some(ManifestPlace { path, line, column }) = place {
        let path = property(&clean(path));
        let _ = write!(properties, "file={path},line={line},col={column},");
    }
    format!(
        "::{} {properties}title={}::{}\n",
        level.name(),
        property(title),
        data(message)
    )
}

fn azure(level: Level, place: Option<&ManifestPlace>, title: &str, message: &str) -> String {
    let escaped = |text: &str| {
        text.replace('%', "%AZP25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let mut properties = format!("type={};", level.name());
    if let Some(ManifestPlace { path, line, column }) = place {
        let path = escaped(&clean(path))
            .replace(';', "%3B")
            .replace(']', "%5D");
        let _ = write!(
            properties,
            "sourcepath={path};linenumber={line};columnnumber={column};"
        );
    }
    format!(
        "##vso[task.logissue {properties}]{}: {}\n",
        escaped(title),
        escaped(message)
    )
}

fn with_hint(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!("\nhint: {}", clean(hint)))
}

/// Lists names or lines, each on a line of its own after what stands before.
fn names(names: impl ExactSizeIterator<Item = String>) -> String {
    let names = names.map(|name| format!("\n- {name}"));
    first(MOST_NAMES, names, |more| format!("\nand {more} more")).collect()
}

/// Escapes what stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_the_toolkit_does() {
        assert_eq!(data("100%\r\na:b,c"), "100%25%0D%0Aa:b,c");
        assert_eq!(property("100%\na:b,c"), "100%25%0Aa%3Ab%2Cc");
    }

    #[test]
    fn a_message_stays_on_its_line_and_a_path_in_its_property() {
        let drawn = |form, level| {
            let mut lines = Lines {
                form,
                command: "plan",
                text: String::new(),
            };
            let place = ManifestPlace {
                path: "a,line=1::b\n%;].yaml".into(),
                line: 3,
                column: 5,
            };
            lines.add(level, Some(&place), "x::y", "100%\n::error::two");
            lines.text
        };
        assert_eq!(
            drawn(Form::GitHub, Level::Error),
            "::error file=a%2Cline=1%3A%3Ab\\n%25;].yaml,line=3,col=5,title=assignctl plan%3A x%3A%3Ay::100%25%0A::error::two\n"
        );
        assert_eq!(
            drawn(Form::AzureDevOps, Level::Warning),
            "##vso[task.logissue type=warning;sourcepath=a,line=1::b\\n%AZP25%3B%5D.yaml;linenumber=3;columnnumber=5;]assignctl plan: x::y: 100%AZP25%0A::error::two\n"
        );
        assert_eq!(drawn(Form::AzureDevOps, Level::Notice), "");
    }
}
