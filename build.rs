//! Says what `assignctl version` prints: the target, and the commit where that is known.
//!
//! Releases and packages know their commit: by `ASSIGNCTL_COMMIT`, or by the file that cargo puts into a
//! package. Builds for development don't ask git, which would build the crate again after each commit.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ASSIGNCTL_COMMIT");
    let given = std::env::var("ASSIGNCTL_COMMIT").ok();
    let commit = given.filter(|commit| !commit.is_empty()).or_else(packaged);
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=ASSIGNCTL_TARGET={target}");
    println!(
        "cargo::rustc-env=ASSIGNCTL_COMMIT={}",
        commit.as_deref().unwrap_or("unknown")
    );
}

/// Returns the commit that a package was made of.
fn packaged() -> Option<String> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let text = std::fs::read_to_string(Path::new(&root).join(".cargo_vcs_info.json")).ok()?;
    let (_, after) = text.split_once("\"sha1\"")?;
    let (_, value) = after.split_once('"')?;
    let (commit, _) = value.split_once('"')?;
    Some(commit.to_owned())
}
