//! A token that is simply there: `ASSIGNCTL_ACCESS_TOKEN`, or the sandbox's inside the process.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Fetching, Method, SignInError, Token, TokenSource};

/// A token that is there and is not renewed.
pub struct ReadyToken(SecretString);

impl ReadyToken {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// Refuses an empty one, and one that no header takes.
    pub fn new(token: &str) -> Result<Self, SignInError> {
        usable(token)
            .map(Self)
            .map_err(|reason| SignInError::Unusable(format!("the access token {reason}")))
    }
}

impl TokenSource for ReadyToken {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async { Ok(Token::new(self.0.clone(), None).by(Method::Token)) })
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// Takes a token or an assertion without the white space around it; says what is wrong with it.
pub(super) fn usable(token: &str) -> Result<SecretString, &'static str> {
    let token = SecretString::from(token.trim());
    if token.expose_secret().is_empty() {
        return Err("is empty");
    }
    // What no header takes would fail at every request, with less to say about why.
    if !token
        .expose_secret()
        .bytes()
        .all(|byte| byte.is_ascii_graphic())
    {
        return Err("holds characters that no token has");
    }
    Ok(token)
}
