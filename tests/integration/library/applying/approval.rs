//! Writes that a second administrator has to approve, in virtual time.

use std::sync::Mutex;
use std::time::Duration;

use assignctl::apply::ObserveApply;
use assignctl::model::PolicyKind;
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{Earlier, Plan, PlannedPolicy};
use assignctl::report::{Outcome, PolicyResult, Results};
use assignctl_sandbox::{ApprovalRequest, ApprovalStatus, Collection, Decision, Tenant, target};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ids, left_by, moving};
use crate::library::support::answers::error;
use crate::library::support::tenants::{CATALOG, all_rows, assign, group_id, tenant, wants};
use crate::library::support::wire::{Act, Sent, lock};
use crate::library::support::world::{World, first_reason, outcomes};
use crate::ordinary::{collection, tenant_with, wanted};

pub(super) fn gated(policies: usize) -> Tenant {
    let mut tenant = tenant(policies);
    tenant.service.approval.policy_types = vec!["configurationPolicy".to_owned()];
    tenant
}

pub(super) fn justified(mut world: World, wait: Duration) -> World {
    world.settings.approval.justification = Some("why".to_owned());
    world.settings.approval.wait = wait;
    world
}

pub(super) fn requests(world: &World) -> Vec<ApprovalRequest> {
    world.tenant().approval_requests
}

/// Decides on every request that waits.
pub(super) fn decide(world: &World, decision: Decision) {
    let now = world.wall();
    world.service.with_machine(|machine| {
        let waiting: Vec<String> = machine
            .tenant()
            .approval_requests
            .iter()
            .filter(|request| request.status == ApprovalStatus::NeedsApproval)
            .map(|request| request.id.clone())
            .collect();
        for code in waiting {
            machine.decide(&code, decision, None, Some("words"), now);
        }
    });
}

/// Carries a plan out, and decides on what waits every ten minutes.
pub(super) async fn apply_deciding(world: &World, plan: &Plan, decisions: &[Decision]) -> Results {
    let decided = async {
        for decision in decisions {
            tokio::time::sleep(Duration::from_secs(600)).await;
            decide(world, *decision);
        }
    };
    let (results, ()) = tokio::join!(world.apply(plan), decided);
    results
}

pub(super) fn requests_answer_with(status: u16) -> impl FnMut(&Sent) -> Act {
    move |sent| match sent.path.contains("operationApprovalRequests") {
        true => Act::Answer(error(status, "Busy")),
        false => Act::Pass,
    }
}

/// Something on the way drops the header and the code in the text; the request is filed all the same.
fn without_the_code(sent: &Sent) -> Act {
    match sent.is_write() {
        true => Act::alter(|answer| {
            answer.headers.clear();
            let text = String::from_utf8_lossy(&answer.body);
            let (before, _) = text.split_once(" x-msft-approval-code:").expect("a code");
            let body =
                json!({"error": {"code": "BadRequest", "message": before.rsplit('"').next()}});
            answer.body = body.to_string().into_bytes();
        }),
        false => Act::Pass,
    }
}

/// The service does not say what requests ask for.
pub(super) fn undescribed(sent: &Sent) -> Act {
    if !sent.path.contains("operationApprovalRequests") {
        return Act::Pass;
    }
    Act::alter(|answer| {
        let mut list: Value = serde_json::from_slice(&answer.body).expect("an answer");
        let requests = list.get_mut("value").and_then(Value::as_array_mut);
        for request in requests.into_iter().flatten() {
            let request = request.as_object_mut().expect("a request");
            request.retain(|name, _| name != "actionParameters" && name != "addedAssignments");
        }
        answer.body = list.to_string().into_bytes();
    })
}

/// Looks on.
#[derive(Default)]
struct Watched(Mutex<Vec<Outcome>>);

impl ObserveApply for Watched {
    fn settled(&self, _: &PlannedPolicy, settled: &PolicyResult, done: usize, all: usize) {
        assert!(done <= all);
        lock(&self.0).push(settled.outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_the_approval_and_goes_on() {
    let (world, plan) = moving(gated(12)).await;
    let world = justified(world, Duration::from_secs(3600));
    let begin = Instant::now();
    let decided = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(requests(&world).len(), 12);
        decide(&world, Decision::Approve);
    };
    let watched = Watched::default();
    let (results, ()) = tokio::join!(world.apply_watched(&plan, &watched), decided);
    assert_eq!(outcomes(&results), "12 applied");
    // Whoever looks on hears of both.
    let seen = lock(&watched.0);
    let of = |outcome: Outcome| seen.iter().filter(|known| **known == outcome).count();
    assert_eq!((of(Outcome::Pending), of(Outcome::Applied)), (12, 12));
    assert!(begin.elapsed() < Duration::from_secs(700));
    assert_eq!(all_rows(&world.tenant()), ["B"; 12]);
    let is_completed = |request: &ApprovalRequest| request.status == ApprovalStatus::Completed;
    assert!(requests(&world).iter().all(is_completed));
    // One list at each look, and not a read for each policy.
    let lists = world.wire.log().into_iter();
    let lists = lists.filter(|sent| !sent.is_write());
    assert!(lists.count() < 12 * 8 + 60);
}

/// The create is filed with what the deleted assignment said, and has to be sent so.
#[tokio::test(start_paused = true)]
async fn what_was_deleted_in_the_same_run_is_carried_by_what_is_approved_later() {
    const SEGMENT: &str = "appleUserInitiatedEnrollmentProfiles";
    let profiles = Collection::named(SEGMENT).expect("a collection");
    let mut tenant = Tenant::empty();
    let groups = ["A", "B"].map(|name| tenant.add_group(name));
    tenant.add_filter("F", "iOS", "(device.osVersion -eq \"1\")");
    let id = tenant.add_policy(profiles, "T", "");
    for group in &groups {
        let policy = tenant.policy_mut(profiles, &id).expect("a policy");
        policy.assign_with(target::group(group), json!({"futureRow": 1}));
    }
    tenant.service.approval.collections = vec![SEGMENT.to_owned()];
    let world = justified(World::new(tenant), Duration::from_secs(3600));
    let plan = world
        .plan("version: 1\npolicies:\n  - {kind: appleUserInitiatedEnrollmentProfile, name: T, include: [{group: A, filter: F}, {group: B}]}\n")
        .await;
    let results = apply_deciding(&world, &plan, &[Decision::Approve, Decision::Approve]).await;
    assert_eq!(outcomes(&results), "applied");
    let tenant = world.tenant();
    let policy = tenant.policy(profiles, &id).expect("a policy");
    assert_eq!(policy.assignments.len(), 2);
    for row in &policy.assignments {
        assert_eq!(row.properties["futureRow"], 1, "{row:?}");
    }
}

/// What was approved and written before counts, whatever becomes of the rest.
#[tokio::test(start_paused = true)]
async fn a_policy_is_written_though_its_last_write_is_rejected() {
    let mut world = justified(World::new(gated(1)), Duration::from_secs(3600));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B", "C"])).await;
    let results = apply_deciding(&world, &plan, &[Decision::Approve, Decision::Reject]).await;
    assert_eq!(outcomes(&results), "failed approvalRejected");
    assert!(results.settled[0].written);
    assert_eq!(all_rows(&world.tenant()), ["A B"]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_whose_next_write_waits_says_that_an_earlier_one_is_done() {
    let mut world = justified(World::new(gated(1)), Duration::from_secs(900));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B", "C"])).await;
    let results = apply_deciding(&world, &plan, &[Decision::Approve]).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    let reason = first_reason(&results);
    let said = &reason.message;
    assert!(
        said.ends_with("; an earlier write to the policy is done"),
        "{said}"
    );
}

/// The service may have it expire at another time than it said first.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_recorded_with_the_time_at_which_it_expires_now() {
    let (world, plan) = moving(gated(1)).await;
    let world = filed_before(world, &plan).await;
    let expires = |world: &World| requests(world)[0].expires.to_string()[..19].to_owned();
    let mut filed = world.settings.approval.filed.values();
    let recorded = &filed.next().expect("what was filed").expires_at;
    assert_eq!(recorded[..19], expires(&world));
    world.service.with_machine(|machine| {
        machine.tenant_mut().approval_requests[0].expires += Duration::from_secs(3600);
    });
    let results = world.apply(&plan).await;
    let waits = results.settled[0].approval.as_ref().expect("a code");
    assert_eq!(waits.expires_at[..19], expires(&world));
}

/// With `--fail-fast` what succeeds after its approval ends nothing.
#[tokio::test(start_paused = true)]
async fn the_first_rejection_ends_a_run_that_fails_fast() {
    for (decision, expected) in [
        (Decision::Approve, "3 applied"),
        (
            Decision::Reject,
            "failed approvalRejected, 2 skipped failFast",
        ),
    ] {
        let (world, plan) = moving(gated(3)).await;
        let mut world = justified(world, Duration::from_secs(3600));
        world.settings.fail_fast = true;
        world.settings.concurrency = 1;
        let results = apply_deciding(&world, &plan, &[decision]).await;
        assert_eq!(outcomes(&results), expected);
    }
}

/// A create that is filed shows that there is such a route, so that the others need not wait for it.
#[tokio::test(start_paused = true)]
async fn creates_are_filed_side_by_side() {
    let world = justified(World::new(gated(16)), Duration::ZERO);
    world.wire.latency(Duration::from_millis(500));
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    let begin = Instant::now();
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "16 pending pendingApproval");
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_no_longer_than_asked_and_hears_of_a_rejection() {
    let (world, plan) = moving(gated(3)).await;
    let world = justified(world, Duration::from_secs(90));
    let begin = Instant::now();
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "3 pending pendingApproval");
    assert!(begin.elapsed() < Duration::from_secs(120));
    let decided = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        decide(&world, Decision::Reject);
    };
    let (results, ()) = tokio::join!(world.apply(&plan), decided);
    assert_eq!(outcomes(&results), "3 failed approvalRejected");
    assert_eq!(requests(&world).len(), 3);
    assert_eq!(all_rows(&world.tenant()), ["A"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_filing_of_unknown_outcome_is_found_and_not_repeated() {
    for act in [|| Act::LostAfter, || Act::AnswerAfter(error(503, "Busy"))] {
        let (world, plan) = moving(gated(1)).await;
        let world = justified(world, Duration::ZERO);
        let mut is_first = true;
        world.wire.rule(move |sent| {
            if sent.is_write() && std::mem::take(&mut is_first) {
                act()
            } else {
                Act::Pass
            }
        });
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "pending pendingApproval");
        let filed = requests(&world);
        assert_eq!(filed.len(), 1);
        let approval = results.settled[0].approval.as_ref().expect("a code");
        assert_eq!(approval.code, filed[0].id);
        assert_eq!(approval.body.as_deref(), Some(filed[0].body.as_str()));
        // What was filed has had no effect.
        assert!(!results.settled[0].written);
    }
}

#[tokio::test(start_paused = true)]
async fn a_filing_whose_code_was_dropped_is_found_by_the_list() {
    let (world, plan) = moving(gated(1)).await;
    let world = justified(world, Duration::ZERO);
    world.wire.rule(without_the_code);
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    let approval = results.settled[0].approval.as_ref().expect("a code");
    assert_eq!(approval.code, requests(&world)[0].id);
}

/// So it is where the service does not say what a request asks for either: that something was filed is known.
#[tokio::test(start_paused = true)]
async fn a_filing_whose_code_was_dropped_is_found_though_it_is_not_described() {
    let (world, plan) = moving(gated(1)).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.approval.began = Timestamp::try_from(world.wall()).ok();
    world.wire.rule(
        |sent| match sent.path.contains("operationApprovalRequests") {
            true => Act::alter(|answer| {
                let mut list: Value = serde_json::from_slice(&answer.body).expect("a list");
                for request in list["value"].as_array_mut().expect("requests") {
                    let request = request.as_object_mut().expect("a request");
                    request
                        .retain(|name, _| name != "actionParameters" && name != "addedAssignments");
                }
                answer.body = list.to_string().into_bytes();
            }),
            false => without_the_code(sent),
        },
    );
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    let settled = &results.settled[0];
    let approval = settled.approval.as_ref().expect("a code");
    assert_eq!(approval.code, requests(&world)[0].id);
    // Nothing was written before it.
    let reason = settled.reason.as_ref().expect("a reason");
    assert!(!reason.message.contains("earlier"), "{}", reason.message);
}

/// One step was approved and written; what the next was to do is done by hand meanwhile. The policy is as planned by
/// this run as well.
#[tokio::test(start_paused = true)]
async fn what_is_finished_by_hand_while_it_waits_was_applied_by_the_run_that_began_it() {
    let mut world = justified(World::new(gated(1)), Duration::from_secs(3600));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B", "C"])).await;
    let by_hand = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        decide(&world, Decision::Approve);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(all_rows(&world.tenant()), ["A B"]);
        let id = ids(&world)[0].clone();
        world.service.with_machine(|machine| {
            let tenant = machine.tenant_mut();
            let group = group_id(tenant, "C");
            assign(tenant, CATALOG, &id, target::group(&group));
        });
        decide(&world, Decision::Approve);
    };
    let (results, ()) = tokio::join!(world.apply(&plan), by_hand);
    assert_eq!(outcomes(&results), "applied approvalWithdrawn");
    assert_eq!(all_rows(&world.tenant()), ["A B C"]);
}

/// A world whose run goes on with what an earlier one has filed for its only policy.
async fn filed_before(world: World, plan: &Plan) -> World {
    let mut world = justified(world, Duration::ZERO);
    let first = world.apply(plan).await;
    assert_eq!(outcomes(&first), "pending pendingApproval");
    let policy = plan.changed().next().expect("a policy");
    let filed = first.settled[0].approval.as_deref().expect("a code");
    let key = (policy.kind, policy.id.clone());
    world.settings.approval.filed.insert(key, filed.clone());
    world
}

/// Whoever goes on with an old report finds the request used and the policy as planned: there is nothing to withdraw.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_completed_is_not_withdrawn() {
    let (world, plan) = moving(gated(1)).await;
    let world = filed_before(world, &plan).await;
    decide(&world, Decision::Approve);
    assert_eq!(outcomes(&world.apply(&plan).await), "applied");
    let writes = world.wire.writes().len();
    assert_eq!(outcomes(&world.apply(&plan).await), "already");
    assert_eq!(world.wire.writes().len(), writes);
}

/// What was to be written by the request that waits was done by hand: what is left is not filed beside it.
#[tokio::test(start_paused = true)]
async fn a_policy_that_moved_behind_its_open_request_is_stale() {
    let mut world = World::new(gated(1));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B", "C"])).await;
    let world = filed_before(world, &plan).await;
    let id = ids(&world)[0].clone();
    world.service.with_machine(|machine| {
        let tenant = machine.tenant_mut();
        let group = group_id(tenant, "B");
        assign(tenant, CATALOG, &id, target::group(&group));
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "stale moved");
    let said = &first_reason(&results).message;
    let code = &requests(&world)[0].id;
    assert!(
        said.contains(&format!("its request `{code}` is not sent")),
        "{said}"
    );
    assert_eq!(requests(&world).len(), 1);
}

/// It is enough that one of the two says so: the report, or the service.
#[tokio::test(start_paused = true)]
async fn what_someone_else_has_filed_is_not_completed() {
    for says_so in ["report", "service"] {
        let (world, plan) = moving(gated(1)).await;
        let mut world = filed_before(world, &plan).await;
        decide(&world, Decision::Approve);
        if says_so == "report" {
            let filed = world.settings.approval.filed.values_mut().next();
            filed.expect("what was filed").identity = Some("someone-else".to_owned());
        } else {
            world.service.with_machine(|machine| {
                let request = &mut machine.tenant_mut().approval_requests[0];
                request.requestor.application = "someone-else".to_owned();
            });
        }
        let writes = world.wire.writes().len();
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "failed approvalForeign", "{says_so}");
        assert_eq!(world.wire.writes().len(), writes);
    }
}

/// A policy to which an earlier run has written counts as written, though this run's own write only waits.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_has_written_counts_while_the_rest_waits() {
    let (world, plan) = moving(gated(1)).await;
    let world = justified(world, Duration::ZERO);
    for written in [false, true] {
        let earlier = Earlier {
            written,
            waits_for: None,
        };
        let begun = left_by(&plan, &earlier);
        let results = world.apply(&begun).await;
        assert_eq!(outcomes(&results), "pending pendingApproval");
        assert_eq!(results.settled[0].written, written);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_filed_is_found_again() {
    let world = justified(World::new(gated(1)), Duration::ZERO);
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    let first = world.apply(&plan).await;
    let filed = requests(&world);
    assert!(filed[0].path.ends_with("/assignments"), "{}", filed[0].path);
    let again = world.apply(&plan).await;
    let code = |results: &assignctl::report::Results| {
        let approval = results.settled[0].approval.as_ref();
        approval.expect("a code").code.clone()
    };
    assert_eq!(code(&first), code(&again));
    assert_eq!(requests(&world).len(), 1);
}

/// A policy with an open request, and a run without a justification that meets its lock.
async fn locked() -> (World, Plan) {
    let (world, plan) = moving(gated(1)).await;
    let mut world = justified(world, Duration::ZERO);
    world.apply(&plan).await;
    world.settings.approval.justification = None;
    world.service.with_machine(|machine| {
        let switches = &mut machine.tenant_mut().service.approval;
        switches.conflict_without_justification = true;
    });
    (world, plan)
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_listed_late_is_pending_with_its_code() {
    let (world, plan) = locked().await;
    // As if it had just been filed: the list shows it some seconds later.
    world.service.with_machine(|machine| {
        machine.tenant_mut().service.approval.listing_delay = 6.0;
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    assert_eq!(requests(&world).len(), 1);
}

/// A list that cannot be read is not an empty one, also where nothing needs approval: what is under way
/// there is not known.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_the_list_of_requests_answers_with_errors() {
    let (world, plan) = moving(tenant(1)).await;
    let world = justified(world, Duration::ZERO);
    world.wire.rule(requests_answer_with(500));
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed approvalsUnreadable");
    assert!(world.wire.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_requests_cannot_be_read_says_so() {
    let (world, plan) = locked().await;
    world.wire.rule(requests_answer_with(403));
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending lockedByApproval");
    let reason = first_reason(&results);
    assert!(
        reason.message.contains("could not be read"),
        "{}",
        reason.message
    );
}

/// The service does not say who filed it, and the answer was lost: the write, its time and its justification
/// tell that it was this run.
#[tokio::test(start_paused = true)]
async fn a_filing_of_unknown_outcome_is_ones_own_where_no_one_is_named() {
    let mut tenant = gated(1);
    tenant.service.approval.people_hidden = true;
    let (world, plan) = moving(tenant).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.approval.began = Timestamp::try_from(world.wall()).ok();
    let mut is_first = true;
    world.wire.rule(
        move |sent| match sent.is_write() && std::mem::take(&mut is_first) {
            true => Act::LostAfter,
            false => Act::Pass,
        },
    );
    let results = world.apply(&plan).await;
    let approval = results.settled[0].approval.as_ref().expect("a code");
    assert!(approval.identity.is_some(), "{approval:?}");
}

/// What one policy's write finds out about the route decides nothing for a write that is filed and approved already.
#[tokio::test(start_paused = true)]
async fn an_approved_create_is_sent_as_it_was_filed_whatever_another_finds_out() {
    let world = justified(World::new(gated(2)), Duration::from_secs(3600));
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    let mut is_first = true;
    world.wire.rule(move |sent| {
        let has_code = sent.header("x-msft-approval-code").is_some();
        match has_code && std::mem::take(&mut is_first) {
            true => Act::Answer(error(400, "No method match route template")),
            false => Act::Pass,
        }
    });
    let results = apply_deciding(&world, &plan, &[Decision::Approve]).await;
    assert_eq!(outcomes(&results), "applied, failed approvalRefused");
}

/// App protection answers 412 `ConditionNotMet` while an earlier change has not settled: nothing was filed.
#[tokio::test(start_paused = true)]
async fn a_412_condition_not_met_of_app_protection_is_not_about_approval() {
    let kind = PolicyKind::from_name("iosManagedAppProtection").expect("a kind");
    let world = justified(World::new(tenant_with(kind).0), Duration::ZERO);
    let plan = world.plan(&wanted(kind).0).await;
    let mut refusals = 2;
    world.wire.rule(move |sent| {
        if sent.is_write() && refusals > 0 {
            refusals -= 1;
            return Act::Answer(error(412, "ConditionNotMet"));
        }
        Act::Pass
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "applied");
    let filed = requests(&world);
    assert!(filed.is_empty(), "{filed:?}");
}

/// Issue 17: nothing is decided by kind. A kind that is written row by row takes an approval for each.
#[tokio::test(start_paused = true)]
async fn every_kind_may_be_gated() {
    for kind in PolicyKind::all() {
        let (mut tenant, _) = tenant_with(kind);
        tenant.service.approval.collections = vec![collection(kind).segment().to_owned()];
        let world = justified(World::new(tenant), Duration::from_secs(3600));
        let plan = world.plan(&wanted(kind).0).await;
        let approvers = async {
            loop {
                tokio::time::sleep(Duration::from_secs(20)).await;
                decide(&world, Decision::Approve);
            }
        };
        let results = tokio::select! {
            results = world.apply(&plan) => results,
            () = approvers => unreachable!("they never end"),
        };
        assert_eq!(outcomes(&results), "applied", "{kind}");
        let filed = requests(&world);
        let is_completed = |request: &ApprovalRequest| request.status == ApprovalStatus::Completed;
        assert!(
            !filed.is_empty() && filed.iter().all(is_completed),
            "{kind}"
        );
        // What is approved is sent where it was filed, to the letter.
        for sent in world.wire.writes() {
            let is_filed = |request: &ApprovalRequest| sent.path.ends_with(&request.path);
            assert!(filed.iter().any(is_filed), "{kind}: {}", sent.path);
        }
        assert!(world.plan(&wanted(kind).0).await.is_empty(), "{kind}");
    }
}
