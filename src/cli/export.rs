//! `export`: the live state as manifests, or as a file for the sandbox. There is no writer in this
//! module either.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use assignctl_sandbox as sandbox;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::arguments::Export as ExportArguments;
use super::config::Config;
use super::connection::connect;
use super::failure::Failure;
use super::folder::Folder;
use super::options::Common;
use super::output::Output;
use super::settings;
use super::{interrupt, runtime};
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::export::{self, Export, LeftOut};
use crate::graph::Reader;
use crate::plan::Selection;
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::render::words::count;

/// What stands for the tenant in a snapshot where nobody names it.
const UNKNOWN_TENANT: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn run(
    command: &ExportArguments,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    output.only_text_or_json()?;
    output.keep_inputs(
        &[("--snapshot", command.snapshot.as_deref())],
        &settings::inputs(&[], common, Some(&config)),
    )?;
    let service = settings::service(&common.service, &config)?;
    if command.force && command.selecting.selection().is_partial() {
        return Err(Failure::usage(
            "`--force` replaces all manifests of the folder, and a part of the policies is no replacement",
        )
        .hint("export the part to a folder of its own"));
    }
    // Looked at before the tenant is read, which may take a while, and again before it is written.
    let folder = match &command.out {
        None => None,
        Some(path) => Some(Folder::open(path, command.force)?),
    };
    runtime()?.block_on(async {
        let stop = interrupt::watch();
        let client = connect(&service, output, &stop)?;
        let reader = Reader::new(Arc::clone(&client));
        match &command.snapshot {
            Some(path) => snapshot(path, &reader, &config, output, &stop).await,
            None => {
                let selection = command.selecting.selection();
                manifests(folder, &selection, &reader, output, &stop).await
            }
        }
    })
}

async fn manifests(
    folder: Option<Folder>,
    selection: &Selection,
    reader: &Reader,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let read = async {
        let tenant_id = reader.tenant_id().await?;
        Ok::<_, Failure>((tenant_id, reader.whole_tenant().await?))
    };
    let (tenant_id, tenant) = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Failure::interrupted()),
        read = read => read?,
    };
    let export = export::manifests(&tenant, tenant_id.as_deref(), |policy| {
        selection.includes(policy.kind, &policy.name)
    });
    let warnings: Vec<Diagnostic> = export.left_out.iter().map(LeftOut::warning).collect();
    output.diagnostics(&warnings, &Sources::default());
    if export.files.is_empty() && selection.is_partial() {
        return Err(Failure::new(
            Exit::InvalidManifests,
            "`--only`, `--exclude` and `--kind` leave no policy to export",
        )
        .hint("nothing was written; case counts in globs"));
    }
    if export.files.is_empty() {
        return Err(
            Failure::new(Exit::Failure, "the tenant has no policy to export")
                .hint("nothing was written; check the tenant, and what the sign-in may see"),
        );
    }
    // Also where they are texts within JSON.
    for file in &export.files {
        output.check_data(&file.text)?;
    }
    let record = Json::new(Record::new(tenant_id.as_deref(), &export));
    match folder {
        None => output.tell_data(|| documents(&export), &record)?,
        Some(folder) => {
            output.check_json(|| &record)?;
            folder.replace(&export.files)?;
            output.tell_plainly(|| summary(folder.path(), &export), &record)?;
        }
    }
    Ok(Exit::Success)
}

/// All files as one text, a document each.
fn documents(export: &Export) -> String {
    let mut text = String::new();
    for (number, file) in export.files.iter().enumerate() {
        if number > 0 {
            text.push_str("---\n");
        }
        text.push_str("# ");
        text.push_str(&file.path);
        text.push('\n');
        text.push_str(&file.text);
    }
    text
}

fn summary(folder: &Path, export: &Export) -> String {
    let mut text = String::new();
    for file in &export.files {
        let holds = match file.policies {
            0 => count(export.sets, "named set", "named sets"),
            policies => count(policies, "policy", "policies"),
        };
        let _ = writeln!(text, "{}: {holds}", file.path);
    }
    let policies = export.files.iter().map(|file| file.policies).sum();
    let left_out = match export.left_out.len() {
        0 => String::new(),
        number => format!("; {} left out", count(number, "policy", "policies")),
    };
    let _ = writeln!(
        text,
        "Exported {} to `{}`, {}{left_out}.",
        count(policies, "policy", "policies"),
        clean(&folder.display().to_string()),
        count(export.files.len(), "file", "files"),
    );
    text
}

async fn snapshot(
    path: &Path,
    reader: &Reader,
    config: &Config,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let read = async {
        let tenant_id = reader.tenant_id().await?;
        Ok::<_, Failure>((tenant_id, reader.raw_tenant().await?))
    };
    let (tenant_id, tenant) = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Failure::interrupted()),
        read = read => read?,
    };
    let tenant_id = tenant_id
        .or_else(|| config.tenant_id.clone())
        .unwrap_or_else(|| {
            output.note(&format!(
                "the token does not name its tenant; the snapshot says {UNKNOWN_TENANT}\n"
            ));
            UNKNOWN_TENANT.to_owned()
        });
    let text = export::snapshot::state(&tenant, &tenant_id);
    // What the sandbox will not take is told now, not to the pull request that wants to use it.
    if let Err(error) = sandbox::Tenant::from_json(&text) {
        return Err(Failure::new(
            Exit::Failure,
            format!("the sandbox cannot hold this tenant: {error}"),
        )
        .hint("nothing was written"));
    }
    output.save(path, &text)?;
    let counts = SnapshotRecord {
        tenant_id: &tenant_id,
        snapshot: &path.display().to_string(),
        policies: tenant.policies.len(),
        groups: tenant.groups.len(),
        assignment_filters: tenant.filters.len(),
    };
    output.tell_plainly(
        || {
            format!(
                "Wrote {}, {} and {} to `{}`.\n",
                count(counts.policies, "policy", "policies"),
                count(counts.groups, "group", "groups"),
                count(counts.assignment_filters, "filter", "filters"),
                clean(counts.snapshot),
            )
        },
        &Json::new(&counts),
    )?;
    Ok(Exit::Success)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotRecord<'a> {
    tenant_id: &'a str,
    snapshot: &'a str,
    policies: usize,
    groups: usize,
    assignment_filters: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenant_id: Option<&'a str>,
    files: Vec<FileRecord<'a>>,
    left_out: Vec<LeftOutRecord<'a>>,
}

#[derive(Serialize)]
struct FileRecord<'a> {
    path: &'a str,
    policies: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct LeftOutRecord<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    reason: &'a str,
}

impl<'a> Record<'a> {
    fn new(tenant_id: Option<&'a str>, export: &'a Export) -> Self {
        Self {
            tenant_id,
            files: export
                .files
                .iter()
                .map(|file| FileRecord {
                    path: &file.path,
                    policies: file.policies,
                    text: &file.text,
                })
                .collect(),
            left_out: export
                .left_out
                .iter()
                .map(|policy| LeftOutRecord {
                    kind: policy.kind.name(),
                    id: &policy.id,
                    name: &policy.name,
                    reason: &policy.reason,
                })
                .collect(),
        }
    }
}
