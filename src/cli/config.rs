//! `assignctl.yaml`: what a repository says once for all runs.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::{MessageFormatter as _, UserMessageFormatter};

use super::failure::Failure;
use crate::diagnostic::{Diagnostic, Place, Sources, nearest};
use crate::exit::Exit;
use crate::files;

/// The code of every fault in the configuration.
const CODE: &str = "configuration";

/// The configuration file's name in the working folder.
pub(super) const FILE_NAME: &str = "assignctl.yaml";

/// The configuration. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Config {
    /// The tenant that runs must be signed in to.
    pub(super) tenant_id: Option<String>,
    pub(super) cloud: Option<String>,
    /// Manifests for commands that name none, relative to the configuration file.
    pub(super) manifests: Vec<PathBuf>,
    pub(super) limits: Limits,
    pub(super) guards: Guards,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) write: Option<String>,
    pub(super) read: Option<String>,
    pub(super) max_wait: Option<String>,
    pub(super) concurrency: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Guards {
    pub(super) max_removals: Option<String>,
    pub(super) max_policies: Option<usize>,
}

/// The most that is read of a configuration.
const LARGEST: u64 = 1024 * 1024;

/// Reads the named configuration file, or the one in the working folder if there is one.
pub(super) fn load(named: Option<&Path>) -> Result<Config, Failure> {
    let path = match named {
        Some(path) => path,
        // A link to nowhere is no missing file: who lays one must not be rid of the guards.
        None if Path::new(FILE_NAME).symlink_metadata().is_ok() => Path::new(FILE_NAME),
        None => return Ok(Config::default()),
    };
    let failed = |reason: String| {
        Failure::new(
            Exit::Failure,
            format!(
                "the configuration `{}` cannot be used: {reason}",
                path.display()
            ),
        )
    };
    if let Some(link) = files::link_on(path) {
        return Err(failed(format!(
            "`{}` is a symbolic link, and none is followed to a configuration",
            link.display()
        )));
    }
    let bytes = files::read_regular(path, LARGEST).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".to_owned()))?;
    // A file with comments only is an empty configuration.
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(Config::default());
    }
    let mut config: Config =
        serde_saphyr::from_str(&text).map_err(|error| at_fault(path, &text, &error))?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    for manifest in &mut config.manifests {
        if !stays_below(manifest) {
            return Err(failed(format!(
                "`manifests` names `{}`, which leads out of the configuration's folder",
                manifest.display()
            ))
            .hint("name it on the command line, if it is to be read"));
        }
        let path = folder.join(&*manifest);
        if let Some(link) = link_below(folder, manifest) {
            return Err(failed(format!(
                "`manifests` names `{}`, and `{}` is a symbolic link",
                manifest.display(),
                link.display()
            ))
            .hint("name the file or folder that the link leads to"));
        }
        *manifest = path;
    }
    Ok(config)
}

/// Whether a path leads to what is in the folder from which it starts. What the configuration
/// names, whoever proposes a change can name; the rest of the machine is not theirs to read.
fn stays_below(path: &Path) -> bool {
    let mut depth = 0_usize;
    path.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            let stays = depth > 0;
            depth = depth.saturating_sub(1);
            stays
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}

/// Returns the first symbolic link on a path below a folder.
fn link_below(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut so_far = folder.to_owned();
    path.components().find_map(|part| {
        so_far.push(part);
        let is_link = so_far
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink());
        is_link.then(|| so_far.clone())
    })
}

/// Says in the user's words what the YAML reader says in Rust's.
fn due(message: &str) -> String {
    match message {
        "expected sequence start" => "a list is due here".to_owned(),
        "expected mapping start" => "a mapping is due here".to_owned(),
        _ if message.starts_with("invalid u") => "a whole number is due here".to_owned(),
        other => other.to_owned(),
    }
}

/// Says what is wrong in the configuration, on its line.
fn at_fault(path: &Path, text: &str, error: &serde_saphyr::Error) -> Failure {
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), text);
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    let (line, column) = error.location().map_or((1, 1), |location| {
        (number(location.line()), number(location.column()))
    });
    let mut place = Place {
        file,
        line,
        column,
        length: 1,
    };
    let fault = match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField {
            field, expected, ..
        } => {
            place.length = field.chars().count().max(1);
            let near = nearest(field, expected.iter().copied());
            Diagnostic::error(CODE, place, format!("unknown key `{field}`")).hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", expected.join(", ")),
            })
        }
        other => Diagnostic::error(
            CODE,
            place,
            due(&UserMessageFormatter.format_message(other)),
        ),
    };
    Failure::at(Exit::Failure, fault, sources)
}
