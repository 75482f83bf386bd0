//! `schema`: the JSON Schema of manifests, also with the names that a tenant has.

use super::arguments::Schema;
use super::options::Common;
use super::output::Output;
use super::{settings, with_client};
use crate::diagnostic::Sources;
use crate::exit::Exit;
use crate::manifest::schema::schema;
use crate::render::json::Json;
use crate::run::connect::Endpoint;
use crate::run::reviewed::check_sign_in;
use crate::run::schema::of_tenant;
use crate::run::{self, Failure, unavailable};

pub(super) fn run(command: &Schema, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Schema { from, from_tenant } = command;
    if from.is_none() && !from_tenant {
        if common.service.sandbox.is_some() {
            output.info(
                "note: the sandbox is not read; `--from-tenant` adds the names that it has\n",
            );
        }
        output.own(&Json::new(schema()).text())?;
        return Ok(Exit::Success);
    }
    let config = settings::configuration(common)?;
    let mut service = settings::service(&common.service, &config)?;
    if let Some(file) = from {
        service.endpoint = Endpoint::Copy(file.clone());
    }
    let (schema, unread): run::schema::TenantSchema =
        with_client(&service, output, async |client, stop| {
            if from.is_none() {
                check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
            }
            of_tenant(client, stop).await
        })?;
    let mut warnings = unavailable::warnings(&unread, "in the schema");
    for warning in &mut warnings {
        warning.hint = Some("any name of such a policy is taken".to_owned());
    }
    output.diagnostics(&warnings, &Sources::default());
    let text = Json::new(schema).text();
    output.check_data(&text)?;
    output.own(&text)?;
    Ok(Exit::Success)
}
