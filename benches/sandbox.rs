//! How fast the emulator is with a very large tenant, so that it never is the bottleneck of a
//! measurement. `cargo bench --bench sandbox` prints it; `-- --short` takes a small tenant.
//!
//! The emulator runs as users run it, in a process of its own behind HTTP on loopback. What it
//! costs is read from the kernel, since client and emulator share the machine's cores.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assignctl_sandbox::{Collection, Policy, Tenant, guid_from, target};
use plain::{Ask, answer, next_link};
use serde_json::{Map, Value, json};

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/child.rs"]
mod child;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/plain.rs"]
mod plain;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROWS: usize = 10;
const IN_FLIGHT: usize = 16;
const CATALOG: &str = "/beta/deviceManagement/configurationPolicies";

struct Size {
    policies: usize,
    groups: usize,
    /// How many requests of each kind.
    requests: usize,
}

fn main() -> Outcome<()> {
    let short = std::env::args().any(|argument| argument == "--short");
    let size = if short {
        Size {
            policies: 2_000,
            groups: 400,
            requests: 500,
        }
    } else {
        Size {
            policies: 100_000,
            groups: 4_000,
            requests: 20_000,
        }
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tenant.json");
    let tenant = tenant(&size);
    std::fs::write(&path, tenant.to_json())?;
    let policies: Vec<String> = tenant
        .configuration_policies
        .iter()
        .map(|policy| policy.id.clone())
        .collect();
    drop(tenant);

    let bytes = std::fs::metadata(&path)?.len();
    let started = Instant::now();
    let emulator = Emulator::start(&path)?;
    let loaded = started.elapsed();
    println!(
        "{} policies with {ROWS} assignments each, {} groups\n",
        size.policies, size.groups
    );
    println!("| state file | ready after | CPU | memory, peak | memory |");
    println!("|---|---|---|---|---|");
    println!(
        "| {} MB | {:.2} s | {:.2} s | {} MB | {} MB |",
        bytes / 1_000_000,
        loaded.as_secs_f64(),
        emulator.cpu()?.as_secs_f64(),
        emulator.memory("VmHWM")? / 1_000_000,
        emulator.memory("VmRSS")? / 1_000_000,
    );

    println!("\nOver HTTP, {IN_FLIGHT} in flight\n");
    println!("| request | answer | requests/s | CPU of the emulator for each |");
    println!("|---|---|---|---|");
    let pick = |number: usize| &policies[number.wrapping_mul(7919) % policies.len()];
    let row = |name: &str, ran: Ran| {
        println!(
            "| {name} | {:.1} kB | {:.0} | {:.0} µs |",
            ran.bytes / 1000.0,
            ran.rate,
            ran.cpu.as_secs_f64() * 1e6
        );
    };
    let get = |path: String| Ask::new("GET", path, None);
    row(
        "assignments of one policy",
        emulator.measure(size.requests, |number, _| {
            get(format!("{CATALOG}/{}/assignments?$top=1000", pick(number)))
        })?,
    );
    row(
        "groups by 15 names",
        emulator.measure(size.requests, |number, _| {
            let names: Vec<String> = (0..15)
                .map(|other| {
                    format!(
                        "%27{}%27",
                        group_name((number * 31 + other * 257) % size.groups)
                    )
                })
                .collect();
            get(format!(
                "/beta/groups?$filter=displayName%20in%20({})&$select=id,displayName&$top=999",
                names.join(",")
            ))
        })?,
    );
    let pages = |first: &str, requests| {
        emulator.measure(requests, |_, next| match next {
            Some(next) => get(next.to_owned()),
            None => get(first.to_owned()),
        })
    };
    row("page of 25 policies", pages(CATALOG, size.requests)?);
    row(
        "page of 25 policies with assignments",
        pages(&format!("{CATALOG}?$expand=assignments"), size.requests / 4)?,
    );
    row(
        "batch of 20 policies' assignments",
        emulator.measure(size.requests / 20, |number, _| {
            let parts: Vec<Value> = (0..20)
                .map(|part| {
                    json!({
                        "id": part.to_string(),
                        "method": "GET",
                        "url": format!(
                            "/deviceManagement/configurationPolicies/{}/assignments?$top=1000",
                            pick(number * 20 + part)
                        ),
                    })
                })
                .collect();
            let body = json!({ "requests": parts }).to_string();
            Ask::new("POST", "/beta/$batch".to_owned(), Some(body))
        })?,
    );
    row(
        "assign, on disk before it is answered",
        emulator.measure(size.requests / 10, |number, _| {
            let body = json!({"assignments": [{"target": target::all_devices()}]}).to_string();
            let path = format!("{CATALOG}/{}/assign", pick(number));
            Ask::new("POST", path, Some(body))
        })?,
    );
    println!(
        "\nMemory at the end: {} MB",
        emulator.memory("VmRSS")? / 1_000_000
    );
    Ok(())
}

fn group_name(number: usize) -> String {
    format!("SG-Intune-Ring-{number:05}")
}

fn tenant(size: &Size) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.throttling.enabled = false;
    let groups: Vec<String> = (0..size.groups)
        .map(|number| tenant.add_group(&group_name(number)))
        .collect();
    let filters: Vec<String> = (0..20)
        .map(|number| tenant.add_filter(&format!("Filter {number}"), "windows10AndLater", ""))
        .collect();
    for collection in Collection::ALL {
        let policies = (0..size.policies / 2).map(|number| {
            let mut properties = Map::new();
            properties.insert("platforms".to_owned(), json!("windows10"));
            properties.insert("technologies".to_owned(), json!("mdm"));
            let name = format!("Win - Area {:03} - Policy {number:06}", number % 500);
            let mut policy = Policy {
                id: guid_from(&format!("{} {name}", collection.segment())),
                name,
                properties,
                assignments: Vec::new(),
            };
            for row in 0..ROWS - 2 {
                let group = &groups[(number * 8 + row) % groups.len()];
                policy.assign(target::group(group));
            }
            let filter = |row: usize| filters[(number + row) % filters.len()].as_str();
            policy.assign(target::filtered(
                target::all_devices(),
                filter(0),
                "include",
            ));
            policy.assign(target::filtered(target::all_users(), filter(1), "exclude"));
            policy
        });
        *tenant.policies_mut(collection) = policies.collect();
    }
    tenant
}

/// The emulator in its own process; ends with this value.
struct Emulator {
    child: Child,
    address: String,
}

/// What a kind of request came to.
struct Ran {
    rate: f64,
    cpu: Duration,
    bytes: f64,
}

impl Emulator {
    fn start(path: &Path) -> Outcome<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_assignctl"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--state"])
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("it is piped")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let address = url.trim().trim_start_matches("http://");
        let address = address.trim_end_matches("/beta").to_owned();
        if address.is_empty() {
            return Err("the emulator did not start".into());
        }
        Ok(Self { child, address })
    }

    /// The processor time that the process has used so far.
    fn cpu(&self) -> Outcome<Duration> {
        child::cpu(self.child.id()).ok_or_else(|| "no processor time".into())
    }

    fn memory(&self, key: &str) -> Outcome<u64> {
        child::memory(self.child.id(), key).ok_or_else(|| "no memory".into())
    }

    /// Sends so many requests. Each is made from its number and from the next link of the one
    /// before it on the same connection.
    fn measure(
        &self,
        count: usize,
        ask: impl Fn(usize, Option<&str>) -> Ask + Sync,
    ) -> Outcome<Ran> {
        let next = AtomicUsize::new(0);
        let bytes = AtomicUsize::new(0);
        let before = self.cpu()?;
        let start = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..IN_FLIGHT)
                .map(|_| {
                    scope.spawn(|| {
                        self.work(&next, count, &bytes, &ask)
                            .map_err(|error| error.to_string())
                    })
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a panic".to_owned())?)
        })?;
        let took = start.elapsed();
        let cpu = self.cpu()?.saturating_sub(before);
        let count = u32::try_from(count)?;
        Ok(Ran {
            rate: f64::from(count) / took.as_secs_f64(),
            cpu: cpu / count,
            bytes: f64::from(u32::try_from(bytes.into_inner() / count as usize)?),
        })
    }

    fn work(
        &self,
        next: &AtomicUsize,
        count: usize,
        bytes: &AtomicUsize,
        ask: &(impl Fn(usize, Option<&str>) -> Ask + Sync),
    ) -> Outcome<()> {
        let mut to = TcpStream::connect(&self.address)?;
        to.set_nodelay(true)?;
        // A body that is larger than the buffer goes past it.
        let mut from = BufReader::new(to.try_clone()?);
        let mut link: Option<String> = None;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            to.write_all(&ask(number, link.as_deref()).bytes)?;
            let body = answer(&mut from)?;
            bytes.fetch_add(body.len(), Ordering::Relaxed);
            link = next_link(&body);
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
