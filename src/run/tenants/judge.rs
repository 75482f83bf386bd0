//! What is judged over all tenants of a run: guards, the reviewed digest, and whether each is a tenant of its own.

use std::collections::BTreeMap;

use super::entry::{Digests, Entry};
use super::results::TenantResults;
use crate::exit::Exit;
use crate::plan::guards::{self, Guard, GuardName, GuardRules};
use crate::plan::saved::digest_of_tenants;
use crate::run::Failure;
use crate::run::reviewed::check_digest;

impl TenantResults {
    /// Returns the digest of all plans; `None` if there are none.
    #[must_use]
    pub fn digest(&self) -> Option<String> {
        self.digest_of(|digests| digests.reviewed(self.is_accepted))
    }

    fn digest_of(&self, digest: impl Fn(&Digests) -> &str) -> Option<String> {
        let entries = self.entries.iter();
        let digests: BTreeMap<&str, &str> = entries
            .filter_map(|entry| Some((entry.tenant.name.as_str(), digest(entry.digests()?))))
            .collect();
        (!digests.is_empty()).then(|| digest_of_tenants(&digests))
    }

    /// Judges how many tenants change. Saved plans keep their limit unless another `is_given` with the command, and
    /// what was accepted when they were made; those of tenants that could not be read count by what their files say.
    pub fn judge(&mut self, rules: &GuardRules, saved: &[Guard], is_given: bool) {
        self.take_over(saved);
        let limit = match is_given {
            true => rules.max_tenants,
            false => least_limit(saved).or(rules.max_tenants),
        };
        let Some(limit) = limit else {
            return;
        };
        let accepted = rules.accepted.contains(&GuardName::Tenants) || were_accepted(saved);
        let guard = guards::tenants(self.count_changed(saved), limit, accepted);
        // What is accepted now is part of what is reviewed now, and changes nothing about files.
        if saved.is_empty() && !self.entries.iter().any(Entry::is_saved) {
            self.is_accepted = guard.accepted;
        }
        self.guard = Some(guard);
    }

    /// Takes over what was accepted when saved plans were made, which is part of what was reviewed: whether all of
    /// them together are beyond the limit, or only those of one run on several machines, makes no difference.
    pub(super) fn take_over(&mut self, saved: &[Guard]) {
        let guard = least_limit(saved).map(|limit| {
            let changed = self.count_changed(saved);
            guards::tenants(changed, limit, were_accepted(saved))
        });
        self.is_accepted = guard.is_some_and(|guard| guard.accepted);
    }

    /// Counts the tenants that change. A guard that has refused plans refuses each part of them.
    fn count_changed(&self, saved: &[Guard]) -> usize {
        let entries = self.entries.iter();
        let changed = entries.filter(|entry| entry.is_changed()).count();
        let refused = saved.iter().filter(|guard| guard.refuses());
        let refused = refused.filter_map(|guard| match guard.observation {
            guards::Observation::Tenants { changed, .. } => Some(changed),
            _ => None,
        });
        changed.max(refused.max().unwrap_or_default())
    }

    /// Fails the tenants that guards refuse.
    pub fn refuse(&mut self, consequence: &str, counts: fn(&Guard) -> bool) {
        let of_run = self.guard.iter().filter(|guard| guard.refuses());
        for entry in &mut self.entries {
            let Some(brief) = &entry.brief else { continue };
            let of_run = of_run.clone().filter(|_| !brief.is_empty);
            let refusing = brief.refusing.iter().chain(of_run);
            let refused = Failure::refused(refusing.filter(|guard| counts(guard)), consequence);
            entry.failure = entry.failure.take().or(refused);
        }
    }

    /// Fails all tenants that have not failed yet.
    pub(super) fn refuse_all(&mut self, failure: &Failure) {
        let entries = self.entries.iter_mut();
        for entry in entries.filter(|entry| entry.failure.is_none()) {
            entry.failure = Some(Failure {
                hint: failure.hint.clone(),
                ..Failure::new(failure.exit, failure.message.clone())
            });
        }
    }

    /// Lets tenants with changes end differently from those without.
    pub fn distinguish_changes(&mut self) {
        for entry in &mut self.entries {
            let is_changed = entry.brief.as_ref().is_some_and(|brief| !brief.is_empty);
            entry
                .exits
                .extend(is_changed.then_some(Exit::ChangesPending));
        }
        self.sort();
    }

    /// Refuses plans that are not the reviewed ones.
    ///
    /// # Errors
    ///
    /// Names both digests.
    pub fn check_digest(&self, expected: &str, is_pipeline: bool) -> Result<(), Failure> {
        let is_saved = self.entries.iter().any(Entry::is_saved);
        let bare = (!is_pipeline && !is_saved)
            .then(|| self.digest_of(|digests| &digests.bare))
            .flatten();
        if bare.as_deref() == Some(expected) {
            return Ok(());
        }
        let digest = self.digest().unwrap_or_else(|| "none".to_owned());
        check_digest(&digest, Some(expected)).map_err(|failure| self.with_unplanned(failure))
    }

    /// Says that plans are not the reviewed ones since some are missing.
    fn with_unplanned(&self, failure: Failure) -> Failure {
        let entries = self.entries.iter();
        let mut names: Vec<&str> = entries
            .filter(|entry| entry.brief.is_none() && entry.saved.is_none())
            .map(|entry| entry.tenant.name.as_str())
            .collect();
        if names.is_empty() {
            return failure;
        }
        names.sort_unstable();
        let message = format!(
            "{}; these tenants could not be planned: {}",
            failure.message,
            names.join(", ")
        );
        Failure::new(failure.exit, message).hint(
            "fix what failed there and run again, or review a plan for the other tenants; nothing was written",
        )
    }

    /// Refuses tenants that turn out to be one and the same: their runs would write the same policies side by
    /// side.
    pub(super) fn refuse_duplicate_tenants(&mut self) {
        const HINT: &str = "leave one of them below `tenants`";
        self.fail_duplicates(HINT, |entry, failure| {
            entry.drop_plan();
            entry.failure = Some(failure);
        });
    }

    /// Lets tenants fail that turn out to be one and the same after several runs may have written in it.
    pub(super) fn fail_duplicate_tenants(&mut self) {
        const HINT: &str =
            "leave one of them below `tenants`, and see with `drift` how the tenant was left";
        self.fail_duplicates(HINT, |entry, failure| {
            entry.exits.push(failure.exit);
            entry.failure = entry.failure.take().or(Some(failure));
        });
    }

    fn fail_duplicates(&mut self, hint: &str, fail: impl Fn(&mut Entry, Failure)) {
        let mut same: BTreeMap<String, Vec<&mut Entry>> = BTreeMap::new();
        for entry in &mut self.entries {
            if let Some(id) = entry.signed_in_to() {
                same.entry(id).or_default().push(entry);
            }
        }
        for (id, entries) in same.into_iter().filter(|(_, entries)| entries.len() > 1) {
            let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.tenant.name).collect();
            names.sort_unstable();
            let message = format!(
                "the tenants `{}` are one and the same: each is signed in to as `{id}`",
                names.join("`, `")
            );
            for entry in entries {
                let failure = Failure::new(Exit::InvalidManifests, message.as_str()).hint(hint);
                fail(entry, failure);
            }
        }
    }
}

/// Returns the least limit that saved plans were judged by.
fn least_limit(saved: &[Guard]) -> Option<usize> {
    let limits = saved.iter().filter_map(|guard| match guard.observation {
        guards::Observation::Tenants { limit, .. } => Some(limit),
        _ => None,
    });
    limits.min()
}

fn were_accepted(saved: &[Guard]) -> bool {
    !saved.is_empty() && saved.iter().all(|guard| guard.accepted)
}
