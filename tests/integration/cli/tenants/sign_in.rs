//! Signing in to several tenants: with one app or the tenant's own, by every kind of proof, and what is said
//! of a tenant that refuses.

use std::sync::atomic::{AtomicUsize, Ordering};

use azure_core::base64::decode_url_safe;
use serde_json::{Value, json};

use super::{CONTOSO, FABRIKAM, msp};
use crate::cli::support::World;
use crate::cli::support::certificates::Identity;
use crate::cli::support::service::Served;
use crate::cli::support::stand_in::{Reply, Seen, StandIn, readable_token};

const APP: &str = "71111111-2222-4333-8444-555555555555";
const OWN_APP: &str = "81111111-2222-4333-8444-555555555555";
const PLAN: &str = "plan m.yaml --all-tenants --format json";

/// Returns the tenant that a request for a token names.
fn tenant_of(seen: &Seen) -> String {
    seen.path().split('/').nth(1).unwrap_or_default().to_owned()
}

/// Entra, which gives each tenant a token of its own; `changed` may name another tenant in it.
fn entra(changed: fn(&str) -> String) -> StandIn {
    StandIn::start(move |seen| {
        let token = readable_token(&json!({
            "tid": changed(&tenant_of(seen)),
            "appid": APP,
            "aud": "https://graph.microsoft.com",
            "exp": 4_000_000_000_u64,
        }));
        let body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token});
        Reply::json(200, &body)
    })
}

/// Lets the runs of a world sign in at a stand-in, and use the emulator of both tenants.
fn served(world: &mut World, entra: &StandIn) -> Served {
    let states = "--state tenants/fabrikam.json --state tenants/contoso.json";
    let served = Served::of(world, &format!("sandbox {states} --listen 127.0.0.1:0"));
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", &entra.url);
    world.set("AZURE_CLIENT_ID", APP);
    served
}

/// Returns what was sent for a tenant.
fn asked(entra: &StandIn, tenant: &str) -> Seen {
    let mut seen = entra.seen();
    seen.retain(|seen| tenant_of(seen) == tenant);
    assert_eq!(seen.len(), 1, "{tenant}: {seen:#?}");
    seen.remove(0)
}

#[test]
fn a_certificate_is_shown_to_each_tenant_by_itself() {
    let mut world = msp();
    let entra = entra(str::to_owned);
    let _served = served(&mut world, &entra);
    let identity = Identity::rsa();
    world.write("app.pem", &[identity.pem(), identity.key_pem()].concat());
    world.set("AZURE_CLIENT_CERTIFICATE_PATH", "app.pem");
    world.run(PLAN).exits(0);
    for tenant in [FABRIKAM, CONTOSO] {
        let assertion = asked(&entra, tenant)
            .field("client_assertion")
            .expect("one");
        let claims = assertion.split('.').nth(1).expect("three parts");
        let claims = decode_url_safe(claims).expect("base64");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        let audience = format!("{}/{tenant}/oauth2/v2.0/token", entra.url);
        assert_eq!(claims["aud"], audience);
    }
}

#[test]
fn a_federated_token_is_fetched_for_each_tenant_in_its_cloud() {
    let mut world = msp();
    let manifest = world.read("m.yaml");
    let contoso = format!("tenantId: {CONTOSO}");
    world.write(
        "m.yaml",
        &manifest.replace(
            &contoso,
            &format!("{contoso}\n    cloud: usgov\n    clientId: {OWN_APP}"),
        ),
    );
    let entra = entra(str::to_owned);
    let _served = served(&mut world, &entra);
    let github = StandIn::start(|seen| {
        let audience = seen.query("audience").unwrap_or_default();
        Reply::json(
            200,
            &json!({"value": format!("g.{audience}.t").replace(['/', ':'], "-")}),
        )
    });
    world.set(
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        &format!("{}/x?y=1", github.url),
    );
    world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token");
    world.run(PLAN).exits(0);
    assert_eq!(github.seen().len(), 2, "one a tenant");
    for (tenant, assertion, app) in [
        (FABRIKAM, "g.api---AzureADTokenExchange.t", APP),
        (CONTOSO, "g.api---AzureADTokenExchangeUSGov.t", OWN_APP),
    ] {
        let seen = asked(&entra, tenant);
        assert_eq!(seen.field("client_assertion").as_deref(), Some(assertion));
        assert_eq!(seen.field("client_id").as_deref(), Some(app));
    }
}

/// Tokens that run out at once: each is replaced, by a federated token of its own, and stays in its tenant.
#[test]
fn a_federated_token_is_fetched_again_for_each_tenant_whose_token_runs_out() {
    let mut world = msp();
    let entra = StandIn::start(|seen| {
        let tenant = tenant_of(seen);
        let token = readable_token(&json!({
            "tid": tenant,
            "appid": APP,
            "aud": "https://graph.microsoft.com",
            "exp": 4_000_000_000_u64,
        }));
        let body = json!({"token_type": "Bearer", "expires_in": 0, "access_token": token});
        Reply::json(200, &body)
    });
    let _served = served(&mut world, &entra);
    let fetched = AtomicUsize::new(0);
    let github = StandIn::start(move |_| {
        let number = fetched.fetch_add(1, Ordering::Relaxed);
        Reply::json(200, &json!({"value": format!("github.{number}.token")}))
    });
    world.set(
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        &format!("{}/x?y=1", github.url),
    );
    world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token");
    let json = world.run(PLAN).exits(0).json();
    for tenant in json["tenants"].as_array().expect("a list") {
        // The emulator answers for the tenant that the token names.
        assert_eq!(tenant["plan"]["tenantId"], tenant["tenantId"]);
    }
    let seen = entra.seen();
    let mut assertions: Vec<String> = seen
        .iter()
        .map(|seen| seen.field("client_assertion").expect("an assertion"))
        .collect();
    assertions.sort();
    assertions.dedup();
    assert_eq!(assertions.len(), seen.len(), "each is used once");
    assert_eq!(github.seen().len(), seen.len());
    for tenant in [FABRIKAM, CONTOSO] {
        let asked = seen.iter().filter(|seen| tenant_of(seen) == tenant).count();
        assert!(asked > 2, "{tenant}: {asked}");
    }
}

/// An authority that gives the token of one tenant to another: it is not used, in neither direction.
#[test]
fn a_token_of_one_tenant_is_never_sent_for_another() {
    let mut world = msp();
    let entra = entra(|_| CONTOSO.to_owned());
    let _served = served(&mut world, &entra);
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    let json = world.run(PLAN).exits(7).json();
    let tenants = json["tenants"].as_array().expect("a list");
    let of = |name: &str| {
        tenants
            .iter()
            .find(|tenant| tenant["name"] == name)
            .expect("one")
    };
    assert_eq!(of("contoso")["exitCode"], 0);
    assert_eq!(of("contoso")["plan"]["tenantId"], CONTOSO);
    assert_eq!(of("fabrikam")["exitCode"], 7);
    assert_eq!(of("fabrikam")["plan"], Value::Null);
    let said = of("fabrikam")["error"]["message"].as_str().expect("a text");
    let expected = format!("the token is for the tenant `{CONTOSO}`, not for `{FABRIKAM}`");
    assert_eq!(said, expected);
    let hint = of("fabrikam")["error"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("registered for several"), "{hint}");
}

#[test]
fn what_a_tenant_refuses_is_said_with_what_to_do_there() {
    let consent = format!("/{CONTOSO}/adminconsent?client_id={APP}");
    for (switch, number, hint) in [
        ("noConsent", "AADSTS65001", consent.as_str()),
        ("unknownApp", "AADSTS700016", consent.as_str()),
        ("disabledApp", "AADSTS7000112", "Enterprise applications"),
    ] {
        let mut world = msp();
        world.edit("tenants/contoso.json", |tenant| {
            tenant["service"]["signIn"] = json!(switch);
        });
        let states = "--state tenants/fabrikam.json --state tenants/contoso.json";
        let served = Served::of(&world, &format!("sandbox {states} --listen 127.0.0.1:0"));
        world.set("ASSIGNCTL_GRAPH_URL", &served.url);
        world.set("AZURE_AUTHORITY_HOST", served.authority());
        world.set("AZURE_CLIENT_ID", APP);
        world.set("AZURE_CLIENT_SECRET", "a-secret");
        let ran = world
            .run("apply m.yaml --all-tenants --yes --report reports")
            .exits(7);
        let ran = ran.says(&[
            "tenant contoso:",
            number,
            hint,
            "contoso   exit 7",
            "fabrikam  exit 0",
        ]);
        assert!(!ran.stderr.contains("AZURE_TENANT_ID"), "{}", ran.stderr);
        // The app and the authority are those that signed in, and the tenant is the one of the manifests.
        if hint == consent {
            let authority = served.authority().trim_end_matches('/');
            ran.says(&[&format!("consents at {authority}{consent}")]);
        }
        let report = world.report("reports/contoso.report.jsonl");
        assert_eq!(report.last().expect("an end")["exitCode"], 7);
    }
}

/// A tenant is planned for, and later connected to again to be written to: its token is used for both.
#[test]
fn a_tenant_is_signed_in_to_once() {
    let mut world = msp();
    let entra = entra(str::to_owned);
    let _served = served(&mut world, &entra);
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    let apply = "apply m.yaml --all-tenants --yes --parallel-tenants 1";
    world
        .run(apply)
        .exits(0)
        .says(&["contoso   exit 0", "fabrikam  exit 0"]);
    for tenant in [FABRIKAM, CONTOSO] {
        asked(&entra, tenant);
        assert_ne!(
            super::rows(&world, name_of(tenant), "Win - A"),
            ["allUsers"]
        );
    }
}

fn name_of(tenant: &str) -> &'static str {
    match tenant {
        FABRIKAM => "fabrikam",
        _ => "contoso",
    }
}

/// One plan of a folder, or one report, says which tenant is signed in to, and as which app.
#[test]
fn a_single_plan_or_report_is_signed_in_to_as_its_tenant() {
    let mut world = msp();
    let own = format!("  fabrikam:\n    clientId: {OWN_APP}\n");
    world.write(
        "m.yaml",
        &world.read("m.yaml").replace("  fabrikam:\n", &own),
    );
    let entra = entra(str::to_owned);
    let _served = served(&mut world, &entra);
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    world.set("AZURE_TENANT_ID", CONTOSO);
    world.run("plan m.yaml --all-tenants --out plans").exits(0);
    world.set("AZURE_CLIENT_ID", "91111111-2222-4333-8444-555555555555");
    let sign_ins = |before: usize| {
        let seen = entra.seen();
        let new = seen[before..].iter();
        new.map(|seen| (tenant_of(seen), seen.field("client_id").unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    for line in [
        "apply plans/fabrikam.plan.json --report report.jsonl",
        "rollback report.jsonl --out back.json",
        "apply back.json",
    ] {
        let before = entra.seen().len();
        world
            .run(line)
            .exits(0)
            .says(&[&format!("Tenant fabrikam ({FABRIKAM}) at ")]);
        let as_itself = (FABRIKAM.to_owned(), OWN_APP.to_owned());
        assert_eq!(sign_ins(before), [as_itself], "{line}");
    }
    assert_eq!(super::rows(&world, "contoso", "Win - A"), ["allUsers"]);
}

/// Every command says what to do in the tenant that refuses, and nothing that is for people where an app
/// signs in by itself.
#[test]
fn a_refused_sign_in_is_explained_by_every_command() {
    let consent = format!("/{CONTOSO}/adminconsent?client_id={APP}");
    for (switch, number) in [("noConsent", "AADSTS65001"), ("unknownApp", "AADSTS700016")] {
        let mut world = msp();
        let plan = "plan m.yaml --all-tenants --out plans --sandbox tenants";
        world.run(plan).exits(0);
        world
            .run("apply m.yaml --all-tenants --yes --report reports --sandbox tenants")
            .exits(0);
        world.write("assignctl.yaml", "manifests: [m.yaml]\n");
        world.edit("tenants/contoso.json", |tenant| {
            tenant["service"]["signIn"] = json!(switch);
        });
        let states = "--state tenants/fabrikam.json --state tenants/contoso.json";
        let served = Served::of(&world, &format!("sandbox {states} --listen 127.0.0.1:0"));
        world.set("ASSIGNCTL_GRAPH_URL", &served.url);
        world.set("AZURE_AUTHORITY_HOST", served.authority());
        world.set("AZURE_CLIENT_ID", APP);
        world.set("AZURE_CLIENT_SECRET", "a-secret");
        for command in [
            "plan --tenant contoso",
            "tenants check",
            "apply plans",
            "apply plans/contoso.plan.json",
            "rollback reports/contoso.report.jsonl --out back.json",
            "explain --tenant contoso Win",
            "export --tenant contoso --out out",
            "list --tenant contoso",
            "list --all-tenants",
            "approvals --all-tenants",
            "approvals reports/contoso.report.jsonl",
        ] {
            let ran = world.run(command).exits(7).says(&[number, &consent]);
            assert!(
                !ran.stderr.contains("AZURE_TENANT_ID"),
                "{command}: {}",
                ran.stderr
            );
            assert!(
                !ran.stderr.contains("assignctl login"),
                "{command}: {}",
                ran.stderr
            );
            assert!(
                !ran.stderr.contains("Command Line Tools"),
                "{command}: {}",
                ran.stderr
            );
        }
    }
}
