//! `tenants merge`: the results of several machines, joined as if one had done all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::entry::Entry;
use super::origin::Origin;
use super::results::{Drawn, TenantResults};
use super::shard::Shard;
use crate::exit::Exit;
use crate::files::{self, LARGEST_PLAN};
use crate::manifest::Tenant;
use crate::plan::PlanDiagnostic;
use crate::plan::guards::{Guard, GuardName, GuardRules, Observation};
use crate::plan::saved::{DiagnosticRecord, ShardRecord};
use crate::render::phrases::duration;
use crate::render::review::Direction;
use crate::run::Failure;
use crate::run::reviewed::age;

/// How old a result may be by default: that of last night is too old.
pub const MAX_RESULT_AGE: Duration = Duration::from_secs(12 * 3600);

/// The results of one machine.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    command: Option<String>,
    started_at: Option<String>,
    run_id: Option<String>,
    manifests: Option<String>,
    shard: Option<ShardRecord>,
    #[serde(default)]
    shards: Vec<ShardRecord>,
    #[serde(default)]
    allow: Vec<String>,
    tenants: Option<Vec<TenantPart>>,
    #[serde(default)]
    guards: Vec<GuardPart>,
    error: Option<ErrorPart>,
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
    /// Of which run they are.
    pub origin: Origin,
}

/// Which results are taken.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What their run is called, if that is known.
    pub run_id: Option<String>,
    /// How long ago it may have begun.
    pub max_age: Duration,
}

/// Finds out which command's results a folder holds.
///
/// # Errors
///
/// It holds none, or those of several commands.
pub fn merged_command(folder: &Path) -> Result<&'static str, Failure> {
    let mut found = BTreeSet::new();
    for path in results_in(folder)? {
        let part = read(&path)?;
        found.insert(command(&path, &part)?);
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(command), None) => Ok(command),
        (first, _) => {
            let message = match first {
                None => format!(
                    "`{}` holds no results of runs for tenants",
                    folder.display()
                ),
                Some(_) => format!("`{}` holds results of several commands", folder.display()),
            };
            Err(Failure::new(Exit::Failure, message).hint(
                "name a folder with what the shards wrote with `--json-into DIR/N.json`, and nothing else",
            ))
        }
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

/// Returns the files of a folder that are taken for results.
///
/// # Errors
///
/// It cannot be read.
pub fn results_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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
    let text =
        files::read_text(path, LARGEST_PLAN).map_err(|error| unusable(path, &error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> Failure {
    let message = format!("`{}` cannot be used: {reason}", path.display());
    Failure::new(Exit::Failure, message).hint("run that shard again")
}

/// Joins the results in a folder; `drawn` draws what was found.
///
/// # Errors
///
/// A result is missing or cannot be used: what came of all tenants is not known then.
pub fn merge(
    folder: &Path,
    expected: &Expected,
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
        origin: Origin::default(),
    };
    let mut shards: BTreeSet<Shard> = BTreeSet::new();
    let mut tenants = BTreeSet::new();
    let (mut first, mut guards) = (None, Vec::new());
    for path in results_in(folder)? {
        let part = read(&path)?;
        let origin = origin(&path, &part)?;
        check_origin(&path, &origin, expected)?;
        let (first_path, whole) = first.get_or_insert_with(|| (path.clone(), origin.clone()));
        check_same((first_path.as_path(), &*whole), (&path, &origin))?;
        whole.started_at = std::cmp::min(&whole.started_at, &origin.started_at).clone();
        let twice = |what: String| {
            let message = format!("`{}` holds {what} once more", path.display());
            Err(Failure::new(Exit::Failure, message)
                .hint("a folder holds the results of one run, each shard once"))
        };
        for shard in &origin.shards {
            if let Some(other) = shards.iter().find(|other| other.of != shard.of) {
                let message = format!(
                    "`{}` holds the results of the shard {shard}, and another file those of {other}",
                    path.display()
                );
                return Err(Failure::new(Exit::Failure, message).hint(
                    "a folder holds the results of one run, which has one number of shards",
                ));
            }
            if !shards.insert(*shard) {
                return twice(format!("the results of the shard {shard}"));
            }
        }
        for tenant in part.tenants.unwrap_or_default() {
            if !tenants.insert(tenant.name.clone()) {
                return twice(format!("the tenant `{}`", tenant.name));
            }
            adopt(&mut merged.results, tenant, &drawn)
                .map_err(|failure| unusable(&path, &failure.message))?;
        }
        let is_allowed = |word: &String| word == GuardName::Tenants.name();
        let allowed = part.allow.iter().any(is_allowed);
        let found = part.guards.into_iter().filter_map(guard);
        guards.extend(found.map(|guard| Guard {
            accepted: guard.accepted || allowed,
            ..guard
        }));
    }
    if let Some((_, origin)) = first {
        merged.origin = Origin {
            shards: BTreeSet::new(),
            ..origin
        };
    }
    let missing = Shard::missing(&shards);
    if !missing.is_empty() {
        let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let message = format!(
            "`{}` lacks the results of {} of {} shards: {}",
            folder.display(),
            missing.len(),
            missing.len() + shards.len(),
            numbers.join(", ")
        );
        return Err(Failure::new(Exit::Failure, message)
            .hint("what came of their tenants is not known; run these shards again"));
    }
    let writes = matches!(command, "apply" | "rollback");
    // A shard sees its own tenants only.
    match writes {
        true => merged.results.name_same(),
        false => merged.results.refuse_same(),
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

/// Reads of which run a part is.
fn origin(path: &Path, part: &Part) -> Result<Origin, Failure> {
    let all = part.shard.iter().chain(&part.shards);
    let shards: Option<BTreeSet<Shard>> = all.map(|shard| Shard::known(*shard)).collect();
    let (Some(started_at), Some(shards)) = (part.started_at.clone(), shards) else {
        let message = format!("`{}` does not say of which run it is", path.display());
        return Err(Failure::new(Exit::Failure, message).hint("run that shard again"));
    };
    Ok(Origin {
        started_at,
        run_id: part.run_id.clone(),
        manifests: part.manifests.clone(),
        shards,
    })
}

const OF_ANOTHER_RUN: &str = "remove what another run has left, and run that shard again";

/// Refuses a result of a run that is not meant.
fn check_origin(path: &Path, origin: &Origin, expected: &Expected) -> Result<(), Failure> {
    let refused = |why: String, hint: &str| {
        let began = &origin.started_at;
        let message = format!(
            "`{}` is of a run that began at {began}, {why}",
            path.display()
        );
        Err(Failure::new(Exit::Failure, message).hint(hint))
    };
    if expected.run_id.is_some() && expected.run_id != origin.run_id {
        let [own, meant] = [&origin.run_id, &expected.run_id].map(called);
        return refused(format!("{own}, not {meant}"), OF_ANOTHER_RUN);
    }
    match age(&origin.started_at, Timestamp::now()) {
        Some(age) if age <= expected.max_age => Ok(()),
        Some(age) => refused(
            format!(
                "{} ago; at most {} is allowed",
                duration(age),
                duration(expected.max_age)
            ),
            "run that shard again, or allow it with `--max-age`",
        ),
        None => refused(
            "which is not in the past".to_owned(),
            "run that shard again",
        ),
    }
}

/// Refuses results of several runs.
fn check_same(
    (path, one): (&Path, &Origin),
    (other_path, other): (&Path, &Origin),
) -> Result<(), Failure> {
    let Origin {
        started_at: _,
        run_id,
        manifests,
        shards: _,
    } = one;
    let why = if *run_id != other.run_id {
        let [one, other] = [run_id, &other.run_id].map(called);
        format!("the first is {one}, the second {other}")
    } else if *manifests != other.manifests {
        "their manifests or tenants are not the same".to_owned()
    } else {
        return Ok(());
    };
    let message = format!(
        "`{}`, which began at {}, and `{}`, which began at {}, are not of one run: {why}",
        path.display(),
        one.started_at,
        other_path.display(),
        other.started_at
    );
    Err(Failure::new(Exit::Failure, message).hint(OF_ANOTHER_RUN))
}

fn called(run_id: &Option<String>) -> String {
    match run_id {
        Some(run_id) => format!("of the run `{run_id}`"),
        None => "of a run without a name".to_owned(),
    }
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
