//! A report as a run left it, read back: what `rollback` and `drift --since` start from.
//!
//! A run that was killed leaves a report without its last line, and the line that it was just
//! writing may be torn. That is not an error in the file; anything else that is not as the program
//! writes it is, since what a report does not say cannot be guessed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::line::{EndLine, ErrorRecord, Event, PolicyLine, SendingLine, StartLine};
use super::outcome::Outcome;
use super::recorded::{Recorded, RecordedPolicy};
use crate::model::{Assignment, AssignmentKey, LiveAssignment, PolicyKind, SharedText};
use crate::plan::saved::{
    AssignmentRecord, Beside, PlannedTenant, SharedNamesRecord, beside, check_ids, remediation_of,
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
