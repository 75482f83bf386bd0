//! An application that signs in through a service connection of Azure DevOps. The library does it
//! all; it takes the pipeline's address from `SYSTEM_OIDCREQUESTURI` itself.

use azure_identity::{
    AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertionCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::application::{Application, token, unusable};
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// An application and the pipeline that runs for it.
pub(super) struct AzureDevOps {
    pub(super) application: Application,
    pub(super) service_connection_id: String,
    /// `SYSTEM_ACCESSTOKEN`.
    pub(super) system_token: SecretString,
}

impl AzureDevOps {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let (carrier, client_options) = self.application.connection(&self.system_token);
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
            &carrier,
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
