//! What a run for many tenants takes beside one for those that are at work at the same time: time against the
//! floor, which is ⌈tenants/8⌉ times a run for one tenant, memory against a run for eight. `cargo bench --bench
//! tenants` prints it; `-- --short` takes fewer and smaller tenants.
//!
//! The program runs as users run it, in a process of its own, over HTTP against emulators of all tenants at one
//! address, each with its own sign-in, the published limits, and answers that take 120 ms.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::error::Error;
use std::fmt::Write as _;
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

/// How many tenants are at work at the same time.
const PARALLEL: usize = 8;

/// How long each answer takes, in seconds.
const LATENCY: f64 = 0.12;

/// How large the tenants are.
#[derive(Clone, Copy)]
struct Size {
    policies: usize,
    changes: usize,
}

/// What a run has taken.
struct Taken {
    wall: Duration,
    cpu: Duration,
    memory: u64,
    throttled: u64,
}

fn main() -> Outcome<()> {
    let short = std::env::args().any(|argument| argument == "--short");
    let (many, size) = match short {
        true => (24, (20, 5)),
        false => (300, (100, 20)),
    };
    let size = Size {
        policies: size.0,
        changes: size.1,
    };
    println!(
        "| tenants | at once | wall | to the floor | CPU a tenant | memory, peak | to that of {PARALLEL} | refused |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut one = Duration::ZERO;
    let mut eight = 0;
    for tenants in [1, PARALLEL, many] {
        let taken = apply(folder.path(), tenants, size)?;
        if tenants == 1 {
            one = taken.wall;
        }
        if tenants == PARALLEL {
            eight = taken.memory;
        }
        let floor = one * u32::try_from(tenants.div_ceil(PARALLEL))?;
        let to_eight = match eight {
            0 => String::new(),
            eight => format!("{:.2}", taken.memory as f64 / eight as f64),
        };
        println!(
            "| {tenants} | {} | {:.1} s | {:.2} | {:.1} ms | {:.1} MB | {to_eight} | {} |",
            PARALLEL.min(tenants),
            taken.wall.as_secs_f64(),
            taken.wall.as_secs_f64() / floor.as_secs_f64(),
            1e3 * taken.cpu.as_secs_f64() / tenants as f64,
            taken.memory as f64 / 1e6,
            taken.throttled,
        );
    }
    Ok(())
}

/// Applies the baseline to so many tenants that lack all of the changes.
fn apply(folder: &Path, tenants: usize, size: Size) -> Outcome<Taken> {
    fs::write(folder.join("m.yaml"), baseline(tenants, size)?)?;
    let hosted = Hosted::start_all((0..tenants).map(|number| tenant(number, size)).collect())?;
    let reports = format!("reports-{tenants}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_assignctl"));
    command
        .args(["apply", "m.yaml", "--all-tenants", "--yes", "--no-progress"])
        .args(["--report", &reports])
        .args(["--parallel-tenants", &PARALLEL.to_string()])
        .current_dir(folder)
        .env("ASSIGNCTL_GRAPH_URL", format!("{}/beta", hosted.authority))
        .env("AZURE_AUTHORITY_HOST", &hosted.authority)
        .env("AZURE_CLIENT_ID", guid_from("an app of several tenants"))
        .env("AZURE_CLIENT_SECRET", "a-secret-of-the-app")
        .stdout(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let watched = child::watch(&mut child, Duration::from_millis(10), |_| {})?;
    let wall = start.elapsed();
    if !watched.status.success() {
        return Err(format!("the run for {tenants} tenants failed: {}", watched.status).into());
    }
    let mut throttled = 0;
    for service in &hosted.services {
        service.with_machine(|machine| -> Outcome<()> {
            throttled += machine.statistics().throttled;
            let policies = machine
                .tenant()
                .policies(Collection::CONFIGURATION_POLICIES);
            let done = policies
                .iter()
                .filter(|policy| policy.assignments.len() == 2);
            match done.count() == size.changes {
                true => Ok(()),
                false => Err("a tenant is not as the manifest says".into()),
            }
        })?;
    }
    Ok(Taken {
        wall,
        cpu: watched.cpu,
        memory: watched.memory,
        throttled,
    })
}

fn id(number: usize) -> String {
    guid_from(&format!("tenant {number}"))
}

fn name(number: usize) -> String {
    format!("Policy {number:03}")
}

/// Manifests that want another group for the first policies of each tenant.
fn baseline(tenants: usize, size: Size) -> Outcome<String> {
    let mut text = String::from("version: 1\ntenants:\n");
    for number in 0..tenants {
        writeln!(text, "  t{number:03}: {{tenantId: {}}}", id(number))?;
    }
    text.push_str("policies:\n");
    for number in 0..size.policies {
        let also = match number < size.changes {
            true => ", {group: New}",
            false => "",
        };
        writeln!(
            text,
            "  - kind: configurationPolicy\n    name: {}\n    include: [{{group: Old}}{also}]",
            name(number)
        )?;
    }
    Ok(text)
}

fn tenant(number: usize, size: Size) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.tenant_id = id(number);
    tenant.service.domain = format!("t{number:03}.example");
    tenant.service.latency = LATENCY;
    let old = tenant.add_group("Old");
    tenant.add_group("New");
    let catalog = Collection::CONFIGURATION_POLICIES;
    *tenant.policies_mut(catalog) = (0..size.policies)
        .map(|policy| {
            let name = name(policy);
            let mut properties = Map::new();
            properties.insert("platforms".to_owned(), json!("windows10"));
            let id = guid_from(&format!("{number} {name}"));
            let mut policy = Policy::new(catalog, &id, &name, properties);
            policy.assign(target::group(&old));
            policy
        })
        .collect();
    tenant
}
