//! Requests over real HTTP.

use std::error::Error;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret as _;

use crate::graph::address::GraphUrl;

use super::{Method, Request, Response, Sending, Transport, TransportError};

/// The most that is read of one answer. The largest real pages are a few MiB; what goes on for
/// ever must not fill the memory.
const LARGEST_BODY: usize = 256 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a client builder with the rules that hold for every connection of the program: no
/// redirect is followed (a token must not travel), nothing is repeated behind our back.
///
/// `plain` is for http, which goes to a loopback address only: a proxy has no business there, and
/// would see the token.
pub(crate) fn client_builder(plain: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("assignctl/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if plain { builder.no_proxy() } else { builder }
}

/// Says an error with its causes; the outermost text of an HTTP client's says next to nothing.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

/// Sends requests with `reqwest`.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Makes a transport to an address.
    ///
    /// # Errors
    ///
    /// Says why no HTTP client can be had, as on a machine without CA certificates.
    pub fn new(address: &GraphUrl) -> Result<Self, String> {
        client_builder(address.is_plain())
            .build()
            .map(|client| Self { client })
            .map_err(|error| with_causes(&error))
    }

    async fn carry(&self, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", request.bearer.expose_secret())).map_err(
                |_| TransportError::NotSent("the token has characters no header takes".to_owned()),
            )?;
        authorization.set_sensitive(true);
        let mut builder = self
            .client
            .request(method, &request.url)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json");
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answer = builder.send().await.map_err(|error| {
            // A failed connection or a request that could not be built has had no effect.
            let never_left = error.is_connect() || error.is_builder();
            let text = with_causes(&error.without_url());
            if never_left {
                TransportError::NotSent(text)
            } else {
                TransportError::Unknown(text)
            }
        })?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                let value = value.to_str().ok()?;
                Some((name.as_str().to_owned(), value.to_owned()))
            })
            .collect();
        let mut body = Vec::new();
        let mut stream = answer.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk
                .map_err(|error| TransportError::Unknown(with_causes(&error.without_url())))?;
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportError::Unknown(format!(
                    "the answer is larger than {} MiB",
                    LARGEST_BODY / 1024 / 1024
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.carry(request))
    }
}
