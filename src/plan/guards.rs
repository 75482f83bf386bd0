//! Guards: what a plan may not do without somebody saying so.

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
                GuardName::Policies => {
                    let changed: Vec<SharedText> = policies
                        .iter()
                        .filter(|policy| policy.is_changed())
                        .map(|policy| policy.name.clone())
                        .collect();
                    let tripped = changed.len() > rules.max_policies;
                    (
                        rules.max_policies.to_string(),
                        changed.len().to_string(),
                        tripped,
                        if tripped { changed } else { Vec::new() },
                    )
                }
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

/// Judges the removals of a saved plan by the limit of today. How many assignments there were in
/// all is known from what the guard saw when the plan was made.
pub(super) fn judge_removals_of(
    guard: &mut Guard,
    saved: &Guard,
    policies: &[PlannedPolicy],
    rules: &GuardRules,
) {
    let total = saved
        .observed
        .split_once(" of ")
        .and_then(|(_, total)| total.parse().ok());
    let (limit, observed, tripped, blamed) = removals(policies, total, rules.max_removals);
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
    let counts = |row: &&Assignment| row.source != crate::model::Source::PolicySets;
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
            .is_some_and(|row| row.target.is_broad() && row.filter.is_none())
    })
}

fn loses_exclusion(policy: &PlannedPolicy) -> bool {
    let loses = policy
        .changes
        .iter()
        .any(|change| matches!(change, Change::Remove(row) if row.target.is_exclusion()));
    loses && policy.after.iter().any(|row| !row.target.is_exclusion())
}

/// Rows of a policy set do not keep a policy assigned: the set may go tomorrow.
fn ends_unassigned(policy: &PlannedPolicy) -> bool {
    policy.before.iter().any(Assignment::is_direct)
        && !policy.after.iter().any(Assignment::is_direct)
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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::Mode;
    use crate::model::{Filter, FilterMode, PolicyKind, Rows, Source, Target};
    use crate::plan::changes;

    fn row(target: Target) -> Assignment {
        Assignment {
            target,
            filter: None,
            source: Source::Direct,
            source_id: None,
        }
    }

    fn group(id: usize) -> Assignment {
        row(Target::Group(id.to_string().into()))
    }

    fn exclusion(id: usize) -> Assignment {
        row(Target::ExclusionGroup(id.to_string().into()))
    }

    fn filtered(target: Target) -> Assignment {
        Assignment {
            filter: Some(Filter {
                id: "f".into(),
                mode: FilterMode::Include,
            }),
            ..row(target)
        }
    }

    fn from_set(id: usize) -> Assignment {
        Assignment {
            source: Source::PolicySets,
            ..group(id)
        }
    }

    fn policy(before: Vec<Assignment>, after: Vec<Assignment>) -> PlannedPolicy {
        PlannedPolicy {
            kind: PolicyKind::from_name("configurationPolicy").expect("a kind"),
            id: "p".to_owned(),
            name: "P".into(),
            mode: Mode::Exact,
            manifest: Arc::default(),
            changes: changes(&before, &after),
            before: before.into(),
            after: after.into(),
            untouched: Rows::default(),
            writes: Vec::new(),
        }
    }

    /// Returns the words of the guards that refuse.
    fn refused(policies: &[PlannedPolicy], rules: &GuardRules) -> String {
        let guards = evaluate(policies, Some("tenant"), rules);
        let names: Vec<&str> = guards
            .iter()
            .filter(|guard| guard.refuses())
            .map(|guard| guard.name.name())
            .collect();
        names.join(" ")
    }

    fn check(before: Vec<Assignment>, after: Vec<Assignment>) -> String {
        refused(&[policy(before, after)], &GuardRules::default())
    }

    #[test]
    fn nothing_to_do_trips_nothing() {
        assert_eq!(refused(&[], &GuardRules::default()), "");
        assert_eq!(
            check(vec![row(Target::AllUsers)], vec![row(Target::AllUsers)]),
            ""
        );
    }

    #[test]
    fn a_share_of_removals_counts_from_ten_up() {
        let groups = |range: std::ops::Range<usize>| range.map(group).collect::<Vec<_>>();
        assert_eq!(check(groups(0..10), groups(0..1)), "");
        assert_eq!(check(groups(0..11), groups(0..1)), "removals");
        assert_eq!(check(groups(0..40), groups(0..30)), "");
        assert_eq!(check(groups(0..39), groups(0..29)), "removals");
        let count = |most| GuardRules {
            max_removals: RemovalLimit::Count(most),
            ..GuardRules::default()
        };
        let two_go = [policy(groups(0..3), groups(0..1))];
        assert_eq!(refused(&two_go, &count(2)), "");
        assert_eq!(refused(&two_go, &count(1)), "removals");
        // Rows of policy sets neither go away nor thin the share out.
        let mut before = groups(0..39);
        before.extend((100..200).map(from_set));
        let mut after = groups(0..29);
        after.extend((100..200).map(from_set));
        assert_eq!(check(before, after), "removals");
    }

    #[test]
    fn each_guard_sees_its_own() {
        let all = Target::AllDevices;
        for (before, after, expected) in [
            (vec![], vec![row(all.clone())], "broad-target"),
            (vec![], vec![filtered(all.clone())], ""),
            (
                vec![filtered(all.clone())],
                vec![row(all.clone())],
                "broad-target",
            ),
            (vec![row(all.clone())], vec![filtered(all)], ""),
            (
                vec![group(1), exclusion(2)],
                vec![group(1)],
                "exclusion-lost",
            ),
            (vec![group(1), exclusion(2)], vec![exclusion(2)], ""),
            (vec![exclusion(2)], vec![], "unassigned"),
            (vec![group(1)], vec![], "unassigned"),
            (vec![group(1), from_set(2)], vec![from_set(2)], "unassigned"),
            (vec![], vec![group(1)], ""),
        ] {
            assert_eq!(
                check(before.clone(), after.clone()),
                expected,
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn fifty_policies_may_change() {
        let many = |number| vec![policy(vec![], vec![group(1)]); number];
        assert_eq!(refused(&many(50), &GuardRules::default()), "");
        assert_eq!(refused(&many(51), &GuardRules::default()), "policies");
        let accepted = GuardRules {
            accepted: vec![GuardName::Policies],
            ..GuardRules::default()
        };
        assert_eq!(refused(&many(51), &accepted), "");
    }

    #[test]
    fn another_tenant_is_never_accepted() {
        let rules = |tenant: &str| GuardRules {
            tenant_id: Some(tenant.to_owned()),
            accepted: GuardName::ALL.to_vec(),
            ..GuardRules::default()
        };
        assert_eq!(refused(&[], &rules("TENANT")), "");
        assert_eq!(refused(&[], &rules("other")), "tenant");
        let unknown = evaluate(&[], None, &rules("tenant"));
        assert!(unknown.iter().any(Guard::refuses));
    }

    #[test]
    fn removal_limits_are_read() {
        assert_eq!(RemovalLimit::parse("25%"), Some(RemovalLimit::Percent(25)));
        assert_eq!(RemovalLimit::parse("0"), Some(RemovalLimit::Count(0)));
        for wrong in ["", "%", "-1", "101%", "a", "2.5%"] {
            assert_eq!(RemovalLimit::parse(wrong), None, "{wrong}");
        }
    }
}
