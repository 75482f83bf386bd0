//! Reading the manifests of a run, and a check for configurations that are not in use.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Component, Path, PathBuf};

use super::{CONFIGURATION_FILE, Failure};
use crate::diagnostic::{Diagnostic, Severity};
use crate::files;
use crate::manifest::{self, Loaded, Manifest};
use crate::model::LiveTenant;
use crate::plan::writes::WriteWith;
use crate::plan::{self, Draft, PlanInputs, Selection};

/// The code of the warning.
const CODE: &str = "other-configuration";

/// Reads manifests, in a run with a configuration or without one.
pub fn load(paths: &[PathBuf], configuration: Option<&Path>) -> Loaded {
    let mut loaded = manifest::load(paths);
    let folders: BTreeSet<PathBuf> = loaded
        .sources
        .files()
        .filter_map(|(_, file)| Path::new(&*file.path).parent())
        .map(Path::to_owned)
        .collect();
    loaded.diagnostics.extend(unused(&folders, configuration));
    loaded
}

/// Compares manifests with a tenant, of which no plan is to be made. Returns that with what was found to be wrong or odd.
///
/// # Errors
///
/// All that is wrong with the manifests.
pub(super) fn compared(
    loaded: &Loaded,
    manifest: &Manifest,
    live: &LiveTenant,
) -> Result<(Draft, Vec<Diagnostic>), Failure> {
    let inputs = PlanInputs {
        tenant_id: None,
        graph_url: "",
        write_with: WriteWith::default(),
        strict: false,
        selection: &Selection::default(),
    };
    match plan::make(manifest, &loaded.sources, live, &inputs) {
        (Some(draft), found) => Ok((draft, found)),
        (None, found) => Err(Failure::invalid(found, &loaded.sources)),
    }
}

/// Whether a folder holds a configuration. A link to nowhere counts: whoever lays one must not
/// disable the guards.
pub fn holds_configuration(folder: &Path) -> bool {
    folder.join(CONFIGURATION_FILE).symlink_metadata().is_ok()
}

/// Warns of configurations beside or above folders with manifests that are not the one in use: their
/// guards and their tenant do not count in this run.
fn unused(folders: &BTreeSet<PathBuf>, in_use: Option<&Path>) -> Vec<Diagnostic> {
    let real = in_use.and_then(|path| path.canonicalize().ok());
    let mut seen = HashSet::new();
    let mut found: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for folder in folders {
        let Some(other) = nearest(folder, &mut seen) else {
            continue;
        };
        let is_in_use = real.is_some() && other.canonicalize().ok() == real;
        if !is_in_use {
            found.entry(other).or_insert(folder);
        }
    }
    let warning = |(other, folder): (PathBuf, &Path)| {
        let manifests = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let in_use = match in_use {
            Some(path) => format!("but `{}` is in use", path.display()),
            None => "which is not in use: no configuration is".to_owned(),
        };
        let message = format!(
            "the manifests in `{}` belong to `{}`, {in_use}",
            manifests.display(),
            other.display()
        );
        Diagnostic::new(Severity::Warning, CODE, None, message).hint(
            "name it with `--config`, or run in its folder (in a git repository, also below it)",
        )
    };
    found.into_iter().map(warning).collect()
}

/// Returns the nearest configuration beside or above a folder, within its repository. `seen` holds the
/// folders from which it was looked for before.
fn nearest(folder: &Path, seen: &mut HashSet<PathBuf>) -> Option<PathBuf> {
    let start = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let real = start.canonicalize().ok()?;
    let root = files::repository(&real);
    let mut shown = folder.to_owned();
    for ancestor in real.ancestors() {
        if !seen.insert(ancestor.to_owned()) {
            return None;
        }
        if holds_configuration(ancestor) {
            return Some(shown.join(CONFIGURATION_FILE));
        }
        if root == Some(ancestor) {
            return None;
        }
        shown = above(shown);
    }
    None
}

/// Returns the folder above one, as it would be written.
fn above(mut folder: PathBuf) -> PathBuf {
    match folder.components().next_back() {
        Some(Component::Normal(_)) => {
            folder.pop();
        }
        Some(Component::CurDir) => {
            folder.pop();
            return above(folder);
        }
        _ => folder.push(".."),
    }
    folder
}
