//! An application that a platform vouches for, without a secret of its own: with a token in a file, as a GitHub
//! workflow, or through a service connection of Azure DevOps.

use std::path::PathBuf;

use azure_identity::{
    AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertionCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::application::{Application, read_secret_file, token, unusable};
use super::http::{AuthHttp, address};
use super::token::usable;
use super::{Method, SignInError, Token, TokenSource};
use crate::text::excerpt;

/// An application and the file with the token that it is known by, as Kubernetes keeps one.
///
/// The library's `WorkloadIdentityCredential` reads the file once in ten minutes and sends it with
/// the line feed that an `echo` leaves. Here it is read whenever a token is needed, since it is
/// replaced while a run goes on.
pub(super) struct WorkloadIdentity {
    pub(super) application: Application,
    pub(super) file: PathBuf,
}

#[async_trait::async_trait]
impl TokenSource for WorkloadIdentity {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let unusable = |reason: &str| {
            SignInError::unusable(format!(
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
            return Err(SignInError::failed(format!(
                "GitHub gave no token for this job (status {}): {}; does it have the permission `id-token: write`?",
                answer.status,
                excerpt(&answer.body)
            )));
        }
        let no_token = || {
            SignInError::failed(format!(
                "the response of `{}` holds no token",
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
}

#[async_trait::async_trait]
impl TokenSource for GitHub {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let assertion = self.assertion().await?;
        self.application.assert(assertion, Method::GitHub).await
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

#[async_trait::async_trait]
impl TokenSource for AzureDevOps {
    async fn fetch(&self) -> Result<Token, SignInError> {
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
