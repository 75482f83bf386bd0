//! The way back: what a run did, however it ended, can be undone from its report alone.

use std::time::Duration;

use assignctl::model::PolicyKind;
use assignctl::plan::guards::GuardRules;
use assignctl::plan::references::References;
use assignctl::plan::rollback::{AppliedPolicy, plan};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{PlanInputs, Selection};
use assignctl::report::{self, RecordedPolicy};
use assignctl::run::rollback::applied_policy;
use assignctl_sandbox::Tenant;

use super::history::{State, state};
use super::{Scenario, Stage};
use crate::library::property::policies;
use crate::library::support::wire::lock;
use crate::library::support::world::outcomes;

impl Stage {
    /// Undoes the latest run, and checks that all is as it was before it. No one else was there.
    pub(super) async fn undo(&mut self, scenario: &Scenario, before: &Tenant) {
        let text = lock(&self.world.report).text();
        self.make_well();
        // What is still under way arrives, and what was written last shows.
        tokio::time::sleep(Duration::from_secs(120)).await;
        self.start_process(scenario, scenario.runs + 1);
        self.world.settings.write_with = WriteWith::Auto;
        self.world.settings.fail_fast = false;
        let recorded = report::read(text.as_bytes()).expect("a report");
        let left: Vec<AppliedPolicy> = recorded
            .policies
            .into_iter()
            .filter(RecordedPolicy::may_be_changed)
            .inspect(|policy| assert!(policy.name.is_some(), "a name"))
            .map(applied_policy)
            .collect();
        let ids: Vec<(PolicyKind, String)> = left
            .iter()
            .map(|left| (left.kind, left.id.clone()))
            .collect();
        let reader = self.world.reader();
        let live = reader.assignments_of(&ids).await.expect("rows");
        let live = live.into_iter().collect::<Result<Vec<_>, _>>();
        let inputs = PlanInputs {
            tenant_id: recorded.tenant_id,
            graph_url: reader.graph_url(),
            write_with: WriteWith::Auto,
            strict: false,
            selection: &Selection::default(),
        };
        let gone = References::default();
        let live = live.expect("rows");
        let back = plan(&left, &live, &gone, &[], recorded.names, &inputs);
        assert!(back.moved.is_empty(), "{:?}", back.moved);
        let (planned, _) = back.draft.finish(&GuardRules::default());
        let results = self.world.apply(&planned).await;
        assert!(
            results.is_good(),
            "{} {:#?} {:#?}",
            outcomes(&results),
            results.settled,
            planned.policies
        );
        for ((_, old), (_, new)) in policies(before).zip(policies(&self.world.tenant())) {
            assert_eq!(own(&state(old)), own(&state(new)), "{}", old.name);
        }
        self.world.settings.write_with = scenario.case.write_with;
    }
}

/// The rows that no policy set made: what the service dropped of those stays gone.
fn own(state: &State) -> State {
    let rows = state.iter().filter(|((_, from_set), _)| !from_set);
    rows.map(|(key, want)| (key.clone(), want.clone()))
        .collect()
}
