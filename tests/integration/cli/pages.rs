//! Pages that show commands: each `sh` block of the README, of `docs/usage.md` and of `docs/manifests.md` is run, in order, in a
//! fresh folder with the examples, and prints what the `text` block after it says. Pages with tables that
//! are made from the program's own.
//!
//! `<!-- file PATH -->` above a block makes the file that the reader is asked to save; a `sh` block below
//! `<!-- not run: WHY -->` is left out. `cargo run --` is the built program, and lines that test or install
//! the project are CI's.

#![cfg_attr(not(unix), allow(dead_code, reason = "blocks are run by a shell"))]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assignctl::graph::permissions::NEEDS;
use assignctl::kinds::{FilterRule, SingleRoute, TargetKind, Writing};
use assignctl::model::PolicyKind;
use assignctl::service::{ASSUMPTIONS, Assumption, Basis, Probe};
use serde_json::{Map, Value};

use super::support::World;

/// Stands for what a page leaves out.
const CUT: &str = "…";

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// One fenced block of a page.
struct Block<'p> {
    language: &'p str,
    /// The number of its first line.
    line: usize,
    /// The comments above it.
    notes: Vec<&'p str>,
    text: String,
}

impl Block<'_> {
    fn note(&self, begin: &str) -> Option<&str> {
        self.notes.iter().find_map(|note| note.strip_prefix(begin))
    }

    fn is_run(&self) -> bool {
        self.language == "sh" && self.note("not run: ").is_none()
    }
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut notes = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(page.lines()) {
        match (line.strip_prefix("```"), inside) {
            (Some(_), true) => inside = false,
            (Some(language), false) => {
                inside = true;
                blocks.push(Block {
                    language,
                    line: number,
                    notes: std::mem::take(&mut notes),
                    text: String::new(),
                });
            }
            (None, true) => {
                let block = blocks.last_mut().expect("a block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {
                let note = line.strip_prefix("<!-- ");
                notes.extend(note.and_then(|note| note.strip_suffix(" -->")));
            }
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
    for (index, block) in blocks.iter().enumerate() {
        if let Some(file) = block.note("file ") {
            world.write(file, &block.text);
        }
        if !block.is_run() {
            continue;
        }
        let number = block.line;
        let lines = block.text.lines();
        let lines = lines.filter(|line| {
            !["cargo test", "cargo install"]
                .iter()
                .any(|other| line.starts_with(other))
        });
        let script = lines.collect::<Vec<_>>().join("\n");
        let script = script.replace("cargo run -- ", "assignctl ");
        let output = Command::new("sh")
            .args(["-euc", &script])
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
        if let Some(next) = blocks.get(index + 1)
            && next.language == "text"
            && !is_shown(&printed, &next.text)
        {
            differences.push(format!("line {}: printed is\n{printed}{errors}", next.line));
        }
    }
    differences
}

#[cfg(unix)]
#[test]
fn the_page_on_usage_can_be_followed() {
    follow("docs/usage.md", 10);
}

#[cfg(unix)]
#[test]
fn the_readme_can_be_followed() {
    follow("README.md", 5);
}

#[cfg(unix)]
#[test]
fn the_page_on_manifests_can_be_followed() {
    follow("docs/manifests.md", 4);
}

/// Every key of the schema is explained, but for the settings of apps, which have Graph's names.
#[test]
fn the_pages_on_manifests_and_tenants_have_every_key() {
    let read = |name| fs::read_to_string(root(name)).expect("the page");
    let pages = read("docs/manifests.md") + &read("docs/tenants.md");
    let schema: Value = serde_json::from_str(&read("docs/manifest.schema.json")).expect("JSON");
    let objects = schema["$defs"].as_object().expect("an object").values();
    let objects = objects.flat_map(|object| {
        let forms = object["anyOf"].as_array().into_iter().flatten();
        std::iter::once(object).chain(forms)
    });
    let objects = objects.chain(std::iter::once(&schema));
    let properties = objects.filter_map(|object| object["properties"].as_object());
    let keys: BTreeSet<&String> = properties.flat_map(Map::keys).collect();
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        let named = [format!("`{key}`"), format!("{key}: ")];
        assert!(named.iter().any(|text| pages.contains(text)), "{key}");
    }
}

#[cfg(unix)]
fn follow(page: &str, fewest: usize) {
    let page = fs::read_to_string(root(page)).expect("the page");
    let runs = blocks(&page).iter().filter(|block| block.is_run()).count();
    assert!(runs >= fewest, "{runs}");
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
    made_into("docs/sign-in.md", "src/graph/permissions.rs", &table);
}

/// The table of kinds is made from the program's own.
#[test]
fn the_page_on_kinds_has_every_kind() {
    let rows: Vec<String> = PolicyKind::all().map(row).collect();
    let table = format!(
        "| kind | collection | permission | written by | not for | filters | types |\n|---|---|---|---|---|---|---|\n{}",
        rows.concat()
    );
    made_into("docs/kinds.md", "src/kinds", &table);
}

fn row(kind: PolicyKind) -> String {
    let spec = kind.spec();
    let family = spec.permissions.read();
    let family = family.trim_end_matches(".Read.All");
    let written = match spec.writing {
        Writing::Assign {
            single: SingleRoute::Works,
            ..
        } => "either",
        Writing::Assign { serial: true, .. } => "`assign`, one at a time",
        Writing::Assign { .. } => "`assign`",
        Writing::Single => "one by one",
        Writing::Update { .. } => "`update`",
    };
    let refused = spec.targets.refused.iter().map(|target| word(*target));
    let doubtful = spec.targets.doubtful.iter();
    let doubtful = doubtful.map(|target| format!("{}?", word(*target)));
    let mut not_for: Vec<String> = refused.map(str::to_owned).chain(doubtful).collect();
    if !spec.targets.special.is_empty() {
        not_for.push("by type".to_owned());
    }
    let filters = match spec.targets.filters {
        FilterRule::Devices => "devices",
        FilterRule::Apps => "apps",
        FilterRule::Unsupported => "none",
        FilterRule::Doubtful => "not certain",
    };
    let types = if spec.polymorphic { "yes" } else { "" };
    format!(
        "| `{kind}` | `{}` | `{family}` | {written} | {} | {filters} | {types} |\n",
        spec.collection,
        not_for.join(", "),
    )
}

fn word(target: TargetKind) -> &'static str {
    match target {
        TargetKind::AllDevices => "`allDevices`",
        TargetKind::AllUsers => "`allUsers`",
        TargetKind::Group => "`group`",
        TargetKind::Collection => "`collection`",
        TargetKind::ExclusionGroup => "`exclude`",
        TargetKind::Other => "others",
    }
}

/// The page on the service is made from the table of assumptions.
#[test]
fn the_page_on_the_service_has_every_assumption() {
    let made: Vec<String> = ASSUMPTIONS.iter().map(assumption).collect();
    made_into("docs/service.md", "src/service", &made.concat());
}

fn assumption(assumption: &Assumption) -> String {
    let Assumption {
        id,
        expected,
        basis,
        source,
        depends,
        fallback,
        matters,
        probe,
    } = assumption;
    let matters = match matters {
        true => "A write relies on it. ",
        false => "",
    };
    let basis = match basis {
        Basis::Certain => "certain",
        Basis::Likely => "likely",
        Basis::Unknown => "unknown",
    };
    let found_out = match probe {
        Probe::Read(how) => format!("by reading: {how}"),
        Probe::Write(how) => format!("by writing (`--try-writes`): {how}"),
        Probe::Never(why) => (*why).to_owned(),
    };
    format!(
        "### `{id}`\n\nExpected: {expected}.\n\n- How sure: {basis} ({source}).\n- What depends on it: {depends}. {matters}\n- If it does not hold: {fallback}.\n- How it is checked: {found_out}.\n\n"
    )
    .replace(" \n", "\n")
}

/// Compares a part of a page with what it is made of.
fn made_into(page: &str, source: &str, part: &str) {
    const END: &str = "<!-- end -->\n";
    let begin = format!("<!-- made from {source} -->\n");
    let path = root(page);
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(&begin).expect("a beginning");
    let (_, after) = rest.split_once(END).expect("an end");
    let made = format!("{before}{begin}{part}{END}{after}");
    let kept = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(made, kept);
}
