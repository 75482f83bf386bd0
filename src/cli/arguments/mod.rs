//! What the user typed: the commands, each with its own options. Options that several commands share
//! are in [`super::options`].

mod inspect;
mod plan_and_apply;
mod sign_in;
mod tenants;
mod tools;

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::options::{Common, Service};
use super::output_paths::{self, OutputPath};
use super::settings::variable;
use crate::plan::Selection;
use crate::run::tenants::merged_command;
pub(super) use inspect::{Doctor, Explain, Export, List};
pub(super) use plan_and_apply::{
    Apply, Approvals, ApprovalsCommand, Drift, Plan, PlanOptions, Rollback, Show,
};
pub(super) use sign_in::{Login, Logout, WhoAmI};
pub(super) use tenants::{Tenants, TenantsCheck, TenantsCommand, TenantsMerge, TenantsShow};
pub(super) use tools::{
    Completions, Help, Init, Man, PipelineFile, Sandbox, Schema, Validate, Version,
};

/// Keep Microsoft Intune policy assignments in sync with YAML manifests
///
/// `plan` shows the difference between manifests and the live tenant, `apply` makes the tenant match.
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
        let beaten = overridden_variables(Self::command(), typed);
        Self::with_variables(&beaten)
    }

    /// Returns the command line as the short help shows it: without what is seldom needed.
    pub(super) fn shortened(tree: clap::Command) -> clap::Command {
        tree.mut_subcommands(|command| match SELDOM.contains(&command.get_name()) {
            true => command.hide(true),
            false => command,
        })
    }

    /// Reads what was typed, the program's own name first. Also returns the output paths.
    pub(super) fn read(
        mut tree: clap::Command,
        typed: Vec<OsString>,
    ) -> Result<(Self, Vec<OutputPath>), clap::Error> {
        let matches = tree.try_get_matches_from_mut(typed)?;
        let arguments = Self::from_arg_matches(&matches)?;
        Ok((arguments, output_paths::of(&tree, &matches)))
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

/// Commands omitted from the short help.
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
fn overridden_variables(tree: clap::Command, typed: &[OsString]) -> Vec<clap::Id> {
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
    /// Make the live state match the manifests, or apply a saved plan
    Apply(Apply),
    /// Undo a previous apply, using its report
    Rollback(Rollback),
    /// List open requests for a second administrator's approval, or withdraw them
    Approvals(Approvals),
    /// Print a saved plan, or what an apply did
    Show(Show),
    /// `plan` for a nightly job: exits with 2 if the tenant differs
    Drift(Drift),
    /// Write manifests from the live state; a plan of them has no changes
    Export(Export),
    /// List live assignments: who gets a policy, what a group or user gets
    List(List),
    /// Show or check manifests per tenant; merge shard results
    Tenants(Tenants),
    /// Explain why a policy has its assignments, and what would change
    Explain(Explain),
    /// Create a repository of manifests for a tenant
    Init(Init),
    /// Sign in and show the identity and its permissions
    Whoami(WhoAmI),
    /// Sign in as a person, with a browser on any device
    Login(Login),
    /// Sign out: delete the stored sign-in
    Logout(Logout),
    /// Check that Intune in this tenant behaves as assignctl assumes
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
    /// Explain a command, the environment, exit codes, or an error's code
    Help(Help),
}

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
            _ => None,
        }
    }

    /// Returns which policies are asked for, for the commands that can be narrowed.
    pub(super) fn selection(&self) -> Selection {
        match self {
            Self::Plan(Plan { options, .. })
            | Self::Drift(Drift { options, .. })
            | Self::Apply(Apply { options, .. }) => options.selecting.selection(),
            Self::Rollback(Rollback { selecting, .. })
            | Self::Show(Show { selecting, .. })
            | Self::Export(Export { selecting, .. }) => selecting.selection(),
            Self::List(list) => list.selection(),
            Self::Validate(_)
            | Self::Approvals(_)
            | Self::Tenants(_)
            | Self::Explain(_)
            | Self::Init(_)
            | Self::Whoami(_)
            | Self::Login(_)
            | Self::Logout(_)
            | Self::Doctor(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_)
            | Self::Help(_) => Selection::default(),
        }
    }
}
