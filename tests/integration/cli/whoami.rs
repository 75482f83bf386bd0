//! `whoami`: what the token says, and what is missing for which command.

use serde_json::json;

use super::support::World;
use super::support::stand_in::{Reply, StandIn, readable_token};
use super::support::tenant::{TENANT_ID, Tenant};

fn with(claims: &serde_json::Value) -> World {
    let mut world = World::empty();
    world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(claims));
    world
}

fn app(roles: &[&str]) -> serde_json::Value {
    json!({
        "tid": TENANT_ID,
        "appid": "22222222-2222-4333-8444-555555555555",
        "app_displayname": "Intune \u{1b}[31mwriter",
        "exp": 4_000_000_000_u64,
        "roles": roles,
    })
}

const READ: &str = "DeviceManagementConfiguration.Read.All";
const WRITE: &str = "DeviceManagementConfiguration.ReadWrite.All";
const GROUPS: &str = "GroupMember.Read.All";

#[test]
fn everything_is_there() {
    with(&app(&[WRITE, GROUPS]))
        .run("whoami")
        .exits(0)
        .matches("whoami/everything");
}

#[test]
fn a_token_that_only_reads() {
    let world = with(&app(&[READ, GROUPS]));
    world.run("whoami").exits(7).matches("whoami/reads_only");
    for (command, code) in [
        ("plan", 0),
        ("drift", 0),
        ("export", 0),
        ("list", 0),
        ("apply", 7),
        ("rollback", 7),
    ] {
        world.run(&format!("whoami --for {command}")).exits(code);
    }
    world.run("whoami --for validate").exits(64);
}

#[test]
fn the_same_for_programs() {
    let mut told = with(&app(&[READ]))
        .run("whoami --format json --json-into copy.json")
        .exits(7)
        .json();
    let families = told["kinds"].take();
    assert_eq!(families[2]["permission"], "DeviceManagementApps.Read.All");
    assert_eq!(families[2]["kinds"][0], "mobileApp");
    assert_eq!([&families[2]["read"], &families[0]["read"]], [false, true]);
    assert_eq!(
        told,
        json!({
            "kinds": null,
            "formatVersion": "1.0",
            "tenantId": TENANT_ID,
            "appId": "22222222-2222-4333-8444-555555555555",
            "appName": "Intune \u{1b}[31mwriter",
            "user": null,
            "credential": "token",
            "expiresAt": "2096-10-02T07:06:40Z",
            "expired": false,
            "permissions": [READ],
            "needs": [
                {"commands": ["plan", "drift", "export", "list", "explain", "init"], "missing": [GROUPS]},
                {"commands": ["apply", "rollback"], "missing": [WRITE, GROUPS]},
            ],
        })
    );
}

#[test]
fn a_user_has_delegated_permissions() {
    let claims = json!({
        "tid": TENANT_ID, "appid": "az", "upn": "me@example.com", "exp": 4_000_000_000_u64,
        "scp": format!("openid {WRITE} Directory.AccessAsUser.All"),
    });
    let told = with(&claims).run("whoami --format json").exits(0).json();
    assert_eq!(told["user"], "me@example.com");
    with(&claims)
        .run("whoami")
        .exits(0)
        .says(&["user:", "me@example.com"]);
}

#[test]
fn a_token_that_has_run_out() {
    let mut claims = app(&[WRITE, GROUPS]);
    claims["exp"] = json!(1);
    with(&claims).run("whoami").exits(7).says(&[
        "expired at 1970-01-01T00:00:01Z",
        "error: the access token expired at 1970-01-01T00:00:01Z",
    ]);
}

/// F12: by `whoami`, and by every other command before its first request.
#[test]
fn f12_a_token_for_another_service_or_time_is_said_so() {
    for (claim, value, said) in [
        (
            "aud",
            json!("https://management.azure.com/"),
            "is for another service: its audience (`aud`) is `https://management.azure.com/`",
        ),
        ("nbf", json!(3_900_000_000_u64), "is not valid before 2093-"),
        (
            "exp",
            json!(1_600_000_000.5),
            "expired at 2020-09-13T12:26:40Z",
        ),
    ] {
        let service = StandIn::start(|_| Reply::json(200, &json!({"value": []})));
        let mut claims = app(&[WRITE, GROUPS]);
        claims[claim] = value;
        let mut world = with(&claims);
        world.manifest(&["match: '*', include: [group: A]"]);
        world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
        for line in [
            "whoami",
            "plan m.yaml",
            "apply m.yaml --yes",
            "drift m.yaml",
            "export",
        ] {
            world.run(line).exits(7).says(&[said, "hint: "]);
        }
        assert!(service.seen().is_empty(), "{claim}");
    }
    // Graph by its name, its id, or where it is said to be.
    for audience in [
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
    ] {
        let mut claims = app(&[WRITE, GROUPS]);
        claims["aud"] = json!(audience);
        with(&claims).run("whoami").exits(0);
    }
}

#[test]
fn a_token_that_cannot_be_read() {
    let mut world = World::empty();
    world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED");
    world
        .run("whoami")
        .exits(1)
        .says(&["tenant:      unknown", "its permissions are unknown"])
        .says_nothing_of("MARKED");
    let told = world.run("whoami --format json").exits(1).json();
    assert_eq!(told["permissions"], json!(null));
    assert_eq!(told["needs"][0]["missing"], json!(null));
}

#[test]
fn the_sandbox_has_a_token_too() {
    let tenant = Tenant::common().switch("roles", json!([READ, GROUPS]));
    let world = World::new(&tenant);
    world
        .sandbox("whoami")
        .exits(7)
        .says(&["credential:  sandbox", TENANT_ID]);
    world.sandbox("whoami --for plan").exits(0);
}

#[test]
fn each_kind_has_its_own_permission() {
    const APPS: &str = "DeviceManagementApps.Read.All";
    let world = with(&app(&[WRITE, GROUPS, APPS]));
    world
        .run("whoami --kind mobileApp --for plan")
        .exits(0)
        .says(&["can be read: mobileApp\n"]);
    world
        .run("whoami --kind mobileApp --for apply")
        .exits(7)
        .says(&["apply, rollback: missing DeviceManagementApps.ReadWrite.All"]);
    world
        .run("whoami --kind deviceHealthScript --kind roleScopeTag --for plan")
        .exits(7)
        .says(&[
            "missing DeviceManagementRBAC.Read.All, DeviceManagementScripts.Read.All",
            "cannot be read without DeviceManagementScripts.Read.All: deviceHealthScript\n",
        ]);
    // Who only manages apps need not write configuration policies.
    let apps = with(&app(&[READ, GROUPS, "DeviceManagementApps.ReadWrite.All"]));
    apps.run("whoami --kind mobileApp").exits(0);
    apps.run("whoami --kind mobileApps").exits(64);
}
