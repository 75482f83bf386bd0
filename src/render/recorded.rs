//! What a report says that its run did: as text, as Markdown and as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::groups::{DETECTS, update};
use super::json::Json;
use super::markdown::{code, marker};
use super::phrases::{assignment, count, duration, named, named_tenant, reason};
use super::review::Direction;
use crate::graph::observe::RequestCounts;
use crate::model::Assignment;
use crate::plan::saved::{AssignmentRecord, FORMAT_VERSION};
use crate::plan::{Change, Names, changes};
use crate::report::{Outcome, PendingApproval, Reason, Recorded, RecordedPolicy};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const STRONG: Style = Style::new().bold();

/// What is said of a policy whose write was announced and whose outcome is not in the report.
const UNKNOWN: &str = "unknown";
const WHY_UNKNOWN: &str =
    "the report ends before the outcome was known; the write may have arrived";

fn outcome(policy: &RecordedPolicy) -> &'static str {
    policy.outcome.map_or(UNKNOWN, Outcome::name)
}

fn name(policy: &RecordedPolicy) -> String {
    let name = policy.name.as_deref().unwrap_or(&policy.id);
    named(name, &policy.id, policy.shares_name)
}

/// Returns what is to be said of a policy, if it is as planned or not, as asked.
fn error_record(policy: &RecordedPolicy, is_good: bool) -> Option<&Reason> {
    let outcome = policy.outcome.is_some_and(Outcome::is_good);
    let reason = policy.reason.as_ref();
    reason.filter(|_| outcome == is_good)
}

/// Says why a policy is not as planned.
fn why(policy: &RecordedPolicy) -> Option<String> {
    match (&policy.reason, policy.outcome) {
        (Some(why), _) => Some(reason(why)),
        (None, None) => Some(WHY_UNKNOWN.to_owned()),
        (None, Some(_)) => None,
    }
}

/// Counts the outcomes, and says how the run ended.
fn result(recorded: &Recorded, policies: &[&RecordedPolicy]) -> String {
    let words = Outcome::ALL.into_iter().map(Outcome::name);
    let counts = words.chain([UNKNOWN]).filter_map(|word| {
        let number = policies.iter().filter(|policy| outcome(policy) == word);
        let number = number.count();
        (number > 0).then(|| format!("{number} {word}"))
    });
    let counts = match (policies, recorded.exit_code) {
        ([], Some(0)) => "there was nothing to do".to_owned(),
        ([], _) => "nothing was done".to_owned(),
        _ => counts.collect::<Vec<_>>().join(", "),
    };
    let ended = match (recorded.exit_code, recorded.lacking()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, 0) => {
            "the report has no end line: the run was killed, or is still going on".to_owned()
        }
        (None, number) => format!(
            "the report has no end line, and lacks {} that the run was to change: the run was killed or is still going on, or the file was cut off",
            count(number, "policy", "policies")
        ),
    };
    format!("{counts}; {ended}")
}

/// Draws what a run did with policies; `brief` is one line per policy.
pub fn text(recorded: &Recorded, policies: &[&RecordedPolicy], brief: bool) -> String {
    let mut drawn = String::new();
    for policy in policies {
        let style = match policy.outcome {
            Some(outcome) if outcome.is_good() => GOOD,
            _ => BAD,
        };
        let (outcome, kind, name) = (outcome(policy), policy.kind, name(policy));
        let why = why(policy).map_or_else(String::new, |why| format!(": {why}"));
        let _ = writeln!(
            drawn,
            "{style}{outcome}{style:#} {kind} {STRONG}{name}{STRONG:#}{why}"
        );
        if brief {
            continue;
        }
        for line in lines(policy, &recorded.names) {
            let _ = writeln!(drawn, "  {line}");
        }
        drawn.push('\n');
    }
    if brief && !policies.is_empty() {
        drawn.push('\n');
    }
    let tenant = named_tenant(name_of_tenant(recorded), recorded.tenant_id.as_deref());
    let _ = writeln!(drawn, "Tenant: {tenant}");
    if recorded.exit_code.is_some() {
        let requests = recorded.requests;
        let _ = writeln!(
            drawn,
            "Requests: {} and {} in {}",
            count(number(requests.reads), "read", "reads"),
            count(number(requests.writes), "write", "writes"),
            duration(recorded.elapsed)
        );
    }
    let result = result(recorded, policies);
    let _ = writeln!(drawn, "{STRONG}Result{STRONG:#}: {result}.");
    drawn
}

/// Says what a run was to change, and which assignments it kept and wrote to detect only.
fn lines(policy: &RecordedPolicy, names: &Names) -> Vec<String> {
    let detects = |after: &&Assignment| {
        !after.key.target.is_exclusion() && policy.repairs(after) == Some(false)
    };
    let changes = changes(&policy.before, &policy.after);
    let changed = changes.iter().map(|change| {
        let detects = change.after().filter(detects).map_or("", |_| DETECTS);
        format!("{}{detects}", line(change, names))
    });
    let kept = policy
        .after
        .iter()
        .filter(|after| policy.before.contains(after));
    let kept = kept.filter(detects).filter(|_| !changes.is_empty());
    let kept = kept.map(|kept| format!("= {}{DETECTS}", assignment(kept, names)));
    changed.chain(kept).collect()
}

/// Says a change in one line.
fn line(change: &Change, names: &Names) -> String {
    match change {
        Change::Add(added) => format!("+ {}", assignment(added, names)),
        Change::Remove(removed) => format!("- {}", assignment(removed, names)),
        Change::Update { before, after } => {
            format!("~ {}", update(before, after, names, Direction::Plan))
        }
    }
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Draws the same for a comment. What does not fit into so many bytes is counted.
pub fn markdown(recorded: &Recorded, policies: &[&RecordedPolicy], most_bytes: usize) -> String {
    /// What the line that counts the rest takes.
    const REST: usize = 100;
    let (marker, result) = (marker("show"), result(recorded, policies));
    let mut drawn = format!("{marker}\n### assignctl show: {result}");
    if let Some(tenant) = &recorded.tenant_id {
        let named = name_of_tenant(recorded).map(|name| format!("{} in ", code(name)));
        let named = named.unwrap_or_default();
        let _ = write!(drawn, ", {named}tenant {}", code(tenant));
    }
    drawn.push_str("\n\n");
    if policies.is_empty() {
        return drawn;
    }
    drawn.push_str("| outcome | policy | kind | changes | reason |\n|---|---|---|---|---|\n");
    for (index, policy) in policies.iter().enumerate() {
        let row = row(policy, &recorded.names);
        if drawn.len() + row.len() + REST > most_bytes {
            let left = count(policies.len() - index, "policy is", "policies are");
            let _ = write!(drawn, "\n{left} not shown; the report has all of them.\n");
            break;
        }
        drawn.push_str(&row);
    }
    drawn
}

fn row(policy: &RecordedPolicy, names: &Names) -> String {
    let changes: Vec<String> = lines(policy, names).into_iter().map(code).collect();
    format!(
        "| {} | {} | {} | {} | {} |\n",
        outcome(policy),
        code(name(policy)),
        policy.kind,
        changes.join("<br>"),
        why(policy).map(code).unwrap_or_default()
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportRecord<'a> {
    format_version: &'static str,
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    tenant_id: Option<&'a str>,
    graph_url: &'a str,
    /// Whether the run came to its end.
    complete: bool,
    exit_code: Option<u8>,
    requests: Option<RequestCounts>,
    elapsed_ms: Option<u64>,
    policies: Vec<PolicyRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyRecord<'a> {
    kind: &'static str,
    id: &'a str,
    name: Option<&'a str>,
    /// Null if a write was announced and the report ends before its outcome was known.
    outcome: Option<&'static str>,
    /// Whether the run has changed the policy, or may have.
    may_be_changed: bool,
    before: Vec<AssignmentRecord<'a>>,
    after: Vec<AssignmentRecord<'a>>,
    error: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a PendingApproval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a Reason>,
}

/// Returns the tenant's short name, if manifests name their tenants.
fn name_of_tenant(recorded: &Recorded) -> Option<&str> {
    recorded.tenant.as_ref().map(|tenant| tenant.name.as_str())
}

fn after<'a>(policy: &'a RecordedPolicy, names: &'a Names) -> Vec<AssignmentRecord<'a>> {
    let records = policy.after.iter().map(|after| {
        let record = AssignmentRecord::new(after, names);
        match policy.repairs(after) {
            Some(repairs) => record.repairing(repairs),
            None => record,
        }
    });
    records.collect()
}

/// Returns what a run did as JSON.
pub fn json<'a>(recorded: &'a Recorded, policies: &[&'a RecordedPolicy]) -> Json<'a> {
    let names = &recorded.names;
    let ended = recorded.exit_code.is_some();
    Json::new(ReportRecord {
        format_version: FORMAT_VERSION,
        digest: recorded.digest.as_deref(),
        tenant: name_of_tenant(recorded),
        tenant_id: recorded.tenant_id.as_deref(),
        graph_url: &recorded.graph_url,
        complete: ended,
        exit_code: recorded.exit_code,
        requests: ended.then_some(recorded.requests),
        elapsed_ms: ended.then(|| u64::try_from(recorded.elapsed.as_millis()).unwrap_or(u64::MAX)),
        policies: policies
            .iter()
            .map(|policy| PolicyRecord {
                kind: policy.kind.name(),
                id: &policy.id,
                name: policy.name.as_deref(),
                outcome: policy.outcome.map(Outcome::name),
                may_be_changed: policy.may_be_changed(),
                before: AssignmentRecord::all(&policy.before, names),
                after: after(policy, names),
                error: error_record(policy, false),
                approval: policy.approval.as_ref(),
                note: error_record(policy, true),
            })
            .collect(),
    })
}
