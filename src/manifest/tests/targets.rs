//! Targets that are refused, with their codes, places and hints.

use snapbox::{assert_data_eq, str};

use super::{check, check_entry, check_target, table};
use crate::model::PolicyKind;

#[test]
fn included_targets() {
    let cases = [
        "allDevices: false",
        "allDevices:",
        "allUsers: yes",
        "allUsers: \"true\"",
        "allUsers: [true]",
        "alldevices",
        "everybody",
        "group",
        "[]",
        "",
        "grup: a",
        "device: a",
        "exclusionGroup: a",
        "{}",
        "filter: f",
        "{group: a, groupId: b}",
        "{group: a, allUsers: true, collection: c}",
        "group: ''",
        "group: [a]",
        "collection:",
        "groupId: SG-Pilot",
        "groupId: '{6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}'",
        "{group: a, filter: f, filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
        "{group: a, filterId: f}",
        "{group: a, filter: }",
        "{group: a, filterMode: include}",
        "{group: a, fliter: f, filterMode: include}",
        "{group: a, filter: f, filterMode: exlude}",
        "{group: a, filter: f, filterMode: none}",
        "{group: a, source: policysets}",
        "{group: a, source: other}",
        "{group: a, sourceId: x}",
        "{group: a, source: direct, sourceId: x}",
        "{group: a, source: policySets, sourceId: ''}",
    ];
    assert_data_eq!(
        table(check_target, &cases),
        str![[r#"

<allDevices: false>
    6:17+5 false-target `allDevices: false` means nothing | leave the target out

<allDevices:>
    6:5+10 wrong-type `allDevices` must be `true`, not nothing | write `- allDevices` or `- allDevices: true`

<allUsers: yes>
    6:15+3 wrong-type `allUsers` must be `true`, not `yes` | write `- allUsers` or `- allUsers: true`

<allUsers: "true">
    6:15+6 wrong-type `allUsers` must be `true`, not the text `true` | write `- allUsers` or `- allUsers: true`

<allUsers: [true]>
    6:15+1 wrong-type `allUsers` must be `true`, not a list | write `- allUsers` or `- allUsers: true`

<alldevices>
    6:5+10 unknown-target unknown target `alldevices` | did you mean `allDevices`?

<everybody>
    6:5+9 unknown-target unknown target `everybody` | a group is written `- group: NAME`

<group>
    6:5+5 unknown-target unknown target `group` | write `- group: …`

<[]>
    6:5+1 wrong-type a target must be a mapping, not a list | write `- group: NAME`, `- allDevices` or `- allUsers`

<>
    6:5+1 wrong-type a target must be a mapping, not nothing | write `- group: NAME`, `- allDevices` or `- allUsers`

<grup: a>
    6:5+4 unknown-key unknown key `grup` in a target | did you mean `group`?

<device: a>
    6:5+6 unknown-key unknown key `device` in a target | use `allDevices`, `allUsers` or 15 others (see `assignctl schema`)

<exclusionGroup: a>
    6:5+14 unknown-key unknown key `exclusionGroup` in a target | list the group as `- group:` below `exclude`

<{}>
    6:5+1 no-target the target names no group or audience | add `group`, `groupId`, `collection`, `allDevices` or `allUsers`

<filter: f>
    6:5+6 no-target the target names no group or audience | add `group`, `groupId`, `collection`, `allDevices` or `allUsers`

<{group: a, groupId: b}>
    6:16+7 several-targets a target names one group, collection or all |     6:6+5 the first | start another target with `- `

<{group: a, allUsers: true, collection: c}>
    6:16+8 several-targets a target names one group, collection or all |     6:6+5 the first |     6:32+10 another | start another target with `- `

<group: ''>
    6:12+2 empty-value `group` must not be empty

<group: [a]>
    6:12+1 wrong-type `group` must be text, not a list

<collection:>
    6:5+10 wrong-type `collection` must be text, not nothing

<groupId: SG-Pilot>
    6:14+8 bad-guid `groupId` must be a GUID, not `SG-Pilot` | use `group` for a display name

<groupId: '{6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}'>
    6:14+40 bad-guid `groupId` must be a GUID, not `{6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}` | write `6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`

<{group: a, filter: f, filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}>
    6:27+8 several-filters a target takes one filter, by name or by id |     6:16+6 the first | keep `filter` or `filterId`

<{group: a, filterId: f}>
    6:26+1 bad-guid `filterId` must be a GUID, not `f` | use `filter` for a display name

<{group: a, filter: }>
    6:16+6 wrong-type `filter` must be text, not nothing

<{group: a, filterMode: include}>
    6:16+10 filter-mode-without-filter `filterMode` without a filter | add `filter` or `filterId`, or remove `filterMode`

<{group: a, fliter: f, filterMode: include}>
    6:16+6 unknown-key unknown key `fliter` in a target | did you mean `filter`?

<{group: a, filter: f, filterMode: exlude}>
    6:39+6 unknown-filter-mode unknown filterMode `exlude` | did you mean `exclude`?

<{group: a, filter: f, filterMode: none}>
    6:39+4 unknown-filter-mode unknown filterMode `none` | leave the filter out

<{group: a, source: policysets}>
    6:24+10 unknown-source unknown source `policysets` | did you mean `policySets`?

<{group: a, source: other}>
    6:24+5 unknown-source unknown source `other` | use `direct` or `policySets`

<{group: a, sourceId: x}>
    6:16+8 source-id-without-source `sourceId` without `source` | add `source: policySets`, or remove `sourceId`

<{group: a, source: direct, sourceId: x}>
    6:32+8 source-id-with-direct `sourceId` names a policy set, but the source is `direct` |     6:24+6 the source | write `source: policySets`, or remove `sourceId`

<{group: a, source: policySets, sourceId: ''}>
    6:46+2 empty-value `sourceId` must not be empty

"#]]
    );
}

#[test]
fn excluded_targets() {
    let said = |target: &str| check_entry(&format!("exclude:\n- {target}"));
    let cases = [
        "allDevices",
        "allUsers: true",
        "collection: c",
        "{}",
        "{group: a, filter: f, filterMode: include}",
        "{group: a, source: policySets, sourceId: x}",
        "{group: a, groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
        "grop: a",
        "~",
    ];
    assert_data_eq!(
        table(said, &cases),
        str![[r#"

<allDevices>
    6:5+10 exclude-not-group `allDevices` cannot be excluded; only groups can | list `group` or `groupId` below `exclude`

<allUsers: true>
    6:5+8 exclude-not-group `allUsers` cannot be excluded; only groups can | list `group` or `groupId` below `exclude`

<collection: c>
    6:5+10 exclude-not-group `collection` cannot be excluded; only groups can | list `group` or `groupId` below `exclude`

<{}>
    6:5+1 no-target the target names no group or audience | add `group` or `groupId`

<{group: a, filter: f, filterMode: include}>
    6:16+6 filter-on-exclusion an excluded group takes no filter | remove `filter`
    6:27+10 filter-on-exclusion an excluded group takes no filter | remove `filterMode`

<{group: a, source: policySets, sourceId: x}>
    6:16+6 source-on-exclusion an excluded group takes no source | remove `source`
    6:36+8 source-on-exclusion an excluded group takes no source | remove `sourceId`

<{group: a, groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}>
    6:16+7 several-targets a target names one group, collection or all |     6:6+5 the first | start another target with `- `

<grop: a>
    6:5+4 unknown-key unknown key `grop` in an excluded target | did you mean `group`?

<~>
    6:5+1 wrong-type a target must be a mapping, not nothing | write `- group: NAME`, `- allDevices` or `- allUsers`

"#]]
    );
}

#[test]
fn f21_ids_and_names_in_each_others_place() {
    let cases = [
        "group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e",
        "group: '{6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}'",
        "{group: a, filter: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
        "groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9",
        "groupId: ADADADAD-808e-44e2-905a-0b7873a8a531",
        "groupId: 00000000-0000-0000-0000-000000000000",
        "{group: a, filterId: 00000000-0000-0000-0000-000000000000}",
        "{group: a, filterId: 00000000-0000-0000-0000-000000000000, filterMode: none}",
        "{allUsers: true, filter: f, filterMode: None}",
        // Not quite GUIDs: names.
        "group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5",
        "group: All Users",
        "{group: All Users, fliter: F}",
    ];
    assert_data_eq!(
        table(check_target, &cases),
        str![[r#"

<group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e>
    6:12+36 guid-as-name `group` takes a display name, not a GUID | write `groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`

<group: '{6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}'>
    6:12+40 guid-as-name `group` takes a display name, not a GUID | write `groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`

<{group: a, filter: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}>
    6:24+36 guid-as-name `filter` takes a display name, not a GUID | write `filterId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`

<groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9>
    6:14+36 virtual-group `acacacac-9df4-4c7d-9d50-4ef0226f57a9` is not a group: it stands for all users | write `- allUsers`

<groupId: ADADADAD-808e-44e2-905a-0b7873a8a531>
    6:14+36 virtual-group `adadadad-808e-44e2-905a-0b7873a8a531` is not a group: it stands for all devices | write `- allDevices`

<groupId: 00000000-0000-0000-0000-000000000000>
    6:14+36 zero-guid the zero GUID is not a group's | name the group by `group`, or by its own id

<{group: a, filterId: 00000000-0000-0000-0000-000000000000}>
    6:26+36 zero-guid the zero GUID means no filter | leave the filter out

<{group: a, filterId: 00000000-0000-0000-0000-000000000000, filterMode: none}>
    6:26+36 zero-guid the zero GUID means no filter | leave the filter out
    6:76+4 unknown-filter-mode unknown filterMode `none` | leave the filter out

<{allUsers: true, filter: f, filterMode: None}>
    6:45+4 unknown-filter-mode unknown filterMode `None` | leave the filter out

<group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5>

<group: All Users>

<{group: All Users, fliter: F}>
    6:13+9 built-in-as-group `All Users` may be meant as a built-in target | for the built-in target write `- allUsers`
    6:24+6 unknown-key unknown key `fliter` in a target | did you mean `filter`?

"#]]
    );
    let said = |target: &str| check_entry(&format!("exclude:\n- {target}"));
    let cases = [
        "groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9",
        "group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e",
    ];
    assert_data_eq!(
        table(said, &cases),
        str![[r#"

<groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9>
    6:14+36 virtual-group `acacacac-9df4-4c7d-9d50-4ef0226f57a9` is not a group: it stands for all users | all users cannot be excluded; only groups can

<group: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e>
    6:12+36 guid-as-name `group` takes a display name, not a GUID | write `groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`

"#]]
    );
}

/// What no policy set holds cannot come from one; all kinds that it may hold are here.
#[test]
fn sources_are_for_what_a_policy_set_may_hold() {
    const HELD: [&str; 15] = [
        "configurationPolicy",
        "compliancePolicy",
        "deviceCompliancePolicy",
        "deviceConfiguration",
        "deviceManagementScript",
        "mobileApp",
        "mobileAppConfiguration",
        "targetedManagedAppConfiguration",
        "iosManagedAppProtection",
        "androidManagedAppProtection",
        "windowsManagedAppProtection",
        "windowsAutopilotDeploymentProfile",
        "deviceEnrollmentConfiguration",
        "inventoryPolicy",
        "iosLobAppProvisioningConfiguration",
    ];
    for kind in PolicyKind::all() {
        let intent = match kind.name() {
            "mobileApp" => "\n  intent: required",
            _ => "",
        };
        let said = check(&format!(
            "version: 1\ntargets: {{s: {{include: [{{group: a, source: policySets}}]}}}}\npolicies:\n- kind: {kind}\n  name: P{intent}\n  include:\n  - allUsers\n  - group: b\n    source: policySets\n- {{kind: {kind}, name: Q, intent: required, use: [s]}}\n"
        ));
        let article = if kind.name().starts_with(['a', 'e', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        let refused = format!(
            "source-not-allowed no policy set can assign {article} {kind} | remove `source`, and `sourceId` with it: the assignment is a direct one"
        );
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| line.contains(&refused))
            .collect();
        match HELD.contains(&kind.name()) {
            true => assert!(lines.is_empty(), "{said}"),
            false => assert!(
                matches!(lines.as_slice(), [set, own] if set.starts_with("a.yaml:2:") && own.starts_with("a.yaml:8:")),
                "{said}"
            ),
        }
    }
}

#[test]
fn f22a_absent_targets() {
    let said = |target: &str| check_entry(&format!("mode: additive\nabsent:\n- {target}"));
    let cases = [
        "allDevices",
        "allUsers: true",
        "collection: c",
        "{group: a}",
        "{groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
        "everybody",
        "{}",
        "{group: a, filter: f, filterMode: include}",
        "{allDevices: true, source: policySets, sourceId: x}",
        "{group: a, allUsers: true}",
        "grop: a",
        "groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9",
    ];
    assert_data_eq!(
        table(said, &cases),
        str![[r#"

<allDevices>

<allUsers: true>

<collection: c>

<{group: a}>

<{groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}>

<everybody>
    7:5+9 unknown-target unknown target `everybody` | a group is written `- group: NAME`

<{}>
    7:5+1 no-target the target names no group or audience | add `group`, `groupId`, `collection`, `allDevices` or `allUsers`

<{group: a, filter: f, filterMode: include}>
    7:16+6 filter-on-absent an absent target takes no filter | remove `filter`
    7:27+10 filter-on-absent an absent target takes no filter | remove `filterMode`

<{allDevices: true, source: policySets, sourceId: x}>
    7:24+6 source-on-absent an absent target takes no source | remove `source`
    7:44+8 source-on-absent an absent target takes no source | remove `sourceId`

<{group: a, allUsers: true}>
    7:16+8 several-targets a target names one group, collection or all |     7:6+5 the first | start another target with `- `

<grop: a>
    7:5+4 unknown-key unknown key `grop` in an absent target | did you mean `group`?

<groupId: acacacac-9df4-4c7d-9d50-4ef0226f57a9>
    7:14+36 virtual-group `acacacac-9df4-4c7d-9d50-4ef0226f57a9` is not a group: it stands for all users | write `- allUsers`

"#]]
    );
    let cases = [
        "absent: [group: a]",
        "mode: exact\nabsent: []",
        "mode: additiv\nabsent: [group: a]",
        "mode: additive\nabsent: []",
        "mode: additive\nabsent:",
        "mode: additive\nremove: [group: a]",
    ];
    assert_data_eq!(
        table(check_entry, &cases),
        str![[r#"

<absent: [group: a]>
    5:3+6 absent-without-additive `absent` in an entry whose mode is `exact` | add `mode: additive`; in `exact` mode all that is not listed is removed

<mode: exact
 absent: []>
    6:3+6 absent-without-additive `absent` in an entry whose mode is `exact` | add `mode: additive`; in `exact` mode all that is not listed is removed

<mode: additiv
 absent: [group: a]>
    5:9+7 unknown-mode unknown mode `additiv` | did you mean `additive`?

<mode: additive
 absent: []>
    3:3+4 nothing-to-do an additive entry without targets does nothing | add targets, or remove the entry; `mode: exact` means no assignment

<mode: additive
 absent:>
    6:3+6 wrong-type `absent` must be a list, not nothing | write `absent: []` for none

<mode: additive
 remove: [group: a]>
    6:3+6 unknown-key unknown key `remove` in a policy entry | list the target below `absent`, in an entry with `mode: additive`

"#]]
    );
}
