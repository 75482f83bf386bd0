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

use super::decode::Object;
use super::error::{GraphError, LastError, ServiceError};
use super::permissions::{Granted, by_family};
use super::read::Reader;
use crate::kinds::PolicyKind;
use crate::service::Finding;
use lists::Looks;
use tally::{
    Tallies,
    Verdict::{self, Differs, Failed, Forbidden, Holds, Open},
};

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

/// Why a request brought no answer.
enum NoAnswer {
    Refused(ServiceError),
    /// No answer that can be used, in words that name no one.
    Failed(String),
}

/// What came of a request.
type Asked<T> = Result<T, NoAnswer>;

impl NoAnswer {
    /// Judges that there is no answer. A missing permission does not count as a difference.
    fn verdict(&self, what: &str) -> Verdict {
        match self {
            Self::Refused(error) if error.is_forbidden() => {
                Forbidden(format!("{what}{}", refusal(error)))
            }
            Self::Refused(error) => Differs(format!("{what}{}", refusal(error))),
            Self::Failed(why) => Failed(format!("{what}{why}")),
        }
    }
}

/// Sorts an outcome: only a sign-in that fails and an interrupt end everything.
fn sorted<T>(outcome: Result<T, GraphError>) -> Result<Asked<T>, GraphError> {
    let why = match outcome {
        Ok(answer) => return Ok(Ok(answer)),
        Err(GraphError::Service { error, .. }) if error.status != 401 => {
            return Ok(Err(NoAnswer::Refused(error)));
        }
        // A token that is rejected is rejected everywhere.
        Err(
            error @ (GraphError::SignIn(_) | GraphError::Interrupted | GraphError::Service { .. }),
        ) => return Err(error),
        Err(GraphError::GivenUp {
            last: LastError::Service(error),
            tries,
            ..
        }) => format!("gave up after {tries} tries: status {}", error.status),
        Err(GraphError::Wait { .. }) => "the wait is too long".to_owned(),
        Err(_) => "no usable response".to_owned(),
    };
    Ok(Err(NoAnswer::Failed(why)))
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
        let granted = claims.as_deref().map(|claims| &claims.permissions);
        let mut tallies = Tallies::default();
        let looks = kinds.iter().map(|kind| self.kind(*kind));
        let looks = futures::stream::iter(looks).buffered(PARALLEL_READS);
        let found: Vec<_> = looks.collect().await;
        let mut groups = BTreeSet::new();
        for (kind, found) in kinds.iter().zip(found) {
            let kind = *kind;
            let found = found?;
            tallies.note("read-permissions", permitted(kind, &found, granted));
            match found {
                Ok(Looks { pages, verdicts }) => {
                    groups.extend(shapes::look(&mut tallies, kind, &pages));
                    rules::look(&mut tallies, kind, &pages);
                    tallies.note("licences", Holds(format!("`{kind}`")));
                    for (id, verdict) in verdicts {
                        tallies.note(id, verdict);
                    }
                }
                Err(NoAnswer::Refused(error)) if error.is_forbidden() => {}
                Err(NoAnswer::Refused(error)) => {
                    let seen = format!("no list of `{kind}`: {}", refusal(&error));
                    tallies.note("licences", Differs(seen));
                }
                Err(failed) => tallies.note("licences", failed.verdict(&format!("`{kind}`: "))),
            }
        }
        match granted {
            Some(granted) => may_write(&mut tallies, &by_family(granted, kinds)),
            None => tallies.note("write-permissions", unreadable_token()),
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
    async fn ask(&self, path: &str) -> Result<Asked<Object>, GraphError> {
        sorted(self.get(path).await)
    }
}

fn values(page: &Object) -> impl Iterator<Item = &Object> {
    let values = page.get("value").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_object)
}

fn text<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.get(key)?.as_str()
}

/// Returns the assignments that an object brings; none if it says nothing of them.
fn assignments_in(object: &Object) -> &[Value] {
    let assignments = object.get("assignments").and_then(Value::as_array);
    assignments.map(Vec::as_slice).unwrap_or_default()
}

/// Judges an answer, or that there is none.
fn judge(what: &str, asked: &Asked<Object>, see: impl Fn(&Object) -> Verdict) -> Verdict {
    match asked {
        Ok(page) => see(page),
        Err(none) => none.verdict(&format!("{what}: ")),
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
        let lacking = format!("{}: `{name}` is not granted", kinds.join(", "));
        tallies.note(ID, Forbidden(lacking));
    }
    for family in held {
        let name = family.permissions.write();
        tallies.note(
            ID,
            match missing.is_empty() {
                true => Holds(format!("`{name}`")),
                false => Forbidden(format!("`{name}` is granted")),
            },
        );
    }
}

fn unreadable_token() -> Verdict {
    Open("the token cannot be read".to_owned())
}

/// Compares what may be read with what the token says may be read.
fn permitted(
    kind: PolicyKind,
    found: &Asked<Looks>,
    granted: Option<&BTreeSet<String>>,
) -> Option<Verdict> {
    let needed = kind.spec().permissions.read();
    let may = granted.map(|granted| by_family(granted, &[kind]).iter().all(|family| family.read));
    match (found, may) {
        (Err(NoAnswer::Refused(error)), may) if error.is_forbidden() => Some(match may {
            Some(true) => Differs(format!("`{kind}` is refused, though `{needed}` is granted")),
            _ => Forbidden(format!("`{kind}` needs `{needed}`")),
        }),
        (Err(_), _) => None,
        (Ok(_), Some(false)) => Some(Differs(format!("`{kind}` can be read without `{needed}`"))),
        (Ok(_), Some(true)) => Some(Holds(format!("`{needed}`"))),
        (Ok(_), None) => Some(unreadable_token()),
    }
}
