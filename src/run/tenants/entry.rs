//! A tenant of a run, and what came of it.

use super::spool::Slot;
use crate::exit::Exit;
use crate::manifest::Tenant;
use crate::plan::guards::Guard;
use crate::run::Failure;
use crate::run::apply::ApplyInputRest;

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
    pub(super) rest: Option<ApplyInputRest>,
}

/// What is known of a plan without reading it.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Whether it changes nothing.
    pub is_empty: bool,
    /// Whether it was approved before.
    pub approved: bool,
    /// Its digest.
    pub digest: String,
    /// The digest that it would have if no guard had been accepted.
    pub(super) bare_digest: String,
    /// The digest that it has if the guard `tenants` is accepted.
    pub(super) accepted_digest: String,
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
    /// Its digest.
    pub digest: String,
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
            rest: None,
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

    /// Returns the id of the tenant that was signed in to, if it is known.
    pub(super) fn signed_in_to(&self) -> Option<String> {
        let id = self.brief.as_ref()?.tenant_id.as_ref()?;
        Some(id.to_lowercase())
    }

    /// Forgets its plan, which must not be carried out.
    pub(super) fn drop_plan(&mut self) {
        self.brief = None;
        self.plan = None;
        self.rest = None;
    }
}
