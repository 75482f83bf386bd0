//! Sign-in of people: the device code flow (RFC 8628) as Entra answers it, and the tokens that renew it.
//!
//! Codes and refresh tokens hold what they stand for, sealed, so that only the times of the questions are
//! remembered.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::token::{mint_for_person, open, seal};
use super::{Form, OPENID_SCOPES, app, check_tenant};
use crate::encoding::percent_decode;
use crate::request::Request;
use crate::switches::LoginOutcome;
use crate::tenant::Tenant;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// When each code was asked about the last time.
pub(crate) type Polls = HashMap<String, SystemTime>;

/// Answers for the sign-in of a person, if it is asked for; gives status and body.
pub(crate) fn answer(
    tenant: &Tenant,
    polls: &mut Polls,
    request: &Request,
    base: &str,
    wall: SystemTime,
) -> Option<(u16, Value)> {
    let path = request.target.split('?').next().unwrap_or_default();
    let path = percent_decode(path, false)?;
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let ("POST", [named, "oauth2", "v2.0", endpoint]) = (request.method.as_str(), &*segments)
    else {
        return None;
    };
    let form = Form::read(request);
    let answered = match (*endpoint, form.find("grant_type")) {
        ("devicecode", _) => begin(tenant, named, &form, base, wall),
        ("token", Some(DEVICE_CODE)) => poll(tenant, named, polls, &form, base, wall),
        ("token", Some("refresh_token")) => renew(tenant, named, &form, base, wall),
        _ => return None,
    };
    Some(match answered {
        Ok(body) => (200, body),
        Err(refusal) => refusal.answer(wall),
    })
}

/// Checks what a person signs in to; gives the application.
fn check(tenant: &Tenant, named: &str, form: &Form) -> Result<String, Refusal> {
    if !matches!(named, "organizations" | "common") {
        check_tenant(tenant, named)?;
    }
    let client = form.need("client_id")?;
    app(tenant, named, client)?;
    Ok(client.to_owned())
}

fn begin(
    tenant: &Tenant,
    named: &str,
    form: &Form,
    base: &str,
    wall: SystemTime,
) -> Result<Value, Refusal> {
    let client = check(tenant, named, form)?;
    let scope = form.need("scope")?;
    let issued = since_epoch(wall);
    let code = seal(&json!({"for": "device", "issued": issued, "client": client, "scope": scope}));
    let login = &tenant.service.login;
    let place = format!("{base}/device");
    Ok(json!({
        "user_code": "SANDBOX42",
        "device_code": code,
        "verification_uri": place,
        "expires_in": login.expires_after,
        "interval": login.interval,
        "message": format!("To sign in, use a web browser to open the page {place} and enter the code SANDBOX42 to authenticate."),
    }))
}

fn poll(
    tenant: &Tenant,
    named: &str,
    polls: &mut Polls,
    form: &Form,
    base: &str,
    wall: SystemTime,
) -> Result<Value, Refusal> {
    let client = check(tenant, named, form)?;
    let login = &tenant.service.login;
    if !login.public_clients {
        return Err(Refusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let code = form.need("device_code")?;
    let opened =
        open(code).filter(|opened| opened["for"] == "device" && opened["client"] == client);
    let Some(opened) = opened else {
        return Err(Refusal::new(
            400,
            "bad_verification_code",
            70_018,
            "Bad verification code.",
        ));
    };
    let issued = opened["issued"].as_f64().unwrap_or_default();
    let age = since_epoch(wall) - issued;
    #[expect(clippy::cast_precision_loss, reason = "minutes")]
    let (life, interval) = (login.expires_after as f64, login.interval as f64);
    if age >= life {
        return Err(Refusal::new(
            400,
            "expired_token",
            70_020,
            "The code has expired.",
        ));
    }
    let last = polls.insert(code.to_owned(), wall);
    let early = last.is_some_and(|last| {
        let pause = wall.duration_since(last).unwrap_or_default();
        pause < Duration::from_secs_f64(interval)
    });
    if early {
        return Err(Refusal::new(
            400,
            "slow_down",
            70_016,
            "The client asks too often.",
        ));
    }
    if age < login.approved_after {
        return Err(Refusal::new(
            400,
            "authorization_pending",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ));
    }
    let (error, number, text) = match login.outcome {
        LoginOutcome::Approve => {
            let scope = opened["scope"].as_str().unwrap_or_default();
            return Ok(granted(tenant, &client, scope, base, wall));
        }
        LoginOutcome::Decline => (
            "authorization_declined",
            65_004,
            "User declined to consent to access the app.",
        ),
        LoginOutcome::ConditionalAccess => (
            "invalid_grant",
            53_003,
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        ),
        LoginOutcome::Consent => (
            "invalid_grant",
            65_001,
            "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
        ),
        LoginOutcome::AdminConsent => (
            "invalid_grant",
            90_094,
            "The grant requires admin permission.",
        ),
        LoginOutcome::SecondFactor => (
            "invalid_grant",
            50_076,
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.",
        ),
    };
    Err(Refusal::new(400, error, number, text))
}

fn renew(
    tenant: &Tenant,
    named: &str,
    form: &Form,
    base: &str,
    wall: SystemTime,
) -> Result<Value, Refusal> {
    let client = check(tenant, named, form)?;
    let opened = open(form.need("refresh_token")?);
    let opened = opened.filter(|opened| opened["for"] == "refresh" && opened["client"] == client);
    if opened.is_none() || tenant.service.login.refresh_refused {
        return Err(Refusal::new(
            400,
            "invalid_grant",
            700_082,
            "The refresh token has expired due to inactivity.",
        ));
    }
    Ok(granted(tenant, &client, form.need("scope")?, base, wall))
}

fn granted(tenant: &Tenant, client: &str, scope: &str, base: &str, wall: SystemTime) -> Value {
    let wanted = scope
        .split_whitespace()
        .filter(|part| !OPENID_SCOPES.contains(part));
    let wanted: Vec<&str> = wanted
        .map(|part| part.rsplit('/').next().unwrap_or(part))
        .collect();
    let scp = wanted.join(" ");
    let lifetime = tenant.service.token_lifetime;
    let refresh = json!({"for": "refresh", "client": client, "issued": since_epoch(wall)});
    json!({
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": lifetime,
        "access_token": mint_for_person(tenant, client, &scp, base, wall),
        "refresh_token": seal(&refresh),
    })
}

fn since_epoch(wall: SystemTime) -> f64 {
    wall.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        tenant: &Tenant,
        polls: &mut Polls,
        endpoint: &str,
        body: &str,
        second: u64,
    ) -> (u16, Value) {
        let request = Request {
            method: "POST".to_owned(),
            target: format!("/organizations/oauth2/v2.0/{endpoint}"),
            headers: vec![(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: body.as_bytes().to_vec(),
        };
        let wall = UNIX_EPOCH + Duration::from_secs(second);
        answer(tenant, polls, &request, "http://x", wall).expect("it is asked")
    }

    #[test]
    fn a_code_is_good_once_the_person_has_signed_in_and_questions_are_counted() {
        let mut tenant = Tenant::empty();
        tenant.service.login.approved_after = 12.0;
        let mut polls = Polls::new();
        let begin = "client_id=me&scope=https%3A%2F%2Fx%2FA.Read%20offline_access";
        let (status, begun) = ask(&tenant, &mut polls, "devicecode", begin, 0);
        assert_eq!((status, &begun["interval"]), (200, &json!(5)));
        let code = begun["device_code"].as_str().expect("a code");
        let poll = format!("grant_type={DEVICE_CODE}&client_id=me&device_code={code}");
        for (second, status, error) in [
            (5, 400, "authorization_pending"),
            (7, 400, "slow_down"),
            (12, 200, ""),
            (900, 400, "expired_token"),
        ] {
            let (found, body) = ask(&tenant, &mut polls, "token", &poll, second);
            assert_eq!(
                (found, body["error"].as_str().unwrap_or_default()),
                (status, error)
            );
        }
        let (_, token) = ask(&tenant, &mut polls, "token", &poll, 40);
        let refresh = token["refresh_token"].as_str().expect("a refresh token");
        let renew =
            format!("grant_type=refresh_token&client_id=me&scope=A.Read&refresh_token={refresh}");
        assert_eq!(ask(&tenant, &mut polls, "token", &renew, 41).0, 200);
        let forged = format!("{renew}A");
        assert_eq!(ask(&tenant, &mut polls, "token", &forged, 41).0, 400);
        let (status, body) = ask(
            &tenant,
            &mut polls,
            "token",
            &poll.replace("=me", "=you"),
            41,
        );
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("bad_verification_code"))
        );
    }

    #[test]
    fn every_refusal_has_its_number() {
        for (outcome, number) in [
            (LoginOutcome::Decline, 65_004),
            (LoginOutcome::ConditionalAccess, 53_003),
            (LoginOutcome::Consent, 65_001),
            (LoginOutcome::AdminConsent, 90_094),
            (LoginOutcome::SecondFactor, 50_076),
        ] {
            let mut tenant = Tenant::empty();
            tenant.service.login.outcome = outcome;
            let mut polls = Polls::new();
            let (_, begun) = ask(&tenant, &mut polls, "devicecode", "client_id=me&scope=A", 0);
            let code = begun["device_code"].as_str().expect("a code");
            let poll = format!("grant_type={DEVICE_CODE}&client_id=me&device_code={code}");
            let (status, body) = ask(&tenant, &mut polls, "token", &poll, 5);
            assert_eq!((status, &body["error_codes"][0]), (400, &json!(number)));
        }
    }
}
