//! Which symbolic links are followed, in one place.
//!
//! Whoever proposes a change decides what the repository holds: files, folders and links, but not
//! the command line. So a link counts where it can be a part of the repository (see [`link_on`]),
//! for writing and for what is shown line by line when it is wrong. Within a folder of manifests a link
//! may lead to what the folder shows anyway (see [`leads_out`]).

use std::io;
use std::path::{Component, Path, PathBuf};

use super::repository;

/// Whether a path is a symbolic link.
fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// Returns the first symbolic link on a path that can be a part of the repository: any on a
/// relative path, on an absolute one those in the repository that is worked in, and on both the
/// last part.
///
/// The other parts of an absolute path are the machine's: on macOS `/tmp` is a link.
pub fn link_on(path: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let root = here.as_deref().map(|here| repository(here).unwrap_or(here));
    let root = root.filter(|root| root.parent().is_some());
    let is_in_repository = |path: &Path| {
        root.is_some_and(|root| {
            std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(root))
        })
    };
    let mut inside = path.is_relative();
    let mut so_far = PathBuf::new();
    let mut last = None;
    for part in path.components() {
        so_far.push(part);
        let is_name = matches!(part, Component::Normal(_));
        last = is_name.then(|| so_far.clone());
        if inside && is_name && is_link(&so_far) {
            return Some(so_far);
        }
        inside = inside || is_in_repository(&so_far);
    }
    last.filter(|last| is_link(last))
}

/// Returns the first symbolic link on a path below a folder.
pub fn link_below(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut so_far = folder.to_owned();
    path.components().find_map(|part| {
        so_far.push(part);
        is_link(&so_far).then(|| so_far.clone())
    })
}

/// Whether a link leads out of a folder, or to what a dot hides in it.
pub fn leads_out(folder: &Path, path: &Path) -> bool {
    if !is_link(path) {
        return false;
    }
    // A link to nowhere leads nowhere.
    let Ok(real) = std::fs::canonicalize(path) else {
        return false;
    };
    match real.strip_prefix(folder) {
        Ok(inside) => inside
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with('.')),
        Err(_) => true,
    }
}

/// Refuses to write through a link.
///
/// # Errors
///
/// Names the link.
pub fn refuse_link(path: &Path) -> io::Result<()> {
    let Some(link) = link_on(path) else {
        return Ok(());
    };
    let what = if link == path {
        "it".to_owned()
    } else {
        format!("`{}`", link.display())
    };
    Err(io::Error::other(format!(
        "{what} is a symbolic link, and nothing is written through one"
    )))
}
