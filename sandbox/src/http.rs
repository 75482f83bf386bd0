//! The HTTP face: an axum router over one machine.
//!
//! A change of state is on disk before the answer that reports it leaves; who only reads does not
//! wait for the disk. Time comes from tokio's
//! clock, so that the paused clock of a test moves the machine's windows too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{self, StatusCode, header};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::changes::Changes;
use super::journal::Pending;
use super::machine::Machine;
use super::request::{Request, Response};
use super::state::StateError;
use super::store::Store;

/// The largest body that Graph takes.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// A machine that several connections share. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Service {
    shared: Arc<Mutex<Shared>>,
    /// What `now` is counted from, and the clock's time then.
    start: (Instant, SystemTime),
}

#[derive(Debug)]
struct Shared {
    machine: Machine,
    store: Option<Store>,
    /// What could not be kept so far.
    unkept: bool,
}

impl Shared {
    /// Keeps what has changed.
    fn keep(&mut self) -> Result<Option<Pending>, StateError> {
        let mut changes = self.machine.take_changes();
        let Some(store) = &mut self.store else {
            return Ok(None);
        };
        if self.unkept {
            changes = Changes::Everything;
        }
        let kept = store.keep(self.machine.tenant(), &changes);
        self.unkept = kept.is_err();
        kept
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(store) = &mut self.store
            && let Err(error) = store.fold(self.machine.tenant())
        {
            // Nothing is lost: the journal is still there.
            tracing::warn!("{error}");
        }
    }
}

impl Service {
    /// Shares a machine, with the file that keeps its state, if any.
    pub fn new(machine: Machine, store: Option<Store>) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                machine,
                store,
                unkept: false,
            })),
            start: (Instant::now(), SystemTime::now()),
        }
    }

    /// Lets the clock show a time now, so that a run can be repeated to the second.
    #[must_use]
    pub fn at(mut self, wall: SystemTime) -> Self {
        self.start = (Instant::now(), wall);
        self
    }

    /// Returns the router. All addresses go to the machine, which knows which exist.
    pub fn router(&self) -> Router {
        let service = self.clone();
        Router::new().fallback(move |request: axum::extract::Request| {
            let service = service.clone();
            async move { service.take(request).await }
        })
    }

    /// Does something with the machine; a change is saved.
    pub fn with_machine<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        let mut shared = self.lock();
        let result = act(&mut shared.machine);
        match shared.keep() {
            Ok(None) => {}
            Ok(Some(pending)) => {
                if let Err(error) = pending.settle() {
                    tracing::warn!("{error}");
                }
            }
            Err(error) => tracing::warn!("{error}"),
        }
        result
    }

    /// Makes a token that the machine accepts.
    pub fn mint_token(&self) -> String {
        self.lock().machine.mint_token(self.wall())
    }

    /// The clock's time; it goes with tokio's, so that a paused clock lets no token run out early.
    fn wall(&self) -> SystemTime {
        self.start.1 + self.start.0.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // The machine does not panic while it changes; if a hook did, the state is still whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, request: axum::extract::Request) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
        };
        let mut headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        // HTTP/2 and callers within the process name the host in the address.
        if let Some(authority) = parts.uri.authority()
            && !parts.headers.contains_key(header::HOST)
        {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        let target = parts.uri.path_and_query();
        let request = Request {
            method: parts.method.as_str().to_owned(),
            target: target.map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned()),
            headers,
            body: body.to_vec(),
        };
        let (response, kept, latency) = {
            let mut shared = self.lock();
            let now = self.start.0.elapsed();
            let response = shared.machine.answer(&request, now, self.wall());
            let latency = shared.machine.tenant().service.latency;
            (response, shared.keep(), latency)
        };
        let kept = match kept {
            Ok(Some(pending)) => on_disk(pending).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if latency > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(latency.min(86_400.0))).await;
        }
        match kept {
            Ok(()) => convert(response),
            Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error),
        }
    }
}

/// Waits for the disk where it keeps nobody from being served.
async fn on_disk(pending: Pending) -> Result<(), String> {
    match tokio::task::spawn_blocking(move || pending.settle()).await {
        Ok(settled) => settled.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Serves a machine until `stop` is done; requests in flight are finished.
///
/// # Errors
///
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, service.router())
        .with_graceful_shutdown(stop)
        .await
}

fn convert(response: Response) -> http::Response<Body> {
    let mut builder = http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Body::from(response.body))
        .unwrap_or_else(|error| plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))
}

fn plain(status: StatusCode, text: &str) -> http::Response<Body> {
    let error = serde_json::json!({"error": {"code": "UnknownError", "message": text}});
    let mut response = http::Response::new(Body::from(error.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}
