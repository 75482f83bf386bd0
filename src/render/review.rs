//! What a command has to print, as one value for the formats that print it in one piece:
//! Markdown and annotations.

use serde::Serialize;

use crate::diagnostic::Severity;
use crate::plan::{Annotations, Plan, PlanDiagnostic, Summary};
use crate::report::Results;

/// All that a command found and did before it ended.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// The command's word.
    pub command: &'a str,
    /// What was planned, unless the run ended before.
    pub plan: Option<PlanView<'a>>,
    /// What became of the plan, where one was to be carried out.
    pub results: Option<&'a Results>,
    /// What was checked, where there is no plan to be made.
    pub checked: Option<&'a str>,
    /// What is wrong or odd, in the order in which it was found.
    pub findings: &'a [Finding],
    /// Why the command did not do what it was asked.
    pub error: Option<ErrorView<'a>>,
}

/// From which side changes are described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// What a run would do to the tenant.
    #[default]
    Plan,
    /// What the tenant lacks, and what it has that is not in the manifests.
    Drift,
}

/// A plan with what is shown of it.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What is shown beside it.
    pub annotations: &'a Annotations,
    /// Its counts.
    pub summary: &'a Summary,
    /// Its digest.
    pub digest: &'a str,
    /// The tenant's short name, if manifests name their tenants.
    pub tenant: Option<&'a str>,
    /// What of it is shown, and how.
    pub detail: Detail<'a>,
}

/// What of a plan is shown, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail<'a> {
    /// Unchanged policies as well, each by itself.
    pub all: bool,
    /// Each policy's assignments before and after, as a unified diff.
    pub diff: bool,
    /// One line a policy.
    pub summary: bool,
    /// Each policy by itself, also those with the same changes.
    pub expand: bool,
    /// How many columns a line may take; `None` if that is not known.
    pub width: Option<usize>,
    /// From which side changes are described.
    pub direction: Direction,
    /// What to do with the plan next.
    pub next: Option<Next<'a>>,
}

/// What to do with a plan next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// It is not saved.
    Save,
    /// It is saved in this file.
    Apply(&'a str),
}

/// Something wrong or odd.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What, and where.
    pub diagnostic: PlanDiagnostic,
    /// The same as text for people, without colours.
    pub drawn: String,
}

impl Finding {
    /// Whether it stopped the run.
    pub fn is_error(&self) -> bool {
        self.diagnostic.severity == Severity::Error
    }

    /// Whether it is worth knowing, and as it should be.
    pub fn is_info(&self) -> bool {
        self.diagnostic.severity == Severity::Info
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView<'a> {
    /// What the process ends with.
    pub exit_code: u8,
    /// What happened.
    pub message: &'a str,
    /// What the reader can do.
    pub hint: Option<&'a str>,
}
