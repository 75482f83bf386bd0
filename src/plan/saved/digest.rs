//! A plan's digest: two plans with the same one make the same changes to the same tenant.
//!
//! It covers the format version, the tenant, and of each changed policy its kind, id, name and
//! its rows before and after. It finds files that were altered or cut by accident; it is no
//! signature, since whoever can write the file can write the digest.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Serialize, Serializer};

use super::{AssignmentRecord, FORMAT_VERSION, PolicyRecord};
use crate::model::Assignment;
use crate::plan::{Names, Plan};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Covered<'a, I: Fn() -> P, P: Iterator<Item = CoveredPolicy<'a>>> {
    format_version: &'a str,
    tenant_id: Option<&'a str>,
    #[serde(serialize_with = "each")]
    policies: I,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoveredPolicy<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    before: Cow<'a, [AssignmentRecord<'a>]>,
    after: Cow<'a, [AssignmentRecord<'a>]>,
    untouched: Cow<'a, [AssignmentRecord<'a>]>,
}

/// Writes items out as they come, so that a plan of any size needs no copy of itself.
fn each<S: Serializer, T: Serialize, P: Iterator<Item = T>>(
    items: &impl Fn() -> P,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items())
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
    let records: Vec<AssignmentRecord<'_>> = sorted
        .into_iter()
        .map(|row| AssignmentRecord::new(row, &names))
        .collect();
    sha256(&records)
}

/// Computes a plan's digest. Unchanged policies do not count.
pub fn of_plan(plan: &Plan) -> String {
    let names = &plan.names;
    sha256(&Covered {
        format_version: FORMAT_VERSION,
        tenant_id: plan.tenant_id.as_deref(),
        policies: || {
            plan.changed().map(|policy| CoveredPolicy {
                kind: policy.kind.name(),
                id: &policy.id,
                name: &policy.name,
                before: AssignmentRecord::all(&policy.before, names).into(),
                after: AssignmentRecord::all(&policy.after, names).into(),
                untouched: AssignmentRecord::all(&policy.untouched, names).into(),
            })
        },
    })
}

/// Computes the digest of a plan's records.
pub(super) fn compute(
    format_version: &str,
    tenant_id: Option<&str>,
    policies: &[PolicyRecord<'_>],
) -> String {
    let changed = || {
        policies
            .iter()
            .filter(|policy| !policy.changes.is_empty())
            .map(|policy| CoveredPolicy {
                kind: &policy.kind,
                id: &policy.id,
                name: &policy.name,
                before: policy.before.as_slice().into(),
                after: policy.after.as_slice().into(),
                untouched: policy.untouched.as_slice().into(),
            })
    };
    sha256(&Covered {
        format_version,
        tenant_id,
        policies: changed,
    })
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

fn sha256(value: &impl Serialize) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hashing = BufWriter::new(Hashing(Context::new(&SHA256)));
    // Structs of texts always serialise, and hashing never fails.
    let _ = serde_json::to_writer(&mut hashing, value);
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
