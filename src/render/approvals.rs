//! Requests for a second administrator's approval: as text, as Markdown and as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::clean::clean;
use super::json::Json;
use super::markdown::{code, marker};
use super::phrases::{count, reason};
use super::requests::{minute, policy, state, unclear, which, who};
use crate::model::{ApprovalEntry, ApprovalStatus};
use crate::plan::saved::ApprovalRecord;
use crate::report::{Outcome, PolicyResult, RecordedPolicy, Withdrawn};

const WAITS: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();

/// What the line that counts the rest takes.
const REST: usize = 100;

/// Says how a request was closed.
fn closed(entry: &ApprovalEntry) -> String {
    let words = entry.approver_said.as_deref().map(clean);
    let words = words.map_or_else(String::new, |words| format!(": {words}"));
    let (state, code) = (state(entry.status), clean(&entry.code));
    format!("{}: {state}{words}; request {code}", policy(entry))
}

fn summary(listed: &Listed) -> String {
    let Listed { open, locks, .. } = listed;
    if open.is_empty() && !locks.is_empty() {
        let locked = locked(locks.len());
        return format!("no open request of this run, and {locked} its policies");
    }
    if open.is_empty() {
        let none = match (listed.unclear, listed.unknown.is_empty()) {
            (0, true) => "no open request for approval",
            (0, false) => "no open request is known to be of this run",
            _ => "no open request is known to be for these policies",
        };
        return none.to_owned();
    }
    let all = [
        ApprovalStatus::Waiting,
        ApprovalStatus::Approved,
        ApprovalStatus::Unknown,
    ];
    let parts = all.into_iter().filter_map(|status| {
        let number = open.iter().filter(|entry| entry.status == status).count();
        (number > 0).then(|| format!("{number} {}", state(status)))
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    let locks = match locks.len() {
        0 => String::new(),
        number => format!("; {} its policies", locked(number)),
    };
    let requests = count(open.len(), "open request", "open requests");
    format!("{requests}: {parts}{locks}")
}

fn locked(number: usize) -> String {
    count(number, "other locks one of", "others lock some of")
}

/// What is said of a request that locks a policy of a run.
const LOCKS: &str = "it locks a change of this run, which has not filed it";

/// Requests, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Those that are open.
    pub open: Vec<ApprovalEntry>,
    /// Those of a run that are closed.
    pub closed: Vec<ApprovalEntry>,
    /// How many open ones do not say which policy they are for, if policies were asked for.
    pub unclear: usize,
    /// What a run may have filed, and why that is not known.
    pub unknown: Vec<(RecordedPolicy, PolicyResult)>,
    /// Open ones that lock policies of a run, which has not filed them.
    pub locks: Vec<ApprovalEntry>,
    /// How many policies of a run were locked by a request that is not open any more.
    pub unlocked: usize,
}

impl Listed {
    /// Whether an open request may be what a run has filed.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        let mut unknown = self.unknown.iter();
        unknown.any(|(_, settled)| settled.outcome == Outcome::Pending)
    }

    /// Says what is not known.
    fn notes(&self) -> Vec<String> {
        let unknown = self.unknown.iter().filter_map(|(policy, settled)| {
            let name = policy.name.as_deref().unwrap_or(&policy.id);
            let why = reason(settled.reason.as_ref()?);
            Some(format!("{} {}: {why}", policy.kind, clean(name)))
        });
        let unlocked = count(
            self.unlocked,
            "policy was locked by a request that is not open any more",
            "policies were locked by requests that are not open any more",
        );
        let unlocked = (self.unlocked > 0).then(|| {
            format!("{unlocked}; `assignctl apply --resume REPORT` continues with the rest")
        });
        let notes = unknown.chain(unlocked);
        notes.chain(unclear(self.unclear)).collect()
    }
}

/// What is shown of a tenant's requests.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its name and id, if manifests name it.
    pub tenant: Option<(&'a str, &'a str)>,
    /// How the run for it ended.
    pub exit_code: u8,
    /// Why there is nothing to show.
    pub error: Option<&'a str>,
    /// The requests.
    pub listed: &'a Listed,
    /// What became of the open ones, if they were to be withdrawn.
    pub withdrawn: Option<&'a [Withdrawn]>,
}

impl<'a> Shown<'a> {
    /// Returns the requests that were to be withdrawn with what became of them.
    fn withdrawals(&self) -> Option<Vec<(&'a ApprovalEntry, Withdrawn)>> {
        let open = self.listed.open.iter().zip(self.withdrawn?.iter().cloned());
        let closed = self.listed.closed.iter();
        let closed = closed.map(|entry| (entry, Withdrawn::Closed(entry.status)));
        Some(open.chain(closed).collect())
    }
}

/// Draws requests, of one tenant or of several.
pub fn text(all: &[Shown<'_>]) -> String {
    let mut drawn = String::new();
    for shown in all {
        if let Some((name, id)) = shown.tenant.filter(|_| all.len() > 1) {
            let (name, id) = (clean(name), clean(id));
            let _ = writeln!(drawn, "{STRONG}Tenant {name}{STRONG:#} ({id})\n");
        }
        if let Some(error) = shown.error {
            let _ = writeln!(drawn, "{}", clean(error));
        } else if let Some(withdrawals) = shown.withdrawals() {
            let lines = withdrawn_lines(&withdrawals, shown.listed);
            drawn.extend(lines.chain(shown.listed.notes()).map(|line| line + "\n"));
            if withdrawals.is_empty() && shown.listed.unknown.is_empty() {
                let _ = writeln!(drawn, "{NOTHING_FILED}");
            }
        } else {
            requests(&mut drawn, shown.listed);
        }
        if all.len() > 1 {
            drawn.push('\n');
        }
    }
    drawn
}

/// Says of requests what became of them, and of those that lock policies of the run that they stay.
fn withdrawn_lines<'l>(
    withdrawals: &'l [(&ApprovalEntry, Withdrawn)],
    listed: &'l Listed,
) -> impl Iterator<Item = String> {
    let lines = withdrawals.iter();
    let lines = lines.map(|(entry, withdrawn)| withdrawal(entry, withdrawn));
    lines.chain(listed.locks.iter().map(not_its_own))
}

const NOTHING_FILED: &str = "The run of this report has filed no request for approval.";

/// Says of a request that locks a policy of a run that it is not withdrawn with those of the run.
fn not_its_own(entry: &ApprovalEntry) -> String {
    let (policy, request) = (policy(entry), clean(&entry.code));
    format!("not withdrawn {policy}: request {request}: {LOCKS}")
}

fn requests(drawn: &mut String, listed: &Listed) {
    let locks = listed.locks.iter().map(|entry| (entry, true));
    let open = listed.open.iter().map(|entry| (entry, false));
    for (entry, locks) in open.chain(locks) {
        let (state, policy, which) = (state(entry.status), policy(entry), which(entry));
        let _ = writeln!(drawn, "{STRONG}{policy}{STRONG:#}: {WAITS}{state}{WAITS:#}");
        let _ = writeln!(drawn, "  {which}");
        if locks {
            let _ = writeln!(drawn, "  {LOCKS}");
        }
        if let Some(why) = &entry.justification {
            let _ = writeln!(drawn, "  justification: {}", clean(why));
        }
        drawn.push('\n');
    }
    let closed = listed.closed.iter().map(closed);
    let rest: Vec<String> = closed.chain(listed.notes()).collect();
    if !rest.is_empty() {
        let _ = writeln!(drawn, "{}\n", rest.join("\n"));
    }
    let _ = writeln!(drawn, "{STRONG}Approvals{STRONG:#}: {}.", summary(listed));
}

/// Draws the same for a comment. What does not fit into so many bytes is counted.
pub fn markdown(all: &[Shown<'_>], most_bytes: usize) -> String {
    let title = match all {
        [one] if one.withdrawn.is_none() => format!("approvals: {}", summary(one.listed)),
        [one] => {
            let number = one.listed.open.len() + one.listed.closed.len();
            format!("approvals cancel: {}", count(number, "request", "requests"))
        }
        several => format!("approvals: {}", count(several.len(), "tenant", "tenants")),
    };
    let mut drawn = format!("{}\n### assignctl {title}\n\n", marker("approvals"));
    let parts: Vec<(String, Vec<String>)> =
        all.iter().map(|shown| part(shown, all.len())).collect();
    let mut rest = parts.iter().map(|(_, lines)| lines.len()).sum::<usize>();
    'all: for (head, lines) in parts {
        let mut head = Some(head);
        for line in lines {
            let heading = head.take().unwrap_or_default();
            if drawn.len() + heading.len() + line.len() + REST > most_bytes {
                let lines = count(rest, "line is", "lines are");
                let _ = write!(drawn, "\n{lines} not shown.\n");
                break 'all;
            }
            drawn.push_str(&heading);
            drawn.push_str(&line);
            rest -= 1;
        }
    }
    drawn
}

/// Returns what stands above a tenant's requests, and a line for each.
fn part(shown: &Shown<'_>, tenants: usize) -> (String, Vec<String>) {
    let head = match shown.tenant.filter(|_| tenants > 1) {
        Some((name, _)) => format!("\n**{}**\n\n", code(name)),
        None => String::new(),
    };
    if let Some(error) = shown.error {
        return (head, vec![format!("{}\n", code(error))]);
    }
    let listed = shown.listed;
    let item = |line: String| format!("- {}\n", code(line));
    let notes: Vec<String> = listed.notes().into_iter().map(item).collect();
    if let Some(withdrawals) = shown.withdrawals() {
        let lines = withdrawn_lines(&withdrawals, listed).map(item);
        return (head, lines.chain(notes).collect());
    }
    let open = listed.open.iter().chain(&listed.closed);
    let locks = listed.locks.iter().map(|entry| row(entry, true));
    let mut rows: Vec<String> = open.map(|entry| row(entry, false)).chain(locks).collect();
    if rows.is_empty() {
        let none = (tenants > 1).then(|| summary(listed) + "\n");
        return (head, none.into_iter().chain(notes).collect());
    }
    if !notes.is_empty() {
        // An empty line ends the table.
        rows.push("\n".to_owned());
        rows.extend(notes);
    }
    (head + TABLE, rows)
}

const TABLE: &str =
    "| state | policy | request | filed | expires | justification |\n|---|---|---|---|---|---|\n";

fn row(entry: &ApprovalEntry, locks: bool) -> String {
    let state = match &entry.approver_said {
        Some(words) => format!("{}: {}", state(entry.status), code(words)),
        None if locks => format!("{}; {LOCKS}", state(entry.status)),
        None => state(entry.status).to_owned(),
    };
    let why = entry.justification.as_ref();
    format!(
        "| {state} | {} | {} | {} | {} | {} |\n",
        code(policy(entry)),
        code(&entry.code),
        code(format!("{}{}", minute(&entry.requested_at), who(entry))),
        code(minute(&entry.expires_at)),
        why.map(code).unwrap_or_default()
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfTenants<'a> {
    tenants: Vec<OfTenant<'a>>,
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfTenant<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    /// Null if they could not be read.
    approvals: Option<Vec<RequestRecord>>,
    /// Of a run: those that are not open any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    closed: Vec<ApprovalRecord>,
    /// How many open requests do not say which policy they are for, if policies were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals_without_policy: Option<usize>,
    /// Policies for which it is not known whether the run has filed something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<UnknownRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct UnknownRecord<'a> {
    kind: &'static str,
    id: &'a str,
    name: Option<&'a str>,
    code: Option<&'a str>,
    message: Option<&'a str>,
}

impl<'a> UnknownRecord<'a> {
    fn of((policy, settled): &'a (RecordedPolicy, PolicyResult)) -> Self {
        let reason = settled.reason.as_ref();
        Self {
            kind: policy.kind.name(),
            id: &policy.id,
            name: policy.name.as_deref(),
            code: reason.map(|reason| reason.code.name()),
            message: reason.map(|reason| &*reason.message),
        }
    }
}

#[derive(Serialize)]
struct RequestRecord {
    #[serde(flatten)]
    request: ApprovalRecord,
    /// Of a run: whether the run has not filed it, and it locks a policy of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    locks: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Returns the same as JSON; of several tenants with the exit code of all.
pub fn json<'a>(all: &[Shown<'a>], of_many: Option<u8>) -> Json<'a> {
    let mut tenants = all.iter().map(|shown| {
        let of_tenant = shown.tenant.filter(|_| of_many.is_some());
        let (records, closed) = match shown.withdrawals() {
            Some(withdrawals) => (withdrawals.iter().map(withdrawn_record).collect(), &[][..]),
            None => {
                let open = shown.listed.open.iter().map(record);
                let locks = shown.listed.locks.iter().map(|entry| RequestRecord {
                    locks: true,
                    ..record(entry)
                });
                (open.chain(locks).collect(), &*shown.listed.closed)
            }
        };
        OfTenant {
            name: of_tenant.map(|(name, _)| name),
            tenant_id: of_tenant.map(|(_, id)| id),
            exit_code: of_many.map(|_| shown.exit_code),
            approvals: shown.error.is_none().then_some(records),
            closed: closed.iter().cloned().map(ApprovalRecord).collect(),
            approvals_without_policy: Some(shown.listed.unclear).filter(|number| *number > 0),
            unknown: shown.listed.unknown.iter().map(UnknownRecord::of).collect(),
            error: shown.error,
        }
    });
    match (of_many, tenants.next()) {
        (None, Some(one)) => Json::new(one),
        (exit_code, first) => Json::new(OfTenants {
            tenants: first.into_iter().chain(tenants).collect(),
            exit_code: exit_code.unwrap_or_default(),
        }),
    }
}

fn record(entry: &ApprovalEntry) -> RequestRecord {
    RequestRecord {
        request: ApprovalRecord(entry.clone()),
        locks: false,
        outcome: None,
        error: None,
    }
}

fn withdrawn_record((entry, withdrawn): &(&ApprovalEntry, Withdrawn)) -> RequestRecord {
    let (outcome, error) = match withdrawn {
        Withdrawn::Done => ("withdrawn", None),
        Withdrawn::Closed(_) => ("closed", None),
        Withdrawn::Failed(reason) => ("failed", Some(reason.message.clone())),
    };
    RequestRecord {
        outcome: Some(outcome),
        error,
        ..record(entry)
    }
}

fn withdrawal(entry: &ApprovalEntry, withdrawn: &Withdrawn) -> String {
    let (policy, request) = (policy(entry), clean(&entry.code));
    match withdrawn {
        Withdrawn::Done => format!("withdrawn {policy}: request {request}"),
        Withdrawn::Closed(status) => {
            let state = state(*status);
            format!("closed {policy}: request {request} had already been {state}")
        }
        Withdrawn::Failed(why) => {
            format!("not withdrawn {policy}: request {request}: {}", reason(why))
        }
    }
}
