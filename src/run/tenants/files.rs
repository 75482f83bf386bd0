//! The files of several tenants in one folder: `NAME.plan.json` and `NAME.report.jsonl`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::{Digests, Entry, SavedBrief};
use super::shard::Shard;
use crate::manifest::Tenant;
use crate::net::Cloud;
use crate::plan::guards::{self, Guard, GuardName, GuardRules};
use crate::plan::saved::{PlannedTenant, RunRecord, SavedPlan, sha256};
use crate::plan::since::Baseline;
use crate::report::{self, Recorded};
use crate::run::reports::{OF_TENANT, runs_in};
use crate::run::{Failure, inputs, plan};

/// How the name of a tenant's saved plan ends.
const PLAN: &str = ".plan.json";

/// A file of a tenant.
#[derive(Clone, Debug)]
pub struct TenantFile {
    /// The tenant.
    pub tenant: Tenant,
    /// The file.
    pub path: PathBuf,
    /// What it said when the folder was looked through, if it is a plan.
    saved: Option<SavedBrief>,
    /// What the plan says of the guard `tenants`.
    pub guard: Option<Guard>,
    /// The part of the tenants for which its run was, if it was for a part.
    pub shard: Option<Shard>,
    /// The run that saved it, if it is a plan.
    pub run: Option<RunRecord>,
    /// When it was made, if it is a plan.
    pub created_at: String,
}

/// Whether a file is named like the plan or the report of a tenant.
#[must_use]
pub fn is_of_tenant(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    [PLAN, OF_TENANT]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Returns the file of a tenant's plan in a folder.
#[must_use]
pub fn plan_file(folder: &Path, tenant: &str) -> PathBuf {
    folder.join(format!("{tenant}{PLAN}"))
}

/// Returns the tenants of which a folder holds saved plans.
///
/// # Errors
///
/// It cannot be read.
pub fn planned_tenants(folder: &Path) -> io::Result<Vec<String>> {
    let files = files(folder, PLAN)?.into_iter();
    Ok(files.map(|(tenant, _)| tenant).collect())
}

/// Returns the saved plans of a folder that a run would have replaced which ended before it knew its tenants: all but
/// those of its other parts.
#[must_use]
pub fn replaced_plans(folder: &Path, shard: Option<Shard>) -> Vec<PathBuf> {
    let files = files(folder, PLAN).unwrap_or_default().into_iter();
    let plans = files.filter_map(|(_, path)| inputs::is_plan_file(&path).then_some(path));
    let is_beside = |path: &PathBuf| {
        let Some(own) = shard else { return false };
        let saved = inputs::plan(path).ok().and_then(|saved| saved.shard);
        let saved = saved.and_then(Shard::known);
        saved.is_some_and(|saved| saved.of == own.of && saved.index != own.index)
    };
    plans.filter(|path| !is_beside(path)).collect()
}

/// How the name of a file begins which says that there were no tenants to plan for, and how it ends.
const NO_TENANTS: (&str, &str) = ("no-tenants", ".txt");

/// Returns the file which says that a run has saved no plans since it was for no tenants: without it an empty
/// folder is a mistake.
#[must_use]
pub fn no_tenants_file(folder: &Path, shard: Option<Shard>) -> PathBuf {
    let (begin, end) = NO_TENANTS;
    folder.join(match shard {
        Some(Shard { index, of }) => format!("{begin}.{index}-of-{of}{end}"),
        None => format!("{begin}{end}"),
    })
}

/// Returns the files which say that there were no tenants, with the part that each was for.
fn no_tenants_files(folder: &Path) -> io::Result<Vec<(Option<Shard>, PathBuf)>> {
    let (begin, end) = NO_TENANTS;
    let mut found = Vec::new();
    for (name, path) in files(folder, end)? {
        let Some(part) = name.strip_prefix(begin) else {
            continue;
        };
        let shard = part.strip_prefix('.').and_then(|part| {
            let (index, of) = part.split_once("-of-")?;
            Shard::parse(&format!("{index}/{of}"), None).ok()
        });
        if part.is_empty() || shard.is_some() {
            found.push((shard, path));
        }
    }
    Ok(found)
}

/// Removes what earlier runs said of there being no tenants, but for other parts of this run.
///
/// # Errors
///
/// Says why something cannot be removed.
pub fn remove_no_tenants(folder: &Path, shard: Option<Shard>) -> io::Result<()> {
    for (other, path) in no_tenants_files(folder)? {
        let is_beside = match (other, shard) {
            (Some(other), Some(shard)) => other.of == shard.of && other.index != shard.index,
            _ => false,
        };
        if !is_beside {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Whether a path is a folder with saved plans of tenants, or one for which there were none.
#[must_use]
pub fn holds_plans(path: &Path) -> bool {
    no_tenants_files(path).is_ok_and(|files| !files.is_empty())
        || files(path, PLAN).is_ok_and(|files| !files.is_empty())
}

/// Returns the parts of the tenants that the saved plans of a folder are for; none if they are for all of them.
///
/// # Errors
///
/// The folder cannot be read.
pub fn saved_shards(folder: &Path, plans: &[TenantFile]) -> Result<BTreeSet<Shard>, Failure> {
    let empty = no_tenants_files(folder).map_err(|error| unreadable(folder, &error))?;
    let mut shards: BTreeSet<Shard> = plans.iter().filter_map(|plan| plan.shard).collect();
    shards.extend(empty.into_iter().filter_map(|(shard, _)| shard));
    let of: BTreeSet<usize> = shards.iter().map(|shard| shard.of).collect();
    // A plan of a run for all tenants may be that of any shard.
    let is_whole = plans.iter().any(|plan| plan.shard.is_none())
        || (of.len() == 1 && Shard::missing(&shards).is_empty());
    Ok(match is_whole {
        true => BTreeSet::new(),
        false => shards,
    })
}

/// Whether a path is a folder with reports of tenants.
#[must_use]
pub fn holds_reports(path: &Path) -> bool {
    report_files(path).is_ok_and(|files| !files.is_empty())
}

/// Finds the reports of a run: those that are named after their tenants, else those of the last run that is kept in
/// folders of the tenants. One that was refused, or had nothing to do, hides none that wrote.
fn report_files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let files = files(folder, OF_TENANT)?;
    if !files.is_empty() {
        return Ok(files);
    }
    let has_written = |(_, path): &(String, PathBuf)| {
        inputs::report(path).is_ok_and(|recorded| {
            let mut policies = recorded.policies.iter();
            policies.any(|policy| policy.may_be_changed() || policy.may_be_filed())
        })
    };
    let mut runs = runs_in(folder)?;
    let last = runs.iter().position(|run| run.iter().any(has_written));
    Ok(match runs.is_empty() {
        true => Vec::new(),
        false => runs.swap_remove(last.unwrap_or_default()),
    })
}

fn files(folder: &Path, ending: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(tenant) = name.and_then(|name| name.strip_suffix(ending)) {
            files.push((tenant.to_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("`{}` cannot be read: {error}", folder.display());
    Failure::other(message)
}

/// Looks through the saved plans of a folder, and says for which tenants they are; `check` says whether one
/// can be used.
///
/// # Errors
///
/// One is not a plan, or not that of the tenant after which its file is named.
pub fn saved_plans(
    folder: &Path,
    check: impl Fn(&SavedPlan) -> Result<(), Failure>,
) -> Result<Vec<TenantFile>, Failure> {
    let files = files(folder, PLAN).map_err(|error| unreadable(folder, &error))?;
    let mut plans = Vec::with_capacity(files.len());
    let mut ids = BTreeSet::new();
    for (name, path) in files {
        let saved = inputs::plan(&path)?;
        let refused = |why: &str| {
            let message = format!("`{}` {why}; nothing was written", path.display());
            Err(Failure::other(message)
                .hint("make the plans with `plan --out DIR`, and leave their names as they are"))
        };
        let Some(planned) = &saved.tenant else {
            return refused("is not the plan of a tenant that manifests name");
        };
        if planned.name != name {
            return refused(&format!("is the plan of the tenant `{}`", planned.name));
        }
        let Some(tenant_id) = &saved.plan.tenant_id else {
            return refused("does not say to which tenant's id it belongs");
        };
        if !ids.insert(tenant_id.to_lowercase()) {
            return refused("is for a tenant that another plan is for too");
        }
        let Some(tenant) = tenant_of(planned, tenant_id) else {
            return refused("names an unknown cloud");
        };
        check(&saved)?;
        let shard = saved.shard.and_then(Shard::known);
        let mut guards = saved.plan.guards.iter();
        let guard = guards.find(|guard| guard.name == GuardName::Tenants);
        let run = saved.run.as_ref();
        // A shard in which it did not trip says that it would have been accepted.
        let is_allowed = run.is_some_and(|run| {
            run.allow
                .iter()
                .any(|name| name == GuardName::Tenants.name())
        });
        let guard = guard.map(|guard| Guard {
            accepted: guard.accepted || is_allowed,
            ..guard.clone()
        });
        let (plan, digests) = Digests::of(saved.plan, &saved.annotations.names);
        let brief = SavedBrief {
            is_empty: plan.is_empty(),
            digest: saved.digest,
            digests,
        };
        plans.push(TenantFile {
            tenant,
            path,
            saved: Some(brief),
            guard,
            shard,
            run: saved.run,
            created_at: saved.created_at,
        });
    }
    Ok(plans)
}

/// Returns what the guard `tenants` said when plans were saved. Those that it did not judge, and that change
/// something, are judged by today's limit.
#[must_use]
pub(super) fn saved_guards(files: &[TenantFile], rules: &GuardRules) -> Vec<Guard> {
    let guards = files.iter().filter_map(|file| match &file.guard {
        Some(guard) => Some(guard.clone()),
        None if file.saved.as_ref().is_some_and(|saved| saved.is_empty) => None,
        None => rules
            .max_tenants
            .map(|limit| guards::tenants(0, limit, false)),
    });
    guards.collect()
}

/// Returns the saved plans that are not of the run which saved the newest.
#[must_use]
pub fn of_other_runs(files: &[TenantFile]) -> Vec<&TenantFile> {
    let run = |file: &TenantFile| {
        let run = file.run.as_ref()?;
        Some((run.run_id.clone(), run.manifests.clone()))
    };
    let newest = files.iter().max_by_key(|file| &file.created_at).map(run);
    let others = files.iter().filter(|file| Some(run(file)) != newest);
    others.collect()
}

/// Returns the digest of what the runs that saved plans had in common; `None` if that is not known.
#[must_use]
pub fn saved_manifests(files: &[TenantFile]) -> Option<String> {
    let digests: Option<BTreeSet<&str>> = files
        .iter()
        .map(|file| file.run.as_ref()?.manifests.as_deref())
        .collect();
    let digests = digests?;
    match digests.len() {
        0 | 1 => digests.first().map(ToString::to_string),
        _ => Some(sha256(&digests)),
    }
}

/// Returns the tenant that a plan or a report names; `None` if it names an unknown cloud.
#[must_use]
pub(super) fn tenant_of(planned: &PlannedTenant, tenant_id: &str) -> Option<Tenant> {
    let cloud = match &planned.cloud {
        Some(name) => Some(Cloud::from_name(name)?),
        None => None,
    };
    Some(Tenant {
        name: planned.name.clone(),
        tenant_id: tenant_id.to_owned(),
        client_id: planned.client_id.clone(),
        cloud,
        labels: Vec::new(),
        place: None,
    })
}

impl TenantFile {
    /// Begins with the tenant, of which only the file is known yet.
    pub(super) fn entry(&self) -> Entry {
        Entry {
            saved: self.saved.clone(),
            ..Entry::new(self.tenant.clone())
        }
    }

    /// Reads the plan, which was looked at before.
    ///
    /// # Errors
    ///
    /// It is not the same any more.
    pub fn plan(&self) -> Result<SavedPlan, Failure> {
        let saved = inputs::plan(&self.path)?;
        let is_same = saved.tenant.as_ref().map(|tenant| &tenant.name) == Some(&self.tenant.name)
            && Some(&saved.digest) == self.saved.as_ref().map(|brief| &brief.digest);
        if is_same {
            return Ok(saved);
        }
        let message = format!("`{}` was replaced during the run", self.path.display());
        Err(Failure::other(message).hint("nothing was written in this tenant"))
    }

    /// Returns the time after which a report in a folder of its tenant is named, which all those of its run share;
    /// `None` if it is in this folder itself.
    #[must_use]
    pub fn run_below(&self, folder: &Path) -> Option<String> {
        let stem = self
            .path
            .file_stem()
            .filter(|_| self.path.parent() != Some(folder))?;
        Some(stem.to_string_lossy().into_owned())
    }

    /// Reads the report, which was looked at before.
    ///
    /// # Errors
    ///
    /// Says why it cannot be used.
    pub fn report(&self) -> Result<Recorded, Failure> {
        inputs::report(&self.path)
    }
}

/// Looks through the reports of a folder, and says for which tenants they are. Those of runs that ended before
/// they had a plan say nothing of a tenant, and are returned by name.
///
/// # Errors
///
/// There are none, or one is not the report of the tenant after which its file is named.
pub fn reports(folder: &Path) -> Result<(Vec<TenantFile>, Vec<String>), Failure> {
    let files = report_files(folder).map_err(|error| unreadable(folder, &error))?;
    if files.is_empty() {
        let message = format!(
            "`{}` is a folder, not the report of an apply, and holds no reports of tenants",
            folder.display()
        );
        return Err(Failure::usage(message).hint(
            "use a file in it, a folder that `apply --report DIR` wrote, or `.assignctl/reports`",
        ));
    }
    let mut reports = Vec::with_capacity(files.len());
    let mut without = Vec::new();
    for (name, path) in files {
        let recorded = inputs::report(&path)?;
        if !recorded.has_plan() {
            without.push(name);
            continue;
        }
        let tenant = recorded_tenant(&path, &recorded)?;
        let Some(tenant) = tenant.filter(|tenant| tenant.name == name) else {
            let message = format!("`{}` is not the report of that tenant", path.display());
            return Err(Failure::other(message)
                .hint("leave the names of reports as they are; nothing was written"));
        };
        reports.push(TenantFile {
            tenant,
            path,
            saved: None,
            guard: None,
            shard: None,
            run: None,
            created_at: String::new(),
        });
    }
    Ok((reports, without))
}

/// Reads what the last run that was carried out for a tenant left behind. A folder holds `NAME.report.jsonl`, or
/// reports in a folder `NAME`; a path to a file is the report itself. `None` if there is no such run.
///
/// # Errors
///
/// Says why a report is of no use.
pub(super) fn baseline(since: &Path, tenant: &str) -> Result<Option<(PathBuf, Baseline)>, Failure> {
    if since.is_file() {
        return Ok(Some((since.to_owned(), plan::baseline(since)?)));
    }
    let path = since.join(format!("{tenant}{OF_TENANT}"));
    match since.join(tenant) {
        _ if path.is_file() => {
            let recorded = Some(inputs::report(&path)?).filter(Recorded::was_carried_out);
            Ok(recorded.map(|recorded| (path, report::last_known(recorded))))
        }
        folder if folder.is_dir() => inputs::newest_baseline(&folder),
        _ => Ok(None),
    }
}

/// Returns the tenant for which a plan was saved, if manifests named its tenants.
///
/// # Errors
///
/// The plan does not say how to sign in to it.
pub fn saved_tenant(path: &Path, saved: &SavedPlan) -> Result<Option<Tenant>, Failure> {
    named(&saved.tenant, &saved.plan.tenant_id).map_err(|planned| {
        let message = format!(
            "`{}` does not say how to sign in to the tenant `{}`",
            path.display(),
            planned.name
        );
        Failure::other(message).hint("plan again; nothing was written")
    })
}

/// Returns the tenant for which a run was, if manifests named its tenants.
///
/// # Errors
///
/// The report does not say how to sign in to it.
pub fn recorded_tenant(path: &Path, recorded: &Recorded) -> Result<Option<Tenant>, Failure> {
    named(&recorded.tenant, &recorded.tenant_id)
        .map_err(|_| inputs::unusable(path, "it does not say to which tenant it belongs"))
}

/// Returns the tenant that a file names, if it names one. Fails with the name if it is not said how to sign in to it.
fn named<'p>(
    planned: &'p Option<PlannedTenant>,
    tenant_id: &Option<String>,
) -> Result<Option<Tenant>, &'p PlannedTenant> {
    let Some(planned) = planned else {
        return Ok(None);
    };
    let tenant = tenant_id.as_deref().and_then(|id| tenant_of(planned, id));
    tenant.map(Some).ok_or(planned)
}
