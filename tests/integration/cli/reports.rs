//! Issue 12, "Reports": where they go by default, what `show` prints of them, and what is said of a file
//! of another kind than a command takes.

use std::fs;

use serde_json::json;

use super::support::World;
use super::support::tenant::{Tenant, nth_policy, policy_id};

fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &[]);
    World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [{group: A, filter: F}]",
        ],
    )
}

fn default_reports(world: &World) -> Vec<String> {
    let Ok(entries) = fs::read_dir(world.path(".assignctl/reports")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn reports_are_ignored_by_git() {
    let world = world();
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.read(".assignctl/.gitignore"), "*\n");
    let names = default_reports(&world);
    assert_eq!(names.len(), 1);
    assert!(names[0].ends_with("Z.jsonl"), "{names:?}");
    // What someone has written there stays.
    world.write(".assignctl/.gitignore", "reports/\n");
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.read(".assignctl/.gitignore"), "reports/\n");
    // A file that is named elsewhere brings no folder with it.
    let other = self::world();
    other
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    assert!(!other.has(".assignctl"));
}

#[test]
fn reports_of_runs_without_a_plan_are_written_only_where_they_are_named() {
    let world = world();
    world.write("wrong.yaml", "version: 2\n");
    for (line, code) in [
        ("apply wrong.yaml --yes", 3),
        ("apply m.yaml --yes --concurrency 0", 64),
        (
            "apply m.yaml --yes --graph-url https://graph.example/beta",
            64,
        ),
    ] {
        world.sandbox(line).exits(code).says_nothing_of("report:");
        assert!(!world.has(".assignctl"), "{line}");
    }
    world
        .sandbox("apply wrong.yaml --yes --report r.jsonl")
        .exits(3)
        .says(&["report: r.jsonl"]);
    assert_eq!(world.report("r.jsonl").len(), 2);
    // A plan that is not carried out is a plan.
    world.sandbox("apply m.yaml").exits(64).says(&["report: "]);
    assert_eq!(default_reports(&world).len(), 1);
}

#[test]
fn reports_beyond_the_last_twenty_are_deleted() {
    let world = world();
    for minute in 10..40 {
        let name = format!(".assignctl/reports/20200101T00{minute}00.000Z.jsonl");
        world.write(&name, "{}\n");
    }
    world.write(".assignctl/reports/20200101T000000.000Z.json", "{}\n");
    world.write(".assignctl/reports/mine.jsonl", "{}\n");
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    assert_eq!(default_reports(&world).len(), 32);
    // It changes nothing, and takes the place of none that may have.
    world.sandbox("apply m.yaml --yes").exits(0);
    let names = default_reports(&world);
    assert_eq!(names.len(), 22, "{names:?}");
    assert_eq!(names[0], "20200101T002000.000Z.jsonl");
    assert_eq!(names[21], "mine.jsonl");
}

/// A run without a change takes nothing away that another may need.
#[test]
fn reports_that_are_needed_outlast_runs_that_change_nothing() {
    let world = world();
    world.sandbox("apply m.yaml --yes").exits(0);
    let [writes] = &default_reports(&world)[..] else {
        panic!("one report");
    };
    let waits = "20200101T000000.000Z.jsonl";
    let text = world.read(&format!(".assignctl/reports/{writes}"));
    let text = text.replace(r#""outcome":"applied""#, r#""outcome":"pending""#);
    world.write(&format!(".assignctl/reports/{waits}"), &text);
    for _ in 0..21 {
        world.sandbox("apply m.yaml --yes").exits(0);
    }
    let names = default_reports(&world);
    assert_eq!(names.len(), 22, "{names:?}");
    assert_eq!(names[0], waits);
    assert_eq!(names[1], *writes);
}

#[test]
fn reports_are_shown() {
    let world = world();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.run("show r.jsonl").exits(0).says(&[
        "applied configurationPolicy P\n  - group A\n  + group B\n",
        "applied configurationPolicy Q\n  + group A, filter F (include)\n",
        "Result: 2 applied; exit code 0.",
        "hint: undo it with `assignctl rollback r.jsonl`",
    ]);
    world
        .run("show r.jsonl --summary --only P")
        .exits(0)
        .says(&["applied configurationPolicy P\n", "Result: 1 applied;"])
        .says_nothing_of("group");
    let shown = world.run("show r.jsonl --format json").exits(0).json();
    let lines = world.report("r.jsonl");
    assert_eq!(shown["digest"], lines[0]["digest"]);
    assert_eq!(shown["tenantId"], lines[0]["tenantId"]);
    assert_eq!(shown["complete"], true);
    assert_eq!(shown["exitCode"], 0);
    assert_eq!(shown["requests"], lines.last().expect("an end")["requests"]);
    for policy in shown["policies"].as_array().expect("a list") {
        let line = lines
            .iter()
            .find(|line| line["event"] == "policy" && line["id"] == policy["id"])
            .expect("a line");
        for key in ["kind", "name", "outcome", "before", "after", "error"] {
            assert_eq!(policy[key], line[key], "{key}");
        }
        assert_eq!(policy["mayBeChanged"], true);
    }
    world
        .run("show r.jsonl --format markdown")
        .exits(0)
        .says(&[
            "<!-- assignctl show -->\n### assignctl show: 2 applied; exit code 0, tenant ",
            "| applied | <code>P</code> | configurationPolicy | <code>- group A</code><br><code>+ group B</code> |  |",
        ]);
    world.run("show r.jsonl --format github").exits(64);
    world.run("show r.jsonl --only nothing").exits(3);
}

#[test]
fn reports_of_failed_and_killed_runs_are_shown() {
    let tenant = Tenant::common()
        .switch("refuseMissingGroups", json!(true))
        .policy("P", &[]);
    let gone = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    let world = World::with(&tenant, &[&format!("name: P, include: [groupId: {gone}]")]);
    world.run("show nowhere.jsonl").exits(1);
    let whole = [
        r#"{"formatVersion":"1.0","event":"start","digest":"sha256:d","tenantId":"t","graphUrl":"g"}"#,
        r#"{"event":"sending","kind":"configurationPolicy","id":"1","name":"P","before":[],"after":[]}"#,
        r#"{"event":"policy","kind":"configurationPolicy","id":"2","name":"Q","outcome":"failed","before":[],"after":[],"error":{"code":"BadRequest","status":400,"message":"no","requestId":"r-1"}}"#,
    ];
    world.write("killed.jsonl", &format!("{}\n", whole.join("\n")));
    world.run("show killed.jsonl").exits(0).says(&[
        "unknown configurationPolicy P: the report ends before the outcome was known",
        "failed configurationPolicy Q: no (status 400, code BadRequest, request id r-1)",
        "Result: 1 failed, 1 unknown; the report has no end line",
    ]);
    let shown = world.run("show killed.jsonl --format json").exits(0).json();
    assert_eq!(shown["complete"], false);
    assert_eq!(shown["exitCode"], json!(null));
    assert_eq!(shown["policies"][0]["outcome"], json!(null));
    assert_eq!(shown["policies"][0]["mayBeChanged"], true);
    assert_eq!(shown["policies"][1]["error"]["requestId"], "r-1");
}

/// Siblings: whatever file a command is given instead of what it takes, it says what that is.
#[test]
fn files_of_another_kind_are_named() {
    let world = world();
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    fs::copy(world.path("r.jsonl"), world.path("r.json")).expect("a copy");
    fs::copy(world.path("plan.json"), world.path("plan.yaml")).expect("a copy");
    world.write("assignctl.yaml", "guards: {maxPolicies: 9}\n");
    fs::create_dir(world.path("folder")).expect("a folder");
    let plan = "is a saved plan, not";
    let report = "is the report of an apply, not";
    let tenant = "is a sandbox's tenant, not";
    let manifest = "is a manifest, not";
    for (line, what, hint) in [
        ("apply r.jsonl --yes", report, "assignctl rollback r.jsonl"),
        ("apply r.json --yes", report, "assignctl show r.json"),
        ("apply tenant.json --yes", tenant, "--sandbox tenant.json"),
        (
            "apply assignctl.yaml --yes",
            "is the configuration, not",
            "--config",
        ),
        ("plan plan.json", plan, "assignctl apply plan.json"),
        ("plan plan.yaml", plan, "assignctl show plan.yaml"),
        ("plan m.yaml r.jsonl", report, "assignctl show r.jsonl"),
        ("drift tenant.json", tenant, "--sandbox tenant.json"),
        ("validate plan.json", plan, "assignctl show plan.json"),
        ("validate r.jsonl", report, "assignctl rollback r.jsonl"),
        (
            "rollback plan.json --yes",
            plan,
            "assignctl apply plan.json",
        ),
        ("rollback m.yaml --yes", manifest, "assignctl plan m.yaml"),
        (
            "rollback tenant.json --yes",
            tenant,
            "--sandbox tenant.json",
        ),
        ("rollback folder --yes", "is a folder, not", "use a file"),
        (
            "drift m.yaml --since plan.json",
            plan,
            "assignctl show plan.json",
        ),
        (
            "drift m.yaml --since m.yaml",
            manifest,
            "assignctl plan m.yaml",
        ),
        ("show m.yaml", manifest, "assignctl plan m.yaml"),
        ("show tenant.json", tenant, "--sandbox tenant.json"),
        ("show folder", "is a folder, not", "use a file"),
    ] {
        world
            .sandbox(line)
            .exits(64)
            .says(&[what, hint])
            .says_nothing_of("report: .");
    }
    for line in [
        "plan m.yaml --sandbox plan.json",
        "sandbox --state plan.json",
    ] {
        world
            .run(line)
            .exits(64)
            .says(&[plan, "assignctl apply plan.json"]);
    }
}

/// What was cut off may have been a change.
#[test]
fn a_report_that_was_cut_off_says_what_it_lacks() {
    let tenant = Tenant::common().policy("P", &[]).policy("Q", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: A]",
        ],
    );
    world
        .sandbox("apply m.yaml --yes --concurrency 1 --report r.jsonl")
        .exits(0);
    let report = world.read("r.jsonl");
    let lines: Vec<&str> = report.split_inclusive('\n').collect();
    for (kept, lacks, result) in [
        (1, "2 policies", "nothing was done"),
        (3, "1 policy", "1 applied"),
    ] {
        world.write("cut.jsonl", &lines[..kept].concat());
        world.run("show cut.jsonl").exits(0).says(&[&format!(
            "Result: {result}; the report has no end line, and lacks {lacks} that the run was to change"
        )]);
        world
            .sandbox("rollback cut.jsonl --out back.json")
            .says(&[&format!(
                "warning[unfinished-report]: the report has no end line, and lacks {}",
                &lacks[..1]
            )]);
    }
}

/// The names of policies are told apart, also from those that the run did not touch.
#[test]
fn policies_of_one_name_have_their_ids() {
    let tenant = Tenant::common()
        .policy("Same", &[])
        .policy("Other", &["+A"]);
    let world = World::with(
        &tenant,
        &[&format!("id: {}, include: [group: A]", policy_id(1))],
    );
    world.edit("tenant.json", |state| {
        nth_policy(state, 1)["name"] = json!("same");
    });
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let named = format!("Same ({})", policy_id(1));
    for format in ["text", "markdown"] {
        world
            .run(&format!("show r.jsonl --format {format}"))
            .exits(0)
            .says(&[&named]);
    }
}

#[test]
fn a_refused_run_has_an_end_and_lacks_nothing() {
    let world = world();
    world
        .sandbox("apply m.yaml --yes --max-policies 1 --report r.jsonl")
        .exits(4);
    world
        .run("show r.jsonl")
        .exits(0)
        .says(&["Result: nothing was done; exit code 4."]);
}
