//! Services on loopback: the emulator in a process of its own, and a listener that is no Graph.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use super::World;

/// The emulator over HTTP; ends with this value.
pub(in crate::cli) struct Served {
    child: Child,
    /// The Graph URL, with its version.
    pub(in crate::cli) url: String,
}

impl Served {
    /// Serves `tenant.json` of a world.
    pub(in crate::cli) fn start(world: &World) -> Self {
        let mut child = world
            .command("sandbox --state tenant.json --listen 127.0.0.1:0")
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
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Answers every request with the same bytes, until the process ends; returns the Graph URL.
pub(in crate::cli) fn always(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 8192];
            // Requests without a body fit, and nobody looks at them.
            if stream.read(&mut request).is_ok() {
                stream.write_all(answer.as_bytes()).ok();
            }
        }
    });
    format!("http://{address}/beta")
}
