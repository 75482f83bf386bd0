//! What a path to write to stands for, and what makes names durable.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::folder_of;
use super::links::refuse_link;

/// What a path stands for.
pub(super) enum Destination {
    /// A file, there or to be made, in this folder.
    File(PathBuf),
    /// A device or a pipe.
    Stream,
}

impl Destination {
    pub(super) fn find(path: &Path) -> io::Result<Self> {
        if !is_stream(path) {
            refuse_link(path)?;
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::new(
                    io::ErrorKind::IsADirectory,
                    "it is a folder",
                ));
            }
            Ok(found) if !found.is_file() => return Ok(Self::Stream),
            _ => {}
        }
        let folder = folder_of(path);
        make_folder(folder)?;
        Ok(Self::File(folder.to_owned()))
    }
}

/// Whether a path is the system's own for a device or a pipe, as `/dev/stdout` is. Where the shell
/// has put a file there, the link is the system's all the same.
pub(super) fn is_stream(path: &Path) -> bool {
    ["/dev", "/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|folder| path.parent() == Some(Path::new(folder)))
}

/// Opens a device or a pipe. If the shell has redirected it to a file, the file's content stays, and other output
/// lands before or after what is written, never on top.
pub(super) fn open_stream(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::io::Write as _;
        use std::os::fd::AsFd as _;

        // Reopened, it would have a second position in the file.
        let is_number = |number: &str| {
            ["/dev/fd", "/proc/self/fd"]
                .iter()
                .any(|folder| path == Path::new(folder).join(number))
        };
        if path == Path::new("/dev/stdout") || is_number("1") {
            let mut stdout = io::stdout();
            stdout.flush()?;
            return stdout.as_fd().try_clone_to_owned().map(File::from);
        }
        if path == Path::new("/dev/stderr") || is_number("2") {
            return io::stderr().as_fd().try_clone_to_owned().map(File::from);
        }
    }
    OpenOptions::new().append(true).open(path)
}

/// Moves a file to a path that does not exist yet. A file system that cannot refuse to replace gets a plain move.
pub(super) fn put_new(file: NamedTempFile, path: &Path) -> io::Result<File> {
    file.persist_noclobber(path)
        .or_else(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => Err(failed.error),
            _ => failed.file.persist(path).map_err(|failed| failed.error),
        })
}

/// Creates a folder and its missing parents.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    std::fs::create_dir_all(folder)?;
    for made in missing {
        sync_folder(folder_of(made));
    }
    Ok(())
}

/// Makes the names in a folder durable: a new name is, once its folder is. Where folders cannot be
/// opened (Windows), the file system sees to it.
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}
