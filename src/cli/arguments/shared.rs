//! Options of the commands that make, show or carry out a plan.

use clap::Args;

use crate::plan::guards::{GuardName, RemovalLimit};
use crate::plan::writes::WriteWith;

/// What of a plan is shown.
#[derive(Args, Clone, Debug)]
pub struct View {
    /// Show the unchanged policies too
    #[arg(long)]
    pub all: bool,
    /// Show each policy's assignments before and after as a diff
    #[arg(long, conflicts_with = "summary")]
    pub diff: bool,
    /// Show one line a policy
    #[arg(long)]
    pub summary: bool,
}

/// How a plan is made.
#[derive(Args, Clone, Debug)]
pub struct Planning {
    /// Treat a `match` that selects nothing as an error
    #[arg(long)]
    pub strict: bool,
    /// How to write: auto takes the fewest requests; create and delete go row by row, but for rows
    /// that take the place of others [default: auto]
    #[arg(long, value_name = "auto|create|assign", value_parser = write_with)]
    pub write_with: Option<WriteWith>,
}

/// What is let through.
#[derive(Args, Clone, Debug)]
pub struct Guards {
    /// Accept what a guard sees (can be repeated): removals, policies, broad-target,
    /// exclusion-lost, unassigned
    #[arg(long, value_name = "GUARD", value_parser = guard_name)]
    pub allow: Vec<GuardName>,
    /// Most removals, as a number or a share of the managed live assignments [default: 25%]
    #[arg(long, value_name = "N|N%", value_parser = removal_limit)]
    pub max_removals: Option<RemovalLimit>,
    /// Most policies that change [default: 50]
    #[arg(long, value_name = "N")]
    pub max_policies: Option<usize>,
}

fn guard_name(text: &str) -> Result<GuardName, String> {
    match GuardName::from_name(text) {
        Some(guard) if guard.can_be_accepted() => Ok(guard),
        Some(guard) => Err(format!("guard `{}` can't be accepted", guard.name())),
        None => {
            let names: Vec<&str> = GuardName::ALL
                .iter()
                .filter(|guard| guard.can_be_accepted())
                .map(|guard| guard.name())
                .collect();
            Err(format!("no such guard; there are {}", names.join(", ")))
        }
    }
}

fn removal_limit(text: &str) -> Result<RemovalLimit, String> {
    RemovalLimit::parse(text)
        .ok_or_else(|| "expected a number like `40` or a share like `25%`".to_owned())
}

fn write_with(text: &str) -> Result<WriteWith, String> {
    WriteWith::from_name(text).ok_or_else(|| "expected auto, create or assign".to_owned())
}
