//! How much the files of a run may hold.

/// How many nodes the aliases of a run may stand for.
pub(super) const MOST_ALIASED: u64 = 1_000_000;

/// How many values (texts, keys, lists, mappings and aliases) a file and a run may have. A file of 10 MB
/// has a million.
pub(super) const MOST_VALUES_IN_A_FILE: usize = 2_000_000;
pub(super) const MOST_VALUES: usize = 5_000_000;

/// How many documents a run may have.
pub(super) const MOST_DOCUMENTS: usize = 50_000;

/// What the files of a run that are still to come may hold.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) aliased: u64,
    pub(super) values: usize,
    pub(super) documents: usize,
    /// Whether a bound was passed, and told.
    pub(super) told: bool,
}

impl Default for Left {
    fn default() -> Self {
        Self {
            aliased: MOST_ALIASED,
            values: MOST_VALUES,
            documents: MOST_DOCUMENTS,
            told: false,
        }
    }
}
