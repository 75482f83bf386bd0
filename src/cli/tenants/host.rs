//! What a run for several tenants needs of the command line.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::output::Output;
use super::super::progress::TenantsProgress;
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
pub(in crate::cli) struct Process<'a> {
    output: &'a Output,
    service: ServiceSettings,
    progress: TenantsProgress,
}

impl<'a> Process<'a> {
    pub(in crate::cli) fn new(output: &'a Output, service: ServiceSettings) -> Self {
        Self {
            output,
            service,
            progress: output.progress.tenants.clone(),
        }
    }
}

impl Host for Process<'_> {
    fn connect(
        &self,
        tenant: &Tenant,
        stop: &CancellationToken,
    ) -> Result<(Arc<Client>, ServiceSettings), Failure> {
        let service = tenants::service_of(&self.service, tenant)?;
        let environment = settings::environment(&self.output.redactor);
        let observer = Box::new(self.progress.of(&tenant.name));
        Ok((connect(&service, &environment, observer, stop)?, service))
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

    fn expects(&self, tenants: usize) {
        self.progress.expect(tenants);
    }

    fn all_done(&self) {
        self.progress.clear();
    }

    fn begins(&self, tenant: &Tenant) {
        self.progress.begins(&tenant.name);
    }

    fn ends(&self, tenant: &Tenant, state: &str, failed: bool) {
        self.progress.ends(&tenant.name, state, failed);
        self.output.redactor.forget_tokens(&tenant.tenant_id);
    }

    fn kept_report(&self, kept: &Path) {
        self.output.kept_report(kept);
    }

    fn observer(&self, tenant: &str) -> Box<dyn ObserveApply> {
        Box::new(self.progress.of(tenant))
    }
}
