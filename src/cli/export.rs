//! `export`: the live state as manifests, or as a file for the sandbox.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::arguments::Export as ExportArguments;
use super::config::Config;
use super::options::Common;
use super::output::Output;
use super::{settings, with_client};
use crate::diagnostic::Sources;
use crate::exit::Exit;
use crate::export::Export;
use crate::manifest::Loaded;
use crate::plan::Selection;
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::render::phrases::count;
use crate::run::Failure;
use crate::run::connect::ServiceSettings;
use crate::run::export::{self, Snapshot, UNKNOWN_TENANT};
use crate::run::folder::Folder;
use crate::run::plan;
use crate::run::reviewed::check_sign_in;
use crate::run::tenants::{self, Asked};
use crate::run::unavailable;

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
    let mut service = settings::service(&common.service, &config)?;
    let mut own = None;
    if let Some(name) = &command.tenant {
        let named = command.into.clone().into_iter().collect::<Vec<_>>();
        let paths = settings::manifests(&named, &config)?;
        let loaded = plan::load_any(&paths, config.path.as_deref())?;
        let asked = Asked {
            named: vec![name.clone()],
            ..Asked::default()
        };
        if let Some(tenant) = tenants::choose_one(&loaded.tenants, &asked)? {
            service = tenants::service_of(&service, &tenant)?;
            own = loaded.of_tenant(&tenant.name);
        }
    }
    let selection = command.selecting.selection();
    if command.force && selection.is_partial() {
        return Err(Failure::usage(
            "`--force` replaces all manifests of the folder, which cannot be done with a part of the policies",
        )
        .hint("export the part to a folder of its own"));
    }
    // Looked at before the tenant is read, which may take a while, and again before it is written.
    let folder = match &command.out {
        None => None,
        Some(path) => Some(Folder::open(path, command.force)?),
    };
    if let Some(path) = &command.into {
        return add((path, own), &selection, &service, &config, output);
    }
    with_client(&service, output, async |client, stop| {
        check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
        if let Some(path) = &command.snapshot {
            let tenant_id = config.tenant_id.as_deref();
            let snapshot = export::snapshot(client, tenant_id, stop).await?;
            return print_snapshot(path, &snapshot, output);
        }
        let (tenant_id, export) = export::manifests(client, &selection, stop).await?;
        output.left_out(&export);
        export::check(&export, &selection)?;
        print_manifests(folder, tenant_id.as_deref(), &export, output)
    })
}

/// Adds what no manifest manages to a folder of manifests.
fn add(
    (path, own): (&Path, Option<Loaded>),
    selection: &Selection,
    service: &ServiceSettings,
    config: &Config,
    output: &Output,
) -> Result<Exit, Failure> {
    let folder = Folder::open_to_add(path)?;
    let loaded = match folder.holds_manifests()? {
        _ if own.is_some() => own,
        false => None,
        true => Some(of_one_tenant(path, config)?),
    };
    let (tenant_id, mut export) = with_client(service, output, async |client, stop| {
        check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
        export::unmanaged(client, loaded.as_ref(), selection, stop).await
    })?;
    output.left_out(&export);
    for file in &export.files {
        output.check_data(&file.text)?;
    }
    export.files = folder.with_free_names(export.files);
    let record = Json::new(Record::new(tenant_id.as_deref(), &export));
    output.check_json(|| &record)?;
    if export.files.is_empty() {
        let nothing =
            || "Nothing to add: every policy that can be exported is managed.\n".to_owned();
        output.print_plain(nothing, &record)?;
        return Ok(Exit::Success);
    }
    folder.add(&export.files)?;
    output.print_plain(|| summary(folder.path(), &export), &record)?;
    Ok(Exit::Success)
}

/// Reads the manifests of a folder, which have to be for whichever tenant is signed in to.
fn of_one_tenant(path: &Path, config: &Config) -> Result<Loaded, Failure> {
    let loaded = plan::load_any(&[path.to_owned()], config.path.as_deref())?;
    match loaded.tenants.is_empty() {
        true => Ok(loaded),
        false => Err(Failure::usage(
            "the manifests name their tenants, and what is added is for one of them",
        )
        .hint("name it with `--tenant NAME`")),
    }
}

fn print_manifests(
    folder: Option<Folder>,
    tenant_id: Option<&str>,
    export: &Export,
    output: &Output,
) -> Result<Exit, Failure> {
    // Also where they are texts within JSON.
    for file in &export.files {
        output.check_data(&file.text)?;
    }
    let record = Json::new(Record::new(tenant_id, export));
    match folder {
        None => output.print_data(|| documents(export), &record)?,
        Some(folder) => {
            output.check_json(|| &record)?;
            folder.replace(&export.files)?;
            output.print_plain(|| summary(folder.path(), export), &record)?;
        }
    }
    Ok(Exit::Success)
}

fn print_snapshot(path: &Path, snapshot: &Snapshot, output: &Output) -> Result<Exit, Failure> {
    let Snapshot {
        tenant_id,
        text,
        policies,
        groups,
        filters,
        unavailable: unread,
    } = snapshot;
    output.diagnostics(
        &unavailable::warnings(unread, "in the snapshot"),
        &Sources::default(),
    );
    if tenant_id == UNKNOWN_TENANT {
        output.note(&format!(
            "the token does not name its tenant; the snapshot says {UNKNOWN_TENANT}\n"
        ));
    }
    output.save(path, text)?;
    let counts = SnapshotRecord {
        tenant_id,
        snapshot: &path.display().to_string(),
        policies: *policies,
        groups: *groups,
        assignment_filters: *filters,
    };
    let text = || {
        let policies = count(counts.policies, "policy", "policies");
        let groups = count(counts.groups, "group", "groups");
        let filters = count(counts.assignment_filters, "filter", "filters");
        let path = clean(counts.snapshot);
        format!("Wrote {policies}, {groups} and {filters} to `{path}`.\n")
    };
    output.print_plain(text, &Json::new(&counts))?;
    Ok(Exit::Success)
}

/// All files as one text, a document each.
fn documents(export: &Export) -> String {
    let documents = export.files.iter();
    let documents = documents.map(|file| format!("# {}\n{}", file.path, file.text));
    documents.collect::<Vec<_>>().join("---\n")
}

fn summary(folder: &Path, export: &Export) -> String {
    let mut text = String::new();
    for file in &export.files {
        let holds = match file.policies {
            0 => count(export.sets, "target set", "target sets"),
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
