//! The commands that look at a tenant and write nothing to it.

use std::path::PathBuf;

use clap::Args;

use crate::cli::options::{Selecting, Tenants as TenantOptions};
use crate::cli::values::policy_kind;
use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::plan::Selection;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl export --out manifests\n  assignctl export --sandbox tenant.json > manifest.yaml\n  assignctl export --snapshot tenant.json\n  assignctl export --into manifests --unmanaged"
)]
pub(in crate::cli) struct Export {
    /// Write the manifests into this folder instead of to stdout
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// With `--unmanaged`: add files to this folder of manifests, which may exist
    #[arg(long, value_name = "DIR", requires = "unmanaged", conflicts_with_all = ["out", "force", "snapshot"])]
    pub(in crate::cli) into: Option<PathBuf>,
    /// Only policies that no manifest in the folder manages; reuses the folder's target sets
    #[arg(long, requires = "into")]
    pub(in crate::cli) unmanaged: bool,
    /// Replace the manifests that the folder already holds; refuses if other YAML is among them
    #[arg(long, requires = "out")]
    pub(in crate::cli) force: bool,
    /// Write the whole tenant to this file instead, for `--sandbox`: policies with their
    /// assignments, filters, and the names of all groups
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["out", "force", "only", "exclude", "kind"]
    )]
    pub(in crate::cli) snapshot: Option<PathBuf>,
    /// This tenant of those that the manifests of the folder, or of the configuration, name
    #[arg(long, help_heading = "Tenants", value_name = "NAME")]
    pub(in crate::cli) tenant: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl list --policy 'Win - BitLocker*'\n  assignctl list --group SG-Pilot --effective\n  assignctl list --user ada@example.com --format csv > ada.csv\n  assignctl list --unmanaged manifests\n  assignctl list --format html > assignments.html\n\nWith `--user` and `--device`, lists what reaches them through groups, all users or all devices,\nwith what excludes them. What a device gets through its users is not listed: that depends on who signs in."
)]
pub(in crate::cli) struct List {
    /// Only assignments to this group, by name or id
    #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "device", "unassigned"])]
    pub(in crate::cli) group: Option<String>,
    /// What this user gets, by sign-in name or id
    #[arg(long, value_name = "UPN", conflicts_with_all = ["device", "unassigned"])]
    pub(in crate::cli) user: Option<String>,
    /// What this device gets, by name or id of its object
    #[arg(long, value_name = "NAME", conflicts_with = "unassigned")]
    pub(in crate::cli) device: Option<String>,
    /// With `--group`: also what reaches its members through parent groups and as all users or all
    /// devices, and what excludes them
    #[arg(long, requires = "group")]
    pub(in crate::cli) effective: bool,
    /// Only policies whose display name matches a glob (can be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) policy: Vec<String>,
    /// Only assignments with this assignment filter, by name or id
    #[arg(long, value_name = "NAME", conflicts_with = "unassigned")]
    pub(in crate::cli) filter: Option<String>,
    /// Only policies that reach no one: without assignments, or with exclusions and deleted groups only
    #[arg(long)]
    pub(in crate::cli) unassigned: bool,
    /// Only policies that these manifests do not manage [default: the configuration's manifests]
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub(in crate::cli) unmanaged: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub(in crate::cli) tenants: TenantOptions,
    #[command(flatten)]
    pub(in crate::cli) selecting: Selecting,
}

impl List {
    pub(in crate::cli) fn selection(&self) -> Selection {
        let mut selection = self.selecting.selection();
        selection.only.extend(self.policy.iter().map(Glob::new));
        selection
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl explain 'Win - BitLocker' manifests\n  assignctl explain 8f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e --format json"
)]
pub(in crate::cli) struct Explain {
    /// The policy, by display name or id
    #[arg(value_name = "POLICY")]
    pub(in crate::cli) policy: String,
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Only a policy of this kind (several with commas, or repeated)
    #[arg(long, value_name = "KIND", value_parser = policy_kind, value_delimiter = ',')]
    pub(in crate::cli) kind: Vec<PolicyKind>,
    #[command(flatten)]
    pub(in crate::cli) tenants: TenantOptions,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl doctor\n  assignctl doctor --share doctor.json\n  assignctl doctor --try-writes 'Test policy' --group SG-Empty\n\nEach assumption is explained in docs/service.md. Exits with 1 if one that a write relies on differs."
)]
pub(in crate::cli) struct Doctor {
    /// Check only policies of this kind (several with commas, or repeated)
    #[arg(long, value_name = "KIND", value_parser = policy_kind, value_delimiter = ',')]
    pub(in crate::cli) kind: Vec<PolicyKind>,
    /// Write the findings, requests and responses to this file, without names, ids, hosts or tokens
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) share: Option<PathBuf>,
    /// Also test writes on this policy, by display name or id, then restore it
    #[arg(long, value_name = "POLICY")]
    pub(in crate::cli) try_writes: Option<String>,
    /// Group to exclude temporarily, by name or id [default: one without members]
    #[arg(long, value_name = "NAME", requires = "try_writes")]
    pub(in crate::cli) group: Option<String>,
    /// Try it on a policy with more than one assignment
    #[arg(long, requires = "try_writes")]
    pub(in crate::cli) several: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "try_writes")]
    pub(in crate::cli) yes: bool,
    /// Report file of the writes (default: `.assignctl/reports/<time>.jsonl`)
    #[arg(long, value_name = "FILE", requires = "try_writes")]
    pub(in crate::cli) report: Option<PathBuf>,
}
