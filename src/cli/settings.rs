//! What the arguments mean together with the environment and the configuration: flags win over
//! the environment, the environment over the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::config::{self, Config, Lint};
use super::device_code::show_code;
use super::options::{Common, CountMembers, Guards, MembersMode, Service};
use super::reference;
use super::values::{CONCURRENCY, LONGEST_WAIT, parse_duration, parse_limit};
use crate::auth::Show;
use crate::ci::Platform;
use crate::diagnostic::nearest;
use crate::graph::pace::{AppCeiling, PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use crate::graph::record::Recorder;
use crate::model::RateLimit;
use crate::net::{CLOUDS, Cloud};
use crate::plan::guards::{GuardRules, RemovalLimit};
use crate::plan::lints::CODES;
use crate::redact::Redactor;
use crate::run::connect::{Endpoint, Environment, KeptTokens, LoginSettings, ServiceSettings};
use crate::run::doctor::check_record;
use crate::run::members::{Counting, MembersRequest};
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

/// More side by side than any service takes.
const MOST_SIDE_BY_SIDE: usize = 1000;

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
    let configuration = config.and_then(|config| config.path.clone());
    inputs.push(
        configuration
            .or_else(|| common.config.clone())
            .unwrap_or_else(|| PathBuf::from(CONFIGURATION_FILE)),
    );
    inputs
}

/// Settles how the service is talked to.
pub(super) fn service(arguments: &Service, config: &Config) -> Result<ServiceSettings, Failure> {
    let cloud_name = arguments
        .cloud
        .clone()
        .or_else(|| config.cloud.clone())
        .unwrap_or_else(|| CLOUDS[0].name.to_owned());
    let cloud = Cloud::from_name(&cloud_name).ok_or_else(|| {
        let names: Vec<&str> = CLOUDS.iter().map(|cloud| cloud.name).collect();
        Failure::usage(format!("unknown cloud `{cloud_name}`")).hint(
            match nearest(&cloud_name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            },
        )
    })?;
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
    let limit = |flag: &Option<String>, file: &Option<String>, published: RateLimit| match flag
        .as_ref()
        .or(file.as_ref())
    {
        None => Ok(published),
        Some(text) => parse_limit(text).ok_or_else(|| {
            Failure::usage(format!("`{text}` is not a limit"))
                .hint("write a count and a window, like `100/20s`")
        }),
    };
    let wait = arguments
        .max_wait
        .as_ref()
        .or(config.limits.max_wait.as_ref());
    let longest_wait = match wait {
        None => LONGEST_WAIT,
        Some(text) => parse_duration(text).map_err(|error| {
            Failure::usage(format!("`{text}` is {error}"))
                .hint("write it like `90s`, `15m` or `1h30m`")
        })?,
    };
    let concurrency = arguments
        .concurrency
        .or(config.limits.concurrency)
        .unwrap_or(CONCURRENCY);
    if concurrency == 0 {
        return Err(Failure::usage("`--concurrency` must be at least 1"));
    }
    if concurrency > MOST_SIDE_BY_SIDE {
        return Err(Failure::usage(format!(
            "`--concurrency` must be at most {MOST_SIDE_BY_SIDE}"
        )));
    }
    let requests = limit(
        &arguments.read_limit,
        &config.limits.read,
        PUBLISHED_REQUESTS,
    )?;
    if requests.count < 2 {
        return Err(Failure::usage("`--read-limit` must be at least 2")
            .hint("a write and the look before it are two requests"));
    }
    Ok(ServiceSettings {
        ceiling: AppCeiling::default(),
        kept: KeptTokens::default(),
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
        writes: limit(
            &arguments.write_limit,
            &config.limits.write,
            PUBLISHED_WRITES,
        )?,
        requests,
        longest_wait,
        concurrency,
        recorder: arguments.record.as_deref().map(recorder).transpose()?,
    })
}

/// Begins a record of the exchanges.
fn recorder(path: &Path) -> Result<Arc<Recorder>, Failure> {
    check_record("--record", path)?;
    let recorder = Recorder::into_file(path).map_err(|error| Failure::unwritten(path, &error))?;
    Ok(Arc::new(recorder))
}

/// How many members may be read in all.
pub(super) const MEMBERS_LIMIT: u64 = 20_000;

/// Settles what is counted, and which warnings are given. Without `rules`, a saved plan has its own.
pub(super) fn members(
    arguments: &CountMembers,
    config: &Config,
    rules: Option<&GuardRules>,
) -> Result<MembersRequest, Failure> {
    let known = || CODES.iter().map(|(code, _)| *code);
    for code in config.lints.keys() {
        if !known().any(|known| known == code) {
            let near = nearest(code, known());
            return Err(Failure::usage(format!(
                "`lints` names `{code}`, which is not a warning about targets"
            ))
            .hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("they are {}", known().collect::<Vec<_>>().join(", ")),
            }));
        }
    }
    let modes = match arguments.members.as_slice() {
        [] => config.members.0.as_slice(),
        typed => typed,
    };
    let is_exact = modes.contains(&MembersMode::Exact);
    let reads = is_exact || rules.is_none_or(|rules| rules.max_members_lost.is_some());
    if arguments.members_limit.is_some() && !reads {
        return Err(Failure::usage(
            "`--members-limit` bounds what `--members exact` reads, and that is not asked for",
        )
        .hint("add `--members exact`, or leave `--members-limit` out"));
    }
    let off = config.lints.iter().filter(|(_, lint)| **lint == Lint::Off);
    Ok(MembersRequest {
        counting: match modes {
            [] => Counting::Off,
            _ if is_exact => Counting::Exact,
            _ => Counting::Counts,
        },
        filters: modes.contains(&MembersMode::Filters),
        limit: arguments.members_limit.unwrap_or(MEMBERS_LIMIT),
        lint_all: arguments.lint.is_some(),
        off: off.map(|(code, _)| code.clone()).collect(),
    })
}

/// Says of which run the results are that begin now.
pub(super) fn origin(named: Option<&String>) -> Origin {
    let by_platform = || {
        let platform = Platform::detect(&variable)?;
        variable(platform.run_variable())
    };
    Origin::now(named.cloned().or_else(by_platform))
}

/// Settles what is let through.
pub(super) fn guards(arguments: &Guards, config: &Config) -> Result<GuardRules, Failure> {
    let defaults = GuardRules::default();
    let configured = match &config.guards.max_removals {
        None => None,
        Some(text) => Some(RemovalLimit::parse(text).ok_or_else(|| {
            Failure::usage(format!("`guards.maxRemovals: {text}` is not a limit"))
                .hint("write a number like `40` or a share like `25%`")
        })?),
    };
    Ok(GuardRules {
        max_removals: arguments
            .max_removals
            .or(configured)
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
    })
}
