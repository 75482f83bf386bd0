//! The HTTP below all credentials: our rules for connections under Microsoft's library, and under
//! the few requests that we send ourselves.
//!
//! Secrets go over https, or over http to where they cannot be overheard: a loopback address, and
//! for managed identities the link-local addresses on which Azure serves them. What comes back is
//! bounded, redirects are not followed, and an answer that is an error is remembered as it came,
//! since the library keeps only a part of it (and nothing if its text holds an escape).

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use futures::StreamExt as _;
use reqwest::Client;
use secrecy::SecretString;
use serde_json::Value;
use url::{Host, Url};

use super::SignInError;
use crate::net::client_builder;
use crate::redact::Redactor;
use crate::text::Cause;

/// The most that is read of one answer; a token is a few KiB.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The instance metadata service, a fixed address in every Azure machine
/// (learn.microsoft.com/azure/virtual-machines/instance-metadata-service).
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// An answer. Its body, which may be a token, does not print.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why the last request brought no token.
#[derive(Clone, Debug)]
pub(super) enum LastError {
    /// No answer.
    Silence(Cause),
    /// An answer that is an error.
    Error(Answer),
}

/// Carries requests.
#[derive(Debug, Default)]
pub(super) struct AuthHttp {
    secure: OnceLock<Client>,
    plain: OnceLock<Client>,
    /// An authority without TLS. The library insists on https, so that is undone here.
    plain_authority: Option<Url>,
    /// Whether link-local addresses may be asked without TLS.
    admits_link_local: bool,
    /// Stands for the instance metadata service.
    metadata_host: Option<Url>,
    /// Secrets removed from every answer that is an error.
    redactor: Redactor,
    last_error: Mutex<Option<LastError>>,
}

impl AuthHttp {
    /// Carries requests to an authority.
    pub(super) fn to_authority(authority: &Url, secret: &SecretString) -> Self {
        Self {
            plain_authority: (authority.scheme() == "http").then(|| authority.clone()),
            redactor: Redactor::of("a secret", secret),
            ..Self::default()
        }
    }

    /// Carries requests for managed identities.
    pub(super) fn to_managed_identity(metadata_host: Option<Url>) -> Self {
        Self {
            admits_link_local: true,
            metadata_host,
            ..Self::default()
        }
    }

    /// Returns why the last request brought nothing, once.
    pub(super) fn take_last_error(&self) -> Option<LastError> {
        self.lock().take()
    }

    /// Learns a secret that a request of our own holds.
    pub(super) fn remember(&self, name: &str, secret: &str) {
        self.redactor.remember(name, &SecretString::from(secret));
    }

    fn lock(&self) -> MutexGuard<'_, Option<LastError>> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request of our own.
    pub(super) async fn send(
        &self,
        method: reqwest::Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, SignInError> {
        let mut request = self
            .client(url)
            .map_err(SignInError::Failed)?
            .request(method, url.clone());
        for (name, value) in headers {
            let mut value = reqwest::header::HeaderValue::from_str(value).map_err(|_| {
                SignInError::unusable(format!("the value for the header `{name}` is not text"))
            })?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| SignInError::Silent(Cause::of(at(url), error.without_url())))?;
        let status = answer.status().as_u16();
        let body = body_of(answer)
            .await
            .map_err(|cause| SignInError::failed(Cause::of(at(url), cause)))?;
        Ok(Answer {
            status,
            body: self.hide(body),
        })
    }

    /// Finds the client for a URL, or says why nothing is sent there.
    fn client(&self, url: &Url) -> Result<&Client, Cause> {
        let plain = url.scheme() == "http";
        if !(url.scheme() == "https" || plain && self.is_near(url)) {
            return Err(format!(
                "nothing is sent to `{}`: it is neither https nor a loopback address",
                address(url)
            )
            .into());
        }
        let cell = if plain { &self.plain } else { &self.secure };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = client_builder(plain)?
            .timeout(TIMEOUT)
            .build()
            .map_err(Cause::new)?;
        Ok(cell.get_or_init(|| client))
    }

    fn is_near(&self, url: &Url) -> bool {
        let link_local = |address: Ipv4Addr| self.admits_link_local && address.is_link_local();
        match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback() || link_local(address),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Returns where a request of the library really goes.
    fn target(&self, asked: &Url) -> Url {
        let is_authority = |plain: &&Url| {
            asked.scheme() == "https"
                && asked.host() == plain.host()
                && asked.port_or_known_default() == as_https(plain).port_or_known_default()
        };
        let metadata = Some(Host::Ipv4(METADATA));
        let mut url = asked.clone();
        let instead = match (&self.plain_authority, &self.metadata_host) {
            (Some(plain), _) if is_authority(&plain) => plain,
            (_, Some(stand_in)) if asked.host() == metadata => stand_in,
            _ => return url,
        };
        // Both schemes and hosts are of the kind that take each other's place.
        let moved = url.set_scheme(instead.scheme()).is_ok()
            && url.set_host(instead.host_str()).is_ok()
            && url.set_port(instead.port()).is_ok();
        if moved { url } else { asked.clone() }
    }

    fn silent(&self, cause: Cause) -> azure_core::Error {
        let text = cause.to_string();
        *self.lock() = Some(LastError::Silence(cause));
        azure_core::Error::with_message(ErrorKind::Connection, text)
    }

    /// Notes the secrets that a request of the library holds: those that it makes or gets itself,
    /// like the assertion of a service connection, are not known before.
    fn note_secrets(&self, request: &Request) {
        for (name, value) in request.headers().iter() {
            if matches!(
                name.as_str(),
                "authorization" | "x-identity-header" | "secret"
            ) {
                let secret = value.as_str();
                let secret = secret.strip_prefix("Bearer ").unwrap_or(secret);
                self.redactor
                    .remember(name.as_str(), &SecretString::from(secret));
            }
        }
        if let Body::Bytes(body) = request.body() {
            for (name, value) in url::form_urlencoded::parse(body) {
                if matches!(&*name, "client_secret" | "client_assertion") {
                    self.redactor.remember(&name, &SecretString::from(&*value));
                }
            }
        }
    }

    /// Takes what is secret out of an answer that repeats what it was sent.
    fn hide(&self, body: Vec<u8>) -> Vec<u8> {
        self.redactor.mask_bytes(&body).unwrap_or(body)
    }
}

/// Returns an authority as the library wants it.
pub(super) fn as_https(authority: &Url) -> Url {
    let text = authority.as_str();
    let text = text.strip_prefix("http://").map(|rest| {
        // A port that is left out means another one now.
        let port = if authority.port().is_none() {
            ":80"
        } else {
            ""
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        format!("https://{host}{port}/{path}")
    });
    text.and_then(|text| Url::parse(&text).ok())
        .unwrap_or_else(|| authority.clone())
}

/// Says where a request went, without its query, which may hold anything.
pub(super) fn address(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only URLs without a host have no room for these, and there they are not.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Returns the URL of an endpoint of a tenant.
pub(super) fn endpoint(authority: &Url, tenant: &str, name: &str) -> Result<Url, SignInError> {
    let url = authority.join(&format!("/{tenant}/oauth2/v2.0/{name}"));
    url.map_err(|_| SignInError::unusable(format!("no tenant `{tenant}` at `{authority}`")))
}

/// Says where something went wrong.
fn at(url: &Url) -> String {
    format!("`{}`", address(url))
}

/// Spells a managed identity's token as the library reads it: with `expires_on` as a text. Azure's
/// endpoints send `expires_on`, `expires_in` or both, each as a number or a text.
fn with_text_expiry(body: Vec<u8>, now: i64) -> Vec<u8> {
    let Ok(Value::Object(mut token)) = serde_json::from_slice(&body) else {
        return body;
    };
    let seconds = |name: &str| {
        let value = token.get(name)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    };
    let expires_on = seconds("expires_on").or_else(|| seconds("expires_in")?.checked_add(now));
    let Some(expires_on) = expires_on else {
        return body;
    };
    token.insert("expires_on".to_owned(), expires_on.to_string().into());
    for (name, usual) in [("token_type", "Bearer"), ("resource", "")] {
        token.entry(name).or_insert_with(|| usual.into());
    }
    Value::Object(token).to_string().into_bytes()
}

async fn body_of(answer: reqwest::Response) -> Result<Vec<u8>, Cause> {
    let mut body = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Cause::new(error.without_url()))?;
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err("the token response is too large".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[async_trait::async_trait]
impl HttpClient for AuthHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url = self.target(request.url());
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .unwrap_or(reqwest::Method::POST);
        let mut builder = self
            .client(&url)
            .map_err(|cause| self.silent(cause))?
            .request(method, url.clone());
        self.note_secrets(request);
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        if let Body::Bytes(bytes) = request.body() {
            builder = builder.body(bytes.clone());
        }
        let answer = builder
            .send()
            .await
            .map_err(|error| self.silent(Cause::of(at(&url), error.without_url())))?;
        let status = answer.status().as_u16();
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(
                    HeaderName::from(name.as_str().to_owned()),
                    HeaderValue::from(value.to_owned()),
                );
            }
        }
        let mut body = body_of(answer)
            .await
            .map_err(|cause| self.silent(Cause::of(at(&url), cause)))?;
        *self.lock() = None;
        if self.admits_link_local && status == 200 {
            body = with_text_expiry(body, jiff::Timestamp::now().as_second());
        }
        if !(200..300).contains(&status) {
            body = self.hide(body);
            *self.lock() = Some(LastError::Error(Answer {
                status,
                body: body.clone(),
            }));
        }
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{causes, with_causes};

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn secret() -> SecretString {
        SecretString::from("MARKED-secret")
    }

    #[test]
    fn a_plain_authority_gets_what_the_library_sends_over_https() {
        for (authority, path) in [
            ("http://127.0.0.1:8080", "https://127.0.0.1:8080/t/token"),
            ("http://localhost/", "https://localhost:80/t/token"),
        ] {
            assert_eq!(
                as_https(&url(authority)).join("/t/token").expect("a URL"),
                url(path)
            );
            let http = AuthHttp::to_authority(&url(authority), &secret());
            assert_eq!(
                http.target(&url(path)),
                url(authority).join("/t/token").expect("a URL")
            );
            let other = url("https://127.0.0.1:8081/t/token");
            assert_eq!(http.target(&other), other);
        }
    }

    #[test]
    fn the_metadata_service_may_have_a_stand_in() {
        let asked = url("http://169.254.169.254/metadata/identity?x=1");
        let http = AuthHttp::to_managed_identity(Some(url("http://127.0.0.1:9")));
        assert_eq!(
            http.target(&asked),
            url("http://127.0.0.1:9/metadata/identity?x=1")
        );
        assert_eq!(AuthHttp::to_managed_identity(None).target(&asked), asked);
    }

    #[tokio::test]
    async fn no_cause_of_a_silence_says_what_was_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let url = url(&format!("http://127.0.0.1:{port}/x?key=MARKED-secret"));
        let headers = [("authorization", "Bearer MARKED-secret")];
        let http = AuthHttp::default();
        let sent = http.send(reqwest::Method::GET, &url, &headers, None);
        let error = sent.await.expect_err("nothing listens there");
        let causes: Vec<_> = causes(&error).collect();
        assert!(causes.iter().any(|cause| cause.is::<reqwest::Error>()));
        let said = format!("{error:?} {causes:?} {}", with_causes(&error));
        assert!(!said.contains("MARKED"), "{said}");
    }

    #[test]
    fn secrets_are_sent_only_where_they_cannot_be_overheard() {
        let authority = AuthHttp::to_authority(&url("http://127.0.0.1:1"), &secret());
        let managed = AuthHttp::to_managed_identity(None);
        assert!(authority.client(&url("http://127.0.0.1:1/x")).is_ok());
        assert!(authority.client(&url("http://169.254.169.254/x")).is_err());
        assert!(managed.client(&url("http://169.254.169.254/x")).is_ok());
        for foreign in ["http://10.0.0.1/x", "http://example.com", "ftp://127.0.0.1"] {
            let refused = managed.client(&url(foreign)).expect_err("not sent");
            let refused = refused.to_string();
            assert!(refused.contains("nothing is sent"), "{refused}");
        }
    }

    #[test]
    fn an_answer_that_repeats_a_secret_is_cleaned() {
        let http = AuthHttp::to_authority(&url("http://127.0.0.1:1"), &secret());
        let hidden = http.hide(b"you sent MARKED-secret".to_vec());
        assert_eq!(hidden, b"you sent [secret]");
        assert_eq!(
            address(&url("https://user:pass@example.com/x?secret=1#y")),
            "https://example.com/x"
        );
    }
}
