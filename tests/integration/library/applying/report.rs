//! The report says what happened, and says of a write before it is sent.

use std::collections::HashMap;
use std::sync::Arc;

use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use assignctl::report::Results;
use serde_json::Value;

use super::{adding, ids, is_about, moving, other_admin};
use crate::library::support::answers::{error, later};
use crate::library::support::tenants::{tenant, tenant_with_set_rows, wants};
use crate::library::support::wire::{Act, Sent, lock};
use crate::library::support::world::{World, outcomes};

/// Lets a rule decide, and checks at every write that its `sending` line is there, one for each.
fn announced(world: &World, mut rule: impl FnMut(&Sent) -> Act + Send + 'static) {
    let report = Arc::clone(&world.report);
    let policies = ids(world);
    let mut writes: HashMap<String, usize> = HashMap::new();
    world.wire.rule(move |sent| {
        if sent.is_write() {
            let id = policies.iter().find(|id| is_about(sent, id)).expect("one");
            let count = writes.entry(id.clone()).or_default();
            *count += 1;
            let text = lock(&report).text();
            let lines = text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            let sending = lines
                .filter(|line| line["event"] == "sending" && line["id"] == **id)
                .count();
            assert_eq!(sending, *count, "a write that nobody announced");
        }
        rule(sent)
    });
}

/// Compares the report with the plan, with what is said to have happened, and with the wire.
fn check(world: &World, plan: &Plan, results: &Results) {
    let lines = world.report_lines();
    let mut settled: HashMap<&str, &Value> = HashMap::new();
    let mut sending: HashMap<&str, usize> = HashMap::new();
    for line in &lines {
        let id = line["id"].as_str().expect("an id");
        match line["event"].as_str() {
            Some("sending") => {
                assert!(!settled.contains_key(id), "a write after the end");
                *sending.entry(id).or_default() += 1;
            }
            Some("policy") => {
                assert!(settled.insert(id, line).is_none(), "settled twice");
            }
            other => panic!("{other:?}"),
        }
    }
    let writes = world.wire.writes();
    assert_eq!(sending.values().sum::<usize>(), writes.len());
    for (policy, result) in plan.changed().zip(&results.settled) {
        let line = settled.remove(policy.id.as_str()).expect("a line");
        assert_eq!(line["outcome"], result.outcome.name());
        assert_eq!(line["kind"], policy.kind.name());
        assert_eq!(line["name"], *policy.name);
        let code = result.reason.as_ref().map(|reason| reason.code.name());
        assert_eq!(line["error"]["code"].as_str(), code);
        assert_eq!(
            line["before"].as_array().map(Vec::len),
            Some(policy.before.len())
        );
        assert_eq!(
            line["after"].as_array().map(Vec::len),
            Some(policy.after.len())
        );
        let sent = writes.iter().filter(|sent| is_about(sent, &policy.id));
        assert_eq!(
            sending.remove(policy.id.as_str()).unwrap_or(0),
            sent.count()
        );
    }
    assert!(settled.is_empty() && sending.is_empty(), "lines of others");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_run_is_told_line_by_line() {
    for write_with in WriteWith::ALL {
        let mut world = World::new(tenant_with_set_rows(9));
        world.settings.write_with = write_with;
        let plan = world.plan(&wants("*", &["B"])).await;
        announced(&world, |_| Act::Pass);
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "9 applied");
        check(&world, &plan, &results);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_create_route_is_announced_twice() {
    let mut tenant = tenant(4);
    tenant.service.create_route_missing = vec!["configurationPolicies".to_owned()];
    let (world, plan) = adding(tenant).await;
    announced(&world, |_| Act::Pass);
    let results = world.apply(&plan).await;
    assert_eq!(world.wire.writes().len(), 5);
    check(&world, &plan, &results);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_many_fates_is_told_as_it_was() {
    let (world, plan) = moving(tenant(10)).await;
    let policies = ids(&world);
    world.service.with_machine(|machine| {
        other_admin(machine.tenant_mut(), &policies[0], "C");
        other_admin(machine.tenant_mut(), &policies[1], "B");
    });
    let mut throttled = false;
    announced(&world, move |sent| {
        let about = |number: usize| is_about(sent, &policies[number]);
        match sent.is_write() {
            true if about(2) => Act::Answer(error(400, "BadRequest")),
            true if about(3) => Act::LostAfter,
            true if about(4) => Act::Answer(error(500, "UnknownError")),
            true if about(5) => Act::Answer(error(403, "Forbidden")),
            true if about(6) && !std::mem::replace(&mut throttled, true) => {
                Act::Answer(later(429, "5"))
            }
            _ => Act::Pass,
        }
    });
    let results = world.apply(&plan).await;
    assert_eq!(
        outcomes(&results),
        "already, 5 applied, failed BadRequest, failed Forbidden, failed givenUp, stale moved"
    );
    check(&world, &plan, &results);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_is_told_as_far_as_it_came() {
    let (world, plan) = moving(tenant(30)).await;
    let stop = world.stop.clone();
    let mut writes = 0;
    announced(&world, move |sent| {
        writes += usize::from(sent.is_write());
        if writes == 7 {
            stop.cancel();
        }
        Act::Pass
    });
    let results = world.apply(&plan).await;
    assert!(results.interrupted);
    check(&world, &plan, &results);
}
