//! Requests to the API of a platform, by the rules that hold for every connection of the program.

use std::borrow::Cow;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{CiError, Platform};
use crate::net::{client_builder, retry_after, secure_url};
use crate::text::Cause;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The most that is read of an answer. A page of a hundred comments of the largest size is 6 MiB.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// How often a request is sent at most.
const TRIES: u32 = 4;
/// The longest wait between two of them. Where a platform asks for more, the run ends: it would be turned
/// away again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How many objects a page of a list has.
const PAGE: usize = 100;
/// How many pages are read at most: comments of other people can be many, but not endless.
const MOST_PAGES: usize = 100;

/// A platform's API and the token for it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    platform: Platform,
    pub(super) base: Url,
    client: reqwest::Client,
    /// `None` where the platform gives a job none.
    pub(super) token: Option<(HeaderName, HeaderValue)>,
    headers: &'static [(&'static str, &'static str)],
    /// The query of requests that have none of their own.
    query: &'static [(&'static str, &'static str)],
}

/// Returns the header with a token; `None` if it has characters that no header takes.
fn token_header(platform: Platform, token: &SecretString) -> Option<(HeaderName, HeaderValue)> {
    let token = token.expose_secret();
    let (name, text) = match platform {
        Platform::GitHub | Platform::AzureDevOps => (AUTHORIZATION, format!("Bearer {token}")),
        Platform::GitLab => (HeaderName::from_static("private-token"), token.to_owned()),
    };
    let mut value = HeaderValue::from_str(&Zeroizing::new(text)).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// A request that is about to be sent.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The path below the API's root. What may hold a slash or a `%` is in it as a [`part`]; all is encoded when it
    /// is sent.
    pub(super) path: String,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) content_type: &'static str,
    pub(super) body: Option<Value>,
    /// Whether sending it twice does the same as sending it once.
    pub(super) repeatable: bool,
    /// How errors name it, if not by its path: all of an API's questions may go to one.
    pub(super) name: Option<&'a str>,
}

/// Returns a text as one part of a path: its slashes divide nothing.
pub(super) fn part(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

fn decoded(part: &str) -> Cow<'_, str> {
    percent_decode_str(part).decode_utf8_lossy()
}

impl<'a> Call<'a> {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: &[],
            content_type: "application/json",
            body: None,
            repeatable: true,
            name: None,
        }
    }

    /// `PUT` and `PATCH` set fields to values here, which can be done twice; `POST` makes something.
    pub(super) fn send(method: Method, path: String, body: Value) -> Self {
        Self {
            repeatable: method != Method::POST,
            method,
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// A question that takes a body.
    pub(super) fn ask(path: String, body: Value) -> Self {
        Self {
            repeatable: true,
            ..Self::send(Method::POST, path, body)
        }
    }
}

/// Reads the address of an API: https, or http to a loopback address, without user or query.
pub(super) fn address(name: &'static str, text: &str) -> Result<Url, CiError> {
    secure_url(text).map_err(|error| CiError::BadVariable {
        name,
        source: Cause::new(error),
    })
}

impl Api {
    pub(super) fn new(
        platform: Platform,
        base: Url,
        token: Option<(&'static str, SecretString)>,
        headers: &'static [(&'static str, &'static str)],
        query: &'static [(&'static str, &'static str)],
    ) -> Result<Self, CiError> {
        let client = client_builder(base.scheme() == "http")
            .map_err(CiError::NoClient)?
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| CiError::NoClient(Cause::new(error)))?;
        let token = token
            .map(|(name, token)| token_header(platform, &token).ok_or(CiError::BadToken { name }))
            .transpose()?;
        Ok(Self {
            platform,
            base,
            client,
            token,
            headers,
            query,
        })
    }

    /// Sends a request and reads the answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CiError> {
        self.answer(&call).await.map(|(answer, _)| answer)
    }

    /// Sends what makes something or changes it.
    pub(super) async fn send(
        &self,
        method: Method,
        path: String,
        body: Value,
    ) -> Result<(), CiError> {
        let _: Value = self.call(Call::send(method, path, body)).await?;
        Ok(())
    }

    /// Sends a request until it is answered. Returns whether the platform says that the list goes on, too.
    ///
    /// What can be sent twice is sent again if the platform is busy or did not answer; everything else only
    /// if it was turned away before it was looked at. GitHub does that with 403 as well as with 429
    /// (docs.github.com: rest/using-the-rest-api/rate-limits-for-the-rest-api).
    async fn answer<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<(T, bool), CiError> {
        let request = match call.name {
            Some(name) => name.to_owned(),
            None => format!("{} /{}", call.method, decoded(&call.path)),
        };
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            let parts = call.path.split('/').filter(|part| !part.is_empty());
            path.pop_if_empty().extend(parts.map(decoded));
        }
        let query = match call.query {
            [] => self.query,
            query => query,
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut tries = 1;
        loop {
            let (error, wait) = match self.once(call, url.clone(), &request).await {
                Ok((body, has_next)) => {
                    let answer = serde_json::from_slice(&body);
                    return answer.map(|answer| (answer, has_next)).map_err(|error| {
                        CiError::Unreadable {
                            platform: self.platform,
                            request,
                            source: Cause::new(error),
                        }
                    });
                }
                Err(failed) => failed,
            };
            let again = match &error {
                CiError::Refused { status: 429, .. } => true,
                CiError::Refused { status: 403, .. } => wait.is_some(),
                CiError::Refused { status, .. } => {
                    call.repeatable && matches!(status, 500 | 502..=504)
                }
                CiError::NoAnswer { .. } => call.repeatable,
                _ => false,
            };
            let wait = wait.unwrap_or(Duration::from_secs(1 << tries));
            if !again || tries == TRIES || wait > LONGEST_WAIT {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn once(
        &self,
        call: &Call<'_>,
        url: Url,
        request: &str,
    ) -> Result<(Vec<u8>, bool), (CiError, Option<Duration>)> {
        let no_answer = |error: reqwest::Error| {
            let error = CiError::NoAnswer {
                platform: self.platform,
                request: request.to_owned(),
                source: Cause::new(error.without_url()),
            };
            (error, None)
        };
        let mut builder = self.client.request(call.method.clone(), url);
        if let Some((name, token)) = &self.token {
            builder = builder.header(name, token);
        }
        for (name, value) in self.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(body) = &call.body {
            builder = builder
                .header("content-type", call.content_type)
                .body(body.to_string());
        }
        let mut answer = builder.send().await.map_err(no_answer)?;
        let status = answer.status().as_u16();
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let asked = header("retry-after");
        let wait = asked.and_then(|asked| retry_after(asked, header("date")));
        let links = answer.headers().get_all("link").iter();
        let has_next = links
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("rel=\"next\""));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > LARGEST_BODY {
                let error = CiError::Unreadable {
                    platform: self.platform,
                    request: request.to_owned(),
                    source: format!("it is larger than {} MiB", LARGEST_BODY / 1024 / 1024).into(),
                };
                return Err((error, None));
            }
            body.extend_from_slice(&chunk);
        }
        // Azure DevOps answers 203 with a page to sign in on where a token is not good.
        if matches!(status, 200 | 201) {
            return Ok((body, has_next));
        }
        let error = CiError::Refused {
            platform: self.platform,
            request: request.to_owned(),
            status,
            message: message(&body),
        };
        Err((error, wait))
    }

    /// Reads all pages of a list whose pages are numbered from 1. One with less than it could hold need
    /// not be the last: a platform may leave out what is hidden. Its links are looked at, not followed.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, CiError> {
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let mut query = query.to_vec();
            query.extend([("per_page", size.as_str()), ("page", page.as_str())]);
            let call = Call {
                query: &query,
                ..Call::get(path.to_owned())
            };
            let (found, has_next): (Vec<T>, bool) = self.answer(&call).await?;
            let is_last = found.len() < PAGE && !has_next;
            all.extend(found);
            if is_last {
                return Ok(all);
            }
        }
        Err(CiError::TooMany {
            platform: self.platform,
            request: format!("GET /{}", decoded(path)),
            most: MOST_PAGES * PAGE,
        })
    }
}

/// Returns what an error says: its message, else the beginning of what came.
fn message(body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => ["message", "error_description", "error"]
            .into_iter()
            .find_map(|key| object.get(key))
            .map_or_else(String::new, |value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            }),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    match text.trim() {
        "" => "the response says nothing".to_owned(),
        text => text.chars().take(LONGEST).collect(),
    }
}
