//! Tokens: where they come from, and when a new one is needed.
//!
//! Getting a token is Microsoft's own library's work (`azure_identity`). Here is what it lacks:
//! an authority on loopback for the sandbox, and a renewal that suits tokens of any lifetime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential as _;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions,
    Transport,
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::transport::{client_builder, with_causes};

/// A token is renewed this long before it runs out, or after three quarters of its life where
/// that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignInError {
    /// Nothing says how to sign in.
    #[error("no sign-in is configured")]
    NotConfigured,
    /// Something that signing in needs is not usable.
    #[error("{0}")]
    Unusable(String),
    /// The authority refused.
    #[error("sign-in failed: {0}")]
    Failed(String),
}

impl SignInError {
    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotConfigured => Some(
                "set `ASSIGNCTL_ACCESS_TOKEN`, or `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`; or try it on `--sandbox FILE`",
            ),
            Self::Unusable(_) | Self::Failed(_) => None,
        }
    }
}

/// A token. It does not print.
#[derive(Clone)]
pub struct Token {
    /// The secret itself.
    pub secret: SecretString,
    /// The tenant it is for, where the token can be read.
    pub tenant_id: Option<String>,
    /// When a new one should be had; none where there is no other.
    renew_at: Option<Instant>,
}

impl Token {
    /// Wraps a token.
    pub fn new(secret: SecretString, lifetime: Option<Duration>) -> Self {
        let tenant_id = tenant_of(secret.expose_secret());
        Self {
            secret,
            tenant_id,
            renew_at: lifetime.map(|life| {
                let early = (life * 3 / 4).max(life.saturating_sub(RENEW_BEFORE));
                Instant::now() + early
            }),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Token")
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

/// Reads the `tid` claim. The token is not ours to verify: this only names the tenant.
fn tenant_of(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let bytes = azure_core::base64::decode_url_safe(payload).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    Some(claims.get("tid")?.as_str()?.to_owned())
}

/// A token that will be there.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Token, SignInError>> + Send + 'a>>;

/// Gets a fresh token from somewhere, each time it is asked.
pub trait TokenSource: Send + Sync {
    /// Gets a new token; none where there is no other than the one given before.
    fn fetch(&self) -> Fetching<'_>;

    /// Whether a refused token can be replaced by another.
    fn can_renew(&self) -> bool {
        true
    }
}

/// A token that is simply there (`ASSIGNCTL_ACCESS_TOKEN`, the sandbox inside the process).
pub struct ReadyToken(SecretString);

impl ReadyToken {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// Refuses an empty one, and one that no header takes.
    pub fn new(token: &str) -> Result<Self, SignInError> {
        let token = token.trim();
        if token.is_empty() {
            return Err(SignInError::Unusable(
                "the access token is empty".to_owned(),
            ));
        }
        // What no header takes would fail at every request, with less to say about why.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SignInError::Unusable(
                "the access token holds characters that no token has".to_owned(),
            ));
        }
        Ok(Self(SecretString::from(token)))
    }
}

impl TokenSource for ReadyToken {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async { Ok(Token::new(self.0.clone(), None)) })
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// An application that signs in with a client secret.
pub struct ClientSecret {
    tenant_id: String,
    client_id: String,
    secret: SecretString,
    authority: Url,
    scope: String,
    http: Arc<AuthorityClient>,
}

impl ClientSecret {
    /// Prepares a sign-in. The authority is https, or http to a loopback address
    /// ([`super::address::secure_url`]).
    ///
    /// # Errors
    ///
    /// Says why no HTTP client can be had.
    pub fn new(
        tenant_id: String,
        client_id: String,
        secret: SecretString,
        authority: Url,
        scope: String,
    ) -> Result<Self, SignInError> {
        let plain = authority.scheme() == "http";
        let client = client_builder(plain)
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| SignInError::Unusable(with_causes(&error)))?;
        Ok(Self {
            tenant_id,
            client_id,
            secret,
            http: Arc::new(AuthorityClient {
                client,
                plain,
                last_failure: Mutex::new(None),
            }),
            authority,
            scope,
        })
    }

    async fn sign_in(&self) -> Result<Token, SignInError> {
        // The library insists on https; for a loopback authority our client undoes that.
        let mut authority = self.authority.clone();
        if authority.set_scheme("https").is_err() {
            return Err(SignInError::Unusable(format!(
                "`{authority}` is no authority"
            )));
        }
        let mut custom = CustomConfiguration::default();
        custom.authority_host = authority.to_string();
        let http: Arc<dyn HttpClient> = Arc::clone(&self.http) as Arc<dyn HttpClient>;
        let options = ClientSecretCredentialOptions {
            client_options: ClientOptions {
                transport: Some(Transport::new(http)),
                cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
                retry: RetryOptions::exponential(ExponentialRetryOptions {
                    max_retries: 4,
                    max_total_elapsed: azure_core::time::Duration::seconds(30),
                    ..ExponentialRetryOptions::default()
                }),
                ..ClientOptions::default()
            },
        };
        // A new credential each time: the library's cache would hand out a token that the service
        // has just refused, and asks anew for every request in the last five minutes of a life.
        let credential = ClientSecretCredential::new(
            &self.tenant_id,
            self.client_id.clone(),
            self.secret.expose_secret().to_owned().into(),
            Some(options),
        )
        .map_err(|error| SignInError::Unusable(first_line(&error.to_string())))?;
        let token = credential
            .get_token(&[&self.scope], None)
            .await
            .map_err(|error| {
                let mut text = first_line(&with_causes(&error));
                // The library says that it gave up, but not on what.
                if let Some(reason) = self.http.take_last_failure()
                    && !text.contains(&reason)
                {
                    text = format!("{text}: {reason}");
                }
                SignInError::Failed(text)
            })?;
        let lifetime = token.expires_on - azure_core::time::OffsetDateTime::now_utc();
        let lifetime = Duration::try_from(lifetime).unwrap_or_default();
        Ok(Token::new(
            SecretString::from(token.token.secret()),
            Some(lifetime),
        ))
    }
}

impl TokenSource for ClientSecret {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// Entra's texts go on with trace ids and time stamps, line by line.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Carries the identity library's requests, with our rules for connections.
#[derive(Debug)]
struct AuthorityClient {
    client: reqwest::Client,
    /// The authority is a loopback address without TLS.
    plain: bool,
    last_failure: Mutex<Option<String>>,
}

impl AuthorityClient {
    /// Returns why the last request brought no answer, once.
    fn take_last_failure(&self) -> Option<String> {
        self.last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn failed(&self, error: reqwest::Error) -> azure_core::Error {
        let text = with_causes(&error.without_url());
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
        azure_core::Error::with_message(azure_core::error::ErrorKind::Connection, text)
    }
}

#[async_trait::async_trait]
impl HttpClient for AuthorityClient {
    async fn execute_request(
        &self,
        request: &azure_core::http::Request,
    ) -> azure_core::Result<AsyncRawResponse> {
        let mut url = request.url().clone();
        if self.plain && url.set_scheme("http").is_err() {
            return Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Other,
                "no such authority",
            ));
        }
        let mut builder = self.client.request(
            reqwest::Method::from_bytes(request.method().as_str().as_bytes())
                .unwrap_or(reqwest::Method::POST),
            url,
        );
        for (name, value) in request.headers().iter() {
            builder = builder.header(name.as_str(), value.as_str());
        }
        if let Body::Bytes(bytes) = request.body() {
            builder = builder.body(bytes.clone());
        }
        let answer = builder.send().await.map_err(|error| self.failed(error))?;
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
        let body = answer.bytes().await.map_err(|error| self.failed(error))?;
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
}

/// Holds the token of a run and gets the next one in time.
pub struct Tokens {
    source: Box<dyn TokenSource>,
    current: tokio::sync::Mutex<Option<(u64, Token)>>,
}

impl Tokens {
    /// Starts without a token.
    pub fn new(source: Box<dyn TokenSource>) -> Self {
        Self {
            source,
            current: tokio::sync::Mutex::new(None),
        }
    }

    /// Returns a token that is good for a while, with a number that tells it from others.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub async fn token(&self) -> Result<(u64, Token), SignInError> {
        let mut current = self.current.lock().await;
        if let Some((number, token)) = &*current
            && token.renew_at.is_none_or(|at| Instant::now() < at)
        {
            return Ok((*number, token.clone()));
        }
        self.renew(&mut current).await
    }

    /// Returns another token than the one that the service refused, unless one was got already.
    /// None where there is no other.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub async fn instead_of(&self, refused: u64) -> Result<Option<(u64, Token)>, SignInError> {
        if !self.source.can_renew() {
            return Ok(None);
        }
        let mut current = self.current.lock().await;
        if let Some((number, token)) = &*current
            && *number != refused
        {
            return Ok(Some((*number, token.clone())));
        }
        self.renew(&mut current).await.map(Some)
    }

    async fn renew(&self, current: &mut Option<(u64, Token)>) -> Result<(u64, Token), SignInError> {
        let number = current.as_ref().map_or(1, |(number, _)| number + 1);
        let token = self.source.fetch().await?;
        tracing::debug!(tenant = ?token.tenant_id, "signed in");
        *current = Some((number, token.clone()));
        Ok((number, token))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct Numbered {
        given: Arc<AtomicU64>,
        lifetime: Duration,
    }

    impl TokenSource for Numbered {
        fn fetch(&self) -> Fetching<'_> {
            let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
            let token = Token::new(
                SecretString::from(format!("token {number}")),
                Some(self.lifetime),
            );
            Box::pin(async move { Ok(token) })
        }
    }

    fn numbered(lifetime: u64) -> (Tokens, Arc<AtomicU64>) {
        let given = Arc::new(AtomicU64::new(0));
        let tokens = Tokens::new(Box::new(Numbered {
            given: Arc::clone(&given),
            lifetime: Duration::from_secs(lifetime),
        }));
        (tokens, given)
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_it_runs_out_and_not_earlier() {
        for (lifetime, good_for) in [(3600, 3300), (60, 45)] {
            let (tokens, given) = numbered(lifetime);
            tokens.token().await.expect("a token");
            tokio::time::advance(Duration::from_secs(good_for - 1)).await;
            tokens.token().await.expect("a token");
            assert_eq!(given.load(Ordering::Relaxed), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            tokens.token().await.expect("a token");
            assert_eq!(given.load(Ordering::Relaxed), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once_for_all_who_held_it() {
        let (tokens, given) = numbered(3600);
        let (first, _) = tokens.token().await.expect("a token");
        let (second, _) = tokens
            .instead_of(first)
            .await
            .expect("a token")
            .expect("another");
        let (again, _) = tokens
            .instead_of(first)
            .await
            .expect("a token")
            .expect("another");
        assert_eq!(second, again);
        assert_eq!(given.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_token_names_its_tenant_and_nothing_else() {
        // {"tid":"1b7a"}
        let token = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIxYjdhIn0.secret";
        assert_eq!(tenant_of(token).as_deref(), Some("1b7a"));
        assert_eq!(tenant_of("opaque"), None);
        assert_eq!(tenant_of("a.%%%.c"), None);
        let shown = format!("{:?}", Token::new(SecretString::from(token), None));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
