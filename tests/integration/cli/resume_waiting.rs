//! `apply --resume` looks at each policy by itself, at those too that another request locked, and says which of the
//! run it leaves out.

use super::support::World;
use super::support::gated::{decide, decide_on, end, file, gated, three};
use super::support::tenant::Tenant;

/// Lets a report be that of a run which was killed before it knew of any answer.
fn killed(world: &World, from: &str, to: &str) {
    let report = world.read(from);
    let announced = report.lines().filter(|line| {
        !line.contains("\"event\":\"policy\"") && !line.contains("\"event\":\"end\"")
    });
    let announced: Vec<&str> = announced.collect();
    world.write(to, &(announced.join("\n") + "\n"));
}

#[test]
fn a_rollback_says_what_it_leaves_open() {
    let world = three();
    file(&world, "--report r.jsonl");
    decide_on(&world, 0, "approved", None);
    for (format, expected) in [("text", "Nothing to do"), ("markdown", "warning")] {
        world
            .sandbox(&format!("rollback r.jsonl --yes --format {format}"))
            .exits(0)
            .says(&[
                expected,
                "the run has filed 3 requests for approval that a rollback leaves open: 2 waiting for approval, 1 approved, not yet applied",
                "`assignctl approvals cancel`",
                "`assignctl apply --resume`",
            ]);
    }
    killed(&world, "r.jsonl", "killed.jsonl");
    world
        .sandbox("rollback killed.jsonl --yes --only P")
        .says(&["1 request for approval"]);
    world.sandbox("approvals cancel r.jsonl --yes").exits(0);
    world
        .sandbox("rollback r.jsonl --yes")
        .exits(0)
        .says_nothing_of("open-requests");
}

/// Assignments of policy sets stay out of a body, unless a manifest declares them.
#[test]
fn what_was_filed_beside_assignments_of_a_policy_set_is_sent_as_it_was() {
    let set = "dddddddd-0000-4000-8000-000000000001";
    let row = format!("+C <{set}>");
    let declared = format!("{{group: C, source: policySets, sourceId: {set}}}");
    for include in ["{group: B}".to_owned(), format!("{{group: B}}, {declared}")] {
        let tenant: Tenant = gated().policy("P", &["+A", &row]);
        let entry = format!("name: P, include: [{include}]");
        let world = World::with(&tenant, &[&entry]);
        file(
            &world,
            "--write-with assign --allow removals --report r.jsonl",
        );
        decide(&world, "approved", None);
        world
            .sandbox("apply --resume r.jsonl --yes --report s.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(end(&world, "s.jsonl")["requests"]["writes"], 1);
        assert_eq!(world.rows("P"), ["+B", &*row]);
    }
}
