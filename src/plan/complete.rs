//! A plan that is complete: it stays as it is from here on.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use super::guards::{self, GivenLimits, Guard, GuardInput, GuardName, GuardRules, Observation};
use super::{Annotations, Earlier, PlanContents, PlanDiagnostic, Selection};
use crate::model::PolicyKind;

/// Everything that a run intends, complete before the first write. It can be read and not changed, so that
/// what is shown, saved and carried out is one value; a part of it, or one that was judged again, is another plan.
/// What is shown beside it are [`Annotations`].
#[derive(Clone, Debug, PartialEq)]
pub struct Plan(PlanContents);

impl Deref for Plan {
    type Target = PlanContents;

    fn deref(&self) -> &PlanContents {
        &self.0
    }
}

impl From<PlanContents> for Plan {
    fn from(contents: PlanContents) -> Self {
        Self(contents)
    }
}

impl Plan {
    /// Restricts a plan to a selection, for display only, and returns how many policies that leaves
    /// out. Counts, guards and digest stay those of the whole.
    #[must_use]
    pub fn view(self, selection: Selection) -> (Self, usize) {
        let Self(mut contents) = self;
        let all = contents.policies.len();
        contents
            .policies
            .retain(|policy| selection.includes(policy.kind, &policy.name));
        let hidden = all - contents.policies.len();
        contents.selection.and(selection);
        contents.left_out += hidden;
        contents.hidden += hidden;
        (Self(contents), hidden)
    }

    /// Replaces the warnings.
    #[must_use]
    pub fn with_diagnostics(self, diagnostics: Vec<PlanDiagnostic>) -> Self {
        let Self(contents) = self;
        Self(PlanContents {
            diagnostics,
            ..contents
        })
    }

    /// Adds what the guard `tenants` says of the run that the plan is a part of, if it judges.
    #[must_use]
    pub fn with_tenants_guard(self, guard: Option<Guard>) -> Self {
        let Self(mut contents) = self;
        let guards = &mut contents.guards;
        guards.retain(|guard| guard.name != GuardName::Tenants);
        guards.extend(guard);
        guards.sort_by_key(|guard| guard.name);
        Self(contents)
    }

    /// Adds how an earlier run has left policies, which a saved plan does not say.
    #[must_use]
    pub fn with_earlier(self, mut earlier: BTreeMap<(PolicyKind, String), Earlier>) -> Self {
        let Self(mut contents) = self;
        for policy in &mut contents.policies {
            policy.earlier = earlier.remove(&(policy.kind, policy.id.clone()));
        }
        Self(contents)
    }

    /// Returns the plan without the changed policies at the indexes `not_written`. The rest no longer waits for
    /// policies in `ended`.
    #[must_use]
    pub fn without(
        &self,
        not_written: &BTreeSet<usize>,
        ended: &BTreeSet<(PolicyKind, String)>,
    ) -> Self {
        let Self(mut contents) = self.clone();
        let mut index = 0;
        contents.policies.retain(|policy| {
            let is_changed = policy.is_changed();
            let is_written = !is_changed || !not_written.contains(&index);
            index += usize::from(is_changed);
            is_written
        });
        for policy in &mut contents.policies {
            let waits_for = policy
                .earlier
                .as_mut()
                .map(|earlier| &mut earlier.waits_for);
            if let Some(waits_for) = waits_for {
                waits_for.take_if(|giver| ended.contains(&(policy.kind, giver.clone())));
            }
        }
        Self(contents)
    }

    /// Judges a saved plan again (its guards were re-evaluated when it was read). Its own limits stay,
    /// unless others are `given` now, or of `reach` the stricter one; a warning names those that are looser than today's. What was
    /// accepted when the plan was saved stays accepted. Other `warnings` follow its own.
    #[must_use]
    pub fn judged_again(
        self,
        annotations: &Annotations,
        rules: &GuardRules,
        given: GivenLimits,
        warnings: impl IntoIterator<Item = PlanDiagnostic>,
    ) -> Self {
        let mut rules = rules.clone();
        let Self(mut contents) = self;
        let saved = std::mem::take(&mut contents.guards);
        let accepted = saved.iter().filter(|guard| guard.accepted);
        rules.accepted.extend(accepted.map(|guard| guard.name));
        // The file does not hold the unchanged policies.
        let mut all = None;
        let mut tenants = None;
        let mut limits = rules.clone();
        for guard in &saved {
            let is_given = match guard.observation {
                Observation::Removals { limit, total, .. } => {
                    all = Some(total);
                    if !given.removals {
                        limits.max_removals = limit;
                    }
                    given.removals
                }
                Observation::Policies { limit, .. } => {
                    if !given.policies {
                        limits.max_policies = limit;
                    }
                    given.policies
                }
                Observation::Reach { limit, .. } => {
                    // The stricter one counts: the members were counted again.
                    let today = rules.max_members_lost.unwrap_or(limit);
                    limits.max_members_lost = Some(today.min(limit));
                    true
                }
                // How many tenants change is not known from one plan.
                Observation::Tenants { changed, limit } => {
                    tenants = Some(changed);
                    if !given.tenants {
                        limits.max_tenants = Some(limit);
                    }
                    given.tenants
                }
                Observation::Named(_) | Observation::Tenant { .. } => continue,
            };
            if !is_given {
                let warning = guards::warn_of_looser_limit(guard, &rules);
                contents.diagnostics.extend(warning);
            }
        }
        contents.diagnostics.extend(warnings);
        let judged = GuardInput {
            changed_tenants: tenants,
            ..contents.guard_input(annotations, all)
        };
        contents.guards = guards::evaluate(&judged, &limits);
        Self(contents)
    }
}
