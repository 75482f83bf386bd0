//! `whoami`: signs in and reads what the token says of itself.

use tokio_util::sync::CancellationToken;

use super::connect::{Endpoint, Environment, ServiceSettings, graph_url, sign_in};
use super::{Failure, unless_stopped};
use crate::auth::SignInError;
use crate::auth::claims::UnusableToken;
use crate::exit::Exit;
use crate::graph::permissions::{NEEDS, Need, by_family};
use crate::model::PolicyKind;
use crate::plan::saved::FORMAT_VERSION;
use crate::render::identity::{FamilyRecord, Identity, NeedRecord};

/// Signs in, and returns who that is and what is permitted, for one command and some kinds only if they are named; and
/// whether the token is one for Graph and for now.
///
/// # Errors
///
/// Returned if no token is available.
pub async fn whoami(
    service: &ServiceSettings,
    environment: &Environment,
    command: Option<&str>,
    kinds: &[PolicyKind],
    stop: &CancellationToken,
) -> Result<(Identity, Result<(), UnusableToken>), Failure> {
    let source = sign_in(service, environment)?;
    let token = unless_stopped(stop, async { Ok(source.fetch().await?) }).await?;
    let claims = token.claims.as_deref();
    let fit = match (claims, &service.endpoint) {
        (Some(claims), Endpoint::Graph(url)) => {
            let graph = graph_url(url)?;
            claims.check(graph.url(), jiff::Timestamp::now())
        }
        _ => Ok(()),
    };
    let is_asked = |need: &&Need| command.is_none_or(|name| need.commands.contains(&name));
    let expires_at = claims
        .and_then(|claims| claims.expires_at)
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let expired = expires_at.is_some_and(|time| time <= jiff::Timestamp::now());
    let identity = Identity {
        format_version: FORMAT_VERSION,
        tenant_id: token.tenant_id,
        app_id: claims.and_then(|claims| claims.app_id.clone()),
        app_name: claims.and_then(|claims| claims.app_name.clone()),
        user: claims.and_then(|claims| claims.user.clone()),
        credential: match service.is_sandbox() {
            true => None,
            false => token.method.map(|method| method.name()),
        },
        expires_at: expires_at.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        expired,
        permissions: claims.map(|claims| claims.permissions.iter().cloned().collect()),
        needs: NEEDS
            .iter()
            .filter(is_asked)
            .map(|need| NeedRecord {
                commands: need.commands,
                missing: claims.map(|claims| need.missing_for(&claims.permissions, kinds)),
            })
            .collect(),
        kinds: claims.map(|claims| {
            let families = by_family(&claims.permissions, kinds).into_iter();
            let records = families.map(|family| FamilyRecord {
                permission: family.permissions.read(),
                kinds: family.kinds.into_iter().map(PolicyKind::name).collect(),
                read: family.read,
                write: family.write,
            });
            records.collect()
        }),
    };
    Ok((identity, fit))
}

/// Judges whether the sign-in will do.
///
/// # Errors
///
/// Says what is missing.
pub fn verdict(identity: &Identity, fit: Result<(), UnusableToken>) -> Result<Exit, Failure> {
    if identity.permissions.is_none() {
        return Err(Failure::other(
            "the token cannot be read, so its permissions are unknown",
        ));
    }
    fit.map_err(SignInError::from)?;
    let lacking: Vec<&str> = identity
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
    .hint(match identity.user.is_some() {
        true => "sign in with `assignctl login --for apply`; `--for plan` asks about plan, drift and export only",
        false => "grant them to the app registration as application permissions, with admin consent; `--for plan` asks about plan, drift and export only",
    }))
}
