//! Certificates: PEM and PFX, and the assertion that is made with them.

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use azure_core::base64::decode_url_safe;
use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::PublicKeyData as _;
use serde_json::Value;

use super::super::support::World;
use super::super::support::service::Served;
use super::super::support::tenant::Tenant;
use super::{CLIENT_ID, TENANT_ID, assertion_in, entra, only, signs_in, world};
use crate::cli::support::certificates::Identity;
use crate::cli::support::stand_in::StandIn;

/// Signs in and checks signature and claims of the assertion.
fn signs_in_with(world: &World, entra: &StandIn, identity: &Identity) {
    let before = jiff::Timestamp::now().as_second();
    signs_in(world, "", "client-certificate");
    let after = jiff::Timestamp::now().as_second();
    let assertion = assertion_in(&only(entra));
    let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, identity.key.der_bytes());
    let signature = decode_url_safe(signature).expect("base64");
    key.verify(signed.as_bytes(), &signature)
        .expect("a good signature");
    let json = |part: &str| -> Value {
        serde_json::from_slice(&decode_url_safe(part).expect("base64")).expect("JSON")
    };
    let header = json(header);
    assert_eq!(header["alg"], "PS256");
    assert_eq!(header["typ"], "JWT");
    assert_eq!(header["x5t#S256"], identity.thumbprint());
    let claims = json(claims);
    assert_eq!(
        claims["aud"],
        format!("{}/{TENANT_ID}/oauth2/v2.0/token", entra.url)
    );
    assert_eq!(claims["iss"], CLIENT_ID);
    assert_eq!(claims["sub"], CLIENT_ID);
    let id = claims["jti"].as_str().expect("an id");
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    let issued = claims["nbf"].as_i64().expect("a time");
    assert!((before..=after).contains(&issued));
    assert_eq!(claims["exp"].as_i64(), Some(issued + 600));
}

fn with_file(name: &str) -> (StandIn, World) {
    let entra = entra();
    let mut world = world(&entra);
    world.set("AZURE_CLIENT_CERTIFICATE_PATH", name);
    (entra, world)
}

#[test]
fn pem_in_any_order_and_with_others() {
    let identity = Identity::rsa();
    let other = Identity::elliptic();
    for parts in [
        vec![identity.pem(), identity.key_pem()],
        vec![identity.key_pem(), other.pem(), identity.pem()],
        vec![
            "a note\n".to_owned(),
            other.pem(),
            identity.pem(),
            identity.key_pem(),
        ],
    ] {
        let (entra, world) = with_file("app.pem");
        world.write("app.pem", &parts.concat());
        signs_in_with(&world, &entra, &identity);
    }
}

#[test]
fn pem_with_a_password() {
    // Made by OpenSSL: PBES2 with PBKDF2 and AES-256; the password is `pässword`.
    let (entra, mut world) = with_file("app.pem");
    std::fs::copy(super::fixture("encrypted.pem"), world.path("app.pem")).expect("a copy");
    world.run("whoami").exits(7).says(&[
        "the certificate in `app.pem` cannot be used",
        "has a password, and none is given",
    ]);
    world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", "MARKED-wrong");
    world
        .run("whoami -vvv")
        .exits(7)
        .says(&["the password is wrong"])
        .says_nothing_of("MARKED");
    assert_eq!(entra.seen().len(), 0);
    world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", "pässword");
    signs_in(&world, "", "client-certificate");
    assertion_in(&only(&entra));
}

#[test]
fn pfx_with_and_without_a_password() {
    let identity = Identity::rsa();
    for password in ["", "pässword"] {
        let (entra, mut world) = with_file("app.pfx");
        let key = PrivateKey::from_der(&identity.key.serialize_der()).expect("a key");
        let certificate =
            p12_keystore::Certificate::from_der(identity.certificate.der()).expect("one");
        let chain = PrivateKeyChain::new(vec![1], key, [certificate]);
        let mut store = KeyStore::new();
        store.add_entry("app", KeyStoreEntry::PrivateKeyChain(chain));
        let pfx = store.writer(password).write().expect("a PFX");
        std::fs::write(world.path("app.pfx"), pfx).expect("a writable folder");
        if !password.is_empty() {
            world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", "wrong");
            world
                .run("whoami")
                .exits(7)
                .says(&["the password is wrong"]);
            world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", password);
        }
        signs_in_with(&world, &entra, &identity);
    }
}

/// Files as OpenSSL writes them today, and as older tools and Windows do (RC2 and 3DES).
#[test]
fn pfx_of_other_programs() {
    for name in ["modern.pfx", "legacy.pfx"] {
        let (entra, mut world) = with_file("app.pfx");
        std::fs::copy(super::fixture(name), world.path("app.pfx")).expect("a copy");
        world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", "pässword");
        signs_in(&world, "", "client-certificate");
        assertion_in(&only(&entra));
    }
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let identity = Identity::rsa();
    let other = Identity::elliptic();
    let (entra, world) = with_file("app.pem");
    world
        .run("whoami")
        .exits(7)
        .says(&["the certificate in `app.pem` cannot be read"]);
    for (content, reason) in [
        (String::new(), "neither PEM nor a PFX"),
        ("\u{30}\u{2}garbage".to_owned(), "neither PEM nor a PFX"),
        (identity.pem(), "holds no private key"),
        (identity.key_pem(), "holds no certificate"),
        (
            other.pem() + &identity.key_pem(),
            "none of its certificates belongs to its private key",
        ),
        (other.pem() + &other.key_pem(), "not an RSA key"),
        (
            "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n".to_owned(),
            "not readable PEM",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB".to_owned(),
            "app.pem",
        ),
    ] {
        world.write("app.pem", &content);
        let ran = world.run("whoami").exits(7);
        assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
    assert_eq!(entra.seen().len(), 0);
}

/// The sandbox's token endpoint knows the certificate, and looks at all that Entra looks at.
#[test]
fn the_sandbox_takes_who_is_registered() {
    let identity = Identity::rsa();
    let other = Identity::rsa();
    let tenant = Tenant::common()
        .switch(
            "apps",
            serde_json::json!([{"clientId": CLIENT_ID, "certificate": identity.pem()}]),
        )
        .policy("P", &[]);
    let mut world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_CERTIFICATE_PATH", "app.pem");
    world.write("app.pem", &(identity.pem() + &identity.key_pem()));
    world
        .run("plan m.yaml")
        .exits(0)
        .says(&["1 assignment to add"]);
    world.write("app.pem", &(other.pem() + &other.key_pem()));
    world
        .run("plan m.yaml")
        .exits(7)
        .says(&["AADSTS700027", "hint: upload the public part"]);
}
