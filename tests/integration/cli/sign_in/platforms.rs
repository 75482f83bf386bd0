//! What a platform gives: GitHub's and Azure DevOps' tokens, managed identities, and `az`.

use serde_json::json;

use super::super::support::World;
use super::{CLIENT_ID, assertion_in, entra, only, signs_in, token, world};
use crate::cli::support::stand_in::{Reply, StandIn};

#[test]
fn github_says_which_job_runs() {
    for (cloud, audience) in [
        ("public", "api://AzureADTokenExchange"),
        ("usgov", "api://AzureADTokenExchangeUSGov"),
        ("usgov-dod", "api://AzureADTokenExchangeUSGov"),
        ("china", "api://AzureADTokenExchangeChina"),
    ] {
        let entra = entra();
        let github = StandIn::start(|_| Reply::json(200, &json!({"count": 1, "value": "g.i.t"})));
        let mut world = world(&entra);
        world.set(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            &format!("{}/idtoken/x?api-version=2.0", github.url),
        );
        world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token");
        signs_in(&world, &format!("--cloud {cloud}"), "github");
        let asked = only(&github);
        assert_eq!(asked.method, "GET");
        assert_eq!(asked.path(), "/idtoken/x");
        assert_eq!(asked.query("api-version").as_deref(), Some("2.0"));
        assert_eq!(asked.query("audience").as_deref(), Some(audience));
        assert_eq!(asked.header("authorization"), Some("Bearer request-token"));
        assert_eq!(asked.header("accept"), Some("application/json"));
        assert!(asked.body.is_empty());
        let seen = only(&entra);
        assert_eq!(seen.field("client_assertion").as_deref(), Some("g.i.t"));
        assert_eq!(seen.fields().len(), 5);
    }
}

#[test]
fn github_that_gives_no_token_is_told() {
    for (status, body, said) in [
        (401, json!({"message": "MARKED-TOKEN"}), "status 401"),
        (200, json!({"value": 1}), "holds no token"),
        (200, json!({"value": "a b"}), "holds no token"),
        (200, json!([]), "holds no token"),
        (302, json!({}), "status 302"),
    ] {
        let entra = entra();
        let github = StandIn::start(move |_| {
            let mut reply = Reply::json(status, &body);
            reply
                .headers
                .push(("Location", "http://127.0.0.1:1/elsewhere".to_owned()));
            reply
        });
        let mut world = world(&entra);
        world.set(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            &format!("{}/x?y", github.url),
        );
        world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MARKED-TOKEN");
        let ran = world.run("whoami -vvv").exits(7).says(&[said]);
        ran.says_nothing_of("MARKED");
        assert_eq!(entra.seen().len(), 0);
    }
}

#[test]
fn azure_devops_says_which_connection_is_used() {
    for name in [
        "AZURE_SERVICE_CONNECTION_ID",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    ] {
        let entra = entra();
        let devops = StandIn::start(|_| Reply::json(200, &json!({"oidcToken": "d.e.v"})));
        let mut world = world(&entra);
        world.set("SYSTEM_OIDCREQUESTURI", &format!("{}/oidc", devops.url));
        world.set("SYSTEM_ACCESSTOKEN", "job-token");
        world.set(name, "connection-1");
        signs_in(&world, "", "azure-devops");
        let asked = only(&devops);
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.path(), "/oidc");
        assert_eq!(asked.query("api-version").as_deref(), Some("7.1"));
        assert_eq!(
            asked.query("serviceConnectionId").as_deref(),
            Some("connection-1")
        );
        assert_eq!(asked.header("authorization"), Some("Bearer job-token"));
        assert_eq!(asked.header("content-length"), Some("0"));
        assert_eq!(asked.header("x-tfs-fedauthredirect"), Some("Suppress"));
        assert_eq!(assertion_in(&only(&entra)), "d.e.v");
    }
}

#[test]
fn azure_devops_that_gives_no_token_is_told() {
    let entra = entra();
    let devops = StandIn::start(|_| {
        Reply::json(
            403,
            &json!({"$id": "1", "message": "\"MARKED-TOKEN\" may not use it"}),
        )
    });
    let mut world = world(&entra);
    world.set("SYSTEM_OIDCREQUESTURI", &format!("{}/oidc", devops.url));
    world.set("SYSTEM_ACCESSTOKEN", "MARKED-TOKEN");
    world.set("AZURE_SERVICE_CONNECTION_ID", "connection-1");
    world
        .run("whoami -vvv")
        .exits(7)
        .says(&["\"[secret]\" may not use it", "status 403"])
        .says_nothing_of("MARKED");
    assert_eq!(entra.seen().len(), 0);
}

/// The metadata service: it refuses what has no `Metadata` header.
fn metadata_service() -> StandIn {
    StandIn::start(|seen| {
        if seen.header("metadata") != Some("true") {
            return Reply::json(400, &json!({"error": "invalid_request"}));
        }
        Reply::json(
            200,
            &json!({
                "access_token": token(),
                "expires_on": "4000000000",
                "resource": "https://graph.microsoft.com",
                "token_type": "Bearer",
            }),
        )
    })
}

#[test]
fn a_machine_has_an_identity() {
    for client_id in [None, Some(CLIENT_ID)] {
        let metadata = metadata_service();
        let mut world = World::empty();
        world.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata.url);
        if let Some(client_id) = client_id {
            world.set("AZURE_CLIENT_ID", client_id);
        }
        signs_in(&world, "", "managed-identity");
        signs_in(&world, "--auth managed-identity", "managed-identity");
        let seen = metadata.seen();
        assert_eq!(seen.len(), 4);
        let asked = &seen[1];
        assert_eq!(asked.method, "GET");
        assert_eq!(asked.path(), "/metadata/identity/oauth2/token");
        assert_eq!(
            asked.query("resource").as_deref(),
            Some("https://graph.microsoft.com")
        );
        assert!(asked.query("api-version").is_some());
        assert_eq!(asked.query("client_id").as_deref(), client_id);
        assert_eq!(asked.header("metadata"), Some("true"));
        assert_eq!(asked.header("authorization"), None);
    }
}

/// C1: endpoints differ in how they say when a token expires.
#[test]
fn c1_an_expiry_is_a_number_or_a_text() {
    for (name, value) in [
        ("expires_on", json!(4_000_000_000_u64)),
        ("expires_in", json!(86_399)),
        ("expires_in", json!("86399")),
        ("expires_on", json!("4000000000")),
    ] {
        let service = StandIn::start(move |seen| {
            if seen.header("metadata") != Some("true") {
                return Reply::json(400, &json!({"error": "invalid_request"}));
            }
            let mut body = json!({"access_token": token()});
            body[name] = value.clone();
            Reply::json(200, &body)
        });
        let mut world = World::empty();
        world.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", &service.url);
        signs_in(&world, "--auth managed-identity", "managed-identity");
    }
}

#[test]
fn an_app_service_has_an_identity() {
    let service = metadata_service();
    let mut world = World::empty();
    world.set("IDENTITY_ENDPOINT", &format!("{}/msi/token", service.url));
    world.set("IDENTITY_HEADER", "proof");
    signs_in(&world, "", "managed-identity");
    let asked = only(&service);
    assert_eq!(asked.method, "GET");
    assert_eq!(asked.path(), "/msi/token");
    assert_eq!(asked.query("api-version").as_deref(), Some("2019-08-01"));
    assert_eq!(
        asked.query("resource").as_deref(),
        Some("https://graph.microsoft.com")
    );
    assert_eq!(asked.header("x-identity-header"), Some("proof"));
}

#[test]
fn an_identity_is_not_asked_for_in_the_open() {
    let mut world = World::empty();
    world.set("IDENTITY_ENDPOINT", "http://192.0.2.1/msi/token");
    world.set("IDENTITY_HEADER", "MARKED");
    world
        .run("whoami --auth managed-identity")
        .exits(7)
        .says(&["nothing is sent to `http://192.0.2.1/msi/token`"])
        .says_nothing_of("MARKED");
}

#[test]
fn platforms_that_are_not_supported_say_so() {
    let mut world = World::empty();
    world.set("MSI_ENDPOINT", "http://127.0.0.1:1");
    world
        .run("whoami")
        .exits(7)
        .says(&["managed identity isn't supported"]);
    World::empty()
        .run("whoami --auth managed-identity")
        .exits(7)
        .says(&["the metadata service does not answer"]);
}

#[cfg(unix)]
mod az {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::{SCOPE, TENANT_ID};
    use super::*;

    /// Puts a program named `az` on the path of a world's runs.
    fn install(world: &World, script: &str) {
        world.write("az", &format!("#!/bin/sh\n{script}\n"));
        let path = world.path("az");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a file");
    }

    fn answering() -> String {
        format!(
            "echo \"$@\" >\"$HOME/arguments\"\n\
             echo \"[$AZURE_CLIENT_SECRET][$ACTIONS_ID_TOKEN_REQUEST_TOKEN]\" >\"$HOME/secrets\"\n\
             echo 'WARNING: something old' >&2\n\
             echo '{{\"accessToken\": \"{}\", \"expires_on\": 4000000000, \"tokenType\": \"Bearer\"}}'",
            token()
        )
    }

    #[test]
    fn az_is_asked_for_a_token() {
        let mut world = World::empty();
        install(&world, &answering());
        signs_in(&world, "", "azure-cli");
        assert_eq!(
            world.read("arguments").trim(),
            format!("account get-access-token -o json --scope {SCOPE}")
        );
        // What is for others is not for it.
        world.set("AZURE_TENANT_ID", TENANT_ID);
        world.set("AZURE_CLIENT_ID", CLIENT_ID);
        world.set("AZURE_CLIENT_SECRET", "secret");
        world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret");
        signs_in(&world, "--auth az", "azure-cli");
        assert_eq!(
            world.read("arguments").trim(),
            format!("account get-access-token -o json --scope {SCOPE} --tenant {TENANT_ID}")
        );
        assert_eq!(world.read("secrets").trim(), "[][]");
    }

    #[test]
    fn az_that_gives_no_token_is_told() {
        let world = World::empty();
        install(
            &world,
            "echo 'WARNING: old' >&2; echo \"ERROR: Please run 'az login' to set up an account.\" >&2; exit 1",
        );
        world
            .run("whoami --auth azure-cli")
            .exits(7)
            .says(&["`az` says: Please run 'az login'"]);
        world.run("whoami").exits(7).says(&[
            "no sign-in is configured, and none was found",
            "`az` says: Please run 'az login'",
            "hint: set `ASSIGNCTL_ACCESS_TOKEN`",
        ]);
        install(&world, "echo 'MARKED but no JSON'");
        world.run("whoami -vvv").exits(7).says_nothing_of("MARKED");
        World::empty()
            .run("whoami --auth azure-cli")
            .exits(7)
            .says(&["`az` is not on the PATH"]);
    }

    #[test]
    fn az_follows_a_machine_without_an_identity() {
        let metadata = StandIn::start(|seen| {
            let error = if seen.header("metadata").is_some() {
                json!({"error": "invalid_request", "error_description": "Identity not found"})
            } else {
                json!({"error": "invalid_request"})
            };
            Reply::json(400, &error)
        });
        let mut world = World::empty();
        world.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata.url);
        world
            .run("whoami")
            .exits(7)
            .says(&["none was found", "Identity not found"]);
        install(&world, &answering());
        signs_in(&world, "", "azure-cli");
    }
}
