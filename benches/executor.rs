//! How fast the executor is, against the floor that the service's limits set, and how many
//! requests a changed policy costs. `cargo bench --bench executor` prints it.
//!
//! Client and sandbox run in one process under a paused clock, so that the times are what the
//! waits and latencies come to, the same in every run and on every machine.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/integration/library/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use assignctl::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{Plan, estimate};
use assignctl_sandbox::Tenant;
use support::answers::error;
use support::tenants::{tenant, wants};
use support::wire::{Act, Deed};
use support::world::{World, in_virtual_time, outcomes};

const LATENCY: Duration = Duration::from_millis(50);

/// What a run came to.
struct Ran {
    seconds: f64,
    reads: usize,
    writes: usize,
    refused: u64,
}

/// What the wire does beside taking its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// The first write to each policy is answered with 500, and has no effect.
    FirstWritesFail,
}

fn run(tenant: Tenant, groups: &[&str], write_with: WriteWith, weather: Weather) -> (Plan, Ran) {
    in_virtual_time(async {
        let mut world = World::new(tenant);
        world.settings.write_with = write_with;
        let plan = world.plan(&wants("*", groups)).await;
        // What planning read is not part of it.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut met = BTreeSet::new();
        world.wire.rule(move |sent| {
            let policy = sent
                .path
                .rsplit_once('/')
                .map(|(policy, _)| policy.to_owned());
            let fails =
                weather == Weather::FirstWritesFail && sent.is_write() && met.insert(policy);
            Deed {
                before: LATENCY / 2,
                act: if fails {
                    Act::Answer(error(500, "UnknownError"))
                } else {
                    Act::Pass
                },
                after: LATENCY / 2,
            }
        });
        let before = world.wire.log().len();
        let start = world.wire.elapsed();
        let results = world.apply(&plan).await;
        assert_eq!(
            outcomes(&results),
            format!("{} applied", plan.changed().count())
        );
        let log = world.wire.log();
        let sent = &log[before..];
        let writes = sent.iter().filter(|sent| sent.is_write()).count();
        let ran = Ran {
            seconds: (world.wire.elapsed() - start).as_secs_f64(),
            reads: sent.len() - writes,
            writes,
            refused: world.throttled(),
        };
        (plan, ran)
    })
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn main() {
    let policies = |count: usize, left: u32| {
        let mut tenant = tenant(count);
        tenant.service.throttling.other_apps_writes = 200 - left;
        tenant
    };

    println!("Writes at 50 ms latency, 100 in 20 s (floor: the windows to be waited for)\n");
    println!("| writes | left by others | floor | took | ratio | refused | estimated |");
    println!("|---|---|---|---|---|---|---|");
    for (count, left) in [
        (100, 100),
        (101, 100),
        (500, 100),
        (1000, 100),
        (350, 50),
        (500, 50),
        (500, 40),
        (500, 20),
    ] {
        let (plan, ran) = run(
            policies(count, left),
            &["B"],
            WriteWith::Auto,
            Weather::Fair,
        );
        let windows = (count - 1) / usize::try_from(left).unwrap_or(1);
        let floor = 20.0 * windows as f64;
        let ratio = if floor > 0.0 {
            format!("{:.3}", ran.seconds / floor)
        } else {
            "-".to_owned()
        };
        let refused = 100.0 * ran.refused as f64 / (ran.reads + ran.writes) as f64;
        let estimated = estimate(&plan.summary(), PUBLISHED_WRITES, PUBLISHED_REQUESTS);
        println!(
            "| {count} | {left} | {floor:.0} s | {:.1} s | {ratio} | {refused:.2} % | {} s |",
            ran.seconds,
            estimated.as_secs()
        );
    }

    println!("\nSingle additions whose first write is answered with 500, at 50 ms latency\n");
    println!("| policies | writes | floor | took | allowed |");
    println!("|---|---|---|---|---|");
    for (count, allowed) in [(12, 40.0), (500, f64::INFINITY)] {
        let (_, ran) = run(
            policies(count, 100),
            &["A", "B"],
            WriteWith::Auto,
            Weather::FirstWritesFail,
        );
        let floor = 20.0 * ((ran.writes - 1) / 100) as f64;
        let allowed = f64::min(allowed, 1.2 * floor + 40.0);
        println!(
            "| {count} | {} | {floor:.0} s | {:.1} s | {allowed:.0} s |",
            ran.writes, ran.seconds
        );
        assert!(ran.seconds <= allowed, "too slow");
    }

    println!(
        "\nRequests for each changed policy (100 policies, staleness of a saved plan not counted)\n"
    );
    println!("| change | `--write-with` | reads | writes |");
    println!("|---|---|---|---|");
    for (change, groups) in [
        ("one addition", ["A", "B"]),
        ("one for another", ["B", "C"]),
    ] {
        for way in WriteWith::ALL {
            let (_, ran) = run(policies(100, 100), &groups, way, Weather::Fair);
            println!(
                "| {change} | {} | {:.2} | {:.2} |",
                way.name(),
                ran.reads as f64 / 100.0,
                ran.writes as f64 / 100.0
            );
        }
    }
}
