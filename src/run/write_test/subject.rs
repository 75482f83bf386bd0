//! What a trial is carried out on: the policy, if no harm can come of it, and the group that is excluded.

use std::collections::BTreeSet;

use crate::exit::Exit;
use crate::graph::Reader;
use crate::kinds::TargetKind;
use crate::model::{Guid, LiveGroup, LivePolicy, PopulationNeeds, Source};
use crate::run::Failure;

/// Refuses a policy on which a trial could do harm.
pub(super) fn check(policy: &LivePolicy, several: bool) -> Result<(), Failure> {
    let name = format!("{} `{}`", policy.kind, policy.name);
    let refused = |why: String, hint: &str| Err(Failure::usage(why).hint(hint));
    if policy.is_tenant_default {
        return refused(
            format!("{name} is a default of the tenant, which takes no assignments"),
            "name another policy",
        );
    }
    let mut assignments = policy.assignments.iter();
    if assignments.any(|assignment| assignment.key.source != Source::Direct) {
        return refused(
            format!("{name} is assigned by a policy set as well, which only that set can restore"),
            "name another policy; one without any assignment is best",
        );
    }
    if policy.assignments.len() > 1 && !several {
        return refused(
            format!("{name} has {} assignments", policy.assignments.len()),
            "name a policy with one assignment or none, or allow it with `--several`",
        );
    }
    let (refuses, doubts) = (policy.kind.spec().targets.refused, policy.rules().doubtful);
    if refuses
        .iter()
        .chain(doubts)
        .any(|kind| *kind == TargetKind::ExclusionGroup)
    {
        return refused(
            format!(
                "policies of the kind {} may take no exclusions, and nothing else is tried",
                policy.kind
            ),
            "name a policy of another kind",
        );
    }
    Ok(())
}

/// Finds the group that is excluded for a moment.
pub(super) async fn group(
    reader: &Reader,
    policy: &LivePolicy,
    named: Option<&str>,
) -> Result<LiveGroup, Failure> {
    let is_taken = |group: &LiveGroup| {
        let mut assignments = policy.assignments.iter();
        assignments.any(|assignment| assignment.key.target.group_id() == Some(&group.id))
    };
    if let Some(named) = named {
        let one = BTreeSet::from([named.to_owned()]);
        let none = BTreeSet::new();
        let found = match Guid::parse(named) {
            Some(_) => reader.groups(&none, &one).await?,
            None => reader.groups(&one, &none).await?,
        };
        return match found.as_slice() {
            [group] if is_taken(group) => Err(Failure::usage(format!(
                "the policy is assigned to the group `{named}`"
            ))
            .hint("name another group with `--group`")),
            [group] if !without_members(reader, &found).await?.is_empty() => Ok(group.clone()),
            [_] => Err(Failure::usage(format!(
                "the group `{named}` is not known to be without members, and would be excluded for a moment"
            ))
            .hint("name a group without members, or leave `--group` out")),
            [] => Err(Failure::new(
                Exit::InvalidManifests,
                format!("the tenant has no group `{named}`"),
            )),
            _ => Err(Failure::new(
                Exit::InvalidManifests,
                format!("{} groups are called `{named}`", found.len()),
            )
            .hint("give the id of one of them")),
        };
    }
    let some = reader.some_groups().await?;
    let empty = without_members(reader, &some).await?;
    let mut free = empty.into_iter().filter(|group| !is_taken(group));
    free.next().cloned().ok_or_else(|| {
        Failure::usage("no group without members was found among the first")
            .hint("create one, and name it with `--group`")
    })
}

/// Returns the groups that are known to have no members.
async fn without_members<'g>(
    reader: &Reader,
    groups: &'g [LiveGroup],
) -> Result<Vec<&'g LiveGroup>, Failure> {
    let needs = PopulationNeeds {
        groups: groups.iter().map(|group| group.id.clone()).collect(),
        all_devices: false,
        all_users: false,
        sets: BTreeSet::new(),
        filters: BTreeSet::new(),
        limit: 0,
    };
    let counted = reader.population(&needs).await?;
    let is_empty = |group: &&LiveGroup| {
        let count = counted.counts.get(&group.id);
        count.is_some_and(|count| {
            count.reason.is_none() && count.devices == Some(0) && count.users == Some(0)
        })
    };
    Ok(groups.iter().filter(is_empty).collect())
}
