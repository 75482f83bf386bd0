//! What Entra says when it gives no token.

use serde_json::json;

use super::world;
use crate::cli::support::stand_in::{Reply, StandIn};

/// Runs a sign-in that a stand-in answers.
fn refused(status: u16, body: &serde_json::Value) -> super::super::support::Ran {
    let body = body.clone();
    let entra = StandIn::start(move |_| Reply::json(status, &body));
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_SECRET", "MARKED-secret");
    world.run("whoami -vvv").exits(7).says_nothing_of("MARKED")
}

#[test]
fn the_commonest_have_a_sentence_on_what_to_do() {
    for (code, hint) in [
        (7_000_215, "use the secret's value, not its id"),
        (7_000_222, "the client secret has expired"),
        (700_016, "check `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`"),
        (90_002, "check `AZURE_TENANT_ID`, and `--cloud`"),
        (900_023, "neither a tenant's id nor one of its domains"),
        (700_027, "upload the public part of this certificate"),
        (700_024, "set this machine's clock"),
        (700_213, "the subject that the message names"),
        (70_021, "issuer, subject and audience"),
        (7_000_112, "the app is disabled"),
        (53_003, "Conditional Access"),
        (500_011, "check `--cloud` and `--graph-url`"),
    ] {
        refused(
            400,
            &json!({
                "error": "invalid_client",
                "error_description": format!("AADSTS{code}: What Entra says. Trace ID: 1 Correlation ID: 2 Timestamp: 3"),
                "error_codes": [code],
                "trace_id": "1",
            }),
        )
        .says(&[
            &format!("error: sign-in failed: AADSTS{code}: What Entra says. (status 400, trace id 1)"),
            "hint: ",
            hint,
        ]);
    }
}

/// The identity library gives up on these with an error of its parser.
#[test]
fn escapes_in_the_text_are_read() {
    refused(
        401,
        &json!({
            "error": "invalid_client",
            "error_description": "AADSTS700213: No matching record for \"repo:a/b\" \u{e4}\t\\.\r\nTrace ID: 1",
            "error_codes": [700_213],
        }),
    )
    .says(&["AADSTS700213: No matching record for \"repo:a/b\" \u{e4}", "hint: "]);
}

#[test]
fn an_answer_that_repeats_the_secret_is_cleaned() {
    refused(
        400,
        &json!({"error": "x", "error_description": "AADSTS1: you sent MARKED-secret"}),
    )
    .says(&["you sent [secret]"]);
}

#[test]
fn what_is_no_answer_of_entra_is_shown() {
    refused(400, &json!("odd")).says(&["neither a token nor an error", "odd"]);
    refused(302, &json!({})).says(&["status 302"]);
    // A success without a token.
    refused(200, &json!("odd")).says(&["sign-in failed"]);
}

#[test]
fn an_endless_answer_is_cut() {
    let entra = StandIn::start(|_| Reply {
        status: 200,
        headers: Vec::new(),
        body: vec![b' '; 2 * 1024 * 1024],
    });
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_SECRET", "secret");
    world
        .run("whoami")
        .exits(7)
        .says(&["the token response is too large"]);
}

#[test]
fn a_refusal_ends_every_command_with_7() {
    let entra = StandIn::start(|_| {
        Reply::json(
            401,
            &json!({"error": "invalid_client", "error_description": "AADSTS7000215: No.", "error_codes": [7_000_215]}),
        )
    });
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_SECRET", "secret");
    world.set("ASSIGNCTL_GRAPH_URL", "http://127.0.0.1:1/beta");
    world.manifest(&["name: P, include: [group: A]"]);
    for line in [
        "plan m.yaml",
        "drift m.yaml",
        "apply m.yaml --yes",
        "whoami",
    ] {
        world.run(line).exits(7).says(&["AADSTS7000215", "hint: "]);
    }
}
