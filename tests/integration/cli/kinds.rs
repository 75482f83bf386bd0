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
fn a_kind_that_the_tenant_lacks_is_an_error_only_where_it_is_named() {
    for kind in ["windowsFeatureUpdateProfile", "deviceHealthScript"] {
        let (mut tenant, _) =
            tenant_with(PolicyKind::from_name("deviceShellScript").expect("a kind"));
        let lacking = PolicyKind::from_name(kind).expect("a kind");
        tenant.service.unavailable = vec![collection(lacking).segment().to_owned()];
        let world = World::empty();
        world.write("tenant.json", &tenant.to_json());
        let entry =
            |kind: &str| format!("  - kind: {kind}\n    match: '*'\n    include: [{{group: B}}]\n");
        world.write(
            "other.yaml",
            &format!("version: 1\npolicies:\n{}", entry("deviceShellScript")),
        );
        world.write(
            "named.yaml",
            &format!(
                "version: 1\npolicies:\n{}{}",
                entry("deviceShellScript"),
                entry(kind)
            ),
        );
        world
            .sandbox("plan other.yaml")
            .exits(0)
            .says(&["+ group B"]);
        let missing = format!("warning[kind-unavailable]: no {kind} is");
        for line in [
            "export --out exported",
            "export --snapshot s.json",
            "init repository",
            "list",
        ] {
            world
                .sandbox(line)
                .exits(0)
                .says(&[&missing, "(status 400"]);
        }
        let listed = world
            .sandbox("list --format json")
            .exits(0)
            .says(&["P"])
            .json();
        assert_eq!(listed["unavailable"], json!([kind]));
        assert_eq!(listed["complete"], false);
        for line in ["list", "explain P other.yaml", "export --out other"] {
            world
                .sandbox(&format!("{line} --kind {kind}"))
                .exits(3)
                .says(&[
                    &format!("error[kind-unavailable]: `{kind}` is not available"),
                    "(status 400",
                ]);
        }
        // What the options leave out need not be there.
        world
            .sandbox("plan named.yaml --kind deviceShellScript")
            .exits(0)
            .says(&["+ group B", "warning[kind-unavailable]", "named.yaml:6"]);
        world
            .sandbox("export --kind deviceShellScript --out some")
            .exits(0)
            .says_nothing_of("kind-unavailable");
        let before = world.read("tenant.json");
        for line in [
            "plan named.yaml",
            "apply named.yaml --yes",
            "drift named.yaml",
        ] {
            world.sandbox(line).exits(3).says(&[
                &format!("error[kind-unavailable]: `{kind}` is not available in this tenant"),
                "named.yaml:6",
                "hint: the tenant may lack the licence",
            ]);
        }
        assert_eq!(world.read("tenant.json"), before);
    }
}

#[test]
fn all_kinds_that_cannot_be_read_are_named_in_one_run() {
    let world = world(&[(
        "deviceConfigurations",
        json!([{"id": policy_id(1), "displayName": "P",
        "@odata.type": "#microsoft.graph.windows10CustomConfiguration", "assignments": []}]),
    )]);
    let entry =
        |kind: &str| format!("  - kind: {kind}\n    match: '*'\n    include: [{{group: B}}]\n");
    let kinds = [
        "deviceConfiguration",
        "intent",
        "deviceHealthScript",
        "termsAndConditions",
        "roleScopeTag",
    ];
    let entries: String = kinds.map(entry).concat();
    world.write("m.yaml", &format!("version: 1\npolicies:\n{entries}"));
    let mut tenant = state(&world);
    tenant["service"]["unavailable"] = json!(["intents", "termsAndConditions"]);
    world.write("tenant.json", &tenant.to_string());
    world.sandbox("plan m.yaml").exits(3).says(&[
        "error[kind-unavailable]: `intent` is not available",
        "error[kind-unavailable]: `termsAndConditions` is not available",
        "m.yaml:6",
        "m.yaml:12",
    ]);
    tenant["service"]["roles"] = json!([
        "DeviceManagementConfiguration.Read.All",
        "DeviceManagementServiceConfig.Read.All"
    ]);
    world.write("tenant.json", &tenant.to_string());
    world.sandbox("plan m.yaml").exits(7).says(&[
        "`intent` is not available",
        "`termsAndConditions` is not available",
        "`DeviceManagementRBAC.Read.All`, `DeviceManagementScripts.Read.All` and `GroupMember.Read.All`",
    ]);
}

/// What is there and cannot be read is not what the tenant lacks.
#[test]
fn a_policy_that_cannot_be_read_is_a_failure_and_no_missing_kind() {
    let policies = |name: &str| {
        let rows = json!([{"target": to_group(1)}]);
        json!([{"id": policy_id(1), "displayName": name, "assignments": rows.clone()},
               {"id": policy_id(2), "displayName": "Q", "assignments": rows}])
    };
    for (deviation, segment, kind) in [
        ("assignmentsRefused", "intents", "intent"),
        ("setExpandRefused", "policySets", "policySet"),
    ] {
        let world = world(&[
            (segment, policies("P")),
            (
                "deviceConfigurations",
                json!([{"id": policy_id(3), "displayName": "C",
                "@odata.type": "#microsoft.graph.windows10CustomConfiguration", "assignments": []}]),
            ),
        ]);
        let mut tenant = state(&world);
        tenant["service"]["deviations"] = json!([deviation]);
        world.write("tenant.json", &tenant.to_string());
        world.write(
            "m.yaml",
            &format!(
                "version: 1\npolicies:\n  - {{kind: {kind}, name: P, include: [{{group: B}}]}}\n"
            ),
        );
        for line in [
            "list",
            "export --out out",
            "export --snapshot s.json",
            "init repository",
            "plan m.yaml",
        ] {
            world
                .sandbox(line)
                .exits(1)
                .says(&["(status 4", "request id"])
                .says_nothing_of("kind-unavailable");
        }
    }
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
