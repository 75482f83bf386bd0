//! What `apply --resume` says of what it is about to do: only what is left of it.

use serde_json::{Value, json};

use super::support::World;
use super::support::gated::{WHY, decide, decide_on, file, gated, one, three};
use super::support::tenant::{Tenant, policy_id, policy_mut};

/// Returns the calls of the only policy of a plan, and how many its summary counts.
fn writes(result: &Value) -> (Vec<&str>, &Value) {
    let writes = result["policies"][0]["writes"].as_array();
    let calls = writes.expect("a list").iter();
    let calls = calls.map(|write| write["call"].as_str().expect("a call"));
    (calls.collect(), &result["summary"]["writes"])
}

#[test]
fn writes_that_an_earlier_run_has_done_are_not_counted() {
    let world = World::with(
        &gated().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    file(&world, "--write-with create --report r.jsonl");
    decide(&world, "approved", None);
    // The way of writing is that of the request, whatever is asked for now.
    let ran = world.sandbox(&format!(
        "apply --resume r.jsonl --yes --justification {WHY} --format json --report s.jsonl"
    ));
    let shown = ran.exits(8).json();
    assert_eq!(writes(&shown), (vec!["create", "delete"], &json!(2)));
    decide_on(&world, 1, "approved", None);
    let ran = world.sandbox("apply --resume s.jsonl --yes --format json --report t.jsonl");
    let shown = ran.exits(0).json();
    assert_eq!(writes(&shown), (vec!["delete"], &json!(1)));
    assert_eq!(world.rows("P"), ["+B"]);
}

#[test]
fn the_writes_that_are_left_are_said_in_text() {
    let world = World::with(
        &gated().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    file(&world, "--write-with create --report r.jsonl");
    decide(&world, "approved", None);
    let why = format!("--yes --justification {WHY}");
    world
        .sandbox(&format!("apply --resume r.jsonl {why} --report s.jsonl"))
        .exits(8)
        .says(&["; 2 writes, "]);
    world
        .sandbox(&format!("apply --resume s.jsonl {why}"))
        .exits(8)
        .says(&["; 1 write, "]);
}

#[test]
fn what_was_applied_at_once_is_not_left_out_of_a_resume() {
    let tenant = Tenant::common()
        .switch("approval", json!({"collections": ["compliancePolicies"]}))
        .policy("P", &[])
        .compliance("C", &[])
        .compliance("D", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "kind: compliancePolicy, match: '?', include: [group: A]",
        ],
    );
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world
        .sandbox("apply --resume r.jsonl --yes --only C --report s.jsonl")
        .exits(0)
        .says(&[" excludes 1 managed policy.", "1 applied"]);
    assert_eq!(world.rows("D"), [""; 0]);
}

#[test]
fn policies_that_were_renamed_since_are_a_warning() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide(&world, "approved", None);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["name"] = "new".into();
    });
    let said = format!(
        "warning[renamed-since]: configurationPolicy `P` is now called `new` ({})",
        policy_id(1)
    );
    world
        .sandbox("apply --resume r.jsonl --yes")
        .exits(0)
        .says(&[&said, "the plan uses ids", "3 applied"]);
    let world = one();
    file(&world, "--report r.jsonl");
    world
        .sandbox("apply --resume r.jsonl --yes")
        .exits(8)
        .says_nothing_of("renamed-since");
}
