//! Applications: a secret, and a token in a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::super::support::service::Served;
use super::super::support::tenant::{TENANT_ID, Tenant};
use super::super::support::{World, wait_until};
use super::{CLIENT_ID, SCOPE, assertion_in, entra, granted, only, signs_in, world};
use crate::cli::support::stand_in::{Reply, StandIn, readable_token};

#[test]
fn a_client_secret() {
    let entra = entra();
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_SECRET", "a&b=c d+e%");
    signs_in(&world, "", "client-secret");
    let seen = only(&entra);
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.fields(),
        ["client_id", "client_secret", "grant_type", "scope"]
    );
    assert_eq!(
        seen.field("grant_type").as_deref(),
        Some("client_credentials")
    );
    assert_eq!(seen.field("client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(seen.field("client_secret").as_deref(), Some("a&b=c d+e%"));
    assert_eq!(seen.field("scope").as_deref(), Some(SCOPE));
}

#[test]
fn each_cloud_has_its_scope() {
    for (cloud, scope) in [
        ("public", "https://graph.microsoft.com/.default"),
        ("usgov", "https://graph.microsoft.us/.default"),
        ("usgov-dod", "https://dod-graph.microsoft.us/.default"),
        ("china", "https://microsoftgraph.chinacloudapi.cn/.default"),
    ] {
        let entra = entra();
        let mut world = world(&entra);
        world.set("AZURE_CLIENT_SECRET", "secret");
        signs_in(&world, &format!("--cloud {cloud}"), "client-secret");
        assert_eq!(only(&entra).field("scope").as_deref(), Some(scope));
    }
}

#[test]
fn a_token_in_a_file() {
    let entra = entra();
    let mut world = world(&entra);
    world.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    for text in ["a.b.c", "d.e.f\r\n"] {
        world.write("token", text);
        signs_in(&world, "", "workload-identity");
    }
    let sent: Vec<String> = entra.seen().iter().map(assertion_in).collect();
    assert_eq!(sent, ["a.b.c", "d.e.f"]);
}

#[test]
fn a_file_without_a_usable_token_is_named() {
    let entra = entra();
    let mut world = world(&entra);
    world.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    world
        .run("whoami")
        .exits(7)
        .says(&["the federated token in `token` cannot be read"]);
    for (text, reason) in [
        (" \n", "is empty"),
        ("a\nb", "holds characters that no token has"),
    ] {
        world.write("token", text);
        world.run("whoami").exits(7).says(&["in `token`", reason]);
    }
    world.write("token", &"x".repeat(2 * 1024 * 1024));
    world.run("whoami").exits(7).says(&["larger than 1 MiB"]);
    assert_eq!(entra.seen().len(), 0);
}

/// The platform replaces the file while a run goes on. Real time, since a token's life is.
#[test]
fn the_file_is_read_again_when_the_token_is_renewed() {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &[]);
    let mut other = World::with(&tenant, &["match: '?', include: [group: A]"]);
    let served = Served::start(&other);
    let granted_so_far = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&granted_so_far);
    let entra = StandIn::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut short: Value = granted();
        short["expires_in"] = json!(2);
        short["access_token"] = json!("opaque-for-the-sandbox");
        Reply::json(200, &short)
    });
    other.set("AZURE_AUTHORITY_HOST", &entra.url);
    other.set("AZURE_TENANT_ID", TENANT_ID);
    other.set("AZURE_CLIENT_ID", CLIENT_ID);
    other.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    other.set("ASSIGNCTL_GRAPH_URL", &served.url);
    other.write("token", "first.token.x");
    let running = other.spawn("apply m.yaml --yes --report r.jsonl --write-limit 1/2s");
    wait_until("the first sign-in", || {
        granted_so_far.load(Ordering::SeqCst) > 0
    });
    other.write("token", "second.token.x");
    running.wait().exits(0).says(&["3 applied"]);
    let sent: Vec<String> = entra.seen().iter().map(assertion_in).collect();
    assert_eq!(sent[0], "first.token.x");
    assert_eq!(sent.last().map(String::as_str), Some("second.token.x"));
}

/// The sandbox's token endpoint looks at what a token of another platform says.
#[test]
fn the_sandbox_looks_at_a_token_in_a_file() {
    let tenant = Tenant::common().policy("P", &[]);
    let mut world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    let token = |audience: &str, end: u64| {
        readable_token(
            &json!({"iss": "https://oidc.example", "sub": "job", "aud": audience, "exp": end}),
        )
        .replace("MARKED-signature", "c2lnbmVk")
    };
    for (text, code, said) in [
        (
            token("api://AzureADTokenExchange", 4_000_000_000),
            0,
            "1 assignment to add",
        ),
        (
            token("api://somebody-else", 4_000_000_000),
            7,
            "AADSTS700212",
        ),
        (
            token("api://AzureADTokenExchange", 1_000_000_000),
            7,
            "AADSTS700024",
        ),
        ("a.b.c".to_owned(), 7, "AADSTS50027"),
    ] {
        world.write("token", &text);
        world.run("plan m.yaml").exits(code).says(&[said]);
    }
}
