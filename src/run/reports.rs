//! Where reports go if the user names no file: one a run, named after its time, in a folder that git
//! ignores by itself and that keeps the last runs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::files;
use crate::manifest::tenants::is_tenant_name;

/// The folder of all that the program keeps in a repository.
const FOLDER: &str = ".assignctl";

/// How the name of a tenant's report ends in a folder that the user names.
pub(super) const OF_TENANT: &str = ".report.jsonl";

/// How many reports are kept per class.
const KEPT: usize = 20;

/// Returns the report's file for a run that begins now, for a tenant if manifests named it.
#[must_use]
pub fn default_report(now: Timestamp, tenant: Option<&str>) -> PathBuf {
    let time = now.strftime("%Y%m%dT%H%M%S%.3fZ");
    // A plan or a report may say anything.
    let folder = match tenant.filter(|name| is_tenant_name(name)) {
        Some(name) => default_folder().join(name),
        None => default_folder(),
    };
    folder.join(format!("{time}.jsonl"))
}

/// Returns the report's file for one of several tenants, in the folder that the user names, or in one of its own. Makes
/// the folder if it is missing.
///
/// # Errors
///
/// The folder cannot be made.
pub fn of_tenant(named: Option<&Path>, now: Timestamp, tenant: &str) -> io::Result<PathBuf> {
    if let Some(folder) = named {
        fs::create_dir_all(folder)?;
        return Ok(folder.join(format!("{tenant}{OF_TENANT}")));
    }
    let path = default_report(now, Some(tenant));
    let folder = folder_of(&path);
    fs::create_dir_all(folder)?;
    ignore_folder()?;
    // One more is about to come.
    delete_old_in(folder, KEPT - 1);
    Ok(path)
}

/// The folder of the reports that no option names.
#[must_use]
pub fn default_folder() -> PathBuf {
    Path::new(FOLDER).join("reports")
}

/// Makes git ignore the folder. A file that is there already stays as it is.
pub(super) fn ignore_folder() -> io::Result<()> {
    let path = Path::new(FOLDER).join(".gitignore");
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(());
    }
    files::save(&path, "*\n")
}

/// Takes away the folders that were made for a report and hold none.
pub(super) fn remove_empty_folders(report: &Path) {
    let folders = report.ancestors().skip(1);
    for folder in folders.take_while(|folder| folder.starts_with(FOLDER)) {
        // One that holds something stays.
        if fs::remove_dir(folder).is_err() && folder.exists() {
            return;
        }
    }
}

fn folder_of(report: &Path) -> &Path {
    report.parent().unwrap_or(Path::new(FOLDER))
}

/// Deletes all but the last reports beside one that were named after their time, of each worth. What cannot be
/// deleted stays.
pub(super) fn delete_old(report: &Path) {
    delete_old_in(folder_of(report), KEPT);
}

fn delete_old_in(folder: &Path, kept: usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_default_name(name))
        .collect();
    names.sort();
    let mut newer = BTreeMap::new();
    for name in names.into_iter().rev() {
        let path = folder.join(name);
        let newer: &mut usize = newer.entry(worth(&path)).or_default();
        *newer += 1;
        if *newer > kept {
            // The next run tries again.
            let _ = fs::remove_file(path);
        }
    }
}

/// What a report is kept for. Each has its own count, so that no number of runs without a change takes
/// away what another needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum RetentionClass {
    /// Nothing was done to any policy.
    History,
    /// `rollback`.
    Rollback,
    /// `apply --resume`, which needs the codes that only it has.
    Resume,
}

/// Returns what a report is kept for, by its lines. What cannot be read may be needed.
fn worth(path: &Path) -> RetentionClass {
    let Ok(file) = File::open(path) else {
        return RetentionClass::Resume;
    };
    let mut worth = RetentionClass::History;
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if line.contains(r#""outcome":"pending""#) || line.contains(r#""event":"filed""#) {
            return RetentionClass::Resume;
        }
        if !line.contains(r#""event":"start""#) && !line.contains(r#""event":"end""#) {
            worth = RetentionClass::Rollback;
        }
    }
    worth
}

/// Finds the reports of runs for several tenants whose user named no folder, the newest run first, each by tenant:
/// those of a run have one name in the folders `NAME`.
///
/// # Errors
///
/// The folder cannot be read.
pub(super) fn runs_in(folder: &Path) -> io::Result<Vec<Vec<(String, PathBuf)>>> {
    let mut runs: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let of_tenant = entry?;
        let tenant = of_tenant.file_name().into_string();
        let (Ok(tenant), true) = (tenant, of_tenant.path().is_dir()) else {
            continue;
        };
        for entry in fs::read_dir(of_tenant.path())? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if is_default_name(&name) {
                let run = runs.entry(name).or_default();
                run.push((tenant.clone(), entry.path()));
            }
        }
    }
    let mut runs: Vec<_> = runs.into_values().rev().collect();
    runs.iter_mut().for_each(|run| run.sort());
    Ok(runs)
}

/// Whether a name is like `20261123T020000.000Z.jsonl`.
fn is_default_name(name: &str) -> bool {
    const SHAPE: &str = "00000000T000000.000Z";
    let Some(time) = name
        .strip_suffix(".jsonl")
        .or_else(|| name.strip_suffix(".json"))
    else {
        return false;
    };
    time.len() == SHAPE.len()
        && time
            .chars()
            .zip(SHAPE.chars())
            .all(|(one, shape)| match shape {
                '0' => one.is_ascii_digit(),
                shape => one == shape,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_recognised() {
        let now = "2026-11-23T02:00:00.123Z".parse().expect("a time");
        let path = default_report(now, None);
        assert_eq!(
            path,
            Path::new(".assignctl/reports/20261123T020000.123Z.jsonl")
        );
        for (name, expected) in [
            ("20261123T020000.123Z.jsonl", true),
            ("20261123T020000.123Z.json", true),
            ("20261123T020000.123Z.jsonl.earlier", false),
            ("mine.jsonl", false),
            ("2026-11-23T020000.12Z.jsonl", false),
        ] {
            assert_eq!(is_default_name(name), expected, "{name}");
        }
    }
}
