//! An application that signs in by itself: with a client secret, with a token that a platform keeps
//! in a file, as a GitHub workflow, or through a service connection of Azure DevOps. With a
//! certificate: see [`super::certificate`].

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{
    ClientMethodOptions, ClientOptions, ExponentialRetryOptions, HttpClient, RetryOptions,
    Transport,
};
use azure_core::time::OffsetDateTime;
use azure_identity::{
    AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertion,
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::http::{AuthHttp, address, as_https};
use super::token::usable;
use super::{Fetching, Method, SignInError, Token, TokenSource, refusal};
use crate::text::{excerpt, with_causes};

/// The longest that one sign-in may take, with all its tries. The library waits as long as the
/// service asks for, which may be a year.
const LONGEST: Duration = Duration::from_secs(120);

/// Who signs in, where, and for what.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    /// https, or http to a loopback address ([`crate::net::secure_url`]).
    pub(super) authority: Url,
    pub(super) scope: String,
}

impl Application {
    /// Returns the URL that tokens come from, which is also the audience of an assertion.
    pub(super) fn token_endpoint(&self) -> Result<Url, SignInError> {
        self.authority
            .join(&format!("/{}/oauth2/v2.0/token", self.tenant_id))
            .map_err(|_| self.no_authority())
    }

    pub(super) fn no_authority(&self) -> SignInError {
        SignInError::Unusable(format!(
            "no tenant `{}` at `{}`",
            self.tenant_id, self.authority
        ))
    }

    /// Returns a http to the authority that hides a secret, and the library's options with it.
    pub(super) fn connection(&self, secret: &SecretString) -> (Arc<AuthHttp>, ClientOptions) {
        let http = Arc::new(AuthHttp::to_authority(&self.authority, secret));
        let options = options(&http, Some(&self.authority));
        (http, options)
    }

    /// Signs in with an assertion: a text that someone signed for this application.
    pub(super) async fn assert(
        &self,
        assertion: SecretString,
        method: Method,
    ) -> Result<Token, SignInError> {
        let (http, client_options) = self.connection(&assertion);
        // A new credential each time: the library's cache would hand out a token that the service
        // has just refused, and signs in again for every request in the last five minutes of a token.
        let credential = ClientAssertionCredential::new(
            self.tenant_id.clone(),
            self.client_id.clone(),
            Assertion(assertion),
            Some(ClientAssertionCredentialOptions { client_options }),
        )
        .map_err(unusable)?;
        token(&*credential, &http, &self.scope, method).await
    }
}

/// Hands an assertion to the library. It does not print.
struct Assertion(SecretString);

impl std::fmt::Debug for Assertion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Assertion")
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}

/// Returns the library's options: our connections, few tries, and the authority.
pub(super) fn options(http: &Arc<AuthHttp>, authority: Option<&Url>) -> ClientOptions {
    let http: Arc<dyn HttpClient> = Arc::clone(http) as Arc<dyn HttpClient>;
    let cloud = authority.map(|authority| {
        let mut custom = CustomConfiguration::default();
        custom.authority_host = as_https(authority).to_string();
        Arc::new(CloudConfiguration::Custom(custom))
    });
    ClientOptions {
        transport: Some(Transport::new(http)),
        cloud,
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: 4,
            max_total_elapsed: azure_core::time::Duration::seconds(30),
            ..ExponentialRetryOptions::default()
        }),
        ..ClientOptions::default()
    }
}

/// Gets a token with a credential of the library.
pub(super) async fn token(
    credential: &dyn TokenCredential,
    http: &AuthHttp,
    scope: &str,
    method: Method,
) -> Result<Token, SignInError> {
    let answer = tokio::time::timeout(LONGEST, credential.get_token(&[scope], None))
        .await
        .map_err(|_| SignInError::Failed(format!("no token within {} s", LONGEST.as_secs())))?;
    let token = answer.map_err(|error| match http.take_last_error() {
        // What was really said; the library keeps only a part of it.
        Some(last_error) => refusal::from_last_error(last_error),
        None => SignInError::Failed(first_line(&with_causes(&error))),
    })?;
    let lifetime = token.expires_on - OffsetDateTime::now_utc();
    let lifetime = Duration::try_from(lifetime).unwrap_or_default();
    Ok(Token::new(SecretString::from(token.token.secret()), Some(lifetime)).by(method))
}

/// The error for input that the library refuses.
pub(super) fn unusable(error: azure_core::Error) -> SignInError {
    SignInError::Unusable(first_line(&error.to_string()))
}

/// The library's texts go on with links, line by line.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// An application and its client secret. The library does it all.
pub(super) struct ClientSecret {
    pub(super) application: Application,
    pub(super) secret: SecretString,
}

impl ClientSecret {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let (http, client_options) = self.application.connection(&self.secret);
        // A new credential each time, as with assertions.
        let credential = ClientSecretCredential::new(
            &self.application.tenant_id,
            self.application.client_id.clone(),
            self.secret.expose_secret().to_owned().into(),
            Some(ClientSecretCredentialOptions { client_options }),
        )
        .map_err(unusable)?;
        token(
            &*credential,
            &http,
            &self.application.scope,
            Method::ClientSecret,
        )
        .await
    }
}

impl TokenSource for ClientSecret {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// An application and the file with the token that it is known by, as Kubernetes keeps one.
///
/// The library's `WorkloadIdentityCredential` reads the file once in ten minutes and sends it with
/// the line feed that an `echo` leaves. Here it is read whenever a token is needed, since it is
/// replaced while a run goes on.
pub(super) struct WorkloadIdentity {
    pub(super) application: Application,
    pub(super) file: PathBuf,
}

impl WorkloadIdentity {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let unusable = |reason: &str| {
            SignInError::Unusable(format!(
                "the federated token in `{}` {reason}",
                self.file.display()
            ))
        };
        let bytes = read_secret_file(&self.file, "the federated token")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("is not text"))?;
        let assertion = usable(text).map_err(unusable)?;
        self.application
            .assert(assertion, Method::WorkloadIdentity)
            .await
    }
}

impl TokenSource for WorkloadIdentity {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// An application, and how GitHub is asked for the token of the job that runs.
///
/// The library has no credential for it. GitHub's side is one request
/// (docs.github.com: actions/reference/security/oidc), the rest is an assertion like any other.
pub(super) struct GitHub {
    pub(super) application: Application,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub(super) request_url: Url,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub(super) request_token: SecretString,
    /// The audience of the token; each cloud has its own.
    pub(super) audience: &'static str,
}

impl GitHub {
    async fn assertion(&self) -> Result<SecretString, SignInError> {
        let mut url = self.request_url.clone();
        url.query_pairs_mut().append_pair("audience", self.audience);
        let bearer = Zeroizing::new(format!("Bearer {}", self.request_token.expose_secret()));
        let http = AuthHttp::to_authority(&self.application.authority, &self.request_token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("accept", "application/json"),
        ];
        let mut answer = http
            .send(reqwest::Method::GET, &url, &headers, None)
            .await?;
        if answer.status != 200 {
            return Err(SignInError::Failed(format!(
                "GitHub gave no token for this job (status {}): {}; does it have the permission `id-token: write`?",
                answer.status,
                excerpt(&answer.body)
            )));
        }
        let no_token = || {
            SignInError::Failed(format!(
                "the answer of `{}` holds no token",
                address(&self.request_url)
            ))
        };
        let mut body: Value = serde_json::from_slice(&answer.body).map_err(|_| no_token())?;
        zeroize::Zeroize::zeroize(&mut answer.body);
        let Some(Value::String(value)) = body.get_mut("value").map(Value::take) else {
            return Err(no_token());
        };
        usable(&Zeroizing::new(value)).map_err(|_| no_token())
    }

    async fn sign_in(&self) -> Result<Token, SignInError> {
        let assertion = self.assertion().await?;
        self.application.assert(assertion, Method::GitHub).await
    }
}

impl TokenSource for GitHub {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// An application and the pipeline that runs for it. The library does it all; it takes the
/// pipeline's address from `SYSTEM_OIDCREQUESTURI` itself.
pub(super) struct AzureDevOps {
    pub(super) application: Application,
    pub(super) service_connection_id: String,
    /// `SYSTEM_ACCESSTOKEN`.
    pub(super) system_token: SecretString,
}

impl AzureDevOps {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let (http, client_options) = self.application.connection(&self.system_token);
        let credential = AzurePipelinesCredential::new(
            self.application.tenant_id.clone(),
            self.application.client_id.clone(),
            &self.service_connection_id,
            self.system_token.expose_secret().to_owned(),
            Some(AzurePipelinesCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options },
            }),
        )
        .map_err(unusable)?;
        token(
            &*credential,
            &http,
            &self.application.scope,
            Method::AzureDevOps,
        )
        .await
    }
}

impl TokenSource for AzureDevOps {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// The most that is read of a file with a key or a token.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Reads a small file whose content is wiped afterwards.
pub(super) fn read_secret_file(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, SignInError> {
    let failed = |reason: String| {
        SignInError::Unusable(format!(
            "{what} in `{}` cannot be read: {reason}",
            path.display()
        ))
    };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    // Room from the start, so that no part is left behind when more of it is needed.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(failed("it is larger than 1 MiB".to_owned()));
    }
    Ok(bytes)
}
