//! Exports of small tenants, as a person would read them.

use super::*;
use crate::model::{Assignment, Filter, FilterMode, LiveFilter, LiveGroup, Source, Target};

const A: &str = "a0000000-0000-4000-8000-000000000001";
const B: &str = "a0000000-0000-4000-8000-000000000002";
const GONE: &str = "a0000000-0000-4000-8000-00000000000f";
const FILTER: &str = "f0000000-0000-4000-8000-000000000001";

fn kind() -> PolicyKind {
    PolicyKind::from_name("configurationPolicy").expect("a kind")
}

fn assignment(target: Target) -> Assignment {
    Assignment::direct(target)
}

fn include(id: &str) -> Assignment {
    assignment(Target::Group(id.into()))
}

fn exclude(id: &str) -> Assignment {
    assignment(Target::ExclusionGroup(id.into()))
}

fn filtered(assignment: Assignment, id: &str, mode: FilterMode) -> Assignment {
    Assignment {
        filter: Some(Filter {
            id: id.into(),
            mode,
        }),
        ..assignment
    }
}

fn policy(number: usize, name: &str, assignments: &[Assignment]) -> LivePolicy {
    let assignments = assignments
        .iter()
        .map(|assignment| (assignment.clone(), "".into()))
        .collect();
    LivePolicy::new(
        kind(),
        format!("c0000000-0000-4000-8000-{number:012}"),
        name.to_owned(),
        Some("windows10".to_owned()),
        assignments,
    )
}

/// A tenant with the groups `SG-A` and `SG-B` and the filter `Corporate`.
fn tenant(policies: Vec<LivePolicy>) -> WholeTenant {
    let groups: Vec<LiveGroup> = [(A, "SG-A"), (B, "SG-B")]
        .map(|(id, name)| LiveGroup {
            id: id.to_owned(),
            name: name.to_owned(),
        })
        .to_vec();
    WholeTenant {
        policies,
        namesakes: groups.clone(),
        groups,
        filters: vec![LiveFilter {
            id: FILTER.to_owned(),
            name: "Corporate".to_owned(),
            platform: None,
            management: None,
            rule: None,
        }],
        unavailable: Vec::new(),
    }
}

fn export(tenant: &WholeTenant) -> Export {
    manifests(tenant, None, |_| true)
}

/// Exports policies into one text.
fn text(policies: Vec<LivePolicy>) -> String {
    let export = export(&tenant(policies));
    assert_eq!(export.left_out, []);
    let files: Vec<&str> = export.files.iter().map(|file| file.text.as_str()).collect();
    files.join("---\n")
}

fn paths(policies: Vec<LivePolicy>) -> String {
    let files = export(&tenant(policies)).files;
    let paths: Vec<String> = files
        .iter()
        .map(|file| format!("{} {}", file.path, file.policies))
        .collect();
    paths.join(", ")
}

#[test]
fn a_tenant_without_policies_has_no_files() {
    assert_eq!(text(Vec::new()), "");
}

#[test]
fn a_policy_without_assignments_says_so() {
    assert_eq!(
        text(vec![policy(1, "P", &[])]),
        "version: 1\n\npolicies:\n  - kind: configurationPolicy\n    name: P\n    include: []\n"
    );
}

#[test]
fn targets_are_named_and_filters_written_below_them() {
    let assignments = [
        include(A),
        filtered(assignment(Target::AllDevices), FILTER, FilterMode::Include),
        filtered(assignment(Target::AllUsers), FILTER, FilterMode::Exclude),
        assignment(Target::Collection("MEM00012".into())),
        exclude(B),
    ];
    assert_eq!(
        text(vec![policy(1, "P", &assignments)]),
        "version: 1

policies:
  - kind: configurationPolicy
    name: P
    include:
      - allDevices: true
        filter: Corporate
      - allUsers: true
        filter: Corporate
        filterMode: exclude
      - group: SG-A
      - collection: MEM00012
    exclude:
      - group: SG-B
"
    );
}

#[test]
fn names_that_find_nothing_or_too_much_give_way_to_ids() {
    let mut tenant = tenant(vec![
        policy(1, "Twin", &[include(A), include(GONE)]),
        policy(
            2,
            "Twin",
            &[filtered(include(B), FILTER, FilterMode::Include)],
        ),
        policy(3, "  ", &[]),
    ]);
    // `SG-A` is not found by its name; `SG-B` has a namesake; so has the filter.
    tenant.namesakes.remove(0);
    tenant.namesakes.push(LiveGroup {
        id: GONE.to_owned(),
        name: "sg-b".to_owned(),
    });
    let twin = LiveFilter {
        id: A.to_owned(),
        name: "CORPORATE".to_owned(),
        platform: None,
        management: None,
        rule: None,
    };
    tenant.filters.push(twin);
    let export = export(&tenant);
    assert_eq!(
        export.files[0].text,
        "version: 1

policies:
  - kind: configurationPolicy
    id: c0000000-0000-4000-8000-000000000003
    include: []

  - kind: configurationPolicy
    id: c0000000-0000-4000-8000-000000000001 # Twin
    include:
      - groupId: a0000000-0000-4000-8000-000000000001 # SG-A
      - groupId: a0000000-0000-4000-8000-00000000000f # the tenant has no such group

  - kind: configurationPolicy
    id: c0000000-0000-4000-8000-000000000002 # Twin
    include:
      - groupId: a0000000-0000-4000-8000-000000000002 # SG-B
        filterId: f0000000-0000-4000-8000-000000000001 # Corporate
"
    );
}

#[test]
fn what_stays_in_any_case_is_mentioned_only() {
    let mut from_set = include(A);
    from_set.key.source = Source::PolicySets;
    from_set.source_id = Some("set".into());
    let mut odd = include(B);
    odd.key.source = Source::Other("somebody\n".into());
    let unknown = assignment(Target::Other {
        odata_type: "novelTarget".into(),
        properties: "{}".into(),
    });
    assert_eq!(
        text(vec![policy(1, "P", &[from_set, odd, unknown])]),
        "version: 1

policies:
  - kind: configurationPolicy
    name: P
    # also assigned by `somebody\\n`: group SG-B
    # also assigned by a policy set: group SG-A
    # also assigned: a target of the type novelTarget
    include: []
"
    );
}

#[test]
fn a_policy_that_no_manifest_can_express_is_left_out_with_its_reason() {
    let bad = |assignments: &[Assignment]| {
        let export = export(&tenant(vec![policy(1, "P", assignments)]));
        assert_eq!(export.files, []);
        export.left_out[0].reason.clone()
    };
    let odd_mode = FilterMode::Other("maybe".into());
    for (assignments, reason) in [
        (
            vec![filtered(include(A), FILTER, odd_mode)],
            "the filter mode `maybe` is unknown",
        ),
        (
            vec![filtered(exclude(A), FILTER, FilterMode::Include)],
            "excluded group SG-A has a filter",
        ),
        (
            vec![filtered(include(A), "x", FilterMode::Include)],
            "the filter id `x` is not a GUID",
        ),
        (vec![include("x")], "the group id `x` is not a GUID"),
        (
            vec![assignment(Target::Collection(" ".into()))],
            "a collection has no id",
        ),
        (vec![include(A), include(A)], "group SG-A is assigned twice"),
        (
            vec![include(A), exclude(A)],
            "excluded group SG-A is both included and excluded",
        ),
    ] {
        assert_eq!(bad(&assignments), reason);
    }
}

#[test]
fn sets_that_policies_share_get_a_name() {
    let pilot = [include(A), exclude(B)];
    let broad = [include(A), include(B)];
    let text = text(vec![
        policy(1, "P", &pilot),
        policy(2, "Q", &pilot),
        policy(3, "R", &broad),
        policy(4, "S", &broad),
        // One target alone is not worth a name.
        policy(5, "T", &[include(A)]),
        policy(6, "U", &[include(A)]),
    ]);
    assert_eq!(
        text,
        "version: 1

targets:
  sg-a-and-sg-b:
    include:
      - group: SG-A
      - group: SG-B

  sg-a-without-sg-b:
    include:
      - group: SG-A
    exclude:
      - group: SG-B
---
version: 1

policies:
  - kind: configurationPolicy
    name: P
    use: [sg-a-without-sg-b]

  - kind: configurationPolicy
    name: Q
    use: [sg-a-without-sg-b]

  - kind: configurationPolicy
    name: R
    use: [sg-a-and-sg-b]

  - kind: configurationPolicy
    name: S
    use: [sg-a-and-sg-b]

  - kind: configurationPolicy
    name: T
    include:
      - group: SG-A

  - kind: configurationPolicy
    name: U
    include:
      - group: SG-A
"
    );
}

#[test]
fn the_name_of_a_set_promises_no_less_than_it_holds() {
    let rings: Vec<String> = ["Pilot", "Early", "Broad", "All the others"]
        .map(|ring| format!("SG-Windows-Ring-{ring}"))
        .into();
    let assignments = |count: usize| -> Vec<Assignment> {
        let ids = (0..count).map(|number| format!("a0000000-0000-4000-8000-{number:012}"));
        ids.map(|id| include(&id)).collect()
    };
    let groups = |names: &[String]| -> Vec<LiveGroup> {
        let ids = (0..).map(|number| format!("a0000000-0000-4000-8000-{number:012}"));
        ids.zip(names)
            .map(|(id, name)| LiveGroup {
                id,
                name: name.clone(),
            })
            .collect()
    };
    let set_names = |names: &[String], counts: &[usize]| -> Vec<String> {
        let mut policies = Vec::new();
        for count in counts {
            for _ in 0..2 {
                policies.push(policy(
                    policies.len(),
                    &policies.len().to_string(),
                    &assignments(*count),
                ));
            }
        }
        let tenant = WholeTenant {
            groups: groups(names),
            namesakes: groups(names),
            ..tenant(policies)
        };
        let text = manifests(&tenant, None, |_| true).files.remove(0).text;
        let keys = text
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        keys.filter(|key| !key.starts_with(' '))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        set_names(&rings, &[2, 3, 4]),
        [
            "3-targets",
            "4-targets",
            "sg-windows-ring-early-and-sg-windows-ring-pilot"
        ]
    );
    // A name without letters would be left out.
    assert_eq!(
        set_names(&["SG-A".to_owned(), "👋".to_owned()], &[2]),
        ["2-targets"]
    );
}

#[test]
fn a_guid_for_a_name_and_an_id_that_is_none() {
    let guid = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    let text = text(vec![policy(1, guid, &[])]);
    assert!(text.contains(&format!(
        "id: c0000000-0000-4000-8000-000000000001 # {guid}"
    )));
    // By name an id of any form will do; alone it must be one that manifests take.
    let odd = |name: &str| LivePolicy {
        id: "odd".to_owned(),
        ..policy(1, name, &[])
    };
    assert!(self::text(vec![odd("P")]).contains("name: P"));
    let export = manifests(&tenant(vec![odd("P"), policy(2, "P", &[])]), None, |_| true);
    assert_eq!(export.left_out.len(), 1);
    assert!(
        export.left_out[0]
            .reason
            .contains("its id `odd` is not a GUID")
    );
}

#[test]
fn only_chosen_policies_are_written_but_all_count_for_names() {
    let tenant = tenant(vec![policy(1, "P", &[]), policy(2, "P", &[])]);
    let export = manifests(&tenant, Some("the\ntenant"), |policy| {
        policy.id.ends_with('1')
    });
    assert_eq!(
        export.files[0].text,
        "# Tenant the\\ntenant
version: 1

policies:
  - kind: configurationPolicy
    id: c0000000-0000-4000-8000-000000000001 # P
    include: []
"
    );
}

#[test]
fn each_platform_has_its_file() {
    let on = |number, platforms: Option<&str>| LivePolicy {
        platforms: platforms.map(str::to_owned),
        ..policy(number, "P", &[])
    };
    assert_eq!(
        paths(vec![
            on(1, Some("windows10")),
            on(2, Some("macOS")),
            on(3, Some("iOS")),
            on(4, Some("android,aosp")),
            on(5, Some("linux")),
            on(6, Some("none")),
            on(7, None),
            on(8, Some("iOS,macOS")),
            on(9, Some("../../etc/passwd")),
            on(10, Some("targets")),
            on(11, Some("CON")),
            on(12, Some("…")),
        ]),
        "android.yaml 1, con-policies.yaml 1, etc-passwd.yaml 1, ios.yaml 1, linux.yaml 1, \
         macos.yaml 1, other.yaml 4, several-platforms.yaml 1, windows.yaml 1"
    );
}

#[test]
fn a_long_file_is_divided_by_the_prefixes_of_names() {
    let mut policies = Vec::new();
    let mut add = |number: usize, prefix: &str| {
        for _ in 0..number {
            let count = policies.len();
            policies.push(policy(count, &format!("{prefix}{count}"), &[]));
        }
    };
    add(20, "Win - Security - ");
    add(8, "Win - Updates - ");
    add(2, "Win - Rare - ");
    assert_eq!(paths(policies.clone()), "windows.yaml 30");
    let mut add = |number: usize, prefix: &str| {
        for _ in 0..number {
            let count = policies.len();
            policies.push(policy(count, &format!("{prefix}{count}"), &[]));
        }
    };
    add(3, "Win - ../Assignctl - ");
    add(4, "Win - assignctl - ");
    add(1, "Win - ");
    add(1, "else ");
    assert_eq!(
        paths(policies),
        "windows/assignctl-policies.yaml 7, windows/other.yaml 4, windows/security.yaml 20, \
         windows/updates.yaml 8"
    );
}
