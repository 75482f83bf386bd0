//! Reading: what is complete is taken, what is not ends the run, and nothing unknown is empty.

mod batches;
mod broken;
mod pages;
mod refused;
mod waiting;

use assignctl::graph::GraphError;
use assignctl::plan::Plan;
use assignctl_sandbox::Tenant;

use super::support::tenants::{self, COMPLIANCE};
use super::support::world::{Trouble, World};

/// Names one policy of each kind, a filter and a group, so that every list is read.
const EVERYTHING: &str = r"version: 1
policies:
  - kind: configurationPolicy
    match: '*'
    include:
      - group: B
        filter: F
  - kind: compliancePolicy
    match: '*'
    include:
      - group: A
";

/// The lists that a plan of [`EVERYTHING`] reads.
const LISTS: [&str; 4] = [
    "/deviceManagement/configurationPolicies?",
    "/deviceManagement/compliancePolicies?",
    "/deviceManagement/assignmentFilters?",
    "/groups?",
];

fn tenant() -> Tenant {
    let mut tenant = tenants::tenant(3);
    tenant.add_filter("F", "windows10AndLater", "(device.x -eq \"y\")");
    tenant.add_policy(COMPLIANCE, "C", "linux");
    tenant
}

/// What reading failed with. That the tenant would be empty is never among it.
async fn unread(world: &World, text: &str) -> GraphError {
    match world.try_plan(text).await {
        Err(Trouble::Unread(error)) => error,
        other => panic!("read after all: {other:?}"),
    }
}

/// The plan as it is on a good day.
async fn healthy_plan() -> Plan {
    World::new(tenant()).plan(EVERYTHING).await
}
