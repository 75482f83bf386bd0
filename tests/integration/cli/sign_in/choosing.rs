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
        .says(&["no such sign-in; there are token, client-secret"]);
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
    ] {
        world.set("AZURE_AUTHORITY_HOST", bad);
        world
            .run("whoami")
            .exits(7)
            .says(&["`AZURE_AUTHORITY_HOST`: "])
            .says_nothing_of("MARKED");
    }
}
