//! The journal beside a large state file: what has changed since the file was written.
//!
//! Its first line names the state that the changes belong to, by the file's SHA-256; each further
//! line holds the rows that a policy has from then on. A line that is not whole was never answered
//! for, and ends the journal. The last thing that is written to a journal is the name of the state
//! file that takes its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::kinds::Collection;
use super::tenant::{Assignment, Policy, Tenant};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Line<'a> {
    /// The state that the changes belong to.
    State(&'a str),
    /// The rows that a policy has from here on.
    Rows(RowsOf<'a>),
    /// The state that holds all of the changes.
    Folded(&'a str),
}

#[derive(Serialize)]
struct RowsOf<'a> {
    collection: &'static str,
    id: &'a str,
    assignments: &'a [Assignment],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum OwnedLine {
    State(String),
    Rows(OwnedRows),
    Folded(String),
}

#[derive(Deserialize)]
struct OwnedRows {
    collection: String,
    id: String,
    assignments: Vec<Assignment>,
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    disk: Arc<Disk>,
    bytes: u64,
}

/// What is on disk of a journal.
#[derive(Debug)]
struct Disk {
    file: File,
    written: AtomicU64,
    synced: Mutex<u64>,
    broken: AtomicBool,
}

/// A change that is written, and may not be on disk yet.
#[derive(Debug)]
pub(super) struct Pending {
    disk: Arc<Disk>,
    upto: u64,
}

/// What becomes of the changes of a journal that was found.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// They were made to the tenant.
    Made,
    /// There are none, or the state file has them already.
    Spent,
    /// They belong to another state.
    Foreign,
}

/// Returns the place of the journal of a state file.
pub(super) fn beside(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".journal");
    PathBuf::from(name)
}

/// Makes the changes of a journal to a tenant that was read from a state file with this name.
pub(super) fn replay(text: &[u8], state: &str, tenant: &mut Tenant) -> Result<Found, String> {
    // A line without its end was cut while it was written.
    let whole = text.split_inclusive(|byte| *byte == b'\n');
    let whole = whole.filter(|line| line.ends_with(b"\n"));
    // One with its end was answered for. What it says must not get lost, nor what comes after it.
    let lines = whole.enumerate().map(|(number, line)| {
        serde_json::from_slice(line)
            .map_err(|error| format!("line {} cannot be read: {error}", number + 1))
    });
    let mut lines = lines
        .collect::<Result<Vec<OwnedLine>, String>>()?
        .into_iter();
    let Some(first) = lines.next() else {
        return Ok(Found::Spent);
    };
    let lines: Vec<OwnedLine> = lines.collect();
    match lines.last() {
        None => return Ok(Found::Spent),
        Some(OwnedLine::Folded(whole)) if whole == state => return Ok(Found::Spent),
        Some(_) => {}
    }
    if !matches!(first, OwnedLine::State(of) if of == state) {
        return Ok(Found::Foreign);
    }
    let places: std::collections::HashMap<(Collection, String), usize> = Collection::ALL
        .into_iter()
        .flat_map(|collection| {
            let policies = tenant.policies(collection).iter().enumerate();
            policies.map(move |(place, policy)| ((collection, policy.id.clone()), place))
        })
        .collect();
    for line in lines {
        let OwnedLine::Rows(rows) = line else {
            continue;
        };
        let unknown = || format!("the policy `{}` of `{}`", rows.id, rows.collection);
        let collection = Collection::from_segment(&rows.collection).ok_or_else(unknown)?;
        let place = places.get(&(collection, rows.id.clone()));
        let policies = tenant.policies_mut(collection);
        let policy: &mut Policy = place
            .and_then(|place| policies.get_mut(*place))
            .ok_or_else(unknown)?;
        policy.assignments = rows.assignments;
        policy.settle();
    }
    Ok(Found::Made)
}

impl Journal {
    /// Begins a journal for changes to a state.
    pub(super) fn create(state_file: &Path, state: &str) -> io::Result<Self> {
        let path = beside(state_file);
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&path)?;
        if let Ok(like) = std::fs::metadata(state_file) {
            file.set_permissions(like.permissions())?;
        }
        let mut journal = Self {
            path,
            disk: Arc::new(Disk {
                file,
                written: AtomicU64::new(0),
                synced: Mutex::new(0),
                broken: AtomicBool::new(false),
            }),
            bytes: 0,
        };
        journal.append(&[Line::State(state)])?;
        // Where folders can't be opened (Windows), the file system sees to it.
        if let Some(Ok(folder)) = state_file.parent().map(File::open) {
            folder.sync_all().ok();
        }
        Ok(journal)
    }

    /// Goes on with a journal that was found: after its last line that is whole.
    pub(super) fn resume(state_file: &Path, text: &[u8]) -> io::Result<Self> {
        let path = beside(state_file);
        let file = OpenOptions::new().write(true).open(&path)?;
        let end = text.iter().rposition(|byte| *byte == b'\n');
        let bytes = u64::try_from(end.map_or(0, |end| end + 1)).unwrap_or(u64::MAX);
        Ok(Self {
            path,
            disk: Arc::new(Disk {
                file,
                written: AtomicU64::new(bytes),
                synced: Mutex::new(0),
                // What comes after that line has to go first.
                broken: AtomicBool::new(true),
            }),
            bytes,
        })
    }

    /// Writes down the rows that some policies have now.
    pub(super) fn note<'a>(
        &mut self,
        policies: impl Iterator<Item = (Collection, &'a Policy)>,
    ) -> io::Result<Pending> {
        let lines: Vec<Line<'_>> = policies
            .map(|(collection, policy)| {
                Line::Rows(RowsOf {
                    collection: collection.segment(),
                    id: &policy.id,
                    assignments: &policy.assignments,
                })
            })
            .collect();
        self.append(&lines)?;
        Ok(Pending {
            disk: Arc::clone(&self.disk),
            upto: self.bytes,
        })
    }

    /// Writes down, as the last thing, which state holds all of the changes.
    pub(super) fn fold_into(&mut self, state: &str) -> io::Result<()> {
        if self.is_broken() {
            let mut file = &self.disk.file;
            file.set_len(self.bytes)?;
            file.seek(SeekFrom::Start(self.bytes))?;
        }
        self.append(&[Line::Folded(state)])?;
        self.disk.sync(self.bytes)
    }

    /// Takes the journal away once a state file has taken its place.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether something that was written may not be there.
    pub(super) fn is_broken(&self) -> bool {
        self.disk.broken.load(Ordering::Acquire)
    }

    fn append(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let written = (&self.disk.file).write_all(&text);
        if written.is_err() {
            self.disk.broken.store(true, Ordering::Release);
        }
        written?;
        self.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.disk.written.store(self.bytes, Ordering::Release);
        Ok(())
    }
}

impl Pending {
    /// Waits until the change is on disk. Changes that are written meanwhile go with it, so that
    /// many writers wait for one disk together.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.disk.sync(self.upto)
    }
}

impl Disk {
    fn sync(&self, upto: u64) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= upto {
            return Ok(());
        }
        let written = self.written.load(Ordering::Acquire);
        if let Err(error) = self.file.sync_data() {
            self.broken.store(true, Ordering::Release);
            return Err(error);
        }
        *synced = written;
        Ok(())
    }
}
