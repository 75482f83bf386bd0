//! Looking for secrets in data that is written part by part.

use std::io::{self, Write};

use super::Secrets;

/// Takes what is written, and looks for whole secrets in it.
#[derive(Debug)]
pub struct Watch<'s> {
    secrets: &'s Secrets,
    /// The longest beginning of a secret that may end with what comes next.
    overlap: usize,
    seen: Vec<u8>,
    owner: Option<String>,
}

impl Secrets {
    /// Returns what looks through data for whole secrets of at least `RUN` characters; none where
    /// there is no such secret. A shorter one may be a word, or the name of a policy.
    pub fn watch(&self) -> Option<Watch<'_>> {
        let overlap = self.longest_whole()?.saturating_sub(1);
        Some(Watch {
            secrets: self,
            overlap,
            seen: Vec::new(),
            owner: None,
        })
    }
}

impl Watch<'_> {
    /// Returns whose secret has come by.
    pub fn owner(self) -> Option<String> {
        self.owner
    }
}

impl Write for Watch<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.owner.is_none() {
            self.seen.extend_from_slice(part);
            self.owner = self.secrets.whose_is_in(&self.seen);
            let old = self.seen.len().saturating_sub(self.overlap);
            self.seen.drain(..old);
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
