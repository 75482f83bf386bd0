//! How long reading a large tenant takes, against the longest chain of requests that have to wait
//! for each other. `cargo bench --bench reading` prints it; `-- --short` takes a small tenant.
//!
//! The program runs as users run it, with a client secret, against the emulator over HTTP on
//! loopback, whose every answer comes 100 ms late. A page is known only once the page before it
//! has come, so the larger collection's pages are a chain; a token stands before all of them, and
//! names that no manifest holds can be asked for only once the policies are there. The floor is
//! the same chain, walked right before by a client that does nothing with the answers.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assignctl_sandbox::{Collection, Policy, Statistics, Tenant, guid_from, target};
use hosted::Hosted;
use serde_json::{Map, json};

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/child.rs"]
mod child;
#[path = "support/hosted.rs"]
mod hosted;
#[path = "support/plain.rs"]
mod plain;

type Outcome<T> = Result<T, Box<dyn Error>>;

const LATENCY: f64 = 0.1;
/// Groups that the manifests name, and as many that they do not.
const GROUPS: usize = 300;
const FILTERS: usize = 8;

/// What the service takes at most: of a collection in a page, of names in a filter, of requests
/// in a batch.
const PAGE: usize = 100;
const IN_FILTER: usize = 15;
const IN_BATCH: usize = 20;

/// What the manifests leave to be done.
#[derive(Clone, Copy, PartialEq)]
enum Drift {
    None,
    /// Policies have groups that no manifest names.
    Unnamed,
}

fn main() -> Outcome<()> {
    let short = std::env::args().any(|argument| argument == "--short");
    let policies: usize = if short { 1000 } else { 10_000 };
    println!(
        "`plan` of {policies} policies, {GROUPS} groups by name, {FILTERS} filters; every answer {} ms late\n",
        LATENCY * 1000.0
    );
    println!(
        "| left to do | requests | needed | chain | its latency alone | floor | took | ratio | CPU | memory, peak |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (words, drift) in [
        ("nothing", Drift::None),
        ("groups no manifest names", Drift::Unnamed),
    ] {
        measure(words, policies, drift)?;
    }
    Ok(())
}

fn measure(words: &str, policies: usize, drift: Drift) -> Outcome<()> {
    // Three of five are in one collection, so that one chain is longer than the other.
    let counts = [policies * 3 / 5, policies - policies * 3 / 5];
    let tenant = tenant(counts, drift);
    let tenant_id = tenant.tenant_id.clone();
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("m.yaml"), manifest())?;

    let hosted = Hosted::start(tenant)?;
    let second = usize::from(drift == Drift::Unnamed);
    let floor = chain(&hosted.authority, 1 + second)?;
    let before = requests(
        &hosted
            .service
            .with_machine(|machine| machine.statistics().clone()),
    );
    let ran = run(folder.path(), &hosted.authority, &tenant_id)?;
    let service = &hosted.service;
    let statistics = service.with_machine(|machine| machine.statistics().clone());
    let sent = requests(&statistics) - before;
    let pages = counts.map(|count| count.div_ceil(PAGE));
    let batches = |groups: usize| groups.div_ceil(IN_FILTER).div_ceil(IN_BATCH);
    // The token, the pages, the filters, the named groups; and what is known only afterwards.
    let needed = 1 + pages.iter().sum::<usize>() + 1 + batches(GROUPS) + second * batches(GROUPS);
    if sent != u64::try_from(needed)? {
        return Err(format!("{sent} requests were sent where {needed} are needed").into());
    }
    let chain = 1 + pages.iter().max().copied().unwrap_or(0) + second;
    println!(
        "| {words} | {sent} | {needed} | {chain} | {:.1} s | {:.2} s | {:.2} s | {:.3} | {:.2} s | {} MB |",
        f64::from(u32::try_from(chain)?) * LATENCY,
        floor.as_secs_f64(),
        ran.took.as_secs_f64(),
        ran.took.as_secs_f64() / floor.as_secs_f64(),
        ran.cpu.as_secs_f64(),
        ran.memory / 1_000_000
    );
    Ok(())
}

/// Walks the longest chain: so many requests of no consequence, and all pages of the larger
/// collection.
fn chain(authority: &str, others: usize) -> Outcome<Duration> {
    let authority = authority.trim_start_matches("http://");
    let start = Instant::now();
    for _ in 0..others {
        plain::walk(
            authority,
            "/beta/groups?$filter=displayName%20eq%20%27none%27",
        )?;
    }
    let list = "/beta/deviceManagement/configurationPolicies";
    plain::walk(authority, &format!("{list}?$expand=assignments&$top=1000"))?;
    Ok(start.elapsed())
}

/// What went over the wire; what is in a batch went with it.
fn requests(statistics: &Statistics) -> u64 {
    statistics.tokens + statistics.reads - statistics.batch_members + statistics.batches
}

struct Ran {
    took: Duration,
    cpu: Duration,
    memory: u64,
}

fn run(folder: &Path, authority: &str, tenant_id: &str) -> Outcome<Ran> {
    let start = Instant::now();
    let mut plan = Command::new(env!("CARGO_BIN_EXE_assignctl"))
        .args(["plan", "m.yaml", "--no-progress", "--summary"])
        .args(["--max-policies", "1000000", "--max-removals", "100%"])
        .args(["--allow", "broad-target", "--allow", "exclusion-lost"])
        .current_dir(folder)
        .env("ASSIGNCTL_GRAPH_URL", format!("{authority}/beta"))
        .env("AZURE_AUTHORITY_HOST", authority)
        .env("AZURE_TENANT_ID", tenant_id)
        .env("AZURE_CLIENT_ID", guid_from("bench"))
        .env("AZURE_CLIENT_SECRET", "a secret")
        .stdout(Stdio::null())
        .spawn()?;
    let watched = child::watch(&mut plan, Duration::from_millis(5), |_| {})?;
    if !watched.status.success() {
        return Err(format!("the plan failed: {}", watched.status).into());
    }
    Ok(Ran {
        took: start.elapsed(),
        cpu: watched.cpu,
        memory: watched.memory,
    })
}

fn group_name(number: usize) -> String {
    format!("SG-Intune-Ring-{number:04}")
}

/// One entry a kind for each group; between them they manage every policy.
fn manifest() -> String {
    let mut text = String::from("version: 1\npolicies:\n");
    for kind in ["configurationPolicy", "compliancePolicy"] {
        for number in 0..GROUPS {
            let filter = number % FILTERS;
            text.extend([format!(
                "  - kind: {kind}\n    match: \"Win - Area {number:04} - *\"\n    include:\n      \
                 - group: {}\n      - allDevices: true\n        filter: Filter {filter}\n",
                group_name(number)
            )]);
            text.extend([format!(
                "    exclude:\n      - group: {}\n",
                group_name((number + 1) % GROUPS)
            )]);
        }
    }
    text
}

fn tenant(counts: [usize; 2], drift: Drift) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.latency = LATENCY;
    tenant.service.max_page_size = PAGE;
    let named: Vec<String> = (0..GROUPS)
        .map(|number| tenant.add_group(&group_name(number)))
        .collect();
    let unnamed: Vec<String> = (0..GROUPS)
        .map(|number| tenant.add_group(&format!("Old {number}")))
        .collect();
    let filters: Vec<String> = (0..FILTERS)
        .map(|number| tenant.add_filter(&format!("Filter {number}"), "windows10AndLater", ""))
        .collect();
    for (collection, count) in [
        Collection::CONFIGURATION_POLICIES,
        Collection::COMPLIANCE_POLICIES,
    ]
    .into_iter()
    .zip(counts)
    {
        let policies = (0..count).map(|number| {
            let area = number % GROUPS;
            let name = format!("Win - Area {area:04} - Policy {number:05}");
            let mut properties = Map::new();
            properties.insert("platforms".to_owned(), json!("windows10"));
            let id = guid_from(&format!("{} {name}", collection.segment()));
            let mut policy = Policy::new(collection, &id, &name, properties);
            let filter = &filters[area % FILTERS];
            let group = match drift {
                Drift::None => &named[area],
                Drift::Unnamed => &unnamed[area],
            };
            policy.assign(target::group(group));
            policy.assign(target::exclusion_group(&named[(area + 1) % GROUPS]));
            policy.assign(target::filtered(target::all_devices(), filter, "include"));
            policy
        });
        *tenant.policies_mut(collection) = policies.collect();
    }
    tenant
}
