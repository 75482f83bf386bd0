//! What the targets share.

use assignctl::plan::saved::{PlanRecord, SavedPlan, SavedPlanError};

/// Reads a plan file. A wrong digest is put right, so that what comes after it is reached as well.
pub fn read_plan(text: &str) -> Option<SavedPlan> {
    match PlanRecord::read(text) {
        Ok(saved) => Some(saved),
        Err(SavedPlanError::Altered { written, computed }) if !written.is_empty() => {
            PlanRecord::read(&text.replace(&written, &computed)).ok()
        }
        Err(_) => None,
    }
}
