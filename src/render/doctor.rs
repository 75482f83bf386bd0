//! What was found of the assumptions about the service, as text, Markdown and JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::clean;
use super::columns::wrap;
use super::markdown::code;
use crate::service::{Diagnosis, Finding, State};
use crate::text::count;

/// What is said of an assumption that does not hold and matters.
const SERIOUS: &str = "(a write relies on it)";

/// Maximum line width.
const WIDTH: usize = 100;

/// The states in the order in which they are printed, with their verbs for one and for many.
const STATES: [(State, &str, &str); 4] = [
    (State::Differs, "differs", "differ"),
    (State::NotPermitted, "not permitted", "not permitted"),
    (State::Unknown, "unknown", "unknown"),
    (State::Holds, "holds", "hold"),
];

/// Findings as programs read them.
#[derive(Debug, Serialize)]
pub struct DiagnosisRecord<'a> {
    assumptions: Vec<FindingRecord<'a>>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct FindingRecord<'a> {
    id: &'static str,
    state: &'static str,
    seen: &'a str,
    expected: &'static str,
    matters: bool,
}

/// Writes findings out.
pub fn record(diagnosis: &Diagnosis) -> DiagnosisRecord<'_> {
    let Diagnosis { findings, complete } = diagnosis;
    let findings = findings.iter().map(|finding| {
        let Finding {
            assumption,
            state,
            seen,
        } = finding;
        FindingRecord {
            id: assumption.id,
            state: state.name(),
            seen,
            expected: assumption.expected,
            matters: assumption.matters,
        }
    });
    DiagnosisRecord {
        assumptions: findings.collect(),
        complete: *complete,
    }
}

/// Returns the findings of a state, those that a write relies on first.
fn of(diagnosis: &Diagnosis, state: State) -> Vec<&Finding> {
    let findings = diagnosis.findings.iter();
    let mut found: Vec<&Finding> = findings.filter(|found| found.state == state).collect();
    found.sort_by_key(|found| !found.assumption.matters);
    found
}

fn summary(diagnosis: &Diagnosis) -> String {
    let counts = STATES.iter().filter_map(|(state, one, many)| {
        let number = of(diagnosis, *state).len();
        (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { many }))
    });
    let counts: Vec<String> = counts.collect();
    let all = count(diagnosis.findings.len(), "assumption", "assumptions");
    let note = match diagnosis.complete {
        true => "",
        false => " Some requests failed, so this is not all.",
    };
    format!("{all}: {}.{note}", counts.join(", "))
}

/// Says findings for people: what differs in full, what holds in a line.
pub fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for (state, ..) in STATES {
        for finding in of(diagnosis, state) {
            let Finding {
                assumption, seen, ..
            } = finding;
            let _ = write!(text, "{:<14} {}", state.name(), assumption.id);
            let _ = match finding.is_serious() {
                true => writeln!(text, "  {SERIOUS}"),
                false => writeln!(text),
            };
            let seen = clean(seen);
            let sentences = match state {
                State::Differs => vec![
                    format!("expected: {}", assumption.expected),
                    format!("seen: {seen}"),
                    format!("then: {}", assumption.fallback),
                ],
                _ => vec![seen.into_owned()],
            };
            for line in sentences.iter().flat_map(|sentence| wrap(sentence, WIDTH)) {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    let _ = writeln!(text, "\n{}", summary(diagnosis));
    text
}

/// Says findings as a table; what holds is folded.
pub fn markdown(diagnosis: &Diagnosis) -> String {
    let mut text = format!("### doctor\n\n{}\n", summary(diagnosis));
    let assignment = |finding: &Finding| {
        let Finding {
            assumption,
            state,
            seen,
        } = finding;
        let state = match finding.is_serious() {
            true => format!("{} {SERIOUS}", state.name()),
            false => state.name().to_owned(),
        };
        // What was seen holds words of the service.
        let seen = code(clean(seen).replace('`', "'"));
        format!("| {state} | `{}` | {seen} |\n", assumption.id)
    };
    const HEAD: &str = "| state | assumption | seen |\n|---|---|---|\n";
    let odd = STATES.iter().filter(|(state, ..)| *state != State::Holds);
    let odd = odd.flat_map(|(state, ..)| of(diagnosis, *state));
    let odd: String = odd.map(assignment).collect();
    if !odd.is_empty() {
        let _ = write!(text, "\n{HEAD}{odd}");
    }
    let held = of(diagnosis, State::Holds);
    if !held.is_empty() {
        let are = count(held.len(), "is", "are");
        let rows: String = held.into_iter().map(assignment).collect();
        let _ = write!(
            text,
            "\n<details><summary>{are} as expected</summary>\n\n{HEAD}{rows}\n</details>\n"
        );
    }
    text
}
