//! `tenants merge`: the results of several machines, joined as if one had done all of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::entry::Entry;
use super::origin::{Origin, allowed};
use super::part::{GuardPart, Part, look, read, results_in, unusable};
use super::record::{FindingRecord, TenantRecord};
use super::results::{Drawn, TenantResults};
use super::shard::Shard;
use crate::exit::Exit;
use crate::manifest::Tenant;
use crate::plan::PlanDiagnostic;
use crate::plan::guards::{Guard, GuardName, GuardRules, Observation};
use crate::plan::saved::RunRecord;
use crate::render::phrases::duration;
use crate::render::review::{Direction, Finding};
use crate::run::Failure;
use crate::run::reviewed::age;

/// How old a result may be by default: that of last night is too old.
pub const MAX_RESULT_AGE: Duration = Duration::from_secs(12 * 3600);

/// How far apart the parts of a run without a name may have begun by default.
pub const UNNAMED_SPREAD: Duration = Duration::from_secs(3600);

/// What came of a run on several machines.
#[derive(Debug)]
pub struct MergedResults {
    /// The command that ran.
    pub command: &'static str,
    /// The tenants.
    pub results: TenantResults,
    /// Of which run they are; that has accepted what all parts did.
    pub run: RunRecord,
    /// Whether only times, manifests and options show that the parts are of one run, which has no name.
    pub is_unnamed: bool,
}

/// Which results are taken.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What their run is called, if that is known.
    pub run_id: Option<String>,
    /// How long ago it may have begun.
    pub max_age: Duration,
    /// How far apart its parts may have begun, if it has no name.
    pub max_spread: Duration,
}

/// Joins the results in a folder; `drawn` draws what was found, and `tell` says what runs have found that failed as a
/// whole.
///
/// # Errors
///
/// A result is missing or cannot be used: what came of all tenants is not known then.
pub fn merge(
    folder: &Path,
    expected: &Expected,
    drawn: impl Fn(&[PlanDiagnostic]) -> Drawn,
    tell: impl Fn(&[PlanDiagnostic]),
) -> Result<MergedResults, Failure> {
    let (command, exits) = look(folder, tell)?;
    join(folder, command, expected, drawn).map_err(|failure| Failure {
        exit: Exit::most_severe(exits.into_iter().chain([failure.exit])),
        ..failure
    })
}

fn join(
    folder: &Path,
    command: &'static str,
    expected: &Expected,
    drawn: impl Fn(&[PlanDiagnostic]) -> Drawn,
) -> Result<MergedResults, Failure> {
    let mut merged = MergedResults {
        command,
        results: TenantResults {
            direction: match command {
                "drift" => Direction::Drift,
                _ => Direction::Plan,
            },
            ..TenantResults::default()
        },
        run: RunRecord::default(),
        is_unnamed: false,
    };
    let mut began = Began::default();
    let mut shards: BTreeSet<Shard> = BTreeSet::new();
    let mut tenants = BTreeSet::new();
    let (mut first, mut is_known, mut guards) = (None, false, Vec::new());
    let mut is_allowed_by_all = true;
    for path in results_in(folder)? {
        let part: Part = read(&path)?;
        let mut origin = origin(&path, &part)?;
        check_origin(&path, &origin.run, expected)?;
        // A folder in which nothing was planned does not say of which manifests.
        let says = origin.run.manifests.is_some() || part.tenants.iter().any(|all| !all.is_empty());
        let (first_path, whole) = first.get_or_insert_with(|| (path.clone(), origin.run.clone()));
        match says {
            true if is_known => {}
            true => whole.manifests.clone_from(&origin.run.manifests),
            false => origin.run.manifests.clone_from(&whole.manifests),
        }
        is_known |= says;
        check_same((first_path.as_path(), &*whole), (&path, &origin.run))?;
        began.add(&path, &origin.run, expected)?;
        whole.started_at = std::cmp::min(&whole.started_at, &origin.run.started_at).clone();
        add_shards(&path, &origin, &mut shards)?;
        for tenant in part.tenants.unwrap_or_default() {
            if !tenants.insert(tenant.name.clone()) {
                return Err(twice(&path, &format!("the tenant `{}`", tenant.name)));
            }
            adopt(&mut merged.results, tenant, &drawn)
                .map_err(|failure| unusable(&path, &failure.message))?;
        }
        let mut words = origin.run.allow.iter();
        let is_allowed = words.any(|word| word == GuardName::Tenants.name());
        is_allowed_by_all &= is_allowed;
        let found = part.guards.into_iter().filter_map(guard);
        guards.extend(found.map(|guard| Guard {
            accepted: guard.accepted || is_allowed,
            ..guard
        }));
    }
    merged.run = RunRecord {
        allow: allowed(is_allowed_by_all),
        ..first.map(|(_, run)| run).unwrap_or_default()
    };
    merged.is_unnamed = began.times.len() > 1 && merged.run.run_id.is_none();
    check_complete(folder, &shards)?;
    let writes = matches!(command, "apply" | "rollback");
    // A shard sees its own tenants only.
    match writes {
        true => merged.results.fail_duplicate_tenants(),
        false => merged.results.refuse_duplicate_tenants(),
    }
    merged.results.judge(&GuardRules::default(), &guards, false);
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

/// Takes in the shards of a part, which no other part may hold.
fn add_shards(path: &Path, origin: &Origin, shards: &mut BTreeSet<Shard>) -> Result<(), Failure> {
    for shard in &origin.shards {
        if let Some(other) = shards.iter().find(|other| other.of != shard.of) {
            let message = format!(
                "`{}` holds the results of shard {shard}, and another file those of shard {other}",
                path.display()
            );
            return Err(Failure::other(message)
                .hint("a folder holds the results of one run, which has one number of shards"));
        }
        if !shards.insert(*shard) {
            return Err(twice(path, &format!("the results of the shard {shard}")));
        }
    }
    Ok(())
}

fn twice(path: &Path, what: &str) -> Failure {
    let message = format!("`{}` holds {what} once more", path.display());
    Failure::other(message).hint("a folder holds the results of one run, each shard once")
}

/// Refuses a folder that lacks a shard.
fn check_complete(folder: &Path, shards: &BTreeSet<Shard>) -> Result<(), Failure> {
    let missing = Shard::missing(shards);
    if missing.is_empty() {
        return Ok(());
    }
    let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message = format!(
        "`{}` lacks the results of {} of {} shards: {}",
        folder.display(),
        missing.len(),
        missing.len() + shards.len(),
        numbers.join(", ")
    );
    Err(Failure::other(message)
        .hint("what came of their tenants is not known; run these shards again"))
}

/// Reads of which run a part is.
fn origin(path: &Path, part: &Part) -> Result<Origin, Failure> {
    let all = part.shard.iter().chain(&part.shards);
    let shards: Option<BTreeSet<Shard>> = all.map(|shard| Shard::known(*shard)).collect();
    let (Some(started_at), Some(shards)) = (part.started_at.clone(), shards) else {
        let message = format!("`{}` does not say of which run it is", path.display());
        return Err(Failure::other(message).hint("run that shard again"));
    };
    let run = RunRecord {
        started_at,
        run_id: part.run_id.clone(),
        manifests: part.manifests.clone(),
        allow: part.allow.clone(),
    };
    Ok(Origin { run, shards })
}

const OF_ANOTHER_RUN: &str = "remove what another run has left, and run that shard again";

/// Refuses a result of a run that is not meant.
fn check_origin(path: &Path, origin: &RunRecord, expected: &Expected) -> Result<(), Failure> {
    let refused = |why: String, hint: &str| {
        let began = &origin.started_at;
        let message = format!(
            "`{}` is of a run that began at {began}, {why}",
            path.display()
        );
        Err(Failure::other(message).hint(hint))
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
            "which is not a time in the past".to_owned(),
            "run that shard again",
        ),
    }
}

/// Refuses results of several runs.
fn check_same(
    (path, one): (&Path, &RunRecord),
    (other_path, other): (&Path, &RunRecord),
) -> Result<(), Failure> {
    let why = if one.run_id != other.run_id {
        let [one, other] = [&one.run_id, &other.run_id].map(called);
        format!("the first is {one}, the second {other}")
    } else if one.manifests != other.manifests {
        "their manifests, tenants, selections or limits are not the same".to_owned()
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
    Err(Failure::other(message).hint(OF_ANOTHER_RUN))
}

/// When parts began that nothing else may tell from those of another run.
#[derive(Default)]
struct Began {
    times: Vec<(Timestamp, PathBuf)>,
}

impl Began {
    /// Adds a part, unless it began too long before or after another for a run without a name: it may be that of
    /// last night.
    fn add(&mut self, path: &Path, origin: &RunRecord, expected: &Expected) -> Result<(), Failure> {
        let Ok(time) = origin.started_at.parse::<Timestamp>() else {
            return Ok(());
        };
        let apart = |other: &Timestamp| time.duration_since(*other).unsigned_abs();
        let is_far = |(other, _): &&(Timestamp, PathBuf)| apart(other) > expected.max_spread;
        let far = self.times.iter().find(is_far);
        if let (Some((other, other_path)), None) = (far, &origin.run_id) {
            let message = format!(
                "`{}` and `{}` may be of different runs: they began {} apart, and their runs have no name",
                other_path.display(),
                path.display(),
                duration(apart(other)),
            );
            return Err(Failure::other(message).hint(
                "name the run with the same `--run-id` for all shards, or allow it with `--max-age`",
            ));
        }
        self.times.push((time, path.to_owned()));
        Ok(())
    }
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
    part: TenantRecord<Value>,
    drawn: &impl Fn(&[PlanDiagnostic]) -> Drawn,
) -> Result<(), Failure> {
    let exit_code = part.exit_code;
    let mut entry = Entry::new(Tenant {
        name: part.name,
        tenant_id: part.tenant_id,
        client_id: None,
        cloud: None,
        labels: Vec::new(),
        place: None,
    });
    let exit = |code: u8| Exit::from_code(code).unwrap_or(Exit::Failure);
    entry.exits.push(exit(exit_code));
    entry.failure = part.error.map(|error| Failure {
        hint: error.hint,
        ..Failure::new(exit(error.exit_code.unwrap_or(exit_code)), error.message)
    });
    let findings: Vec<Finding> = part
        .diagnostics
        .into_iter()
        .map(FindingRecord::read)
        .collect();
    let found: Vec<PlanDiagnostic> = findings
        .iter()
        .map(|found| found.diagnostic.clone())
        .collect();
    let drawn = Drawn {
        findings,
        ..drawn(&found)
    };
    results.adopt(entry, part.plan.as_ref(), &drawn)
}
