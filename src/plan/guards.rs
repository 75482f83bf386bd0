//! Guards: what a plan may do only with `--allow`.

mod looser;

pub use looser::warn_of_looser_limit;

use super::members::Members;
use super::{Change, Names, PlannedPolicy, PolicyRef};
use crate::model::{Assignment, Source, Target};

/// A guard's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardName {
    /// Many live assignments go away.
    Removals,
    /// Many policies change.
    Policies,
    /// A policy gains all users or all devices without a filter.
    BroadTarget,
    /// An exclusion goes away while an include stays.
    ExclusionLost,
    /// A policy that had assignments ends with none of its own that is known to include anyone.
    Unassigned,
    /// A policy loses many devices and users.
    Reach,
    /// Many tenants change.
    Tenants,
    /// Signed in to another tenant than the configuration names.
    Tenant,
}

impl GuardName {
    /// Every guard, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Removals,
        Self::Policies,
        Self::BroadTarget,
        Self::ExclusionLost,
        Self::Unassigned,
        Self::Reach,
        Self::Tenants,
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
            Self::Reach => "reach",
            Self::Tenants => "tenants",
            Self::Tenant => "tenant",
        }
    }

    /// Finds a guard by its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name)
    }

    /// Whether `--allow` takes the guard.
    pub fn can_be_accepted(self) -> bool {
        self != Self::Tenant
    }

    /// Says what the guard is about.
    pub fn about(self) -> &'static str {
        match self {
            Self::Removals => "live assignments to remove",
            Self::Policies => "policies to change",
            Self::BroadTarget => "policies gain all users or all devices without a filter",
            Self::ExclusionLost => "policies lose an exclusion while an include stays",
            Self::Unassigned => {
                "policies that had assignments would keep no direct one that is known to include anyone"
            }
            Self::Reach => "policies lose more devices and users than allowed",
            Self::Tenants => "more tenants change than allowed",
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

/// A percentage applies from this many removals on.
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
    /// How many devices and users one policy may lose; `None` if that is not judged.
    pub max_members_lost: Option<u64>,
    /// How many tenants may change in one run; `None` if that is not judged.
    pub max_tenants: Option<usize>,
    /// Guards accepted with `--allow`.
    pub accepted: Vec<GuardName>,
    /// The tenant that the configuration names.
    pub tenant_id: Option<String>,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            max_removals: RemovalLimit::Percent(25),
            max_policies: 50,
            max_members_lost: None,
            max_tenants: None,
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
    /// [`GuardRules::max_tenants`].
    pub tenants: bool,
}

/// What a guard looks at, besides its limit.
#[derive(Clone, Copy, Debug)]
pub struct GuardInput<'a> {
    /// The managed policies.
    pub policies: &'a [PlannedPolicy],
    /// Which groups exist.
    pub names: &'a Names,
    /// The tenant that the sign-in is for.
    pub tenant_id: Option<&'a str>,
    /// How many live assignments the managed policies have, where `policies` are not all of them.
    pub total: Option<usize>,
    /// What was counted, if anything was.
    pub members: Option<&'a Members>,
    /// How many tenants change in the run; `None` if it is for one tenant, or that is not known yet.
    pub changed_tenants: Option<usize>,
}

impl<'a> GuardInput<'a> {
    /// Returns the changed policies. A change that restores what a report recorded needs no second
    /// approval: that state was there before.
    fn changed(&self) -> impl Iterator<Item = &'a PlannedPolicy> {
        let policies = self.policies.iter();
        policies.filter(|policy| policy.is_changed() && !policy.restores)
    }
}

/// A guard, and what it observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The guard.
    pub name: GuardName,
    /// What it observed, and its limit.
    pub observation: Observation,
    /// Whether that is beyond its limit.
    pub tripped: bool,
    /// Whether it tripped and was accepted with `--allow`.
    pub accepted: bool,
    /// The policies at fault if it tripped; empty if the guard concerns the plan as a whole.
    pub policies: Vec<PolicyRef>,
}

/// What a guard observed, and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// Live assignments that go away.
    Removals {
        /// How many go away.
        removed: usize,
        /// How many there are.
        total: usize,
        /// How many may go away.
        limit: RemovalLimit,
    },
    /// Policies that change.
    Policies {
        /// How many change.
        changed: usize,
        /// How many may change.
        limit: usize,
    },
    /// The devices and users that a policy loses.
    Reach {
        /// The most that one loses; `None` if it cannot be judged.
        lost: Option<u64>,
        /// How many one may lose.
        limit: u64,
    },
    /// Policies to which something happens that should happen to none.
    Named(usize),
    /// Tenants that change.
    Tenants {
        /// How many change.
        changed: usize,
        /// How many may change.
        limit: usize,
    },
    /// The tenant.
    Tenant {
        /// The one that the configuration names.
        named: String,
        /// The one that the sign-in is for; `None` if the token does not name it.
        signed_in: Option<String>,
    },
}

impl Observation {
    /// Returns the limit, as plans show it.
    pub fn limit(&self) -> String {
        match self {
            Self::Removals { limit, .. } => limit.to_string(),
            Self::Policies { limit, .. } | Self::Tenants { limit, .. } => limit.to_string(),
            Self::Reach { limit, .. } => limit.to_string(),
            Self::Named(_) => "0".to_owned(),
            Self::Tenant { named, .. } => named.clone(),
        }
    }

    /// Returns what was observed, as plans show it.
    pub fn observed(&self) -> String {
        match self {
            Self::Removals { removed, total, .. } => format!("{removed} of {total}"),
            Self::Policies { changed, .. } | Self::Tenants { changed, .. } => changed.to_string(),
            Self::Reach { lost, .. } => match lost {
                Some(lost) => lost.to_string(),
                None => "cannot be judged".to_owned(),
            },
            Self::Named(number) => number.to_string(),
            Self::Tenant { signed_in, .. } => signed_in.as_deref().unwrap_or("unknown").to_owned(),
        }
    }

    fn is_beyond(&self) -> bool {
        match self {
            Self::Removals {
                removed,
                limit: RemovalLimit::Count(most),
                ..
            } => removed > most,
            Self::Removals {
                removed,
                total,
                limit: RemovalLimit::Percent(percent),
            } => {
                let percent = usize::try_from(*percent).unwrap_or(usize::MAX);
                *removed >= FEWEST_REMOVALS
                    && removed.saturating_mul(100) > total.saturating_mul(percent)
            }
            Self::Policies { changed, limit } | Self::Tenants { changed, limit } => changed > limit,
            // What is not known may be too many.
            Self::Reach { lost, limit } => lost.is_none_or(|lost| lost > *limit),
            Self::Named(number) => *number > 0,
            Self::Tenant { named, signed_in } => !signed_in
                .as_ref()
                .is_some_and(|tenant| tenant.eq_ignore_ascii_case(named)),
        }
    }
}

/// Reads the number of all assignments from what [`Observation::observed`] says of removals.
pub(super) fn total_of(observed: &str) -> Option<usize> {
    let (removed, total) = observed.split_once(" of ")?;
    removed.parse::<usize>().ok()?;
    total.parse().ok()
}

impl Guard {
    /// Judges what was observed. `at_fault` counts only if that is beyond the limit.
    fn judged(
        name: GuardName,
        observation: Observation,
        is_accepted: bool,
        at_fault: Vec<PolicyRef>,
    ) -> Self {
        let tripped = observation.is_beyond();
        Self {
            name,
            observation,
            tripped,
            accepted: tripped && is_accepted,
            policies: if tripped { at_fault } else { Vec::new() },
        }
    }

    /// Returns the flag that accepts what the guard observed, if there is one.
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

/// Judges the managed policies with every guard.
pub fn evaluate(judged: &GuardInput<'_>, rules: &GuardRules) -> Vec<Guard> {
    let guards = GuardName::ALL.into_iter();
    guards
        .filter_map(|name| evaluate_one(name, judged, rules))
        .collect()
}

/// Judges how many tenants change in a run.
pub fn tenants(changed: usize, limit: usize, accepted: bool) -> Guard {
    let observation = Observation::Tenants { changed, limit };
    Guard::judged(GuardName::Tenants, observation, accepted, Vec::new())
}

/// Judges the tenant that the sign-in is for; `None` if the configuration names none.
pub fn tenant(named: Option<&str>, signed_in: Option<&str>) -> Option<Guard> {
    let observation = Observation::Tenant {
        named: named?.to_owned(),
        signed_in: signed_in.map(str::to_owned),
    };
    Some(Guard::judged(
        GuardName::Tenant,
        observation,
        false,
        Vec::new(),
    ))
}

/// Judges with one guard. Without a named tenant there is nothing to guard.
pub(super) fn evaluate_one(
    name: GuardName,
    judged: &GuardInput<'_>,
    rules: &GuardRules,
) -> Option<Guard> {
    let (observation, at_fault) = match name {
        GuardName::Removals => removals(judged, rules.max_removals),
        GuardName::Policies => changed(judged, rules.max_policies),
        GuardName::BroadTarget => named(judged, gains_broad_target),
        GuardName::ExclusionLost => named(judged, loses_exclusion),
        GuardName::Unassigned => named(judged, ends_unassigned),
        GuardName::Reach => reach(judged, rules.max_members_lost?),
        GuardName::Tenants => (
            Observation::Tenants {
                changed: judged.changed_tenants?,
                limit: rules.max_tenants?,
            },
            Vec::new(),
        ),
        GuardName::Tenant => return tenant(rules.tenant_id.as_deref(), judged.tenant_id),
    };
    let is_accepted = name.can_be_accepted() && rules.accepted.contains(&name);
    Some(Guard::judged(name, observation, is_accepted, at_fault))
}

/// Assignments from policy sets do not count on either side: they are never removed.
fn removals(judged: &GuardInput<'_>, limit: RemovalLimit) -> (Observation, Vec<PolicyRef>) {
    let counts = |assignment: &&Assignment| assignment.key.source != Source::PolicySets;
    let all = judged.policies.iter();
    let all = all.flat_map(|policy| policy.before.iter());
    let counted = all.filter(counts).count();
    let mut removed = 0;
    let mut at_fault = Vec::new();
    for policy in judged.changed() {
        let changes = policy.changes.iter();
        let gone = changes.filter_map(|change| match change {
            Change::Remove(assignment) => Some(assignment),
            Change::Add(_) | Change::Update { .. } => None,
        });
        let here = gone.filter(counts).count();
        if here > 0 {
            removed += here;
            at_fault.push(policy.reference());
        }
    }
    let total = judged.total.unwrap_or(counted).max(counted);
    let observation = Observation::Removals {
        removed,
        total,
        limit,
    };
    (observation, at_fault)
}

fn changed(judged: &GuardInput<'_>, limit: usize) -> (Observation, Vec<PolicyRef>) {
    let at_fault: Vec<PolicyRef> = judged.changed().map(PlannedPolicy::reference).collect();
    let observation = Observation::Policies {
        changed: at_fault.len(),
        limit,
    };
    (observation, at_fault)
}

/// Devices and users count together. A policy of which that is not known is at fault as well.
fn reach(judged: &GuardInput<'_>, limit: u64) -> (Observation, Vec<PolicyRef>) {
    let mut most = Some(0);
    let mut at_fault = Vec::new();
    for policy in judged.changed() {
        let counted = judged.members.and_then(|members| members.of(policy));
        let reach = counted.and_then(|members| members.reach);
        let lost = reach.and_then(|reach| reach.lost.sum());
        most = most.zip(lost).map(|(most, lost)| most.max(lost));
        if lost.is_none_or(|lost| lost > limit) {
            at_fault.push(policy.reference());
        }
    }
    (Observation::Reach { lost: most, limit }, at_fault)
}

fn named(
    judged: &GuardInput<'_>,
    trips: fn(&PlannedPolicy, &Names) -> bool,
) -> (Observation, Vec<PolicyRef>) {
    let at_fault: Vec<PolicyRef> = judged
        .changed()
        .filter(|policy| trips(policy, judged.names))
        .map(PlannedPolicy::reference)
        .collect();
    (Observation::Named(at_fault.len()), at_fault)
}

/// Dropping the filter of all users or devices gains a broad target as well.
fn gains_broad_target(policy: &PlannedPolicy, _: &Names) -> bool {
    let is_broad =
        |assignment: &Assignment| assignment.key.target.is_broad() && assignment.filter.is_none();
    policy.changes.iter().any(|change| {
        change.after().is_some_and(is_broad) && !change.before().is_some_and(is_broad)
    })
}

fn loses_exclusion(policy: &PlannedPolicy, _: &Names) -> bool {
    let loses = policy
        .changes
        .iter()
        .any(|change| matches!(change, Change::Remove(assignment) if assignment.key.target.is_exclusion()));
    loses
        && policy
            .after
            .iter()
            .any(|assignment| !assignment.key.target.is_exclusion())
}

/// Assignments from a policy set do not keep a policy assigned: the set may go tomorrow.
fn ends_unassigned(policy: &PlannedPolicy, names: &Names) -> bool {
    let had_include = policy.before.iter().any(is_include);
    let is_direct = |assignment: &Assignment| assignment.key.is_direct();
    let had_any = policy.before.iter().any(is_direct);
    let has_any = policy.after.iter().any(is_direct);
    // A group that does not exist has no members.
    let includes_somebody = |assignment: &Assignment| {
        let group = assignment.key.target.group_id();
        is_include(assignment) && !group.is_some_and(|id| names.is_missing_group(id))
    };
    (had_include || (had_any && !has_any)) && !policy.after.iter().any(includes_somebody)
}

/// What an unknown target means cannot be judged, so it does not count.
fn is_include(assignment: &Assignment) -> bool {
    let includes = match assignment.key.target {
        Target::AllDevices | Target::AllUsers | Target::Collection(_) | Target::Group(_) => true,
        Target::ExclusionGroup(_) | Target::Other { .. } => false,
    };
    includes && assignment.key.is_direct()
}

#[cfg(test)]
mod tests;
