//! Progress where there is no terminal: lines, not too many, for the log of a job.

use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use super::counts::Counts;
use crate::graph::pace::Class;
use crate::plan::PlannedPolicy;
use crate::render::clean::clean;
use crate::render::phrases::{count, duration};
use crate::report::PolicyResult;

/// What is read within this time is only in the totals, and a list with small pages does not fill the log.
const BETWEEN_PAGES: Duration = Duration::from_secs(2);

/// Less time than this is not worth telling.
pub(super) const LITTLE_TIME: Duration = Duration::from_secs(2);

/// When the latest line about pages was printed, or the first page came.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pages: Option<Instant>,
}

impl Lines {
    pub(super) fn page(&mut self, list: &str, pages: usize, total: usize, now: Instant) {
        if let Some(line) = self.line_of_page(list, pages, total, now) {
            say(&line);
        }
    }

    fn line_of_page(
        &mut self,
        list: &str,
        pages: usize,
        total: usize,
        now: Instant,
    ) -> Option<String> {
        // A list without objects is in the totals.
        if total == 0 || *self.pages.get_or_insert(now) + BETWEEN_PAGES > now {
            return None;
        }
        self.pages = Some(now);
        let pages = count(pages, "page", "pages");
        Some(format!("read {total} of {list} so far ({pages})"))
    }

    pub(super) fn waiting(&self, class: Class, wait: Duration, asked: bool) {
        say(&waiting(class, wait, asked));
    }

    pub(super) fn settled(
        &self,
        policy: &PlannedPolicy,
        settled: &PolicyResult,
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
pub(super) fn outcome(policy: &PlannedPolicy, settled: &PolicyResult) -> String {
    format!(
        "{} {} {}",
        settled.outcome.name(),
        policy.kind,
        clean(&policy.name)
    )
}

/// Says what is waited for.
pub(super) fn waiting(class: Class, wait: Duration, asked: bool) -> String {
    let wait = duration(in_seconds(wait));
    let class = class.plural();
    if asked {
        format!("pausing {class} for {wait}, as the service asked")
    } else {
        format!("waiting {wait} for the rate limit on {class}")
    }
}

/// Says that requests for approval are looked for.
pub(super) fn unlisted(requests: usize) -> String {
    let requests = count(requests, "request", "requests");
    format!(
        "looking for {requests} for approval that may not be listed yet, for up to a minute after filing"
    )
}

/// What is left of a second is a second; the little that is waited longer than a limit's window, for
/// two clocks' sake, is none.
fn in_seconds(wait: Duration) -> Duration {
    const TOO_LITTLE: Duration = Duration::from_millis(100);
    let seconds = wait.saturating_sub(TOO_LITTLE).as_secs_f64().ceil();
    Duration::from_secs(seconds as u64)
}

pub(super) fn say(line: &str) {
    let mut stderr = anstream::stderr().lock();
    // The run goes on even if its progress cannot be shown.
    let _ = writeln!(stderr, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let line = |millis| waiting(Class::Write, Duration::from_millis(millis), false);
        for millis in [1200, 1995, 2000, 2005, 2100] {
            assert_eq!(
                line(millis),
                "waiting 2 s for the rate limit on writes",
                "{millis}"
            );
        }
        assert!(line(2101).starts_with("waiting 3 s "));
    }

    #[test]
    fn pages_are_worth_a_line_every_two_seconds() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut at = |tenths: u32, pages, total| {
            lines.line_of_page("/lists", pages, total, start + BETWEEN_PAGES / 20 * tenths)
        };
        assert_eq!(at(0, 1, 100), None);
        assert_eq!(at(19, 2, 200), None);
        assert_eq!(at(20, 1, 0), None, "a list without objects");
        let line = at(20, 3, 300).expect("a line");
        assert_eq!(line, "read 300 of /lists so far (3 pages)");
        assert_eq!(at(39, 4, 400), None);
        assert!(at(40, 5, 500).is_some());
    }
}
