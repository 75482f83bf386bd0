//! `explain`: why a policy has its assignments.

use super::arguments::Explain;
use super::options::Common;
use super::output::Output;
use super::{settings, terminal, with_client};
use crate::exit::Exit;
use crate::render::explain;
use crate::render::json::Json;
use crate::run::reviewed::check_sign_in;
use crate::run::{self, Failure, plan, tenants};

pub(super) fn run(command: &Explain, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    output.keep_inputs(
        &[],
        &settings::inputs(&command.paths, common, Some(&config)),
    )?;
    let paths = settings::manifests(&command.paths, &config)?;
    let all = plan::load_any(&paths, config.path.as_deref())?;
    let mut service = settings::service(&common.service, &config)?;
    let tenant = tenants::choose_one(&all.tenants, &command.tenants.asked())?;
    let loaded = match &tenant {
        None => all,
        Some(tenant) => {
            service = tenants::service_of(&service, tenant)?;
            all.of_tenant(&tenant.name).unwrap_or_default()
        }
    };
    let (explained, found) = with_client(&service, output, async |client, stop| {
        check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
        let (policy, kinds) = (&command.policy, &command.kind);
        run::explain::explain(client, &loaded, policy, kinds, stop).await
    })?;
    output.diagnostics(&loaded.diagnostics, &loaded.sources);
    output.diagnostics(&found, &loaded.sources);
    let json = Json::new(explain::record(&explained));
    output.print_report(
        || explain::text(&explained, terminal::width()),
        |_| String::new(),
        &json,
    )?;
    Ok(Exit::Success)
}
