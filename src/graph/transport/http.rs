//! Requests over real HTTP.

use futures::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::graph::address::GraphUrl;
use crate::net::client_builder;
use crate::text::Cause;

use super::{Method, Request, Response, Sending, Transport, TransportError, texts};

/// The most that is read of one answer, after it is decompressed. The largest real pages are a few
/// MiB; what goes on for ever must not fill the memory.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// The most objects and lists that one answer may hold. Each takes hundreds of bytes once it is
/// read, however few it is written with. A full page of policies with all their assignments has some
/// ten thousand.
const MOST_VALUES: usize = 1_000_000;

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
    /// Says why no HTTP client can be created, as on a machine without CA certificates.
    pub fn new(address: &GraphUrl) -> Result<Self, Cause> {
        client_builder(address.is_plain())?
            .build()
            .map(|client| Self { client })
            .map_err(Cause::new)
    }

    async fn carry(&self, request: Request) -> Result<Response, TransportError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let bearer = Zeroizing::new(format!("Bearer {}", request.bearer.expose_secret()));
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| {
            TransportError::NotSent("the token has characters no header takes".into())
        })?;
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
            let cause = Cause::new(error.without_url());
            if never_left {
                TransportError::NotSent(cause)
            } else {
                TransportError::Unknown(cause)
            }
        })?;
        let status = answer.status().as_u16();
        let headers = texts(answer.headers());
        let mut body = Vec::new();
        let mut values = 0;
        let mut stream = answer.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|error| TransportError::Unknown(Cause::new(error.without_url())))?;
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportError::TooLarge(format!(
                    "the response is larger than {} MiB",
                    LARGEST_BODY / 1024 / 1024
                )));
            }
            values += chunk
                .iter()
                .filter(|byte| matches!(byte, b'{' | b'['))
                .count();
            if values > MOST_VALUES {
                return Err(TransportError::TooLarge(format!(
                    "the response holds more than {MOST_VALUES} objects and lists"
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
