//! What has to be so after every run, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use assignctl::graph::transport::Response;
use assignctl::plan::writes::{WriteWith, steps};
use assignctl::plan::{Change, Plan, PlannedPolicy};
use assignctl::report::{Outcome, ReasonCode, Results};
use assignctl_sandbox::Assignment;
use serde_json::Value;

use super::history::{History, State, fits, meant, state_of};
use crate::library::property::build::{Key, meaning};
use crate::library::support::wire::Sent;

/// One process, as it went.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) write_with: WriteWith,
    /// What it sent, from the first request of the apply on.
    pub(super) log: &'a [Sent],
    pub(super) history: &'a History,
    pub(super) started: Duration,
    pub(super) ended: Duration,
    pub(super) report: &'a [Value],
    /// For how long the service shows what was before a write.
    pub(super) lag: Duration,
}

impl Run<'_> {
    fn writes(&self) -> impl Iterator<Item = &Sent> {
        self.log.iter().filter(|sent| sent.is_write())
    }

    fn policy(&self, sent: &Sent) -> &PlannedPolicy {
        self.plan
            .changed()
            .find(|policy| sent.path.contains(&policy.id))
            .unwrap_or_else(|| panic!("a write to a policy outside the plan: {}", sent.path))
    }

    /// Nothing is written that the plan does not hold, and nothing without having looked.
    pub(super) fn writes_are_planned(&self) {
        for sent in self.writes() {
            let policy = self.policy(sent);
            self.assert_is_planned(policy, sent);
            self.assert_was_looked_at(policy, sent);
        }
    }

    fn assert_is_planned(&self, policy: &PlannedPolicy, sent: &Sent) {
        let is_among = |row: &Value, assignments: &[assignctl::model::Assignment]| {
            let (key, want) = meaning(&row_of(row));
            assignments.iter().map(meant).any(|(other, planned)| {
                key == other
                    && want.filter == planned.filter
                    && (planned.set.is_none() || planned.set == want.set)
            })
        };
        let planned = |row: &Value| is_among(row, &policy.after);
        let action = sent.path.rsplit('/').next().unwrap_or_default();
        match (sent.method, action) {
            ("POST", "assign" | "update") => {
                let parameters = sent.body.as_object().expect("an object");
                let rows = parameters.values().next().and_then(Value::as_array);
                let rows = rows.expect("a parameter that is a list");
                assert_eq!(parameters.len(), 1, "{}", sent.body);
                for row in rows {
                    assert!(planned(row), "not planned: {row}");
                }
                let untouched: BTreeSet<Key> =
                    policy.untouched.iter().map(|row| meant(row).0).collect();
                let expected = policy.after.len() - untouched.len();
                assert_eq!(rows.len(), expected, "not the whole set: {}", sent.body);
            }
            ("POST", "assignments") => assert!(
                planned(&sent.body)
                    || (is_among(&sent.body, &policy.before) && self.puts_back(policy, sent)),
                "not planned: {}",
                sent.body
            ),
            ("DELETE", id) => {
                let leaving: BTreeSet<Key> = policy
                    .changes
                    .iter()
                    .filter_map(Change::before)
                    .map(|row| meant(row).0)
                    .collect();
                // A list may have come in pages.
                let rows = self.looks_before(policy, sent).filter_map(|look| {
                    let rows = assignments_in(look.answer.as_ref()?)?;
                    rows.into_iter().find(|row| row["id"] == id)
                });
                let named = &rows.last().expect("an assignment that was seen");
                assert!(
                    leaving.contains(&meaning(&row_of(named)).0),
                    "not planned: {named}"
                );
            }
            _ => panic!("no such write: {} {}", sent.method, sent.path),
        }
    }

    /// Whether a create may put back what made room for another: that one failed after a delete.
    fn puts_back(&self, policy: &PlannedPolicy, sent: &Sent) -> bool {
        let mut earlier = self.writes().filter(|write| {
            write.number < sent.number && write.path.contains(&policy.id) && write.at <= sent.at
        });
        earlier.any(|write| write.method == "DELETE")
            && earlier.any(|write| {
                write.method == "POST"
                    && !write
                        .status()
                        .is_some_and(|status| matches!(status, 200..=299))
            })
    }

    /// Returns the looks at a policy that were answered before a write left. An answer that was never
    /// kept, or one that came too late, is no look.
    fn looks_before(&self, policy: &PlannedPolicy, write: &Sent) -> impl Iterator<Item = &Sent> {
        self.log
            .iter()
            .filter(|sent| !sent.is_write() && sent.path.contains(&policy.id))
            // A list whose page size was refused is read without one; policy sets have no list.
            .filter(|sent| {
                sent.path.contains("/assignments?")
                    || sent.path.ends_with("/assignments")
                    || sent.path.contains("?$expand=assignments")
            })
            .filter(|sent| sent.number < write.number)
            .filter(|sent| sent.end.is_some_and(|(end, _)| end <= write.at))
            .filter(|sent| sent.answer.as_ref().and_then(rows_in).is_some())
    }

    /// The policy was read right before, and was as the plan found it or on the plan's own way.
    fn assert_was_looked_at(&self, policy: &PlannedPolicy, write: &Sent) {
        const FRESH: Duration = Duration::from_millis(100);
        let Some(look) = self.looks_before(policy, write).last() else {
            panic!("a write without a look: {}", write.path)
        };
        let (end, _) = look.end.expect("an answered look");
        let steps = steps(policy, self.write_with);
        let ways: Vec<State> = std::iter::once(&policy.before)
            .chain(steps.iter().map(|step| &step.after))
            .map(|rows| state_of(rows))
            .collect();
        // A list may have come in pages: then the last one alone does not tell.
        let whole = look.answer.as_ref().is_some_and(is_whole_list) && !look.path.contains("skip");
        if whole {
            let seen = rows_in(look.answer.as_ref().expect("an answer")).expect("rows");
            assert!(
                ways.iter().any(|way| fits(way, &seen)),
                "what was seen is not on the plan's way: {seen:?}"
            );
        }
        let between = self.writes().find(|sent| {
            sent.path.contains(&policy.id)
                && sent.number > look.number
                && sent.number < write.number
        });
        assert!(between.is_none(), "a look older than {between:?}");
        let age = write.at - end;
        assert!(
            age <= FRESH,
            "a look {age:?} old before {} {}",
            write.method,
            write.path
        );
    }

    /// What is called applied was so, at a moment after it was written.
    pub(super) fn outcomes_are_true(
        &self,
        results: &Results,
        settled: &BTreeMap<String, Duration>,
    ) {
        assert_eq!(results.settled.len(), self.plan.changed().count());
        for (policy, outcome) in self.plan.changed().zip(&results.settled) {
            let reason = outcome.reason.as_ref();
            // What is read late may be applied and not show yet.
            let is_late = reason.is_some_and(|reason| reason.code == ReasonCode::NotVisibleYet);
            // What was refused for what the program does not know of it is there without that.
            let is_bare = reason.is_some_and(|reason| reason.code == ReasonCode::UnknownLeftOut);
            let has_reason = reason.is_some() && !is_late && !is_bare;
            assert_eq!(outcome.outcome.is_good(), !has_reason, "{outcome:?}");
            assert!(reason.is_none_or(|reason| !reason.message.is_empty()));
            let after = state_of(&policy.after);
            let at = settled.get(&policy.id).copied().unwrap_or(self.ended);
            let first = self.first_write(policy).unwrap_or(self.started);
            let was_so = |from: Duration| {
                let from = from.saturating_sub(self.lag);
                let moments = self.history.between(&policy.id, from, at);
                moments.iter().any(|moment| fits(&after, &moment.state))
            };
            match outcome.outcome {
                // The service took it, and its word is all there is.
                Outcome::Applied if is_late => {
                    let took = |sent: &Sent| matches!(sent.status(), Some(200..300));
                    let mut writes = self.writes().filter(|sent| sent.path.contains(&policy.id));
                    assert!(writes.any(took), "never taken: {}", policy.name);
                }
                Outcome::Applied => assert!(was_so(first), "never applied: {}", policy.name),
                Outcome::Already => {
                    assert!(was_so(self.started), "never so: {}", policy.name);
                    assert!(!self.may_have_written(policy), "already, and written");
                }
                Outcome::Skipped | Outcome::Stale => {
                    let took = self.may_have_written(policy);
                    assert!(!took, "{outcome:?}, but written: {}", policy.name);
                }
                // Nothing is gated here, so that nothing waits.
                Outcome::Pending => panic!("pending: {}", policy.name),
                Outcome::Failed => {}
            }
        }
    }

    /// Whether a write was sent that was not plainly refused.
    fn may_have_written(&self, policy: &PlannedPolicy) -> bool {
        self.writes().any(|sent| {
            let refused = sent
                .status()
                .is_some_and(|status| (400..500).contains(&status));
            sent.path.contains(&policy.id) && (!refused || sent.status() == Some(408))
        })
    }

    fn first_write(&self, policy: &PlannedPolicy) -> Option<Duration> {
        let mut about = self.writes().filter(|sent| sent.path.contains(&policy.id));
        about.next().map(|sent| sent.at)
    }

    /// Without another admin there is no half-done policy but where rows are written one by one.
    pub(super) fn nothing_is_half_done(&self) {
        let ways = |policy: &PlannedPolicy| -> Vec<State> {
            let create = steps(policy, self.write_with);
            std::iter::once(&policy.before)
                .chain(create.iter().map(|step| &step.after))
                .chain(std::iter::once(&policy.after))
                .map(|rows| state_of(rows))
                .collect()
        };
        for policy in self.plan.changed() {
            let moments = self.history.between(&policy.id, self.started, self.ended);
            let ways = ways(policy);
            let first = self.log.first().map_or(0, |sent| sent.number);
            for moment in moments {
                if moment.by.is_none_or(|by| by < first) {
                    continue;
                }
                // What the service drops of policy sets is the service's doing.
                let own = |state: &State| -> State {
                    let rows = state.iter().filter(|((_, from_set), _)| !from_set);
                    rows.map(|(key, want)| (key.clone(), want.clone()))
                        .collect()
                };
                assert!(
                    ways.iter().any(|way| own(way) == own(&moment.state)),
                    "half done: {:?}",
                    moment.state
                );
            }
        }
    }

    /// Every write was announced, and every policy that settled has its line.
    pub(super) fn report_is_whole(&self, results: Option<&Results>) {
        let lines = |event: &'static str| {
            let lines = self
                .report
                .iter()
                .filter(move |line| line["event"] == event);
            lines.map(|line| line["id"].as_str().expect("an id").to_owned())
        };
        let announced: BTreeSet<String> = lines("sending").collect();
        for sent in self.writes() {
            let policy = self.policy(sent);
            assert!(announced.contains(&policy.id), "not announced");
        }
        if let Some(results) = results {
            let settled: Vec<String> = lines("policy").collect();
            assert_eq!(settled.len(), results.settled.len());
        }
    }

    /// No request leaves while its class is to wait.
    pub(super) fn pauses_are_kept(&self) {
        for told in self.log {
            let Some((at, _)) = told.end else { continue };
            let Some(wait) = told.answer.as_ref().and_then(asked_wait) else {
                continue;
            };
            for sent in self.log {
                let is_in_pause = sent.is_write() == told.is_write()
                    && counted_with(sent) == counted_with(told)
                    && sent.at > at
                    && sent.at < at + wait;
                assert!(
                    !is_in_pause,
                    "{} {} at {:?} in a pause of {wait:?} from {at:?}",
                    sent.method, sent.path, sent.at
                );
            }
        }
    }

    /// Nothing is repeated before the service wants it to be, whatever went wrong with it.
    pub(super) fn repeats_wait(&self) {
        for told in self.writes() {
            let header = told
                .answer
                .as_ref()
                .and_then(|answer| answer.header("retry-after"));
            let (Some((at, _)), Some(wait)) =
                (told.end, header.and_then(|text| wait_in(text, None)))
            else {
                continue;
            };
            let again = self.writes().find(|sent| {
                sent.number > told.number
                    && sent.at < at + wait
                    && (sent.method, &sent.path, &sent.body)
                        == (told.method, &told.path, &told.body)
            });
            assert!(again.is_none(), "{again:?} within {wait:?} of {told:?}");
        }
    }

    /// What is refused for good is not tried again.
    pub(super) fn refusals_are_final(&self) {
        for refused in self.writes() {
            let Some(status) = refused.status() else {
                continue;
            };
            let is_final = matches!(status, 400 | 403 | 404 | 409 | 412 | 423);
            let route_missing = refused.answer.as_ref().is_some_and(|answer| {
                String::from_utf8_lossy(&answer.body).contains("No method match route")
            });
            if !is_final || route_missing || is_busy(refused) {
                continue;
            }
            // A later row of the same policy may go on where an earlier try turns out to have done
            // what is refused now.
            let again = self.writes().find(|sent| {
                sent.number > refused.number
                    && (sent.method, &sent.path, &sent.body)
                        == (refused.method, &refused.path, &refused.body)
            });
            assert!(again.is_none(), "{status}, and written again: {again:?}");
        }
    }

    /// Enrollment configurations are written one after the other: side by side, writes get lost.
    pub(super) fn enrollment_is_written_in_line(&self) {
        let of_enrollment = |sent: &&Sent| sent.path.contains("/deviceEnrollmentConfigurations/");
        let writes: Vec<&Sent> = self.writes().filter(of_enrollment).collect();
        for pair in writes.windows(2) {
            let ended = pair[0].end.is_none_or(|(end, _)| end <= pair[1].at);
            assert!(ended, "{} before the end of {}", pair[1].path, pair[0].path);
        }
    }

    /// Once the run was asked to end, nothing starts but looks at what was written, and these not
    /// for long.
    pub(super) fn ends_when_asked(&self, last: usize) {
        let Some(asked) = self.log.iter().find(|sent| sent.number == last) else {
            return;
        };
        for sent in self.log.iter().filter(|sent| sent.number > last) {
            let written = |id: &str| {
                self.writes()
                    .any(|write| write.number <= last && write.path.contains(id))
            };
            let looks = self
                .plan
                .changed()
                .any(|policy| sent.path.contains(&policy.id) && written(&policy.id));
            let in_time = sent.at <= asked.at + Duration::from_secs(5);
            assert!(
                !sent.is_write() && looks && in_time,
                "after the interrupt at {:?}: {} {} at {:?}",
                asked.at,
                sent.method,
                sent.path,
                sent.at
            );
        }
    }
}

/// With what the service counts a request: what is not named has one pool, and the directory's waits
/// hold nothing else.
fn counted_with(sent: &Sent) -> &'static str {
    const POOLS: [&str; 6] = [
        "/groups",
        "/deviceConfigurations",
        "/mobileApps",
        "/iosManagedAppProtections",
        "/deviceEnrollmentConfigurations",
        "/termsAndConditions",
    ];
    let first = sent.body["requests"][0]["url"].as_str();
    let path = first.unwrap_or(&sent.path);
    let mut pools = POOLS.into_iter();
    pools.find(|pool| path.contains(pool)).unwrap_or("others")
}

/// Whether the service only says that an earlier change has not settled yet.
fn is_busy(sent: &Sent) -> bool {
    let about_404 = sent.status() == Some(404);
    let text = sent
        .answer
        .as_ref()
        .map(|answer| String::from_utf8_lossy(&answer.body));
    let is_unsettled = text.is_some_and(|text| text.contains("ConditionNotMet"));
    sent.path.contains("/iosManagedAppProtections") && (about_404 || is_unsettled)
}

/// Reads a row as it goes over the wire into the sandbox's own form.
fn row_of(row: &Value) -> Assignment {
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    Assignment {
        id: text("id").unwrap_or_default(),
        source: text("source").unwrap_or("direct".to_owned()),
        source_id: text("sourceId"),
        target: row["target"].as_object().cloned().expect("a target"),
        properties: serde_json::Map::new(),
    }
}

pub(super) fn rows_in(answer: &Response) -> Option<State> {
    if answer.status != 200 {
        return None;
    }
    let rows = assignments_in(answer)?;
    Some(rows.iter().map(|row| meaning(&row_of(row))).collect())
}

/// Returns the assignments of a list, or of a policy that was asked for with its assignments.
fn assignments_in(answer: &Response) -> Option<Vec<Value>> {
    let mut body: Value = serde_json::from_slice(&answer.body).ok()?;
    let list = if body["value"].is_array() {
        "value"
    } else {
        "assignments"
    };
    match body[list].take() {
        Value::Array(rows) => Some(rows),
        _ => None,
    }
}

pub(super) fn is_whole_list(answer: &Response) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let links = ["@odata.nextLink", "assignments@odata.nextLink"];
    links.iter().all(|link| body.get(link).is_none())
}

/// Returns how long an answer asks its class to wait, read with other means than the client's.
fn asked_wait(answer: &Response) -> Option<Duration> {
    let header = |name: &str| answer.header(name).map(str::to_owned);
    match answer.status {
        429 | 503 => wait_in(&header("retry-after")?, header("date")),
        200 => {
            let body: Value = serde_json::from_slice(&answer.body).ok()?;
            let parts = body.get("responses")?.as_array()?;
            let waits = parts.iter().filter_map(|part| {
                let status = part["status"].as_u64()?;
                let headers = part["headers"].as_object()?;
                let name = headers
                    .keys()
                    .find(|name| name.eq_ignore_ascii_case("retry-after"))?;
                let wait = wait_in(headers[name].as_str()?, None)?;
                matches!(status, 429 | 503).then_some(wait)
            });
            waits.max()
        }
        _ => None,
    }
}

fn wait_in(text: &str, date: Option<String>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let second_of_day = |date: &str| -> Option<u64> {
        let clock = date
            .split_whitespace()
            .find(|word| word.matches(':').count() == 2)?;
        clock
            .split(':')
            .try_fold(0, |all, part| Some(all * 60 + part.parse::<u64>().ok()?))
    };
    let (until, now) = (second_of_day(text)?, second_of_day(&date?)?);
    Some(Duration::from_secs((until + 86_400 - now) % 86_400))
}
