//! `list`: live assignments, for people, spreadsheets and programs.

use super::arguments::List;
use super::config::Config;
use super::options::{Common, Format};
use super::output::Output;
use super::tenants::host::Process;
use super::tenants::runs::parallel;
use super::{settings, terminal, until_stopped, with_client};
use crate::diagnostic::Sources;
use crate::exit::Exit;
use crate::manifest::Tenant;
use crate::model::UnavailableKind;
use crate::plan::inventory::{Inventory, SubjectKind};
use crate::render::clean::clean;
use crate::render::inventory::{self, Listing, OfTenant};
use crate::run::list::{self, AskedSubject, ListRequest};
use crate::run::reviewed::check_sign_in;
use crate::run::{Failure, clock, plan, tenants, unavailable};

pub(super) fn run(command: &List, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    output.no_annotations(
        "the result of `list` has no places to annotate",
        "`--format` is text, json, csv, markdown or html here",
    )?;
    let named = command.unmanaged.as_deref().unwrap_or_default();
    output.keep_inputs(&[], &settings::inputs(named, common, Some(&config)))?;
    if command.tenants.are_asked() {
        return of_tenants(command, common, &config, output);
    }
    let managed_by = match &command.unmanaged {
        None => None,
        Some(paths) => {
            let paths = settings::manifests(paths, &config)?;
            Some(plan::load(&paths, config.path.as_deref())?)
        }
    };
    let request = request(command);
    let service = settings::service(&common.service, &config)?;
    let (found, refused) = with_client(&service, output, async |client, stop| {
        check_sign_in(client, config.tenant_id.as_deref(), stop).await?;
        list::list(client, &request, managed_by.as_ref(), stop).await
    })?;
    let warnings = unavailable::warnings(&refused, "listed");
    output.diagnostics(&warnings, &Sources::default());
    let listing = Listing {
        tenants: vec![of_tenant(None, found, &refused)],
        missing: None,
    };
    print(&listing, output)?;
    list::check_complete(&refused)?;
    Ok(Exit::Success)
}

fn of_tenant(name: Option<String>, found: Inventory, refused: &[UnavailableKind]) -> OfTenant {
    OfTenant {
        name,
        found,
        unavailable: refused.iter().map(|list| list.kind.name()).collect(),
    }
}

fn print(listing: &Listing, output: &Output) -> Result<(), Failure> {
    let json = inventory::json(listing);
    match output.format {
        Format::Csv => output.print_data(|| inventory::csv(listing), &json),
        Format::Html => output.print_data(|| inventory::page(listing, &clock::now()), &json),
        _ => output.print_report(
            || inventory::text(listing, terminal::width()),
            |max_bytes| inventory::markdown(listing, max_bytes),
            &json,
        ),
    }
}

/// Lists the assignments of several tenants, with a column for the tenant.
fn of_tenants(
    command: &List,
    common: &Common,
    config: &Config,
    output: &Output,
) -> Result<Exit, Failure> {
    let named = command.unmanaged.as_deref().unwrap_or_default();
    let paths = settings::manifests(named, config)?;
    let loaded = plan::load_any(&paths, config.path.as_deref())?;
    let chosen = tenants::choose(&loaded.tenants, &command.tenants.asked())?;
    let chosen = chosen.unwrap_or_default();
    let managed_by = command.unmanaged.is_some().then_some(&loaded);
    let request = request(command);
    let host = Process::new(output, settings::service(&common.service, config)?);
    let found = until_stopped(output, async |stop| {
        let parallel = parallel(&command.tenants);
        Ok(list::list_tenants(&host, (&chosen, managed_by), &request, parallel, stop).await)
    })?;
    let exit = list::exit_of_tenants(&found);
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for (Tenant { name, .. }, listed) in chosen.into_iter().zip(found) {
        let (found, refused) = match listed {
            Ok(listed) => listed,
            Err(failure) => {
                output.note(&format!("tenant {name}:\n"));
                output.failure(&failure);
                missing.push(name);
                continue;
            }
        };
        for UnavailableKind { kind, reason, .. } in &refused {
            missing.push(format!("{kind} of {name}"));
            let reason = clean(reason);
            output.note(&format!("tenant {name}: no {kind} is listed: {reason}\n"));
        }
        all.push(of_tenant(Some(name), found, &refused));
    }
    let listing = Listing {
        tenants: all,
        missing: Some(missing),
    };
    print(&listing, output)?;
    Ok(exit)
}

fn request(command: &List) -> ListRequest {
    let subjects = [
        (SubjectKind::Group, &command.group, command.effective),
        (SubjectKind::User, &command.user, true),
        (SubjectKind::Device, &command.device, true),
    ];
    let mut asked = subjects.into_iter().filter_map(|(kind, name, effective)| {
        Some(AskedSubject {
            kind,
            name: name.clone()?,
            effective,
        })
    });
    ListRequest {
        selection: command.selection(),
        partial: command.selecting.selection(),
        subject: asked.next(),
        filter: command.filter.clone(),
        unassigned: command.unassigned,
    }
}
