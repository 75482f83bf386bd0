//! `show REPORT`: what an apply did.

use super::arguments::Show;
use super::output::Output;
use crate::exit::Exit;
use crate::render::clean::clean;
use crate::render::recorded;
use crate::report::{Outcome, RecordedPolicy};
use crate::run::{Failure, inputs};
use crate::text::shell_word;

pub(super) fn run(command: &Show, output: &Output) -> Result<Exit, Failure> {
    output.no_annotations(
        "a report is shown as text, JSON or Markdown only",
        "write `--format text`, `json` or `markdown`",
    )?;
    let report = inputs::report(&command.file)?;
    let selection = command.selecting.selection();
    let mut policies: Vec<&RecordedPolicy> = report
        .policies
        .iter()
        .filter(|policy| {
            let name = policy.name.as_deref().unwrap_or(&policy.id);
            selection.includes(policy.kind, name)
        })
        .collect();
    policies.sort_by_key(|policy| (policy.kind, &policy.name, &policy.id));
    if policies.is_empty() && !report.policies.is_empty() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            selection.leaves_none(&format!("the report's {} policies", report.policies.len())),
        ));
    }
    output.print_report(
        || recorded::text(&report, &policies, command.view.summary),
        |most_bytes| recorded::markdown(&report, &policies, most_bytes),
        &recorded::json(&report, &policies),
    )?;
    let report = command.file.display().to_string();
    let report = clean(&shell_word(&report)).into_owned();
    let waits = |policy: &&RecordedPolicy| {
        policy.may_be_filed() || policy.outcome == Some(Outcome::Pending)
    };
    if policies.iter().any(waits) {
        output.info(&format!(
            "hint: `assignctl approvals {report}` shows what waits for approval, `assignctl apply --resume {report}` sends what is approved or no longer locked\n"
        ));
    }
    if policies.iter().any(|policy| policy.may_be_changed()) {
        output.info(&format!(
            "hint: undo it with `assignctl rollback {report}`\n"
        ));
    }
    Ok(Exit::Success)
}
