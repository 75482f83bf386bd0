//! `validate`: the offline check.

use serde::Serialize;

use super::arguments::Validate;
use super::options::Common;
use super::output::Output;
use super::settings;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::manifest::{Loaded, TOO_MANY};
use crate::render::json::Json;
use crate::render::phrases::count;
use crate::render::review::Review;
use crate::run::{Failure, inputs, manifests};

pub(super) fn run(command: &Validate, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let paths = settings::manifests(&command.paths, &config)?;
    output.keep_inputs(
        &[],
        &settings::inputs(&command.paths, common, Some(&config)),
    )?;
    let loaded = manifests::load(&paths, config.path.as_deref());
    if let Some(other) = inputs::other_than_manifests(&paths, &loaded) {
        return Err(other);
    }
    output.diagnostics(&loaded.diagnostics, &loaded.sources);
    let list = loaded.diagnostics.iter();
    let errors = list.clone().filter(|found| found.is_error()).count();
    let findings = output.findings();
    let summary = text(&loaded, errors);
    let shown: Vec<Diagnostic> = list.map(|found| output.without_secrets(found)).collect();
    output.print(
        &Review {
            checked: Some(summary.trim_end()),
            ..output.review(&findings)
        },
        || summary.clone(),
        || {
            Json::new(Record {
                valid: errors == 0,
                files: loaded.sources.files().count(),
                entries: Some(loaded.manifest.entries.len()).filter(|_| loaded.tenants.is_empty()),
                tenants: loaded.tenants.iter().map(|tenant| &*tenant.name).collect(),
                diagnostics: records(&shown, &loaded.sources),
            })
        },
    )?;
    match errors {
        0 => Ok(Exit::Success),
        _ => Ok(Exit::InvalidManifests),
    }
}

fn text(loaded: &Loaded, errors: usize) -> String {
    let files = count(loaded.sources.files().count(), "file", "files");
    let mut found = loaded.diagnostics.iter();
    match (errors, loaded.tenants.len()) {
        (0, 0) => {
            let entries = count(loaded.manifest.entries.len(), "entry", "entries");
            format!("Valid: {entries} in {files}.\n")
        }
        (0, tenants) => format!(
            "Valid for {}: {files}.\n",
            count(tenants, "tenant", "tenants")
        ),
        _ if found.any(|found| found.code == TOO_MANY) => {
            format!("Invalid: more than {} errors in {files}.\n", errors - 1)
        }
        _ => format!(
            "Invalid: {} in {files}.\n",
            count(errors, "error", "errors")
        ),
    }
}

#[derive(Serialize)]
struct Record<'a> {
    valid: bool,
    files: usize,
    /// Of manifests for no tenant in particular: each tenant has entries of its own.
    entries: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tenants: Vec<&'a str>,
    diagnostics: Vec<DiagnosticRecord<'a>>,
}

#[derive(Serialize)]
struct DiagnosticRecord<'a> {
    severity: &'static str,
    code: &'static str,
    summary: &'a str,
    path: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    hint: Option<&'a str>,
}

fn records<'a>(list: &'a [Diagnostic], sources: &'a Sources) -> Vec<DiagnosticRecord<'a>> {
    list.iter()
        .map(|diagnostic| DiagnosticRecord {
            severity: diagnostic.severity.name(),
            code: diagnostic.code,
            summary: &diagnostic.message,
            path: diagnostic
                .place
                .map(|place| &*sources.file(place.file).path),
            line: diagnostic.place.map(|place| place.line),
            column: diagnostic.place.map(|place| place.column),
            hint: diagnostic.hint.as_deref(),
        })
        .collect()
}
