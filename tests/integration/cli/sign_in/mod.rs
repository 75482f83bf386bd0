//! Every way to sign in, against a stand-in of its endpoint that looks at each request.

mod applications;
mod certificates;
mod choosing;
mod people;
mod platforms;
mod refusals;

use serde_json::{Value, json};

use super::support::World;
use super::support::stand_in::{Reply, Seen, StandIn, readable_token};
use super::support::tenant::TENANT_ID;

const CLIENT_ID: &str = "22222222-2222-4333-8444-555555555555";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const SCOPE: &str = "https://graph.microsoft.com/.default";

/// Returns a token that permits everything that the commands need.
fn token() -> String {
    readable_token(&json!({
        "tid": TENANT_ID,
        "appid": CLIENT_ID,
        "exp": 4_000_000_000_u64,
        "roles": ["DeviceManagementConfiguration.ReadWrite.All", "GroupMember.Read.All"],
    }))
}

fn granted() -> Value {
    json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token()})
}

/// Entra, which grants a token to whoever asks in the right place.
fn entra() -> StandIn {
    StandIn::start(|seen| {
        if seen.method == "POST" && seen.target == format!("/{TENANT_ID}/oauth2/v2.0/token") {
            Reply::json(200, &granted())
        } else {
            Reply::json(404, &json!({"error": "not_found"}))
        }
    })
}

/// An empty folder whose runs sign in at a stand-in as an application.
fn world(entra: &StandIn) -> World {
    let mut world = World::empty();
    world.set("AZURE_AUTHORITY_HOST", &entra.url);
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world
}

/// Signs in and checks which credential was used.
#[track_caller]
fn signs_in(world: &World, line: &str, credential: &str) {
    let told = world
        .run(&format!("whoami --format json {line}"))
        .exits(0)
        .json();
    assert_eq!(told["credential"], credential, "{told:#}");
    assert_eq!(told["tenantId"], TENANT_ID);
}

/// Returns the one request that a stand-in had.
#[track_caller]
fn only(stand_in: &StandIn) -> Seen {
    let mut seen = stand_in.seen();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    seen.remove(0)
}

/// Checks the form of a request for a token with an assertion, and returns the assertion.
#[track_caller]
fn assertion_in(seen: &Seen) -> String {
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.target, format!("/{TENANT_ID}/oauth2/v2.0/token"));
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(
        seen.fields(),
        [
            "client_assertion",
            "client_assertion_type",
            "client_id",
            "grant_type",
            "scope"
        ]
    );
    assert_eq!(
        seen.field("grant_type").as_deref(),
        Some("client_credentials")
    );
    assert_eq!(seen.field("client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(seen.field("scope").as_deref(), Some(SCOPE));
    assert_eq!(
        seen.field("client_assertion_type").as_deref(),
        Some(ASSERTION_TYPE)
    );
    assert_eq!(seen.header("authorization"), None);
    seen.field("client_assertion").expect("an assertion")
}

/// Returns the path of a certificate that another program made.
fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/integration/fixtures/certificates")
        .join(name)
}
