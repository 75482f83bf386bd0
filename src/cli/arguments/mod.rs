//! What the user typed.
//!
//! `common` is what every command takes, `shared` what those take that make, show or carry out a plan;
//! the other modules are the commands.

mod common;
mod other;
mod planning;
mod shared;
mod writing;

use clap::{Parser, Subcommand};

use super::reference;
use crate::plan::Selection;

pub use common::{Color, Common, Format, LogFormat, Service};
pub use other::{Completions, Export, Sandbox, Schema, WhoAmI};
pub use planning::{Drift, Plan, Show, Validate};
pub use shared::{Guards, Planning, View};
pub use writing::{Apply, Rollback};

/// Keep the assignments of Microsoft Intune policies equal to YAML manifests
///
/// `plan` shows the difference between manifests and the live tenant, `apply` makes it true.
#[derive(Debug, Parser)]
#[command(
    name = "assignctl",
    version,
    max_term_width = 100,
    after_help = reference::variables()
)]
pub struct Arguments {
    /// Options that every command takes.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check manifests offline
    Validate(Validate),
    /// Show what apply would change; never writes to the service
    Plan(Plan),
    /// Make the live state equal to the manifests, or carry out a saved plan
    Apply(Apply),
    /// Plan the way back from what an apply did, then go it as apply does
    Rollback(Rollback),
    /// Print a saved plan
    Show(Show),
    /// Plan for the nightly job: always detailed exit codes
    Drift(Drift),
    /// Write manifests from the live state; a plan of them has no changes
    Export(Export),
    /// Sign in and show what is permitted
    Whoami(WhoAmI),
    /// Serve the built-in Graph emulator over HTTP
    Sandbox(Sandbox),
    /// Print the JSON Schema of manifests, for editors
    Schema(Schema),
    /// Print a completion script for a shell
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
