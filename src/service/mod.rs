//! What the program assumes about the service, as a table: [`ASSUMPTIONS`].
//!
//! This was written without access to a real tenant. So each assumption is a row that says where it comes
//! from, what depends on it and what happens if it does not hold; `doctor` checks whether it holds in a
//! tenant, and `docs/service.md` is made from the rows. A row knows nothing of how it is probed: that is
//! `graph::probe`'s, which a test holds to the table.

mod table;

pub use table::ASSUMPTIONS;

/// Something that is taken for granted.
#[derive(Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The stable word for it.
    pub id: &'static str,
    /// What is expected.
    pub expected: &'static str,
    /// How sure that is.
    pub basis: Basis,
    /// Where it comes from: `owner/name#number` is an issue or request on GitHub.
    pub source: &'static str,
    /// What depends on it.
    pub depends: &'static str,
    /// What the program does if it does not hold.
    pub fallback: &'static str,
    /// Whether a write relies on it.
    pub matters: bool,
    /// How it is found out.
    pub probe: Probe,
}

/// How sure an assumption is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Documented or seen by several.
    Certain,
    /// One good source, or what tools do.
    Likely,
    /// Contradictory, or not known at all.
    Unknown,
}

/// How an assumption is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// By reading, so.
    Read(&'static str),
    /// By writing to one policy: `doctor --try-writes`.
    Write(&'static str),
    /// Not by the program.
    Never(&'static str),
}

/// What was found of an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It differs.
    Differs,
    /// The sign-in may not look.
    NotPermitted,
    /// It was not found out.
    Unknown,
    /// It is so.
    Holds,
}

impl State {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::NotPermitted => "not permitted",
            Self::Unknown => "unknown",
            Self::Holds => "holds",
        }
    }
}

/// An assumption with what was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The assumption.
    pub assumption: &'static Assumption,
    /// Whether it holds.
    pub state: State,
    /// What was seen. Words of the service stand in backticks.
    pub seen: String,
}

impl Finding {
    /// Notes what was seen of the assumption with an id.
    ///
    /// # Panics
    ///
    /// There is no such assumption.
    pub fn new(id: &str, state: State, seen: impl Into<String>) -> Self {
        Self {
            assumption: assumption(id),
            state,
            seen: seen.into(),
        }
    }

    /// Whether a write relies on what differs.
    pub fn is_serious(&self) -> bool {
        self.state == State::Differs && self.assumption.matters
    }
}

/// What was found of all assumptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The findings, in table order.
    pub findings: Vec<Finding>,
    /// Whether all that reading can find out was read to its end.
    pub complete: bool,
}

impl Diagnosis {
    /// Puts findings in table order. What was not looked for is unknown.
    pub fn new(found: Vec<Finding>, complete: bool) -> Self {
        let of = |assumption: &'static Assumption| {
            let finding = found.iter().find(|found| found.assumption == assumption);
            finding.cloned().unwrap_or_else(|| {
                let seen = match assumption.probe {
                    Probe::Read(_) => "not read",
                    Probe::Write(_) => "only a write shows it: `doctor --try-writes POLICY`",
                    Probe::Never(why) => why,
                };
                Finding {
                    assumption,
                    state: State::Unknown,
                    seen: seen.to_owned(),
                }
            })
        };
        Self {
            findings: ASSUMPTIONS.iter().map(of).collect(),
            complete,
        }
    }

    /// Takes findings over, in place of what was known before.
    pub fn learn(&mut self, found: Vec<Finding>) {
        for finding in found {
            let known = self.findings.iter_mut();
            for known in known.filter(|known| known.assumption == finding.assumption) {
                *known = finding.clone();
            }
        }
    }
}

/// Finds an assumption that is known to be there.
fn assumption(id: &str) -> &'static Assumption {
    let mut all = ASSUMPTIONS.iter();
    all.find(|assumption| assumption.id == id)
        .expect("an assumption of the table")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_are_well_formed() {
        let mut ids = HashSet::new();
        for row in ASSUMPTIONS {
            let Assumption {
                id,
                expected,
                basis: _,
                source,
                depends,
                fallback,
                matters: _,
                probe,
            } = row;
            assert!(ids.insert(id), "{id}");
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{id}"
            );
            let (Probe::Read(how) | Probe::Write(how) | Probe::Never(how)) = probe;
            for text in [expected, source, depends, fallback, how] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{id}: {text}");
                // They stand in a table.
                assert!(!text.contains(['|', '\n']), "{id}: {text}");
            }
        }
    }

    #[test]
    fn what_was_not_looked_for_is_unknown() {
        let mut diagnosis = Diagnosis::new(Vec::new(), true);
        assert_eq!(diagnosis.findings.len(), ASSUMPTIONS.len());
        let mut states = diagnosis.findings.iter().map(|finding| finding.state);
        assert!(states.all(|state| state == State::Unknown));
        let id = ASSUMPTIONS[0].id;
        diagnosis.learn(vec![Finding::new(id, State::Holds, "so")]);
        assert_eq!(diagnosis.findings[0].state, State::Holds);
    }
}
