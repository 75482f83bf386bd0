//! All devices, which only one Autopilot profile can have, go from one profile to another.

use std::sync::Arc;
use std::time::Duration;

use assignctl::plan::{Earlier, Plan, PlanContents};
use assignctl::report::Results;
use assignctl_sandbox::{Collection, Decision, Tenant, target};
use serde_json::Value;

use super::approval::{apply_deciding, decide, justified, requests};
use super::{is_about, left_by};
use crate::library::support::answers::{error, later};
use crate::library::support::tenants::{assign, rows};
use crate::library::support::wire::{Act, Sent};
use crate::library::support::world::{World, outcomes};

const SEGMENT: &str = "windowsAutopilotDeploymentProfiles";

/// Gives all devices to `B`, and a group to `A`.
const TO_B: &str = "version: 1\npolicies:\n  - {kind: windowsAutopilotDeploymentProfile, name: B, include: [allDevices]}\n  - {kind: windowsAutopilotDeploymentProfile, name: A, include: [{group: G}]}\n";

fn profiles() -> Collection {
    Collection::named(SEGMENT).expect("a collection")
}

/// The profiles `A` and `B`, neither of which is assigned to all devices.
fn nobody_has_them() -> (Tenant, [String; 2]) {
    let mut tenant = Tenant::empty();
    tenant.add_group("G");
    let ids = ["A", "B"].map(|name| tenant.add_policy(profiles(), name, ""));
    (tenant, ids)
}

/// The same, with all devices at `A`.
fn a_has_them() -> (Tenant, [String; 2]) {
    let (mut tenant, ids) = nobody_has_them();
    assign(&mut tenant, profiles(), &ids[0], target::all_devices());
    (tenant, ids)
}

/// The same, where every change has to be approved.
fn a_has_them_gated() -> (Tenant, [String; 2]) {
    let (mut tenant, ids) = a_has_them();
    tenant.service.approval.collections = vec![SEGMENT.to_owned()];
    (tenant, ids)
}

/// Whether a request reads the list of profiles.
fn is_list(sent: &Sent, ids: &[String; 2]) -> bool {
    let is_of_one = ids.iter().any(|id| is_about(sent, id));
    !sent.is_write() && !is_of_one && sent.path.contains(SEGMENT)
}

/// All devices go from one profile to another while the run waits: whoever gets them is filed once the other has given
/// them up.
#[tokio::test(start_paused = true)]
async fn all_devices_move_while_the_run_waits() {
    let (tenant, [_, second]) = a_has_them_gated();
    for last in [Decision::Approve, Decision::Reject] {
        let world = justified(World::new(tenant.clone()), Duration::from_secs(7200));
        let plan = world.plan(TO_B).await;
        // A gets its group and gives all devices up, and B gets them.
        let decisions = [Decision::Approve, last, Decision::Approve];
        let results = apply_deciding(&world, &plan, &decisions).await;
        let holds = |id: &str| {
            let tenant = world.tenant();
            let policy = tenant.policy(profiles(), id).expect("a policy");
            let mut rows = policy.assignments.iter();
            rows.any(|row| row.target["@odata.type"] == target::all_devices()["@odata.type"])
        };
        let (expected, number) = match last {
            Decision::Reject => ("failed approvalRejected, skipped targetHeld", 2),
            _ => ("2 applied", 3),
        };
        assert_eq!(outcomes(&results), expected);
        assert_eq!(requests(&world).len(), number);
        assert_eq!(holds(&second), number == 3);
    }
}

/// What has failed is not tried again once the other has given up the target.
#[tokio::test(start_paused = true)]
async fn who_has_failed_does_not_get_what_is_given_up_later() {
    let (tenant, ids) = a_has_them_gated();
    let world = justified(World::new(tenant), Duration::from_secs(3600));
    let plan = world.plan(TO_B).await;
    world.wire.rule(move |sent| match is_list(sent, &ids) {
        true => Act::Answer(error(500, "UnknownError")),
        false => Act::Pass,
    });
    let results = apply_deciding(&world, &plan, &[Decision::Approve, Decision::Approve]).await;
    assert_eq!(outcomes(&results), "applied, failed readFailed");
}

/// Whoever waits is not looked at for every decision, only for that of who gives the target up.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_target_is_looked_at_once_it_is_given_up() {
    let (mut tenant, [_, second]) = a_has_them_gated();
    let third = tenant.add_policy(profiles(), "C", "");
    let world = justified(World::new(tenant), Duration::from_secs(3600));
    let manifest = format!(
        "{TO_B}  - {{kind: windowsAutopilotDeploymentProfile, name: C, include: [{{group: G}}]}}\n"
    );
    let plan = world.plan(&manifest).await;
    let settled = |id: &str| {
        let lines = world.report_lines();
        let of = |line: &&Value| line["event"] == "policy" && line["id"] == id;
        lines.iter().filter(of).count()
    };
    let decided = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        let code = requests(&world).into_iter();
        let code = code
            .filter(|request| request.path.contains(&third))
            .map(|request| request.id);
        let now = world.wall();
        world.service.with_machine(|machine| {
            for code in code {
                machine.decide(&code, Decision::Approve, None, Some("words"), now);
            }
        });
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(settled(&third), 2);
        assert_eq!(settled(&second), 1);
        // A gets its group and gives all devices up, and B gets them.
        for _ in 0..3 {
            decide(&world, Decision::Approve);
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
    };
    let (results, ()) = tokio::join!(world.apply(&plan), decided);
    assert_eq!(outcomes(&results), "3 applied");
}

/// Only one profile can have all devices: where the one that has them does not give them up, the other is not tried.
#[tokio::test(start_paused = true)]
async fn what_was_not_given_up_is_not_sent_to_another() {
    let (tenant, [first, second]) = a_has_them();
    let world = World::new(tenant);
    world.wire.rule(|sent| match sent.method {
        "DELETE" => Act::Answer(error(400, "BadRequest")),
        _ => Act::Pass,
    });
    let plan = world.plan(TO_B).await;
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed BadRequest, skipped targetHeld");
    let said = results.settled[1].reason.as_ref().expect("a reason");
    let named = format!("`A` ({first}) was to give it up first and still has it");
    assert!(said.message.contains(&named), "{}", said.message);
    let is_taker = |path: &str| path.contains(&second);
    assert!(!world.wire.writes().iter().any(|sent| is_taker(&sent.path)));
    // Another run goes on.
    world.wire.heal();
    assert_eq!(outcomes(&world.converge(TO_B).await), "2 applied");
    assert_eq!(
        rows(&world.tenant(), profiles(), &second),
        "allDevicesAssignmentTarget"
    );
}

/// The run ends before it is decided whether all devices are given up: whoever is to get them waits for that, also in
/// a run that goes on with it alone.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_target_goes_on_waiting_without_who_gives_it_up() {
    let (tenant, [first, second]) = a_has_them_gated();
    let world = justified(World::new(tenant), Duration::ZERO);
    let plan = world.plan(TO_B).await;
    let results = world.apply(&plan).await;
    assert_eq!(
        outcomes(&results),
        "pending pendingApproval, pending targetHeld"
    );
    let waits = |results: &Results| -> Vec<Option<String>> {
        let settled = results.settled.iter();
        settled.map(|settled| settled.waits_for.clone()).collect()
    };
    assert_eq!(waits(&results), [None, Some(first.clone())]);
    let mut contents = PlanContents::clone(&plan);
    contents.policies.retain(|policy| policy.id == second);
    let alone = Plan::from(contents);
    for (waits_for, expected, goes_on) in [
        (&first, "pending targetHeld", Some(first.clone())),
        (&second, "skipped targetHeld", None),
    ] {
        let earlier = Earlier {
            written: false,
            waits_for: Some(waits_for.clone()),
        };
        let results = world.apply(&left_by(&alone, &earlier)).await;
        assert_eq!(outcomes(&results), expected);
        assert_eq!(waits(&results), [goes_on]);
    }
}

/// Who was seen to have given the target up is not looked for in the list, which may lag.
#[tokio::test(start_paused = true)]
async fn a_target_that_was_seen_given_up_is_free() {
    let (tenant, ids) = a_has_them();
    let world = World::new(tenant);
    let plan = world.plan(TO_B).await;
    world.wire.rule(move |sent| match is_list(sent, &ids) {
        true => Act::Answer(error(500, "UnknownError")),
        false => Act::Pass,
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "2 applied");
}

/// Another admin gave all devices to a profile that the plan changes otherwise.
#[tokio::test(start_paused = true)]
async fn a_target_that_someone_else_gave_away_is_held() {
    let (tenant, [first, _]) = nobody_has_them();
    let world = World::new(tenant);
    let plan = world.plan(TO_B).await;
    world.service.with_machine(|machine| {
        assign(
            machine.tenant_mut(),
            profiles(),
            &first,
            target::all_devices(),
        );
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "skipped targetHeld, stale moved");
    let said = results.settled.iter().filter_map(|settled| {
        let reason = settled.reason.as_ref()?;
        reason
            .message
            .contains(&format!("`A` ({first}) has it"))
            .then_some(())
    });
    assert_eq!(said.count(), 1);
}

/// What comes of two profiles, of which one is to give all devices to the other and is not allowed to, where the list
/// of profiles is answered so.
async fn holder_is_looked_for(list: impl Fn(&World) -> Act + Send + 'static) -> String {
    let (tenant, ids) = a_has_them();
    let world = Arc::new(World::new(tenant));
    let plan = world.plan(TO_B).await;
    let known = Arc::downgrade(&world);
    world
        .wire
        .rule(move |sent| match (sent.is_write(), is_list(sent, &ids)) {
            (true, _) => Act::Answer(error(400, "BadRequest")),
            (false, true) => list(&known.upgrade().expect("a world")),
            (false, false) => Act::Pass,
        });
    outcomes(&world.apply(&plan).await)
}

/// Whoever is to get all devices looks who has them, and the run is interrupted meanwhile.
#[tokio::test(start_paused = true)]
async fn an_interrupt_while_the_holder_of_a_target_is_looked_for_is_no_failure() {
    let interrupted = |world: &World| {
        world.stop.cancel();
        Act::Silence
    };
    assert_eq!(
        holder_is_looked_for(interrupted).await,
        "failed BadRequest, skipped interrupted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_of_holders_that_cannot_be_read_stops_who_is_to_get_the_target() {
    for (answer, expected) in [
        (later(429, "901"), "failed BadRequest, skipped waitTooLong"),
        (
            error(500, "UnknownError"),
            "failed BadRequest, failed readFailed",
        ),
    ] {
        let list = move |_: &World| Act::Answer(answer.clone());
        assert_eq!(holder_is_looked_for(list).await, expected);
    }
}
