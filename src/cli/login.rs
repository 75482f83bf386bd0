//! `login` and `logout`: a person's sign-in.

use serde::Serialize;

use super::arguments::{Login, Logout};
use super::options::Common;
use super::output::Output;
use super::{settings, until_stopped};
use crate::exit::Exit;
use crate::graph::permissions::NEEDS;
use crate::render::clean::clean;
use crate::render::json::Json;
use crate::run::Failure;
use crate::run::login::{SignedIn, login, logout};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenant_id: Option<&'a str>,
    user: Option<&'a str>,
    app_id: Option<&'a str>,
    permissions: Vec<&'a str>,
    kept: bool,
}

pub(super) fn run(command: &Login, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let mut service = settings::service(&common.service, &config)?;
    let writes = NEEDS.iter().find(|need| need.name == "apply");
    let only = command.only.as_deref();
    service.login.writes = writes.is_some_and(|need| {
        let mut commands = need.commands.iter();
        commands.any(|command| Some(*command) == only)
    });
    service.login.kinds.clone_from(&command.kind);
    service.login.client_id = command.client_id.clone().or(service.login.client_id);
    let environment = settings::environment(&output.redactor);
    let done = until_stopped(output, async |stop| {
        login(&service, &environment, stop).await
    })?;
    let SignedIn { claims, kept } = &done;
    let record = Record {
        tenant_id: claims.tenant_id.as_deref(),
        user: claims.user.as_deref(),
        app_id: claims.app_id.as_deref(),
        permissions: claims.permissions.iter().map(String::as_str).collect(),
        kept: *kept,
    };
    output.print_plain(|| text(&done), &Json::new(&record))?;
    Ok(Exit::Success)
}

fn text(done: &SignedIn) -> String {
    let SignedIn { claims, kept } = done;
    let shown = |text: &Option<String>| match text {
        Some(text) => clean(text).into_owned(),
        None => "unknown".to_owned(),
    };
    let kept = match kept {
        true => "Commands use this sign-in from the system's keyring, until `assignctl logout`.",
        false => {
            "Nothing is kept: no keyring is available. Commands with `--auth login` ask again."
        }
    };
    format!(
        "Signed in to the tenant {} as {}.\n{kept}\n",
        shown(&claims.tenant_id),
        shown(&claims.user),
    )
}

pub(super) fn log_out(_logout: &Logout, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let service = settings::service(&common.service, &config)?;
    let environment = settings::environment(&output.redactor);
    let found = logout(&service, &environment)?;
    let text = match found {
        true => "Signed out.\n",
        false => "Not signed in.\n",
    };
    output.print_plain(
        || text.to_owned(),
        &Json::new(serde_json::json!({ "found": found })),
    )?;
    Ok(Exit::Success)
}
