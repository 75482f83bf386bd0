//! What there is to sign in with if nothing is configured: a managed identity, else `az`, else the sign-in of
//! a person that is kept.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, Executor, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId,
};
use tokio::sync::OnceCell;
use url::Url;

use super::application::{first_line, options, token, unusable};
use super::http::AuthHttp;
use super::login::LoginChoice;
use super::{Method, SignInError, Token, TokenSource};

/// All of them, in this order. Once one of them has given a token, the run stays with it.
pub(super) struct CredentialChain {
    pub(super) managed_identity: ManagedIdentity,
    pub(super) azure_cli: AzureCli,
    /// The sign-in of a person; none in a pipeline.
    pub(super) login: Option<LoginChoice>,
    pub(super) settled: OnceCell<Method>,
}

#[async_trait::async_trait]
impl TokenSource for CredentialChain {
    async fn fetch(&self) -> Result<Token, SignInError> {
        match self.settled.get() {
            Some(Method::ManagedIdentity) => return self.managed_identity.sign_in().await,
            Some(Method::Login) => {
                if let Some(token) = self.ask_keyring().await? {
                    return Ok(token);
                }
            }
            Some(_) => return self.azure_cli.fetch().await,
            None => {}
        }
        let without_identity = match self.ask_identity().await? {
            Ok(token) => {
                let _ = self.settled.set(Method::ManagedIdentity);
                return Ok(token);
            }
            Err(reason) => reason,
        };
        let without_cli = match self.azure_cli.ask().await {
            Ok(token) => {
                let _ = self.settled.set(Method::AzureCli);
                return Ok(token);
            }
            Err(reason) => reason,
        };
        if let Some(token) = self.ask_keyring().await? {
            let _ = self.settled.set(Method::Login);
            return Ok(token);
        }
        Err(match without_cli.or(without_identity) {
            None => SignInError::NotConfigured,
            Some(error) => SignInError::NothingFound(Box::new(error)),
        })
    }
}

impl CredentialChain {
    /// Takes the sign-in that is kept, if one is.
    async fn ask_keyring(&self) -> Result<Option<Token>, SignInError> {
        match &self.login {
            Some(login) => login.kept_token().await,
            None => Ok(None),
        }
    }

    async fn ask_identity(&self) -> Result<Answer, SignInError> {
        if !self.managed_identity.is_there().await {
            return Ok(Err(None));
        }
        match self.managed_identity.sign_in().await {
            // Every machine has the service; it says so where no identity is assigned.
            Err(error @ SignInError::Refused { status: 400, .. }) => Ok(Err(Some(error))),
            answer => answer.map(Ok),
        }
    }
}

/// A token, or why there is none if that is known.
type Answer = Result<Token, Option<SignInError>>;

/// The instance metadata service, a fixed address in every Azure machine
/// (learn.microsoft.com/azure/virtual-machines/instance-metadata-service).
const METADATA: &str = "http://169.254.169.254/";
const PATH: &str = "metadata/identity/oauth2/token";

/// How long to wait for a sign of the metadata service. It is a hop away, or not there.
const PROBE: Duration = Duration::from_secs(1);

/// The identity that Azure gives to a machine or an app. The library gets the token; what it does
/// not know (Azure Arc, Cloud Shell, Service Fabric, Azure ML) is an error that says so.
///
/// The library tries for more than a minute if there is no metadata service, so that is checked
/// first, with a request that the service refuses.
pub(super) struct ManagedIdentity {
    pub(super) scope: String,
    /// The client id of an identity that was assigned by a user; else the machine's own.
    pub(super) client_id: Option<String>,
    /// Stands for the metadata service (`AZURE_POD_IDENTITY_AUTHORITY_HOST`).
    pub(super) metadata_host: Option<Url>,
    /// Whether the environment names the service that gives the tokens, so that none is looked for.
    pub(super) is_named: bool,
}

impl ManagedIdentity {
    /// Whether someone is there who could give a token.
    async fn is_there(&self) -> bool {
        if self.is_named {
            return true;
        }
        let http = AuthHttp::to_managed_identity(None);
        let host = match &self.metadata_host {
            Some(host) => Some(host.clone()),
            None => Url::parse(METADATA).ok(),
        };
        let Some(url) = host.and_then(|host| host.join(PATH).ok()) else {
            return false;
        };
        let asked = http.send(reqwest::Method::GET, &url, &[], None);
        // Without the header `Metadata: true` it refuses; anything else is someone else.
        matches!(
            tokio::time::timeout(PROBE, asked).await,
            Ok(Ok(answer)) if answer.status == 400
        )
    }

    /// Gets a token from who is there.
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let http = Arc::new(AuthHttp::to_managed_identity(self.metadata_host.clone()));
        let credential = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
            client_options: options(&http, None),
        }))
        .map_err(unusable)?;
        token(&*credential, &http, &self.scope, Method::ManagedIdentity).await
    }
}

#[async_trait::async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(&self) -> Result<Token, SignInError> {
        if self.is_there().await {
            return self.sign_in().await;
        }
        Err(SignInError::unusable(
            "there is no managed identity here: the metadata service does not answer",
        ))
    }
}

/// The longest that `az` may take; it starts slowly.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// The user who is signed in to the `az` command line. The library runs it in a folder that is not
/// the user's; here the process gets a time limit, no standard input, and none of the secrets that
/// are not for it.
pub(super) struct AzureCli {
    pub(super) scope: String,
    pub(super) tenant_id: Option<String>,
    /// The variables that hold secrets of other credentials.
    pub(super) secret_variables: Vec<&'static str>,
}

impl AzureCli {
    /// Asks `az`. Where it is not installed, that is no reason.
    async fn ask(&self) -> Answer {
        let process = Arc::new(Process {
            secret_variables: self.secret_variables.clone(),
            last: Mutex::new(None),
        });
        let credential = AzureCliCredential::new(Some(AzureCliCredentialOptions {
            tenant_id: self.tenant_id.clone(),
            executor: Some(Arc::clone(&process) as Arc<dyn Executor>),
            ..AzureCliCredentialOptions::default()
        }))
        .map_err(unusable)?;
        let http = AuthHttp::default();
        token(&*credential, &http, &self.scope, Method::AzureCli)
            .await
            .map_err(|error| match process.last().take() {
                Some(ended) if ended.is_missing() => None,
                Some(ended) if ended.code != Some(0) => Some(SignInError::failed(format!(
                    "`az` says: {}",
                    ended.reason()
                ))),
                _ => Some(error),
            })
    }
}

#[async_trait::async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let missing = || SignInError::unusable("`az` is not on the PATH");
        let answer = self.ask().await;
        answer.map_err(|reason| reason.unwrap_or_else(missing))
    }
}

/// Runs `az` for the library.
#[derive(Debug)]
struct Process {
    secret_variables: Vec<&'static str>,
    last: Mutex<Option<Ended>>,
}

/// How `az` ended, without what it printed on stdout, which may be a token.
#[derive(Clone, Debug)]
struct Ended {
    code: Option<i32>,
    stderr: String,
}

impl Ended {
    /// Whether `az` is not installed.
    fn is_missing(&self) -> bool {
        self.code == Some(127) || (self.code == Some(1) && self.stderr.contains("not recognized"))
    }

    /// Finds the line with the error among warnings and advertisements.
    fn reason(&self) -> String {
        let line = self
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("ERROR:"))
            .map_or_else(
                || first_line(self.stderr.trim()),
                |line| line.trim().to_owned(),
            );
        if line.is_empty() {
            "nothing".to_owned()
        } else {
            line
        }
    }
}

impl Process {
    fn last(&self) -> MutexGuard<'_, Option<Ended>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Executor for Process {
    async fn run(&self, program: &OsStr, arguments: &[&OsStr]) -> io::Result<Output> {
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for variable in &self.secret_variables {
            command.env_remove(variable);
        }
        let output = tokio::time::timeout(LONGEST_CALL, command.output())
            .await
            .map_err(|_| {
                io::Error::other(format!(
                    "`az` gave nothing within {} s",
                    LONGEST_CALL.as_secs()
                ))
            })??;
        *self.last() = Some(Ended {
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_error_is_found_among_the_warnings() {
        for (stderr, reason) in [
            (
                "WARNING: old\nERROR: Please run 'az login'.\nMore.",
                "Please run 'az login'.",
            ),
            ("\nsomething else\n", "something else"),
            ("", "nothing"),
        ] {
            let ended = Ended {
                code: Some(1),
                stderr: stderr.to_owned(),
            };
            assert_eq!(ended.reason(), reason);
        }
    }
}
