//! `init`: a repository of manifests for a tenant.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use serde::Serialize;

use super::arguments::{Init, PipelineFile};
use super::config::Config;
use super::options::Common;
use super::output::Output;
use super::{config, settings, with_client};
use crate::exit::Exit;
use crate::files::repository;
use crate::manifest::has_manifest_ending;
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::render::phrases::count;
use crate::run::init::{self, AZURE_DEVOPS, GITHUB, GITLAB, Initialised, Written};
use crate::run::reviewed::check_sign_in;
use crate::run::{CONFIGURATION_FILE, Failure};
use crate::text::shell_word;

pub(super) fn run(command: &Init, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let mut files = settings::inputs(&[], common, Some(&config));
    files.extend(init::FILES.map(|file| command.folder.join(file)));
    output.keep_inputs(&[], &files)?;
    let service = settings::service(&common.service, &config)?;
    if let Some(name) = &command.tenant {
        let paths = match config.manifests.as_slice() {
            [] => vec![command.folder.join(init::MANIFESTS)],
            paths => paths.to_vec(),
        };
        let path = with_client(&service, output, async |client, stop| {
            let what = (name.as_str(), config.tenant_id.as_deref());
            init::add_tenant(client, &paths, what, stop).await
        })?;
        if config.tenant_id.is_some() {
            output.note(&format!(
                "leave `tenantId` out of `{CONFIGURATION_FILE}` now: each tenant has its own, and runs refuse any other\n"
            ));
        }
        let path = path.display().to_string();
        let json = Json::new(serde_json::json!({"tenant": name, "path": path}));
        let text = || {
            format!(
                "wrote {}\n\nNext:\n  assignctl tenants check --tenant {name}\n  assignctl plan --tenant {name}\n",
                clean(&path)
            )
        };
        output.print_plain(text, &json)?;
        return Ok(Exit::Success);
    }
    let pipeline = match command.pipeline {
        Some(pipeline) => pipeline,
        None => ask(output)?,
    };
    let pipeline = match pipeline {
        PipelineFile::Github => Some(GITHUB),
        PipelineFile::AzureDevops => Some(AZURE_DEVOPS),
        PipelineFile::Gitlab => Some(GITLAB),
        PipelineFile::None => None,
    };
    let own = config::of_folder(&command.folder)?;
    let manifests = folder_of_manifests(command, &own)?;
    let done = with_client(&service, output, async |client, stop| {
        check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
        let check = |text: &str| output.check_data(text);
        let configured = own.tenant_id.as_deref();
        let folder = (command.folder.as_path(), manifests.as_path(), configured);
        init::init(client, folder, pipeline, check, stop).await
    })?;
    output.left_out(&done.export);
    // What the settings that were kept do not name has to be named.
    let is_named = own.path.is_none() || !own.named_manifests().is_empty();
    output.print_plain(
        || text(command, &done, &manifests, is_named),
        &Json::new(record(&done)),
    )?;
    Ok(Exit::Success)
}

/// Returns the folder of the manifests, below the one that is made: the one that its settings name, if there are
/// any already.
fn folder_of_manifests(command: &Init, own: &Config) -> Result<PathBuf, Failure> {
    let named = own.named_manifests();
    let refused = |why: &str| {
        let path = command.folder.join(CONFIGURATION_FILE);
        let message = format!(
            "`{}` {why}, so that it is not known where the manifests go",
            path.display()
        );
        Failure::usage(message).hint(format!(
            "nothing was written; let `manifests` name one folder, or export into one with `assignctl export --into {} --unmanaged`",
            shell_word(&command.folder.join(init::MANIFESTS).display().to_string())
        ))
    };
    match named.as_slice() {
        [] => match init::manifest_beside(&command.folder)? {
            None => Ok(PathBuf::from(init::MANIFESTS)),
            Some(path) => Err(Failure::usage(format!(
                "`{}` holds manifests already, such as `{}`",
                command.folder.display(),
                path.display()
            ))
            .hint(format!("nothing was written; move them into `{}`, or name their folder under `manifests` in `{CONFIGURATION_FILE}`", init::MANIFESTS))),
        },
        [one] if one.as_os_str().is_empty() => Err(refused("names its own folder as manifests")),
        [one] if command.folder.join(one).is_file() || has_manifest_ending(one) => {
            Err(refused("names a file as manifests"))
        }
        [one] => Ok(one.clone()),
        _ => Err(refused("names several manifests")),
    }
}

/// Asks for the pipeline on a terminal; none is the answer elsewhere.
fn ask(output: &Output) -> Result<PipelineFile, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(PipelineFile::None);
    }
    output.note("Which pipeline? github, azure-devops, gitlab or none [none]: ");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| {
        Failure::new(Exit::Failure, format!("the answer cannot be read: {error}"))
    })?;
    match line.trim() {
        "" => Ok(PipelineFile::None),
        answer => PipelineFile::from_str(answer, true).map_err(|_| {
            Failure::usage(format!("`{answer}` is not a pipeline; nothing was written"))
                .hint("answer github, azure-devops, gitlab or none")
        }),
    }
}

fn text(command: &Init, done: &Initialised, manifests: &Path, is_named: bool) -> String {
    let mut text = String::new();
    for Written { path, is_new } in &done.files {
        let did = if *is_new { "wrote" } else { "kept " };
        let _ = writeln!(text, "{did} {}", clean(&path.display().to_string()));
    }
    let is_empty = done.export.files.is_empty();
    if done.had_manifests {
        text.push_str("\nThe manifests that were there stay as they are. Next:\n");
    } else if is_empty {
        text.push_str(
            "\nThe tenant has no policies that could be assigned, so there are no manifests yet. When it has some:\n",
        );
    } else {
        let policies = done.export.files.iter().map(|file| file.policies).sum();
        let _ = writeln!(
            text,
            "\n{} in {}. Next:",
            count(policies, "policy", "policies"),
            count(done.export.files.len(), "file", "files")
        );
    }
    let folder = command.folder.display().to_string();
    if folder != "." {
        let _ = writeln!(text, "  cd {}", clean(&shell_word(&folder)));
    }
    let manifests = shell_word(&manifests.display().to_string()).into_owned();
    let manifests = clean(&manifests);
    let export = format!("assignctl export --into {manifests} --unmanaged");
    let plan = match is_named {
        true => "assignctl plan".to_owned(),
        false => format!("assignctl plan {manifests}"),
    };
    let next = match (done.had_manifests, is_empty) {
        (true, _) => format!("  {export}    # adds what they do not manage\n  {plan}\n"),
        (false, true) => format!("  {export}\n"),
        (false, false) => format!(
            "  {plan}      # no changes yet\n{}",
            commit(&command.folder)
        ),
    };
    text.push_str(&next);
    text
}

/// Returns the steps that commit the folder, each on a line: Windows PowerShell 5.1 has no `&&`.
fn commit(folder: &Path) -> String {
    let folder = folder.canonicalize().ok();
    let is_in_repository = folder.is_some_and(|folder| repository(&folder).is_some());
    let begin = if is_in_repository { "" } else { "  git init\n" };
    format!("{begin}  git add .\n  git commit -m \"Import assignments\"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenant_id: Option<&'a str>,
    files: Vec<FileRecord>,
    policies: usize,
    left_out: usize,
}

#[derive(Serialize)]
struct FileRecord {
    path: String,
    written: bool,
}

fn record(done: &Initialised) -> Record<'_> {
    let Initialised {
        tenant_id,
        files,
        export,
        had_manifests: _,
    } = done;
    let files = files.iter().map(|Written { path, is_new }| FileRecord {
        path: path.display().to_string(),
        written: *is_new,
    });
    Record {
        tenant_id: tenant_id.as_deref(),
        files: files.collect(),
        policies: export.files.iter().map(|file| file.policies).sum(),
        left_out: export.left_out.len(),
    }
}
