//! Many small reads in one request: `$batch`.
//!
//! Up to 20 requests (microsoft-graph-docs-contrib: concepts/json-batching.md). The outer answer
//! is 200 even where parts failed; parts come in any order; each counts against the limits, can
//! fail on its own and is repeated on its own, after the longest wait that any of them asked for.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Client};
use super::decode::from_json;
use super::error::{GraphError, LastError, ServiceError};
use super::pace::{Class, RateGroup};
use super::retry::{self, Retry};
use super::transport::{RequestLine, Response};
use crate::text::Cause;

/// The most requests that one batch takes.
pub(super) const LARGEST_BATCH: usize = 20;

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

/// What an answer to a part means.
enum Judgement {
    Done(Result<Value, GraphError>),
    /// It has to be tried again.
    Again(LastError),
}

impl Client {
    /// Reads many paths below the version root. The results stand in the order of the paths; a
    /// part's own error does not touch the others.
    pub(super) async fn read_batch(
        &self,
        paths: &[String],
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        // A batch holds what is counted together.
        let mut groups: Vec<(RateGroup, Vec<usize>)> = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let group = RateGroup::of(path);
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, indexes)) => indexes.push(index),
                None => groups.push((group, vec![index])),
            }
        }
        let chunks = groups.iter().flat_map(|(group, indexes)| {
            let size = LARGEST_BATCH.min(self.pace().largest_batch(*group)).max(1);
            let chunks = indexes.chunks(size);
            chunks.map(|chunk| self.read_chunk(*group, paths, chunk))
        });
        let read = futures::future::try_join_all(chunks).await?;
        let mut results: Vec<Option<Result<Value, GraphError>>> = vec![None; paths.len()];
        for (index, result) in read.into_iter().flatten() {
            results[index] = Some(result);
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Reads some of the paths in one batch, and what fails of them in others.
    ///
    /// What is still pending has been part of each batch, so that all of it shares one budget.
    async fn read_chunk(
        &self,
        group: RateGroup,
        paths: &[String],
        indexes: &[usize],
    ) -> Result<Vec<(usize, Result<Value, GraphError>)>, GraphError> {
        let mut results = Vec::new();
        let mut retry = Retry::default();
        let mut pending = indexes.to_vec();
        while !pending.is_empty() {
            let call = self.batch_call(group, paths, &pending);
            let mut answers = self.send_parts(&call, &mut retry).await?;
            let mut failed: Vec<(usize, LastError)> = Vec::new();
            for index in &pending {
                match self.judge_part(&paths[*index], answers.remove(index)) {
                    Judgement::Done(result) => results.push((*index, result)),
                    Judgement::Again(last) => failed.push((*index, last)),
                }
            }
            let mut refusals: BTreeMap<u16, usize> = BTreeMap::new();
            for status in failed.iter().filter_map(|(_, last)| last.refusal()) {
                *refusals.entry(status).or_default() += 1;
            }
            if refusals.values().sum::<usize>() < pending.len() {
                self.pace().lane(group).passed(Class::Read);
            }
            pending = failed.iter().map(|(index, _)| *index).collect();
            // The one that asks for the longest wait decides, or else one that asks to slow down.
            let longest = failed
                .iter()
                .map(|(_, last)| last)
                .max_by_key(|last| (last.retry_after(), last.refusal().is_some()));
            let Some(longest) = longest.cloned() else {
                break;
            };
            match self
                .before_next_try(&call, &mut retry, longest, refusals)
                .await
            {
                Err(GraphError::GivenUp { tries, .. }) => {
                    results.extend(failed.into_iter().map(|(index, last)| {
                        let request = RequestLine::get(path_only(&paths[index]));
                        let error = GraphError::GivenUp {
                            request,
                            tries,
                            last,
                        };
                        (index, Err(error))
                    }));
                    break;
                }
                other => other?,
            }
        }
        Ok(results)
    }

    fn batch_call(&self, group: RateGroup, paths: &[String], pending: &[usize]) -> Call {
        let parts = pending.iter().map(|index| {
            let path = &paths[*index];
            let mut part = json!({"id": index.to_string(), "method": "GET", "url": path});
            if path.ends_with("/$count") {
                // What a count needs to be answered (microsoft-graph-docs#11882).
                part["headers"] = json!({"ConsistencyLevel": "eventual"});
            }
            part
        });
        let parts: Vec<Value> = parts.collect();
        Call {
            group,
            cost: pending.iter().map(|index| units(&paths[*index])).sum(),
            ..Call::post(self.address().join("/$batch"), &json!({"requests": parts}))
        }
    }

    async fn send_parts(
        &self,
        call: &Call,
        retry: &mut Retry,
    ) -> Result<HashMap<usize, Response>, GraphError> {
        let answer: BatchAnswer = self
            .read_with(None, retry, call, |response| from_json(&response.body))
            .await?;
        Ok(answer
            .responses
            .into_iter()
            .filter_map(|part| Some((part.id.parse().ok()?, part.response())))
            .collect())
    }

    /// Reads what a part was answered with.
    fn judge_part(&self, path: &str, answer: Option<Response>) -> Judgement {
        let request = || RequestLine::get(path_only(path));
        let Some(response) = answer else {
            let lacks = "the batch's response lacks this part";
            return Judgement::Again(LastError::Other(lacks.into()));
        };
        match response.status {
            200..300 => match from_json(&response.body) {
                Ok(value) => Judgement::Done(Ok(value)),
                Err(misread) => Judgement::Again(LastError::Other(Cause::new(misread))),
            },
            300..400 => {
                let address = self.address();
                Judgement::Done(Err(GraphError::redirected(address, request(), &response)))
            }
            status => {
                let error = ServiceError::from_response(&response);
                if retry::is_transient(status) {
                    return Judgement::Again(LastError::Service(error));
                }
                let request = request();
                Judgement::Done(Err(GraphError::Service { request, error }))
            }
        }
    }
}

/// Returns what the directory takes a read for (microsoft-graph-docs-contrib: concepts/throttling-limits.md).
fn units(path: &str) -> usize {
    if path.contains("/transitiveMembers") {
        5
    } else {
        1
    }
}

fn path_only(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a batch costs is the sum over its parts.
    #[test]
    fn the_directory_takes_the_members_of_members_for_five_reads() {
        assert_eq!(units("/groups/1/transitiveMembers/$count"), 5);
        assert_eq!(units("/groups?$filter=displayName eq 'A'"), 1);
    }
}
