//! Policy sets pass their assignments on to their members, and a plan says to which.

use assignctl_sandbox::{Collection, Tenant, target};
use serde_json::{Value, json};

use super::support::{Ran, World};

const MANIFEST: &str = "version: 1
policies:
  - kind: policySet
    name: Kit
    include: [{group: B}]
";
const PASSED_ON: &str = "the set passes this on to 4 members: configurationPolicy Win - VPN, \
                         managedAppProtection Office, mobileApp Reader, novelThing ";
const NOVEL: &str = "99999999-0000-4000-8000-000000000009";

/// A tenant with a set of four members, one of which no program knows, and the ids of set and members.
fn tenant() -> (Tenant, [String; 4]) {
    let mut tenant = Tenant::empty();
    let [a, _] = ["A", "B"].map(|name| tenant.add_group(name));
    let mut add = |segment: &str, name: &str, of_what: &str| {
        let collection = Collection::named(segment).expect("a collection");
        tenant.add_policy(collection, name, of_what)
    };
    let catalog = add("configurationPolicies", "Win - VPN", "windows10");
    let app = add("mobileApps", "Reader", "officeSuiteApp");
    let protection = add("androidManagedAppProtections", "Office", "");
    let set = add("policySets", "Kit", "");
    let item = |kind: &str, id: &str, name: Value| {
        let odata_type = format!("#microsoft.graph.{kind}PolicySetItem");
        json!({"@odata.type": odata_type, "payloadId": id, "displayName": name})
    };
    let items = [
        item("mobileApp", &app, json!("Reader")),
        item(
            "deviceManagementConfigurationPolicy",
            &catalog,
            json!("Win - VPN"),
        ),
        item("managedAppProtection", &protection, json!("Office")),
        item("novelThing", NOVEL, Value::Null),
    ];
    let sets = Collection::named("policySets").expect("a collection");
    let policy = tenant.policy_mut(sets, &set).expect("the set");
    policy.properties.insert("items".to_owned(), json!(items));
    policy.assign(target::group(&a));
    (tenant, [set, catalog, app, protection])
}

fn world() -> (World, [String; 4]) {
    let (tenant, ids) = tenant();
    let world = World::empty();
    world.write("tenant.json", &tenant.to_json());
    world.write("m.yaml", MANIFEST);
    (world, ids)
}

#[test]
fn the_members_that_change_with_a_set_are_in_the_plan() {
    let (world, [_, catalog, app, protection]) = world();
    world
        .sandbox("plan m.yaml --out plan.json")
        .exits(0)
        .says(&["policySet Kit", "- group A", "+ group B", PASSED_ON, NOVEL]);
    world.run("show plan.json").exits(0).says(&[PASSED_ON]);
    for options in ["--expand", "--diff"] {
        let line = format!("plan m.yaml {options}");
        world.sandbox(&line).exits(0).says(&[PASSED_ON]);
    }
    world.sandbox("drift m.yaml").exits(2).says(&[PASSED_ON]);
    for line in [
        "plan m.yaml --format markdown",
        "show plan.json --format markdown",
    ] {
        world.sandbox(line).exits(0).says(&[PASSED_ON]);
    }
    let members = |ran: Ran| ran.exits(0).json()["policies"][0]["setMembers"].clone();
    let planned = members(world.sandbox("plan m.yaml --format json"));
    assert_eq!(
        planned,
        json!([
            {"kind": "configurationPolicy", "id": catalog, "name": "Win - VPN"},
            {"kind": "managedAppProtection", "id": protection, "name": "Office"},
            {"kind": "mobileApp", "id": app, "name": "Reader"},
            {"kind": "novelThing", "id": NOVEL, "name": NOVEL},
        ])
    );
    assert_eq!(members(world.run("show plan.json --format json")), planned);
}

#[test]
fn what_a_set_passes_on_is_not_what_a_plan_is_known_by() {
    let (world, _) = world();
    let digest = |world: &World| {
        let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
        plan["digest"].clone()
    };
    let before = digest(&world);
    let mut state: Value = serde_json::from_str(&world.read("tenant.json")).expect("JSON");
    state["policySets"][0]["items"] = json!([]);
    world.write("tenant.json", &state.to_string());
    assert_eq!(digest(&world), before);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["the set has no members"]);
}

#[test]
fn a_set_that_is_written_is_followed_by_its_members_and_a_rollback_says_so_too() {
    let (world, ids) = world();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&["1 applied"]);
    let after = Tenant::from_json(&world.read("tenant.json")).expect("a tenant");
    let segments = [
        "configurationPolicies",
        "mobileApps",
        "androidManagedAppProtections",
    ];
    for (segment, id) in segments.into_iter().zip(&ids[1..]) {
        let collection = Collection::named(segment).expect("a collection");
        let member = after.policy(collection, id).expect("a member");
        let [row] = member.assignments.as_slice() else {
            panic!("{segment}: {:?}", member.assignments);
        };
        assert_eq!(
            (row.source.as_str(), row.source_id.as_ref()),
            ("policySets", Some(&ids[0])),
            "{segment}"
        );
    }
    world.sandbox("rollback r.jsonl --yes").exits(0).says(&[
        "- group B",
        "+ group A",
        PASSED_ON,
        "1 applied",
    ]);
}

#[test]
fn a_set_that_stays_needs_no_look_at_its_members() {
    let (world, _) = world();
    world.write("m.yaml", &MANIFEST.replace("group: B", "group: A"));
    let plan = world
        .sandbox("plan m.yaml --all --format json")
        .exits(0)
        .json();
    assert_eq!(plan["policies"][0]["setMembers"], Value::Null);
}

/// Unknown is never empty: a set of which nobody can see what it passes its assignments on to is not written.
#[test]
fn a_set_whose_members_cannot_be_read_is_not_written() {
    for (items, refused) in [
        (Value::Null, json!([])),
        (json!({}), json!([])),
        (json!([1]), json!([])),
        (json!([]), json!(["setExpandRefused"])),
    ] {
        let (world, _) = world();
        world.edit("tenant.json", |state| {
            state["policySets"][0]["items"] = items.clone();
            state["service"]["deviations"] = refused;
        });
        let before = world.read("tenant.json");
        for line in ["plan m.yaml", "drift m.yaml", "apply m.yaml --yes"] {
            world.sandbox(line).exits(1).says(&["policySets"]);
        }
        assert_eq!(world.read("tenant.json"), before, "{items}");
    }
}
