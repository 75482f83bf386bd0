//! `plan` and `drift`: read, compare, show. There is no writer in this module.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::approval::check_tenant;
use super::arguments::Plan as PlanArguments;
use super::config::Config;
use super::connection::connect;
use super::failure::Failure;
use super::options::{Common, Planning, View};
use super::output::Output;
use super::settings::{self, ServiceSettings};
use super::{clock, interrupt, reports, runtime};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::pace::Limit;
use crate::manifest::{self, Loaded};
use crate::plan::guards::GuardRules;
use crate::plan::needs::needs;
use crate::plan::saved::{PlanRecord, digest_of};
use crate::plan::since::Baseline;
use crate::plan::{self, Plan, PlanDiagnostic, PlanInputs, Rate, Selection, Summary};
use crate::render::json;
use crate::render::review::{PlanView, Review};
use crate::render::text::{self, Detail};
use crate::report;

pub(super) fn run(
    command: &PlanArguments,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let inputs = settings::inputs(&command.paths, common, Some(&config));
    let mut inputs = inputs;
    inputs.extend(command.since.clone());
    output.keep_inputs(&[("--out", command.out.as_deref())], &inputs)?;
    let loaded = load(&command.paths, &config, output)?;
    let baseline = command.since.as_deref().map(baseline).transpose()?;
    let service = settings::service(&common.service, &config)?;
    let rules = settings::guards(&command.guards, &config)?;
    runtime()?.block_on(async {
        let stop = interrupt::watch();
        let client = connect(&service, output, &stop)?;
        let mut plan = make(
            &loaded,
            &client,
            &Request {
                planning: &command.planning,
                selection: &command.selecting.selection(),
                rules: &rules,
                all: command.view.all,
            },
            output,
            &stop,
        )
        .await?;
        if let (Some(report), Some(baseline)) = (&command.since, &baseline) {
            explain(&mut plan, report, baseline)?;
        }
        let shown = Shown::new(plan, &service);
        let all = command.view.all;
        let json = LazyCell::new(|| json::plan(shown.record(all)));
        // Before anything is written.
        output.check_json(|| &*json)?;
        match &command.out {
            // A saved plan has what changes only.
            Some(path) if all => output.save_plan(path, &json::plan(shown.record(false)))?,
            Some(path) => output.save_plan(path, &json)?,
            None => {}
        }
        let findings = output.findings();
        output.tell(
            &Review {
                plan: Some(shown.view(&command.view)),
                ..output.review(&findings)
            },
            || shown.text(&command.view),
            || &*json,
        )?;
        let mut exits = Vec::new();
        if let Some(refused) = Failure::refused(&shown.plan, "") {
            output.failure(&refused);
            exits.push(refused.exit);
        }
        if command.detailed_exitcode && !shown.plan.is_empty() {
            exits.push(Exit::ChangesPending);
        }
        Ok(Exit::first(exits))
    })
}

/// Reads what a report says that its run left behind.
fn baseline(report: &Path) -> Result<Baseline, Failure> {
    let recorded = reports::read(report)?;
    if !recorded.has_plan() {
        return Err(
            reports::unusable(report, "its run ended before it had a plan").hint(
                "name what `apply --report` wrote of the last run that was carried out, or leave `--since` out",
            ),
        );
    }
    Ok(report::last_known(recorded))
}

/// Tells drift from manifests that were not applied.
fn explain(plan: &mut Plan, report: &Path, baseline: &Baseline) -> Result<(), Failure> {
    let signed_in = plan.tenant_id.as_deref();
    check_tenant("report", baseline.tenant_id.as_deref(), signed_in)?;
    plan.explain(&report.display().to_string(), baseline);
    Ok(())
}

/// Reads the manifests; errors in them end the run.
pub(super) fn load(named: &[PathBuf], config: &Config, output: &Output) -> Result<Loaded, Failure> {
    let paths = settings::manifests(named, config)?;
    let loaded = manifest::load(&paths);
    if loaded.diagnostics.iter().any(Diagnostic::is_error) {
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        return Err(Failure::said(Exit::InvalidManifests));
    }
    Ok(loaded)
}

/// What kind of a plan is asked for.
pub(super) struct Request<'a> {
    pub(super) planning: &'a Planning,
    pub(super) selection: &'a Selection,
    pub(super) rules: &'a GuardRules,
    /// Whether the names in unchanged policies are looked up too.
    pub(super) all: bool,
}

/// Reads the tenant and compares.
pub(super) async fn make(
    loaded: &Loaded,
    client: &Arc<Client>,
    request: &Request<'_>,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Plan, Failure> {
    let Request {
        planning,
        selection,
        rules,
        all,
    } = *request;
    let reader = Reader::new(Arc::clone(client));
    let work = async {
        let tenant_id = reader.tenant_id().await?;
        let live = reader.tenant(&needs(&loaded.manifest)).await?;
        let inputs = PlanInputs {
            tenant_id,
            graph_url: reader.graph_url(),
            write_with: planning.write_with.unwrap_or_default(),
            rules,
            strict: planning.strict,
            selection,
        };
        let (plan, mut diagnostics) = plan::make(&loaded.manifest, &loaded.sources, &live, &inputs);
        diagnostics.splice(0..0, loaded.diagnostics.iter().cloned());
        output.diagnostics(&diagnostics, &loaded.sources);
        let mut plan = plan.ok_or_else(|| Failure::said(Exit::InvalidManifests))?;
        // With those that were found before the tenant was asked.
        plan.diagnostics = diagnostics
            .iter()
            .map(|found| PlanDiagnostic::new(&output.without_secrets(found), &loaded.sources))
            .collect();
        let groups = plan.unnamed_groups(all);
        let filters = plan.has_unnamed_filters(all);
        let (groups, filters) = reader.names(&groups, filters).await?;
        plan.add_names(groups, filters);
        Ok::<_, Failure>(plan)
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Failure::interrupted()),
        plan = work => plan,
    }
}

/// A plan with all that is needed to show it.
pub(super) struct Shown {
    pub(super) plan: Plan,
    pub(super) summary: Summary,
    pub(super) digest: String,
    pub(super) created_at: String,
    pub(super) time: Duration,
}

impl Shown {
    pub(super) fn new(plan: Plan, service: &ServiceSettings) -> Self {
        let rate = |limit: Limit| Rate {
            count: limit.count,
            window: limit.window,
        };
        let mut summary = plan.summary();
        summary.time = plan::estimate(&summary, rate(service.writes), rate(service.requests));
        let created_at = clock::now();
        let digest = digest_of(&plan);
        Self {
            time: summary.time,
            plan,
            summary,
            digest,
            created_at,
        }
    }

    pub(super) fn record(&self, all: bool) -> PlanRecord<'_> {
        PlanRecord::new(
            &self.plan,
            &self.summary,
            &self.digest,
            &self.created_at,
            all,
        )
    }

    pub(super) fn view(&self, view: &View) -> PlanView<'_> {
        PlanView {
            plan: &self.plan,
            summary: &self.summary,
            digest: &self.digest,
            all: view.all,
            brief: view.summary,
        }
    }

    pub(super) fn text(&self, view: &View) -> String {
        text::plan(
            &self.plan,
            &self.summary,
            &self.digest,
            self.time,
            Detail {
                all: view.all,
                diff: view.diff,
                summary: view.summary,
            },
        )
    }
}
