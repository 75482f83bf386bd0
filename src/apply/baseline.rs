//! What a report says that its run left in the tenant, for `drift --since`.
//!
//! The report may be that of a run that was killed: it lacks its end, and its last line may be cut.
//! What was announced and not settled may have been done or not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Assignment, PolicyKind};
use crate::plan::Names;
use crate::plan::saved::AssignmentRecord;
use crate::plan::since::{Baseline, Left, key};

/// Why a file is not a report that can be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReportError {
    /// It does not begin as a report does.
    #[error("not a report: {0}")]
    NotAReport(String),
    /// It comes from a version of the program that writes another format.
    #[error("the report's format version `{0}` is not known to this program, which reads 1.x")]
    UnknownVersion(String),
    /// A line in its middle cannot be read.
    #[error("the report's line {line} cannot be read: {reason}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartLine {
    format_version: String,
    tenant_id: Option<String>,
    #[serde(default)]
    selection: Selected,
    #[serde(default)]
    managed: Option<BTreeMap<String, BTreeMap<String, String>>>,
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
    #[serde(default)]
    outcome: Option<String>,
    before: Vec<AssignmentRecord>,
    after: Vec<AssignmentRecord>,
}

/// Reads what a run left behind.
///
/// # Errors
///
/// Says why the text is no report.
pub fn read(text: &str) -> Result<Baseline, ReportError> {
    let mut lines = text.split_inclusive('\n').enumerate().peekable();
    let first = lines.next().map(|(_, line)| line).unwrap_or_default();
    let mut baseline = start(first)?;
    while let Some((index, line)) = lines.next() {
        let outcome = event(line, &mut baseline);
        // Whoever kills a run may cut the line that it was writing.
        let cut = lines.peek().is_none() && !line.ends_with('\n');
        match outcome {
            Err(reason) if !cut => {
                return Err(ReportError::Line {
                    line: index + 1,
                    reason,
                });
            }
            _ => {}
        }
    }
    Ok(baseline)
}

fn start(line: &str) -> Result<Baseline, ReportError> {
    let no_report = |reason: String| ReportError::NotAReport(reason);
    let value: Value = serde_json::from_str(line).map_err(|error| no_report(error.to_string()))?;
    if value.get("event").and_then(Value::as_str) != Some("start") {
        return Err(no_report("its first line is no `start` event".to_owned()));
    }
    let StartLine {
        format_version,
        tenant_id,
        selection,
        managed,
    } = serde_json::from_value(value).map_err(|error| no_report(error.to_string()))?;
    if format_version.split('.').next() != Some("1") {
        return Err(ReportError::UnknownVersion(format_version));
    }
    let complete = managed.is_some() && !selection.partial;
    let managed = managed.unwrap_or_default().into_iter();
    let policies = managed
        .filter_map(|(kind, policies)| Some((PolicyKind::from_name(&kind)?, policies)))
        .flat_map(|(kind, policies)| {
            let left = policies.into_iter();
            left.map(move |(id, digest)| (key(kind, &id), Left::Digest(digest)))
        })
        .collect();
    Ok(Baseline {
        tenant_id,
        complete,
        policies,
    })
}

fn event(line: &str, baseline: &mut Baseline) -> Result<(), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if !matches!(
        value.get("event").and_then(Value::as_str),
        Some("policy" | "sending")
    ) {
        return Ok(());
    }
    let PolicyLine {
        kind,
        id,
        outcome,
        before,
        after,
    } = serde_json::from_value(value).map_err(|error| error.to_string())?;
    // A kind of a newer version is none of ours.
    let Some(kind) = PolicyKind::from_name(&kind) else {
        return Ok(());
    };
    let mut names = Names::default();
    let mut rows = |records: &[AssignmentRecord]| {
        let rows = records.iter().map(|record| record.read(&mut names));
        rows.collect::<Result<Vec<Assignment>, String>>()
    };
    let (before, after) = (rows(&before)?, rows(&after)?);
    let left = match outcome.as_deref() {
        Some("applied" | "already") => Left::Rows(after),
        Some("skipped") => Left::Rows(before),
        // Announced and not settled, failed, or found to be otherwise.
        _ => Left::Between(before, after),
    };
    baseline.policies.insert(key(kind, &id), left);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"formatVersion":"1.0","event":"start","digest":null,"tenantId":"t","graphUrl":"g","managed":{"configurationPolicy":{"P":"sha256:x"},"novel":{"Q":"sha256:y"}}}"#;
    const SENDING: &str =
        r#"{"event":"sending","kind":"configurationPolicy","id":"P","before":[],"after":[]}"#;
    const APPLIED: &str = r#"{"event":"policy","kind":"configurationPolicy","id":"p","name":"P","outcome":"applied","before":[],"after":[],"error":null}"#;

    fn left(text: &str) -> Left {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let baseline = read(text).expect("a report");
        baseline.policies[&key(kind, "p")].clone()
    }

    #[test]
    fn the_last_that_is_said_of_a_policy_counts() {
        let digest = Left::Digest("sha256:x".to_owned());
        let between = Left::Between(Vec::new(), Vec::new());
        let done = Left::Rows(Vec::new());
        assert_eq!(left(&format!("{START}\n")), digest);
        assert_eq!(left(START), digest);
        assert_eq!(left(&format!("{START}\n{SENDING}\n")), between);
        assert_eq!(left(&format!("{START}\n{SENDING}\n{APPLIED}\n")), done);
        // Unknown events are nobody's business.
        assert_eq!(
            left(&format!(
                "{START}\n{SENDING}\n{APPLIED}\n{{\"event\":\"new\"}}\n"
            )),
            done
        );
    }

    #[test]
    fn a_line_that_was_cut_was_not_written() {
        for end in 1..APPLIED.len() {
            let text = format!("{START}\n{SENDING}\n{}", &APPLIED[..end]);
            assert!(matches!(left(&text), Left::Between(..)), "{end}");
        }
        let text = format!("{START}\n{}\n{APPLIED}\n", &SENDING[..20]);
        assert!(matches!(
            read(&text),
            Err(ReportError::Line { line: 2, .. })
        ));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in ["", "{", "[]", "{}", "1\n", SENDING, &START[..40]] {
            assert!(
                matches!(read(text), Err(ReportError::NotAReport(_))),
                "{text}"
            );
        }
        let newer = START.replace("\"1.0\"", "\"2.0\"");
        assert_eq!(
            read(&newer),
            Err(ReportError::UnknownVersion("2.0".to_owned()))
        );
        let minor = START.replace("\"1.0\"", "\"1.9\"");
        assert!(read(&minor).is_ok_and(|baseline| baseline.complete));
    }
}
