//! Plans and results as JSON. Names are carried as they are, escaped by JSON.

use serde::Serialize;

use super::clean::holds_command;
use super::review::{ErrorView, Finding};
use crate::apply::Results;
use crate::apply::report::{OutcomeCounts, PolicyLine, RequestsRecord};
use crate::graph::observe::RequestCounts;
use crate::plan::saved::{DiagnosticRecord, FORMAT_VERSION, PlanRecord, SelectionRecord, TOOL};
use crate::plan::{Plan, Selection};

/// Writes a plan's record.
pub fn plan(record: &PlanRecord) -> String {
    pretty(record)
}

#[derive(Serialize)]
struct WithError<'a> {
    #[serde(flatten)]
    plan: &'a PlanRecord<'a>,
    error: ErrorRecord<'a>,
}

/// Writes a plan's record with what is wrong with it.
pub fn doubtful(record: &PlanRecord, error: &ErrorView<'_>) -> String {
    pretty(&WithError {
        plan: record,
        error: ErrorRecord::new(error),
    })
}

#[derive(Serialize)]
struct WithResults<'a> {
    #[serde(flatten)]
    plan: &'a PlanRecord<'a>,
    results: ResultsRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultsRecord<'a> {
    exit_code: u8,
    summary: OutcomeCounts,
    requests: RequestsRecord,
    policies: Vec<PolicyLine<'a>>,
}

/// Why a command did not do what it was asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorRecord<'a> {
    exit_code: u8,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> ErrorRecord<'a> {
    fn new(error: &ErrorView<'a>) -> Self {
        let ErrorView {
            exit_code,
            message,
            hint,
        } = *error;
        Self {
            exit_code,
            message,
            hint,
        }
    }
}

/// Writes a plan's record with what became of it, and why nothing more did.
pub fn results(
    record: &PlanRecord,
    plan: &Plan,
    results: &Results,
    exit_code: u8,
    requests: RequestCounts,
    error: Option<&ErrorView<'_>>,
) -> String {
    pretty(&WithResults {
        plan: record,
        results: ResultsRecord {
            exit_code,
            summary: OutcomeCounts::new(results),
            requests: RequestsRecord::new(requests),
            policies: results
                .told(plan)
                .map(|(policy, settled)| PolicyLine::new(policy, settled, &plan.names))
                .collect(),
        },
        error: error.map(ErrorRecord::new),
    })
}

/// A plan that could not be made: the same keys, with null for what is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureRecord<'a> {
    format_version: &'static str,
    tool: &'static str,
    created_at: &'a str,
    tenant_id: Option<&'a str>,
    graph_url: Option<&'a str>,
    selection: SelectionRecord,
    complete: bool,
    summary: Option<()>,
    guards: [(); 0],
    policies: [(); 0],
    diagnostics: Vec<DiagnosticRecord>,
    digest: Option<()>,
    error: ErrorRecord<'a>,
}

/// Writes that there is no plan, and why.
pub fn failure(
    created_at: &str,
    selection: &Selection,
    findings: &[Finding],
    error: &ErrorView<'_>,
) -> String {
    pretty(&FailureRecord {
        format_version: FORMAT_VERSION,
        tool: TOOL,
        created_at,
        tenant_id: None,
        graph_url: None,
        selection: SelectionRecord::asked(selection),
        complete: false,
        summary: None,
        guards: [],
        policies: [],
        diagnostics: findings
            .iter()
            .map(|finding| DiagnosticRecord::new(&finding.diagnostic))
            .collect(),
        digest: None,
        error: ErrorRecord::new(error),
    })
}

/// Writes a value with indentation and a line end. What a build service would take for a command is
/// escaped; it can only stand inside of texts, where JSON allows that for every character.
pub fn pretty(value: &impl Serialize) -> String {
    // Structs of texts and numbers always serialise.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    if holds_command(&text) {
        text = text.replace("##", "#\\u0023");
    }
    text.push('\n');
    text
}
