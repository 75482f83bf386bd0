//! `show`: a saved plan, in any format; or a report. It asks no one whether the plan still fits.
//!
//! A plan that `apply` would refuse is shown all the same, since whoever wants to know why has to
//! look at it; but loudly, and with the exit code of the refusal.

use super::arguments::Show;
use super::options::{Common, Guards};
use super::output::Output;
use super::{settings, show_report};
use crate::diagnostic::Severity;
use crate::exit::Exit;
use crate::plan::PlanDiagnostic;
use crate::plan::guards::warn_of_looser_limit;
use crate::plan::saved::{FORMAT_VERSION, PlanRecord, SavedPlan};
use crate::render::json::{Json, WithResults};
use crate::render::phrases::duration;
use crate::render::review::{Detail, Next, Review};
use crate::render::text;
use crate::run::Failure;
use crate::run::inputs;
use crate::run::plan::PreparedPlan;
use crate::run::reviewed::{MAX_AGE, age};

pub(super) fn run(command: &Show, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common);
    let named = std::slice::from_ref(&command.file);
    let inputs = settings::inputs(named, common, config.as_ref().ok());
    output.keep_inputs(&[], &inputs)?;
    if inputs::is_report(&command.file) {
        return show_report::run(command, output);
    }
    let rules = settings::guards(&Guards::default(), &config?);
    let (saved, doubt) = inputs::plan_to_show(&command.file)?;
    let mut oddities = oddities(&saved);
    let guards = saved.plan.guards.iter();
    oddities.extend(guards.filter_map(|guard| warn_of_looser_limit(guard, &rules)));
    oddities.extend(saved.plan.diagnostics.iter().cloned());
    let (format_version, shard, run) =
        (saved.format_version.clone(), saved.shard, saved.run.clone());
    let saved = PreparedPlan::again(saved);
    let selection = command.selecting.selection();
    let (plan, hidden) = saved
        .plan
        .with_diagnostics(oddities)
        .view(selection.clone());
    if hidden > 0 && plan.policies.is_empty() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            selection.leaves_none(&format!("the plan's {hidden} policies")),
        ));
    }
    let prepared = PreparedPlan { plan, ..saved };
    let file = command.file.display().to_string();
    let is_fresh =
        age(&prepared.created_at, jiff::Timestamp::now()).is_some_and(|age| age <= MAX_AGE);
    let detail = Detail {
        next: (doubt.is_none() && is_fresh).then_some(Next::Apply(&file)),
        ..command.view.detail()
    };
    output.saved_diagnostics(&prepared.plan.diagnostics);
    let findings = output.findings();
    let error = doubt.as_ref().map(|doubt| doubt.view(&doubt.message));
    output.print(
        &Review {
            plan: Some(prepared.view(detail)),
            error,
            ..output.review(&findings)
        },
        || {
            let doubt = error.map_or_else(String::new, |error| text::doubt(error.message));
            doubt + &prepared.text(detail)
        },
        || {
            Json::new(WithResults {
                plan: PlanRecord {
                    // A part of a plan has the digest of the whole, and an altered one that of before:
                    // they are to look at, not to apply.
                    format_version,
                    shard,
                    run,
                    ..prepared.record(true)
                },
                results: None,
                error,
            })
        },
    )?;
    doubt.map_or(Ok(Exit::Success), Err)
}

/// Says what is worth knowing of a plan file, though nothing is wrong with it.
fn oddities(saved: &SavedPlan) -> Vec<PlanDiagnostic> {
    let mut oddities = Vec::new();
    let mut warn = |code: &str, summary: String, hint: &str| {
        oddities.push(PlanDiagnostic {
            severity: Severity::Warning,
            code: code.to_owned(),
            summary,
            place: None,
            hint: Some(hint.to_owned()),
            related: Vec::new(),
        });
    };
    match age(&saved.created_at, jiff::Timestamp::now()) {
        Some(age) if age <= MAX_AGE => {}
        Some(age) => warn(
            "old-plan",
            format!(
                "the plan was made at {}, {} ago",
                saved.created_at,
                duration(age)
            ),
            "`apply` refuses it, unless `--max-age` allows it; plan again",
        ),
        None => warn(
            "old-plan",
            format!(
                "the plan says that it was made at `{}`, which is not a time in the past",
                saved.created_at
            ),
            "`apply` refuses it; plan again",
        ),
    }
    if is_newer(&saved.format_version) {
        warn(
            "newer-plan",
            format!(
                "the plan's format version is `{}`, and this program writes `{FORMAT_VERSION}`",
                saved.format_version
            ),
            "a newer version of assignctl may show more of it",
        );
    }
    oddities
}

/// Whether a version of the known major has a higher minor.
fn is_newer(version: &str) -> bool {
    let minor = |version: &str| {
        let (major, minor) = version.split_once('.')?;
        (major == "1").then(|| minor.parse::<u32>().ok()).flatten()
    };
    minor(version) > minor(FORMAT_VERSION)
}
