//! The state file on disk: locked while it is in use, and never behind what was answered.
//!
//! A file of usual size is replaced in one step at each change. That takes seconds for a very
//! large one; its changes go to a journal beside it, which is folded into the file when the file
//! is given back, when it is opened again, and when the journal has outgrown it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::changes::Changes;
use super::journal::{self, Found, Journal, Pending};
use super::state::StateError;
use super::tenant::Tenant;
use super::text;

/// Up to this size, a file is replaced faster than the published limits let writes come.
const REPLACED_UP_TO: u64 = 8 * 1024 * 1024;

/// What the name of the lock beside a state file ends in.
pub const LOCK_SUFFIX: &str = ".lock";

/// A state file in use. Dropping it gives the lock back.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: File,
    /// What the file holds: its size, and its name in a journal where it is large.
    bytes: u64,
    state: Option<String>,
    journal: Option<Journal>,
    /// Up to which size the file is replaced at each change.
    replaced_up_to: u64,
}

impl Store {
    /// Opens a state file; where there is none, makes it from the sample tenant.
    ///
    /// # Errors
    ///
    /// The file is in use, can't be read or written, or is not a state file. It is left as it is.
    pub fn open_or_sample(path: &Path) -> Result<(Self, Tenant), StateError> {
        Self::open(path, REPLACED_UP_TO)
    }

    pub(super) fn open(path: &Path, replaced_up_to: u64) -> Result<(Self, Tenant), StateError> {
        let mut store = Self {
            path: path.to_owned(),
            _lock: lock(path)?,
            bytes: 0,
            state: None,
            journal: None,
            replaced_up_to,
        };
        let journal = read_if_there(&journal::beside(path))?;
        let Some(text) = read_if_there(path)? else {
            let tenant = Tenant::sample();
            store.save(&tenant)?;
            // What is left of another file of that name.
            store.remove_journal()?;
            return Ok((store, tenant));
        };
        store.bytes = size(text.len());
        if journal.is_some() || store.bytes > store.replaced_up_to {
            store.state = Some(named(&digest::digest(&digest::SHA256, &text)));
        }
        let text = text::decode(text).map_err(|source| StateError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let mut tenant = Tenant::from_json(&text).map_err(|error| error.of(path))?;
        drop(text);
        if let (Some(journal), Some(state)) = (journal, &store.state) {
            let found = journal::replay(&journal, state, &mut tenant);
            match found.map_err(|what| store.foreign(&what))? {
                Found::Made => {
                    let resumed = Journal::resume(path, &journal);
                    store.journal = Some(resumed.map_err(|source| StateError::Io {
                        action: "write",
                        path: journal::beside(path),
                        source,
                    })?);
                    store.save(&tenant)?;
                }
                Found::Spent => store.remove_journal()?,
                Found::Foreign => return Err(store.foreign("another state of the file")),
            }
        }
        Ok((store, tenant))
    }

    /// Writes the tenant to the file: after a crash there is the old content or the new, whole.
    ///
    /// # Errors
    ///
    /// The folder can't be written to.
    pub fn save(&mut self, tenant: &Tenant) -> Result<(), StateError> {
        self.replace(tenant).map_err(|source| StateError::Io {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }

    /// Keeps what has changed in a tenant. It may be answered for once the result is settled.
    pub(super) fn keep(
        &mut self,
        tenant: &Tenant,
        changes: &Changes,
    ) -> Result<Option<Pending>, StateError> {
        let places = match changes {
            Changes::Rows(places) if places.is_empty() => return Ok(None),
            Changes::Rows(places) if self.appends() => places,
            Changes::Rows(_) | Changes::Everything => return self.save(tenant).map(|()| None),
        };
        let policies = places.iter().filter_map(|(collection, place)| {
            let policy = tenant.policies(*collection).get(*place)?;
            Some((*collection, policy))
        });
        let noted = match (&mut self.journal, &self.state) {
            (Some(journal), _) => journal.note(policies),
            (None, Some(state)) => Journal::create(&self.path, state).and_then(|mut journal| {
                let noted = journal.note(policies);
                self.journal = Some(journal);
                noted
            }),
            (None, None) => return self.save(tenant).map(|()| None),
        };
        match noted {
            Ok(pending) => Ok(Some(pending)),
            Err(source) => Err(StateError::Io {
                action: "write",
                path: journal::beside(&self.path),
                source,
            }),
        }
    }

    /// Brings the file up to date with a tenant all of whose changes were kept.
    pub(super) fn fold(&mut self, tenant: &Tenant) -> Result<(), StateError> {
        if self.journal.is_some() {
            self.save(tenant)?;
        }
        Ok(())
    }

    /// Whether a change goes to the journal.
    fn appends(&self) -> bool {
        let fits = |journal: &Journal| journal.bytes() <= self.bytes && !journal.is_broken();
        self.bytes > self.replaced_up_to && self.journal.as_ref().is_none_or(fits)
    }

    fn foreign(&self, what: &str) -> StateError {
        StateError::Journal {
            path: self.path.clone(),
            journal: journal::beside(&self.path),
            what: what.to_owned(),
        }
    }

    fn remove_journal(&self) -> Result<(), StateError> {
        let path = journal::beside(&self.path);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StateError::Io {
                action: "remove",
                path,
                source,
            }),
            _ => Ok(()),
        }
    }

    fn replace(&mut self, tenant: &Tenant) -> Result<(), io::Error> {
        let folder = folder(&self.path);
        // In the same folder, since a rename can't cross file systems.
        let file = tempfile::Builder::new()
            .prefix(".sandbox-")
            .tempfile_in(folder)?;
        let mut counted = BufWriter::with_capacity(
            1 << 20,
            Named {
                file: file.as_file(),
                digest: digest::Context::new(&digest::SHA256),
                bytes: 0,
            },
        );
        tenant.write_json(&mut counted)?;
        let Named { digest, bytes, .. } =
            counted.into_inner().map_err(|error| error.into_error())?;
        let state = named(&digest.finish());
        if let Ok(old) = std::fs::metadata(&self.path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        // First: a journal that does not name the file beside it belongs to another.
        if let Some(journal) = self.journal.as_mut() {
            journal.fold_into(&state)?;
        }
        file.persist(&self.path).map_err(|error| error.error)?;
        // The rename itself is durable once the folder is; where folders can't be opened
        // (Windows), the file system sees to it.
        if let Ok(folder) = File::open(folder) {
            folder.sync_all().ok();
        }
        self.bytes = bytes;
        self.state = Some(state);
        if let Some(journal) = self.journal.take() {
            journal.remove()?;
        }
        Ok(())
    }
}

/// Counts what goes to a file, and takes its hash.
struct Named<'a> {
    file: &'a File,
    digest: digest::Context,
    bytes: u64,
}

impl Write for Named<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        self.bytes += size(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// How a journal names a state.
fn named(digest: &digest::Digest) -> String {
    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", digits.collect::<String>())
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        }),
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
