//! A service that only answers what was put on disk for it, a page a file.
//!
//! It costs what reading a file costs, so that what is measured is the client's own work.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assignctl::auth::{StaticToken, Tokens};
use assignctl::graph::Reader;
use assignctl::graph::address::GraphUrl;
use assignctl::graph::client::Client;
use assignctl::graph::observe::Unobserved;
use assignctl::graph::pace::Pace;
use assignctl::graph::transport::{Request, Response, Sending, Transport, TransportError};
use assignctl::model::RateLimit;
use serde_json::{Value, json};

use super::large::{Drift, Large};

pub(crate) const COLLECTIONS: [&str; 2] = [
    "/deviceManagement/configurationPolicies",
    "/deviceManagement/compliancePolicies",
];

/// Writes a tenant to a folder; returns the sizes of its pages in all.
pub(crate) fn write(folder: &Path, large: Large, drift: Drift) -> std::io::Result<u64> {
    fs::create_dir_all(folder)?;
    let mut bytes = 0;
    let root = GraphUrl::in_process().as_str().to_owned();
    for collection in COLLECTIONS {
        let pages: usize = large.pages(collection, Drift::None).count();
        for (number, page) in large.pages(collection, drift).enumerate() {
            let mut body = json!({
                "@odata.context": format!("{root}/$metadata#{}", &collection[1..]),
                "value": page,
            });
            if number + 1 < pages {
                body["@odata.nextLink"] =
                    json!(format!("{root}{collection}?$skiptoken={}", number + 1));
            }
            let text = body.to_string();
            bytes += text.len() as u64;
            fs::write(page_file(folder, collection, number), text)?;
        }
        if pages == 0 {
            fs::write(page_file(folder, collection, 0), r#"{"value":[]}"#)?;
        }
    }
    Ok(bytes)
}

/// Returns the files of a tenant's pages.
pub(crate) fn page_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

fn page_file(folder: &Path, collection: &str, number: usize) -> PathBuf {
    let collection = collection.rsplit('/').next().unwrap_or_default();
    folder.join(format!("{collection}-{number:04}.json"))
}

/// Answers from a folder.
pub(crate) struct Replay {
    folder: PathBuf,
    filters: Value,
    groups: HashMap<String, String>,
}

impl Replay {
    pub(crate) fn new(folder: PathBuf, large: Large) -> Self {
        Self {
            folder,
            filters: large.filters(),
            groups: large
                .groups()
                .into_iter()
                .map(|(id, name)| (name, id))
                .collect(),
        }
    }

    fn answer(&self, request: &Request) -> std::io::Result<Vec<u8>> {
        let path = request
            .url
            .strip_prefix(GraphUrl::in_process().as_str())
            .unwrap_or(&request.url);
        if path == "/$batch" {
            return Ok(self.batch(request.body.as_deref().unwrap_or_default()));
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path.ends_with("/assignmentFilters") {
            return Ok(self.filters.to_string().into_bytes());
        }
        if path == "/groups" {
            return Ok(self.groups_in(query).to_string().into_bytes());
        }
        let page = query
            .strip_prefix("$skiptoken=")
            .and_then(|number| number.parse().ok())
            .unwrap_or(0);
        fs::read(page_file(&self.folder, path, page))
    }

    fn batch(&self, body: &[u8]) -> Vec<u8> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let parts: Vec<Value> = body["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|part| {
                let answer = self.groups_in(part["url"].as_str().unwrap_or_default());
                json!({"id": part["id"], "status": 200, "headers": {}, "body": answer})
            })
            .collect();
        json!({"responses": parts}).to_string().into_bytes()
    }

    /// The names of the large tenant need no encoding, but for the quotes around them.
    fn groups_in(&self, query: &str) -> Value {
        let query = query.replace("%27", "'");
        let found: Vec<Value> = query
            .split('\'')
            .filter_map(|text| Some((text, self.groups.get(text)?)))
            .map(|(name, id)| json!({"id": id, "displayName": name}))
            .collect();
        json!({"value": found})
    }
}

impl Transport for Replay {
    fn send(&self, request: Request) -> Sending<'_> {
        let answer = self.answer(&request);
        Box::pin(async move {
            let body = answer.map_err(|error| TransportError::Unknown(error.to_string().into()))?;
            Ok(Response {
                status: 200,
                headers: Vec::new(),
                body,
            })
        })
    }
}

/// Makes a reader of a tenant on disk, whose limits no benchmark reaches.
pub(crate) fn reader(folder: PathBuf, large: Large) -> Reader {
    let unlimited = RateLimit {
        count: 1_000_000,
        window: Duration::from_secs(1),
    };
    let token = StaticToken::new("a-token-of-no-form").expect("a token");
    Reader::new(Arc::new(Client::new(
        GraphUrl::in_process(),
        Box::new(Replay::new(folder, large)),
        Tokens::new(Box::new(token)),
        Pace::new(unlimited, unlimited, Duration::from_secs(900)),
        Box::new(Unobserved),
        7,
    )))
}
