//! What became of a plan, read back from the JSON of a result.

use serde::Deserialize;
use serde_json::Value;

use super::outcome::{Moved, Outcome, PolicyResult, Results};
use super::read::settled;
use super::recorded::RecordedPolicy;
use crate::graph::observe::RequestCounts;
use crate::plan::saved::{AssignmentRecord, RecordError};
use crate::plan::{Names, Plan};

/// What became of a plan.
#[derive(Debug, Default)]
pub struct ReadResults {
    /// What became of its policies.
    pub results: Results,
    /// Policies that are not part of it, and why.
    pub others: Vec<(RecordedPolicy, PolicyResult)>,
    /// What went over the wire.
    pub requests: RequestCounts,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    requests: RequestCounts,
    policies: Vec<Value>,
    #[serde(default)]
    moved: Vec<WrittenMoved>,
}

#[derive(Deserialize)]
struct WrittenMoved {
    kind: String,
    id: String,
    live: Option<Vec<AssignmentRecord<'static>>>,
}

/// Reads what the JSON of a result says became of a plan.
///
/// # Errors
///
/// Says what is wrong with it.
pub fn read_results(
    value: Value,
    plan: &Plan,
    names: &mut Names,
) -> Result<ReadResults, RecordError> {
    let written: Written = serde_json::from_value(value)?;
    let changed: Vec<_> = plan.changed().collect();
    let mut read = ReadResults {
        requests: written.requests,
        ..ReadResults::default()
    };
    for line in written.policies {
        let policy = settled(line, names)?;
        let Some(outcome) = policy.outcome else {
            continue;
        };
        let settled = PolicyResult {
            outcome,
            reason: policy.reason.clone(),
            written: policy.written.unwrap_or(outcome == Outcome::Applied),
            approval: policy.approval.clone().map(Box::new),
            waits_for: policy.waits_for.clone(),
        };
        let next = changed.get(read.results.settled.len());
        match next.filter(|next| next.kind == policy.kind && next.id == policy.id) {
            Some(_) => read.results.settled.push(settled),
            None => read.others.push((policy, settled)),
        }
    }
    for moved in written.moved {
        let mut changed = changed.iter();
        let index =
            changed.position(|policy| policy.kind.name() == moved.kind && policy.id == moved.id);
        let index = index.ok_or(RecordError::NotInThePlan(moved.id))?;
        let live = moved.live.as_deref();
        let live = live.map(|live| AssignmentRecord::read_all(live, names));
        let live = live.transpose()?;
        read.results.moved.push(Moved { index, live });
    }
    Ok(read)
}
