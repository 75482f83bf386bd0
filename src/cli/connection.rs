//! From settings to a client: which transport, which token.

use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::progress::Progress;
use super::settings::{Endpoint, ServiceSettings, variable};
use crate::exit::Exit;
use crate::graph::address::{GraphUrl, secure_url};
use crate::graph::client::Client;
use crate::graph::pace::Pace;
use crate::graph::sign_in::{ClientSecret, ReadyToken, SignInError, TokenSource, Tokens};
use crate::graph::transport::{HttpTransport, InProcessTransport, Transport};
use crate::sandbox;

/// Builds the client.
pub(super) fn connect(
    settings: &ServiceSettings,
    progress: Progress,
    stop: &CancellationToken,
) -> Result<Arc<Client>, Failure> {
    let pace = Pace::new(settings.writes, settings.requests, settings.longest_wait);
    let (address, transport, source): (_, Box<dyn Transport>, Box<dyn TokenSource>) =
        match &settings.endpoint {
            Endpoint::Sandbox(file) => {
                let service = open_sandbox(file)?;
                let token = ReadyToken::new(&service.mint_token())?;
                (
                    GraphUrl::in_process(),
                    Box::new(InProcessTransport::new(service.router())),
                    Box::new(token),
                )
            }
            Endpoint::Graph(url) => {
                let address =
                    GraphUrl::parse(url).map_err(|error| Failure::usage(error.to_string()))?;
                let source = token_source(&address, settings)?;
                let transport = HttpTransport::new(&address).map_err(|error| {
                    Failure::new(Exit::Failure, format!("no HTTP client can be had: {error}"))
                        .hint("the machine needs CA certificates (package `ca-certificates`)")
                })?;
                (address, Box::new(transport), source)
            }
        };
    let client = Client::new(
        address,
        transport,
        Tokens::new(source),
        pace,
        Box::new(progress),
        fastrand::u64(..),
    );
    Ok(Arc::new(client.interrupted_by(stop.clone())))
}

/// Opens the emulator inside the process.
pub(super) fn open_sandbox(file: &std::path::Path) -> Result<sandbox::Service, Failure> {
    let (store, tenant) = sandbox::Store::open_or_sample(file)
        .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
    let machine = sandbox::Machine::new(tenant, "http://sandbox".to_owned());
    Ok(sandbox::Service::new(machine, Some(store)))
}

/// Finds the first sign-in that is configured.
fn token_source(
    address: &GraphUrl,
    settings: &ServiceSettings,
) -> Result<Box<dyn TokenSource>, Failure> {
    if let Some(token) = variable("ASSIGNCTL_ACCESS_TOKEN") {
        return Ok(Box::new(ReadyToken::new(&token)?));
    }
    let (Some(tenant_id), Some(client_id), Some(secret)) = (
        variable("AZURE_TENANT_ID").or_else(|| settings.tenant_id.clone()),
        variable("AZURE_CLIENT_ID"),
        variable("AZURE_CLIENT_SECRET"),
    ) else {
        return Err(SignInError::NotConfigured.into());
    };
    let cloud = settings.cloud;
    let authority = variable("AZURE_AUTHORITY_HOST").unwrap_or_else(|| cloud.authority.to_owned());
    let authority = secure_url(&authority)
        .map_err(|error| Failure::new(Exit::Refused, format!("`AZURE_AUTHORITY_HOST`: {error}")))?;
    Ok(Box::new(ClientSecret::new(
        tenant_id,
        client_id,
        SecretString::from(secret),
        authority,
        address.scope(cloud),
    )?))
}
