//! What `tenants merge` reads: the results of one machine each, as `--json-into` has written them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::record::{ErrorRecord, TenantRecord};
use crate::exit::Exit;
use crate::files::{self, LARGEST_PLAN};
use crate::plan::PlanDiagnostic;
use crate::plan::saved::{DiagnosticRecord, ShardRecord};
use crate::run::Failure;

/// The results of one machine.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) started_at: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) manifests: Option<String>,
    pub(super) shard: Option<ShardRecord>,
    #[serde(default)]
    pub(super) shards: Vec<ShardRecord>,
    #[serde(default)]
    pub(super) allow: Vec<String>,
    pub(super) tenants: Option<Vec<TenantRecord<Value>>>,
    #[serde(default)]
    pub(super) guards: Vec<GuardPart>,
}

#[derive(Deserialize)]
pub(super) struct GuardPart {
    pub(super) name: String,
    pub(super) limit: String,
    pub(super) tripped: bool,
    pub(super) accepted: bool,
}

/// What is known of a part without its plans.
#[derive(Deserialize)]
struct Head {
    command: Option<String>,
    tenants: Option<Vec<TenantHead>>,
    /// Of a run that failed as a whole.
    #[serde(default)]
    diagnostics: Vec<DiagnosticRecord>,
    error: Option<ErrorRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantHead {
    exit_code: u8,
}

impl Head {
    fn command(&self) -> Option<&'static str> {
        let mut known = ["apply", "drift", "plan", "rollback"].into_iter();
        known.find(|known| self.command.as_deref() == Some(known))
    }
}

/// Finds out which command's results a folder holds, of those that failed too; `None` if none says it.
#[must_use]
pub fn merged_command(folder: &Path) -> Option<&'static str> {
    let paths = results_in(folder).ok()?;
    let heads = paths.iter().filter_map(|path| read::<Head>(path).ok());
    heads.filter_map(|head| head.command()).next()
}

/// Looks through the results in a folder, and gives what runs that failed as a whole have found to `tell`. Returns the
/// command that ran, and how the runs for all of the tenants ended.
///
/// # Errors
///
/// There are none, those of several commands, or a run failed. The worst of all exit codes is returned.
pub(super) fn look(
    folder: &Path,
    tell: impl Fn(&[PlanDiagnostic]),
) -> Result<(&'static str, Vec<Exit>), Failure> {
    let mut failed = FailedParts::default();
    let (mut commands, mut exits) = (BTreeSet::new(), Vec::new());
    let mut found: Vec<PlanDiagnostic> = Vec::new();
    for path in results_in(folder)? {
        let head: Head = match read(&path) {
            Ok(head) => head,
            Err(failure) => {
                exits.push(failure.exit);
                failed.unusable.push(failure.message);
                continue;
            }
        };
        let exit = |code: u8| Exit::from_code(code).unwrap_or(Exit::Failure);
        match (head.command(), &head.tenants) {
            (Some(command), Some(tenants)) => {
                commands.insert(command);
                exits.extend(tenants.iter().map(|tenant| exit(tenant.exit_code)));
            }
            _ => {
                let code = head.error.as_ref().and_then(|error| error.exit_code);
                exits.push(code.map_or(Exit::Failure, exit));
                for diagnostic in head.diagnostics.iter().map(DiagnosticRecord::read) {
                    // What is wrong with the manifests is found by every machine.
                    if !found.contains(&diagnostic) {
                        found.push(diagnostic);
                    }
                }
                failed.add(path, head.error);
            }
        }
    }
    tell(&found);
    if let Some(failure) = failed.failure(&exits) {
        return Err(failure);
    }
    let mut commands = commands.into_iter();
    match (commands.next(), commands.next()) {
        (Some(command), None) => Ok((command, exits)),
        (first, _) => {
            let message = match first {
                None => format!(
                    "`{}` holds no results of runs for tenants",
                    folder.display()
                ),
                Some(_) => format!("`{}` holds results of several commands", folder.display()),
            };
            Err(Failure::other(message).hint(
                "use a folder with what the shards wrote with `--json-into DIR/N.json`, and nothing else",
            ))
        }
    }
}

/// The parts of which there are no results.
#[derive(Default)]
struct FailedParts {
    /// Why files cannot be used.
    unusable: Vec<String>,
    /// Why runs failed, with the files that say so; `None` if they say nothing.
    errors: BTreeMap<Option<String>, Vec<PathBuf>>,
    hint: Option<String>,
}

impl FailedParts {
    fn add(&mut self, path: PathBuf, error: Option<ErrorRecord>) {
        let (message, hint) = error.map(|error| (error.message, error.hint)).unzip();
        self.hint = self.hint.take().or(hint.flatten());
        self.errors.entry(message).or_default().push(path);
    }

    fn failure(self, exits: &[Exit]) -> Option<Failure> {
        let errors = self.errors.into_iter().map(|(message, paths)| {
            let paths = paths.iter().map(|path| format!("`{}`", path.display()));
            let paths: Vec<String> = paths.collect();
            let shown = paths.join(", ");
            match (message, paths.len()) {
                (Some(message), 1) => format!("the run that wrote {shown} failed: {message}"),
                (Some(message), _) => format!("the runs that wrote {shown} failed: {message}"),
                (None, 1) => format!("{shown} is not the result of a run for tenants"),
                (None, _) => format!("{shown} are not results of runs for tenants"),
            }
        });
        let messages: Vec<String> = errors.chain(self.unusable).collect();
        if messages.is_empty() {
            return None;
        }
        let exit = Exit::most_severe(exits.iter().copied());
        let hint = self.hint.map(|hint| hint + "; ").unwrap_or_default();
        let again = match exit {
            Exit::InvalidManifests => {
                "no plan is complete; correct the manifests and run all shards again"
            }
            _ => "what came of its tenants is not known; run that shard again",
        };
        Some(Failure::new(exit, messages.join("; ")).hint(format!("{hint}{again}")))
    }
}

/// Returns the files of a folder that are taken for results.
///
/// # Errors
///
/// It cannot be read.
pub fn results_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        let message = format!("`{}` cannot be read: {error}", folder.display());
        Failure::other(message)
            .hint("use a folder with what the shards wrote with `--json-into DIR/N.json`")
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".json") && !name.ends_with(".plan.json") && !name.starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads what is asked for of a file.
///
/// # Errors
///
/// It is not the result of a run.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text =
        files::read_text(path, LARGEST_PLAN).map_err(|error| unusable(path, &error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unusable(path, &error.to_string()))
}

pub(super) fn unusable(path: &Path, reason: &str) -> Failure {
    let message = format!("`{}` cannot be used: {reason}", path.display());
    Failure::other(message).hint("run that shard again")
}
