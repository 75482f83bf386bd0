//! The HTTP face: an axum router over one machine.
//!
//! A change of state is saved before the answer that reports it leaves, unless the file is large;
//! then it is saved within a second, and at the end. Time comes from tokio's clock, so that the
//! paused clock of a test moves the machine's windows too.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{self, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::machine::Machine;
use crate::request::{Request, Response};
use crate::sign_in::{is_this, tenant_of};
use crate::state::StateError;
use crate::store::Store;

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
    /// Whether there are changes that are not in the file.
    is_dirty: bool,
    /// Whether they will be saved without a further change.
    is_scheduled: bool,
}

impl Shared {
    /// Saves what has changed, or returns after how long that is due.
    fn keep(&mut self) -> Result<Option<Duration>, StateError> {
        self.is_dirty |= self.machine.take_changed();
        let Some(store) = self.store.as_mut().filter(|_| self.is_dirty) else {
            return Ok(None);
        };
        let pause = store.pause();
        if pause.is_zero() {
            store.save(self.machine.tenant())?;
            self.is_dirty = false;
            return Ok(None);
        }
        let is_new = !std::mem::replace(&mut self.is_scheduled, true);
        Ok(is_new.then_some(pause))
    }

    /// Saves what has changed and was not saved.
    fn finish(&mut self) -> Result<(), StateError> {
        self.is_scheduled = false;
        self.is_dirty |= self.machine.take_changed();
        if let Some(store) = self.store.as_mut().filter(|_| self.is_dirty) {
            store.save(self.machine.tenant())?;
            self.is_dirty = false;
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // No caller is left to return the error to. A closed stderr is ignored.
        if let Err(error) = self.finish() {
            let _ = writeln!(std::io::stderr(), "error: {error}");
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
                is_dirty: false,
                is_scheduled: false,
            })),
            start: (Instant::now(), SystemTime::now()),
        }
    }

    /// Sets the clock to a time, so that a run can be repeated to the second.
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

    /// Whether a tenant is meant by a GUID or a domain.
    fn is_called(&self, named: &str) -> bool {
        is_this(self.lock().machine.tenant(), named)
    }

    /// Does something with the machine; a change is saved.
    pub fn with_machine<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        let mut shared = self.lock();
        let result = act(&mut shared.machine);
        // What cannot be saved now is tried again at the next change and at the end.
        if let Err(error) = shared.keep() {
            tracing::warn!("{error}");
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
        // The machine does not panic while it changes; if a test did, the state is still whole.
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
        if let Ok(Some(pause)) = kept {
            self.save_after(pause);
        }
        if latency > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(latency.min(86_400.0))).await;
        }
        match kept {
            Ok(_) if takes_gzip(&parts.headers) => convert(zipped(response)),
            Ok(_) => convert(response),
            Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// Saves later what is not saved by then. It does not keep the machine from being dropped, which
    /// saves too.
    fn save_after(&self, pause: Duration) {
        let shared: Weak<Mutex<Shared>> = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            if let Some(shared) = shared.upgrade() {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                // It is tried again at the next change and at the end.
                if let Err(error) = shared.finish() {
                    tracing::warn!("{error}");
                }
            }
        });
    }
}

fn takes_gzip(headers: &http::HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let is_refused = matches!(weight.trim(), "q=0" | "q=0.0");
            name.trim().eq_ignore_ascii_case("gzip") && !is_refused
        })
}

/// Compresses a body, as the service does where it is asked for.
fn zipped(mut response: Response) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let body = encoder
        .write_all(&response.body)
        .and_then(|()| encoder.finish());
    if let Ok(body) = body
        && !response.body.is_empty()
    {
        response.body = body;
        let headers = &mut response.headers;
        headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        headers.push(("Vary".to_owned(), "Accept-Encoding".to_owned()));
    }
    response
}

/// Returns the router of several tenants at one address. Who asks for a token names the tenant in the
/// path; who asks for anything else does so by the token.
fn router_of(services: Vec<Service>) -> Router {
    let services: Arc<[Service]> = services.into();
    Router::new().fallback(move |request: axum::extract::Request| {
        let services = Arc::clone(&services);
        async move {
            match choose(&services, &request) {
                Some(service) => service.take(request).await,
                None => plain(
                    StatusCode::UNAUTHORIZED,
                    "no tenant here has issued the token",
                ),
            }
        }
    })
}

/// Returns the tenant that a request is for: the first if none is named.
fn choose<'s>(services: &'s [Service], request: &axum::extract::Request) -> Option<&'s Service> {
    if let [only] = services {
        return Some(only);
    }
    let mut segments = request.uri().path().split('/').skip(1);
    let named = segments.next().unwrap_or_default();
    if let Some(service) = services.iter().find(|service| service.is_called(named)) {
        return Some(service);
    }
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.split(' ').nth(1));
    match token.and_then(tenant_of) {
        Some(tenant) => services.iter().find(|service| service.is_called(&tenant)),
        None => services.first(),
    }
}

/// Serves tenants until `stop` is done; requests in flight are finished, and what has changed is saved.
///
/// # Errors
///
/// The listener failed, or a tenant cannot be saved.
pub async fn serve(
    listener: TcpListener,
    services: Vec<Service>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router_of(services.clone()))
        .with_graceful_shutdown(stop)
        .await?;
    let mut saved = Ok(());
    for service in services {
        let mut shared = service.lock();
        if let Err(error) = shared.finish() {
            // Dropping it must not report the failure again.
            shared.store = None;
            saved = saved.and(Err(std::io::Error::other(error)));
        }
    }
    saved
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
