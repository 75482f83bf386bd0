//! `apply`: carries a plan out, and keeps its report from the first line to the last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::connect::ServiceSettings;
use super::plan::{PlanRequest, PreparedPlan};
use super::reports::{self, default_report};
use super::reviewed::{check_digest, check_tenant};
use super::{Failure, members, unless_stopped};
use crate::apply::staleness::{added_objects, moved, without_objects};
use crate::apply::{self, ObserveApply, Settings};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::observe::RequestCounts;
use crate::graph::permissions::missing_to_write;
use crate::model::PolicyKind;
use crate::plan::guards::{GivenLimits, GuardName};
use crate::plan::saved::{SavedPlan, digest_without_acceptances};
use crate::plan::{Names, Plan, PlanDiagnostic, PlannedPolicy, Summary};
use crate::report::{Moved, PendingApproval, Report, Results, Settled};

/// What is to be carried out.
#[derive(Debug)]
pub struct ApplyInput {
    /// The plan.
    pub plan: PreparedPlan,
    /// Whether it was approved before: it was saved.
    pub approved: bool,
    /// Policies that are not part of the plan, and why.
    pub skipped: Vec<(PlannedPolicy, Settled)>,
    /// The writes that were filed for approval, by the policy's kind and id.
    pub filed: BTreeMap<(PolicyKind, String), PendingApproval>,
    /// Policies that are not as they were when the plan was saved. If there are any, nothing is
    /// carried out.
    pub stale: Vec<Moved>,
}

/// What is to be carried out, without the plan.
#[derive(Debug)]
pub struct ApplyInputRest {
    /// See [`ApplyInput::approved`].
    pub approved: bool,
    skipped: Vec<(PlannedPolicy, Settled)>,
    filed: BTreeMap<(PolicyKind, String), PendingApproval>,
    stale: Vec<Moved>,
}

impl ApplyInputRest {
    /// Adds the plan.
    #[must_use]
    pub fn join(self, plan: PreparedPlan) -> ApplyInput {
        let Self {
            approved,
            skipped,
            filed,
            stale,
        } = self;
        ApplyInput {
            plan,
            approved,
            skipped,
            filed,
            stale,
        }
    }
}

impl ApplyInput {
    /// Takes the plan out.
    #[must_use]
    pub fn split(self) -> (PreparedPlan, ApplyInputRest) {
        let Self {
            plan,
            approved,
            skipped,
            filed,
            stale,
        } = self;
        let rest = ApplyInputRest {
            approved,
            skipped,
            filed,
            stale,
        };
        (plan, rest)
    }

    /// Refuses a saved plan some of whose policies have moved.
    ///
    /// # Errors
    ///
    /// Names them.
    pub fn check_moved(&self) -> Result<(), Failure> {
        match self.stale.is_empty() {
            true => Ok(()),
            false => Err(self.moved()),
        }
    }

    /// Takes a plan that was just made.
    #[must_use]
    pub fn new(plan: PreparedPlan) -> Self {
        Self {
            plan,
            approved: false,
            skipped: Vec::new(),
            filed: BTreeMap::new(),
            stale: Vec::new(),
        }
    }

    /// Takes a saved plan, if it is for this tenant, and looks whether it still fits.
    ///
    /// # Errors
    ///
    /// The plan is for another tenant, or the tenant cannot be read.
    pub async fn saved(
        saved: SavedPlan,
        client: &Arc<Client>,
        service: &ServiceSettings,
        request: &PlanRequest<'_>,
        given: GivenLimits,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let reader = Reader::new(Arc::clone(client));
        let SavedPlan {
            plan,
            mut annotations,
            summary,
            created_at,
            digest,
            format_version: _,
            tenant,
        } = saved;
        unless_stopped(stop, async {
            let tenant_id = reader.tenant_id().await?;
            check_tenant("plan", plan.tenant_id.as_deref(), tenant_id.as_deref())?;
            let write_with = request.write_with.unwrap_or(plan.write_with);
            let plan = plan.written_with(write_with);
            let mut judges = plan.guards.iter().map(|guard| guard.name);
            // The digest does not cover what the file says of members.
            let exact = judges.any(|name| name == GuardName::Reach)
                || request.rules.max_members_lost.is_some();
            members::recount(&plan, &mut annotations, &reader, request.members, exact).await?;
            let plan = plan.judged_again(&annotations, request.rules, given);
            let stale = moved(&plan, &reader, plan.write_with).await?;
            name_moved(&mut annotations.names, &stale, &reader).await;
            let mut prepared = PreparedPlan::new(plan, annotations, service);
            // What was counted when the plan was made; the file holds only what changes.
            prepared.summary = Summary {
                writes: prepared.summary.writes,
                time: prepared.summary.time,
                ..summary
            };
            prepared.created_at = created_at;
            // What is accepted now changes nothing about the file.
            prepared.digest = digest;
            prepared.tenant = tenant;
            Ok(Self {
                approved: true,
                stale,
                ..Self::new(prepared)
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
        let expected = expected_digest.filter(|_| !self.approved);
        expected.is_some_and(|digest| {
            digest == digest_without_acceptances(&self.plan.plan, &self.plan.annotations.names)
        })
    }

    fn moved(&self) -> Failure {
        let changed = self.plan.plan.changed().enumerate();
        let names: Vec<String> = changed
            .filter_map(|(index, policy)| {
                let found = self.stale.iter().find(|moved| moved.index == index)?;
                let how = if found.live.is_none() {
                    " (deleted)"
                } else {
                    ""
                };
                Some(format!("{}{how}", policy.reference()))
            })
            .collect();
        Failure::new(
            Exit::StalePlan,
            format!(
                "the live state has changed since the plan was made: {}",
                names.join(", ")
            ),
        )
        .hint("nothing was written; plan again")
    }
}

/// One run, with what has to be written down however it ends.
pub struct ApplyRun {
    report: Mutex<Report>,
    path: PathBuf,
    /// Whether the user named the report's file. It is written whatever happens then.
    is_named: bool,
    started: bool,
    client: Option<Arc<Client>>,
    /// What became of the policies.
    pub results: Results,
    start: Instant,
}

impl ApplyRun {
    /// Begins a run, whose report will be this file; without one, a file named after the time.
    ///
    /// # Errors
    ///
    /// Says why the file cannot be written.
    pub fn new(report: Option<&Path>) -> Result<Self, Failure> {
        let start = Instant::now();
        let path = match report {
            Some(path) => path.to_owned(),
            None => default_report(jiff::Timestamp::now()),
        };
        let created = Report::create(&path).map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("the report `{}` cannot be written: {error}", path.display()),
            )
            .hint("name another file with `--report`; nothing was written to the service")
        })?;
        Ok(Self {
            report: Mutex::new(created),
            path,
            is_named: report.is_some(),
            started: false,
            client: None,
            results: Results::default(),
            start,
        })
    }

    /// Takes the client that the run's requests are counted by.
    pub fn connected(&mut self, client: &Arc<Client>) {
        self.client = Some(Arc::clone(client));
    }

    /// Says whether what is carried out from now on takes back what this run has done.
    pub fn restores(&self, restores: bool) {
        self.report().restores(restores);
    }

    /// Writes down what is to be carried out, and what is not.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub fn begin(&mut self, input: &ApplyInput) -> Result<(), Failure> {
        self.start(Some(&input.plan))?;
        let plan = &input.plan.plan;
        if !input.stale.is_empty() {
            self.results = apply::not_started(plan, input.stale.clone());
        }
        self.results.skipped.clone_from(&input.skipped);
        let names = &input.plan.annotations.names;
        let mut report = self.report();
        for (policy, settled) in self.results.all(plan) {
            report
                .policy(policy, settled, names)
                .map_err(report_failed)?;
        }
        // Whatever becomes of this run, its report resumes as well as the one that it came from.
        for policy in plan.changed() {
            if let Some(filed) = input.filed.get(&(policy.kind, policy.id.clone())) {
                report.filed(policy, names, filed).map_err(report_failed)?;
            }
        }
        Ok(())
    }

    /// Looks up again what the plan adds. Returns warnings of what was renamed.
    ///
    /// # Errors
    ///
    /// A group or filter does not exist any more, or cannot be looked up.
    pub async fn check_objects(
        &mut self,
        input: &ApplyInput,
        stop: &CancellationToken,
    ) -> Result<Vec<PlanDiagnostic>, Failure> {
        let plan = &input.plan.plan;
        let names = &input.plan.annotations.names;
        let Some(client) = &self.client else {
            return Ok(Vec::new());
        };
        let reader = Reader::new(Arc::clone(client));
        let objects = unless_stopped(stop, async {
            Ok(added_objects(plan, names, &reader).await?)
        })
        .await?;
        if objects.gone.is_empty() {
            return Ok(objects.renamed);
        }
        self.results.settled = without_objects(plan, names, &objects.gone);
        let mut report = self.report();
        for (policy, settled) in plan.changed().zip(&self.results.settled) {
            report
                .policy(policy, settled, names)
                .map_err(report_failed)?;
        }
        Err(Failure::new(
            Exit::StalePlan,
            format!(
                "the plan assigns what no longer exists: {}",
                objects.gone.describe(names)
            ),
        )
        .hint("nothing was written; fix the manifests and plan again"))
    }

    /// Refuses to write with a token that says that it may only read. What a token does not say is the
    /// service's decision.
    ///
    /// # Errors
    ///
    /// Names the permissions that are missing.
    pub async fn check_rights(&self, plan: &Plan) -> Result<(), Failure> {
        let claims = match &self.client {
            Some(client) => client.claims().await?,
            None => None,
        };
        let Some(claims) = claims.filter(|claims| !claims.permissions.is_empty()) else {
            return Ok(());
        };
        let kinds = plan.changed().map(|policy| policy.kind);
        let missing = missing_to_write(kinds, &claims.permissions);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        Err(Failure::new(
            Exit::Refused,
            format!(
                "this sign-in may not write: it lacks {}; nothing was written",
                names.join(", ")
            ),
        )
        .hint(match claims.is_person() {
            true => "sign in with `assignctl login --for apply`; `assignctl whoami` shows what is granted",
            false => "grant it to the app registration as an application permission, with admin consent; `assignctl whoami` shows what is granted",
        }))
    }

    /// Carries the plan out. What the results say of it is without secrets, which `mask` takes out.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub async fn carry_out(
        &mut self,
        input: &ApplyInput,
        settings: Settings,
        observer: &dyn ObserveApply,
        mask: impl Fn(&str) -> String,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let plan = &input.plan.plan;
        let Some(client) = &self.client else {
            return Err(Failure::new(Exit::Failure, "there is no client"));
        };
        if !plan.is_empty() {
            self.ignore_folder()?;
            self.report().begin().map_err(report_failed)?;
        }
        let skipped = std::mem::take(&mut self.results.skipped);
        let names = &input.plan.annotations.names;
        self.results =
            apply::run(plan, names, client, &self.report, settings, stop, observer).await;
        self.results.skipped = skipped;
        for settled in &mut self.results.settled {
            if let Some(reason) = &mut settled.reason {
                reason.message = mask(&reason.message);
            }
        }
        Ok(exit_of(&self.results))
    }

    /// Returns what went over the wire so far.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        let client = self.client.as_ref();
        client.map(|client| client.counts()).unwrap_or_default()
    }

    /// Writes the report's last line, and returns its file. A run that ended before it had a plan has
    /// a report only if the user named one.
    ///
    /// # Errors
    ///
    /// Says why the report could not be written.
    pub fn finish(&mut self, exit: Exit) -> Result<Option<&Path>, Failure> {
        if !self.started && !self.is_named {
            reports::remove_empty_folders();
            return Ok(None);
        }
        self.start(None)?;
        self.ignore_folder()?;
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report()
            .end(exit.code(), &self.results, self.requests(), elapsed)
            .map_err(report_failed)?;
        if !self.is_named {
            reports::delete_old();
        }
        Ok(Some(&self.path))
    }

    /// Makes git ignore the folder of reports that the user did not name.
    fn ignore_folder(&self) -> Result<(), Failure> {
        if self.is_named {
            return Ok(());
        }
        reports::ignore_folder().map_err(report_failed)
    }

    /// Returns where an earlier report of that name was kept, if it records writes.
    #[must_use]
    pub fn kept(&self) -> Option<PathBuf> {
        self.report().kept().map(Path::to_owned)
    }

    fn start(&mut self, plan: Option<&PreparedPlan>) -> Result<(), Failure> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        if let Some(tenant) = plan.and_then(|prepared| prepared.tenant.clone()) {
            self.report().of_tenant(tenant);
        }
        let client = self.client.as_ref();
        let graph_url = match plan {
            Some(prepared) => prepared.plan.graph_url.as_str(),
            None => client.map_or("", |client| client.address().as_str()),
        };
        self.report()
            .start(
                plan.map(|prepared| (&prepared.plan, prepared.digest.as_str())),
                graph_url,
            )
            .map_err(report_failed)
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

fn report_failed(error: std::io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("the report could not be written: {error}"),
    )
}

fn exit_of(results: &Results) -> Exit {
    let mut exits = Vec::new();
    if results.interrupted {
        exits.push(Exit::Interrupted);
    }
    if results.report_failure.is_some() {
        exits.push(Exit::Failure);
    }
    if results.is_refusal() {
        exits.push(Exit::Refused);
    } else if !results.is_good_or_pending() {
        exits.push(Exit::Partial);
    } else if !results.is_good() {
        exits.push(Exit::Pending);
    }
    Exit::first(exits)
}
