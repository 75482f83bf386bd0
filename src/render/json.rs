//! Plans and results as JSON. Names are carried as they are, escaped by JSON.

use serde::Serialize;

use crate::apply::Results;
use crate::apply::report::{OutcomeCounts, PolicyLine, RequestsRecord};
use crate::graph::observe::RequestCounts;
use crate::plan::Plan;
use crate::plan::saved::PlanRecord;

/// Writes a plan's record.
pub fn plan(record: &PlanRecord) -> String {
    pretty(record)
}

#[derive(Serialize)]
struct WithResults<'a> {
    #[serde(flatten)]
    plan: &'a PlanRecord,
    results: ResultsRecord<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultsRecord<'a> {
    exit_code: u8,
    summary: OutcomeCounts,
    requests: RequestsRecord,
    policies: Vec<PolicyLine<'a>>,
}

/// Writes a plan's record with what became of it.
pub fn results(
    record: &PlanRecord,
    plan: &Plan,
    results: &Results,
    exit_code: u8,
    requests: RequestCounts,
) -> String {
    pretty(&WithResults {
        plan: record,
        results: ResultsRecord {
            exit_code,
            summary: OutcomeCounts::new(results),
            requests: RequestsRecord::new(requests),
            policies: plan
                .changed()
                .zip(&results.settled)
                .map(|(policy, settled)| PolicyLine::new(policy, settled, &plan.names))
                .collect(),
        },
    })
}

/// Writes a value with indentation and a line end.
pub fn pretty(value: &impl Serialize) -> String {
    // Structs of texts and numbers always serialise.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
