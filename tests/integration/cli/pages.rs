//! Pages that show commands: each `sh` block of `docs/usage.md` is run, in order, in a fresh folder with the
//! examples, and prints what the `text` block after it says. Pages with tables that are made from the
//! program's own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assignctl::graph::permissions::NEEDS;

use super::support::World;

/// Stands for what a page leaves out.
const CUT: &str = "…";

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the fenced blocks of a page: the language, the first line's number and the text.
fn blocks(page: &str) -> Vec<(&str, usize, String)> {
    let mut blocks: Vec<(&str, usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(page.lines()) {
        match (line.strip_prefix("```"), inside) {
            (Some(_), true) => inside = false,
            (Some(language), false) => {
                inside = true;
                blocks.push((language, number, String::new()));
            }
            (None, true) => {
                let (_, _, text) = blocks.last_mut().expect("a block");
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

/// Whether a text is as a page shows it: the same lines, but for those that are cut out.
fn is_shown(printed: &str, shown: &str) -> bool {
    let mut printed = printed.lines();
    let mut may_skip = false;
    for line in shown.lines() {
        if line == CUT {
            may_skip = true;
            continue;
        }
        let found = match may_skip {
            true => printed.any(|other| other == line),
            false => printed.next() == Some(line),
        };
        if !found {
            return false;
        }
        may_skip = false;
    }
    may_skip || printed.next().is_none()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// Runs the blocks of a page and returns what they say that is not so.
fn differences(page: &str) -> Vec<String> {
    let world = World::empty();
    copy(
        &root("examples/manifests"),
        &world.path("examples/manifests"),
    );
    let program = Path::new(env!("CARGO_BIN_EXE_assignctl"));
    let folder = program.parent().expect("a folder").display().to_string();
    let mut differences = Vec::new();
    let blocks = blocks(page);
    for (index, (language, number, script)) in blocks.iter().enumerate() {
        if *language != "sh" {
            continue;
        }
        let output = Command::new("sh")
            .args(["-euc", script])
            .current_dir(world.path("."))
            .env_clear()
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("HOME", world.path("."))
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            differences.push(format!("line {number}: {}\n{errors}", output.status));
        }
        if let Some(("text", number, shown)) = blocks.get(index + 1)
            && !is_shown(&printed, shown)
        {
            differences.push(format!("line {number}: printed is\n{printed}{errors}"));
        }
    }
    differences
}

#[cfg(unix)]
#[test]
fn the_page_on_usage_can_be_followed() {
    let page = fs::read_to_string(root("docs/usage.md")).expect("the page");
    let runs = blocks(&page)
        .iter()
        .filter(|(language, ..)| *language == "sh")
        .count();
    assert!(runs >= 10, "{runs}");
    let found = differences(&page);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_not_printed_is_not_shown() {
    for (printed, shown, expected) in [
        ("a\nb\nc\n", "a\nb\nc\n", true),
        ("a\nb\nc\n", "…\nc\n", true),
        ("a\nb\nc\n", "a\n…\n", true),
        ("a\nb\nc\n", "a\nc\n", false),
        ("a\nb\nc\n", "a\nb\n", false),
        ("a\nb\nc\n", "…\nb\n", false),
        ("a\n", "b\n", false),
    ] {
        assert_eq!(is_shown(printed, shown), expected, "{printed:?} {shown:?}");
    }
}

/// The table of permissions is made from what the commands ask for.
#[test]
fn the_page_on_sign_in_has_the_permissions() {
    const BEGIN: &str = "<!-- made from src/graph/permissions.rs -->\n";
    const END: &str = "<!-- end -->\n";
    let path = root("docs/sign-in.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("a beginning");
    let (_, after) = rest.split_once(END).expect("an end");
    let code = |name: &str| format!("`{name}`");
    let mut table = "| for | permission |\n|---|---|\n".to_owned();
    for need in NEEDS {
        let commands: Vec<String> = need.commands.iter().map(|name| code(name)).collect();
        let names = need
            .permissions
            .iter()
            .map(|permission| code(permission.name));
        let names: Vec<String> = names.collect();
        let (commands, names) = (commands.join(", "), names.join(" and "));
        writeln!(table, "| {commands} | {names} |").expect("memory");
    }
    let made = format!("{before}{BEGIN}{table}{END}{after}");
    let kept = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(made, kept);
}
