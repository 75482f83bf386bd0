//! Another administrator, who changes assignments while a run is on.

use assignctl_sandbox::{Tenant, target};
use serde_json::Value;

use super::history::state;
use crate::library::property::build::Whom;
use crate::library::property::forms::Form;
use crate::library::property::policies;

/// Changes one policy: `id`, or any. Returns its id where something changed.
pub(super) fn act(
    dice: &mut fastrand::Rng,
    tenant: &mut Tenant,
    id: Option<&str>,
) -> Option<String> {
    let all: Vec<_> = policies(tenant)
        .map(|(collection, policy)| (collection, policy.id.clone()))
        .collect();
    let (collection, id) = match id {
        Some(id) => all.into_iter().find(|(_, known)| known == id)?,
        None => dice.choice(all)?,
    };
    let groups: Vec<String> = tenant.groups.iter().map(|group| group.id.clone()).collect();
    let group = dice.choice(groups)?;
    let policy = tenant.policy_mut(collection, &id)?;
    let before = state(policy);
    let has = |group: &str| {
        before.keys().any(|(whom, from_set)| {
            !from_set && matches!(whom, Whom::Group(id) | Whom::Exclusion(id) if id == group)
        })
    };
    match dice.u32(0..4) {
        // All of the policy's own rows go, as with a careless click.
        0 => policy.assignments.retain(|row| row.source != "direct"),
        1 => {
            let direct: Vec<usize> = (0..policy.assignments.len())
                .filter(|index| policy.assignments[*index].source == "direct")
                .collect();
            policy.assignments.remove(dice.choice(direct)?);
        }
        _ if has(&group) => {
            let wanted = Value::String(group);
            policy
                .assignments
                .retain(|row| row.source != "direct" || row.target.get("groupId") != Some(&wanted));
        }
        _ => {
            let fresh = Form::of(collection).fresh();
            policy.assign_with(target::group(&group), Value::Object(fresh));
        }
    }
    (state(policy) != before).then_some(id)
}
