//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its rows before and after. It finds files that were altered or cut by accident; it is no
//! signature, since whoever can write the file can write the digest.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use super::{AssignmentRecord, PolicyRecord};
use crate::model::Assignment;
use crate::plan::Names;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a> {
    format_version: &'a str,
    tenant_id: Option<&'a str>,
    policies: Vec<CoveredPolicy<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoveredPolicy<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    before: &'a [AssignmentRecord],
    after: &'a [AssignmentRecord],
    untouched: &'a [AssignmentRecord],
}

/// Whether a text has the form of a digest.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Computes a digest of a policy's rows, in whatever order they are, and whatever their names.
pub fn rows_digest(rows: &[Assignment]) -> String {
    let names = Names::default();
    let mut sorted: Vec<&Assignment> = rows.iter().collect();
    sorted.sort();
    let records: Vec<AssignmentRecord> = sorted
        .into_iter()
        .map(|row| AssignmentRecord::new(row, &names))
        .collect();
    sha256(&records)
}

/// Computes the digest of a plan's records. Unchanged policies do not count.
pub(super) fn compute(
    format_version: &str,
    tenant_id: Option<&str>,
    policies: &[PolicyRecord],
) -> String {
    let covered = Covered {
        format_version,
        tenant_id,
        policies: policies
            .iter()
            .filter(|policy| !policy.changes.is_empty())
            .map(|policy| CoveredPolicy {
                kind: &policy.kind,
                id: &policy.id,
                name: &policy.name,
                before: &policy.before,
                after: &policy.after,
                untouched: &policy.untouched,
            })
            .collect(),
    };
    sha256(&covered)
}

fn sha256(value: &impl Serialize) -> String {
    // Structs of texts always serialise.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut hex = String::from("sha256:");
    for byte in digest(&SHA256, &text).as_ref() {
        for half in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    hex
}
