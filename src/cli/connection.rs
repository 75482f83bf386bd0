//! From settings to a client: which transport, which token.

use std::sync::Arc;

use assignctl_sandbox as sandbox;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::output::Output;
use super::reference;
use super::settings::{Endpoint, ServiceSettings, variable};
use crate::auth::{Choice, Fetching, StaticToken, TokenSource, Tokens, choose};
use crate::exit::Exit;
use crate::files;
use crate::graph::address::GraphUrl;
use crate::graph::client::Client;
use crate::graph::pace::Pace;
use crate::graph::transport::{HttpTransport, InProcessTransport, Transport};
use crate::redact::Redactor;

/// Builds the client.
pub(super) fn connect(
    settings: &ServiceSettings,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Arc<Client>, Failure> {
    let pace = Pace::new(settings.writes, settings.requests, settings.longest_wait);
    let (address, transport, source): (_, Box<dyn Transport>, Box<dyn TokenSource>) =
        match &settings.endpoint {
            Endpoint::Sandbox(file) => {
                let service = open_sandbox(file)?;
                let token = StaticToken::new(&service.mint_token())?;
                (
                    GraphUrl::in_process(),
                    Box::new(InProcessTransport::new(service.router())),
                    Box::new(token),
                )
            }
            Endpoint::Graph(url) => {
                let address =
                    GraphUrl::parse(url).map_err(|error| Failure::usage(error.to_string()))?;
                let source = token_source(&address, settings, output)?;
                let transport = HttpTransport::new(&address).map_err(|error| {
                    Failure::new(Exit::Failure, format!("cannot create an HTTP client: {error}"))
                        .hint("the machine needs CA certificates (package `ca-certificates`), or a file of them in `SSL_CERT_FILE`")
                })?;
                (address, Box::new(transport), source)
            }
        };
    let client = Client::new(
        address,
        transport,
        Tokens::new(source),
        pace,
        Box::new(output.progress.clone()),
        fastrand::u64(..),
    );
    Ok(Arc::new(client.interrupted_by(stop.clone())))
}

/// Opens the emulator inside the process.
pub(super) fn open_sandbox(file: &std::path::Path) -> Result<sandbox::Service, Failure> {
    // The store opens its file and a lock beside it, and knows no rule for links.
    let mut lock = file.as_os_str().to_owned();
    lock.push(sandbox::LOCK_SUFFIX);
    for path in [file, std::path::Path::new(&lock)] {
        files::refuse_link(path).map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("`{}` cannot be used: {error}", path.display()),
            )
        })?;
    }
    let (store, tenant) = sandbox::Store::open_or_sample(file)
        .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
    let machine = sandbox::Machine::new(tenant, "http://sandbox".to_owned());
    Ok(sandbox::Service::new(machine, Some(store)))
}

/// Finds where tokens come from, without a client.
pub(super) fn sign_in(
    settings: &ServiceSettings,
    output: &Output,
) -> Result<Box<dyn TokenSource>, Failure> {
    match &settings.endpoint {
        Endpoint::Sandbox(file) => {
            let service = open_sandbox(file)?;
            Ok(Box::new(StaticToken::new(&service.mint_token())?))
        }
        Endpoint::Graph(url) => {
            let address =
                GraphUrl::parse(url).map_err(|error| Failure::usage(error.to_string()))?;
            token_source(&address, settings, output)
        }
    }
}

/// Chooses how to sign in.
fn token_source(
    address: &GraphUrl,
    settings: &ServiceSettings,
    output: &Output,
) -> Result<Box<dyn TokenSource>, Failure> {
    let source = choose(&Choice {
        variable: &variable,
        picked: settings.auth,
        cloud: settings.cloud,
        scope: address.scope(settings.cloud),
        tenant_id: settings.tenant_id.clone(),
        secret_variables: reference::secret_variables(),
    })?;
    Ok(Box::new(Noted {
        source,
        redactor: Arc::clone(&output.redactor),
    }))
}

/// Makes every token known to what is printed.
struct Noted {
    source: Box<dyn TokenSource>,
    redactor: Arc<Redactor>,
}

impl TokenSource for Noted {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            let token = self.source.fetch().await?;
            self.redactor.remember("the access token", &token.secret);
            Ok(token)
        })
    }

    fn can_renew(&self) -> bool {
        self.source.can_renew()
    }
}
