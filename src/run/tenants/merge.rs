//! `tenants merge`: the results of several machines, joined as if one had done all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::entry::Entry;
use super::results::{Drawn, TenantResults};
use crate::exit::Exit;
use crate::files::{self, LARGEST_PLAN};
use crate::manifest::Tenant;
use crate::plan::PlanDiagnostic;
use crate::plan::guards::{Guard, GuardName, GuardRules, Observation};
use crate::plan::saved::DiagnosticRecord;
use crate::render::review::Direction;
use crate::run::Failure;

/// The results of one machine.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    command: Option<String>,
    shard: Option<ShardRecord>,
    tenants: Option<Vec<TenantPart>>,
    #[serde(default)]
    guards: Vec<GuardPart>,
    error: Option<ErrorPart>,
}

#[derive(Clone, Copy, Deserialize)]
struct ShardRecord {
    index: usize,
    of: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantPart {
    name: String,
    tenant_id: String,
    exit_code: u8,
    plan: Option<Value>,
    #[serde(default)]
    diagnostics: Vec<FoundPart>,
    error: Option<ErrorPart>,
}

#[derive(Deserialize)]
struct FoundPart {
    #[serde(flatten)]
    diagnostic: DiagnosticRecord,
    text: Option<String>,
}

#[derive(Deserialize)]
struct GuardPart {
    name: String,
    limit: String,
    tripped: bool,
    accepted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorPart {
    exit_code: Option<u8>,
    message: String,
    hint: Option<String>,
}

/// What came of a run on several machines.
#[derive(Debug)]
pub struct MergedResults {
    /// The command that ran.
    pub command: &'static str,
    /// The tenants.
    pub results: TenantResults,
}

/// Finds out which command's results a folder holds.
///
/// # Errors
///
/// It holds none, or those of several commands.
pub fn merged_command(folder: &Path) -> Result<&'static str, Failure> {
    let mut found = BTreeSet::new();
    for path in results(folder)? {
        let part = read(&path)?;
        found.insert(command(&path, &part)?);
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(command), None) => Ok(command),
        (first, _) => Err(Failure::usage(match first {
            None => format!("`{}` holds no results of runs for tenants", folder.display()),
            Some(_) => format!("`{}` holds results of several commands", folder.display()),
        })
        .hint("name a folder with what the shards wrote with `--json-into DIR/N.json`, and nothing else")),
    }
}

fn command(path: &Path, part: &Part) -> Result<&'static str, Failure> {
    let known = ["apply", "drift", "plan", "rollback"].into_iter();
    let mut known = known.filter(|known| part.command.as_deref() == Some(known));
    match (known.next(), &part.tenants) {
        (Some(known), Some(_)) => Ok(known),
        _ => Err(not_a_part(path, part)),
    }
}

fn not_a_part(path: &Path, part: &Part) -> Failure {
    let path = path.display();
    let message = match &part.error {
        Some(error) => format!("the run that wrote `{path}` failed: {}", error.message),
        None => format!("`{path}` is not the result of a run for tenants"),
    };
    let exit = part.error.as_ref().and_then(|error| error.exit_code);
    let exit = exit.and_then(Exit::from_code).unwrap_or(Exit::Failure);
    Failure::new(exit, message).hint("what came of its tenants is not known; run that shard again")
}

fn results(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        let message = format!("`{}` cannot be read: {error}", folder.display());
        Failure::new(Exit::Failure, message)
            .hint("name a folder with what the shards wrote with `--json-into DIR/N.json`")
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

fn read(path: &Path) -> Result<Part, Failure> {
    let unusable = |reason: String| {
        let message = format!("`{}` cannot be used: {reason}", path.display());
        Failure::new(Exit::Failure, message)
    };
    let text = files::read_text(path, LARGEST_PLAN).map_err(|error| unusable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
}

/// Joins the results in a folder; `drawn` draws what was found.
///
/// # Errors
///
/// A result is missing or cannot be used: what came of all tenants is not known then.
pub fn merge(
    folder: &Path,
    drawn: impl Fn(&[PlanDiagnostic]) -> Drawn,
) -> Result<MergedResults, Failure> {
    let command = merged_command(folder)?;
    let mut merged = MergedResults {
        command,
        results: TenantResults {
            direction: match command {
                "drift" => Direction::Drift,
                _ => Direction::Plan,
            },
            ..TenantResults::default()
        },
    };
    let mut shards: BTreeMap<usize, PathBuf> = BTreeMap::new();
    let mut tenants = BTreeSet::new();
    let (mut of, mut guards) = (None, Vec::new());
    for path in results(folder)? {
        let part = read(&path)?;
        let twice = |what: String| {
            let message = format!("`{}` holds {what} once more", path.display());
            Err(Failure::new(Exit::Failure, message)
                .hint("a folder holds the results of one run, each shard once"))
        };
        if let Some(ShardRecord { index, of: number }) = part.shard
            && (*of.get_or_insert(number) != number || shards.insert(index, path.clone()).is_some())
        {
            return twice(format!("the results of the shard {index}/{number}"));
        }
        for tenant in part.tenants.unwrap_or_default() {
            if !tenants.insert(tenant.name.clone()) {
                return twice(format!("the tenant `{}`", tenant.name));
            }
            adopt(&mut merged.results, tenant, &drawn)?;
        }
        guards.extend(part.guards.into_iter().filter_map(guard));
    }
    let missing: Vec<String> = (1..=of.unwrap_or_default())
        .filter(|index| !shards.contains_key(index))
        .map(|index| index.to_string())
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "`{}` lacks the results of {} of {} shards: {}",
            folder.display(),
            missing.len(),
            of.unwrap_or_default(),
            missing.join(", ")
        );
        return Err(Failure::new(Exit::Failure, message)
            .hint("what came of their tenants is not known; run these shards again"));
    }
    // A shard sees its own tenants only.
    let writes = matches!(command, "apply" | "rollback");
    if !writes {
        merged.results.refuse_same();
    }
    merged.results.judge(&GuardRules::default(), &guards);
    if command == "plan" {
        merged.results.refuse("", |_| true);
    }
    // Shards that write are judged each by itself, before the first write; what they come to together can no longer
    // be refused.
    let has_refused = guards.iter().any(Guard::refuses);
    let is_moot = |guard: &mut Guard| writes && !has_refused && guard.refuses();
    let _ = merged.results.guard.take_if(is_moot);
    merged.results.sort();
    Ok(merged)
}

fn guard(part: GuardPart) -> Option<Guard> {
    (part.name == GuardName::Tenants.name()).then_some(())?;
    Some(Guard {
        name: GuardName::Tenants,
        observation: Observation::Tenants {
            changed: 0,
            limit: part.limit.parse().ok()?,
        },
        tripped: part.tripped,
        accepted: part.accepted,
        policies: Vec::new(),
    })
}

fn adopt(
    results: &mut TenantResults,
    part: TenantPart,
    drawn: &impl Fn(&[PlanDiagnostic]) -> Drawn,
) -> Result<(), Failure> {
    let TenantPart {
        name,
        tenant_id,
        exit_code,
        plan,
        diagnostics,
        error,
    } = part;
    let mut entry = Entry::new(Tenant {
        name,
        tenant_id,
        client_id: None,
        cloud: None,
        labels: Vec::new(),
        place: None,
    });
    let exit = |code: u8| Exit::from_code(code).unwrap_or(Exit::Failure);
    entry.exits.push(exit(exit_code));
    entry.failure = error.map(|error| Failure {
        hint: error.hint,
        ..Failure::new(exit(error.exit_code.unwrap_or(exit_code)), error.message)
    });
    let found: Vec<PlanDiagnostic> = diagnostics
        .iter()
        .map(|found| found.diagnostic.read())
        .collect();
    let mut drawn = drawn(&found);
    for (finding, part) in drawn.findings.iter_mut().zip(diagnostics) {
        finding.drawn = part.text.unwrap_or_default();
    }
    results.adopt(entry, plan.as_ref(), &drawn)
}
