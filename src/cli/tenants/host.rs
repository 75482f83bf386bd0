//! What a run for several tenants needs of the command line.

use std::borrow::Cow;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::output::Output;
use super::super::settings;
use crate::apply::ObserveApply;
use crate::diagnostic::{Diagnostic, Sources};
use crate::graph::client::Client;
use crate::manifest::Tenant;
use crate::plan::PlanDiagnostic;
use crate::run::Failure;
use crate::run::connect::{ServiceSettings, connect};
use crate::run::tenants::{self, Drawn, Host};

/// The process, and what it prints on.
pub(super) struct Process<'a> {
    pub(super) output: &'a Output,
    pub(super) service: ServiceSettings,
}

impl Host for Process<'_> {
    fn connect(
        &self,
        tenant: &Tenant,
        stop: &CancellationToken,
    ) -> Result<(Arc<Client>, ServiceSettings), Failure> {
        let service = tenants::service_of(&self.service, tenant)?;
        let environment = settings::environment(&self.output.redactor);
        let client = connect(&service, &environment, self.output.observer(), stop)?;
        Ok((client, service))
    }

    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.output.without_secrets_in(text)
    }

    fn check_data(&self, text: &str) -> Result<(), Failure> {
        self.output.check_data(text)
    }

    fn drawn(&self, found: &[Diagnostic], sources: &Sources) -> Drawn {
        self.output.drawn(found, sources, true)
    }

    fn drawn_saved(&self, found: &[PlanDiagnostic]) -> Drawn {
        Output::drawn_saved(found)
    }

    fn begins(&self, _: &str) {}

    fn ends(&self, _: &str, _: &str) {}

    fn observer(&self, _: &str) -> Box<dyn ObserveApply> {
        Box::new(self.output.progress.clone())
    }
}
