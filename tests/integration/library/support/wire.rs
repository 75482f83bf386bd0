//! The wire between client and sandbox. It keeps a log of what went over it, and does to each
//! request what the test's rule says.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assignctl::graph::transport::{
    InProcessTransport, Request, Response, Sending, Transport, TransportError,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::Instant;

/// A request, as it went onto the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Counted from 1, over all requests of the world.
    pub(crate) number: usize,
    pub(crate) method: &'static str,
    /// Path and query below the version root, byte for byte; the whole URL where it lies elsewhere.
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) bearer: String,
    /// Since the world began.
    pub(crate) at: Duration,
    /// When the answer came, and its status; no status where there was none.
    pub(crate) end: Option<(Duration, Option<u16>)>,
}

impl Sent {
    /// Whether the request changes something.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET" && self.path != "/$batch"
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.end.and_then(|(_, status)| status)
    }
}

/// What becomes of a request.
pub(crate) enum Act {
    /// It reaches the machine, and the answer comes back.
    Pass,
    /// The connection breaks before it reaches the machine; the client can't tell.
    LostBefore,
    /// It reaches the machine, and the answer is lost.
    LostAfter,
    /// It certainly does not leave.
    NotSent,
    /// It reaches nobody, and no answer ever comes.
    Silence,
    /// Somebody else answers in the machine's place.
    Answer(Response),
    /// It reaches the machine, and another answer comes back.
    AnswerAfter(Response),
    /// It reaches the machine, and the answer is tampered with.
    Alter(Box<dyn FnOnce(&mut Response) + Send>),
}

impl Act {
    pub(crate) fn alter(change: impl FnOnce(&mut Response) + Send + 'static) -> Self {
        Self::Alter(Box::new(change))
    }
}

/// What becomes of a request, and how long it takes.
pub(crate) struct Deed {
    /// Until it reaches the machine.
    pub(crate) before: Duration,
    pub(crate) act: Act,
    /// Until the answer is there.
    pub(crate) after: Duration,
}

impl From<Act> for Deed {
    fn from(act: Act) -> Self {
        Self {
            before: Duration::ZERO,
            act,
            after: Duration::ZERO,
        }
    }
}

type Rule = Box<dyn FnMut(&Sent) -> Deed + Send>;

/// The wire.
pub(crate) struct Wire {
    inner: InProcessTransport,
    root: String,
    start: Instant,
    rule: Mutex<Rule>,
    log: Mutex<Vec<Sent>>,
}

impl Wire {
    pub(crate) fn new(inner: InProcessTransport, root: String) -> Self {
        Self {
            inner,
            root,
            start: Instant::now(),
            rule: Mutex::new(Box::new(|_| Act::Pass.into())),
            log: Mutex::default(),
        }
    }

    /// Sets what becomes of requests from now on.
    pub(crate) fn rule<D: Into<Deed>>(&self, mut rule: impl FnMut(&Sent) -> D + Send + 'static) {
        *lock(&self.rule) = Box::new(move |sent| rule(sent).into());
    }

    /// Lets everything pass, each way in half the time.
    pub(crate) fn latency(&self, latency: Duration) {
        self.rule(move |_| Deed {
            before: latency / 2,
            act: Act::Pass,
            after: latency / 2,
        });
    }

    /// Lets everything pass.
    pub(crate) fn heal(&self) {
        self.rule(|_| Act::Pass);
    }

    pub(crate) fn log(&self) -> Vec<Sent> {
        lock(&self.log).clone()
    }

    pub(crate) fn writes(&self) -> Vec<Sent> {
        let mut log = self.log();
        log.retain(Sent::is_write);
        log
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn note_end(&self, number: usize, status: Option<u16>) {
        let now = self.elapsed();
        if let Some(sent) = lock(&self.log).get_mut(number - 1) {
            sent.end = Some((now, status));
        }
    }

    async fn carry(&self, request: Request) -> Result<Response, TransportError> {
        let sent = {
            let mut log = lock(&self.log);
            let sent = Sent {
                number: log.len() + 1,
                method: request.method.name(),
                path: request
                    .url
                    .strip_prefix(&self.root)
                    .unwrap_or(&request.url)
                    .to_owned(),
                body: request
                    .body
                    .as_deref()
                    .and_then(|body| serde_json::from_slice(body).ok())
                    .unwrap_or(Value::Null),
                bearer: request.bearer.expose_secret().to_owned(),
                at: self.elapsed(),
                end: None,
            };
            log.push(sent.clone());
            sent
        };
        let deed = (lock(&self.rule))(&sent);
        tokio::time::sleep(deed.before).await;
        let answer = self.act(request, deed.act).await;
        tokio::time::sleep(deed.after).await;
        let status = answer.as_ref().ok().map(|response| response.status);
        self.note_end(sent.number, status);
        answer
    }

    async fn act(&self, request: Request, act: Act) -> Result<Response, TransportError> {
        let reset = || TransportError::Unknown("connection reset by peer".to_owned());
        match act {
            Act::Pass => self.inner.send(request).await,
            Act::LostBefore => Err(reset()),
            Act::LostAfter => {
                self.inner.send(request).await?;
                Err(reset())
            }
            Act::NotSent => Err(TransportError::NotSent("no route to host".to_owned())),
            Act::Silence => std::future::pending().await,
            Act::Answer(response) => Ok(response),
            Act::AnswerAfter(response) => {
                self.inner.send(request).await?;
                Ok(response)
            }
            Act::Alter(change) => {
                let mut response = self.inner.send(request).await?;
                change(&mut response);
                Ok(response)
            }
        }
    }
}

/// The end of the wire that a client holds.
pub(crate) struct Plug(pub(crate) std::sync::Arc<Wire>);

impl Transport for Plug {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(self.0.carry(request))
    }
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
