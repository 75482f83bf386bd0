//! Which files are read.

use std::fs;
use std::path::Path;

use super::super::{Loaded, load};
use super::faults;

const ENTRY: &str = "version: 1\npolicies: [{kind: compliancePolicy, name: P}]\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

/// Says what was read and what was wrong, with the folder as `.`.
fn said(folder: &Path, loaded: &Loaded) -> String {
    let mut said: Vec<&str> = Vec::new();
    for (_, file) in loaded.sources.files() {
        said.push(&file.path);
    }
    let said = format!("{}\n{}", said.join(" "), faults(loaded));
    said.replace(&*folder.to_string_lossy(), ".")
}

#[test]
fn no_path_and_no_manifest_are_errors() {
    assert_eq!(
        faults(&load(&[])),
        "- no-manifest no manifest was given | name the files and folders to read\n"
    );
    let empty = folder(&[
        ("notes.txt", b""),
        (".hidden.yaml", b""),
        (".git/x.yaml", b""),
    ]);
    let missing = empty.path().join("missing.yaml");
    let loaded = load(&[empty.path().to_owned(), missing]);
    assert_eq!(
        said(empty.path(), &loaded),
        "
- no-manifest no manifest in the folder `.` | manifests are files with the ending `.yaml` or `.yml`
- no-such-path no such file or folder: `./missing.yaml` | relative paths start at the working folder; those in a configuration file start at its folder
"
    );
}

#[test]
fn folders_are_walked_in_order_and_nothing_is_read_twice() {
    let root = folder(&[
        ("b.yaml", ENTRY.as_bytes()),
        ("a/z.yml", b"version: 1"),
        ("a/y.yaml", b"version: 1"),
        ("a/.x/y.yaml", b"nonsense"),
        ("a/assignctl.yaml", b"tenantId: x"),
        ("a/readme.md", b"nonsense"),
        ("named", b"version: 1"),
    ]);
    let path = root.path();
    let loaded = load(&[
        path.join("a/z.yml"),
        path.to_owned(),
        path.join("a"),
        path.join("named"),
        path.join("b.yaml"),
    ]);
    assert_eq!(
        said(path, &loaded),
        "./a/z.yml ./a/y.yaml ./b.yaml ./named\n"
    );
    assert_eq!(loaded.manifest.entries.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;

    let root = folder(&[("a/x.yaml", ENTRY.as_bytes()), ("data", b"version: 1")]);
    let path = root.path();
    symlink(path, path.join("a/up")).expect("a link");
    symlink(path.join("data"), path.join("link.yaml")).expect("a link");
    symlink(path.join("nowhere"), path.join("broken.yaml")).expect("a link");
    assert_eq!(
        said(path, &load(&[path.to_owned()])),
        "./a/x.yaml ./link.yaml\n- no-such-path no such file or folder: `./broken.yaml`\n"
    );
}

#[cfg(unix)]
#[test]
fn links_lead_to_nothing_that_was_not_named() {
    use std::os::unix::fs::symlink;

    let root = folder(&[
        ("in/x.yaml", ENTRY.as_bytes()),
        ("in/.git/config", b"secret"),
        ("in/deep/er/y.yaml", b"version: 1"),
        ("out/secret.yaml", b"secret: value"),
        ("out/folder/z.yaml", b"secret: value"),
    ]);
    let path = root.path();
    let link = |to: &str, at: &str| symlink(to, path.join("in").join(at)).expect("a link");
    link("/etc/passwd", "passwd.yaml");
    link("../out/secret.yaml", "file.yaml");
    link("../out/folder", "folder");
    link(".git/config", "hidden.yaml");
    link("..", "up");
    link("../../deep/er/y.yaml", "deep/er/same.yaml");
    link("deep/../x.yaml", "fine.yaml");
    let said = said(path, &load(&[path.join("in")]));
    assert!(!said.contains("secret"), "{said}");
    for name in ["passwd.yaml", "file.yaml", "folder", "hidden.yaml", "up"] {
        let fault = format!("link-outside the link `./in/{name}` leads out");
        assert!(said.contains(&fault), "{said}");
    }
    assert_eq!(said.matches("link-outside").count(), 5, "{said}");
}

#[test]
fn a_file_without_end_is_not_read() {
    let root = folder(&[]);
    let path = root.path().join("large.yaml");
    let file = fs::File::create(&path).expect("a file");
    // It has holes only, and takes no room on the disk.
    file.set_len(2 * 1024 * 1024 * 1024).expect("room");
    let start = std::time::Instant::now();
    let loaded = load(&[root.path().to_owned()]);
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(
        said(root.path(), &loaded),
        "\n- too-large `./large.yaml` is too large: a manifest may have 16 MiB, and all of them 128 MiB\n"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_an_error_at_the_byte() {
    let root = folder(&[
        ("a.yaml", b"version: 1\r\nn\xc3\xb6: \xff\xfe\n"),
        ("b.yaml", b"\xef\xbb\xbfversion: 2"),
    ]);
    assert_eq!(
        said(root.path(), &load(&[root.path().to_owned()])),
        "./a.yaml ./b.yaml
./a.yaml:2:5+1 not-utf8 the byte 0xff is not UTF-8 | save the file as UTF-8
./b.yaml:1:10+1 wrong-version `version` must be the number 1, not `2` | write `version: 1`
"
    );
}
