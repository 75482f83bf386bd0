//! An application that signs in with a client secret. The library does it all.

use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use secrecy::{ExposeSecret as _, SecretString};

use super::application::{Application, token, unusable};
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// An application and its secret.
pub(super) struct ClientSecret {
    pub(super) application: Application,
    pub(super) secret: SecretString,
}

impl ClientSecret {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let (carrier, client_options) = self.application.connection(&self.secret);
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
            &carrier,
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
