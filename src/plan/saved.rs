//! The stored form of a plan: what `--out` and `--format json` write, and `apply` and `show` read.
//!
//! The format is a boundary of its own, versioned: a minor version adds keys, a major one may
//! break, and readers ignore keys that they do not know. What a file says of changes and writes is
//! for people; when it is read, both are worked out again from the rows before and after, which the
//! digest covers.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::guards::{Guard, GuardName};
use super::writes::{Call, PlannedWrite, WriteWith};
use super::{ManifestPlace, Names, Plan, PlanDiagnostic, PlannedPolicy, Summary, changes, digest};
use crate::diagnostic::Severity;
use crate::manifest::Mode;
use crate::model::{Assignment, Filter, FilterMode, PolicyKind, Source, Target};

/// The version of the format that this program writes.
pub const FORMAT_VERSION: &str = "1.0";

/// Why a file is not a plan that can be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SavedPlanError {
    /// It is not JSON, or not of the form of a plan.
    #[error("not a plan file: {0}")]
    NotAPlan(String),
    /// It comes from a version of the program that writes another format.
    #[error("the plan's format version `{0}` is not known to this program, which reads 1.x")]
    UnknownVersion(String),
    /// It is not as it was written.
    #[error("the plan file was altered: its digest is `{written}`, its content gives `{computed}`")]
    Altered {
        /// What the file says.
        written: String,
        /// What it should say.
        computed: String,
    },
    /// It is only a part of a plan.
    #[error("the plan is marked as incomplete")]
    Incomplete,
}

/// A plan that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// The plan. Policies that do not change are counted, not held.
    pub plan: Plan,
    /// The counts as they were when the plan was made.
    pub summary: Summary,
    /// The digest, checked.
    pub digest: String,
    /// When it was made.
    pub created_at: String,
}

/// A plan as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PlanRecord {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// The program and its version.
    pub tool: String,
    /// When the plan was made, in UTC.
    pub created_at: String,
    /// The tenant, null where the token does not name it.
    pub tenant_id: Option<String>,
    /// The Graph URL.
    pub graph_url: String,
    /// What part of the manifests was looked at.
    #[serde(default)]
    pub selection: SelectionRecord,
    /// Whether everything was read. A plan that is not is never made.
    pub complete: bool,
    /// How the writes were chosen.
    #[serde(default = "auto")]
    pub write_with: String,
    /// Counts.
    pub summary: SummaryRecord,
    /// What each guard saw.
    #[serde(default)]
    pub guards: Vec<GuardRecord>,
    /// The changed policies; with `--all` the unchanged as well.
    pub policies: Vec<PolicyRecord>,
    /// Warnings.
    #[serde(default)]
    pub diagnostics: Vec<DiagnosticRecord>,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

fn auto() -> String {
    WriteWith::Auto.name().to_owned()
}

/// What part of the manifests was looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct SelectionRecord {
    /// Whether options narrowed it.
    pub partial: bool,
}

/// The counts of a plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct SummaryRecord {
    policies_read: usize,
    managed: usize,
    changed: usize,
    unchanged: usize,
    unmanaged: usize,
    add: usize,
    remove: usize,
    update: usize,
    writes: usize,
}

/// What a guard saw.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct GuardRecord {
    name: String,
    limit: String,
    observed: String,
    tripped: bool,
    accepted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policies: Vec<String>,
}

/// A managed policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct PolicyRecord {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) name: String,
    mode: String,
    #[serde(default)]
    manifest: Vec<PlaceRecord>,
    pub(super) before: Vec<AssignmentRecord>,
    pub(super) after: Vec<AssignmentRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) untouched: Vec<AssignmentRecord>,
    pub(super) changes: Vec<ChangeRecord>,
    #[serde(default)]
    writes: Vec<WriteRecord>,
}

/// A place in a manifest.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct PlaceRecord {
    path: String,
    line: usize,
    column: usize,
}

/// A change.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct ChangeRecord {
    action: String,
    before: Option<AssignmentRecord>,
    after: Option<AssignmentRecord>,
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct WriteRecord {
    call: String,
    method: String,
    path: String,
}

/// A warning.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct DiagnosticRecord {
    severity: String,
    code: String,
    summary: String,
    path: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
}

/// An assignment, as plans and reports write it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRecord {
    target: TargetRecord,
    filter: Option<FilterRecord>,
    source: String,
    source_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct TargetRecord {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Absent where the target has no name, null where it has one that is not known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    name: Option<Option<String>>,
    /// Of a target of an unknown type: all that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct FilterRecord {
    id: String,
    name: Option<String>,
    mode: String,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl AssignmentRecord {
    /// Writes an assignment out, with the names that are known.
    pub fn new(row: &Assignment, names: &Names) -> Self {
        let Assignment {
            target,
            filter,
            source,
            source_id,
        } = row;
        let group_name = |id: &String| Some(names.groups.get(id).cloned());
        let (id, name, properties) = match target {
            Target::AllDevices | Target::AllUsers => (None, None, None),
            Target::Group(id) | Target::ExclusionGroup(id) => {
                (Some(id.clone()), group_name(id), None)
            }
            Target::Collection(id) => (Some(id.clone()), Some(None), None),
            Target::Other { properties, .. } => (None, None, serde_json::from_str(properties).ok()),
        };
        Self {
            target: TargetRecord {
                kind: target.type_name().to_owned(),
                id,
                name,
                properties,
            },
            filter: filter.as_ref().map(|Filter { id, mode }| FilterRecord {
                id: id.clone(),
                name: names.filters.get(id).cloned(),
                mode: mode.name().to_owned(),
            }),
            source: source.name().to_owned(),
            source_id: source_id.clone(),
        }
    }

    /// Reads an assignment back and collects its names.
    fn read(&self, names: &mut Names) -> Result<Assignment, String> {
        let TargetRecord {
            kind,
            id,
            name,
            properties,
        } = &self.target;
        let id_of = |kind: &str| {
            id.clone()
                .ok_or_else(|| format!("a target of type `{kind}` has no `id`"))
        };
        let target = match (properties, kind.as_str()) {
            (Some(properties), odata_type) => Target::Other {
                odata_type: odata_type.to_owned(),
                properties: properties.to_string(),
            },
            (None, "allDevices") => Target::AllDevices,
            (None, "allUsers") => Target::AllUsers,
            (None, "group") => Target::Group(id_of(kind)?),
            (None, "exclusionGroup") => Target::ExclusionGroup(id_of(kind)?),
            (None, "collection") => Target::Collection(id_of(kind)?),
            (None, other) => return Err(format!("unknown target type `{other}`")),
        };
        if let (Some(id), Some(Some(name))) = (target.group_id(), name) {
            names.groups.insert(id.to_owned(), name.clone());
        }
        let filter = self.filter.as_ref().map(|FilterRecord { id, name, mode }| {
            if let Some(name) = name {
                names.filters.insert(id.clone(), name.clone());
            }
            Filter {
                id: id.clone(),
                mode: FilterMode::from_wire(mode),
            }
        });
        Ok(Assignment {
            target,
            filter,
            source: Source::from_wire(&self.source),
            source_id: self.source_id.clone(),
        })
    }
}

impl PolicyRecord {
    fn new(policy: &PlannedPolicy, names: &Names) -> Self {
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

    fn read(&self, names: &mut Names) -> Result<PlannedPolicy, String> {
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

impl PlanRecord {
    /// Writes a plan out. `all` takes the unchanged policies in; they do not change the digest.
    pub fn new(plan: &Plan, summary: &Summary, created_at: &str, all: bool) -> Self {
        let Plan {
            tenant_id,
            graph_url,
            policies_read: _,
            policies,
            names,
            guards,
            diagnostics,
            write_with,
        } = plan;
        let policies: Vec<PolicyRecord> = policies
            .iter()
            .filter(|policy| all || policy.is_changed())
            .map(|policy| PolicyRecord::new(policy, names))
            .collect();
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            tool: format!("assignctl {}", env!("CARGO_PKG_VERSION")),
            created_at: created_at.to_owned(),
            tenant_id: tenant_id.clone(),
            graph_url: graph_url.clone(),
            selection: SelectionRecord::default(),
            complete: true,
            write_with: write_with.name().to_owned(),
            summary: SummaryRecord::new(summary),
            guards: guards.iter().map(GuardRecord::new).collect(),
            diagnostics: diagnostics.iter().map(DiagnosticRecord::new).collect(),
            digest: digest::compute(FORMAT_VERSION, tenant_id.as_deref(), &policies),
            policies,
        }
    }

    /// Reads a plan from a file's text and checks that it is as it was written.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn read(text: &str) -> Result<SavedPlan, SavedPlanError> {
        let not_a_plan = |error: String| SavedPlanError::NotAPlan(error);
        // The version decides how the rest is to be read.
        let value: Value =
            serde_json::from_str(text).map_err(|error| not_a_plan(error.to_string()))?;
        let version = value
            .get("formatVersion")
            .and_then(Value::as_str)
            .ok_or_else(|| not_a_plan("it has no `formatVersion`".to_owned()))?;
        if version.split('.').next() != Some("1") {
            return Err(SavedPlanError::UnknownVersion(version.to_owned()));
        }
        let record: Self =
            serde_json::from_value(value).map_err(|error| not_a_plan(error.to_string()))?;
        if !record.complete {
            return Err(SavedPlanError::Incomplete);
        }
        let computed = digest::compute(
            &record.format_version,
            record.tenant_id.as_deref(),
            &record.policies,
        );
        if computed != record.digest {
            return Err(SavedPlanError::Altered {
                written: record.digest,
                computed,
            });
        }
        record.into_saved().map_err(not_a_plan)
    }

    fn into_saved(self) -> Result<SavedPlan, String> {
        let mut names = Names::default();
        let mut policies = self
            .policies
            .iter()
            .map(|policy| policy.read(&mut names))
            .collect::<Result<Vec<_>, _>>()?;
        // The digest covers rows, not what the file makes of them.
        for (policy, record) in policies.iter_mut().zip(&self.policies) {
            if policy.changes.is_empty() != record.changes.is_empty() {
                return Err(format!(
                    "the changes of `{}` do not fit its rows",
                    record.name
                ));
            }
            policy.before.sort();
            policy.after.sort();
        }
        Ok(SavedPlan {
            summary: self.summary.read(),
            digest: self.digest,
            created_at: self.created_at,
            plan: Plan {
                tenant_id: self.tenant_id,
                graph_url: self.graph_url,
                policies_read: self.summary.policies_read,
                policies,
                names,
                guards: self.guards.iter().filter_map(GuardRecord::read).collect(),
                diagnostics: self
                    .diagnostics
                    .iter()
                    .map(DiagnosticRecord::read)
                    .collect(),
                write_with: WriteWith::from_name(&self.write_with)
                    .ok_or_else(|| format!("unknown way to write `{}`", self.write_with))?,
            },
        })
    }
}

impl SummaryRecord {
    fn new(summary: &Summary) -> Self {
        let Summary {
            policies_read,
            managed,
            changed,
            unchanged,
            unmanaged,
            add,
            remove,
            update,
            writes,
        } = *summary;
        Self {
            policies_read,
            managed,
            changed,
            unchanged,
            unmanaged,
            add,
            remove,
            update,
            writes,
        }
    }

    fn read(&self) -> Summary {
        let Self {
            policies_read,
            managed,
            changed,
            unchanged,
            unmanaged,
            add,
            remove,
            update,
            writes,
        } = *self;
        Summary {
            policies_read,
            managed,
            changed,
            unchanged,
            unmanaged,
            add,
            remove,
            update,
            writes,
        }
    }
}

impl GuardRecord {
    fn new(guard: &Guard) -> Self {
        let Guard {
            name,
            limit,
            observed,
            tripped,
            accepted,
            policies,
        } = guard;
        Self {
            name: name.name().to_owned(),
            limit: limit.clone(),
            observed: observed.clone(),
            tripped: *tripped,
            accepted: *accepted,
            policies: policies.clone(),
        }
    }

    /// A guard that a newer minor version knows is none of ours.
    fn read(&self) -> Option<Guard> {
        Some(Guard {
            name: GuardName::from_name(&self.name)?,
            limit: self.limit.clone(),
            observed: self.observed.clone(),
            tripped: self.tripped,
            accepted: self.accepted,
            policies: self.policies.clone(),
        })
    }
}

impl DiagnosticRecord {
    fn new(diagnostic: &PlanDiagnostic) -> Self {
        let PlanDiagnostic {
            severity,
            code,
            summary,
            place,
        } = diagnostic;
        Self {
            severity: severity.name().to_owned(),
            code: code.clone(),
            summary: summary.clone(),
            path: place.as_ref().map(|place| place.path.clone()),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
        }
    }

    fn read(&self) -> PlanDiagnostic {
        PlanDiagnostic {
            severity: if self.severity == Severity::Error.name() {
                Severity::Error
            } else {
                Severity::Warning
            },
            code: self.code.clone(),
            summary: self.summary.clone(),
            place: self.path.as_ref().map(|path| ManifestPlace {
                path: path.clone(),
                line: self.line.unwrap_or(1),
                column: self.column.unwrap_or(1),
            }),
        }
    }
}
