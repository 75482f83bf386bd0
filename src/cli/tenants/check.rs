//! `tenants check`: what each tenant lacks of that which the manifests name.

use super::super::arguments::TenantsCheck;
use super::super::options::Common;
use super::super::output::Output;
use super::super::{settings, until_stopped};
use super::host::Process;
use super::runs::parallel;
use crate::exit::Exit;
use crate::render::clean::clean;
use crate::render::lacks;
use crate::run::{Failure, plan, tenants};

pub(super) fn run(
    command: &TenantsCheck,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let inputs = settings::inputs(&command.paths, common, Some(&config));
    output.keep_inputs(&[], &inputs)?;
    let paths = settings::manifests(&command.paths, &config)?;
    let loaded = plan::load_any(&paths, config.path.as_deref())?;
    let mut asked = command.tenants.asked();
    asked.all |= asked.named.is_empty();
    let Some(chosen) = tenants::choose(&loaded.tenants, &asked)? else {
        return Ok(Exit::Success);
    };
    let host = Process::new(output, settings::service(&common.service, &config)?);
    let checked = until_stopped(output, async |stop| {
        output.diagnostics(&loaded.diagnostics, &loaded.sources);
        let parallel = parallel(&command.tenants);
        tenants::check(&host, (&loaded, chosen), parallel, stop).await
    })?;
    let exit = Exit::most_severe(checked.iter().map(|tenant| tenant.exit));
    output.print_plain(|| lacks::text(&checked), &lacks::json(&checked, exit))?;
    for tenant in &checked {
        if let Some(hint) = &tenant.hint {
            output.note(&format!("hint: tenant {}: {}\n", tenant.name, clean(hint)));
        }
    }
    Ok(exit)
}
