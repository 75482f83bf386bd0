//! Certificates and keys, made anew by each test that needs some.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

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

    fn new(key: KeyPair) -> Self {
        let parameters = CertificateParams::new(vec!["app.example".to_owned()]).expect("a name");
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
}
