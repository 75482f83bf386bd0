//! What goes into the machine and comes out of it, and what it counts.

use std::collections::BTreeMap;

/// A request, as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The verb.
    pub method: String,
    /// Path and query, byte for byte, beginning with `/`.
    pub target: String,
    /// The headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An answer, as it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How many requests there were, for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Requests that read, batch members included.
    pub reads: u64,
    /// Requests to Intune that write, batch members included; refused ones too.
    pub writes: u64,
    /// Requests that were throttled.
    pub throttled: u64,
    /// Batches.
    pub batches: u64,
    /// Requests within batches.
    pub batch_members: u64,
    /// Tokens that were issued.
    pub tokens: u64,
    /// Requests by verb and kind of path, like `POST configurationPolicies/{id}/assign`.
    pub by_path: BTreeMap<String, u64>,
}
