//! `apply`: what lands in the tenant, by which calls, and what is left alone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::tenant::{TENANT_ID, Tenant, filter_id, group_id, policy, policy_mut};

const CLIENT_ID: &str = "22222222-2222-4333-8444-555555555555";

/// Returns how many writes a run sent, from its report.
fn writes(world: &World, report: &str) -> Value {
    world.report(report).last().expect("an end")["requests"]["writes"].clone()
}

#[test]
fn nothing_to_do_needs_no_yes() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let before = world.read("tenant.json");
    world
        .sandbox("apply m.yaml --report r.jsonl")
        .exits(0)
        .matches("apply/nothing_to_do");
    assert_eq!(world.read("tenant.json"), before);
    assert_eq!(writes(&world, "r.jsonl"), 0);
}

#[test]
fn without_a_terminal_it_needs_yes() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let before = world.read("tenant.json");
    world
        .sandbox("apply m.yaml --report r.jsonl")
        .exits(64)
        .matches("apply/needs_yes");
    assert_eq!(world.read("tenant.json"), before);
    world
        .sandbox("apply m.yaml --report r.jsonl --yes")
        .exits(0)
        .matches("apply/applied");
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox("apply m.yaml")
        .exits(0)
        .says(&["Nothing to do"]);
}

#[test]
fn every_target_lands_as_it_was_asked_for() {
    let tenant = Tenant::common()
        .group("D")
        .filter("G", "windows10AndLater")
        .policy("P", &[])
        .compliance("Q", &["+A"]);
    let everything = format!(
        "include: [{{allDevices: true, filter: f}}, {{allUsers: true, filterId: {}, filterMode: exclude}}, \
         group: a, {{groupId: {}, filter: G}}, collection: MEM00012, \
         {{group: D, source: policySets, sourceId: the-set}}], exclude: [group: C]",
        filter_id(2),
        group_id(2)
    );
    let world = World::with(
        &tenant,
        &[
            &format!("name: P, {everything}"),
            &format!("kind: compliancePolicy, name: Q, {everything}"),
        ],
    );
    world
        .sandbox("apply m.yaml --yes")
        .exits(0)
        .says(&["2 applied"]);
    let rows = [
        "+A",
        "+B [include G]",
        "+D <the-set>",
        "-C",
        "allDevices [include F]",
        "allUsers [exclude G]",
        "collection MEM00012",
    ];
    assert_eq!(world.rows("P"), rows);
    assert_eq!(world.rows("Q"), rows);
    world.sandbox("drift m.yaml").exits(0);
}

#[test]
fn each_single_target_can_be_added_and_taken_away() {
    for (target, row) in [
        (
            "include: [{allDevices: true, filter: F}]",
            "allDevices [include F]",
        ),
        (
            "include: [{allUsers: true, filter: F, filterMode: exclude}]",
            "allUsers [exclude F]",
        ),
        ("include: [group: A]", "+A"),
        ("exclude: [group: A]", "-A"),
        (
            "include: [{collection: MEM1, filter: F}]",
            "collection MEM1 [include F]",
        ),
    ] {
        let tenant = Tenant::common().policy("P", &[]).compliance("Q", &[]);
        let world = World::with(
            &tenant,
            &[
                &format!("name: P, {target}"),
                &format!("kind: compliancePolicy, name: Q, {target}"),
            ],
        );
        world
            .sandbox("apply m.yaml --yes --report r.jsonl")
            .exits(0);
        assert_eq!(world.rows("P"), [row]);
        assert_eq!(world.rows("Q"), [row]);
        assert_eq!(writes(&world, "r.jsonl"), 2);
        world.manifest(&["name: P", "kind: compliancePolicy, name: Q"]);
        world
            .sandbox("apply m.yaml --yes --allow unassigned")
            .exits(0);
        assert_eq!(world.rows("P"), [""; 0]);
        assert_eq!(world.rows("Q"), [""; 0]);
    }
}

/// Applies one addition and one replacement on each collection over HTTP.
fn over_http(world: &World, served: &Served) {
    let line = format!(
        "apply m.yaml --yes --report r.jsonl --graph-url {}",
        served.url
    );
    let plan = world
        .run(&format!(
            "plan m.yaml --format json --graph-url {}",
            served.url
        ))
        .exits(0)
        .json();
    let mut calls: Vec<String> = plan["policies"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|policy| format!("{} {}", policy["name"], policy["writes"][0]["call"]))
        .collect();
    calls.sort();
    assert_eq!(
        calls,
        [
            "\"P\" \"create\"",
            "\"Q\" \"assign\"",
            "\"R\" \"create\"",
            "\"S\" \"assign\""
        ]
    );
    world.run(&line).exits(0).says(&["4 applied"]);
    for name in ["P", "R"] {
        assert_eq!(world.rows(name), ["+A"]);
    }
    for name in ["Q", "S"] {
        assert_eq!(world.rows(name), ["+B", "-C"]);
    }
    assert_eq!(writes(world, "r.jsonl"), 4);
    world.run(&line).exits(0).says(&["Nothing to do"]);
}

fn both_calls_on_both_collections(tenant: &Tenant) -> World {
    World::with(
        &tenant
            .clone()
            .policy("P", &[])
            .policy("Q", &["+A"])
            .compliance("R", &[])
            .compliance("S", &["+A"]),
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: B], exclude: [group: C]",
            "kind: compliancePolicy, name: R, include: [group: A]",
            "kind: compliancePolicy, name: S, include: [group: B], exclude: [group: C]",
        ],
    )
}

#[test]
fn over_http_with_a_client_secret() {
    let apps = json!([{"clientId": CLIENT_ID, "secret": "right"}]);
    let tenant = Tenant::common()
        .switch("onlyIssuedTokens", json!(true))
        .switch("apps", apps);
    let mut world = both_calls_on_both_collections(&tenant);
    let served = Served::start(&world);
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_SECRET", "right");
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    over_http(&world, &served);
    assert_eq!(world.report("r.jsonl")[0]["tenantId"], TENANT_ID);
    assert_eq!(world.report("r.jsonl")[0]["graphUrl"], served.url.as_str());
}

/// Real time, since the token's life is: each token lasts 4 s, and the writes take 6.
#[test]
fn a_token_is_renewed_before_it_runs_out() {
    let tenant = Tenant::common()
        .switch("onlyIssuedTokens", json!(true))
        .switch("tokenLifetime", json!(4));
    let mut world = both_calls_on_both_collections(&tenant);
    let served = Served::start(&world);
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_SECRET", "any");
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    let line = format!(
        "apply m.yaml --yes --report r.jsonl --write-limit 1/2s --graph-url {}",
        served.url
    );
    world.run(&line).exits(0).says(&["4 applied"]);
    let report = world.report("r.jsonl");
    let end = report.last().expect("an end");
    assert!(end["elapsedMs"].as_u64() > Some(4000), "{end}");
    // In time: no request was refused and had to be sent again.
    assert_eq!(end["requests"]["retried"], 0, "{end}");
}

#[test]
fn over_http_with_a_token() {
    let mut world = both_calls_on_both_collections(&Tenant::common());
    let served = Served::with_token(&mut world);
    over_http(&world, &served);
    // It cannot be read, so no one knows its tenant.
    assert_eq!(world.report("r.jsonl")[0]["tenantId"], Value::Null);
}

#[test]
fn the_calls_can_be_forced() {
    for way in ["create", "assign", "auto"] {
        let tenant = Tenant::common()
            .policy("P", &["+A", "+B"])
            .compliance("Q", &[]);
        let world = World::with(
            &tenant,
            &[
                "name: P, include: [{group: B, filter: F}], exclude: [group: A]",
                "kind: compliancePolicy, name: Q, include: [group: C]",
            ],
        );
        world
            .sandbox(&format!(
                "apply m.yaml --yes --report r.jsonl --write-with {way}"
            ))
            .exits(0);
        assert_eq!(world.rows("P"), ["+B [include F]", "-A"], "{way}");
        assert_eq!(world.rows("Q"), ["+C"], "{way}");
        let sent = writes(&world, "r.jsonl").as_u64().expect("a number");
        // Rows that take the place of others come in one `assign`, whatever is asked for: one by one
        // there would be a moment without either.
        assert_eq!(sent, 2, "{way}");
    }
}

#[test]
fn the_plan_says_which_calls_are_forced() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    for (way, calls) in [
        ("create", vec!["create", "delete"]),
        ("assign", vec!["assign"]),
    ] {
        let plan = world
            .sandbox(&format!("plan m.yaml --format json --write-with {way}"))
            .exits(0)
            .json();
        let writes = plan["policies"][0]["writes"]
            .as_array()
            .expect("a list")
            .clone();
        let said: Vec<&str> = writes
            .iter()
            .filter_map(|write| write["call"].as_str())
            .collect();
        assert_eq!(said, calls);
        assert_eq!(plan["summary"]["writes"], calls.len());
    }
    world.sandbox("plan m.yaml --write-with put").exits(64);
}

#[test]
fn a_missing_create_route_is_learnt_once() {
    let tenant = Tenant::common()
        .switch("createRouteMissing", json!(["compliancePolicies"]))
        .policy("C", &[])
        .compliance("P", &[])
        .compliance("Q", &[])
        .compliance("R", &[]);
    let entries = [
        "match: '*', include: [group: A]",
        "kind: compliancePolicy, match: '*', include: [group: A]",
    ];
    let world = World::with(&tenant, &entries);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&["4 applied"]);
    for name in ["C", "P", "Q", "R"] {
        assert_eq!(world.rows(name), ["+A"]);
    }
    // One write each, and the one that found out.
    assert_eq!(writes(&world, "r.jsonl"), 5);
    let world = World::with(&tenant, &entries);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl --write-with create")
        .exits(6)
        .says(&[
            "failed compliancePolicy P",
            "No method match route template",
            "1 applied, 3 failed",
        ]);
}

#[test]
fn what_is_unknown_of_kept_rows_survives() {
    // With some of its features serde_json takes these keys for its own, and reads texts in them as more JSON.
    let own_keys = json!({
        "raw": {"$serde_json::private::RawValue": "{\"smuggled\": 1}"},
        "number": {"$serde_json::private::Number": "12"},
    });
    let tenant = Tenant::common().policy("P", &["+A", "+B"]);
    let world = World::with(&tenant, &["name: P, include: [group: A, group: C]"]);
    world.edit("tenant.json", |state| {
        let row = &mut policy_mut(state, "P")["assignments"][0];
        row["settings"] = json!({"notifications": "hideAll", "deep": [1, null]});
        row["target"]["unknown"] = json!("kept");
        row["novel"] = own_keys.clone();
    });
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A", "+C"]);
    let state = world.json("tenant.json");
    let rows = policy(&state, "P")["assignments"]
        .as_array()
        .expect("a list");
    let kept = rows
        .iter()
        .find(|row| row["target"]["groupId"] == group_id(1))
        .expect("it is kept");
    assert_eq!(
        kept["settings"],
        json!({"notifications": "hideAll", "deep": [1, null]})
    );
    assert_eq!(kept["target"]["unknown"], "kept");
    assert_eq!(kept["novel"].to_string(), own_keys.to_string());
}

#[test]
fn other_policies_are_left_alone() {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Unmanaged", &["allUsers", "-B", "+C <set>"])
        .policy("Same", &["+B [include F]"])
        .compliance("P", &["allDevices"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Same, include: [{group: B, filter: F}]",
        ],
    );
    // The first write brings the file into its full form.
    world.sandbox("apply m.yaml --yes").exits(0);
    let before = world.json("tenant.json");
    world.manifest(&[
        "name: P, include: [group: C]",
        "name: Same, include: [{group: B, filter: F}]",
    ]);
    world.sandbox("apply m.yaml --yes").exits(0);
    let after = world.json("tenant.json");
    assert_eq!(world.rows("P"), ["+C"]);
    for index in 1..3 {
        assert_eq!(
            before["configurationPolicies"][index].to_string(),
            after["configurationPolicies"][index].to_string()
        );
    }
    assert_eq!(
        before["compliancePolicies"].to_string(),
        after["compliancePolicies"].to_string()
    );
}

#[test]
fn additive_never_removes() {
    let tenant = Tenant::common().policy("P", &["+A", "-B", "allUsers [include F]"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, mode: additive, include: [group: C, {allUsers: true, filter: F, filterMode: exclude}]",
        ],
    );
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&["1 assignment to add, 0 to remove, 1 to update"]);
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A", "+C", "-B", "allUsers [exclude F]"]);
    world.sandbox("drift m.yaml").exits(0);
}

#[test]
fn rows_of_policy_sets_are_kept_unless_declared() {
    let tenant = Tenant::common().policy("P", &["+A <set>", "+B"]);
    let world = World::with(&tenant, &["name: P, include: [group: C]"]);
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    assert_eq!(plan["summary"]["remove"], 1);
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A <set>", "+C"]);
    // The same group by itself beside the set's row is another assignment.
    world.manifest(&["name: P, include: [group: A, group: C]"]);
    world.sandbox("apply m.yaml --yes").exits(0);
    assert_eq!(world.rows("P"), ["+A", "+A <set>", "+C"]);
    world.sandbox("drift m.yaml").exits(0);
}

#[test]
fn json_holds_the_plan_and_its_results() {
    let tenant = Tenant::common().policy("P", &[]).policy("Q", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: A]",
            "name: Q, include: [group: A]",
        ],
    );
    let told = world
        .sandbox("apply m.yaml --yes --format json --json-into copy.json")
        .exits(0)
        .json();
    assert_eq!(told["formatVersion"], "1.0");
    assert_eq!(told["summary"]["changed"], 1);
    assert_eq!(told["results"]["exitCode"], 0);
    assert_eq!(told["results"]["summary"]["applied"], 1);
    assert_eq!(told["results"]["policies"][0]["outcome"], "applied");
    assert_eq!(told, world.json("copy.json"));
}

/// A policy once waited for a second turn in the queue of writes before it was called done, so a
/// hundred of them took a whole window longer.
#[test]
fn a_written_policy_waits_for_no_further_turn() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let start = Instant::now();
    world
        .sandbox("apply m.yaml --yes --write-limit 1/60s")
        .exits(0);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn fail_fast_stops_at_the_first_failure() {
    for (flag, outcomes) in [
        ("", "2 applied, 1 failed"),
        ("--fail-fast", "0 applied, 1 failed, 2 skipped"),
    ] {
        let entry = |name: &str, group: &str| {
            format!("name: {name}, include: [groupId: {group}, group: A], exclude: [group: B]")
        };
        let tenant = Tenant::common()
            .group("Gone")
            .switch("refuseMissingGroups", json!(true))
            .policy("A1", &["+Gone"])
            .policy("B2", &[])
            .policy("C3", &[]);
        let world = World::with(
            &tenant,
            &[
                &entry("A1", &group_id(4)),
                &entry("B2", &group_id(3)),
                &entry("C3", &group_id(3)),
            ],
        );
        world.sandbox("plan m.yaml --out plan.json").exits(0);
        world.edit("tenant.json", |state| {
            state["groups"].as_array_mut().expect("a list").pop();
        });
        world
            .sandbox(&format!("apply plan.json --concurrency 1 {flag}"))
            .exits(6)
            .says(&[outcomes, "failed configurationPolicy A1: Invalid GroupId"]);
    }
}
