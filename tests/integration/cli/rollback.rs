//! `rollback`: the way back from what a run did.

use super::support::World;
use super::support::tenant::{Tenant, policy_id, policy_mut};

/// Three policies; a run has given each of them to group B, and taken A away.
fn applied() -> World {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Q", &["+A", "-C"])
        .compliance("R", &["+A [include F]"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: B]",
            "kind: compliancePolicy, name: R, include: [group: B]",
        ],
    );
    world
        .sandbox("apply m.yaml --yes --allow exclusion-lost --report r.jsonl")
        .exits(0);
    assert_eq!(rows(&world), ["+B"; 3]);
    world
}

fn rows(world: &World) -> Vec<String> {
    let rows = ["P", "Q", "R"].map(|policy| world.rows(policy).join(" "));
    rows.to_vec()
}

const BEFORE: [&str; 3] = ["+A", "+A -C", "+A [include F]"];

#[test]
fn what_a_run_did_is_undone_and_that_once() {
    let world = applied();
    let back = world
        .sandbox("rollback r.jsonl --yes --report back.jsonl")
        .exits(0);
    assert!(back.stdout.contains("configurationPolicy P"), "{back:?}");
    assert!(back.stdout.contains("Result: 3 applied."), "{back:?}");
    assert_eq!(rows(&world), BEFORE);

    let again = world
        .sandbox("rollback r.jsonl --report again.jsonl")
        .exits(0);
    assert!(again.stdout.contains("Nothing to do"), "{again:?}");
    assert!(
        again
            .stderr
            .contains("3 policies are already as they were before the run"),
        "{again:?}"
    );

    world
        .sandbox("rollback r.jsonl --out nothing.json")
        .exits(0)
        .says(&["3 policies are already as they were before the run"]);

    // The way back has a report like any other run, and can be undone itself.
    world
        .sandbox("rollback back.jsonl --yes --report forth.jsonl")
        .exits(0);
    assert_eq!(rows(&world), ["+B"; 3]);
}

#[test]
fn f09_a_policy_whose_group_is_gone_is_named_and_the_others_are_restored() {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Q", &["+B"])
        .policy("R", &["+B [include F]"]);
    let world = World::with(&tenant, &["match: '*', include: [group: C]"]);
    world
        .sandbox("apply m.yaml --yes --allow removals --report r.jsonl")
        .exits(0);
    world.edit("tenant.json", |tenant| {
        let groups = tenant["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["displayName"] != "A");
        let filters = tenant["assignmentFilters"].as_array_mut();
        filters
            .expect("filters")
            .retain(|filter| filter["displayName"] != "F");
    });
    let back = world
        .sandbox("rollback r.jsonl --yes --report back.jsonl")
        .exits(6)
        .says(&[
            "configurationPolicy `P` is left alone: what it had is no longer there: group `A` (",
            "configurationPolicy `R` is left alone: what it had is no longer there: filter `F` (",
            "Result: 1 applied, 2 skipped.",
        ]);
    assert_eq!(world.rows("Q"), ["+B"], "{back:?}");
    assert_eq!(world.rows("P"), ["+C"]);
    let report = world.report("back.jsonl");
    assert_eq!(report[1]["error"]["code"], "targetGone");
}

#[test]
fn what_moved_since_is_named_and_left_alone() {
    let world = applied();
    world.edit("tenant.json", |tenant| {
        let policies = tenant["configurationPolicies"].as_array_mut();
        policies.expect("policies")[0]["assignments"] = serde_json::json!([]);
        let compliance = tenant["compliancePolicies"].as_array_mut();
        compliance.expect("policies").clear();
    });
    let back = world
        .sandbox("rollback r.jsonl --yes --report back.jsonl --json-into back.json")
        .exits(6);
    assert!(
        back.stderr
            .contains("warning[not-rolled-back]: configurationPolicy `P` is left alone: the policy's assignments have changed"),
        "{back:?}"
    );
    assert!(
        back.stderr.contains(
            "compliancePolicy `R` is left alone: the policy has been deleted since the run"
        ),
        "{back:?}"
    );
    assert!(
        back.stdout.contains("Result: 1 applied, 2 skipped."),
        "{back:?}"
    );
    // The three policies of the report; a rollback knows of no others, and of none that is unmanaged.
    assert!(
        back.stdout
            .contains("\nRead 3 policies: 1 changes, 2 left as they are.\n"),
        "{back:?}"
    );
    assert_eq!(world.rows("P"), Vec::<String>::new());
    assert_eq!(world.rows("Q").join(" "), "+A -C");

    let report = world.report("back.jsonl");
    let outcomes: Vec<String> = report
        .iter()
        .filter(|line| line["event"] == "policy")
        .map(|line| {
            format!(
                "{} {} {}",
                line["name"], line["outcome"], line["error"]["code"]
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            r#""P" "skipped" "moved""#,
            r#""R" "skipped" "deleted""#,
            r#""Q" "applied" null"#
        ]
    );
    assert_eq!(report.last().expect("an end")["exitCode"], 6);
    let json = world.json("back.json");
    assert_eq!(json["results"]["summary"]["skipped"], 2);
    assert_eq!(json["diagnostics"][0]["code"], "not-rolled-back");
}

#[test]
fn the_way_back_is_the_ordinary_one() {
    let world = applied();
    // Without a terminal it is not gone unasked.
    world.sandbox("rollback r.jsonl").exits(64);
    assert_eq!(rows(&world), ["+B"; 3]);
    // A part of it says so.
    let part = world.sandbox("rollback r.jsonl --yes --only P");
    part.exits(0)
        .says(&["`--only 'P'` excludes 2 managed policies"]);
    assert_eq!(rows(&world), ["+A", "+B", "+B"]);
    // A part that is none is most likely misspelt.
    world
        .sandbox("rollback r.jsonl --yes --only X")
        .exits(3)
        .says(&["leaves none of the 3 policies of the report"]);
    world
        .sandbox("rollback r.jsonl --yes --kind mobileApp")
        .exits(3);
    // It does not write over what it reads.
    world
        .sandbox("rollback r.jsonl --yes --report r.jsonl")
        .exits(64);
    // A plan is shown in any format.
    let json = world
        .sandbox("rollback r.jsonl --yes --format json")
        .exits(0)
        .json();
    assert_eq!(json["summary"]["changed"], 2);
    assert_eq!(json["results"]["summary"]["applied"], 2);
}

#[test]
fn a_report_of_something_else_is_refused() {
    let world = applied();
    // Of a file that was cut off no one knows what it said.
    world.write("empty.jsonl", "");
    world.write("torn.jsonl", &world.read("r.jsonl")[..50]);
    for file in ["empty.jsonl", "torn.jsonl"] {
        for line in ["rollback", "apply --resume", "drift m.yaml --since", "show"] {
            world.sandbox(&format!("{line} {file}")).exits(1);
        }
    }
    world
        .sandbox("rollback torn.jsonl")
        .says(&["what its run did is unknown"]);
    world.write("plan.json", "{\"formatVersion\":\"1.0\"}\n");
    let wrong = world.sandbox("rollback plan.json --yes").exits(1);
    assert!(wrong.stderr.contains("not a report: line 1"), "{wrong:?}");
    world.sandbox("rollback nowhere.jsonl --yes").exits(1);

    let other = world.read("r.jsonl").replace(
        "11111111-2222-4333-8444-555555555555",
        "99999999-2222-4333-8444-555555555555",
    );
    world.write("other.jsonl", &other);
    let refused = world.sandbox("rollback other.jsonl --yes").exits(1);
    assert!(
        refused.stderr.contains("the report is for tenant 99999999"),
        "{refused:?}"
    );
    assert_eq!(rows(&world), ["+B"; 3]);
}

#[test]
fn only_what_the_run_changed_goes_back() {
    let world = applied();
    // A second run finds all as it shall be, and has nothing that could be undone.
    world.sandbox("apply m.yaml --report second.jsonl").exits(0);
    let back = world.sandbox("rollback second.jsonl").exits(0);
    assert!(back.stdout.contains("Nothing to do"), "{back:?}");
    assert_eq!(rows(&world), ["+B"; 3]);
}

#[test]
fn a_rollback_is_not_refused_by_its_own_direction() {
    // The run took all devices and the last assignment away; undoing that brings them back, and
    // undoing the undoing takes them away again.
    let tenant = Tenant::common()
        .policy("P", &["allDevices"])
        .policy("Q", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]", "name: Q"]);
    world
        .sandbox("apply m.yaml --yes --allow unassigned --report r.jsonl")
        .exits(0);
    let strict = "--max-policies 0 --max-removals 0";
    world
        .sandbox(&format!(
            "rollback r.jsonl --yes --report back.jsonl {strict}"
        ))
        .exits(0)
        .says(&["the manifests in git still ask for what was undone"]);
    assert_eq!(world.rows("P"), ["allDevices"]);
    world
        .sandbox(&format!("rollback back.jsonl --yes {strict}"))
        .exits(0);
    assert_eq!(world.rows("Q"), Vec::<String>::new());
}

#[test]
fn a_rollback_can_be_saved_reviewed_and_applied() {
    let tenant = Tenant::common().policy("P", &["allDevices"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let saved = world
        .sandbox("rollback r.jsonl --out plan.json --format json")
        .exits(0)
        .says(&["the manifests in git still ask for what the plan undoes"]);
    assert_eq!(saved.json()["summary"]["changed"], 1);
    assert_eq!(world.rows("P"), ["+B"]);
    world.run("show plan.json").exits(0).says(&["allDevices"]);
    world
        .sandbox("apply plan.json --max-policies 0 --max-removals 0")
        .exits(0);
    assert_eq!(world.rows("P"), ["allDevices"]);
    // What is saved is not applied at once.
    world
        .sandbox("rollback r.jsonl --out plan.json --yes")
        .exits(64);
}

/// The service has dropped what policy sets had assigned, and no rollback brings that back.
#[test]
fn what_policy_sets_assigned_before_the_run_and_is_missing_is_named() {
    let tenant = Tenant::common()
        .switch("policySetAssignments", serde_json::json!("dropped"))
        .policy("P", &["+A", "+A <set>", "+B [include F] <set>"]);
    let world = World::with(&tenant, &["name: P, include: [group: C]"]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(6)
        .says(&["policySetAssignmentsDropped"]);
    const LOST: &str = "group `A`, group `B` with filter `F` (include)";
    let warning = format!(
        "warning[policy-set-assignments-missing]: configurationPolicy `P` lacks what policy sets assigned before the run, and a rollback cannot restore it: {LOST}"
    );
    world
        .sandbox("rollback r.jsonl --out back.plan.json")
        .exits(0)
        .says(&[&warning]);
    world
        .sandbox("rollback r.jsonl --yes --report back.jsonl --json-into back.json")
        .exits(0)
        .says(&[&warning, "1 applied"]);
    assert_eq!(world.rows("P"), ["+A"]);
    let diagnostic = &world.json("back.json")["diagnostics"][0];
    assert_eq!(diagnostic["code"], "policy-set-assignments-missing");
    let line = &world.report("back.jsonl")[2];
    assert_eq!(
        (&line["outcome"], &line["note"]["code"]),
        (&"applied".into(), &"policySetAssignmentsMissing".into())
    );
    world.run("show back.jsonl").exits(0).says(&[LOST]);

    // Once more there is nothing to do, and it is said all the same.
    world
        .sandbox("rollback r.jsonl --report again.jsonl")
        .exits(0)
        .says(&[&warning, "Nothing to do", "already"]);
    let line = &world.report("again.jsonl")[1];
    assert_eq!(
        (&line["outcome"], &line["note"]["code"]),
        (&"already".into(), &"policySetAssignmentsMissing".into())
    );
}

#[test]
fn a_policy_that_was_renamed_since_the_run_is_named_by_both_names() {
    let world = applied();
    world.edit("tenant.json", |state| {
        policy_mut(state, "Q")["name"] = "Linux".into();
    });
    let said = format!(
        "warning[renamed-since]: configurationPolicy `Q` is now called `Linux` ({})",
        policy_id(2)
    );
    world
        .sandbox("rollback r.jsonl --yes --json-into back.json")
        .exits(0)
        .says(&[&said, "3 applied"]);
    assert_eq!(
        world.json("back.json")["diagnostics"][0]["code"],
        "renamed-since"
    );
}
