//! Sign-in: the token endpoint as Entra answers it, and the documents by which clients find it.

mod assertion;
mod device;
mod refusal;
mod token;

use std::time::SystemTime;

use serde_json::{Value, json};

pub(crate) use self::device::{Polls, answer as answer_person};
use self::refusal::Refusal;
pub(crate) use self::token::{Caller, Read, check, mint, tenant_of};
use crate::encoding::percent_decode;
use crate::odata::query;
use crate::request::Request;
use crate::switches::{App, SignIn};
use crate::tenant::Tenant;

/// What clients ask for beside the permission that counts; MSAL for Go always does.
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Answers for the sign-in service, if it is asked for; gives status and body. `base` is the root of
/// the host as the caller sees it.
pub(crate) fn answer(
    tenant: &Tenant,
    request: &Request,
    base: &str,
    wall: SystemTime,
) -> Option<(u16, Value)> {
    let path = request.target.split('?').next().unwrap_or_default();
    let path = percent_decode(path, false)?;
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("POST", [named, "oauth2", "v2.0", "token"]) => {
            Some(issue(tenant, named, request, base, wall))
        }
        ("GET", [named, "v2.0", ".well-known", "openid-configuration"]) => {
            if !is_this(tenant, named) && *named != "common" {
                return Some((400, json!({"error": "invalid_tenant"})));
            }
            Some((
                200,
                json!({
                    "issuer": format!("{base}/{}/v2.0", tenant.tenant_id),
                    "token_endpoint": format!("{base}/{named}/oauth2/v2.0/token"),
                    "authorization_endpoint": format!("{base}/{named}/oauth2/v2.0/authorize"),
                    "jwks_uri": format!("{base}/{named}/discovery/v2.0/keys"),
                }),
            ))
        }
        ("GET", ["common", "discovery", "instance"]) => Some((
            200,
            json!({
                "tenant_discovery_endpoint": format!(
                    "{base}/{}/v2.0/.well-known/openid-configuration",
                    tenant.tenant_id
                ),
                "api-version": "1.1",
                "metadata": [],
            }),
        )),
        _ => None,
    }
}

/// Answers a request for a token.
fn issue(
    tenant: &Tenant,
    named: &str,
    request: &Request,
    base: &str,
    wall: SystemTime,
) -> (u16, Value) {
    match grant(tenant, named, request, base, wall) {
        Ok((app, roles)) => {
            let lifetime = tenant.service.token_lifetime;
            let token = mint(tenant, &app, &roles, base, wall);
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
        Err(refusal) => refusal.answer(wall),
    }
}

/// The parameters of a request for a token.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(request: &Request) -> Self {
        let content_type = request.header("content-type").unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let pairs = std::str::from_utf8(&request.body)
            .ok()
            .filter(|_| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
            .and_then(|text| query::split(text).ok());
        Self(pairs.unwrap_or_default())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.find(name).ok_or_else(|| {
            Refusal::new(
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        })
    }
}

/// Checks a request for a token; gives the application and its permissions.
fn grant(
    tenant: &Tenant,
    named: &str,
    request: &Request,
    base: &str,
    wall: SystemTime,
) -> Result<(String, Vec<String>), Refusal> {
    check_tenant(tenant, named)?;
    let form = Form::read(request);
    let kind = form.need("grant_type")?;
    if kind != "client_credentials" {
        return Err(Refusal::new(
            400,
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{kind}'."),
        ));
    }
    let client = form.need("client_id")?;
    check_scope(form.need("scope")?)?;
    admit(tenant.service.sign_in, client, named)?;
    let app = app(tenant, named, client)?;
    let names = [named, tenant.tenant_id.as_str(), &tenant.service.domain];
    prove(
        &form,
        client,
        app,
        &names.map(|name| format!("{base}/{name}")),
        wall,
    )?;
    let roles = app
        .and_then(|app| app.roles.clone())
        .unwrap_or_else(|| tenant.service.roles.clone());
    Ok((client.to_owned(), roles))
}

/// Refuses a path that names another tenant.
fn check_tenant(tenant: &Tenant, named: &str) -> Result<(), Refusal> {
    if is_this(tenant, named) {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "invalid_request",
        90002,
        format!(
            "Tenant '{named}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud."
        ),
    ))
}

/// Finds an application. With none registered, every client id is welcome.
fn app<'t>(tenant: &'t Tenant, named: &str, client: &str) -> Result<Option<&'t App>, Refusal> {
    let apps = &tenant.service.apps;
    let app = apps
        .iter()
        .find(|app| app.client_id.eq_ignore_ascii_case(client));
    match app.is_none() && !apps.is_empty() {
        true => Err(unknown_app(client, named)),
        false => Ok(app),
    }
}

fn unknown_app(client: &str, named: &str) -> Refusal {
    let text =
        format!("Application with identifier '{client}' was not found in the directory '{named}'.");
    Refusal::new(400, "unauthorized_client", 700_016, text)
}

/// Refuses an application that the tenant does not let in.
fn admit(sign_in: SignIn, client: &str, named: &str) -> Result<(), Refusal> {
    match sign_in {
        SignIn::Allowed => Ok(()),
        SignIn::NoConsent => Err(Refusal::new(
            400,
            "invalid_grant",
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID \
                 '{client}'. Send an interactive authorization request for this user and resource."
            ),
        )),
        SignIn::UnknownApp => Err(unknown_app(client, named)),
        SignIn::DisabledApp => Err(Refusal::client(
            7_000_112,
            format!("Application '{client}' is disabled."),
        )),
    }
}

/// Checks how a client proves who it is. `authorities` are the roots of its tenant.
fn prove(
    form: &Form,
    client: &str,
    app: Option<&App>,
    authorities: &[String],
    wall: SystemTime,
) -> Result<(), Refusal> {
    match (form.find("client_secret"), form.find("client_assertion")) {
        (Some(secret), None) => {
            let right = app.and_then(|app| app.secret.as_deref());
            if right.is_some_and(|right| right != secret) {
                return Err(Refusal::client(
                    7_000_215,
                    format!(
                        "Invalid client secret provided. Ensure the secret being sent in the \
                         request is the client secret value, not the client secret ID, for a \
                         secret added to app '{client}'."
                    ),
                ));
            }
            Ok(())
        }
        (None, Some(assertion)) => {
            let kind = form.need("client_assertion_type")?;
            if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
                return Err(Refusal::malformed(""));
            }
            assertion::check(assertion, client, app, authorities, wall)
        }
        _ => Err(Refusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        )),
    }
}

/// Checks that a scope asks for the application permissions of one resource.
fn check_scope(scope: &str) -> Result<(), Refusal> {
    let mut wanted = scope
        .split_whitespace()
        .filter(|part| !OPENID_SCOPES.contains(part));
    match (wanted.next(), wanted.next()) {
        (Some(one), None) if one.ends_with("/.default") => Ok(()),
        _ => Err(Refusal::new(
            400,
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must \
                 have a scope value with /.default suffixed to the resource identifier \
                 (application ID URI)."
            ),
        )),
    }
}

/// Whether a text names the tenant.
pub(crate) fn is_this(tenant: &Tenant, named: &str) -> bool {
    named.eq_ignore_ascii_case(&tenant.tenant_id)
        || named.eq_ignore_ascii_case(&tenant.service.domain)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::encoding::guid_from;

    fn ask_as(tenant: &Tenant, named: &str, content_type: &str, body: &str) -> (u16, Value) {
        let request = Request {
            method: "POST".to_owned(),
            target: format!("/{named}/oauth2/v2.0/token"),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        answer(tenant, &request, "http://x", UNIX_EPOCH).expect("it is asked")
    }

    fn ask(tenant: &Tenant, body: &str) -> (u16, Value) {
        let form = "application/x-www-form-urlencoded";
        ask_as(tenant, &tenant.tenant_id, form, body)
    }

    #[test]
    fn tokens_are_issued_and_expire() {
        let tenant = Tenant::empty();
        let body = "grant_type=client_credentials&client_id=me&client_secret=x";
        let (status, body) = ask(&tenant, &format!("{body}&scope=http%3A%2F%2Fx%2F.default"));
        assert_eq!(status, 200);
        assert_eq!(body["expires_in"], 3599);
        let header = format!("Bearer {}", body["access_token"].as_str().expect("a token"));
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        let caller = check(&tenant, Some(&header), at(3598), &mut None).expect("a good token");
        assert_eq!(caller.app, "me");
        assert!(caller.may(&["Group.Read.All"]));
        assert!(!caller.may(&["Mail.Read"]));
        let fault = check(&tenant, Some(&header), at(3599), &mut None).expect_err("it has expired");
        assert_eq!(
            (fault.status, fault.code),
            (401, "InvalidAuthenticationToken")
        );
        let mut other = Tenant::empty();
        other.tenant_id = guid_from("other");
        assert!(check(&other, Some(&header), at(0), &mut None).is_err());
    }

    #[test]
    fn a_form_is_known_however_its_type_is_written_and_openid_scopes_do_not_matter() {
        let tenant = Tenant::empty();
        let body = "grant_type=client_credentials&client_id=me&client_secret=x&scope=openid%20\
                    offline_access%20profile%20x%2F.default";
        let form = "Application/X-WWW-Form-URLencoded; charset=utf-8";
        assert_eq!(ask_as(&tenant, &tenant.tenant_id, form, body).0, 200);
        assert_eq!(
            ask_as(&tenant, "Sandbox.OnMicrosoft.com", form, body).0,
            200
        );
        assert_eq!(
            ask_as(&tenant, &tenant.tenant_id, "text/plain", body).0,
            400
        );
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
            (
                format!("{grant}&client_id=me&scope=x/.default%20y/.default"),
                (400, 1_002_012),
            ),
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
        let (status, answer) = ask_as(&tenant, "elsewhere", "", "");
        assert_eq!((status, &answer["error_codes"][0]), (400, &json!(90002)));
    }
}
