//! Guards: what a plan may not do without somebody saying so.

mod looser;

pub use looser::looser_limit;

use super::{Change, PlannedPolicy};
use crate::model::{Assignment, SharedText};

/// A guard's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardName {
    /// Many live assignments go away.
    Removals,
    /// Many policies change.
    Policies,
    /// A policy gains all users or all devices without a filter.
    BroadTarget,
    /// An exclusion goes away while an inclusion stays.
    ExclusionLost,
    /// A policy that had assignments ends with none.
    Unassigned,
    /// Signed in to another tenant than the configuration names.
    Tenant,
}

impl GuardName {
    /// Every guard, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Removals,
        Self::Policies,
        Self::BroadTarget,
        Self::ExclusionLost,
        Self::Unassigned,
        Self::Tenant,
    ];

    /// Returns the guard's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Removals => "removals",
            Self::Policies => "policies",
            Self::BroadTarget => "broad-target",
            Self::ExclusionLost => "exclusion-lost",
            Self::Unassigned => "unassigned",
            Self::Tenant => "tenant",
        }
    }

    /// Finds a guard by its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name)
    }

    /// Whether anybody can accept what the guard sees.
    pub fn can_be_accepted(self) -> bool {
        self != Self::Tenant
    }

    /// Says what the guard is about.
    pub fn about(self) -> &'static str {
        match self {
            Self::Removals => "live assignments of managed policies go away",
            Self::Policies => "policies change",
            Self::BroadTarget => "policies gain all users or all devices without a filter",
            Self::ExclusionLost => "policies lose an exclusion while an inclusion stays",
            Self::Unassigned => "policies that had assignments end with none",
            Self::Tenant => "the tenant signed in to is not the one that the configuration names",
        }
    }
}

/// How many removals are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalLimit {
    /// A share of the managed policies' live assignments, from [`FEWEST_REMOVALS`] up.
    Percent(u32),
    /// A number.
    Count(usize),
}

/// A share says nothing about a handful.
pub const FEWEST_REMOVALS: usize = 10;

impl RemovalLimit {
    /// Reads `25%` or `40`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: u32 = percent.trim().parse().ok()?;
                (percent <= 100).then_some(Self::Percent(percent))
            }
            None => text.trim().parse().ok().map(Self::Count),
        }
    }
}

impl std::fmt::Display for RemovalLimit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(formatter, "{percent}%"),
            Self::Count(count) => write!(formatter, "{count}"),
        }
    }
}

/// The guards' limits, and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardRules {
    /// How many removals are let through.
    pub max_removals: RemovalLimit,
    /// How many changed policies are let through.
    pub max_policies: usize,
    /// What somebody said is all right.
    pub accepted: Vec<GuardName>,
    /// The tenant that the configuration names.
    pub tenant_id: Option<String>,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            max_removals: RemovalLimit::Percent(25),
            max_policies: 50,
            accepted: Vec::new(),
            tenant_id: None,
        }
    }
}

/// Which limits are asked for when a saved plan is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenLimits {
    /// [`GuardRules::max_removals`].
    pub removals: bool,
    /// [`GuardRules::max_policies`].
    pub policies: bool,
}

/// What a guard saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The guard.
    pub name: GuardName,
    /// What it lets through.
    pub limit: String,
    /// What it saw.
    pub observed: String,
    /// Whether that is more than it lets through.
    pub tripped: bool,
    /// Whether somebody said that it is all right.
    pub accepted: bool,
    /// The policies that it saw it in; empty where none is to blame more than others.
    pub policies: Vec<SharedText>,
}

impl Guard {
    /// Returns the flag that accepts what the guard saw, if anything does.
    pub fn acceptance(&self) -> Option<String> {
        self.name
            .can_be_accepted()
            .then(|| format!("--allow {}", self.name.name()))
    }

    /// Whether the guard stops the plan.
    pub fn refuses(&self) -> bool {
        self.tripped && !self.accepted
    }
}

/// Looks at the managed policies with every guard.
pub fn evaluate(
    policies: &[PlannedPolicy],
    tenant_id: Option<&str>,
    rules: &GuardRules,
) -> Vec<Guard> {
    GuardName::ALL
        .into_iter()
        .filter_map(|name| {
            let (limit, observed, tripped, blamed) = match name {
                GuardName::Removals => removals(policies, None, rules.max_removals),
                GuardName::Policies => changed(policies, rules.max_policies),
                GuardName::BroadTarget => per_policy(policies, gains_broad_target),
                GuardName::ExclusionLost => per_policy(policies, loses_exclusion),
                GuardName::Unassigned => per_policy(policies, ends_unassigned),
                // Without a named tenant there is nothing to guard.
                GuardName::Tenant => tenant(tenant_id, rules.tenant_id.as_deref()?),
            };
            Some(Guard {
                name,
                limit,
                observed,
                tripped,
                accepted: tripped && name.can_be_accepted() && rules.accepted.contains(&name),
                policies: blamed,
            })
        })
        .collect()
}

type Seen = (String, String, bool, Vec<SharedText>);

/// Works out again what a guard saw, from the policies of a saved plan, whose rows its digest covers.
/// The limit is that of then, and so is what the file alone can tell: how many assignments there
/// were in all, and what was accepted.
pub(super) fn look_again(
    saved: Guard,
    policies: &[PlannedPolicy],
    tenant_id: Option<&str>,
) -> Guard {
    let seen = match saved.name {
        GuardName::Removals => RemovalLimit::parse(&saved.limit)
            .map(|limit| removals(policies, total_of(&saved), limit)),
        GuardName::Policies => {
            let most = saved.limit.parse().ok();
            most.map(|most| changed(policies, most))
        }
        GuardName::BroadTarget => Some(per_policy(policies, gains_broad_target)),
        GuardName::ExclusionLost => Some(per_policy(policies, loses_exclusion)),
        GuardName::Unassigned => Some(per_policy(policies, ends_unassigned)),
        GuardName::Tenant => Some(tenant(tenant_id, &saved.limit)),
    };
    let Some((limit, observed, tripped, policies)) = seen else {
        // A limit that a newer version knows.
        return saved;
    };
    Guard {
        name: saved.name,
        limit,
        observed,
        tripped,
        // Nobody accepts what is not there to be accepted.
        accepted: tripped && saved.tripped && saved.accepted,
        policies,
    }
}

/// How many assignments there were in all when a plan was made; the unchanged are not in its file.
fn total_of(saved: &Guard) -> Option<usize> {
    let (_, total) = saved.observed.split_once(" of ")?;
    total.parse().ok()
}

/// Judges the removals of a saved plan by the limit of today.
pub(super) fn judge_removals_of(
    guard: &mut Guard,
    saved: &Guard,
    policies: &[PlannedPolicy],
    rules: &GuardRules,
) {
    let (limit, observed, tripped, blamed) =
        removals(policies, total_of(saved), rules.max_removals);
    *guard = Guard {
        name: guard.name,
        limit,
        observed,
        tripped,
        accepted: tripped && rules.accepted.contains(&guard.name),
        policies: blamed,
    };
}

/// Rows of policy sets do not count on either side: they are not ours to remove. Without a total
/// the assignments of the policies are counted.
fn removals(policies: &[PlannedPolicy], total: Option<usize>, limit: RemovalLimit) -> Seen {
    let counts = |row: &&Assignment| row.key.source != crate::model::Source::PolicySets;
    let counted: usize = policies
        .iter()
        .map(|policy| policy.before.iter().filter(counts).count())
        .sum();
    let total = total.unwrap_or(counted).max(counted);
    let mut removed = 0;
    let mut blamed = Vec::new();
    for policy in policies {
        let here = policy
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Remove(row) => Some(row),
                Change::Add(_) | Change::Update { .. } => None,
            })
            .filter(counts)
            .count();
        if here > 0 {
            removed += here;
            blamed.push(policy.name.clone());
        }
    }
    let tripped = match limit {
        RemovalLimit::Count(most) => removed > most,
        RemovalLimit::Percent(percent) => {
            let percent = usize::try_from(percent).unwrap_or(usize::MAX);
            removed >= FEWEST_REMOVALS
                && removed.saturating_mul(100) > total.saturating_mul(percent)
        }
    };
    (
        limit.to_string(),
        format!("{removed} of {total}"),
        tripped,
        if tripped { blamed } else { Vec::new() },
    )
}

fn changed(policies: &[PlannedPolicy], most: usize) -> Seen {
    let changed: Vec<SharedText> = policies
        .iter()
        .filter(|policy| policy.is_changed())
        .map(|policy| policy.name.clone())
        .collect();
    let tripped = changed.len() > most;
    (
        most.to_string(),
        changed.len().to_string(),
        tripped,
        if tripped { changed } else { Vec::new() },
    )
}

fn per_policy(policies: &[PlannedPolicy], sees: fn(&PlannedPolicy) -> bool) -> Seen {
    let blamed: Vec<SharedText> = policies
        .iter()
        .filter(|policy| policy.is_changed() && sees(policy))
        .map(|policy| policy.name.clone())
        .collect();
    (
        "0".to_owned(),
        blamed.len().to_string(),
        !blamed.is_empty(),
        blamed,
    )
}

/// A policy gains everybody also where everybody's filter is dropped.
fn gains_broad_target(policy: &PlannedPolicy) -> bool {
    policy.changes.iter().any(|change| {
        change
            .after()
            .is_some_and(|row| row.key.target.is_broad() && row.filter.is_none())
    })
}

fn loses_exclusion(policy: &PlannedPolicy) -> bool {
    let loses = policy
        .changes
        .iter()
        .any(|change| matches!(change, Change::Remove(row) if row.key.target.is_exclusion()));
    loses
        && policy
            .after
            .iter()
            .any(|row| !row.key.target.is_exclusion())
}

/// Rows of a policy set do not keep a policy assigned: the set may go tomorrow.
fn ends_unassigned(policy: &PlannedPolicy) -> bool {
    policy.before.iter().any(|row| row.key.is_direct())
        && !policy.after.iter().any(|row| row.key.is_direct())
}

fn tenant(signed_in: Option<&str>, named: &str) -> Seen {
    let same = signed_in.is_some_and(|tenant| tenant.eq_ignore_ascii_case(named));
    (
        named.to_owned(),
        signed_in.unwrap_or("unknown").to_owned(),
        !same,
        Vec::new(),
    )
}

#[cfg(test)]
mod tests;
