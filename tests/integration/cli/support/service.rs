//! Services on loopback: the emulator in a process of its own, and a listener that is no Graph.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::World;
#[cfg(unix)]
use super::send_signal;

/// The emulator over HTTP; ends with this value.
pub(in crate::cli) struct Served {
    child: Child,
    /// The Graph URL, with its version.
    pub(in crate::cli) url: String,
}

impl Served {
    /// Serves `tenant.json` of a world.
    pub(in crate::cli) fn start(world: &World) -> Self {
        Self::of(world, "sandbox --state tenant.json --listen 127.0.0.1:0")
    }

    /// Serves what a command line says.
    pub(in crate::cli) fn of(world: &World, line: &str) -> Self {
        let mut child = world
            .command(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the executable");
        let stdout = child.stdout.take().expect("it is piped");
        let mut url = String::new();
        BufReader::new(stdout)
            .read_line(&mut url)
            .expect("the first line");
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "`{url}`");
        Self { child, url }
    }

    /// Serves `tenant.json` and lets the world's runs use it, with a token that may do everything.
    pub(in crate::cli) fn with_token(world: &mut World) -> Self {
        let served = Self::start(world);
        world.set("ASSIGNCTL_GRAPH_URL", &served.url);
        world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token");
        served
    }

    /// Returns scheme and authority, where tokens come from as well.
    pub(in crate::cli) fn authority(&self) -> &str {
        self.url.strip_suffix("/beta").expect("a version")
    }

    /// Calls one of the sandbox's own routes.
    pub(in crate::cli) fn post(&self, path: &str, body: &str) {
        let host = self.authority().strip_prefix("http://").expect("http");
        let mut stream = TcpStream::connect(host).expect("the service");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    /// Asks the process to end.
    #[cfg(unix)]
    pub(in crate::cli) fn interrupt(&self) {
        send_signal(self.child.id(), "INT");
    }

    /// Waits for the end and returns the exit code.
    #[cfg(unix)]
    pub(in crate::cli) fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A listener that is no Graph. It goes on until the process of the tests ends.
pub(in crate::cli) struct Impostor {
    /// What stands for the Graph URL.
    pub(in crate::cli) url: String,
    /// How many connections it had.
    connections: Arc<AtomicUsize>,
}

impl Impostor {
    /// Answers every request with the same status line, headers and body.
    pub(in crate::cli) fn answers(status: &str, headers: &[&str], body: &str) -> Self {
        let headers: Vec<String> = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        let answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
            headers.concat(),
            body.len()
        );
        Self::start(Some(answer))
    }

    /// Takes requests and never answers.
    #[cfg(unix)]
    pub(in crate::cli) fn is_silent() -> Self {
        Self::start(None)
    }

    fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                counted.fetch_add(1, Ordering::SeqCst);
                let Some(answer) = &answer else {
                    open.push(stream);
                    continue;
                };
                let mut request = [0; 8192];
                // Requests without a body fit, and no one looks at them.
                if stream.read(&mut request).is_ok() {
                    stream.write_all(answer.as_bytes()).ok();
                }
            }
        });
        Self {
            url: format!("http://{address}/beta"),
            connections,
        }
    }

    pub(in crate::cli) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Returns a Graph URL at which no one listens.
pub(in crate::cli) fn unreachable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}/beta", listener.local_addr().expect("an address"))
}
