//! `validate`: the offline check.

use serde::Serialize;

use super::arguments::Validate;
use super::options::Common;
use super::output::Output;
use super::settings;
use crate::exit::Exit;
use crate::manifest::{Loaded, TOO_MANY};
use crate::plan::saved::DiagnosticRecord;
use crate::render::json::{Json, diagnostic_records};
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
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|found| found.is_error())
        .count();
    let findings = output.findings();
    let summary = text(&loaded, errors);
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
                entries: loaded
                    .tenants
                    .is_empty()
                    .then_some(loaded.manifest.entries.len()),
                tenants: loaded.tenants.iter().map(|tenant| &*tenant.name).collect(),
                diagnostics: diagnostic_records(&findings),
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
    diagnostics: Vec<DiagnosticRecord>,
}
