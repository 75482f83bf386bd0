//! From settings to a client: which transport, which token.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assignctl_sandbox as sandbox;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::inputs::{FileKind, other_kind};
use crate::auth::{
    CachedToken, Choice, ExpectedTenant, Method, People, Show, SignInError, StaticToken, Token,
    TokenSource, Tokens, choose,
};
use crate::files;
use crate::graph::address::GraphUrl;
use crate::graph::client::Client;
use crate::graph::observe::Observe;
use crate::graph::pace::{AppCeiling, Pace};
use crate::graph::permissions::delegated;
use crate::graph::record::{Recorder, Recording};
use crate::graph::transport::{HttpTransport, InProcessTransport, Transport};
use crate::model::{PolicyKind, RateLimit};
use crate::net::Cloud;
use crate::redact::Redactor;

/// The most that is read of a tenant in a file.
const LARGEST_TENANT: u64 = 1 << 30;

/// Where the service is.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// The emulator inside the process.
    Sandbox(PathBuf),
    /// The emulator inside the process, with a copy of the tenant in a file that is not written.
    Copy(PathBuf),
    /// A Graph URL.
    Graph(String),
}

/// How the service is talked to.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The cloud that tokens are for.
    pub cloud: &'static Cloud,
    /// How to sign in, if that was said.
    pub auth: Option<Method>,
    /// The tenant to sign in to if the environment names none.
    pub tenant_id: Option<String>,
    /// The tenant that manifests name, if they do.
    pub expected_tenant: Option<ExpectedTenant>,
    /// How people sign in.
    pub login: LoginSettings,
    /// The limit of write requests.
    pub writes: RateLimit,
    /// The limit of all requests.
    pub requests: RateLimit,
    /// The longest wait to accept from the service.
    pub longest_wait: Duration,
    /// How many policies are processed in parallel.
    pub concurrency: usize,
    /// What all tenants of a run have together.
    pub ceiling: AppCeiling,
    /// The tokens of the tenants that manifests name.
    pub kept: TokenCache,
    /// What keeps a record of the exchanges, if there is to be one.
    pub recorder: Option<Arc<Recorder>>,
}

/// The newest token of each tenant: one is planned for, and later connected to again to be written to, which takes
/// no second sign-in.
#[derive(Clone, Debug, Default)]
pub struct TokenCache(Arc<Mutex<HashMap<Own, CachedToken>>>);

/// A tenant, by its id or domain, with the app registration if it has one of its own.
type Own = (String, Option<String>);

impl TokenCache {
    fn keep(&self, own: Own, token: &Token) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(own, CachedToken::of(token));
    }

    fn current(&self, own: &Own) -> Option<Token> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(own).and_then(CachedToken::token)
    }
}

/// How people sign in.
#[derive(Clone, Debug, Default)]
pub struct LoginSettings {
    /// The application, if one is named.
    pub client_id: Option<String>,
    /// Whether what they are asked for lets them write.
    pub writes: bool,
    /// The kinds that they are asked for; all, if there are none.
    pub kinds: Vec<PolicyKind>,
    /// Whether the system's keyring is used.
    pub keeps: bool,
}

impl ServiceSettings {
    /// Whether the service is the emulator inside the process.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        matches!(self.endpoint, Endpoint::Sandbox(_) | Endpoint::Copy(_))
    }
}

/// Where credentials come from, and where they are remembered so that they are never printed.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Reads a variable; one that is set to nothing is not set.
    pub variable: fn(&str) -> Option<String>,
    /// The variables that hold secrets, which other programs do not get.
    pub secret_variables: Vec<&'static str>,
    /// The secrets of the run.
    pub redactor: Arc<Redactor>,
    /// Shows a person how to sign in.
    pub show: Show,
}

/// The variables that say that a pipeline runs this process.
const PIPELINES: [&str; 6] = [
    "GITHUB_ACTIONS",
    "TF_BUILD",
    "GITLAB_CI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "CI",
];

/// Returns the variable that says that a pipeline runs this process.
fn pipeline(variable: fn(&str) -> Option<String>) -> Option<&'static str> {
    // Some say `1`, and Jenkins and TeamCity an address or a version.
    let is_set = |name: &&str| {
        variable(name).is_some_and(|value| {
            let value = value.trim().to_ascii_lowercase();
            !matches!(value.as_str(), "" | "0" | "false")
        })
    };
    PIPELINES.into_iter().find(is_set)
}

/// Builds the client.
///
/// # Errors
///
/// Says what is missing to talk to the service.
pub fn connect(
    settings: &ServiceSettings,
    environment: &Environment,
    observer: Box<dyn Observe>,
    stop: &CancellationToken,
) -> Result<Arc<Client>, Failure> {
    let pace = Pace::new(settings.writes, settings.requests, settings.longest_wait)
        .below(settings.ceiling.clone());
    let (address, transport, tokens): (_, Box<dyn Transport>, _) = match &settings.endpoint {
        Endpoint::Sandbox(file) | Endpoint::Copy(file) => {
            let service = open(&settings.endpoint, file)?;
            let token = StaticToken::new(&service.mint_token())?;
            (
                GraphUrl::in_process(),
                Box::new(InProcessTransport::new(service.router())),
                Tokens::new(Box::new(token)),
            )
        }
        Endpoint::Graph(url) => {
            let address = graph_url(url)?;
            let source = token_source(&address, settings, environment)?;
            let transport = HttpTransport::new(&address).map_err(|error| {
                    Failure::other(format!("cannot create an HTTP client: {error}"))
                        .hint("the machine needs CA certificates (package `ca-certificates`), or a file of them in `SSL_CERT_FILE`")
                })?;
            let tokens = Tokens::new(source).checked_for(address.url().clone());
            (address, Box::new(transport), tokens)
        }
    };
    let transport = match &settings.recorder {
        Some(recorder) => Box::new(Recording::new(transport, Arc::clone(recorder))),
        None => transport,
    };
    let client = Client::new(
        address,
        transport,
        tokens,
        pace,
        observer,
        fastrand::u64(..),
    );
    Ok(Arc::new(client.interrupted_by(stop.clone())))
}

/// Opens the emulator inside the process.
///
/// # Errors
///
/// Says why its file cannot be used.
pub fn open_sandbox(file: &Path) -> Result<sandbox::Service, Failure> {
    // The store opens its file and a lock beside it, and knows no rule for links.
    let mut lock = file.as_os_str().to_owned();
    lock.push(sandbox::LOCK_SUFFIX);
    for path in [file, Path::new(&lock)] {
        files::refuse_link(path).map_err(|error| {
            Failure::other(format!("`{}` cannot be used: {error}", path.display()))
        })?;
    }
    if let Some(folder) = file.parent()
        && !folder.as_os_str().is_empty()
        && !folder.exists()
    {
        let message = format!(
            "sandbox file `{}` cannot be created: folder `{}` does not exist",
            file.display(),
            folder.display()
        );
        return Err(
            Failure::other(message).hint("create the folder, or use a file in one that exists")
        );
    }
    let (store, tenant) = sandbox::Store::open_or_sample(file).map_err(|error| {
        other_kind(file, &[FileKind::Tenant], "a sandbox's tenant")
            .unwrap_or_else(|| not_a_tenant(file, &error))
    })?;
    let machine = sandbox::Machine::new(tenant, "http://sandbox".to_owned());
    Ok(sandbox::Service::new(machine, Some(store)))
}

/// What files with a tenant are.
const TENANT_FILES: &str =
    "use a file that `export --snapshot` wrote, or one that a run with `--sandbox` left";

/// Says why a file is of no use as a tenant, and where.
fn not_a_tenant(file: &Path, error: &sandbox::StateError) -> Failure {
    let message = match error {
        sandbox::StateError::Content {
            path: _,
            line,
            column,
            message,
        } => {
            let place = match line {
                0 => String::new(),
                _ => format!("line {line}, column {column}: "),
            };
            format!("`{}` is not a tenant: {place}{message}", file.display())
        }
        sandbox::StateError::Locked { .. } => {
            return Failure::other(error.to_string())
                .hint("wait until it has ended, or use another file");
        }
        sandbox::StateError::Io { .. } => error.to_string(),
    };
    Failure::other(message).hint(TENANT_FILES)
}

fn open(endpoint: &Endpoint, file: &Path) -> Result<sandbox::Service, Failure> {
    if !matches!(endpoint, Endpoint::Copy(_)) {
        return open_sandbox(file);
    }
    let other = || {
        let expected = "a snapshot or a sandbox's tenant";
        other_kind(file, &[FileKind::Tenant], expected)
    };
    let text = files::read_text(file, LARGEST_TENANT).map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", file.display());
        let failure = || Failure::other(message).hint(TENANT_FILES);
        other().unwrap_or_else(failure)
    })?;
    let tenant = sandbox::Tenant::from_json(&text)
        .map_err(|error| other().unwrap_or_else(|| not_a_tenant(file, &error)))?;
    let machine = sandbox::Machine::new(tenant, "http://sandbox".to_owned());
    Ok(sandbox::Service::new(machine, None))
}

/// Finds where tokens come from, without a client.
pub(super) fn sign_in(
    settings: &ServiceSettings,
    environment: &Environment,
) -> Result<Box<dyn TokenSource>, Failure> {
    match &settings.endpoint {
        Endpoint::Sandbox(file) | Endpoint::Copy(file) => {
            let service = open(&settings.endpoint, file)?;
            Ok(Box::new(StaticToken::new(&service.mint_token())?))
        }
        Endpoint::Graph(url) => {
            let address = graph_url(url)?;
            token_source(&address, settings, environment)
        }
    }
}

/// Reads the address of Graph.
pub(super) fn graph_url(url: &str) -> Result<GraphUrl, Failure> {
    GraphUrl::parse(url).map_err(|error| {
        Failure::usage(error.to_string()).hint(
            "`--graph-url` takes an address such as `https://graph.microsoft.com/beta`; for a national cloud `--cloud` alone is enough",
        )
    })
}

/// Chooses how to sign in.
fn token_source(
    address: &GraphUrl,
    settings: &ServiceSettings,
    environment: &Environment,
) -> Result<Box<dyn TokenSource>, Failure> {
    let source = choose(&choice(address, settings, environment))?;
    let own = settings.expected_tenant.clone();
    Ok(Box::new(Noted {
        source,
        redactor: Arc::clone(&environment.redactor),
        own: own.map(|own| (own.tenant_id, own.client_id)),
        kept: settings.kept.clone(),
        has_fetched: AtomicBool::new(false),
    }))
}

/// Says what a sign-in is chosen by.
pub(super) fn choice<'e>(
    address: &GraphUrl,
    settings: &ServiceSettings,
    environment: &'e Environment,
) -> Choice<'e> {
    let scope = address.scope(settings.cloud);
    let login = &settings.login;
    let graph = scope.trim_end_matches(".default");
    let scopes = delegated(&login.kinds, login.writes).into_iter();
    let scopes = scopes.map(|name| format!("{graph}{name}")).collect();
    Choice {
        variable: &environment.variable,
        picked: settings.auth,
        cloud: settings.cloud,
        tenant_id: settings.tenant_id.clone(),
        expected_tenant: settings.expected_tenant.clone(),
        secret_variables: environment.secret_variables.clone(),
        people: People {
            client_id: login.client_id.clone(),
            scopes,
            pipeline: pipeline(environment.variable),
            keeps: login.keeps,
            show: environment.show.clone(),
        },
        scope,
    }
}

/// Makes every token known to what is printed.
struct Noted {
    source: Box<dyn TokenSource>,
    redactor: Arc<Redactor>,
    /// The tenant that they are for, if manifests name it.
    own: Option<Own>,
    kept: TokenCache,
    /// Whether a token was asked for before: then it is another one that is wanted.
    has_fetched: AtomicBool,
}

#[async_trait::async_trait]
impl TokenSource for Noted {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let is_first = !self.has_fetched.swap(true, Ordering::Relaxed);
        let own = self.own.as_ref();
        let known = own
            .filter(|_| is_first)
            .and_then(|own| self.kept.current(own));
        let token = match known {
            Some(token) => token,
            None => self.source.fetch().await?,
        };
        if let Some(own) = own {
            self.kept.keep(own.clone(), &token);
        }
        let tenant = own.map(|(tenant_id, _)| tenant_id.as_str());
        self.redactor.remember_token(&token.redactor, tenant);
        Ok(token)
    }

    fn can_renew(&self) -> bool {
        self.source.can_renew()
    }
}
