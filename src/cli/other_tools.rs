//! Words that other programs use, answered in a sentence: those of terraform, dnscontrol, pulumi and
//! kubectl.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands of other programs, and what to do here.
const COMMANDS: [(&[&str], &str); 9] = [
    (
        &["preview", "diff", "dry-run", "what-if"],
        "`assignctl plan` shows what `apply` would change; `plan --diff` shows assignments before and after",
    ),
    (
        &["push", "up", "deploy", "sync"],
        "`assignctl apply` plans, asks, and makes the live state match the manifests",
    ),
    (
        &["import", "get-zones", "pull", "dump"],
        "`assignctl export` writes manifests from the live state; there is no state file to import into",
    ),
    (
        &["refresh", "state", "taint", "untaint"],
        "there is no state file: every `plan` reads the tenant; `assignctl drift` says how it differs",
    ),
    (
        &["destroy", "delete", "down"],
        "nothing is deleted as a whole: an entry without targets removes a policy's assignments, and `assignctl rollback REPORT` undoes an apply",
    ),
    (
        &["check", "fmt", "lint"],
        "`assignctl validate` checks manifests offline",
    ),
    (
        &["get", "describe"],
        "`assignctl list` lists live assignments; `assignctl explain POLICY` says where those of a policy come from",
    ),
    (
        &["undo", "revert"],
        "`assignctl rollback REPORT` undoes an apply",
    ),
    (
        &["serve", "emulator"],
        "`assignctl sandbox --state FILE` serves the emulator",
    ),
];

/// Options of other programs, and what to do here.
const OPTIONS: [(&[&str], &str); 7] = [
    (
        &["auto-approve", "auto_approve", "skip-preview", "force-yes"],
        "`apply --yes` does not ask",
    ),
    (
        &["target", "targets"],
        "`--only GLOB`, `--exclude GLOB` and `--kind KIND` narrow a run to a part of the policies",
    ),
    (
        &["dry-run"],
        "`assignctl plan` shows what `apply` would change, and never writes to the service",
    ),
    (
        &["no-color"],
        "`--color never`, or `NO_COLOR` in the environment",
    ),
    (&["json"], "`--format json`"),
    (
        &["f", "filename", "R", "recursive"],
        "manifests are named as they are, as in `assignctl apply PATH`; folders are read with all that is below them",
    ),
    (
        &["var", "var-file", "refresh-only", "refresh"],
        "these settings do not exist; `assignctl help environment` lists all of them",
    ),
];

/// Says what to type instead of an option with one dash, if any of the arguments is one.
pub(super) fn single_dash(arguments: &[String], tree: &Command) -> Option<String> {
    let is_long = |word: &str| {
        let commands = std::iter::once(tree).chain(tree.get_subcommands());
        commands
            .flat_map(Command::get_arguments)
            .any(|option| option.get_long() == Some(word))
    };
    arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--")
        .find_map(|argument| {
            let word = argument.strip_prefix('-')?;
            let word = word.split('=').next().unwrap_or_default();
            if word.len() < 2 || word.starts_with('-') {
                return None;
            }
            if is_long(word) {
                return Some(format!(
                    "`{argument}`: options have two dashes: `-{argument}`"
                ));
            }
            option(word).map(|answer| format!("unknown option `{argument}`: {answer}"))
        })
}

/// Says what to type instead of what the parser does not know.
pub(super) fn answer(error: &clap::Error) -> Option<String> {
    let typed = |kind| match error.get(kind) {
        Some(ContextValue::String(typed)) => Some(typed.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = typed(ContextKind::InvalidSubcommand)?;
            let answer = find(&COMMANDS, typed)?;
            Some(format!("unknown command `{typed}`: {answer}"))
        }
        ErrorKind::UnknownArgument => {
            let typed = typed(ContextKind::InvalidArg)?;
            let word = typed.trim_start_matches('-').split('=').next()?;
            let answer = option(word)?;
            Some(format!("unknown option `{typed}`: {answer}"))
        }
        _ => None,
    }
}

fn option(word: &str) -> Option<&'static str> {
    find(&OPTIONS, word)
}

fn find(table: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    let row = table.iter().find(|(words, _)| words.contains(&word));
    row.map(|(_, answer)| *answer)
}
