//! What the user typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::reference;
use super::selecting::Selecting;
use super::values::{digest, duration, max_bytes};
use crate::graph::permissions::NEEDS;
use crate::graph::sign_in::Method;
use crate::plan::Selection;
use crate::plan::guards::{GuardName, RemovalLimit};
use crate::plan::writes::WriteWith;
use crate::render::markdown;

/// Keep the assignments of Microsoft Intune policies equal to YAML manifests
///
/// `plan` shows the difference between manifests and the live tenant, `apply` makes it true.
#[derive(Debug, Parser)]
#[command(
    name = "assignctl",
    version,
    max_term_width = 100,
    after_help = reference::variables()
)]
pub struct Arguments {
    /// Options that every command takes.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check manifests offline
    Validate(Validate),
    /// Show what apply would change; never writes to the service
    Plan(Plan),
    /// Make the live state equal to the manifests, or carry out a saved plan
    Apply(Apply),
    /// Plan the way back from what an apply did, then go it as apply does
    Rollback(Rollback),
    /// Print a saved plan
    Show(Show),
    /// Plan for the nightly job: always detailed exit codes
    Drift(Drift),
    /// Write manifests from the live state; a plan of them has no changes
    Export(Export),
    /// Sign in and show what is permitted
    Whoami(WhoAmI),
    /// Serve the built-in Graph emulator over HTTP
    Sandbox(Sandbox),
    /// Print the JSON Schema of manifests, for editors
    Schema(Schema),
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Command {
    /// Returns the command's word, if its result is one that comes in all formats.
    pub(super) fn with_formats(&self) -> Option<&'static str> {
        match self {
            Self::Validate(_) => Some("validate"),
            Self::Plan(_) => Some("plan"),
            Self::Apply(_) => Some("apply"),
            Self::Rollback(_) => Some("rollback"),
            // What it shows is a plan, and a comment with it is the plan's.
            Self::Show(_) => Some("plan"),
            Self::Drift(_) => Some("drift"),
            Self::Export(_)
            | Self::Whoami(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_) => None,
        }
    }

    /// Returns which policies are asked for, for the commands that can be narrowed.
    pub(super) fn selection(&self) -> Selection {
        match self {
            Self::Plan(Plan { selecting, .. })
            | Self::Drift(Drift { selecting, .. })
            | Self::Apply(Apply { selecting, .. })
            | Self::Rollback(Rollback { selecting, .. })
            | Self::Show(Show { selecting, .. })
            | Self::Export(Export { selecting, .. }) => selecting.selection(),
            Self::Validate(_)
            | Self::Whoami(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_) => Selection::default(),
        }
    }
}

/// Options that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Form of the result on stdout
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub format: Format,
    /// Also write the result as JSON to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
    /// Largest size of the result as Markdown; details are dropped from the end
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = markdown::USUAL,
        value_parser = max_bytes
    )]
    pub max_bytes: usize,
    /// When to use colour; `NO_COLOR` and `CLICOLOR_FORCE` count too
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: Color,
    /// Say nothing about progress on stderr
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Log more to stderr (can be repeated)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Form of the log on stderr
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
    /// Configuration file (default: `assignctl.yaml` in the working folder, if there is one)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the service is, and how it is talked to.
    #[command(flatten)]
    pub service: Service,
}

/// Where the service is, and how it is talked to.
#[derive(Args, Clone, Debug)]
pub struct Service {
    /// Use the emulator inside the process, its tenant kept in this file; a file that does not
    /// exist is made from the sample tenant
    #[arg(long, global = true, help_heading = "Service", value_name = "FILE")]
    pub sandbox: Option<PathBuf>,
    /// Graph URL with its version [env: `ASSIGNCTL_GRAPH_URL`] [default: the cloud's]
    #[arg(long, global = true, help_heading = "Service", value_name = "URL")]
    pub graph_url: Option<String>,
    /// National cloud: public, usgov, usgov-dod, china [default: public]
    #[arg(long, global = true, help_heading = "Service", value_name = "CLOUD")]
    pub cloud: Option<String>,
    /// How to sign in: token, client-secret, client-certificate, workload-identity, github,
    /// azure-devops, managed-identity, azure-cli [default: the first that is configured]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "NAME",
        value_parser = auth
    )]
    pub auth: Option<Method>,
    /// Most requests that write, as count/window [default: 100/20s]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "COUNT/WINDOW"
    )]
    pub write_limit: Option<String>,
    /// Most requests of any kind, as count/window [default: 1000/20s]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "COUNT/WINDOW"
    )]
    pub read_limit: Option<String>,
    /// Longest wait on the service's word [default: 15m]
    #[arg(long, global = true, help_heading = "Service", value_name = "DURATION")]
    pub max_wait: Option<String>,
    /// How many policies are worked on side by side [default: 8]
    #[arg(long, global = true, help_heading = "Service", value_name = "N")]
    pub concurrency: Option<usize>,
}

/// Forms of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Workflow annotations for GitHub Actions.
    Github,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is let through.
#[derive(Args, Clone, Debug)]
pub struct Guards {
    /// Accept what a guard sees (can be repeated): removals, policies, broad-target,
    /// exclusion-lost, unassigned
    #[arg(long, value_name = "GUARD", value_parser = guard_name)]
    pub allow: Vec<GuardName>,
    /// Most removals, as a number or a share of the managed live assignments [default: 25%]
    #[arg(long, value_name = "N|N%", value_parser = removal_limit)]
    pub max_removals: Option<RemovalLimit>,
    /// Most policies that change [default: 50]
    #[arg(long, value_name = "N")]
    pub max_policies: Option<usize>,
}

fn guard_name(text: &str) -> Result<GuardName, String> {
    match GuardName::from_name(text) {
        Some(guard) if guard.can_be_accepted() => Ok(guard),
        Some(guard) => Err(format!("guard `{}` can't be accepted", guard.name())),
        None => {
            let names: Vec<&str> = GuardName::ALL
                .iter()
                .filter(|guard| guard.can_be_accepted())
                .map(|guard| guard.name())
                .collect();
            Err(format!("no such guard; there are {}", names.join(", ")))
        }
    }
}

fn removal_limit(text: &str) -> Result<RemovalLimit, String> {
    RemovalLimit::parse(text)
        .ok_or_else(|| "expected a number like `40` or a share like `25%`".to_owned())
}

fn auth(text: &str) -> Result<Method, String> {
    Method::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        format!("no such sign-in; there are {}", names.join(", "))
    })
}

fn write_with(text: &str) -> Result<WriteWith, String> {
    WriteWith::from_name(text).ok_or_else(|| "expected auto, create or assign".to_owned())
}

/// `validate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl validate manifests\n  assignctl validate windows.yaml macos.yaml\n  assignctl validate manifests --format github"
)]
pub struct Validate {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `plan`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl plan manifests\n  assignctl plan manifests --sandbox tenant.json\n  assignctl plan manifests --out plan.json --detailed-exitcode\n  assignctl plan manifests --only 'Win - Security - *' --diff\n  assignctl plan manifests --format markdown > comment.md"
)]
pub struct Plan {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Save the plan to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// End with 2 where changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// What `drift --since` names.
    #[arg(skip)]
    pub(super) since: Option<PathBuf>,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
}

/// `drift`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl drift manifests\n  assignctl drift manifests --since report.json\n  assignctl drift manifests --format markdown > issue.md"
)]
pub struct Drift {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Tell what was changed in the tenant since an apply from manifests that were not applied
    #[arg(long, value_name = "REPORT")]
    since: Option<PathBuf>,
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    guards: Guards,
}

impl Drift {
    pub(super) fn into_plan(self) -> Plan {
        let Self {
            paths,
            since,
            selecting,
            view,
            planning,
            guards,
        } = self;
        Plan {
            paths,
            out: None,
            detailed_exitcode: true,
            since,
            selecting,
            view,
            planning,
            guards,
        }
    }
}

/// What of a plan is shown.
#[derive(Args, Clone, Debug)]
pub struct View {
    /// Show the unchanged policies too
    #[arg(long)]
    pub all: bool,
    /// Show each policy's assignments before and after as a diff
    #[arg(long, conflicts_with = "summary")]
    pub diff: bool,
    /// Show one line a policy
    #[arg(long)]
    pub summary: bool,
}

/// How a plan is made.
#[derive(Args, Clone, Debug)]
pub struct Planning {
    /// Treat a `match` that selects nothing as an error
    #[arg(long)]
    pub strict: bool,
    /// How to write: auto takes the fewest requests; create and delete go row by row, but for rows
    /// that take the place of others [default: auto]
    #[arg(long, value_name = "auto|create|assign", value_parser = write_with)]
    pub write_with: Option<WriteWith>,
}

/// `apply`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl apply manifests\n  assignctl apply manifests --sandbox tenant.json --yes\n  assignctl apply plan.json --report report.json\n  assignctl apply manifests --expect-digest sha256:0f3a…"
)]
pub struct Apply {
    /// Manifests, or one saved plan [default: the configuration's manifests]
    #[arg(value_name = "PATH|PLANFILE")]
    pub paths: Vec<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Where the report is written (default: `.assignctl/reports/<time>.json`)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Stop at the first policy that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Oldest saved plan that is carried out [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_age: Option<Duration>,
    /// Go on only if the plan has the digest that was reviewed
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect_digest: Option<String>,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
}

/// `rollback`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl rollback report.json\n  assignctl rollback .assignctl/reports/20261123T020000.000Z.json --yes\n  assignctl rollback report.json --only \"Win - *\"\n\nPolicies that have changed since the run are named and left alone (exit 6)."
)]
pub struct Rollback {
    /// The report of the run that is to be undone
    #[arg(value_name = "REPORT")]
    pub of: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Where the report of the way back is written (default: `.assignctl/reports/<time>.json`)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Stop at the first policy that fails
    #[arg(long)]
    pub fail_fast: bool,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
}

/// `show`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl show plan.json\n  assignctl show plan.json --diff\n  assignctl show plan.json --format markdown > comment.md"
)]
pub struct Show {
    /// The saved plan
    #[arg(value_name = "PLANFILE")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
}

/// `export`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl export --out manifests\n  assignctl export --sandbox tenant.json > manifest.yaml\n  assignctl export --snapshot tenant.json"
)]
pub struct Export {
    /// Write the manifests into this folder, instead of one after the other to stdout
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the manifests that the folder holds already; YAML that is no manifest is refused
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Write the whole tenant to this file instead, for `--sandbox`: policies with their
    /// assignments, filters, and the names of all groups
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["out", "force", "only", "exclude", "kind"]
    )]
    pub snapshot: Option<PathBuf>,
    #[command(flatten)]
    pub(super) selecting: Selecting,
}

/// `whoami`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl whoami\n  assignctl whoami --for plan\n  assignctl whoami --auth azure-cli --format json"
)]
pub struct WhoAmI {
    /// Ask about the permissions for this command only: plan, drift, export, apply or rollback
    #[arg(long = "for", value_name = "COMMAND", value_parser = needing)]
    pub only: Option<String>,
}

fn needing(text: &str) -> Result<String, String> {
    let commands: Vec<&str> = NEEDS
        .iter()
        .flat_map(|need| need.commands.iter().copied())
        .collect();
    if commands.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected one of {}", commands.join(", ")))
    }
}

/// `sandbox`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl sandbox --state tenant.json\n  assignctl sandbox --state tenant.json --listen 127.0.0.1:8080\n\nThe first line on stdout is the Graph URL to use."
)]
pub struct Sandbox {
    /// The tenant's file; one that does not exist is made from the sample tenant
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// Loopback address to listen on; port 0 picks one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
}

/// `schema`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl schema > manifest.schema.json\n\nEditors with the YAML language server then complete and check a manifest that begins with\n  # yaml-language-server: $schema=manifest.schema.json"
)]
pub struct Schema {}

/// `completions`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl completions bash > /etc/bash_completion.d/assignctl"
)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
