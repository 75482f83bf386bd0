//! Of which run, and of which shard, results and saved plans are.

use serde_json::json;

use super::{CONTOSO, FABRIKAM, msp, rows};
use crate::cli::support::World;

const PLAN: &str = "plan m.yaml --all-tenants --sandbox tenants";

/// Plans two shards, each with options of its own.
fn two(world: &World, options: [&str; 2]) {
    for (number, options) in options.into_iter().enumerate() {
        let index = number + 1;
        world
            .run(&format!(
                "{PLAN} --shard {index}/2 --json-into r/{index}.json {options}"
            ))
            .exits(0);
    }
}

#[test]
fn results_of_different_runs_are_not_joined() {
    let world = msp();
    two(&world, ["--run-id monday", "--run-id tuesday"]);
    world.run("tenants merge r").exits(1).says(&[
        "`r/1.json`, which began at 20",
        "and `r/2.json`, which began at 20",
        "are not of one run: the first is of the run `monday`, the second of the run `tuesday`",
    ]);
    world
        .run("tenants merge r --run-id tuesday")
        .exits(1)
        .says(&[
            "`r/1.json` is of a run that began at 20",
            "not of the run `tuesday`",
        ]);
    two(&world, ["--run-id tuesday"; 2]);
    let json = world
        .run("tenants merge r --run-id tuesday --format json")
        .exits(0)
        .json();
    assert_eq!(json["runId"], "tuesday");
    assert!(json["startedAt"].is_string(), "{json}");
    assert!(json.get("shard").is_none() && json.get("shards").is_none());
    // Without a name, what the runs were made from tells them apart.
    two(&world, ["", ""]);
    world.run("tenants merge r").exits(0);
    world.write("m.yaml", &format!("{}# changed\n", world.read("m.yaml")));
    world
        .run(&format!("{PLAN} --shard 2/2 --json-into r/2.json"))
        .exits(0);
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["their manifests, tenants, selections or limits are not the same"]);
    world
        .run("plan m.yaml --run-id two%20words --tenant fabrikam --sandbox tenants")
        .exits(0);
}

/// A pod that never started leaves what it wrote last night.
#[test]
fn the_result_of_last_night_is_too_old() {
    let world = msp();
    two(&world, ["", ""]);
    let last_night = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(23);
    world.edit("r/2.json", |part| {
        part["startedAt"] = last_night.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
    });
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["`r/2.json` is of a run that began at 20", "--max-age"]);
    world.run("tenants merge r --max-age 24h").exits(0);
    world.edit("r/1.json", |part| {
        part["tenants"][0]["plan"] = json!({"x": 1});
    });
    world
        .run("tenants merge r --max-age 24h")
        .exits(1)
        .says(&["`r/1.json` cannot be used: not a plan file"]);
    two(&world, ["", ""]);
    world.edit("r/2.json", |part| {
        part.as_object_mut().expect("a mapping").remove("startedAt");
    });
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["`r/2.json` does not say of which run it is"]);
}

/// The pipeline's own number is the name of the run.
#[test]
fn a_pipeline_names_its_runs() {
    let mut world = msp();
    for (detect, variable) in [
        ("GITHUB_ACTIONS", "GITHUB_RUN_ID"),
        ("TF_BUILD", "BUILD_BUILDID"),
        ("GITLAB_CI", "CI_PIPELINE_ID"),
    ] {
        world.set(detect, "true");
        world.set(variable, "4711");
        let json = world.run(&format!("{PLAN} --format json")).exits(0).json();
        assert_eq!(json["runId"], "4711", "{variable}");
        world.set(detect, "");
    }
}

/// What is removed before a run is only what the run is going to write.
#[test]
fn what_a_run_reads_is_never_taken_for_its_earlier_result() {
    let world = msp();
    two(&world, ["--out plans", "--out plans"]);
    for (line, kept) in [
        ("tenants merge r --json-into r/1.json", "r/1.json"),
        (
            "apply plans --sandbox tenants --json-into plans/contoso.plan.json",
            "plans/contoso.plan.json",
        ),
        (
            "plan m.yaml --all-tenants --sandbox tenants --json-into tenants/contoso.json",
            "tenants/contoso.json",
        ),
    ] {
        let before = world.read(kept);
        world
            .run(line)
            .exits(64)
            .says(&["would write over a file of the run"]);
        assert_eq!(world.read(kept), before, "{line}");
    }
    // A run that fails early leaves nothing that could be taken for its result.
    world.write("wrong.yaml", "version: 1\ntenants: {}\n");
    for result in ["old.json", "old.plan"] {
        world.write(result, "{}");
    }
    world
        .run("plan m.yaml --sandbox tenants --json-into old.json")
        .exits(64);
    assert!(!world.has("old.json"));
    world
        .run("plan m.yaml --all-tenants --sandbox nowhere --out plans")
        .exits(1);
    assert!(!world.has("plans/contoso.plan.json"));
}

/// Saved plans say of which shard they are, so that one that is not applied is missed.
#[test]
fn a_shard_whose_plans_are_not_applied_is_missed() {
    let world = msp();
    for index in 1..=3 {
        world
            .run(&format!("{PLAN} --shard {index}/3 --out p{index}"))
            .exits(0);
    }
    let apply = |index: usize| {
        let line = format!("apply p{index} --sandbox tenants --json-into r/{index}.json");
        world.run(&line).exits(0)
    };
    for index in [1, 3] {
        apply(index).says(&[&format!(", shard {index}/3")]);
        let result = world.json(&format!("r/{index}.json"));
        assert_eq!(result["shard"], json!({"index": index, "of": 3}));
    }
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["lacks the results of 1 of 3 shards: 2"]);
    apply(2);
    world.run("tenants merge r").exits(0).says(&["2 tenants\n"]);
    for tenant in ["fabrikam", "contoso"] {
        assert_ne!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
}

/// A folder may hold the plans of several shards. Together they are all, or some are missing.
#[test]
fn shards_that_are_missing_in_a_folder_of_plans_are_named() {
    let world = msp();
    for index in 1..=3 {
        let folder = if index == 2 { "one" } else { "two" };
        for folder in [folder, "all"] {
            world
                .run(&format!("{PLAN} --shard {index}/3 --out {folder}"))
                .exits(0);
        }
    }
    let apply = |folder: &str| {
        let line = format!("apply {folder} --sandbox tenants --json-into r/{folder}.json");
        world.run(&line).exits(0)
    };
    apply("two").says(&[
        "warning[missing-plans]: `two` lacks the plans of 1 of 3 shards: 2",
        ", shards 1/3, 3/3",
    ]);
    let shards = world.json("r/two.json")["shards"].clone();
    assert_eq!(
        shards,
        json!([{"index": 1, "of": 3}, {"index": 3, "of": 3}])
    );
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["lacks the results of 1 of 3 shards: 2"]);
    apply("one").says_nothing_of("missing-plans");
    world.run("tenants merge r").exits(0).says(&["2 tenants\n"]);
    let world = msp();
    for index in 1..=3 {
        world
            .run(&format!("{PLAN} --shard {index}/3 --out all"))
            .exits(0);
    }
    let json = world
        .run("apply all --sandbox tenants --format json")
        .exits(0)
        .json();
    assert!(json.get("shard").is_none() && json.get("shards").is_none());
    assert_eq!(json["tenants"].as_array().expect("tenants").len(), 2);
}

/// Each shard sees one change, which trips nothing; accepted everywhere, it is accepted for all of them.
#[test]
fn what_every_shard_accepts_is_accepted() {
    let world = msp();
    let guard = "--max-tenants 1 --allow tenants";
    two(&world, [guard, guard]);
    let merged = world.run("tenants merge r --format json").exits(0).json();
    let whole = world
        .run(&format!("{PLAN} {guard} --format json"))
        .exits(0)
        .json();
    assert_eq!(merged["digest"], whole["digest"]);
    assert_eq!(merged["guards"], whole["guards"]);
    assert_eq!(merged["guards"][0]["accepted"], true);
    two(&world, [guard, "--max-tenants 1"]);
    world
        .run("tenants merge r")
        .exits(4)
        .says(&["guard `tenants` tripped", "(2, limit 1)"]);
}

/// What the guard says is said once, for all tenants, and not of each of them.
#[test]
fn a_guard_that_every_shard_sees_is_said_as_in_one_run() {
    let world = msp();
    let drift = "drift m.yaml --all-tenants --max-tenants 0 --sandbox tenants";
    for index in [1, 2] {
        world
            .run(&format!(
                "{drift} --shard {index}/2 --json-into r/{index}.json"
            ))
            .exits(2);
    }
    for format in ["text", "markdown"] {
        let merged = world.run(&format!("tenants merge r --format {format}"));
        let whole = world.run(&format!("{drift} --format {format}"));
        assert_eq!(merged.exits(2).stdout, whole.exits(2).stdout, "{format}");
    }
}

/// Shards that apply see only their own tenants: that two are one shows when the results are joined.
#[test]
fn one_tenant_in_two_shards_is_named_after_it_was_written() {
    let world = msp();
    world.write(
        "m.yaml",
        &world.read("m.yaml").replace(FABRIKAM, "contoso.example"),
    );
    world.write("tenants/fabrikam.json", &world.read("tenants/contoso.json"));
    for index in [1, 2] {
        world
            .run(&format!(
                "apply m.yaml --all-tenants --yes --sandbox tenants --shard {index}/2 --json-into r/{index}.json"
            ))
            .exits(0)
            .says(&["warning[tenant-by-domain]", "named in another shard too: fabrikam"]);
    }
    world.run("tenants merge r").exits(3).says(&[
        &format!("the tenants `contoso`, `fabrikam` are one and the same: each is signed in to as `{CONTOSO}`"),
        "see with `drift` how the tenant was left",
    ]);
}

/// More shards than tenants: the one without any has nothing to plan, and nothing to apply.
#[test]
fn an_empty_shard_is_applied_as_it_was_planned() {
    let world = msp();
    let mut empty = 0;
    for index in 1..=3 {
        let line = format!("{PLAN} --shard {index}/3 --out p{index}");
        world.run(&line).exits(0);
        let apply = format!("apply p{index} --sandbox tenants --format json");
        let json = world.run(&apply).exits(0).json();
        assert_eq!(json["shard"], json!({"index": index, "of": 3}));
        if json["tenants"].as_array().expect("a list").is_empty() {
            empty += 1;
            let other = format!("sha256:{}", "0".repeat(64));
            world
                .run(&format!(
                    "apply p{index} --sandbox tenants --expect-digest {other}"
                ))
                .exits(5);
        }
    }
    assert_eq!(empty, 1);
    for tenant in ["fabrikam", "contoso"] {
        assert_ne!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    // A folder in which nothing was planned is a mistake.
    std::fs::create_dir(world.path("nothing")).expect("a folder");
    world.run("apply nothing --sandbox tenants").exits(3);
}
