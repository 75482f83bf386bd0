//! What planning costs, from the bytes of manifests and pages to the printed plan, beside what
//! serde takes to deserialise the same bytes: `cargo bench --bench planning`.
//!
//! Every run is a process of its own, so that its memory is its own; floors and plans take turns.
//! `-- SIZE...` chooses other numbers of policies, `-- --short` a small one.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

mod floor;
#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use support::large::{Drift, Large, ROWS};
use support::{process, replay};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// What CI runs, so that this cannot rot.
const SHORT: [usize; 1] = [1_000];
/// The least of so many runs is taken: whatever disturbs a run makes it longer.
const RUNS: usize = 3;
/// Tells a child what to run: a phase, a size and a folder.
const CHILD: &str = "--child";

/// What one process measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Seconds, by step.
    pub(crate) steps: Vec<(String, f64)>,
    /// Resident bytes at most.
    pub(crate) peak: u64,
    /// Resident bytes with nothing but the live state in memory.
    pub(crate) live: u64,
}

impl Measured {
    fn seconds(&self) -> f64 {
        self.steps.iter().map(|(_, seconds)| seconds).sum()
    }

    fn seconds_of(&self, name: &str) -> f64 {
        let found = self.steps.iter().find(|(step, _)| step == name);
        found.map_or(0.0, |(_, seconds)| *seconds)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == CHILD) {
        return child(&arguments[1..]);
    }
    let asked: Vec<usize> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let is_short = arguments.iter().any(|argument| argument == "--short");
    let sizes = match (asked.is_empty(), is_short) {
        (false, _) => asked,
        (true, false) => SIZES.to_vec(),
        (true, true) => SHORT.to_vec(),
    };
    for size in sizes {
        measure(Large { policies: size });
    }
}

fn child(arguments: &[String]) {
    let [phase, size, folder] = arguments else {
        panic!("a phase, a size and a folder");
    };
    let large = Large {
        policies: size.parse().expect("a size"),
    };
    let folder = Path::new(folder);
    let mut measured = match phase.as_str() {
        "typed" => floor::typed(folder, large),
        "value" => floor::value(folder, large),
        _ => whole::plan(folder, large, phase == "json"),
    };
    measured.peak = process::peak_memory().unwrap_or_default();
    println!("{}", serde_json::to_string(&measured).expect("plain data"));
}

fn measure(large: Large) {
    let root =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("planning-{}", large.policies));
    let mut runs: BTreeMap<(&str, &str), Vec<Measured>> = BTreeMap::new();
    let mut bytes = 0;
    for drift in Drift::ALL {
        bytes =
            replay::write(&root.join(drift.name()), large, drift).expect("a folder to write to");
    }
    for _ in 0..RUNS {
        for phase in ["typed", "value"] {
            runs.entry((phase, "none"))
                .or_default()
                .push(run(phase, large, &root, Drift::None));
        }
        for drift in Drift::ALL {
            runs.entry(("plan", drift.name()))
                .or_default()
                .push(run("plan", large, &root, drift));
        }
        runs.entry(("json", "all"))
            .or_default()
            .push(run("json", large, &root, Drift::All));
    }
    let _ = std::fs::remove_dir_all(&root);
    let best = |phase, drift| {
        let of = runs
            .get(&(phase, drift))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let least = of
            .iter()
            .min_by(|one, other| one.seconds().total_cmp(&other.seconds()));
        least.cloned().unwrap_or_default()
    };
    let floor = best("typed", "none");
    println!(
        "\n{} policies, {} assignments, {} MB of JSON",
        large.policies,
        large.policies * ROWS,
        bytes / 1_000_000
    );
    println!("  deserialised into structs   {}", line(&floor, &floor));
    println!(
        "  deserialised into values    {}",
        line(&best("value", "none"), &floor)
    );
    for drift in Drift::ALL {
        let words = format!("plan, {} changed", drift.name());
        show(&words, &best("plan", drift.name()), &floor);
    }
    show("the same as JSON", &best("json", "all"), &floor);
    let (one, all) = (best("plan", "one"), best("plan", "all"));
    let after = |plan: &Measured| plan.seconds() - plan.seconds_of("read");
    println!(
        "  all changed / one changed, without reading: {:.2}",
        after(&all) / after(&one)
    );
}

fn show(what: &str, plan: &Measured, floor: &Measured) {
    println!("  {what:<27} {}", line(plan, floor));
    for (step, seconds) in &plan.steps {
        println!("    {step:<26}{seconds:9.3} s");
    }
    println!(
        "    live state {} MB, at most {} MB ({:.2} times)",
        plan.live / 1_000_000,
        plan.peak / 1_000_000,
        ratio(plan.peak, plan.live)
    );
}

fn line(measured: &Measured, floor: &Measured) -> String {
    format!(
        "{:9.3} s  {:5.2} times  {:6} MB",
        measured.seconds(),
        measured.seconds() / floor.seconds(),
        measured.peak / 1_000_000
    )
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / other.max(1) as f64
}

fn run(phase: &str, large: Large, root: &Path, drift: Drift) -> Measured {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([CHILD, phase, &large.policies.to_string()])
        .arg(root.join(drift.name()))
        .output()
        .expect("a child");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a child's figures")
}
