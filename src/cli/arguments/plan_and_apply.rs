//! The commands that plan, apply and undo, and those about what they leave behind.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::options::{
    Ci, CountMembers, Guards, Planning, Selecting, Tenants as TenantOptions, View, WhoDidIt,
};
use crate::cli::values::{digest, duration, justification};

/// What `plan`, `drift` and `apply` have in common.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct PlanOptions {
    #[command(flatten)]
    pub(in crate::cli) tenants: TenantOptions,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) planning: Planning,
    #[command(flatten)]
    pub(in crate::cli) guards: Guards,
    #[command(flatten)]
    pub(in crate::cli) members: CountMembers,
    #[command(flatten)]
    pub(in crate::cli) ci: Ci,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl plan manifests\n  assignctl plan manifests --sandbox tenant.json\n  assignctl plan manifests --out plan.json --detailed-exitcode\n  assignctl plan manifests --only 'Win - Security - *' --diff\n  assignctl plan manifests --format markdown > comment.md"
)]
pub(in crate::cli) struct Plan {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Save the plan to this file; with several tenants, one plan per tenant into this folder
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Exit with 2 if changes are pending
    #[arg(long)]
    pub(in crate::cli) detailed_exitcode: bool,
    /// Mark changes made in the tenant since an apply, rather than by the manifests
    #[arg(long, value_name = "REPORT")]
    pub(in crate::cli) since: Option<PathBuf>,
    /// Whether it is `drift`.
    #[arg(skip)]
    pub(in crate::cli) is_drift: bool,
    #[command(flatten)]
    pub(in crate::cli) who: WhoDidIt,
    #[command(flatten)]
    pub(in crate::cli) options: PlanOptions,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl drift manifests\n  assignctl drift manifests --since report.jsonl\n  assignctl drift manifests --format markdown > issue.md"
)]
pub(in crate::cli) struct Drift {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Separate changes made in the tenant since an apply from manifests not applied yet; in a folder,
    /// the newest report of an apply that was carried out
    #[arg(long, value_name = "REPORT|FOLDER")]
    since: Option<PathBuf>,
    #[command(flatten)]
    who: WhoDidIt,
    #[command(flatten)]
    pub(in crate::cli) options: PlanOptions,
}

impl Drift {
    pub(in crate::cli) fn into_plan(self) -> Plan {
        let Self {
            paths,
            since,
            who,
            options,
        } = self;
        Plan {
            paths,
            out: None,
            detailed_exitcode: true,
            since,
            is_drift: true,
            who,
            options,
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl show plan.json\n  assignctl show plan.json --diff\n  assignctl show report.jsonl\n  assignctl show plan.json --format markdown > comment.md"
)]
pub(in crate::cli) struct Show {
    /// A saved plan, or the report of an apply
    #[arg(value_name = "PLANFILE|REPORT")]
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
}

#[derive(Args, Debug, Default)]
#[command(
    after_help = "Examples:\n  assignctl apply manifests\n  assignctl apply manifests --sandbox tenant.json --yes\n  assignctl apply plan.json --report report.jsonl\n  assignctl apply manifests --expect-digest sha256:0f3a…"
)]
pub(in crate::cli) struct Apply {
    /// Manifests, one saved plan, or a folder with saved plans of tenants [default: the
    /// configuration's manifests]
    #[arg(value_name = "PATH|PLANFILE|DIR")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Report file (default: `.assignctl/reports/<time>.jsonl`); with several tenants, a folder with
    /// one report per tenant
    #[arg(long, value_name = "FILE|DIR")]
    pub(in crate::cli) report: Option<PathBuf>,
    /// Stop at the first policy that fails; with several tenants, also start no further tenant
    #[arg(long)]
    pub(in crate::cli) fail_fast: bool,
    /// Reason for the changes, shown to whoever approves them
    #[arg(long, value_name = "TEXT", value_parser = justification)]
    pub(in crate::cli) justification: Option<String>,
    /// Resend the changes that a run filed for approval, by its report or a folder with one report per tenant
    #[arg(long, value_name = "REPORT|DIR", conflicts_with_all = ["paths", "expect_digest", "max_age", "reviewed", "max_removals", "max_policies", "max_members_lost"])]
    pub(in crate::cli) resume: Option<PathBuf>,
    /// Wait this long for filed changes to be approved
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) wait_for_approval: Option<Duration>,
    /// Refuse a saved plan older than this [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) max_age: Option<Duration>,
    /// Continue only if the plan has this digest, as reviewed
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(in crate::cli) expect_digest: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) options: PlanOptions,
    /// Apply only the plan that the merged pull request shows in this pipeline's own comment
    #[arg(long, requires = "ci")]
    pub(in crate::cli) reviewed: bool,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl rollback report.jsonl\n  assignctl rollback .assignctl/reports/20261123T020000.000Z.jsonl --yes\n  assignctl rollback report.jsonl --only \"Win - *\"\n  assignctl rollback report.jsonl --out plan.json\n\nPolicies that changed since that run are reported and left alone (exit 6)."
)]
pub(in crate::cli) struct Rollback {
    /// Report of the run to undo, or a folder with one report per tenant
    #[arg(value_name = "REPORT|DIR")]
    pub(in crate::cli) of: PathBuf,
    /// Save the plan to this file and write nothing; `apply FILE` carries it out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "report", "fail_fast"])]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Report file of the rollback (default: `.assignctl/reports/<time>.jsonl`)
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,
    /// Stop at the first policy that fails
    #[arg(long)]
    pub(in crate::cli) fail_fast: bool,
    /// Reason for the changes, shown to whoever approves them
    #[arg(long, value_name = "TEXT", value_parser = justification)]
    pub(in crate::cli) justification: Option<String>,
    /// Wait this long for filed changes to be approved
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) wait_for_approval: Option<Duration>,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
    #[command(flatten)]
    pub(in crate::cli) view: View,
    #[command(flatten)]
    pub(in crate::cli) planning: Planning,
    #[command(flatten)]
    pub(in crate::cli) guards: Guards,
}

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  assignctl approvals\n  assignctl approvals manifests\n  assignctl approvals report.jsonl --format json\n  assignctl approvals cancel report.jsonl"
)]
pub(in crate::cli) struct Approvals {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<ApprovalsCommand>,
    /// Manifests: only requests for the policies that they manage; or the report of an apply, or a folder
    /// of reports of tenants: only those that these runs have filed [default: all that the sign-in sees]
    #[arg(value_name = "PATH|REPORT")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) tenants: TenantOptions,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApprovalsCommand {
    /// Withdraw the open requests that the run of a report has filed
    Cancel(ApprovalsCancel),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl approvals cancel report.jsonl\n  assignctl approvals cancel report.jsonl --yes"
)]
pub(in crate::cli) struct ApprovalsCancel {
    /// Report of the run whose requests are withdrawn, or a folder of reports of tenants
    #[arg(value_name = "REPORT|DIR")]
    pub(in crate::cli) report: PathBuf,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}
