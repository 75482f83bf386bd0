//! An application that signs in with what GitHub says of the job that runs.
//!
//! The library has no credential for it. GitHub's side is one request
//! (docs.github.com: actions/reference/security/oidc), the rest is an assertion like any other.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::application::Application;
use super::carrier::{Carrier, address};
use super::ready::usable;
use super::{Fetching, Method, SignInError, Token, TokenSource};
use crate::graph::error::excerpt;

/// An application and how GitHub is asked for its token.
pub(super) struct GitHub {
    pub(super) application: Application,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub(super) request_url: Url,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub(super) request_token: SecretString,
    /// Whom the token is for; each cloud has its own.
    pub(super) audience: &'static str,
}

impl GitHub {
    async fn assertion(&self) -> Result<SecretString, SignInError> {
        let mut url = self.request_url.clone();
        url.query_pairs_mut().append_pair("audience", self.audience);
        let bearer = Zeroizing::new(format!("Bearer {}", self.request_token.expose_secret()));
        let carrier = Carrier::to_authority(
            &self.application.authority,
            std::slice::from_ref(&self.request_token),
        );
        let headers = [
            ("authorization", bearer.as_str()),
            ("accept", "application/json"),
        ];
        let mut answer = carrier
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
