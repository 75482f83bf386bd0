//! Issue 15, unmanaged policies in `drift`: which of them are named, and why.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_mut};

#[test]
fn unmanaged_policies_that_are_new_since_a_report_are_named() {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Known", &["+B"])
        .policy("Widened", &["+A"])
        .compliance("Q", &["+A"])
        .compliance("Never read", &["+C"])
        .compliance("Broad and never read", &["allDevices"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.sandbox("apply plan.json --report r.jsonl").exits(0);
    world.edit("tenant.json", |state| {
        let mut policy = policy_mut(state, "Known").clone();
        policy["name"] = json!("Made by hand");
        policy["id"] = json!("aaaaaaaa-0000-4000-8000-000000000099");
        policy["assignments"] = json!([{"target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget",
            "groupId": group_id(3),
        }}]);
        let policies = state["configurationPolicies"].as_array_mut();
        policies.expect("policies").push(policy);
    });
    let line = "drift m.yaml --since r.jsonl";
    let new =
        "1 unmanaged policy is new since the report\n  configurationPolicy Made by hand: group C\n";
    world
        .sandbox(line)
        .exits(0)
        .says(&[new])
        .says_nothing_of("all devices\n")
        .says_nothing_of("Known");
    let notable = |line: &str| {
        let told = world.sandbox(&format!("{line} --format json")).exits(0);
        told.json()["notable"].clone()
    };
    let named = notable(line);
    assert_eq!(named["reason"], "new");
    assert_eq!(named["policies"][0]["name"], "Made by hand");
    // One that was known is named once it is assigned to everyone. Of a kind that the run did not read, it is
    // not known which ones are new.
    world.edit("tenant.json", |state| {
        policy_mut(state, "Widened")["assignments"] = json!([{"target": {
            "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
    });
    let compliance = "kind: compliancePolicy, name: Q, include: [group: A]";
    world.write(
        "q.yaml",
        &format!("version: 1\npolicies: [{{{compliance}}}]\n"),
    );
    let line = "drift m.yaml q.yaml --since r.jsonl";
    let broad = "2 unmanaged policies are assigned to all users or all devices\n  configurationPolicy Widened: allDevices\n  compliancePolicy Broad and never read: allDevices\n";
    world
        .sandbox(line)
        .exits(0)
        .says(&[&format!("{new}\n{broad}")])
        .says_nothing_of("Known")
        .says_nothing_of("  compliancePolicy Never read");
    let named = notable(line);
    assert_eq!(named["reason"], "newOrBroad");
    let reasons: Vec<&Value> = named["policies"]
        .as_array()
        .expect("policies")
        .iter()
        .map(|policy| &policy["reason"])
        .collect();
    assert_eq!(reasons, ["new", "broad", "broad"]);
    world
        .sandbox(&format!("{line} --format markdown --json-into d.json"))
        .exits(0)
        .says(&[
            "**1 unmanaged policy is new since the report:**",
            "**2 unmanaged policies are assigned",
        ]);
    world.run("show d.json").exits(0).says(&[new, broad]);
    world
        .sandbox("plan m.yaml --since r.jsonl")
        .exits(0)
        .says(&[new])
        .says_nothing_of("Widened");
}
