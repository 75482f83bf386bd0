//! Keeping a record of the exchanges with the service that says nothing of whose they are.
//!
//! [`Recording`] stands before any transport. Each exchange goes through [`Sanitiser`] as soon as it is
//! over: nothing else of it is kept but its status, a few headers and its time.

mod sanitise;
mod words;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::transport::{Method, Request, Response, Sending, Transport, TransportError};
use crate::files::Lines;

pub use sanitise::Sanitiser;

/// What a record says of itself, by which it is known.
pub const HOLDS: &str = "exchanges with the service, without names, ids, hosts and tokens";

/// An exchange, without personal data.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What is recorded of it.
    pub record: Value,
    /// The verb.
    pub method: Method,
    /// The last segment of its path.
    pub last_segment: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// How many objects a list in the answer held, if it was one.
    pub listed: Option<usize>,
    /// The service's clock.
    pub date: Option<Timestamp>,
    /// Whether the answer says when to come back.
    pub has_retry_after: bool,
    /// How near a limit is, if the answer says so.
    pub throttle_percentage: Option<f64>,
    /// This machine's clock when the answer was there.
    pub at: Timestamp,
    /// When it was sent.
    pub sent: Instant,
    /// How long it took.
    pub took: Duration,
}

/// Keeps exchanges: in a file, line by line, or in memory.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Kept>);

type OnFailure = fn(&io::Error);

#[derive(Debug, Default)]
struct Kept {
    sanitiser: Sanitiser,
    number: usize,
    /// With what is called once with the error that cuts the record short.
    file: Option<(Lines, OnFailure)>,
    exchanges: Option<Vec<Exchange>>,
}

impl Recorder {
    /// Writes exchanges to a file. If that fails later, the run goes on, and `on_failure` gets the error.
    ///
    /// # Errors
    ///
    /// Says why the file cannot be written.
    pub fn into_file(path: &Path, on_failure: OnFailure) -> io::Result<Self> {
        let head = json!({
            "formatVersion": "1.0",
            "tool": concat!("assignctl ", env!("CARGO_PKG_VERSION")),
            "holds": HOLDS,
        });
        let head = format!("{head}\n").into_bytes();
        let file = match Lines::stream(path)? {
            Some(mut stream) => {
                stream.add(&head, false)?;
                stream
            }
            None => Lines::create(path, &head, || Ok(()))?,
        };
        Ok(Self(Mutex::new(Kept {
            file: Some((file, on_failure)),
            ..Kept::default()
        })))
    }

    /// Keeps exchanges in memory as well, for [`Self::take`].
    pub fn keep(&self) {
        self.lock().exchanges.get_or_insert_default();
    }

    /// Takes what was kept in memory.
    pub fn take(&self) -> Vec<Exchange> {
        let mut kept = self.lock();
        kept.exchanges
            .as_mut()
            .map_or_else(Vec::new, std::mem::take)
    }

    /// Replaces personal data in one of our own sentences, as in the exchanges.
    pub fn sentence(&self, text: &str) -> String {
        self.lock().sanitiser.sentence(text)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: &Request, answer: &Result<Response, TransportError>, sent: Instant) {
        let took = sent.elapsed();
        let mut kept = self.lock();
        kept.number += 1;
        let number = kept.number;
        let record = record(&mut kept.sanitiser, number, request, answer, took);
        if let Some((file, on_failure)) = &mut kept.file
            && let Err(error) = file.add(format!("{record}\n").as_bytes(), false)
        {
            on_failure(&error);
            kept.file = None;
        }
        if let Some(exchanges) = &mut kept.exchanges {
            exchanges.push(exchange(record, request, answer.as_ref().ok(), sent, took));
        }
    }
}

fn record(
    sanitiser: &mut Sanitiser,
    number: usize,
    request: &Request,
    answer: &Result<Response, TransportError>,
    took: Duration,
) -> Value {
    let mut record = Map::new();
    record.insert("number".to_owned(), json!(number));
    record.insert("method".to_owned(), json!(request.method.name()));
    record.insert("url".to_owned(), json!(sanitiser.url(&request.url)));
    let sent = request.headers.iter();
    let sent = sent.map(|(name, value)| (*name, value.as_str()));
    let (headers, _) = headers(sanitiser, sent);
    if !headers.is_empty() {
        record.insert("requestHeaders".to_owned(), Value::Object(headers));
    }
    if let Some(body) = &request.body {
        record.insert("requestBody".to_owned(), content(sanitiser, body));
    }
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    record.insert("milliseconds".to_owned(), json!(took));
    match answer {
        Ok(Response {
            status,
            headers: sent,
            body,
        }) => {
            let sent = sent.iter();
            let sent = sent.map(|(name, value)| (name.as_str(), value.as_str()));
            let (headers, others) = self::headers(sanitiser, sent);
            record.insert("status".to_owned(), json!(status));
            record.insert("headers".to_owned(), Value::Object(headers));
            record.insert("otherHeaders".to_owned(), json!(others));
            record.insert("bytes".to_owned(), json!(body.len()));
            if !body.is_empty() {
                record.insert("body".to_owned(), content(sanitiser, body));
            }
        }
        // The reason may name a host.
        Err(error) => {
            let word = match error {
                TransportError::NotSent(_) => "not sent",
                TransportError::Unknown(_) => "no answer",
                TransportError::TooLarge(_) => "too large",
            };
            record.insert("failure".to_owned(), json!(word));
        }
    }
    Value::Object(record)
}

/// Returns the headers that are recorded, and how many others there are.
fn headers<'h>(
    sanitiser: &mut Sanitiser,
    sent: impl Iterator<Item = (&'h str, &'h str)>,
) -> (Map<String, Value>, usize) {
    let mut kept = Map::new();
    let mut others = 0;
    for (name, value) in sent {
        if words::is_header(name) {
            let value = sanitiser.header(name, value);
            kept.insert(name.to_ascii_lowercase(), json!(value));
        } else {
            others += 1;
        }
    }
    (kept, others)
}

fn content(sanitiser: &mut Sanitiser, body: &[u8]) -> Value {
    match serde_json::from_slice(body) {
        Ok(value) => sanitiser.value(&value),
        Err(_) => json!({"notJson": body.len()}),
    }
}

fn exchange(
    record: Value,
    request: &Request,
    answer: Option<&Response>,
    sent: Instant,
    took: Duration,
) -> Exchange {
    let header = |name: &str| answer.and_then(|answer| answer.header(name));
    let date = header("date").and_then(|text| httpdate::parse_http_date(text).ok());
    let path = request.url.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    Exchange {
        listed: record["body"]["value"].as_array().map(Vec::len),
        record,
        method: request.method,
        last_segment: last.to_owned(),
        status: answer.map(|answer| answer.status),
        date: date.and_then(|date| Timestamp::try_from(date).ok()),
        has_retry_after: header("retry-after").is_some(),
        throttle_percentage: header("x-ms-throttle-limit-percentage")
            .and_then(|text| text.trim().parse().ok()),
        at: Timestamp::now(),
        sent,
        took,
    }
}

/// A transport whose exchanges are recorded.
pub struct Recording {
    transport: Box<dyn Transport>,
    recorder: Arc<Recorder>,
}

impl Recording {
    /// Records what goes through a transport.
    pub fn new(transport: Box<dyn Transport>, recorder: Arc<Recorder>) -> Self {
        Self {
            transport,
            recorder,
        }
    }
}

impl Transport for Recording {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let sent = Instant::now();
            let answer = self.transport.send(request.clone()).await;
            self.recorder.note(&request, &answer, sent);
            answer
        })
    }
}
