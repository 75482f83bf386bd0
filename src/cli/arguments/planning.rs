//! The commands that write nothing to the service: `validate`, `plan`, `drift`, `show`.

use std::path::PathBuf;

use clap::Args;

use super::{Guards, Planning, View};
use crate::cli::selecting::Selecting;

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
    pub(in crate::cli) since: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) planning: Planning,
    #[command(flatten)]
    pub(in crate::cli) guards: Guards,
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
    pub(super) selecting: Selecting,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    guards: Guards,
}

impl Drift {
    pub(in crate::cli) fn into_plan(self) -> Plan {
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
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
}
