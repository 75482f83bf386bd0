//! What is said of a tenant that refuses: what to do there, in the words of manifests.

use super::host::Host;
use crate::manifest::Tenant;
use crate::run::Failure;

/// The errors of Entra after which an administrator of the tenant has to consent to the app.
const WITHOUT_CONSENT: [&str; 3] = ["AADSTS65001:", "AADSTS700016:", "AADSTS7000229:"];

/// Takes secrets out of a failure, and says where an administrator consents to the app if that is what a tenant
/// lacks.
pub(super) fn explained(host: &impl Host, mut failure: Failure, tenant: &Tenant) -> Failure {
    failure.message = host.mask(&failure.message).into_owned();
    failure.hint = failure
        .hint
        .map(|hint| in_manifests(&host.mask(&hint), tenant));
    if WITHOUT_CONSENT
        .iter()
        .any(|number| failure.message.contains(number))
    {
        let before = failure.hint.take().map(|hint| hint + "; ");
        let app = tenant.client_id.clone().or_else(|| host.client_id());
        let (app, which) = match &app {
            Some(app) => (app.as_str(), ""),
            None => ("APP", ", with the app's client id in place of `APP`"),
        };
        failure.hint = Some(format!(
            "{}an administrator consents at {}/{}/adminconsent?client_id={app}{which}",
            before.unwrap_or_default(),
            host.authority(tenant).trim_end_matches('/'),
            tenant.tenant_id,
        ));
    }
    failure
}

/// Names what a tenant is signed in to with: manifests say that, not the variables of a run for one tenant.
fn in_manifests(hint: &str, tenant: &Tenant) -> String {
    let hint = hint.replace("`AZURE_TENANT_ID`", "the tenant's `tenantId`");
    match &tenant.client_id {
        Some(_) => hint.replace("`AZURE_CLIENT_ID`", "the tenant's `clientId`"),
        None => hint,
    }
}
