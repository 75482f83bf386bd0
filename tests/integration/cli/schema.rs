//! Issue 15, `schema --from` and `--from-tenant`: names for editors to complete and check.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::Tenant;

fn world() -> World {
    World::new(
        &Tenant::common()
            .group("Twin")
            .group("TWIN")
            .policy("P", &["+A"])
            .compliance("Q", &[]),
    )
}

fn accepts(schema: &Value, entry: &Value) -> bool {
    let mut compiler = boon::Compiler::new();
    let added = compiler.add_resource("schema.json", schema.clone());
    added.expect("JSON");
    let mut schemas = boon::Schemas::new();
    let compiled = compiler.compile("schema.json", &mut schemas);
    let document = json!({"version": 1, "policies": [entry]});
    let checked = schemas.validate(&document, compiled.expect("a schema"));
    checked.is_ok()
}

fn entry(name: &str, target: &Value) -> Value {
    json!({"kind": "configurationPolicy", "name": name, "include": [target]})
}

#[test]
fn the_names_of_a_tenant_are_completed_and_checked() {
    let world = world();
    let of_tenant = world.sandbox("schema --from-tenant").exits(0).json();
    let before = world.read("tenant.json");
    let of_file = world
        .run("schema --from tenant.json --no-progress")
        .exits(0)
        .json();
    assert_eq!(of_tenant, of_file);
    assert_eq!(world.read("tenant.json"), before);
    assert!(!world.has("tenant.json.lock") || of_file.is_object());
    let schema = of_tenant;
    let group = |name: &str| json!({"group": name});
    let filtered = |name: &str| json!({"group": "A", "filter": name});
    for (name, target, expected) in [
        ("P", group("A"), true),
        ("P", filtered("F"), true),
        ("P", group("${pilot}"), true),
        ("P", json!("allDevices"), true),
        ("P", group("Q"), false),
        // Two groups have it, so that it names neither.
        ("P", group("Twin"), false),
        ("P", filtered("G"), false),
        // It is of another kind.
        ("Q", group("A"), false),
    ] {
        let entry = entry(name, &target);
        assert_eq!(accepts(&schema, &entry), expected, "{entry}");
    }
    let excluded = json!({"kind": "compliancePolicy", "name": "Q", "exclude": [{"group": "X"}]});
    assert!(!accepts(&schema, &excluded));
    // A group that is optional may be one that the tenant lacks.
    let optional = |optional: bool| json!({"group": "Missing", "optional": optional});
    assert!(accepts(&schema, &entry("P", &optional(true))));
    assert!(!accepts(&schema, &entry("P", &optional(false))));
    // Without them, any name will do.
    let plain = world.run("schema").exits(0).json();
    assert!(accepts(&plain, &entry("X", &group("Y"))));
}

/// A type tells objects of one name apart.
#[test]
fn a_shared_name_is_taken_with_a_type() {
    let schema = World::empty()
        .sandbox("schema --from-tenant")
        .exits(0)
        .json();
    let app = |name: &str| json!({"kind": "mobileApp", "name": name, "intent": "required", "include": []});
    let typed = |name: &str| {
        let mut app = app(name);
        app["type"] = json!("win32LobApp");
        app
    };
    assert!(!accepts(&schema, &app("Company Portal")));
    assert!(accepts(&schema, &typed("Company Portal")));
    assert!(!accepts(&schema, &typed("Company Prtal")));
}

#[test]
fn what_cannot_be_read_is_said() {
    let world = world();
    world
        .run("schema --from missing.json")
        .exits(1)
        .says(&["missing.json"]);
    world.manifest(&["name: P, include: []"]);
    world
        .run("schema --from m.yaml")
        .exits(64)
        .says(&["manifest"]);
    world.run("schema --from a --from-tenant").exits(64);
    let ran = world.sandbox("schema").exits(0);
    assert!(
        ran.stderr
            .contains("the sandbox is not read; `--from-tenant`"),
        "{}",
        ran.stderr
    );
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All"
        ]);
    });
    let ran = world.sandbox("schema --from-tenant").exits(0);
    assert!(ran.stderr.contains("kind-unavailable"), "{}", ran.stderr);
    // A kind that is not known is not checked.
    let app = json!({"kind": "mobileAppConfiguration", "name": "Any", "include": []});
    assert!(accepts(&ran.json(), &app));
}

#[test]
fn names_are_read_without_assignments() {
    let ran = World::empty().sandbox("schema --from-tenant -vv").exits(0);
    // Those of the settings catalog bring them with the list if asked, others need a request a policy.
    for list in [
        "configurationPolicies",
        "deviceEnrollmentConfigurations",
        "assignmentFilters",
        "groups",
    ] {
        assert!(ran.stderr.contains(list), "{list}: {}", ran.stderr);
    }
    for asked in ["$expand", "/assignments", "/$batch"] {
        assert!(!ran.stderr.contains(asked), "{asked}: {}", ran.stderr);
    }
}
