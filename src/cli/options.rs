//! Options that several commands take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::{auth, guard_name, max_bytes, policy_kind, removal_limit, write_with};
use crate::auth::Method;
use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::plan::Selection;
use crate::plan::guards::{GuardName, RemovalLimit};
use crate::plan::writes::WriteWith;
use crate::render::markdown;

/// Options that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// Form of the result on stdout
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(super) format: Format,
    /// Also write the result as JSON to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) json_into: Option<PathBuf>,
    /// Largest size of the result as Markdown; details are dropped from the end
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = markdown::USUAL,
        value_parser = max_bytes
    )]
    pub(super) max_bytes: usize,
    /// When to use colour; `NO_COLOR` and `CLICOLOR_FORCE` count too
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(super) color: Color,
    /// Say nothing about progress on stderr
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
    /// Log more to stderr (can be repeated)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Form of the log on stderr
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(super) log_format: LogFormat,
    /// Configuration file (default: `assignctl.yaml` in the working folder, if there is one)
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the service is, and how it is talked to.
    #[command(flatten)]
    pub(super) service: Service,
}

/// Where the service is, and how it is talked to.
#[derive(Args, Clone, Debug)]
pub(super) struct Service {
    /// Use the emulator inside the process, its tenant kept in this file; a file that does not
    /// exist is made from the sample tenant
    #[arg(long, global = true, help_heading = "Service", value_name = "FILE")]
    pub(super) sandbox: Option<PathBuf>,
    /// Graph URL with its version [env: `ASSIGNCTL_GRAPH_URL`] [default: the cloud's]
    #[arg(long, global = true, help_heading = "Service", value_name = "URL")]
    pub(super) graph_url: Option<String>,
    /// National cloud: public, usgov, usgov-dod, china [default: public]
    #[arg(long, global = true, help_heading = "Service", value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    /// How to sign in: token, client-secret, client-certificate, workload-identity, github,
    /// azure-devops, managed-identity, azure-cli [default: the first that is configured]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "NAME",
        value_parser = auth
    )]
    pub(super) auth: Option<Method>,
    /// Most requests that write, as count/window [default: 100/20s]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "COUNT/WINDOW"
    )]
    pub(super) write_limit: Option<String>,
    /// Most requests of any kind, as count/window [default: 1000/20s]
    #[arg(
        long,
        global = true,
        help_heading = "Service",
        value_name = "COUNT/WINDOW"
    )]
    pub(super) read_limit: Option<String>,
    /// Longest wait on the service's word [default: 15m]
    #[arg(long, global = true, help_heading = "Service", value_name = "DURATION")]
    pub(super) max_wait: Option<String>,
    /// How many policies are worked on side by side [default: 8]
    #[arg(long, global = true, help_heading = "Service", value_name = "N")]
    pub(super) concurrency: Option<usize>,
}

/// Forms of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
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
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which of the managed policies are looked at.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Selecting {
    /// Only the policies whose display names fit a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    only: Vec<String>,
    /// Not the policies whose display names fit a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only the policies of a kind (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "KIND", value_parser = policy_kind)]
    kind: Vec<PolicyKind>,
}

impl Selecting {
    pub(super) fn selection(&self) -> Selection {
        let globs = |texts: &[String]| texts.iter().map(Glob::new).collect();
        Selection {
            only: globs(&self.only),
            exclude: globs(&self.exclude),
            kinds: self.kind.clone(),
        }
    }
}

/// What of a plan is shown.
#[derive(Args, Clone, Debug)]
pub(super) struct View {
    /// Show the unchanged policies too
    #[arg(long)]
    pub(super) all: bool,
    /// Show each policy's assignments before and after as a diff
    #[arg(long, conflicts_with = "summary")]
    pub(super) diff: bool,
    /// Show one line a policy
    #[arg(long)]
    pub(super) summary: bool,
}

/// How a plan is made.
#[derive(Args, Clone, Debug)]
pub(super) struct Planning {
    /// Treat a `match` that selects nothing as an error
    #[arg(long)]
    pub(super) strict: bool,
    /// How to write: auto takes the fewest requests; create and delete go row by row, but for rows
    /// that take the place of others [default: auto]
    #[arg(long, value_name = "auto|create|assign", value_parser = write_with)]
    pub(super) write_with: Option<WriteWith>,
}

/// What is let through.
#[derive(Args, Clone, Debug)]
pub(super) struct Guards {
    /// Accept what a guard sees (can be repeated): removals, policies, broad-target,
    /// exclusion-lost, unassigned
    #[arg(long, value_name = "GUARD", value_parser = guard_name)]
    pub(super) allow: Vec<GuardName>,
    /// Most removals, as a number or a share of the managed live assignments [default: 25%]
    #[arg(long, value_name = "N|N%", value_parser = removal_limit)]
    pub(super) max_removals: Option<RemovalLimit>,
    /// Most policies that change [default: 50]
    #[arg(long, value_name = "N")]
    pub(super) max_policies: Option<usize>,
}
