//! `tenants check`: what each tenant lacks of that which the manifests name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::super::arguments::TenantsCheck;
use super::super::options::Common;
use super::super::output::Output;
use super::super::{interrupt, runtime, settings};
use super::host::Process;
use super::runs::parallel;
use crate::diagnostic::Severity;
use crate::exit::Exit;
use crate::plan::{ManifestPlace, PlanDiagnostic};
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::render::phrases::count;
use crate::render::review::Direction;
use crate::run::Failure;
use crate::run::plan::{self, PlanRequest};
use crate::run::tenants::{self, Input, ManyTenants, TenantResults};

/// How many places of something that is missing are shown as text.
const MOST_PLACES: usize = 3;

pub(super) fn run(
    command: &TenantsCheck,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let inputs = settings::inputs(&command.paths, common, Some(&config));
    output.keep_inputs(&[], &inputs)?;
    let paths = settings::manifests(&command.paths, &config)?;
    let loaded = plan::load_any(&paths, config.path.as_deref())?;
    let mut asked = command.tenants.asked();
    asked.all |= asked.named.is_empty();
    let Some(chosen) = tenants::choose(&loaded.tenants, &asked)? else {
        return Ok(Exit::Success);
    };
    let host = Process::new(output, settings::service(&common.service, &config)?);
    let results = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        let many = ManyTenants {
            direction: Direction::Plan,
            host: &host,
            request: PlanRequest::default(),
            since: None,
            parallel: parallel(&command.tenants),
            stop: &stop,
        };
        host.expect(chosen.len());
        let results = many.plan(Input::Manifests(&loaded, chosen)).await;
        host.clear();
        results
    });
    let mut checked = Vec::with_capacity(results.entries.len());
    for entry in &results.entries {
        let (lacks, others) = lacks(
            results
                .open_found(entry)?
                .findings
                .iter()
                .map(|found| &found.diagnostic),
        );
        let errors: Vec<&str> = others
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.summary.as_str())
            .collect();
        let failed = entry.failure.as_ref();
        let error = failed.filter(|failure| !failure.message.is_empty());
        checked.push(Checked {
            name: entry.tenant.name.clone(),
            tenant_id: entry.tenant.tenant_id.clone(),
            exit_code: entry.exit().code(),
            lacks,
            errors: errors.into_iter().map(str::to_owned).collect(),
            error: error.map(|failure| output.without_secrets_in(&failure.message).into_owned()),
        });
    }
    let exit = results.exit();
    let json = Json::new(Record {
        tenants: &checked,
        exit_code: exit.code(),
    });
    output.print_plain(|| text(&checked), &json)?;
    hints(&results, output);
    Ok(exit)
}

/// Says what can be done about tenants that could not be read.
fn hints(results: &TenantResults, output: &Output) {
    for entry in &results.entries {
        let failure = entry.failure.as_ref();
        if let Some(hint) = failure.and_then(|failure| failure.hint.as_ref()) {
            output.note(&format!(
                "hint: tenant {}: {}\n",
                entry.tenant.name,
                clean(hint)
            ));
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenants: &'a [Checked],
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    name: String,
    tenant_id: String,
    exit_code: u8,
    lacks: Vec<Missing>,
    /// What else is wrong.
    errors: Vec<String>,
    error: Option<String>,
}

/// Something that manifests name and a tenant lacks.
#[derive(Serialize)]
struct Missing {
    what: &'static str,
    message: String,
    /// Whether a plan fails for it.
    required: bool,
    places: Vec<MissingPlace>,
}

#[derive(Serialize)]
struct MissingPlace {
    path: String,
    line: usize,
    column: usize,
}

impl MissingPlace {
    fn new(place: &ManifestPlace) -> Self {
        Self {
            path: place.path.to_string(),
            line: place.line,
            column: place.column,
        }
    }
}

/// Returns what is missing according to the findings, and the other findings.
fn lacks<'f>(
    findings: impl Iterator<Item = &'f PlanDiagnostic>,
) -> (Vec<Missing>, Vec<PlanDiagnostic>) {
    let mut missing: BTreeMap<(&str, String), Missing> = BTreeMap::new();
    let mut others = Vec::new();
    for found in findings {
        let what = match found.code.as_str() {
            "unknown-group" | "optional-group" => "group",
            "unknown-filter" => "filter",
            "unknown-policy" | "match-selects-nothing" => "policy",
            _ => {
                others.push(found.clone());
                continue;
            }
        };
        let key = (what, found.summary.clone());
        let lack = missing.entry(key).or_insert_with(|| Missing {
            what,
            message: found.summary.clone(),
            required: false,
            places: Vec::new(),
        });
        lack.required |= found.severity == Severity::Error;
        lack.places
            .extend(found.place.as_ref().map(MissingPlace::new));
    }
    (missing.into_values().collect(), others)
}

fn text(checked: &[Checked]) -> String {
    let mut text = String::new();
    for tenant in checked {
        let Checked {
            name,
            tenant_id: _,
            exit_code,
            lacks,
            errors,
            error,
        } = tenant;
        let problem = match error {
            Some(error) => clean(error).into_owned(),
            None if lacks.is_empty() && errors.is_empty() => "lacks nothing".to_owned(),
            None if lacks.is_empty() => count(errors.len(), "error", "errors"),
            None => format!("lacks {}", lacks.len()),
        };
        let _ = writeln!(text, "{name}: {problem} (exit {exit_code})");
        for lack in lacks {
            let optional = match lack.required {
                true => "",
                false => " [optional]",
            };
            let mut places: Vec<String> = lack
                .places
                .iter()
                .take(MOST_PLACES)
                .map(|place| format!("{}:{}:{}", clean(&place.path), place.line, place.column))
                .collect();
            if lack.places.len() > MOST_PLACES {
                places.push(format!("{} more", lack.places.len() - MOST_PLACES));
            }
            let (message, places) = (clean(&lack.message), places.join(", "));
            let _ = writeln!(text, "  {}{optional}: {message} ({places})", lack.what);
        }
        for error in errors {
            let _ = writeln!(text, "  error: {}", clean(error));
        }
    }
    text
}
