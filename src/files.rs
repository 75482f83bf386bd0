//! Files: how results are written and how much is read, in one place.
//!
//! What is written is either there as a whole or not at all: it is made beside its place and then
//! put there. It is for its owner only, since plans and reports name the groups and policies of a
//! company. Nothing is written through a symbolic link, which someone else may have planted; devices
//! and pipes, `/dev/stdout` among them, are written to as they are.
//!
//! Which links are followed is in `links`, what grows line by line in `lines`.

mod destination;
pub mod encoding;
mod lines;
mod links;

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use destination::{Destination, is_stream, open_stream, put_new, sync_folder};
pub use lines::Lines;
pub use links::{leads_out, link_below, link_on, refuse_link};

/// The most that a saved plan may have. Reading one takes four times that in memory.
pub const LARGEST_PLAN: u64 = 256 * 1024 * 1024;

/// The most that is read of a report. A rollback needs that of the largest run as well.
pub const LARGEST_REPORT: u64 = 1024 * 1024 * 1024;

/// Writes a file as a whole.
///
/// # Errors
///
/// Says why it is not there; what was there before is there still.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    save_with(path, |file| file.write_all(text.as_bytes()))
}

/// Does the same with what is written part by part.
///
/// # Errors
///
/// Says why it is not there; what was there before is there still.
pub fn save_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match Destination::find(path)? {
        Destination::Stream => write(&mut open_stream(path)?),
        Destination::File(folder) => {
            let mut file = NamedTempFile::new_in(&folder)?;
            write(&mut file)?;
            put(file, path, &folder).map(drop)
        }
    }
}

/// The error for a file that would be, or is, larger than so many bytes.
pub fn larger_than(most: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is larger than {} MiB", most / 1024 / 1024),
    )
}

/// Says whether a file could be made, and leaves what is there as it is.
///
/// # Errors
///
/// Says why it cannot be made.
pub fn check(path: &Path) -> io::Result<()> {
    match Destination::find(path)? {
        Destination::Stream => open_stream(path).map(drop),
        Destination::File(folder) => NamedTempFile::new_in(&folder).map(drop),
    }
}

/// Removes the file that [`save`] would replace, if there is one: what an earlier run left must not be taken for
/// the result of a run that is killed.
///
/// # Errors
///
/// Says why it is still there.
pub fn remove_earlier(path: &Path) -> io::Result<()> {
    if is_stream(path) || !std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    refuse_link(path)?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sync_folder(folder_of(path));
    Ok(())
}

/// Creates a file with the usual permissions unless the path exists; returns whether it was created.
///
/// # Errors
///
/// Says why it is not there.
pub fn save_new(path: &Path, text: &str) -> io::Result<bool> {
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let Destination::File(folder) = Destination::find(path)? else {
        return Ok(false);
    };
    let builder = &mut tempfile::Builder::new();
    // It is meant to be committed, so it is not for its owner only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(&folder)?;
    file.as_file_mut().write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match put_new(file, path) {
        Ok(_) => {
            sync_folder(&folder);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a text that is not larger than it may be, in any encoding that [`encoding`] knows. What has
/// no size of its own, like a pipe, is read no further.
///
/// # Errors
///
/// Says why it cannot be read.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    encoding::decode(read(path, most)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads bytes that are not more than they may be.
///
/// # Errors
///
/// Says why they cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_opened(File::open(path)?, most)
}

fn read_opened(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.metadata().is_ok_and(|found| found.len() > most)
        || file.take(most + 1).read_to_end(&mut bytes)? as u64 > most
    {
        return Err(larger_than(most));
    }
    Ok(bytes)
}

/// Reads a file whose lines are shown where they are wrong: of a disk only, since what the system
/// tells of a process (`/proc/self/environ`) holds its secrets, and devices have no end.
///
/// # Errors
///
/// Says why it cannot be read.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a file on a disk");
    // Before it is opened, since a pipe that no one writes to never opens.
    if !std::fs::metadata(path)?.is_file() || is_of_the_system(&std::fs::canonicalize(path)?) {
        return Err(refused());
    }
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    read_opened(file, most)
}

/// Returns the repository that holds a folder: the nearest folder upward with `.git`, which is a file
/// in a work tree. The root of the machine is none, though a job in a container may work in it.
pub fn repository(folder: &Path) -> Option<&Path> {
    let mut folders = folder.ancestors();
    folders
        .find(|folder| folder.parent().is_some() && folder.join(".git").symlink_metadata().is_ok())
}

/// Returns the folder that a path is in: the working folder if it is a name alone.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether a real path leads into a virtual file system.
fn is_of_the_system(path: &Path) -> bool {
    cfg!(unix) && ["/proc", "/sys"].iter().any(|root| path.starts_with(root))
}

/// Puts a file in its place. A link that is there by now is replaced, not followed.
fn put(file: NamedTempFile, path: &Path, folder: &Path) -> io::Result<File> {
    file.as_file().sync_all()?;
    let file = file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(file)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_its_folders_are_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/file");
        save(&path, "one").expect("a file");
        save(&path, "two").expect("a file");
        assert_eq!(read_text(&path, 3).expect("a text"), "two");
        assert_eq!(
            read_text(&path, 2).expect_err("too large").kind(),
            io::ErrorKind::FileTooLarge
        );
        check(&path).expect("a file could be made");
        assert_eq!(read_text(&path, 3).expect("a text"), "two");
        assert!(!save_new(&path, "three").expect("a look"));
        assert_eq!(read_text(&path, 9).expect("a text"), "two");
        std::fs::remove_file(&path).expect("a file");
        assert!(save_new(&path, "three").expect("a file"));
        assert_eq!(read_text(&path, 9).expect("a text"), "three");
        // Nothing is left beside it.
        let beside = std::fs::read_dir(folder.path().join("a/b")).expect("a folder");
        assert_eq!(beside.count(), 1);
        for error in [save(folder.path(), "x"), check(folder.path())] {
            assert!(error.is_err());
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_and_links_are_not_followed() {
        use std::fs::Permissions;
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("open"), "old").expect("a file");
        std::fs::set_permissions(at("open"), Permissions::from_mode(0o666)).expect("a file");
        symlink(at("open"), at("link")).expect("a link");
        symlink(at("nowhere"), at("dangling")).expect("a link");
        for name in ["link", "dangling"] {
            let growing = Lines::create(&at(name), b"", || Ok(()));
            assert!(!save_new(&at(name), "x").expect("a link"));
            for error in [save(&at(name), "x"), growing.map(drop)] {
                let message = error.expect_err("a link").to_string();
                assert!(message.contains("symbolic link"), "{message}");
            }
        }
        assert_eq!(read_text(&at("open"), 9).expect("a text"), "old");
        assert!(!at("nowhere").exists());
        save(&at("open"), "x").expect("a file");
        let mode = |name: &str| at(name).metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode("open"), 0o600);
        Lines::create(&at("new"), b"", || Ok(())).expect("a file");
        assert_eq!(mode("new"), 0o600);
        save_new(&at("newer"), "x").expect("a file");
        std::fs::write(at("usual"), "x").expect("a file");
        assert_eq!(mode("newer"), mode("usual"));
    }

    #[cfg(unix)]
    #[test]
    fn links_count_where_a_repository_can_hold_them() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("real/in")).expect("a folder");
        symlink(at("real"), at("link")).expect("a link");
        // Above the working folder, as `/tmp` is on macOS.
        assert_eq!(link_on(&at("link/in")), None);
        assert_eq!(link_on(&at("link/in/missing")), None);
        for last in ["link", "link/", "link/."] {
            assert_eq!(link_on(&at(last)), Some(at("link")), "{last}");
        }
        for fine in ["", ".", "..", "src/files.rs", "missing/x", "../"] {
            assert_eq!(link_on(Path::new(fine)), None, "{fine}");
        }
    }

    #[test]
    fn a_repository_is_where_git_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("a folder");
        let at = |name: &str| top.join(name);
        std::fs::create_dir_all(at("r/sub/deep")).expect("a folder");
        assert_eq!(repository(&at("r/sub")), None);
        // A file, as in a worktree.
        std::fs::write(at("r/.git"), "").expect("a file");
        for inside in ["r", "r/sub", "r/sub/deep"] {
            assert_eq!(repository(&at(inside)), Some(&*at("r")));
        }
        assert_eq!(repository(Path::new("/")), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_makes_up_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/proc/self/environ", &link).expect("a link");
        let names = [
            link.as_path(),
            folder.path(),
            Path::new("/proc/self/environ"),
            Path::new("/dev/zero"),
            Path::new("/dev/stdin"),
        ];
        for name in names {
            let error = read_regular(name, 9).expect_err("no file");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn streams_are_written_to_and_not_read_for_ever() {
        save(Path::new("/dev/null"), "x").expect("a device");
        assert!(
            Lines::stream(Path::new("/dev/null"))
                .expect("a device")
                .is_some()
        );
        assert_eq!(
            read(Path::new("/dev/zero"), 9).expect_err("endless").kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
