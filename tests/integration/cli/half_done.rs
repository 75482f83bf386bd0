//! A saved plan whose policy stands between two of the plan's writes.

use serde_json::json;

use super::support::World;
use super::support::tenant::{Tenant, group_id, nth_policy};

/// A run that was killed and a change by hand leave the same; either way it is said, and the report has
/// what was found.
#[test]
fn the_rest_is_applied_and_the_report_has_what_was_there() {
    let world = World::with(
        &Tenant::common().policy("P", &["+C"]),
        &["name: P, include: [group: A, group: B, group: C]"],
    );
    world
        .sandbox("plan m.yaml --write-with create --out plan.json")
        .exits(0);
    let planned = world.read("tenant.json");
    // As the plan's first write leaves it.
    world.edit("tenant.json", |state| {
        let rows = nth_policy(state, 0)["assignments"].as_array_mut();
        let rows = rows.expect("a list");
        let mut added = rows[0].clone();
        added["target"]["groupId"] = json!(group_id(1));
        rows.push(added);
    });
    let before = world.rows("P");
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(0)
        .says(&[
            "warning[half-done]: configurationPolicy `P` is between two steps of the plan",
            "only the rest is applied",
            "Result: 1 applied.",
        ]);
    assert_eq!(world.rows("P").len(), 3);
    let report = world.report("r.jsonl");
    let line = report.iter().find(|line| line["event"] == "policy");
    assert_eq!(
        line.expect("a line")["before"].as_array().map(Vec::len),
        Some(2)
    );
    world.sandbox("rollback r.jsonl --yes").exits(0);
    assert_eq!(world.rows("P"), before);
    // A state that no step of the plan leaves counts as moved.
    world.write("tenant.json", &planned);
    world.edit("tenant.json", |state| {
        nth_policy(state, 0)["assignments"] = json!([]);
    });
    world.sandbox("apply plan.json").exits(5);
}
