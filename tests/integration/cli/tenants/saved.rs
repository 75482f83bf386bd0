//! What saved plans keep of the run that saved them: its guard, and which plans belong together.

use super::{msp, rows};
use crate::cli::support::World;

const PLAN: &str = "plan m.yaml --all-tenants --sandbox tenants";

fn apply(world: &World, line: &str) -> crate::cli::support::Ran {
    world.run(&format!("apply {line} --sandbox tenants"))
}

fn is_untouched(world: &World) {
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(world, tenant, "Win - A"), ["allUsers"], "{tenant}");
    }
}

/// What `plan` refused is refused, unless a limit is given with the command or the guard is accepted. A looser
/// limit in the configuration is neither.
#[test]
fn plans_that_the_guard_of_tenants_refused_stay_refused() {
    let world = msp();
    world.write("assignctl.yaml", "guards: {maxTenants: 5}\n");
    world
        .run(&format!("{PLAN} --max-tenants 1 --out plans"))
        .exits(4);
    for line in ["plans", "plans/fabrikam.plan.json"] {
        apply(&world, line)
            .exits(4)
            .says(&["(2, limit 1)", "guard `tenants` refuses the plan"]);
        is_untouched(&world);
    }
    // Nor is a part of them let through.
    std::fs::create_dir(world.path("part")).expect("a folder");
    world.write(
        "part/fabrikam.plan.json",
        &world.read("plans/fabrikam.plan.json"),
    );
    apply(&world, "part").exits(4).says(&["(2, limit 1)"]);
    is_untouched(&world);
    apply(&world, "plans --max-tenants 2").exits(0);
    // The same of a rollback.
    world
        .run("rollback .assignctl/reports --max-tenants 1 --out back --sandbox tenants")
        .exits(4);
    apply(&world, "back").exits(4).says(&["(2, limit 1)"]);
    apply(&world, "back/contoso.plan.json --max-tenants 2").exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    assert_ne!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
}

/// A limit that is looser than today's counts, with a warning, as that of any guard does.
#[test]
fn a_saved_limit_that_is_looser_than_todays_is_named() {
    let world = msp();
    world
        .run(&format!("{PLAN} --max-tenants 3 --out plans"))
        .exits(0);
    world.write("assignctl.yaml", "guards: {maxTenants: 1}\n");
    let said = "warning[looser-limit]: the limit of guard `tenants` in the plan is `3`, and today's is `1`";
    world
        .run("show plans/fabrikam.plan.json")
        .exits(0)
        .says(&[said]);
    let ran = apply(&world, "plans").exits(0).says(&[said]);
    assert_eq!(
        ran.stderr.matches("looser-limit").count(),
        1,
        "{}",
        ran.stderr
    );
}

/// The report of one tenant's plan is among those of its tenant.
#[test]
fn what_a_single_plan_did_is_known_to_whoever_reads_the_folder_of_reports() {
    let world = msp();
    world.run(&format!("{PLAN} --out plans")).exits(0);
    std::fs::create_dir(world.path("one")).expect("a folder");
    std::fs::rename(
        world.path("plans/fabrikam.plan.json"),
        world.path("one/fabrikam.plan.json"),
    )
    .expect("a file");
    apply(&world, "plans").exits(0);
    apply(&world, "one/fabrikam.plan.json").exits(0);
    let reports = |tenant: &str| {
        let folder = world.path(&format!(".assignctl/reports/{tenant}"));
        std::fs::read_dir(folder).expect("a folder").count()
    };
    assert_eq!(reports("fabrikam"), 1);
    world
        .run("drift m.yaml --all-tenants --since .assignctl/reports --sandbox tenants")
        .exits(0);
    // It is the last run that wrote, and so the one that is undone.
    world
        .run("rollback .assignctl/reports --yes --sandbox tenants")
        .exits(0)
        .says(&["1 tenant"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    assert_ne!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    // So is the rollback of one report.
    let folder = world.path(".assignctl/reports/contoso");
    let report = std::fs::read_dir(folder).expect("a folder").next();
    let report = report.expect("a report").expect("a report").file_name();
    let report = format!(".assignctl/reports/contoso/{}", report.to_string_lossy());
    world
        .run(&format!("rollback {report} --yes --sandbox tenants"))
        .exits(0);
    assert_eq!(reports("contoso"), 2);
    // A run that ends before it has a plan leaves neither a report nor a folder.
    let world = msp();
    world.run(&format!("{PLAN} --out plans")).exits(0);
    world
        .run("apply plans/fabrikam.plan.json --sandbox nowhere")
        .exits(1);
    assert!(!world.has(".assignctl"));
}

/// The digest of the joined results is that of the plans, in which each shard says what it accepted.
#[test]
fn what_shards_accept_is_part_of_the_digest_of_their_plans() {
    let world = msp();
    let guard = "--max-tenants 1 --allow tenants";
    for index in [1, 2] {
        world
            .run(&format!(
                "{PLAN} {guard} --shard {index}/2 --out plans --json-into r/{index}.json --run-id a"
            ))
            .exits(0);
    }
    let merged = world.run("tenants merge r --format json").exits(0).json();
    assert_eq!(merged["allow"], serde_json::json!(["tenants"]));
    let whole = world
        .run(&format!("{PLAN} {guard} --out whole --format json"))
        .exits(0)
        .json();
    assert_eq!(merged["digest"], whole["digest"]);
    let digest = whole["digest"].as_str().expect("a digest");
    let plain = world.run(&format!("{PLAN} --format json")).exits(0).json();
    assert_ne!(plain["digest"], whole["digest"]);
    let plain = plain["digest"].as_str().expect("a digest");
    for folder in ["plans", "whole"] {
        // What is accepted now does not stand in for what was not.
        apply(
            &world,
            &format!("{folder} --expect-digest {plain} --allow tenants"),
        )
        .exits(5);
        is_untouched(&world);
    }
    apply(&world, &format!("plans --expect-digest {digest}"))
        .exits(0)
        .says(&["guard `tenants` accepted"]);
    assert_ne!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    // Where one shard does not accept it, the plans are refused as the joined results are.
    let world = msp();
    for (index, guard) in [(1, guard), (2, "--max-tenants 1")] {
        world
            .run(&format!(
                "{PLAN} {guard} --shard {index}/2 --out plans --json-into r/{index}.json --run-id a"
            ))
            .exits(0);
    }
    world.run("tenants merge r").exits(4);
    apply(&world, "plans").exits(4);
    is_untouched(&world);
}

/// Whatever ends a run early, nothing is left that `apply` takes for its plans.
#[test]
fn a_plan_that_fails_early_leaves_no_earlier_plans() {
    let world = msp();
    world.write("wrong.yaml", "version: 1\npolicies: [{}]\n");
    for (line, exit) in [
        (
            "plan m.yaml wrong.yaml --all-tenants --sandbox tenants --out plans",
            3,
        ),
        (
            "plan m.yaml --tenant fabrikan --sandbox tenants --out plans",
            64,
        ),
        ("plan nothing.yaml --sandbox tenants --out plans", 3),
        (
            "plan m.yaml --all-tenants --since nothing --sandbox tenants --out plans",
            1,
        ),
    ] {
        world.run(&format!("{PLAN} --out plans")).exits(0);
        world.run(line).exits(exit);
        for tenant in ["fabrikam", "contoso"] {
            assert!(!world.has(&format!("plans/{tenant}.plan.json")), "{line}");
        }
    }
    // Of another part of the run they stay.
    for index in [1, 2] {
        world
            .run(&format!("{PLAN} --shard {index}/2 --out plans"))
            .exits(0);
    }
    world
        .run("plan m.yaml wrong.yaml --all-tenants --shard 1/2 --sandbox tenants --out plans")
        .exits(3);
    let left =
        ["fabrikam", "contoso"].map(|tenant| world.has(&format!("plans/{tenant}.plan.json")));
    assert_eq!(left.iter().filter(|left| **left).count(), 1);
    // One plan in a file, of manifests without tenants.
    world.manifest_in("one.yaml", &["name: Win - A, include: []"]);
    world
        .run("plan one.yaml --sandbox tenant.json --out p.json")
        .exits(4);
    assert!(world.has("p.json"));
    world
        .run("plan one.yaml wrong.yaml --sandbox tenant.json --out p.json")
        .exits(3);
    assert!(!world.has("p.json"));
}

/// A rollback that cannot be planned leaves no earlier plans either.
#[test]
fn a_rollback_that_fails_early_leaves_no_earlier_plans() {
    let world = msp();
    let apply = "apply m.yaml --all-tenants --yes --report reports --sandbox tenants";
    world.run(apply).exits(0);
    for of in ["nothing", "empty"] {
        let undo = "rollback reports --out back --sandbox tenants";
        world.run(undo).exits(0);
        assert!(world.has("back/contoso.plan.json"));
        std::fs::create_dir_all(world.path("empty")).expect("a folder");
        let line = format!("rollback {of} --out back --sandbox tenants");
        assert_ne!(world.run(&line).code, Some(0), "{of}");
        assert!(!world.has("back/contoso.plan.json"), "{of}");
    }
    let report = "rollback reports/contoso.report.jsonl --out back.json --sandbox tenants";
    world.run(report).exits(0);
    let broken = "rollback m.yaml --out back.json --sandbox tenants";
    assert_ne!(world.run(broken).code, Some(0));
    assert!(!world.has("back.json"));
}

/// Plans of which some are of a run for all tenants are not those of one shard.
#[test]
fn a_folder_in_which_one_part_was_planned_again_is_no_shard() {
    let world = msp();
    world.run(&format!("{PLAN} --out plans")).exits(0);
    world
        .run(&format!("{PLAN} --shard 1/2 --out plans"))
        .exits(0);
    apply(&world, "plans --json-into r/1.json").exits(0);
    let result = world.json("r/1.json");
    assert_eq!(result.get("shard"), None);
    assert_eq!(result["tenants"].as_array().expect("tenants").len(), 2);
    world.run("tenants merge r").exits(0).says(&["2 tenants\n"]);
}

/// The plan of a tenant that has left is carried out as well, and named.
#[test]
fn the_plan_of_a_tenant_that_has_left_is_named() {
    let world = msp();
    let shards = || {
        for index in [1, 2] {
            world
                .run(&format!("{PLAN} --shard {index}/2 --out plans"))
                .exits(0);
        }
    };
    shards();
    let whole = apply(
        &world,
        "plans --expect-digest sha256:0000000000000000000000000000000000000000000000000000000000000000",
    );
    whole.exits(5).says_nothing_of("other-plans");
    let manifest = world.read("m.yaml");
    let begin = manifest.find("  contoso:").expect("a tenant");
    let end = manifest.find("policies:").expect("policies");
    world.write(
        "m.yaml",
        &format!("{}{}", &manifest[..begin], &manifest[end..]),
    );
    shards();
    apply(&world, "plans").exits(0).says(&[
        "warning[other-plans]: `plans` holds plans of different runs; not of the latest are those of contoso (20",
    ]);
}

/// A result is never written over a plan or a report of the run itself.
#[test]
fn a_result_is_kept_apart_from_plans_and_reports() {
    let world = msp();
    for line in [
        format!("{PLAN} --out plans --json-into plans/fabrikam.plan.json"),
        "apply m.yaml --all-tenants --yes --sandbox tenants --report r --json-into r/contoso.report.jsonl".to_owned(),
    ] {
        world
            .run(&line)
            .exits(64)
            .says(&["would write over a file of"]);
    }
    is_untouched(&world);
    world
        .run(&format!("{PLAN} --out plans --json-into plans/run.json"))
        .exits(0);
}
