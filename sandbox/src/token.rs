//! Sign-in: the token endpoint as Entra answers it, the bearer tokens that it issues, and what a
//! token permits.
//!
//! A token has the form of a JWT, so that clients can read `tid` and `exp`; its signature is a
//! plain hash that tells the sandbox's own tokens from others, nothing more.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::assertion;
use super::encoding::{base64_decode, base64url, guid_from, sha256};
use super::query;
use super::reply::{Fault, date};
use super::tenant::Tenant;

/// Who calls, and what is permitted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caller {
    /// The application, by which requests are metered.
    pub(super) app: String,
    /// The application permissions; without a list, everything is permitted.
    pub(super) roles: Option<Vec<String>>,
}

impl Caller {
    /// Whether one of some permissions was granted.
    pub(super) fn may(&self, permissions: &[&str]) -> bool {
        self.roles.as_ref().is_none_or(|roles| {
            roles
                .iter()
                .any(|role| permissions.contains(&role.as_str()))
        })
    }
}

/// An answer of the sign-in service: a status and a body.
pub(super) type SignIn = (u16, Value);

/// Answers a request for a token.
pub(super) fn token(
    tenant: &Tenant,
    named: &str,
    content_type: &str,
    body: &[u8],
    graph: &str,
    wall: SystemTime,
) -> SignIn {
    match grant(tenant, named, content_type, body, graph, wall) {
        Ok((app, roles)) => {
            let lifetime = tenant.service.token_lifetime;
            let token = mint(tenant, &app, &roles, graph, wall);
            (
                200,
                json!({
                    "token_type": "Bearer",
                    "expires_in": lifetime,
                    "ext_expires_in": lifetime,
                    "access_token": token,
                }),
            )
        }
        Err(refusal) => {
            let Refusal {
                status,
                error,
                number,
                text,
            } = refusal;
            let trace = guid_from(&text);
            let at = date(wall, "%Y-%m-%d %H:%M:%SZ");
            let description = format!(
                "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {trace} Timestamp: {at}"
            );
            (
                status,
                json!({
                    "error": error,
                    "error_description": description,
                    "error_codes": [number],
                    "timestamp": at,
                    "trace_id": trace,
                    "correlation_id": trace,
                    "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
                }),
            )
        }
    }
}

/// Why no token is issued.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) number: u32,
    pub(super) text: String,
}

pub(super) fn refuse(
    status: u16,
    error: &'static str,
    number: u32,
    text: impl Into<String>,
) -> Refusal {
    Refusal {
        status,
        error,
        number,
        text: text.into(),
    }
}

/// Checks a request for a token; gives the application and its permissions.
fn grant(
    tenant: &Tenant,
    named: &str,
    content_type: &str,
    body: &[u8],
    base: &str,
    wall: SystemTime,
) -> Result<(String, Vec<String>), Refusal> {
    if !is_this(tenant, named) {
        return Err(refuse(
            400,
            "invalid_request",
            90002,
            format!(
                "Tenant '{named}' not found. Check to make sure you have the correct tenant ID \
                 and are signing into the correct cloud."
            ),
        ));
    }
    let form = std::str::from_utf8(body)
        .ok()
        .filter(|_| content_type.starts_with("application/x-www-form-urlencoded"))
        .and_then(|text| query::split(text).ok())
        .unwrap_or_default();
    let find = |name: &str| {
        form.iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    let need = |name: &str| {
        find(name).ok_or_else(|| {
            refuse(
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        })
    };
    let kind = need("grant_type")?;
    if kind != "client_credentials" {
        return Err(refuse(
            400,
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{kind}'."),
        ));
    }
    let client = need("client_id")?;
    let scope = need("scope")?;
    if !scope.ends_with("/.default") || scope.contains(' ') {
        return Err(refuse(
            400,
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must \
                 have a scope value with /.default suffixed to the resource identifier \
                 (application ID URI)."
            ),
        ));
    }
    let apps = &tenant.service.apps;
    let app = apps.iter().find(|app| app.client_id == client);
    if app.is_none() && !apps.is_empty() {
        return Err(refuse(
            400,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client}' was not found in the directory '{named}'."
            ),
        ));
    }
    match (find("client_secret"), find("client_assertion")) {
        (Some(secret), None) => {
            let right = app.and_then(|app| app.secret.as_deref());
            if right.is_some_and(|right| right != secret) {
                return Err(refuse(
                    401,
                    "invalid_client",
                    7_000_215,
                    format!(
                        "Invalid client secret provided. Ensure the secret being sent in the \
                         request is the client secret value, not the client secret ID, for a \
                         secret added to app '{client}'."
                    ),
                ));
            }
        }
        (None, Some(assertion)) => {
            let form = need("client_assertion_type")?;
            if form != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
                return Err(refuse(
                    401,
                    "invalid_client",
                    50027,
                    "JWT token is invalid or malformed.",
                ));
            }
            let endpoint = format!("{base}/{named}/oauth2/v2.0/token");
            assertion::check(assertion, client, app, &endpoint, wall)?;
        }
        _ => {
            return Err(refuse(
                401,
                "invalid_client",
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or \
                 'client_secret'.",
            ));
        }
    }
    let roles = app
        .and_then(|app| app.roles.clone())
        .unwrap_or_else(|| tenant.service.roles.clone());
    Ok((client.to_owned(), roles))
}

/// Whether a text names the tenant.
pub(super) fn is_this(tenant: &Tenant, named: &str) -> bool {
    named.eq_ignore_ascii_case(&tenant.tenant_id)
        || named.eq_ignore_ascii_case(&tenant.service.domain)
}

/// Makes a token for an application.
pub(super) fn mint(
    tenant: &Tenant,
    app: &str,
    roles: &[String],
    graph: &str,
    wall: SystemTime,
) -> String {
    let now = seconds(wall);
    let header = json!({"typ": "JWT", "alg": "none"});
    let payload = json!({
        "aud": graph,
        "iss": format!("https://sts.windows.net/{}/", tenant.tenant_id),
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(tenant.service.token_lifetime),
        "appid": app,
        "tid": tenant.tenant_id,
        "roles": roles,
        "ver": "1.0",
    });
    let signed = format!(
        "{}.{}",
        base64url(header.to_string().as_bytes()),
        base64url(payload.to_string().as_bytes())
    );
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

fn sign(text: &str) -> String {
    base64url(&sha256(format!("sandbox\n{text}").as_bytes()))
}

pub(super) fn seconds(wall: SystemTime) -> u64 {
    wall.duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// Reads the payload of a JWT; none where the text has not the form of one.
fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice::<Map<String, Value>>(&base64_decode(header)?).ok()?;
    serde_json::from_slice(&base64_decode(payload)?).ok()
}

/// A token as it was read; a client sends the same one with each request.
#[derive(Debug)]
pub(super) struct Read {
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
pub(super) fn check(
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
    let starts = claims.get("nbf").and_then(Value::as_u64).unwrap_or(0);
    let ends = claims
        .get("exp")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX);
    if now >= ends {
        return Err(unauthorized(
            "Lifetime validation failed, the token is expired.",
        ));
    }
    if now.saturating_add(300) < starts {
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
    Ok(Caller {
        app: app.unwrap_or("unnamed").to_owned(),
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

    use super::super::switches::App;
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn ask(tenant: &Tenant, body: &str) -> SignIn {
        let named = tenant.tenant_id.clone();
        token(
            tenant,
            &named,
            FORM,
            body.as_bytes(),
            "http://x",
            UNIX_EPOCH,
        )
    }

    #[test]
    fn tokens_are_issued_and_run_out() {
        let tenant = Tenant::empty();
        let (status, body) = ask(
            &tenant,
            "grant_type=client_credentials&client_id=me&client_secret=x&scope=http%3A%2F%2Fx%2F.default",
        );
        assert_eq!(status, 200);
        assert_eq!(body["expires_in"], 3599);
        let header = format!("Bearer {}", body["access_token"].as_str().expect("a token"));
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        let caller = check(&tenant, Some(&header), at(3598), &mut None).expect("a good token");
        assert_eq!(caller.app, "me");
        assert!(caller.may(&["Group.Read.All"]));
        assert!(!caller.may(&["Mail.Read"]));
        let fault = check(&tenant, Some(&header), at(3599), &mut None).expect_err("it has run out");
        assert_eq!(
            (fault.status, fault.code),
            (401, "InvalidAuthenticationToken")
        );
        let mut other = Tenant::empty();
        other.tenant_id = guid_from("other");
        assert!(check(&other, Some(&header), at(0), &mut None).is_err());
    }

    #[test]
    fn refusals_have_numbers() {
        let mut tenant = Tenant::empty();
        tenant.service.apps.push(App {
            client_id: "me".to_owned(),
            secret: Some("right".to_owned()),
            certificate: None,
            roles: None,
        });
        let grant = "grant_type=client_credentials";
        let scope = "scope=x/.default";
        for (body, expected) in [
            (String::new(), (400, 900_144)),
            (format!("{grant}&client_id=me"), (400, 900_144)),
            ("grant_type=password".to_owned(), (400, 70003)),
            (format!("{grant}&client_id=me&scope=x"), (400, 1_002_012)),
            (format!("{grant}&client_id=you&{scope}"), (400, 700_016)),
            (format!("{grant}&client_id=me&{scope}"), (401, 7_000_218)),
            (
                format!("{grant}&client_id=me&{scope}&client_secret=wrong"),
                (401, 7_000_215),
            ),
            (
                format!("{grant}&client_id=me&{scope}&client_assertion=x"),
                (400, 900_144),
            ),
        ] {
            let (status, answer) = ask(&tenant, &body);
            let number = answer["error_codes"][0].as_u64().expect("a number");
            assert_eq!((status, number), expected, "{body}");
        }
        let (status, answer) = token(&tenant, "elsewhere", FORM, b"", "x", UNIX_EPOCH);
        assert_eq!((status, &answer["error_codes"][0]), (400, &json!(90002)));
    }

    #[test]
    fn opaque_tokens_are_a_matter_of_the_switch() {
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
}
