//! Applying under faults: never twice, never lost, never over someone else's work.

mod all_devices;
mod approval;
mod learning;
mod one_by_one;
mod others;
mod outcomes;
mod pace;
mod policy_sets;
mod report;
mod requests;
mod stopping;
mod throttling;
mod two_runs;
mod unknown_properties;
mod withdrawals;

use assignctl::plan::{Earlier, Plan, PlanContents};
use assignctl_sandbox::{Tenant, target};

use super::support::tenants::{self, CATALOG, wants};
use super::support::wire::Sent;
use super::support::world::World;

/// A world and a plan that moves every policy of the catalog from group `A` to group `B`, with one
/// `assign` each.
async fn moving(tenant: Tenant) -> (World, Plan) {
    let world = World::new(tenant);
    let plan = world.plan(&wants("*", &["B"])).await;
    (world, plan)
}

/// A world and a plan that adds group `B` to every policy of the catalog, with one create each.
async fn adding(tenant: Tenant) -> (World, Plan) {
    let world = World::new(tenant);
    let plan = world.plan(&wants("*", &["A", "B"])).await;
    (world, plan)
}

/// A plan whose policies an earlier run has left so.
fn left_by(plan: &Plan, earlier: &Earlier) -> Plan {
    let mut contents = PlanContents::clone(plan);
    for policy in &mut contents.policies {
        policy.earlier = Some(earlier.clone());
    }
    Plan::from(contents)
}

/// The ids of the catalog's policies, in their order.
fn ids(world: &World) -> Vec<String> {
    let tenant = world.tenant();
    let policies = tenant.policies(CATALOG).iter();
    policies.map(|policy| policy.id.clone()).collect()
}

/// Does what another admin does: replaces a policy's assignments by one group.
fn other_admin(tenant: &mut Tenant, id: &str, group: &str) {
    let group = tenants::group_id(tenant, group);
    let policy = tenant.policy_mut(CATALOG, id).expect("a policy");
    policy.assignments.clear();
    policy.assign(target::group(&group));
}

/// Whether a request is about a policy.
fn is_about(sent: &Sent, id: &str) -> bool {
    sent.path.contains(id)
}
