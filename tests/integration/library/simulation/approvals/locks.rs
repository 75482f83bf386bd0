//! Requests of another administrator that lock what a run wants to change.

use std::sync::atomic::Ordering;
use std::time::Duration;

use assignctl::plan::Plan;
use assignctl::report::Outcome;
use assignctl_sandbox::{Decision, guid_from};

use super::HOUR;
use super::stage::{End, Stage, anothers, is_anothers, read};
use crate::library::property::policies;

impl Stage {
    /// Lets another file a change of a policy that no run of ours wants.
    pub(super) fn lock(&self, id: &str) {
        let (tenant, time) = (self.world.tenant(), self.now());
        let group = guid_from("another's group");
        let mut all = policies(&tenant);
        let (place, _) = all.find(|(_, policy)| policy.id == id).expect("a policy");
        let request = anothers(&tenant, place, id, &group, time);
        self.world.service.with_machine(|machine| {
            machine.tenant_mut().approval_requests.push(request);
        });
    }

    /// Rejects what others have filed.
    pub(super) fn reject_anothers(&self) {
        let wall = self.world.wall();
        self.world.service.with_machine(|machine| {
            let requests = machine.tenant().approval_requests.iter();
            let codes = requests.filter(|request| is_anothers(request));
            let codes: Vec<String> = codes.map(|request| request.id.clone()).collect();
            for code in codes {
                machine.decide(&code, Decision::Reject, None, None, wall);
            }
        });
    }

    /// Another's request locks a policy that is to be changed, and is rejected later: until then the policy is pending,
    /// and afterwards it becomes as planned.
    pub(super) async fn another_locks(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        tokio::time::sleep(HOUR * 24 * 4).await;
        let Some((wish, plan)) = self.plan_that_changes().await else {
            return;
        };
        let id = plan.changed().next().expect("a change").id.clone();
        self.lock(&id);
        // Until it is listed.
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.begin_the_last();
        let first = self.world.wire.log().len();
        self.carry_out(&plan, first, End::Own).await;
        let is_pending = |stage: &Self| {
            let report = stage.reports.last().expect("a report");
            let policies = read(&report.text).policies;
            let policy = policies.into_iter().find(|policy| policy.id == id);
            policy.is_some_and(|policy| {
                policy.outcome == Some(Outcome::Pending) && policy.approval.is_none()
            })
        };
        // What is not gated is not locked where the service does not say what requests are for.
        if is_pending(self) {
            self.resume_last().await;
            assert!(
                is_pending(self),
                "{}",
                self.reports.last().expect("it").text
            );
            self.reject_anothers();
            for _ in 0..10 {
                self.resume_last().await;
                tokio::time::sleep(HOUR).await;
                self.approve_all();
            }
            let plan = self.world.plan(&self.wishes[wish]).await;
            assert!(plan.changed().all(|policy| policy.id != id), "{id}");
            self.locked += 1;
        }
        self.calm.store(false, Ordering::Relaxed);
    }

    async fn resume_last(&mut self) {
        let report = self.reports.last().expect("a report").text.clone();
        self.begin_the_last();
        assert!(self.resume_report(&report, End::Own).await);
    }

    /// Makes the plan of the first wish that is not fulfilled.
    async fn plan_that_changes(&mut self) -> Option<(usize, Plan)> {
        self.begin_the_last();
        for wish in 0..self.wishes.len() {
            let plan = self.world.plan(&self.wishes[wish]).await;
            if !plan.is_empty() {
                return Some((wish, plan));
            }
        }
        None
    }
}
