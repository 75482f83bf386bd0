//! An application that signs in with a certificate.
//!
//! The library's own credential needs OpenSSL and takes PFX files only, so the assertion is made
//! here and handed to it (learn.microsoft.com/entra/identity-platform/certificate-credentials).
//!
//! PEM and PFX (PKCS #12) files are read by crates made for them: `rustls-pki-types` for PEM,
//! `pkcs8` for encrypted keys, `p12-keystore` for PFX. What is left is to find the certificate that
//! belongs to the key, since a file may hold a whole chain.

use std::path::PathBuf;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use azure_core::base64::encode_url_safe as base64url;
use p12_keystore::Pkcs12Archive;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use super::application::{Application, read_secret_file};
use super::http::endpoint;
use super::{Method, SignInError, Token, TokenSource};
use crate::text::Cause;

/// How long an assertion is good for, in seconds. It is used once, at once.
const LIFETIME: i64 = 600;

/// An application, its certificate and the password of the file.
pub(super) struct Certificate {
    pub(super) application: Application,
    pub(super) file: PathBuf,
    pub(super) password: Option<SecretString>,
}

#[async_trait::async_trait]
impl TokenSource for Certificate {
    async fn fetch(&self) -> Result<Token, SignInError> {
        // The file is read each time: certificates are replaced while a run goes on.
        let unusable = |cause: Cause| {
            let what = format!(
                "the certificate in `{}` cannot be used",
                self.file.display()
            );
            SignInError::unusable(Cause::of(what, cause))
        };
        let content = read_secret_file(&self.file, "the certificate")?;
        let password = self.password.as_ref().map(|text| text.expose_secret());
        let keys = parse(&content, password).map_err(unusable)?;
        // The URL that tokens come from is also the audience of an assertion.
        let application = &self.application;
        let endpoint = endpoint(&application.authority, &application.tenant_id, "token")?;
        let now = jiff::Timestamp::now().as_second();
        let id = uuid::Uuid::new_v4();
        let assertion = assertion(
            &keys,
            &application.client_id,
            endpoint.as_str(),
            now,
            &id.to_string(),
        )
        .map_err(unusable)?;
        application
            .assert(assertion, Method::ClientCertificate)
            .await
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
) -> Result<SecretString, Cause> {
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

fn sign(key: &KeyPair, text: &[u8], signature: &mut [u8]) -> Result<(), Cause> {
    key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text, signature)
        .map_err(|_| "its private key does not sign".into())
}

/// What a file with a certificate holds.
struct KeyFile {
    key: KeyPair,
    /// The certificate that belongs to the key, as DER.
    certificate: Vec<u8>,
}

/// Takes key and certificate out of a file's content; says what is wrong with it.
fn parse(content: &[u8], password: Option<&str>) -> Result<KeyFile, Cause> {
    if content.windows(10).any(|part| part == b"-----BEGIN") {
        parse_pem(content, password)
    } else {
        parse_pfx(content, password.unwrap_or_default())
    }
}

fn parse_pem(content: &[u8], password: Option<&str>) -> Result<KeyFile, Cause> {
    let broken = |error| Cause::of("it is not readable PEM", error);
    let certificates = CertificateDer::pem_slice_iter(content)
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    let certificates = certificates.iter().map(AsRef::as_ref);
    let keys = PrivateKeyDer::pem_slice_iter(content)
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    match keys.first() {
        Some(PrivateKeyDer::Pkcs8(key)) => belonging(pkcs8(key.secret_pkcs8_der())?, certificates),
        Some(PrivateKeyDer::Pkcs1(key)) => belonging(
            KeyPair::from_der(key.secret_pkcs1_der()).map_err(|_| NO_RSA)?,
            certificates,
        ),
        Some(_) => Err(NO_RSA.into()),
        None => match encrypted(content, password)? {
            Some(key) => belonging(pkcs8(key.as_bytes())?, certificates),
            None => Err("it holds no private key".into()),
        },
    }
}

/// Decrypts the key of a PEM file that has one under a password.
fn encrypted(
    content: &[u8],
    password: Option<&str>,
) -> Result<Option<pkcs8::SecretDocument>, Cause> {
    const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let text = std::str::from_utf8(content).map_err(|_| "it is not text")?;
    let Some(start) = text.find(BEGIN) else {
        return Ok(None);
    };
    let end = text[start..]
        .find(END)
        .ok_or_else(|| format!("`{END}` is missing"))?;
    let (_, document) = pkcs8::SecretDocument::from_pem(&text[start..start + end + END.len()])
        .map_err(|error| Cause::of("its private key cannot be read", error))?;
    let Some(password) = password else {
        return Err("its private key has a password, and none is given".into());
    };
    let info = pkcs8::EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|error| Cause::of("its private key cannot be read", error))?;
    info.decrypt(password)
        .map(Some)
        .map_err(|_| WRONG_PASSWORD.into())
}

fn parse_pfx(content: &[u8], password: &str) -> Result<KeyFile, Cause> {
    let archive = Pkcs12Archive::from_pkcs12(content, password).map_err(|error| match error {
        p12_keystore::error::Error::MacError(_)
        | p12_keystore::error::Error::UnpadError
        | p12_keystore::error::Error::Pkcs5Error(_) => WRONG_PASSWORD.into(),
        other => Cause::of("it is neither PEM nor a PFX that can be read", other),
    })?;
    let [bag] = archive.keys.as_slice() else {
        let number = archive.keys.len();
        return Err(format!("it holds {number} private keys, and one is needed").into());
    };
    belonging(
        pkcs8(bag.key.as_der())?,
        archive.certs.iter().map(|bag| bag.cert.as_der()),
    )
}

const NO_RSA: &str = "its private key is not an RSA key, and Entra takes no other";
const WRONG_PASSWORD: &str = "the password is wrong, or the file is damaged";

fn pkcs8(key: &[u8]) -> Result<KeyPair, Cause> {
    KeyPair::from_pkcs8(key).map_err(|_| NO_RSA.into())
}

/// Finds the certificate that holds the public part of a key (RFC 5280, 4.1: the bits of
/// `subjectPublicKey` are the DER of RFC 8017's `RSAPublicKey`).
fn belonging<'a>(
    key: KeyPair,
    certificates: impl Iterator<Item = &'a [u8]>,
) -> Result<KeyFile, Cause> {
    let belongs = |certificate: &[u8]| {
        X509::from_der(certificate).is_ok_and(|parsed| {
            let public = parsed.tbs_certificate().subject_public_key_info();
            public.subject_public_key.raw_bytes() == key.public_key().as_ref()
        })
    };
    let mut certificates = certificates.peekable();
    if certificates.peek().is_none() {
        return Err("it holds no certificate".into());
    }
    let certificate = certificates
        .find(|certificate| belongs(certificate))
        .ok_or("none of its certificates belongs to its private key")?
        .to_vec();
    Ok(KeyFile { key, certificate })
}
