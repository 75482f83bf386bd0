//! `list`: live assignments, for people, spreadsheets and programs.

use futures::StreamExt as _;

use super::arguments::List;
use super::config::Config;
use super::options::{Common, Format};
use super::output::Output;
use super::tenants::runs::parallel;
use super::{interrupt, runtime, settings, terminal};
use crate::diagnostic::Sources;
use crate::exit::Exit;
use crate::model::UnavailableKind;
use crate::plan::inventory::{Inventory, SubjectKind};
use crate::render::clean::clean;
use crate::render::inventory::{self, OfTenant};
use crate::render::json::Json;
use crate::run::connect::connect;
use crate::run::list::{self, AskedSubject, ListRequest};
use crate::run::reviewed::check_sign_in;
use crate::run::{Failure, clock, plan, tenants, unavailable};

pub(super) fn run(command: &List, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    if output.format == Format::Github {
        return Err(
            Failure::usage("the result of `list` has no places to annotate")
                .hint("`--format` is text, json, csv, markdown or html here"),
        );
    }
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
    let request = ListRequest {
        selection: command.selection(),
        partial: command.selecting.selection(),
        subject: subject(command),
        filter: command.filter.clone(),
        unassigned: command.unassigned,
        managed_by,
    };
    let service = settings::service(&common.service, &config)?;
    let (found, refused) = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let environment = settings::environment(&output.redactor);
        let client = connect(&service, &environment, output.observer(), &stop)?;
        check_sign_in(&client, config.tenant_id.as_deref(), &stop).await?;
        list::list(&client, &request, &stop).await
    })?;
    let warnings = unavailable::warnings(&refused, "listed");
    output.diagnostics(&warnings, &Sources::default());
    let kinds: Vec<&'static str> = refused.iter().map(|list| list.kind.name()).collect();
    let json = Json::new(inventory::record(&found, kinds.iter().copied()));
    match output.format {
        Format::Csv => output.print_data(|| inventory::csv(&found), &json)?,
        Format::Html => {
            output.print_data(|| inventory::page(&found, &clock::now(), &kinds), &json)?;
        }
        _ => output.print_report(
            || inventory::text(&found, terminal::width()),
            |max_bytes| inventory::markdown(&found, max_bytes),
            &json,
        )?,
    }
    let forbidden = refused.iter().filter(|list| list.is_forbidden);
    let forbidden: Vec<&'static str> = forbidden.map(|list| list.kind.name()).collect();
    if forbidden.is_empty() {
        return Ok(Exit::Success);
    }
    // What is missing must not read as "not assigned".
    Err(Failure::new(
        Exit::Refused,
        format!(
            "the list is not complete: {} could not be read",
            forbidden.join(", ")
        ),
    )
    .hint("name the kinds that can be read with `--kind`, or grant the permissions"))
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
    let service = settings::service(&common.service, config)?;
    let environment = settings::environment(&output.redactor);
    let progress = output.progress.tenants();
    progress.expect(chosen.len());
    let found = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let work = chosen.iter().map(|tenant| async {
            progress.begins(&tenant.name);
            let own = command
                .unmanaged
                .is_some()
                .then(|| loaded.of_tenant(&tenant.name));
            let request = ListRequest {
                selection: command.selection(),
                partial: command.selecting.selection(),
                subject: subject(command),
                filter: command.filter.clone(),
                unassigned: command.unassigned,
                managed_by: own.flatten(),
            };
            let listed = async {
                let service = tenants::service_of(&service, tenant)?;
                let observer = Box::new(progress.of(&tenant.name));
                let client = connect(&service, &environment, observer, &stop)?;
                check_sign_in(&client, config.tenant_id.as_deref(), &stop).await?;
                list::list(&client, &request, &stop).await
            };
            let listed = checked(listed.await, output);
            output.redactor.forget_tokens(&tenant.tenant_id);
            let state = match &listed {
                Ok((found, _)) => inventory::summary(found),
                Err(failure) => failure.message.clone(),
            };
            progress.ends(&tenant.name, &state, listed.is_err());
            (tenant.name.clone(), listed)
        });
        let work = futures::stream::iter(work).buffered(parallel(&command.tenants));
        work.collect::<Vec<_>>().await
    });
    progress.clear();
    let (mut all, mut exits, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (name, listed) in found {
        match listed {
            Ok((found, refused)) => {
                for UnavailableKind {
                    kind,
                    reason,
                    is_forbidden,
                } in &refused
                {
                    exits.extend(is_forbidden.then_some(Exit::Refused));
                    missing.push(format!("{kind} of {name}"));
                    output.note(&format!(
                        "tenant {name}: no {kind} is listed: {}\n",
                        clean(reason)
                    ));
                }
                all.push(OfTenant {
                    name,
                    found,
                    unavailable: refused.iter().map(|list| list.kind.name()).collect(),
                });
            }
            Err(failure) => {
                exits.push(failure.exit);
                output.note(&format!("tenant {name}:\n"));
                output.failure(&failure);
                missing.push(name);
            }
        }
    }
    let json = Json::new(inventory::record_of_tenants(&all, missing.is_empty()));
    match output.format {
        Format::Csv => output.print_data(|| inventory::csv_of_tenants(&all), &json)?,
        Format::Html => {
            let page = || inventory::page_of_tenants(&all, &clock::now(), &missing);
            output.print_data(page, &json)?;
        }
        _ => output.print_report(
            || inventory::text_of_tenants(&all, terminal::width()),
            |max_bytes| inventory::markdown_of_tenants(&all, max_bytes),
            &json,
        )?,
    }
    Ok(Exit::most_severe(exits))
}

type Found = (Inventory, Vec<UnavailableKind>);

/// Looks for secrets in what came of a tenant, whose tokens need not be known from then on.
fn checked(listed: Result<Found, Failure>, output: &Output) -> Result<Found, Failure> {
    match listed {
        Ok((found, refused)) => {
            output.checked(&Json::new(inventory::record(&found, std::iter::empty())))?;
            Ok((found, refused))
        }
        Err(failure) => Err(Failure {
            message: output.without_secrets_in(&failure.message).into_owned(),
            ..failure
        }),
    }
}

fn subject(command: &List) -> Option<AskedSubject> {
    let asked = [
        (SubjectKind::Group, &command.group, command.effective),
        (SubjectKind::User, &command.user, true),
        (SubjectKind::Device, &command.device, true),
    ];
    let mut asked = asked.into_iter().filter_map(|(kind, name, effective)| {
        Some(AskedSubject {
            kind,
            name: name.clone()?,
            effective,
        })
    });
    asked.next()
}
