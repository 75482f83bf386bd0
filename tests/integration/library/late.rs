//! Kinds that show a write late, that refuse another one too soon, or that take one write at a time.

use std::time::Duration;

use assignctl::report::Outcome;
use assignctl_sandbox::{Collection, Tenant, target};

use super::support::answers::error;
use super::support::tenants::{group_id, manifest};
use super::support::wire::{Act, Sent};
use super::support::world::{World, applied, outcomes};

fn collection(segment: &str) -> Collection {
    Collection::named(segment).expect("a collection")
}

/// A tenant with policies of a collection that are assigned to `A`.
fn tenant(segment: &str, of_what: &str, number: usize) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 1_000_000;
    let a = tenant.add_group("A");
    tenant.add_group("B");
    for number in 0..number {
        let id = tenant.add_policy(collection(segment), &format!("P {number}"), of_what);
        let policy = tenant.policy_mut(collection(segment), &id);
        policy.expect("a policy").assign(target::group(&a));
    }
    tenant
}

fn protected(lag: f64) -> World {
    let mut tenant = tenant("iosManagedAppProtections", "", 1);
    tenant.service.managed_app_lag = lag;
    World::new(tenant)
}

fn wanted() -> String {
    manifest("iosManagedAppProtection", "*", "exact", &["B"])
}

/// The group that the only policy is assigned to.
fn assigned(world: &World) -> String {
    let tenant = world.tenant();
    let policies = tenant.policies(collection("iosManagedAppProtections"));
    let group = policies[0].assignments[0].target["groupId"].clone();
    group.as_str().expect("a group").to_owned()
}

#[tokio::test(start_paused = true)]
async fn app_protection_that_reads_old_and_new_in_turn_is_waited_for() {
    for lag in [1.0, 20.0, 60.0] {
        let world = protected(lag);
        let results = world.converge(&wanted()).await;
        assert_eq!(outcomes(&results), "applied", "{lag}");
        assert_eq!(world.wire.writes().len(), 1, "{lag}");
        // Two looks in a row agreed, so that old and new are no longer read in turn.
        assert!(world.wire.elapsed().as_secs_f64() >= lag, "{lag}");
        assert_eq!(assigned(&world), group_id(&world.tenant(), "B"));
        assert!(world.plan(&wanted()).await.is_empty(), "{lag}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_within_the_bound_is_applied_with_a_note() {
    let world = protected(600.0);
    let results = world.converge(&wanted()).await;
    assert_eq!(outcomes(&results), "applied notVisibleYet");
    assert!(results.is_good(), "{results:?}");
    assert_eq!(world.wire.writes().len(), 1);
    let waited = world.wire.elapsed();
    assert!(
        waited > Duration::from_secs(60) && waited < Duration::from_secs(120),
        "{waited:?}"
    );
    let line = world.report_lines();
    let line = line
        .iter()
        .find(|line| line["event"] == "policy")
        .expect("a line");
    assert_eq!(
        (&line["outcome"], &line["note"]["code"]),
        (&"applied".into(), &"notVisibleYet".into())
    );
    assert_eq!(assigned(&world), group_id(&world.tenant(), "B"));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_comes_too_soon_is_sent_again_when_the_service_has_settled() {
    let world = protected(12.0);
    // Another administrator's change, seconds ago.
    let first = world.converge(&wanted()).await;
    assert_eq!(applied(&first), 1);
    let world = protected(12.0);
    let plan = world.plan(&wanted()).await;
    let mut refused = 0;
    world.wire.rule(move |sent: &Sent| {
        if !sent.is_write() || refused == 3 {
            return Act::Pass;
        }
        refused += 1;
        // Both are seen (a public script that was tried on a tenant in 2026).
        Act::Answer(match refused {
            1 => error(412, "ConditionNotMet"),
            2 => error(404, "ResourceNotFound"),
            _ => error(412, "ConditionNotMet"),
        })
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "applied");
    assert_eq!(world.wire.writes().len(), 4);
    assert_eq!(assigned(&world), group_id(&world.tenant(), "B"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_settles_is_given_up_and_approval_is_not_taken_for_it() {
    for (code, tries) in [("ConditionNotMet", 6), ("BadRequest", 1)] {
        let world = protected(0.0);
        let plan = world.plan(&wanted()).await;
        world.wire.rule(move |sent: &Sent| match sent.is_write() {
            true => Act::Answer(error(412, code)),
            false => Act::Pass,
        });
        let results = world.apply(&plan).await;
        assert_eq!(results.count(Outcome::Failed), 1, "{}", outcomes(&results));
        assert_eq!(world.wire.writes().len(), tries, "{code}");
        assert_eq!(assigned(&world), group_id(&world.tenant(), "A"));
    }
}

#[tokio::test(start_paused = true)]
async fn other_kinds_are_not_sent_again_for_it() {
    let world = World::new(tenant("deviceShellScripts", "", 1));
    let plan = world
        .plan(&manifest("deviceShellScript", "*", "exact", &["B"]))
        .await;
    world.wire.rule(|sent: &Sent| match sent.is_write() {
        true => Act::Answer(error(412, "ConditionNotMet")),
        false => Act::Pass,
    });
    let results = world.apply(&plan).await;
    assert_eq!(results.count(Outcome::Failed), 1);
    assert_eq!(world.wire.writes().len(), 1);
}

/// Whether a write leaves before the one before it is answered.
fn are_side_by_side(writes: &[Sent]) -> bool {
    writes.windows(2).any(|pair| {
        let (end, _) = pair[0].end.expect("an answer");
        pair[1].at < end
    })
}

#[tokio::test(start_paused = true)]
async fn enrollment_configurations_are_written_one_at_a_time_and_others_side_by_side() {
    for (segment, kind, of_what, serial) in [
        (
            "deviceEnrollmentConfigurations",
            "deviceEnrollmentConfiguration",
            "windows10EnrollmentCompletionPageConfiguration",
            true,
        ),
        ("deviceShellScripts", "deviceShellScript", "", false),
    ] {
        let world = World::new(tenant(segment, of_what, 6));
        world.wire.latency(Duration::from_millis(400));
        let results = world.converge(&manifest(kind, "*", "exact", &["B"])).await;
        assert_eq!(applied(&results), 6, "{kind}: {}", outcomes(&results));
        let writes = world.wire.writes();
        assert_eq!(writes.len(), 6);
        assert_eq!(are_side_by_side(&writes), !serial, "{kind}");
        if serial {
            // Each is read back before the next one leaves.
            let log = world.wire.log();
            for pair in writes.windows(2) {
                let of_first = |sent: &&Sent| {
                    let first = pair[0].path.trim_end_matches("/assign");
                    !sent.is_write() && sent.number > pair[0].number && sent.path.starts_with(first)
                };
                let look = log.iter().find(of_first).expect("a look back");
                assert!(look.end.expect("an answer").0 <= pair[1].at, "{kind}");
            }
        }
    }
}
