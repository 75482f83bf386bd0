//! `apply --resume` looks at each policy by itself, at those too that another request locked, and says which of the
//! run it leaves out.

use super::support::World;
use super::support::gated::{decide_on, file, three};

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
