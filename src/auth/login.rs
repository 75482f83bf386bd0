//! A person's sign-in: with a device code, kept in the system's keyring for the commands that follow.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::device::{DeviceCode, Granted, PublicClient};
use super::keyring::Keyring;
use super::{SignInError, Token, TokenSource};
use crate::model::Guid;

/// The application that people sign in to if they name none: Microsoft's own for command lines, which every
/// tenant knows (learn.microsoft.com/powershell/microsoftgraph: "Microsoft Graph Command Line Tools").
const COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// The tenants of work and school accounts: the account decides which one it is.
const ANY_TENANT: &str = "organizations";

/// Shows a person what to do.
#[derive(Clone)]
pub struct Show(pub Arc<dyn Fn(&DeviceCode) + Send + Sync>);

impl fmt::Debug for Show {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Show")
    }
}

/// What a person signs in to, and for what.
#[derive(Clone, Debug)]
pub struct LoginChoice {
    /// Where tokens come from: https, or http to a loopback address.
    pub authority: Url,
    /// The tenant, if one is named.
    pub tenant_id: Option<String>,
    /// The application, if one is named.
    pub client_id: Option<String>,
    /// Delegated permissions of Graph, each with Graph's address.
    pub scopes: Vec<String>,
    /// Where the sign-in is kept, if it is.
    pub(super) keyring: Option<Keyring>,
    /// Shows a person what to do.
    pub show: Show,
}

/// A sign-in as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    tenant: String,
    /// The name of the tenant that was signed in to, if one was given.
    asked: Option<String>,
    client_id: String,
    scopes: Vec<String>,
    refresh_token: String,
}

/// The service that permissions are for: all have its address before them.
fn service(scopes: &[String]) -> Option<&str> {
    let first = scopes.first()?;
    first.rsplit_once('/').map(|(address, _)| address)
}

/// How a sign-in ended.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The token.
    pub token: Token,
    /// Whether it is kept for the commands that follow.
    pub kept: bool,
}

impl LoginChoice {
    fn client(&self) -> PublicClient {
        PublicClient {
            authority: self.authority.clone(),
            tenant: self
                .tenant_id
                .clone()
                .unwrap_or_else(|| ANY_TENANT.to_owned()),
            client_id: self
                .client_id
                .clone()
                .unwrap_or_else(|| COMMAND_LINE_TOOLS.to_owned()),
            scopes: self.scopes.clone(),
        }
    }

    /// The name under which the sign-in is kept: there is one for each authority.
    fn name(&self) -> &str {
        self.authority.as_str()
    }

    /// Lets a person sign in, and keeps that.
    ///
    /// # Errors
    ///
    /// Returned if no token is available.
    pub async fn log_in(&self) -> Result<LoggedIn, SignInError> {
        let client = self.client();
        let granted = client.sign_in(&*self.show.0).await?;
        let kept = self.keep(&client, &granted, self.tenant_id.clone());
        Ok(LoggedIn {
            token: granted.token,
            kept,
        })
    }

    fn keep(&self, client: &PublicClient, granted: &Granted, asked: Option<String>) -> bool {
        let (Some(keyring), Some(refresh_token)) = (&self.keyring, &granted.refresh_token) else {
            return false;
        };
        let kept = Kept {
            // The tenant that the account belongs to, where none was named.
            tenant: granted
                .token
                .tenant_id
                .clone()
                .unwrap_or_else(|| client.tenant.clone()),
            asked,
            client_id: client.client_id.clone(),
            scopes: client.scopes.clone(),
            refresh_token: refresh_token.expose_secret().to_owned(),
        };
        let Ok(text) = serde_json::to_string(&kept) else {
            return false;
        };
        keyring.write(self.name(), &SecretString::from(text))
    }

    /// Forgets the sign-in; says whether there was one.
    ///
    /// # Errors
    ///
    /// The keyring does not say that it is gone.
    pub fn log_out(&self) -> Result<bool, SignInError> {
        let Some(keyring) = &self.keyring else {
            return Ok(false);
        };
        keyring.delete(self.name()).map_err(|error| {
            // Only its text: the error itself may hold the stored sign-in.
            SignInError::unusable(format!(
                "the keyring does not say that the sign-in is gone: {error}"
            ))
        })
    }

    fn kept(&self) -> Option<Kept> {
        let text = self.keyring.as_ref()?.read(self.name())?;
        serde_json::from_str(text.expose_secret()).ok()
    }

    /// Gets a token from the sign-in that is kept; `None` if none is.
    ///
    /// # Errors
    ///
    /// Says why there is no token, though a sign-in is kept.
    pub(super) async fn kept_token(&self) -> Result<Option<Token>, SignInError> {
        let Some(kept) = self.kept() else {
            return Ok(None);
        };
        self.check(&kept).map_err(SignInError::Stale)?;
        let client = PublicClient {
            authority: self.authority.clone(),
            tenant: kept.tenant,
            client_id: kept.client_id,
            scopes: kept.scopes,
        };
        let refresh_token = SecretString::from(kept.refresh_token);
        let granted = client.renew(&refresh_token).await?;
        if granted.refresh_token.is_some() {
            self.keep(&client, &granted, kept.asked);
        }
        Ok(Some(granted.token))
    }

    /// Says why a sign-in that is kept is not one for what is wanted.
    fn check(&self, kept: &Kept) -> Result<(), String> {
        let is_not = |found: &str, wanted: &str| {
            Err(format!(
                "the sign-in that is kept is for {found}, not for `{wanted}`"
            ))
        };
        if let Some(wanted) = &self.tenant_id {
            let is_same = match Guid::parse(wanted) {
                Some(wanted) => Guid::parse(&kept.tenant) == Some(wanted),
                // A token names its tenant by the id only: a domain is known if it was signed in to.
                None => kept
                    .asked
                    .as_ref()
                    .is_some_and(|asked| asked.eq_ignore_ascii_case(wanted)),
            };
            if !is_same {
                return is_not(&format!("the tenant `{}`", kept.tenant), wanted);
            }
        }
        if let Some(wanted) = &self.client_id
            && !wanted.eq_ignore_ascii_case(&kept.client_id)
        {
            return is_not(&format!("the application `{}`", kept.client_id), wanted);
        }
        match (service(&kept.scopes), service(&self.scopes)) {
            (found, Some(wanted)) if found != Some(wanted) => {
                is_not(&format!("`{}`", found.unwrap_or_default()), wanted)
            }
            _ => Ok(()),
        }
    }
}

/// `--auth login`: the sign-in that is kept, else a new one for this command.
pub(super) struct Login {
    choice: LoginChoice,
    /// What the person's sign-in of this command brought.
    own: tokio::sync::Mutex<Option<SecretString>>,
}

impl Login {
    pub(super) fn new(choice: LoginChoice) -> Self {
        Self {
            choice,
            own: tokio::sync::Mutex::default(),
        }
    }
}

#[async_trait::async_trait]
impl TokenSource for Login {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let mut own = self.own.lock().await;
        if let Some(refresh_token) = &*own {
            let granted = self.choice.client().renew(refresh_token).await?;
            if let Some(next) = granted.refresh_token {
                *own = Some(next);
            }
            return Ok(granted.token);
        }
        if let Some(token) = self.choice.kept_token().await? {
            return Ok(token);
        }
        let granted = self.choice.client().sign_in(&*self.choice.show.0).await?;
        *own = granted.refresh_token;
        Ok(granted.token)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    const TENANT: &str = "11111111-2222-4333-8444-555555555555";

    /// A token that says for which tenant it is.
    fn token() -> String {
        let payload = azure_core::base64::encode_url_safe(json!({ "tid": TENANT }).to_string());
        format!("e30.{payload}.signature")
    }

    /// An authority that grants whatever it is asked, and notes the requests. It goes on until the process
    /// of the tests ends.
    fn authority() -> (Url, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut number = 0;
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = vec![0; 65_536];
                let length = stream.read(&mut request).unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                number += 1;
                let body = match request.contains("/devicecode") {
                    true => {
                        json!({"device_code": "a-device-code", "user_code": "ABCD", "interval": 0,
                        "verification_uri": "https://login.example/device", "expires_in": 900})
                    }
                    false => json!({"access_token": token(), "expires_in": 3599,
                        "refresh_token": format!("refresh-token-{number}")}),
                }
                .to_string();
                noted.lock().expect("no panic").push(request);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        let url = Url::parse(&format!("http://{address}")).expect("a URL");
        (url, seen)
    }

    fn choice(authority: Url) -> LoginChoice {
        let store: Arc<keyring_core::CredentialStore> =
            keyring_core::mock::Store::new().expect("a store");
        LoginChoice {
            authority,
            tenant_id: None,
            client_id: None,
            scopes: vec!["https://graph.example/A.Read".to_owned()],
            keyring: Some(Keyring::of(store)),
            show: Show(Arc::new(|_| {})),
        }
    }

    #[tokio::test]
    async fn a_kept_sign_in_is_used_only_for_what_it_is_for() {
        let (authority, seen) = authority();
        let choice = choice(authority);
        let named = |tenant: &str| LoginChoice {
            tenant_id: Some(tenant.to_owned()),
            ..choice.clone()
        };
        let other_id = "99999999-2222-4333-8444-555555555555";
        for (signed_in, wanted, is_used) in [
            (choice.clone(), named(TENANT), true),
            (choice.clone(), named(&TENANT.to_uppercase()), true),
            (choice.clone(), named(other_id), false),
            // No one knows whose domain it is.
            (choice.clone(), named("fabrikam.example"), false),
            (named("contoso.example"), named("fabrikam.example"), false),
            (named("contoso.example"), named("Contoso.example"), true),
            (named("contoso.example"), named(TENANT), true),
            (named("contoso.example"), choice.clone(), true),
            (
                choice.clone(),
                LoginChoice {
                    client_id: Some(other_id.to_owned()),
                    ..choice.clone()
                },
                false,
            ),
            (
                LoginChoice {
                    client_id: Some(other_id.to_owned()),
                    ..choice.clone()
                },
                choice.clone(),
                true,
            ),
            (
                choice.clone(),
                LoginChoice {
                    scopes: vec!["https://elsewhere.example/A.Read".to_owned()],
                    ..choice.clone()
                },
                false,
            ),
        ] {
            assert!(signed_in.log_in().await.expect("a token").kept);
            let sent = seen.lock().expect("no panic").len();
            // Twice: renewing keeps what the sign-in is for.
            for _ in 0..2 {
                match wanted.kept_token().await {
                    Ok(token) => assert!(is_used && token.is_some(), "{wanted:?}"),
                    Err(SignInError::Stale(why)) => {
                        assert!(!is_used, "{why}");
                        assert!(why.contains("the sign-in that is kept is for"), "{why}");
                        assert_eq!(seen.lock().expect("no panic").len(), sent, "{why}");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_sign_in_is_kept_renewed_and_forgotten() {
        let (authority, seen) = authority();
        let choice = choice(authority);
        assert!(choice.kept_token().await.expect("no error").is_none());
        let done = choice.log_in().await.expect("a token");
        assert!(done.kept);
        for used in ["refresh-token-2", "refresh-token-3"] {
            let token = choice
                .kept_token()
                .await
                .expect("no error")
                .expect("a token");
            assert_eq!(token.tenant_id.as_deref(), Some(TENANT));
            let last = seen
                .lock()
                .expect("no panic")
                .last()
                .cloned()
                .expect("a request");
            // The account's own tenant, and each time the latest token.
            assert!(
                last.starts_with(&format!("POST /{TENANT}/oauth2/v2.0/token")),
                "{last}"
            );
            assert!(last.contains(used), "{last}");
            assert!(last.contains("A.Read"), "{last}");
        }
        assert!(choice.log_out().expect("a keyring"));
        assert!(!choice.log_out().expect("a keyring"));
        assert!(choice.kept_token().await.expect("no error").is_none());
    }
}
