//! An application that signs in with a certificate.
//!
//! The library's own credential needs OpenSSL and takes PFX files only, so the assertion is made
//! here and handed to it (learn.microsoft.com/entra/identity-platform/certificate-credentials).

use std::path::PathBuf;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use aws_lc_rs::{digest, rsa};
use azure_core::base64::encode_url_safe as base64url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::application::Application;
use super::key_file::{self, KeyFile, read_secret_file};
use super::{Fetching, Method, SignInError, Token, TokenSource};

/// How long an assertion is good for, in seconds. It is used once, at once.
const LIFETIME: i64 = 600;

/// An application, its certificate and the password of the file.
pub(super) struct Certificate {
    pub(super) application: Application,
    pub(super) file: PathBuf,
    pub(super) password: Option<SecretString>,
}

impl Certificate {
    async fn sign_in(&self) -> Result<Token, SignInError> {
        // The file is read each time: certificates are replaced while a run goes on.
        let unusable = |reason: String| {
            SignInError::Unusable(format!(
                "the certificate in `{}` cannot be used: {reason}",
                self.file.display()
            ))
        };
        let content = read_secret_file(&self.file, "the certificate")?;
        let password = self.password.as_ref().map(|text| text.expose_secret());
        let keys = key_file::parse(&content, password).map_err(unusable)?;
        let endpoint = self.application.token_endpoint()?;
        let now = jiff::Timestamp::now().as_second();
        let id = uuid::Uuid::new_v4();
        let assertion = assertion(
            &keys,
            &self.application.client_id,
            endpoint.as_str(),
            now,
            &id.to_string(),
        )
        .map_err(unusable)?;
        self.application
            .assert(assertion, Method::ClientCertificate)
            .await
    }
}

impl TokenSource for Certificate {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.sign_in())
    }
}

/// Signs the assertion. The algorithm is PS256, and the certificate is named by its SHA-256
/// thumbprint; RS256 with SHA-1 is what older code does.
fn assertion(
    keys: &KeyFile,
    client_id: &str,
    audience: &str,
    now: i64,
    id: &str,
) -> Result<SecretString, String> {
    let KeyFile { key, certificate } = keys;
    let thumbprint = digest::digest(&digest::SHA256, certificate);
    let header = json!({
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": base64url(thumbprint.as_ref()),
    });
    let claims = json!({
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": id,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
    });
    let text = format!(
        "{}.{}",
        base64url(header.to_string()),
        base64url(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    sign(key, text.as_bytes(), &mut signature)?;
    Ok(SecretString::from(format!(
        "{text}.{}",
        base64url(&signature)
    )))
}

fn sign(key: &rsa::KeyPair, text: &[u8], signature: &mut [u8]) -> Result<(), String> {
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text, signature)
        .map_err(|_| "its private key does not sign".to_owned())
}
