//! A report as a run left it, read back: what `rollback` and `drift --since` start from.
//!
//! A run that was killed leaves a report without its last line, and the line that it was just
//! writing may be torn. That is no fault of the file; anything else that is not as the program
//! writes it is, since what a report does not say cannot be guessed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::Outcome;
use crate::model::{Assignment, PolicyKind};
use crate::plan::Names;
use crate::plan::saved::{AssignmentRecord, check_ids};

/// Why a file is no report that can be used.
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
    /// It comes from a version of the program that writes another format.
    #[error("the report's format version `{0}` is not known to this program, which reads 1.x")]
    UnknownVersion(String),
}

/// What a run left behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The digest of the plan that was carried out; none where there was no plan.
    pub digest: Option<String>,
    /// The tenant; none where the token did not name it, or where the run ended before its start.
    pub tenant_id: Option<String>,
    /// The policies of the run, by kind and id.
    pub policies: Vec<RecordedPolicy>,
    /// The names of groups and filters, as the run knew them.
    pub names: Names,
    /// Digests of the rows of every managed policy as the run found it, by kind and id, as the
    /// report writes them; none where there was no plan.
    pub managed: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// Those of them that were not as the run wanted them, by kind and id; none where the report
    /// does not tell.
    pub pending: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Whether the run looked at a part of the managed policies only.
    pub partial: bool,
    /// The exit code; none where the run was killed.
    pub exit_code: Option<u8>,
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
    /// The rows before, sorted.
    pub before: Vec<Assignment>,
    /// The rows that were planned, sorted.
    pub after: Vec<Assignment>,
    /// Whether a write was announced.
    pub sent: bool,
    /// What became of it; none where the run was killed before that was known.
    pub outcome: Option<Outcome>,
    /// Whether a write of the run has had its effect, or may have; none where the report does not
    /// tell.
    pub written: Option<bool>,
}

impl Recorded {
    /// Whether the run came as far as a plan. Otherwise the report does not name the tenant, and the
    /// run has changed nothing in any.
    pub fn has_plan(&self) -> bool {
        self.digest.is_some() || self.managed.is_some() || !self.policies.is_empty()
    }
}

impl RecordedPolicy {
    /// Whether the run has changed the policy, or may have.
    pub fn may_be_changed(&self) -> bool {
        match self.outcome {
            Some(Outcome::Applied) => true,
            Some(Outcome::Already | Outcome::Stale | Outcome::Skipped) => false,
            Some(Outcome::Failed) | None => self.written.unwrap_or(self.sent),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartLine {
    format_version: String,
    digest: Option<String>,
    tenant_id: Option<String>,
    #[serde(default)]
    selection: Selected,
    managed: Option<BTreeMap<String, BTreeMap<String, String>>>,
    pending: Option<BTreeMap<String, BTreeSet<String>>>,
}

#[derive(Default, Deserialize)]
struct Selected {
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct PolicyLine {
    kind: String,
    id: String,
    name: Option<String>,
    before: Vec<AssignmentRecord<'static>>,
    after: Vec<AssignmentRecord<'static>>,
    outcome: Option<String>,
    written: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndLine {
    exit_code: u8,
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
    let Some((_, first)) = lines.next() else {
        return Ok(recorded);
    };
    match parse(first) {
        Ok(value) => start(&mut recorded, value)?,
        Err(_) if is_torn(first) && begins_as_a_report(first) => return Ok(recorded),
        Err(reason) => return Err(ReportError::NotAReport { line: 1, reason }),
    }
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
        let event = value.get("event").and_then(Value::as_str);
        match event {
            Some(event @ ("sending" | "policy")) => {
                let is_sending = event == "sending";
                let policy = policy(value, is_sending, &mut recorded.names).map_err(wrong)?;
                let key = (policy.kind, policy.id.clone());
                let sent = policy.sent || policies.get(&key).is_some_and(|known| known.sent);
                let name = policies.remove(&key).and_then(|known| known.name);
                policies.insert(
                    key,
                    RecordedPolicy {
                        sent,
                        name: policy.name.or(name),
                        ..policy
                    },
                );
            }
            Some("end") => {
                let end: EndLine =
                    serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
                recorded.exit_code = Some(end.exit_code);
            }
            // A newer minor version may tell of more.
            Some(_) => {}
            None => return Err(wrong("it has no `event`".to_owned())),
        }
    }
    recorded.policies = policies.into_values().collect();
    Ok(recorded)
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

fn start(recorded: &mut Recorded, value: Value) -> Result<(), ReportError> {
    let wrong = |reason: String| ReportError::NotAReport { line: 1, reason };
    if value.get("event").and_then(Value::as_str) != Some("start") {
        return Err(wrong("it is not the start of a report".to_owned()));
    }
    let start: StartLine =
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    if start.format_version.split('.').next() != Some("1") {
        return Err(ReportError::UnknownVersion(start.format_version));
    }
    recorded.digest = start.digest;
    recorded.tenant_id = start.tenant_id;
    recorded.managed = start.managed;
    recorded.pending = start.pending;
    recorded.partial = start.selection.partial;
    Ok(())
}

fn policy(value: Value, sent: bool, names: &mut Names) -> Result<RecordedPolicy, String> {
    let line: PolicyLine = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let outcome = match line.outcome {
        None if sent => None,
        None => return Err("it has no `outcome`".to_owned()),
        Some(word) => Some(
            Outcome::ALL
                .into_iter()
                .find(|outcome| outcome.name() == word)
                .ok_or_else(|| format!("unknown outcome `{word}`"))?,
        ),
    };
    let mut rows = |records: &[AssignmentRecord<'_>]| -> Result<Vec<Assignment>, String> {
        let mut rows = records
            .iter()
            .map(|record| record.read(names))
            .collect::<Result<Vec<_>, _>>()?;
        rows.sort();
        Ok(rows)
    };
    let (before, after) = (rows(&line.before)?, rows(&line.after)?);
    check_ids(&line.id, before.iter().chain(&after))?;
    Ok(RecordedPolicy {
        kind: PolicyKind::from_name(&line.kind)
            .ok_or_else(|| format!("unknown policy kind `{}`", line.kind))?,
        before,
        after,
        id: line.id,
        name: line.name,
        sent,
        outcome,
        written: line.written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"formatVersion":"1.0","event":"start","digest":"sha256:d","tenantId":"t","graphUrl":"https://graph.example/beta"}"#;
    const ROW: &str = r#"{"target":{"type":"group","id":"a0000000-0000-4000-8000-000000000001","name":"A"},"filter":null,"source":"direct","sourceId":null}"#;

    fn line(event: &str, id: &str, rest: &str) -> String {
        format!(
            r#"{{"event":"{event}","kind":"configurationPolicy","id":"{id}","name":"P","before":[],"after":[{ROW}]{rest}}}"#
        )
    }

    fn outcomes(lines: &[String], tail: &str) -> String {
        let text = format!("{START}\n{}\n{tail}", lines.join("\n"));
        let recorded = read(text.as_bytes()).expect("a report");
        assert_eq!(
            recorded.names.group("a0000000-0000-4000-8000-000000000001"),
            Some("A")
        );
        let policies = recorded.policies.iter().map(|policy| {
            let outcome = policy.outcome.map_or("killed", Outcome::name);
            let changed = if policy.may_be_changed() { "!" } else { "" };
            format!("{} {outcome}{changed}", policy.id)
        });
        policies.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_run_that_ended_before_its_start_has_changed_nothing() {
        assert_eq!(read(b""), Ok(Recorded::default()));
        assert_eq!(read(&START.as_bytes()[..30]), Ok(Recorded::default()));
    }

    #[test]
    fn what_was_announced_and_never_settled_may_be_changed() {
        let lines = [
            line("sending", "1", ""),
            line("sending", "2", ""),
            line("policy", "1", r#","outcome":"applied""#),
            line("policy", "3", r#","outcome":"already""#),
            line("sending", "4", ""),
            line("policy", "4", r#","outcome":"failed","error":null"#),
            line("policy", "5", r#","outcome":"failed""#),
            line("sending", "6", ""),
            line("policy", "6", r#","outcome":"failed","written":false"#),
        ];
        let expected = "1 applied!, 2 killed!, 3 already, 4 failed!, 5 failed, 6 failed";
        assert_eq!(outcomes(&lines, ""), expected);
        // Wherever the kill tore the line that was being written.
        let torn = line("policy", "2", r#","outcome":"applied""#);
        for end in 0..torn.len() {
            assert_eq!(outcomes(&lines, &torn[..end]), expected);
        }
    }

    #[test]
    fn a_newer_minor_version_may_say_more() {
        let text = format!(
            "{}\n{{\"event\":\"weather\",\"sun\":true}}\n",
            START.replace("1.0", "1.7")
        );
        assert!(read(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_report_is_told_with_its_line() {
        let wrong = |text: &str| read(text.as_bytes()).expect_err("no report").to_string();
        assert!(wrong("{}\n").starts_with("not a report: line 1:"));
        assert!(wrong("no").starts_with("not a report: line 1:"));
        assert!(wrong("[1]\n").starts_with("not a report: line 1:"));
        assert_eq!(
            wrong(&format!("{}\n", START.replace("1.0", "2.0"))),
            "the report's format version `2.0` is not known to this program, which reads 1.x"
        );
        let kind = line("sending", "1", "").replace("configurationPolicy", "nonsense");
        assert_eq!(
            wrong(&format!("{START}\n{kind}\n")),
            "not a report: line 2: unknown policy kind `nonsense`"
        );
        let odd = line("sending", "../x", "");
        assert!(wrong(&format!("{START}\n{odd}\n")).ends_with("its `id` is no policy's"));
        let odd = line("sending", "1", "").replace("a0000000-", "../../x-");
        assert!(wrong(&format!("{START}\n{odd}\n")).ends_with("is no group's id"));
        let torn_in_the_middle = format!("{START}\n{{\"event\n{}\n", line("sending", "1", ""));
        assert!(wrong(&torn_in_the_middle).starts_with("not a report: line 2:"));
    }
}
