//! Requests into a service that lives in the same process.
//!
//! It knows nothing of what answers: any `axum` router will do. The request goes through the
//! same face that a socket would reach, so nothing is skipped but the socket.

use axum::body::{Body, to_bytes};
use axum::http;
use secrecy::ExposeSecret as _;
use tower::ServiceExt as _;

use super::{Request, Response, Sending, Transport, TransportError, texts};
use crate::text::Cause;

/// Sends requests into a router.
#[derive(Clone, Debug)]
pub struct InProcessTransport {
    router: axum::Router,
}

impl InProcessTransport {
    /// Makes a transport in front of a router.
    pub fn new(router: axum::Router) -> Self {
        Self { router }
    }

    async fn carry(&self, request: Request) -> Result<Response, TransportError> {
        let uri: http::Uri = request.url.parse().map_err(|error| {
            TransportError::NotSent(Cause::of(format!("`{}`", request.url), error))
        })?;
        // A socket would carry the path alone and the host in its header.
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let path = uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str)
            .to_owned();
        let mut builder = http::Request::builder()
            .method(request.method.name())
            .uri(path)
            .header("host", host)
            .header("accept", "application/json")
            .header(
                "authorization",
                format!("Bearer {}", request.bearer.expose_secret()),
            );
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if request.body.is_some() {
            builder = builder.header("content-type", "application/json");
        }
        let sent = builder
            .body(request.body.map_or_else(Body::empty, Body::from))
            .map_err(|error| TransportError::NotSent(Cause::new(error)))?;
        let Ok(answer) = self.router.clone().oneshot(sent).await;
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|error| TransportError::Unknown(Cause::new(error)))?;
        Ok(Response {
            status: parts.status.as_u16(),
            headers: texts(&parts.headers),
            body: body.to_vec(),
        })
    }
}

impl Transport for InProcessTransport {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.carry(request))
    }
}
