//! Tokens: where they come from, and when a new one is needed.
//!
//! Getting a token from Entra is the work of Microsoft's own library (`azure_identity`). Each
//! credential says what the library does and what is done here because it lacks it. [`choose`]
//! picks the credential, [`Tokens`] renews its tokens, `http` has the rules for connections,
//! `refusal` reads Entra's errors, and [`claims`] reads what a token says of itself.

mod application;
mod certificate;
mod choose;
pub mod claims;
mod credential_chain;
mod device;
mod expected_tenant;
mod explained;
mod federated;
mod http;
mod keyring;
mod login;
mod method;
mod refusal;
mod token;

use crate::text::Cause;
pub use choose::{Choice, People, choose};
pub use device::DeviceCode;
pub use expected_tenant::ExpectedTenant;
pub use login::{LoggedIn, LoginChoice, Show};
pub use method::Method;
pub use token::{CachedToken, StaticToken, Token, Tokens};

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignInError {
    /// Nothing says how to sign in.
    #[error("no sign-in is configured")]
    NotConfigured,
    /// Nothing is configured, and neither a managed identity nor `az` works.
    #[error("no sign-in is configured, and none was found: {0}")]
    NothingFound(#[source] Box<Self>),
    /// Something that signing in needs is not usable.
    #[error("{0}")]
    Unusable(#[source] Cause),
    /// There is a token, and no request with it can succeed.
    #[error(transparent)]
    UnusableToken(#[from] claims::UnusableToken),
    /// There is a token, for another tenant than is meant.
    #[error("{0}")]
    OtherTenant(String),
    /// Another error, with what to do about it in the tenant that is meant.
    #[error("{error}")]
    Explained {
        /// The error.
        #[source]
        error: Box<Self>,
        /// What the reader can do.
        hint: String,
    },
    /// The sign-in that is kept does not fit.
    #[error("{0}")]
    Stale(String),
    /// A person cannot sign in here.
    #[error("interactive sign-in is refused in a pipeline (`{0}` is set)")]
    InPipeline(&'static str),
    /// No answer that could be used.
    #[error("sign-in failed: {0}")]
    Failed(#[source] Cause),
    /// No answer at all.
    #[error("sign-in failed: {0}")]
    Silent(#[source] Cause),
    /// The authority refused.
    #[error("sign-in failed: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Entra's number, without the letters `AADSTS`.
        code: Option<u32>,
        /// What it said.
        text: String,
    },
}

impl SignInError {
    fn unusable(cause: impl Into<Cause>) -> Self {
        Self::Unusable(cause.into())
    }

    fn failed(cause: impl Into<Cause>) -> Self {
        Self::Failed(cause.into())
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotConfigured | Self::NothingFound(_) => Some(
                "set `ASSIGNCTL_ACCESS_TOKEN`; or `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH` or `AZURE_FEDERATED_TOKEN_FILE`; or sign in as a person with `assignctl login` or `az login`; or try it on `--sandbox FILE`",
            ),
            Self::Refused { code, .. } => code.and_then(refusal::advice),
            Self::UnusableToken(unfit) => Some(unfit.hint()),
            Self::OtherTenant(_) => Some(
                "a ready-made token or a managed identity serves one tenant; sign in as an app that is registered for several, or name the token's tenant only",
            ),
            Self::Explained { hint, .. } => Some(hint),
            Self::Stale(_) => Some("sign in again with `assignctl login`"),
            Self::InPipeline(_) => Some(
                "give the pipeline an application of its own: docs/sign-in.md lists the ways; prefer those that store nothing",
            ),
            Self::Silent(_) => {
                Some("check the network; where a proxy leads out of it, set `HTTPS_PROXY`")
            }
            Self::Unusable(_) | Self::Failed(_) => None,
        }
    }
}

/// Gets a fresh token from somewhere, each time it is asked.
#[async_trait::async_trait]
pub trait TokenSource: Send + Sync {
    /// Gets a new token.
    async fn fetch(&self) -> Result<Token, SignInError>;

    /// Whether a refused token can be replaced by another.
    fn can_renew(&self) -> bool {
        true
    }
}
