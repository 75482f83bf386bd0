//! A saved plan, policies of which stand between two of its steps: an earlier run was killed there, or someone has made a
//! part of its changes by hand.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::writes::{self, WriteWith};
use super::{Change, Plan, PlanContents, PlanDiagnostic, PlannedPolicy, changes};
use crate::model::Assignments;

impl Plan {
    /// Returns what is left of a saved plan whose policies stand between two of its steps, by their number among the
    /// changed ones. What is there now counts as the state before the run.
    #[must_use]
    pub fn going_on_from(&self, half_done: &BTreeMap<usize, Assignments>) -> Self {
        let mut rest = PlanContents::clone(self);
        let policies = rest.policies.iter_mut();
        let changed = policies.filter(|policy| policy.is_changed());
        for (index, policy) in changed.enumerate() {
            if let Some(live) = half_done.get(&index) {
                policy.go_on_from(live, self.write_with);
            }
        }
        Self::from(rest)
    }

    /// Returns a warning of each such policy.
    pub fn half_done(&self, half_done: &BTreeMap<usize, Assignments>) -> Vec<PlanDiagnostic> {
        let changed = self.changed().enumerate();
        let half_done = changed.filter(|(index, _)| half_done.contains_key(index));
        half_done
            .map(|(_, policy)| half_done_warning(policy))
            .collect()
    }
}

impl PlannedPolicy {
    /// Leaves only the changes that are still to be made from its live assignments.
    fn go_on_from(&mut self, live: &Assignments, write_with: WriteWith) {
        let key = |change: &Change| {
            let assignment = change.after().or(change.before());
            assignment.map(|assignment| assignment.key.clone())
        };
        let asked: HashMap<_, _> = (self.changes.iter().map(key))
            .zip(std::mem::take(&mut self.asked))
            .collect();
        self.before = Arc::clone(live);
        self.changes = changes(&self.before, &self.after);
        let asked = |change| asked.get(&key(change)).cloned().flatten();
        self.asked = self.changes.iter().map(asked).collect();
        self.writes = writes::planned(self, |_| None, write_with);
    }
}

fn half_done_warning(policy: &PlannedPolicy) -> PlanDiagnostic {
    let summary = format!(
        "{} is between two steps of the plan, as after a run that was killed; only the rest is applied",
        policy.reference()
    );
    PlanDiagnostic::warning("half-done", summary).hint(
        "if no run of this plan was killed, someone else has made a part of its changes; \
         this run's report, and `rollback` with it, lead back to what is there now",
    )
}
