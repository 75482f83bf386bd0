//! A tenant of a run for many, and what came of it.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::manifest::Tenant;
use crate::render::review::Finding;
use crate::run::Failure;
use crate::run::apply::{ApplyInput, ApplyRun};
use crate::run::connect::ServiceSettings;
use crate::run::plan::PreparedPlan;

/// A tenant, and what came of it.
pub(super) struct Done {
    pub(super) tenant: Tenant,
    pub(super) service: Option<ServiceSettings>,
    pub(super) client: Option<Arc<Client>>,
    pub(super) input: Option<ApplyInput>,
    pub(super) run: Option<ApplyRun>,
    pub(super) found: Vec<Diagnostic>,
    pub(super) sources: Sources,
    pub(super) findings: Vec<Finding>,
    pub(super) failure: Option<Failure>,
    pub(super) exits: Vec<Exit>,
}

impl Done {
    pub(super) fn new(tenant: &Tenant) -> Self {
        Self {
            tenant: tenant.clone(),
            service: None,
            client: None,
            input: None,
            run: None,
            found: Vec::new(),
            sources: Sources::default(),
            findings: Vec::new(),
            failure: None,
            exits: Vec::new(),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        let failed = self.failure.as_ref().map(|failure| failure.exit);
        Exit::first(self.exits.iter().copied().chain(failed))
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    pub(super) fn prepared(&self) -> Option<&PreparedPlan> {
        self.input.as_ref().map(|input| &input.plan)
    }
}

/// Sorts the worst first, then by name.
pub(super) fn sort(all: &mut [Done]) {
    all.sort_by(|one, other| {
        let (first, second) = (one.exit(), other.exit());
        let worst = Exit::first([first, second]);
        let by_exit = match (first == second, first == worst) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        };
        by_exit.then_with(|| one.tenant.name.cmp(&other.tenant.name))
    });
}
