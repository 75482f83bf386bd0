//! The numbers that are shown.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::graph::pace::Class;
use crate::report::Outcome;
use crate::text::count;

/// Two waits that end within this time of each other are one.
const SAME_WAIT: Duration = Duration::from_millis(500);

/// Before this time how fast the service is says little: the first policy may have waited for a connection.
const EARLY: Duration = Duration::from_secs(5);

/// What has been read and done so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Pages and objects by list.
    pub(super) lists: BTreeMap<&'static str, (usize, usize)>,
    pub(super) policies_done: usize,
    pub(super) policies: usize,
    pub(super) not_as_planned: usize,
    pub(super) writes_done: usize,
    pub(super) writes: usize,
    /// Whether the totals have been said.
    reported: bool,
    /// When the plan began to be carried out, and how long its writes take at the limit.
    began: Option<(Instant, Duration)>,
    wait_until: [Option<Instant>; 2],
}

impl Counts {
    /// Counts a page of a list, and returns how many there are.
    pub(super) fn page(&mut self, list: &'static str, total: usize) -> usize {
        let (pages, objects) = self.lists.entry(list).or_default();
        *pages += 1;
        *objects = total;
        *pages
    }

    pub(super) fn begin(&mut self, policies: usize, writes: usize, time: Duration, now: Instant) {
        self.policies = policies;
        self.writes = writes;
        self.began = Some((now, time));
    }

    pub(super) fn settled(&mut self, outcome: Outcome, writes: usize, done: usize, all: usize) {
        self.policies_done = done;
        self.policies = all;
        if outcome == Outcome::Applied {
            self.writes_done += writes;
        }
        // What waits may settle again.
        if !outcome.is_good() && outcome != Outcome::Pending {
            self.not_as_planned += 1;
        }
    }

    /// Returns how many policies have not settled, of how many; `None` before a plan is carried out.
    pub(super) fn left(&self) -> Option<(usize, usize)> {
        self.began?;
        let left = self.policies.saturating_sub(self.policies_done);
        Some((left, self.policies))
    }

    /// Says what was read and done, unless that was said or is nothing.
    pub(super) fn totals(&mut self) -> Option<String> {
        if self.lists.is_empty() || std::mem::replace(&mut self.reported, true) {
            return None;
        }
        let (mut policies, mut kinds) = (0, 0);
        let mut others = Vec::new();
        for (list, (_, objects)) in &self.lists {
            match *list {
                "/groups" => others.push(count(*objects, "group", "groups")),
                list if list.ends_with("/assignmentFilters") => {
                    others.push(count(*objects, "filter", "filters"));
                }
                _ => {
                    policies += objects;
                    kinds += 1;
                }
            }
        }
        // A saved plan has its policies read one by one.
        if kinds > 0 {
            let kinds = count(kinds, "kind", "kinds");
            others.insert(0, count(policies, "policy", "policies") + " of " + &kinds);
        }
        let written = self.began.map_or_else(String::new, |_| {
            let changes = count(self.writes, "change", "changes");
            format!("; {} of {changes} written", self.writes_done)
        });
        Some(format!("read {}{written}", others.join(", ")))
    }

    /// Returns how much time is left: what the limit takes, or more where the service is slower.
    pub(super) fn time_left(&self, now: Instant) -> Duration {
        let Some((began, at_the_limit)) = self.began else {
            return Duration::ZERO;
        };
        let left = self.policies.saturating_sub(self.policies_done);
        if left == 0 || self.policies_done == 0 {
            return Duration::ZERO;
        }
        let passed = now.saturating_duration_since(began);
        let as_so_far = match passed < EARLY {
            true => 0.0,
            false => passed.as_secs_f64() * left as f64 / self.policies_done as f64,
        };
        Duration::from_secs_f64(as_so_far).max(at_the_limit.saturating_sub(passed))
    }

    /// Whether a wait has not been reported already.
    pub(super) fn is_another_wait(&mut self, class: Class, until: Instant) -> bool {
        let known = match class {
            Class::Read => &mut self.wait_until[0],
            Class::Write => &mut self.wait_until[1],
        };
        let another = known.is_none_or(|known| known + SAME_WAIT < until);
        if another {
            *known = Some(until);
        }
        another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_what_the_limit_takes_or_more() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut counts = Counts::default();
        assert_eq!(counts.time_left(start), Duration::ZERO);
        counts.begin(300, 300, Duration::from_secs(40), start);
        counts.policies_done = 100;
        // A full window was done at once; the limit makes the rest wait.
        assert_eq!(counts.time_left(after(3)), Duration::from_secs(37));
        // The first answers say little of the others.
        counts.policies_done = 1;
        assert_eq!(counts.time_left(after(4)), Duration::from_secs(36));
        counts.policies_done = 100;
        // The service is slower than its limit.
        assert_eq!(counts.time_left(after(100)), Duration::from_secs(200));
        counts.policies_done = 300;
        assert_eq!(counts.time_left(after(100)), Duration::ZERO);
    }

    #[test]
    fn what_waited_for_approval_settles_again() {
        let mut counts = Counts::default();
        for outcome in [Outcome::Pending, Outcome::Applied] {
            counts.settled(outcome, 2, 1, 1);
        }
        assert_eq!((counts.writes_done, counts.not_as_planned), (2, 0));
        counts.settled(Outcome::Failed, 1, 1, 1);
        assert_eq!(counts.not_as_planned, 1);
    }

    #[test]
    fn totals_are_said_once() {
        let mut counts = Counts::default();
        assert_eq!(counts.totals(), None);
        counts.page("/deviceManagement/configurationPolicies", 100);
        counts.page("/deviceManagement/configurationPolicies", 124);
        counts.page("/deviceManagement/intents", 0);
        counts.page("/deviceManagement/assignmentFilters", 1);
        let totals = counts.totals().expect("totals");
        assert_eq!(totals, "read 124 policies of 2 kinds, 1 filter");
        assert_eq!(counts.totals(), None);
        let mut saved_plan = Counts::default();
        saved_plan.page("/groups", 2);
        assert_eq!(saved_plan.totals().as_deref(), Some("read 2 groups"));
    }

    #[test]
    fn one_wait_is_told_of_once() {
        let now = Instant::now();
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        let mut counts = Counts::default();
        assert!(counts.is_another_wait(Class::Write, after(10_000)));
        assert!(!counts.is_another_wait(Class::Write, after(10_100)));
        assert!(counts.is_another_wait(Class::Read, after(10_100)));
        assert!(counts.is_another_wait(Class::Write, after(11_000)));
    }
}
