//! Taking secrets out of text, in one place.
//!
//! A service may repeat what it was sent, and a file may hold what the environment holds as well. So
//! the answers of a service are cleaned of the secrets that were sent to it, and everything that
//! people read is cleaned of all secrets of the run.
//!
//! A secret is found as a whole: as it is, and as JSON, URLs, HTML entities and base64 spell it. One
//! of less than `SHORTEST` characters is in too many texts to be looked for.
//!
//! Each token is looked for by itself, since a finder of many tokens takes long to make: a run for hundreds
//! of tenants would make it again for each. The tokens of a tenant are forgotten once its part is over.
//!
//! Data is never altered: a plan that has `[secret]` instead of a name is another plan. Data that
//! holds a secret of `SHORTEST_IN_DATA` characters or more is not written, see [`Redactor::holds`].

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use azure_core::base64;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::text::{as_entities, percent_encoded};

/// Shorter secrets are not looked for.
const SHORTEST: usize = 8;

/// A shorter secret may be a word, or the name of a policy, and may stand in data.
const SHORTEST_IN_DATA: usize = 16;

/// Shorter base64 fragments would match too often.
const SHORTEST_BASE64: usize = 8;

/// What replaces a secret.
const MARK: &str = "[secret]";

/// Knows the secrets of a run. It does not print.
#[derive(Default)]
pub struct Redactor(RwLock<Known>);

#[derive(Default)]
struct Known {
    spellings: Vec<Spelling>,
    /// Made when it is first needed.
    finder: OnceLock<AhoCorasick>,
    tokens: Vec<KnownToken>,
}

/// Writes something in the place of a secret.
type Replace<'r> = &'r dyn Fn(&[u8], &mut Vec<u8>);

/// What finds a token.
struct KnownToken {
    redactor: Arc<Redactor>,
    /// The tenant that it is for, if the run is for several.
    tenant: Option<Arc<str>>,
}

struct Spelling {
    text: Zeroizing<String>,
    /// Whose secret it is, if no data may hold it.
    kept_from_data: Option<Arc<str>>,
}

impl Redactor {
    /// Knows one secret, and whose it is.
    pub fn of(owner: &str, secret: &SecretString) -> Self {
        let redactor = Self::default();
        redactor.remember(owner, secret);
        redactor
    }

    /// Learns one more secret, and whose it is: a variable's, say.
    pub fn remember(&self, owner: &str, secret: &SecretString) {
        let secret = secret.expose_secret().trim();
        if secret.chars().count() < SHORTEST {
            return;
        }
        let owner = (secret.chars().count() >= SHORTEST_IN_DATA).then(|| Arc::from(owner));
        let in_data = spellings_in_data(secret).into_iter();
        let in_data = in_data.map(|text| (text, owner.clone()));
        let elsewhere = other_spellings(secret).into_iter().map(|text| (text, None));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (text, kept_from_data) in in_data.chain(elsewhere) {
            if !known.spellings.iter().any(|known| *known.text == text) {
                known.finder = OnceLock::new();
                known.spellings.push(Spelling {
                    text: Zeroizing::new(text),
                    kept_from_data,
                });
            }
        }
    }

    /// Learns a token, for as long as the part of its tenant goes on.
    pub fn remember_token(&self, token: &Arc<Self>, tenant: Option<&str>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.tokens.push(KnownToken {
            redactor: Arc::clone(token),
            tenant: tenant.map(Arc::from),
        });
    }

    /// Forgets the tokens of a tenant. Its remaining output has already been masked.
    pub fn forget_tokens(&self, tenant: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known
            .tokens
            .retain(|token| token.tenant.as_deref() != Some(tenant));
    }

    /// Replaces secrets by a mark.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.mask_bytes(text.as_bytes()) {
            // Whole characters were replaced by whole characters.
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Replaces secrets by a mark in what need not be text; `None` if there are none.
    pub fn mask_bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.replaced(bytes, &|_, masked| masked.extend(MARK.bytes()))
    }

    /// Replaces each character of a secret by a star, so that everything else stays in its place;
    /// `None` if there are no secrets.
    pub fn cover(&self, text: &str) -> Option<String> {
        let covered = self.replaced(text.as_bytes(), &|secret, covered| {
            // Whole characters are found.
            for character in String::from_utf8_lossy(secret).chars() {
                covered.push(match character {
                    '\n' => b'\n',
                    '\r' => b'\r',
                    _ => b'*',
                });
            }
        })?;
        Some(String::from_utf8_lossy(&covered).into_owned())
    }

    /// Writes something in the place of each secret; `None` if there are none.
    fn replaced(&self, bytes: &[u8], replace: Replace<'_>) -> Option<Vec<u8>> {
        let known = self.known();
        let replaced = known.replaced(bytes, replace);
        known.tokens.iter().fold(replaced, |replaced, token| {
            let rest = replaced.as_deref().unwrap_or(bytes);
            token.redactor.replaced(rest, replace).or(replaced)
        })
    }

    /// Returns whose secret stands in data, as it is or as the program writes it.
    pub fn holds(&self, data: &[u8]) -> Option<Arc<str>> {
        let known = self.known();
        let mut tokens = known.tokens.iter();
        known
            .holds(data)
            .or_else(|| tokens.find_map(|token| token.redactor.holds(data)))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redactor")
    }
}

impl Known {
    fn replaced(&self, bytes: &[u8], replace: Replace<'_>) -> Option<Vec<u8>> {
        let mut replaced = Vec::new();
        let mut end = 0;
        for found in self.finder()?.find_iter(bytes) {
            replaced.extend_from_slice(&bytes[end..found.start()]);
            replace(&bytes[found.range()], &mut replaced);
            end = found.end();
        }
        (end > 0).then(|| [&replaced, &bytes[end..]].concat())
    }

    fn holds(&self, data: &[u8]) -> Option<Arc<str>> {
        self.finder()?.find_iter(data).find_map(|found| {
            let spelling = self.spellings.get(found.pattern().as_usize())?;
            spelling.kept_from_data.clone()
        })
    }

    /// Returns what finds all spellings; `None` if there are none.
    fn finder(&self) -> Option<&AhoCorasick> {
        (!self.spellings.is_empty()).then(|| {
            self.finder.get_or_init(|| {
                let spellings = self.spellings.iter().map(|spelling| &*spelling.text);
                // The kind with the best balance: a token has tens of thousands of states.
                AhoCorasick::builder()
                    .kind(Some(AhoCorasickKind::ContiguousNFA))
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(spellings)
                    .expect("the environment has no room for 2 GiB of secrets")
            })
        })
    }
}

/// Spells a secret as data may hold it: as it is, in JSON, and as JSON and YAML are written here,
/// where a build service would take `##[` for a command.
fn spellings_in_data(secret: &str) -> [String; 4] {
    let json = as_json(secret);
    [
        secret.to_owned(),
        json.replace("##", "#\\u0023"),
        json.replace('#', "\\U00000023"),
        json,
    ]
}

/// Spells a secret as others may write it.
fn other_spellings(secret: &str) -> Vec<String> {
    let query = percent_encoded(secret);
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut spellings = vec![
        with_lower_hex(&query),
        query,
        with_lower_hex(&form),
        form,
        as_json(secret).replace('/', "\\/"),
        as_entities(secret, false),
        as_entities(secret, true),
    ];
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], secret.as_bytes()].concat();
        // Only the characters unaffected by the neighbouring bytes.
        let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for encoded in [base64::encode(&padded), base64::encode_url_safe(&padded)] {
            let own = encoded.get(own.clone()).unwrap_or_default();
            spellings.extend((own.len() >= SHORTEST_BASE64).then(|| own.to_owned()));
        }
    }
    spellings
}

/// Spells a text as JSON, without the quotes around it.
fn as_json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

/// Spells the digits behind each percent sign in lower case.
fn with_lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (hex, rest) = part.split_at(part.len().min(2));
        text + "%" + &hex.to_ascii_lowercase() + rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Q~8s-Zk1\"x/y?z+long.enough ##[to]_be\\found";

    fn redactor(secret: &str) -> Redactor {
        Redactor::of("a secret", &SecretString::from(secret))
    }

    #[test]
    fn tokens_are_found_until_their_tenant_is_done() {
        let run = redactor("secret-of-the-run");
        for (tenant, token) in [("one", "token-of-tenant-1"), ("two", "token-of-tenant-2")] {
            let token = Redactor::of("the access token", &SecretString::from(token));
            run.remember_token(&Arc::new(token), Some(tenant));
        }
        let text = "token-of-tenant-1 token-of-tenant-2 secret-of-the-run";
        assert_eq!(run.mask(text), "[secret] [secret] [secret]");
        assert_eq!(run.cover(text), Some(["*****************"; 3].join(" ")));
        run.forget_tokens("one");
        assert_eq!(run.mask(text), "token-of-tenant-1 [secret] [secret]");
        let owner = run.holds(b"\"token-of-tenant-2\"");
        assert_eq!(owner.as_deref(), Some("the access token"));
        assert_eq!(run.holds(b"\"token-of-tenant-1\""), None);
    }

    #[test]
    fn every_spelling_is_masked() {
        let redactor = redactor(SECRET);
        let spellings = spellings_in_data(SECRET).into_iter();
        for spelling in spellings.chain(other_spellings(SECRET)) {
            let masked = redactor.mask_bytes(format!("a{spelling}\u{fc}").as_bytes());
            assert_eq!(
                masked.as_deref(),
                Some("a[secret]\u{fc}".as_bytes()),
                "{spelling}"
            );
        }
        for spelling in [
            "Q~8s-Zk1%22x%2Fy%3Fz%2Blong.enough%20%23%23%5Bto%5D_be%5Cfound",
            "Q%7e8s-Zk1%22x%2fy%3fz%2blong.enough+%23%23%5bto%5d_be%5cfound",
            r#"Q~8s-Zk1\"x\/y?z+long.enough ##[to]_be\\found"#,
            "Q&#126;8s-Zk1&#34;x/y?z+long.enough &#35;&#35;&#91;to&#93;&#95;be&#92;found",
        ] {
            assert_eq!(redactor.mask(spelling), "[secret]", "{spelling}");
        }
        for before in ["", "u", "u:"] {
            for encode in [base64::encode, base64::encode_url_safe] {
                let masked = redactor.mask_bytes(encode(format!("{before}{SECRET}:x")).as_bytes());
                let masked = masked.expect("a secret");
                assert!(masked.len() < 20, "{}", String::from_utf8_lossy(&masked));
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for (secret, text) in [("", "text"), ("short", "short"), ("a-secret", "a-secre t")] {
            assert!(
                matches!(redactor(secret).mask(text), Cow::Borrowed(_)),
                "{text}"
            );
        }
        assert_eq!(
            redactor("a-secret").mask_bytes(b"\xffa-secret"),
            Some(b"\xff[secret]".to_vec())
        );
        assert_eq!(format!("{:?}", redactor(SECRET)), "Redactor");
    }

    #[test]
    fn a_cover_moves_nothing() {
        let redactor = redactor("pässword\nwith ö");
        assert_eq!(
            redactor.cover("ä: pässword\nwith ö.").as_deref(),
            Some("ä: ********\n******.")
        );
        assert_eq!(redactor.cover("ä"), None);
    }

    #[test]
    fn data_holds_no_long_secret_as_a_whole() {
        let redactor = Redactor::default();
        redactor.remember("`LONG`", &SecretString::from(format!("{SECRET}\n")));
        redactor.remember("`SHORT`", &SecretString::from("fifteen-letters"));
        for spelling in spellings_in_data(SECRET) {
            let data = format!("{{\"fifteen-letters\": \"{spelling}\"}}");
            assert_eq!(
                redactor.holds(data.as_bytes()).as_deref(),
                Some("`LONG`"),
                "{spelling}"
            );
        }
        for other in ["fifteen-letters", &SECRET[1..], ""] {
            assert_eq!(redactor.holds(other.as_bytes()), None, "{other}");
        }
    }
}
