//! What only the tenant can tell to be wrong: exact place, exit code 3, nothing planned.

use super::support::tenant::{Tenant, filter_id, group_id, policy_id};
use super::support::{Ran, World};

/// Plans entries against a tenant, which must be refused.
#[track_caller]
fn refused(tenant: &Tenant, entries: &[&str]) -> Ran {
    let world = World::with(tenant, entries);
    let before = world.read("tenant.json");
    let ran = world.sandbox("plan m.yaml --out plan.json").exits(3);
    assert!(!world.has("plan.json"));
    assert_eq!(world.read("tenant.json"), before);
    assert_eq!(ran.stdout, "");
    ran
}

#[test]
fn nothing_selected() {
    refused(&Tenant::common(), &["match: 'P*'"]).matches("late_errors/nothing_selected");
    let tenant = Tenant::common().compliance("P", &[]);
    refused(&tenant, &["match: 'P*', include: [allDevices]"]).says(&["error[nothing-selected]"]);
}

#[test]
fn unknown_names() {
    let tenant = Tenant::new()
        .group("SG-Pilot")
        .filter("Corporate", "windows10AndLater")
        .policy("Win - BitLocker", &[])
        .compliance("Other", &[]);
    refused(
        &tenant,
        &[
            "name: Win - Bitlocker",
            "name: Other",
            "id: aaaaaaaa-0000-4000-8000-000000000009",
            "kind: compliancePolicy, id: aaaaaaaa-0000-4000-8000-000000000001",
            "name: Win - BitLocker, include: [group: sg-pilto, {group: SG-Pilot, filter: corporat}]",
            "kind: compliancePolicy, name: Other, include: [{allUsers: true, filterId: cccccccc-0000-4000-8000-000000000009}], exclude: [group: Nobody]",
        ],
    )
    .matches("late_errors/unknown_names");
}

#[test]
fn a_group_id_that_does_not_exist() {
    let id = "bbbbbbbb-0000-4000-8000-000000000009";
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[&format!("+{id}")]);
    refused(&tenant, &[&format!("name: P, include: [groupId: {id}]")])
        .says(&["error[unknown-group]", "--> m.yaml:3:59"]);
    // What is live already is a warning only, so that an export can be planned.
    let world = World::with(&tenant, &[&format!("name: Q, include: [groupId: {id}]")]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["warning[unknown-group]", "Nothing to do"]);
}

#[test]
fn a_filter_id_that_does_not_exist() {
    let id = "cccccccc-0000-4000-8000-000000000009";
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &["+A [include F]"]);
    let wanted = format!("include: [{{group: A, filterId: {id}}}]");
    refused(&tenant, &[&format!("name: P, {wanted}")])
        .says(&["error[unknown-filter]", "--> m.yaml:3:71"]);
    // What is live already is a warning only: the sign-in may not see all filters.
    let world = World::with(&tenant, &[&format!("name: Q, {wanted}")]);
    let text = world.read("tenant.json");
    let row = text.rfind("\"deviceAndAppManagementAssignmentFilterId\"");
    let (before, row) = text.split_at(row.expect("a row with a filter"));
    let row = row.replacen("000000000001", "000000000009", 1);
    world.write("tenant.json", &format!("{before}{row}"));
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["warning[unknown-filter]", "Nothing to do"]);
}

#[test]
fn ambiguous_names_list_the_ids() {
    let tenant = Tenant::new()
        .group("Twin")
        .group("twin")
        .filter("Twin", "windows10AndLater")
        .filter("TWIN", "windows10AndLater")
        .policy("Twin", &[])
        .policy("Twin", &[])
        .policy("Single", &[]);
    let ran = refused(
        &tenant,
        &[
            "name: Twin",
            "name: Single, include: [group: Twin, {allUsers: true, filter: twin}]",
        ],
    );
    ran.says(&[
        &policy_id(1),
        &policy_id(2),
        &group_id(1),
        &group_id(2),
        &filter_id(1),
        &filter_id(2),
    ])
    .matches("late_errors/ambiguous_names");
}

#[test]
fn policy_names_have_case_and_group_and_filter_names_have_none() {
    let tenant = Tenant::common().policy("P", &[]).policy("p", &[]);
    let world = World::with(&tenant, &["name: P, include: [{group: a, filter: f}]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["group A, filter F (include)", "1 unmanaged"]);
}

#[test]
fn a_filter_of_another_platform() {
    let tenant = Tenant::common()
        .filter("Mac", "macOS")
        .filter("Odd", "windowsMobile")
        .policy("P", &[])
        .policy("Q", &["+A [include Mac]"]);
    refused(
        &tenant,
        &["name: P, include: [{group: A, filter: Mac}, {group: B, filter: Odd}]"],
    )
    .matches("late_errors/filter_platform");
    // Already live: a warning only, so that an export can be planned.
    let world = World::with(&tenant, &["name: Q, include: [{group: A, filter: Mac}]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["warning[filter-platform]", "Nothing to do"]);
}

#[test]
fn a_match_that_selects_nothing() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(
        &tenant,
        &["name: P", "match: 'p*'", "match: 'P', except: ['P']"],
    );
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .matches("late_errors/match_selects_nothing");
    world.sandbox("plan m.yaml --strict").exits(3).says(&[
        "error[match-selects-nothing]",
        "m.yaml:4:38",
        "m.yaml:5:38",
    ]);
}

#[test]
fn an_additive_include_of_an_excluded_group() {
    let tenant = Tenant::common().policy("P", &["+A", "-B"]);
    refused(
        &tenant,
        &["name: P, mode: additive, include: [group: C, group: B]"],
    )
    .matches("late_errors/additive_include");
}

#[test]
fn conflicts_that_show_once_names_are_resolved() {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &[])
        .policy("S", &[]);
    let (a, p, f) = (group_id(1), policy_id(1), filter_id(1));
    refused(
        &tenant,
        &[
            // A group by its name and by its id, included and excluded.
            &format!("name: P, include: [group: A], exclude: [groupId: {a}]"),
            // Two entries that select one policy: filters, sides, modes.
            "name: Q, include: [group: A, {group: B, filter: F}]",
            "match: 'Q*', include: [{group: A, filter: F}], exclude: [group: B]",
            "name: R, mode: additive, include: [group: C]",
            "match: 'R*'",
            // A filter by its name and by its id is one filter; its modes differ.
            "name: S, include: [{allUsers: true, filter: F}]",
            &format!("match: 'S', include: [{{allUsers: true, filterId: {f}}}]"),
            &format!("match: '?', except: [P, Q, R], include: [{{allUsers: true, filterId: {f}, filterMode: exclude}}]"),
            &format!("id: {p}, include: [allDevices]"),
        ],
    )
    .matches("late_errors/conflicts");
}

#[test]
fn errors_of_all_files_are_told_in_one_run() {
    let world = World::new(&Tenant::common().policy("P", &[]));
    let entry = |name: &str| {
        format!(
            "version: 1\npolicies:\n  - kind: configurationPolicy\n    name: {name}\n    include:\n      - group: Nobody\n"
        )
    };
    world.write("m/a.yaml", &entry("P"));
    world.write("m/sub/b.yaml", &entry("Q"));
    world.sandbox("plan m").exits(3).says(&[
        "--> m/a.yaml:6:16",
        "--> m/sub/b.yaml:4:11",
        "--> m/sub/b.yaml:6:16",
    ]);
}

#[test]
fn f01_names_that_look_the_same_are_told_apart() {
    let tenant = Tenant::new()
        .group("SG-App-Creative\r\n")
        .group(" SG-Lead-Space")
        .group("SG-Trail ")
        .group("SG-Nbsp\u{a0}Users")
        .group("SG-Zwsp\u{200b}Pilot")
        .group("Gro\u{308}\u{df}e")
        .filter("Win 11 corp ", "windows10AndLater")
        .filter("Cloud\u{a0}PC", "windows10AndLater")
        .policy("Win - A", &[])
        .policy("Win - Trailing ", &[])
        .policy("Win - Nb\u{a0}sp", &[])
        .policy("Win - Dash \u{2013} Edge", &[]);
    refused(
        &tenant,
        &[
            "name: Win - A, include: [group: SG-App-Creative, group: SG-Lead-Space, group: SG-Trail, group: SG-Nbsp Users, group: SG-ZwspPilot, group: Gr\u{f6}\u{df}e, {allUsers: true, filter: Win 11 corp}, {allDevices: true, filter: Cloud PC}]",
            "name: win - a",
            "name: Win - Trailing",
            "name: 'Win - Trailing  '",
            "name: Win - Nb sp",
            "name: Win - Dash - Edge",
            "match: Win - Dash - *",
        ],
    )
    .says(&["it ends with a space", "U+00A0 at 8", "written with combining marks"])
    .matches("late_errors/look_alikes");
}

#[test]
fn f21_built_in_targets_are_no_groups() {
    let tenant = Tenant::common().policy("P", &[]);
    refused(
        &tenant,
        &[
            "name: P, include: [group: All users, group: All Devices]",
            "name: P, exclude: [group: AllUsers]",
        ],
    )
    .says(&[
        "hint: for the built-in target write `- allUsers`",
        "hint: for the built-in target write `- allDevices`",
    ]);
    // A group that is really so called is meant.
    let tenant = Tenant::common().group("All Users").policy("P", &[]);
    World::with(&tenant, &["name: P, include: [group: All users]"])
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["+ group All Users"]);
}

#[test]
fn f21_the_key_that_is_meant_is_named() {
    let tenant = Tenant::common().policy("P", &[]);
    let id = group_id(1);
    refused(
        &tenant,
        &[
            &format!("name: P, include: [group: {id}, {{group: A, filter: {id}}}]"),
            &format!("name: {id}"),
            "id: P, include: [groupId: A, {allUsers: true, filterId: F, filterMode: none}]",
        ],
    )
    .says(&[
        &format!("hint: write `groupId: {id}`"),
        &format!("hint: write `filterId: {id}`"),
        &format!("hint: write `id: {id}`"),
        "hint: use `name` for a display name",
        "hint: use `group` for a display name",
        "hint: use `filter` for a display name",
        "hint: leave the filter out",
    ]);
}

/// A tenant with groups of some beginnings, and one policy.
fn many_groups(count: usize) -> Tenant {
    let mut tenant = Tenant::new().policy("P", &[]);
    for letter in 'A'..='T' {
        tenant = tenant.group(&format!("{letter}{letter}X-Pilot"));
    }
    for number in 0..count {
        tenant = tenant.group(&format!("SG-Dept-{number:04}-Pilot"));
    }
    tenant
}

#[test]
fn f32_a_hint_comes_from_all_groups() {
    let mut names: Vec<String> = ('A'..='T')
        .map(|letter| format!("group: {letter}{letter}X-Plot"))
        .collect();
    names.extend(
        [
            "SG-Dept-1400-Pilto",
            "SG-Dept-0400-Pilto",
            "sgdept-0400-Pilot",
        ]
        .map(|name| format!("group: {name}")),
    );
    let entry = format!("name: P, include: [{}]", names.join(", "));
    let ran = refused(&many_groups(1_500), &[&entry]).says(&[
        "did you mean `SG-Dept-1400-Pilot`?",
        "did you mean `SG-Dept-0400-Pilot`?",
    ]);
    for letter in 'A'..='T' {
        assert!(
            ran.stderr
                .contains(&format!("did you mean `{letter}{letter}X-Pilot`?"))
        );
    }
    let sgdept = ran.stderr.split("`sgdept-0400-Pilot`").nth(1);
    let hint = sgdept
        .expect("the fault")
        .lines()
        .find(|line| line.contains("hint:"));
    assert!(
        hint.expect("a hint")
            .contains("did you mean `SG-Dept-0400-Pilot`?")
    );
}

#[test]
fn f32_a_search_that_was_not_complete_says_so() {
    refused(
        &many_groups(7_000),
        &["name: P, include: [group: SG-Dept-6400-Pilto, group: sgdept-6400-Pilot, group: Nobody]"],
    )
    .says(&[
        "hint: not all were searched; of those that were, `SG-Dept-6400-Pilot` is nearest",
        "hint: group names are case-insensitive",
    ])
    .says_nothing_of("did you mean");
}

#[test]
fn f22a_what_is_wanted_and_absent_late() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    for absent in ["group: b".to_owned(), format!("groupId: {}", group_id(2))] {
        for wanted in ["include", "exclude"] {
            refused(
                &tenant,
                &[
                    &format!(
                        "name: P, mode: additive, {wanted}: [groupId: {}]",
                        group_id(2)
                    ),
                    &format!("match: P*, mode: additive, absent: [{absent}]"),
                ],
            )
            .says(&[
                "error[wanted-and-absent]",
                "--> m.yaml:4:",
                "^ absent",
                &format!("{wanted}d"),
            ]);
        }
    }
    refused(
        &tenant,
        &["name: P, mode: additive, absent: [group: Nobody]"],
    )
    .says(&["error[unknown-group]"]);
}
