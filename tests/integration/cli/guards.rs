//! Guards: exit code 4 in `plan` and `apply`, nothing written, and what accepts them.

use serde_json::json;

use super::support::World;
use super::support::tenant::{TENANT_ID, Tenant};

/// Checks that a guard refuses both `plan` and `apply`, and that `--allow` accepts it.
fn trips(guard: &str, world: &World, flags: &str) {
    let before = world.read("tenant.json");
    let said = format!("guard `{guard}` tripped");
    let hint = format!("--allow {guard}");
    world
        .sandbox(&format!("plan m.yaml --out plan.json {flags}"))
        .exits(4)
        .says(&[&said, &hint, "Plan: "]);
    world.run("show plan.json").exits(0).says(&[&said]);
    // It writes nothing, so that a guard hides no drift.
    world
        .sandbox(&format!("drift m.yaml {flags}"))
        .exits(2)
        .says(&[&said]);
    world
        .sandbox(&format!("apply m.yaml --yes --report r.jsonl {flags}"))
        .exits(4)
        .says(&[&said, &hint, "Plan: ", "nothing was written"]);
    world.sandbox(&format!("apply plan.json {flags}")).exits(4);
    let told = world
        .sandbox(&format!("plan m.yaml --format json {flags}"))
        .exits(4)
        .json();
    let guards = told["guards"].as_array().expect("a list");
    for known in guards {
        assert_eq!(known["tripped"], known["name"] == guard, "{known}");
    }
    assert_eq!(world.read("tenant.json"), before);
    assert_eq!(
        world.report("r.jsonl").last().expect("an end")["exitCode"],
        4
    );
    let flags = format!("{flags} --allow {guard}");
    world
        .sandbox(&format!("plan m.yaml --detailed-exitcode {flags}"))
        .exits(2)
        .says(&[&format!("guard `{guard}` accepted")]);
    world
        .sandbox(&format!("apply m.yaml --yes {flags}"))
        .exits(0);
    assert_ne!(world.read("tenant.json"), before);
}

const OTHER: &str = "tenantId: 99999999-2222-4333-8444-555555555555\n";

#[test]
fn none_trips_where_nothing_changes() {
    let tenant = Tenant::common()
        .policy("P", &["allDevices", "-A"])
        .policy("Q", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [allDevices], exclude: [group: A]",
            "name: Q",
        ],
    );
    world
        .sandbox("plan m.yaml --max-removals 0 --max-policies 0")
        .exits(0)
        .says_nothing_of("guard");
}

/// A policy with a number of collections.
fn rows(number: usize) -> Vec<String> {
    (0..number)
        .map(|number| format!("collection C{number}"))
        .collect()
}

#[test]
fn removals() {
    let rows = rows(40);
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let keep = |number: usize| {
        let kept: Vec<String> = (0..number)
            .map(|number| format!("collection: C{number}"))
            .collect();
        format!("name: P, include: [{}]", kept.join(", "))
    };
    let world = World::with(&Tenant::common().policy("P", &rows), &[&keep(29)]);
    trips("removals", &world, "");
    // A quarter is let through, and so are fewer than ten of whatever number.
    let world = World::with(&Tenant::common().policy("P", &rows), &[&keep(30)]);
    world.sandbox("plan m.yaml").exits(0);
    let world = World::with(&Tenant::common().policy("P", &rows[..10]), &[&keep(1)]);
    world.sandbox("plan m.yaml").exits(0);
    world.sandbox("plan m.yaml --max-removals 9").exits(0);
    world.sandbox("plan m.yaml --max-removals 1%").exits(0);
    trips("removals", &world, "--max-removals 8");
}

#[test]
fn rows_of_policy_sets_do_not_count_as_removals() {
    let tenant = Tenant::common().policy("P", &["+A", "+B <set>", "+C <set>"]);
    let world = World::with(&tenant, &["name: P, include: [collection: C]"]);
    let plan = world
        .sandbox("plan m.yaml --format json --max-removals 1")
        .exits(0)
        .json();
    assert_eq!(plan["guards"][0]["observed"], "1 of 1");
}

#[test]
fn policies() {
    let mut tenant = Tenant::common();
    for number in 0..51 {
        tenant = tenant.policy(&format!("P{number}"), &[]);
    }
    let world = World::with(&tenant, &["match: 'P*', include: [group: A]"]);
    world.sandbox("plan m.yaml --max-policies 51").exits(0);
    world.manifest(&["match: 'P*', except: [P0], include: [group: A]"]);
    world.sandbox("plan m.yaml").exits(0);
    world.sandbox("plan m.yaml --max-policies 49").exits(4);
    world.manifest(&["match: 'P*', include: [group: A]"]);
    trips("policies", &world, "");
}

#[test]
fn broad_target() {
    for target in ["allDevices", "allUsers"] {
        let world = World::with(
            &Tenant::common().policy("P", &["+A"]),
            &[&format!("name: P, include: [group: A, {target}]")],
        );
        trips("broad-target", &world, "");
        // With a filter it is not broad, until the filter is dropped.
        let live = format!("{target} [include F]");
        let world = World::with(
            &Tenant::common().policy("P", &[&live]),
            &[&format!("name: P, include: [{target}]")],
        );
        trips("broad-target", &world, "");
        let world = World::with(
            &Tenant::common().policy("P", &["+A"]),
            &[&format!(
                "name: P, include: [group: A, {{{target}: true, filter: F}}]"
            )],
        );
        world.sandbox("plan m.yaml").exits(0);
    }
}

#[test]
fn exclusion_lost() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A", "-B"]),
        &["name: P, include: [group: A]"],
    );
    trips("exclusion-lost", &world, "");
    // An exclusion that becomes an include is lost as well.
    let world = World::with(
        &Tenant::common().policy("P", &["+A", "-B"]),
        &["name: P, include: [group: A, group: B]"],
    );
    trips("exclusion-lost", &world, "");
}

#[test]
fn unassigned() {
    let world = World::with(&Tenant::common().policy("P", &["+A"]), &["name: P"]);
    trips("unassigned", &world, "");
    let world = World::with(
        &Tenant::common().policy("P", &[]).policy("Q", &["+A <set>"]),
        &["name: P", "name: Q"],
    );
    world.sandbox("plan m.yaml").exits(0);
}

#[test]
fn f34_the_last_include_goes_and_an_exclusion_stays() {
    for (live, wanted) in [
        (&["+A", "-B"][..], "exclude: [group: B]"),
        (&["allDevices [include F]", "-B"], "exclude: [group: B]"),
        (&["+A"], "exclude: [group: A]"),
        (&["+A", "-B", "-C"], "exclude: [group: C]"),
    ] {
        let world = World::with(
            &Tenant::common().policy("P", live),
            &[&format!("name: P, {wanted}")],
        );
        trips("unassigned", &world, "");
    }
}

#[test]
fn f34_a_group_that_does_not_exist_includes_nobody() {
    let gone = "bbbbbbbb-0000-4000-8000-000000000009";
    let row = format!("+{gone}");
    let world = World::with(
        &Tenant::common().policy("P", &["+A", &row]),
        &[&format!("name: P, include: [groupId: {gone}]")],
    );
    trips("unassigned", &world, "");
    let tenant = Tenant::common().policy("P", &["+A", &row, "-B"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: A], exclude: [group: B, group: C]"],
    );
    world.sandbox("plan m.yaml").exits(0);
}

#[test]
fn f34_an_exclusion_beside_no_include_is_warned_of() {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &["-B"])
        .policy("R", &["+A"]);
    let world = World::with(
        &tenant,
        &["match: '*', mode: additive, exclude: [group: B]"],
    );
    world.sandbox("plan m.yaml").exits(0).says(&[
        "warning[exclusion-without-include]: the exclusion has no effect: the policy has no include that it could narrow, for `P`\n",
        " --> m.yaml:3:",
    ]);
    world.manifest(&["match: '*', mode: additive, include: [group: C], exclude: [group: B]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("exclusion-without-include");
}

#[test]
fn drift_from_the_wrong_tenant_is_refused() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    world.sandbox("drift m.yaml --max-policies 0").exits(2);
    world.write("assignctl.yaml", OTHER);
    world.sandbox("drift m.yaml").exits(4);
}

#[test]
fn tenant_cannot_be_accepted() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: A]"],
    );
    world.write("assignctl.yaml", &format!("tenantId: {TENANT_ID}\n"));
    world.sandbox("plan m.yaml").exits(0);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.write("assignctl.yaml", OTHER);
    let before = world.read("tenant.json");
    world
        .sandbox("plan m.yaml")
        .exits(4)
        .matches("guards/tenant");
    world.sandbox("apply m.yaml --yes").exits(4);
    world.sandbox("apply plan.json").exits(4);
    world.sandbox("plan m.yaml --allow tenant").exits(64);
    world.sandbox("apply m.yaml --yes --allow tenant").exits(64);
    assert_eq!(world.read("tenant.json"), before);
    // Nor by a plan that says so.
    world.write("assignctl.yaml", &format!("tenantId: {TENANT_ID}\n"));
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.edit("plan.json", |plan| {
        for guard in plan["guards"].as_array_mut().expect("a list") {
            guard["accepted"] = json!(true);
        }
    });
    world.write("assignctl.yaml", OTHER);
    world.sandbox("apply plan.json").exits(4);
    assert_eq!(world.read("tenant.json"), before);
}

#[test]
fn several_guards_need_several_acceptances() {
    let tenant = Tenant::common()
        .policy("P", &["+A", "-B"])
        .policy("Q", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [allUsers]", "name: Q"]);
    world
        .sandbox("plan m.yaml")
        .exits(4)
        .matches("guards/several");
    world
        .sandbox("plan m.yaml --allow broad-target --allow unassigned")
        .exits(4);
    let ran = world.sandbox(
        "apply m.yaml --yes --allow broad-target --allow unassigned --allow exclusion-lost",
    );
    ran.exits(0);
    assert_eq!(world.rows("P"), ["allUsers"]);
    world
        .sandbox("plan m.yaml --allow everything")
        .exits(64)
        .says(&["exclusion-lost"]);
}

#[test]
fn limits_of_the_configuration() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    world.write(
        "assignctl.yaml",
        "guards:\n  maxRemovals: 0\n  maxPolicies: 0\n",
    );
    world
        .sandbox("plan m.yaml")
        .exits(4)
        .says(&["guard `removals` tripped", "guard `policies` tripped"]);
    // Flags win.
    world
        .sandbox("plan m.yaml --max-removals 1 --max-policies 1")
        .exits(0);
}

#[test]
fn a_guard_says_what_it_saw_in_whom_and_how_to_accept_it() {
    let mut tenant = Tenant::common();
    for number in 0..12 {
        tenant = tenant.policy(&format!("P{number:02}"), &["+A"]);
    }
    tenant = tenant.policy("P12", &[]);
    let world = World::with(&tenant, &["match: 'P*', include: [group: B]"]);
    let flags = "--max-policies 11 --max-removals 11";
    world
        .sandbox(&format!("plan m.yaml {flags}"))
        .exits(4)
        .says(&[
            "guard `removals` tripped: live assignments to remove (12 of 12, limit 11)\n  - configurationPolicy P00\n",
            "  and 2 more\n  hint: accept it with `--allow removals`\n",
            "guard `policies` tripped: policies to change (13, limit 11)\n  all policies that change\n  hint: accept it with `--allow policies`\n",
            "error: guards `removals`, `policies` refuse the plan\n",
            "accept it with `--allow removals --allow policies`",
        ]);
    let told = world
        .sandbox(&format!("plan m.yaml --format json {flags}"))
        .exits(4)
        .json();
    assert_eq!(told["guards"][1]["accept"], "--allow policies");
    assert_eq!(
        told["guards"][1]["policies"]
            .as_array()
            .expect("a list")
            .len(),
        13
    );
    assert_eq!(told["guards"][2].get("accept"), None);
}

#[test]
fn the_report_tells_what_guards_saw_and_who_accepted_it() {
    let world = World::with(&Tenant::common().policy("P", &["+A"]), &["name: P"]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(4);
    let guard = |world: &World| {
        let start = world.report("r.jsonl")[0].clone();
        let guards = start["guards"].as_array().expect("a list").clone();
        let found = guards.iter().find(|guard| guard["name"] == "unassigned");
        found.expect("the guard").clone()
    };
    let seen = guard(&world);
    assert_eq!(
        (&seen["tripped"], &seen["accepted"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(seen["policies"], json!(["P"]));
    world
        .sandbox("plan m.yaml --out plan.json --allow unassigned")
        .exits(0);
    world.sandbox("apply plan.json --report r.jsonl").exits(0);
    assert_eq!(guard(&world)["accepted"], true);
}

#[test]
fn a_saved_plan_is_judged_again_by_limits_that_are_given() {
    // Forty assignments, twelve of them in the policy that changes.
    let rows: Vec<String> = (0..40)
        .map(|number| format!("collection C{number}"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let keep: Vec<String> = (12..40)
        .map(|number| format!("collection: C{number}"))
        .collect();
    let tenant = Tenant::common()
        .policy("P", &rows[..13])
        .policy("Q", &rows[13..]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [collection: C12]",
            &format!("name: Q, include: [{}]", keep[1..].join(", ")),
        ],
    );
    let before = world.read("tenant.json");
    world
        .sandbox("plan m.yaml --out plan.json --max-removals 50%")
        .exits(0);
    // Of all that was there, not of what the file holds.
    world
        .sandbox("apply plan.json --max-removals 29%")
        .exits(4)
        .says(&["12 of 40, limit 29%", "--allow removals"]);
    world
        .sandbox("apply plan.json --max-removals 11")
        .exits(4)
        .says(&["12 of 40, limit 11"]);
    world
        .sandbox("apply plan.json --max-policies 0")
        .exits(4)
        .says(&["guard `policies` tripped", "1, limit 0"]);
    assert_eq!(world.read("tenant.json"), before);
    // The other way round as well.
    world
        .sandbox("plan m.yaml --out plan.json --max-policies 0")
        .exits(4);
    world.sandbox("apply plan.json").exits(4);
    world
        .sandbox("apply plan.json --max-removals 30% --max-policies 1")
        .exits(0)
        .says(&["1 applied"]);
}

/// It is compared with the token's, which is an id.
#[test]
fn the_configured_tenant_is_an_id() {
    let world = World::with(&Tenant::common(), &[]);
    world.write("assignctl.yaml", "tenantId: contoso.onmicrosoft.com\n");
    let ran = world.sandbox("plan m.yaml").exits(1);
    ran.says(&["assignctl.yaml:1:", "expected the tenant's id, a GUID"]);
}

/// What a read finds may end up among the manifests.
#[test]
fn nothing_of_another_tenant_is_read_than_the_configuration_names() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: A]"],
    );
    world.write("assignctl.yaml", OTHER);
    for line in [
        "list",
        "explain P m.yaml",
        "export --out exported",
        "export --into . --unmanaged",
        "export --snapshot s.json",
        "schema --from-tenant",
        "approvals",
        "init new",
    ] {
        world
            .sandbox(line)
            .exits(4)
            .says(&["guard `tenant` refuses"]);
    }
    assert!(!world.has("exported") && !world.has("s.json") && !world.has("new"));
    // These say what the sign-in is.
    world.sandbox("whoami").says(&[TENANT_ID]);
}
