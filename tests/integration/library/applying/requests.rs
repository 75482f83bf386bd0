//! What a run reads of the requests for approval, and what it does where it cannot.

use std::time::Duration;

use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::approval::{gated, justified, requests, requests_answer_with, undescribed};
use super::moving;
use crate::library::support::answers::{error, json_of, later};
use crate::library::support::tenants::{tenant, wants};
use crate::library::support::wire::Act;
use crate::library::support::world::{World, first_reason, outcomes};

/// Where the requests may not be read, changes that need no approval are made, also at a second try.
#[tokio::test(start_paused = true)]
async fn requests_that_may_not_be_read_stop_no_ungated_write() {
    let mut hidden = requests_answer_with(403);
    let (world, plan) = moving(tenant(3)).await;
    let world = justified(world, Duration::ZERO);
    let mut is_first = true;
    world.wire.rule(
        move |sent| match sent.is_write() && std::mem::take(&mut is_first) {
            true => Act::Answer(later(429, "5")),
            false => hidden(sent),
        },
    );
    assert_eq!(outcomes(&world.apply(&plan).await), "3 applied");
}

/// What may have been filed is not sent again while that cannot be read.
#[tokio::test(start_paused = true)]
async fn requests_that_may_not_be_read_any_more_stop_what_may_be_filed() {
    let (world, plan) = moving(gated(1)).await;
    let world = justified(world, Duration::ZERO);
    let mut hidden = requests_answer_with(403);
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        match (sent.is_write(), writes) {
            (true, 1) => Act::LostAfter,
            (false, 1..) => hidden(sent),
            _ => Act::Pass,
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "failed approvalsUnreadable"
    );
    assert_eq!(world.wire.writes().len(), 1);
}

/// One answer that asks for a reason is enough for its kind, whether the requests can be read or not.
#[tokio::test(start_paused = true)]
async fn requests_that_may_not_be_read_let_no_gated_write_be_tried_twice() {
    for (justification, expected) in [
        (None, "4 failed approvalRequired"),
        (Some("why"), "4 failed approvalsUnreadable"),
    ] {
        let (mut world, plan) = moving(gated(4)).await;
        world.settings.approval.justification = justification.map(str::to_owned);
        world.settings.concurrency = 1;
        world.wire.rule(requests_answer_with(403));
        assert_eq!(outcomes(&world.apply(&plan).await), expected);
        assert_eq!(world.wire.writes().len(), 1);
    }
}

/// If the list cannot be read again, only the policy that needed it fails.
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_again_fails_one_policy() {
    let (world, plan) = moving(gated(4)).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.concurrency = 1;
    let (mut writes, mut lists) = (0, 0);
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        let is_list = sent.path.ends_with("operationApprovalRequests");
        lists += usize::from(is_list);
        match (sent.is_write(), writes, lists) {
            (true, 1, _) => Act::LostBefore,
            (false, _, 2..=6) if is_list => Act::Answer(error(500, "UnknownError")),
            _ => Act::Pass,
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "failed approvalsUnreadable, 3 pending pendingApproval"
    );
}

/// A list that could never be read is not asked for again by each policy.
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_is_read_once() {
    let (world, plan) = moving(gated(4)).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.concurrency = 1;
    world.wire.rule(requests_answer_with(500));
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "4 failed approvalsUnreadable"
    );
    let log = world.wire.log();
    let lists = log.iter().filter(|sent| sent.path.contains("Approval"));
    assert_eq!(lists.count(), 5);
}

/// The open requests are read once, and not for each policy.
#[tokio::test(start_paused = true)]
async fn open_requests_are_listed_once() {
    let (world, plan) = moving(gated(12)).await;
    let world = justified(world, Duration::ZERO);
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "12 pending pendingApproval");
    let log = world.wire.log();
    let lists = log.iter().filter(|sent| {
        let path = sent.path.split('?').next().unwrap_or_default();
        path.ends_with("operationApprovalRequests")
    });
    assert_eq!(lists.count(), 1);
}

/// A new request may be listed late, so the list is read for a while.
#[tokio::test(start_paused = true)]
async fn what_is_locked_by_a_request_that_nobody_sees_says_so() {
    for (status, message, said) in [
        (
            409,
            "An active approval request already exists.",
            "a change of the policy waits for approval, and the list of requests does not show which",
        ),
        (
            412,
            "Approval Required",
            "the write was filed for approval, and the list of requests does not show it yet",
        ),
    ] {
        let (world, plan) = moving(tenant(1)).await;
        let world = justified(world, Duration::ZERO);
        world.wire.rule(move |sent| match sent.is_write() {
            true => Act::Answer(json_of(
                status,
                &json!({"error": {"code": "BadRequest", "message": message}}),
            )),
            false => Act::Pass,
        });
        let begin = Instant::now();
        let results = world.apply(&plan).await;
        let reason = first_reason(&results);
        assert_eq!(
            (reason.code.name(), &*reason.message),
            ("lockedByApproval", said)
        );
        // Five looks, with a wait between two of them.
        assert_eq!(begin.elapsed().as_secs(), 12);
    }
}

/// Where no reason was given it is what is asked for, also if the requests cannot be read.
#[tokio::test(start_paused = true)]
async fn requests_that_cannot_be_read_hide_no_missing_justification() {
    let (world, plan) = moving(gated(1)).await;
    world.wire.rule(requests_answer_with(500));
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed approvalRequired");
}

/// A run that writes in another way finds the request of an earlier one that asks for the same.
#[tokio::test(start_paused = true)]
async fn what_was_filed_in_another_way_of_writing_is_found() {
    let mut world = justified(World::new(gated(1)), Duration::ZERO);
    for write_with in [WriteWith::Assign, WriteWith::Create] {
        world.settings.write_with = write_with;
        let plan = world.plan(&wants("*", &["A", "B"])).await;
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "pending pendingApproval");
        let approval = results.settled[0].approval.as_ref().expect("a code");
        assert_eq!(approval.code, requests(&world)[0].id);
        assert!(approval.path.ends_with("/assign"), "{}", approval.path);
    }
    assert_eq!(requests(&world).len(), 1);
}

/// A time is said to the second.
#[tokio::test(start_paused = true)]
async fn a_request_says_until_when_it_can_be_approved() {
    let (world, plan) = moving(gated(1)).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.approval.began = Timestamp::try_from(world.wall()).ok();
    let results = world.apply(&plan).await;
    let reason = first_reason(&results);
    let code = &requests(&world)[0].id;
    assert_eq!(
        reason.message,
        format!(
            "waits for a second administrator's approval until 2026-11-26T10:00:00Z: request `{code}`"
        )
    );
}

/// A change that needs approval, where requests are listed late and do not say who filed them.
async fn requests_show_late_and_nameless() -> (World, Plan) {
    let mut tenant = gated(1);
    tenant.service.approval.people_hidden = true;
    tenant.service.approval.listing_delay = 6.0;
    let (world, plan) = moving(tenant).await;
    let mut world = justified(world, Duration::ZERO);
    world.settings.approval.began = Timestamp::try_from(world.wall()).ok();
    (world, plan)
}

/// The same change with another's reason was filed first: its code is kept, and is not said to be ours.
#[tokio::test(start_paused = true)]
async fn what_another_has_filed_alike_is_not_said_to_be_ones_own() {
    let (world, plan) = requests_show_late_and_nameless().await;
    let mut other = world.beside();
    other.settings.approval.justification = Some("another reason".to_owned());
    let others = other.plan(&wants("*", &["B"])).await;
    let results = other.apply(&others).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    let identity = |results: &assignctl::report::Results| {
        let approval = results.settled[0].approval.as_ref();
        approval.expect("a code").identity.clone()
    };
    assert!(identity(&results).is_some());
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending pendingApproval");
    assert_eq!(identity(&results), None);
}

/// Another run with the same justification was a moment earlier, and the service does not say what its request
/// asks for. What this run sent was refused, so that the request is not its own.
#[tokio::test(start_paused = true)]
async fn what_another_run_has_just_filed_is_not_taken_for_ones_own() {
    let (world, plan) = requests_show_late_and_nameless().await;
    let other = world.beside();
    let others = other.plan(&wants("*", &["C"])).await;
    world.wire.rule(undescribed);
    assert_eq!(
        outcomes(&other.apply(&others).await),
        "pending pendingApproval"
    );
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "pending lockedByApproval");
    let reason = first_reason(&results);
    assert!(
        reason
            .message
            .contains("that the service does not describe"),
        "{}",
        reason.message
    );
}
