//! Assertions: how an application proves who it is without a secret.
//!
//! One that the application signs itself names it as issuer and subject, the token endpoint as
//! audience, and its certificate by thumbprint (learn.microsoft.com/entra/identity-platform/
//! certificate-credentials). One of another platform names that platform, and Entra as audience
//! (learn.microsoft.com/graph/api/resources/federatedidentitycredential). The keys of other
//! platforms are not known here; which certificate an application has, the state file says.
//!
//! Values are compared, not spellings: clients write times with a fraction, thumbprints with
//! padding, and an audience as a text or a list.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::encoding::base64_decode;
use crate::switches::App;

/// The audience of a token of another platform, in each cloud.
const EXCHANGES: [&str; 3] = [
    "api://AzureADTokenExchange",
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
];

/// How far clocks may differ, in seconds.
const CLOCKS_DIFFER: f64 = 300.0;

/// The longest life of an assertion that an application signs, in seconds.
const LONGEST_LIFE: f64 = 24.0 * 3600.0;

/// Checks an assertion of an application; `authorities` are the roots of its tenant, by each name.
pub(super) fn check(
    assertion: &str,
    client: &str,
    app: Option<&App>,
    authorities: &[String],
    wall: SystemTime,
) -> Result<(), Refusal> {
    let jwt = Jwt::read(assertion).ok_or_else(|| Refusal::malformed(""))?;
    let (issuer, subject) = (jwt.claim("iss"), jwt.claim("sub"));
    let audiences = jwt.audiences();
    if issuer.is_empty() || subject.is_empty() || audiences.is_empty() {
        return Err(Refusal::malformed(
            ": it needs the claims 'iss', 'sub' and 'aud'",
        ));
    }
    let (start, end) = jwt.lifetime(wall)?;
    // A platform's token may name that platform's certificate, as those of Entra do.
    let is_own = [issuer, subject]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(client));
    if is_own {
        if end - start > LONGEST_LIFE {
            return Err(Refusal::client(
                700_024,
                "Client assertion is valid for too long.",
            ));
        }
        own(&jwt, client, authorities)?;
        return signed_by(app, &jwt);
    }
    if !audiences.iter().any(|name| EXCHANGES.contains(name)) {
        return Err(Refusal::new(
            400,
            "invalid_request",
            700_212,
            format!(
                "No matching federated identity record found for presented assertion audience \
                 '{}'.",
                audiences.join(",")
            ),
        ));
    }
    Ok(())
}

/// Checks an assertion that an application signs itself: who it is from, and for.
fn own(jwt: &Jwt<'_>, client: &str, authorities: &[String]) -> Result<(), Refusal> {
    if ["iss", "sub"]
        .iter()
        .any(|name| !jwt.claim(name).eq_ignore_ascii_case(client))
    {
        return Err(Refusal::client(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        ));
    }
    let audiences = jwt.audiences();
    let is_here = |audience: &&str| {
        let suffixes = ["/oauth2/v2.0/token", "/v2.0"];
        authorities.iter().any(|root| {
            suffixes
                .iter()
                .any(|suffix| audience.eq_ignore_ascii_case(&format!("{root}{suffix}")))
        })
    };
    if !audiences.iter().any(is_here) {
        return Err(Refusal::client(
            700_023,
            format!(
                "Client assertion audience claim does not match Realm issuer: '{}' is not below \
                 '{}'.",
                audiences.join(","),
                authorities.first().map_or("", String::as_str)
            ),
        ));
    }
    if jwt.claim("jti").is_empty() {
        return Err(Refusal::malformed(": 'jti' is missing"));
    }
    Ok(())
}

/// Checks how an assertion is signed; and by which certificate, if the application's certificate is known.
fn signed_by(app: Option<&App>, jwt: &Jwt<'_>) -> Result<(), Refusal> {
    let algorithm: &RsaParameters = match jwt.header("alg") {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        // What MSAL sends for an SHA-1 thumbprint.
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Refusal::malformed(": 'alg' must be 'PS256' or 'RS256'")),
    };
    let named = [("x5t#S256", &SHA256), ("x5t", &SHA1_FOR_LEGACY_USE_ONLY)];
    let (thumbprint, hash) = named
        .into_iter()
        .find_map(|(name, hash)| Some((jwt.header(name)?, hash)))
        .ok_or_else(|| Refusal::malformed(": 'x5t#S256' or 'x5t' is missing"))?;
    let thumbprint = base64_decode(thumbprint)
        .filter(|bytes| bytes.len() == hash.output_len() && !jwt.signature.is_empty())
        .ok_or_else(|| Refusal::malformed(""))?;
    let Some(pem) = app.and_then(|app| app.certificate.as_deref()) else {
        return Ok(());
    };
    let refused = |text: &str| Refusal::client(700_027, text);
    let Some(certificate) = certificate(pem) else {
        return Err(refused(
            "The certificate that is registered cannot be read.",
        ));
    };
    if digest(hash, &certificate).as_ref() != thumbprint {
        return Err(refused(
            "The certificate with identifier used to sign the client assertion is not registered \
             on application.",
        ));
    }
    public_key(&certificate)
        .and_then(|key| {
            UnparsedPublicKey::new(algorithm, key)
                .verify(jwt.signed.as_bytes(), &jwt.signature)
                .ok()
        })
        .ok_or_else(|| refused("Client assertion failed signature validation."))
}

/// A JWT, taken apart.
struct Jwt<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> Jwt<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let object = |part: &str| serde_json::from_slice(&base64_decode(part)?).ok();
        Some(Self {
            signed,
            signature: base64_decode(signature)?,
            header: object(header)?,
            claims: object(claims)?,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    fn claim(&self, name: &str) -> &str {
        let claim = self.claims.get(name);
        claim.and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the audiences; Kubernetes and others write a list.
    fn audiences(&self) -> Vec<&str> {
        let list = match self.claims.get("aud") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        list.into_iter().filter(|name| !name.is_empty()).collect()
    }

    /// Returns when it begins and ends, if that is now. A time may have a fraction (RFC 7519,
    /// NumericDate).
    fn lifetime(&self, wall: SystemTime) -> Result<(f64, f64), Refusal> {
        let now = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = now.as_secs_f64();
        let time = |name: &str| self.claims.get(name).and_then(Value::as_f64);
        let end = time("exp").ok_or_else(|| Refusal::malformed(": 'exp' is missing"))?;
        let start = time("nbf").or_else(|| time("iat")).unwrap_or(now);
        if end + CLOCKS_DIFFER <= now || start > now + CLOCKS_DIFFER {
            return Err(Refusal::client(
                700_024,
                format!(
                    "Client assertion is not within its valid time range. Current time: {now}, \
                     assertion valid from {start}, expiry time of assertion {end}."
                ),
            ));
        }
        Ok((start, end))
    }
}

/// Returns the certificate in a PEM file.
fn certificate(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    base64_decode(&body)
}

/// Finds `subjectPublicKeyInfo` in a certificate (RFC 5280, 4.1): behind the version, which may be
/// left out, the serial number, the algorithm, the issuer, the validity and the subject.
fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(content(certificate)?)?;
    rest = content(rest)?;
    let (tag, _, behind) = element(rest)?;
    if tag == VERSION {
        rest = behind;
    }
    for _ in 0..5 {
        rest = element(rest)?.2;
    }
    Some(element(rest)?.1)
}

/// Splits the first element of DER off: its tag, all of it, and what is behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, length) = head(bytes)?;
    let end = head.checked_add(length)?;
    Some((*bytes.first()?, bytes.get(..end)?, bytes.get(end..)?))
}

/// Returns what is in an element of DER.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let (head, length) = head(bytes)?;
    bytes.get(head..head.checked_add(length)?)
}

/// Returns how long an element's head is, and how long its content.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*bytes.get(1)?);
    if first < 0x80 {
        return Some((2, first));
    }
    let digits = bytes.get(2..2 + (first & 0x7f))?;
    if digits.len() > 4 {
        return None;
    }
    let length = digits
        .iter()
        .fold(0, |length, digit| length << 8 | usize::from(*digit));
    Some((2 + digits.len(), length))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
    use serde_json::json;

    use super::*;
    use crate::encoding::base64url;

    const ENDPOINT: &str = "http://x/t/oauth2/v2.0/token";

    fn checked(assertion: &str, app: Option<&App>) -> Option<u32> {
        let authorities = ["http://x/t".to_owned(), "http://x/t.example".to_owned()];
        let checked = check(assertion, "me", app, &authorities, at(1000));
        checked.err().map(|refusal| refusal.number)
    }

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    /// Makes an assertion, which `sign` signs.
    fn assertion(header: &Value, claims: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = base64url(&sign(&signed));
        format!("{signed}.{signature}")
    }

    fn good() -> (Value, Value) {
        (
            json!({"alg": "PS256", "typ": "JWT", "x5t#S256": base64url(&[7; 32])}),
            json!({"aud": ENDPOINT, "iss": "me", "sub": "me", "jti": "1", "nbf": 1000, "exp": 1600}),
        )
    }

    /// Says under which number an assertion is refused that differs from a good one.
    fn refused(change: impl Fn(&mut Value, &mut Value)) -> Option<u32> {
        let (mut header, mut claims) = good();
        change(&mut header, &mut claims);
        checked(&assertion(&header, &claims, |_| vec![1]), None)
    }

    #[test]
    fn an_application_says_who_it_is_and_to_whom() {
        assert_eq!(refused(|_, _| {}), None);
        for audience in [
            json!("http://x/t/v2.0"),
            json!("http://x/T.example/oauth2/v2.0/token"),
            json!([ENDPOINT]),
        ] {
            assert_eq!(refused(|_, claims| claims["aud"] = audience.clone()), None);
        }
        for (part, name, value, number) in [
            (1, "aud", json!("http://y/t/oauth2/v2.0/token"), 700_023),
            (1, "aud", json!("api://AzureADTokenExchange"), 700_023),
            (1, "aud", json!(null), 50027),
            (1, "sub", json!("you"), 700_021),
            (1, "iss", json!("you"), 700_021),
            (1, "iss", json!(""), 50027),
            (1, "jti", json!(null), 50027),
            (1, "exp", json!(null), 50027),
            (1, "exp", json!(600), 700_024),
            (1, "exp", json!(1000 + 25 * 3600), 700_024),
            (1, "nbf", json!(1301), 700_024),
            (0, "alg", json!("ES256"), 50027),
            (0, "alg", json!("none"), 50027),
            (0, "x5t#S256", json!("AAAA"), 50027),
        ] {
            let changed = refused(|header, claims| {
                let object = if part == 0 { header } else { claims };
                object[name] = value.clone();
            });
            assert_eq!(changed, Some(number), "{name}: {value}");
        }
        for text in [
            "",
            "a.b",
            "a.b.c",
            "e30.e30.AA",
            "e30.e30.e30.AA",
            "e30.W10.AA",
        ] {
            assert_eq!(checked(text, None), Some(50027), "{text}");
        }
    }

    #[test]
    fn another_platform_names_entra() {
        let platform = |_: &mut Value, claims: &mut Value| {
            *claims = json!({"iss": "https://p", "sub": "job", "exp": 1600,
                "aud": "api://AzureADTokenExchange"});
        };
        let plain = |header: &mut Value| *header = json!({"alg": "RS256", "kid": "1"});
        assert_eq!(
            refused(|header, claims| {
                plain(header);
                platform(header, claims);
            }),
            None
        );
        // Kubernetes writes a list, and Entra's own tokens name Entra's certificate.
        assert_eq!(
            refused(|header, claims| {
                *header = json!({"alg": "RS256", "kid": "1", "x5t": "AAAA"});
                platform(header, claims);
                claims["aud"] = json!(["api://AzureADTokenExchange", "other"]);
                claims["exp"] = json!(1600.25);
            }),
            None
        );
        assert_eq!(
            refused(|header, claims| {
                plain(header);
                platform(header, claims);
                claims["aud"] = json!(ENDPOINT);
            }),
            Some(700_212)
        );
    }

    #[test]
    fn who_signed_is_checked_where_the_certificate_is_known() {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
        let certificate = CertificateParams::new(vec!["x".to_owned()])
            .expect("a name")
            .self_signed(&key)
            .expect("a certificate");
        let pair = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key");
        let sign_as = |encoding: &'static dyn RsaEncoding, text: &str| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(
                encoding,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
            signature
        };
        let sign = |text: &str| sign_as(&RSA_PSS_SHA256, text);
        let app = App {
            client_id: "me".to_owned(),
            secret: None,
            certificate: Some(certificate.pem()),
            roles: None,
        };
        let (mut header, claims) = good();
        let outcome = |assertion: &str| checked(assertion, Some(&app));
        assert_eq!(outcome(&assertion(&header, &claims, sign)), Some(700_027));
        let thumbprint = digest(&SHA256, certificate.der());
        header["x5t#S256"] = json!(base64url(thumbprint.as_ref()));
        assert_eq!(outcome(&assertion(&header, &claims, sign)), None);
        let forged = assertion(&header, &claims, |_| sign("something else"));
        assert_eq!(outcome(&forged), Some(700_027));

        // S1: what MSAL for Python and azure-identity send; a fraction in times, and padding.
        let claims = json!({"aud": ENDPOINT, "iss": "me", "sub": "me", "jti": "1",
            "iat": 1000.2231, "exp": 1600.2231});
        header["x5t#S256"] = json!(format!("{}=", base64url(thumbprint.as_ref())));
        assert_eq!(outcome(&assertion(&header, &claims, sign)), None);
        let old = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
        let mut header = json!({"alg": "RS256", "typ": "JWT",
            "x5t": format!("{}=", base64url(old.as_ref()))});
        let sign_old = |text: &str| sign_as(&RSA_PKCS1_SHA256, text);
        assert_eq!(outcome(&assertion(&header, &claims, sign_old)), None);
        assert_eq!(outcome(&assertion(&header, &claims, sign)), Some(700_027));
        header["x5t"] = json!(base64url(&[1; 20]));
        assert_eq!(
            outcome(&assertion(&header, &claims, sign_old)),
            Some(700_027)
        );
    }

    #[test]
    fn what_is_no_certificate_is_no_certificate() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x02\x30\x00",
            b"\x30\x8f",
        ] {
            assert_eq!(public_key(bytes), None);
        }
        assert_eq!(certificate("-----BEGIN CERTIFICATE-----"), None);
    }
}
