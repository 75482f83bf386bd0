//! Requests for approval that are withdrawn.

use std::time::Duration;

use assignctl::apply::withdraw::withdraw_all;
use assignctl::model::ApprovalStatus;
use assignctl::report::Withdrawn;
use assignctl_sandbox::Decision;

use super::approval::{decide, gated, justified, requests};
use super::moving;
use crate::library::support::wire::Act;
use crate::library::support::world::World;

/// Withdraws the requests that there are.
async fn withdraw(world: &World) -> Vec<Withdrawn> {
    let codes = requests(world).into_iter().map(|request| request.id);
    withdraw_all(&world.client, &codes.collect::<Vec<_>>()).await
}

#[tokio::test(start_paused = true)]
async fn a_request_is_withdrawn_once_and_one_that_is_closed_is_left_alone() {
    let (world, plan) = moving(gated(1)).await;
    let world = justified(world, Duration::ZERO);
    world.apply(&plan).await;
    assert_eq!(withdraw(&world).await, [Withdrawn::Done]);
    let writes = world.wire.writes().len();
    let closed = Withdrawn::Closed(ApprovalStatus::Cancelled);
    assert_eq!(withdraw(&world).await, [closed]);
    assert_eq!(world.wire.writes().len(), writes);
}

/// The answer is lost before the service has it: whether it is sent again depends on what became of the request.
#[tokio::test(start_paused = true)]
async fn a_withdrawal_of_unknown_outcome_is_looked_at_before_it_is_sent_again() {
    for (decision, expected, sent) in [
        (None, Withdrawn::Done, 2),
        (
            Some(Decision::Reject),
            Withdrawn::Closed(ApprovalStatus::Rejected),
            1,
        ),
    ] {
        let (world, plan) = moving(gated(1)).await;
        let world = justified(world, Duration::ZERO);
        world.apply(&plan).await;
        let before = world.wire.writes().len();
        let mut is_first = true;
        world.wire.rule(
            move |sent| match sent.is_write() && std::mem::take(&mut is_first) {
                true => Act::Silence,
                false => Act::Pass,
            },
        );
        let decided = async {
            // It has left, and its answer is waited for.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if let Some(decision) = decision {
                decide(&world, decision);
            }
        };
        let (withdrawn, ()) = tokio::join!(withdraw(&world), decided);
        assert_eq!(withdrawn, [expected]);
        assert_eq!(world.wire.writes().len() - before, sent);
    }
}
