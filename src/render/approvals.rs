//! Requests for a second administrator's approval: as text, as Markdown and as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::clean::clean;
use super::json::Json;
use super::markdown::{code, marker};
use super::phrases::{count, reason};
use super::requests::{policy, state, which, who};
use crate::model::{ApprovalEntry, ApprovalStatus};
use crate::plan::saved::ApprovalRecord;
use crate::report::Withdrawn;

const WAITS: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();

/// What the line that counts the rest takes.
const REST: usize = 100;

/// Says how a request was closed.
fn closed(entry: &ApprovalEntry) -> String {
    let words = entry.approver_said.as_deref().map(clean);
    let words = words.map(|words| format!(": {words}"));
    format!(
        "{}: {}{}; request {}",
        policy(entry),
        state(entry.status),
        words.unwrap_or_default(),
        clean(&entry.code)
    )
}

fn summary(open: &[ApprovalEntry]) -> String {
    if open.is_empty() {
        return "no open request for approval".to_owned();
    }
    let of = |status: ApprovalStatus| {
        let number = open.iter().filter(|entry| entry.status == status).count();
        (number > 0).then(|| format!("{number} {}", state(status)))
    };
    let all = [
        ApprovalStatus::Waiting,
        ApprovalStatus::Approved,
        ApprovalStatus::Unknown,
    ];
    let parts: Vec<String> = all.into_iter().filter_map(of).collect();
    format!(
        "{}: {}",
        count(open.len(), "open request", "open requests"),
        parts.join(", ")
    )
}

/// Draws requests.
pub fn text(open: &[ApprovalEntry], others: &[ApprovalEntry]) -> String {
    let mut drawn = String::new();
    for entry in open {
        let (state, policy, which) = (state(entry.status), policy(entry), which(entry));
        let _ = writeln!(drawn, "{STRONG}{policy}{STRONG:#}: {WAITS}{state}{WAITS:#}");
        let _ = writeln!(drawn, "  {which}");
        if let Some(why) = &entry.justification {
            let _ = writeln!(drawn, "  justification: {}", clean(why));
        }
        drawn.push('\n');
    }
    for entry in others {
        let _ = writeln!(drawn, "{}", closed(entry));
    }
    if !others.is_empty() {
        drawn.push('\n');
    }
    let _ = writeln!(drawn, "{STRONG}Approvals{STRONG:#}: {}.", summary(open));
    drawn
}

/// Draws requests for a comment. What does not fit into so many bytes is counted.
pub fn markdown(open: &[ApprovalEntry], others: &[ApprovalEntry], most_bytes: usize) -> String {
    let mut drawn = format!(
        "{}\n### assignctl approvals: {}\n\n",
        marker("approvals"),
        summary(open)
    );
    let entries: Vec<&ApprovalEntry> = open.iter().chain(others).collect();
    if entries.is_empty() {
        return drawn;
    }
    drawn.push_str("| state | policy | request | filed | expires | justification |\n|---|---|---|---|---|---|\n");
    for (index, entry) in entries.iter().enumerate() {
        let said = |text: &Option<String>| text.as_ref().map(code).unwrap_or_default();
        let state = match &entry.approver_said {
            Some(words) => format!("{}: {}", state(entry.status), code(words)),
            None => state(entry.status).to_owned(),
        };
        let row = format!(
            "| {state} | {} | {} | {} | {} | {} |\n",
            code(policy(entry)),
            code(&entry.code),
            code(format!("{}{}", entry.requested_at, who(entry))),
            code(&entry.expires_at),
            said(&entry.justification)
        );
        if drawn.len() + row.len() + REST > most_bytes {
            let rest = count(entries.len() - index, "request is", "requests are");
            let _ = write!(drawn, "\n{rest} not shown.\n");
            break;
        }
        drawn.push_str(&row);
    }
    drawn
}

#[derive(Serialize)]
struct ApprovalsRecord<'a> {
    approvals: Vec<ApprovalRecord<'a>>,
    /// Of a run: those that are not open any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    closed: Vec<ApprovalRecord<'a>>,
}

/// Returns requests as JSON.
pub fn json<'a>(open: &'a [ApprovalEntry], others: &'a [ApprovalEntry]) -> Json<'a> {
    Json::new(ApprovalsRecord {
        approvals: open.iter().map(ApprovalRecord::new).collect(),
        closed: others.iter().map(ApprovalRecord::new).collect(),
    })
}

fn outcome(withdrawn: &Withdrawn) -> &'static str {
    match withdrawn {
        Withdrawn::Done => "withdrawn",
        Withdrawn::Closed(_) => "closed",
        Withdrawn::Failed(_) => "failed",
    }
}

fn withdrawal((entry, withdrawn): (&ApprovalEntry, &Withdrawn)) -> String {
    let request = clean(&entry.code);
    match withdrawn {
        Withdrawn::Done => format!("withdrawn {}: request {request}", policy(entry)),
        Withdrawn::Closed(status) => format!(
            "closed {}: request {request} was {} already",
            policy(entry),
            state(*status)
        ),
        Withdrawn::Failed(why) => format!(
            "not withdrawn {}: request {request}: {}",
            policy(entry),
            reason(why)
        ),
    }
}

/// Says what became of requests that were to be withdrawn.
pub fn withdrawn_text(outcomes: &[(ApprovalEntry, Withdrawn)]) -> String {
    let lines = outcomes
        .iter()
        .map(|(entry, outcome)| withdrawal((entry, outcome)) + "\n");
    lines.collect()
}

/// Says the same for a comment.
pub fn withdrawn_markdown(outcomes: &[(ApprovalEntry, Withdrawn)], most_bytes: usize) -> String {
    let mut drawn = format!(
        "{}\n### assignctl approvals cancel\n\n",
        marker("approvals")
    );
    for (index, (entry, outcome)) in outcomes.iter().enumerate() {
        let line = format!("- {}\n", code(withdrawal((entry, outcome))));
        if drawn.len() + line.len() + REST > most_bytes {
            let rest = count(outcomes.len() - index, "request is", "requests are");
            let _ = write!(drawn, "\n{rest} not shown.\n");
            break;
        }
        drawn.push_str(&line);
    }
    drawn
}

#[derive(Serialize)]
struct WithdrawnRecord<'a> {
    #[serde(flatten)]
    request: ApprovalRecord<'a>,
    outcome: &'static str,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct WithdrawalsRecord<'a> {
    approvals: Vec<WithdrawnRecord<'a>>,
}

/// Returns what became of requests that were to be withdrawn as JSON.
pub fn withdrawn_json(outcomes: &[(ApprovalEntry, Withdrawn)]) -> Json<'_> {
    let records = outcomes.iter().map(|(entry, withdrawn)| WithdrawnRecord {
        request: ApprovalRecord::new(entry),
        outcome: outcome(withdrawn),
        error: match withdrawn {
            Withdrawn::Failed(reason) => Some(&reason.message),
            Withdrawn::Done | Withdrawn::Closed(_) => None,
        },
    });
    Json::new(WithdrawalsRecord {
        approvals: records.collect(),
    })
}
