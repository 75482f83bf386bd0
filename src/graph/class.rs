//! The two classes of requests that the service counts apart.

/// What a request is to the service's accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// It only reads.
    Read,
    /// It changes something; it counts as a request of any kind as well.
    Write,
}

impl Class {
    /// Returns the word for requests of the class.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Write => "writes",
        }
    }
}
