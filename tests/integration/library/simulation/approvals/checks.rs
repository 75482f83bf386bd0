//! What has to be so whoever approves, and whenever a process is killed.

use std::collections::BTreeMap;

use assignctl::plan::writes::{WriteWith, steps};
use assignctl::plan::{Plan, PlannedPolicy};
use assignctl::report::{Outcome, Recorded};
use assignctl::run::apply::ApplyInput;
use assignctl_sandbox::Tenant;
use serde_json::Value;

use crate::library::simulation::checks::{is_whole_list, rows_in};
use crate::library::simulation::history::{State, state_of};
use crate::library::support::wire::Sent;

const JUSTIFICATION: &str = "x-msft-approval-justification";
const CODE: &str = "x-msft-approval-code";
const REQUESTS: &str = "/deviceManagement/operationApprovalRequests";

/// The id of the policy that a write is about.
fn object(sent: &Sent) -> &str {
    sent.path.split('/').nth(3).expect("a policy")
}

fn body(sent: &Sent) -> Option<Value> {
    let answer = sent.answer.as_ref().filter(|answer| answer.status == 200)?;
    serde_json::from_slice(&answer.body).ok()
}

/// The requests of a list that was read before another request left, if it was whole.
fn listed(sent: &Sent, before: &Sent) -> Option<Vec<Value>> {
    let is_list = sent.method == "GET" && sent.path.split('?').next() == Some(REQUESTS);
    let in_time = sent.end.is_some_and(|(end, _)| end <= before.at);
    if !is_list || !in_time || !sent.answer.as_ref().is_some_and(is_whole_list) {
        return None;
    }
    body(sent)?["value"].as_array().cloned()
}

/// Nothing is filed without having read what is open, nor what is known to be open, nor again before it is
/// known that an earlier try has filed nothing.
pub(super) fn filings_are_needed(log: &[Sent]) {
    for (index, sent) in log.iter().enumerate() {
        if sent.header(JUSTIFICATION).is_none() {
            continue;
        }
        assert_eq!(sent.header(CODE), None, "both headers");
        let earlier = &log[..index];
        let list = earlier.iter().rev();
        let mut lists = list.filter_map(|other| Some((other, listed(other, sent)?)));
        let (list, requests) = lists
            .next()
            .expect("filed without having read what is open");
        let is_it = |request: &&Value| {
            request["payloadId"] == object(sent)
                && matches!(
                    request["status"].as_str(),
                    Some("needsApproval" | "approved")
                )
        };
        let found = requests.iter().find(is_it);
        assert!(found.is_none(), "{} filed over {found:?}", sent.path);
        let mut tries = earlier.iter().rev();
        // Another write of the policy is its next step, unless it is the whole set in place of a create.
        let tried = tries.find(|other| {
            let is_same = (other.method, &other.path, &other.raw)
                == (sent.method, &sent.path, &sent.raw)
                || sent.path.ends_with("/assign");
            other.header(JUSTIFICATION).is_some() && object(other) == object(sent) && is_same
        });
        if let Some(tried) = tried {
            let is_known = matches!(tried.status(), Some(200..500)) && tried.status() != Some(408);
            assert!(
                is_known || list.at >= tried.at,
                "filed again without having looked: {}",
                sent.path
            );
        }
    }
}

/// No profile is to get all devices, or files that, while another one is known to have them.
pub(super) fn all_devices_were_free(log: &[Sent]) {
    const PROFILES: &str = "/deviceManagement/windowsAutopilotDeploymentProfiles";
    let has_all = |row: &Value| {
        let odata_type = row["target"]["@odata.type"].as_str().unwrap_or_default();
        odata_type == "#microsoft.graph.allDevicesAssignmentTarget"
    };
    for (index, sent) in log.iter().enumerate() {
        if !sent.is_write() || !sent.path.starts_with(PROFILES) || !has_all(&sent.body) {
            continue;
        }
        let mut answered: Vec<&Sent> = log[..index].iter().collect();
        answered.retain(|other| {
            let in_time = other.end.is_some_and(|(end, _)| end <= sent.at);
            other.method == "GET" && other.path.starts_with(PROFILES) && in_time
        });
        answered.sort_by_key(|other| other.end);
        let mut holders: BTreeMap<String, bool> = BTreeMap::new();
        for other in answered {
            let Some(body) = body(other) else { continue };
            let values = body["value"].as_array().into_iter().flatten();
            if other.path.starts_with(&format!("{PROFILES}/")) {
                let has = values.into_iter().any(has_all);
                holders.insert(object(other).to_owned(), has);
                continue;
            }
            for profile in values {
                let id = profile["id"].as_str().expect("an id").to_owned();
                let rows = profile["assignments"].as_array().into_iter().flatten();
                holders.insert(id, rows.into_iter().any(has_all));
            }
        }
        assert!(!holders.is_empty(), "all devices, without having looked");
        holders.remove(object(sent));
        let holder = holders.iter().find(|(_, has)| **has);
        assert!(holder.is_none(), "{} while {holder:?} has them", sent.path);
    }
}

/// What a run has left pending is looked at by the one that resumes, or known not to have been filed.
pub(super) fn nothing_that_waits_is_dropped(recorded: &Recorded, resumed: &ApplyInput) {
    let pending = recorded.policies.iter();
    let pending = pending.filter(|policy| policy.outcome == Some(Outcome::Pending));
    for policy in pending {
        let is_it = |other: &PlannedPolicy| (other.kind, &other.id) == (policy.kind, &policy.id);
        let mut skipped = resumed.context.skipped.iter();
        assert!(
            resumed.plan.plan.changed().any(is_it) || skipped.any(|(other, _)| is_it(other)),
            "dropped: {policy:#?}"
        );
    }
}

/// A code goes with the write that it was given for, once the service said that it is approved, and while
/// the policy is as the plan found it or on the plan's own way.
pub(super) fn codes_are_used_rightly(log: &[Sent], tenant: &Tenant, plan: &Plan) {
    for (index, sent) in log.iter().enumerate() {
        let Some(code) = sent.header(CODE) else {
            continue;
        };
        assert_eq!(sent.header(JUSTIFICATION), None, "both headers");
        let mut requests = tenant.approval_requests.iter();
        let request = requests.find(|request| request.id == code);
        let request = request.expect("a code that the service gave");
        assert_eq!(
            (sent.method, sent.path.trim_start_matches('/')),
            (&*request.method, &*request.path),
            "a code of another write"
        );
        assert_eq!(
            String::from_utf8_lossy(&sent.raw),
            request.body,
            "another body"
        );
        let earlier = &log[..index];
        let is_about = |other: &&Sent| {
            other.method == "GET"
                && other.path == format!("{REQUESTS}/{code}")
                && other.end.is_some_and(|(end, _)| end <= sent.at)
        };
        let mut told = earlier.iter().rev().filter(is_about);
        let (told, status) = told
            .find_map(|other| Some((other, body(other)?["status"].clone())))
            .expect("a code was sent unseen");
        assert_eq!(status, "approved");
        let again = earlier
            .iter()
            .find(|other| other.header(CODE) == Some(code) && other.number > told.number);
        assert!(again.is_none(), "a code was sent again unseen");
        let look = earlier.iter().rev().find_map(|other| {
            let is_look = other.method == "GET"
                && other.path.contains(object(sent))
                && other.end.is_some_and(|(end, _)| end <= sent.at);
            let answer = other.answer.as_ref().filter(|_| is_look)?;
            rows_in(answer).filter(|_| is_whole_list(answer))
        });
        let look = look.expect("a code was sent without a look at the policy");
        let mut policies = plan.changed();
        let policy = policies.find(|policy| policy.id == object(sent));
        let policy = policy.expect("a policy of the plan");
        let steps = WriteWith::ALL
            .into_iter()
            .flat_map(|way| steps(policy, way));
        let ways = steps.map(|step| state_of(&step.after));
        let ways: Vec<State> = ways.chain([state_of(&policy.before)]).collect();
        assert!(ways.contains(&look), "the policy had moved: {look:?}");
    }
}
