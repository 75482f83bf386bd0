//! A stand-in for any HTTP service: it notes each request and answers what it is told to.
//!
//! One request a connection, as small services do; over TLS where a certificate is given.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::base64;
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Seen {
    pub(in crate::cli) method: String,
    /// Path and query.
    pub(in crate::cli) target: String,
    headers: Vec<(String, String)>,
    pub(in crate::cli) body: Vec<u8>,
}

impl Seen {
    /// Returns a header's value.
    pub(in crate::cli) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns a field of a form.
    pub(in crate::cli) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body)
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Returns the names of a form's fields, sorted.
    pub(in crate::cli) fn fields(&self) -> Vec<String> {
        let mut names: Vec<String> = url::form_urlencoded::parse(&self.body)
            .map(|(name, _)| name.into_owned())
            .collect();
        names.sort();
        names
    }

    /// Returns a parameter of the query.
    pub(in crate::cli) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Returns the path without the query.
    pub(in crate::cli) fn path(&self) -> &str {
        self.target.split('?').next().expect("a path")
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Reply {
    pub(in crate::cli) status: u16,
    pub(in crate::cli) headers: Vec<(&'static str, String)>,
    pub(in crate::cli) body: Vec<u8>,
}

impl Reply {
    pub(in crate::cli) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A service that is not the real one. It goes on until the process of the tests ends.
pub(in crate::cli) struct StandIn {
    /// Scheme and authority, without a slash at the end.
    pub(in crate::cli) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    pub(in crate::cli) fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("http", Arc::new(answer), |stream| Some(Box::new(stream)))
    }

    /// The same over TLS.
    pub(in crate::cli) fn start_tls(
        server: Arc<rustls::ServerConfig>,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen("https", Arc::new(answer), move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&server)).ok()?;
            Some(Box::new(rustls::StreamOwned::new(connection, stream)))
        })
    }

    fn listen(
        scheme: &str,
        handler: Arc<Handler>,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let wrap = Arc::new(wrap);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (handler, noted, wrap) =
                    (Arc::clone(&handler), Arc::clone(&noted), Arc::clone(&wrap));
                std::thread::spawn(move || {
                    if let Some(stream) = wrap(stream) {
                        // Whoever breaks off is no one's mistake here.
                        let _ = serve(stream, &*handler, &noted);
                    }
                });
            }
        });
        Self {
            url: format!("{scheme}://{address}"),
            seen,
        }
    }

    /// Returns what was asked so far.
    pub(in crate::cli) fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(in crate::cli) fn port(&self) -> &str {
        self.url.rsplit(':').next().expect("a port")
    }
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

fn serve(
    mut stream: Box<dyn Stream>,
    handler: &Handler,
    noted: &Mutex<Vec<Seen>>,
) -> io::Result<()> {
    let Some(seen) = read_request(&mut stream)? else {
        return Ok(());
    };
    let reply = handler(&seen);
    noted
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(seen);
    let mut head = format!(
        "HTTP/1.1 {} Answer\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply.body)?;
    stream.flush()
}

fn read_request(stream: &mut Box<dyn Stream>) -> io::Result<Option<Seen>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = seen.header("content-length").map_or(0, |text| {
        text.parse().expect("a number that the client wrote")
    });
    seen.body.resize(length, 0);
    reader.read_exact(&mut seen.body)?;
    Ok(Some(seen))
}

/// Makes a token that can be read: it has the form of a JWT and no signature that counts.
pub(in crate::cli) fn readable_token(claims: &Value) -> String {
    let payload = base64::encode_url_safe(claims.to_string());
    format!("e30.{payload}.MARKED-signature")
}
