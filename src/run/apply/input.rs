//! What is to be carried out, from manifests, a saved plan, or a report.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use crate::apply::filed::was_not_reached;
use crate::apply::staleness::{Compared, compare, renamed_policies, unread, without_target};
use crate::exit::Exit;
use crate::graph::{GraphError, Reader};
use crate::model::{Assignment, Assignments, PolicyKind, assignments, same_assignments};
use crate::plan::guards::{GivenLimits, GuardName};
use crate::plan::references::References;
use crate::plan::saved::{SavedPlan, digest_without_acceptances};
use crate::plan::writes::{WriteWith, steps};
use crate::plan::{Earlier, Names, Plan, PlannedPolicy, Summary};
use crate::report::{
    Announced, FilingAttempt, Moved, Notes, PendingApproval, PolicyResult, Report,
};
use crate::run::plan::{Planning, PreparedPlan, summary};
use crate::run::reviewed::{Origin, check_digest, check_tenant, check_write_with};
use crate::run::{Failure, members, unless_stopped};

/// What is to be carried out.
#[derive(Debug)]
pub struct ApplyInput {
    /// The plan.
    pub plan: PreparedPlan,
    /// What is known beside it.
    pub context: ApplyContext,
}

/// What is known beside a plan that is to be carried out.
#[derive(Debug, Default)]
pub struct ApplyContext {
    /// Whether it was approved before: it was saved.
    pub approved: bool,
    /// Policies that are not part of the plan, and why.
    pub skipped: Vec<(PlannedPolicy, PolicyResult)>,
    /// How many policies are already as they were before the run that is undone.
    pub as_before: usize,
    /// The writes that were filed for approval, by the policy's kind and id.
    pub filed: BTreeMap<(PolicyKind, String), PendingApproval>,
    /// The writes that may have been filed; they are among those that are not part of the plan.
    pub unknown: Vec<(PlannedPolicy, FilingAttempt)>,
    /// Policies of the plan that wait and have no request of their own, by kind and id.
    pub unfiled: BTreeMap<(PolicyKind, String), Unfiled>,
    /// Whether the plan is what an earlier run has left waiting: each of its policies is looked at by itself.
    pub resumes: bool,
    /// Policies that are not as they were when the plan was saved. If there are any, nothing is
    /// carried out.
    pub stale: Vec<Moved>,
    /// The live assignments of policies of a saved plan that stand between two of its steps, by their number among
    /// the changed ones.
    pub half_done: BTreeMap<usize, Assignments>,
    /// Policies of the plan that are not written, by their number among the changed ones, and what becomes of them.
    pub set_aside: BTreeMap<usize, PolicyResult>,
    /// What is to be said of policies that end as planned.
    pub notes: Notes,
    /// How an earlier run has left the plan's policies, while the plan is kept in the form of a saved one, which does
    /// not say it.
    pub(in crate::run) earlier: BTreeMap<(PolicyKind, String), Earlier>,
}

/// A policy that an earlier run could not file a change of.
#[derive(Debug)]
pub struct Unfiled {
    /// What was sent last that may have been filed.
    pub filing: Option<FilingAttempt>,
    /// What that run said of it.
    pub settled: PolicyResult,
}

impl ApplyContext {
    /// Adds the plan.
    #[must_use]
    pub fn join(mut self, mut plan: PreparedPlan) -> ApplyInput {
        plan.plan = plan.plan.with_earlier(std::mem::take(&mut self.earlier));
        ApplyInput {
            plan,
            context: self,
        }
    }
}

impl ApplyInput {
    /// Takes the plan out.
    #[must_use]
    pub fn split(mut self) -> (PreparedPlan, ApplyContext) {
        let policies = self.plan.plan.policies.iter();
        let earlier = policies.filter_map(|policy| Some((key(policy), policy.earlier.clone()?)));
        self.context.earlier = earlier.collect();
        (self.plan, self.context)
    }

    /// Takes over what an earlier run has filed, or could not file: whatever becomes of this run, its report resumes
    /// as well as the one that it came from.
    ///
    /// # Errors
    ///
    /// Says why a line could not be written.
    pub fn take_over(&self, report: &mut Report) -> io::Result<()> {
        let names = &self.plan.annotations.names;
        for policy in self.plan.plan.changed() {
            if let Some(filed) = self.context.filed.get(&key(policy)) {
                report.filed(policy, names, Announced::Approved(filed))?;
            }
        }
        for (policy, filing) in &self.context.unknown {
            report.filed(policy, names, Announced::Filing(filing))?;
        }
        for policy in self.plan.plan.changed() {
            let Some(unfiled) = self.context.unfiled.get(&key(policy)) else {
                continue;
            };
            if let Some(filing) = &unfiled.filing {
                report.filed(policy, names, Announced::Filing(filing))?;
            }
            report.policy(policy, &unfiled.settled, names)?;
        }
        Ok(())
    }

    /// Returns how a policy stands that this run did not come to: as the earlier run left it.
    pub fn not_reached(
        &self,
        policy: &PlannedPolicy,
        settled: &PolicyResult,
    ) -> Option<PolicyResult> {
        // What was filed in the meantime stays filed.
        let is_unfiled = settled.approval.is_none();
        let reason = settled.reason.as_ref().filter(|_| is_unfiled)?;
        let unfiled = self.context.unfiled.get(&key(policy))?;
        was_not_reached(settled.outcome, reason).then(|| unfiled.settled.clone())
    }

    /// Sets aside, in a resume, the policies that would get a group or filter that no longer exists, unless they are as
    /// planned already, and those that cannot be read. The plan stays as it was shown; they are not written.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from being read.
    pub async fn set_aside(
        &mut self,
        gone: &References,
        reader: &Reader,
    ) -> Result<(), GraphError> {
        let names = &self.plan.annotations.names;
        let lost = |policy: &PlannedPolicy| References::added_to(policy, names).in_common(gone);
        let changed = self.plan.plan.changed().enumerate();
        let affected = changed.filter(|(_, policy)| !lost(policy).is_empty());
        let affected: Vec<(usize, &PlannedPolicy)> = affected.collect();
        let keys = affected.iter().map(|(_, policy)| key(policy));
        let live = reader.assignments_of(&keys.collect::<Vec<_>>()).await?;
        for ((index, policy), live) in affected.into_iter().zip(live) {
            let filed = self.context.filed.get(&key(policy));
            let settled = match live {
                // What is as planned, or was deleted, is found to be so.
                Ok(None) => continue,
                Ok(Some(live)) if same_assignments(&policy.after, &assignments(&live)) => continue,
                Ok(Some(live)) => {
                    let lost = lost(policy).describe(names);
                    without_target(&lost, filed, is_begun(policy, &assignments(&live)))
                }
                Err(error) => unread(&error, filed),
            };
            self.context.filed.remove(&key(policy));
            self.context.set_aside.insert(index, settled);
        }
        Ok(())
    }

    /// Returns the policies that were set aside, and what becomes of them.
    pub fn those_set_aside(&self) -> impl Iterator<Item = (&PlannedPolicy, &PolicyResult)> {
        let changed = self.plan.plan.changed().enumerate();
        changed.filter_map(|(index, policy)| Some((policy, self.context.set_aside.get(&index)?)))
    }

    /// Returns what of the plan is left to be carried out, if that is not all of it.
    pub fn rest(&self) -> Option<Plan> {
        let plan = &self.plan.plan;
        let ApplyContext {
            half_done,
            set_aside,
            ..
        } = &self.context;
        if !half_done.is_empty() {
            return Some(plan.going_on_from(half_done));
        }
        // A policy without an open request is finished; others need not wait for it.
        let ended = self.those_set_aside();
        let ended = ended.filter(|(_, settled)| settled.approval.is_none());
        let ended = ended.map(|(policy, _)| key(policy)).collect();
        let not_written = set_aside.keys().copied().collect();
        (!set_aside.is_empty()).then(|| plan.without(&not_written, &ended))
    }

    /// Refuses a saved plan some of whose policies have moved.
    ///
    /// # Errors
    ///
    /// Names them.
    pub fn check_moved(&self) -> Result<(), Failure> {
        let stale = &self.context.stale;
        if stale.is_empty() {
            return Ok(());
        }
        let changed = self.plan.plan.changed().enumerate();
        let names: Vec<String> = changed
            .filter_map(|(index, policy)| {
                let found = stale.iter().find(|moved| moved.index == index)?;
                let how = found.live.as_ref().map_or(" (deleted)", |_| "");
                Some(format!("{}{how}", policy.reference()))
            })
            .collect();
        Err(Failure::new(
            Exit::StalePlan,
            format!(
                "the live state has changed since the plan was made: {}",
                names.join(", ")
            ),
        )
        .hint("nothing was written; plan again"))
    }

    /// Takes a plan that was just made.
    #[must_use]
    pub fn new(plan: PreparedPlan) -> Self {
        Self {
            plan,
            context: ApplyContext::default(),
        }
    }

    /// Takes a saved plan, if it is for this tenant, and looks whether it still fits.
    ///
    /// # Errors
    ///
    /// The plan is for another tenant or another way of writing, or the tenant cannot be read.
    pub async fn saved(
        saved: SavedPlan,
        given: GivenLimits,
        planning: Planning<'_>,
    ) -> Result<Self, Failure> {
        let (client, service) = (planning.client, planning.service);
        let (request, stop) = (planning.request, planning.stop);
        check_write_with(saved.plan.write_with, request.write_with)?;
        let reader = Reader::new(Arc::clone(client));
        let mut prepared = PreparedPlan::again(saved);
        unless_stopped(stop, async {
            let tenant_id = reader.tenant_id().await?;
            let here = Origin::new(&tenant_id, reader.graph_url());
            let plan = &prepared.plan;
            let of_plan = Origin::new(&plan.tenant_id, &plan.graph_url);
            check_tenant("plan", of_plan, here)?;
            let mut judges = plan.guards.iter().map(|guard| guard.name);
            // The digest does not cover what the file says of members.
            let exact = judges.any(|name| name == GuardName::Reach)
                || request.rules.max_members_lost.is_some();
            let annotations = &mut prepared.annotations;
            members::recount(plan, annotations, &reader, &request.members, exact).await?;
            let Compared {
                moved: stale,
                half_done,
            } = compare(plan, &reader, plan.write_with).await?;
            let renamed = renamed_policies(plan.changed(), &reader).await;
            let warnings = plan.half_done(&half_done).into_iter().chain(renamed);
            // What is accepted now changes nothing about the file, and so not its digest.
            prepared.plan =
                prepared
                    .plan
                    .judged_again(annotations, &request.rules, given, warnings);
            name_moved(&mut annotations.names, &stale, &reader).await;
            // What was counted when the plan was made; the file holds only what changes.
            prepared.summary = Summary {
                policies_read: prepared.summary.policies_read,
                managed: prepared.summary.managed,
                unchanged: prepared.summary.unchanged,
                unmanaged: prepared.summary.unmanaged,
                ..summary(&prepared.plan, service)
            };
            Ok(Self {
                plan: prepared,
                context: ApplyContext {
                    approved: true,
                    stale,
                    half_done,
                    ..ApplyContext::default()
                },
            })
        })
        .await
    }

    /// Refuses a plan that must not be carried out: a stale one, one that is not the reviewed one, or
    /// one that a guard refuses. What this run accepts is known to whoever starts it, unless that is
    /// a pipeline, which reads it from where it may have been added after the review.
    ///
    /// # Errors
    ///
    /// Says why.
    pub fn check(&self, expected_digest: Option<&str>, is_pipeline: bool) -> Result<(), Failure> {
        self.check_moved()?;
        if is_pipeline || !self.is_reviewed_but_for_acceptances(expected_digest) {
            check_digest(&self.plan.digest, expected_digest)?;
        }
        Failure::refused(self.plan.plan.refusing(), "; nothing was written").map_or(Ok(()), Err)
    }

    /// Whether a plan that was just made is the reviewed one, and this run accepts guards that the
    /// review did not. A file's acceptances are part of what is reviewed: anyone may have added them.
    fn is_reviewed_but_for_acceptances(&self, expected_digest: Option<&str>) -> bool {
        let expected = expected_digest.filter(|_| !self.context.approved);
        expected.is_some_and(|digest| {
            digest == digest_without_acceptances(&self.plan.plan, &self.plan.annotations.names)
        })
    }
}

fn key(policy: &PlannedPolicy) -> (PolicyKind, String) {
    (policy.kind, policy.id.clone())
}

/// Whether an earlier run has done some of the writes to a policy.
fn is_begun(policy: &PlannedPolicy, live: &[Assignment]) -> bool {
    let steps = WriteWith::ALL
        .into_iter()
        .flat_map(|way| steps(policy, way));
    let mut states = steps.map(|step| step.after);
    !same_assignments(&policy.before, live) && states.any(|after| same_assignments(&after, live))
}

/// Looks up what the groups and filters are called that policies got since the plan was saved. Without
/// names their ids are shown.
async fn name_moved(names: &mut Names, stale: &[Moved], reader: &Reader) {
    let live = stale.iter().flat_map(|moved| moved.live.iter().flatten());
    let (mut groups, mut filters) = (BTreeSet::new(), false);
    for assignment in live {
        let group = assignment.key.target.group_id();
        let unnamed = group.filter(|id| names.group(id).is_none());
        groups.extend(unnamed.map(str::to_owned));
        let filter = assignment.filter.as_ref();
        filters |= filter.is_some_and(|filter| names.filter(&filter.id).is_none());
    }
    if let Ok((groups, filters)) = reader.names(&groups, filters).await {
        for group in groups {
            names.add_group(group.id, group.name);
        }
        for filter in filters {
            names.add_filter(filter.id, filter.name);
        }
    }
}
