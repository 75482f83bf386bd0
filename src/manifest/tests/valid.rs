//! What is allowed, and what it means.

use snapbox::{assert_data_eq, str};

use super::super::{Glob, Placed, Selector};
use super::{read, wants};
use crate::diagnostic::{FileId, Place};

#[test]
fn an_entry_without_targets_wants_none() {
    let text = "version: 1\npolicies:\n- kind: configurationPolicy\n  name: P\n";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 configurationPolicy name P exact: nobody

"#]]
    );
    let text = "version: 1\npolicies:\n- {kind: compliancePolicy, id: 6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, include: [], exclude: [], use: []}\n";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 compliancePolicy id 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e exact: nobody

"#]]
    );
}

#[test]
fn the_example_of_the_contract() {
    let text = r#"
version: 1

targets:                       # target sets, visible in every file of the run
  pilot-ring:
    include:
      - group: SG-Intune-Pilot
    exclude:
      - group: SG-Intune-Exempt

policies:
  - kind: configurationPolicy
    name: Win - BitLocker      # exactly one of: name, id, match
    mode: exact                # exact (default): the manifest is the whole set; additive: never remove
    use: [pilot-ring]          # sets to merge in
    include:
      - allDevices: true
      - allUsers: true
        filter: Corporate Windows 11   # assignment filter by display name, or filterId: GUID
        filterMode: exclude            # include (default) or exclude
      - group: SG-Kiosk                # group display name
      - groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e
      - collection: MEM00012
    exclude:
      - group: SG-Breakglass           # an excluded group takes no filter

  - kind: compliancePolicy
    match: "Win - *"           # glob over display names: one entry, many policies
    except: ["Win - Legacy*"]
    use: [pilot-ring]
"#;
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:12 configurationPolicy name Win - BitLocker exact: allDevices, allUsers [exclude Corporate Windows 11], +SG-Kiosk, +#6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, collection MEM00012, -SG-Breakglass, +SG-Intune-Pilot, -SG-Intune-Exempt
a.yaml:27 compliancePolicy match Win - * except ["Win - Legacy*"] exact: +SG-Intune-Pilot, -SG-Intune-Exempt

"#]]
    );
}

#[test]
fn every_target_with_every_filter_and_source() {
    let text = "version: 1
policies:
- kind: configurationPolicy
  name: 12345
  mode: additive
  include:
  - allDevices
  - \"allUsers\"
  - {allDevices: True, source: policySets, filter: F}
  - {group: A, source: direct}
  - {group: b, filterId: 6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}
  - {collection: MEM1, filter: 12, filterMode: include}
  - {groupId: 6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, source: policySets}
  - {allUsers: TRUE, source: policySets, sourceId: set one, filter: no, filterMode: exclude}
  exclude:
  - groupId: 6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5f
";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 configurationPolicy name 12345 additive: allDevices, allUsers, allDevices [include F] <policySets any>, +A, +b [include #6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e], collection MEM1 [include 12], +#6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e <policySets any>, allUsers [exclude no] <policySets set one>, -#6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5f

"#]]
    );
}

#[test]
fn names_keep_their_spelling() {
    let text = "version: 1
policies:
- {kind: configurationPolicy, name: 1.10, include: [{group: 0012}, {group: no}, {group: true}, {group: 1e3}, {group: 'null'}, {group: ' a'}]}
- {kind: configurationPolicy, name: 2024-01-02, include: [group: !!str null, group: ! 12]}
- kind: configurationPolicy
  name: >-
    folded
    text
";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 configurationPolicy name 1.10 exact: +0012, +no, +true, +1e3, +null, + a
a.yaml:4 configurationPolicy name 2024-01-02 exact: +null, +12
a.yaml:5 configurationPolicy name folded text exact: nobody

"#]]
    );
}

#[test]
fn sets_are_visible_everywhere_and_united_once() {
    let one = "version: 1
policies:
- kind: configurationPolicy
  name: P
  use: [two, one, two]
  include: [group: a, group: b, group: A]
---
version: 1
targets:
  two: {include: [allUsers], exclude: [group: x]}
  none: {}
";
    let other = "version: 1\ntargets: {one: {include: [group: c, group: B], exclude: []}}\n";
    assert_data_eq!(
        wants(&[one, other]),
        str![[r#"
a.yaml:3 configurationPolicy name P exact: +a, +b, allUsers, -x, +c

"#]]
    );
}

#[test]
fn a_group_by_name_and_by_id_may_be_one_or_two() {
    let text = "version: 1
policies:
- kind: configurationPolicy
  name: P
  include:
  - {group: a, filter: f}
  - {groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}
  - {group: a, filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}
  - {group: a, source: policySets, sourceId: one}
  - {group: a, source: policySets, sourceId: two}
  exclude:
  - groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5f
";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 configurationPolicy name P exact: +a [include f], +#6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, +a [include #6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e], +a <policySets one>, +a <policySets two>, -#6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5f

"#]]
    );
}

#[test]
fn several_entries_may_select_one_policy() {
    let text = "version: 1
policies:
- {kind: configurationPolicy, name: P, include: [group: a]}
- {kind: configurationPolicy, name: P, include: [group: a, group: b]}
- {kind: compliancePolicy, name: P, mode: additive, include: [{group: a, filter: f}]}
- {kind: configurationPolicy, name: p, mode: additive, exclude: [group: a]}
";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:3 configurationPolicy name P exact: +a
a.yaml:4 configurationPolicy name P exact: +a, +b
a.yaml:5 compliancePolicy name P additive: +a [include f]
a.yaml:6 configurationPolicy name p additive: -a

"#]]
    );
}

#[test]
fn late_faults_find_the_line_that_names_the_target() {
    let text = "version: 1
targets:
  s:
    include:
    - allUsers: true
      filter: Büro
policies:
- kind: configurationPolicy
  name: P
  use: [s]
  mode: additive
  exclude:
  - group: 'SG-X'
";
    let loaded = read(&[text]);
    let entry = &loaded.manifest.entries[0];
    let at = |place: Place| (place.line, place.column, place.length);
    assert_eq!(at(entry.place), (8, 3, 4));
    assert_eq!(at(entry.mode_place), (11, 9, 8));
    assert_eq!(at(entry.selector.place()), (9, 9, 1));
    assert_eq!(at(entry.targets[0].place), (13, 12, 6));
    assert_eq!(at(entry.targets[1].place), (5, 7, 8));
    let filter = entry.targets[1].filter.as_ref().map(|filter| filter.place);
    assert_eq!(filter.map(at), Some((6, 15, 4)));
}

#[test]
fn globs_match_whole_names_and_except_leaves_some_out() {
    let glob = |text: &str| Placed {
        value: Glob::new(text),
        place: Place {
            file: FileId(0),
            line: 1,
            column: 1,
            length: 1,
        },
    };
    let cases: [(&str, &[&str], &str, bool); 9] = [
        ("*", &[], "", true),
        ("Win - *", &[], "Win - a/b", true),
        ("Win - *", &[], "win - a", false),
        ("Win - *", &["*b", "x"], "Win - a/b", false),
        ("?in", &[], "Win", true),
        ("?in", &[], "in", false),
        ("?ü", &[], "éü", true),
        ("[BASE]* {a}\\", &[], "[BASE] Win {a}\\", true),
        ("[BASE]", &[], "B", false),
    ];
    for (pattern, except, name, selected) in cases {
        let selector = Selector::Match {
            pattern: glob(pattern),
            except: except.iter().map(|text| glob(text)).collect(),
        };
        assert_eq!(
            Glob::new(pattern).matches(name) && !selector.excludes(name),
            selected,
            "{selector:?} {name}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn a_glob_matches_what_the_library_matches(glob in "[aбA*? ]{0,7}", name in "[aбA*? ]{0,9}") {
        let expected = wildmatch::WildMatch::new(&glob).matches(&name);
        proptest::prop_assert_eq!(Glob::new(glob).matches(&name), expected);
    }
}
