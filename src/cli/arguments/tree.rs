//! The command line's tree, made only as far as what was typed needs it.
//!
//! clap makes every command with all its options, and gives each of them the common ones, before it
//! looks at what was typed. With a dozen commands that is a quarter of what `--help` or `validate` take.

use std::ffi::OsString;

use clap::{Args as _, CommandFactory as _, Parser};

use super::{
    Apply, Common, Completions, Drift, Export, Plan, Rollback, Sandbox, Schema, Show, Validate,
    WhoAmI,
};
use crate::cli::reference;

const NAME: &str = "assignctl";
/// How wide help is at most, in columns.
const WIDTH: usize = 100;

/// Keep the assignments of Microsoft Intune policies equal to YAML manifests
///
/// `plan` shows the difference between manifests and the live tenant, `apply` makes it true.
#[derive(Parser)]
#[command(
    name = NAME,
    version,
    max_term_width = WIDTH,
    after_help = reference::variables(),
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Root {
    #[command(flatten)]
    _common: Common,
}

/// A command.
struct Branch {
    word: &'static str,
    about: &'static str,
    /// Gives it its options.
    grow: fn(clap::Command) -> clap::Command,
}

/// The commands, in the order of the help.
const BRANCHES: [Branch; 11] = [
    Branch {
        word: "validate",
        about: "Check manifests offline",
        grow: Validate::augment_args,
    },
    Branch {
        word: "plan",
        about: "Show what apply would change; never writes to the service",
        grow: Plan::augment_args,
    },
    Branch {
        word: "apply",
        about: "Make the live state equal to the manifests, or carry out a saved plan",
        grow: Apply::augment_args,
    },
    Branch {
        word: "rollback",
        about: "Plan the way back from what an apply did, then go it as apply does",
        grow: Rollback::augment_args,
    },
    Branch {
        word: "show",
        about: "Print a saved plan",
        grow: Show::augment_args,
    },
    Branch {
        word: "drift",
        about: "Plan for the nightly job: always detailed exit codes",
        grow: Drift::augment_args,
    },
    Branch {
        word: "export",
        about: "Write manifests from the live state; a plan of them has no changes",
        grow: Export::augment_args,
    },
    Branch {
        word: "whoami",
        about: "Sign in and show what is permitted",
        grow: WhoAmI::augment_args,
    },
    Branch {
        word: "sandbox",
        about: "Serve the built-in Graph emulator over HTTP",
        grow: Sandbox::augment_args,
    },
    Branch {
        word: "schema",
        about: "Print the JSON Schema of manifests, for editors",
        grow: Schema::augment_args,
    },
    Branch {
        word: "completions",
        about: "Print a completion script for a shell",
        grow: Completions::augment_args,
    },
];

impl Branch {
    /// Returns the command without its options.
    fn bare(&self) -> clap::Command {
        clap::Command::new(self.word).about(self.about)
    }

    /// Returns the command with all its options.
    fn grown(&self) -> clap::Command {
        (self.grow)(clap::Command::new(self.word)).about(self.about)
    }

    /// Returns the command with the common options as its own.
    fn with_common(&self) -> clap::Command {
        Common::augment_args(self.grown()).about(self.about)
    }
}

/// Returns the whole tree.
pub(super) fn whole() -> clap::Command {
    Root::command().subcommands(BRANCHES.iter().map(Branch::grown))
}

/// Returns the tree with what is needed to read what was typed, the program's own name first.
pub(super) fn as_far_as_needed(typed: &[OsString]) -> clap::Command {
    let first = typed.get(1).and_then(|word| word.to_str());
    // The program's own help names the commands; it has nothing to say about their options, and
    // nothing that follows is read.
    if let Some("--help" | "-h" | "--version" | "-V") = first {
        return Root::command()
            .mut_args(|option| option.global(false))
            .subcommands(BRANCHES.iter().map(Branch::bare));
    }
    // Behind a command only its own options can follow, and the common ones are among them.
    match BRANCHES.iter().find(|branch| Some(branch.word) == first) {
        Some(branch) => clap::Command::new(NAME)
            .max_term_width(WIDTH)
            .subcommand(branch.with_common()),
        None => whole(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Subcommand as _;

    use super::super::{Arguments, Command};
    use super::*;

    fn told(tree: clap::Command, typed: &[OsString]) -> String {
        match Arguments::read(tree, typed) {
            Ok(arguments) => format!("{arguments:?}"),
            Err(error) => format!("{:?} {}", error.kind(), error.render().ansi()),
        }
    }

    #[test]
    fn a_part_of_the_tree_says_the_same_as_the_whole() {
        let words = BRANCHES.iter().map(|branch| branch.word);
        let words: Vec<&str> = words
            .chain(["help", "--", "plam", "--help", "-h"])
            .collect();
        let after: [&[&str]; 16] = [
            &[],
            &["--help"],
            &["-h"],
            &["--version"],
            &["plan"],
            &["plan", "--help"],
            &["--yes", "-vv", "m.yaml"],
            &["--format", "json", "m.yaml", "--sandbox", "tenant.json"],
            &["--format", "yaml"],
            &["--no-such-option"],
            &["--guard"],
            &["a", "b", "c"],
            &["--format", "json", "--color=never", "--format", "text"],
            &["--snapshot", "f", "--out", "d"],
            &["--force"],
            &["--max-bytes", "x", "--write-limit"],
        ];
        let mut lines: Vec<Vec<&str>> =
            vec![vec![], vec!["-V"], vec!["--version"], vec!["-v", "plan"]];
        for word in &words {
            lines.extend(after.iter().map(|after| [&[*word], *after].concat()));
        }
        for line in lines {
            let typed: Vec<OsString> = [&["assignctl"], &line[..]]
                .concat()
                .into_iter()
                .map(OsString::from)
                .collect();
            assert_eq!(
                told(as_far_as_needed(&typed), &typed),
                told(whole(), &typed),
                "{line:?}"
            );
        }
    }

    #[test]
    fn each_command_of_the_tree_is_one_that_runs() {
        let derived = Command::augment_subcommands(clap::Command::new("assignctl"));
        let runs: Vec<&str> = derived
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let branches: Vec<&str> = BRANCHES.iter().map(|branch| branch.word).collect();
        assert_eq!(branches, runs);
    }
}
