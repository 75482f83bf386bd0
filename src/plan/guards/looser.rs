//! Limits of a saved plan that let more through than those of today.
//!
//! A plan may have been made with other limits on purpose, so its limits count. The digest does not
//! cover them, so `show` and `apply` warn of looser ones.

use super::{FEWEST_REMOVALS, Guard, GuardRules, Observation, RemovalLimit};
use crate::plan::PlanDiagnostic;

/// Warns of a saved guard whose limit is looser than that of `rules`.
pub fn warn_of_looser_limit(saved: &Guard, rules: &GuardRules) -> Option<PlanDiagnostic> {
    let (is_looser, today, option) = match saved.observation {
        Observation::Removals { limit, total, .. } => {
            let today = rules.max_removals;
            let is_looser = lets_more(limit, today, total);
            (is_looser, today.to_string(), "--max-removals")
        }
        Observation::Policies { limit, .. } => {
            let today = rules.max_policies;
            (limit > today, today.to_string(), "--max-policies")
        }
        Observation::Tenants { limit, .. } => {
            let today = rules.max_tenants?;
            (limit > today, today.to_string(), "--max-tenants")
        }
        Observation::Reach { .. } | Observation::Named(_) | Observation::Tenant { .. } => {
            return None;
        }
    };
    is_looser.then(|| {
        let summary = format!(
            "the limit of guard `{}` in the plan is `{}`, and today's is `{today}`",
            saved.name.name(),
            saved.observation.limit()
        );
        PlanDiagnostic::warning("looser-limit", summary).hint(format!(
            "make sure that the plan was made with it; `apply {option} {today}` judges the plan by today's"
        ))
    })
}

/// Whether a limit lets more removals through than another. A number and a share are compared by
/// what they let through of `total`.
fn lets_more(limit: RemovalLimit, than: RemovalLimit, total: usize) -> bool {
    match (limit, than) {
        (RemovalLimit::Percent(limit), RemovalLimit::Percent(than)) => limit > than,
        _ => most(limit, total) > most(than, total),
    }
}

/// The most removals that a limit lets through.
fn most(limit: RemovalLimit, total: usize) -> usize {
    match limit {
        RemovalLimit::Count(count) => count,
        RemovalLimit::Percent(percent) => {
            let percent = usize::try_from(percent).unwrap_or(usize::MAX);
            (total.saturating_mul(percent) / 100).max(FEWEST_REMOVALS - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::guards::GuardName;

    #[test]
    fn only_a_limit_that_lets_more_through_than_todays_is_warned_of() {
        let rules = GuardRules {
            max_policies: 5,
            max_tenants: Some(5),
            ..GuardRules::default()
        };
        for (limit, expected) in [(4, false), (5, false), (6, true)] {
            let changed = 1;
            for (name, observation) in [
                (
                    GuardName::Policies,
                    Observation::Policies { changed, limit },
                ),
                (GuardName::Tenants, Observation::Tenants { changed, limit }),
            ] {
                let saved = Guard {
                    name,
                    observation,
                    tripped: false,
                    accepted: false,
                    policies: Vec::new(),
                };
                let warning = warn_of_looser_limit(&saved, &rules);
                assert_eq!(warning.is_some(), expected, "{saved:?}");
            }
        }
    }

    #[test]
    fn a_number_and_a_share_are_compared_by_what_they_let_through() {
        use RemovalLimit::{Count, Percent};
        for (limit, than, total, expected) in [
            (Percent(100), Percent(25), 4, true),
            (Percent(25), Percent(25), 4, false),
            (Count(5), Count(4), 4, true),
            (Count(4), Count(4), 4, false),
            (Count(25), Percent(25), 100, false),
            (Count(26), Percent(25), 100, true),
            (Percent(25), Count(9), 4, false),
            (Percent(25), Count(8), 4, true),
            (Count(0), Percent(25), 0, false),
        ] {
            assert_eq!(
                lets_more(limit, than, total),
                expected,
                "{limit} {than} {total}"
            );
        }
    }
}
