//! Finding and reading the files of a run.
//!
//! Folders are walked in the order of their names, so the same tree gives the same order on every
//! machine. What is reached twice (a path given twice, a link) is read once, and links to folders
//! are followed without going round in circles.
//!
//! A line that is wrong is shown, so a link in a folder must not make a file readable that no one
//! named: whoever proposes a change may lay one to `/proc/self/environ`, and read the secrets of
//! the job in its log. Links that lead out of the folder, or to what a dot hides in it, are errors.
//! So are links that are named themselves, and what is no file on a disk.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::diagnostics::Diagnostics;
use super::has_manifest_ending;
use crate::diagnostic::{Diagnostic, FileId, Place, Sources, nearest};
use crate::files::encoding::{self, NotText};
use crate::text::quoted;

/// The configuration file's name. It is not a manifest, wherever it is.
pub const CONFIGURATION_FILE: &str = "assignctl.yaml";

/// Whether a file of a folder is named as manifests are.
pub fn is_manifest_name(name: &str) -> bool {
    has_manifest_ending(Path::new(name)) && name != CONFIGURATION_FILE
}

/// The most that is read of one file, and of all of them.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;
const LARGEST_SUM: u64 = 128 * 1024 * 1024;

/// How many files a run may have.
const MOST_FILES: usize = 50_000;

/// The files of a run.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The files with their texts.
    pub(super) sources: Sources,
    /// Those of them that hold text.
    pub(super) readable: Vec<FileId>,
    /// Whether something could not be read.
    pub(super) failed: bool,
    /// How much was read.
    pub(super) bytes: u64,
}

/// Reads the files at the paths, and those below them where they are folders.
pub(super) fn collect(paths: &[PathBuf], diagnostics: &mut Diagnostics) -> Files {
    let mut files = Files::default();
    if paths.is_empty() {
        diagnostics.push(no_manifest());
    }
    let mut seen = HashSet::new();
    for path in paths {
        let shown = shown(path);
        if let Some(link) = crate::files::link_on(path) {
            files.fail(named_link(&shown, &self::shown(&link)), diagnostics);
            continue;
        }
        match fs::metadata(path) {
            Err(error) => {
                let hint = match neighbour(path) {
                    _ if path.as_os_str() == "-" => {
                        "manifests are read from files only, not from standard input".to_owned()
                    }
                    Some(near) => format!("did you mean {}?", quoted(&self::shown(&near))),
                    None => "relative paths start at the working folder; those in a configuration file start at its folder".to_owned(),
                };
                files.fail(unreadable(&shown, &error).hint(hint), diagnostics);
            }
            Ok(metadata) if metadata.is_dir() => {
                let mut walk = Walk {
                    root: fs::canonicalize(path).unwrap_or_else(|_| path.clone()),
                    folders: HashSet::new(),
                    files: Vec::new(),
                };
                let before = diagnostics.errors();
                walk.folder(path, &shown, diagnostics);
                let failed = diagnostics.errors() > before;
                files.failed |= failed;
                if walk.files.is_empty() && !failed {
                    let message = format!("no manifest in the folder {}", quoted(&shown));
                    diagnostics.push(
                        Diagnostic::error("no-manifest", None, message)
                            .hint("manifests are files with the ending `.yaml` or `.yml`"),
                    );
                }
                walk.files.sort();
                for (shown, path) in walk.files {
                    files.read(&path, shown, &mut seen, diagnostics);
                }
            }
            Ok(_) => files.read(path, shown, &mut seen, diagnostics),
        }
    }
    files
}

/// Makes the error for a run without manifests.
pub(super) fn no_manifest() -> Diagnostic {
    Diagnostic::error("no-manifest", None, "no manifest was given")
        .hint("name the files and folders to read")
}

impl Files {
    fn fail(&mut self, error: Diagnostic, diagnostics: &mut Diagnostics) {
        self.failed = true;
        diagnostics.push(error);
    }

    /// Adds a file; its bytes need not be text.
    pub(super) fn add(&mut self, path: String, bytes: Vec<u8>, diagnostics: &mut Diagnostics) {
        let NotText { message, shown, at } = match encoding::decode(bytes) {
            Ok(text) => {
                self.readable.push(self.sources.add(path, text));
                return;
            }
            Err(error) => error,
        };
        let (line, column) = end_of(&shown[..at]);
        // What can be shown of it, for the line of the error; it is not read.
        let file = self.sources.add(path, shown);
        let place = Place {
            line,
            column,
            ..Place::start_of(file)
        };
        let error = Diagnostic::error("not-utf8", place, message);
        self.fail(error.hint("save the file as UTF-8"), diagnostics);
    }

    fn read(
        &mut self,
        path: &Path,
        shown: String,
        seen: &mut HashSet<PathBuf>,
        diagnostics: &mut Diagnostics,
    ) {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !seen.insert(real) {
            return;
        }
        if seen.len() > MOST_FILES {
            let message = format!("there are more than {MOST_FILES} manifests");
            return self.fail(Diagnostic::error("too-large", None, message), diagnostics);
        }
        let left = LARGEST_SUM.saturating_sub(self.bytes);
        match crate::files::read_regular(path, LARGEST_FILE.min(left)) {
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                self.add(shown, bytes, diagnostics);
            }
            Err(error) => {
                let fault = match error.kind() {
                    io::ErrorKind::FileTooLarge => too_large(&shown),
                    io::ErrorKind::InvalidInput => no_file(&shown),
                    _ => unreadable(&shown, &error),
                };
                self.fail(fault, diagnostics);
            }
        }
    }
}

/// Returns the line and column behind a text.
fn end_of(text: &str) -> (usize, usize) {
    let text = text.replace("\r\n", "\n");
    let breaks = text.matches(['\n', '\r']).count();
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    (breaks + 1, last.chars().count() + 1)
}

struct Walk {
    /// The real path of the folder that was named.
    root: PathBuf,
    /// Folders that were walked, by their real paths.
    folders: HashSet<PathBuf>,
    /// Files that were found: as they are shown, and as they are opened.
    files: Vec<(String, PathBuf)>,
}

impl Walk {
    fn folder(&mut self, path: &Path, shown: &str, diagnostics: &mut Diagnostics) {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.folders.insert(real) {
            return;
        }
        let entries = match names(path) {
            Ok(entries) => entries,
            Err(error) => return diagnostics.push(unreadable(shown, &error)),
        };
        for (name, path) in entries {
            if name.starts_with('.') {
                continue;
            }
            let shown = format!("{}/{name}", shown.strip_suffix('/').unwrap_or(shown));
            if crate::files::leads_out(&self.root, &path) {
                diagnostics.push(leads_out(&shown));
                continue;
            }
            let manifest = is_manifest_name(&name);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, &shown, diagnostics),
                Ok(metadata) if metadata.is_file() && manifest => self.files.push((shown, path)),
                Ok(_) => {}
                // A link to nowhere matters only where a manifest should be.
                Err(error) if manifest => diagnostics.push(unreadable(&shown, &error)),
                Err(_) => {}
            }
        }
    }
}

/// Returns what is in a folder, sorted by name.
fn names(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.path()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text.into_owned()
    }
}

/// Returns what is in the same folder and has nearly the name of what is not there.
fn neighbour(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let entries = fs::read_dir(crate::files::folder_of(path)).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_other = |other: &String| other != name && !other.starts_with('.');
    let names: Vec<String> = names.filter(is_other).collect();
    let near = nearest(name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near))
}

fn unreadable(shown: &str, error: &io::Error) -> Diagnostic {
    let shown = quoted(shown);
    if error.kind() == io::ErrorKind::NotFound {
        let message = format!("no such file or folder: {shown}");
        return Diagnostic::error("no-such-path", None, message);
    }
    Diagnostic::error("unreadable", None, format!("cannot read {shown}: {error}"))
}

fn too_large(shown: &str) -> Diagnostic {
    let message = format!(
        "{} is too large: a manifest may have {} MiB, and all of them {} MiB",
        quoted(shown),
        LARGEST_FILE / 1024 / 1024,
        LARGEST_SUM / 1024 / 1024
    );
    Diagnostic::error("too-large", None, message)
}

fn named_link(shown: &str, link: &str) -> Diagnostic {
    let (path, link_path) = (quoted(shown), quoted(link));
    let which = if shown.trim_end_matches('/') == link {
        format!("{path} is a symbolic link")
    } else {
        format!("{path} leads over the symbolic link {link_path}")
    };
    let message = format!("{which}; a path that is named is not followed over a link");
    Diagnostic::error("named-link", None, message).hint("use the file or folder that it points to")
}

fn no_file(shown: &str) -> Diagnostic {
    let message = format!(
        "{} is not a file on a disk, and nothing else is read as a manifest",
        quoted(shown)
    );
    Diagnostic::error("not-a-file", None, message)
        .hint("write the manifest to a file first, and name that")
}

fn leads_out(shown: &str) -> Diagnostic {
    let message = format!(
        "the link {} leads out of the folder, or to a hidden file in it",
        quoted(shown)
    );
    Diagnostic::error("link-outside", None, message)
        .hint("name what it leads to on the command line, if it is to be read")
}
