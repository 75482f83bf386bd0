//! An application that signs in by itself, here with a client secret. With a certificate: see
//! [`super::certificate`]; as a platform vouches for it: [`super::federated`].

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
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
    ClientSecretCredential, ClientSecretCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::http::{AuthHttp, as_https};
use super::{Method, SignInError, Token, TokenSource, refusal};
use crate::files::larger_than;
use crate::text::{Cause, with_causes};

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
        .map_err(|_| SignInError::failed(format!("no token within {} s", LONGEST.as_secs())))?;
    let token = answer.map_err(|error| match http.take_last_error() {
        // What was really said; the library keeps only a part of it.
        Some(last_error) => refusal::from_last_error(last_error),
        // The error itself may hold the response, of which only the first line is shown.
        None => SignInError::failed(first_line(&with_causes(&error))),
    })?;
    let lifetime = token.expires_on - OffsetDateTime::now_utc();
    let lifetime = Duration::try_from(lifetime).unwrap_or_default();
    Ok(Token::new(SecretString::from(token.token.secret()), Some(lifetime)).by(method))
}

/// The error for input that the library refuses. Of its text only the first line is shown, so that the error
/// itself does not go with it.
pub(super) fn unusable(error: azure_core::Error) -> SignInError {
    SignInError::unusable(first_line(&error.to_string()))
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

#[async_trait::async_trait]
impl TokenSource for ClientSecret {
    async fn fetch(&self) -> Result<Token, SignInError> {
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

/// The most that is read of a file with a key or a token.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Reads a small file whose content is wiped afterwards.
pub(super) fn read_secret_file(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, SignInError> {
    let failed = |error: io::Error| {
        let what = format!("{what} in `{}` cannot be read", path.display());
        SignInError::unusable(Cause::of(what, error))
    };
    let file = File::open(path).map_err(failed)?;
    // Room from the start, so that no part is left behind when more of it is needed.
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(failed(larger_than(LARGEST_FILE)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::causes;

    #[test]
    fn an_error_leads_to_what_the_system_says() {
        let error = read_secret_file(Path::new("not-there"), "the certificate").expect_err("none");
        let said = causes(&error).find_map(|error| error.downcast_ref::<io::Error>());
        let said = said.expect("the system's error");
        assert_eq!(said.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            format!("the certificate in `not-there` cannot be read: {said}")
        );
    }
}
