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

use super::line::{EndLine, Event, PolicyLine, SendingLine, StartLine};
use super::outcome::Outcome;
use super::recorded::{Recorded, RecordedPolicy};
use crate::model::{AssignmentKey, LiveAssignment, PolicyKind, SharedText};
use crate::plan::saved::{
    AssignmentRecord, PlannedTenant, ReadAssignments, RecordError, SharedNamesRecord, check_ids,
};
use crate::plan::{Names, shared_policy_names};

/// Why a file is not a usable report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A line is not what the program writes.
    #[error("not a report: line {line}: {source}")]
    NotAReport {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: RecordError,
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
    let shared = match serde_json::from_slice(first) {
        Ok(value) => start(&mut recorded, value)?,
        Err(_) if is_torn(first) && begins_as_a_report(first) => return Err(ReportError::Torn),
        Err(error) => return Err(wrong(1)(error.into())),
    };
    for (index, line) in lines {
        let wrong = wrong(index + 1);
        let value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(_) if is_torn(line) => break,
            Err(error) => return Err(wrong(error.into())),
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
                recorded.requests = end.requests;
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

/// Makes the error of a line.
fn wrong(line: usize) -> impl Fn(RecordError) -> ReportError + Copy {
    move |source| ReportError::NotAReport { line, source }
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
fn event(value: &Value) -> Result<Event, RecordError> {
    let event = value.get("event").filter(|event| event.is_string());
    let event = event.ok_or(RecordError::Lacks("event"))?;
    line_of(event.clone())
}

fn line_of<T: DeserializeOwned>(value: Value) -> Result<T, RecordError> {
    Ok(serde_json::from_value(value)?)
}

fn start(recorded: &mut Recorded, value: Value) -> Result<SharedNamesRecord, ReportError> {
    let wrong = wrong(1);
    if !matches!(event(&value), Ok(Event::Start)) {
        return Err(wrong(RecordError::NotAStart));
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
            .map(|(kind, ids)| (kind, ids.into_iter().collect()))
            .collect()
    });
    recorded.unmanaged = unmanaged;
    recorded.partial = selection.partial;
    shared_names.add_to(&mut recorded.names);
    Ok(shared_names)
}

/// Adds what a line says of a policy to what earlier lines said of it.
fn add(policies: &mut BTreeMap<(PolicyKind, String), RecordedPolicy>, mut policy: RecordedPolicy) {
    let key = (policy.kind, policy.id.clone());
    if let Some(known) = policies.remove(&key) {
        policy.sent |= known.sent;
        policy.name = policy.name.or(known.name);
        policy.filing = policy.filing.or(known.filing);
        // The first that is said of an assignment is how the run found it.
        let later = std::mem::replace(&mut policy.recorded, known.recorded);
        add_new(&mut policy.recorded, later);
        let is_new = |(key, _): &(AssignmentKey, bool)| {
            let mut known = policy.known_before.iter();
            !known.any(|(known, _)| known == key)
        };
        let known: Vec<_> = known.known_before.into_iter().filter(is_new).collect();
        policy.known_before.extend(known);
    }
    policies.insert(key, policy);
}

/// Adds what the service had sent of assignments of which nothing is known yet.
fn add_new(known: &mut Vec<LiveAssignment>, mut more: Vec<LiveAssignment>) {
    more.retain(|one| {
        let mut known = known.iter();
        !known.any(|known| known.assignment == one.assignment)
    });
    known.extend(more);
}

/// A policy that was announced, and the id of the request.
type Announced = (RecordedPolicy, Option<String>);

fn sending(value: Value, names: &mut Names) -> Result<Announced, RecordError> {
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
    let policy = RecordedPolicy {
        name: name.map(Cow::into_owned),
        odata_type: odata_type.as_deref().map(SharedText::from),
        sent: true,
        written,
        approval: approval.map(Cow::into_owned),
        filing: filing.map(Cow::into_owned),
        ..policy(&kind, &id, (&before, &after, untouched.as_deref()), names)?
    };
    let request = client_request_id.map(|id| id.to_lowercase());
    Ok((policy, request))
}

/// Reads what a line, or a result as JSON, says of a policy that has settled.
pub(super) fn settled(value: Value, names: &mut Names) -> Result<RecordedPolicy, RecordError> {
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
    Ok(RecordedPolicy {
        name: name.map(Cow::into_owned),
        odata_type: odata_type.as_deref().map(SharedText::from),
        outcome: Some(outcome),
        written,
        reason: error.or(note).map(Cow::into_owned),
        approval: approval.map(Cow::into_owned),
        waits_for: waits_for.map(Cow::into_owned),
        ..policy(&kind, &id, (&before, &after, untouched.as_deref()), names)?
    })
}

/// The assignments before and after, and those that stay out of what is written.
type Sets<'a> = (
    &'a [AssignmentRecord<'a>],
    &'a [AssignmentRecord<'a>],
    Option<&'a [AssignmentRecord<'a>]>,
);

/// Reads what a line says of the assignments of a policy, which are then sorted.
fn policy(
    kind: &str,
    id: &str,
    (before, after, untouched): Sets<'_>,
    names: &mut Names,
) -> Result<RecordedPolicy, RecordError> {
    let untouched = untouched.map(|untouched| AssignmentRecord::read_all(untouched, names));
    let untouched = untouched.transpose()?;
    let mut read = |records| ReadAssignments::of(records, names);
    let (found, planned) = (read(before)?, read(after)?);
    check_ids(id, found.assignments.iter().chain(&planned.assignments))?;
    // What the service had sent of assignments that were there, and in a rollback of those that are to be there again.
    let mut recorded = found.sent;
    add_new(&mut recorded, planned.sent);
    Ok(RecordedPolicy {
        kind: RecordError::kind(kind)?,
        id: id.to_owned(),
        name: None,
        shares_name: false,
        odata_type: None,
        remediation: planned.remediation,
        known_before: found.known_remediation,
        recorded,
        before: found.assignments,
        after: planned.assignments,
        untouched,
        sent: false,
        outcome: None,
        written: None,
        reason: None,
        approval: None,
        filing: None,
        waits_for: None,
    })
}

#[cfg(test)]
mod tests;
