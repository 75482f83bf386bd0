//! `apply PLANFILE`: exactly what was saved, or nothing.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_id, policy_mut};
use assignctl::plan::saved::{PlanRecord, SavedPlanError};

/// Two policies that change, with the plan saved in `plan.json`.
fn saved() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: C]",
        ],
    );
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world
}

/// Applies the saved plan, which must be refused without a write.
#[track_caller]
fn refused(world: &World, code: i32, parts: &[&str]) -> Vec<Value> {
    let before = world.read("tenant.json");
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(code)
        .says(parts);
    assert_eq!(world.read("tenant.json"), before);
    let report = world.report("r.jsonl");
    assert!(report.iter().all(|line| line["event"] != "sending"));
    let end = report.last().expect("a last line");
    assert_eq!(end["event"], "end");
    assert_eq!(end["exitCode"], code);
    assert_eq!(end["requests"]["writes"], 0);
    report
}

#[test]
fn a_plan_without_changes_is_carried_out_at_once() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["Nothing to do"]);
}

#[test]
fn it_is_its_own_approval_and_needs_no_manifests() {
    let world = saved();
    std::fs::remove_file(world.path("m.yaml")).expect("it is there");
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(0)
        .matches("saved_plans/applied");
    assert_eq!(world.rows("P"), ["+B"]);
    assert_eq!(world.rows("Q"), ["+C"]);
    let digest = world.json("plan.json")["digest"].clone();
    assert_eq!(world.report("r.jsonl")[0]["digest"], digest);
}

/// Changes or takes away the group or filter of a name.
fn edit_object(world: &World, list: &str, name: &str, change: impl Fn(&mut Vec<Value>, usize)) {
    world.edit("tenant.json", |tenant| {
        let list = tenant[list].as_array_mut().expect("a list");
        let at = list.iter().position(|object| object["displayName"] == name);
        change(list, at.expect("an object of that name"));
    });
}

#[test]
fn f09_what_is_gone_since_is_named_and_nothing_is_written() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]);
    for (list, name, said) in [
        (
            "groups",
            "B",
            "the plan assigns what no longer exists: group `B` (",
        ),
        (
            "assignmentFilters",
            "F",
            "the plan assigns what no longer exists: filter `F` (",
        ),
    ] {
        let world = World::with(
            &tenant,
            &[
                "name: P, include: [{group: B, filter: F}]",
                "name: Q, include: [group: C]",
            ],
        );
        world.sandbox("plan m.yaml --out plan.json").exits(0);
        edit_object(&world, list, name, |list, at| {
            list.remove(at);
        });
        let report = refused(&world, 5, &[said, "nothing was written"]);
        assert_eq!(report[1]["outcome"], "stale");
        assert_eq!(report[1]["error"]["code"], "targetGone");
        assert_eq!(report[2]["outcome"], "skipped");
        assert_eq!(report[2]["error"]["code"], "stalePlan");
    }
}

/// F09: an excluded group that is to be included is in the policy already, and may be gone all the same.
#[test]
fn f09_a_group_that_changes_sides_may_be_gone_since() {
    let tenant = Tenant::common().policy("P", &["+A", "-B"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world
        .sandbox("plan m.yaml --out plan.json --allow exclusion-lost")
        .exits(0);
    edit_object(&world, "groups", "B", |list, at| {
        list.remove(at);
    });
    refused(
        &world,
        5,
        &["the plan assigns what no longer exists: group `B` ("],
    );
}

#[test]
fn f09_what_was_renamed_since_is_a_warning_with_both_names() {
    let world = saved();
    edit_object(&world, "groups", "B", |list, at| {
        list[at]["displayName"] = "Pilot ring".into();
    });
    world.sandbox("apply plan.json").exits(0).says(&[
        "warning[renamed-since]: group `B` is now called `Pilot ring` (",
        "2 applied",
    ]);
}

#[test]
fn policies_that_were_renamed_since_are_a_warning_with_both_names() {
    let world = saved();
    // They swap their names.
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["name"] = "new".into();
        policy_mut(state, "Q")["name"] = "P".into();
        policy_mut(state, "new")["name"] = "Q".into();
    });
    world.sandbox("apply plan.json").exits(0).says(&[
        &format!(
            "warning[renamed-since]: configurationPolicy `P` is now called `Q` ({})",
            policy_id(1)
        ),
        &format!(
            "warning[renamed-since]: configurationPolicy `Q` is now called `P` ({})",
            policy_id(2)
        ),
        "the plan uses ids",
        "2 applied",
    ]);
}

#[test]
fn applied_twice_it_says_already() {
    let world = saved();
    world.sandbox("apply plan.json").exits(0);
    let before = world.read("tenant.json");
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(0)
        .says(&["2 already"]);
    assert_eq!(world.read("tenant.json"), before);
    let report = world.report("r.jsonl");
    assert_eq!(report[1]["outcome"], "already");
    assert_eq!(report[1]["error"], Value::Null);
}

#[test]
fn a_policy_that_moved_makes_it_stale() {
    let world = saved();
    world.edit("tenant.json", |state| {
        policy_mut(state, "Q")["assignments"] = json!([]);
    });
    let report = refused(
        &world,
        5,
        &["configurationPolicy `Q`", "nothing was written"],
    );
    let outcome = |name: &str| {
        let line = report
            .iter()
            .find(|line| line["name"] == name)
            .expect("a line");
        line["outcome"].clone()
    };
    assert_eq!(
        (outcome("P"), outcome("Q")),
        (json!("skipped"), json!("stale"))
    );
    // Also when it is applied with results as JSON.
    world.sandbox("apply plan.json --format json").exits(5);
}

#[test]
fn what_moved_is_shown_as_it_was_and_as_it_is() {
    let tenant = Tenant::common()
        .group("New")
        .policy("P", &["+A", "-B"])
        .policy("Q", &["+A"])
        .policy("R", &["+A"]);
    let world = World::with(&tenant, &["match: '*', include: [group: C]"]);
    world
        .sandbox("plan m.yaml --out plan.json --allow exclusion-lost")
        .exits(0);
    world.edit("tenant.json", |state| {
        let policies = state["configurationPolicies"].as_array_mut();
        let policies = policies.expect("policies");
        policies[0]["assignments"][0]["target"]["groupId"] = json!(group_id(4));
        policies.remove(1);
    });
    let then_and_now = "--- when the plan was made\n  +++ now\n  @@ -1,2 +1,2 @@\n  -group A\n  +group New\n   exclude group B\n";
    world.sandbox("apply plan.json").exits(5).says(&[
        &format!("configurationPolicy P\n  {then_and_now}"),
        "configurationPolicy Q\n  --- when the plan was made\n  +++ now deleted\n  @@ -1 +0,0 @@\n  -group A\n",
    ]);
    let then_and_now = then_and_now.replace("\n  ", "\n");
    for format in ["markdown", "github"] {
        let told = world
            .sandbox(&format!("apply plan.json --format {format}"))
            .exits(5);
        let told = told.stdout.replace("%0A", "\n");
        assert!(told.contains(&then_and_now), "{told}");
        assert!(told.contains("+++ now deleted"), "{told}");
    }
    let told = world
        .sandbox("apply plan.json --format json")
        .exits(5)
        .json();
    let moved = told["results"]["moved"].as_array().expect("a list");
    assert_eq!(moved.len(), 2);
    assert_eq!(moved[0]["planned"][0]["target"]["name"], "A");
    assert_eq!(moved[0]["live"][0]["target"]["name"], "New");
    assert_eq!(moved[1]["live"], json!(null));
}

#[test]
fn a_policy_that_is_already_as_planned_has_not_moved() {
    let world = saved();
    world.manifest(&["name: P, include: [group: B]"]);
    world.sandbox("apply m.yaml --yes").exits(0);
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["1 applied, 1 already"]);
    assert_eq!(world.rows("Q"), ["+C"]);
}

#[test]
fn a_change_of_a_policy_that_it_does_not_touch_does_not_matter() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: A]",
        ],
    );
    world.sandbox("plan m.yaml --all --out plan.json").exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "Q")["assignments"] = json!([]);
        policy_mut(state, "P")["description"] = json!("edited");
    });
    world.sandbox("apply plan.json").exits(0);
    assert_eq!(world.rows("P"), ["+B"]);
}

#[test]
fn a_deleted_policy_makes_it_stale() {
    let world = saved();
    world.edit("tenant.json", |state| {
        state["configurationPolicies"]
            .as_array_mut()
            .expect("a list")
            .remove(0);
    });
    refused(&world, 5, &["configurationPolicy `P` (deleted)"]);
}

#[test]
fn an_altered_file_is_refused() {
    let world = saved();
    let plan = world.json("plan.json");
    let alter = |change: &dyn Fn(&mut Value)| {
        let mut altered = plan.clone();
        change(&mut altered);
        world.write("plan.json", &altered.to_string());
        refused(&world, 1, &["altered", "hint: plan again"]);
        let shown = world
            .run("show plan.json")
            .exits(1)
            .says(&["Do not trust this plan: the plan file was altered"]);
        assert!(shown.stdout.contains("Digest "), "{}", shown.stdout);
        // Nothing that is shown of it can be applied instead.
        let told = world
            .run("show plan.json --format json --json-into shown.json")
            .exits(1)
            .json();
        assert_eq!(told["error"]["exitCode"], 1);
        world
            .sandbox("apply shown.json")
            .exits(1)
            .says(&["altered"]);
        for (format, part) in [
            ("markdown", "**Error:** <code>the plan file was altered"),
            (
                "github",
                "::error title=assignctl plan::the plan file was altered",
            ),
        ] {
            world
                .run(&format!("show plan.json --format {format}"))
                .exits(1)
                .says(&[part]);
        }
    };
    alter(&|plan| plan["policies"][0]["after"] = json!([]));
    alter(&|plan| plan["policies"][0]["before"] = json!([]));
    alter(&|plan| plan["policies"][0]["id"] = plan["policies"][1]["id"].clone());
    let filter = json!({"id": "x", "name": null, "mode": "include"});
    alter(&|plan| plan["policies"][0]["after"][0]["filter"] = filter.clone());
    alter(&|plan| plan["tenantId"] = json!("99999999-2222-4333-8444-555555555555"));
    alter(&|plan| plan["formatVersion"] = json!("1.1"));
    alter(&|plan| plan["digest"] = json!(""));
    alter(&|plan| {
        plan["policies"].as_array_mut().expect("a list").remove(0);
    });
    // What the digest does not cover is worked out again from what it does.
    alter(&|plan| plan["policies"][0]["writes"] = json!([]));
    alter(&|plan| plan["policies"][0]["writes"][0]["path"] = json!("/deviceManagement/x/assign"));
    alter(&|plan| plan["policies"][0]["writes"][0]["call"] = json!("delete"));
    alter(&|plan| plan["writeWith"] = json!("create"));
    let mut altered = plan.clone();
    altered["policies"][0]["writes"][0]["method"] = json!("DELETE");
    world.write("plan.json", &altered.to_string());
    refused(
        &world,
        1,
        &["the writes of configurationPolicy `P` are not those that its changes need"],
    );
}

#[test]
fn what_the_guards_saw_is_worked_out_again() {
    let tenant = Tenant::common().policy("P", &["+A", "+B"]).policy("Q", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: A]",
        ],
    );
    for (limit, guard) in [("removals 0", 0), ("policies 1", 1)] {
        let (name, limit) = limit.split_once(' ').expect("two");
        let plan = format!("plan m.yaml --max-{name} {limit} --out plan.json");
        world.sandbox(&plan).exits(4);
        let honest = world.json("plan.json")["guards"].clone();
        for (key, value) in [
            ("tripped", json!(false)),
            ("observed", json!("0 of 2")),
            ("policies", json!([])),
        ] {
            world.sandbox(&plan).exits(4);
            world.edit("plan.json", |plan| plan["guards"][guard][key] = value);
            refused(&world, 4, &[&format!("guard `{name}`")]);
            let shown = world.run("show plan.json --format json").exits(0).json();
            assert_eq!(shown["guards"], honest, "{name} {key}");
        }
        // No one has accepted what was not seen.
        world.edit("plan.json", |plan| {
            plan["guards"][guard]["accepted"] = json!(true);
            plan["guards"][guard]["tripped"] = json!(false);
        });
        refused(&world, 4, &[&format!("guard `{name}`")]);
    }
}

#[test]
fn what_changes_is_counted_again() {
    let world = saved();
    let honest = world.json("plan.json")["summary"].clone();
    assert_eq!((&honest["add"], &honest["remove"]), (&json!(2), &json!(2)));
    world.edit("plan.json", |plan| {
        for key in [
            "managed",
            "changed",
            "unchanged",
            "add",
            "remove",
            "update",
            "writes",
        ] {
            plan["summary"][key] = json!(0);
        }
    });
    let shown = world.run("show plan.json --format json").exits(0).json();
    assert_eq!(shown["summary"], honest);
    for format in ["text", "markdown"] {
        let shown = world.run(&format!("show plan.json --format {format}"));
        let shown = shown.exits(0).stdout;
        assert!(
            shown.contains("2 assignments to add") && !shown.contains("Nothing to do"),
            "{shown}"
        );
    }
    // What is not in the file is believed, as far as it fits.
    world.edit("plan.json", |plan| plan["summary"]["managed"] = json!(9));
    let shown = world.run("show plan.json --format json").exits(0).json();
    assert_eq!(shown["summary"]["unchanged"], 7);
    let applied = world.sandbox("apply plan.json --format json").exits(0);
    assert_eq!(applied.json()["summary"]["add"], 2);
}

#[test]
fn a_looser_limit_than_that_of_today_is_warned_of() {
    let world = saved();
    world.write(
        "strict.yaml",
        "guards: {maxRemovals: 10%, maxPolicies: 9}\n",
    );
    for (guard, limit, today, strict) in [
        (0, "100%", "25%", "10%"),
        (0, "40", "25%", "10%"),
        (1, "1000", "50", "9"),
    ] {
        world.edit("plan.json", |plan| {
            plan["guards"] = json!([
                {"name": "removals", "limit": "1%", "observed": "2 of 2", "tripped": false, "accepted": false},
                {"name": "policies", "limit": "2", "observed": "2", "tripped": false, "accepted": false},
            ]);
        });
        let shown = world.run("show plan.json").exits(0);
        assert!(!shown.stderr.contains("looser-limit"), "{}", shown.stderr);
        world.edit("plan.json", |plan| {
            plan["guards"][guard]["limit"] = json!(limit);
        });
        for (options, of_today) in [("", today), ("--config strict.yaml", strict)] {
            world
                .run(&format!("show plan.json {options}"))
                .exits(0)
                .says(&[
                    "warning[looser-limit]",
                    &format!("is `{limit}`, and today's is `{of_today}`"),
                ]);
        }
        // What was given judges the plan, and nothing is left to warn of.
        let given = "--max-removals 2 --max-policies 2 --format json";
        for (options, expected) in [("--format json", 1), (given, 0)] {
            let applied = world.sandbox(&format!("apply plan.json {options}"));
            let applied = applied.exits(0);
            assert_eq!(
                applied.stderr.contains("warning[looser-limit]"),
                expected > 0
            );
            let applied = applied.json();
            let diagnostics = applied["diagnostics"].as_array().expect("a list");
            let mut codes = diagnostics.iter().map(|diagnostic| &diagnostic["code"]);
            assert_eq!(codes.len(), expected, "{applied}");
            assert!(codes.all(|code| code == "looser-limit"), "{applied}");
        }
    }
}

#[test]
fn one_by_one_a_plan_does_not_know_the_rows_that_go() {
    let tenant = Tenant::common().policy("P", &["+A", "+B"]);
    let world = World::with(&tenant, &["name: P, include: [group: B, group: C]"]);
    world
        .sandbox("plan m.yaml --write-with create --out plan.json")
        .exits(0);
    assert_eq!(
        world.json("plan.json")["policies"][0]["writes"][1]["method"],
        "DELETE"
    );
    world.sandbox("apply plan.json --report r.jsonl").exits(0);
    assert_eq!(world.rows("P"), ["+B", "+C"]);
}

#[test]
fn a_plan_is_written_in_the_way_that_it_shows_or_not_at_all() {
    let world = saved();
    let before = world.read("tenant.json");
    world
        .sandbox("apply plan.json --write-with create")
        .exits(64)
        .says(&["`--write-with auto`, not those of `--write-with create`"]);
    assert_eq!(world.read("tenant.json"), before);
    world.sandbox("apply plan.json --write-with auto").exits(0);
}

#[test]
fn what_is_no_plan_is_refused() {
    let world = saved();
    for text in [
        "",
        "{",
        "[]",
        "{}",
        "{\"formatVersion\": 1}",
        "{\"formatVersion\": \"1.0\"}",
    ] {
        world.write("plan.json", text);
        refused(&world, 1, &["not a plan file"]);
        world.run("show plan.json").exits(1);
    }
}

#[test]
fn an_unknown_major_version_is_refused() {
    let world = saved();
    for version in ["2.0", "0.9", "10.0", "x", ""] {
        world.edit("plan.json", |plan| plan["formatVersion"] = json!(version));
        refused(&world, 1, &["format version"]);
        world.run("show plan.json").exits(1).says(&[
            "Do not trust this plan",
            "format version",
            "+ group B",
        ]);
    }
    // What cannot be read at all is not shown.
    world.edit("plan.json", |plan| {
        plan["policies"] = json!({"new": "form"});
    });
    let ran = world.run("show plan.json").exits(1);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_newer_minor_version_is_shown_and_carried_out() {
    let world = saved();
    // Another version has another digest, which a newer program would have written.
    world.edit("plan.json", |plan| plan["formatVersion"] = json!("1.7"));
    let ran = world.sandbox("apply plan.json").exits(1);
    let computed = ran
        .stderr
        .split("its content gives `")
        .nth(1)
        .and_then(|rest| rest.split('`').next())
        .expect("a digest")
        .to_owned();
    world.edit("plan.json", |plan| {
        plan["digest"] = json!(computed);
        plan["new"] = json!(true);
    });
    world
        .run("show plan.json")
        .exits(0)
        .says(&["warning[newer-plan]", "`1.7`"]);
    let told = world.run("show plan.json --format json").exits(0).json();
    assert_eq!(told["formatVersion"], "1.7");
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["2 applied"]);
}

/// Moves the time at which a plan says that it was made.
fn made_hours_ago(world: &World, hours: i64) {
    let time = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    world.edit("plan.json", |plan| {
        plan["createdAt"] = json!(time.to_string());
    });
}

#[test]
fn an_old_plan_is_refused_and_shown() {
    let world = saved();
    made_hours_ago(&world, 25);
    refused(&world, 1, &["the plan is 25 h old", "--max-age"]);
    for format in ["text", "markdown", "github"] {
        world
            .run(&format!("show plan.json --format {format}"))
            .exits(0)
            .says(&["old-plan", "25 h ago"]);
    }
    world.sandbox("apply plan.json --max-age 24h").exits(1);
    world
        .sandbox("apply plan.json --max-age soon")
        .exits(64)
        .says(&["expected a duration like"]);
    for command in ["apply plan.json --max-age", "plan m.yaml --max-wait"] {
        world
            .sandbox(&format!("{command} 100000h"))
            .exits(64)
            .says(&["too long: the maximum is 365 days"]);
    }
    world
        .sandbox("apply plan.json --max-age 2d")
        .exits(0)
        .says(&["2 applied"]);
    let world = saved();
    made_hours_ago(&world, 2);
    world.sandbox("apply plan.json --max-age 1h").exits(1);
    made_hours_ago(&world, -2);
    refused(&world, 1, &["not a time in the past"]);
    world.edit("plan.json", |plan| plan["createdAt"] = json!("today"));
    refused(&world, 1, &["not a time in the past"]);
    world.run("show plan.json").exits(0).says(&["old-plan"]);
    world
        .sandbox("apply m.yaml --yes --max-age 1h")
        .exits(64)
        .says(&["--max-age"]);
}

/// A digest of the same form that no plan here has.
fn another(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").expect("a digest");
    format!("sha256:{}", hex.chars().rev().collect::<String>())
}

#[test]
fn manifests_are_applied_if_their_plan_has_the_reviewed_digest() {
    let world = saved();
    let digest = world.json("plan.json")["digest"]
        .as_str()
        .expect("text")
        .to_owned();
    let before = world.read("tenant.json");
    let other = another(&digest);
    // Also before a guard is looked at.
    for flags in ["", "--yes", "--max-policies 0"] {
        let line = format!("apply m.yaml --report r.jsonl --expect-digest {other} {flags}");
        world.sandbox(&line).exits(5).says(&[
            "differs from the reviewed one",
            &digest,
            &other,
            "Plan: ",
        ]);
        let told = world
            .sandbox(&format!("{line} --format json"))
            .exits(5)
            .json();
        assert_eq!(told["error"]["exitCode"], 5);
        let report = world.report("r.jsonl");
        assert_eq!(report.last().expect("an end")["exitCode"], 5);
    }
    world
        .sandbox(&format!(
            "apply m.yaml --yes --expect-digest {digest} --max-policies 0"
        ))
        .exits(4);
    assert_eq!(world.read("tenant.json"), before);
    for wrong in ["", "x", "md5:00"] {
        world
            .sandbox(&format!("apply m.yaml --yes --expect-digest={wrong}"))
            .exits(64)
            .says(&["sha256:"]);
    }
    // A digest that was cut is not the reviewed one.
    world
        .sandbox(&format!(
            "apply m.yaml --yes --expect-digest {}",
            &digest[..20]
        ))
        .exits(5);
    // The reviewed digest does not answer the question.
    world
        .sandbox(&format!("apply m.yaml --expect-digest {digest}"))
        .exits(64);
    world
        .sandbox(&format!("apply m.yaml --yes --expect-digest {digest}"))
        .exits(0)
        .says(&["2 applied"]);
    // Now there is another plan: none.
    world
        .sandbox(&format!("apply m.yaml --yes --expect-digest {digest}"))
        .exits(5);
}

#[test]
fn a_moved_tenant_changes_the_digest() {
    let world = saved();
    let digest = world.json("plan.json")["digest"]
        .as_str()
        .expect("text")
        .to_owned();
    world.edit("tenant.json", |state| {
        policy_mut(state, "Q")["assignments"] = json!([]);
    });
    world
        .sandbox(&format!("apply m.yaml --yes --expect-digest {digest}"))
        .exits(5);
    // A saved plan can be held against a digest as well.
    let world = saved();
    let other = another(&digest);
    world
        .sandbox(&format!("apply plan.json --expect-digest {other}"))
        .exits(5);
    world
        .sandbox(&format!("apply plan.json --expect-digest {digest}"))
        .exits(0);
}

#[test]
fn unknown_keys_are_ignored() {
    let world = saved();
    world.edit("plan.json", |plan| {
        plan["new"] = json!({"key": 1});
        plan["summary"]["new"] = json!(1);
        plan["selection"]["new"] = json!("*");
        plan["policies"][0]["new"] = json!([]);
        plan["policies"][0]["before"][0]["new"] = json!(true);
        plan["policies"][0]["after"][0]["target"]["new"] = json!(true);
        plan["guards"].as_array_mut().expect("a list").push(json!(
            {"name": "new", "limit": "0", "observed": "0", "tripped": false, "accepted": false}
        ));
    });
    world.run("show plan.json").exits(0);
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["2 applied"]);
}

#[test]
fn another_tenant_is_refused() {
    let world = saved();
    world.edit("tenant.json", |state| {
        state["tenantId"] = json!("99999999-2222-4333-8444-555555555555");
    });
    refused(
        &world,
        1,
        &[
            "11111111-2222-4333-8444-555555555555",
            "99999999-2222-4333-8444-555555555555",
        ],
    );
}

#[test]
fn an_acceptance_in_the_plan_counts() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P"]);
    world.sandbox("plan m.yaml --out plan.json").exits(4);
    refused(&world, 4, &["guard `unassigned` tripped"]);
    world
        .sandbox("plan m.yaml --out plan.json --allow unassigned")
        .exits(0);
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["guard `unassigned` accepted"]);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn a_refused_plan_can_be_accepted_when_it_is_applied() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P"]);
    world.sandbox("plan m.yaml --out plan.json").exits(4);
    world.sandbox("apply plan.json --allow unassigned").exits(0);
    assert_eq!(world.rows("P"), [""; 0]);
}

/// The digest covers what keeps a guard from refusing.
#[test]
fn an_acceptance_that_was_not_saved_is_refused() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P"]);
    world.sandbox("plan m.yaml --out plan.json").exits(4);
    let saved = world.json("plan.json");
    let mut guards = saved["guards"].as_array().expect("a list").iter();
    let unassigned = guards.position(|guard| guard["name"] == "unassigned");
    let unassigned = unassigned.expect("the guard");
    for change in [
        &(|plan: &mut Value| plan["guards"][unassigned]["accepted"] = json!(true))
            as &dyn Fn(&mut Value),
        &|plan| plan["policies"][0]["restores"] = json!(true),
    ] {
        let mut altered = saved.clone();
        change(&mut altered);
        world.write("plan.json", &altered.to_string());
        refused(&world, 1, &["the plan file was altered: its digest is"]);
    }
    // Whoever reviewed the plan did not accept the guard, so a file in which it is accepted is another.
    let digest = saved["digest"].as_str().expect("text");
    world
        .sandbox("plan m.yaml --out plan.json --allow unassigned")
        .exits(0);
    world
        .sandbox(&format!("apply plan.json --expect-digest {digest}"))
        .exits(5);
    // What this very run accepts is known to whoever starts it.
    world
        .sandbox(&format!(
            "apply m.yaml --yes --allow unassigned --expect-digest {digest}"
        ))
        .exits(0);
}

#[test]
fn its_calls_can_still_be_chosen() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world
        .sandbox("plan m.yaml --out plan.json --write-with create")
        .exits(0);
    world.sandbox("apply plan.json --report r.jsonl").exits(0);
    assert_eq!(
        world.report("r.jsonl").last().expect("an end")["requests"]["writes"],
        2
    );
}

/// Ids go into the addresses of requests and into the report, which could not be read again. Found
/// by fuzzing.
#[test]
fn a_plan_with_ids_that_nobody_has_is_refused() {
    let world = saved();
    let plan = world.json("plan.json");
    for change in [
        &(|plan: &mut Value| plan["policies"][0]["id"] = json!("a/../b")) as &dyn Fn(&mut Value),
        &|plan| {
            plan["policies"][0]["after"][0]["target"] = json!({"type": "group", "id": "f24;a6eb"});
        },
    ] {
        let mut altered = plan.clone();
        change(&mut altered);
        // Whoever can change the file can compute the digest again.
        let mut text = altered.to_string();
        if let Err(SavedPlanError::Altered { written, computed }) = PlanRecord::read(&text) {
            text = text.replace(&written, &computed);
        }
        world.write("plan.json", &text);
        refused(&world, 1, &["not a plan file: "]);
        let error = PlanRecord::read(&text).expect_err("refused").to_string();
        assert!(
            error.contains("its `id` is not a policy id")
                || error.contains("`f24;a6eb` is not a group id"),
            "{error}"
        );
    }
}
