//! An application that signs in by itself, whatever it proves its identity with.

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
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::carrier::{Carrier, as_https};
use super::{Method, SignInError, Token, refusal};
use crate::graph::transport::with_causes;

/// The longest that one sign-in may take, with all its tries. The library waits as long as it is
/// told to, which may be a year.
const LONGEST: Duration = Duration::from_secs(120);

/// Who signs in, where, and for what.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    /// https, or http to a loopback address ([`crate::graph::address::secure_url`]).
    pub(super) authority: Url,
    pub(super) scope: String,
}

impl Application {
    /// Returns the URL that tokens come from, which is also whom an assertion is made for.
    pub(super) fn token_endpoint(&self) -> Result<Url, SignInError> {
        self.authority
            .join(&format!("/{}/oauth2/v2.0/token", self.tenant_id))
            .map_err(|_| self.no_authority())
    }

    pub(super) fn no_authority(&self) -> SignInError {
        SignInError::Unusable(format!(
            "there is no tenant `{}` at `{}`",
            self.tenant_id, self.authority
        ))
    }

    /// Returns a carrier to the authority that hides a secret, and the library's options with it.
    pub(super) fn connection(&self, secret: &SecretString) -> (Arc<Carrier>, ClientOptions) {
        let carrier = Arc::new(Carrier::to_authority(
            &self.authority,
            std::slice::from_ref(secret),
        ));
        let options = options(&carrier, Some(&self.authority));
        (carrier, options)
    }

    /// Signs in with an assertion: a text that somebody signed for this application.
    pub(super) async fn assert(
        &self,
        assertion: SecretString,
        method: Method,
    ) -> Result<Token, SignInError> {
        let (carrier, client_options) = self.connection(&assertion);
        // A new credential each time: the library's cache would hand out a token that the service
        // has just refused, and asks anew for every request in the last five minutes of a life.
        let credential = ClientAssertionCredential::new(
            self.tenant_id.clone(),
            self.client_id.clone(),
            Assertion(assertion),
            Some(ClientAssertionCredentialOptions { client_options }),
        )
        .map_err(unusable)?;
        token(&*credential, &carrier, &self.scope, method).await
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
pub(super) fn options(carrier: &Arc<Carrier>, authority: Option<&Url>) -> ClientOptions {
    let http: Arc<dyn HttpClient> = Arc::clone(carrier) as Arc<dyn HttpClient>;
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
    carrier: &Carrier,
    scope: &str,
    method: Method,
) -> Result<Token, SignInError> {
    let answer = tokio::time::timeout(LONGEST, credential.get_token(&[scope], None))
        .await
        .map_err(|_| SignInError::Failed(format!("no token within {} s", LONGEST.as_secs())))?;
    let token = answer.map_err(|error| match carrier.take_setback() {
        // What was really said; the library keeps only a part of it.
        Some(setback) => refusal::from_setback(setback),
        None => SignInError::Failed(first_line(&with_causes(&error))),
    })?;
    let lifetime = token.expires_on - OffsetDateTime::now_utc();
    let lifetime = Duration::try_from(lifetime).unwrap_or_default();
    Ok(Token::new(SecretString::from(token.token.secret()), Some(lifetime)).by(method))
}

/// Says what the library has against what it was given.
pub(super) fn unusable(error: azure_core::Error) -> SignInError {
    SignInError::Unusable(first_line(&error.to_string()))
}

/// The library's texts go on with links, line by line.
pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
