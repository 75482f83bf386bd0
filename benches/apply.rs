//! What applying costs the machine that it runs on: processor time for each policy written,
//! memory over the length of the run, and what it takes to have the report on disk before the next
//! thing happens, against the same run with its report in memory. `cargo bench --bench apply` prints
//! it; `-- --short` writes fewer policies.
//!
//! The program runs as users run it, in a process of its own, over HTTP against the emulator. Where
//! processor and memory are looked at, it may write 500 times a second instead of 5, so that the runs
//! come to an end, and what planning the same change costs is taken off.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assignctl_sandbox::{Collection, Policy, Tenant, guid_from, target};
use hosted::Hosted;
use serde_json::{Map, json};

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/child.rs"]
mod child;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/hosted.rs"]
mod hosted;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where a file system in memory is, on which nothing waits for a disk.
const IN_MEMORY: &str = "/dev/shm";

/// How often the runs that are compared are taken.
const RUNS: usize = 3;

const MANIFEST: &str = "version: 1
policies:
  - kind: configurationPolicy
    match: \"Policy *\"
    include:
      - group: New
      - group: Old 1
      - group: Old 2
";

fn main() -> Outcome<()> {
    let short = std::env::args().any(|argument| argument == "--short");
    let counts = if short { [100, 500] } else { [1000, 10_000] };
    println!(
        "| policies written | by | CPU for each | run | memory at a tenth | memory at the end | peak of planning alone |"
    );
    println!("|---|---|---|---|---|---|---|");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    for way in ["create", "assign"] {
        for count in counts {
            apply(folder.path(), count, way)?;
        }
    }
    println!("\n| writes allowed | policies | report on disk | in memory | difference |");
    println!("|---|---|---|---|---|");
    if !short {
        // 20 seconds at the published limit.
        durability(folder.path(), "100/20s", 150)?;
    }
    durability(folder.path(), "100000/1s", counts[0])
}

fn apply(folder: &Path, count: usize, way: &str) -> Outcome<()> {
    fs::write(folder.join("m.yaml"), MANIFEST)?;
    let hosted = Hosted::start(tenant(count, way))?;
    let plan = run(folder, &hosted, &["plan", "m.yaml", "--summary"], |_| {})?;
    let report = folder.join("r.jsonl");
    let size = || fs::metadata(&report).map_or(0, |file| file.len());
    fs::remove_file(&report).ok();
    let mut seen: Vec<(u64, u64)> = Vec::new();
    let arguments = [
        "apply",
        "m.yaml",
        "--yes",
        "--report",
        "r.jsonl",
        "--write-with",
        way,
        "--write-limit",
        "500/1s",
    ];
    let start = Instant::now();
    let apply = run(folder, &hosted, &arguments, |process| {
        if let Some(memory) = child::memory(process, "VmRSS") {
            seen.push((size(), memory));
        }
    })?;
    let took = start.elapsed();
    let whole = size();
    let tenth = seen.iter().find(|(size, _)| *size * 10 >= whole);
    let (_, early) = tenth.ok_or("the run was too short to be looked at")?;
    let (_, late) = seen.last().ok_or("the run was too short to be looked at")?;
    let cpu = apply.cpu.saturating_sub(plan.cpu) / u32::try_from(count)?;
    println!(
        "| {count} | `{way}` | {:.2} ms | {:.1} s | {} MB | {} MB | {} MB |",
        cpu.as_secs_f64() * 1e3,
        took.as_secs_f64(),
        early / 1_000_000,
        late / 1_000_000,
        plan.memory / 1_000_000,
    );
    Ok(())
}

/// Compares a run whose report is on disk, each line before the next thing happens, with one whose
/// report is in memory. The least of several runs, in turn. `folder` is the target folder's, and has to
/// be on a disk.
fn durability(folder: &Path, limit: &str, count: usize) -> Outcome<()> {
    let Ok(memory) = tempfile::tempdir_in(IN_MEMORY) else {
        println!("| {limit} | {count} | not measured: there is no {IN_MEMORY} | | |");
        return Ok(());
    };
    let mut least = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (least, place) in least.iter_mut().zip([folder, memory.path()]) {
            let hosted = Hosted::start(tenant(count, "create"))?;
            let report = place.join("r.jsonl");
            fs::remove_file(&report).ok();
            let report = report.to_str().ok_or("a folder that is no text")?;
            let arguments = [
                "apply",
                "m.yaml",
                "--yes",
                "--report",
                report,
                "--write-limit",
                limit,
            ];
            let start = Instant::now();
            run(folder, &hosted, &arguments, |_| {})?;
            *least = start.elapsed().min(*least);
        }
    }
    let [disk, memory] = least.map(|time| time.as_secs_f64());
    println!(
        "| {limit} | {count} | {disk:.2} s | {memory:.2} s | {:.2} ms for each policy, {:.1} % of the run |",
        1e3 * (disk - memory) / f64::from(u32::try_from(count)?),
        100.0 * (disk - memory) / disk,
    );
    Ok(())
}

fn run(
    folder: &Path,
    hosted: &Hosted,
    arguments: &[&str],
    look: impl FnMut(u32),
) -> Outcome<child::Watched> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assignctl"));
    command
        .args(arguments)
        .args([
            "--no-progress",
            "--concurrency",
            "8",
            "--max-policies",
            "1000000",
        ])
        .args(["--read-limit", "100000/1s"]);
    for guard in [
        "removals",
        "policies",
        "broad-target",
        "exclusion-lost",
        "unassigned",
    ] {
        command.args(["--allow", guard]);
    }
    let mut child = command
        .current_dir(folder)
        .env("ASSIGNCTL_GRAPH_URL", format!("{}/beta", hosted.authority))
        .env("ASSIGNCTL_ACCESS_TOKEN", "a-token")
        .stdout(Stdio::null())
        .spawn()?;
    let watched = child::watch(&mut child, Duration::from_millis(10), look)?;
    if !watched.status.success() {
        return Err(format!("`{}` failed: {}", arguments.join(" "), watched.status).into());
    }
    Ok(watched)
}

/// Policies that lack one group (a `create` each), or have one for another.
fn tenant(count: usize, way: &str) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.throttling.enabled = false;
    let [one, two, other, _] =
        ["Old 1", "Old 2", "Other", "New"].map(|name| tenant.add_group(name));
    let catalog = Collection::CONFIGURATION_POLICIES;
    *tenant.policies_mut(catalog) = (0..count)
        .map(|number| {
            let name = format!("Policy {number:05}");
            let mut properties = Map::new();
            properties.insert("platforms".to_owned(), json!("windows10"));
            let id = guid_from(&format!("{} {name}", catalog.segment()));
            let mut policy = Policy::new(catalog, &id, &name, properties);
            policy.assign(target::group(&one));
            policy.assign(target::group(&two));
            if way == "assign" {
                policy.assign(target::group(&other));
            }
            policy
        })
        .collect();
    tenant
}
