//! Warnings from Microsoft's rules: each fires on its case and is quiet on its near miss.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::members::populate;
use super::support::World;
use super::support::tenant::{Tenant, group_id};

/// Groups: `A` and `B` of devices, `C` of users, `Mixed`, `Empty`.
const MEMBERS: [&str; 5] = ["d1-4", "d3-6", "u1-3", "d1 u1", ""];

fn world(live: &[&str], entry: &str) -> World {
    let tenant = Tenant::common()
        .group("Mixed")
        .group("Empty")
        .filter("G", "windows10AndLater")
        .policy("P", live);
    let world = World::with(&tenant, &[entry]);
    populate(&world, &MEMBERS);
    world
}

const ALLOW: &str = "--allow broad-target --allow exclusion-lost --allow unassigned";

/// Returns the codes that a plan warns of, and all that it says.
fn codes(world: &World, flags: &str) -> (BTreeSet<String>, String) {
    let told = world
        .sandbox(&format!("plan m.yaml {ALLOW} --format json {flags}"))
        .exits(0)
        .json();
    let found = told["diagnostics"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let codes = found.iter().map(|one| text(&one["code"])).collect();
    let said: Vec<String> = found.iter().map(|one| text(&one["summary"])).collect();
    (codes, said.join("\n"))
}

#[track_caller]
fn check(entry: &str, change: impl Fn(&mut Value), expected: &[&str], says: &str) {
    let world = world(&[], &format!("name: P, {entry}"));
    world.edit("tenant.json", |state| change(state));
    let (codes, said) = codes(&world, "--members");
    let expected: BTreeSet<String> = expected.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(codes, expected, "{entry}\n{said}");
    assert!(said.contains(says), "{entry}\n{said}");
}

fn nothing(_: &mut Value) {}

/// Makes a group dynamic.
fn dynamic(group: usize, rule: &'static str) -> impl Fn(&mut Value) {
    move |state| {
        let group = &mut state["groups"][group];
        group["groupTypes"] = json!(["DynamicMembership"]);
        group["membershipRule"] = json!(rule);
        group["membershipRuleProcessingState"] = json!("On");
    }
}

#[test]
fn exclusions_work_within_their_kind() {
    let no_effect = &["exclusion-no-effect"];
    check(
        "include: [group: C], exclude: [group: A]",
        nothing,
        no_effect,
        "excluding group `A` (4 devices, 0 users) has no effect: it holds devices, and all that is included are users (Microsoft: \"Assign policies in Microsoft Intune\")",
    );
    check(
        "include: [allUsers], exclude: [group: A]",
        nothing,
        no_effect,
        "",
    );
    check(
        "include: [allDevices], exclude: [group: C]",
        nothing,
        no_effect,
        "group `C` (0 devices, 3 users)",
    );
    // Near misses: the same kind, and kinds that cannot be determined.
    check("include: [group: A], exclude: [group: B]", nothing, &[], "");
    check("include: [allUsers], exclude: [group: C]", nothing, &[], "");
    check(
        "include: [allUsers], exclude: [group: Empty]",
        nothing,
        &["exclude-empty-group"],
        "group `Empty` (0 devices, 0 users) is empty, or was filled in the last few minutes: excluding",
    );
    check(
        "include: [collection: X], exclude: [group: C]",
        nothing,
        &[],
        "",
    );
    // The rule of a dynamic group tells as well.
    check(
        "include: [group: Empty], exclude: [group: C]",
        dynamic(4, "(device.model -eq \"x\")"),
        &["exclusion-no-effect", "include-empty-group"],
        "",
    );
    check(
        "include: [group: A, group: C], exclude: [group: B]",
        nothing,
        &["mixed-exclusion"],
        "excluding group `B` (4 devices, 0 users) works among devices only, and users are included too",
    );
    // Near miss: what is excluded is of both kinds as well.
    check(
        "include: [group: A, group: C], exclude: [group: Mixed]",
        nothing,
        &["mixed-group"],
        "",
    );
}

#[test]
fn groups_of_a_doubtful_kind_are_told() {
    check(
        "include: [group: Mixed]",
        nothing,
        &["mixed-group"],
        "group `Mixed` (1 device, 1 user) holds devices and users",
    );
    check("include: [group: A]", nothing, &[], "");
    check(
        "include: [group: Empty]",
        nothing,
        &["include-empty-group"],
        "it adds no one to the policy",
    );
    check(
        "include: [group: A]",
        |state| state["groups"][0]["securityEnabled"] = json!(false),
        &["group-not-security"],
        "group `A` (4 devices, 0 users) is not a security group",
    );
    // Hidden members are not taken for none.
    check(
        "include: [group: A]",
        |state| state["groups"][0]["visibility"] = json!("HiddenMembership"),
        &[],
        "",
    );
}

#[test]
fn dynamic_groups_are_late_or_paused() {
    let devices = "(device.deviceOwnership -eq \"Company\")";
    check(
        "include: [allDevices], exclude: [group: A]",
        dynamic(0, devices),
        &["dynamic-device-exclusion"],
        "a new device can get the policy before it is in the group",
    );
    check(
        "include: [allDevices], exclude: [group: A]",
        nothing,
        &[],
        "",
    );
    check("include: [group: A]", dynamic(0, devices), &[], "");
    check(
        "include: [allUsers], exclude: [group: C]",
        dynamic(2, "user.department -eq \"x\""),
        &[],
        "",
    );
    check(
        "include: [group: A]",
        |state| {
            dynamic(0, devices)(state);
            state["groups"][0]["membershipRuleProcessingState"] = json!("Paused");
        },
        &["dynamic-paused"],
        "the rule of group `A` (4 devices, 0 users) is paused",
    );
    check(
        "include: [group: A]",
        |state| {
            dynamic(0, devices)(state);
            state["groups"][0]["membershipRuleProcessingStatus"] =
                json!({"status": "Failed", "errorMessage": "x"});
        },
        &["dynamic-paused"],
        "the rule of group `A` (4 devices, 0 users) could not be processed",
    );
    check(
        "include: [group: A]",
        |state| {
            dynamic(0, devices)(state);
            state["groups"][0]["membershipRuleProcessingStatus"] = json!({"status": "Running"});
        },
        &[],
        "",
    );
    // A group that is not dynamic any more has nothing to pause.
    check(
        "include: [group: A]",
        |state| state["groups"][0]["membershipRuleProcessingState"] = json!("Paused"),
        &[],
        "",
    );
}

#[test]
fn an_include_that_adds_nothing_is_told() {
    check(
        "include: [allUsers, group: C]",
        nothing,
        &["redundant-include"],
        "group `C` (0 devices, 3 users) adds nothing to all users",
    );
    check("include: [allUsers, group: A]", nothing, &[], "");
    check(
        "include: [allUsers, {group: C, filter: F}]",
        nothing,
        &["filter-mode-mix"],
        "",
    );
}

#[test]
fn filters_of_different_modes_are_told_without_reading_anything() {
    let mixed = "name: P, include: [{allDevices: true, filter: F}, group: A]";
    let (found, said) = codes(&world(&[], mixed), "");
    assert_eq!(found, BTreeSet::from(["filter-mode-mix".to_owned()]));
    assert!(
        said.contains("devices in group `A` get the policy, even if they do not match the filter of all devices with filter `F` (include)"),
        "{said}"
    );
    let excluded = "name: P, include: [{allDevices: true, filter: F, filterMode: exclude}, {group: A, filter: G}]";
    let (found, said) = codes(&world(&[], excluded), "");
    assert_eq!(found, BTreeSet::from(["filter-mode-mix".to_owned()]));
    assert!(
        said.contains("do not get the policy, even if they are in group `A`"),
        "{said}"
    );
    for quiet in [
        "name: P, include: [{allDevices: true, filter: F}, {group: A, filter: G}]",
        "name: P, include: [allDevices, group: A]",
        "name: P, include: [{allDevices: true, filter: F}, collection: X]",
        "name: P, include: [{group: A, filter: F, filterMode: exclude}]",
    ] {
        assert_eq!(codes(&world(&[], quiet), "").0, BTreeSet::new(), "{quiet}");
    }
    // Members that were read show that no device is in both.
    let apart = "name: P, include: [{group: A, filter: F}, group: B]";
    let world = world(&[], apart);
    assert!(
        codes(&world, "--members exact")
            .0
            .contains("filter-mode-mix")
    );
    populate(&world, &["d1-2", "d3-6"]);
    assert_eq!(codes(&world, "--members exact").0, BTreeSet::new());
    assert!(codes(&world, "--members").0.contains("filter-mode-mix"));
}

#[test]
fn groups_of_one_name_have_their_ids() {
    let (one, other) = (group_id(1), group_id(2));
    let entry = format!("name: P, include: [{{groupId: {one}, filter: F}}, groupId: {other}]");
    let world = world(&[], &entry);
    world.edit("tenant.json", |state| {
        state["groups"][1]["displayName"] = json!("A");
    });
    for (flags, counts) in [("", ""), ("--members", "; 4 devices, 0 users")] {
        let (_, said) = codes(&world, flags);
        for id in [&one, &other] {
            let group = match counts {
                "" => format!("group `A` ({id})"),
                counts => format!("group `A` ({id}{counts})"),
            };
            assert!(said.contains(&group), "{said}");
        }
    }
    world
        .sandbox(&format!("plan m.yaml {ALLOW}"))
        .exits(0)
        .says(&[&format!("A ({one})"), &format!("A ({other})")]);
}

#[test]
fn what_was_so_before_is_said_to_be_so_and_never_fails() {
    let live = ["+C", "-A"];
    let entry = "name: P, include: [group: C, collection: X], exclude: [group: A]";
    let world = world(&live, entry);
    world.manifest(&["name: P, include: [{group: C, filter: F}], exclude: [group: A]"]);
    let (found, said) = codes(&world, "--members");
    assert!(found.contains("exclusion-no-effect"));
    assert!(said.contains(" (existing) (Microsoft: "), "{said}");
    world
        .sandbox("plan m.yaml --members --strict")
        .exits(0)
        .says(&["warning[exclusion-no-effect]: configurationPolicy `P`: excluding"]);
    // Nothing changes: it is looked at only where all are.
    world.manifest(&["name: P, include: [group: C], exclude: [group: A]"]);
    assert_eq!(codes(&world, "--members").0, BTreeSet::new());
    let (found, said) = codes(&world, "--members --lint all");
    assert!(found.contains("exclusion-no-effect") && said.contains("(existing)"));
}

#[test]
fn strict_makes_them_errors_and_the_configuration_silences_them() {
    let mixed = "name: P, include: [{allDevices: true, filter: F}, group: A]";
    let world = world(&[], mixed);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["warning[filter-mode-mix]"]);
    world
        .sandbox("plan m.yaml --strict")
        .exits(3)
        .says(&["error[filter-mode-mix]: configurationPolicy `P`: devices in group `A`"]);
    // What is only worth knowing fails nothing.
    world.manifest(&["name: P, include: [group: Empty]"]);
    world
        .sandbox("plan m.yaml --members --strict")
        .exits(0)
        .says(&["warning[include-empty-group]"]);
    world.manifest(&[mixed]);
    world.write("assignctl.yaml", "lints: {filter-mode-mix: off}\n");
    world
        .sandbox("plan m.yaml --strict")
        .exits(0)
        .says_nothing_of("filter-mode-mix");
    world.write("assignctl.yaml", "lints: {filter-mode-mx: off}\n");
    world
        .sandbox("plan m.yaml")
        .exits(1)
        .says(&["did you mean `filter-mode-mix`?"]);
}

#[test]
fn an_app_that_is_available_to_devices_is_told() {
    let id = "ffffffff-0000-4000-8000-000000000001";
    for (kind, intent, entry, expected) in [
        ("iosStoreApp", "available", "allDevices", true),
        ("iosStoreApp", "available", "allUsers", false),
        ("iosStoreApp", "required", "allDevices", false),
        ("win32LobApp", "available", "allDevices", false),
    ] {
        let entry = format!("kind: mobileApp, id: {id}, intent: {intent}, include: [{entry}]");
        let world = World::with(&Tenant::common(), &[&entry]);
        world.edit("tenant.json", |state| {
            state["mobileApps"] = json!([{
                "id": id,
                "displayName": "App",
                "@odata.type": format!("#microsoft.graph.{kind}"),
                "publishingState": "published",
                "assignments": [],
            }]);
        });
        let (found, said) = codes(&world, "");
        assert_eq!(
            found.contains("app-available-devices"),
            expected,
            "{kind} {said}"
        );
    }
}

/// A world with an app of a type.
fn app(kind: &str, targets: &str) -> World {
    let id = "ffffffff-0000-4000-8000-000000000001";
    let tenant = Tenant::common().group("Mixed").group("Empty");
    let world = World::with(&tenant, &[&format!("kind: mobileApp, id: {id}, {targets}")]);
    populate(&world, &MEMBERS);
    world.edit("tenant.json", |state| {
        state["mobileApps"] = json!([{
            "id": id,
            "displayName": "App",
            "@odata.type": format!("#microsoft.graph.{kind}"),
            "publishingState": "published",
            "assignments": [],
        }]);
    });
    world
}

#[test]
fn exclusions_of_an_app_work_within_their_intent() {
    // Whoever gets it as available is a user, though devices get it as required.
    let targets = "include: [{group: A, intent: required}, {allUsers: true, intent: available}], exclude: [{group: B, intent: available}]";
    let world = app("win32LobApp", targets);
    let (found, said) = codes(&world, "--members");
    assert_eq!(
        found,
        BTreeSet::from(["exclusion-no-effect".to_owned()]),
        "{said}"
    );
    assert!(
        said.contains("all that is included as `available` are users ("),
        "{said}"
    );
    let required = targets.replace(
        "{group: B, intent: available}",
        "{group: B, intent: required}",
    );
    let (found, said) = codes(&app("win32LobApp", &required), "--members");
    assert_eq!(found, BTreeSet::new(), "{said}");
    // Group A has devices 1 to 4, B 3 to 6: with the same intent half of A is out, and all users get it.
    for (targets, devices) in [(targets, 4), (required.as_str(), 2)] {
        let told = app("win32LobApp", targets)
            .sandbox(&format!(
                "plan m.yaml {ALLOW} --members exact --format json"
            ))
            .exits(0)
            .json();
        let reach = &told["policies"][0]["reach"]["gained"];
        assert_eq!(*reach, json!({"devices": devices, "users": 9}), "{targets}");
    }
}

#[test]
fn a_filter_on_a_kind_that_ignores_it_is_told() {
    let id = "ffffffff-0000-4000-8000-000000000002";
    for (segment, kind, expected) in [
        ("deviceManagementScripts", "deviceManagementScript", true),
        ("deviceHealthScripts", "deviceHealthScript", false),
    ] {
        let entry =
            |filter: &str| format!("kind: {kind}, id: {id}, include: [{{group: A{filter}}}]");
        let world = World::with(&Tenant::common(), &[&entry(", filter: F")]);
        world.edit("tenant.json", |state| {
            state[segment] = json!([{"id": id, "displayName": "U", "assignments": []}]);
        });
        let code = "filter-unsupported-kind";
        let (found, said) = codes(&world, "");
        assert_eq!(found.contains(code), expected, "{kind} {said}");
        if expected {
            let text = "filters have no effect on deviceManagementScript, by Microsoft's list";
            assert!(said.contains(text), "{said}");
            world
                .sandbox(&format!("plan m.yaml {ALLOW} --strict"))
                .exits(3)
                .says(&["error[filter-unsupported-kind]", "--> m.yaml:"]);
            // Beside other errors too.
            let missing = format!("kind: {kind}, name: Missing, include: []");
            world.manifest(&[&entry(", filter: F"), &missing]);
            world
                .sandbox("plan m.yaml")
                .exits(3)
                .says(&["error[unknown-policy]", "warning[filter-unsupported-kind]"]);
            world.manifest(&[&entry(", filter: F")]);
            world.write("assignctl.yaml", "lints: {filter-unsupported-kind: off}\n");
            assert_eq!(codes(&world, "--strict").0, BTreeSet::new());
            std::fs::remove_file(world.path("assignctl.yaml")).expect("a file");
        }
        world.manifest(&[&entry("")]);
        assert!(!codes(&world, "").0.contains(code), "{kind}");
    }
}

/// Every code is one of a rule that fires here, has a section on the page of errors that names its source,
/// and can be silenced.
#[test]
fn every_code_is_on_the_page_and_can_be_silenced() {
    let page = include_str!("../../../docs/errors.md");
    let cases = include_str!("lints.rs");
    let mut off = Vec::new();
    for (code, _) in assignctl::plan::lints::CODES {
        let heading = format!("\n### `{code}`\n");
        let (_, section) = page
            .split_once(&heading)
            .unwrap_or_else(|| panic!("{code}"));
        let section = section.split("\n### ").next().unwrap_or_default();
        assert!(section.contains("(\""), "{code} has no source: {section}");
        assert!(cases.contains(&format!("\"{code}\"")), "{code}");
        off.push(format!("{code}: off"));
    }
    let world = World::with(&Tenant::common(), &["name: P, include: [group: A]"]);
    world.edit("tenant.json", |state| {
        state["configurationPolicies"] = json!([
            {"id": "ffffffff-0000-4000-8000-000000000003", "name": "P", "assignments": []}
        ]);
    });
    world.write(
        "assignctl.yaml",
        &format!("lints: {{{}}}\n", off.join(", ")),
    );
    world.sandbox("plan m.yaml").exits(0);
}

#[test]
fn doubts_about_filters_that_depend_on_the_policy_are_silenced_like_others() {
    let id = "ffffffff-0000-4000-8000-000000000003";
    let entry = format!("kind: configurationPolicy, id: {id}, include: [{{group: A, filter: F}}]");
    let world = World::with(&Tenant::common(), &[&entry]);
    world.edit("tenant.json", |state| {
        state["configurationPolicies"] =
            json!([{"id": id, "name": "L", "platforms": "linux", "assignments": []}]);
    });
    let code = "filter-unsupported-kind";
    assert!(codes(&world, "").0.contains(code));
    let strict = format!("plan m.yaml {ALLOW} --strict");
    world
        .sandbox(&strict)
        .exits(3)
        .says(&["error[filter-unsupported-kind]"]);
    world
        .sandbox(&format!("apply m.yaml {ALLOW} --yes --report r.jsonl"))
        .exits(0);
    // What is live already fails nothing.
    world
        .sandbox(&strict)
        .exits(0)
        .says(&["warning[filter-unsupported-kind]", " (existing)"]);
    world.write("assignctl.yaml", "lints: {filter-unsupported-kind: off}\n");
    assert!(!codes(&world, "").0.contains(code));
}
