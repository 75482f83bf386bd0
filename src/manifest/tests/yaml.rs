//! YAML itself: anchors, merge keys, tags, encodings, and places in odd texts.

use snapbox::{assert_data_eq, str};

use super::{check, read, table, wants};

#[test]
fn anchors_aliases_and_merge_keys() {
    let text = "version: 1
policies:
- &base
  kind: &kind configurationPolicy
  name: P
  include: &targets
  - &pilot {group: &name SG-Pilot, filter: f}
  - <<: *pilot
    group: Other
- <<: *base
  name: Q
- <<: [{mode: additive, kind: compliancePolicy}, *base]
  name: R
- {kind: *kind, name: *name, exclude: [group: *name]}
- {kind: *kind, name: S, include: *targets}
";
    assert_data_eq!(
        wants(&[text]),
        str![[r#"
a.yaml:4 configurationPolicy name P exact: +SG-Pilot [include f], +Other [include f]
a.yaml:10 configurationPolicy name Q exact: +SG-Pilot [include f], +Other [include f]
a.yaml:12 compliancePolicy name R additive: +SG-Pilot [include f], +Other [include f]
a.yaml:14 configurationPolicy name SG-Pilot exact: -SG-Pilot
a.yaml:15 configurationPolicy name S exact: +SG-Pilot [include f], +Other [include f]

"#]]
    );
}

#[test]
fn faults_of_aliases_and_merge_keys() {
    let cases = [
        "version: *one",
        "version: 1\npolicies: &p [*p]",
        "version: 1\npolicies: [{<<: x, kind: compliancePolicy, name: P}]",
        "version: 1\npolicies: [{<<: [x], kind: compliancePolicy, name: P}]",
        "version: 1\npolicies: [{<<: {kind: compliancePolicy}, <<: {name: P}}]",
        "version: 1\npolicies: [{<<: {knd: x}, kind: compliancePolicy, name: P}]",
        "version: 1\npolicies:\n- kind: compliancePolicy\n  match: *-suffix",
        "version: 1\npolicies:\n- kind: compliancePolicy\n  match: * - suffix",
        "version: 1\npolicies: [{kind: compliancePolicy, name: P, include: [group: *x]}]",
    ];
    assert_data_eq!(
        table(check, &cases),
        str![[r#"

<version: *one>
    1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
    1:10+4 unknown-alias no anchor `&one` before this alias | put text that starts with `*` in quotes

<version: 1
 policies: &p [*p]>
    2:15+2 recursive-alias this alias stands for a value that holds it

<version: 1
 policies: [{<<: x, kind: compliancePolicy, name: P}]>
    2:17+1 wrong-type `<<` takes a mapping, not `x` | write `<<: *anchor` or `<<: [*one, *other]`

<version: 1
 policies: [{<<: [x], kind: compliancePolicy, name: P}]>
    2:18+1 wrong-type `<<` takes a mapping, not `x` | write `<<: *anchor` or `<<: [*one, *other]`

<version: 1
 policies: [{<<: {kind: compliancePolicy}, <<: {name: P}}]>
    2:43+2 duplicate-key the key `<<` is defined twice |     2:18+4 merged first | merge several mappings with a list: `<<: [*one, *other]`

<version: 1
 policies: [{<<: {knd: x}, kind: compliancePolicy, name: P}]>
    2:18+3 unknown-key unknown key `knd` in a policy entry | did you mean `kind`?

<version: 1
 policies:
 - kind: compliancePolicy
   match: *-suffix>
    4:10+8 unknown-alias no anchor `&-suffix` before this alias | put text that starts with `*` in quotes

<version: 1
 policies:
 - kind: compliancePolicy
   match: * - suffix>
    4:10+1 syntax no name behind `*` or `&` | put text that starts with `*` or `&` in quotes

<version: 1
 policies: [{kind: compliancePolicy, name: P, include: [group: *x]}]>
    2:63+2 unknown-alias no anchor `&x` before this alias | put text that starts with `*` in quotes

"#]]
    );
}

#[test]
fn tags() {
    let cases = [
        "version: !!int 1\npolicies: !!seq [!!map {kind: !!str compliancePolicy, name: ! P}]",
        "version: !!str 1\npolicies: !foo []",
        "version: 1\npolicies: [!!python/object:os.system {name: P}, !x y]",
        "version: 1\npolicies: !!map []",
    ];
    assert_data_eq!(
        table(check, &cases),
        str![[r#"

<version: !!int 1
 policies: !!seq [!!map {kind: !!str compliancePolicy, name: ! P}]>

<version: !!str 1
 policies: !foo []>
    1:16+1 wrong-version `version` must be the number 1, not the text `1` | write `version: 1`
    2:11+4 unsupported-tag the tag `!foo` means nothing here | leave it out, or put text that starts with `!` in quotes

<version: 1
 policies: [!!python/object:os.system {name: P}, !x y]>
    2:12+25 unsupported-tag the tag `!!python/object:os.system` means nothing here | leave it out, or put text that starts with `!` in quotes
    2:49+2 unsupported-tag the tag `!x` means nothing here | leave it out, or put text that starts with `!` in quotes

<version: 1
 policies: !!map []>
    2:11+5 unsupported-tag the tag `!!map` means nothing here | leave it out, or put text that starts with `!` in quotes

"#]]
    );
}

#[test]
fn syntax() {
    let cases = [
        "version: 1\npolicies: [",
        "version: 1\n\tpolicies: []",
        "version: 1\n policies: []",
        "version: 1\npolicies:\n- name: 'P\n",
        "version: 1\npolicies: @x",
        "version: 1\npolicies: a: b",
        "version: 1\n---\nx: \u{7}",
        "%FOO\n",
        "%YAML 1.2\n---\nversion: 1\npolicies: [{kind: compliancePolicy, name: P}]\n...\n# end\n",
    ];
    assert_data_eq!(
        table(check, &cases),
        str![[r#"

<version: 1
 policies: [>
    2:11+1 syntax `[` is not closed

<version: 1
 /tpolicies: []>
    1:10+1 syntax while scanning a plain scalar, found a tab | indent with spaces

<version: 1
  policies: []>
    2:10+1 syntax `: ` is not allowed here | indent the keys of a mapping alike, or put text that holds `: ` in quotes

<version: 1
 policies:
 - name: 'P>
    3:9+1 syntax the quote is not closed

<version: 1
 policies: @x>
    2:11+1 syntax unexpected character `@` | put text that starts with this character in quotes

<version: 1
 policies: a: b>
    2:12+1 syntax `: ` is not allowed here | indent the keys of a mapping alike, or put text that holds `: ` in quotes

<version: 1
 ---
 x: /u{7}>
    3:4+1 syntax unexpected character `/u{7}`

<%FOO>
    2:1+1 syntax did not find expected <document start>

<%YAML 1.2
 ---
 version: 1
 policies: [{kind: compliancePolicy, name: P}]
 ...
 # end>

"#]]
    );
}

#[test]
fn places_count_characters() {
    let entry =
        "version: 1\r\npolicies:\r\n- {kind: compliancePolicy, name: \"Büro 👩‍💻\", nmae: x}\r\n";
    assert_data_eq!(
        check(entry),
        str![[r#"
a.yaml:3:46+4 unknown-key unknown key `nmae` in a policy entry | did you mean `name`?

"#]]
    );
    assert_eq!(check(&format!("\u{feff}{entry}")), check(entry));
    assert_eq!(check(&entry.replace("\r\n", "\r")), check(entry));
    // A mark before the first key, in a line of its own document.
    assert_data_eq!(
        check("\u{feff}vresion: 1"),
        str![[r#"
a.yaml:1:1+1 no-policies the manifests have no entry below `policies` | an entry with empty `include` means no assignment; no entry means nothing
a.yaml:1:1+7 unknown-key unknown key `vresion` in a manifest | did you mean `version`?

"#]]
    );
}

#[test]
fn several_documents_and_comments() {
    let text = format!(
        "{}---\nversion: 1\npolicies:\n{}- kind: compliancePolicy\n  name: P\n---\nversion: 1\n",
        "# comment\n".repeat(300),
        "  # comment\n".repeat(300),
    );
    assert_eq!(check(&text), "");
    assert_eq!(read(&[&text]).manifest.entries.len(), 1);
}
