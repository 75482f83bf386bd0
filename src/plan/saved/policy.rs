//! Policies as plans write them, with their changes and requests.

use serde::{Deserialize, Serialize};

use super::AssignmentRecord;
use crate::manifest::Mode;
use crate::model::{Assignment, PolicyKind};
use crate::plan::since::Cause;
use crate::plan::writes::{Call, PlannedWrite};
use crate::plan::{ManifestPlace, Names, PlannedPolicy, changes};

/// A managed policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct PolicyRecord {
    pub(in crate::plan) kind: String,
    pub(in crate::plan) id: String,
    pub(in crate::plan) name: String,
    mode: String,
    #[serde(default)]
    manifest: Vec<PlaceRecord>,
    pub(in crate::plan) before: Vec<AssignmentRecord>,
    pub(in crate::plan) after: Vec<AssignmentRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::plan) untouched: Vec<AssignmentRecord>,
    pub(in crate::plan) changes: Vec<ChangeRecord>,
    /// Why the policy is not as the manifests say, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) cause: Option<String>,
    #[serde(default)]
    writes: Vec<WriteRecord>,
}

/// A place in a manifest.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct PlaceRecord {
    path: String,
    line: usize,
    column: usize,
}

/// A change.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(in crate::plan) struct ChangeRecord {
    action: String,
    before: Option<AssignmentRecord>,
    after: Option<AssignmentRecord>,
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct WriteRecord {
    call: String,
    method: String,
    path: String,
}

impl PolicyRecord {
    pub(super) fn new(policy: &PlannedPolicy, names: &Names, cause: Option<Cause>) -> Self {
        let PlannedPolicy {
            kind,
            id,
            name,
            mode,
            manifest,
            before,
            after,
            untouched,
            changes,
            writes,
        } = policy;
        let record = |row: &Assignment| AssignmentRecord::new(row, names);
        Self {
            kind: kind.name().to_owned(),
            id: id.clone(),
            name: name.clone(),
            mode: mode.name().to_owned(),
            manifest: manifest.iter().map(PlaceRecord::new).collect(),
            before: before.iter().map(record).collect(),
            after: after.iter().map(record).collect(),
            untouched: untouched.iter().map(record).collect(),
            changes: changes
                .iter()
                .map(|change| ChangeRecord {
                    action: change.action().to_owned(),
                    before: change.before().map(record),
                    after: change.after().map(record),
                })
                .collect(),
            cause: cause.map(|cause| cause.name().to_owned()),
            writes: writes
                .iter()
                .map(|PlannedWrite { call, path }| WriteRecord {
                    call: call.name().to_owned(),
                    method: call.method().to_owned(),
                    path: path.clone(),
                })
                .collect(),
        }
    }

    pub(super) fn read(&self, names: &mut Names) -> Result<PlannedPolicy, String> {
        let mut rows = |records: &[AssignmentRecord]| {
            records
                .iter()
                .map(|record| record.read(names))
                .collect::<Result<Vec<_>, _>>()
        };
        let before = rows(&self.before)?;
        let after = rows(&self.after)?;
        let untouched = rows(&self.untouched)?;
        Ok(PlannedPolicy {
            kind: PolicyKind::from_name(&self.kind)
                .ok_or_else(|| format!("unknown policy kind `{}`", self.kind))?,
            id: self.id.clone(),
            name: self.name.clone(),
            mode: [Mode::Exact, Mode::Additive]
                .into_iter()
                .find(|mode| mode.name() == self.mode)
                .ok_or_else(|| format!("unknown mode `{}`", self.mode))?,
            manifest: self.manifest.iter().map(PlaceRecord::read).collect(),
            changes: changes(&before, &after),
            before,
            after,
            untouched,
            writes: self
                .writes
                .iter()
                .map(|write| {
                    Ok(PlannedWrite {
                        call: Call::ALL
                            .into_iter()
                            .find(|call| call.name() == write.call)
                            .ok_or_else(|| format!("unknown call `{}`", write.call))?,
                        path: write.path.clone(),
                    })
                })
                .collect::<Result<_, String>>()?,
        })
    }
}

impl PlaceRecord {
    fn new(place: &ManifestPlace) -> Self {
        let ManifestPlace { path, line, column } = place;
        Self {
            path: path.clone(),
            line: *line,
            column: *column,
        }
    }

    fn read(&self) -> ManifestPlace {
        ManifestPlace {
            path: self.path.clone(),
            line: self.line,
            column: self.column,
        }
    }
}
