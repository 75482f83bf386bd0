//! Every setting there is: its key in `assignctl.yaml`, its variable, its option, and what it means.
//!
//! `help environment` prints the variables, and `docs/configuration.md` holds the whole table, which is made from here.
//! Tests hold the keys of the configuration and the options to it.

use std::fmt::Write as _;

use super::values::{CONCURRENCY, LONGEST_WAIT};
use crate::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use crate::model::RateLimit;
use crate::net::CLOUDS;
use crate::plan::guards::GuardRules;

/// A setting and the places where it can be made.
#[derive(Clone, Debug, Default)]
struct Setting {
    /// Its key in the configuration, with a dot between levels.
    key: &'static str,
    /// Its environment variable.
    variable: &'static str,
    /// Its option on the command line.
    option: &'static str,
    /// The default.
    default: String,
    /// What it means.
    meaning: &'static str,
    /// Whether its value is a secret: it is never printed, and other programs do not get it.
    is_secret: bool,
}

fn settings() -> Vec<Setting> {
    let guards = GuardRules::default();
    let setting = |key, option, default: String, meaning| Setting {
        key,
        option,
        default,
        meaning,
        ..Setting::default()
    };
    let variable = |variable, meaning| Setting {
        variable,
        meaning,
        ..Setting::default()
    };
    let secret = |name, meaning| Setting {
        is_secret: true,
        ..variable(name, meaning)
    };
    vec![
        setting(
            "tenantId",
            "",
            String::new(),
            "the id of the tenant that every run must sign in to; guard `tenant` refuses any other, in every command but `whoami` and `doctor` without `--try-writes`",
        ),
        setting(
            "cloud",
            "--cloud",
            CLOUDS[0].name.to_owned(),
            "national cloud: `public`, `usgov`, `usgov-dod` or `china`",
        ),
        setting(
            "clientId",
            "--client-id",
            String::new(),
            "application that people sign in to with `login`; Microsoft Graph Command Line Tools if not set",
        ),
        Setting {
            option: "--graph-url",
            default: "the cloud's".to_owned(),
            ..variable(
                "ASSIGNCTL_GRAPH_URL",
                "Graph URL with its version, without user or query; https, or http to a loopback address",
            )
        },
        setting(
            "manifests",
            "",
            String::new(),
            "manifests for commands that name none; below the configuration file's folder",
        ),
        setting(
            "limits.write",
            "--write-limit",
            limit(PUBLISHED_WRITES),
            "limit for write requests, as count/window",
        ),
        setting(
            "limits.read",
            "--read-limit",
            limit(PUBLISHED_REQUESTS),
            "limit for all requests, as count/window",
        ),
        setting(
            "limits.maxWait",
            "--max-wait",
            format!("{}m", LONGEST_WAIT.as_secs() / 60),
            "longest wait to accept from the service",
        ),
        setting(
            "limits.concurrency",
            "--concurrency",
            CONCURRENCY.to_string(),
            "how many policies are processed in parallel",
        ),
        setting(
            "guards.maxRemovals",
            "--max-removals",
            guards.max_removals.to_string(),
            "limit of the guard `removals`, a number or a percentage",
        ),
        setting(
            "guards.maxPolicies",
            "--max-policies",
            guards.max_policies.to_string(),
            "limit of the guard `policies`",
        ),
        setting(
            "guards.maxMembersLost",
            "--max-members-lost",
            String::new(),
            "limit of the guard `reach`: how many devices and users one policy may lose; off unless set",
        ),
        setting(
            "guards.maxTenants",
            "--max-tenants",
            String::new(),
            "limit of the guard `tenants`: how many tenants may change in one run; off unless set",
        ),
        setting(
            "members",
            "--members",
            String::new(),
            "what is counted of the devices and users of targets: `true` or `counts`, `exact`, `filters`, several with commas, or `false`",
        ),
        setting(
            "lints",
            "",
            String::new(),
            "warnings about risky targets, each `on` or `off`: `{mixed-group: off}`",
        ),
        secret("ASSIGNCTL_ACCESS_TOKEN", "a bearer token; not renewed"),
        variable(
            "AZURE_TENANT_ID",
            "tenant to sign in to; `tenantId` where it is not set",
        ),
        variable(
            "AZURE_CLIENT_ID",
            "application to sign in as, or user-assigned managed identity",
        ),
        secret("AZURE_CLIENT_SECRET", "the application's secret"),
        variable(
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "the application's certificate with its private key, as PEM or PFX",
        ),
        secret(
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "the password of that file",
        ),
        variable(
            "AZURE_FEDERATED_TOKEN_FILE",
            "a file with the application's federated token; read again at each renewal",
        ),
        variable(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "set by GitHub for jobs with the permission `id-token: write`",
        ),
        secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "likewise"),
        variable("SYSTEM_OIDCREQUESTURI", "set by Azure DevOps"),
        secret(
            "SYSTEM_ACCESSTOKEN",
            "the job's token in Azure DevOps; map it with `$(System.AccessToken)`",
        ),
        secret(
            "GITHUB_TOKEN",
            "with `--ci github`: the job's token; map it with `${{ github.token }}`",
        ),
        secret("GH_TOKEN", "the same, where `GITHUB_TOKEN` is not set"),
        secret(
            "GITLAB_TOKEN",
            "with `--ci gitlab`: a project access token with the scope `api`",
        ),
        variable(
            "ASSIGNCTL_WORK_ITEM_TYPE",
            "with `--ci azure-devops`: type of the work item about drift, `Issue` if not set",
        ),
        variable(
            "AZURE_SERVICE_CONNECTION_ID",
            "the service connection in Azure DevOps",
        ),
        variable(
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            "the same, set by the `AzureCLI` task; takes precedence",
        ),
        variable(
            "IDENTITY_ENDPOINT",
            "set by App Service and Container Apps with a managed identity",
        ),
        secret("IDENTITY_HEADER", "likewise"),
        variable(
            "MSI_ENDPOINT",
            "set by platforms whose managed identities are not supported",
        ),
        variable(
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
            "replaces the address of the managed-identity metadata service, `http://169.254.169.254`",
        ),
        variable(
            "AZURE_AUTHORITY_HOST",
            "sign-in host in place of the cloud's, without a path; https, or http to a loopback address",
        ),
        Setting {
            option: "--color",
            ..variable("NO_COLOR", "no colours, if set to anything")
        },
        Setting {
            option: "--color",
            ..variable(
                "CLICOLOR_FORCE",
                "colours even without a terminal, if set to anything but `0`",
            )
        },
        variable(
            "ASSIGNCTL_KEYRING",
            "`none`: the sign-in of `login` is not kept in the system's keyring",
        ),
        variable("HTTPS_PROXY", "proxy for https, as `http://host:port`"),
        variable("ALL_PROXY", "the same, where `HTTPS_PROXY` is not set"),
        variable(
            "NO_PROXY",
            "comma-separated hosts that are reached without the proxy",
        ),
        variable(
            "SSL_CERT_FILE",
            "certificates of the authorities to trust in place of the system's, as PEM",
        ),
        variable("SSL_CERT_DIR", "a folder of such files (Linux)"),
    ]
}

fn limit(limit: RateLimit) -> String {
    format!("{}/{}s", limit.count, limit.window.as_secs())
}

/// Returns the names of the variables that hold secrets.
pub(super) fn secret_variables() -> Vec<&'static str> {
    let settings = settings().into_iter();
    settings
        .filter(|setting| setting.is_secret)
        .map(|setting| setting.variable)
        .collect()
}

/// Returns the variables for `help environment`.
pub(super) fn variables() -> String {
    /// Behind longer names, what they mean is on a line of its own.
    const WIDTH: usize = 24;
    let mut text = "Environment:\n".to_owned();
    for setting in settings() {
        let (name, meaning) = (setting.variable, setting.meaning);
        let _ = match name.len() {
            0 => continue,
            1..WIDTH => writeln!(text, "  {name:<WIDTH$}{meaning}"),
            _ => writeln!(text, "  {name}\n  {:WIDTH$}{meaning}", ""),
        };
    }
    text.push_str(
        "\nEvery option can also be set by a variable: `ASSIGNCTL_` and its name in capitals, with `_` for `-`\n\
         (`ASSIGNCTL_FORMAT=json`, `ASSIGNCTL_NO_PROGRESS=1`). An empty one counts as not set.\n\
         Options override the environment, which overrides `assignctl.yaml`.\n",
    );
    text
}

/// Returns the table of `docs/configuration.md`.
pub fn table() -> String {
    let cell = |text: &str| match text {
        "" => String::new(),
        text => format!("`{text}`"),
    };
    let mut table =
        "| `assignctl.yaml` | environment | option | default | meaning |\n|---|---|---|---|---|\n"
            .to_owned();
    for setting in settings() {
        let default = match setting.default.as_str() {
            text if text.contains(' ') => text.to_owned(),
            text => cell(text),
        };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {default} | {} |",
            cell(setting.key),
            cell(setting.variable),
            cell(setting.option),
            setting.meaning
        );
    }
    while table.contains("|  |") {
        table = table.replace("|  |", "| |");
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::arguments::Arguments;
    use super::super::config::Config;
    use super::*;

    const BEGIN: &str = "<!-- made from src/cli/reference.rs -->\n";
    const END: &str = "<!-- end -->\n";

    #[test]
    fn the_page_has_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        let page = std::fs::read_to_string(&path).expect("the page");
        let (before, rest) = page.split_once(BEGIN).expect("a beginning");
        let (_, after) = rest.split_once(END).expect("an end");
        let made = format!("{before}{BEGIN}{}{END}{after}", table());
        let kept = snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw();
        snapbox::Assert::new()
            .action_env("SNAPSHOTS")
            .eq(made, kept);
    }

    /// Returns the keys that a mapping of the configuration takes; `None` if it is no mapping.
    fn keys_below(path: &str) -> Vec<&'static str> {
        let text = match path {
            "" => "unknown: 1".to_owned(),
            path => format!("{path}: {{unknown: 1}}"),
        };
        match serde_saphyr::from_str::<Config>(&text) {
            Err(error) => match error.without_snippet() {
                serde_saphyr::Error::SerdeUnknownField { expected, .. } => expected.clone(),
                _ => Vec::new(),
            },
            Ok(_) => panic!("`unknown` is no key"),
        }
    }

    #[test]
    fn every_key_of_the_configuration_is_there_and_no_other() {
        let mut keys = BTreeSet::new();
        for key in keys_below("") {
            let below = keys_below(key);
            if below.is_empty() {
                keys.insert(key.to_owned());
            }
            keys.extend(below.into_iter().map(|inner| format!("{key}.{inner}")));
        }
        let settings = settings();
        let known = settings.iter().map(|setting| setting.key);
        let known: BTreeSet<String> = known
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        assert_eq!(known, keys);
    }

    #[test]
    fn options_exist_and_tell_the_same_default() {
        let command = Arguments::tree();
        let commands = std::iter::once(&command).chain(command.get_subcommands());
        let help: Vec<(String, String)> = commands
            .flat_map(clap::Command::get_arguments)
            .filter_map(|option| {
                let help = option
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                Some((format!("--{}", option.get_long()?), help))
            })
            .collect();
        for setting in settings() {
            if setting.option.is_empty() {
                continue;
            }
            let all: Vec<&String> = help
                .iter()
                .filter(|(name, _)| name == setting.option)
                .map(|(_, help)| help)
                .collect();
            assert!(!all.is_empty(), "{}", setting.option);
            if setting.default.is_empty() {
                continue;
            }
            let default = format!("[default: {}]", setting.default);
            assert!(
                all.iter().all(|help| help.contains(&default)),
                "{}: {all:?}",
                setting.option
            );
        }
    }
}
