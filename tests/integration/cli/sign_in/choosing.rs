//! Which credential is taken: the first that is configured, or the one that `--auth` names.

use super::super::support::World;
use super::{CLIENT_ID, TENANT_ID, entra, signs_in, token, world};
use crate::cli::support::certificates::Identity;
use crate::cli::support::stand_in::{Reply, StandIn};

#[test]
fn the_first_that_is_configured_is_taken() {
    let entra = entra();
    let oidc = StandIn::start(|seen| {
        let name = if seen.method == "GET" {
            "value"
        } else {
            "oidcToken"
        };
        Reply::json(200, &serde_json::json!({name: "a.b.c"}))
    });
    let mut world = world(&entra);
    let identity = Identity::rsa();
    world.write("app.pem", &(identity.pem() + &identity.key_pem()));
    world.write("token", "a.b.c");
    let url = format!("{}/x?y=z", oidc.url);
    let ready = token();
    // From the last to the first: each takes over from those before.
    for (name, variables) in [
        (
            "azure-devops",
            &[
                ("SYSTEM_OIDCREQUESTURI", url.as_str()),
                ("SYSTEM_ACCESSTOKEN", "token"),
                ("AZURE_SERVICE_CONNECTION_ID", "id"),
            ][..],
        ),
        (
            "github",
            &[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token"),
            ],
        ),
        (
            "workload-identity",
            &[("AZURE_FEDERATED_TOKEN_FILE", "token")],
        ),
        (
            "client-certificate",
            &[("AZURE_CLIENT_CERTIFICATE_PATH", "app.pem")],
        ),
        ("client-secret", &[("AZURE_CLIENT_SECRET", "secret")]),
        ("token", &[("ASSIGNCTL_ACCESS_TOKEN", ready.as_str())]),
    ] {
        for (variable, value) in variables {
            world.set(variable, value);
        }
        signs_in(&world, "", name);
    }
    for name in [
        "token",
        "client-secret",
        "client-certificate",
        "workload-identity",
        "github",
        "azure-devops",
    ] {
        signs_in(&world, &format!("--auth {name}"), name);
    }
}

#[test]
fn what_is_set_to_nothing_is_not_set() {
    let entra = entra();
    let mut world = world(&entra);
    world.set("ASSIGNCTL_ACCESS_TOKEN", "");
    world.set("AZURE_CLIENT_SECRET", "");
    world.write("token", "a.b.c");
    world.set("AZURE_FEDERATED_TOKEN_FILE", "token");
    signs_in(&world, "", "workload-identity");
}

#[test]
fn the_configuration_may_name_the_tenant() {
    let entra = entra();
    let mut world = World::empty();
    world.set("AZURE_AUTHORITY_HOST", &entra.url);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_SECRET", "secret");
    world
        .run("whoami")
        .exits(7)
        .says(&["signing in with `client-secret` needs `AZURE_TENANT_ID`"]);
    world.write("assignctl.yaml", &format!("tenantId: {TENANT_ID}\n"));
    signs_in(&world, "", "client-secret");
}

#[test]
fn what_is_picked_and_not_configured_is_told() {
    let world = World::empty();
    for (name, missing) in [
        ("token", "ASSIGNCTL_ACCESS_TOKEN"),
        ("client-secret", "AZURE_TENANT_ID"),
        ("github", "AZURE_TENANT_ID"),
    ] {
        world
            .run(&format!("whoami --auth {name}"))
            .exits(7)
            .says(&[&format!("signing in with `{name}` needs `{missing}`")]);
    }
    world
        .run("whoami --auth password")
        .exits(64)
        .says(&["no such sign-in; use one of token, client-secret"]);
    world
        .run("whoami")
        .exits(7)
        .says(&["error: no sign-in is configured", "hint: set "]);
}

#[test]
fn the_authority_is_secure() {
    let mut world = World::empty();
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_SECRET", "MARKED");
    for bad in [
        "http://login.example.com",
        "login.example.com",
        "ftp://127.0.0.1",
        "https://MARKED:MARKED@login.example.com",
        "https://MARKED/@login.example.com",
        "https://login.example.com?MARKED=1",
    ] {
        world.set("AZURE_AUTHORITY_HOST", bad);
        world
            .run("whoami")
            .exits(7)
            .says(&["`AZURE_AUTHORITY_HOST`: "])
            .says_nothing_of("MARKED");
    }
}

/// What stands behind the host would be lost: the tenant's path is put there.
#[test]
fn the_authority_has_no_path() {
    let entra = entra();
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_SECRET", "secret");
    world.set("AZURE_AUTHORITY_HOST", &format!("{}/", entra.url));
    signs_in(&world, "", "client-secret");
    world.set("AZURE_AUTHORITY_HOST", &format!("{}/adfs", entra.url));
    world.run("whoami").exits(7).says(&[
        "`AZURE_AUTHORITY_HOST`: `http://127.0.0.1:",
        "/adfs` has a path, and a sign-in host has none",
    ]);
    assert_eq!(entra.seen().len(), 1);
}

#[test]
fn what_an_address_holds_of_secrets_is_not_shown() {
    let mut world = World::empty();
    world.manifest(&["name: P, include: [group: A]"]);
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    for url in [
        "https://MARKED:MARKED@graph.example/beta",
        "https://MARKED@graph.example/beta",
        "http://MARKED:MARKED@graph.example/beta",
        "https://MARKED:MARKED@graph.example",
        "https://graph.example/beta?MARKED=1",
        "MARKED:MARKED@graph.example/beta",
    ] {
        for line in [
            format!("plan m.yaml -vvv --graph-url {url}"),
            format!("whoami -vvv --graph-url {url}"),
            format!("plan m.yaml --format json --graph-url {url}"),
        ] {
            let ran = world.run(&line).exits(64);
            assert!(!ran.stderr.contains("MARKED"), "{}", ran.stderr);
            assert!(!ran.stdout.contains("MARKED"), "{}", ran.stdout);
            assert!(ran.stderr.contains("graph.example"), "{}", ran.stderr);
        }
    }
    for (method, name) in [
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("azure-devops", "SYSTEM_OIDCREQUESTURI"),
    ] {
        world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token");
        world.set("SYSTEM_ACCESSTOKEN", "token");
        world.set("AZURE_SERVICE_CONNECTION_ID", "id");
        for url in [
            "https://MARKED:MARKED@oidc.example/x?MARKED=1",
            "http://oidc.example/x?MARKED=1",
            "oidc.example?MARKED=1",
            // No one is there.
            "http://127.0.0.1:1/x?MARKED=1",
        ] {
            world.set(name, url);
            world
                .run(&format!("whoami -vvv --auth {method}"))
                .exits(7)
                .says_nothing_of("MARKED");
        }
    }
}
