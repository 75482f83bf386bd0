//! Query options that the service has rejected in this run; each is tried only once.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A part of a request that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The page size.
    Size,
    /// The assignments with the list.
    Expand,
}

/// Which lists refuse which part.
#[derive(Debug, Default)]
pub(super) struct RejectedOptions(Mutex<BTreeSet<(&'static str, Part)>>);

impl RejectedOptions {
    /// Whether a list has refused a part.
    pub(super) fn refuses(&self, list: &'static str, part: Part) -> bool {
        self.lock().contains(&(list, part))
    }

    /// Notes that a list refuses a part.
    pub(super) fn note(&self, list: &'static str, part: Part) {
        self.lock().insert((list, part));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(&'static str, Part)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
