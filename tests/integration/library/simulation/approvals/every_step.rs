//! Killed at every step of filing and of resuming, one after the other.

use std::time::Duration;

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{ApprovalStatus, Tenant, target};

use super::stage::{End, Stage, is_anothers, kind};
use crate::library::support::world::in_virtual_time;
use crate::ordinary::{collection, of_what};

/// A change for each way of writing: its kind, the groups before, those after, and how it is written.
const CHANGES: [(&str, &[&str], &str, WriteWith); 5] = [
    ("configurationPolicy", &["A"], "{group: B}", WriteWith::Auto),
    (
        "configurationPolicy",
        &["A"],
        "{group: A}, {group: B}",
        WriteWith::Auto,
    ),
    (
        "configurationPolicy",
        &["A", "B"],
        "{group: A}",
        WriteWith::Create,
    ),
    (
        "windowsAutopilotDeploymentProfile",
        &["A", "B"],
        "{group: A}",
        WriteWith::Auto,
    ),
    (
        "windowsAutopilotDeploymentProfile",
        &["A"],
        "{group: B}",
        WriteWith::Auto,
    ),
];

fn stage((name, before, after, write_with): (&str, &[&str], &str, WriteWith)) -> Stage {
    let kind = kind(name);
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 1_000_000;
    tenant.service.approval.collections = vec![collection(kind).segment().to_owned()];
    let id = tenant.add_policy(collection(kind), "P", of_what(kind));
    for group in ["A", "B"] {
        let group_id = tenant.add_group(group);
        if before.contains(&group) {
            let policy = tenant.policy_mut(collection(kind), &id);
            policy.expect("a policy").assign(target::group(&group_id));
        }
    }
    let wish =
        format!("version: 1\npolicies:\n  - {{kind: {name}, match: '*', include: [{after}]}}\n");
    let mut stage = Stage::with(tenant, vec![wish], fastrand::Rng::with_seed(7));
    stage.world.wire.latency(Duration::from_millis(100));
    begin(&mut stage, write_with);
    stage
}

fn begin(stage: &mut Stage, write_with: WriteWith) {
    stage.begin_the_last();
    stage.world.settings.write_with = write_with;
    stage.world.settings.concurrency = 1;
}

fn requests(stage: &Stage) -> usize {
    stage.world.tenant().approval_requests.len()
}

/// Sets after how many seconds a new request is listed.
fn listed_after(stage: &Stage, seconds: f64) {
    stage.world.service.with_machine(|machine| {
        machine.tenant_mut().service.approval.listing_delay = seconds;
    });
}

/// Approves what waits and resumes from every report, until nothing waits; each write was completed once.
async fn to_the_end(stage: &mut Stage, newest_first: bool) {
    loop {
        assert!(stage.reports.len() < 40, "no end of it");
        let mut reports = stage.reports.clone();
        if newest_first {
            reports.reverse();
        }
        for report in reports {
            stage.approve_all();
            stage.begin_the_last();
            stage.resume_report(&report.text, End::Own).await;
        }
        if !stage.has_open() {
            break;
        }
    }
    let requests = &stage.world.tenant().approval_requests;
    for request in requests.iter().filter(|request| !is_anothers(request)) {
        assert_eq!(request.status, ApprovalStatus::Completed, "{request:#?}");
    }
    let plan = stage.world.plan(&stage.wishes[0]).await;
    assert!(plan.is_empty(), "{:#?}", plan.policies);
}

#[test]
fn killed_at_any_step_of_filing_there_is_one_request_and_its_code() {
    for change in CHANGES {
        let mut filed = 0;
        for steps in 1.. {
            let (killed, requests) = in_virtual_time(async {
                let mut stage = stage(change);
                stage.apply_wish(0, End::Killed(steps)).await;
                let killed = stage.killed > 0;
                // What was under way arrives.
                tokio::time::sleep(Duration::from_secs(60)).await;
                let filed = requests(&stage);
                assert!(filed <= 1);
                stage.no_code_is_lost().await;
                begin(&mut stage, change.3);
                stage.apply_wish(0, End::Own).await;
                assert_eq!(requests(&stage), 1, "{change:?}, step {steps}");
                to_the_end(&mut stage, false).await;
                (killed, filed)
            });
            filed += requests;
            if !killed {
                break;
            }
        }
        assert!(filed > 1, "{change:?}: killed before all was filed");
    }
}

/// What was filed is listed later than the resuming run begins, which is the only one to keep its report.
#[test]
fn killed_at_any_step_of_filing_and_resumed_at_once_no_code_is_lost() {
    for change in CHANGES {
        let mut found = 0;
        for steps in 1.. {
            let (killed, requests) = in_virtual_time(async {
                let mut stage = stage(change);
                listed_after(&stage, 8.0);
                stage.apply_wish(0, End::Killed(steps)).await;
                let killed = stage.killed > 0;
                let report = stage.reports.remove(0);
                begin(&mut stage, change.3);
                assert!(stage.resume_report(&report.text, End::Own).await);
                let filed = requests(&stage);
                stage.no_code_is_lost().await;
                listed_after(&stage, 0.0);
                begin(&mut stage, change.3);
                stage.apply_wish(0, End::Own).await;
                assert_eq!(requests(&stage), 1, "{change:?}, step {steps}");
                to_the_end(&mut stage, false).await;
                (killed, filed)
            });
            found += requests;
            if !killed {
                break;
            }
        }
        assert!(found > 1, "{change:?}: killed before all was filed");
    }
}

#[test]
fn killed_at_any_step_of_resuming_the_write_is_sent_once() {
    for change in CHANGES {
        // From the report of the run that was killed as it resumed first, or from the one before it.
        for newest_first in [false, true] {
            for steps in 1.. {
                let killed = in_virtual_time(async {
                    let mut stage = stage(change);
                    stage.apply_wish(0, End::Own).await;
                    stage.approve_all();
                    let report = stage.reports[0].text.clone();
                    begin(&mut stage, WriteWith::Assign);
                    stage.resume_report(&report, End::Killed(steps)).await;
                    let killed = stage.killed > 0;
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    to_the_end(&mut stage, newest_first).await;
                    killed
                });
                if !killed {
                    break;
                }
            }
        }
    }
}

/// Another's request locked the policy and was rejected: no report but that of the run that was killed is left.
#[test]
fn killed_at_any_step_of_resuming_what_was_locked_it_is_not_lost() {
    for change in CHANGES {
        let mut filed = 0;
        for steps in 1.. {
            let (killed, requests) = in_virtual_time(async {
                let mut stage = stage(change);
                let plan = stage.world.plan(&stage.wishes[0]).await;
                stage.lock(&plan.changed().next().expect("a change").id);
                stage.apply_wish(0, End::Own).await;
                let report = stage.reports.remove(0);
                stage.reject_anothers();
                begin(&mut stage, change.3);
                stage.resume_report(&report.text, End::Killed(steps)).await;
                let killed = stage.killed > 0;
                tokio::time::sleep(Duration::from_secs(60)).await;
                let filed = requests(&stage) - 1;
                to_the_end(&mut stage, false).await;
                (killed, filed)
            });
            filed += requests;
            if !killed {
                break;
            }
        }
        assert!(filed > 1, "{change:?}: killed before all was filed");
    }
}
