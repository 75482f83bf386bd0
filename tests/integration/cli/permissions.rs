//! Permissions: reading needs rights to read alone, on a service that looks at each token's roles
//! and refuses every write. What `whoami` says is what the service does.

use assignctl::graph::permissions::NEEDS;
use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::tenant::{TENANT_ID, Tenant};

/// Two applications on one served tenant: `reader` and `writer`, with these roles.
fn world(reader: &[&str], writer: &[&str]) -> (World, Served) {
    let tenant = Tenant::common()
        .switch("onlyIssuedTokens", json!(true))
        .switch(
            "apps",
            json!([
                {"clientId": "reader", "secret": "right", "roles": reader},
                {"clientId": "writer", "secret": "right", "roles": writer},
            ]),
        )
        .policy("P", &["+A", "+C [include F]"])
        .compliance("Q", &["-B"]);
    let mut world = World::with(
        &tenant,
        &[
            "match: '?', include: [group: A, {group: B, filter: F}]",
            "kind: compliancePolicy, match: '?', include: [group: A]",
        ],
    );
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_SECRET", "right");
    world.set("AZURE_CLIENT_ID", "reader");
    (world, served)
}

const READ: [&str; 2] = [
    "DeviceManagementConfiguration.Read.All",
    "GroupMember.Read.All",
];
const WRITE: [&str; 2] = [
    "DeviceManagementConfiguration.ReadWrite.All",
    "GroupMember.Read.All",
];

#[test]
fn reading_needs_rights_to_read_alone() {
    let (mut world, _served) = world(&READ, &WRITE);
    let before = world.read("tenant.json");
    world
        .run("plan m.yaml --out plan.json --all --diff --allow exclusion-lost")
        .exits(0);
    world
        .run("plan m.yaml --format json --allow exclusion-lost")
        .exits(0);
    world.run("drift m.yaml --allow exclusion-lost").exits(2);
    world.run("show plan.json").exits(0);
    world.run("export --out exported").exits(0);
    world.run("export --snapshot snapshot.json").exits(0);
    world.run("whoami --for plan").exits(0);
    // A token that says that it only reads is not tried.
    for line in [
        "apply plan.json --report r.jsonl",
        "apply m.yaml --yes --allow exclusion-lost --report r.jsonl",
    ] {
        world.run(line).exits(7).says(&[
            "this sign-in cannot write: it lacks `DeviceManagementConfiguration.ReadWrite.All`; nothing was written",
            "whoami",
        ]);
        assert!(world.read("r.jsonl").contains("\"event\":\"end\""));
    }
    assert_eq!(world.read("tenant.json"), before);
    // The same plan, by who may.
    world.set("AZURE_CLIENT_ID", "writer");
    world.run("apply plan.json").exits(0).says(&["2 applied"]);
    assert_ne!(world.read("tenant.json"), before);
}

/// A permission that is missing by `whoami`'s word is one that the service refuses, and one that
/// is enough by its word is enough.
#[test]
fn whoami_says_what_the_service_does() {
    for need in NEEDS {
        for lacking in need.permissions {
            let others: Vec<&str> = need
                .permissions
                .iter()
                .filter(|other| other.name != lacking.name)
                .map(|other| other.name)
                .collect();
            let whoami = format!("whoami --for {} --format json", need.name);
            let run = if need.name == "plan" {
                "plan m.yaml --allow exclusion-lost"
            } else {
                "apply m.yaml --yes --allow exclusion-lost"
            };
            let (without, _served) = world(&others, &[]);
            let told = without.run(&whoami).exits(7).json();
            assert_eq!(told["needs"][0]["missing"], json!([lacking.name]));
            without.run(run).exits(7);
            for enough in std::iter::once(&lacking.name).chain(lacking.or) {
                // A right that only users have, and applications cannot be given.
                if *enough == "Directory.AccessAsUser.All" {
                    continue;
                }
                let mut roles = others.clone();
                roles.push(enough);
                let (with, _served) = world(&roles, &[]);
                let told = with.run(&whoami).exits(0).json();
                assert_eq!(told["needs"][0]["missing"], Value::Array(Vec::new()));
                with.run(run).exits(0);
            }
        }
    }
}
