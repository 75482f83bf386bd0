//! TLS: who is trusted, through which proxy, and that there is no way around either.

use serde_json::json;

use super::support::World;
use super::support::certificates::Identity;
use super::support::proxy::Proxy;
use super::support::stand_in::{Reply, Seen, StandIn};
use super::support::tenant::{TENANT_ID, policy_id};

/// Graph with one policy, and Entra, on one host.
fn answer(seen: &Seen) -> Reply {
    if seen.path().ends_with("/token") {
        return Reply::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "from-entra"}),
        );
    }
    Reply::json(
        200,
        &json!({"value": [{"id": policy_id(1), "name": "P", "displayName": "P", "isAssigned": false, "assignments": []}]}),
    )
}

/// A service on `localhost` that shows a certificate, and a world whose runs use it.
fn world(identity: &Identity) -> (StandIn, World) {
    let service = StandIn::start_tls(identity.server(), answer);
    let mut world = World::empty();
    world.manifest(&["name: P, include: [allDevices]"]);
    world.write("trusted.pem", &identity.pem());
    world.set(
        "ASSIGNCTL_GRAPH_URL",
        &format!("https://localhost:{}/beta", service.port()),
    );
    world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED-token");
    (service, world)
}

#[test]
fn who_is_in_the_file_is_trusted() {
    let (service, mut world) = world(&Identity::of_host("localhost"));
    world.set("SSL_CERT_FILE", "trusted.pem");
    world
        .run("plan m.yaml --allow broad-target")
        .exits(0)
        .says(&["1 assignment to add"]);
    let seen = service.seen();
    assert!(!seen.is_empty());
    for request in &seen {
        assert_eq!(request.header("authorization"), Some("Bearer MARKED-token"));
    }
}

#[test]
fn who_is_unknown_or_somebody_else_gets_nothing() {
    // No one vouches for it.
    let (service, world_of_strangers) = world(&Identity::of_host("localhost"));
    let ran = world_of_strangers.run("plan m.yaml").exits(1);
    assert!(ran.stderr.contains("certificate"), "{}", ran.stderr);
    assert_eq!(service.seen().len(), 0);
    // Known, but not by this name.
    let (service, mut other_name) = world(&Identity::of_host("elsewhere.example"));
    other_name.set("SSL_CERT_FILE", "trusted.pem");
    let ran = other_name.run("plan m.yaml").exits(1);
    assert!(ran.stderr.contains("certificate"), "{}", ran.stderr);
    assert_eq!(service.seen().len(), 0);
    // Another one is trusted, and this one is not.
    let (service, mut another) = world(&Identity::of_host("localhost"));
    another.write("trusted.pem", &Identity::of_host("localhost").pem());
    another.set("SSL_CERT_FILE", "trusted.pem");
    another.run("plan m.yaml").exits(1);
    assert_eq!(service.seen().len(), 0);
}

#[test]
fn a_file_that_cannot_be_used_is_an_error() {
    let (service, mut world) = world(&Identity::of_host("localhost"));
    for (content, reason) in [
        (None, "No such file"),
        (Some(""), "there are none"),
        (
            Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            "trusted2.pem",
        ),
    ] {
        if let Some(content) = content {
            world.write("trusted2.pem", content);
        }
        world.set("SSL_CERT_FILE", "trusted2.pem");
        world
            .run("plan m.yaml")
            .exits(1)
            .says(&["`trusted2.pem` (`SSL_CERT_FILE`) cannot be used", reason]);
    }
    assert_eq!(service.seen().len(), 0);
}

#[test]
fn a_proxy_carries_what_it_cannot_read() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let (service, mut world) = world(&Identity::of_host("localhost"));
        let proxy = Proxy::start();
        world.set("SSL_CERT_FILE", "trusted.pem");
        world.set(variable, &proxy.url);
        // Signing in goes the same way.
        world.set("ASSIGNCTL_ACCESS_TOKEN", "");
        world.set(
            "AZURE_AUTHORITY_HOST",
            &format!("https://localhost:{}", service.port()),
        );
        world.set("AZURE_TENANT_ID", TENANT_ID);
        world.set("AZURE_CLIENT_ID", "me");
        world.set("AZURE_CLIENT_SECRET", "secret");
        world.run("plan m.yaml --allow broad-target").exits(0);
        let seen = service.seen();
        assert!(
            seen.iter()
                .any(|request| request.path().ends_with("/token"))
        );
        let asked = proxy.asked();
        // One connection a request, since the service closes each.
        assert_eq!(asked.len(), seen.len(), "{asked:?}");
        for line in asked {
            assert_eq!(
                line,
                format!("CONNECT localhost:{} HTTP/1.1", service.port())
            );
        }
    }
}

#[test]
fn hosts_may_be_left_out_of_the_proxy() {
    let (service, mut world) = world(&Identity::of_host("localhost"));
    let proxy = Proxy::start();
    world.set("SSL_CERT_FILE", "trusted.pem");
    world.set("HTTPS_PROXY", &proxy.url);
    world.set("NO_PROXY", "example.com,localhost");
    world.run("plan m.yaml --allow broad-target").exits(0);
    assert_eq!(proxy.asked().len(), 0);
    assert!(!service.seen().is_empty());
}

#[test]
fn plain_http_goes_to_loopback_only_and_through_no_proxy() {
    let service = StandIn::start(answer);
    let proxy = Proxy::start();
    let mut world = World::empty();
    world.manifest(&["name: P, include: [allDevices]"]);
    world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED-token");
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        world.set(variable, &proxy.url);
    }
    world
        .run(&format!(
            "plan m.yaml --allow broad-target --graph-url {}/beta",
            service.url
        ))
        .exits(0);
    assert_eq!(proxy.asked().len(), 0);
    for url in [
        "http://graph.microsoft.com/beta",
        "http://192.0.2.1/beta",
        "http://localhost.example.com/beta",
    ] {
        world
            .run(&format!("plan m.yaml --graph-url {url}"))
            .exits(64);
    }
    assert_eq!(proxy.asked().len(), 0);
}

#[test]
fn no_option_and_no_variable_turns_the_checks_off() {
    let (service, mut world) = world(&Identity::of_host("localhost"));
    for variable in [
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "GIT_SSL_NO_VERIFY",
        "PYTHONHTTPSVERIFY",
        "CURL_INSECURE",
    ] {
        world.set(variable, "0");
    }
    world.run("plan m.yaml").exits(1);
    assert_eq!(service.seen().len(), 0);
    for option in ["--insecure", "-k", "--no-verify", "--skip-tls-verify"] {
        world.run(&format!("plan m.yaml {option}")).exits(64);
    }
}
