//! `validate`: what is wrong in manifests, and exactly where.
//!
//! Each folder below `fixtures/validate` is a case; its whole output stands in
//! `expected/validate`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::tenant::Tenant;
use super::support::{World, run_in_fixture};

fn check(case: &str, code: i32) {
    run_in_fixture(&format!("validate/{case}"), "validate .")
        .exits(code)
        .matches(&format!("validate/{case}"));
}

macro_rules! cases {
    ($code:literal: $($case:ident)*) => {
        $(#[test] fn $case() { check(stringify!($case), $code); })*
    };
}

mod is_valid {
    use super::check;
    cases!(0: valid);
}

mod is_invalid {
    use super::check;
    cases!(3: version keys selectors entries targets conflicts sets syntax several_files targets_only);
}

#[test]
fn every_fixture_is_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/fixtures/validate");
    let source = include_str!("validate.rs");
    let cases: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("cases!("))
        .flat_map(|line| line.split([' ', ':', ')']))
        .collect();
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let name = entry.expect("a folder").file_name();
        let name = name.to_str().expect("UTF-8");
        assert!(cases.contains(&name), "no test looks at `{name}`");
    }
}

#[test]
fn no_manifest_at_all() {
    let world = World::empty();
    world.write("folder/notes.txt", "");
    world
        .run("validate folder")
        .exits(3)
        .matches("validate/no_manifest");
    world
        .run("validate gone.yaml")
        .exits(3)
        .says(&["gone.yaml"]);
    world
        .run("validate")
        .exits(64)
        .says(&["no manifests are named"]);
    world.write("empty.yaml", "");
    world
        .run("validate empty.yaml")
        .exits(3)
        .says(&["empty.yaml:1:1"]);
}

#[test]
fn a_file_that_is_not_text() {
    let world = World::empty();
    std::fs::write(world.path("m.yaml"), b"version: 1\n# caf\xe9\n").expect("a file");
    world
        .run("validate m.yaml")
        .exits(3)
        .says(&["m.yaml:2:6", "UTF-8"]);
}

#[test]
fn a_bomb_of_aliases_is_refused_fast() {
    let world = World::empty();
    let mut text = "version: 1\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n".to_owned();
    for level in 1..12 {
        let uses = vec![format!("*x{}", level - 1); 9].join(", ");
        writeln!(text, "x{level}: &x{level} [{uses}]").expect("memory");
    }
    text.push_str("policies: *x11\n");
    world.write("m.yaml", &text);
    let start = Instant::now();
    world.run("validate m.yaml").exits(3).says(&["m.yaml:"]);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests");
    let world = World::empty();
    world
        .run(&format!("validate {}", folder.display()))
        .exits(0)
        .says(&["Valid: "]);
}

#[test]
fn json_holds_code_place_and_hint_of_each_error() {
    let world = World::empty();
    world.manifest(&["name: P, inclde: [], include: [group: A]", "nmae: Q"]);
    let ran = world.run("validate m.yaml --format json").exits(3);
    let told = ran.json();
    assert_eq!(told["valid"], false);
    assert_eq!(told["files"], 1);
    assert_eq!(
        told["diagnostics"],
        json!([
            {"severity": "error", "code": "unknown-key", "path": "m.yaml", "line": 3, "column": 40,
             "summary": "unknown key `inclde` in a policy entry", "hint": "did you mean `include`?"},
            {"severity": "error", "code": "unknown-key", "path": "m.yaml", "line": 4, "column": 31,
             "summary": "unknown key `nmae` in a policy entry", "hint": "did you mean `name`?"},
        ])
    );
    // Also the other places that belong to it.
    world.write(
        "m.yaml",
        "version: 1\ntargets:\n  pilot:\n    include: [group: A]\n  pilot:\n    include: [group: B]\npolicies:\n- {name: P, kind: configurationPolicy, use: [pilot]}\n",
    );
    let told = world.run("validate m.yaml --format json").exits(3).json();
    assert_eq!(
        told["diagnostics"][0]["related"],
        json!([{"path": "m.yaml", "line": 3, "column": 3, "message": "first here"}])
    );
    world.manifest(&["name: P"]);
    let told = world.run("validate m.yaml --format json").exits(0).json();
    assert_eq!(
        told,
        json!({"valid": true, "files": 1, "entries": 1, "diagnostics": []})
    );
}

#[test]
fn the_schema_that_is_checked_in_is_the_one_that_is_printed() {
    let ran = World::empty().run("schema").exits(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.json()["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.schema.json");
    let kept = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(ran.stdout, kept);
}

/// Beyond so many they are only counted.
#[test]
fn faults_without_end_are_not_said_to_be_fewer() {
    let world = World::with(&Tenant::common(), &[]);
    let faulty = "- {kind: compliancePolicy, name: ''}\n".repeat(600);
    world.write("m.yaml", &format!("version: 1\npolicies:\n{faulty}"));
    let ran = world.run("validate m.yaml").exits(3);
    ran.says(&["Invalid: more than 500 errors in 1 file."]);
}
