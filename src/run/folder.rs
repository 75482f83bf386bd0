//! A folder of manifests, written as a whole or not at all.
//!
//! Everything is first written to a hidden folder on the same file system. A folder that does not
//! exist yet then appears in one step. In one that does, the files are moved in one by one, and what
//! was moved is moved back if one of them fails. A killed run leaves whole files and the hidden
//! folder, which the reader of manifests skips and in which replaced manifests still are.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::export::ManifestFile;
use crate::files;
use crate::manifest::{self, is_manifest_name};

/// The most that is read of a manifest that would be replaced.
const LARGEST_MANIFEST: u64 = 128 * 1024 * 1024;

/// Prefix of the temporary folder that holds new manifests and those that they replace.
const HIDDEN: &str = ".assignctl-export-";

/// Where in it the replaced manifests are.
const OLD: &str = "old";

/// A folder that may be written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    force: bool,
}

/// What a folder holds already.
#[derive(Debug, Default)]
struct Held {
    /// Manifests, by their paths below the folder.
    manifests: Vec<PathBuf>,
    /// Links to folders, whose manifests must not be replaced.
    links: Vec<PathBuf>,
}

impl Folder {
    /// Takes a folder that holds no manifests, or one whose manifests may be replaced.
    ///
    /// # Errors
    ///
    /// Says why the folder cannot be used.
    pub fn open(path: &Path, force: bool) -> Result<Self, Failure> {
        let folder = Self {
            path: path.to_owned(),
            force,
        };
        folder.check()?;
        Ok(folder)
    }

    /// Takes a folder to which manifests are added; those that it holds stay.
    ///
    /// # Errors
    ///
    /// Says why the folder cannot be used.
    pub fn open_to_add(path: &Path) -> Result<Self, Failure> {
        let folder = Self {
            path: path.to_owned(),
            force: false,
        };
        files::refuse_link(path).map_err(|error| folder.failed(&error))?;
        if path.exists() && !path.is_dir() {
            let message = format!("`{}` is not a folder", path.display());
            return Err(Failure::other(message).hint("use a folder of manifests"));
        }
        Ok(folder)
    }

    /// Whether there is anything in the folder that a reader of manifests would read.
    ///
    /// # Errors
    ///
    /// Says why the folder cannot be read.
    pub fn holds_manifests(&self) -> Result<bool, Failure> {
        let held = self.held()?;
        Ok(!held.manifests.is_empty() || !held.links.is_empty())
    }

    /// Returns the files in the folder that a reader of manifests would read, by their paths below it.
    ///
    /// # Errors
    ///
    /// Says why the folder cannot be read.
    pub fn held_manifests(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(self.held()?.manifests)
    }

    /// Looks through the folder; nothing is in one that does not exist.
    fn held(&self) -> Result<Held, Failure> {
        let mut held = Held::default();
        if self.path.exists() {
            held.look(&self.path, Path::new(""))
                .map_err(|error| self.failed(&error))?;
        }
        Ok(held)
    }

    /// Gives files names that are free in the folder.
    #[must_use]
    pub fn with_free_names(&self, mut files: Vec<ManifestFile>) -> Vec<ManifestFile> {
        for file in &mut files {
            let stem = file.path.trim_end_matches(".yaml").to_owned();
            let is_free = |path: &String| fs::symlink_metadata(self.path.join(path)).is_err();
            let names = (2_usize..).map(|number| format!("{stem}-{number}.yaml"));
            let free = std::iter::once(file.path.clone())
                .chain(names)
                .find(is_free);
            file.path = free.unwrap_or_default();
        }
        files
    }

    /// Writes further files into the folder: all of them or none.
    ///
    /// # Errors
    ///
    /// Says what could not be written, and what became of the folder.
    pub fn add(&self, files: &[ManifestFile]) -> Result<(), Failure> {
        self.put(files, &Held::default())
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<Held, Failure> {
        let shown = self.path.display();
        let mut held = Held::default();
        files::refuse_link(&self.path).map_err(|error| self.failed(&error))?;
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(held),
            Err(error) => return Err(self.failed(&error)),
            Ok(found) if !found.is_dir() => {
                return Err(Failure::other(format!("`{shown}` is not a folder"))
                    .hint("use a folder that is empty or does not exist yet"));
            }
            Ok(_) => {}
        }
        held.look(&self.path, Path::new(""))
            .map_err(|error| self.failed(&error))?;
        if let Some(link) = held.links.first() {
            return Err(Failure::other(format!(
                "`{shown}` holds a link to another folder, `{}`",
                link.display()
            ))
            .hint("nothing was written; export to a folder of its own"));
        }
        if let (Some(first), false) = (held.manifests.first(), self.force) {
            let others = match held.manifests.len() {
                1 => String::new(),
                number => format!(" and {} more", number - 1),
            };
            return Err(Failure::other(format!(
                "`{shown}` holds manifests: `{}`{others}",
                first.display()
            ))
            .hint("nothing was written; use another folder, or replace them with `--force`"));
        }
        self.only_manifests(&held)?;
        Ok(held)
    }

    /// Makes sure that what would be replaced are manifests: a folder may hold other files of that
    /// form, and those must not be deleted.
    fn only_manifests(&self, held: &Held) -> Result<(), Failure> {
        if held.manifests.is_empty() {
            return Ok(());
        }
        let mut texts = Vec::new();
        for path in &held.manifests {
            let text = files::read_text(&self.path.join(path), LARGEST_MANIFEST)
                .map_err(|error| self.failed(&error))?;
            texts.push((path.display().to_string(), text));
        }
        let loaded = manifest::read_texts(texts);
        let wrong = loaded.diagnostics.iter().find(|found| found.is_error());
        let Some(wrong) = wrong else { return Ok(()) };
        let which = wrong.place.map_or_else(String::new, |place| {
            format!(": `{}`", loaded.sources.file(place.file).path)
        });
        Err(Failure::other(format!(
                "`{}` holds YAML that is not a valid manifest{which}",
                self.path.display()
            ),
        )
        .hint(match self.killed_export() {
            Some(left) => format!(
                "nothing was written; an export that was killed has left what it replaced in `{}`: put that back, or use a folder of its own",
                left.display()
            ),
            None => "nothing was written; `--force` replaces manifests only, so use a folder of their own"
                .to_owned(),
        }))
    }

    /// Finds the temporary folder of an export that was killed while it replaced manifests.
    fn killed_export(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.path).ok()?;
        let mut paths = entries.flatten().map(|entry| entry.path());
        paths.find(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with(HIDDEN) && path.join(OLD).is_dir()
        })
    }

    /// Writes the files in place of all manifests that the folder holds.
    ///
    /// # Errors
    ///
    /// Says what could not be written, and what became of the folder.
    pub fn replace(&self, files: &[ManifestFile]) -> Result<(), Failure> {
        let held = self.check()?;
        self.put(files, &held)
    }

    /// Writes files in place of manifests.
    fn put(&self, files: &[ManifestFile], held: &Held) -> Result<(), Failure> {
        let exists = self.path.exists();
        let parent = match self.path.parent() {
            _ if exists => self.path.as_path(),
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| self.failed(&error))?;
        let hidden = tempfile::Builder::new()
            .prefix(HIDDEN)
            .tempdir_in(parent)
            .map_err(|error| self.failed(&error))?;
        let new = hidden.path().join("new");
        for file in files {
            write(&new.join(&file.path), &file.text).map_err(|error| self.failed(&error))?;
        }
        if !exists {
            return fs::rename(&new, &self.path).map_err(|error| self.failed(&error));
        }
        let mut moves = Moves::default();
        let old = hidden.path().join(OLD);
        self.move_in(files, held, &new, &old, &mut moves)
            .map_err(|error| {
                let failure = self.failed(&error);
                if moves.undo() {
                    return failure.hint("the folder is as it was");
                }
                // Not to be deleted with what it still holds.
                let kept = hidden.keep();
                failure.hint(format!("replaced manifests are in `{}`", kept.display()))
            })
    }

    fn move_in(
        &self,
        files: &[ManifestFile],
        held: &Held,
        new: &Path,
        old: &Path,
        moves: &mut Moves,
    ) -> io::Result<()> {
        for manifest in &held.manifests {
            moves.make(self.path.join(manifest), old.join(manifest))?;
        }
        for file in files {
            let place = self.path.join(&file.path);
            // What is there is no manifest: a folder of that name, or a file that came since.
            if fs::symlink_metadata(&place).is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("`{}` is there already", place.display()),
                ));
            }
            moves.make(new.join(&file.path), place)?;
        }
        // Folders that held replaced manifests only; one that holds more stays.
        for manifest in &held.manifests {
            for folder in manifest.ancestors().skip(1) {
                if folder.as_os_str().is_empty() || fs::remove_dir(self.path.join(folder)).is_err()
                {
                    break;
                }
            }
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::other(format!(
            "`{}` cannot be written: {error}",
            self.path.display()
        ))
        .hint("use a writable folder")
    }
}

impl Held {
    /// Looks through a folder as the reader of manifests does, but follows no links.
    fn look(&mut self, folder: &Path, below: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            if shown.starts_with('.') {
                continue;
            }
            let path = below.join(&name);
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.look(&entry.path(), &path)?;
            } else if kind.is_symlink() && entry.path().is_dir() {
                self.links.push(path);
            } else if is_manifest_name(&shown) {
                self.manifests.push(path);
            }
        }
        Ok(())
    }
}

/// Writes a file, with the folders it is in.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What was moved, so that it can be moved back.
#[derive(Default)]
struct Moves(Vec<(PathBuf, PathBuf)>);

impl Moves {
    fn make(&mut self, from: PathBuf, to: PathBuf) -> io::Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&from, &to)?;
        self.0.push((from, to));
        Ok(())
    }

    /// Moves all back, the last one first. Says whether that worked.
    fn undo(self) -> bool {
        let mut worked = true;
        for (from, to) in self.0.into_iter().rev() {
            worked &= fs::rename(to, from).is_ok();
        }
        worked
    }
}
