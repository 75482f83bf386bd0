//! How long the program takes to start, against a program that does nothing but parse two options
//! and print its help. `cargo bench --bench start` prints it; `-- --short` starts less often.
//!
//! The floor is this executable itself, started again with `--floor`: for `--help` it prints its help,
//! for `validate` it reads its arguments. All are started in turn, so that what else the machine does
//! meets all of them alike.

#![expect(clippy::print_stdout, reason = "it is what this is for")]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MANIFEST: &str = "version: 1
policies:
  - kind: configurationPolicy
    name: Win - BitLocker
    include:
      - group: SG-Pilot
      - allDevices: true
        filter: Corporate Windows 11
";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("--floor") {
        floor();
        return Ok(());
    }
    let rounds = if std::env::args().any(|argument| argument == "--short") {
        20
    } else {
        400
    };
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("m.yaml"), MANIFEST)?;
    let program = Path::new(env!("CARGO_BIN_EXE_assignctl"));
    let own = std::env::current_exe()?;
    let mut runs = [
        Run::new(
            "trivial clap program, `--help`",
            &own,
            &["--floor", "--help"],
        ),
        Run::new("`assignctl --help`", program, &["--help"]),
        Run::new(
            "trivial clap program, one file named",
            &own,
            &["--floor", "m.yaml"],
        ),
        Run::new(
            "`assignctl validate` on one manifest",
            program,
            &["validate", "m.yaml"],
        ),
        Run::new(
            "the same behind a common option",
            program,
            &["--color", "auto", "validate", "m.yaml"],
        ),
    ];
    for _ in 0..rounds {
        for run in &mut runs {
            run.once(folder.path())?;
        }
    }
    println!("{rounds} starts of each, in turn\n");
    println!("| started | fastest | median | ratio to the floor, fastest | median |");
    println!("|---|---|---|---|---|");
    let mut floor = (Duration::MAX, Duration::MAX);
    for run in &mut runs {
        let (fastest, median) = (run.fastest(), run.median());
        if run.program == own {
            floor = (fastest, median);
        }
        println!(
            "| {} | {:.2} ms | {:.2} ms | {:.2} | {:.2} |",
            run.name,
            fastest.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3,
            fastest.as_secs_f64() / floor.0.as_secs_f64(),
            median.as_secs_f64() / floor.1.as_secs_f64(),
        );
    }
    println!(
        "\nThe executable has {:.1} MB, the floor {:.1} MB.",
        megabytes(program)?,
        megabytes(&own)?
    );
    Ok(())
}

/// What any program with a command line has to do.
fn floor() {
    let flag = clap::Arg::new("flag")
        .long("flag")
        .help("A flag")
        .action(clap::ArgAction::SetTrue);
    let file = clap::Arg::new("file").help("A file");
    let command = clap::Command::new("floor")
        .about("Does nothing")
        .arg(flag)
        .arg(file);
    command.get_matches_from(std::env::args_os().skip(1));
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn megabytes(path: &Path) -> Result<f64, Box<dyn Error>> {
    Ok(std::fs::metadata(path)?.len() as f64 / 1e6)
}

struct Run<'a> {
    name: &'static str,
    program: &'a Path,
    arguments: &'static [&'static str],
    times: Vec<Duration>,
}

impl<'a> Run<'a> {
    fn new(name: &'static str, program: &'a Path, arguments: &'static [&'static str]) -> Self {
        Self {
            name,
            program,
            arguments,
            times: Vec::new(),
        }
    }

    fn once(&mut self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new(self.program);
        command
            .args(self.arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        self.times.push(start.elapsed());
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} failed: {status}", self.name).into())
        }
    }

    fn fastest(&self) -> Duration {
        self.times.iter().min().copied().unwrap_or_default()
    }

    fn median(&mut self) -> Duration {
        self.times.sort_unstable();
        let middle = self.times.len() / 2;
        self.times.get(middle).copied().unwrap_or_default()
    }
}
