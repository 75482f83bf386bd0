//! Files that grow line by line: reports and records.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::destination::{Destination, open_stream, put_new, sync_folder};

/// A file that grows line by line. Each line is there as a whole or not at all, and what someone else has put in
/// the file's place is left alone.
#[derive(Debug)]
pub struct Lines {
    file: File,
    /// Where it is and how long; `None` for a device or a pipe.
    own: Option<(PathBuf, u64)>,
    /// Why no further line can be written.
    failed: Option<String>,
}

impl Lines {
    /// Opens a device or a pipe; `None` if the path is of a file, which could be made.
    ///
    /// # Errors
    ///
    /// Says why it cannot be opened, or made.
    pub fn stream(path: &Path) -> io::Result<Option<Self>> {
        match Destination::find(path)? {
            Destination::Stream => Ok(Some(Self {
                file: open_stream(path)?,
                own: None,
                failed: None,
            })),
            Destination::File(folder) => NamedTempFile::new_in(&folder).map(|_| None),
        }
    }

    /// Makes a file with its first lines. Only when these are on disk, `make_room` is to move away what must not be
    /// replaced.
    ///
    /// # Errors
    ///
    /// Says why the file is not there.
    pub fn create(
        path: &Path,
        lines: &[u8],
        make_room: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Self> {
        let Destination::File(folder) = Destination::find(path)? else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut file = NamedTempFile::new_in(&folder)?;
        file.as_file_mut().write_all(lines)?;
        file.as_file().sync_all()?;
        make_room()?;
        let file = match path.symlink_metadata() {
            Ok(_) => file.persist(path).map_err(|failed| failed.error)?,
            // Another run may begin one of this name at the same moment.
            Err(_) => put_new(file, path)?,
        };
        sync_folder(&folder);
        Ok(Self {
            file,
            own: Some((path.to_owned(), lines.len() as u64)),
            failed: None,
        })
    }

    /// Adds lines, which outlive the process; with `durably` they are on disk afterwards, with all before them. If
    /// the file was moved meanwhile, the lines still go to it, but the call fails: the file could not be found under its
    /// old name.
    ///
    /// # Errors
    ///
    /// Says why they are not there, or not in their place.
    pub fn add(&mut self, lines: &[u8], durably: bool) -> io::Result<()> {
        self.add_with(lines, |file| {
            file.write_all(lines)?;
            match durably.then(|| file.sync_data()) {
                // A device or a pipe keeps nothing that could be lost.
                Some(Err(error)) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
                _ => Ok(()),
            }
        })
    }

    fn add_with(
        &mut self,
        lines: &[u8],
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Some(failed) = &self.failed {
            return Err(io::Error::other(failed.clone()));
        }
        self.is_as_written()
            .inspect_err(|error| self.failed = Some(error.to_string()))?;
        write(&mut self.file).inspect_err(|error| {
            // Half a line with another one behind it would make all of the file unreadable.
            let taken_back = self.own.as_ref().is_some_and(|(_, length)| {
                let cut = self.file.set_len(*length);
                cut.and_then(|()| self.file.seek(SeekFrom::Start(*length)))
                    .is_ok()
            });
            if !taken_back {
                self.failed = Some(error.to_string());
            }
        })?;
        if let Some((_, length)) = &mut self.own {
            *length += lines.len() as u64;
        }
        self.is_in_place()
    }

    /// Checks that the file is as long as what was written.
    fn is_as_written(&self) -> io::Result<()> {
        match &self.own {
            Some((_, length)) if self.file.metadata()?.len() != *length => Err(io::Error::other(
                "someone else has changed it during the run",
            )),
            _ => Ok(()),
        }
    }

    /// Checks that the file is where it was made.
    fn is_in_place(&self) -> io::Result<()> {
        let Some((path, length)) = &self.own else {
            return Ok(());
        };
        match path.symlink_metadata() {
            Ok(found) if found.is_file() && found.len() == *length => Ok(()),
            Ok(_) => Err(io::Error::other(
                "someone else has replaced it during the run",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::Error::other(
                "someone else has moved or deleted it during the run",
            )),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &tempfile::TempDir) -> (PathBuf, Lines) {
        let path = folder.path().join("r.jsonl");
        let lines = Lines::create(&path, b"one\n", || Ok(())).expect("a file");
        (path, lines)
    }

    #[test]
    fn half_a_line_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, mut lines) = made(&folder);
        // As where a disk is full.
        let half = lines.add_with(b"two\n", |file| {
            file.write_all(b"tw")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(half.expect_err("half").kind(), io::ErrorKind::StorageFull);
        lines.add(b"three\n", true).expect("a line");
        let text = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(text, "one\nthree\n");
    }

    #[test]
    fn what_someone_else_did_to_the_file_is_an_error() {
        type Deed = fn(&Path) -> io::Result<()>;
        // What is there after two more lines, in its place and where it was moved.
        let deeds: [(Deed, Option<&str>, Option<&str>); 4] = [
            (|path| std::fs::remove_file(path), None, None),
            (|path| std::fs::write(path, ""), Some(""), None),
            (
                |path| std::fs::rename(path, path.with_extension("moved")),
                None,
                Some("one\ntwo\ntwo\n"),
            ),
            (
                |path| {
                    std::fs::rename(path, path.with_extension("moved"))?;
                    std::fs::write(path, "another run's\n")
                },
                Some("another run's\n"),
                Some("one\ntwo\ntwo\n"),
            ),
        ];
        for (deed, in_place, moved) in deeds {
            let folder = tempfile::tempdir().expect("a folder");
            let (path, mut lines) = made(&folder);
            deed(&path).expect("a deed");
            for _ in 0..2 {
                let error = lines.add(b"two\n", false).expect_err("an error");
                assert!(error.to_string().starts_with("someone else"), "{error}");
            }
            let read = |path: &Path| std::fs::read_to_string(path).ok();
            assert_eq!(read(&path).as_deref(), in_place);
            assert_eq!(read(&path.with_extension("moved")).as_deref(), moved);
        }
    }
}
