//! `doctor`: checks the assumptions about the service. It reads, and writes nothing.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Failure, unless_stopped};
use crate::exit::Exit;
use crate::files;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::record::{Exchange, HOLDS, Recorder};
use crate::model::PolicyKind;
use crate::service::{Diagnosis, Finding, State};

/// More than this many seconds between two clocks, and tokens count as expired or not valid yet.
const CLOCK_SKEW: i64 = 300;

/// From this share of a limit on the directory says how near it is
/// (microsoft-graph-docs-contrib: concepts/throttling-limits.md).
const NEAR_LIMIT: f64 = 0.8;

/// What was found, and what went over the wire for it.
#[derive(Debug)]
pub struct Examined {
    /// The findings.
    pub diagnosis: Diagnosis,
    /// The exchanges, without personal data.
    pub exchanges: Vec<Exchange>,
}

/// Looks by policies of some kinds, or of all. What `recorder` keeps says how the service answered.
///
/// # Errors
///
/// There is no token, it is rejected, or the run was interrupted.
pub async fn doctor(
    client: &Arc<Client>,
    recorder: &Recorder,
    kinds: &[PolicyKind],
    stop: &CancellationToken,
) -> Result<Examined, Failure> {
    let reader = Reader::new(Arc::clone(client));
    let all: Vec<PolicyKind> = PolicyKind::all().collect();
    let kinds = if kinds.is_empty() { &all } else { kinds };
    let probed = unless_stopped(stop, async { Ok(reader.probe(kinds).await?) }).await?;
    let exchanges = recorder.take();
    let mut diagnosis = Diagnosis::new(probed.findings, probed.complete);
    diagnosis.learn(on_the_wire(&exchanges));
    Ok(Examined {
        diagnosis,
        exchanges,
    })
}

/// Judges what the answers say besides what was asked for.
fn on_the_wire(exchanges: &[Exchange]) -> Vec<Finding> {
    let statuses = exchanges.iter().filter_map(|exchange| exchange.status);
    let answers = statuses.count();
    let is_slowed = |exchange: &&Exchange| matches!(exchange.status, Some(429 | 503));
    let slowed: Vec<&Exchange> = exchanges.iter().filter(is_slowed).collect();
    let all = exchanges.iter();
    let near = all.filter_map(|exchange| exchange.throttle_percentage);
    let near = near.fold(0.0, f64::max);
    let throttling = if !slowed.is_empty() {
        let seen = format!("{} of {answers} responses were throttled", slowed.len());
        (State::Differs, seen)
    } else if near >= NEAR_LIMIT {
        let seen = format!(
            "the directory says that {:.0} % of its limit are used",
            near * 100.0
        );
        (State::Differs, seen)
    } else if answers == 0 {
        (State::Unknown, "there was no response".to_owned())
    } else {
        (
            State::Holds,
            format!("none of {answers} responses were throttled"),
        )
    };
    let silent = slowed
        .iter()
        .filter(|exchange| !exchange.has_retry_after)
        .count();
    let retry_after = match (slowed.len(), silent) {
        (0, _) => (State::Unknown, "no response was throttled".to_owned()),
        (all, 0) => (
            State::Holds,
            format!("all {all} throttled responses had `Retry-After`"),
        ),
        (all, silent) => {
            let seen = format!("{silent} of {all} throttled responses lacked `Retry-After`");
            (State::Differs, seen)
        }
    };
    let ahead = exchanges.iter().filter_map(|exchange| {
        let date = exchange.date?;
        Some(date.as_second() - exchange.at.as_second())
    });
    let clock = match ahead.min_by_key(|seconds| seconds.abs()) {
        None => (State::Unknown, "no response had a date".to_owned()),
        Some(seconds) => {
            let state = match seconds.abs() < CLOCK_SKEW {
                true => State::Holds,
                false => State::Differs,
            };
            (state, format!("the service's clock is {seconds} s ahead"))
        }
    };
    [
        ("throttling", throttling),
        ("retry-after", retry_after),
        ("clock", clock),
    ]
    .into_iter()
    .map(|(id, (state, seen))| Finding::new(id, state, seen))
    .collect()
}

/// Judges the findings as a whole.
///
/// # Errors
///
/// Names what differs and a write relies on; or says that requests failed.
pub fn verdict(diagnosis: &Diagnosis) -> Result<Exit, Failure> {
    let serious = diagnosis.findings.iter().filter(|found| found.is_serious());
    let names: Vec<String> = serious
        .map(|found| format!("`{}`", found.assumption.id))
        .collect();
    if names.is_empty() && diagnosis.complete {
        return Ok(Exit::Success);
    }
    if names.is_empty() {
        return Err(
            Failure::other("some requests failed, so not all is known of the service")
                .hint("run again when the service answers; what is `unknown` says why"),
        );
    }
    Err(Failure::other(format!("writes rely on what differs here: {}", names.join(", ")),
    )
    .hint("`plan` is safe, and `apply` refuses or fails where it cannot know; report this with the file of `doctor --share FILE`, which holds no names"))
}

/// Returns what may be shown to anyone: the findings, and the exchanges.
pub fn shared(examined: &Examined, recorder: &Recorder) -> Value {
    let findings = examined.diagnosis.findings.iter();
    let findings: Vec<Value> = findings
        .map(|found| {
            json!({
                "id": found.assumption.id,
                "state": found.state.name(),
                "seen": recorder.sentence(&found.seen),
                "expected": found.assumption.expected,
                "matters": found.assumption.matters,
            })
        })
        .collect();
    let exchanges = examined.exchanges.iter().map(|exchange| &exchange.record);
    json!({
        "formatVersion": "1.0",
        "tool": concat!("assignctl ", env!("CARGO_PKG_VERSION")),
        "holds": HOLDS,
        "complete": examined.diagnosis.complete,
        "assumptions": findings,
        "exchanges": exchanges.collect::<Vec<_>>(),
    })
}

/// Refuses to put a record in the place of a file that is none.
///
/// # Errors
///
/// Names the option and the file.
pub fn check_record(option: &str, path: &Path) -> Result<(), Failure> {
    const ENOUGH: u64 = 1 << 30;
    if !std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let known = files::read(path, ENOUGH).is_ok_and(|bytes| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        bytes.is_empty() || start.contains(HOLDS)
    });
    if known {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{option} {}` would write over a file that is not a record",
        path.display()
    ))
    .hint("use another file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_success() {
        let exit = |found: Vec<Finding>, complete| match verdict(&Diagnosis::new(found, complete)) {
            Ok(exit) => exit,
            Err(failure) => failure.exit,
        };
        let differs = |id| vec![Finding::new(id, State::Differs, "so")];
        assert_eq!(exit(Vec::new(), true), Exit::Success);
        assert_eq!(exit(Vec::new(), false), Exit::Failure);
        // Nothing relies on the one, and writes do on the other.
        assert_eq!(exit(differs("odata-count"), true), Exit::Success);
        assert_eq!(exit(differs("next-link"), true), Exit::Failure);
        // No answer says nothing of the service.
        let states = on_the_wire(&[]).into_iter().map(|found| found.state);
        assert!(states.into_iter().all(|state| state == State::Unknown));
    }
}
