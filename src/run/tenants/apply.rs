//! What is done with the plans of all tenants together: they are judged, shown, asked about and carried out.

use std::collections::BTreeSet;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::entry::Entry;
use super::files::saved_guards;
use super::host::Host;
use super::many::{Input, ManyTenants};
use super::results::TenantResults;
use crate::plan::guards::{Guard, GuardName, GuardRules};
use crate::render::review::Direction;
use crate::run::Failure;
use crate::run::apply::ApplyOptions;
use crate::run::reports::default_folder;

/// Whoever is shown what a run for several tenants is about to do, and is asked.
pub trait Audience {
    /// This was found to be wrong or odd, and these tenants have failed.
    ///
    /// # Errors
    ///
    /// What is kept of a tenant cannot be read.
    fn found(&self, results: &TenantResults) -> Result<(), Failure>;

    /// Shows the plans. Somebody is asked about them if it `asks`.
    ///
    /// # Errors
    ///
    /// Says why they cannot be shown.
    fn show(&self, results: &TenantResults, asks: bool) -> Result<(), Failure>;

    /// Asks whether they are to be carried out.
    ///
    /// # Errors
    ///
    /// They are not.
    fn confirm(&self, stop: &CancellationToken) -> impl Future<Output = Result<(), Failure>>;

    /// No plan is carried out.
    fn refused(&self, failure: &Failure);

    /// The reports are in this folder.
    fn reported(&self, folder: &Path);

    /// This tenant has failed as its plan was carried out.
    fn failed(&self, entry: &Entry);
}

impl Input<'_> {
    /// Whether the guard `tenants` is accepted, whatever it sees. What a run accepts changes nothing about saved plans.
    #[must_use]
    pub fn accepts_tenants(&self, rules: &GuardRules) -> bool {
        let saved = self.saved_guards(rules);
        match saved.is_empty() {
            true => rules.accepted.contains(&GuardName::Tenants),
            false => saved.iter().all(|guard| guard.accepted),
        }
    }

    /// Returns what the guard `tenants` said when plans were saved.
    #[must_use]
    pub fn saved_guards(&self, rules: &GuardRules) -> Vec<Guard> {
        match self {
            Self::Saved(files, _) => saved_guards(files, rules),
            Self::Manifests(..) | Self::Resume(_) | Self::Rollback(_) => Vec::new(),
        }
    }
}

impl<H: Host> ManyTenants<'_, H> {
    /// Plans for all tenants, and judges the plans together. The consequence is said of those that guards refuse.
    pub async fn judged(
        &self,
        input: Input<'_>,
        digest: Option<&str>,
        consequence: &str,
    ) -> TenantResults {
        let rules = &self.request.rules;
        let saved = input.saved_guards(rules);
        let is_limit_given = matches!(&input, Input::Saved(_, given) if given.tenants);
        let mut results = self.reviewed(input, digest).await;
        results.judge(rules, &saved, is_limit_given);
        // `drift` writes nothing, so that only a wrong tenant stops it.
        let counts: fn(&Guard) -> bool = match self.direction {
            Direction::Drift => |guard| !guard.name.can_be_accepted(),
            Direction::Plan => |_| true,
        };
        results.refuse(consequence, counts);
        results.sort();
        results
    }

    /// Plans for all tenants, shows, asks and writes.
    ///
    /// # Errors
    ///
    /// Says why nothing was written to any tenant; there are no reports then.
    pub async fn apply(
        &self,
        input: Input<'_>,
        options: &ApplyOptions,
        audience: &impl Audience,
    ) -> Result<TenantResults, Failure> {
        let digest = options.expect_digest.as_deref();
        let mut results = self.judged(input, digest, "; nothing was written").await;
        audience.found(&results)?;
        let mut allowed = match digest {
            Some(digest) => results.check_digest(digest, options.reviewed),
            None => Ok(()),
        };
        if results.entries.is_empty() {
            return allowed.map(|()| results);
        }
        let told: BTreeSet<String> = failed(&results)
            .map(|entry| entry.tenant.name.clone())
            .collect();
        let is_planned = results.entries.iter().any(|entry| entry.brief.is_some());
        let asks = allowed.is_ok() && must_ask(&results, options.yes);
        if is_planned {
            audience.show(&results, asks)?;
        }
        if asks {
            allowed = audience.confirm(self.stop).await;
        }
        if let Err(failure) = &allowed {
            audience.refused(failure);
            results.refuse_all(failure);
        }
        self.carry_out(&mut results, options).await;
        if is_planned {
            let folder = options.report.clone().unwrap_or_else(default_folder);
            audience.reported(&folder);
        }
        if allowed.is_ok() {
            failed(&results)
                .filter(|entry| !told.contains(&entry.tenant.name))
                .for_each(|entry| audience.failed(entry));
        }
        Ok(results)
    }
}

fn failed(results: &TenantResults) -> impl Iterator<Item = &Entry> {
    results
        .entries
        .iter()
        .filter(|entry| entry.failure.is_some())
}

/// Whether a person has to agree before anything is written.
fn must_ask(results: &TenantResults, yes: bool) -> bool {
    let mut entries = results
        .entries
        .iter()
        .filter(|entry| entry.failure.is_none());
    !yes && entries.any(|entry| {
        let brief = entry.brief.as_ref();
        brief.is_some_and(|brief| !brief.approved && !brief.is_empty)
    })
}
