//! Runs for several tenants, side by side. Each has its own sign-in, pace, guards, plan, report and exit code;
//! what goes wrong in one stops no other.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use super::files::{TenantFile, baseline, saved_guards};
use super::host::Host;
use super::results::{Drawn, TenantResults};
use super::{planned, rules_of};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::manifest::{Loaded, Tenant};
use crate::plan::guards::GivenLimits;
use crate::render::review::Direction;
use crate::run::apply::{ApplyInput, ApplyOptions, ApplyRun};
use crate::run::earlier_run::EarlierRun;
use crate::run::plan::{self, PlanRequest, Planning, PreparedPlan};
use crate::run::{Failure, reports};

/// Where the plans of tenants come from.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// From manifests.
    Manifests(&'a Loaded, Vec<Tenant>),
    /// From saved plans.
    Saved(Vec<TenantFile>, GivenLimits),
    /// From reports, of what waits for approval.
    Resume(Vec<TenantFile>),
    /// From reports, of what is to be undone.
    Rollback(Vec<TenantFile>),
}

impl Input<'_> {
    /// Returns how many tenants there are.
    fn tenants(&self) -> usize {
        match self {
            Self::Manifests(_, tenants) => tenants.len(),
            Self::Saved(files, _) | Self::Resume(files) | Self::Rollback(files) => files.len(),
        }
    }
}

/// A run for several tenants.
pub struct ManyTenants<'a, H> {
    /// From which side the summary describes changes.
    pub direction: Direction,
    /// Whoever starts it.
    pub host: &'a H,
    /// What kind of plans are made.
    pub request: PlanRequest,
    /// The folder of the reports that say what the last runs left behind, if they are asked.
    pub since: Option<&'a Path>,
    /// How many tenants are processed side by side.
    pub parallel: usize,
    /// Stops all of it.
    pub stop: &'a CancellationToken,
}

/// What is to be carried out in a tenant, and what is wrong or odd.
struct Staged {
    input: ApplyInput,
    drawn: Drawn,
}

impl<H: Host> ManyTenants<'_, H> {
    /// Does the work of tenants, of so many at a time.
    async fn side_by_side<T>(&self, work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let work = futures::stream::iter(work).buffer_unordered(self.parallel.max(1));
        work.collect().await
    }

    /// Plans for all tenants; not if saved plans are not those that were reviewed, which the files say.
    pub(super) async fn reviewed(&self, input: Input<'_>, digest: Option<&str>) -> TenantResults {
        if let (Input::Saved(files, _), Some(digest)) = (&input, digest) {
            let mut unread = TenantResults {
                direction: self.direction,
                entries: files.iter().map(TenantFile::entry).collect(),
                ..TenantResults::default()
            };
            unread.take_over(&saved_guards(files, &self.request.rules));
            if unread.check_digest(digest, true).is_err() {
                unread.sort();
                return unread;
            }
        }
        self.plan(input).await
    }

    /// Plans for all tenants.
    pub async fn plan(&self, input: Input<'_>) -> TenantResults {
        let mut results = TenantResults {
            direction: self.direction,
            ..TenantResults::default()
        };
        self.host.expects(input.tenants());
        let kept = &results;
        let entries = match &input {
            Input::Manifests(loaded, tenants) => {
                let work = tenants.iter().map(|tenant| {
                    let staged = self.planned(loaded, tenant);
                    self.stage(kept, Entry::new(tenant.clone()), staged)
                });
                self.side_by_side(work).await
            }
            Input::Saved(files, given) => {
                // How many tenants change is judged for all of them.
                let given = GivenLimits {
                    tenants: true,
                    ..*given
                };
                let saved = |file: &TenantFile| Ok(EarlierRun::Saved(file.plan()?.into(), given));
                self.of_files(kept, files, saved).await
            }
            Input::Resume(files) => {
                let recorded = |file: &TenantFile| Ok(EarlierRun::Resume(file.report()?.into()));
                self.of_files(kept, files, recorded).await
            }
            Input::Rollback(files) => {
                let recorded = |file: &TenantFile| Ok(EarlierRun::Rollback(file.report()?.into()));
                self.of_files(kept, files, recorded).await
            }
        };
        self.host.all_done();
        results.entries = entries;
        results.refuse_duplicate_tenants();
        results.sort();
        results
    }

    /// Plans for the tenants of files.
    async fn of_files(
        &self,
        results: &TenantResults,
        files: &[TenantFile],
        read: impl Fn(&TenantFile) -> Result<EarlierRun, Failure>,
    ) -> Vec<Entry> {
        let work = files.iter().map(|file| {
            let staged = self.left(file, &read);
            self.stage(results, file.entry(), staged)
        });
        self.side_by_side(work).await
    }

    fn ended(&self, entry: &Entry) {
        self.host
            .ends(&entry.tenant, entry.state(), entry.has_failed());
    }

    /// Waits for a tenant's plan, and keeps what came of it.
    async fn stage(
        &self,
        results: &TenantResults,
        mut entry: Entry,
        staged: impl Future<Output = Result<Staged, Failure>>,
    ) -> Entry {
        if self.stop.is_cancelled() {
            entry.failure = Some(not_started());
            let _ = results.keep_failed(&mut entry, &Drawn::default());
            return entry;
        }
        self.host.begins(&entry.tenant);
        let kept = match staged.await {
            Ok(Staged { mut input, drawn }) => {
                input
                    .plan
                    .tenant
                    .get_or_insert_with(|| planned(&entry.tenant));
                let check = |text: &str| self.host.check_data(text);
                results.keep(&mut entry, input, drawn, (self.request.all, check))
            }
            Err(mut failure) => {
                let found = failure.findings.take();
                let drawn = found.map(|found| self.host.drawn(&found.0, &found.1));
                entry.failure = Some(self.host.masked(failure));
                results.keep_failed(&mut entry, &drawn.unwrap_or_default())
            }
        };
        if let Err(failure) = kept {
            entry.brief = None;
            entry.failure = Some(failure);
        }
        self.ended(&entry);
        entry
    }

    /// Asks of a tenant what is asked of all, and that it is the one which was meant.
    fn request_for(&self, tenant: &Tenant) -> PlanRequest {
        PlanRequest {
            rules: rules_of(&self.request.rules, tenant),
            ..self.request.clone()
        }
    }

    /// Makes the plan of a tenant.
    async fn planned(&self, loaded: &Loaded, tenant: &Tenant) -> Result<Staged, Failure> {
        let Some(own) = loaded.of_tenant(&tenant.name) else {
            return Err(Failure::other("the manifests lack the tenant"));
        };
        // What is odd about the manifests themselves was said once, for all tenants.
        let is_new = |found: &Diagnostic| !own.diagnostics.contains(found);
        let (client, service) = self.host.connect(tenant, self.stop)?;
        let since = self.since.map(|since| baseline(since, &tenant.name));
        let since = since.transpose()?.flatten();
        let report = since.iter().map(|(report, _)| report.clone());
        let mut request = self.request_for(tenant);
        request.who = request.who.map(|who| who.of_tenant(&tenant.name, report));
        if let Some((_, baseline)) = &since {
            request.new_since = Some(baseline.seen.clone());
        }
        let mask = |text: &str| self.host.mask(text).into_owned();
        let (plan, mut annotations, found) = plan::plan(&own, &client, &request, mask, self.stop)
            .await
            .map_err(|mut failure| {
                if let Some(findings) = &mut failure.findings {
                    findings.0.retain(is_new);
                }
                failure
            })?;
        let found: Vec<Diagnostic> = found.into_iter().filter(is_new).collect();
        let mut drawn = self.host.drawn(&found, &own.sources);
        match &since {
            Some((report, baseline)) => {
                let audit = annotations.audit.as_ref();
                annotations.since = Some(plan::explain(&plan, report, baseline, audit)?);
            }
            None if self.since.is_some() => drawn.printed.push_str(
                "no report of an apply that was carried out; everything that differs counts as drift\n",
            ),
            None => {}
        }
        Ok(Staged {
            drawn,
            input: ApplyInput::new(PreparedPlan::new(plan, annotations, &service)),
        })
    }

    /// Makes the plan of what an earlier run has left in a file.
    async fn left(
        &self,
        file: &TenantFile,
        read: impl Fn(&TenantFile) -> Result<EarlierRun, Failure>,
    ) -> Result<Staged, Failure> {
        let earlier = read(file)?;
        let (client, service) = self.host.connect(&file.tenant, self.stop)?;
        let request = match earlier {
            // Whether it is the tenant of the report is all that is asked.
            EarlierRun::Resume(_) => self.request.clone(),
            EarlierRun::Saved(..) | EarlierRun::Rollback(_) => self.request_for(&file.tenant),
        };
        let planning = Planning {
            client: &client,
            service: &service,
            request: &request,
            stop: self.stop,
        };
        let input = earlier.input(planning).await?;
        Ok(Staged {
            drawn: self.host.drawn_saved(&input.plan.plan.diagnostics),
            input,
        })
    }

    /// Carries out the plans of all tenants, and writes their reports. What was refused stays so.
    pub async fn carry_out(&self, results: &mut TenantResults, options: &ApplyOptions) {
        let entries = std::mem::take(&mut results.entries);
        let planned = entries.iter().filter(|entry| entry.brief.is_some());
        self.host.expects(planned.count());
        let began = jiff::Timestamp::now();
        let failed = AtomicBool::new(entries.iter().any(|entry| entry.failure.is_some()));
        let (shared, failed) = (&*results, &failed);
        let work = entries.into_iter().map(|entry| async move {
            let may_start = !(options.fail_fast && failed.load(Ordering::Relaxed));
            let entry = self
                .carry_out_one(shared, entry, options, (began, may_start))
                .await;
            if entry.has_failed() {
                failed.store(true, Ordering::Relaxed);
            }
            entry
        });
        results.entries = self.side_by_side(work).await;
        self.host.all_done();
        results.sort();
    }

    /// Carries a tenant's plan out, and writes its report.
    async fn carry_out_one(
        &self,
        results: &TenantResults,
        mut entry: Entry,
        options: &ApplyOptions,
        (began, may_start): (jiff::Timestamp, bool),
    ) -> Entry {
        let name = entry.tenant.name.clone();
        let folder = options.report.as_deref();
        let input = results.input(&mut entry).unwrap_or_else(|failure| {
            entry.failure = Some(failure);
            None
        });
        let Some(mut input) = input else {
            // A report that is named is written whatever happens.
            if folder.is_some() {
                let written = report_of(folder, began, &name)
                    .and_then(|mut run| run.finish(entry.exit()).map(|_| ()));
                entry.failure = entry.failure.take().or(written.err());
            }
            return entry;
        };
        let refused = entry.failure.take();
        let refused = match refused {
            None if self.stop.is_cancelled() => Some(not_started()),
            None if !may_start => Some(
                Failure::other("not started, since another tenant failed")
                    .hint("nothing was written in this tenant"),
            ),
            refused => refused,
        };
        self.host.begins(&entry.tenant);
        match report_of(folder, began, &name) {
            Err(failure) => entry.failure = Some(failure),
            Ok(mut run) => {
                let ended = self
                    .write(&entry.tenant, &mut input, refused, &mut run, options)
                    .await;
                let exit = match &ended {
                    Ok(exit) => *exit,
                    Err(failure) => failure.exit,
                };
                let finished = run.finish(exit).map(|_| ());
                if let Some(kept) = run.kept() {
                    self.host.kept_report(&kept);
                }
                entry.exits.push(exit);
                let failure = ended.err().or(finished.err());
                entry.failure = failure.map(|failure| self.host.masked(failure));
                let done = (&run.results, run.requests());
                let kept = results.keep_results(&mut entry, &input.plan, done, self.request.all);
                entry.failure = entry.failure.take().or(kept.err());
            }
        }
        self.ended(&entry);
        entry
    }

    async fn write(
        &self,
        tenant: &Tenant,
        input: &mut ApplyInput,
        refused: Option<Failure>,
        run: &mut ApplyRun,
        options: &ApplyOptions,
    ) -> Result<Exit, Failure> {
        if let Some(refused) = refused {
            run.begin(input)?;
            return Err(refused);
        }
        let (client, service) = self.host.connect(tenant, self.stop)?;
        run.connected(&client);
        run.begin(input)?;
        run.check_rights(&input.plan.plan).await?;
        run.check_objects(input, self.stop).await?;
        let settings = options.settings(service.concurrency, input);
        let mask = |message: &str| self.host.mask(message).into_owned();
        let observer = self.host.observer(&tenant.name);
        let exit = run
            .carry_out(input, settings, &*observer, mask, self.stop)
            .await?;
        run.report_failure().map_or(Ok(exit), Err)
    }
}

fn not_started() -> Failure {
    Failure {
        message: "interrupted before it was started".to_owned(),
        ..Failure::interrupted()
    }
}

/// Begins the report of a tenant, in a run that began to carry out its plans at that time.
fn report_of(
    folder: Option<&Path>,
    began: jiff::Timestamp,
    tenant: &str,
) -> Result<ApplyRun, Failure> {
    let path = reports::of_tenant(folder, began, tenant).map_err(|error| {
        Failure::other(format!(
            "the report of the tenant `{tenant}` cannot be written: {error}"
        ))
        .hint("with several tenants `--report` takes a folder; nothing was written to the service")
    })?;
    ApplyRun::new(Some(&path), None)
}
