//! `plan` and `drift`: read, compare. There is no writer in this module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::approvals;
use super::connect::ServiceSettings;
use super::members::{self, MembersRequest};
use super::reviewed::{Origin, check_tenant};
use super::who::{self, Who};
use super::{Failure, clock, inputs, manifests, unavailable, unless_stopped};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::observe::RequestCounts;
use crate::manifest::Loaded;
use crate::model::PolicyKind;
use crate::plan::audit::Audit;
use crate::plan::guards::GuardRules;
use crate::plan::lints;
use crate::plan::needs::needs;
use crate::plan::saved::{PlanRecord, PlannedTenant, SavedPlan, SharedNamesRecord, digest_of};
use crate::plan::since::{Baseline, Seen, Since};
use crate::plan::writes::WriteWith;
use crate::plan::{
    self, Annotations, Draft, Plan, PlanDiagnostic, PlanInputs, PlannedPolicy, Selection, Summary,
};
use crate::render::json::{ResultsRecord, WithResults};
use crate::render::review::{Detail, PlanView};
use crate::render::text;
use crate::report::{self, Results};

/// Reads manifests for whichever tenant is signed in to.
///
/// # Errors
///
/// All that is wrong with them; or they are for several tenants.
pub fn load(paths: &[PathBuf], configuration: Option<&Path>) -> Result<Loaded, Failure> {
    let loaded = load_any(paths, configuration)?;
    if loaded.tenants.is_empty() {
        return Ok(loaded);
    }
    let names: Vec<&str> = loaded.tenants.iter().map(|tenant| &*tenant.name).collect();
    Err(Failure::usage(format!(
        "the manifests are for the tenants {}, and this command takes those for one",
        names.join(", ")
    ))
    .hint("write one tenant's with `assignctl tenants show NAME`, and name that file"))
}

/// Reads manifests, in a run with a configuration or without one; errors in them end the run.
///
/// # Errors
///
/// All that is wrong with them, for any tenant.
pub fn load_any(paths: &[PathBuf], configuration: Option<&Path>) -> Result<Loaded, Failure> {
    let loaded = manifests::load(paths, configuration);
    if let Some(other) = inputs::other_than_manifests(paths, &loaded) {
        return Err(other);
    }
    if loaded.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Failure::invalid(loaded.diagnostics, &loaded.sources));
    }
    Ok(loaded)
}

/// What kind of plan is asked for.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// How to write, if that was said.
    pub write_with: Option<WriteWith>,
    /// Whether a `match` that selects nothing is an error.
    pub strict: bool,
    /// Which of the managed policies are looked at.
    pub selection: Selection,
    /// The limits of the guards.
    pub rules: GuardRules,
    /// Whether the names in unchanged policies are looked up too.
    pub all: bool,
    /// Which unmanaged policies were there when a report was written, if those that are new are named.
    pub new_since: Option<Seen>,
    /// Whether the unmanaged policies are named that are assigned to everyone.
    pub broad: bool,
    /// Whether and how members are counted, and which warnings are given of targets.
    pub members: MembersRequest,
    /// Whether it is asked who changed what differs.
    pub who: Option<Who>,
    /// Whether open requests for approval are looked up.
    pub approvals: bool,
}

/// What plans are made with.
#[derive(Clone, Copy)]
pub struct Planning<'a> {
    /// Talks to the service.
    pub client: &'a Arc<Client>,
    /// How the service is talked to.
    pub service: &'a ServiceSettings,
    /// What kind of plan is asked for.
    pub request: &'a PlanRequest,
    /// Stops it.
    pub stop: &'a CancellationToken,
}

/// Reads the tenant and compares. Returns the plan with all that was found to be wrong or odd; `mask`
/// takes secrets out of what the plan keeps of it.
///
/// # Errors
///
/// The manifests are wrong or the tenant cannot be read; what was found until then comes with it.
pub async fn plan(
    loaded: &Loaded,
    client: &Arc<Client>,
    request: &PlanRequest,
    mask: impl Fn(&str) -> String,
    stop: &CancellationToken,
) -> Result<(Plan, Annotations, Vec<Diagnostic>), Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        let mut needs = needs(&loaded.manifest);
        needs.spare = left_out(&needs.kinds, &request.selection.kinds);
        let (live, manifest, unread) =
            unavailable::read(&reader, &needs, loaded, request.strict).await?;
        let inputs = PlanInputs {
            tenant_id,
            graph_url: reader.graph_url(),
            write_with: request.write_with.unwrap_or_default(),
            strict: request.strict,
            selection: &request.selection,
        };
        let (draft, mut diagnostics) = plan::make(&manifest, &loaded.sources, &live, &inputs);
        let before = loaded.diagnostics.iter().cloned().chain(unread);
        diagnostics.splice(0..0, before);
        let Some(mut draft) = draft else {
            return Err(Failure::invalid(diagnostics, &loaded.sources));
        };
        if request.new_since.is_some() || request.broad {
            draft.name_unmanaged(request.new_since.as_ref(), request.broad);
        }
        let looked_up = async {
            add_names(&mut draft, &reader, request, &needs.group_names).await?;
            let mut found = members::count(
                &mut draft,
                &reader,
                &request.members,
                &request.rules,
                request.strict,
            )
            .await?;
            if let Some(who) = &request.who {
                found.extend(who::tell(&mut draft, &reader, who).await?);
            }
            if request.approvals {
                found.extend(approvals::add_open(&mut draft, client).await);
            }
            Ok::<_, Failure>(found)
        };
        match looked_up.await {
            Ok(found) => diagnostics.extend(found),
            Err(failure) => {
                return Err(failure.with_findings(diagnostics, loaded.sources.clone()));
            }
        }
        diagnostics.retain(|found| !request.members.off.contains(found.code));
        if request.strict {
            lints::be_strict(&mut diagnostics);
        }
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(Failure::invalid(diagnostics, &loaded.sources));
        }
        let masked = diagnostics
            .iter()
            .map(|found| PlanDiagnostic::new(&found.masked(&mask), &loaded.sources));
        draft.contents.diagnostics = masked.collect();
        let (plan, annotations) = draft.finish(&request.rules);
        Ok((plan, annotations, diagnostics))
    })
    .await
}

/// Returns the kinds that `--kind` leaves out.
pub(super) fn left_out(kinds: &BTreeSet<PolicyKind>, asked: &[PolicyKind]) -> BTreeSet<PolicyKind> {
    let all = kinds.iter().copied();
    all.filter(|kind| !asked.is_empty() && !asked.contains(kind))
        .collect()
}

/// Looks up what groups and filters are called that only the tenant names, which other groups are called the
/// same, and what else changes with policy sets. Groups have been looked up by the names in `by_name`.
pub(super) async fn add_names(
    draft: &mut Draft,
    reader: &Reader,
    request: &PlanRequest,
    by_name: &BTreeSet<String>,
) -> Result<(), Failure> {
    // Warnings of unchanged policies name their groups.
    let all = request.all || request.members.lint_all;
    let asked = draft.unnamed_groups(all);
    let reads_filters = draft.has_unnamed_filters(all);
    let (groups, filters) = reader.names(&asked, reads_filters).await?;
    let found: BTreeSet<&String> = groups.iter().map(|group| &group.id).collect();
    let missing = asked.iter().filter(|id| !found.contains(id));
    let deleted = reader.deleted_groups(&missing.cloned().collect()).await?;
    draft.add_names(asked, groups, filters);
    if reads_filters {
        draft.add_missing_filters(all);
    }
    draft.add_deleted_groups(deleted);
    let by_name: BTreeSet<String> = by_name.iter().map(|name| name.to_lowercase()).collect();
    let mut names = draft.group_names(all);
    names.retain(|name| !by_name.contains(&name.to_lowercase()));
    let namesakes = reader.groups(&names, &BTreeSet::new()).await?;
    draft.add_names(BTreeSet::new(), namesakes, Vec::new());
    let sets = draft.changed_sets();
    let members = reader.set_members(&sets).await?;
    for ((kind, id), members) in sets.iter().zip(members) {
        draft.annotations.set_members.add(*kind, id, members);
    }
    Ok(())
}

/// Reads what a report says that its run left behind.
///
/// # Errors
///
/// Says why the report is of no use.
pub fn baseline(path: &Path) -> Result<Baseline, Failure> {
    let recorded = inputs::report(path)?;
    if !recorded.has_plan() {
        return Err(
            inputs::unusable(path, "its run ended before it had a plan").hint(
                "use the report of the last apply that was carried out, or leave out `--since`",
            ),
        );
    }
    Ok(report::last_known(recorded))
}

/// Reads the baseline of a report, or of the newest ones in a folder that were carried out; `None` if a folder
/// holds none, or is missing and may be.
///
/// # Errors
///
/// Says why the report or the folder is of no use.
pub fn newest_baseline(
    since: &Path,
    missing_allowed: bool,
) -> Result<Option<(PathBuf, Baseline)>, Failure> {
    if since.is_dir() {
        return inputs::newest_baseline(since);
    }
    if missing_allowed && !since.exists() {
        return Ok(None);
    }
    Ok(Some((since.to_owned(), baseline(since)?)))
}

/// Separates drift from manifests that were not applied.
///
/// # Errors
///
/// The report is for another tenant.
pub fn explain(
    plan: &Plan,
    report: &Path,
    baseline: &Baseline,
    audit: Option<&Audit>,
) -> Result<Since, Failure> {
    let here = Origin::new(&plan.tenant_id, &plan.graph_url);
    let of_report = Origin::new(&baseline.tenant_id, &baseline.graph_url);
    check_tenant("report", of_report, here)?;
    let report = report.display().to_string();
    let is_later = |policy: &PlannedPolicy| {
        audit.is_some_and(|audit| audit.shows_a_later_run(policy, baseline))
    };
    Ok(Since::explain(plan, &report, baseline, is_later))
}

/// A plan with all that is needed to show, save and carry it out.
#[derive(Debug)]
pub struct PreparedPlan {
    /// The plan.
    pub plan: Plan,
    /// What is shown beside it.
    pub annotations: Annotations,
    /// Its counts.
    pub summary: Summary,
    /// Its digest.
    pub digest: String,
    /// When it was made.
    pub created_at: String,
    /// The tenant that it is for, if manifests name their tenants.
    pub tenant: Option<PlannedTenant>,
}

/// Counts, and estimates how long the writes take at the service's limits.
pub(super) fn summary(plan: &Plan, service: &ServiceSettings) -> Summary {
    let mut summary = plan.summary();
    summary.time = plan::estimate(&summary, service.writes, service.requests);
    summary
}

impl PreparedPlan {
    /// Takes a plan that was just made.
    #[must_use]
    pub fn new(plan: Plan, annotations: Annotations, service: &ServiceSettings) -> Self {
        Self {
            summary: summary(&plan, service),
            digest: digest_of(&plan, &annotations.names),
            created_at: clock::now(),
            tenant: None,
            plan,
            annotations,
        }
    }

    /// Takes a plan that was written down.
    #[must_use]
    pub fn again(saved: SavedPlan) -> Self {
        let SavedPlan {
            plan,
            annotations,
            summary,
            digest,
            created_at,
            format_version: _,
            tenant,
            shard: _,
            run: _,
        } = saved;
        Self {
            plan,
            annotations,
            summary,
            digest,
            created_at,
            tenant,
        }
    }

    /// Returns which names are shared in the changed policies.
    #[must_use]
    pub fn shared_names(&self) -> SharedNamesRecord {
        SharedNamesRecord::of(&self.plan, &self.annotations.names, false)
    }

    /// Returns the plan as it is stored; `all` adds the unchanged policies.
    #[must_use]
    pub fn record(&self, all: bool) -> PlanRecord<'_> {
        PlanRecord::new(
            &self.plan,
            &self.annotations,
            &self.summary,
            &self.digest,
            &self.created_at,
            all,
        )
        .of_tenant(self.tenant.as_ref())
    }

    /// Returns the same with what became of it, in so many requests.
    #[must_use]
    pub fn with_results<'a>(
        &'a self,
        all: bool,
        (results, requests): (&'a Results, RequestCounts),
        exit: Exit,
    ) -> WithResults<'a> {
        let names = &self.annotations.names;
        let results = ResultsRecord::new(&self.plan, names, results, requests, exit.code());
        WithResults {
            plan: self.record(all),
            results: Some(results),
            error: None,
        }
    }

    /// Returns the plan as reviews show it.
    #[must_use]
    pub fn view<'a>(&'a self, detail: Detail<'a>) -> PlanView<'a> {
        PlanView {
            plan: &self.plan,
            annotations: &self.annotations,
            summary: &self.summary,
            digest: &self.digest,
            tenant: self.tenant.as_ref().map(|tenant| tenant.name.as_str()),
            detail,
        }
    }

    /// Draws the plan as text.
    #[must_use]
    pub fn text(&self, detail: Detail<'_>) -> String {
        text::plan(&self.view(detail))
    }
}
