//! What the arguments mean together with the environment and the configuration: flags win over
//! the environment, the environment over the file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::config::{self, Config};
use super::device_code::show_code;
use super::options::{Common, Guards, Service};
use super::reference;
use super::values::{CONCURRENCY, LONGEST_WAIT, near_cloud};
use crate::auth::Show;
use crate::ci::Platform;
use crate::graph::pace::{AppCeiling, PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use crate::graph::record::Recorder;
use crate::net::{CLOUDS, Cloud};
use crate::plan::guards::GuardRules;
use crate::redact::Redactor;
use crate::run::connect::{Endpoint, Environment, LoginSettings, ServiceSettings, TokenCache};
use crate::run::doctor::check_record;
use crate::run::tenants::Origin;
use crate::run::{CONFIGURATION_FILE, Failure};

/// Reads a variable; one that is set to nothing is not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the secrets that the environment holds.
pub(super) fn secrets() -> Redactor {
    let redactor = Redactor::default();
    for name in reference::secret_variables() {
        if let Some(value) = variable(name).map(SecretString::from) {
            redactor.remember(&format!("`{name}`"), &value);
        }
    }
    redactor
}

/// Returns where credentials come from.
pub(super) fn environment(redactor: &Arc<Redactor>) -> Environment {
    Environment {
        variable,
        secret_variables: reference::secret_variables(),
        redactor: Arc::clone(redactor),
        show: Show(Arc::new(show_code)),
    }
}

/// Reads the configuration.
pub(super) fn configuration(common: &Common) -> Result<Config, Failure> {
    config::load(common.config.as_deref())
}

/// Returns the manifests to read: those named, else those of the configuration.
pub(super) fn manifests(named: &[PathBuf], config: &Config) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    if !config.manifests.is_empty() {
        return Ok(config.manifests.clone());
    }
    Err(Failure::usage("no manifests are named").hint(format!(
        "name files or folders, or list them under `manifests` in `{CONFIGURATION_FILE}`"
    )))
}

/// Returns all that a run reads, so that none of it is written over.
pub(super) fn inputs(named: &[PathBuf], common: &Common, config: Option<&Config>) -> Vec<PathBuf> {
    let mut inputs = named.to_vec();
    inputs.extend(config.iter().flat_map(|config| config.manifests.clone()));
    inputs.extend(common.service.sandbox.iter().cloned());
    inputs.extend(variable("ASSIGNCTL_SANDBOX").map(PathBuf::from));
    let configuration = config.and_then(|config| config.path.as_ref());
    let configuration = configuration.or(common.config.as_ref()).cloned();
    inputs.push(configuration.unwrap_or_else(|| PathBuf::from(CONFIGURATION_FILE)));
    inputs
}

/// Settles how the service is talked to.
pub(super) fn service(arguments: &Service, config: &Config) -> Result<ServiceSettings, Failure> {
    let cloud = match &arguments.cloud {
        None => config.cloud.unwrap_or(&CLOUDS[0]),
        Some(name) => Cloud::from_name(name).ok_or_else(|| {
            Failure::usage(format!("unknown cloud `{name}`")).hint(near_cloud(name))
        })?,
    };
    let endpoint = match (&arguments.sandbox, &arguments.graph_url) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "`--sandbox` and `--graph-url` name two services; give one",
            ));
        }
        (Some(file), None) => Endpoint::Sandbox(file.clone()),
        (None, Some(url)) => Endpoint::Graph(url.clone()),
        (None, None) => match (
            variable("ASSIGNCTL_SANDBOX"),
            variable("ASSIGNCTL_GRAPH_URL"),
        ) {
            (Some(_), Some(_)) => {
                return Err(Failure::usage(
                    "`ASSIGNCTL_SANDBOX` and `ASSIGNCTL_GRAPH_URL` name two services; set one",
                ));
            }
            (Some(file), None) => Endpoint::Sandbox(file.into()),
            (None, url) => Endpoint::Graph(url.unwrap_or_else(|| cloud.graph_url())),
        },
    };
    let limits = &config.limits;
    let write_limit = arguments.write_limit.or(limits.write);
    let read_limit = arguments.read_limit.or(limits.read);
    let max_wait = arguments.max_wait.or(limits.max_wait);
    let concurrency = arguments.concurrency.or(limits.concurrency);
    Ok(ServiceSettings {
        ceiling: AppCeiling::default(),
        kept: TokenCache::default(),
        endpoint,
        cloud,
        auth: arguments.auth,
        tenant_id: config.tenant_id.clone(),
        expected_tenant: None,
        login: LoginSettings {
            client_id: config.client_id.clone(),
            writes: false,
            kinds: Vec::new(),
            keeps: variable("ASSIGNCTL_KEYRING").is_none_or(|word| word != "none"),
        },
        writes: write_limit.unwrap_or(PUBLISHED_WRITES),
        requests: read_limit.unwrap_or(PUBLISHED_REQUESTS),
        longest_wait: max_wait.unwrap_or(LONGEST_WAIT),
        concurrency: concurrency.unwrap_or(CONCURRENCY),
        recorder: arguments.record.as_deref().map(recorder).transpose()?,
    })
}

/// Begins a record of the exchanges.
fn recorder(path: &Path) -> Result<Arc<Recorder>, Failure> {
    check_record("--record", path)?;
    // Written directly, since it can happen at any point of the run. A closed stderr is ignored.
    let on_failure = |error: &io::Error| {
        let _ = writeln!(io::stderr(), "warning: the record is not complete: {error}");
    };
    let recorder = Recorder::into_file(path, on_failure).map(Arc::new);
    recorder.map_err(|error| Failure::unwritten(path, &error))
}

/// Says of which run the results are that begin now.
pub(super) fn origin(named: Option<&String>) -> Origin {
    let by_platform = || {
        let platform = *Platform::detect(&variable).first()?;
        variable(platform.run_variable())
    };
    Origin::now(named.cloned().or_else(by_platform))
}

/// Settles what is let through.
pub(super) fn guards(arguments: &Guards, config: &Config) -> GuardRules {
    let defaults = GuardRules::default();
    GuardRules {
        max_removals: arguments
            .max_removals
            .or(config.guards.max_removals)
            .unwrap_or(defaults.max_removals),
        max_policies: arguments
            .max_policies
            .or(config.guards.max_policies)
            .unwrap_or(defaults.max_policies),
        max_members_lost: arguments
            .max_members_lost
            .or(config.guards.max_members_lost),
        max_tenants: arguments.max_tenants.or(config.guards.max_tenants),
        accepted: arguments.allow.clone(),
        tenant_id: config.tenant_id.clone(),
    }
}
