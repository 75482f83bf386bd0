//! `assignctl.yaml`: what a repository says once for all runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, MessageFormatter as _, Spanned, UserMessageFormatter};

use super::options::MembersMode;
use super::values;
use crate::diagnostic::{Diagnostic, FileId, Place, Sources, nearest};
use crate::exit::Exit;
use crate::files;
use crate::manifest::has_manifest_ending;
use crate::model::{Guid, RateLimit};
use crate::net::Cloud;
use crate::plan::guards::RemovalLimit;
use crate::plan::lints::CODES;
use crate::run::{CONFIGURATION_FILE, Failure, manifests};

/// The code of every fault in the configuration.
const CODE: &str = "configuration";

/// The configuration. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Config {
    /// The tenant that runs must be signed in to, by its id: guard `tenant` compares it with the token's.
    #[serde(deserialize_with = "guid")]
    pub(super) tenant_id: Option<String>,
    #[serde(deserialize_with = "cloud")]
    pub(super) cloud: Option<&'static Cloud>,
    /// The application that people sign in to.
    pub(super) client_id: Option<String>,
    /// What is named as manifests, relative to the configuration file.
    #[serde(rename = "manifests")]
    named: Vec<Spanned<PathBuf>>,
    /// Manifests for commands that name none.
    #[serde(skip)]
    pub(super) manifests: Vec<PathBuf>,
    /// The file itself; `None` if there is none.
    #[serde(skip)]
    pub(super) path: Option<PathBuf>,
    pub(super) limits: Limits,
    pub(super) guards: Guards,
    /// What is counted of members.
    pub(super) members: CountedMembers,
    /// Warnings of risky targets that are not given.
    #[serde(deserialize_with = "lints")]
    pub(super) lints: BTreeMap<String, Lint>,
}

/// Reads a value that may be left out, so that what is wrong with it is said at its place.
fn checked<'de, D: Deserializer<'de>, R: Deserialize<'de>, T>(
    deserializer: D,
    check: impl FnOnce(R) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let given = Option::<R>::deserialize(deserializer)?;
    given.map(check).transpose().map_err(D::Error::custom)
}

fn guid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text: String| match Guid::parse(&text) {
        Some(_) => Ok(text),
        None => Err("expected the tenant's id, a GUID".to_owned()),
    })
}

fn cloud<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'static Cloud>, D::Error> {
    checked(deserializer, |name: String| values::cloud(&name))
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RateLimit>, D::Error> {
    checked(deserializer, |text: String| values::limit(&text))
}

fn read_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RateLimit>, D::Error> {
    checked(deserializer, |text: String| values::read_limit(&text))
}

fn max_wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    checked(deserializer, |text: String| values::duration(&text))
}

fn concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    checked(deserializer, values::concurrency)
}

fn removals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RemovalLimit>, D::Error> {
    checked(deserializer, |text: String| values::removal_limit(&text))
}

fn lints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Lint>, D::Error> {
    let lints = BTreeMap::<String, Lint>::deserialize(deserializer)?;
    let known: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    match lints.keys().find(|code| !known.contains(&code.as_str())) {
        None => Ok(lints),
        Some(code) => Err(D::Error::custom(format!(
            "`{code}` is not a warning about targets; {}",
            values::near_or_all(code, &known)
        ))),
    }
}

/// What is counted of members: nothing, numbers, or what `--members` takes.
#[derive(Clone, Debug, Default)]
pub(super) struct CountedMembers(pub(super) Vec<MembersMode>);

impl<'de> Deserialize<'de> for CountedMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Switch(bool),
            Words(String),
        }
        let expected =
            || D::Error::custom("expected `true`, `false`, `counts`, `exact` or `filters`");
        match Said::deserialize(deserializer).map_err(|_| expected())? {
            Said::Switch(false) => Ok(Self::default()),
            Said::Switch(true) => Ok(Self(vec![MembersMode::Counts])),
            Said::Words(words) => {
                let modes = words.split(',');
                let modes = modes.map(|word| MembersMode::from_str(word.trim(), false));
                let modes = modes.collect::<Result<_, _>>();
                modes.map(Self).map_err(|_| expected())
            }
        }
    }
}

/// What becomes of a warning.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Lint {
    /// It is given.
    On,
    /// It is not.
    Off,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Limits {
    #[serde(deserialize_with = "limit")]
    pub(super) write: Option<RateLimit>,
    #[serde(deserialize_with = "read_limit")]
    pub(super) read: Option<RateLimit>,
    #[serde(deserialize_with = "max_wait")]
    pub(super) max_wait: Option<Duration>,
    #[serde(deserialize_with = "concurrency")]
    pub(super) concurrency: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Guards {
    #[serde(deserialize_with = "removals")]
    pub(super) max_removals: Option<RemovalLimit>,
    pub(super) max_policies: Option<usize>,
    pub(super) max_members_lost: Option<u64>,
    pub(super) max_tenants: Option<usize>,
}

/// The most that is read of a configuration.
const LARGEST: u64 = 1024 * 1024;

/// Reads the named configuration file, or the nearest one from the working folder upward to the
/// repository's root if there is one.
pub(super) fn load(named: Option<&Path>) -> Result<Config, Failure> {
    let Some(path) = named.map(Path::to_owned).or_else(find) else {
        return Ok(Config::default());
    };
    let config = read(&path)?;
    Ok(Config {
        path: Some(path),
        ..config
    })
}

/// Reads the configuration that a folder holds itself.
pub(super) fn of_folder(folder: &Path) -> Result<Config, Failure> {
    match manifests::holds_configuration(folder) {
        true => load(Some(&folder.join(CONFIGURATION_FILE))),
        false => Ok(Config::default()),
    }
}

impl Config {
    /// Returns what the file names as manifests, relative to its folder and without detours.
    pub(super) fn named_manifests(&self) -> Vec<PathBuf> {
        let named = self.named.iter().filter_map(|named| below(&named.value));
        named.map(|names| names.iter().collect()).collect()
    }
}

/// Finds the configuration. Outside of a repository it is in the working folder: what lies above that
/// is not known to belong to it.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let root = files::repository(&here);
    let mut up = PathBuf::new();
    for folder in here.ancestors() {
        if manifests::holds_configuration(folder) {
            return Some(up.join(CONFIGURATION_FILE));
        }
        if root.is_none_or(|root| root == folder) {
            return None;
        }
        up.push("..");
    }
    None
}

fn read(path: &Path) -> Result<Config, Failure> {
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
            "`{}` is a symbolic link; links are not followed",
            link.display()
        )));
    }
    let bytes = files::read_regular(path, LARGEST).map_err(|error| failed(error.to_string()))?;
    let text = files::encoding::decode(bytes).map_err(|error| failed(error.to_string()))?;
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
    for named in &config.named {
        let manifest = &named.value;
        if let Some((fault, hint)) = fault_of(folder, manifest) {
            let mut sources = Sources::default();
            let file = sources.add(path.display().to_string(), text.as_str());
            let length = manifest.display().to_string().chars().count().max(1);
            let place = place_of(file, &named.referenced, length);
            let message = format!("`manifests` names `{}`, {fault}", manifest.display());
            let fault = Diagnostic::error(CODE, place, message).hint(hint);
            return Err(Failure::at(Exit::Failure, fault, sources));
        }
        config.manifests.push(folder.join(manifest));
    }
    Ok(config)
}

/// Says why what the configuration names is not read, to follow its name, and what could help.
///
/// Whoever proposes a change decides what it names. A hidden file or folder, or a file of another
/// form, is no manifest: it may be what a job has laid into its working folder, like `.npmrc`, a
/// key, or the repository's own `.git`, and the lines of what is wrong are shown.
fn fault_of(folder: &Path, manifest: &Path) -> Option<(String, &'static str)> {
    let Some(names) = below(manifest) else {
        return Some((
            "which leads out of the configuration's folder".to_owned(),
            "name it on the command line, if it is to be read",
        ));
    };
    let is_hidden = |name: &&OsStr| name.to_string_lossy().starts_with('.');
    if let Some(hidden) = names.into_iter().find(is_hidden) {
        return Some((
            format!("and `{}` is hidden", hidden.display()),
            "keep manifests in files and folders whose names begin with no dot",
        ));
    }
    if let Some(link) = files::link_below(folder, manifest) {
        return Some((
            format!("and `{}` is a symbolic link", link.display()),
            "name the file or folder that the link leads to",
        ));
    }
    let path = folder.join(manifest);
    let is_folder = path.is_dir();
    (!has_manifest_ending(&path) && !is_folder && path.symlink_metadata().is_ok()).then(|| {
        (
            "a file that does not end in `.yaml` or `.yml`".to_owned(),
            "name YAML files, or the folder that they are in",
        )
    })
}

/// Returns the names on a path that leads to what is in the folder from which it starts; none of
/// one that does not. The rest of the machine is not for a configuration to read.
fn below(path: &Path) -> Option<Vec<&OsStr>> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}

/// Says in the user's words what the YAML reader says in Rust's.
fn misread(place: Place, message: &str) -> Diagnostic {
    let error = |said: &str| Diagnostic::error(CODE, place, said);
    match message {
        "expected sequence start" => {
            error("expected a list").hint("write `[VALUE]`, also where it is one value")
        }
        "expected mapping start" => error("expected a mapping"),
        _ if message.starts_with("invalid u") => error("expected a whole number"),
        other => error(other),
    }
}

/// Returns a place in the configuration; the beginning where it is not known.
fn place_of(file: FileId, location: &Location, length: usize) -> Place {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    Place {
        file,
        line: number(location.line()),
        column: number(location.column()),
        length,
    }
}

/// Says what is wrong in the configuration, on its line.
fn at_fault(path: &Path, text: &str, error: &serde_saphyr::Error) -> Failure {
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), text);
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let mut place = place_of(file, &location, 1);
    let fault = match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField {
            field, expected, ..
        } => {
            place.length = field.chars().count().max(1);
            let near = nearest(field, expected.iter().copied());
            Diagnostic::error(CODE, place, format!("unknown key `{field}`")).hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use one of {}", expected.join(", ")),
            })
        }
        other => misread(place, &UserMessageFormatter.format_message(other)),
    };
    Failure::at(Exit::Failure, fault, sources)
}
