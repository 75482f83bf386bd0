//! `init`: a folder to keep a tenant in, from nothing to a first plan without changes. Nothing that exists
//! is overwritten, and the tenant is only read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::inputs::FileKind;
use super::schema::with_names;
use super::{CONFIGURATION_FILE, Failure, plan, unless_stopped};
use crate::exit::Exit;
use crate::export::{self, Export, ManifestFile};
use crate::files;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::render::json::Json;
use crate::text::shell_word;

/// The folder of the manifests, unless the settings that are there name another.
pub const MANIFESTS: &str = "manifests";

/// The schema's file.
pub const SCHEMA: &str = "manifest.schema.json";

/// Every file that may be written, but for manifests.
pub const FILES: [&str; 6] = [
    CONFIGURATION_FILE,
    SCHEMA,
    IGNORED,
    GITHUB.path,
    AZURE_DEVOPS.path,
    GITLAB.path,
];

/// What git ignores.
const IGNORED: &str = ".gitignore";

/// A pipeline: the file that it goes into, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline {
    /// Its path below the folder.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// For GitHub Actions.
pub const GITHUB: Pipeline = Pipeline {
    path: ".github/workflows/intune.yml",
    text: include_str!("../../examples/ci/github-actions.yml"),
};

/// For Azure Pipelines.
pub const AZURE_DEVOPS: Pipeline = Pipeline {
    path: "azure-pipelines.yml",
    text: include_str!("../../examples/ci/azure-pipelines.yml"),
};

/// For GitLab CI/CD.
pub const GITLAB: Pipeline = Pipeline {
    path: ".gitlab-ci.yml",
    text: include_str!("../../examples/ci/gitlab-ci.yml"),
};

/// What became of a file or a folder.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its path.
    pub path: PathBuf,
    /// Whether it was written; one that existed is kept as it was.
    pub is_new: bool,
}

/// What `init` did.
#[derive(Debug)]
pub struct Initialised {
    /// The tenant; `None` if the token does not name it.
    pub tenant_id: Option<String>,
    /// The files, the folder of manifests first if there is one.
    pub files: Vec<Written>,
    /// What the manifests that were written hold and leave out; nothing if there were some before.
    pub export: Export,
    /// Whether there were manifests before.
    pub had_manifests: bool,
}

/// Reads the tenant and writes the folder, with manifests in a folder below it. `configured` is the tenant that
/// the folder's settings name.
///
/// # Errors
///
/// Says what cannot be read or written, or that the folder is for another tenant.
pub async fn init(
    client: &Arc<Client>,
    (root, manifests, configured): (&Path, &Path, Option<&str>),
    pipeline: Option<Pipeline>,
    check: impl Fn(&str) -> Result<(), Failure>,
    stop: &CancellationToken,
) -> Result<Initialised, Failure> {
    if root.exists() && !root.is_dir() {
        let message = format!("`{}` is not a folder", root.display());
        return Err(Failure::other(message).hint("use a folder, or a path that does not exist yet"));
    }
    let folder = Folder::open_to_add(&root.join(manifests))?;
    let keeps = folder.holds_manifests()?;
    let reader = Reader::new(Arc::clone(client));
    let (tenant_id, mut export, schema) = unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        refuse_other_tenant(root, configured, tenant_id.as_deref())?;
        let (tenant, groups) = futures::try_join!(reader.whole_tenant(), reader.group_names())?;
        let policies = tenant.policies.iter();
        let policies = policies.filter(|policy| !policy.is_tenant_default);
        let policies = policies.map(|policy| (policy.kind, policy.name.to_string()));
        let schema = with_names(policies, groups, &tenant.filters, &tenant.unavailable);
        let export = export::manifests(&tenant, tenant_id.as_deref(), |_| true);
        Ok((tenant_id, export, schema))
    })
    .await?;
    for file in &mut export.files {
        let path = manifests.join(&file.path);
        file.text = format!("{}{}", editor_line(&path), file.text);
    }
    let schema = Json::new(schema).text();
    let texts = export.files.iter().map(|file: &ManifestFile| &file.text);
    texts.chain([&schema]).try_for_each(|text| check(text))?;
    let is_new = !keeps && !export.files.is_empty();
    if is_new {
        folder.add(&export.files)?;
    }
    let mut files = Vec::new();
    // A tenant without policies gives no folder.
    if keeps || is_new {
        files.push(Written {
            path: folder.path().to_owned(),
            is_new,
        });
    }
    if keeps {
        export.files.clear();
        export.left_out.clear();
    }
    let mut others = vec![
        (CONFIGURATION_FILE, configuration(tenant_id.as_deref())),
        (SCHEMA, schema),
        (IGNORED, ".assignctl/\n".to_owned()),
    ];
    // The pipelines plan that folder.
    let planned = format!(" {} ", shell_word(&manifests.display().to_string()));
    others.extend(pipeline.map(|Pipeline { path, text }| {
        let text = text.replace(&format!(" {MANIFESTS} "), &planned);
        (path, text)
    }));
    for (path, text) in others {
        let path = root.join(path);
        let is_new = create(&path, &text).map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", path.display());
            Failure::other(message).hint("what was written before stays; run it again")
        })?;
        files.push(Written { path, is_new });
    }
    Ok(Initialised {
        tenant_id,
        files,
        export,
        had_manifests: keeps,
    })
}

/// Finds a manifest that the folder holds, but for those in the one that is made for them.
///
/// # Errors
///
/// The folder cannot be read.
pub fn manifest_beside(root: &Path) -> Result<Option<PathBuf>, Failure> {
    let held = Folder::open_to_add(root)?.held_manifests()?;
    let mut beside = held.into_iter().filter(|path| !path.starts_with(MANIFESTS));
    Ok(beside.find(|path| FileKind::of(&root.join(path)) == Some(FileKind::Manifest)))
}

/// Refuses a folder whose settings name another tenant than the sign-in.
fn refuse_other_tenant(
    root: &Path,
    configured: Option<&str>,
    signed_in: Option<&str>,
) -> Result<(), Failure> {
    let Some(configured) = configured else {
        return Ok(());
    };
    if signed_in.is_some_and(|tenant| tenant.eq_ignore_ascii_case(configured)) {
        return Ok(());
    }
    let message = format!(
        "`{}` is for the tenant {configured}, and the sign-in is for {}",
        root.join(CONFIGURATION_FILE).display(),
        signed_in.unwrap_or("one that the token does not name")
    );
    Err(Failure::new(Exit::GuardRefused, message)
        .hint("nothing was written; sign in to that tenant, or use another folder"))
}

/// Adds the tenant that is signed in to, under a short name, to manifests. No file is changed: it gets one of
/// its own.
///
/// # Errors
///
/// The manifests know the name or the tenant already, or would be for it alone.
pub async fn add_tenant(
    client: &Arc<Client>,
    paths: &[PathBuf],
    (name, configured): (&str, Option<&str>),
    stop: &CancellationToken,
) -> Result<PathBuf, Failure> {
    let loaded = plan::load_any(paths, None)?;
    let reader = Reader::new(Arc::clone(client));
    let tenant_id = unless_stopped(stop, async { Ok(reader.tenant_id().await?) }).await?;
    let Some(tenant_id) = tenant_id else {
        return Err(Failure::other("the token does not name its tenant"));
    };
    let refused = |message: String, hint: &str| {
        Err(Failure::usage(message).hint(format!("nothing was written; {hint}")))
    };
    if loaded.tenants.iter().any(|tenant| tenant.name == name) {
        return refused(
            format!("the manifests have a tenant `{name}` already"),
            "choose another name",
        );
    }
    let is_same = |other: &str| other.eq_ignore_ascii_case(&tenant_id);
    if let Some(known) = loaded
        .tenants
        .iter()
        .find(|tenant| is_same(&tenant.tenant_id))
    {
        return refused(
            format!(
                "the tenant {tenant_id} is in the manifests already, as `{}`",
                known.name
            ),
            "sign in to the one that is to be added",
        );
    }
    if loaded.tenants.is_empty()
        && let Some(configured) = configured.filter(|configured| !is_same(configured))
    {
        return refused(
            format!("the manifests are for the tenant {configured} so far, which has no name"),
            "name that first: sign in to it, and run `init --tenant NAME`",
        );
    }
    let is_for_tenants = |path: &&PathBuf| path.is_dir() && path.ends_with("tenants");
    let folder = match paths.iter().find(is_for_tenants) {
        Some(folder) => folder.clone(),
        None => match paths.iter().find(|path| path.is_dir()) {
            Some(folder) => folder.join("tenants"),
            None => return refused("the manifests are not in a folder".to_owned(), "move them"),
        },
    };
    let path = folder.join(format!("{name}.yaml"));
    let text = format!("version: 1\ntenants:\n  {name:?}:\n    tenantId: {tenant_id}\n");
    match create(&path, &text) {
        Ok(true) => Ok(path),
        Ok(false) => refused(
            format!("`{}` exists", path.display()),
            "choose another name",
        ),
        Err(error) => Err(Failure::unwritten(&path, &error)),
    }
}

/// Returns the line by which an editor finds the schema.
fn editor_line(path: &Path) -> String {
    let up = "../".repeat(path.components().count().saturating_sub(1));
    format!("# yaml-language-server: $schema={up}{SCHEMA}\n")
}

fn configuration(tenant_id: Option<&str>) -> String {
    let tenant =
        match tenant_id.filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
            Some(id) => format!("tenantId: {id}\n"),
            None => "# tenantId: the token does not name it\n".to_owned(),
        };
    format!("# The settings of every run in this folder.\n{tenant}manifests: [{MANIFESTS}]\n")
}

/// Writes a file unless it exists; returns whether it did not.
fn create(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        files::refuse_link(folder)?;
    }
    files::save_new(path, text)
}
