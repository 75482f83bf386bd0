//! Progress where there is no terminal: lines, not too many, for the log of a job.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use super::counts::Counts;
use crate::apply::Settled;
use crate::graph::pace::Class;
use crate::plan::PlannedPolicy;
use crate::render::clean::clean;
use crate::render::words::{count, duration};

/// A list with small pages does not fill the log.
const BETWEEN_PAGES: Duration = Duration::from_secs(2);

/// Less time than this is not worth telling.
pub(super) const LITTLE_TIME: Duration = Duration::from_secs(2);

/// What was said when.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pages: BTreeMap<&'static str, Instant>,
}

impl Lines {
    pub(super) fn page(&mut self, list: &'static str, pages: usize, total: usize, now: Instant) {
        let last = self.pages.get(list);
        if last.is_none_or(|last| *last + BETWEEN_PAGES <= now) {
            self.pages.insert(list, now);
            say(&format!(
                "read {total} of {list} so far ({})",
                count(pages, "page", "pages")
            ));
        }
    }

    pub(super) fn waiting(&self, class: Class, wait: Duration, asked: bool) {
        say(&waiting(class, wait, asked));
    }

    pub(super) fn settled(
        &self,
        policy: &PlannedPolicy,
        settled: &Settled,
        counts: &Counts,
        left: Duration,
    ) {
        let time = if left < LITTLE_TIME {
            String::new()
        } else {
            format!(
                " ({} of {} done, about {} left)",
                counts.writes_done,
                count(counts.writes, "write", "writes"),
                duration(left)
            )
        };
        say(&format!(
            "[{}/{}] {}{time}",
            counts.policies_done,
            counts.policies,
            outcome(policy, settled)
        ));
    }
}

/// Says what became of a policy.
pub(super) fn outcome(policy: &PlannedPolicy, settled: &Settled) -> String {
    format!(
        "{} {} {}",
        settled.outcome.name(),
        policy.kind,
        clean(&policy.name)
    )
}

/// Says what is waited for.
pub(super) fn waiting(class: Class, wait: Duration, asked: bool) -> String {
    // What is left of a second is a second.
    let wait = duration(Duration::from_secs(wait.as_secs_f64().ceil() as u64));
    let class = class.plural();
    if asked {
        format!("waiting {wait} with {class}: the service asked for it")
    } else {
        format!("waiting {wait} for the service's limit of {class}")
    }
}

fn say(line: &str) {
    let mut stderr = anstream::stderr().lock();
    // Progress that nobody can see is no failure.
    let _ = writeln!(stderr, "{line}");
}
