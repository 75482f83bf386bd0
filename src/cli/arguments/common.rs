//! Options that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::auth::Method;
use crate::cli::values::max_bytes;
use crate::render::markdown;

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

fn auth(text: &str) -> Result<Method, String> {
    Method::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        format!("no such sign-in; there are {}", names.join(", "))
    })
}
