//! `whoami`: signs in and tells what the token says of itself.

use secrecy::ExposeSecret as _;

use super::arguments::WhoAmI;
use super::connection::sign_in;
use super::failure::Failure;
use super::options::Common;
use super::output::Output;
use super::{interrupt, runtime, settings};
use crate::auth::claims::Claims;
use crate::exit::Exit;
use crate::graph::permissions::{NEEDS, Need};
use crate::plan::saved::FORMAT_VERSION;
use crate::render::identity::{self, Identity, NeedRecord};
use crate::render::json::Json;

pub(super) fn run(command: &WhoAmI, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let service = settings::service(&common.service, &config)?;
    let token = runtime()?.block_on(async {
        let stop = interrupt::watch();
        let source = sign_in(&service, output)?;
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Failure::interrupted()),
            token = source.fetch() => Ok(token?),
        }
    })?;
    let claims = Claims::read(token.secret.expose_secret());
    let needs: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| {
            command
                .only
                .as_ref()
                .is_none_or(|name| need.commands.contains(&name.as_str()))
        })
        .collect();
    let expires_at = claims
        .as_ref()
        .and_then(|claims| claims.expires_at)
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let expired = expires_at.is_some_and(|time| time <= jiff::Timestamp::now());
    let told = Identity {
        format_version: FORMAT_VERSION,
        tenant_id: token.tenant_id,
        app_id: claims.as_ref().and_then(|claims| claims.app_id.clone()),
        app_name: claims.as_ref().and_then(|claims| claims.app_name.clone()),
        user: claims.as_ref().and_then(|claims| claims.user.clone()),
        credential: match service.is_sandbox() {
            true => None,
            false => token.method.map(|method| method.name()),
        },
        expires_at: expires_at.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        expired,
        permissions: claims
            .as_ref()
            .map(|claims| claims.permissions.iter().cloned().collect()),
        needs: needs
            .iter()
            .map(|need| NeedRecord {
                commands: need.commands,
                missing: claims
                    .as_ref()
                    .map(|claims| need.missing(&claims.permissions)),
            })
            .collect(),
    };
    output.tell_plainly(|| identity::text(&told), &Json::new(&told))?;
    verdict(&told)
}

/// Judges what was told.
fn verdict(told: &Identity) -> Result<Exit, Failure> {
    if told.permissions.is_none() {
        return Err(Failure::new(
            Exit::Failure,
            "the token can't be read, so nobody knows what it permits",
        ));
    }
    if told.expired {
        return Err(Failure::new(Exit::Refused, "the token has run out"));
    }
    let lacking: Vec<&str> = told
        .needs
        .iter()
        .filter(|need| need.missing.as_ref().is_some_and(|names| !names.is_empty()))
        .flat_map(|need| need.commands.iter().copied())
        .collect();
    if lacking.is_empty() {
        return Ok(Exit::Success);
    }
    Err(Failure::new(
        Exit::Refused,
        format!("permissions are missing for {}", lacking.join(", ")),
    )
    .hint(
        "grant them to the app registration as application permissions, with admin consent; `--for plan` asks about plan, drift and export only",
    ))
}
