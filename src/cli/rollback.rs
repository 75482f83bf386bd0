//! `rollback`: the way back from what a report says that its run did, then as `apply`.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::apply::{self, Intent, Run};
use super::approval::check_tenant;
use super::arguments::{Apply, Rollback};
use super::failure::Failure;
use super::options::Common;
use super::output::Output;
use super::plan::Shown;
use super::settings::ServiceSettings;
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::model::PolicyKind;
use crate::plan::PlanInputs;
use crate::plan::guards::GuardRules;
use crate::plan::rollback::{self as way, AppliedPolicy};
use crate::render::text;
use crate::render::words::count;
use crate::report::{Outcome, Reason, Recorded, RecordedPolicy, Settled};

pub(super) fn run(command: &Rollback, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Rollback {
        of,
        yes,
        report,
        fail_fast,
        selecting,
        view,
        planning,
        guards,
    } = command.clone();
    let as_apply = Apply {
        paths: Vec::new(),
        yes,
        report,
        fail_fast,
        max_age: None,
        expect_digest: None,
        selecting,
        view,
        planning,
        guards,
    };
    apply::run_or_go_back(&as_apply, Some(&of), common, output)
}

impl Run<'_> {
    /// Plans the way back.
    pub(super) async fn way_back(
        &mut self,
        recorded: Recorded,
        client: &Arc<Client>,
        service: &ServiceSettings,
        rules: &GuardRules,
        stop: &CancellationToken,
    ) -> Result<Intent, Failure> {
        let reader = Reader::new(Arc::clone(client));
        let work = async {
            let tenant_id = reader.tenant_id().await?;
            if recorded.has_plan() {
                let recorded = recorded.tenant_id.as_deref();
                check_tenant("report", recorded, tenant_id.as_deref())?;
            }
            let selection = self.command.selecting.selection();
            let left: Vec<AppliedPolicy> = recorded
                .policies
                .into_iter()
                .filter(RecordedPolicy::may_be_changed)
                .map(|policy| AppliedPolicy {
                    kind: policy.kind,
                    name: policy.name.unwrap_or_else(|| policy.id.clone()),
                    id: policy.id,
                    before: policy.before,
                    after: policy.after,
                    seen: policy.outcome == Some(Outcome::Applied),
                })
                .filter(|left| selection.includes(left.kind, &left.name))
                .collect();
            let ids: Vec<(PolicyKind, String)> = left
                .iter()
                .map(|left| (left.kind, left.id.clone()))
                .collect();
            let live = reader.assignments_of(&ids).await?;
            let live = live.into_iter().collect::<Result<Vec<_>, _>>()?;
            let inputs = PlanInputs {
                tenant_id,
                graph_url: reader.graph_url(),
                write_with: self.command.planning.write_with.unwrap_or_default(),
                rules,
                strict: false,
                selection: &selection,
            };
            let mut back = way::plan(&left, &live, recorded.names, &inputs);
            let groups = back.plan.unnamed_groups(false);
            let filters = back.plan.has_unnamed_filters(false);
            let (groups, filters) = reader.names(&groups, filters).await?;
            back.plan.add_names(groups, filters);
            Ok::<_, Failure>(back)
        };
        let back = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Failure::interrupted()),
            back = work => back?,
        };
        self.output.note(&text::diagnostics(&back.plan.diagnostics));
        for (policy, stays) in back.moved {
            let reason = Reason::new(stays.name(), stays.about());
            let settled = Settled {
                outcome: Outcome::Skipped,
                reason: Some(reason),
                written: false,
            };
            self.results.aside.push((policy, settled));
        }
        if back.as_before > 0 {
            self.output.note(&format!(
                "{} as before the run already\n",
                count(back.as_before, "policy is", "policies are")
            ));
        }
        Ok(Intent {
            shown: Shown::new(back.plan, service),
            approved: false,
        })
    }
}
