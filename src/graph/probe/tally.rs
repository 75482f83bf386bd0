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

impl Tallies {
    fn of(&mut self, id: &'static str) -> &mut Tally {
        self.of.entry(id).or_default()
    }

    /// Notes where it is so.
    pub(super) fn holds(&mut self, id: &'static str, at: impl Into<String>) {
        add(&mut self.of(id).held, at.into());
    }

    /// Notes what differs.
    pub(super) fn differs(&mut self, id: &'static str, seen: impl Into<String>) {
        add(&mut self.of(id).differs, seen.into());
    }

    /// Notes what the sign-in may not see.
    pub(super) fn forbidden(&mut self, id: &'static str, what: impl Into<String>) {
        add(&mut self.of(id).forbidden, what.into());
    }

    /// Notes that there was nothing to look at.
    pub(super) fn open(&mut self, id: &'static str, why: impl Into<String>) {
        add(&mut self.of(id).open, why.into());
    }

    /// Notes that a look failed.
    pub(super) fn failed(&mut self, id: &'static str, why: impl Into<String>) {
        self.incomplete = true;
        self.open(id, why);
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

fn add(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
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
