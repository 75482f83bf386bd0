//! What there is to sign in with where nothing is configured: a managed identity, else `az`.

use tokio::sync::OnceCell;

use super::azure_cli::{AzureCli, Refused};
use super::managed_identity::ManagedIdentity;
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// Both, in this order. Once one of them has given a token, the run stays with it.
pub(super) struct Surroundings {
    pub(super) managed_identity: ManagedIdentity,
    pub(super) azure_cli: AzureCli,
    settled: OnceCell<Method>,
}

impl Surroundings {
    pub(super) fn new(managed_identity: ManagedIdentity, azure_cli: AzureCli) -> Self {
        Self {
            managed_identity,
            azure_cli,
            settled: OnceCell::new(),
        }
    }

    async fn sign_in(&self) -> Result<Token, SignInError> {
        match self.settled.get() {
            Some(Method::ManagedIdentity) => return self.managed_identity.sign_in().await,
            Some(_) => return self.azure_cli.fetch().await,
            None => {}
        }
        let without_identity = match self.ask_identity().await {
            Ok(token) => {
                let _ = self.settled.set(Method::ManagedIdentity);
                return Ok(token);
            }
            Err(NoIdentity::Failed(error)) => return Err(error),
            Err(NoIdentity::None(reason)) => reason,
        };
        match self.azure_cli.ask().await {
            Ok(token) => {
                let _ = self.settled.set(Method::AzureCli);
                Ok(token)
            }
            Err(Refused::Missing) => Err(match without_identity {
                None => SignInError::NotConfigured,
                Some(reason) => SignInError::NothingFound(reason),
            }),
            Err(Refused::Other(error)) => Err(SignInError::NothingFound(error.to_string())),
        }
    }

    async fn ask_identity(&self) -> Result<Token, NoIdentity> {
        if !self.managed_identity.is_there().await {
            return Err(NoIdentity::None(None));
        }
        self.managed_identity
            .sign_in()
            .await
            .map_err(|error| match &error {
                // Every machine has the service; it says so where no identity is assigned.
                SignInError::Refused { status: 400, .. } => {
                    NoIdentity::None(Some(error.to_string()))
                }
                _ => NoIdentity::Failed(error),
            })
    }
}

enum NoIdentity {
    /// There is none, and perhaps a word on why.
    None(Option<String>),
    /// There may be one.
    Failed(SignInError),
}

impl TokenSource for Surroundings {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}
