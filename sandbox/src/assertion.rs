//! Assertions: how an application proves who it is without a secret.
//!
//! One that the application signs itself names it as issuer and subject, the token endpoint as
//! audience, and its certificate by thumbprint (learn.microsoft.com/entra/identity-platform/
//! certificate-credentials). One of another platform names that platform, and Entra as audience
//! (learn.microsoft.com/graph/api/resources/federatedidentitycredential). The keys of other
//! platforms are not known here; whose certificate is, the state file says.

use std::time::SystemTime;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::encoding::{base64_decode, base64url, sha256};
use super::switches::App;
use super::token::{Refusal, refuse, seconds};

/// Whom a token of another platform is for, in each cloud.
const EXCHANGES: [&str; 3] = [
    "api://AzureADTokenExchange",
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
];

/// How far clocks may differ, in seconds.
const CLOCKS_DIFFER: u64 = 300;

/// The longest life of an assertion that an application signs, in seconds.
const LONGEST_LIFE: u64 = 24 * 3600;

/// Checks an assertion of an application.
pub(super) fn check(
    assertion: &str,
    client: &str,
    app: Option<&App>,
    endpoint: &str,
    wall: SystemTime,
) -> Result<(), Refusal> {
    let Some((signed, signature, header, claims)) = parts(assertion) else {
        return Err(malformed("JWT token is invalid or malformed."));
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, subject, audience) = (text("iss"), text("sub"), text("aud"));
    if issuer.is_empty() || subject.is_empty() || audience.is_empty() {
        return Err(malformed(
            "JWT token is invalid or malformed: it needs the claims 'iss', 'sub' and 'aud'.",
        ));
    }
    let now = seconds(wall);
    let time = |name: &str| claims.get(name).and_then(Value::as_u64);
    let Some(end) = time("exp") else {
        return Err(malformed(
            "JWT token is invalid or malformed: 'exp' is missing.",
        ));
    };
    let start = time("nbf").or_else(|| time("iat")).unwrap_or(now);
    if end.saturating_add(CLOCKS_DIFFER) <= now || start > now.saturating_add(CLOCKS_DIFFER) {
        return Err(refuse(
            401,
            "invalid_client",
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {now}, \
                 assertion valid from {start}, expiry time of assertion {end}."
            ),
        ));
    }
    let is_named = header.contains_key("x5t#S256") || header.contains_key("x5t");
    if issuer == client || is_named {
        if end - start.min(end) > LONGEST_LIFE {
            return Err(refuse(
                401,
                "invalid_client",
                700_024,
                "Client assertion is valid for too long.",
            ));
        }
        own(client, &claims, audience, endpoint)?;
        return signed_by(app, &header, signed, &signature);
    }
    if !EXCHANGES.contains(&audience) {
        return Err(refuse(
            400,
            "invalid_request",
            700_212,
            format!(
                "No matching federated identity record found for presented assertion audience \
                 '{audience}'."
            ),
        ));
    }
    Ok(())
}

/// Checks whom an assertion that an application signs itself is from and for.
fn own(
    client: &str,
    claims: &Map<String, Value>,
    audience: &str,
    endpoint: &str,
) -> Result<(), Refusal> {
    for name in ["iss", "sub"] {
        if claims.get(name).and_then(Value::as_str) != Some(client) {
            return Err(refuse(
                401,
                "invalid_client",
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
    }
    let issuer_url = endpoint.replace("/oauth2/v2.0/token", "/v2.0");
    if audience != endpoint && audience != issuer_url {
        return Err(refuse(
            401,
            "invalid_client",
            700_023,
            format!(
                "Client assertion audience claim does not match Realm issuer: '{audience}' is not \
                 '{endpoint}'."
            ),
        ));
    }
    if claims
        .get("jti")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(malformed(
            "JWT token is invalid or malformed: 'jti' is missing.",
        ));
    }
    Ok(())
}

/// Checks how an assertion is signed; and by whom, where the application's certificate is known.
fn signed_by(
    app: Option<&App>,
    header: &Map<String, Value>,
    signed: &str,
    signature: &[u8],
) -> Result<(), Refusal> {
    if header.get("alg").and_then(Value::as_str) != Some("PS256") {
        return Err(malformed(
            "JWT token is invalid or malformed: 'alg' must be 'PS256'.",
        ));
    }
    let Some(thumbprint) = header.get("x5t#S256").and_then(Value::as_str) else {
        return Err(malformed(
            "JWT token is invalid or malformed: 'x5t#S256' is missing.",
        ));
    };
    if base64_decode(thumbprint).is_none_or(|bytes| bytes.len() != 32) || signature.is_empty() {
        return Err(malformed("JWT token is invalid or malformed."));
    }
    let Some(pem) = app.and_then(|app| app.certificate.as_deref()) else {
        return Ok(());
    };
    let refused = |text: &str| refuse(401, "invalid_client", 700_027, text);
    let Some(certificate) = certificate(pem) else {
        return Err(refused(
            "The certificate that is registered cannot be read.",
        ));
    };
    if base64url(&sha256(&certificate)) != thumbprint {
        return Err(refused(
            "The certificate with identifier used to sign the client assertion is not registered \
             on application.",
        ));
    }
    public_key(&certificate)
        .and_then(|key| {
            UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
                .verify(signed.as_bytes(), signature)
                .ok()
        })
        .ok_or_else(|| refused("Client assertion failed signature validation."))
}

fn malformed(text: &str) -> Refusal {
    refuse(401, "invalid_client", 50027, text)
}

type Object = Map<String, Value>;

/// Takes a JWT apart: what is signed, the signature, the header and the claims.
fn parts(assertion: &str) -> Option<(&str, Vec<u8>, Object, Object)> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    if claims.contains('.') {
        return None;
    }
    let object = |part: &str| serde_json::from_slice(&base64_decode(part)?).ok();
    Some((
        signed,
        base64_decode(signature)?,
        object(header)?,
        object(claims)?,
    ))
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
    use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
    use serde_json::json;

    use super::*;

    const ENDPOINT: &str = "http://x/t/oauth2/v2.0/token";

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
        let assertion = assertion(&header, &claims, |_| vec![1]);
        check(&assertion, "me", None, ENDPOINT, at(1000))
            .err()
            .map(|refusal| refusal.number)
    }

    #[test]
    fn an_application_says_who_it_is_and_to_whom() {
        assert_eq!(refused(|_, _| {}), None);
        assert_eq!(
            refused(|_, claims| claims["aud"] = json!("http://x/t/v2.0")),
            None
        );
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
            (0, "alg", json!("RS256"), 50027),
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
            let number = check(text, "me", None, ENDPOINT, at(1000))
                .expect_err("refused")
                .number;
            assert_eq!(number, 50027, "{text}");
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
        let sign = |text: &str| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
            signature
        };
        let app = App {
            client_id: "me".to_owned(),
            secret: None,
            certificate: Some(certificate.pem()),
            roles: None,
        };
        let (mut header, claims) = good();
        let outcome = |assertion: &str| {
            check(assertion, "me", Some(&app), ENDPOINT, at(1000))
                .err()
                .map(|refusal| refusal.number)
        };
        assert_eq!(outcome(&assertion(&header, &claims, sign)), Some(700_027));
        header["x5t#S256"] = json!(base64url(&sha256(certificate.der())));
        let right = assertion(&header, &claims, sign);
        assert_eq!(outcome(&right), None);
        let forged = assertion(&header, &claims, |_| sign("something else"));
        assert_eq!(outcome(&forged), Some(700_027));
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
