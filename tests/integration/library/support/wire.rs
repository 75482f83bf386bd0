//! The wire between client and sandbox. It keeps a log of what went over it, and does to each
//! request what the test's rule says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assignctl::graph::transport::{
    InProcessTransport, Request, Response, Sending, Transport, TransportError,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A request, as it went onto the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Counted from 1, over all requests of the world.
    pub(crate) number: usize,
    pub(crate) method: &'static str,
    /// Path and query below the version root, byte for byte; the whole URL where it lies elsewhere.
    pub(crate) path: String,
    pub(crate) body: Value,
    /// The body, byte for byte.
    pub(crate) raw: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) bearer: String,
    /// Since the world began.
    pub(crate) at: Duration,
    /// When the answer came, and its status; no status where there was none.
    pub(crate) end: Option<(Duration, Option<u16>)>,
    /// The answer that came, where the wire keeps answers.
    pub(crate) answer: Option<Response>,
}

impl Sent {
    /// Whether the request changes something.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET" && self.path != "/$batch"
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| *known == name)?;
        Some(value)
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
    /// It reaches no one, and no answer ever comes.
    Silence,
    /// Someone else answers in the machine's place.
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
type Witness = Box<dyn FnMut(&Sent) + Send>;

/// The wire.
pub(crate) struct Wire {
    inner: InProcessTransport,
    root: String,
    start: Instant,
    rule: Mutex<Rule>,
    log: Mutex<Vec<Sent>>,
    keeps_answers: AtomicBool,
    witness: Mutex<Witness>,
    interrupt: Mutex<Option<(usize, CancellationToken)>>,
}

impl Wire {
    pub(crate) fn new(inner: InProcessTransport, root: String) -> Self {
        Self {
            inner,
            root,
            start: Instant::now(),
            rule: Mutex::new(Box::new(|_| Act::Pass.into())),
            log: Mutex::default(),
            keeps_answers: AtomicBool::new(false),
            witness: Mutex::new(Box::new(|_| {})),
            interrupt: Mutex::default(),
        }
    }

    /// Keeps every answer in the log from now on.
    pub(crate) fn keep_answers(&self) {
        self.keeps_answers.store(true, Ordering::Relaxed);
    }

    /// Asks a run to end as the request of a number leaves.
    pub(crate) fn interrupt_at(&self, number: usize, stop: CancellationToken) {
        *lock(&self.interrupt) = Some((number, stop));
    }

    /// Sets who is told of each request right after it has reached the machine.
    pub(crate) fn witness(&self, witness: impl FnMut(&Sent) + Send + 'static) {
        *lock(&self.witness) = Box::new(witness);
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

    fn note_end(&self, number: usize, answer: Option<&Response>) {
        let now = self.elapsed();
        if let Some(sent) = lock(&self.log).get_mut(number - 1) {
            sent.end = Some((now, answer.map(|response| response.status)));
            if self.keeps_answers.load(Ordering::Relaxed) {
                sent.answer = answer.cloned();
            }
        }
    }

    /// Writes a request into the log, and asks the rule what becomes of it.
    fn take(&self, request: &Request) -> (Sent, Deed) {
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
                raw: request.body.clone().unwrap_or_default(),
                headers: request.headers.clone(),
                bearer: request.bearer.expose_secret().to_owned(),
                at: self.elapsed(),
                end: None,
                answer: None,
            };
            log.push(sent.clone());
            sent
        };
        if let Some((number, stop)) = &*lock(&self.interrupt)
            && sent.number == *number
        {
            stop.cancel();
        }
        let deed = (lock(&self.rule))(&sent);
        (sent, deed)
    }

    async fn carry(
        &self,
        request: Request,
        sent: Sent,
        deed: Deed,
    ) -> Result<Response, TransportError> {
        tokio::time::sleep(deed.before).await;
        let answer = self.act(&sent, request, deed.act).await;
        tokio::time::sleep(deed.after).await;
        answer
    }

    /// Lets a request reach the machine.
    async fn reach(&self, sent: &Sent, request: Request) -> Result<Response, TransportError> {
        let answer = self.inner.send(request).await;
        (lock(&self.witness))(sent);
        answer
    }

    async fn act(
        &self,
        sent: &Sent,
        request: Request,
        act: Act,
    ) -> Result<Response, TransportError> {
        let reset = || TransportError::Unknown("connection reset by peer".into());
        match act {
            Act::Pass => self.reach(sent, request).await,
            Act::LostBefore => Err(reset()),
            Act::LostAfter => {
                self.reach(sent, request).await?;
                Err(reset())
            }
            Act::NotSent => Err(TransportError::NotSent("no route to host".into())),
            Act::Silence => std::future::pending().await,
            Act::Answer(response) => Ok(response),
            Act::AnswerAfter(response) => {
                self.reach(sent, request).await?;
                Ok(response)
            }
            Act::Alter(change) => {
                let mut response = self.reach(sent, request).await?;
                change(&mut response);
                Ok(response)
            }
        }
    }
}

/// The end of the wire that a client holds. A request goes its way even where the client does not
/// live to see the answer.
pub(crate) struct Plug(pub(crate) Arc<Wire>);

impl Transport for Plug {
    fn send(&self, request: Request) -> Sending<'_> {
        let wire = Arc::clone(&self.0);
        let (sent, deed) = wire.take(&request);
        let number = sent.number;
        let carrying = Arc::clone(&wire);
        let under_way = tokio::spawn(async move { carrying.carry(request, sent, deed).await });
        Box::pin(async move {
            let answer = under_way.await.expect("a wire that carries");
            // Only what someone still waits for has come.
            wire.note_end(number, answer.as_ref().ok());
            answer
        })
    }
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
