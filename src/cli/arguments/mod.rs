//! What the user typed.
//!
//! `common` is what every command takes, `shared` what those take that make, show or carry out a plan;
//! the other modules are the commands.

mod common;
mod other;
mod planning;
mod shared;
mod tree;
mod writing;

use std::ffi::OsString;

use clap::{FromArgMatches as _, Subcommand};

use crate::plan::Selection;

pub use common::{Color, Common, Format, LogFormat, Service};
pub use other::{Completions, Export, Sandbox, Schema, WhoAmI};
pub use planning::{Drift, Plan, Show, Validate};
pub use shared::{Guards, Planning, View};
pub use writing::{Apply, Rollback};

/// All that was typed.
#[derive(Debug)]
pub struct Arguments {
    /// Options that every command takes.
    pub common: Common,
    /// The command.
    pub command: Command,
}

impl Arguments {
    /// Reads what the process was started with.
    ///
    /// # Errors
    ///
    /// What is to be printed instead of running: help, the version, or what is wrong.
    pub fn parse() -> Result<Self, clap::Error> {
        let typed: Vec<_> = std::env::args_os().collect();
        Self::read(tree::as_far_as_needed(&typed), &typed)
    }

    fn read(tree: clap::Command, typed: &[OsString]) -> Result<Self, clap::Error> {
        let matches = tree.try_get_matches_from(typed)?;
        // The common options are the command's as well, wherever they were typed.
        let own = matches.subcommand().map_or(&matches, |(_, own)| own);
        Ok(Self {
            common: Common::from_arg_matches(own)?,
            command: Command::from_arg_matches(&matches)?,
        })
    }

    /// Returns the whole command line, with every option of every command.
    #[must_use]
    pub fn command() -> clap::Command {
        tree::whole()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "`tree` tells what each does")]
pub enum Command {
    Validate(Validate),
    Plan(Plan),
    Apply(Apply),
    Rollback(Rollback),
    Show(Show),
    Drift(Drift),
    Export(Export),
    Whoami(WhoAmI),
    Sandbox(Sandbox),
    Schema(Schema),
    Completions(Completions),
}

impl Command {
    /// Returns the command's word, if its result is one that comes in all formats.
    pub(in crate::cli) fn with_formats(&self) -> Option<&'static str> {
        match self {
            Self::Validate(_) => Some("validate"),
            Self::Plan(_) => Some("plan"),
            Self::Apply(_) => Some("apply"),
            Self::Rollback(_) => Some("rollback"),
            // What it shows is a plan, and a comment with it is the plan's.
            Self::Show(_) => Some("plan"),
            Self::Drift(_) => Some("drift"),
            Self::Export(_)
            | Self::Whoami(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_) => None,
        }
    }

    /// Returns which policies are asked for, for the commands that can be narrowed.
    pub(in crate::cli) fn selection(&self) -> Selection {
        match self {
            Self::Plan(Plan { selecting, .. })
            | Self::Drift(Drift { selecting, .. })
            | Self::Apply(Apply { selecting, .. })
            | Self::Rollback(Rollback { selecting, .. })
            | Self::Show(Show { selecting, .. })
            | Self::Export(Export { selecting, .. }) => selecting.selection(),
            Self::Validate(_)
            | Self::Whoami(_)
            | Self::Sandbox(_)
            | Self::Schema(_)
            | Self::Completions(_) => Selection::default(),
        }
    }
}
