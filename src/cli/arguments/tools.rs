//! The commands around a folder of manifests and the program itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::values::tenant_name;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl validate manifests\n  assignctl validate windows.yaml macos.yaml\n  assignctl validate manifests --format github"
)]
pub(in crate::cli) struct Validate {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl init\n  assignctl init intune --pipeline github\n\nSigns in, exports the tenant to DIR/manifests, and writes assignctl.yaml, the schema for editors and .gitignore.\nNothing that exists is overwritten."
)]
pub(in crate::cli) struct Init {
    /// The folder; created if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(in crate::cli) folder: PathBuf,
    /// Add the tenant signed in to, under this short name, to the manifests that are there
    #[arg(long, value_name = "NAME", conflicts_with = "pipeline", value_parser = tenant_name)]
    pub(in crate::cli) tenant: Option<String>,
    /// The pipeline to write [default: asked for on a terminal, else none]
    #[arg(long, value_enum, value_name = "PLATFORM")]
    pub(in crate::cli) pipeline: Option<PipelineFile>,
}

/// Pipelines that `init` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PipelineFile {
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    AzureDevops,
    /// GitLab CI/CD.
    Gitlab,
    /// No pipeline.
    None,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl sandbox --state tenant.json\n  assignctl sandbox --state tenant.json --listen 127.0.0.1:8080\n\nThe first line on stdout is the Graph URL to use."
)]
pub(in crate::cli) struct Sandbox {
    /// The tenant's file; created from the sample tenant if it does not exist (can be repeated: several
    /// tenants at one URL, distinguished by the token)
    #[arg(long, value_name = "FILE", required = true)]
    pub(in crate::cli) state: Vec<PathBuf>,
    /// Loopback address to listen on; port 0 picks one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(in crate::cli) listen: std::net::SocketAddr,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl schema > manifest.schema.json\n  assignctl schema --from-tenant > manifest.schema.json\n\nEditors with the YAML language server then complete and check a manifest that begins with\n  # yaml-language-server: $schema=manifest.schema.json"
)]
pub(in crate::cli) struct Schema {
    /// Add the names of groups, filters and policies in this snapshot or state file
    #[arg(long, value_name = "FILE", conflicts_with = "from_tenant")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Sign in, and add the names of the tenant's groups, filters and policies
    #[arg(long)]
    pub(in crate::cli) from_tenant: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl completions bash > /etc/bash_completion.d/assignctl\n  assignctl completions powershell | Out-String | Invoke-Expression\n\nCommands, options and their values are completed; names of policies, groups, filters and tenants\ntoo: from the manifests on the command line, else those of the configuration, else those in `manifests`,\nand from the schema that `init` wrote."
)]
pub(in crate::cli) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(in crate::cli) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl man --out /usr/local/share/man/man1")]
pub(in crate::cli) struct Man {
    /// The folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl version --format json")]
pub(in crate::cli) struct Version {}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl help plan\n  assignctl help approvals cancel\n  assignctl help environment\n  assignctl help exit-codes\n  assignctl help unknown-group"
)]
pub(in crate::cli) struct Help {
    /// A command, `environment`, `exit-codes`, or the code of an error, warning, reason or guard
    #[arg(value_name = "TOPIC")]
    pub(in crate::cli) topic: Vec<String>,
}
