//! The files that a command line asks to be written. Two options that name one would each lose what the other
//! has written.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::settings::variable;
use crate::run::Failure;

/// Options that name what is written, of all commands. The sandbox's tenant is read as well.
const OPTIONS: [&str; 9] = [
    "into",
    "json_into",
    "out",
    "record",
    "report",
    "sandbox",
    "share",
    "snapshot",
    "state",
];

/// An option with what it names.
#[derive(Clone, Debug)]
pub(super) struct OutputPath {
    option: String,
    path: PathBuf,
}

/// Returns what the options of the command that was typed name.
pub(super) fn of(tree: &clap::Command, matches: &ArgMatches) -> Vec<OutputPath> {
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let Some(command) = tree.find_subcommand(name) else {
        return Vec::new();
    };
    let below = of(command, matches);
    let mut written = below.clone();
    for id in OPTIONS {
        // An argument without dashes is read.
        let mut options = command.get_arguments().chain(tree.get_arguments());
        let option = options.find(|option| option.get_id() == id && option.get_long().is_some());
        let Some(long) = option.and_then(clap::Arg::get_long) else {
            continue;
        };
        let option = format!("--{long}");
        // What every command takes stands in the matches of a command and in those of the one below it.
        if below.iter().any(|file| file.option == option) {
            continue;
        }
        let paths = matches.try_get_many::<PathBuf>(id);
        for path in paths.ok().flatten().into_iter().flatten() {
            written.push(OutputPath {
                option: option.clone(),
                path: path.clone(),
            });
        }
    }
    written
}

/// Refuses two options that name one file.
pub(super) fn check(mut written: Vec<OutputPath>) -> Result<(), Failure> {
    // Read later than the others (`settings::service`).
    let named = written.iter().any(|file| file.option == "--sandbox");
    if let Some(path) = variable("ASSIGNCTL_SANDBOX").filter(|_| !named) {
        written.push(OutputPath {
            option: "ASSIGNCTL_SANDBOX".to_owned(),
            path: path.into(),
        });
    }
    for (number, OutputPath { option, path }) in written.iter().enumerate() {
        let place = place(path);
        let mut earlier = written[..number].iter();
        let twin = earlier.find(|other| place.is_some() && self::place(&other.path) == place);
        if let Some(OutputPath { option: other, .. }) = twin {
            return Err(
                Failure::usage(format!("`{other}` and `{option}` name the same file"))
                    .hint("use another file; nothing was written"),
            );
        }
    }
    Ok(())
}

/// Returns where a path leads, whether or not there is something already; `None` if that keeps nothing that
/// is written to it (`/dev/null`).
pub(super) fn place(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        let kept = found.is_file() || found.is_dir();
        return kept.then(|| folded(found));
    }
    let absolute = std::path::absolute(path).ok()?;
    let mut ancestors = absolute.ancestors();
    let (known, root) = ancestors.find_map(|folder| Some((folder, folder.canonicalize().ok()?)))?;
    let rest = absolute.strip_prefix(known).ok()?;
    Some(folded(root.join(rest)))
}

/// Names that differ by case only are one file on these systems.
fn folded(path: PathBuf) -> PathBuf {
    match cfg!(any(windows, target_os = "macos")) {
        true => path.to_string_lossy().to_lowercase().into(),
        false => path,
    }
}
