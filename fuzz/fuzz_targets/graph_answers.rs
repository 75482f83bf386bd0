//! Answers of Graph: lists, batches and errors of any content. The read ends, asks no one but the
//! configured host, and its error holds no token.

#![no_main]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assignctl::auth::{StaticToken, Tokens};
use assignctl::graph::Reader;
use assignctl::graph::address::GraphUrl;
use assignctl::graph::client::Client;
use assignctl::graph::observe::{Event, Observe};
use assignctl::graph::pace::Pace;
use assignctl::graph::transport::{Request, Response, Sending, Transport};
use assignctl::model::{Needs, PolicyKind, RateLimit};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "MARKED-token-MARKED";

/// Gives one answer after the other; each is a status, headers and a body.
struct Script(Mutex<Vec<Response>>);

impl Transport for Script {
    fn send(&self, request: Request) -> Sending<'_> {
        // A host may be spelled in any case.
        let url = request.url.to_lowercase();
        assert!(url.starts_with("http://sandbox/"), "{url}");
        let next = self.0.lock().expect("one thread").pop();
        // Past the end everything is empty, so that no run goes on for ever.
        let answer = next.unwrap_or(Response {
            status: 200,
            headers: Vec::new(),
            body: br#"{"value":[],"responses":[]}"#.to_vec(),
        });
        Box::pin(async move { Ok(answer) })
    }
}

struct Silent;

impl Observe for Silent {
    fn notice(&self, _event: Event) {}
}

fn answers(text: &str) -> Vec<Response> {
    let mut answers: Vec<Response> = text
        .split("\n%%%\n")
        .take(40)
        .map(|part| {
            let (head, body) = part.split_once("\n\n").unwrap_or(("200", part));
            let mut lines = head.lines();
            let status = lines
                .next()
                .and_then(|line| line.parse().ok())
                .unwrap_or(200);
            let headers = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            Response {
                status,
                headers,
                body: body.as_bytes().to_vec(),
            }
        })
        .collect();
    answers.reverse();
    answers
}

fuzz_target!(|text: &str| {
    let limit = RateLimit {
        count: 1000,
        window: Duration::from_secs(20),
    };
    let token = StaticToken::new(TOKEN).expect("a token");
    let client = Client::new(
        GraphUrl::in_process(),
        Box::new(Script(Mutex::new(answers(text)))),
        Tokens::new(Box::new(token)),
        Pace::new(limit, limit, Duration::from_secs(900)),
        Box::new(Silent),
        1,
    );
    let reader = Reader::new(Arc::new(client));
    let needs = Needs {
        kinds: PolicyKind::all().collect(),
        group_names: BTreeSet::from(["A".to_owned(), "B".to_owned()]),
        group_ids: BTreeSet::from(["bbbbbbbb-0000-4000-8000-000000000001".to_owned()]),
        filters: true,
        ..Needs::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    if let Err(error) = runtime.block_on(reader.tenant(&needs)) {
        let said = error.to_string();
        assert!(!said.contains(TOKEN), "{said}");
    }
});
