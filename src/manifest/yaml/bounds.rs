//! How much the files of a run may hold.

/// How many nodes the aliases of a run may stand for.
pub(in crate::manifest) const MOST_ALIASED: u64 = 1_000_000;

/// How many values (texts, keys, lists, mappings and aliases) a file and a run may have. A file of 10 MB
/// has a million.
pub(in crate::manifest) const MOST_VALUES_IN_A_FILE: usize = 2_000_000;
pub(in crate::manifest) const MOST_VALUES: usize = 5_000_000;

/// How many documents a run may have.
pub(in crate::manifest) const MOST_DOCUMENTS: usize = 50_000;

/// What the files of a run that are still to be read may hold.
#[derive(Debug)]
pub(in crate::manifest) struct Budget {
    pub(in crate::manifest) aliased: u64,
    pub(in crate::manifest) values: usize,
    pub(in crate::manifest) documents: usize,
    /// Whether a bound was passed, and reported.
    pub(in crate::manifest) exhausted: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            aliased: MOST_ALIASED,
            values: MOST_VALUES,
            documents: MOST_DOCUMENTS,
            exhausted: false,
        }
    }
}
