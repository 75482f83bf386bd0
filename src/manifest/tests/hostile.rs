//! Texts made to do harm, and texts made by chance: an answer at once, and never a panic.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::diagnostics::{Diagnostics, MOST_SHOWN};
use super::super::yaml::bounds::Budget;
use super::super::yaml::build::parse;
use super::super::{Loaded, read_texts};
use super::{check, read};
use crate::diagnostic::FileId;

const VALID: &str = r#"version: 1
targets:
  ring: &ring {include: [{group: A, filter: F, filterMode: exclude}], exclude: [groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]}
policies:
- &base
  kind: configurationPolicy
  name: P
  mode: additive
  use: [ring]
  include: [allDevices, {allUsers: true}, {collection: C, source: policySets, sourceId: x}]
- {<<: *base, name: Q}
---
version: 1
policies:
- kind: compliancePolicy
  match: "P*"
  except: ['x', "y"]
"#;

/// Reads a text, which must not take long, and returns the code of its only fault.
fn refused(text: &str) -> &'static str {
    let start = Instant::now();
    let loaded = read(&[text]);
    assert!(start.elapsed() < Duration::from_secs(5), "too slow");
    match loaded.diagnostics.as_slice() {
        [only] => only.code,
        several => panic!("{} faults: {:?}", several.len(), several.first()),
    }
}

#[test]
fn the_valid_one_is_valid() {
    assert_eq!(check(VALID), "");
}

#[test]
fn bombs_of_aliases_are_refused() {
    let mut lists = "version: 1\nx:\n- &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "policies:\n- &a0 {kind: compliancePolicy, name: P}\n".to_owned();
    for level in 1..40 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(lists, "- &a{level} [{before}]");
        let _ = writeln!(merges, "- &a{level} {{<<: [{before}]}}");
    }
    assert_eq!(refused(&lists), "too-many-aliases");
    // Merging is no bomb: however often, the keys stay the same.
    assert_eq!(refused(&merges), "missing-key");
}

#[test]
fn what_comes_after_a_bomb_is_read() {
    let mut text = "version: 1\nx:\n- &a0 [x]\n".to_owned();
    for level in 1..40 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(text, "- &a{level} [{before}]");
    }
    text += "---\nversion: 2\n";
    let codes: Vec<_> = read(&[&text])
        .diagnostics
        .iter()
        .map(|fault| fault.code)
        .collect();
    assert_eq!(codes, ["too-many-aliases", "wrong-version"]);
}

#[test]
fn depth_is_bounded() {
    for open in ["[", "{a: ", "- ", "? "] {
        assert_eq!(refused(&open.repeat(200_000)), "too-deep", "{open}");
    }
    let mut stacked = "- &a0 [x]\n".to_owned();
    for level in 1..1000 {
        let _ = writeln!(stacked, "- &a{level} [*a{}]", level - 1);
    }
    assert_eq!(refused(&stacked), "too-deep");
}

#[test]
fn values_and_documents_are_bounded() {
    let values = format!("version: 1\nx: [{}", "x,".repeat(2_100_000));
    assert_eq!(codes(&values), ["too-many-values"]);
    let documents = "---\nversion: 1\n".repeat(60_000);
    assert_eq!(codes(&documents), ["too-many-documents"]);
    // In many files as well, and reported once.
    let mut budget = Budget {
        values: 20,
        ..Budget::default()
    };
    let mut diagnostics = Diagnostics::default();
    for file in 0..4 {
        parse(
            FileId(file),
            "x: [1, 2, 3, 4, 5]",
            &mut diagnostics,
            &mut budget,
        );
    }
    let found = diagnostics.finish();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "too-many-values");
    assert_eq!(found[0].place.map(|place| place.file), Some(FileId(2)));
}

fn read_all(texts: impl Iterator<Item = String>) -> Loaded {
    let texts = texts.enumerate();
    read_texts(
        texts
            .map(|(number, text)| (format!("{number}.yaml"), text))
            .collect(),
    )
}

fn codes(text: &str) -> Vec<&'static str> {
    read(&[text])
        .diagnostics
        .iter()
        .map(|fault| fault.code)
        .collect()
}

#[test]
fn a_large_repository_is_read() {
    let entry = |number: usize| {
        format!(
            "- kind: compliancePolicy\n  name: Windows {number}\n  include:\n  - group: SG-Pilot-{number}\n    filter: Corporate Windows 11\n  exclude:\n  - group: SG-Breakglass\n"
        )
    };
    let mut large = "version: 1\npolicies:\n".to_owned();
    let mut number = 0;
    while large.len() < 10_000_000 {
        large += &entry(number);
        number += 1;
    }
    let loaded = read(&[&large]);
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifest.entries.len(), number);
    let loaded =
        read_all((0..5_000).map(|number| format!("version: 1\npolicies:\n{}", entry(number))));
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.manifest.entries.len(), 5_000);
}

#[test]
fn many_uses_of_a_large_set_are_refused() {
    let mut text = "version: 1\ntargets:\n  s:\n    include:\n".to_owned();
    for number in 0..2_000 {
        let _ = writeln!(text, "    - group: g{number}");
    }
    text += "policies:\n";
    for number in 0..1_000 {
        let _ = writeln!(
            text,
            "- {{kind: compliancePolicy, name: P{number}, use: [s]}}"
        );
    }
    assert_eq!(refused(&text), "too-many-targets");
}

#[test]
fn long_values_are_cut_in_messages() {
    let long = "x".repeat(1_000_000);
    let said = check(&format!(
        "version: 1\n{long}: 1\npolicies: [{{kind: '{long}'}}]\n"
    ));
    assert!(said.len() < 2_000, "{} bytes", said.len());
}

/// Returns how many faults were counted beyond those that are shown.
fn counted_beyond(loaded: &Loaded) -> usize {
    assert_eq!(loaded.diagnostics.len(), MOST_SHOWN + 1);
    let last = loaded.diagnostics.last().expect("faults");
    assert_eq!(last.code, "too-many-faults");
    let number = last.message.split(' ').nth(1).expect("a number");
    number.parse().expect("a number")
}

#[test]
fn faults_without_end_are_counted() {
    let keys: String = (0..200_000)
        .map(|number| format!("unknown{number}: 1\n"))
        .collect();
    // With the one that there is no entry.
    let loaded = read(&[&format!("version: 1\n{keys}")]);
    assert_eq!(counted_beyond(&loaded), 200_001 - MOST_SHOWN);
    // Two of each: the kind is unknown, and no policy is meant.
    let line = format!("version: 1\npolicies: [{}]", "{kind: x},".repeat(20_000));
    assert_eq!(counted_beyond(&read(&[&line])), 40_000 - MOST_SHOWN);
}

#[test]
fn each_target_contradicts_one_other_and_not_all() {
    let target = |number: usize| format!("{{group: g, filter: f{number}, filterMode: include}}");
    let mut alone =
        "version: 1\npolicies:\n- kind: compliancePolicy\n  name: n\n  include:\n".to_owned();
    let mut apart = "version: 1\npolicies:\n".to_owned();
    for number in 0..5_000 {
        let target = target(number);
        let _ = writeln!(alone, "  - {target}");
        let _ = writeln!(
            apart,
            "- {{kind: compliancePolicy, name: n, include: [{target}]}}"
        );
    }
    for text in [alone, apart] {
        assert_eq!(counted_beyond(&read(&[&text])), 4_999 - MOST_SHOWN);
    }
}

#[test]
fn thousands_of_unknown_sets_get_few_hints() {
    let mut text = "version: 1\ntargets:\n".to_owned();
    let mut entries = "policies:\n".to_owned();
    for number in 0..3_000 {
        let _ = writeln!(text, "  set-{number:05}: {{include: [allDevices]}}");
        let _ = writeln!(
            entries,
            "- {{kind: compliancePolicy, name: n{number}, use: [sat-{number:05}]}}"
        );
    }
    let loaded = read(&[&(text + &entries)]);
    assert_eq!(counted_beyond(&loaded), 3_000 - MOST_SHOWN);
    let hints = loaded.diagnostics.iter().filter(|fault| {
        let hint = fault.hint.as_deref().unwrap_or_default();
        hint.starts_with("did you mean")
    });
    let hints = hints.count();
    assert!((1..50).contains(&hints), "{hints}");
}

#[test]
fn a_glob_without_end_is_refused() {
    let long = "*a".repeat(501);
    for key in [
        format!("match: '{long}'"),
        format!("match: x, except: ['{long}']"),
    ] {
        let text = format!("version: 1\npolicies: [{{kind: compliancePolicy, {key}}}]\n");
        assert_eq!(refused(&text), "too-long");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        read(&[&text]);
    }

    #[test]
    fn any_yaml_like_text_is_answered(text in "([-\\[\\]{}:,?&*!|>'\"%@` \n\tax1~#]|<<|: |- |---\n|kind|version: 1\n){0,60}") {
        read(&[&text]);
    }

    #[test]
    fn a_damaged_manifest_is_answered(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, "[-\\[\\]{}:,&*!'\"\n a1~]{0,4}"), 1..4)
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, remove, insert) in cuts {
            let start = at.index(text.len() + 1);
            let end = (start + remove).min(text.len());
            text.splice(start..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        let loaded = read(&[&text]);
        // Each place is one that the text has, or right behind it.
        for fault in &loaded.diagnostics {
            if let Some(place) = fault.place {
                let lines = text.replace("\r\n", "\n").matches(['\n', '\r']).count() + 1;
                prop_assert!(place.line >= 1 && place.line <= lines);
                prop_assert!(place.column >= 1 && place.length >= 1);
            }
        }
    }
}
