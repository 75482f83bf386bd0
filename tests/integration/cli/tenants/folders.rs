//! Folders of saved plans where some tenant fails, and names that turn out to be one tenant.

use std::path::Path;

use super::{CONTOSO, FABRIKAM, msp, rows};
use crate::cli::support::World;

/// Lets a tenant be out of reach from now on.
fn lose(world: &World, tenant: &str) {
    std::fs::remove_file(world.path(&format!("tenants/{tenant}.json"))).expect("a file");
}

/// A tenant that cannot be read may change as its plan says: its failure lets no other through.
#[test]
fn the_guard_of_tenants_counts_saved_plans_that_cannot_be_read() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --max-tenants 1 --out plans --sandbox tenants")
        .exits(4);
    lose(&world, "contoso");
    for limit in ["", "--max-tenants 1"] {
        let ran = world.run(&format!("apply plans --sandbox tenants {limit}"));
        ran.exits(1).says(&["(2, limit 1)", "fabrikam  exit 4"]);
        assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    }
    world
        .run("apply plans --sandbox tenants --allow tenants")
        .exits(1)
        .says(&["fabrikam  exit 0"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A").len(), 3);
}

/// Nothing is written in any tenant if one of the plans shows other requests than are asked for.
#[test]
fn saved_plans_of_another_way_of_writing_are_refused_together() {
    let world = msp();
    world
        .run("plan m.yaml --tenant fabrikam --sandbox tenants --out plans --write-with create")
        .exits(0);
    world
        .run("plan m.yaml --tenant contoso --sandbox tenants --out plans")
        .exits(0);
    world
        .run("apply plans --sandbox tenants --write-with create")
        .exits(64)
        .says(&["`--write-with auto`, not those of `--write-with create`"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
}

/// The saved files are the reviewed ones, whether or not each tenant can be read now.
#[test]
fn a_tenant_out_of_reach_does_not_make_saved_plans_others() {
    let world = msp();
    let json = world
        .run("plan m.yaml --all-tenants --out plans --format json --sandbox tenants")
        .exits(0)
        .json();
    let digest = json["digest"].as_str().expect("a digest");
    lose(&world, "contoso");
    // Plans that are made now are others: the reason is said.
    let ran = world.run(&format!(
        "apply m.yaml --all-tenants --yes --sandbox tenants --expect-digest {digest}"
    ));
    ran.exits(1).says(&[
        "the plan differs from the reviewed one",
        "these tenants could not be planned: contoso",
        "fabrikam  exit 5",
    ]);
    let other = format!("sha256:{}", "0".repeat(64));
    let ran = world.run(&format!(
        "apply plans --sandbox tenants --expect-digest {other}"
    ));
    ran.exits(5)
        .says(&[digest, "contoso   exit 5", "fabrikam  exit 5"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    let ran = world.run(&format!(
        "apply plans --sandbox tenants --expect-digest {digest}"
    ));
    ran.exits(1).says(&["contoso   exit 1", "fabrikam  exit 0"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A").len(), 3);
}

/// The summary of a tenant that failed says which errors those are.
#[test]
fn errors_of_a_tenant_are_named_in_the_summary() {
    let world = msp();
    world.edit("tenants/contoso.json", |tenant| {
        let groups = tenant["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["displayName"] == "SG-CEO");
    });
    for command in ["plan", "drift", "apply --yes"] {
        for format in ["text", "markdown"] {
            let line = format!("{command} m.yaml --all-tenants --sandbox tenants");
            world
                .run(&format!("{line} --format {format}"))
                .exits(3)
                .says(&["failed, 2 errors (unknown-group)"]);
        }
    }
}

/// A GUID and a domain may be the same directory, which only the sign-in tells.
#[test]
fn two_names_of_one_tenant_are_refused_and_others_go_on() {
    const NORTHWIND: &str = "31111111-2222-4333-8444-555555555555";
    let world = msp();
    let manifest = world
        .read("m.yaml")
        .replace(FABRIKAM, "contoso.example")
        .replace(
            "  contoso:\n",
            &format!("  northwind: {{tenantId: {NORTHWIND}}}\n  contoso:\n"),
        );
    world.write("m.yaml", &manifest);
    for (tenant, id) in [("fabrikam", CONTOSO), ("northwind", NORTHWIND)] {
        let file = format!("tenants/{tenant}.json");
        world.write(&file, &world.read("tenants/contoso.json"));
        world.edit(&file, |tenant| tenant["tenantId"] = id.into());
    }
    let refused = format!(
        "the tenants `contoso`, `fabrikam` are one and the same: each is signed in to as `{CONTOSO}`"
    );
    for command in ["plan --out plans", "drift", "apply --yes"] {
        let line = format!("{command} m.yaml --all-tenants --sandbox tenants");
        let northwind = match command {
            "drift" => "northwind  exit 2",
            _ => "northwind  exit 0",
        };
        world.run(&line).exits(3).says(&[
            &refused,
            "contoso    exit 3",
            "fabrikam   exit 3",
            northwind,
        ]);
    }
    assert!(world.has("plans/northwind.plan.json"));
    for tenant in ["contoso", "fabrikam"] {
        assert!(!world.has(&format!("plans/{tenant}.plan.json")));
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    assert_eq!(rows(&world, "northwind", "Win - A"), ["+SG-Pilot"]);
    // Shards see it only together.
    world.write("r/.keep", "");
    for index in [1, 2, 3] {
        world
            .run(&format!(
                "plan m.yaml --all-tenants --sandbox tenants --shard {index}/3 --json-into r/{index}.json"
            ))
            .exits(0);
    }
    world.run("tenants merge r").exits(3).says(&[&refused]);
}

/// `apply DIR` carries out all plans of the folder, also those of an earlier run for other tenants.
#[test]
fn plans_of_other_runs_in_the_folder_are_named() {
    let world = msp();
    let plan = |options: &str| {
        let line = format!("plan m.yaml --sandbox tenants --out plans {options}");
        world.run(&line).exits(0)
    };
    let all = plan("--all-tenants");
    assert!(!all.stderr.contains("other-plans"), "{}", all.stderr);
    plan("--tenant fabrikam").says(&[
        "warning[other-plans]: `plans` also holds plans of tenants that this run is not for: contoso",
        "`apply plans` applies all of them",
    ]);
    let shard = plan("--all-tenants --shard 1/2");
    assert!(!shard.stderr.contains("other-plans"), "{}", shard.stderr);
}

/// What the files say is compared before anything is read, and what the run was to be has reports all the same.
#[test]
fn plans_that_are_not_the_reviewed_ones_are_refused_before_anything_is_read() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --out plans --sandbox tenants")
        .exits(0);
    let other = format!("sha256:{}", "0".repeat(64));
    let ran = world.run(&format!(
        "apply plans --sandbox nowhere --report reports --expect-digest {other}"
    ));
    let ran = ran.exits(5).says(&["contoso   exit 5", "fabrikam  exit 5"]);
    ran.says_nothing_of("exit 0");
    let end = world.report("reports/contoso.report.jsonl").pop();
    assert_eq!(end.expect("an end")["exitCode"], 5);
}

/// A plan of the folder is carried out alone as well, and every format says for which tenant it is.
#[test]
fn a_single_plan_is_that_of_its_tenant() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --out plans --sandbox tenants")
        .exits(0);
    let show = |options: &str| {
        let line = format!("show plans/fabrikam.plan.json {options}");
        world.run(&line).exits(0)
    };
    show("").says(&[&format!("Tenant fabrikam ({FABRIKAM}) at ")]);
    show("--format markdown").says(&[&format!(
        "<code>fabrikam</code> in tenant <code>{FABRIKAM}</code>"
    )]);
    show("--format github").says(&[&format!("tenant fabrikam ({FABRIKAM})")]);
    assert_eq!(show("--format json").json()["tenant"], "fabrikam");
    world
        .run("apply plans/fabrikam.plan.json --sandbox tenants --report report.jsonl")
        .exits(0);
    assert_ne!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    let show = |options: &str| {
        let line = format!("show report.jsonl {options}");
        world.run(&line).exits(0)
    };
    show("").says(&[&format!("Tenant: fabrikam ({FABRIKAM})")]);
    show("--format markdown").says(&[&format!(
        "<code>fabrikam</code> in tenant <code>{FABRIKAM}</code>"
    )]);
    assert_eq!(show("--format json").json()["tenant"], "fabrikam");
    world
        .run("rollback report.jsonl --out back.json --sandbox tenants")
        .exits(0);
    assert_eq!(world.json("back.json")["tenant"], "fabrikam");
    // The wrong tenant's file is not written to.
    world
        .run("apply back.json --sandbox tenants/contoso.json")
        .exits(1);
    world.run("apply back.json --sandbox tenants").exits(0);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
}

/// The configuration may still name the one tenant of before: no other is signed in to.
#[test]
fn a_tenant_that_is_not_the_configured_one_is_refused() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --out plans --sandbox tenants")
        .exits(0);
    world
        .run("apply m.yaml --all-tenants --yes --report reports --sandbox tenants")
        .exits(0);
    world.write(
        "assignctl.yaml",
        &format!("tenantId: {CONTOSO}\nmanifests: [m.yaml]\n"),
    );
    let said = format!(
        "guard `tenant` tripped: `assignctl.yaml` says `tenantId: {CONTOSO}`, and the tenant `fabrikam` is `{FABRIKAM}`"
    );
    for command in ["plan", "drift", "apply --yes", "tenants check"] {
        let all = if command == "tenants check" {
            ""
        } else {
            "--all-tenants"
        };
        world
            .run(&format!("{command} {all} --sandbox tenants"))
            .exits(4)
            .says(&[&said, "leave `tenantId` out of `assignctl.yaml`"]);
        world
            .run(&format!("{command} --tenant contoso --sandbox tenants"))
            .exits(0);
    }
    for command in [
        "list --tenant fabrikam",
        "explain --tenant fabrikam macOS",
        "export --tenant fabrikam --out out",
        "approvals --tenant fabrikam",
        "approvals reports/fabrikam.report.jsonl",
        "apply plans/fabrikam.plan.json",
        "rollback reports/fabrikam.report.jsonl --yes",
        "rollback reports --yes",
    ] {
        world
            .run(&format!("{command} --sandbox tenants"))
            .exits(4)
            .says(&[&said]);
    }
    // A domain says nothing until it is signed in to.
    world.write(
        "m.yaml",
        &world.read("m.yaml").replace(FABRIKAM, "fabrikam.example"),
    );
    world
        .run("plan --tenant fabrikam --sandbox tenants")
        .exits(4)
        .says(&["guard `tenant`"]);
}

/// Without `--report`, the reports of a run are in folders of the tenants, and all have the time of the run.
#[test]
fn a_run_with_reports_in_their_default_place_is_undone_as_a_whole() {
    let world = msp();
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    let undo = "rollback .assignctl/reports --yes";
    run("apply m.yaml --all-tenants --yes")
        .exits(0)
        .says(&["reports: .assignctl/reports"]);
    // Neither a run that is refused nor one without anything to do is the one to be undone.
    run(undo.trim_end_matches(" --yes")).exits(64);
    run("apply m.yaml --all-tenants --yes").exits(0);
    run(undo)
        .exits(0)
        .says(&["reports of the run 20", "2 tenants"]);
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    run("apply m.yaml --tenant fabrikam --yes").exits(0);
    run("apply m.yaml --tenant contoso --yes").exits(0);
    run(undo).exits(0).says(&["1 tenant"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    assert_ne!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
}

/// Only from its earlier report can what a run has written be taken back.
#[test]
fn the_reports_of_an_earlier_run_are_kept_and_it_is_said_where() {
    let world = msp();
    let before = world.read("tenants/fabrikam.json");
    let line = "apply m.yaml --tenant fabrikam --yes --report reports --sandbox tenants";
    world.run(line).exits(0).says_nothing_of("was kept as");
    let first = world.read("reports/fabrikam.report.jsonl");
    world.write("tenants/fabrikam.json", &before);
    let kept = Path::new("reports").join("fabrikam.report.jsonl.earlier");
    let kept = kept.display();
    world
        .run(line)
        .exits(0)
        .says(&[&format!("was kept as {kept}\n")]);
    assert_eq!(world.read(&kept.to_string()), first);
}
