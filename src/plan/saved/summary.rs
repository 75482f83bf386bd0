//! What a plan says about itself as a whole: guards and warnings.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Severity;
use crate::plan::guards::{self, Guard, GuardInput, GuardName, GuardRules, RemovalLimit};
use crate::plan::{ManifestPlace, PlanDiagnostic};

/// What a guard observed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct GuardRecord {
    name: String,
    limit: String,
    observed: String,
    tripped: bool,
    accepted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policies: Vec<String>,
    /// Of a guard that tripped, the flag that accepts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
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
    #[serde(default)]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    related: Vec<RelatedRecord>,
}

/// Another place that belongs to a warning.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct RelatedRecord {
    path: String,
    line: usize,
    column: usize,
    message: String,
}

impl GuardRecord {
    /// Writes out what a guard observed.
    pub fn new(guard: &Guard) -> Self {
        let Guard {
            name,
            observation,
            tripped,
            accepted,
            policies,
        } = guard;
        Self {
            name: name.name().to_owned(),
            limit: observation.limit(),
            observed: observation.observed(),
            tripped: *tripped,
            accepted: *accepted,
            policies: policies
                .iter()
                .map(|policy| policy.name.to_string())
                .collect(),
            accept: guard.acceptance().filter(|_| *tripped),
        }
    }

    /// Returns the guard's word if the record says that it was accepted.
    pub(super) fn accepted(&self) -> Option<&str> {
        (self.tripped && self.accepted).then_some(&self.name)
    }

    /// Evaluates the guard again, from the policies of the file, whose assignments the digest covers.
    /// Only the limit, the number of all assignments and what was accepted are taken from the record.
    /// `None` if a newer version wrote it: then today's limits judge when the plan is applied.
    pub(super) fn read(&self, judged: &GuardInput<'_>) -> Option<Guard> {
        let name = GuardName::from_name(&self.name)?;
        let mut rules = GuardRules::default();
        let mut total = None;
        let mut changed_tenants = None;
        match name {
            GuardName::Removals => {
                rules.max_removals = RemovalLimit::parse(&self.limit)?;
                total = guards::total_of(&self.observed);
            }
            GuardName::Policies => rules.max_policies = self.limit.parse().ok()?,
            GuardName::BroadTarget | GuardName::ExclusionLost | GuardName::Unassigned => {}
            GuardName::Reach => rules.max_members_lost = Some(self.limit.parse().ok()?),
            GuardName::Tenants => {
                rules.max_tenants = Some(self.limit.parse().ok()?);
                changed_tenants = Some(self.observed.parse().ok()?);
            }
            GuardName::Tenant => rules.tenant_id = Some(self.limit.clone()),
        }
        if self.accepted().is_some() {
            rules.accepted.push(name);
        }
        let judged = GuardInput {
            total,
            changed_tenants,
            ..*judged
        };
        guards::evaluate_one(name, &judged, &rules)
    }
}

impl DiagnosticRecord {
    /// Writes a diagnostic out.
    pub fn new(diagnostic: &PlanDiagnostic) -> Self {
        let PlanDiagnostic {
            severity,
            code,
            summary,
            place,
            hint,
            related,
        } = diagnostic;
        Self {
            severity: severity.name().to_owned(),
            code: code.clone(),
            summary: summary.clone(),
            path: place.as_ref().map(|place| place.path.to_string()),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            hint: hint.clone(),
            related: related
                .iter()
                .map(|(place, message)| RelatedRecord {
                    path: place.path.to_string(),
                    line: place.line,
                    column: place.column,
                    message: message.clone(),
                })
                .collect(),
        }
    }

    /// Reads a diagnostic back.
    pub fn read(&self) -> PlanDiagnostic {
        PlanDiagnostic {
            severity: match &*self.severity {
                word if word == Severity::Error.name() => Severity::Error,
                word if word == Severity::Info.name() => Severity::Info,
                _ => Severity::Warning,
            },
            code: self.code.clone(),
            summary: self.summary.clone(),
            place: self.path.as_ref().map(|path| ManifestPlace {
                path: path.as_str().into(),
                line: self.line.unwrap_or(1),
                column: self.column.unwrap_or(1),
            }),
            hint: self.hint.clone(),
            related: self
                .related
                .iter()
                .map(|related| {
                    let RelatedRecord {
                        path,
                        line,
                        column,
                        message,
                    } = related.clone();
                    let path = path.into();
                    (ManifestPlace { path, line, column }, message)
                })
                .collect(),
        }
    }
}
