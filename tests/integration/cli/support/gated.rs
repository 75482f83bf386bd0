//! Tenants in which changes have to be approved, and whoever approves them.

use serde_json::{Value, json};

use super::World;
use super::stand_in::readable_token;
use super::tenant::{TENANT_ID, Tenant};

/// Why changes are asked for.
pub(in crate::cli) const WHY: &str = "ring_0,_asked_by_Ada";

/// Makes a common tenant in which changes of configuration policies have to be approved.
pub(in crate::cli) fn gated() -> Tenant {
    Tenant::common().switch("approval", json!({"policyTypes": ["configurationPolicy"]}))
}

/// Sets a switch of the approvals.
pub(in crate::cli) fn set(world: &World, switch: &str, value: Value) {
    world.edit("tenant.json", |state| {
        state["service"]["approval"][switch] = value;
    });
}

/// Lets nothing have to be approved from now on.
pub(in crate::cli) fn ungate(world: &World) {
    world.edit("tenant.json", |state| {
        state["service"]["approval"] = json!({});
    });
}

/// Files what a world's manifest wants.
#[track_caller]
pub(in crate::cli) fn file(world: &World, options: &str) {
    let line = format!("apply m.yaml --yes --justification {WHY} {options}");
    world.sandbox(&line).exits(8);
}

/// Returns the requests in the state file.
pub(in crate::cli) fn requests(world: &World) -> Vec<Value> {
    let state = world.json("tenant.json");
    let requests = state["operationApprovalRequests"].as_array().cloned();
    requests.unwrap_or_default()
}

/// Decides on all requests, in the state file.
pub(in crate::cli) fn decide(world: &World, status: &str, words: Option<&str>) {
    for number in 0..requests(world).len() {
        decide_on(world, number, status, words);
    }
}

/// Decides on one request, in the state file.
pub(in crate::cli) fn decide_on(world: &World, number: usize, status: &str, words: Option<&str>) {
    world.edit("tenant.json", |state| {
        let request = &mut state["operationApprovalRequests"][number];
        request["status"] = json!(status);
        if let Some(words) = words {
            request["approvalJustification"] = json!(words);
        }
    });
}

/// A policy without assignments that is to have one.
pub(in crate::cli) fn one() -> World {
    World::with(&gated().policy("P", &[]), &["name: P, include: [group: A]"])
}

/// Three policies that are to have one assignment; one of them has it, and another.
pub(in crate::cli) fn three() -> World {
    let tenant = gated()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &["+A", "+B"]);
    World::with(&tenant, &["match: '?', include: [group: A]"])
}

/// Lets time pass for the requests.
pub(in crate::cli) fn let_pass(world: &World, seconds: u64) {
    set(world, "clockAhead", json!(seconds));
}

/// Returns what a report says became of policies.
pub(in crate::cli) fn lines(world: &World, report: &str) -> Vec<Value> {
    let mut lines = world.report(report);
    lines.retain(|line| line["event"] == "policy");
    lines
}

/// Returns a report's last line.
pub(in crate::cli) fn end(world: &World, report: &str) -> Value {
    world.report(report).last().cloned().expect("an end")
}

/// Signs in as an application.
pub(in crate::cli) fn as_app(world: &mut World, app: &str) {
    let claims = json!({"tid": TENANT_ID, "appid": app});
    world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(&claims));
}
