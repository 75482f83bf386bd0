//! Digests of assignments; the digest of a plan is in `saved::plan_digest`.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::Names;
use super::record::AssignmentRecord;
use crate::model::Assignment;

/// Whether a text has the form of a digest.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Computes a digest of a policy's assignments, whatever their order and their names.
pub(super) fn assignments_digest(assignments: &[Assignment]) -> String {
    let names = Names::default();
    let mut sorted: Vec<&Assignment> = assignments.iter().collect();
    sorted.sort();
    let records: Vec<AssignmentRecord<'_>> = sorted
        .into_iter()
        .map(|assignment| AssignmentRecord::new(assignment, &names))
        .collect();
    sha256(&records)
}

/// Computes the digest of the plans of several tenants, by their digests.
pub fn of_tenants(digests: &BTreeMap<&str, &str>) -> String {
    sha256(digests)
}

/// Computes the digest of a value's JSON.
pub fn sha256(value: &impl Serialize) -> String {
    sha256_formatted(value, CompactFormatter)
}

/// Computes the digest of a value's JSON as a formatter writes it.
pub(super) fn sha256_formatted(value: &impl Serialize, formatter: impl Formatter) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hashing = BufWriter::new(Hashing(Context::new(&SHA256)));
    // Structs of texts always serialise, and hashing never fails.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut hashing, formatter));
    let mut hex = String::from("sha256:");
    if let Ok(Hashing(context)) = hashing.into_inner() {
        for byte in context.finish().as_ref() {
            for half in [byte >> 4, byte & 15] {
                hex.push(char::from(DIGITS[usize::from(half)]));
            }
        }
    }
    hex
}

/// What is written to it is hashed, and not kept.
struct Hashing(Context);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
