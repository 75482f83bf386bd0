//! What a policy has beyond its manifests: targets of unknown types, virtual groups, and what policy sets assign.

use serde_json::json;

use super::support::World;
use super::support::tenant::{Tenant, policy_mut};

const ALL_USERS: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";

#[test]
fn a_group_that_a_policy_set_has_on_the_other_side_is_doubted() {
    let tenant = Tenant::common().policy("P", &["-A <set>", "+B <set>"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: A, group: C], exclude: [group: B]"],
    );
    const HINT: &str = "no mode removes what a policy set assigns";
    world.sandbox("plan m.yaml").exits(0).says(&[
        "warning[opposite-of-policy-set]: the entry includes a group that a policy set excludes: the exclusion stays, and wins, for `P`",
        "warning[opposite-of-policy-set]: the entry excludes a group that a policy set includes: the include stays, and the exclusion wins, for `P`",
        HINT,
    ]);
    world.manifest(&["name: P, mode: additive, include: [group: A]"]);
    world
        .sandbox("plan m.yaml")
        .exits(3)
        .says(&["error[additive-conflict]", HINT])
        .says_nothing_of("use `exact`");
    // What is direct goes away in exact mode.
    let tenant = Tenant::common().policy("P", &["-A"]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world
        .sandbox("plan m.yaml --allow exclusion-lost")
        .exits(0)
        .says_nothing_of("opposite-of-policy-set");
    world.manifest(&["name: P, mode: additive, include: [group: A]"]);
    world
        .sandbox("plan m.yaml")
        .exits(3)
        .says(&["mode `additive` never removes; use `exact`"]);
}

#[test]
fn a_virtual_group_is_not_exported_and_not_removed_without_a_word() {
    let own = format!("+{ALL_USERS}");
    let tenant = Tenant::common()
        .policy("V", &["+A", &own])
        .policy("W", &["+B"]);
    let world = World::with(&tenant, &["name: V, include: [group: A]"]);
    world.sandbox("export --out ex").exits(0).says(&[
        "warning[not-exported]: configurationPolicy `V` (",
        "is left out: it has the virtual group of all users, which no manifest can name",
    ]);
    world
        .sandbox("plan ex --detailed-exitcode")
        .exits(0)
        .says(&["Nothing to do"]);
    let warning = "warning[virtual-group-live]: the virtual group of all users is assigned, which no manifest can name; in mode `exact` it is removed, for `V`";
    let gone = format!("- group {ALL_USERS} (virtual group of all users)");
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&[warning, &gone]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&[warning]);
    assert_eq!(world.rows("V"), ["+A"]);
    let restored = format!("+ group {ALL_USERS} (virtual group of all users)");
    world
        .sandbox("rollback r.jsonl --yes")
        .exits(0)
        .says(&[&restored, "1 applied"]);
    assert_eq!(world.rows("V"), ["+A", &own]);
    world.manifest(&["name: V, mode: additive, include: [group: B]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("virtual-group-live");
}

#[test]
fn a_target_of_an_unknown_type_that_exact_keeps_is_said_once_for_its_policy() {
    let world = World::new(&Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]));
    world.edit("tenant.json", |state| {
        for scope in ["1", "2"] {
            let target =
                json!({"@odata.type": "#microsoft.graph.novelAssignmentTarget", "scope": scope});
            let rows = policy_mut(state, "P")["assignments"].as_array_mut();
            rows.expect("rows").push(json!({"target": target}));
        }
    });
    world.manifest(&["match: '*', include: [group: A]"]);
    let info = "info[unknown-target-kept]: a target of the type `novelAssignmentTarget` stays, though it is not in the manifest: the program does not know the type, for `P`\n";
    let plan = world.sandbox("plan m.yaml --out plan.json").exits(0);
    let plan = plan.says(&[info, "Nothing to do"]);
    assert_eq!(
        plan.stderr.matches("unknown-target-kept").count(),
        1,
        "{plan:?}"
    );
    let diagnostic = &world.json("plan.json")["diagnostics"][0];
    assert_eq!(
        (&diagnostic["severity"], &diagnostic["code"]),
        (&json!("info"), &json!("unknown-target-kept"))
    );
    world
        .run("show plan.json")
        .exits(0)
        .says(&["info[unknown-target-kept]"]);
    // Of no line, so that all policies share it, and after what changes: GitHub shows ten notices.
    let notices = world.sandbox("plan m.yaml --format github").exits(0);
    let last = notices.stdout.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("::notice") && last.contains("novelAssignmentTarget"),
        "{notices:?}"
    );
    world
        .sandbox("plan m.yaml --format markdown")
        .exits(0)
        .says(&["<summary>1 note</summary>"]);
    world
        .sandbox("explain P m.yaml")
        .exits(0)
        .says(&["in mode `exact` it stays only because its type is not known"])
        .says_nothing_of("additive");
    let explained = world.sandbox("explain P m.yaml --format json").exits(0);
    assert!(
        explained.stdout.contains("\"unknownType\""),
        "{explained:?}"
    );
    world.manifest(&["match: '*', mode: additive, include: [group: A]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("unknown-target-kept");
    world
        .sandbox("explain P m.yaml")
        .exits(0)
        .says(&["in mode `additive` it stays"]);
}

#[test]
fn ids_of_collections_are_compared_without_case() {
    let tenant = Tenant::common().policy("P", &["collection MEM00012", "+A"]);
    let world = World::with(
        &tenant,
        &["name: P, mode: additive, absent: [collection: mem00012]"],
    );
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["- collection MEM00012", "1 to remove"]);
    world.manifest(&["name: P, include: [collection: mem00012, group: A]"]);
    world
        .sandbox("plan m.yaml --detailed-exitcode")
        .exits(0)
        .says(&["Nothing to do"]);
    world
        .sandbox("explain P m.yaml")
        .exits(0)
        .says(&["= collection MEM00012\n    live, requested by"]);
    world
        .manifest(&["name: P, include: [collection: mem00012, {collection: MEM00012, filter: F}]"]);
    world
        .run("validate m.yaml")
        .exits(3)
        .says(&["error[conflicting-filters]"]);
}

#[test]
fn the_guard_says_only_what_is_so_where_a_policy_set_goes_on_including() {
    let tenant = Tenant::common().policy("P", &["+A", "+B <set>"]);
    let world = World::with(&tenant, &["name: P, include: []"]);
    world
        .sandbox("plan m.yaml")
        .exits(4)
        .says(&["guard `unassigned` tripped: policies that had assignments would keep no direct one that is known to include anyone"]);
}

#[test]
fn a_virtual_group_that_is_excluded_or_of_a_policy_set_is_named_as_such() {
    let (out, set) = (format!("-{ALL_USERS}"), format!("+{ALL_USERS} <set>"));
    let tenant = Tenant::common()
        .policy("V", &["+A", &out])
        .policy("S", &["+A", &set]);
    let world = World::with(&tenant, &["name: V, include: [group: A]"]);
    world.sandbox("plan m.yaml --allow exclusion-lost").exits(0).says(&[
        "the virtual group of all users is excluded, which no manifest can name; in mode `exact` it is removed, for `V`",
    ]);
    world.sandbox("export --only S --out ex").exits(0);
    let exported = world.read("ex/windows.yaml");
    assert!(
        exported.contains("# also assigned by a policy set: the virtual group of all users"),
        "{exported}"
    );
}
