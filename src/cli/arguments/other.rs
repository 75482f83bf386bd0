//! The commands around it: `export`, `whoami`, `sandbox`, `schema`, `completions`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::selecting::Selecting;
use crate::graph::permissions::NEEDS;

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
    pub(in crate::cli) selecting: Selecting,
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
