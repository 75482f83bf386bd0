//! Looking whether a tenant's service is as it is taken for ([`crate::service`]). It only reads: what it
//! holds is a [`Reader`].
//!
//! `lists` asks for the first pages of each kind and follows them, `shapes` looks at what is on them,
//! `others` asks for the directory, approvals and audit events. A look that is refused or fails says so and
//! keeps no other from being made.

mod lists;
mod others;
mod shapes;
mod tally;

use std::collections::BTreeSet;

use futures::StreamExt as _;

use super::client::Call;
use super::decode::{Object, from_json};
use super::error::{GraphError, LastError, ServiceError};
use super::permissions::{by_family, missing_to_write};
use super::read::Reader;
use crate::kinds::PolicyKind;
use crate::service::Finding;
use lists::{Found, OfKind};
use tally::Tallies;

/// How many kinds are looked at side by side.
const SIDE_BY_SIDE: usize = 4;

/// What came of the looks.
#[derive(Debug)]
pub struct Probed {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether no look failed. What is not permitted is no failure.
    pub complete: bool,
}

/// What came of a request.
enum Asked<T> {
    Answer(T),
    Refused(ServiceError),
    /// No answer that can be used, in words that name no one.
    Failed(String),
}

/// Sorts an outcome: only a sign-in that fails and an interrupt end everything.
fn sorted<T>(outcome: Result<T, GraphError>) -> Result<Asked<T>, GraphError> {
    match outcome {
        Ok(answer) => Ok(Asked::Answer(answer)),
        Err(error @ (GraphError::SignIn(_) | GraphError::Interrupted)) => Err(error),
        // A token that is rejected is rejected everywhere.
        Err(error @ GraphError::Service { .. }) if is_rejected(&error) => Err(error),
        Err(GraphError::Service { error, .. }) => Ok(Asked::Refused(error)),
        Err(GraphError::GivenUp {
            last: LastError::Service(error),
            tries,
            ..
        }) => Ok(Asked::Failed(format!(
            "given up after {tries} tries: status {}",
            error.status
        ))),
        Err(GraphError::Wait { .. }) => Ok(Asked::Failed("the wait is too long".to_owned())),
        Err(_) => Ok(Asked::Failed("no answer that can be used".to_owned())),
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
    /// Looks whether the service is as it is taken for, by policies of some kinds.
    ///
    /// # Errors
    ///
    /// There is no token, it is rejected, or the run was interrupted.
    pub async fn probe(&self, kinds: &[PolicyKind]) -> Result<Probed, GraphError> {
        let claims = self.client().claims().await?;
        let mut tallies = Tallies::default();
        let looks = kinds.iter().map(|kind| self.kind(*kind));
        let looks = futures::stream::iter(looks).buffered(SIDE_BY_SIDE);
        let found: Vec<_> = looks.collect().await;
        let mut groups = BTreeSet::new();
        for found in found {
            let (found, more) = found?;
            let granted = claims.as_deref().map(|claims| &claims.permissions);
            permitted(&mut tallies, &found, granted);
            match &found.what {
                Found::Read(pages) => {
                    groups.extend(shapes::look(&mut tallies, found.kind, pages));
                    tallies.holds("licences", format!("`{}`", found.kind));
                }
                Found::Unavailable(said) => {
                    tallies.differs("licences", format!("no list of `{}`: {said}", found.kind));
                }
                Found::Forbidden => {}
                Found::Failed(why) => {
                    tallies.failed("licences", format!("`{}`: {why}", found.kind));
                }
            }
            more.add_to(&mut tallies);
        }
        match claims.as_deref() {
            Some(claims) => {
                let missing = missing_to_write(kinds.iter().copied(), &claims.permissions);
                for name in missing {
                    tallies.forbidden("write-permissions", format!("`{name}` is not granted"));
                }
                let families = by_family(&claims.permissions, kinds);
                let all = families.iter().all(|family| family.write);
                if all {
                    tallies.holds("write-permissions", "everything is granted");
                }
            }
            None => tallies.open("write-permissions", "the token cannot be read"),
        }
        let groups: Vec<String> = groups.into_iter().collect();
        self.about_groups(&mut tallies, &groups).await?;
        self.beside(&mut tallies).await?;
        let complete = !tallies.incomplete;
        Ok(Probed {
            findings: tallies.findings(),
            complete,
        })
    }

    /// Asks for an object.
    async fn ask(&self, path: &str) -> Result<Asked<Object>, GraphError> {
        self.ask_at(self.client().address().join(path)).await
    }

    async fn ask_at(&self, url: String) -> Result<Asked<Object>, GraphError> {
        self.ask_call(&Call::get(url)).await
    }

    async fn ask_call(&self, call: &Call) -> Result<Asked<Object>, GraphError> {
        let read = self
            .client()
            .read(call, |response| from_json(&response.body));
        sorted(read.await)
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
        (Found::Forbidden, _) => tallies.forbidden(ID, format!("`{kind}` takes `{needed}`")),
        (Found::Read(_), Some(false)) => {
            tallies.differs(ID, format!("`{kind}` can be read without `{needed}`"));
        }
        (Found::Read(_), Some(true)) => tallies.holds(ID, format!("`{needed}`")),
        (Found::Read(_), None) => tallies.open(ID, "the token cannot be read"),
        (Found::Unavailable(_) | Found::Failed(_), _) => {}
    }
}
