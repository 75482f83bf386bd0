//! The identity that Azure gives to a machine or an app. The library gets the token; what it does
//! not know (Azure Arc, Cloud Shell, Service Fabric, Azure ML) is an error that says so.
//!
//! The library tries for more than a minute where nobody answers, so whether there is a metadata
//! service at all is asked first, by a request that it refuses.

use std::sync::Arc;
use std::time::Duration;

use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use url::Url;

use super::application::{options, token, unusable};
use super::carrier::Carrier;
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// The instance metadata service, a fixed address in every Azure machine
/// (learn.microsoft.com/azure/virtual-machines/instance-metadata-service).
const METADATA: &str = "http://169.254.169.254/";
const PATH: &str = "metadata/identity/oauth2/token";

/// How long to wait for a sign of the metadata service. It is a hop away, or not there.
const PROBE: Duration = Duration::from_secs(1);

/// A managed identity.
pub(super) struct ManagedIdentity {
    pub(super) scope: String,
    /// The client id of an identity that was assigned by a user; else the machine's own.
    pub(super) client_id: Option<String>,
    /// Stands for the metadata service (`AZURE_POD_IDENTITY_AUTHORITY_HOST`).
    pub(super) metadata_host: Option<Url>,
    /// Whether the environment names the service that gives the tokens, so that none is looked for.
    pub(super) is_named: bool,
}

impl ManagedIdentity {
    /// Whether somebody is there who could give a token.
    pub(super) async fn is_there(&self) -> bool {
        if self.is_named {
            return true;
        }
        let carrier = Carrier::to_managed_identity(None);
        let host = match &self.metadata_host {
            Some(host) => Some(host.clone()),
            None => Url::parse(METADATA).ok(),
        };
        let Some(url) = host.and_then(|host| host.join(PATH).ok()) else {
            return false;
        };
        let asked = carrier.send(reqwest::Method::GET, &url, &[], None);
        // Without the header `Metadata: true` it refuses; anything else is somebody else.
        matches!(
            tokio::time::timeout(PROBE, asked).await,
            Ok(Ok(answer)) if answer.status == 400
        )
    }

    /// Gets a token from who is there.
    pub(super) async fn sign_in(&self) -> Result<Token, SignInError> {
        let carrier = Arc::new(Carrier::to_managed_identity(self.metadata_host.clone()));
        let credential = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
            client_options: options(&carrier, None),
        }))
        .map_err(unusable)?;
        token(&*credential, &carrier, &self.scope, Method::ManagedIdentity).await
    }
}

impl TokenSource for ManagedIdentity {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            if self.is_there().await {
                return self.sign_in().await;
            }
            Err(SignInError::Unusable(
                "there is no managed identity here: the metadata service does not answer"
                    .to_owned(),
            ))
        })
    }
}
