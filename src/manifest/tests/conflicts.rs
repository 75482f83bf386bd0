//! Targets and entries that contradict each other.

use snapbox::{assert_data_eq, str};

use super::{check, check_entry, faults, read, table};

#[test]
fn the_same_target_with_different_filters() {
    let cases = [
        "include: [{group: a}, {group: A, filter: f}]",
        "include: [{group: a, filter: f}, {group: a, filter: g}]",
        "include: [{group: a, filter: f}, {group: a, filter: F, filterMode: exclude}]",
        "include: [{group: a, filter: f}, {group: a, filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}, {group: a, filter: g}]",
        "include: [allUsers, {allUsers: true, filter: f}, allDevices, {allDevices: true, filter: f}]",
        "include: [{collection: c}, {collection: c, filter: f}]",
        "include: [{groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}, {groupId: 6F1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, filter: f}]",
        "include: [{group: a, source: policySets}, {group: a, filter: f}]",
    ];
    assert_data_eq!(
        table(check_entry, &cases),
        str![[r#"

<include: [{group: a}, {group: A, filter: f}]>
    5:33+1 conflicting-filters the group `A` has different filters | filter `f`, mode `include` |     5:21+1 without a filter | give it the same filter in both places, or remove one

<include: [{group: a, filter: f}, {group: a, filter: g}]>
    5:44+1 conflicting-filters the group `a` has different filters | filter `g`, mode `include` |     5:21+1 filter `f`, mode `include` | give it the same filter in both places, or remove one

<include: [{group: a, filter: f}, {group: a, filter: F, filterMode: exclude}]>
    5:44+1 conflicting-filters the group `a` has different filters | filter `F`, mode `exclude` |     5:21+1 filter `f`, mode `include` | give it the same filter in both places, or remove one

<include: [{group: a, filter: f}, {group: a, filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}, {group: a, filter: g}]>
    5:104+1 conflicting-filters the group `a` has different filters | filter `g`, mode `include` |     5:21+1 filter `f`, mode `include` | give it the same filter in both places, or remove one

<include: [allUsers, {allUsers: true, filter: f}, allDevices, {allDevices: true, filter: f}]>
    5:24+8 conflicting-filters `allUsers` has different filters | filter `f`, mode `include` |     5:13+8 without a filter | give it the same filter in both places, or remove one
    5:65+10 conflicting-filters `allDevices` has different filters | filter `f`, mode `include` |     5:52+10 without a filter | give it the same filter in both places, or remove one

<include: [{collection: c}, {collection: c, filter: f}]>
    5:43+1 conflicting-filters the collection `c` has different filters | filter `f`, mode `include` |     5:26+1 without a filter | give it the same filter in both places, or remove one

<include: [{groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}, {groupId: 6F1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, filter: f}]>
    5:72+36 conflicting-filters the group `6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e` has different filters | filter `f`, mode `include` |     5:23+36 without a filter | give it the same filter in both places, or remove one

<include: [{group: a, source: policySets}, {group: a, filter: f}]>

"#]]
    );
}

#[test]
fn a_group_both_included_and_excluded() {
    let cases = [
        "include: [group: a]\nexclude: [group: A]",
        "exclude: [group: a]\ninclude: [{group: a, source: policySets}]",
        "include: [groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]\nexclude: [groupId: 6F1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]",
        "include: [collection: a]\nexclude: [group: a]",
    ];
    assert_data_eq!(
        table(check_entry, &cases),
        str![[r#"

<include: [group: a]
 exclude: [group: A]>
    6:20+1 included-and-excluded the group `A` is both included and excluded | excluded |     5:20+1 included | remove one of the two

<exclude: [group: a]
 include: [{group: a, source: policySets}]>
    6:21+1 included-and-excluded the group `a` is both included and excluded | included |     5:20+1 excluded | remove one of the two

<include: [groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]
 exclude: [groupId: 6F1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]>
    6:22+36 included-and-excluded the group `6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e` is both included and excluded | excluded |     5:22+36 included | remove one of the two

<include: [collection: a]
 exclude: [group: a]>

"#]]
    );
}

#[test]
fn between_an_entry_and_its_sets_and_between_sets() {
    let text = "version: 1
targets:
  one: {include: [group: a]}
  two: {exclude: [group: a]}
  odd: {include: [group: o], exclude: [group: o]}
policies:
- {kind: compliancePolicy, name: P, use: [one, two]}
- {kind: compliancePolicy, name: Q, use: [one, two]}
- {kind: compliancePolicy, name: R, use: [one], include: [{group: a, filter: f}]}
- {kind: compliancePolicy, name: S, use: [odd]}
- {kind: compliancePolicy, name: T, use: [odd]}
";
    assert_data_eq!(
        check(text),
        str![[r#"
a.yaml:4:26+1 included-and-excluded the group `a` is both included and excluded | excluded | a.yaml:3:26+1 included | a.yaml:7:43+3 comes in here | a.yaml:7:48+3 comes in here | remove one of the two
a.yaml:5:47+1 included-and-excluded the group `o` is both included and excluded | excluded | a.yaml:5:26+1 included | a.yaml:10:43+3 comes in here | remove one of the two
a.yaml:9:67+1 conflicting-filters the group `a` has different filters | filter `f`, mode `include` | a.yaml:3:26+1 without a filter | a.yaml:9:43+3 comes in here | give it the same filter in both places, or remove one

"#]]
    );
}

#[test]
fn between_entries_with_the_same_selector() {
    let loaded = read(&[
        "version: 1
policies:
- {kind: compliancePolicy, name: P, include: [group: a]}
- {kind: compliancePolicy, id: 6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, include: [group: a]}
- {kind: compliancePolicy, match: 'P*', except: [x, y], include: [group: a]}
- {kind: compliancePolicy, match: 'P*', except: [x], mode: additive, exclude: [group: a]}
- {kind: configurationPolicy, name: P, mode: additive, exclude: [group: a]}
",
        "version: 1
policies:
- {kind: compliancePolicy, name: P, exclude: [group: a]}
- {kind: compliancePolicy, id: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, include: [{group: a, filter: f}]}
- {kind: compliancePolicy, match: 'P*', except: [y, x], mode: additive, exclude: [group: a]}
",
    ]);
    assert_data_eq!(
        faults(&loaded),
        str![[r#"
b.yaml:3:54+1 included-and-excluded the group `a` is both included and excluded | excluded | a.yaml:3:54+1 included | remove one of the two
b.yaml:4:88+1 conflicting-filters the group `a` has different filters | filter `f`, mode `include` | a.yaml:4:87+1 without a filter | give it the same filter in both places, or remove one
b.yaml:5:63+8 conflicting-modes different modes for the policies `P*` | additive | a.yaml:5:4+4 exact | give both entries the same mode; one that names none is `exact`
b.yaml:5:90+1 included-and-excluded the group `a` is both included and excluded | excluded | a.yaml:5:74+1 included | remove one of the two

"#]]
    );
}

#[test]
fn different_modes() {
    let text = "version: 1
policies:
- {kind: compliancePolicy, name: P, mode: additive, include: [group: a]}
- {kind: compliancePolicy, name: P, mode: exact}
- {kind: compliancePolicy, name: P}
- {kind: compliancePolicy, name: Q, mode: additiv, include: [group: a]}
- {kind: compliancePolicy, name: Q, mode: additive, include: [group: a]}
";
    assert_data_eq!(
        check(text),
        str![[r#"
a.yaml:4:43+5 conflicting-modes different modes for the policy `P` | exact | a.yaml:3:43+8 additive | give both entries the same mode; one that names none is `exact`
a.yaml:5:4+4 conflicting-modes different modes for the policy `P` | exact | a.yaml:3:43+8 additive | give both entries the same mode; one that names none is `exact`
a.yaml:6:43+7 unknown-mode unknown mode `additiv` | did you mean `additive`?

"#]]
    );
}

#[test]
fn aliases_tell_one_line_apart() {
    let text = "version: 1
policies:
- kind: compliancePolicy
  name: P
  include: &all
  - group: &a A
  exclude: *all
- kind: compliancePolicy
  name: Q
  include: [group: *a]
  exclude: [group: *a]
- kind: compliancePolicy
  name: R
  include: [&t {group: T}]
  exclude: [*t]
";
    assert_data_eq!(
        check(text),
        str![[r#"
a.yaml:7:12+4 included-and-excluded the group `A` is both included and excluded | excluded | a.yaml:6:15+1 included | remove one of the two
a.yaml:11:20+2 included-and-excluded the group `A` is both included and excluded | excluded | a.yaml:10:20+2 included | remove one of the two
a.yaml:15:13+2 included-and-excluded the group `T` is both included and excluded | excluded | a.yaml:14:24+1 included | remove one of the two

"#]]
    );
}

#[test]
fn f22a_a_target_both_wanted_and_absent() {
    let cases = [
        "include: [group: a]\nabsent: [group: A]",
        "absent: [group: a]\nexclude: [group: a]",
        "include: [{allUsers: true, filter: f}]\nabsent: [allUsers]",
        "include: [{collection: c}, allDevices]\nabsent: [{collection: c}, {collection: c}, allDevices]",
        // A name and an id may be one group, which shows late.
        "include: [group: a]\nabsent: [groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]",
    ];
    let additive = |lines: &str| check_entry(&format!("mode: additive\n{lines}"));
    assert_data_eq!(
        table(additive, &cases),
        str![[r#"

<include: [group: a]
 absent: [group: A]>
    7:19+1 wanted-and-absent the group `a` is both wanted and absent | absent |     6:20+1 included | remove one of the two

<absent: [group: a]
 exclude: [group: a]>
    7:20+1 wanted-and-absent the group `a` is both wanted and absent | excluded |     6:19+1 absent | remove one of the two

<include: [{allUsers: true, filter: f}]
 absent: [allUsers]>
    7:12+8 wanted-and-absent `allUsers` is both wanted and absent | absent |     6:14+8 included | remove one of the two

<include: [{collection: c}, allDevices]
 absent: [{collection: c}, {collection: c}, allDevices]>
    7:25+1 wanted-and-absent the collection `c` is both wanted and absent | absent |     6:26+1 included | remove one of the two
    7:46+10 wanted-and-absent `allDevices` is both wanted and absent | absent |     6:30+10 included | remove one of the two

<include: [group: a]
 absent: [groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e]>

"#]]
    );
    // Between entries, and through a set.
    let loaded = read(&[
        "version: 1\ntargets:\n  s:\n    include:\n    - group: a\n",
        "version: 1\npolicies:\n- kind: compliancePolicy\n  match: P*\n  mode: additive\n  use: [s]\n- kind: compliancePolicy\n  match: P*\n  mode: additive\n  absent:\n  - group: a\n",
    ]);
    assert_data_eq!(
        faults(&loaded),
        str![[r#"
b.yaml:11:12+1 wanted-and-absent the group `a` is both wanted and absent | absent | a.yaml:5:14+1 included | b.yaml:6:9+1 comes in here | remove one of the two

"#]]
    );
}
