//! Where what came of tenants is kept until it is printed: in a temporary file, unless it is small.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, PoisonError};

use tempfile::SpooledTempFile;

/// What is smaller stays in memory.
const IN_MEMORY: usize = 4 * 1024 * 1024;

/// Where what is large is kept.
#[derive(Debug)]
pub(super) struct Spool(Mutex<SpooledTempFile>);

/// A place in the spool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    start: u64,
    length: usize,
}

impl Default for Spool {
    fn default() -> Self {
        Self(Mutex::new(SpooledTempFile::new(IN_MEMORY)))
    }
}

impl Spool {
    pub(super) fn put(&self, text: &str) -> io::Result<Slot> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = file.seek(SeekFrom::End(0))?;
        file.write_all(text.as_bytes())?;
        Ok(Slot {
            start,
            length: text.len(),
        })
    }

    pub(super) fn get(&self, slot: Slot) -> io::Result<String> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(slot.start))?;
        let mut bytes = vec![0; slot.length];
        file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(|error| io::Error::other(error.utf8_error()))
    }
}
