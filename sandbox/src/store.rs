//! The state file on disk: locked while it is in use, replaced in one step, and never behind what
//! was answered as long as it is small. A large one is written at most once a second and at the end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::state::StateError;
use crate::tenant::Tenant;
use crate::text;

/// Up to this size, a file is replaced faster than the published limits let writes come.
const SMALL: u64 = 8 * 1024 * 1024;

/// How often a larger file is replaced at most.
const PAUSE: Duration = Duration::from_secs(1);

/// What the name of the lock beside a state file ends in.
pub const LOCK_SUFFIX: &str = ".lock";

/// A state file in use. Dropping it gives the lock back.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: File,
    /// How large the file is.
    bytes: u64,
    saved: Option<Instant>,
    /// Up to which size the file is replaced at each change.
    small: u64,
}

impl Store {
    /// Opens a state file; where there is none, makes it from the sample tenant.
    ///
    /// # Errors
    ///
    /// The file is in use, cannot be read or written, or is not a state file. It is left as it is.
    pub fn open_or_sample(path: &Path) -> Result<(Self, Tenant), StateError> {
        Self::open(path, SMALL)
    }

    pub(crate) fn open(path: &Path, small: u64) -> Result<(Self, Tenant), StateError> {
        let mut store = Self {
            path: path.to_owned(),
            _lock: lock(path)?,
            bytes: 0,
            saved: None,
            small,
        };
        let text = match std::fs::read(path).and_then(text::decode) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let tenant = Tenant::sample();
                store.save(&tenant)?;
                return Ok((store, tenant));
            }
            Err(source) => return Err(store.failed("read", source)),
        };
        store.bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let tenant = Tenant::from_json(&text).map_err(|error| error.of(path))?;
        Ok((store, tenant))
    }

    /// Writes the tenant to the file: after a crash there is the old content or the new, whole.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub fn save(&mut self, tenant: &Tenant) -> Result<(), StateError> {
        self.bytes = replace(&self.path, tenant).map_err(|error| self.failed("write", error))?;
        self.saved = Some(Instant::now());
        Ok(())
    }

    /// Returns how long a change may wait before it is saved: not at all, unless the file is large
    /// and was written just now.
    pub(crate) fn pause(&self) -> Duration {
        match self.saved {
            Some(saved) if self.bytes > self.small => PAUSE.saturating_sub(saved.elapsed()),
            _ => Duration::ZERO,
        }
    }

    fn failed(&self, action: &'static str, source: io::Error) -> StateError {
        StateError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

/// Replaces a file in one step; returns its size.
fn replace(path: &Path, tenant: &Tenant) -> io::Result<u64> {
    let folder = folder(path);
    // In the same folder, since a rename cannot cross file systems.
    let file = tempfile::Builder::new()
        .prefix(".sandbox-")
        .tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(1 << 20, file.as_file());
    serde_json::to_writer_pretty(&mut writer, tenant)?;
    writer.write_all(b"\n")?;
    writer.flush()?;
    drop(writer);
    if let Ok(old) = std::fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    let bytes = file.as_file().metadata()?.len();
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself is durable once the folder is; where folders cannot be opened (Windows), the
    // file system sees to it.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(bytes)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Locks a file beside the state file, since the state file itself is replaced.
fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(LOCK_SUFFIX);
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
        let (mut store, tenant) = Store::open_or_sample(&path).expect("a fresh file");
        assert_eq!(tenant, Tenant::sample());
        store.save(&Tenant::empty()).expect("a writable folder");
        drop(store);
        let (_store, read) = Store::open_or_sample(&path).expect("the same file");
        assert_eq!(read, Tenant::empty());
    }

    #[test]
    fn a_second_process_is_refused() {
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
        let error = Store::open_or_sample(&path).expect_err("it is not JSON");
        assert!(error.to_string().contains("tenant.json:3:3: "), "{error}");
        let text = std::fs::read_to_string(&path).expect("still there");
        assert!(text.ends_with("nonsense"));
    }
}
