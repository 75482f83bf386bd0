//! `login` and `logout`: a person's sign-in, kept for the commands that follow.

use tokio_util::sync::CancellationToken;

use super::connect::{Endpoint, Environment, ServiceSettings, choice, graph_url};
use super::{Failure, unless_stopped};
use crate::auth::claims::Claims;
use crate::auth::{LoginChoice, Method, SignInError};
use crate::graph::address::GraphUrl;

/// Who signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// What the token says; nothing if it cannot be read.
    pub claims: Claims,
    /// Whether the sign-in is kept.
    pub kept: bool,
}

/// Lets a person sign in.
///
/// # Errors
///
/// Says why that failed.
pub async fn login(
    service: &ServiceSettings,
    environment: &Environment,
    stop: &CancellationToken,
) -> Result<SignedIn, Failure> {
    if let Some(other) = service.auth.filter(|method| *method != Method::Login) {
        return Err(Failure::usage(format!(
            "`login` signs a person in with a browser, and `--auth {}` asks for a different way",
            other.name()
        ))
        .hint("leave `--auth` (and `ASSIGNCTL_AUTH`) out; that way needs no `login`"));
    }
    let (graph, choice) = of(service, environment)?;
    let done = unless_stopped(stop, async { Ok(choice.log_in().await?) }).await?;
    environment
        .redactor
        .remember_token(&done.token.redactor, None);
    let claims = done.token.claims.as_deref().cloned().unwrap_or_default();
    let fit = claims.check(graph.url(), jiff::Timestamp::now());
    fit.map_err(SignInError::from)?;
    Ok(SignedIn {
        claims,
        kept: done.kept,
    })
}

/// Forgets a person's sign-in; says whether there was one.
///
/// # Errors
///
/// There is nothing to sign in to, or the keyring does not say that it is gone.
pub fn logout(service: &ServiceSettings, environment: &Environment) -> Result<bool, Failure> {
    Ok(of(service, environment)?.1.log_out()?)
}

fn of(
    service: &ServiceSettings,
    environment: &Environment,
) -> Result<(GraphUrl, LoginChoice), Failure> {
    let Endpoint::Graph(url) = &service.endpoint else {
        return Err(Failure::usage("the sandbox needs no sign-in")
            .hint("leave `--sandbox` out to sign in to a tenant"));
    };
    let graph = graph_url(url)?;
    let choice = choice(&graph, service, environment).login()?;
    Ok((graph, choice))
}
