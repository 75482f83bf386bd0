//! What has changed in a tenant since it was kept the last time.

use std::collections::BTreeSet;

use super::kinds::Collection;

/// What has changed in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    /// The rows of some policies, by their places.
    Rows(BTreeSet<(Collection, usize)>),
    /// Nobody knows.
    Everything,
}

impl Default for Changes {
    fn default() -> Self {
        Self::Rows(BTreeSet::new())
    }
}

impl Changes {
    pub(super) fn add(&mut self, collection: Collection, place: usize) {
        if let Self::Rows(places) = self {
            places.insert((collection, place));
        }
    }
}
