//! Certificates and keys, made again by each test that needs some.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// A key with its certificate.
pub(in crate::cli) struct Identity {
    pub(in crate::cli) key: KeyPair,
    pub(in crate::cli) certificate: rcgen::Certificate,
}

impl Identity {
    /// Makes a key of the kind that Entra takes.
    pub(in crate::cli) fn rsa() -> Self {
        Self::new(KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key"))
    }

    /// Makes a key of a kind that Entra does not take.
    pub(in crate::cli) fn elliptic() -> Self {
        Self::new(KeyPair::generate().expect("a key"))
    }

    /// Makes a key and a certificate for a host.
    pub(in crate::cli) fn of_host(name: &str) -> Self {
        Self::named(KeyPair::generate().expect("a key"), name)
    }

    fn new(key: KeyPair) -> Self {
        Self::named(key, "app.example")
    }

    fn named(key: KeyPair, name: &str) -> Self {
        let parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self { key, certificate }
    }

    /// Returns the certificate as PEM.
    pub(in crate::cli) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns the private key as PEM.
    pub(in crate::cli) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Returns the certificate's SHA-256, as an assertion names it.
    pub(in crate::cli) fn thumbprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.certificate.der());
        azure_core::base64::encode_url_safe(digest.as_ref())
    }

    /// Returns a server that shows this certificate.
    pub(in crate::cli) fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("a certificate");
        Arc::new(server)
    }
}
