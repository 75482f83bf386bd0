//! The commands that write to the service: `apply`, `rollback`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Guards, Planning, View};
use crate::cli::selecting::Selecting;
use crate::cli::values::{digest, duration};

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
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) planning: Planning,
    #[command(flatten)]
    pub(in crate::cli) guards: Guards,
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
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) planning: Planning,
    #[command(flatten)]
    pub(in crate::cli) guards: Guards,
}
