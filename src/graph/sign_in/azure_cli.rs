//! Whoever is signed in to the `az` command line. The library calls it in a folder that is not the
//! user's; how the process is run is said here: with an end, with nothing to ask, and without the
//! secrets that are not for it.

use std::ffi::OsStr;
use std::io;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use super::application::{first_line, token, unusable};
use super::carrier::Carrier;
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// The longest that `az` may take; it starts slowly.
const LONGEST: Duration = Duration::from_secs(60);

/// The `az` command line.
pub(super) struct AzureCli {
    pub(super) scope: String,
    pub(super) tenant_id: Option<String>,
    /// The variables that hold secrets of other credentials.
    pub(super) secret_variables: Vec<&'static str>,
}

/// Why `az` gave no token.
pub(super) enum Refused {
    /// It is not installed.
    Missing,
    /// Something else.
    Other(SignInError),
}

impl AzureCli {
    pub(super) async fn ask(&self) -> Result<Token, Refused> {
        let process = Arc::new(Process {
            secret_variables: self.secret_variables.clone(),
            last: Mutex::new(None),
        });
        let credential = AzureCliCredential::new(Some(AzureCliCredentialOptions {
            tenant_id: self.tenant_id.clone(),
            executor: Some(Arc::clone(&process) as Arc<dyn Executor>),
            ..AzureCliCredentialOptions::default()
        }))
        .map_err(|error| Refused::Other(unusable(error)))?;
        let carrier = Carrier::default();
        token(&*credential, &carrier, &self.scope, Method::AzureCli)
            .await
            .map_err(|error| match process.take_last() {
                Some(ended) if ended.code == Some(127) => Refused::Missing,
                Some(ended) if ended.code == Some(1) && ended.said.contains("not recognized") => {
                    Refused::Missing
                }
                Some(ended) if ended.code != Some(0) => Refused::Other(SignInError::Failed(
                    format!("`az` says: {}", ended.reason()),
                )),
                _ => Refused::Other(error),
            })
    }

    async fn sign_in(&self) -> Result<Token, SignInError> {
        self.ask().await.map_err(|refused| match refused {
            Refused::Missing => SignInError::Unusable("`az` is not on the PATH".to_owned()),
            Refused::Other(error) => error,
        })
    }
}

impl TokenSource for AzureCli {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
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
    said: String,
}

impl Ended {
    /// Finds the line that tells the error among warnings and advertisements.
    fn reason(&self) -> String {
        let line = self
            .said
            .lines()
            .find_map(|line| line.strip_prefix("ERROR:"))
            .map_or_else(
                || first_line(self.said.trim()),
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
    fn take_last(&self) -> Option<Ended> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
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
        let output = tokio::time::timeout(LONGEST, command.output())
            .await
            .map_err(|_| {
                io::Error::other(format!("`az` gave nothing within {} s", LONGEST.as_secs()))
            })??;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ended {
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_found_among_the_warnings() {
        for (said, reason) in [
            (
                "WARNING: old\nERROR: Please run 'az login'.\nMore.",
                "Please run 'az login'.",
            ),
            ("\nsomething else\n", "something else"),
            ("", "nothing"),
        ] {
            let ended = Ended {
                code: Some(1),
                said: said.to_owned(),
            };
            assert_eq!(ended.reason(), reason);
        }
    }
}
