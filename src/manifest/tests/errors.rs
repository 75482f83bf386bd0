//! What is refused, with its code, its place and its hint.

use snapbox::{assert_data_eq, str};

use super::{check, check_entry, faults, read, read_texts, table};

#[test]
fn nothing_at_all() {
    assert_data_eq!(
        faults(&read_texts(Vec::new())),
        str![[r#"
- no-manifest no manifest was given | name the files and folders to read

"#]]
    );
    assert_data_eq!(
        table(check, &["", "# only a comment\n", "---\n", "version: 1\n"]),
        str![[r#"

<>
    1:1+1 missing-key the key `version` is missing | start every document with `version: 1`
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing

<# only a comment>
    1:1+1 missing-key the key `version` is missing | start every document with `version: 1`
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing

<--->
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    1:1+3 missing-key the key `version` is missing | start every document with `version: 1`

<version: 1>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing

"#]]
    );
}

#[test]
fn every_document_needs_its_version() {
    let entry = "policies: [{kind: compliancePolicy, name: P}]";
    let cases = [
        "",
        "version: 2",
        "version: \"1\"",
        "version: 1.0",
        "version:",
        "version: [1]",
        "versoin: 1",
        "version: 1\n---",
    ];
    let cases: Vec<String> = cases
        .iter()
        .map(|version| format!("{entry}\n{version}"))
        .collect();
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    assert_data_eq!(
        table(check, &cases),
        str![[r#"

<policies: [{kind: compliancePolicy, name: P}]>
    1:1+8 missing-key the key `version` is missing | start every document with `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 version: 2>
    2:10+1 wrong-version `version` must be the number 1, not `2` | write `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 version: "1">
    2:10+3 wrong-version `version` must be the number 1, not the text `1` | write `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 version: 1.0>
    2:10+3 wrong-version `version` must be the number 1, not `1.0` | write `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 version:>
    2:1+7 wrong-type `version` must be the number 1, not nothing | write `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 version: [1]>
    2:10+1 wrong-type `version` must be the number 1, not a list | write `version: 1`

<policies: [{kind: compliancePolicy, name: P}]
 versoin: 1>
    2:1+7 unknown-key unknown key `versoin` in a manifest | did you mean `version`?

<policies: [{kind: compliancePolicy, name: P}]
 version: 1
 --->
    3:1+3 missing-key the key `version` is missing | start every document with `version: 1`

"#]]
    );
}

#[test]
fn documents_and_sets() {
    let cases = [
        "- version: 1",
        "text",
        "version: 1\npolicys: []",
        "version: 1\npolicies:",
        "version: 1\npolicies: {}",
        "version: 1\npolicies: [P, ~, []]",
        "version: 1\ntargets: []",
        "version: 1\ntargets: {s: , '': {}}",
        "version: 1\ntargets: {s: {inclde: [], use: [s]}}",
        "version: 1\ntargets: {s: {include: [grp: a, {group: a, filterMode: include}]}}",
        "version: 1\nversion: 1\n1: 2\n[a]: 2",
        "version: 1\ntargets:\n  s: {}\n  s: {}",
        "version: 1\ntargets: {s: {}}\n---\nversion: 1\ntargets: {s: {}}",
    ];
    assert_data_eq!(
        table(check, &cases),
        str![[r#"

<- version: 1>
    1:1+1 wrong-type a manifest must be a mapping, not a list | its keys are `version`, `vars`, `tenants`, `targets` and `policies`

<text>
    1:1+4 wrong-type a manifest must be a mapping, not `text` | its keys are `version`, `vars`, `tenants`, `targets` and `policies`

<version: 1
 policys: []>
    2:1+7 unknown-key unknown key `policys` in a manifest | did you mean `policies`?

<version: 1
 policies:>
    2:1+8 wrong-type `policies` must be a list, not nothing | list the entries below it, each starting with `- `

<version: 1
 policies: {}>
    2:11+1 wrong-type `policies` must be a list, not a mapping | start each of its parts with `- `

<version: 1
 policies: [P, ~, []]>
    2:12+1 wrong-type a policy entry must be a mapping, not `P` | its keys are `kind`, `name` and 15 others (see `assignctl schema`)
    2:15+1 wrong-type a policy entry must be a mapping, not nothing | its keys are `kind`, `name` and 15 others (see `assignctl schema`)
    2:18+1 wrong-type a policy entry must be a mapping, not a list | its keys are `kind`, `name` and 15 others (see `assignctl schema`)

<version: 1
 targets: []>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    2:10+1 wrong-type `targets` must be a mapping, not a list | write each set as `name:` with `include` and `exclude` below it

<version: 1
 targets: {s: , '': {}}>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    2:11+1 wrong-type the target set `s` must be a mapping, not nothing | its keys are `include` and `exclude`
    2:16+2 empty-value the name of a target set must not be empty

<version: 1
 targets: {s: {inclde: [], use: [s]}}>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    2:15+6 unknown-key unknown key `inclde` in the target set `s` | did you mean `include`?
    2:27+3 unknown-key unknown key `use` in the target set `s` | use `include` or `exclude`

<version: 1
 targets: {s: {include: [grp: a, {group: a, filterMode: include}]}}>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    2:25+3 unknown-key unknown key `grp` in a target | use `allDevices`, `allUsers` or 15 others (see `assignctl schema`)
    2:44+10 filter-mode-without-filter `filterMode` without a filter | add `filter` or `filterId`, or remove `filterMode`

<version: 1
 version: 1
 1: 2
 [a]: 2>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    2:1+7 duplicate-key the key `version` is defined twice |     1:1+7 first here
    3:1+1 unknown-key unknown key `1` in a manifest | use `version`, `vars`, `tenants`, `targets` or `policies`
    4:1+1 wrong-type a key must be text, not a list

<version: 1
 targets:
   s: {}
   s: {}>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    4:3+1 duplicate-key the key `s` is defined twice |     3:3+1 first here

<version: 1
 targets: {s: {}}
 ---
 version: 1
 targets: {s: {}}>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    5:11+1 duplicate-target-set the target set `s` is defined twice |     2:11+1 first here | target sets are visible in every file; rename one of them

"#]]
    );
}

#[test]
fn sets_in_two_files() {
    let loaded = read(&[
        "version: 1\ntargets: {s: {}}\npolicies: [{kind: compliancePolicy, name: P, use: [s, S]}]",
        "version: 1\ntargets: {s: {}}\n",
    ]);
    assert_data_eq!(
        faults(&loaded),
        str![[r#"
a.yaml:3:55+1 unknown-target-set unknown target set `S` | did you mean `s`?
b.yaml:2:11+1 duplicate-target-set the target set `s` is defined twice | a.yaml:2:11+1 first here | target sets are visible in every file; rename one of them

"#]]
    );
}

#[test]
fn entries_without_kind_or_selector() {
    let cases = [
        "{}",
        "{name: P}",
        "{knd: compliancePolicy, name: P}",
        "{kind: compliancepolicy, name: P}",
        "{kind: firewallRule, name: P}",
        "{kind: , name: P}",
        "{kind: compliancePolicy}",
        "{kind: compliancePolicy, nmae: P}",
        "{kind: compliancePolicy, displayName: P}",
        "{kind: compliancePolicy, name: P, id: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
        "{kind: compliancePolicy, name: P, id: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, match: y}",
        "{kind: compliancePolicy, name: }",
        "{kind: compliancePolicy, name: ''}",
        "{kind: compliancePolicy, id: ' '}",
        "{kind: compliancePolicy, match: '', except: ['']}",
        "{kind: compliancePolicy, match: [a], except: a}",
        "{kind: compliancePolicy, match: a, except: 'a - *'}",
        "{kind: compliancePolicy, name: P, except: []}",
        "{kind: compliancePolicy, except: [a]}",
    ];
    let said = |entry: &str| check(&format!("version: 1\npolicies:\n- {entry}\n"));
    assert_data_eq!(
        table(said, &cases),
        str![[r#"

<{}>
    3:3+1 missing-key the key `kind` is missing | the kinds are `configurationPolicy`, `compliancePolicy` and 30 others (see `assignctl schema`)
    3:3+1 no-selector the entry does not say which policies it means | add `name`, `id` or `match`

<{name: P}>
    3:4+4 missing-key the key `kind` is missing | the kinds are `configurationPolicy`, `compliancePolicy` and 30 others (see `assignctl schema`)

<{knd: compliancePolicy, name: P}>
    3:4+3 unknown-key unknown key `knd` in a policy entry | did you mean `kind`?

<{kind: compliancepolicy, name: P}>
    3:10+16 unknown-kind unknown kind `compliancepolicy` | did you mean `compliancePolicy`?

<{kind: firewallRule, name: P}>
    3:10+12 unknown-kind unknown kind `firewallRule` | use `configurationPolicy`, `compliancePolicy` or 30 others (see `assignctl schema`)

<{kind: , name: P}>
    3:4+4 wrong-type `kind` must be text, not nothing

<{kind: compliancePolicy}>
    3:4+4 no-selector the entry does not say which policies it means | add `name`, `id` or `match`

<{kind: compliancePolicy, nmae: P}>
    3:28+4 unknown-key unknown key `nmae` in a policy entry | did you mean `name`?

<{kind: compliancePolicy, displayName: P}>
    3:4+4 no-selector the entry does not say which policies it means | add `name`, `id` or `match`
    3:28+11 unknown-key unknown key `displayName` in a policy entry | did you mean `name`?

<{kind: compliancePolicy, name: P, id: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}>
    3:37+2 several-selectors an entry takes exactly one of `name`, `id` and `match` |     3:28+4 the first | keep one, or write several entries

<{kind: compliancePolicy, name: P, id: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e, match: y}>
    3:37+2 several-selectors an entry takes exactly one of `name`, `id` and `match` |     3:28+4 the first |     3:79+5 another | keep one, or write several entries

<{kind: compliancePolicy, name: }>
    3:28+4 wrong-type `name` must be text, not nothing

<{kind: compliancePolicy, name: ''}>
    3:34+2 empty-value `name` must not be empty

<{kind: compliancePolicy, id: ' '}>
    3:32+3 empty-value `id` must not be empty

<{kind: compliancePolicy, match: '', except: ['']}>
    3:35+2 empty-value `match` must not be empty
    3:48+2 empty-value `except` must not be empty

<{kind: compliancePolicy, match: [a], except: a}>
    3:35+1 wrong-type `match` must be text, not a list
    3:48+1 wrong-type `except` must be a list, not `a` | write `except: [a]`

<{kind: compliancePolicy, match: a, except: 'a - *'}>
    3:46+7 wrong-type `except` must be a list, not the text `a - *` | write `except: ["a - *"]`

<{kind: compliancePolicy, name: P, except: []}>
    3:37+6 except-without-match `except` without `match` | add `match`, or remove `except`

<{kind: compliancePolicy, except: [a]}>
    3:4+4 no-selector the entry does not say which policies it means | add `name`, `id` or `match`
    3:28+6 except-without-match `except` without `match` | add `match`, or remove `except`

"#]]
    );
}

#[test]
fn the_rest_of_an_entry() {
    let cases = [
        "mode: exakt",
        "mode: merge",
        "mode:",
        "mode: additive",
        "use: pilot",
        "use: [pilot]",
        "use: ['', [], ~]",
        "include:",
        "include: allDevices",
        "include: {group: a}",
        "exclude: ~",
        "assignments: []",
        "inclde: []",
        "name: Q",
    ];
    assert_data_eq!(
        table(check_entry, &cases),
        str![[r#"

<mode: exakt>
    5:9+5 unknown-mode unknown mode `exakt` | did you mean `exact`?

<mode: merge>
    5:9+5 unknown-mode unknown mode `merge` | use `exact` or `additive`

<mode:>
    5:3+4 wrong-type `mode` must be text, not nothing

<mode: additive>
    3:3+4 nothing-to-do an additive entry without targets does nothing | add targets, or remove the entry; `mode: exact` means no assignment

<use: pilot>
    5:8+5 wrong-type `use` must be a list, not `pilot` | write `use: [pilot]`

<use: [pilot]>
    5:9+5 unknown-target-set unknown target set `pilot` | define it below `targets`, in any file of the run

<use: ['', [], ~]>
    5:9+2 empty-value `use` must not be empty
    5:13+1 wrong-type `use` must be text, not a list
    5:17+1 wrong-type `use` must be text, not nothing

<include:>
    5:3+7 wrong-type `include` must be a list, not nothing | write `include: []` for none

<include: allDevices>
    5:12+10 wrong-type `include` must be a list, not `allDevices` | write `include: [allDevices]`

<include: {group: a}>
    5:13+5 wrong-type `include` must be a list, not a mapping | start each of its parts with `- `

<exclude: ~>
    5:12+1 wrong-type `exclude` must be a list, not nothing | write `exclude: []` for none

<assignments: []>
    5:3+11 unknown-key unknown key `assignments` in a policy entry | list the targets below `include` and `exclude`

<inclde: []>
    5:3+6 unknown-key unknown key `inclde` in a policy entry | did you mean `include`?

<name: Q>
    5:3+4 duplicate-key the key `name` is defined twice |     4:3+4 first here

"#]]
    );
}

#[test]
fn all_faults_of_all_files_are_told_in_one_run() {
    let loaded = read(&[
        "version: 2\npolicies:\n- {kind: x, nam: P, include: [grup: a, group: b], use: [s], exclude: [group: B]}\n",
        "policies:\n- {name: P}\n---\nversion: 1\n\tbroken: [\n",
        "version: 1\npolicies:\n- {kind: compliancePolicy, name: P, use: [t], exclude: [allUsers]}\n",
    ]);
    assert_data_eq!(
        faults(&loaded),
        str![[r#"
a.yaml:1:10+1 wrong-version `version` must be the number 1, not `2` | write `version: 1`
a.yaml:3:10+1 unknown-kind unknown kind `x` | use `configurationPolicy`, `compliancePolicy` or 30 others (see `assignctl schema`)
a.yaml:3:13+3 unknown-key unknown key `nam` in a policy entry | did you mean `name`?
a.yaml:3:31+4 unknown-key unknown key `grup` in a target | did you mean `group`?
a.yaml:3:57+1 unknown-target-set unknown target set `s` | a part that could not be read may define it
a.yaml:3:78+1 included-and-excluded the group `B` is both included and excluded | excluded | a.yaml:3:47+1 included | remove one of the two
b.yaml:1:1+8 missing-key the key `version` is missing | start every document with `version: 1`
b.yaml:2:4+4 missing-key the key `kind` is missing | the kinds are `configurationPolicy`, `compliancePolicy` and 30 others (see `assignctl schema`)
b.yaml:4:10+1 syntax while scanning a plain scalar, found a tab | indent with spaces
c.yaml:3:43+1 unknown-target-set unknown target set `t` | a part that could not be read may define it
c.yaml:3:57+8 exclude-not-group `allUsers` cannot be excluded; only groups can | list `group` or `groupId` below `exclude`

"#]]
    );
}

#[test]
fn what_is_wrong_in_a_set_is_told_once() {
    let text = "version: 1
targets:
  s: {include: [groupId: x], exclude: []}
policies:
- {kind: compliancePolicy, name: P, use: [s]}
- {kind: compliancePolicy, name: Q, use: [s], mode: additive}
";
    assert_data_eq!(
        check(text),
        str![[r#"
a.yaml:3:26+1 bad-guid `groupId` must be a GUID, not `x` | use `group` for a display name

"#]]
    );
}

#[test]
fn a_thousand_faults_are_cut() {
    let text = format!("version: 1\npolicies: [{}]", "x, ".repeat(1000));
    let loaded = read(&[&text]);
    assert_eq!(loaded.diagnostics.len(), 501);
    let last = loaded.diagnostics.last().map(|fault| &*fault.message);
    assert_eq!(last, Some("and 500 more, not shown"));
}

/// What is no manifest at all may be a secret from its first character on.
#[test]
fn a_wrong_value_is_quoted_briefly() {
    let text = "abcdefghijklmnopqrstuvwxyz".repeat(3);
    for wrong in [
        text.clone(),
        format!("version: {text}"),
        format!("version: 1\npolicies: {text}"),
    ] {
        let loaded = read(&[&wrong]);
        let said = loaded
            .diagnostics
            .iter()
            .any(|fault| fault.message.ends_with("`abcdefghijklmnopqrst…`"));
        assert!(said, "{:?}", loaded.diagnostics);
        let tells = |fault: &crate::diagnostic::Diagnostic| {
            let hint = fault.hint.as_deref().unwrap_or_default();
            fault.message.contains("qrstu") || hint.contains("qrstu")
        };
        assert!(
            !loaded.diagnostics.iter().any(tells),
            "{:?}",
            loaded.diagnostics
        );
    }
}
