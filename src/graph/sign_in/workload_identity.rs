//! An application that signs in with a token that a platform such as Kubernetes keeps in a file.
//!
//! The library's `WorkloadIdentityCredential` reads the file once in ten minutes and sends it with
//! the line's end that an `echo` leaves. Here it is read whenever a token is needed, since it is
//! replaced while a run goes on.

use std::path::PathBuf;

use super::application::Application;
use super::key_file::read_secret_file;
use super::ready::usable;
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// An application and the file with the token that it is known by.
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
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("is no text"))?;
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
