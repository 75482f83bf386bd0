//! The bearer tokens that the sandbox issues, and what a token permits.
//!
//! A token has the form of a JWT, so that clients can read `tid` and `exp`; its signature is a
//! plain hash that tells the sandbox's own tokens from others, nothing more.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::encoding::{base64_decode, base64url, guid_from, sha256};
use crate::reply::Fault;
use crate::tenant::Tenant;

/// Who calls, and what is permitted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller {
    /// The application, by which requests are metered.
    pub(crate) app: String,
    /// What the application is called, if the token says so.
    pub(crate) app_name: Option<String>,
    /// The person, if one signed in.
    pub(crate) user: Option<String>,
    /// That person's object id.
    pub(crate) person: Option<String>,
    /// The application permissions; without a list, everything is permitted.
    pub(crate) roles: Option<Vec<String>>,
}

impl Caller {
    /// Whether one of some permissions was granted.
    pub(crate) fn may(&self, permissions: &[&str]) -> bool {
        self.roles.as_ref().is_none_or(|roles| {
            roles
                .iter()
                .any(|role| permissions.contains(&role.as_str()))
        })
    }
}

/// Makes a token for an application.
pub(crate) fn mint(
    tenant: &Tenant,
    app: &str,
    roles: &[String],
    graph: &str,
    wall: SystemTime,
) -> String {
    let mut claims = claims(tenant, app, graph, wall);
    claims["roles"] = json!(roles);
    issue(&claims)
}

/// Makes a token for a person who signed in to an application, with delegated permissions.
pub(super) fn mint_for_person(
    tenant: &Tenant,
    app: &str,
    scopes: &str,
    graph: &str,
    wall: SystemTime,
) -> String {
    let user = &tenant.service.login.user;
    let mut claims = claims(tenant, app, graph, wall);
    claims["app_displayname"] = json!("Microsoft Graph Command Line Tools");
    claims["upn"] = json!(user);
    claims["oid"] = json!(guid_from(user));
    claims["scp"] = json!(scopes);
    issue(&claims)
}

/// Makes what the tokens of applications and of people have in common.
fn claims(tenant: &Tenant, app: &str, graph: &str, wall: SystemTime) -> Value {
    let now = wall
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    json!({
        "aud": graph,
        "iss": format!("https://sts.windows.net/{}/", tenant.tenant_id),
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(tenant.service.token_lifetime),
        "appid": app,
        "tid": tenant.tenant_id,
        "ver": "1.0",
    })
}

fn issue(payload: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "none"});
    let signed = format!(
        "{}.{}",
        base64url(header.to_string().as_bytes()),
        base64url(payload.to_string().as_bytes())
    );
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

/// Makes a text out of something that is to come back as it was.
pub(super) fn seal(content: &Value) -> String {
    let text = base64url(content.to_string().as_bytes());
    let signature = sign(&text);
    format!("{text}.{signature}")
}

/// Returns what was sealed; `None` if it was altered.
pub(super) fn open(sealed: &str) -> Option<Value> {
    let (text, signature) = sealed.split_once('.')?;
    if sign(text) != signature {
        return None;
    }
    serde_json::from_slice(&base64_decode(text)?).ok()
}

fn sign(text: &str) -> String {
    base64url(&sha256(format!("sandbox\n{text}").as_bytes()))
}

fn seconds(wall: SystemTime) -> f64 {
    wall.duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

/// Reads the payload of a JWT; `None` if the text does not have the form of one.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice::<Map<String, Value>>(&base64_decode(header)?).ok()?;
    serde_json::from_slice(&base64_decode(payload)?).ok()
}

/// Returns the tenant that a token is for, if it says so.
pub(crate) fn tenant_of(token: &str) -> Option<String> {
    payload(token)?.get("tid")?.as_str().map(str::to_owned)
}

/// A token as it was read; a client sends the same one with each request.
#[derive(Debug)]
pub(crate) struct Read {
    text: String,
    claims: Option<Map<String, Value>>,
    /// Whether the sandbox has made it.
    is_issued: bool,
}

impl Read {
    fn new(token: &str) -> Self {
        let signed = token.rsplit_once('.');
        Self {
            text: token.to_owned(),
            claims: payload(token),
            is_issued: signed.is_some_and(|(signed, signature)| sign(signed) == signature),
        }
    }
}

/// Checks the `Authorization` header of a request to Graph. The latest token is kept as it was read.
pub(crate) fn check(
    tenant: &Tenant,
    header: Option<&str>,
    wall: SystemTime,
    latest: &mut Option<Read>,
) -> Result<Caller, Fault> {
    let Some(header) = header else {
        return Err(unauthorized("Access token is empty."));
    };
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(unauthorized("Access token is empty.")),
    };
    if token.is_empty() {
        return Err(unauthorized("Access token is empty."));
    }
    let known = latest.take().filter(|read| read.text == token);
    let Read {
        claims, is_issued, ..
    } = latest.insert(known.unwrap_or_else(|| Read::new(token)));
    let Some(claims) = claims else {
        if tenant.service.only_issued_tokens {
            return Err(unauthorized(
                "CompactToken parsing failed with error code: 80049217",
            ));
        }
        return Ok(Caller {
            app: "opaque".to_owned(),
            app_name: None,
            person: None,
            user: None,
            roles: None,
        });
    };
    if tenant.service.only_issued_tokens && !*is_issued {
        return Err(unauthorized(
            "Access token validation failure. Invalid signature.",
        ));
    }
    let now = seconds(wall);
    // Five minutes' difference between clocks are allowed before the start, none at the end, so
    // that a client which refreshes too late is found out.
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    if time("exp").is_some_and(|end| now >= end) {
        return Err(unauthorized(
            "Lifetime validation failed, the token is expired.",
        ));
    }
    if time("nbf").is_some_and(|start| now + 300.0 < start) {
        return Err(unauthorized(
            "Access token has expired or is not yet valid.",
        ));
    }
    if let Some(tid) = claims.get("tid").and_then(Value::as_str)
        && !tid.eq_ignore_ascii_case(&tenant.tenant_id)
    {
        return Err(unauthorized(
            "Access token validation failure. Invalid tenant.",
        ));
    }
    let app = claims.get("appid").and_then(Value::as_str);
    let roles = claims.get("roles").and_then(Value::as_array).map(|roles| {
        let texts = roles.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    });
    // What a person may do is what was asked for, in the tokens that are made here.
    let scopes = claims
        .get("scp")
        .and_then(Value::as_str)
        .filter(|_| *is_issued);
    let scopes = scopes.map(|scopes| scopes.split(' ').map(str::to_owned).collect());
    let roles = roles.or(scopes);
    let named = |claim: &str| {
        let text = claims.get(claim).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    // A token of a person has scopes (`scp`), an application's has not.
    let person = claims.get("scp").and(claims.get("oid"));
    Ok(Caller {
        person: person.and_then(Value::as_str).map(str::to_owned),
        app: app.unwrap_or("unnamed").to_owned(),
        app_name: named("app_displayname"),
        user: named("upn"),
        roles,
    })
}

/// A 401 (microsofthackathons/tdi#24, s1t5/mail-archiver#267).
fn unauthorized(message: &str) -> Fault {
    Fault::plain(401, "InvalidAuthenticationToken", message).header(
        "WWW-Authenticate",
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/\
         authorize\", error=\"invalid_token\"",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn opaque_tokens_are_taken_unless_switched_off() {
        let mut tenant = Tenant::empty();
        assert!(check(&tenant, None, UNIX_EPOCH, &mut None).is_err());
        assert!(check(&tenant, Some("Basic x"), UNIX_EPOCH, &mut None).is_err());
        let caller = check(&tenant, Some("Bearer x"), UNIX_EPOCH, &mut None).expect("a token");
        assert_eq!(caller.roles, None);
        tenant.service.only_issued_tokens = true;
        assert!(check(&tenant, Some("Bearer x"), UNIX_EPOCH, &mut None).is_err());
        let issued = mint(&tenant, "me", &[], "x", UNIX_EPOCH);
        assert!(
            check(
                &tenant,
                Some(&format!("Bearer {issued}")),
                UNIX_EPOCH,
                &mut None
            )
            .is_ok()
        );
        let forged = format!("Bearer {issued}A");
        assert!(check(&tenant, Some(&forged), UNIX_EPOCH, &mut None).is_err());
    }

    /// A time may have a fraction (RFC 7519, NumericDate).
    #[test]
    fn s1_times_with_a_fraction_count() {
        let tenant = Tenant::empty();
        let token = |exp: Value| {
            let payload = json!({"exp": exp, "tid": tenant.tenant_id});
            format!("Bearer e30.{}.x", base64url(payload.to_string().as_bytes()))
        };
        let at = UNIX_EPOCH + Duration::from_secs(100);
        let taken = |exp| check(&tenant, Some(&token(exp)), at, &mut None).is_ok();
        assert!(taken(json!(100.5)) && taken(json!(101)));
        assert!(!taken(json!(99.5)) && !taken(json!(100)));
    }
}
