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
use crate::render::json;
use crate::render::phrases::duration;
use crate::render::review::{PlanView, Review};
use crate::render::text::{self, Detail, Next};
use crate::run::Failure;
use crate::run::inputs;
use crate::run::reviewed::{MAX_AGE, age};

pub(super) fn run(command: &Show, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common);
    let named = std::slice::from_ref(&command.file);
    let inputs = settings::inputs(named, common, config.as_ref().ok());
    output.keep_inputs(&[], &inputs)?;
    if inputs::is_report(&command.file) {
        return show_report::run(command, output);
    }
    let nothing_given = Guards {
        allow: Vec::new(),
        max_removals: None,
        max_policies: None,
        max_members_lost: None,
        max_tenants: None,
    };
    let rules = settings::guards(&nothing_given, &config?);
    let (saved, doubt) = inputs::plan_to_show(&command.file)?;
    let mut oddities = oddities(&saved);
    let guards = saved.plan.guards.iter();
    oddities.extend(guards.filter_map(|guard| warn_of_looser_limit(guard, &rules)));
    let SavedPlan {
        plan,
        annotations,
        summary,
        digest,
        created_at,
        format_version,
        tenant,
        shard,
        run,
    } = saved;
    oddities.extend(plan.diagnostics.iter().cloned());
    let selection = command.selecting.selection();
    let (plan, hidden) = plan.with_diagnostics(oddities).view(selection.clone());
    if hidden > 0 && plan.policies.is_empty() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            selection.leaves_none(&format!("the plan's {hidden} policies")),
        ));
    }
    let file = command.file.display().to_string();
    let is_fresh = age(&created_at, jiff::Timestamp::now()).is_some_and(|age| age <= MAX_AGE);
    let detail = Detail {
        next: (doubt.is_none() && is_fresh).then_some(Next::Apply(&file)),
        ..command.view.detail()
    };
    output.saved_diagnostics(&plan.diagnostics);
    let findings = output.findings();
    let view = PlanView {
        plan: &plan,
        annotations: &annotations,
        summary: &summary,
        digest: &digest,
        tenant: tenant.as_ref().map(|tenant| tenant.name.as_str()),
        all: command.view.all,
        brief: command.view.summary,
        expand: command.view.expand,
        direction: detail.direction,
    };
    let error = doubt.as_ref().map(|doubt| doubt.view(&doubt.message));
    output.print(
        &Review {
            plan: Some(view),
            error,
            ..output.review(&findings)
        },
        || {
            let drawn = text::plan(&view, detail);
            match &error {
                Some(error) => text::doubt(error.message) + &drawn,
                None => drawn,
            }
        },
        || {
            let record = PlanRecord {
                // A part of a plan has the digest of the whole, and an altered one that of before:
                // they are to look at, not to apply.
                format_version: format_version.clone(),
                shard,
                run: run.clone(),
                ..PlanRecord::new(&plan, &annotations, &summary, &digest, &created_at, true)
                    .of_tenant(tenant.as_ref())
            };
            match &error {
                Some(error) => json::doubtful(record, error),
                None => json::plan(record),
            }
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
