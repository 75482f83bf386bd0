//! The plans and reports that a run is given, and what other files are that are given instead.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::reviewed::Origin;
use super::{CONFIGURATION_FILE, Failure};
use crate::diagnostic::Diagnostic;
use crate::files::{self, LARGEST_PLAN, LARGEST_REPORT, encoding};
use crate::manifest::Loaded;
use crate::plan::saved::{PlanRecord, SavedPlan, SavedPlanError};
use crate::plan::since::Baseline;
use crate::report::{self, Recorded};
use crate::text::shell_word;

/// What a file is that this program reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A manifest.
    Manifest,
    /// `assignctl.yaml`.
    Configuration,
    /// What `plan --out` writes.
    Plan,
    /// What `apply --report` writes.
    Report,
    /// What `--sandbox` and `export --snapshot` write.
    Tenant,
}

/// The keys that distinguish JSON files.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    format_version: Option<IgnoredAny>,
    event: Option<IgnoredAny>,
    digest: Option<IgnoredAny>,
    policies: Option<IgnoredAny>,
    configuration_policies: Option<IgnoredAny>,
    compliance_policies: Option<IgnoredAny>,
    assignment_filters: Option<IgnoredAny>,
    groups: Option<IgnoredAny>,
}

impl FileKind {
    /// Looks what a file is; `None` if it is none of these, or cannot be read.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        // Not of a pipe, which could be read only once, and may never have an end.
        let bytes = path
            .is_file()
            .then(|| files::read(path, LARGEST_REPORT).ok());
        let bytes = encoding::to_utf8(bytes.flatten()?).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        if !text.trim_start().starts_with('{') {
            return Self::of_yaml(path, text);
        }
        let first = text.trim_start().lines().next().unwrap_or_default();
        let keys: Keys = serde_json::from_str(text)
            .or_else(|_| serde_json::from_str(first))
            .ok()?;
        let policies = keys.configuration_policies.or(keys.compliance_policies);
        let tenant = policies.or(keys.assignment_filters).or(keys.groups);
        if keys.event.is_some() && keys.format_version.is_some() {
            return Some(Self::Report);
        }
        let is_planned = keys.digest.or(keys.format_version).is_some();
        match keys.policies.is_some() && is_planned {
            true => Some(Self::Plan),
            false => tenant.map(|_| Self::Tenant),
        }
    }

    fn of_yaml(path: &Path, text: &str) -> Option<Self> {
        if path
            .file_name()
            .is_some_and(|name| name == CONFIGURATION_FILE)
        {
            return Some(Self::Configuration);
        }
        let is_key = |line: &str| {
            let key = line.split_once(':').map(|(key, _)| key);
            matches!(key, Some("policies" | "targets"))
        };
        text.lines().any(is_key).then_some(Self::Manifest)
    }

    fn about(self) -> &'static str {
        match self {
            Self::Manifest => "a manifest",
            Self::Configuration => "the configuration",
            Self::Plan => "a saved plan",
            Self::Report => "the report of an apply",
            Self::Tenant => "a sandbox's tenant",
        }
    }

    /// Says what can be done with such a file.
    fn hint(self, path: &str) -> String {
        let path = shell_word(path);
        match self {
            Self::Manifest => format!("plan it with `assignctl plan {path}`"),
            Self::Configuration => format!("it is read by itself, or with `--config {path}`"),
            Self::Plan => format!(
                "show it with `assignctl show {path}`, apply it with `assignctl apply {path}`"
            ),
            Self::Report => format!(
                "show it with `assignctl show {path}`, undo that apply with `assignctl rollback {path}`"
            ),
            Self::Tenant => format!("use it with `--sandbox {path}`"),
        }
    }
}

/// Says that a file is of another kind than the command takes, if it is. `expected` is what it takes, in
/// words.
#[must_use]
pub fn other_kind(path: &Path, takes: &[FileKind], expected: &str) -> Option<Failure> {
    let shown = path.display().to_string();
    if path.is_dir() {
        return (!takes.contains(&FileKind::Manifest)).then(|| {
            Failure::usage(format!("`{shown}` is a folder, not {expected}"))
                .hint("use a file in it")
        });
    }
    let kind = FileKind::of(path).filter(|kind| !takes.contains(kind))?;
    Some(
        Failure::usage(format!("`{shown}` is {}, not {expected}", kind.about()))
            .hint(kind.hint(&shown)),
    )
}

/// Says that what was named as manifests is something else, if they have errors and it is.
#[must_use]
pub fn other_than_manifests(paths: &[PathBuf], loaded: &Loaded) -> Option<Failure> {
    if !loaded.diagnostics.iter().any(Diagnostic::is_error) {
        return None;
    }
    let kind = |path: &PathBuf| other_kind(path, &[FileKind::Manifest], "a manifest");
    paths.iter().find_map(kind)
}

/// Reads a plan file that is to be carried out.
///
/// # Errors
///
/// Says why it cannot be.
pub fn plan(path: &Path) -> Result<SavedPlan, Failure> {
    PlanRecord::read(&plan_text(path)?).map_err(|error| {
        let takes = [FileKind::Plan, FileKind::Manifest];
        not_a_plan(path, error, &takes, "a manifest or a saved plan")
    })
}

/// Says why a file is not a plan, and what it is instead.
fn not_a_plan(path: &Path, error: SavedPlanError, takes: &[FileKind], expected: &str) -> Failure {
    let other = match error {
        SavedPlanError::NotAPlan(_) => other_kind(path, takes, expected),
        _ => None,
    };
    let failure = || {
        let failure = Failure::from(error);
        let message = format!("`{}`: {}", path.display(), failure.message);
        Failure { message, ..failure }
    };
    other.unwrap_or_else(failure)
}

/// Reads a plan file that is to be shown, with what is wrong with it.
///
/// # Errors
///
/// Says why there is nothing to show.
pub fn plan_to_show(path: &Path) -> Result<(SavedPlan, Option<Failure>), Failure> {
    let (saved, doubt) = PlanRecord::look(&plan_text(path)?).map_err(|error| {
        let takes = [FileKind::Plan, FileKind::Report];
        not_a_plan(path, error, &takes, "a saved plan or a report")
    })?;
    Ok((saved, doubt.map(Failure::from)))
}

/// Whether a file begins like a report, whose first line is its `start`.
#[must_use]
pub fn is_report(path: &Path) -> bool {
    let start = start(path).unwrap_or_default();
    let start = String::from_utf8_lossy(&start);
    start.contains("\"event\"") && !start.contains("\"createdAt\"")
}

/// Returns the beginning of a file as UTF-8. Not all of it: it may be anything, and of any size.
fn start(path: &Path) -> Option<Vec<u8>> {
    if !path.is_file() {
        return None;
    }
    let mut start = Vec::new();
    let file = File::open(path).ok()?;
    file.take(4096).read_to_end(&mut start).ok()?;
    Some(encoding::to_utf8(start).unwrap_or_else(|error| error.shown.into_bytes()))
}

fn plan_text(path: &Path) -> Result<String, Failure> {
    files::read_text(path, LARGEST_PLAN).map_err(|error| {
        let takes = [FileKind::Plan, FileKind::Report];
        other_kind(path, &takes, "a saved plan or a report").unwrap_or_else(|| {
            Failure::other(format!("`{}` cannot be read: {error}", path.display()))
                .hint("use a file that `plan --out` or `apply --report` wrote")
        })
    })
}

/// Reads the report of an earlier run.
///
/// # Errors
///
/// Says why it cannot be used.
pub fn report(path: &Path) -> Result<Recorded, Failure> {
    let read = || -> Result<Recorded, Box<dyn Error>> {
        let bytes = files::read(path, LARGEST_REPORT)?;
        Ok(report::read(&encoding::to_utf8(bytes)?)?)
    };
    read().map_err(|error| {
        other_kind(path, &[FileKind::Report], "the report of an apply")
            .unwrap_or_else(|| unusable(path, &error.to_string()))
    })
}

/// Returns the ids of all requests that wrote, by the reports that are known. Other files, and reports that
/// cannot be read, are passed over: they only keep an own write from being recognised.
#[must_use]
pub fn own_writes(paths: &[PathBuf]) -> BTreeSet<String> {
    let files = paths.iter().flat_map(|path| {
        let listed = std::fs::read_dir(path).into_iter().flatten();
        let listed = listed.filter_map(|entry| Some(entry.ok()?.path()));
        std::iter::once(path.clone()).chain(listed)
    });
    files
        .filter(|path| path.is_file())
        .filter_map(|path| report(&path).ok())
        .flat_map(|recorded| recorded.client_request_ids)
        .collect()
}

/// Reads what the runs that were carried out left behind by the reports in a folder, and which of them is
/// the newest, by the names, which are times unless `--report` named another. A run that looked only at some
/// policies, such as a resume or a rollback, is completed by those before it. Other files, and reports that
/// cannot be read, are passed over.
///
/// # Errors
///
/// Says why the folder cannot be read.
pub fn newest_baseline(folder: &Path) -> Result<Option<(PathBuf, Baseline)>, Failure> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = listed
        .map_err(|error| unusable(folder, &error.to_string()))?
        .iter()
        .map(std::fs::DirEntry::path)
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let carried_out = paths
        .into_iter()
        .rev()
        .filter_map(|path| Some((report(&path).ok()?, path)))
        .filter(|(recorded, _)| recorded.was_carried_out());
    let mut newest: Option<(PathBuf, Baseline)> = None;
    for (recorded, path) in carried_out {
        let is_whole = recorded.unmanaged.is_some() && !recorded.partial;
        let baseline = report::last_known(recorded);
        let origin = Origin::new(&baseline.tenant_id, &baseline.graph_url);
        match &mut newest {
            None => newest = Some((path, baseline)),
            Some((_, known)) if Origin::new(&known.tenant_id, &known.graph_url).is(origin) => {
                known.complete(baseline);
            }
            Some(_) => continue,
        }
        if is_whole {
            break;
        }
    }
    Ok(newest)
}

/// Says that a report is of no use, and why.
pub(super) fn unusable(report: &Path, reason: &str) -> Failure {
    Failure::other(format!("`{}` cannot be used: {reason}", report.display()))
        .hint("use a file that `apply --report` wrote")
}

/// Whether a path is a saved plan rather than a manifest: a file that is named or begins like
/// JSON.
#[must_use]
pub fn is_plan_file(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => start(path).is_some_and(|start| start.trim_ascii_start().starts_with(b"{")),
    }
}
