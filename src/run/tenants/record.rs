//! A tenant in the JSON of a run for several, as it is printed, and as `tenants merge` reads it.

use serde::{Deserialize, Serialize};

use crate::plan::saved::DiagnosticRecord;
use crate::render::review::Finding;

/// What came of a tenant; `P` is its plan, or what became of that.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantRecord<P> {
    /// Its short name.
    pub name: String,
    /// Its id or domain.
    pub tenant_id: String,
    /// How the run for it ended.
    pub exit_code: u8,
    /// Its plan.
    pub plan: Option<P>,
    /// What is wrong or odd.
    #[serde(default)]
    pub diagnostics: Vec<FindingRecord>,
    /// Why the run for it did not do what it was asked.
    pub error: Option<ErrorRecord>,
}

/// Something wrong or odd, also as people see it.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindingRecord {
    #[serde(flatten)]
    diagnostic: DiagnosticRecord,
    #[serde(default)]
    text: String,
}

/// Why a run did not do what it was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorRecord {
    /// How it ended.
    pub exit_code: Option<u8>,
    /// What happened.
    pub message: String,
    /// What the reader can do.
    pub hint: Option<String>,
}

impl FindingRecord {
    /// Writes a finding down.
    #[must_use]
    pub fn new(finding: &Finding) -> Self {
        Self {
            diagnostic: DiagnosticRecord::new(&finding.diagnostic),
            text: finding.drawn.clone(),
        }
    }

    pub(super) fn read(self) -> Finding {
        Finding {
            diagnostic: self.diagnostic.read(),
            drawn: self.text,
        }
    }
}
