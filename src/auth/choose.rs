//! Which credential is used: the one that was picked, else the first that is configured.

use std::path::PathBuf;

use secrecy::SecretString;
use tokio::sync::OnceCell;
use url::Url;

use super::application::{Application, ClientSecret};
use super::certificate::Certificate;
use super::credential_chain::{AzureCli, CredentialChain, ManagedIdentity};
use super::explained::{ExplainedTokens, SignedIn};
use super::federated::{AzureDevOps, GitHub, WorkloadIdentity};
use super::keyring::Keyring;
use super::login::{Login, LoginChoice, Show};
use super::{ExpectedTenant, Method, SignInError, StaticToken, TokenSource};
use crate::net::{AddressError, Cloud, authority_url, secure_url};
use crate::text::{Cause, shown_url};

/// What a sign-in is chosen by.
pub struct Choice<'a> {
    /// Reads an environment variable; one that is set to nothing is not set.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The way that was picked.
    pub picked: Option<Method>,
    /// The cloud.
    pub cloud: &'static Cloud,
    /// What the token is for.
    pub scope: String,
    /// The tenant to sign in to if the environment names none.
    pub tenant_id: Option<String>,
    /// The tenant that manifests name: the environment's is not used then.
    pub expected_tenant: Option<ExpectedTenant>,
    /// The variables that hold secrets, which are kept from other programs.
    pub secret_variables: Vec<&'static str>,
    /// How people sign in.
    pub people: People,
}

/// How people sign in.
#[derive(Clone, Debug)]
pub struct People {
    /// The application, if one is named.
    pub client_id: Option<String>,
    /// Delegated permissions of Graph, each with Graph's address.
    pub scopes: Vec<String>,
    /// The variable that says that this is a pipeline, where none signs in.
    pub pipeline: Option<&'static str>,
    /// Whether the system's keyring is used.
    pub keeps: bool,
    /// Shows a person what to do.
    pub show: Show,
}

/// Chooses how to sign in. Nothing is sent yet.
///
/// # Errors
///
/// Says what is missing for the way that was picked or begun to be configured.
pub fn choose(choice: &Choice<'_>) -> Result<Box<dyn TokenSource>, SignInError> {
    let found = choice.method();
    let signed_in = choice.signed_in(found);
    match source(choice, found) {
        Ok(source) => Ok(Box::new(ExplainedTokens {
            source,
            signed_in,
            is_asked_there: found
                .is_some_and(|method| method.is_application() || method == Method::AzureCli),
        })),
        Err(error) => Err(signed_in.explained(error)),
    }
}

fn source(choice: &Choice<'_>, found: Option<Method>) -> Result<Box<dyn TokenSource>, SignInError> {
    match found {
        Some(method) => choice.source(method),
        None => Ok(Box::new(CredentialChain {
            managed_identity: choice.managed_identity()?,
            azure_cli: choice.azure_cli(),
            login: match choice.people.pipeline {
                Some(_) => None,
                None => Some(choice.login()?),
            },
            settled: OnceCell::new(),
        })),
    }
}

impl Choice<'_> {
    /// Returns the way that was picked, else the first that is configured.
    fn method(&self) -> Option<Method> {
        self.picked.or_else(|| {
            Method::ALL
                .into_iter()
                .find(|method| self.is_configured(*method))
        })
    }

    fn is_configured(&self, method: Method) -> bool {
        let is_set = |name: &&str| (self.variable)(name).is_some();
        let variables = method.variables();
        if variables.is_empty() || !variables.iter().all(is_set) {
            return false;
        }
        let is_whole = self.tenant_id().is_some() && self.client_id().is_some();
        // Half a configuration is a mistake, and no reason to take the next one.
        !method.is_application() || is_whole || method.is_deliberate()
    }

    fn source(&self, method: Method) -> Result<Box<dyn TokenSource>, SignInError> {
        let need = |name: &str| self.need(method, name);
        let secret = |name: &str| need(name).map(SecretString::from);
        Ok(match method {
            Method::Token => Box::new(StaticToken::new(&need("ASSIGNCTL_ACCESS_TOKEN")?)?),
            Method::ClientSecret => Box::new(ClientSecret {
                application: self.application(method)?,
                secret: secret("AZURE_CLIENT_SECRET")?,
            }),
            Method::ClientCertificate => Box::new(Certificate {
                application: self.application(method)?,
                file: PathBuf::from(need("AZURE_CLIENT_CERTIFICATE_PATH")?),
                password: (self.variable)("AZURE_CLIENT_CERTIFICATE_PASSWORD")
                    .map(SecretString::from),
            }),
            Method::WorkloadIdentity => Box::new(WorkloadIdentity {
                application: self.application(method)?,
                file: PathBuf::from(need("AZURE_FEDERATED_TOKEN_FILE")?),
            }),
            Method::GitHub => Box::new(GitHub {
                application: self.application(method)?,
                request_url: endpoint(
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    &need("ACTIONS_ID_TOKEN_REQUEST_URL")?,
                )?,
                request_token: secret("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?,
                audience: self.cloud.federation_audience,
            }),
            Method::AzureDevOps => {
                endpoint("SYSTEM_OIDCREQUESTURI", &need("SYSTEM_OIDCREQUESTURI")?)?;
                Box::new(AzureDevOps {
                    application: self.application(method)?,
                    system_token: secret("SYSTEM_ACCESSTOKEN")?,
                    service_connection_id: self.service_connection()?,
                })
            }
            Method::ManagedIdentity => Box::new(self.managed_identity()?),
            Method::AzureCli => Box::new(self.azure_cli()),
            Method::Login => Box::new(Login::new(self.login()?)),
        })
    }

    /// Says who signs in, so that a refusal can be explained.
    fn signed_in(&self, method: Option<Method>) -> SignedIn {
        let is_application = method.is_some_and(Method::is_application);
        SignedIn {
            is_application,
            client_id: match method {
                _ if is_application => self.client_id(),
                Some(Method::Login) | None => self
                    .own_client_id()
                    .or_else(|| self.people.client_id.clone()),
                Some(_) => None,
            },
            authority: self.authority().ok().map(String::from),
            tenant: self.expected_tenant.clone(),
        }
    }

    fn need(&self, method: Method, name: &str) -> Result<String, SignInError> {
        (self.variable)(name).ok_or_else(|| {
            SignInError::unusable(format!(
                "signing in with `{}` needs `{name}`, which is not set",
                method.name()
            ))
        })
    }

    fn tenant_id(&self) -> Option<String> {
        match &self.expected_tenant {
            Some(own) => Some(own.tenant_id.clone()),
            None => (self.variable)("AZURE_TENANT_ID").or_else(|| self.tenant_id.clone()),
        }
    }

    /// Returns the app registration of the tenant that manifests name.
    fn own_client_id(&self) -> Option<String> {
        self.expected_tenant.as_ref()?.client_id.clone()
    }

    fn client_id(&self) -> Option<String> {
        self.own_client_id()
            .or_else(|| (self.variable)("AZURE_CLIENT_ID"))
    }

    fn application(&self, method: Method) -> Result<Application, SignInError> {
        Ok(Application {
            tenant_id: match self.tenant_id() {
                Some(tenant_id) => tenant_id,
                None => self.need(method, "AZURE_TENANT_ID")?,
            },
            client_id: match self.client_id() {
                Some(client_id) => client_id,
                None => self.need(method, "AZURE_CLIENT_ID")?,
            },
            authority: self.authority()?,
            scope: self.scope.clone(),
        })
    }

    fn authority(&self) -> Result<Url, SignInError> {
        let authority = (self.variable)("AZURE_AUTHORITY_HOST")
            .unwrap_or_else(|| self.cloud.authority.to_owned());
        authority_url(&authority).map_err(|error| unusable("AZURE_AUTHORITY_HOST", error))
    }

    /// Returns how a person signs in.
    ///
    /// # Errors
    ///
    /// This is a pipeline.
    pub fn login(&self) -> Result<LoginChoice, SignInError> {
        let people = self.people.clone();
        if let Some(variable) = people.pipeline {
            return Err(SignInError::InPipeline(variable));
        }
        Ok(LoginChoice {
            authority: self.authority()?,
            tenant_id: self.tenant_id(),
            client_id: self.own_client_id().or(people.client_id),
            scopes: people.scopes,
            keyring: people.keeps.then(Keyring::open).flatten(),
            show: people.show,
        })
    }

    /// The first name is what the `AzureCLI` task of Azure DevOps sets.
    fn service_connection(&self) -> Result<String, SignInError> {
        (self.variable)("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")
            .or_else(|| (self.variable)("AZURE_SERVICE_CONNECTION_ID"))
            .ok_or_else(|| {
                SignInError::unusable(
                    "signing in with `azure-devops` needs the id of the service connection: set `AZURE_SERVICE_CONNECTION_ID`, or run in an `AzureCLI` task".to_owned(),
                )
            })
    }

    fn managed_identity(&self) -> Result<ManagedIdentity, SignInError> {
        const HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
        let metadata_host = (self.variable)(HOST).map(|text| url(HOST, &text));
        let is_named = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"]
            .iter()
            .any(|name| (self.variable)(name).is_some());
        Ok(ManagedIdentity {
            scope: self.scope.clone(),
            client_id: self.client_id(),
            metadata_host: metadata_host.transpose()?,
            is_named,
        })
    }

    fn azure_cli(&self) -> AzureCli {
        AzureCli {
            scope: self.scope.clone(),
            tenant_id: self.tenant_id(),
            secret_variables: self.secret_variables.clone(),
        }
    }
}

/// Reads where a platform gives its tokens. The URL has a query, and a secret is sent to it.
fn endpoint(name: &str, text: &str) -> Result<Url, SignInError> {
    let url = url(name, text)?;
    let mut bare = url.clone();
    bare.set_query(None);
    secure_url(bare.as_str()).map_err(|error| unusable(name, error))?;
    Ok(url)
}

fn url(name: &str, text: &str) -> Result<Url, SignInError> {
    Url::parse(text).map_err(|_| unusable(name, AddressError::NotAUrl(shown_url(text))))
}

fn unusable(name: &str, error: AddressError) -> SignInError {
    SignInError::unusable(Cause::of(format!("`{name}`"), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::CLOUDS;

    /// Chooses under some variables, and says what came of it.
    fn chosen(picked: Option<Method>, variables: &[&str]) -> Result<(), String> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|known| **known == name)
                .map(|_| match name {
                    "ACTIONS_ID_TOKEN_REQUEST_URL" | "SYSTEM_OIDCREQUESTURI" => {
                        "https://example.com/token?x=1".to_owned()
                    }
                    _ => "value".to_owned(),
                })
        };
        choose(&Choice {
            variable: &variable,
            picked,
            cloud: &CLOUDS[0],
            scope: "https://graph.microsoft.com/.default".to_owned(),
            tenant_id: None,
            expected_tenant: None,
            secret_variables: Vec::new(),
            people: People {
                client_id: None,
                scopes: Vec::new(),
                pipeline: None,
                keeps: false,
                show: Show(std::sync::Arc::new(|_| {})),
            },
        })
        .map(drop)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_found_again() {
        for method in Method::ALL {
            for name in method.names() {
                assert_eq!(Method::from_name(name), Some(method));
            }
        }
        assert_eq!(Method::from_name("password"), None);
    }

    #[test]
    fn half_a_configuration_is_a_mistake() {
        for name in [
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
        ] {
            let error = chosen(None, &[name]).expect_err("a mistake");
            assert!(error.contains("needs `AZURE_TENANT_ID`"), "{error}");
            let error = chosen(None, &[name, "AZURE_TENANT_ID"]).expect_err("a mistake");
            assert!(error.contains("needs `AZURE_CLIENT_ID`"), "{error}");
        }
        // What a platform sets for every job does not count.
        assert_eq!(
            chosen(
                None,
                &[
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
                ]
            ),
            Ok(())
        );
        assert_eq!(chosen(None, &["AZURE_TENANT_ID"]), Ok(()));
    }

    #[test]
    fn what_is_picked_says_what_it_lacks() {
        let ids = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"];
        for method in Method::ALL {
            for missing in method.variables() {
                let set: Vec<&str> = method
                    .variables()
                    .iter()
                    .copied()
                    .filter(|name| name != missing)
                    .chain(ids)
                    .collect();
                let error = chosen(Some(method), &set).expect_err("it lacks something");
                assert!(error.contains(missing), "{error}");
                assert!(error.contains(method.name()), "{error}");
            }
        }
        let error = chosen(
            Some(Method::AzureDevOps),
            &[
                "AZURE_TENANT_ID",
                "AZURE_CLIENT_ID",
                "SYSTEM_OIDCREQUESTURI",
                "SYSTEM_ACCESSTOKEN",
            ],
        )
        .expect_err("it lacks something");
        assert!(error.contains("AZURE_SERVICE_CONNECTION_ID"), "{error}");
    }

    #[test]
    fn secrets_go_to_secure_addresses_only() {
        for bad in ["http://example.com/token?x=1", "ftp://127.0.0.1/", "no"] {
            assert!(endpoint("X", bad).is_err(), "{bad}");
        }
        assert!(endpoint("X", "http://127.0.0.1:1/token?x=1").is_ok());
    }
}
