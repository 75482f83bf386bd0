//! Results that cannot be joined: of runs that failed as a whole, and of different runs.

use serde_json::json;

use super::msp;
use crate::cli::support::World;

const PLAN: &str = "plan m.yaml --all-tenants --sandbox tenants";

fn two(world: &World, options: [&str; 2]) {
    for (number, options) in options.into_iter().enumerate() {
        let index = number + 1;
        world.run(&format!(
            "{PLAN} --shard {index}/2 --json-into r/{index}.json {options}"
        ));
    }
}

/// What shards have found is said as one run says it.
#[test]
fn what_failed_shards_found_is_said_once_in_every_format() {
    let world = msp();
    world.write("wrong.yaml", "version: 1\npolicies: [{}]\n");
    two(&world, ["wrong.yaml", "wrong.yaml"]);
    assert_eq!(world.json("r/1.json")["command"], "plan");
    let text = world.run("tenants merge r").exits(3);
    let text = text.says(&[
        "the runs that wrote `r/1.json`, `r/2.json` failed: ",
        "correct the manifests and run all shards again",
        "wrong.yaml:2:",
    ]);
    text.says_nothing_of("run that shard again");
    let whole = world.json("r/1.json")["diagnostics"].clone();
    let merged = world.run("tenants merge r --format json").exits(3).json();
    assert_eq!(merged["diagnostics"], whole);
    for (format, place) in [("markdown", "wrong.yaml"), ("github", "file=wrong.yaml")] {
        let ran = world
            .run(&format!("tenants merge r --format {format}"))
            .exits(3);
        assert!(ran.stdout.contains(place), "{format}: {}", ran.stdout);
    }
}

/// The worst of all codes, whichever file is first.
#[test]
fn the_worst_code_of_all_shards_wins() {
    let world = msp();
    world.write("wrong.yaml", "version: 1\npolicies: [{}]\n");
    two(&world, ["wrong.yaml --run-id a", "--run-id a"]);
    world.run("tenants merge r").exits(3);
    world.edit("r/2.json", |part| part["tenants"][0]["exitCode"] = 1.into());
    world.run("tenants merge r").exits(1);
    let first = world.read("r/1.json");
    world.write("r/3.json", &first);
    world.edit("r/3.json", |part| part["error"]["exitCode"] = 130.into());
    world.run("tenants merge r").exits(130);
    // So it is where no run failed and a shard is missing.
    two(&world, ["--run-id a", "--run-id a"]);
    std::fs::remove_file(world.path("r/3.json")).expect("a file");
    std::fs::remove_file(world.path("r/1.json")).expect("a file");
    world.edit("r/2.json", |part| {
        part["tenants"][0]["exitCode"] = 130.into();
    });
    world
        .run("tenants merge r")
        .exits(130)
        .says(&["lacks the results of 1 of 2 shards"]);
}

/// Options that say what a plan is about, and how much it may do, are part of the run.
#[test]
fn shards_with_other_selections_or_limits_are_not_of_one_run() {
    let world = msp();
    for options in [
        "--kind configurationPolicy",
        "--only Win*",
        "--max-policies 7",
    ] {
        two(&world, [options, ""]);
        world
            .run("tenants merge r")
            .exits(1)
            .says(&["selections or limits are not the same"]);
        two(&world, [options, options]);
        world.run("tenants merge r").exits(0);
    }
}

/// Results of saved plans say of which manifests these are.
#[test]
fn results_of_applied_plans_of_different_nights_are_not_joined() {
    let world = msp();
    let plan = || {
        for index in [1, 2] {
            world
                .run(&format!("{PLAN} --shard {index}/2 --out p{index}"))
                .exits(0);
        }
    };
    let apply = |index: usize| {
        world
            .run(&format!(
                "apply p{index} --sandbox tenants --json-into r/{index}.json"
            ))
            .exits(0);
    };
    plan();
    apply(1);
    apply(2);
    world.run("tenants merge r").exits(0);
    world.write("m.yaml", &format!("{}# changed\n", world.read("m.yaml")));
    plan();
    apply(1);
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["are not of one run"]);
    apply(2);
    world.run("tenants merge r").exits(0);
}

/// Without a name only times tell runs of the same manifests apart, and that is said.
#[test]
fn results_of_runs_without_a_name_are_doubted() {
    let world = msp();
    two(&world, ["", ""]);
    let said = "warning[unnamed-run]: the runs of the results in `r` have no name";
    world.run("tenants merge r").exits(0).says(&[said]);
    let began = world.json("r/1.json")["startedAt"].clone();
    let began: jiff::Timestamp = began
        .as_str()
        .and_then(|time| time.parse().ok())
        .expect("a time");
    let before = began - jiff::SignedDuration::from_mins(70);
    let before = before.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let age = |part: &mut serde_json::Value| part["startedAt"] = json!(before);
    world.edit("r/2.json", age);
    world.run("tenants merge r").exits(1).says(&[
        "`r/1.json` and `r/2.json` may be of different runs: they began 70 min apart",
        "--run-id",
    ]);
    world.run("tenants merge r --max-age 2h").exits(0);
    // A name is enough.
    two(&world, ["--run-id a", "--run-id a"]);
    world.edit("r/2.json", age);
    let named = world.run("tenants merge r").exits(0);
    named.says_nothing_of("unnamed-run");
    world
        .run("tenants merge r --max-age 0s")
        .exits(1)
        .says(&["under a second is allowed"]);
}
