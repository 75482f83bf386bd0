//! A report as a run left it, read back: what `rollback` and `drift --since` start from.
//!
//! A run that was killed leaves a report without its last line, and the line that it was just
//! writing may be torn. That is not an error in the file; anything else that is not as the program
//! writes it is, since what a report does not say cannot be guessed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::line::{EndLine, ErrorRecord, Event, PolicyLine, SendingLine, StartLine};
use super::outcome::{FilingAttempt, Outcome, PendingApproval, Reason};
use crate::graph::observe::RequestCounts;
use crate::kinds::AssignmentProperties;
use crate::model::{Assignment, AssignmentKey, LiveAssignment, PolicyKind, SharedText};
use crate::plan::saved::{
    AssignmentRecord, Beside, PlannedTenant, SharedNamesRecord, UnmanagedRecord, beside, check_ids,
    remediation_of,
};
use crate::plan::{Names, shared_policy_names};

/// Why a file is not a usable report.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReportError {
    /// A line is not what the program writes.
    #[error("not a report: line {line}: {reason}")]
    NotAReport {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Even its first line is not whole. Whatever cut it off may have cut off more than that.
    #[error("its first line is not whole, so what its run did is unknown")]
    Torn,
    /// It comes from a version of the program that writes another format.
    #[error("the report's format version `{0}` is not known to this program, which reads 1.x")]
    UnknownVersion(String),
}

/// What a run left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// When the run began, before it had read anything; `None` if the report does not say.
    pub started_at: Option<Timestamp>,
    /// The digest of the plan that was carried out; `None` if there was no plan.
    pub digest: Option<String>,
    /// The tenant; `None` if the token did not name it, or where the run ended before its start.
    pub tenant_id: Option<String>,
    /// The tenant as manifests name it, if they name their tenants.
    pub tenant: Option<PlannedTenant>,
    /// The service's URL.
    pub graph_url: String,
    /// The policies of the run, by kind and id.
    pub policies: Vec<RecordedPolicy>,
    /// The ids of the requests that wrote, in lower case.
    pub client_request_ids: BTreeSet<String>,
    /// The names of groups and filters, as the run knew them.
    pub names: Names,
    /// Digests of the assignments of every managed policy as the run found it, by kind and id, as the
    /// report writes them; `None` if there was no plan.
    pub managed: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Those of them that were not as the run wanted them, by kind and id; `None` if the report
    /// does not tell.
    pub pending: Option<BTreeMap<String, BTreeSet<String>>>,
    /// The policies that no manifest managed; `None` if the report does not say.
    pub unmanaged: Option<UnmanagedRecord>,
    /// Whether the run looked at a part of the managed policies only.
    pub partial: bool,
    /// The exit code; `None` if the run was killed.
    pub exit_code: Option<u8>,
    /// What went over the wire, if the run was not killed.
    pub requests: RequestCounts,
    /// How long the run took, if it was not killed.
    pub elapsed: Duration,
}

/// What became of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedPolicy {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id.
    pub id: String,
    /// The policy's display name, where the report has it.
    pub name: Option<String>,
    /// Whether another policy of its kind has the same name, or one that looks the same.
    pub shares_name: bool,
    /// The policy's type, without its prefix, if the report has it.
    pub odata_type: Option<SharedText>,
    /// What the run said of remediations that repair.
    pub remediation: Vec<(AssignmentKey, bool)>,
    /// What is known of them before the run.
    pub known_before: Vec<(AssignmentKey, bool)>,
    /// What the service had sent of assignments that the run changed, where the report has it.
    pub recorded: Vec<LiveAssignment>,
    /// The assignments before, sorted.
    pub before: Vec<Assignment>,
    /// The assignments that were planned, sorted.
    pub after: Vec<Assignment>,
    /// Assignments of policy sets that stay out of what is written; `None` if there are none or the report does not
    /// say.
    pub untouched: Option<Vec<Assignment>>,
    /// Whether a write was announced.
    pub sent: bool,
    /// What became of it; `None` if the run was killed before that was known.
    pub outcome: Option<Outcome>,
    /// Whether a write of the run, or of one that it resumes, has had its effect, or may have; `None` if the report
    /// does not say.
    pub written: Option<bool>,
    /// Why it is not as planned.
    pub reason: Option<Reason>,
    /// What was filed for approval and not used.
    pub approval: Option<PendingApproval>,
    /// What was sent last that the service may have filed.
    pub filing: Option<FilingAttempt>,
    /// The id of the policy that is to give up first what this one is to get.
    pub waits_for: Option<String>,
}

impl Recorded {
    /// Whether the run had a plan. Otherwise the report does not name the tenant, and the
    /// run has changed nothing in any.
    pub fn has_plan(&self) -> bool {
        self.digest.is_some() || self.managed.is_some() || !self.policies.is_empty()
    }

    /// How many policies the run meant to change that the report says nothing of: the run was killed before their
    /// turn, or the file was cut off.
    pub fn unmentioned(&self) -> usize {
        let is_there = |kind: &str, id: &String| {
            let mut policies = self.policies.iter();
            policies.any(|policy| policy.kind.name() == kind && policy.id == *id)
        };
        let pending = self.pending.iter().flatten();
        pending
            .map(|(kind, ids)| ids.iter().filter(|id| !is_there(kind, id)).count())
            .sum()
    }

    /// Whether the run was carried out: it sent a write, or had none to send. Only such a run knows how
    /// it left the tenant; one that was refused knows what it found.
    pub fn was_carried_out(&self) -> bool {
        self.has_plan()
            && (self.exit_code == Some(0) || self.policies.iter().any(|policy| policy.sent))
    }
}

impl RecordedPolicy {
    /// Whether the run has filed a request for approval, or may have.
    pub fn may_be_filed(&self) -> bool {
        self.approval.is_some() || self.unknown_filing().is_some()
    }

    /// Whether an assignment was to repair; `None` if the policy is not a remediation.
    pub fn repairs(&self, assignment: &Assignment) -> Option<bool> {
        if self.kind.spec().properties != AssignmentProperties::Remediation {
            return None;
        }
        let mut stated = self.remediation.iter();
        let stated = stated.find(|(key, _)| *key == assignment.key);
        Some(
            stated.map_or(!assignment.key.target.is_exclusion(), |(_, repairs)| {
                *repairs
            }),
        )
    }

    /// Whether the report only takes over what an earlier run may have filed.
    pub fn is_taken_over(&self) -> bool {
        !self.sent && self.filing.is_some()
    }

    /// Returns the write that may have been filed without the run having learnt the code.
    pub fn unknown_filing(&self) -> Option<&FilingAttempt> {
        let may_be = match self.outcome {
            _ if self.is_taken_over() => true,
            // It may have become as planned while a request for it is open.
            None | Some(Outcome::Pending | Outcome::Applied | Outcome::Already) => true,
            Some(Outcome::Failed) => self.written != Some(false),
            Some(Outcome::Stale | Outcome::Skipped) => false,
        };
        self.filing
            .as_ref()
            .filter(|_| may_be && self.approval.is_none())
    }

    /// Whether the run, or one that it resumes, has changed the policy, or may have.
    pub fn may_be_changed(&self) -> bool {
        match self.outcome {
            Some(Outcome::Applied) => true,
            Some(Outcome::Already | Outcome::Pending | Outcome::Stale | Outcome::Skipped) => {
                self.written == Some(true)
            }
            Some(Outcome::Failed) | None => self.written.unwrap_or(self.sent),
        }
    }
}

/// Reads a report.
///
/// # Errors
///
/// Says what is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Recorded, ReportError> {
    let mut recorded = Recorded::default();
    let mut policies: BTreeMap<(PolicyKind, String), RecordedPolicy> = BTreeMap::new();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let first = lines.next().map_or(&b""[..], |(_, first)| first);
    let shared = match parse(first) {
        Ok(value) => start(&mut recorded, value)?,
        Err(_) if is_torn(first) && begins_as_a_report(first) => return Err(ReportError::Torn),
        Err(reason) => return Err(ReportError::NotAReport { line: 1, reason }),
    };
    for (index, line) in lines {
        let line_number = index + 1;
        let wrong = |reason: String| ReportError::NotAReport {
            line: line_number,
            reason,
        };
        let value = match parse(line) {
            Ok(value) => value,
            Err(_) if is_torn(line) => break,
            Err(reason) => return Err(wrong(reason)),
        };
        match event(&value).map_err(wrong)? {
            Event::Filed => {
                let (policy, _) = sending(value, &mut recorded.names).map_err(wrong)?;
                // What may have been filed is looked for again, and not sent.
                let outcome = match &policy.approval {
                    Some(_) => Outcome::Pending,
                    None => Outcome::Skipped,
                };
                let filed = RecordedPolicy {
                    sent: false,
                    outcome: Some(outcome),
                    ..policy
                };
                add(&mut policies, filed);
            }
            Event::Sending => {
                let (policy, id) = sending(value, &mut recorded.names).map_err(wrong)?;
                recorded.client_request_ids.extend(id);
                add(&mut policies, policy);
            }
            Event::Policy => {
                let policy = settled(value, &mut recorded.names).map_err(wrong)?;
                add(&mut policies, policy);
            }
            Event::End => {
                let end: EndLine = line_of(value).map_err(wrong)?;
                recorded.exit_code = Some(end.exit_code);
                recorded.requests = end.requests.read();
                recorded.elapsed = Duration::from_millis(end.elapsed_ms);
            }
            Event::Start | Event::Unknown => {}
        }
    }
    recorded.policies = policies.into_values().collect();
    note_shared_names(&mut recorded.policies, &shared);
    Ok(recorded)
}

/// Notes which policies share their names: those that the start names, and those that do so within the report.
fn note_shared_names(policies: &mut [RecordedPolicy], noted: &SharedNamesRecord) {
    let named = policies.iter().filter_map(|policy| {
        let name = policy.name.as_deref()?;
        Some((policy.kind, &*policy.id, name))
    });
    let shared = shared_policy_names(named);
    let shared: Vec<bool> = policies
        .iter()
        .map(|policy| {
            noted.has_policy(policy.kind, &policy.id)
                || shared.contains(&(policy.kind, &*policy.id))
        })
        .collect();
    for (policy, shares) in policies.iter_mut().zip(shared) {
        policy.shares_name = shares;
    }
}

fn parse(line: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

/// Whether a line is the last one and was not written to its end.
fn is_torn(line: &[u8]) -> bool {
    line.last() != Some(&b'\n')
}

fn begins_as_a_report(line: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"{\"formatVersion\":";
    let length = line.len().min(BEGINNING.len());
    line[..length] == BEGINNING[..length]
}

/// Returns what a line is about.
fn event(value: &Value) -> Result<Event, String> {
    let event = value.get("event").filter(|event| event.is_string());
    let event = event.ok_or_else(|| "it has no `event`".to_owned())?;
    line_of(event.clone())
}

fn line_of<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn start(recorded: &mut Recorded, value: Value) -> Result<SharedNamesRecord, ReportError> {
    let wrong = |reason: String| ReportError::NotAReport { line: 1, reason };
    if event(&value) != Ok(Event::Start) {
        return Err(wrong("it is not the start of a report".to_owned()));
    }
    let StartLine {
        format_version,
        event: _,
        started_at,
        digest,
        tenant,
        client_id,
        cloud,
        tenant_id,
        graph_url,
        selection,
        managed,
        pending,
        unmanaged,
        shared_names,
        guards: _,
    } = line_of(value).map_err(wrong)?;
    if format_version.split('.').next() != Some("1") {
        return Err(ReportError::UnknownVersion(format_version.into_owned()));
    }
    recorded.started_at = started_at;
    recorded.digest = digest.map(Cow::into_owned);
    recorded.tenant = tenant.map(|name| PlannedTenant {
        name: name.into_owned(),
        client_id: client_id.map(Cow::into_owned),
        cloud: cloud.map(Cow::into_owned),
    });
    recorded.tenant_id = tenant_id.map(Cow::into_owned);
    recorded.graph_url = graph_url.into_owned();
    recorded.managed = managed.map(|managed| managed.0);
    recorded.pending = pending.map(|pending| {
        let kinds = pending.into_iter();
        kinds
            .map(|(kind, ids)| {
                let ids = ids.into_iter().map(Cow::into_owned).collect();
                (kind.into_owned(), ids)
            })
            .collect()
    });
    recorded.unmanaged = unmanaged;
    recorded.partial = selection.partial;
    shared_names.add_to(&mut recorded.names);
    Ok(shared_names)
}

/// Reads what a line, or a result as JSON, says of a policy that has settled.
///
/// # Errors
///
/// Says what is wrong with it.
pub fn settled_policy(value: Value, names: &mut Names) -> Result<RecordedPolicy, String> {
    settled(value, names)
}

/// Adds what a line says of a policy to what earlier lines said of it.
fn add(policies: &mut BTreeMap<(PolicyKind, String), RecordedPolicy>, mut policy: RecordedPolicy) {
    let key = (policy.kind, policy.id.clone());
    if let Some(known) = policies.remove(&key) {
        policy.sent |= known.sent;
        policy.name = policy.name.or(known.name);
        policy.filing = policy.filing.or(known.filing);
        // The first that is said of an assignment is how the run found it.
        let mut recorded = known.recorded;
        let is_new = |one: &LiveAssignment| {
            let mut known = recorded.iter();
            !known.any(|known| known.assignment == one.assignment)
        };
        let new: Vec<_> = policy.recorded.into_iter().filter(is_new).collect();
        recorded.extend(new);
        policy.recorded = recorded;
        let is_new = |(key, _): &(AssignmentKey, bool)| {
            let mut known = policy.known_before.iter();
            !known.any(|(known, _)| known == key)
        };
        let known: Vec<_> = known.known_before.into_iter().filter(is_new).collect();
        policy.known_before.extend(known);
    }
    policies.insert(key, policy);
}

/// A policy that was announced, and the id of the request.
type Announced = (RecordedPolicy, Option<String>);

fn sending(value: Value, names: &mut Names) -> Result<Announced, String> {
    let SendingLine {
        event: _,
        kind,
        id,
        name,
        odata_type,
        client_request_id,
        before,
        after,
        untouched,
        filing,
        approval,
        written,
    } = line_of(value)?;
    let untouched = untouched_of(untouched.as_deref(), names)?;
    let remediation = remediation_of(&after)?;
    let (known_before, recorded) = as_sent(&before, &after)?;
    let (before, after) = sets(&id, &before, &after, names)?;
    let policy = RecordedPolicy {
        kind: kind_of(&kind)?,
        before,
        after,
        untouched,
        id: id.into_owned(),
        name: name.map(Cow::into_owned),
        shares_name: false,
        odata_type: odata_type.as_deref().map(SharedText::from),
        remediation,
        known_before,
        recorded,
        sent: true,
        outcome: None,
        written,
        reason: None,
        approval: approval.map(Cow::into_owned),
        filing: filing.map(Cow::into_owned),
        waits_for: None,
    };
    let request = client_request_id.map(|id| id.to_lowercase());
    Ok((policy, request))
}

fn settled(value: Value, names: &mut Names) -> Result<RecordedPolicy, String> {
    let PolicyLine {
        event: _,
        kind,
        id,
        name,
        odata_type,
        outcome,
        written,
        before,
        after,
        untouched,
        error,
        approval,
        waits_for,
        note,
    } = line_of(value)?;
    let untouched = untouched_of(untouched.as_deref(), names)?;
    let remediation = remediation_of(&after)?;
    let (known_before, recorded) = as_sent(&before, &after)?;
    let (before, after) = sets(&id, &before, &after, names)?;
    Ok(RecordedPolicy {
        kind: kind_of(&kind)?,
        before,
        after,
        untouched,
        id: id.into_owned(),
        name: name.map(Cow::into_owned),
        shares_name: false,
        odata_type: odata_type.as_deref().map(SharedText::from),
        remediation,
        known_before,
        recorded,
        sent: false,
        outcome: Some(outcome),
        written,
        reason: error.or(note).map(ErrorRecord::read),
        approval: approval.map(Cow::into_owned),
        filing: None,
        waits_for: waits_for.map(Cow::into_owned),
    })
}

/// Reads what is known of remediations before, and all that the service had sent of assignments: of those that were
/// there, and in a rollback of those that are to be there again.
fn as_sent(
    before: &[AssignmentRecord<'_>],
    after: &[AssignmentRecord<'_>],
) -> Result<Beside, String> {
    let (known_before, mut sent) = beside(before)?;
    let (_, restored) = beside(after)?;
    let is_new = |one: &LiveAssignment| {
        let mut known = sent.iter();
        !known.any(|known| known.assignment == one.assignment)
    };
    let restored: Vec<_> = restored.into_iter().filter(is_new).collect();
    sent.extend(restored);
    Ok((known_before, sent))
}

fn untouched_of(
    records: Option<&[AssignmentRecord<'_>]>,
    names: &mut Names,
) -> Result<Option<Vec<Assignment>>, String> {
    let read = |records: &[AssignmentRecord<'_>]| {
        let assignments = records.iter().map(|record| record.read(names));
        assignments.collect()
    };
    records.map(read).transpose()
}

fn kind_of(word: &str) -> Result<PolicyKind, String> {
    PolicyKind::from_name(word).ok_or_else(|| format!("unknown policy kind `{word}`"))
}

type Sets = (Vec<Assignment>, Vec<Assignment>);

/// Reads the assignments of a policy before and after, sorted.
fn sets(
    id: &str,
    before: &[AssignmentRecord<'_>],
    after: &[AssignmentRecord<'_>],
    names: &mut Names,
) -> Result<Sets, String> {
    let mut read = |records: &[AssignmentRecord<'_>]| -> Result<Vec<Assignment>, String> {
        let mut assignments = records
            .iter()
            .map(|record| record.read(names))
            .collect::<Result<Vec<_>, _>>()?;
        assignments.sort();
        Ok(assignments)
    };
    let (before, after) = (read(before)?, read(after)?);
    check_ids(id, before.iter().chain(&after))?;
    Ok((before, after))
}

#[cfg(test)]
mod tests;
