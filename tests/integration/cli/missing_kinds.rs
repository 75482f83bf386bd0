//! Kinds that a tenant lacks, or that the sign-in may not see; and what is there and cannot be read.

use assignctl::model::PolicyKind;
use serde_json::json;

use super::super::ordinary::{collection, tenant_with};
use super::kinds::{state, to_group, world};
use super::support::World;
use super::support::tenant::policy_id;

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

/// All errors of all files are reported in one run.
#[test]
fn what_else_is_wrong_is_reported_beside_a_missing_kind() {
    let world = world(&[(
        "deviceConfigurations",
        json!([{"id": policy_id(1), "displayName": "P",
        "@odata.type": "#microsoft.graph.windows10CustomConfiguration", "assignments": []}]),
    )]);
    world.write(
        "m.yaml",
        "version: 1
policies:
  - kind: [deviceConfiguration, intent]
    match: 'Q*'
    include: [{group: B}]
  - kind: intent
    name: Baseline
    include: [{group: Nobody}]
  - kind: deviceConfiguration
    name: Pp
    include: [{group: B, filter: No filter}]
",
    );
    let mut tenant = state(&world);
    tenant["service"]["unavailable"] = json!(["intents"]);
    world.write("tenant.json", &tenant.to_string());
    for line in ["plan m.yaml", "drift m.yaml", "approvals m.yaml"] {
        world
            .sandbox(line)
            .exits(3)
            .says(&[
                "error[kind-unavailable]: `intent` is not available in this tenant",
                // Where the list names it.
                "--> m.yaml:3:33",
                "error[unknown-policy]: the tenant has no deviceConfiguration `Pp`",
                "error[unknown-group]: the tenant has no group `Nobody`",
                "error[unknown-filter]",
            ])
            // What a kind that is missing would have is not known.
            .says_nothing_of("`Baseline`")
            .says_nothing_of("match-selects-nothing")
            .says_nothing_of("nothing-selected");
    }
    tenant["service"]["unavailable"] = json!([]);
    tenant["service"]["roles"] = json!([
        "DeviceManagementConfiguration.Read.All",
        "GroupMember.Read.All"
    ]);
    tenant["intents"] = json!([]);
    world.write("tenant.json", &tenant.to_string());
    world.write(
        "scripts.yaml",
        "version: 1\npolicies:\n  - {kind: deviceHealthScript, match: '*', include: [{group: B}]}\n",
    );
    world.sandbox("plan m.yaml scripts.yaml").exits(7).says(&[
        "error[unknown-policy]: the tenant has no intent `Baseline`",
        "error[unknown-group]: the tenant has no group `Nobody`",
        "hint: reading needs the application permission `DeviceManagementScripts.Read.All`, with admin consent",
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
