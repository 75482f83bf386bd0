//! What a run for several tenants needs of whoever starts it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::results::Drawn;
use crate::apply::ObserveApply;
use crate::diagnostic::{Diagnostic, Sources};
use crate::graph::client::Client;
use crate::manifest::Tenant;
use crate::plan::PlanDiagnostic;
use crate::run::Failure;
use crate::run::connect::ServiceSettings;

/// What a run for several tenants needs of whoever starts it.
pub trait Host {
    /// Connects to a tenant.
    ///
    /// # Errors
    ///
    /// Says what is missing for that.
    fn connect(
        &self,
        tenant: &Tenant,
        stop: &CancellationToken,
    ) -> Result<(Arc<Client>, ServiceSettings), Failure>;

    /// Takes the secrets of the run out of a text.
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str>;

    /// Takes the secrets of the run out of a failure.
    fn masked(&self, failure: Failure) -> Failure {
        let mask = |text: &str| self.mask(text).into_owned();
        Failure {
            message: mask(&failure.message),
            hint: failure.hint.as_deref().map(mask),
            ..failure
        }
    }

    /// Refuses data that holds a secret of the run.
    ///
    /// # Errors
    ///
    /// Says which.
    fn check_data(&self, text: &str) -> Result<(), Failure>;

    /// Draws what was found in manifests.
    fn drawn(&self, found: &[Diagnostic], sources: &Sources) -> Drawn;

    /// Draws what a saved plan says was found.
    fn drawn_saved(&self, found: &[PlanDiagnostic]) -> Drawn;

    /// So many tenants are about to have their turns.
    fn expects(&self, tenants: usize);

    /// All turns are over; something else can be printed.
    fn all_done(&self);

    /// A tenant's turn has come.
    fn begins(&self, tenant: &Tenant);

    /// A tenant's turn is over, with what came of it in a few words. What is kept of it holds no secret; its tokens
    /// need not be known any more.
    fn ends(&self, tenant: &Tenant, state: &str, failed: bool);

    /// A tenant's earlier report, which may be needed, was moved aside.
    fn kept_report(&self, kept: &Path);

    /// Returns what is shown as policies of a tenant settle.
    fn observer(&self, tenant: &str) -> Box<dyn ObserveApply>;
}
