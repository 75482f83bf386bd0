//! `--members`, `--who` and the guard `reach` for several tenants.

use serde_json::json;

use super::members::populate_file;
use super::tenants::msp;

const PLAN: &str = "plan m.yaml --all-tenants --sandbox tenants";

#[test]
fn each_tenant_has_its_own_numbers_guard_and_saved_plan() {
    let world = msp();
    // SG-Pilot, Pilot Devices, SG-Ring, SG-CEO.
    populate_file(&world, "tenants/contoso.json", &["d1", "d1-3", "d4-9", ""]);
    populate_file(
        &world,
        "tenants/fabrikam.json",
        &["d1-2 u1", "", "d2-5", "d5"],
    );
    let lines = [
        "group Pilot Devices (3 devices)",
        "group SG-Pilot (2 devices, 1 user)",
        "allUsers (9 users)",
        "3 devices get it",
    ];
    for format in ["text", "markdown"] {
        world
            .run(&format!("{PLAN} --members exact --format {format}"))
            .exits(0)
            .says(&lines);
    }
    world
        .run(&format!("{PLAN} --members exact --out plans"))
        .exits(0);
    world
        .run("show plans/contoso.plan.json")
        .exits(0)
        .says(&["group Pilot Devices (3 devices)"]);
    let told = world
        .run(&format!("{PLAN} --members exact --format json"))
        .exits(0)
        .json();
    let reach = &told["tenants"][0]["plan"]["policies"][0]["reach"];
    assert!(reach["gained"]["devices"].is_u64(), "{told}");
    // A limit that one tenant exceeds refuses nothing in the other.
    let guarded = format!("{PLAN} --max-members-lost 8");
    world.edit("tenants/fabrikam.json", |state| {
        state["users"].as_array_mut().expect("a list").truncate(3);
    });
    world
        .run(&guarded)
        .exits(4)
        .says(&["guard `reach` tripped"]);
    let told = world
        .run(&format!("{guarded} --format json"))
        .exits(4)
        .json();
    let exits = ["contoso", "fabrikam"].map(|name| {
        let mut tenants = told["tenants"].as_array().expect("a list").iter();
        let tenant = tenants.find(|tenant| tenant["name"] == name);
        tenant.expect("a tenant")["exitCode"].clone()
    });
    assert_eq!(exits, [json!(4), json!(0)]);
    // What the file says of members is not believed when it is carried out.
    world
        .run(&format!("{guarded} --allow reach --out accepted"))
        .exits(0);
    world.edit("plans/contoso.plan.json", |plan| {
        for policy in plan["policies"].as_array_mut().expect("a list") {
            policy["reach"]["lost"] = json!({"devices": 0, "users": 0});
        }
    });
    world
        .run("apply plans --sandbox tenants --max-members-lost 8 --report reports")
        .exits(4);
    world
        .run("apply accepted --sandbox tenants --report reports")
        .exits(0);
}

#[test]
fn each_tenant_says_who_changed_what_differs() {
    let world = msp();
    let event = |actor: &str, state: &serde_json::Value| {
        let policies = state["configurationPolicies"].as_array().expect("a list");
        let policy = policies.iter().find(|policy| policy["name"] == "Win - A");
        json!([{
            "activityDateTime": jiff::Timestamp::now().to_string(),
            "activityType": "assign x",
            "activityResult": "Success",
            "actor": {"userPrincipalName": actor},
            "resources": [{"resourceId": policy.expect("a policy")["id"]}],
        }])
    };
    world.edit("tenants/contoso.json", |state| {
        state["auditEvents"] = event("ada@contoso.example", state);
    });
    world.edit("tenants/fabrikam.json", |state| {
        state["service"]["audit"] = json!({"throttled": false});
        state["auditEvents"] = event("eve@fabrikam.example", state);
    });
    let drift = "drift m.yaml --all-tenants --sandbox tenants --who";
    world.run(drift).exits(2).says(&[
        "by ada@contoso.example, ",
        "by eve@fabrikam.example, ",
        " (assign x)",
    ]);
    let told = world.run(&format!("{drift} --format json")).exits(2).json();
    let text = told["tenants"].to_string();
    assert!(text.contains("\"status\":\"found\""), "{text}");
    world
        .run(&format!("{drift} --format markdown"))
        .exits(2)
        .says(&["by ada&#64;contoso.example"]);
    // Own writes are known by the reports in each tenant's own folder.
    world
        .run("apply m.yaml --all-tenants --sandbox tenants --yes")
        .exits(0);
    world.edit("tenants/fabrikam.json", |state| {
        let policy = super::support::tenant::policy_mut(state, "Win - A");
        policy["assignments"] = json!([]);
        state["auditEvents"]
            .as_array_mut()
            .expect("a list")
            .remove(0);
    });
    world.run(drift).exits(2).says(&["by a run of assignctl, "]);
}
