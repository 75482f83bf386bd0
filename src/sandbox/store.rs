//! The state file on disk: locked while it is in use, and replaced in one step when it changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::state::StateError;
use super::tenant::Tenant;

/// A state file in use. Dropping it gives the lock back.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens a state file; where there is none, makes it from the sample tenant.
    ///
    /// # Errors
    ///
    /// The file is in use, can't be read or written, or is not a state file. It is left as it is.
    pub fn open_or_sample(path: &Path) -> Result<(Self, Tenant), StateError> {
        let store = Self {
            path: path.to_owned(),
            _lock: lock(path)?,
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let tenant = Tenant::from_json(&text).map_err(|error| match error {
                    StateError::Content {
                        path: _,
                        line,
                        column,
                        message,
                    } => StateError::Content {
                        path: Some(path.to_owned()),
                        line,
                        column,
                        message,
                    },
                    other => other,
                })?;
                Ok((store, tenant))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let tenant = Tenant::sample();
                store.save(&tenant)?;
                Ok((store, tenant))
            }
            Err(source) => Err(StateError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Writes the tenant to the file: after a crash there is the old content or the new, whole.
    ///
    /// # Errors
    ///
    /// The folder can't be written to.
    pub fn save(&self, tenant: &Tenant) -> Result<(), StateError> {
        self.replace(tenant.to_json().as_bytes())
            .map_err(|source| StateError::Io {
                action: "write",
                path: self.path.clone(),
                source,
            })
    }

    fn replace(&self, content: &[u8]) -> Result<(), std::io::Error> {
        let folder = folder(&self.path);
        // In the same folder, since a rename can't cross file systems.
        let mut file = tempfile::Builder::new()
            .prefix(".sandbox-")
            .tempfile_in(folder)?;
        file.write_all(content)?;
        if let Ok(old) = std::fs::metadata(&self.path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        // The rename itself is durable once the folder is; where folders can't be opened
        // (Windows), the file system sees to it.
        if let Ok(folder) = File::open(folder) {
            folder.sync_all().ok();
        }
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Locks a file beside the state file, since the state file itself is replaced at each change.
fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let failed = |source| StateError::Io {
        action: "lock",
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked {
            path: path.to_owned(),
            lock,
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_becomes_the_sample_and_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tenant.json");
        let (store, tenant) = Store::open_or_sample(&path).expect("a fresh file");
        assert_eq!(tenant, Tenant::sample());
        store.save(&Tenant::empty()).expect("a writable folder");
        drop(store);
        let (_store, read) = Store::open_or_sample(&path).expect("the same file");
        assert_eq!(read, Tenant::empty());
    }

    #[test]
    fn a_second_process_is_told_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tenant.json");
        let _store = Store::open_or_sample(&path).expect("a fresh file");
        let error = Store::open_or_sample(&path).expect_err("it is locked");
        assert!(error.to_string().contains("in use by another process"));
    }

    #[test]
    fn a_file_with_a_mistake_is_named_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tenant.json");
        std::fs::write(&path, "{\n  \"formatVersion\": 1,\n  nonsense").expect("a writable folder");
        let error = Store::open_or_sample(&path).expect_err("it is no JSON");
        assert!(error.to_string().contains("tenant.json:3:3: "), "{error}");
        let text = std::fs::read_to_string(&path).expect("still there");
        assert!(text.ends_with("nonsense"));
    }
}
