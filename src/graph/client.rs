//! One exchange with the service: pace, token, transport, and for reads the retries.
//!
//! Everything that the program sends to Graph goes through `Client::exchange`. Reads go
//! through `Client::read`, which repeats what may be repeated; a write is one exchange, and what
//! its outcome means is `apply`'s to find out.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::address::GraphUrl;
use super::decode::{Misread, from_json};
use super::error::{GraphError, LastError, ServiceError};
use super::observe::{Event, Observe, RequestCounts};
use super::pace::{Class, Pace, Permit, RateGroup, WaitTooLong};
use super::rejected_options::RejectedOptions;
use super::retry::{self, End, Retry};
use super::transport::{Method, Request, RequestLine, Response, Transport, TransportError};
use crate::auth::claims::Claims;
use crate::auth::{SignInError, Token, Tokens};
use crate::text::Cause;

/// The program's one connection to the service. Clones share it: they differ in what interrupts them.
#[derive(Clone)]
pub struct Client {
    address: GraphUrl,
    transport: Arc<dyn Transport>,
    tokens: Arc<Tokens>,
    pace: Arc<Pace>,
    counts: Arc<Mutex<RequestCounts>>,
    observer: Arc<dyn Observe>,
    rng: Arc<Mutex<fastrand::Rng>>,
    interrupt: CancellationToken,
    rejected: Arc<RejectedOptions>,
    /// Consecutive writes that were throttled.
    refused_writes: Arc<AtomicU32>,
}

/// A request before it has a token.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// With what the service counts it.
    pub(super) group: RateGroup,
    pub(super) method: Method,
    /// The absolute URL.
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// How many requests the service counts.
    pub(super) cost: usize,
    /// What it is.
    pub(super) class: Class,
    /// With what it waits: where it is not known how the service counts a read, it waits like a write.
    pub(super) paced_as: Class,
}

impl Call {
    fn is_batch(&self) -> bool {
        self.url.ends_with("/$batch")
    }

    pub(super) fn get(url: String) -> Self {
        Self {
            group: RateGroup::of(&url),
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: None,
            cost: 1,
            class: Class::Read,
            paced_as: Class::Read,
        }
    }

    /// A question that takes a body. It changes nothing.
    pub(super) fn post(url: String, body: &Value) -> Self {
        Self {
            method: Method::Post,
            body: Some(body.to_string().into_bytes()),
            ..Self::get(url)
        }
    }

    /// Makes it a request that changes something.
    pub(super) fn writing(self) -> Self {
        Self {
            class: Class::Write,
            paced_as: Class::Write,
            ..self
        }
    }
}

/// Why an exchange brought no answer.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    SignIn(SignInError),
    Wait(WaitTooLong),
    /// The service asked the class to wait before the request could leave.
    Paused,
    /// The run was interrupted before the request could leave.
    Interrupted,
    /// The token was refused, and there is another now; the request had no effect.
    Renewed(Response),
    /// There is no answer. If the request left, no one knows whether it had an effect.
    Unknown(Cause),
    /// The service answered with what is not taken: too much, or the token. The next answer would
    /// be no better.
    Unusable(Cause),
}

impl Client {
    /// Makes a client. `seed` decides the jitter of its waits.
    pub fn new(
        address: GraphUrl,
        transport: Box<dyn Transport>,
        tokens: Tokens,
        pace: Pace,
        observer: Box<dyn Observe>,
        seed: u64,
    ) -> Self {
        let observer: Arc<dyn Observe> = observer.into();
        Self {
            address,
            transport: transport.into(),
            tokens: Arc::new(tokens),
            pace: Arc::new(pace.observed_by(Arc::clone(&observer))),
            counts: Arc::default(),
            observer,
            rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            interrupt: CancellationToken::new(),
            rejected: Arc::default(),
            refused_writes: Arc::default(),
        }
    }

    /// Starts no further read, not even another try of one, once the token is cancelled. What is
    /// in flight then comes to its end.
    #[must_use]
    pub fn interrupted_by(mut self, interrupt: CancellationToken) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Returns what the service has refused so far.
    pub(super) fn rejected(&self) -> &RejectedOptions {
        &self.rejected
    }

    /// Returns where the service is.
    pub fn address(&self) -> &GraphUrl {
        &self.address
    }

    /// Returns what has gone over the wire so far.
    pub fn counts(&self) -> RequestCounts {
        *self.lock_counts()
    }

    fn lock_counts(&self) -> MutexGuard<'_, RequestCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs in, if that has not happened yet, and returns the tenant that the token is for;
    /// `None` if the token cannot be read.
    ///
    /// # Errors
    ///
    /// Returned if no token is available.
    pub async fn tenant_id(&self) -> Result<Option<String>, SignInError> {
        Ok(self.tokens.token().await?.1.tenant_id)
    }

    /// Signs in, if that has not happened yet, and returns what the token says of itself; `None` if it
    /// cannot be read.
    ///
    /// # Errors
    ///
    /// Returned if no token is available.
    pub async fn claims(&self) -> Result<Option<Arc<Claims>>, SignInError> {
        Ok(self.tokens.token().await?.1.claims)
    }

    pub(super) fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    pub(crate) fn notice(&self, event: Event) {
        self.observer.notice(event);
    }

    /// Makes the id of a request, by which the service's log names it.
    pub(super) fn new_request_id(&self) -> String {
        let mut bytes = [0; 16];
        let rng = &mut *self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }

    /// Returns how long to wait before the next try when the service does not say.
    pub(super) fn backoff(&self, tries: u32, throttled: bool) -> Duration {
        let random = self
            .rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64();
        retry::backoff(tries, throttled, random)
    }

    /// Notes that a write was throttled, and pauses all of them: longer each time in a row.
    pub(super) fn write_refused(&self, group: RateGroup, error: &ServiceError) {
        // Those that were in flight together are throttled together, which counts once.
        let again = u32::from(!self.pace.lane(group).is_paused(Class::Write));
        let before = self.refused_writes.fetch_add(again, Ordering::Relaxed);
        let tries = before.saturating_add(again);
        let backoff = self.backoff(tries.saturating_add(1), true);
        let wait = retry::wait(error.retry_after, tries, backoff);
        self.throttled(group, Class::Write, error.status, wait, 1);
    }

    /// Notes that a write was not throttled.
    pub(super) fn write_passed(&self, group: RateGroup) {
        self.refused_writes.store(0, Ordering::Relaxed);
        self.pace.lane(group).passed(Class::Write);
    }

    /// Counts a request that is about to be repeated.
    pub(super) fn count_retried(&self) {
        self.lock_counts().retried += 1;
    }

    /// Notes that the service asked a class to slow down, in so many answers. Only a 429 says that
    /// the limit was reached; a 503 says that the service cannot right now.
    pub(super) fn throttled(
        &self,
        group: RateGroup,
        class: Class,
        status: u16,
        wait: Duration,
        answers: usize,
    ) {
        self.lock_counts().throttled += u64::try_from(answers).unwrap_or(u64::MAX);
        let refused = if retry::is_limit(status) { answers } else { 0 };
        self.pace.lane(group).throttle(class, wait, refused);
        self.notice(Event::Waiting { class, wait });
    }

    /// Sends one request, in time. A 401 is answered once with another token, since a refused
    /// request had no effect. The permit's slots come back from when the answer is there.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        mut permit: Permit,
        time: Duration,
    ) -> Result<Response, Fault> {
        let class = permit.class();
        let (mut number, mut token) = self.tokens.token().await.map_err(Fault::SignIn)?;
        // Whatever happened while the token was got: nothing leaves in a pause, and no write after
        // an interrupt.
        while self.pace.lane(call.group).is_paused(class) {
            if class == Class::Write {
                return Err(Fault::Paused);
            }
            drop(permit);
            permit = self.permit(call, class).await?;
            (number, token) = self.tokens.token().await.map_err(Fault::SignIn)?;
        }
        if class == Class::Write && self.interrupt.is_cancelled() {
            return Err(Fault::Interrupted);
        }
        let response = self.send(call, &token, &mut permit, time).await?;
        if response.status != 401 || self.interrupt.is_cancelled() {
            return Ok(response);
        }
        let renewed = self
            .tokens
            .instead_of(number)
            .await
            .map_err(Fault::SignIn)?;
        let Some((_, token)) = renewed else {
            return Ok(response);
        };
        // A write is not resent after a stale read; the next attempt uses the new token.
        if class == Class::Write {
            return Err(Fault::Renewed(response));
        }
        drop(permit);
        let mut permit = self.permit(call, class).await?;
        self.count_retried();
        self.send(call, &token, &mut permit, time).await
    }

    async fn permit(&self, call: &Call, class: Class) -> Result<Permit, Fault> {
        self.unless_interrupted(self.pace.permit(call.group, class, call.cost))
            .await
            .map_err(|_| Fault::Interrupted)?
            .map_err(Fault::Wait)
    }

    async fn send(
        &self,
        call: &Call,
        token: &Token,
        permit: &mut Permit,
        time: Duration,
    ) -> Result<Response, Fault> {
        let request = Request {
            method: call.method,
            url: call.url.clone(),
            headers: call.headers.clone(),
            bearer: token.secret.clone(),
            body: call.body.clone(),
        };
        permit.mark_used();
        match call.class {
            Class::Read => self.lock_counts().reads += 1,
            Class::Write => self.lock_counts().writes += 1,
        }
        tracing::debug!(method = call.method.name(), url = call.url, "sending");
        let answer = tokio::time::timeout(time, self.transport.send(request)).await;
        match answer {
            Ok(Ok(mut response)) => {
                response
                    .redact(&token.redactor)
                    .map_err(|error| Fault::Unusable(Cause::new(error)))?;
                tracing::debug!(
                    status = response.status,
                    bytes = response.body.len(),
                    url = call.url,
                    "answered"
                );
                Ok(response)
            }
            Ok(Err(TransportError::NotSent(reason) | TransportError::Unknown(reason))) => {
                Err(Fault::Unknown(reason))
            }
            Ok(Err(error @ TransportError::TooLarge(_))) => Err(Fault::Unusable(Cause::new(error))),
            Err(_) => {
                let late = format!("no response within {} s", time.as_secs());
                Err(Fault::Unknown(late.into()))
            }
        }
    }

    /// Sends a request that only reads until it is answered or given up, and decodes the answer.
    pub(super) async fn read<T>(
        &self,
        call: &Call,
        decode: impl Fn(&Response) -> Result<T, Misread>,
    ) -> Result<T, GraphError> {
        self.read_with(None, &mut Retry::default(), call, decode)
            .await
    }

    /// Reads, the first try with slots that were taken before, within what is left of a budget.
    pub(super) async fn read_with<T>(
        &self,
        mut taken: Option<Permit>,
        retry: &mut Retry,
        call: &Call,
        decode: impl Fn(&Response) -> Result<T, Misread>,
    ) -> Result<T, GraphError> {
        let named = || self.request_line(call);
        loop {
            let permit = match taken.take() {
                Some(_) if self.interrupt.is_cancelled() => Err(Fault::Interrupted),
                Some(permit) => Ok(permit),
                None => self.permit(call, call.paced_as).await,
            };
            let start = tokio::time::Instant::now();
            let outcome = match permit {
                Ok(permit) => self.exchange(call, permit, retry.time_left()).await,
                Err(fault) => Err(fault),
            };
            retry.tried(start.elapsed());
            let last = match outcome {
                Ok(response) if (200..300).contains(&response.status) => match decode(&response) {
                    Ok(value) => {
                        // Whether a batch passed is known from its parts.
                        if !call.is_batch() {
                            self.pace.lane(call.group).passed(call.paced_as);
                        }
                        return Ok(value);
                    }
                    Err(Misread::Transient(detail)) => LastError::Other(detail),
                    Err(misread) => return Err(misread.into_error(named())),
                },
                Ok(response) if (300..400).contains(&response.status) => {
                    return Err(GraphError::redirected(&self.address, named(), &response));
                }
                Ok(response) => {
                    let error = ServiceError::from_response(&response);
                    if !retry::is_transient(error.status) {
                        return Err(GraphError::Service {
                            request: named(),
                            error,
                        });
                    }
                    LastError::Service(error)
                }
                Err(Fault::SignIn(error)) => return Err(error.into()),
                Err(Fault::Wait(wait)) => {
                    return Err(GraphError::Wait {
                        request: named(),
                        wait,
                    });
                }
                Err(Fault::Interrupted) => return Err(GraphError::Interrupted),
                Err(Fault::Unusable(detail)) => {
                    return Err(GraphError::Shape {
                        request: named(),
                        detail,
                    });
                }
                Err(Fault::Unknown(reason)) => LastError::Other(reason),
                // Only what leaves as a write ends so; else it has waited, or was sent again with the other token.
                Err(Fault::Paused | Fault::Renewed(_)) => {
                    LastError::Other("it was not sent".into())
                }
            };
            tracing::info!(url = call.url, tries = retry.tries(), reason = %last, "a read failed");
            let refusals = last.refusal().map(|status| (status, call.cost));
            self.before_next_try(call, retry, last, refusals).await?;
        }
    }

    /// Waits before the next try of a read; or gives it up. `refusals` are the answers of the last
    /// try that asked to slow down, by status.
    pub(super) async fn before_next_try(
        &self,
        call: &Call,
        retry: &mut Retry,
        last: LastError,
        refusals: impl IntoIterator<Item = (u16, usize)>,
    ) -> Result<(), GraphError> {
        let backoff = self.backoff(retry.tries(), last.refusal().is_some());
        let wait = retry.wait(last.retry_after(), backoff);
        for (status, answers) in refusals {
            self.throttled(call.group, call.paced_as, status, wait, answers);
        }
        match retry.end(self.pace.longest_wait()) {
            None => {}
            Some(End::TooLong(wait)) => {
                let class = call.paced_as;
                return Err(GraphError::Wait {
                    request: self.request_line(call),
                    wait: WaitTooLong { class, wait },
                });
            }
            Some(End::GivenUp) => {
                return Err(GraphError::GivenUp {
                    request: self.request_line(call),
                    tries: retry.tries(),
                    last,
                });
            }
        }
        self.count_retried();
        self.pause(wait).await
    }

    /// Waits, unless the run is interrupted meanwhile.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), GraphError> {
        self.unless_interrupted(tokio::time::sleep(wait)).await
    }

    async fn unless_interrupted<T>(&self, wait: impl Future<Output = T>) -> Result<T, GraphError> {
        tokio::select! {
            biased;
            () = self.interrupt.cancelled() => Err(GraphError::Interrupted),
            value = wait => Ok(value),
        }
    }

    /// Reads JSON of a known form.
    pub(super) async fn read_json<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<T, GraphError> {
        self.read(call, |response| from_json(&response.body)).await
    }

    /// Returns a call as people know it: verb and path, without host and query.
    pub(super) fn request_line(&self, call: &Call) -> RequestLine {
        let path = call
            .url
            .strip_prefix(self.address.as_str())
            .unwrap_or(&call.url);
        let path = path.split('?').next().unwrap_or_default();
        RequestLine {
            method: call.method,
            path: path.into(),
        }
    }
}
