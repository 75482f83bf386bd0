//! A tenant of a run, and what came of it.

use super::spool::Slot;
use crate::exit::Exit;
use crate::manifest::Tenant;
use crate::plan::guards::{self, Guard};
use crate::plan::saved::{digest_of, digest_without_acceptances};
use crate::plan::{Names, Plan};
use crate::run::Failure;
use crate::run::apply::ApplyContext;

/// A tenant of a run, and what came of it so far.
#[derive(Debug)]
pub struct Entry {
    /// The tenant.
    pub tenant: Tenant,
    /// Why the run for it did not do what it was asked.
    pub failure: Option<Failure>,
    /// How the run for it ended besides that.
    pub exits: Vec<Exit>,
    /// What is known of its plan; `None` without one.
    pub brief: Option<Brief>,
    /// What the file of its plan says, if that was saved.
    pub(super) saved: Option<SavedBrief>,
    /// Whether the run may have written something.
    pub written: bool,
    /// What came of it, in a few words, but for a failure.
    pub(super) state: String,
    /// Whether policies have settled.
    pub(super) has_settled: bool,
    pub(super) plan: Option<Slot>,
    pub(super) found: Option<Slot>,
    pub(super) context: Option<ApplyContext>,
}

/// What is known of a plan without reading it.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Whether it changes nothing.
    pub is_empty: bool,
    /// Whether it was approved before.
    pub approved: bool,
    pub(super) digests: Digests,
    /// The guards that refuse it.
    pub(super) refusing: Vec<Guard>,
    /// Whether all that differs is known to be manifests that were not applied yet.
    pub only_unapplied: bool,
    /// The id of the tenant that was signed in to; `None` if the token does not name it.
    pub(super) tenant_id: Option<String>,
}

/// What the file of a saved plan says, whether or not its tenant can be read.
#[derive(Clone, Debug)]
pub(super) struct SavedBrief {
    /// Whether it changes nothing.
    pub is_empty: bool,
    /// The digest that stands in it.
    pub digest: String,
    pub digests: Digests,
}

/// The digests of a plan, by what is accepted. Whether the guard `tenants` trips is known only once all plans are.
#[derive(Clone, Debug)]
pub(super) struct Digests {
    /// Without the guard `tenants`.
    pub usual: String,
    /// If the guard `tenants` is accepted; the same if the plan changes nothing.
    pub accepted: String,
    /// If no guard had been accepted.
    pub bare: String,
}

impl Digests {
    /// Computes those of a plan, and returns it without the guard `tenants`.
    pub(super) fn of(plan: Plan, names: &Names) -> (Plan, Self) {
        let accepting = Some(guards::tenants(1, 0, true));
        let accepting = plan.with_tenants_guard(accepting);
        let accepted = digest_of(&accepting, names);
        let plan = accepting.with_tenants_guard(None);
        let usual = digest_of(&plan, names);
        let bare = digest_without_acceptances(&plan, names);
        let accepted = match plan.is_empty() {
            true => usual.clone(),
            false => accepted,
        };
        let digests = Self {
            usual,
            accepted,
            bare,
        };
        (plan, digests)
    }

    /// Returns what is reviewed, if the guard `tenants` is accepted or not.
    pub(super) fn reviewed(&self, is_accepted: bool) -> &str {
        match is_accepted {
            true => &self.accepted,
            false => &self.usual,
        }
    }
}

impl Entry {
    /// Begins with a tenant of which nothing is known yet.
    #[must_use]
    pub fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            failure: None,
            exits: Vec::new(),
            brief: None,
            saved: None,
            written: false,
            state: String::new(),
            has_settled: false,
            plan: None,
            found: None,
            context: None,
        }
    }

    /// Returns how the run for the tenant ended.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let failed = self.failure.as_ref().map(|failure| failure.exit);
        Exit::most_severe(self.exits.iter().copied().chain(failed))
    }

    /// Says in a few words what came of it.
    #[must_use]
    pub fn state(&self) -> &str {
        match &self.failure {
            Some(failure) if !self.has_settled && !failure.message.is_empty() => &failure.message,
            _ => &self.state,
        }
    }

    /// Whether it did not come to what it was asked to.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !matches!(
            self.exit(),
            Exit::Success | Exit::Pending | Exit::ChangesPending
        )
    }

    pub(super) fn is_changed(&self) -> bool {
        match (&self.brief, &self.saved) {
            (Some(brief), _) => !brief.is_empty,
            (None, Some(saved)) => !saved.is_empty,
            (None, None) => false,
        }
    }

    /// Whether its plan was made, and maybe reviewed, by an earlier run.
    pub(super) fn is_saved(&self) -> bool {
        let brief = self.brief.as_ref();
        self.saved.is_some() || brief.is_some_and(|brief| brief.approved)
    }

    /// Returns the digests of its plan. Those of a file are not changed by what is accepted now.
    pub(super) fn digests(&self) -> Option<&Digests> {
        let saved = self.saved.as_ref().map(|saved| &saved.digests);
        saved.or(self.brief.as_ref().map(|brief| &brief.digests))
    }

    /// Returns the id of the tenant that was signed in to, if it is known.
    pub(super) fn signed_in_to(&self) -> Option<String> {
        let id = self.brief.as_ref()?.tenant_id.as_ref()?;
        Some(id.to_lowercase())
    }

    /// Forgets its plan, which must not be carried out.
    pub(super) fn drop_plan(&mut self) {
        self.brief = None;
        self.plan = None;
        self.context = None;
    }
}
