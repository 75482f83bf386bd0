//! What the user typed: the commands, each with its own options. Options that several commands share
//! are in [`super::options`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use super::options::{
    Ci, Common, CountMembers, Guards, Planning, Selecting, Service, Tenants as TenantOptions, View,
    WhoDidIt,
};
use super::settings::variable;
use super::values::{digest, duration, justification, permitted_command, policy_kind, tenant_name};
use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::plan::Selection;
use crate::run::tenants::merged_command;

/// Keep the assignments of Microsoft Intune policies equal to YAML manifests
///
/// `plan` shows the difference between manifests and the live tenant, `apply` makes it true.
#[derive(Debug, Parser)]
#[command(
    name = "assignctl",
    version,
    max_term_width = 100,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

const AFTER_HELP: &str = "See `assignctl --help` for all commands, `assignctl COMMAND --help`, and\n`assignctl help environment|exit-codes|CODE`.";

impl Arguments {
    /// Returns the whole command line, with every option of every command.
    pub(super) fn tree() -> clap::Command {
        Self::with_variables(&[])
    }

    fn with_variables(beaten: &[clap::Id]) -> clap::Command {
        let of_command = |option: clap::Arg| match beaten.contains(option.get_id()) {
            true => option,
            false => from_environment(option),
        };
        let tree = OFFLINE.iter().fold(Self::command(), |tree, name| {
            tree.mut_subcommand(name, without_service)
        });
        tree.mut_args(|option| match option.is_global_set() {
            true => option.hide_short_help(true),
            false => option,
        })
        .mut_args(from_environment)
        .mut_subcommands(|command| command.mut_args(of_command))
    }

    /// Returns the command line for what was typed: an option that was typed wins over the variable of one
    /// that it excludes.
    pub(super) fn tree_for(typed: &[OsString]) -> clap::Command {
        let beaten = beaten_variables(Self::command(), typed);
        Self::with_variables(&beaten)
    }

    /// Returns the command line as the short help shows it: without what is seldom needed.
    pub(super) fn shortened(tree: clap::Command) -> clap::Command {
        tree.mut_subcommands(|command| match SELDOM.contains(&command.get_name()) {
            true => command.hide(true),
            false => command,
        })
    }

    /// Reads what was typed, the program's own name first.
    pub(super) fn read(tree: clap::Command, typed: Vec<OsString>) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&tree.try_get_matches_from(typed)?)
    }
}

/// Commands that ask no service. They take its options, so that an alias can set them for all commands, and
/// their help does not name them.
const OFFLINE: [&str; 7] = [
    "validate",
    "show",
    "sandbox",
    "completions",
    "man",
    "version",
    "help",
];

/// Hides the options about the service.
fn without_service(command: clap::Command) -> clap::Command {
    let service = Service::augment_args(clap::Command::new("service"));
    let options = service.get_arguments().cloned();
    command.args(options.map(|option| option.hide(true)))
}

/// Commands that have no line in the short help, which says that there are others.
const SELDOM: [&str; 8] = [
    "whoami",
    "sandbox",
    "schema",
    "completions",
    "version",
    "approvals",
    "tenants",
    "logout",
];

/// Options whose variables are read later, since what they say together depends on where it was said.
const READ_LATER: [&str; 2] = ["sandbox", "graph-url"];

/// Returns the options of the command that was typed which exclude one that was typed as well.
fn beaten_variables(tree: clap::Command, typed: &[OsString]) -> Vec<clap::Id> {
    let lenient = tree.clone().ignore_errors(true);
    let Ok(matches) = lenient.try_get_matches_from(typed) else {
        return Vec::new();
    };
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let Some(command) = tree.find_subcommand(name) else {
        return Vec::new();
    };
    let is_typed = |option: &&clap::Arg| {
        matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    let typed: Vec<&clap::Arg> = command.get_arguments().filter(is_typed).collect();
    let excludes = |one: &clap::Arg, other: &clap::Arg| {
        let mut conflicts = command.get_arg_conflicts_with(one).into_iter();
        conflicts.any(|option| option.get_id() == other.get_id())
    };
    let others = command.get_arguments().filter(|option| !is_typed(option));
    let beaten = others.filter(|other| {
        let mut typed = typed.iter();
        typed.any(|one| excludes(one, other) || excludes(other, one))
    });
    beaten.map(|option| option.get_id().clone()).collect()
}

/// Lets an option be set by its variable, `ASSIGNCTL_` with its name. One that is set to nothing is not
/// set.
fn from_environment(option: clap::Arg) -> clap::Arg {
    let Some(long) = option.get_long().filter(|long| !READ_LATER.contains(long)) else {
        return option;
    };
    let name = format!("ASSIGNCTL_{}", long.replace('-', "_").to_uppercase());
    if variable(&name).is_none() {
        return option;
    }
    let is_flag = matches!(option.get_action(), clap::ArgAction::SetTrue);
    // The command line lives as long as the process.
    let option = option.env(&*name.leak()).hide_env(true);
    match is_flag {
        true => option.value_parser(clap::builder::BoolishValueParser::new()),
        false => option,
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check manifests offline
    Validate(Validate),
    /// Show what apply would change; never writes to the service
    Plan(Plan),
    /// Make the live state equal to the manifests, or carry out a saved plan
    Apply(Apply),
    /// Undo a previous apply, using its report
    Rollback(Rollback),
    /// List open requests for a second administrator's approval, or withdraw them
    Approvals(Approvals),
    /// Print a saved plan, or what an apply did
    Show(Show),
    /// Plan for the nightly job: exits with 2 if the tenant differs
    Drift(Drift),
    /// Write manifests from the live state; a plan of them has no changes
    Export(Export),
    /// List live assignments: who gets a policy, and what a group, user or device gets
    List(List),
    /// Show what manifests for several tenants say for one
    Tenants(Tenants),
    /// Explain why a policy has its assignments: which lines ask for them, what would change
    Explain(Explain),
    /// Make a repository of manifests for a tenant, whose first plan has no changes
    Init(Init),
    /// Sign in and show the identity and its permissions
    Whoami(WhoAmI),
    /// Sign in as a person, with a browser on any device
    Login(Login),
    /// Forget the sign-in of `login`
    Logout(Logout),
    /// Check whether the tenant's service is what this program takes it for
    Doctor(Doctor),
    /// Serve the built-in Graph emulator over HTTP
    Sandbox(Sandbox),
    /// Print the JSON Schema of manifests, for editors
    Schema(Schema),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Write the manual pages to a folder
    ///
    /// Packages ship them, so the short help has no line for it.
    #[command(hide = true)]
    Man(Man),
    /// Print the version, the commit and the target of this build
    Version(Version),
    /// Explain a command, the environment, exit codes, or the code of an error
    Help(Help),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl man --out /usr/local/share/man/man1")]
pub(super) struct Man {
    /// The folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl version --format json")]
pub(super) struct Version {}

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
            Self::Tenants(Tenants {
                command: TenantsCommand::Merge(merge),
            }) => Some(merged_command(&merge.folder).unwrap_or("plan")),
            Self::Approvals(_)
            | Self::Export(_)
            | Self::Explain(_)
            | Self::Init(_)
            | Self::List(_)
            | Self::Tenants(_)
            | Self::Whoami(_)
            | Self::Doctor(_)
            | Self::Login(_)
            | Self::Logout(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_)
            | Self::Help(_) => None,
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
            Self::List(list) => list.selection(),
            Self::Validate(_)
            | Self::Approvals(_)
            | Self::Tenants(_)
            | Self::Explain(_)
            | Self::Init(_)
            | Self::Whoami(_)
            | Self::Doctor(_)
            | Self::Login(_)
            | Self::Logout(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_)
            | Self::Help(_) => Selection::default(),
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl validate manifests\n  assignctl validate windows.yaml macos.yaml\n  assignctl validate manifests --format github"
)]
pub(super) struct Validate {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl plan manifests\n  assignctl plan manifests --sandbox tenant.json\n  assignctl plan manifests --out plan.json --detailed-exitcode\n  assignctl plan manifests --only 'Win - Security - *' --diff\n  assignctl plan manifests --format markdown > comment.md"
)]
pub(super) struct Plan {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Save the plan to this file; with several tenants, a plan a tenant into this folder
    #[arg(short, long, value_name = "FILE|DIR")]
    pub(super) out: Option<PathBuf>,
    /// Exit with 2 if changes are pending
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Mark changes made in the tenant since an apply, rather than by the manifests
    #[arg(long, value_name = "REPORT")]
    pub(super) since: Option<PathBuf>,
    /// Whether it is `drift`.
    #[arg(skip)]
    pub(super) is_drift: bool,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
    #[command(flatten)]
    pub(super) members: CountMembers,
    #[command(flatten)]
    pub(super) who: WhoDidIt,
    #[command(flatten)]
    pub(super) ci: Ci,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl drift manifests\n  assignctl drift manifests --since report.jsonl\n  assignctl drift manifests --format markdown > issue.md"
)]
pub(super) struct Drift {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Separate changes made in the tenant since an apply from manifests not applied yet; of a folder,
    /// the newest report of an apply that was carried out
    #[arg(long, value_name = "REPORT|FOLDER")]
    since: Option<PathBuf>,
    #[command(flatten)]
    tenants: TenantOptions,
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    guards: Guards,
    #[command(flatten)]
    members: CountMembers,
    #[command(flatten)]
    who: WhoDidIt,
    #[command(flatten)]
    pub(super) ci: Ci,
}

impl Drift {
    pub(super) fn into_plan(self) -> Plan {
        let Self {
            paths,
            tenants,
            since,
            selecting,
            view,
            planning,
            guards,
            members,
            who,
            ci,
        } = self;
        Plan {
            paths,
            tenants,
            out: None,
            detailed_exitcode: true,
            since,
            is_drift: true,
            selecting,
            view,
            planning,
            guards,
            members,
            who,
            ci,
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl show plan.json\n  assignctl show plan.json --diff\n  assignctl show report.jsonl\n  assignctl show plan.json --format markdown > comment.md"
)]
pub(super) struct Show {
    /// A saved plan, or the report of an apply
    #[arg(value_name = "PLANFILE|REPORT")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl apply manifests\n  assignctl apply manifests --sandbox tenant.json --yes\n  assignctl apply plan.json --report report.jsonl\n  assignctl apply manifests --expect-digest sha256:0f3a…"
)]
pub(super) struct Apply {
    /// Manifests, one saved plan, or a folder with saved plans of tenants [default: the
    /// configuration's manifests]
    #[arg(value_name = "PATH|PLANFILE|DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Report file (default: `.assignctl/reports/<time>.jsonl`); with several tenants, a folder with a
    /// report a tenant
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) report: Option<PathBuf>,
    /// Stop at the first policy that fails; with several tenants, also start no further tenant
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Why the changes are made, for who has to approve them
    #[arg(long, value_name = "TEXT", value_parser = justification)]
    pub(super) justification: Option<String>,
    /// Send again what the run of a report has filed for approval; of a folder, of a report a tenant
    #[arg(long, value_name = "REPORT|DIR", conflicts_with_all = ["paths", "expect_digest", "max_age", "reviewed"])]
    pub(super) resume: Option<PathBuf>,
    /// Wait this long for the approval of what was filed
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) wait_for_approval: Option<Duration>,
    /// Refuse a saved plan older than this [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) max_age: Option<Duration>,
    /// Continue only if the plan has this digest, as reviewed
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(super) expect_digest: Option<String>,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
    #[command(flatten)]
    pub(super) members: CountMembers,
    #[command(flatten)]
    pub(super) ci: Ci,
    /// Apply only the plan that the merged pull request shows in this pipeline's own comment
    #[arg(long, requires = "ci")]
    pub(super) reviewed: bool,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  assignctl rollback report.jsonl\n  assignctl rollback .assignctl/reports/20261123T020000.000Z.jsonl --yes\n  assignctl rollback report.jsonl --only \"Win - *\"\n  assignctl rollback report.jsonl --out plan.json\n\nPolicies that changed since that run are reported and left alone (exit 6)."
)]
pub(super) struct Rollback {
    /// Report of the run to undo, or a folder with a report a tenant
    #[arg(value_name = "REPORT|DIR")]
    pub(super) of: PathBuf,
    /// Save the plan to this file and write nothing; `apply FILE` carries it out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "report", "fail_fast"])]
    pub(super) out: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Report file of the rollback (default: `.assignctl/reports/<time>.jsonl`)
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Stop at the first policy that fails
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Why the changes are made, for who has to approve them
    #[arg(long, value_name = "TEXT", value_parser = justification)]
    pub(super) justification: Option<String>,
    /// Wait this long for the approval of what was filed
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) wait_for_approval: Option<Duration>,
    #[command(flatten)]
    pub(super) selecting: Selecting,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) planning: Planning,
    #[command(flatten)]
    pub(super) guards: Guards,
}

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  assignctl approvals\n  assignctl approvals manifests\n  assignctl approvals report.jsonl --format json\n  assignctl approvals cancel report.jsonl"
)]
pub(super) struct Approvals {
    #[command(subcommand)]
    pub(super) command: Option<ApprovalsCommand>,
    /// Manifests: only requests for the policies that they manage; or the report of an apply, or a folder
    /// of reports of tenants: only those that these runs have filed [default: all that the sign-in sees]
    #[arg(value_name = "PATH|REPORT")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum ApprovalsCommand {
    /// Withdraw the open requests that the run of a report has filed
    Cancel(ApprovalsCancel),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl approvals cancel report.jsonl\n  assignctl approvals cancel report.jsonl --yes"
)]
pub(super) struct ApprovalsCancel {
    /// Report of the run whose requests are withdrawn, or a folder of reports of tenants
    #[arg(value_name = "REPORT|DIR")]
    pub(super) report: PathBuf,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl export --out manifests\n  assignctl export --sandbox tenant.json > manifest.yaml\n  assignctl export --snapshot tenant.json\n  assignctl export --into manifests --unmanaged"
)]
pub(super) struct Export {
    /// Write the manifests into this folder instead of to stdout
    #[arg(short, long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// With `--unmanaged`: add files to this folder of manifests, which may exist
    #[arg(long, value_name = "DIR", requires = "unmanaged", conflicts_with_all = ["out", "force", "snapshot"])]
    pub(super) into: Option<PathBuf>,
    /// Only policies that no manifest of the folder manages, with the sets that are there
    #[arg(long, requires = "into")]
    pub(super) unmanaged: bool,
    /// Replace the manifests that the folder already holds; refuses if other YAML is among them
    #[arg(long, requires = "out")]
    pub(super) force: bool,
    /// Write the whole tenant to this file instead, for `--sandbox`: policies with their
    /// assignments, filters, and the names of all groups
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["out", "force", "only", "exclude", "kind"]
    )]
    pub(super) snapshot: Option<PathBuf>,
    /// This tenant of those that the manifests of the folder, or of the configuration, name
    #[arg(long, help_heading = "Tenants", value_name = "NAME")]
    pub(super) tenant: Option<String>,
    #[command(flatten)]
    pub(super) selecting: Selecting,
}

#[derive(Args, Debug)]
pub(super) struct Tenants {
    #[command(subcommand)]
    pub(super) command: TenantsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TenantsCommand {
    /// Print a tenant's merged manifest, which plans to the same
    Show(TenantsShow),
    /// Say what each tenant lacks of the groups, filters and policies that the manifests name
    Check(TenantsCheck),
    /// Join the results of runs that `--shard` divided, as if one run had done all of it
    Merge(TenantsMerge),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl plan manifests --all-tenants --shard 1/2 --json-into results/1.json\n  assignctl plan manifests --all-tenants --shard 2/2 --json-into results/2.json\n  assignctl tenants merge results --format markdown\n\nThe exit code is that of one run. A shard whose result is missing is an error."
)]
pub(super) struct TenantsMerge {
    /// The folder with what the shards wrote with `--json-into`
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// Exit with 5 unless the plans have this digest, as reviewed
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(super) expect_digest: Option<String>,
    /// Exit with 5 unless the plans are those of the comment on the merged change
    #[arg(long, requires = "ci")]
    pub(super) reviewed: bool,
    #[command(flatten)]
    pub(super) view: View,
    #[command(flatten)]
    pub(super) ci: Ci,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl tenants check manifests\n  assignctl tenants check manifests --tenant label:gold --format json\n\nExits with 3 if a tenant lacks something that it has to have. Writes nothing."
)]
pub(super) struct TenantsCheck {
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl tenants show fabrikam manifests\n  assignctl tenants show fabrikam manifests > fabrikam.yaml"
)]
pub(super) struct TenantsShow {
    /// The tenant's name
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl list --policy 'Win - BitLocker*'\n  assignctl list --group SG-Pilot --effective\n  assignctl list --user ada@example.com --format csv > ada.csv\n  assignctl list --unmanaged manifests\n  assignctl list --format html > assignments.html\n\nWith `--user` and `--device`, what reaches them through groups and as all users or all devices is listed,\nwith what excludes them. What a device gets through its users is not: that depends on who signs in."
)]
pub(super) struct List {
    /// Only assignments to this group, by name or id
    #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "device", "unassigned"])]
    pub(super) group: Option<String>,
    /// What this user gets, by sign-in name or id
    #[arg(long, value_name = "UPN", conflicts_with_all = ["device", "unassigned"])]
    pub(super) user: Option<String>,
    /// What this device gets, by name or id of its object
    #[arg(long, value_name = "NAME", conflicts_with = "unassigned")]
    pub(super) device: Option<String>,
    /// With `--group`: also what reaches its members through parent groups and as all users or all
    /// devices, and what excludes them
    #[arg(long, requires = "group")]
    pub(super) effective: bool,
    /// Only policies whose display name matches a glob (can be repeated)
    #[arg(long, value_name = "GLOB")]
    pub(super) policy: Vec<String>,
    /// Only assignments with this assignment filter, by name or id
    #[arg(long, value_name = "NAME", conflicts_with = "unassigned")]
    pub(super) filter: Option<String>,
    /// Only policies that reach nobody: without assignments, or with exclusions and deleted groups only
    #[arg(long)]
    pub(super) unassigned: bool,
    /// Only policies that these manifests do not manage [default: the configuration's manifests]
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub(super) unmanaged: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
    #[command(flatten)]
    pub(super) selecting: Selecting,
}

impl List {
    pub(super) fn selection(&self) -> Selection {
        let mut selection = self.selecting.selection();
        selection.only.extend(self.policy.iter().map(Glob::new));
        selection
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl explain 'Win - BitLocker' manifests\n  assignctl explain 8f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e --format json"
)]
pub(super) struct Explain {
    /// The policy, by display name or id
    #[arg(value_name = "POLICY")]
    pub(super) policy: String,
    /// Manifests: files, or folders with `*.yaml` and `*.yml` [default: the configuration's]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Only a policy of this kind (can be repeated)
    #[arg(long, value_name = "KIND", value_parser = policy_kind)]
    pub(super) kind: Vec<PolicyKind>,
    #[command(flatten)]
    pub(super) tenants: TenantOptions,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl init\n  assignctl init intune --pipeline github\n\nSigns in, exports the tenant to DIR/manifests, and writes assignctl.yaml, the schema for editors and .gitignore.\nNothing that exists is overwritten."
)]
pub(super) struct Init {
    /// The folder; created if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,
    /// Add the tenant signed in to, under this short name, to the manifests that are there
    #[arg(long, value_name = "NAME", conflicts_with = "pipeline", value_parser = tenant_name)]
    pub(super) tenant: Option<String>,
    /// The pipeline to write [default: asked for on a terminal, else none]
    #[arg(long, value_enum, value_name = "PLATFORM")]
    pub(super) pipeline: Option<PipelineFile>,
}

/// Pipelines that `init` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PipelineFile {
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
    after_help = "Examples:\n  assignctl whoami\n  assignctl whoami --for plan --kind mobileApp\n  assignctl whoami --auth azure-cli --format json"
)]
pub(super) struct WhoAmI {
    /// Check the permissions for this command only: plan, drift, export, apply or rollback
    #[arg(long = "for", value_name = "COMMAND", value_parser = permitted_command)]
    pub(super) only: Option<String>,
    /// Check the permissions for policies of this kind (can be repeated; default: those of the settings
    /// catalog)
    #[arg(long, value_name = "KIND", value_parser = policy_kind)]
    pub(super) kind: Vec<PolicyKind>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl login\n  assignctl login --for apply --kind configurationPolicy\n  assignctl whoami --auth login\n\nCommands take this sign-in if nothing else is configured, or with `--auth login`. Never in a pipeline."
)]
pub(super) struct Login {
    /// Ask for the permissions of this command: plan or apply, say [default: plan]
    #[arg(long = "for", value_name = "COMMAND", value_parser = permitted_command)]
    pub(super) only: Option<String>,
    /// Ask for the permissions of policies of this kind (can be repeated; default: of all kinds)
    #[arg(long, value_name = "KIND", value_parser = policy_kind)]
    pub(super) kind: Vec<PolicyKind>,
    /// Application to sign in to [default: `clientId` of the configuration, else Microsoft Graph Command
    /// Line Tools]
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl logout")]
pub(super) struct Logout {}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl doctor\n  assignctl doctor --share doctor.json\n  assignctl doctor --try-writes 'Test policy' --group SG-Empty\n\nEach assumption is explained in docs/service.md. Exits with 1 if one that a write relies on is otherwise."
)]
pub(super) struct Doctor {
    /// Look at policies of this kind only (can be repeated)
    #[arg(long, value_name = "KIND", value_parser = policy_kind)]
    pub(super) kind: Vec<PolicyKind>,
    /// Write the findings and the exchanges to this file, without names, ids, hosts and tokens
    #[arg(long, value_name = "FILE")]
    pub(super) share: Option<PathBuf>,
    /// Also try the ways of writing on this policy, by display name or id, and restore it
    #[arg(long, value_name = "POLICY")]
    pub(super) try_writes: Option<String>,
    /// Group to exclude for a moment, by name or id [default: one without members]
    #[arg(long, value_name = "NAME", requires = "try_writes")]
    pub(super) group: Option<String>,
    /// Try it on a policy with more than one assignment
    #[arg(long, requires = "try_writes")]
    pub(super) several: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "try_writes")]
    pub(super) yes: bool,
    /// Report file of the writes (default: `.assignctl/reports/<time>.jsonl`)
    #[arg(long, value_name = "FILE", requires = "try_writes")]
    pub(super) report: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl sandbox --state tenant.json\n  assignctl sandbox --state tenant.json --listen 127.0.0.1:8080\n\nThe first line on stdout is the Graph URL to use."
)]
pub(super) struct Sandbox {
    /// The tenant's file; created from the sample tenant if it does not exist (can be repeated: several
    /// tenants at one URL, told apart by the token)
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) state: Vec<PathBuf>,
    /// Loopback address to listen on; port 0 picks one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(super) listen: std::net::SocketAddr,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl schema > manifest.schema.json\n  assignctl schema --from-tenant > manifest.schema.json\n\nEditors with the YAML language server then complete and check a manifest that begins with\n  # yaml-language-server: $schema=manifest.schema.json"
)]
pub(super) struct Schema {
    /// Add the names of groups, filters and policies in this snapshot or state file
    #[arg(long, value_name = "FILE", conflicts_with = "from_tenant")]
    pub(super) from: Option<PathBuf>,
    /// Sign in, and add the names of the tenant's groups, filters and policies
    #[arg(long)]
    pub(super) from_tenant: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl completions bash > /etc/bash_completion.d/assignctl\n  assignctl completions powershell | Out-String | Invoke-Expression\n\nCommands, options and their values are completed; names of policies, groups, filters and tenants\ntoo: from the manifests that are typed, those of the configuration or those at hand, and from the\nschema that `init` wrote."
)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl help plan\n  assignctl help environment\n  assignctl help exit-codes\n  assignctl help unknown-group"
)]
pub(super) struct Help {
    /// A command, `environment`, `exit-codes`, or the code of an error, warning, reason or guard
    #[arg(value_name = "TOPIC")]
    pub(super) topic: Option<String>,
}
