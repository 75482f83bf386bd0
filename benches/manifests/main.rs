//! What reading manifests costs beside plain parsing of the same text, and what globs over many
//! names cost: `cargo bench --bench manifests`. `-- --short` takes small ones.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use assignctl::manifest;
use assignctl::model::{LivePolicy, LiveTenant, PolicyKind};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{self, PlanInputs, Selection};
use serde_json::Value;

/// The least of so many runs is taken: whatever disturbs a run makes it longer.
const RUNS: usize = 5;

/// How much is measured.
struct Sizes {
    /// Bytes of the one large file.
    file: usize,
    /// Files of the repository.
    files: usize,
    globs: usize,
    names: usize,
}

const WHOLE: Sizes = Sizes {
    file: 10_000_000,
    files: 5_000,
    globs: 200,
    names: 5_000,
};

const SHORT: Sizes = Sizes {
    file: 100_000,
    files: 50,
    globs: 20,
    names: 1_000,
};

fn main() {
    let is_short = std::env::args().any(|argument| argument == "--short");
    let sizes = if is_short { SHORT } else { WHOLE };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("manifests");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    one_file(&folder, sizes.file);
    many_files(&folder, sizes.files);
    globs(sizes.globs, sizes.names);
    let _ = fs::remove_dir_all(&folder);
}

/// An entry as people write them; all are for different policies.
fn entry(text: &mut String, number: usize) {
    let _ = write!(
        text,
        "  - kind: configurationPolicy
    name: Win - Area {number:06} - BitLocker
    include:
      - allDevices: true
        filter: Corporate Windows {filter}
      - group: SG-Intune-Pilot-{group:03}
      - groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a{group:08x}
    exclude:
      - group: SG-Breakglass
",
        filter = number % 20,
        group = number % 500,
    );
}

fn one_file(folder: &Path, bytes: usize) {
    let mut text = String::from("version: 1\npolicies:\n");
    let mut number = 0;
    while text.len() < bytes {
        entry(&mut text, number);
        number += 1;
    }
    let file = folder.join("large.yaml");
    fs::write(&file, text).expect("a file");
    compare(&format!("one file of {bytes} bytes"), &[file]);
}

fn many_files(folder: &Path, files: usize) {
    let folder = folder.join("repository");
    fs::create_dir_all(&folder).expect("a folder");
    let paths: Vec<PathBuf> = (0..files)
        .map(|file| {
            let mut text = String::from("version: 1\npolicies:\n");
            for number in 0..5 {
                entry(&mut text, file * 5 + number);
            }
            let path = folder.join(format!("{file:05}.yaml"));
            fs::write(&path, text).expect("a file");
            path
        })
        .collect();
    compare(&format!("{files} files"), &paths);
}

fn compare(what: &str, files: &[PathBuf]) {
    let texts = || {
        files
            .iter()
            .map(|file| fs::read_to_string(file).expect("a file"))
    };
    // Floors and ours take turns, so that what disturbs one disturbs the other.
    let mut least = [f64::MAX; 3];
    for _ in 0..RUNS {
        let events = timed(|| {
            for text in texts() {
                black_box(
                    granit_parser::Parser::new_from_str(&text)
                        .filter(|event| black_box(event).is_ok())
                        .count(),
                );
            }
        });
        let values = timed(|| {
            for text in texts() {
                let value: Value =
                    serde_saphyr::from_str_with_options(&text, unbounded()).expect("YAML");
                black_box(value);
            }
        });
        let ours = timed(|| {
            let loaded = manifest::load(files);
            assert!(
                loaded.diagnostics.is_empty(),
                "{:?}",
                loaded.diagnostics.first()
            );
            black_box(loaded);
        });
        for (least, seconds) in least.iter_mut().zip([events, values, ours]) {
            *least = least.min(seconds);
        }
    }
    let [events, values, ours] = least;
    println!("\n{what}");
    println!("  the parser's events          {events:9.3} s");
    println!("  deserialised into values     {values:9.3} s");
    println!(
        "  read and checked             {ours:9.3} s  {:5.2} times the events  {:5.2} times the values",
        ours / events,
        ours / values
    );
}

/// The library's own bounds would refuse the large file.
fn unbounded() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: None,
    }
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn globs(globs: usize, names: usize) {
    println!("\n{globs} globs over {names} names");
    let areas = |number: usize| format!("Win - Area {:04} - Policy {number:06}", number % globs);
    for (what, glob) in [
        ("by how they begin", "Win - Area {} - *"),
        ("by what they hold", "*Area {} -*"),
        ("by how they end", "*{}"),
        ("by single digits", "*{digits}*"),
    ] {
        let mut text = String::from("version: 1\npolicies:\n");
        for number in 0..globs {
            let number = format!("{number:04}");
            let digits: Vec<String> = number.chars().map(String::from).collect();
            let glob = glob
                .replace("{}", &number)
                .replace("{digits}", &digits.join("*"));
            let _ = writeln!(
                text,
                "- {{kind: configurationPolicy, match: '{glob}', include: [allDevices]}}"
            );
        }
        let loaded = manifest::read_texts(vec![("globs.yaml".to_owned(), text)]);
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let policies = (0..names).map(|number| {
            let id = format!("30000000-aaaa-4bbb-8ccc-{number:012x}");
            LivePolicy::new(kind, id, areas(number), None, Vec::new())
        });
        let live = LiveTenant {
            policies: policies.collect(),
            ..LiveTenant::default()
        };
        let inputs = PlanInputs {
            tenant_id: None,
            graph_url: "",
            write_with: WriteWith::Auto,
            strict: false,
            selection: &Selection::default(),
        };
        let mut least = f64::MAX;
        for _ in 0..RUNS {
            least = least.min(timed(|| {
                black_box(plan::make(
                    &loaded.manifest,
                    &loaded.sources,
                    &live,
                    &inputs,
                ));
            }));
        }
        println!("  {what:<28} {least:9.3} s to a plan");
    }
}
