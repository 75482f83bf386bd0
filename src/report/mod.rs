//! Reports: what a run did, as JSON Lines. Each line is written before the next thing happens, and read
//! back by `rollback`, `drift --since` and `show`.

mod last_known;
mod line;
mod outcome;
mod read;
mod reason_code;
mod recorded;
mod results;
mod write;

pub use last_known::last_known;
pub use line::{OutcomeCounts, PolicyLine};
pub(crate) use outcome::policy_set_assignments_missing;
pub use outcome::{
    Announced, FilingAttempt, Moved, Outcome, PendingApproval, PolicyResult, Reason, Results,
    Withdrawn,
};
pub use read::{ReportError, read};
pub use reason_code::ReasonCode;
pub use recorded::{Recorded, RecordedPolicy};
pub use results::{ReadResults, read_results};
pub use write::{Notes, Report};
