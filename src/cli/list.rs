//! `list`: live assignments, for people, spreadsheets and programs.

use super::arguments::List;
use super::options::{Common, Format};
use super::output::Output;
use super::{interrupt, runtime, settings};
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::exit::Exit;
use crate::plan::inventory::SubjectKind;
use crate::render::inventory;
use crate::render::json::Json;
use crate::run::connect::connect;
use crate::run::list::{self, AskedSubject, ListRequest};
use crate::run::{Failure, clock, plan};

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
    let managed_by = match &command.unmanaged {
        None => None,
        Some(paths) => {
            let paths = settings::manifests(paths, &config)?;
            Some(plan::load(&paths, config.path.as_deref())?)
        }
    };
    let request = ListRequest {
        selection: command.selection(),
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
        list::list(&client, &request, &stop).await
    })?;
    let warnings = refused.iter().map(|(kind, said)| {
        let message = format!("no {kind} is listed: {said}");
        Diagnostic::new(Severity::Warning, "kind-unavailable", None, message).hint(format!(
            "grant `{}` to the app registration",
            kind.spec().permissions.read()
        ))
    });
    let warnings: Vec<Diagnostic> = warnings.collect();
    output.diagnostics(&warnings, &Sources::default());
    let kinds: Vec<&'static str> = refused.iter().map(|(kind, _)| kind.name()).collect();
    let json = Json::new(inventory::record(&found, kinds.iter().copied()));
    match output.format {
        Format::Csv => output.print_data(|| inventory::csv(&found), &json)?,
        Format::Html => {
            output.print_data(|| inventory::page(&found, &clock::now(), &kinds), &json)?;
        }
        _ => output.print_report(
            || inventory::text(&found),
            |max_bytes| inventory::markdown(&found, max_bytes),
            &json,
        )?,
    }
    if found.complete {
        return Ok(Exit::Success);
    }
    // What is missing must not read as "not assigned".
    Err(Failure::new(
        Exit::Refused,
        format!(
            "the list is not complete: {} could not be read",
            kinds.join(", ")
        ),
    )
    .hint("name the kinds that may be read with `--kind`, or grant the permissions"))
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
