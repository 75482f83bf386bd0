//! What is particular to apps: intents that do not go with a type or a setting, or with another intent.

use serde_json::{Value, json};

use super::kinds::{to_group, world};
use super::support::World;
use super::support::tenant::{filter_id, policy_id};

/// An app of a type with assignments for these groups and intents.
fn app(odata_type: &str, assigned: &[(usize, &str)]) -> World {
    let rows: Vec<Value> = assigned
        .iter()
        .map(|(group, intent)| json!({"intent": intent, "target": to_group(*group)}))
        .collect();
    world(&[(
        "mobileApps",
        json!([{"id": policy_id(1), "displayName": "P", "assignments": rows,
                "@odata.type": format!("#microsoft.graph.{odata_type}")}]),
    )])
}

fn plan(world: &World, entry: &str) -> String {
    world.write(
        "m.yaml",
        &format!("version: 1\npolicies:\n  - {{kind: mobileApp, name: P, {entry}}}\n"),
    );
    let ran = world.sandbox("plan m.yaml --allow broad-target").exits(0);
    ran.stderr.clone()
}

#[test]
fn a_setting_that_does_not_go_with_the_intent_is_doubted() {
    for (odata_type, intent, setting, doubted) in [
        (
            "win32LobApp",
            "required",
            "autoUpdateSettings: {autoUpdateSupersededAppsState: enabled}",
            true,
        ),
        (
            "win32LobApp",
            "available",
            "autoUpdateSettings: {autoUpdateSupersededAppsState: enabled}",
            false,
        ),
        ("win32LobApp", "required", "autoUpdateSettings: null", false),
        (
            "windowsUniversalAppX",
            "available",
            "useDeviceContext: true",
            true,
        ),
        (
            "windowsUniversalAppX",
            "required",
            "useDeviceContext: true",
            false,
        ),
        (
            "windowsUniversalAppX",
            "available",
            "useDeviceContext: false",
            false,
        ),
        ("iosVppApp", "uninstall", "isRemovable: true", true),
        ("iosVppApp", "uninstall", "preventAutoAppUpdate: true", true),
        (
            "iosVppApp",
            "uninstall",
            "uninstallOnDeviceRemoval: null",
            false,
        ),
        ("iosVppApp", "required", "isRemovable: true", false),
        ("iosStoreApp", "available", "isRemovable: true", true),
        (
            "iosStoreApp",
            "uninstall",
            "preventManagedAppBackup: true",
            false,
        ),
    ] {
        let world = app(odata_type, &[]);
        let said = plan(
            &world,
            &format!("intent: {intent}, settings: {{{setting}}}, include: [{{group: A}}]"),
        );
        let warning = format!("may be rejected with the intent `{intent}`");
        let is_said = said.contains("warning[setting-and-intent]") && said.contains(&warning);
        assert_eq!(is_said, doubted, "{odata_type} {intent} {setting}: {said}");
    }
}

#[test]
fn an_app_that_needs_enrollment_is_not_offered_without() {
    for (odata_type, doubted) in [
        ("win32LobApp", true),
        ("webApp", true),
        ("macOSPkgApp", true),
        ("iosStoreApp", false),
        ("androidManagedStoreApp", false),
        ("quantumApp", false),
    ] {
        let world = app(odata_type, &[]);
        let said = plan(
            &world,
            "intent: availableWithoutEnrollment, include: [{group: A}]",
        );
        let is_said = said.contains("warning[intent-not-supported]");
        assert_eq!(is_said, doubted, "{odata_type}: {said}");
    }
}

#[test]
fn an_intent_beside_a_live_one_is_doubted_where_that_stays() {
    const DOUBT: &str = "warning[same-group-two-intents]: the target is included with the intent `required` already, which stays";
    for (entry, doubted) in [
        (
            "mode: additive, intent: available, include: [{group: A}]",
            true,
        ),
        (
            "mode: additive, intent: available, include: [{group: B}]",
            false,
        ),
        (
            "mode: additive, intent: required, include: [{group: A}]",
            false,
        ),
        ("intent: available, include: [{group: A}]", false),
        (
            "mode: additive, include: [{group: A, intent: available}], absent: [{group: A, intent: required}]",
            false,
        ),
    ] {
        let world = app("win32LobApp", &[(1, "required")]);
        let said = plan(&world, entry);
        assert_eq!(said.contains(DOUBT), doubted, "{entry}: {said}");
    }
}

#[test]
fn what_is_absent_is_meant_with_an_intent_of_its_own_or_of_the_entry_or_any() {
    for (entry, left) in [
        (
            "absent: [{group: A, intent: required}]",
            "A uninstall, B required, B available",
        ),
        (
            "absent: [{group: A}, {group: B, intent: available}]",
            "B required",
        ),
        (
            "intent: required, absent: [{group: A}, {group: B}]",
            "A uninstall, B available",
        ),
        (
            "intent: required, absent: [{group: A}, {group: B, intent: available}]",
            "A uninstall, B required",
        ),
        (
            "include: [{group: A, intent: available}], absent: [{group: A, intent: uninstall}]",
            "A available, A required, B required, B available",
        ),
    ] {
        let world = app(
            "win32LobApp",
            &[
                (1, "required"),
                (1, "uninstall"),
                (2, "required"),
                (2, "available"),
            ],
        );
        world.write(
            "m.yaml",
            &format!(
                "version: 1\npolicies:\n  - {{kind: mobileApp, name: P, mode: additive, {entry}}}\n"
            ),
        );
        world.sandbox("apply m.yaml --yes").exits(0);
        let state = super::kinds::state(&world);
        let rows = state["mobileApps"][0]["assignments"]
            .as_array()
            .expect("rows");
        let mut found: Vec<String> = rows
            .iter()
            .map(|row| {
                let group = match row["target"]["groupId"] == to_group(1)["groupId"] {
                    true => "A",
                    false => "B",
                };
                format!("{group} {}", row["intent"].as_str().expect("an intent"))
            })
            .collect();
        found.sort();
        let mut left: Vec<&str> = left.split(", ").collect();
        left.sort_unstable();
        assert_eq!(found, left, "{entry}");
        world
            .sandbox("plan m.yaml")
            .exits(0)
            .says(&["Nothing to do"]);
    }
}

#[test]
fn an_intent_of_what_is_absent_is_for_apps_and_does_not_contradict_another() {
    let world = World::empty();
    let check = |entry: &str| {
        world.write(
            "m.yaml",
            &format!("version: 1\npolicies:\n  - {{{entry}}}\n"),
        );
        world.run("validate m.yaml")
    };
    check("kind: configurationPolicy, name: P, mode: additive, absent: [{group: A, intent: required}]")
        .exits(3)
        .says(&["error[property-not-allowed]: an assignment of a configurationPolicy has no `intent`"]);
    check("kind: mobileApp, name: P, mode: additive, intent: required, include: [{group: A}], absent: [{group: A}]")
        .exits(3)
        .says(&["error[wanted-and-absent]"]);
    check("kind: mobileApp, name: P, mode: additive, intent: required, include: [{group: A}], absent: [{group: A, intent: available}]")
        .exits(0);
}

#[test]
fn what_a_kind_refuses_for_certain_is_an_error_offline() {
    let world = World::empty();
    world.write(
        "m.yaml",
        "version: 1
targets:
  all: {include: [allDevices]}
policies:
  - kind: iosManagedAppProtection
    name: P
    include:
      - allDevices
  - kind: windowsAutopilotDeploymentProfile
    name: P
    include: [allUsers]
  - kind: [configurationPolicy, androidManagedAppProtection]
    match: '*'
    use: [all]
",
    );
    world.run("validate m.yaml").exits(3).says(&[
        "error[target-not-allowed]: the service rejects `allDevices` on an iosManagedAppProtection",
        "--> m.yaml:8:9",
        "error[target-not-allowed]: the service rejects `allUsers` on a windowsAutopilotDeploymentProfile",
        "--> m.yaml:11:15",
        "error[target-not-allowed]: the service rejects `allDevices` on an androidManagedAppProtection",
        "--> m.yaml:3:19",
        "m.yaml:14",
    ]);
}

/// Whatever the service has, a plan of an export has no errors.
#[test]
fn a_live_target_that_a_kind_refuses_is_not_exported() {
    let everywhere = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"});
    let policy = |number: usize, name: &str, target: &Value| {
        json!({"id": format!("T_{}", policy_id(number)), "displayName": name,
               "assignments": [{"target": target}]})
    };
    let world = world(&[(
        "iosManagedAppProtections",
        json!([
            policy(1, "Odd", &everywhere),
            policy(2, "Even", &to_group(1))
        ]),
    )]);
    world.sandbox("export --out exported").exits(0).says(&[
        "warning[not-exported]: iosManagedAppProtection `Odd`",
        "it has allDevices, which the service is known to refuse",
    ]);
    world
        .sandbox("plan exported")
        .exits(0)
        .says(&["Nothing to do"]);
}

#[test]
fn words_that_are_no_kinds_or_intents_are_said_to_be_what_they_are() {
    let world = World::empty();
    world.write(
        "m.yaml",
        "version: 1
policies:
  - {kind: notificationMessageTemplate, name: P, include: [allUsers]}
  - {kind: deviceConfiguration, name: P, intent: apply, include: [allUsers]}
",
    );
    world.run("validate m.yaml").exits(3).says(&[
        "error[unknown-kind]: a notificationMessageTemplate takes no assignments",
        "hint: compliance policies name it",
        "error[unknown-intent]: the intent `apply` is not one of an app",
        "hint: remove it: device configurations have `apply` and `remove`",
    ]);
}

/// `{}` is not the value of an object that has members.
#[test]
fn an_object_among_the_settings_is_shown_by_its_members() {
    const MEMBER: &str = "settings.autoUpdateSettings.autoUpdateSupersededAppsState";
    let world = app("win32LobApp", &[(2, "available")]);
    world.write(
        "m.yaml",
        "version: 1\npolicies:\n  - kind: mobileApp\n    name: P\n    intent: available\n    settings: {autoUpdateSettings: {autoUpdateSupersededAppsState: enabled}}\n    include: [{group: A}, {group: B}]\n",
    );
    let shown = |line: &str| {
        world
            .sandbox(line)
            .exits(0)
            .says(&[MEMBER])
            .says_nothing_of("autoUpdateSettings {}")
            .says_nothing_of("autoUpdateSettings not set")
            .says_nothing_of("autoUpdateSettings={}");
    };
    for options in ["", "--diff", "--format markdown", "--format github"] {
        shown(&format!("plan m.yaml {options}"));
    }
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    for line in [
        "show r.jsonl",
        "list",
        "list --format csv",
        "list --format markdown",
        "list --format html",
    ] {
        shown(line);
    }
}

#[test]
fn a_setting_that_stays_on_is_warned_of() {
    const WARNING: &str = "warning[setting-cannot-change]: `useDeviceContext` cannot be switched off for an assignment that has it, for `P`";
    let row = json!({"intent": "required", "target": to_group(1), "settings": {
        "@odata.type": "#microsoft.graph.windowsUniversalAppXAppAssignmentSettings",
        "useDeviceContext": true}});
    let world = world(&[(
        "mobileApps",
        json!([{"id": policy_id(1), "displayName": "P", "assignments": [row],
                "@odata.type": "#microsoft.graph.windowsUniversalAppX"}]),
    )]);
    for (target, warned) in [
        ("{group: A, settings: {useDeviceContext: false}}", true),
        ("{group: A, settings: {useDeviceContext: true}}", false),
        ("{group: A}", false),
        ("{group: B, settings: {useDeviceContext: false}}", false),
    ] {
        let said = plan(&world, &format!("intent: required, include: [{target}]"));
        assert_eq!(said.contains(WARNING), warned, "{target}: {said}");
        let hint = "hint: remove the assignment, apply, and add it again";
        assert_eq!(said.contains(hint), warned, "{target}: {said}");
    }
}

/// Adds the filter `F`.
fn with_filter(world: &World) {
    world.edit("tenant.json", |state| {
        state["assignmentFilters"] = json!([{"id": filter_id(1), "displayName": "F",
                                             "platform": "windows10AndLater", "rule": "true"}]);
    });
}

/// Which of a group's assignments gets another filter is said in every form of a plan, and afterwards.
#[test]
fn a_changed_filter_is_said_with_the_intent_of_its_assignment() {
    for (intent, targets) in [
        (
            "required",
            "{group: A, intent: required, filter: F}, {group: A, intent: available}",
        ),
        (
            "available",
            "{group: A, intent: required}, {group: A, intent: available, filter: F}",
        ),
    ] {
        let world = app("win32LobApp", &[(1, "required"), (1, "available")]);
        with_filter(&world);
        plan(&world, &format!("include: [{targets}]"));
        let said = format!("group A, {intent}: no filter -> filter F (include)");
        for line in [
            "plan m.yaml",
            "plan m.yaml --expand",
            "plan m.yaml --format markdown",
            "plan m.yaml --format github",
            "explain P m.yaml",
        ] {
            world.sandbox(line).exits(0).says(&[&said]);
        }
        let drifted = format!("group A, {intent}: no filter instead of filter F (include)");
        world.sandbox("drift m.yaml").exits(2).says(&[&drifted]);
        let applied = world.sandbox("apply m.yaml --yes --report r.jsonl");
        applied.exits(0).says(&[&said]);
        world.run("show r.jsonl").exits(0).says(&[&said]);
        let shown = world.run("show r.jsonl --format markdown");
        let escaped = said.replace("->", "-&#62;");
        shown.exits(0).says(&[&escaped]);
        let back = format!("group A, {intent}: filter F (include) -> no filter");
        world
            .sandbox("rollback r.jsonl --yes")
            .exits(0)
            .says(&[&back]);
    }
}

#[test]
fn changes_of_different_intents_are_not_the_same_change() {
    const INTENTS: [&str; 3] = ["required", "available", "uninstall"];
    let apps: Vec<Value> = (1..)
        .zip(INTENTS)
        .map(|(number, intent)| {
            json!({"id": policy_id(number), "displayName": format!("X{number}"),
                   "@odata.type": "#microsoft.graph.win32LobApp",
                   "assignments": [{"intent": intent, "target": to_group(1)}]})
        })
        .collect();
    let world = world(&[("mobileApps", json!(apps))]);
    with_filter(&world);
    world.write(
        "m.yaml",
        "version: 1\ntargets: {s: {include: [{group: A, filter: F}]}}\npolicies:\n\
         - {kind: mobileApp, name: X1, intent: required, use: [s]}\n\
         - {kind: mobileApp, name: X2, intent: available, use: [s]}\n\
         - {kind: mobileApp, name: X3, intent: uninstall, use: [s]}\n",
    );
    for format in ["text", "markdown"] {
        let ran = world.sandbox(&format!("plan m.yaml --format {format}"));
        let ran = ran.exits(0).says_nothing_of("3 policies\n");
        for intent in INTENTS {
            let said = format!("group A, {intent}: no filter -> filter F (include)");
            assert!(ran.stdout.contains(&said), "{said}: {ran:?}");
        }
    }
}

#[test]
fn every_target_without_an_intent_is_named() {
    let world = World::empty();
    world.write(
        "m.yaml",
        "version: 1
policies:
- kind: mobileApp
  name: App
  include:
  - group: A
  - {group: B, intent: required}
  exclude:
  - group: C
- kind: deviceShellScript
  name: Script
  include:
  - {group: A, source: policySets}
  - {group: B, source: policySets}
",
    );
    let told = world.run("validate m.yaml --format json").exits(3).json();
    let found = told["diagnostics"].as_array().expect("diagnostics").iter();
    let found: Vec<_> = found
        .map(|found| (found["code"].as_str(), found["line"].as_u64()))
        .collect();
    let expected = [
        ("missing-intent", 6),
        ("missing-intent", 9),
        ("source-not-allowed", 13),
        ("source-not-allowed", 14),
    ];
    assert_eq!(found, expected.map(|(code, line)| (Some(code), Some(line))));
    let hint = told["diagnostics"][0]["hint"].as_str().unwrap_or_default();
    assert!(
        hint.contains(" or `availableWithoutEnrollment`, on the entry"),
        "{hint}"
    );
}
