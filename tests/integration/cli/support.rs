//! What the tests share: a fresh folder with a clean environment, runs of the executable in it,
//! and files of expected output.

#[cfg(unix)]
pub(super) mod browser;
pub(super) mod certificates;
#[cfg(unix)]
pub(super) mod gate;
pub(super) mod gated;
pub(super) mod proxy;
pub(super) mod readers;
pub(super) mod service;
pub(super) mod stand_in;
pub(super) mod tenant;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use tenant::Tenant;

/// The variables that a run gets from outside: what processes need to start at all, and where
/// coverage is counted. None of them says anything to the program.
const PASSED_ON: [&str; 4] = ["LLVM_PROFILE_FILE", "SystemRoot", "TEMP", "TMP"];

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fresh folder, which is where all commands run, and the variables that they see.
pub(super) struct World {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Ran {
    command: String,
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl World {
    pub(super) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            environment: Vec::new(),
        }
    }

    /// Keeps a tenant in `tenant.json`.
    pub(super) fn new(tenant: &Tenant) -> Self {
        let world = Self::empty();
        world.write("tenant.json", &tenant.text());
        world
    }

    /// Keeps a tenant, and entries in `m.yaml`; the first one is its line 3.
    pub(super) fn with(tenant: &Tenant, entries: &[&str]) -> Self {
        let world = Self::new(tenant);
        world.manifest(entries);
        world
    }

    /// Writes `m.yaml`, one entry on each line. A `kind` is added where the entry names none.
    pub(super) fn manifest(&self, entries: &[&str]) {
        self.manifest_in("m.yaml", entries);
    }

    /// Does the same with another file.
    pub(super) fn manifest_in(&self, path: &str, entries: &[&str]) {
        let mut text = "version: 1\npolicies:\n".to_owned();
        for entry in entries {
            let kind = if entry.contains("kind:") {
                ""
            } else {
                "kind: configurationPolicy, "
            };
            writeln!(text, "- {{{kind}{entry}}}").expect("memory");
        }
        self.write(path, &text);
    }

    /// Sets a variable for the runs that follow.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(path, text).expect("a writable folder");
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(super) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Reads a report; a line that is being written is not taken.
    pub(super) fn report(&self, name: &str) -> Vec<Value> {
        let Ok(text) = std::fs::read_to_string(self.path(name)) else {
            return Vec::new();
        };
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// Changes a JSON file.
    pub(super) fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(name);
        change(&mut value);
        self.write(name, &format!("{value:#}\n"));
    }

    /// Says a policy's rows in the state file in short words, sorted.
    pub(super) fn rows(&self, policy: &str) -> Vec<String> {
        tenant::rows(&self.json("tenant.json"), policy)
    }

    pub(super) fn command(&self, line: &str) -> Command {
        command(self.folder.path(), &self.environment, line)
    }

    /// Runs a command line, split at spaces.
    pub(super) fn run(&self, line: &str) -> Ran {
        run(self.command(line), line)
    }

    /// Runs a command line in a folder of the world.
    pub(super) fn run_in(&self, folder: &str, line: &str) -> Ran {
        let mut command = self.command(line);
        command.current_dir(self.path(folder));
        run(command, line)
    }

    /// Runs a command line that uses the emulator inside the process. Nothing is said of progress,
    /// whose order is left to chance where reads run side by side.
    pub(super) fn sandbox(&self, line: &str) -> Ran {
        self.run(&format!("{line} --no-progress --sandbox tenant.json"))
    }

    pub(super) fn spawn(&self, line: &str) -> Running {
        self.spawn_with(line, Stdio::piped())
    }

    /// Runs a command line on a terminal, where something is typed. What it says comes on stdout.
    #[cfg(target_os = "linux")]
    pub(super) fn on_terminal(&self, line: &str, typed: &str) -> Ran {
        use std::io::Write as _;
        let program = self.command(line);
        let quoted = format!("{} {line}", program.get_program().display());
        let mut child = self
            .other("/usr/bin/script")
            .args(["-qec", &quoted, "/dev/null"])
            .env("TERM", "dumb")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command script");
        let mut keys = child.stdin.take().expect("a pipe");
        keys.write_all(typed.as_bytes()).expect("a terminal");
        let output = child.wait_with_output().expect("an end");
        drop(keys);
        Ran::new(line, output)
    }

    /// Runs a command line from a shell that has prepared itself.
    #[cfg(target_os = "linux")]
    pub(super) fn prepared(&self, preparation: &str, line: &str) -> Ran {
        let program = self.command(line);
        let mut shell = self.other("/bin/sh");
        shell
            .args(["-c", &format!("{preparation}; exec \"$0\" \"$@\"")])
            .arg(program.get_program())
            .args(program.get_args());
        run(shell, line)
    }

    /// Another program with the same surroundings.
    #[cfg(target_os = "linux")]
    fn other(&self, program: &str) -> Command {
        let mut other = Command::new(program);
        other
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null());
        for (name, value) in self.command("").get_envs() {
            other.env(name, value.unwrap_or_default());
        }
        other
    }

    /// Starts a run whose stderr can be read while it goes on.
    pub(super) fn spawn_into(&self, line: &str, stderr: &str) -> Running {
        let file = std::fs::File::create(self.path(stderr)).expect("a writable folder");
        self.spawn_with(line, file.into())
    }

    fn spawn_with(&self, line: &str, stderr: Stdio) -> Running {
        let child = self
            .command(line)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the executable");
        Running {
            child: Some(child),
            command: line.to_owned(),
        }
    }
}

/// A run that goes on.
pub(super) struct Running {
    child: Option<Child>,
    command: String,
}

impl Running {
    /// Sends a signal to this one process.
    #[cfg(unix)]
    pub(super) fn signal(&self, name: &str) {
        send_signal(self.child.as_ref().expect("not waited for").id(), name);
    }

    /// Returns the process's id.
    #[cfg(unix)]
    pub(super) fn id(&self) -> u32 {
        self.child.as_ref().expect("not waited for").id()
    }

    pub(super) fn wait(mut self) -> Ran {
        let child = self.child.take().expect("not waited for");
        let output = child.wait_with_output().expect("an end");
        Ran::new(&self.command, output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Sends a signal to one process.
#[cfg(unix)]
pub(super) fn send_signal(id: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), id.to_string()])
        .status()
        .expect("the command kill");
    assert!(sent.success());
}

/// Waits until something holds; for things that another process is about to do.
pub(super) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn command(folder: &Path, environment: &[(String, String)], line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assignctl"));
    command
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null());
    // Other command lines that could sign in are not found, nor the metadata service of a machine
    // in Azure: no one listens on port 1.
    command
        .env("PATH", folder)
        .env("HOME", folder)
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1");
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in environment {
        command.env(name, value);
    }
    command
}

fn run(mut command: Command, line: &str) -> Ran {
    Ran::new(line, command.output().expect("the executable"))
}

/// Runs a command line in a folder of `fixtures`.
pub(super) fn run_in_fixture(name: &str, line: &str) -> Ran {
    let folder = here("fixtures").join(name);
    run(command(&folder, &[], line), line)
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/integration")
        .join(name)
}

impl Ran {
    fn new(command: &str, output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self {
            command: command.to_owned(),
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Checks the exit code; shows everything where it is another.
    #[track_caller]
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text());
        self
    }

    /// Checks that parts are in what was said, on either stream.
    #[track_caller]
    pub(super) fn says(self, parts: &[&str]) -> Self {
        let text = self.text();
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
        self
    }

    /// Checks that a part is in nothing that was said.
    #[track_caller]
    pub(super) fn says_nothing_of(self, part: &str) -> Self {
        let text = self.text();
        assert!(!text.contains(part), "`{part}` is in\n{text}");
        self
    }

    /// Returns what is on stdout as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.text()))
    }

    /// Compares command, exit code, stdout and stderr with a file of `expected`.
    #[track_caller]
    pub(super) fn matches(self, name: &str) -> Self {
        let path = here("expected").join(format!("{name}.txt"));
        let expected = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw();
        snapbox::Assert::new()
            .action_env("SNAPSHOTS")
            .eq(self.text(), expected);
        self
    }

    fn text(&self) -> String {
        let Self {
            command,
            code,
            stdout,
            stderr,
        } = self;
        let code = code.map_or("none".to_owned(), |code| code.to_string());
        let mut text = format!("$ assignctl {command}\n[exit code {code}]\n");
        for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
            if !stream.is_empty() {
                write!(text, "[{name}]\n{stream}").expect("memory");
                if !stream.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        redact(&text)
    }
}

/// Puts placeholders for what differs from run to run.
fn redact(text: &str) -> String {
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim_start() {
            start if start.starts_with("\"createdAt\": ") => {
                let indent = line.len() - start.len();
                lines.push_str(&line[..indent]);
                lines.push_str("\"createdAt\": \"[TIME]\",\n");
            }
            start if start.starts_with("report: .assignctl") => {
                lines.push_str("report: .assignctl/reports/[TIME].jsonl\n");
            }
            _ => lines.push_str(line),
        }
    }
    lines
}
