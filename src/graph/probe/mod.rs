//! Checks whether a tenant's service behaves as assumed ([`crate::service`]). It only reads: what it
//! holds is a [`Reader`].
//!
//! `lists` asks for the first pages of each kind and follows them, `items` for single policies, `shapes` and
//! `rules` look at what is there, `others` asks for the directory and filters, `records` for approvals and audit
//! events. A look that is refused or fails says so and keeps no other from being made.

mod items;
mod lists;
mod others;
mod records;
mod rules;
mod shapes;
mod tally;

use std::collections::BTreeSet;

use futures::StreamExt as _;
use serde_json::Value;

use super::client::Call;
use super::decode::{Object, from_json};
use super::error::{GraphError, LastError, ServiceError};
use super::permissions::{Granted, by_family};
use super::read::Reader;
use crate::kinds::PolicyKind;
use crate::service::Finding;
use lists::{Found, OfKind};
use tally::Tallies;

/// The id of what no tenant has.
const NOWHERE: &str = "00000000-0000-4000-8000-000000000001";

/// How many kinds are looked at side by side.
const PARALLEL_READS: usize = 4;

/// What came of the looks.
#[derive(Debug)]
pub struct Probed {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether no read failed. A read that is not permitted does not count as failed.
    pub complete: bool,
}

/// What came of a request.
enum ProbeAnswer<T> {
    Answer(T),
    Refused(ServiceError),
    /// No answer that can be used, in words that name no one.
    Failed(String),
}

/// Sorts an outcome: only a sign-in that fails and an interrupt end everything.
fn sorted<T>(outcome: Result<T, GraphError>) -> Result<ProbeAnswer<T>, GraphError> {
    match outcome {
        Ok(answer) => Ok(ProbeAnswer::Answer(answer)),
        Err(error @ (GraphError::SignIn(_) | GraphError::Interrupted)) => Err(error),
        // A token that is rejected is rejected everywhere.
        Err(error @ GraphError::Service { .. }) if is_rejected(&error) => Err(error),
        Err(GraphError::Service { error, .. }) => Ok(ProbeAnswer::Refused(error)),
        Err(GraphError::GivenUp {
            last: LastError::Service(error),
            tries,
            ..
        }) => Ok(ProbeAnswer::Failed(format!(
            "gave up after {tries} tries: status {}",
            error.status
        ))),
        Err(GraphError::Wait { .. }) => Ok(ProbeAnswer::Failed("the wait is too long".to_owned())),
        Err(_) => Ok(ProbeAnswer::Failed("no usable response".to_owned())),
    }
}

fn is_rejected(error: &GraphError) -> bool {
    matches!(error, GraphError::Service { error, .. } if error.status == 401)
}

/// Says a refusal in words that name no one.
fn refusal(error: &ServiceError) -> String {
    match error.code.as_str() {
        "" => format!("status {}", error.status),
        code => format!("status {} `{code}`", error.status),
    }
}

impl Reader {
    /// Checks the assumptions about the service with policies of the given kinds.
    ///
    /// # Errors
    ///
    /// There is no token, it is rejected, or the run was interrupted.
    pub async fn probe(&self, kinds: &[PolicyKind]) -> Result<Probed, GraphError> {
        let claims = self.client().claims().await?;
        let mut tallies = Tallies::default();
        let looks = kinds.iter().map(|kind| self.kind(*kind));
        let looks = futures::stream::iter(looks).buffered(PARALLEL_READS);
        let found: Vec<_> = looks.collect().await;
        let mut groups = BTreeSet::new();
        for found in found {
            let (found, more) = found?;
            let granted = claims.as_deref().map(|claims| &claims.permissions);
            permitted(&mut tallies, &found, granted);
            match &found.what {
                Found::Read(pages) => {
                    groups.extend(shapes::look(&mut tallies, found.kind, pages));
                    rules::look(&mut tallies, found.kind, pages);
                    tallies.holds("licences", format!("`{}`", found.kind));
                }
                Found::Unavailable(reason) => {
                    tallies.differs("licences", format!("no list of `{}`: {reason}", found.kind));
                }
                Found::Forbidden => {}
                Found::Failed(why) => {
                    tallies.failed("licences", format!("`{}`: {why}", found.kind));
                }
            }
            more.add_to(&mut tallies);
        }
        match claims.as_deref() {
            Some(claims) => may_write(&mut tallies, &by_family(&claims.permissions, kinds)),
            None => tallies.open("write-permissions", "the token cannot be read"),
        }
        let groups: Vec<String> = groups.into_iter().collect();
        self.about_groups(&mut tallies, &groups).await?;
        self.filters_of(&mut tallies).await?;
        self.approvals_of(&mut tallies).await?;
        self.events_of(&mut tallies).await?;
        let complete = !tallies.incomplete;
        Ok(Probed {
            findings: tallies.findings(),
            complete,
        })
    }

    /// Asks for an object.
    async fn ask(&self, path: &str) -> Result<ProbeAnswer<Object>, GraphError> {
        self.ask_at(self.client().address().join(path)).await
    }

    async fn ask_at(&self, url: String) -> Result<ProbeAnswer<Object>, GraphError> {
        self.ask_call(&Call::get(url)).await
    }

    async fn ask_call(&self, call: &Call) -> Result<ProbeAnswer<Object>, GraphError> {
        let read = self
            .client()
            .read(call, |response| from_json(&response.body));
        sorted(read.await)
    }
}

fn values(page: &Object) -> impl Iterator<Item = &Object> {
    let values = page.get("value").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_object)
}

fn text<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.get(key)?.as_str()
}

/// What an answer says of an assumption.
enum Verdict {
    Holds(String),
    Differs(String),
    /// It says nothing of it.
    Open(String),
}

/// Judges an answer. A missing permission does not count as a difference.
fn judge(
    tallies: &mut Tallies,
    id: &'static str,
    what: &str,
    asked: &ProbeAnswer<Object>,
    see: impl Fn(&Object) -> Verdict,
) {
    match asked {
        ProbeAnswer::Answer(page) => match see(page) {
            Verdict::Holds(seen) => tallies.holds(id, seen),
            Verdict::Differs(seen) => tallies.differs(id, seen),
            Verdict::Open(seen) => tallies.open(id, seen),
        },
        ProbeAnswer::Refused(error) if error.is_forbidden() => {
            tallies.forbidden(id, format!("{what}: {}", refusal(error)));
        }
        ProbeAnswer::Refused(error) => tallies.differs(id, format!("{what}: {}", refusal(error))),
        ProbeAnswer::Failed(why) => tallies.failed(id, format!("{what}: {why}")),
    }
}

/// Says what writing each kind takes, and whether it is granted.
fn may_write(tallies: &mut Tallies, families: &[Granted]) {
    const ID: &str = "write-permissions";
    let (held, missing): (Vec<&Granted>, Vec<&Granted>) =
        families.iter().partition(|family| family.write);
    for family in &missing {
        let kinds = family.kinds.iter().map(|kind| format!("`{kind}`"));
        let kinds: Vec<String> = kinds.collect();
        let name = family.permissions.write();
        tallies.forbidden(ID, format!("{}: `{name}` is not granted", kinds.join(", ")));
    }
    for family in held {
        let name = family.permissions.write();
        match missing.is_empty() {
            true => tallies.holds(ID, format!("`{name}`")),
            false => tallies.forbidden(ID, format!("`{name}` is granted")),
        }
    }
}

/// Compares what may be read with what the token says may be read.
fn permitted(tallies: &mut Tallies, found: &OfKind, granted: Option<&BTreeSet<String>>) {
    const ID: &str = "read-permissions";
    let kind = found.kind;
    let needed = kind.spec().permissions.read();
    let may = granted.map(|granted| by_family(granted, &[kind]).iter().all(|family| family.read));
    match (&found.what, may) {
        (Found::Forbidden, Some(true)) => {
            tallies.differs(
                ID,
                format!("`{kind}` is refused, though `{needed}` is granted"),
            );
        }
        (Found::Forbidden, _) => tallies.forbidden(ID, format!("`{kind}` needs `{needed}`")),
        (Found::Read(_), Some(false)) => {
            tallies.differs(ID, format!("`{kind}` can be read without `{needed}`"));
        }
        (Found::Read(_), Some(true)) => tallies.holds(ID, format!("`{needed}`")),
        (Found::Read(_), None) => tallies.open(ID, "the token cannot be read"),
        (Found::Unavailable(_) | Found::Failed(_), _) => {}
    }
}
