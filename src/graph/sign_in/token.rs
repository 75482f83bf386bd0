//! A token: the secret, and what has to be known of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::Method;
use super::claims::Claims;
use crate::secrets::Secrets;

/// A token is renewed this long before it runs out, or after three quarters of its life where
/// that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// A token. It does not print, and its memory is wiped when the last copy goes.
#[derive(Clone)]
pub struct Token {
    /// The secret itself.
    pub secret: SecretString,
    /// The secret as an answer may repeat it.
    pub(in crate::graph) spellings: Arc<Secrets>,
    /// The tenant it is for, where the token can be read.
    pub tenant_id: Option<String>,
    /// The credential that it was got with, where that is known.
    pub method: Option<Method>,
    /// When a new one should be had; none where there is no other.
    pub(super) renew_at: Option<Instant>,
    /// When it runs out; none where nobody knows.
    pub(super) expires_at: Option<Instant>,
}

impl Token {
    /// Wraps a token.
    pub fn new(secret: SecretString, lifetime: Option<Duration>) -> Self {
        let tenant_id = Claims::read(secret.expose_secret()).and_then(|claims| claims.tenant_id);
        Self {
            spellings: Arc::new(Secrets::new([&secret])),
            secret,
            tenant_id,
            method: None,
            renew_at: lifetime.map(|life| {
                let early = (life * 3 / 4).max(life.saturating_sub(RENEW_BEFORE));
                Instant::now() + early
            }),
            expires_at: lifetime.map(|life| Instant::now() + life),
        }
    }

    /// Whether it lasts for some time from now.
    pub(super) fn is_good_for(&self, time: Duration) -> bool {
        self.expires_at.is_some_and(|at| Instant::now() + time < at)
    }

    /// Notes the credential that the token was got with.
    #[must_use]
    pub(super) fn by(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Token")
            .field("tenant_id", &self.tenant_id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_tenant_and_nothing_else() {
        // {"tid":"1b7a"}
        let token = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIxYjdhIn0.secret";
        let wrapped = Token::new(SecretString::from(token), None);
        assert_eq!(wrapped.tenant_id.as_deref(), Some("1b7a"));
        let shown = format!("{wrapped:?}");
        assert!(!shown.contains("secret"), "{shown}");
        let opaque = Token::new(SecretString::from("opaque"), None);
        assert_eq!(opaque.tenant_id, None);
    }
}
