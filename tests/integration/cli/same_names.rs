//! F25: two objects whose names are equal, or look it, are told apart by their ids.

use serde_json::json;

use super::support::World;
use super::support::tenant::{Tenant, filter_id, group_id, nth_policy, policy_id};

const FORMATS: [&str; 4] = [
    "--format text",
    "--diff",
    "--format markdown",
    "--format github",
];

/// A tenant in which every name is defined twice: policies 1 and 2, groups 1 and 2, filters 1 and 2.
fn world(one: &str, other: &str) -> World {
    let tenant = Tenant::new()
        .group("A")
        .group("B")
        .group("Other")
        .filter("F", "windows10AndLater")
        .filter("G", "windows10AndLater")
        .policy("P", &["+A [include F]", "-Other"])
        .policy("Q", &["+A"]);
    let filtered = format!(
        "id: {}, include: [{{groupId: {}, filterId: {}}}]",
        policy_id(1),
        group_id(1),
        filter_id(2)
    );
    let moved = format!("id: {}, include: [groupId: {}]", policy_id(2), group_id(2));
    let world = World::with(&tenant, &[&filtered, &moved]);
    world.edit("tenant.json", |state| {
        for list in ["groups", "assignmentFilters"] {
            state[list][0]["displayName"] = json!(one);
            state[list][1]["displayName"] = json!(other);
        }
        nth_policy(state, 0)["name"] = json!(one);
        nth_policy(state, 1)["name"] = json!(other);
    });
    world
}

#[test]
fn f25_ids_stand_beside_names_that_are_or_look_the_same() {
    for (one, other) in [
        ("Defender AV", "Defender AV"),
        ("Defender AV", "defender  av "),
        ("Defender AV", "Def\u{435}nder AV"),
        ("B\u{fc}ro", "Bu\u{308}ro"),
    ] {
        let world = world(one, other);
        for format in FORMATS {
            let ran = world.sandbox(&format!(
                "plan m.yaml --allow exclusion-lost --allow unassigned {format}"
            ));
            let ran = ran.exits(0);
            for id in [1, 2]
                .into_iter()
                .flat_map(|number| [policy_id(number), group_id(number), filter_id(number)])
            {
                let listed = ran.stdout.contains(&id);
                assert!(listed, "{format}: {id} is not in\n{}", ran.stdout);
            }
        }
    }
}

#[test]
fn f25_names_that_are_told_apart_stand_alone() {
    let world = world("Defender AV", "Defender Firewall");
    for format in FORMATS {
        let ran = world.sandbox(&format!("plan m.yaml --allow exclusion-lost {format}"));
        let ran = ran.exits(0);
        for id in [policy_id(1), group_id(1), filter_id(1)] {
            assert!(!ran.stdout.contains(&id), "{format}: {}", ran.stdout);
        }
    }
}

#[test]
fn f25_one_of_two_policies_is_meant_also_if_the_other_is_not_managed() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &["+B"]);
    let world = World::with(
        &tenant,
        &[&format!("id: {}, include: [allUsers]", policy_id(1))],
    );
    world.edit("tenant.json", |state| {
        nth_policy(state, 1)["name"] = json!("P");
    });
    let named = format!("configurationPolicy P ({})", policy_id(1));
    // The guard, the plan that was saved, what was done, and what moved.
    world
        .sandbox("plan m.yaml --out plan.json --allow broad-target")
        .exits(0)
        .says(&[&format!("  - {named}\n")]);
    let shown = world.run("show plan.json --format markdown").exits(0);
    assert!(shown.stdout.contains(&policy_id(1)), "{}", shown.stdout);
    world.edit("tenant.json", |state| {
        nth_policy(state, 0)["assignments"] = json!([]);
    });
    world.sandbox("apply plan.json").exits(5).says(&[&format!(
        "changed since the plan was made: configurationPolicy `P` ({})",
        policy_id(1)
    )]);
}

#[test]
fn f25_a_warning_about_one_of_two_policies_has_its_id() {
    let tenant = Tenant::common().policy("P", &[]).policy("Q", &["+A"]);
    let world = World::with(
        &tenant,
        &[&format!(
            "id: {}, mode: additive, exclude: [group: A]",
            policy_id(1)
        )],
    );
    world.edit("tenant.json", |state| {
        nth_policy(state, 1)["name"] = json!("p");
    });
    world.sandbox("plan m.yaml").exits(0).says(&[&format!(
        "warning[exclusion-without-include]: the exclusion has no effect: the policy has no include that it could narrow, for `P` ({})\n",
        policy_id(1)
    )]);
}

#[test]
fn f25_a_group_has_its_id_beside_it_where_its_namesake_is_not_in_the_plan() {
    let tenant = Tenant::new()
        .group("Twin")
        .group("A")
        .group("Other")
        .policy("P", &["+Twin"]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.edit("tenant.json", |state| {
        state["groups"][2]["displayName"] = json!("twin");
    });
    let named = format!("group Twin ({})", group_id(1));
    for format in FORMATS {
        let ran = world.sandbox(&format!("plan m.yaml {format}")).exits(0);
        assert!(
            ran.stdout.contains(&group_id(1)),
            "{format}: {}",
            ran.stdout
        );
    }
    world.sandbox("drift m.yaml").exits(2).says(&[&named]);
    world
        .sandbox(&format!("list --group {}", group_id(1)))
        .exits(0)
        .says(&[&format!("to {named}")]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    for format in ["text", "markdown"] {
        world
            .run(&format!("show r.jsonl --format {format}"))
            .says(&[&named]);
    }
    world.sandbox("rollback r.jsonl").says(&[&named]);
}
