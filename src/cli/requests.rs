//! What the commands that plan and apply ask of `run`, made of what was typed and of the configuration.

use std::path::Path;

use super::arguments::{Apply, Plan, PlanOptions};
use super::config::{Config, Lint};
use super::options::{CountMembers, MembersMode};
use super::settings;
use crate::plan::guards::GuardRules;
use crate::run::Failure;
use crate::run::apply::ApplyOptions;
use crate::run::members::{Counting, MembersRequest};
use crate::run::plan::PlanRequest;

/// How many members may be read in all.
const MEMBERS_LIMIT: u64 = 20_000;

/// Determines what kind of plan is asked for. A saved plan has rules of its own, which say what is counted.
pub(super) fn plan(
    options: &PlanOptions,
    config: &Config,
    is_saved: bool,
) -> Result<PlanRequest, Failure> {
    let rules = settings::guards(&options.guards, config);
    let counted_for = (!is_saved).then_some(&rules);
    Ok(PlanRequest {
        write_with: options.planning.write_with,
        strict: options.planning.strict,
        selection: options.selecting.selection(),
        members: members(&options.members, config, counted_for)?,
        all: options.view.all,
        rules,
        ..PlanRequest::default()
    })
}

/// Determines what `plan` or `drift` asks for, with the report that says which writes are ours.
pub(super) fn plan_or_drift(
    command: &Plan,
    config: &Config,
    report: Option<&Path>,
) -> Result<PlanRequest, Failure> {
    Ok(PlanRequest {
        broad: command.is_drift,
        who: command.who.asked(report.map(Path::to_owned)),
        approvals: command.is_drift,
        ..plan(&command.options, config, false)?
    })
}

/// Determines how plans are carried out.
pub(super) fn apply_options(command: &Apply) -> ApplyOptions {
    ApplyOptions {
        report: command.report.clone(),
        expect_digest: command.expect_digest.clone(),
        reviewed: command.reviewed,
        yes: command.yes,
        fail_fast: command.fail_fast,
        justification: command.justification.clone(),
        wait_for_approval: command.wait_for_approval.unwrap_or_default(),
    }
}

/// Determines what is counted, and which warnings are given. `rules` is `None` for a saved plan, which has its own.
fn members(
    arguments: &CountMembers,
    config: &Config,
    rules: Option<&GuardRules>,
) -> Result<MembersRequest, Failure> {
    let modes = match arguments.members.as_slice() {
        [] => config.members.0.as_slice(),
        typed => typed,
    };
    let is_exact = modes.contains(&MembersMode::Exact);
    let reads = is_exact || rules.is_none_or(|rules| rules.max_members_lost.is_some());
    if arguments.members_limit.is_some() && !reads {
        return Err(Failure::usage(
            "`--members-limit` bounds what `--members exact` reads, and that is not asked for",
        )
        .hint("add `--members exact`, or leave `--members-limit` out"));
    }
    let off = config.lints.iter().filter(|(_, lint)| **lint == Lint::Off);
    Ok(MembersRequest {
        counting: match modes {
            [] => Counting::Off,
            _ if is_exact => Counting::Exact,
            _ => Counting::Counts,
        },
        filters: modes.contains(&MembersMode::Filters),
        limit: arguments.members_limit.unwrap_or(MEMBERS_LIMIT),
        lint_all: arguments.lint.is_some(),
        off: off.map(|(code, _)| code.clone()).collect(),
    })
}
