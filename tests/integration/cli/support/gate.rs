//! A gate before the service: it holds writes, or kills the run at one of them.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Where the process is killed.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Moment {
    /// The write has left, and has not arrived.
    BeforeTheEffect,
    /// The write has had its effect, and its answer has not arrived.
    AfterTheEffect,
}

/// Stands between a run and the service, and kills the run at one of its writes.
pub(in crate::cli) struct Gate {
    address: String,
    pub(in crate::cli) plan: Arc<Plan>,
}

/// What is to become of the writes.
#[derive(Default)]
pub(in crate::cli) struct Plan {
    /// Which write, when exactly, and which process.
    kill: Mutex<Option<(usize, Moment, u32)>>,
    pub(in crate::cli) writes: AtomicUsize,
    /// How often the requests for approval were listed.
    lists: AtomicUsize,
    holds: Mutex<bool>,
    known: std::sync::Condvar,
}

impl Gate {
    pub(in crate::cli) fn before(authority: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let plan = Arc::new(Plan::default());
        let upstream = authority.strip_prefix("http://").expect("http").to_owned();
        let shared = Arc::clone(&plan);
        // Ends with the process of the tests; it only waits for connections.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (plan, upstream) = (Arc::clone(&shared), upstream.clone());
                std::thread::spawn(move || plan.carry(client, &upstream));
            }
        });
        Self { address, plan }
    }

    pub(in crate::cli) fn url(&self) -> String {
        format!("http://{}/beta", self.address)
    }

    /// Returns how often the requests for approval were listed.
    pub(in crate::cli) fn lists(&self) -> usize {
        self.plan.lists.load(Ordering::SeqCst)
    }

    /// Lets no write through, and answers none.
    pub(in crate::cli) fn hold_writes(&self) {
        *self.plan.holds.lock().expect("no panic") = true;
    }

    /// Lets the writes through that were held, and all that follow.
    pub(in crate::cli) fn let_go(&self) {
        const NONE: usize = usize::MAX;
        *self.plan.kill.lock().expect("no panic") = Some((NONE, Moment::BeforeTheEffect, 0));
        *self.plan.holds.lock().expect("no panic") = false;
        self.plan.known.notify_all();
    }

    pub(in crate::cli) fn kill_at(&self, write: usize, moment: Moment, process: u32) {
        *self.plan.kill.lock().expect("no panic") = Some((write, moment, process));
        self.plan.known.notify_all();
    }
}

impl Plan {
    /// Carries one connection's requests until the client is gone.
    fn carry(&self, client: TcpStream, upstream: &str) {
        let mut from_client = BufReader::new(client.try_clone().expect("a socket"));
        let mut to_client = client;
        let server = TcpStream::connect(upstream).expect("the service");
        let mut from_server = BufReader::new(server.try_clone().expect("a socket"));
        let mut to_server = server;
        while let Some((head, request)) = message(&mut from_client) {
            let reads = ["/$batch", "/getByIds"];
            let is_write =
                !head.starts_with("GET ") && !reads.iter().any(|path| head.contains(path));
            let held = is_write && self.hold();
            let kill = (is_write && !held).then(|| self.kill_now()).flatten();
            if let Some((Moment::BeforeTheEffect, process)) = kill {
                kill_hard(process);
                return;
            }
            // Gone if the test has ended while a write was held.
            if to_server.write_all(&request).is_err() {
                return;
            }
            let Some((_, answer)) = message(&mut from_server) else {
                return;
            };
            if let Some((_, process)) = kill {
                kill_hard(process);
                return;
            }
            if to_client.write_all(&answer).is_err() {
                return;
            }
            let is_list = head.contains("/operationApprovalRequests");
            self.lists.fetch_add(usize::from(is_list), Ordering::SeqCst);
        }
    }

    /// Counts a write if writes are held, and returns once they are let go.
    fn hold(&self) -> bool {
        let mut holds = self.holds.lock().expect("no panic");
        let held = *holds;
        self.writes.fetch_add(usize::from(held), Ordering::SeqCst);
        while *holds {
            holds = self.known.wait(holds).expect("no panic");
        }
        held
    }

    /// Counts a write, and tells whether the run is to be killed at it.
    fn kill_now(&self) -> Option<(Moment, u32)> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut kill = self.kill.lock().expect("no panic");
        // The run may be faster than the test that started it.
        while kill.is_none() {
            kill = self.known.wait(kill).expect("no panic");
        }
        let (write, moment, process) = (*kill)?;
        (write == number).then_some((moment, process))
    }
}

fn kill_hard(process: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-KILL", &process.to_string()])
        .status();
    assert!(killed.expect("the command kill").success());
}

/// Reads one HTTP message whose body has a known length; returns its first line and its bytes.
fn message(from: &mut impl std::io::BufRead) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut first = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        bytes.extend_from_slice(line.as_bytes());
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if first.is_empty() {
            first = line.to_owned();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    from.read_exact(&mut bytes[start..]).ok()?;
    Some((first, bytes))
}
