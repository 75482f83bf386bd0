//! `absent`: what must not be there is removed, and the rest is left alone.

use super::support::World;
use super::support::tenant::{Tenant, group_id};

#[test]
fn f22a_one_target_is_removed_and_the_rest_left() {
    let tenant = Tenant::common()
        .policy("P", &["+A", "-B", "+C [include F]", "allUsers"])
        .policy("Q", &["-A", "+B", "allDevices [exclude F]"])
        .policy("R", &["+A <set>", "+A", "+B"]);
    let world = World::with(
        &tenant,
        &[
            "match: '*', mode: additive, absent: [group: a]",
            "name: P, mode: additive, include: [allDevices], absent: [allUsers, group: C]",
            &format!(
                "name: Q, mode: additive, absent: [allDevices, allDevices, groupId: {}]",
                group_id(1)
            ),
        ],
    );
    let allowed = "--allow broad-target --allow exclusion-lost";
    let plan = format!("plan m.yaml {allowed}");
    world.sandbox(&plan).exits(0).says(&[
        "1 assignment to add, 6 to remove, 0 to update",
        "configurationPolicy P (additive)",
        "- exclude group A",
        "warning[absent-from-policy-set]",
    ]);
    world
        .sandbox(&format!("apply m.yaml --yes --max-removals 5 {allowed}"))
        .exits(4)
        .says(&["guard `removals` tripped"]);
    world.sandbox(&format!("{plan} --out p.json")).exits(0);
    world.sandbox("apply p.json").exits(0);
    assert_eq!(world.rows("P"), ["-B", "allDevices"]);
    assert_eq!(world.rows("Q"), ["+B"]);
    assert_eq!(world.rows("R"), ["+A <set>", "+B"]);
    world.sandbox("drift m.yaml").exits(0);
}

#[test]
fn a_removal_stands_at_the_line_that_says_so() {
    let tenant = Tenant::common().policy("P", &["+A", "-B", "+C"]);
    let world = World::new(&tenant);
    world.write(
        "m.yaml",
        "version: 1
policies:
  - kind: configurationPolicy
    name: P
    mode: additive
    absent:
      - group: A
      - group: B
",
    );
    world
        .sandbox("plan m.yaml --allow exclusion-lost")
        .exits(0)
        .says(&["- exclude group B  m.yaml:8", "- group A          m.yaml:7"]);
    let plan = world.sandbox("plan m.yaml --format json --allow exclusion-lost");
    let policy = &plan.exits(0).json()["policies"][0];
    assert_eq!(policy["manifest"][0]["line"], 3);
}

#[test]
fn f22a_a_policy_that_loses_its_last_target_trips_the_guard() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, mode: additive, absent: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes")
        .exits(4)
        .says(&["unassigned"]);
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox("apply m.yaml --yes --allow unassigned")
        .exits(0);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn f22a_a_group_that_is_gone_can_be_taken_away_by_its_id() {
    let id = "bbbbbbbb-0000-4000-8000-000000000009";
    let tenant = Tenant::common().policy("P", &["+A", &format!("+{id}")]);
    let world = World::with(
        &tenant,
        &[&format!("name: P, mode: additive, absent: [groupId: {id}]")],
    );
    world
        .sandbox("apply m.yaml --yes")
        .exits(0)
        .says_nothing_of("warning[");
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["warning[unknown-group]", "Nothing to do"]);
}
