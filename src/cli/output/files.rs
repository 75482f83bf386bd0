//! Results that are written to files, and never over what the run reads.

use std::path::{Path, PathBuf};

use super::Output;
use crate::cli::output_paths::place;
use crate::files::{self, LARGEST_PLAN};
use crate::manifest::has_manifest_ending;
use crate::render::json::Json;
use crate::run::Failure;
use crate::run::inputs::{FileKind, is_report};
use crate::run::tenants::is_of_tenant;

impl Output {
    /// Refuses a run that would write its result, or another of its files, over what it reads, or where no file
    /// can be made. The result of an earlier run is removed: if this run is killed, that must not be taken for its
    /// own.
    pub(in crate::cli) fn keep_inputs(
        &self,
        outputs: &[(&str, Option<&Path>)],
        inputs: &[PathBuf],
    ) -> Result<(), Failure> {
        let mut outputs = outputs.to_vec();
        outputs.push(("--json-into", self.json_into.as_deref()));
        keep_inputs(&outputs, inputs)?;
        self.may_save.set(true);
        let Some(path) = self.json_into.as_deref() else {
            return Ok(());
        };
        remove_earlier(path)?;
        match path.exists() {
            // A pipe or a device: opened once, when there is something to write.
            true => Ok(()),
            false => files::check(path).map_err(|error| Failure::unwritten(path, &error)),
        }
    }

    /// Refuses a result that would be written over a tenant's plan or report, which the run writes to a folder.
    pub(in crate::cli) fn keep_apart(
        &self,
        option: &str,
        folder: Option<&Path>,
    ) -> Result<(), Failure> {
        let (Some(json), Some(folder)) = (self.json_into.as_deref(), folder) else {
            return Ok(());
        };
        let is_below = || place(json).is_some_and(|json| json.parent() == place(folder).as_deref());
        if !is_of_tenant(json) || !is_below() {
            return Ok(());
        }
        let message = format!(
            "`--json-into {}` would write over a file of `{option} {}`",
            json.display(),
            folder.display()
        );
        Err(Failure::usage(message).hint("use another file; nothing was written"))
    }

    /// Writes data to a file, as it stands, so that it is either the old or the new one, never a
    /// part.
    pub(in crate::cli) fn save(&self, path: &Path, text: &str) -> Result<(), Failure> {
        self.check_data(text)?;
        save(path, text)
    }

    /// Does the same with a plan, unless it is larger than what is read of one.
    pub(in crate::cli) fn save_plan(&self, path: &Path, json: &Json<'_>) -> Result<(), Failure> {
        let text = self.checked(json)?;
        if text.len() as u64 > LARGEST_PLAN {
            let error = files::larger_than(LARGEST_PLAN);
            return Err(Failure::unwritten(path, &error).hint(
                "such a plan needs no file: `apply PATH... --expect-digest` plans again; or plan a part with `--only` or `--kind`",
            ));
        }
        save(path, &text)
    }
}

pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    keep_own_work(path)?;
    files::save(path, text).map_err(|error| Failure::unwritten(path, &error))
}

/// Refuses to write over what cannot be made again: the report of an apply, a manifest, a configuration.
fn keep_own_work(path: &Path) -> Result<(), Failure> {
    let (what, hint) = if is_report(path) {
        let hint = "`rollback` and `apply --resume` need it; use another file";
        ("the report of an apply", hint)
    } else if is_yaml(path) {
        match FileKind::of(path) {
            Some(FileKind::Manifest) => ("a manifest", "use another file"),
            Some(FileKind::Configuration) => ("a configuration", "use another file"),
            _ => return Ok(()),
        }
    } else {
        return Ok(());
    };
    let message = format!("`{}` is {what}", path.display());
    Err(Failure::usage(message).hint(hint))
}

/// Whether a file's name ends as a manifest's can, which may be named in any case.
fn is_yaml(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|ending| {
        ["yaml", "yml"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// Removes what an earlier run wrote to a file that this run is going to write.
pub(in crate::cli) fn remove_earlier(path: &Path) -> Result<(), Failure> {
    keep_own_work(path)?;
    files::remove_earlier(path).map_err(|error| Failure::unwritten(path, &error))
}

/// Refuses a run that would write over what it reads, or otherwise writes: a manifest, a plan or the
/// sandbox's tenant.
fn keep_inputs(outputs: &[(&str, Option<&Path>)], inputs: &[PathBuf]) -> Result<(), Failure> {
    for (option, path) in outputs {
        let Some(path) = path else { continue };
        let Some(output) = place(path) else { continue };
        for input in inputs.iter().filter_map(|input| place(input)) {
            let is_below = || output.starts_with(&input) && input.is_dir();
            if output == input || (is_below() && output.exists() && is_read(&output)) {
                return Err(Failure::usage(format!(
                    "`{option} {}` would write over a file of the run",
                    path.display()
                ))
                .hint("use another file; nothing was written"));
            }
        }
    }
    Ok(())
}

/// Whether a file is one that is read where its folder is named: a manifest, a tenant's plan or report, or the
/// sandbox's tenant.
fn is_read(file: &Path) -> bool {
    has_manifest_ending(file) || is_of_tenant(file) || FileKind::of(file) == Some(FileKind::Tenant)
}
