//! What many looks say of an assumption, put together.

use std::collections::BTreeMap;

use crate::service::{Finding, State};

/// How many of many things are named.
const MOST_NAMED: usize = 4;

/// Looks by assumption.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    of: BTreeMap<&'static str, Tally>,
    /// Whether something could not be read that may be read.
    pub(super) incomplete: bool,
}

#[derive(Debug, Default)]
struct Tally {
    held: Vec<String>,
    differs: Vec<String>,
    forbidden: Vec<String>,
    open: Vec<String>,
}

/// What a look says of an assumption.
pub(super) enum Verdict {
    /// Where it is so.
    Holds(String),
    /// What differs.
    Differs(String),
    /// What the sign-in may not see.
    Forbidden(String),
    /// Why it says nothing: there was nothing to look at.
    Open(String),
    /// Why the look failed.
    Failed(String),
}

impl Verdict {
    /// Judges by whether it is so.
    pub(super) fn of(is_so: bool, at: String, differs: String) -> Self {
        match is_so {
            true => Self::Holds(at),
            false => Self::Differs(differs),
        }
    }
}

impl Tallies {
    /// Notes what a look says, if it says something.
    pub(super) fn note(&mut self, id: &'static str, verdict: impl Into<Option<Verdict>>) {
        let Some(verdict) = verdict.into() else {
            return;
        };
        self.incomplete |= matches!(verdict, Verdict::Failed(_));
        let tally = self.of.entry(id).or_default();
        let (list, text) = match verdict {
            Verdict::Holds(at) => (&mut tally.held, at),
            Verdict::Differs(seen) => (&mut tally.differs, seen),
            Verdict::Forbidden(what) => (&mut tally.forbidden, what),
            Verdict::Open(why) | Verdict::Failed(why) => (&mut tally.open, why),
        };
        if !list.contains(&text) {
            list.push(text);
        }
    }

    /// Judges: one place where it differs is enough, and so is one where it holds if there is none.
    pub(super) fn findings(self) -> Vec<Finding> {
        let tallies = self.of.into_iter();
        tallies
            .map(|(id, tally)| {
                let Tally {
                    held,
                    differs,
                    forbidden,
                    open,
                } = tally;
                // What differs or lacking is said in full.
                let (state, seen) = if !differs.is_empty() {
                    (State::Differs, differs.join("; "))
                } else if !held.is_empty() && forbidden.is_empty() {
                    (State::Holds, listed(&held, ", "))
                } else if !held.is_empty() {
                    let lacking = forbidden.join("; ");
                    let seen = format!("{}; not permitted: {lacking}", listed(&held, ", "));
                    (State::Holds, seen)
                } else if !forbidden.is_empty() {
                    (State::NotPermitted, forbidden.join("; "))
                } else {
                    (State::Unknown, listed(&open, "; "))
                };
                Finding::new(id, state, seen)
            })
            .collect()
    }
}

fn listed(all: &[String], separator: &str) -> String {
    match all.len() {
        0 => "nothing to look at".to_owned(),
        number if number <= MOST_NAMED => all.join(separator),
        number => {
            let named = all[..MOST_NAMED - 1].join(separator);
            format!("{named}{separator}and {} more", number - MOST_NAMED + 1)
        }
    }
}
