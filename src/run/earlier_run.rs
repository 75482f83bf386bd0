//! What an earlier run has left that can be carried out: a saved plan, or a report.

use jiff::Timestamp;

use super::Failure;
use super::apply::ApplyInput;
use super::plan::Planning;
use super::resume::plan_resume;
use super::rollback::plan_rollback;
use crate::plan::guards::GivenLimits;
use crate::plan::saved::SavedPlan;
use crate::report::Recorded;

/// What an earlier run has left, of which a plan is made.
#[derive(Debug)]
pub enum EarlierRun {
    /// A saved plan, with the limits that are given beside it.
    Saved(Box<SavedPlan>, GivenLimits),
    /// A report, of what waits for approval.
    Resume(Box<Recorded>),
    /// A report, of what is to be undone.
    Rollback(Box<Recorded>),
}

impl EarlierRun {
    /// Makes the plan.
    ///
    /// # Errors
    ///
    /// It is for another tenant, or the tenant cannot be read.
    pub async fn input(self, planning: Planning<'_>) -> Result<ApplyInput, Failure> {
        match self {
            Self::Saved(saved, given) => ApplyInput::saved(*saved, given, planning).await,
            Self::Resume(recorded) => plan_resume(*recorded, Timestamp::now(), planning).await,
            Self::Rollback(recorded) => plan_rollback(*recorded, planning).await,
        }
    }
}
