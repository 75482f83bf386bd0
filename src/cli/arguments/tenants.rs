//! The commands about several tenants as such.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::options::{Ci, Tenants as TenantOptions, View};
use crate::cli::values::{digest, duration, run_id};

#[derive(Args, Debug)]
pub(in crate::cli) struct Tenants {
    #[command(subcommand)]
    pub(in crate::cli) command: TenantsCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TenantsCommand {
    /// Print a tenant's merged manifest, which plans to the same
    Show(TenantsShow),
    /// List the groups, filters and policies of the manifests that each tenant lacks
    Check(TenantsCheck),
    /// Join the results of runs that `--shard` divided, as if one run had done all of it
    Merge(TenantsMerge),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl plan manifests --all-tenants --shard 1/2 --json-into results/1.json\n  assignctl plan manifests --all-tenants --shard 2/2 --json-into results/2.json\n  assignctl tenants merge results --format markdown\n\nThe exit code is that of one run. A shard whose result is missing is an error."
)]
pub(in crate::cli) struct TenantsMerge {
    /// The folder with what the shards wrote with `--json-into`
    #[arg(value_name = "DIR")]
    pub(in crate::cli) folder: PathBuf,
    /// Refuse results of any run other than this one, as named with `--run-id`
    #[arg(long, value_name = "TEXT", value_parser = run_id)]
    pub(in crate::cli) run_id: Option<String>,
    /// Refuse results of a run that began longer ago than this [default: 12h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) max_age: Option<Duration>,
    /// Exit with 5 unless the plans have this digest, as reviewed
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(in crate::cli) expect_digest: Option<String>,
    /// Exit with 5 unless the plans are those of the comment on the merged change
    #[arg(long, requires = "ci")]
    pub(in crate::cli) reviewed: bool,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) ci: Ci,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl tenants check manifests\n  assignctl tenants check manifests --tenant label:gold --format json\n\nExits with 3 if a tenant lacks something that it has to have. Writes nothing."
)]
pub(in crate::cli) struct TenantsCheck {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) tenants: TenantOptions,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl tenants show fabrikam manifests\n  assignctl tenants show fabrikam manifests > fabrikam.yaml"
)]
pub(in crate::cli) struct TenantsShow {
    /// The tenant's name
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
}
