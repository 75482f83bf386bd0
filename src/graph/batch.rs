//! Many small reads in one request: `$batch`.
//!
//! Up to 20 requests (microsoft-graph-docs-contrib: concepts/json-batching.md). The outer answer
//! is 200 even where parts failed; parts come in any order; each counts against the limits, can
//! fail on its own and is repeated on its own, after the longest wait that any of them asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Call, Client, from_json};
use super::error::{GraphError, ServiceError};
use super::pace::{Class, WaitTooLong};
use super::retry;
use super::transport::{Method, Response};

/// The most requests that one batch takes.
pub(super) const LARGEST_BATCH: usize = 20;

#[derive(Serialize)]
struct BatchBody<'a> {
    requests: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
}

#[derive(Deserialize)]
struct BatchAnswer {
    responses: Vec<PartAnswer>,
}

#[derive(Deserialize)]
struct PartAnswer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    body: Value,
}

impl PartAnswer {
    fn response(self) -> Response {
        Response {
            status: self.status,
            headers: self
                .headers
                .into_iter()
                .map(|(name, value)| {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    (name.to_lowercase(), text)
                })
                .collect(),
            body: self.body.to_string().into_bytes(),
        }
    }
}

/// One part's tries so far.
struct Pending {
    index: usize,
    tries: u32,
    last: String,
}

impl Client {
    /// Reads many paths below the version root. The results stand in the order of the paths; a
    /// part's own error does not touch the others.
    pub(super) async fn read_batch(
        &self,
        paths: &[String],
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        let size = LARGEST_BATCH.min(self.pace().largest_batch()).max(1);
        let chunks = paths.chunks(size).map(|chunk| self.read_chunk(chunk));
        let results = futures::future::try_join_all(chunks).await?;
        Ok(results.into_iter().flatten().collect())
    }

    async fn read_chunk(
        &self,
        paths: &[String],
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        let mut results: Vec<Option<Result<Value, GraphError>>> = vec![None; paths.len()];
        let mut pending: Vec<Pending> = (0..paths.len())
            .map(|index| Pending {
                index,
                tries: 0,
                last: String::new(),
            })
            .collect();
        let mut waited = Duration::ZERO;
        while !pending.is_empty() {
            let sent = pending.len();
            let mut answers = self.send_parts(paths, &pending).await?;
            let mut wait = Duration::ZERO;
            let mut refusals: BTreeMap<u16, usize> = BTreeMap::new();
            let mut again = Vec::new();
            for mut part in pending {
                part.tries += 1;
                match self.judge_part(&paths[part.index], answers.remove(&part.index), part.tries) {
                    Judgement::Settled(result) => results[part.index] = Some(result),
                    Judgement::Again {
                        last,
                        after,
                        refusal,
                    } => {
                        wait = wait.max(after);
                        if let Some(status) = refusal {
                            *refusals.entry(status).or_default() += 1;
                        }
                        part.last = last;
                        if part.tries >= retry::READ_TRIES {
                            results[part.index] = Some(Err(GraphError::GivenUp {
                                what: format!("GET {}", path_only(&paths[part.index])),
                                tries: part.tries,
                                last: part.last,
                            }));
                        } else {
                            again.push(part);
                        }
                    }
                }
            }
            if refusals.values().sum::<usize>() < sent {
                self.pace().passed(Class::Read);
            }
            pending = again;
            for (status, parts) in refusals {
                self.throttled(Class::Read, status, wait, parts);
            }
            if !pending.is_empty() {
                self.count_retried();
                waited += wait;
                if waited > self.pace().longest_wait() {
                    return Err(GraphError::Wait {
                        what: "POST /$batch".to_owned(),
                        wait: WaitTooLong {
                            class: Class::Read,
                            wait: waited,
                        },
                    });
                }
                self.pause(wait).await?;
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    async fn send_parts(
        &self,
        paths: &[String],
        pending: &[Pending],
    ) -> Result<HashMap<usize, Response>, GraphError> {
        let body = BatchBody {
            requests: pending
                .iter()
                .map(|part| Part {
                    id: part.index.to_string(),
                    method: Method::Get.name(),
                    url: &paths[part.index],
                })
                .collect(),
        };
        let call = Call {
            method: Method::Post,
            url: self.address().join("/$batch"),
            headers: Vec::new(),
            body: Some(serde_json::to_vec(&body).unwrap_or_default()),
            cost: pending.len(),
        };
        let answer: BatchAnswer = self
            .read(&call, |response| from_json(&response.body))
            .await?;
        Ok(answer
            .responses
            .into_iter()
            .filter_map(|part| Some((part.id.parse().ok()?, part.response())))
            .collect())
    }

    fn judge_part(&self, path: &str, answer: Option<Response>, tries: u32) -> Judgement {
        let what = || format!("GET {}", path_only(path));
        let Some(response) = answer else {
            return Judgement::Again {
                last: "the batch's answer lacks this part".to_owned(),
                after: self.backoff(tries, false),
                refusal: None,
            };
        };
        match response.status {
            200..300 => match from_json(&response.body) {
                Ok(value) => Judgement::Settled(Ok(value)),
                Err(last) => Judgement::Again {
                    last,
                    after: self.backoff(tries, false),
                    refusal: None,
                },
            },
            300..400 => Judgement::Settled(Err(GraphError::redirected(
                self.address(),
                what(),
                &response,
            ))),
            status => {
                let error = ServiceError::from_response(&response);
                if retry::is_passing(status) {
                    let refusal = Some(status).filter(|status| retry::is_throttle(*status));
                    let backoff = self.backoff(tries, refusal.is_some());
                    Judgement::Again {
                        last: error.to_string(),
                        after: retry::wait(error.retry_after, tries, backoff),
                        refusal,
                    }
                } else {
                    Judgement::Settled(Err(GraphError::Service {
                        what: what(),
                        error,
                    }))
                }
            }
        }
    }
}

enum Judgement {
    Settled(Result<Value, GraphError>),
    Again {
        last: String,
        after: Duration,
        /// The status, where it asks to slow down.
        refusal: Option<u16>,
    },
}

fn path_only(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}
