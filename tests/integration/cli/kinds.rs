//! What is particular to kinds, through the executable: types of apps that no one knows, kinds that a tenant
//! lacks, names that several types share, and permissions.

use assignctl::model::PolicyKind;
use assignctl_sandbox::Tenant;
use serde_json::{Value, json};

use super::super::ordinary::{collection, tenant_with, wanted};
use super::support::World;
use super::support::tenant::{TENANT_ID, group_id, policy_id};

const GROUPS: [&str; 3] = ["A", "B", "C"];

/// A world with the groups `A`, `B` and `C` and collections of the service, as a state file has them.
pub(super) fn world(collections: &[(&str, Value)]) -> World {
    let world = World::empty();
    let groups = (1..).zip(GROUPS);
    let groups: Vec<Value> = groups
        .map(|(number, name)| json!({"id": group_id(number), "displayName": name}))
        .collect();
    let mut state = json!({"formatVersion": 1, "tenantId": TENANT_ID, "groups": groups,
                           "service": {"tokenLifetime": 1_000_000}});
    for (segment, policies) in collections {
        state[segment] = policies.clone();
    }
    world.write("tenant.json", &state.to_string());
    world
}

pub(super) fn to_group(number: usize) -> Value {
    json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(number),
           "deviceAndAppManagementAssignmentFilterId": null,
           "deviceAndAppManagementAssignmentFilterType": "none"})
}

pub(super) fn state(world: &World) -> Value {
    serde_json::from_str(&world.read("tenant.json")).expect("JSON")
}

#[test]
fn the_settings_of_an_app_of_an_unknown_type_are_carried_byte_for_byte() {
    let settings = json!({
        "@odata.type": "#microsoft.graph.quantumAppAssignmentSettings",
        "spin": "up", "Ünïcode 😀": [1, null, {"deep": [0.5, true, ""]}], "nothing": null,
    });
    let row = json!({"intent": "required", "settings": settings, "novelty": {"z": 1, "a": [2]},
                     "target": to_group(1)});
    let world = world(&[(
        "mobileApps",
        json!([{"id": policy_id(1), "displayName": "Q",
                "@odata.type": "#microsoft.graph.quantumApp", "assignments": [row]}]),
    )]);
    let entry = |targets: &str| {
        world.write(
            "m.yaml",
            &format!("version: 1\npolicies:\n  - kind: mobileApp\n    name: Q\n    intent: required\n{targets}"),
        );
    };
    entry("    include: [{group: A}, {group: B}]\n    exclude: [{group: C}]\n");
    // Two changes, so that the whole set is sent, what is kept among it.
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&["1 applied"]);
    let after = state(&world);
    let rows = after["mobileApps"][0]["assignments"]
        .as_array()
        .expect("rows");
    assert_eq!(rows.len(), 3);
    let kept = rows
        .iter()
        .find(|row| row["target"]["groupId"] == group_id(1));
    let kept = kept.expect("the one that stays");
    assert_eq!(kept["settings"].to_string(), settings.to_string());
    assert_eq!(kept["novelty"].to_string(), r#"{"a":[2],"z":1}"#);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["Nothing to do"]);
    // A manifest cannot name them.
    entry("    settings: {notifications: hideAll}\n    include: [{group: A}]\n");
    world.sandbox("plan m.yaml").exits(3).says(&[
        "error[setting-not-allowed]: the program does not know apps of the type quantumApp, so no manifest can name their settings",
        "--> m.yaml:6",
    ]);
    world.sandbox("rollback r.jsonl --yes").exits(0);
    let back = state(&world);
    let row = &back["mobileApps"][0]["assignments"][0];
    assert_eq!(row["settings"].to_string(), settings.to_string());
}

#[test]
fn a_name_that_several_types_share_is_told_apart_by_id_and_type() {
    let app = |number: usize, odata_type: &str| {
        json!({"id": policy_id(number), "displayName": "Company Portal",
               "@odata.type": format!("#microsoft.graph.{odata_type}"), "assignments": []})
    };
    let world = world(&[(
        "mobileApps",
        json!([
            app(1, "iosStoreApp"),
            app(2, "winGetApp"),
            app(3, "androidManagedStoreApp")
        ]),
    )]);
    let entry = |type_line: &str| {
        world.write(
            "m.yaml",
            &format!("version: 1\npolicies:\n  - kind: mobileApp\n    name: Company Portal\n{type_line}    intent: required\n    include: [{{group: A}}]\n"),
        );
    };
    entry("");
    let [ios, windows, android] = [1, 2, 3].map(policy_id);
    world.sandbox("plan m.yaml").exits(3).says(&[
        "error[ambiguous-policy]",
        "--> m.yaml:4",
        &format!("{ios} (iosStoreApp)"),
        &format!("{windows} (winGetApp)"),
        &format!("{android} (androidManagedStoreApp)"),
        "type",
    ]);
    entry("    type: winGetApp\n");
    world.sandbox("plan m.yaml").exits(0).says(&[
        "mobileApp Company Portal",
        &windows,
        "+ group A",
    ]);
    let planned = world.sandbox("plan m.yaml --format json").exits(0).json();
    let policy = &planned["policies"][0];
    assert_eq!(
        (&policy["id"], &policy["type"]),
        (&json!(windows), &json!("winGetApp"))
    );
    entry("    type: macOSLobApp\n");
    world.sandbox("plan m.yaml").exits(3).says(&[
        "error[unknown-policy]",
        "--> m.yaml:5",
        &format!("{ios} (iosStoreApp)"),
    ]);
}

#[test]
fn a_token_that_lacks_the_permission_of_one_kind_fails_before_any_write_and_names_it() {
    const ALL: [&str; 5] = ["Apps", "Configuration", "RBAC", "Scripts", "ServiceConfig"];
    for (kind, family) in [
        ("mobileApp", "Apps"),
        ("policySet", "Configuration"),
        ("roleScopeTag", "RBAC"),
        ("deviceHealthScript", "Scripts"),
        ("termsAndConditions", "ServiceConfig"),
    ] {
        let lacking = PolicyKind::from_name(kind).expect("a kind");
        let other = match family {
            "Apps" => "deviceShellScript",
            _ => "mobileApp",
        };
        let other = PolicyKind::from_name(other).expect("a kind");
        let (mut tenant, _) = tenant_with(lacking);
        let (theirs, _) = tenant_with(other);
        let policies = theirs.policies(collection(other)).to_vec();
        tenant.policies_mut(collection(other)).extend(policies);
        let (one, _) = wanted(other);
        let (two, _) = wanted(lacking);
        for may_read in [false, true] {
            let mut roles = vec!["GroupMember.Read.All".to_owned()];
            for name in ALL {
                let right = match (name == family, may_read) {
                    (true, false) => continue,
                    (true, true) => "Read.All",
                    (false, _) => "ReadWrite.All",
                };
                roles.push(format!("DeviceManagement{name}.{right}"));
            }
            // The filters are of another family; here they are not asked for.
            tenant.service.roles = roles;
            let mut world = World::empty();
            world.write("tenant.json", &tenant.to_json());
            world.write("one.yaml", &one);
            world.write("two.yaml", &two);
            let before = world.read("tenant.json");
            let missing = format!(
                "DeviceManagement{family}.{}",
                if may_read {
                    "ReadWrite.All"
                } else {
                    "Read.All"
                }
            );
            world
                .sandbox(
                    "apply one.yaml two.yaml --yes --allow broad-target --allow exclusion-lost",
                )
                .exits(7)
                .says(&[&missing]);
            assert_eq!(world.read("tenant.json"), before, "{kind} {may_read}");
            // The other kind alone needs none of it.
            world
                .sandbox("apply one.yaml --yes --allow broad-target")
                .exits(0)
                .says(&["1 applied"]);
            world.set("NO_COLOR", "1");
        }
    }
}

#[test]
fn list_shows_policies_of_every_kind() {
    let mut all = Tenant::empty();
    all.service.token_lifetime = 1_000_000;
    for kind in PolicyKind::all() {
        let (tenant, _) = tenant_with(kind);
        all.groups.clone_from(&tenant.groups);
        let policies = tenant.policies(collection(kind)).to_vec();
        all.policies_mut(collection(kind)).extend(policies);
    }
    let world = World::empty();
    world.write("tenant.json", &all.to_json());
    let listed = world
        .sandbox("list --group A --format json")
        .exits(0)
        .json();
    assert_eq!(listed["complete"], json!(true));
    let rows = listed["assignments"].as_array().expect("a list");
    for kind in PolicyKind::all() {
        let of_kind = |row: &&Value| row["kind"] == kind.name();
        let row = rows
            .iter()
            .find(of_kind)
            .unwrap_or_else(|| panic!("no {kind}"));
        assert_eq!(
            (&row["name"], &row["assignment"]["target"]["name"]),
            (&json!("P"), &json!("A")),
            "{kind}"
        );
        let line = format!("list --kind {kind} --format json");
        let own = world.sandbox(&line).exits(0).json();
        assert_eq!(
            own["assignments"].as_array().map(Vec::len),
            Some(1),
            "{kind}"
        );
    }
    assert_eq!(rows.len(), PolicyKind::all().count());
}

/// Every kind that has objects which every tenant has: `match` leaves them out, and naming one is an error.
#[test]
fn what_every_tenant_has_is_selected_by_no_match_and_refused_by_name_and_id() {
    let id = |number: usize, end: &str| format!("{}{end}", policy_id(number));
    let page = "#microsoft.graph.windows10EnrollmentCompletionPageConfiguration";
    let restore = "#microsoft.graph.windowsRestoreDeviceEnrollmentConfiguration";
    for (kind, segment, name, own, defaults) in [
        (
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            "displayName",
            json!({"id": id(1, "_Windows10EnrollmentCompletionPageConfiguration"),
                   "@odata.type": page, "priority": 1}),
            vec![
                json!({"id": id(2, "_DefaultWindows10EnrollmentCompletionPageConfiguration"),
                       "@odata.type": page, "priority": 0}),
                // By its id alone, too.
                json!({"id": id(3, "_WindowsRestore"), "@odata.type": restore}),
            ],
        ),
        (
            "intuneBrandingProfile",
            "intuneBrandingProfiles",
            "profileName",
            json!({"id": id(1, ""), "isDefaultProfile": false}),
            vec![json!({"id": id(2, ""), "isDefaultProfile": true})],
        ),
        (
            "roleScopeTag",
            "roleScopeTags",
            "displayName",
            json!({"id": "7", "isBuiltIn": false}),
            vec![json!({"id": "0", "isBuiltIn": true})],
        ),
    ] {
        let mut policies = vec![own.clone()];
        policies.extend(defaults.clone());
        for (number, policy) in policies.iter_mut().enumerate() {
            policy[name] = json!(if number == 0 {
                "Own".to_owned()
            } else {
                format!("Default {number}")
            });
        }
        let world = world(&[(segment, json!(policies))]);
        let entry = |selector: &str| {
            world.write(
                "m.yaml",
                &format!("version: 1\npolicies:\n  - kind: {kind}\n    {selector}\n    include: [{{group: A}}]\n"),
            );
        };
        entry("match: '*'");
        let planned = world.sandbox("plan m.yaml --format json").exits(0).json();
        let selected = planned["policies"].as_array().expect("a list");
        assert_eq!(selected.len(), 1, "{kind}: {selected:#?}");
        assert_eq!(selected[0]["id"], own["id"], "{kind}");
        world.sandbox("export --out exported").exits(0);
        world
            .sandbox("plan exported")
            .exits(0)
            .says_nothing_of("Default");
        for (number, default) in (1..).zip(&defaults) {
            let default = default["id"].as_str().expect("an id");
            for selector in [
                format!("name: Default {number}"),
                format!("id: '{default}'"),
            ] {
                entry(&selector);
                world
                    .sandbox("plan m.yaml")
                    .exits(3)
                    .says(&["error[tenant-default]", "--> m.yaml:4"]);
            }
        }
    }
    let kinds = PolicyKind::all();
    let with_defaults =
        kinds.filter(|kind| kind.spec().tenant_default != assignctl::kinds::TenantDefault::None);
    assert_eq!(with_defaults.count(), 3);
}

/// What a manifest says of an assignment is seen before it is written.
#[test]
fn a_plan_says_that_a_remediation_is_to_detect_only() {
    let script = json!({"id": policy_id(1), "displayName": "S", "assignments": []});
    let world = world(&[("deviceHealthScripts", json!([script]))]);
    world.manifest(&[
        "kind: deviceHealthScript, name: S, include: [{group: A, runRemediationScript: false, runSchedule: {type: daily, time: '01:00'}}, {group: B, runSchedule: {type: daily, time: '01:00'}}]",
    ]);
    for format in ["text", "markdown", "github"] {
        let ran = world
            .sandbox(&format!("plan m.yaml --format {format}"))
            .exits(0);
        let said = ran.stdout.matches("runRemediationScript false").count();
        assert!(said > 0, "{format}: {}", ran.stdout);
        assert!(
            !ran.stdout
                .contains("group B, runSchedule daily 01:00, runRemediationScript")
        );
    }
    world.sandbox("apply m.yaml --yes").exits(0);
}

/// Each write sends it of all assignments, and no read shows what it was.
#[test]
fn a_plan_shows_each_kept_assignment_that_is_written_to_detect_only() {
    let row = |group: usize| json!({"target": to_group(group), "runRemediationScript": true});
    let script = json!({"id": policy_id(1), "displayName": "S", "assignments": [row(1), row(2)]});
    let world = world(&[("deviceHealthScripts", json!([script]))]);
    let entry = |first: &str| {
        world.manifest(&[&format!("kind: deviceHealthScript, name: S, include: [{{group: A{first}}}, {{group: B, runRemediationScript: false}}, {{group: C, runSchedule: {{type: daily, time: '01:00'}}}}]")]);
    };
    entry("");
    let kept = "group B, runRemediationScript false";
    for (options, said) in [
        ("", format!("= {kept}")),
        ("--all", format!("= {kept}")),
        ("--diff", format!("+{kept}")),
        ("--format markdown", format!("= {kept}")),
        ("--format github", format!("= {kept}")),
    ] {
        let ran = world.sandbox(&format!("plan m.yaml {options}")).exits(0);
        assert_eq!(
            ran.stdout.matches(&said).count(),
            1,
            "{options}: {}",
            ran.stdout
        );
        assert!(
            !ran.stdout.contains("group A, runRemediationScript"),
            "{}",
            ran.stdout
        );
    }
    world
        .sandbox("explain S m.yaml")
        .exits(0)
        .says(&[&format!("= {kept}")]);
    world.sandbox("plan m.yaml --out p.json").exits(0);
    world
        .run("show p.json")
        .exits(0)
        .says(&[&format!("= {kept}")]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    // What a run has switched off is shown of its report as well.
    for format in ["text", "markdown"] {
        world
            .run(&format!("show r.jsonl --format {format}"))
            .exits(0)
            .says(&[&format!("= {kept}")]);
    }
    let shown = world.run("show r.jsonl --format json").exits(0).json();
    let after = shown["policies"][0]["after"].as_array().expect("a list");
    let repairs = after.iter().map(|after| &after["runRemediationScript"]);
    assert_eq!(repairs.collect::<Vec<_>>(), [true, false, true]);
    // By itself it is no difference, and that is said.
    entry(", runRemediationScript: false");
    for format in ["text", "markdown", "github"] {
        world
            .sandbox(&format!("plan m.yaml --format {format}"))
            .exits(0)
            .says(&["`runRemediationScript` of unchanged policies is not compared"]);
    }
    world.manifest(&[
        "kind: deviceHealthScript, name: S, include: [{group: A}, {group: B}, {group: C}]",
    ]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("not compared");
}

#[test]
fn of_settings_that_change_only_those_that_differ_are_shown() {
    let settings = json!({"@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
        "notifications": "showAll", "deliveryOptimizationPriority": "notConfigured", "installTimeSettings": null,
        "restartSettings": {"gracePeriodInMinutes": 60, "countdownDisplayBeforeRestartInMinutes": 15,
                            "restartNotificationSnoozeDurationInMinutes": null}});
    let row = json!({"intent": "required", "settings": settings, "target": to_group(1)});
    let app = json!({"id": policy_id(1), "displayName": "W", "publishingState": "published",
                     "@odata.type": "#microsoft.graph.win32LobApp", "assignments": [row]});
    let world = world(&[("mobileApps", json!([app]))]);
    world.manifest(&["kind: mobileApp, name: W, include: [{group: A, intent: required, settings: {restartSettings: {gracePeriodInMinutes: 90}}}]"]);
    let said = "~ group A, required: settings.restartSettings.gracePeriodInMinutes 60 -> 90";
    let shown = world.sandbox("plan m.yaml").exits(0).says(&[said]);
    assert!(!shown.stdout.contains("notifications"), "{}", shown.stdout);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.run("show r.jsonl").exits(0).says(&[said]);
}

/// An assignment that is only written again does not count as a change, and review formats explain its sign.
#[test]
fn an_assignment_that_is_written_again_is_not_counted_as_a_change() {
    let world = world(&[(
        "deviceHealthScripts",
        json!([{"id": policy_id(1), "displayName": "R", "assignments": [
            {"target": to_group(1), "runRemediationScript": true, "runSchedule": null}]}]),
    )]);
    let plan = |groups: &str| {
        world.write(
            "m.yaml",
            &format!("version: 1\npolicies:\n  - kind: deviceHealthScript\n    name: R\n    mode: additive\n    runRemediationScript: false\n    include: [{groups}]\n"),
        );
        let said = |format: &str| {
            let line = format!("plan m.yaml --format {format}");
            world.sandbox(&line).exits(0).stdout
        };
        (said("markdown"), said("github"))
    };
    let (markdown, github) = plan("{group: A}, {group: B}");
    for part in [
        "`=` (a blank in details) stays and is written again.",
        "<code>R</code>: 1 change</summary>",
        "<code>= group A, runRemediationScript false</code>",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    assert!(
        github.contains("title=assignctl plan%3A written again in 1 policy::= group A"),
        "{github}"
    );
    assert!(github.contains("1 policy changes::+ group B"), "{github}");
    let (markdown, _) = plan("{group: B}");
    assert!(!markdown.contains("`=`"), "{markdown}");
}
