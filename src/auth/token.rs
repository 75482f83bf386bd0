//! The token of a run: what has to be known of it, and when a new one is needed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use url::Url;

use super::claims::Claims;
use super::{Method, SignInError, TokenSource};
use crate::redact::Redactor;

/// A token is renewed this long before it runs out, or after three quarters of its life where
/// that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// A token. It does not print, and its memory is wiped when the last copy goes.
#[derive(Clone)]
pub struct Token {
    /// The secret itself.
    pub secret: SecretString,
    /// Finds the secret in an answer that repeats it.
    pub(crate) redactor: Arc<Redactor>,
    /// The tenant it is for, if the token can be read.
    pub tenant_id: Option<String>,
    /// What it says of itself, if it can be read.
    pub claims: Option<Arc<Claims>>,
    /// The credential that it was got with, if that is known.
    pub method: Option<Method>,
    /// When to renew it; `None` if it cannot be renewed.
    pub(super) renew_at: Option<Instant>,
    /// When it expires; `None` if that is not known.
    pub(super) expires_at: Option<Instant>,
}

impl Token {
    /// Wraps a token.
    pub fn new(secret: SecretString, lifetime: Option<Duration>) -> Self {
        let claims = Claims::read(secret.expose_secret());
        Self {
            redactor: Arc::new(Redactor::of("the access token", &secret)),
            secret,
            tenant_id: claims.as_ref().and_then(|claims| claims.tenant_id.clone()),
            claims: claims.map(Arc::new),
            method: None,
            renew_at: lifetime.map(|life| {
                let early = (life * 3 / 4).max(life.saturating_sub(RENEW_BEFORE));
                Instant::now() + early
            }),
            expires_at: lifetime.map(|life| Instant::now() + life),
        }
    }

    /// Whether it need not be renewed yet.
    fn is_current(&self) -> bool {
        self.renew_at.is_none_or(|at| Instant::now() < at)
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

/// A token without what finds it in texts, which takes much more memory.
#[derive(Clone, Debug)]
pub struct CachedToken {
    secret: SecretString,
    method: Option<Method>,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl CachedToken {
    /// Keeps a token.
    pub fn of(token: &Token) -> Self {
        Self {
            secret: token.secret.clone(),
            method: token.method,
            renew_at: token.renew_at,
            expires_at: token.expires_at,
        }
    }

    /// Returns the token, unless it has to be renewed.
    pub fn token(&self) -> Option<Token> {
        let token = Token {
            method: self.method,
            renew_at: self.renew_at,
            expires_at: self.expires_at,
            ..Token::new(self.secret.clone(), None)
        };
        token.is_current().then_some(token)
    }
}

/// A token that is there and is not renewed.
pub struct StaticToken(SecretString);

impl StaticToken {
    /// Takes a token.
    ///
    /// # Errors
    ///
    /// Refuses an empty one, and one that no header takes.
    pub fn new(token: &str) -> Result<Self, SignInError> {
        usable(token)
            .map(Self)
            .map_err(|reason| SignInError::unusable(format!("the access token {reason}")))
    }
}

#[async_trait::async_trait]
impl TokenSource for StaticToken {
    async fn fetch(&self) -> Result<Token, SignInError> {
        Ok(Token::new(self.0.clone(), None).by(Method::Token))
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// Trims a token or an assertion; says what is wrong with it.
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

/// How long to go on with a token that could not be renewed before that is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(20);

/// Holds the token of a run and gets the next one in time.
pub struct Tokens {
    source: Box<dyn TokenSource>,
    /// Where Graph is, if tokens are checked before they are used.
    graph: Option<Url>,
    current: tokio::sync::Mutex<Option<(u64, Token)>>,
}

impl Tokens {
    /// Starts without a token.
    pub fn new(source: Box<dyn TokenSource>) -> Self {
        Self {
            source,
            graph: None,
            current: tokio::sync::Mutex::new(None),
        }
    }

    /// Refuses tokens that are for another service than Graph at this address, or for another time.
    #[must_use]
    pub fn checked_for(mut self, graph: Url) -> Self {
        self.graph = Some(graph);
        self
    }

    /// Returns a token that is good for a while, with a number that identifies it.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub async fn token(&self) -> Result<(u64, Token), SignInError> {
        let mut current = self.current.lock().await;
        if let Some((number, token)) = &*current
            && token.is_current()
        {
            return Ok((*number, token.clone()));
        }
        let error = match self.renew(&mut current).await {
            Ok(renewed) => return Ok(renewed),
            Err(error) => error,
        };
        // A sign-in that fails early is no reason to stop: the token is good for a while yet.
        match &mut *current {
            Some((number, token)) if token.is_good_for(TRY_AGAIN) => {
                tracing::warn!(%error, "the token could not be renewed yet");
                token.renew_at = Some(Instant::now() + TRY_AGAIN);
                Ok((*number, token.clone()))
            }
            _ => Err(error),
        }
    }

    /// Returns another token than the one that the service refused, unless one was got already.
    /// `None` if there is no other.
    ///
    /// # Errors
    ///
    /// Says why there is none.
    pub async fn instead_of(&self, refused: u64) -> Result<Option<(u64, Token)>, SignInError> {
        if !self.source.can_renew() {
            return Ok(None);
        }
        let mut current = self.current.lock().await;
        if let Some((number, token)) = &*current
            && *number != refused
        {
            return Ok(Some((*number, token.clone())));
        }
        self.renew(&mut current).await.map(Some)
    }

    async fn renew(&self, current: &mut Option<(u64, Token)>) -> Result<(u64, Token), SignInError> {
        let number = current.as_ref().map_or(1, |(number, _)| number + 1);
        let token = self.source.fetch().await?;
        if let (Some(graph), Some(claims)) = (&self.graph, &token.claims) {
            claims.check(graph, jiff::Timestamp::now())?;
        }
        tracing::debug!(tenant = ?token.tenant_id, "signed in");
        *current = Some((number, token.clone()));
        Ok((number, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

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

    struct Numbered {
        given: Arc<AtomicU64>,
        lifetime: Duration,
    }

    #[async_trait::async_trait]
    impl TokenSource for Numbered {
        async fn fetch(&self) -> Result<Token, SignInError> {
            let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
            let secret = SecretString::from(format!("token {number}"));
            Ok(Token::new(secret, Some(self.lifetime)))
        }
    }

    fn numbered(lifetime: u64) -> (Tokens, Arc<AtomicU64>) {
        let given = Arc::new(AtomicU64::new(0));
        let tokens = Tokens::new(Box::new(Numbered {
            given: Arc::clone(&given),
            lifetime: Duration::from_secs(lifetime),
        }));
        (tokens, given)
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_before_it_runs_out_and_not_earlier() {
        for (lifetime, good_for) in [(3600, 3300), (60, 45)] {
            let (tokens, given) = numbered(lifetime);
            tokens.token().await.expect("a token");
            tokio::time::advance(Duration::from_secs(good_for - 1)).await;
            tokens.token().await.expect("a token");
            assert_eq!(given.load(Ordering::Relaxed), 1);
            tokio::time::advance(Duration::from_secs(1)).await;
            tokens.token().await.expect("a token");
            assert_eq!(given.load(Ordering::Relaxed), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once_for_all_who_held_it() {
        let (tokens, given) = numbered(3600);
        let (first, _) = tokens.token().await.expect("a token");
        let (second, _) = tokens
            .instead_of(first)
            .await
            .expect("a token")
            .expect("another");
        let (again, _) = tokens
            .instead_of(first)
            .await
            .expect("a token")
            .expect("another");
        assert_eq!(second, again);
        assert_eq!(given.load(Ordering::Relaxed), 2);
    }

    /// Gives one token, and then none for a while.
    struct Failing {
        asked: Arc<AtomicU64>,
        fails: std::ops::Range<u64>,
    }

    #[async_trait::async_trait]
    impl TokenSource for Failing {
        async fn fetch(&self) -> Result<Token, SignInError> {
            let turn = self.asked.fetch_add(1, Ordering::Relaxed);
            if self.fails.contains(&turn) {
                return Err(SignInError::failed("no response".to_owned()));
            }
            let secret = SecretString::from(format!("token {turn}"));
            Ok(Token::new(secret, Some(Duration::from_secs(3600))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_early_is_tried_again_while_the_token_lasts() {
        let asked = Arc::new(AtomicU64::new(0));
        let tokens = Tokens::new(Box::new(Failing {
            asked: Arc::clone(&asked),
            fails: 1..4,
        }));
        assert_eq!(tokens.token().await.expect("a token").0, 1);
        tokio::time::advance(Duration::from_secs(3300)).await;
        for tries in 2..5 {
            // The old one, and no second try at once.
            assert_eq!(tokens.token().await.expect("the old one").0, 1);
            assert_eq!(tokens.token().await.expect("the old one").0, 1);
            assert_eq!(asked.load(Ordering::Relaxed), tries);
            tokio::time::advance(TRY_AGAIN).await;
        }
        assert_eq!(tokens.token().await.expect("a new one").0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_has_run_out_is_not_used() {
        let tokens = Tokens::new(Box::new(Failing {
            asked: Arc::new(AtomicU64::new(0)),
            fails: 1..u64::MAX,
        }));
        tokens.token().await.expect("a token");
        tokio::time::advance(Duration::from_secs(3590)).await;
        assert!(tokens.token().await.is_err());
    }
}
