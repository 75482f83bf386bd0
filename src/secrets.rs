//! Taking secrets out of text, in one place.
//!
//! A service may repeat what it was sent, and a file may hold what the environment holds as well.
//! So what comes from a service is cleaned of the secrets that were sent to it, and all that the
//! program says to people of the secrets of the run, once more and whatever way it came.
//!
//! Data is never altered: a plan that says `[secret]` in the place of a name is another plan. What
//! holds a whole secret that is no word is not written at all, see [`Secrets::whose_is_in`].
//!
//! A secret is found as it is, with escapes of URLs, JSON and HTML (also twice), and as base64. Of one
//! that is longer, parts from `RUN` characters on are found, too: who splits a token shows less of
//! it than anybody can guess the rest of. What a readable token says of its tenant is no secret and
//! stands in other texts as well (a link to the next page, say); of that, only parts from
//! `LONG_RUN` characters on are found, and of its signature all as ever. One of less than `SHORT`
//! characters may be a word like any other; it is found as a whole word, and only in what others
//! wrote. One of less than `SHORTEST` is in every text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use azure_core::base64;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// Shorter ones are in every text.
const SHORTEST: usize = 4;

/// Shorter ones may be words.
const SHORT: usize = 8;

/// From how many characters on a part of a secret is one.
const RUN: usize = 16;

/// From how many characters on a part of a readable token is one that holds little of its
/// signature. A GUID has 48 as base64.
const LONG_RUN: usize = 96;

/// What is looked up of a text, at every such step: any run holds a whole step.
const STEP: usize = RUN / 2;

/// How many places of a secret are tried where they look the same.
const MOST_ALIKE: usize = 8;

/// How much of a text is looked through at a time, and how much of that again with the next part:
/// more than any run takes with its escapes. It bounds what the escapes of a text cost.
const CHUNK: usize = 1024 * 1024;
const OVERLAP: usize = 4096;

/// How often escapes are undone.
const ROUNDS: usize = 2;

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody else wrote it: a service's error, a line of a file.
    Foreign,
    /// Words may be what they say, in what a service answers.
    Any,
    /// The program wrote it, with its own words (`the password is wrong`) and the paths that it
    /// asks for, and names of others within.
    Own,
}

/// The secrets of a run. They do not print, and are wiped at the end.
#[derive(Default)]
pub struct Secrets {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    spellings: Vec<Spelling>,
    /// Where the steps of long spellings are.
    steps: HashMap<[u8; STEP], Vec<(usize, usize)>>,
    sketch: Sketch,
    /// Those that no data may hold.
    whole: Vec<Whole>,
}

/// A secret that is too long for a word, as a whole.
struct Whole {
    owner: String,
    plain: Zeroizing<String>,
    as_json: Zeroizing<String>,
}

/// A set of steps that may hold more than were put in. Nearly all of a text is told from secrets by
/// it alone, so that a look through all that a service sends costs next to nothing.
#[derive(Default)]
struct Sketch {
    bits: Vec<u64>,
}

impl Sketch {
    /// A token has tens of thousands of steps with its spellings; of so many bits they take few.
    const BITS: u32 = 19;

    fn place(step: [u8; STEP]) -> (usize, u64) {
        // A prime multiplier spreads the steps (Knuth, multiplicative hashing); the upper bits are best.
        let spread = u64::from_le_bytes(step).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bit = spread >> (u64::BITS - Self::BITS);
        (
            usize::try_from(bit / 64).unwrap_or_default(),
            1 << (bit % 64),
        )
    }

    fn put(&mut self, step: [u8; STEP]) {
        let (index, bit) = Self::place(step);
        self.bits.resize(1 << (Self::BITS - 6), 0);
        self.bits[index] |= bit;
    }

    fn may_have(&self, step: [u8; STEP]) -> bool {
        let (index, bit) = Self::place(step);
        self.bits.get(index).is_some_and(|bits| bits & bit != 0)
    }
}

struct Spelling {
    bytes: Zeroizing<Vec<u8>>,
    /// From where on it is secret in every part.
    secret_from: usize,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Knows some secrets.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s SecretString>) -> Self {
        let known = Self::default();
        for secret in secrets {
            known.remember(secret);
        }
        known
    }

    /// Knows one more.
    pub fn remember(&self, secret: &SecretString) {
        let bytes = secret.expose_secret().trim().as_bytes();
        if bytes.len() < SHORTEST {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.add(Zeroizing::new(bytes.to_vec()), signature(bytes));
        for before in 0..3 {
            let [usual, of_urls] = as_base64(bytes, before);
            known.add(usual, 0);
            known.add(of_urls, 0);
        }
    }

    /// Puts a mark in the place of secrets.
    pub fn hide<'t>(&self, text: &'t str, origin: Origin, mark: &str) -> Cow<'t, str> {
        let found = self.find_in(text, origin);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut hidden = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            hidden.push_str(&text[end..range.start]);
            hidden.push_str(mark);
            end = range.end;
        }
        hidden.push_str(&text[end..]);
        Cow::Owned(hidden)
    }

    /// Puts a mark in the place of secrets, in what need not be text; none where there are none.
    pub fn hide_bytes(&self, bytes: &[u8], origin: Origin, mark: &str) -> Option<Vec<u8>> {
        let found = self.find(bytes, origin);
        if found.is_empty() {
            return None;
        }
        let mut hidden = Vec::with_capacity(bytes.len());
        let mut end = 0;
        for range in found {
            hidden.extend_from_slice(&bytes[end..range.start]);
            hidden.extend_from_slice(mark.as_bytes());
            end = range.end;
        }
        hidden.extend_from_slice(&bytes[end..]);
        Some(hidden)
    }

    /// Puts a star in the place of each character of secrets, so that all else stays where it is.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.find_in(text, Origin::Foreign);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            masked.push_str(&text[end..range.start]);
            masked.extend(
                text[range.clone()]
                    .chars()
                    .map(|character| match character {
                        '\n' | '\r' => character,
                        _ => '*',
                    }),
            );
            end = range.end;
        }
        masked.push_str(&text[end..]);
        Cow::Owned(masked)
    }

    /// Knows one more, and whose value it is: a variable's, say.
    pub fn remember_of(&self, owner: &str, secret: &SecretString) {
        self.remember(secret);
        let plain = secret.expose_secret().trim();
        if plain.chars().count() < RUN {
            return;
        }
        let as_json = Zeroizing::new(serde_json::to_string(plain).unwrap_or_default());
        // Without the quotes around it.
        let as_json = as_json.get(1..as_json.len().saturating_sub(1));
        let as_json = Zeroizing::new(as_json.unwrap_or(plain).to_owned());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if !known
            .whole
            .iter()
            .any(|whole| whole.plain.as_str() == plain)
        {
            known.whole.push(Whole {
                owner: owner.to_owned(),
                plain: Zeroizing::new(plain.to_owned()),
                as_json,
            });
        }
    }

    /// Returns whose secret of at least `RUN` characters stands as a whole in data. A shorter one
    /// may be a word, or the name of a policy.
    pub fn whose_is_in(&self, data: &str) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let holds = |whole: &&Whole| {
            data.contains(whole.plain.as_str()) || data.contains(whole.as_json.as_str())
        };
        known
            .whole
            .iter()
            .find(holds)
            .map(|whole| whole.owner.clone())
    }

    /// Does the same where a text is shown, and as far around that as any run takes with its
    /// escapes. None where nothing had to be masked.
    pub fn mask_parts(&self, text: &str, shown: Vec<Range<usize>>) -> Option<String> {
        let around = shown
            .into_iter()
            .map(|part| {
                let start = text.floor_char_boundary(part.start.saturating_sub(OVERLAP));
                start..text.ceil_char_boundary(text.len().min(part.end + OVERLAP))
            })
            .collect();
        let mut masked = String::new();
        let mut end = 0;
        for part in united(around) {
            if let Cow::Owned(stars) = self.mask(&text[part.clone()]) {
                masked.push_str(&text[end..part.start]);
                masked.push_str(&stars);
                end = part.end;
            }
        }
        (end > 0).then(|| masked + &text[end..])
    }

    /// Finds secrets in a text, in whole characters.
    fn find_in(&self, text: &str, origin: Origin) -> Vec<Range<usize>> {
        let mut found = self.find(text.as_bytes(), origin);
        for range in &mut found {
            range.start = text.floor_char_boundary(range.start);
            range.end = text.ceil_char_boundary(range.end);
        }
        united(found)
    }

    fn find(&self, bytes: &[u8], origin: Origin) -> Vec<Range<usize>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.spellings.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut start = 0;
        loop {
            let end = bytes.len().min(start + CHUNK);
            let parts = known.find_under_escapes(&bytes[start..end], origin);
            found.extend(
                parts
                    .into_iter()
                    .map(|part| start + part.start..start + part.end),
            );
            if end == bytes.len() {
                return united(found);
            }
            start = end - OVERLAP;
        }
    }
}

impl Known {
    /// Finds secrets in a text and in what it is with its escapes undone.
    fn find_under_escapes(&self, bytes: &[u8], origin: Origin) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.find(bytes, origin, |range| found.push(range));
        let mut layers: Vec<Layer> = Vec::new();
        for _ in 0..ROUNDS {
            let above = layers.last().map_or(bytes, |layer| &layer.bytes);
            let Some(layer) = Layer::below(above) else {
                break;
            };
            layers.push(layer);
            if let Some(lowest) = layers.last() {
                self.find(&lowest.bytes, origin, |range| {
                    let written = layers
                        .iter()
                        .rev()
                        .fold(range, |range, layer| layer.written(range));
                    found.push(written);
                });
            }
        }
        found
    }

    fn add(&mut self, bytes: Zeroizing<Vec<u8>>, secret_from: usize) {
        if bytes.len() < SHORTEST || self.spellings.iter().any(|known| known.bytes == bytes) {
            return;
        }
        let index = self.spellings.len();
        if bytes.len() >= RUN {
            for (at, step) in bytes.windows(STEP).enumerate() {
                let Ok(step) = step.try_into() else {
                    continue;
                };
                self.sketch.put(step);
                let alike = self.steps.entry(step).or_default();
                if alike.len() < MOST_ALIKE {
                    alike.push((index, at));
                }
            }
        }
        self.spellings.push(Spelling { bytes, secret_from });
    }

    fn find(&self, text: &[u8], origin: Origin, mut found: impl FnMut(Range<usize>)) {
        let spellings = self.spellings.iter().map(|known| &known.bytes);
        for spelling in spellings.filter(|known| known.len() < RUN) {
            let is_short = spelling.len() < SHORT;
            if is_short && origin != Origin::Foreign {
                continue;
            }
            for (at, _) in text
                .windows(spelling.len())
                .enumerate()
                .filter(|(_, part)| *part == spelling.as_slice())
            {
                let range = at..at + spelling.len();
                if (!is_short || is_word(text, &range))
                    && !(origin == Origin::Own && is_in_request(text, &range))
                {
                    found(range);
                }
            }
        }
        if self.steps.is_empty() {
            return;
        }
        let mut at = 0;
        while let Some(step) = text.get(at..).and_then(<[u8]>::first_chunk) {
            if !self.sketch.may_have(*step) {
                at += STEP;
                continue;
            }
            let longest = self
                .steps
                .get(step)
                .into_iter()
                .flatten()
                .filter_map(|(index, place)| run(text, at, &self.spellings[*index], *place))
                .max_by_key(ExactSizeIterator::len);
            if let Some(run) = longest {
                // The next step that is not within it.
                at = (run.end / STEP * STEP).max(at);
                found(run);
            }
            at += STEP;
        }
    }
}

/// Returns where the signature of a readable token begins (RFC 7519: three parts, the first of
/// which is JSON); of anything else, the beginning.
fn signature(secret: &[u8]) -> usize {
    let mut dots = (0..secret.len()).filter(|at| secret[*at] == b'.');
    match (dots.next(), dots.next(), dots.next()) {
        (Some(_), Some(last), None) if secret.starts_with(b"eyJ") => last + 1,
        _ => 0,
    }
}

/// Returns the longest part that a text at one place and a spelling at another have in common; none
/// where it is too short to be a secret.
fn run(text: &[u8], at: usize, spelling: &Spelling, place: usize) -> Option<Range<usize>> {
    let Spelling { bytes, secret_from } = spelling;
    let same = |(one, other): &(&u8, &u8)| one == other;
    let before = text[..at]
        .iter()
        .rev()
        .zip(bytes[..place].iter().rev())
        .take_while(same)
        .count();
    let after = text[at..]
        .iter()
        .zip(&bytes[place..])
        .take_while(same)
        .count();
    let secret = (place + after).saturating_sub((place - before).max(*secret_from));
    (secret >= RUN || before + after >= LONG_RUN).then(|| at - before..at + after)
}

/// Whether a part of a text is a word, and no key of a JSON object.
fn is_word(text: &[u8], part: &Range<usize>) -> bool {
    let continues = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    let before = part.start.checked_sub(1).and_then(|at| text.get(at));
    let behind = &text[part.end..];
    !continues(before) && !continues(behind.first()) && !behind.starts_with(b"\":")
}

/// Whether a part of a text stands in the path of a request that is told of (`GET /groups`).
fn is_in_request(text: &[u8], part: &Range<usize>) -> bool {
    let path = text[..part.start]
        .iter()
        .rposition(u8::is_ascii_whitespace)
        .map_or(0, |at| at + 1);
    let (before, path) = text.split_at(path);
    path.starts_with(b"/")
        && [&b"GET "[..], b"POST ", b"DELETE "]
            .iter()
            .any(|method| before.ends_with(method))
}

/// Returns a secret as base64, in both alphabets, as it is behind so many other bytes: only the
/// characters that those and what follows have no part in.
fn as_base64(bytes: &[u8], before: usize) -> [Zeroizing<Vec<u8>>; 2] {
    let mut padded = Zeroizing::new(vec![0; before]);
    padded.extend_from_slice(bytes);
    let start = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    [
        base64::encode(padded.as_slice()),
        base64::encode_url_safe(padded.as_slice()),
    ]
    .map(|encoded| {
        let encoded = Zeroizing::new(encoded.into_bytes());
        let own = encoded.get(start..end).unwrap_or_default();
        // What is left of a short one is in too many texts.
        Zeroizing::new(if own.len() < SHORT {
            Vec::new()
        } else {
            own.to_vec()
        })
    })
}

/// A text with its escapes undone once.
struct Layer {
    bytes: Vec<u8>,
    /// The escapes: where their bytes are here, and where they were written.
    escapes: Vec<(Range<usize>, Range<usize>)>,
}

impl Layer {
    /// Undoes the escapes of URLs, of JSON and of HTML; none where there are none.
    fn below(text: &[u8]) -> Option<Self> {
        let mut layer = Self {
            bytes: Vec::new(),
            escapes: Vec::new(),
        };
        let mut end = 0;
        let mut at = 0;
        while let Some(found) = text[at..].iter().position(|byte| b"%\\&".contains(byte)) {
            at += found;
            let Some((value, length)) = escape(&text[at..]) else {
                at += 1;
                continue;
            };
            layer.bytes.extend_from_slice(&text[end..at]);
            let start = layer.bytes.len();
            layer.bytes.extend_from_slice(&value);
            layer
                .escapes
                .push((start..layer.bytes.len(), at..at + length));
            at += length;
            end = at;
        }
        layer.bytes.extend_from_slice(&text[end..]);
        (!layer.escapes.is_empty()).then_some(layer)
    }

    /// Returns where a part of this text was written.
    fn written(&self, part: Range<usize>) -> Range<usize> {
        let place = |at: usize, is_end: bool| {
            let before = self.escapes.partition_point(|(here, _)| here.start <= at);
            let Some((here, written)) = before
                .checked_sub(1)
                .and_then(|last| self.escapes.get(last))
            else {
                return at;
            };
            match at {
                _ if at >= here.end => written.end + (at - here.end),
                _ if is_end && at > here.start => written.end,
                _ => written.start,
            }
        };
        place(part.start, false)..place(part.end, true)
    }
}

/// Reads an escape: its bytes, and how long it is.
fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    match text {
        [b'%', high, low, ..] => {
            let value = number(&[*high, *low])?;
            Some((vec![u8::try_from(value).ok()?], 3))
        }
        [b'\\', b'u', digits @ ..] => {
            let character = char::from_u32(number(digits.get(..4)?)?)?;
            Some((character.to_string().into_bytes(), 6))
        }
        // As Markdown for a comment spells what would mean something there.
        [b'&', b'#', rest @ ..] => {
            let length = rest.iter().take(8).position(|byte| *byte == b';')?;
            let digits = std::str::from_utf8(&rest[..length]).ok()?;
            let character = char::from_u32(digits.parse().ok()?)?;
            Some((character.to_string().into_bytes(), length + 3))
        }
        [b'\\', punctuation, ..] if punctuation.is_ascii_punctuation() => {
            Some((vec![*punctuation], 2))
        }
        _ => None,
    }
}

/// Sorts parts and makes one of those that touch.
fn united(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_by_key(|part| (part.start, part.end));
    let mut united: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    for part in parts {
        match united.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => united.push(part),
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Q~8s-Zk1\"x/y?z+long.enough_to=be\\split";

    fn hide(secret: &str, text: &str) -> String {
        let secrets = Secrets::new([&SecretString::from(secret)]);
        secrets.hide(text, Origin::Foreign, "#").into_owned()
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }

    #[test]
    fn nothing_known_is_nothing_hidden() {
        let none = Secrets::new([]);
        assert!(matches!(
            none.hide("text", Origin::Foreign, "#"),
            Cow::Borrowed("text")
        ));
        assert_eq!(none.hide_bytes(b"text", Origin::Foreign, "#"), None);
        assert_eq!(hide(SECRET, ""), "");
        assert_eq!(hide("abc", "abc"), "abc");
        assert_eq!(hide("", "abc"), "abc");
    }

    #[test]
    fn every_spelling_is_found() {
        let json = serde_json::to_string(SECRET).expect("JSON");
        let json = &json[1..json.len() - 1];
        let twice = serde_json::to_string(json).expect("JSON");
        let form: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let letters: String = SECRET
            .chars()
            .map(|character| format!("\\u{:04X}", u32::from(character)))
            .collect();
        for spelling in [
            SECRET,
            json,
            &twice[1..twice.len() - 1],
            &form,
            &percent(SECRET),
            &percent(&percent(SECRET)),
            &letters,
            &percent(&letters),
            &SECRET.replace('"', "&#34;").replace('/', "&#47;"),
        ] {
            assert_eq!(hide(SECRET, &format!("a{spelling}b")), "a#b", "{spelling}");
        }
        for before in ["", "u", "u:"] {
            for encode in [base64::encode, base64::encode_url_safe] {
                let encoded = encode(format!("{before}{SECRET}:x"));
                let hidden = hide(SECRET, &format!("Basic {encoded}"));
                assert!(hidden.len() < 20 && hidden.contains('#'), "{hidden}");
            }
        }
    }

    #[test]
    fn long_parts_are_found() {
        for length in RUN..SECRET.len() {
            for start in 0..=SECRET.len() - length {
                for before in 0..STEP {
                    let part = &SECRET[start..start + length];
                    let before = "_".repeat(before);
                    assert_eq!(
                        hide(SECRET, &format!("{before} {part} ")),
                        format!("{before} # ")
                    );
                }
            }
        }
        let (one, other) = SECRET.split_at(SECRET.len() / 2);
        assert_eq!(hide(SECRET, &format!("{one} and {other}")), "# and #");
        assert_eq!(hide(SECRET, &SECRET[..RUN - 1]), SECRET[..RUN - 1]);
        let alike = "a".repeat(1000);
        assert_eq!(hide(&alike, &format!("{alike}b{alike}")), "#b#");
    }

    /// A link to the next page may name the tenant as a token does.
    #[test]
    fn what_a_token_says_of_its_tenant_is_no_secret() {
        let claims = format!(
            "{{\"tid\":\"{}\",\"x\":\"{}\"}}",
            "a-guid-".repeat(5),
            "y".repeat(90)
        );
        let claims = base64::encode_url_safe(claims);
        let token = format!(
            "eyJhbGciOiJub25lIn0.{claims}.{}",
            "signature-of-some-length"
        );
        let link = format!("https://x/?$skiptoken={}&x=1", &claims[..60]);
        assert_eq!(hide(&token, &link), link);
        assert_eq!(hide(&token, &format!("a {} b", &claims[..100])), "a # b");
        assert_eq!(
            hide(&token, &format!("a {} b", &token[token.len() - 17..])),
            "a # b"
        );
        assert_eq!(hide(&token, &format!("a {token} b")), "a # b");
        let (one, other) = token.split_at(token.len() - 20);
        assert_eq!(hide(&token, &format!("{one} {other}")), "# #");
    }

    #[test]
    fn short_ones_are_words_and_in_foreign_texts_only() {
        for (text, hidden) in [
            ("a word", "a #"),
            (
                "word, words, sword, client-word, word_",
                "#, words, sword, client-word, word_",
            ),
            ("{\"word\": \"word\"}", "{\"word\": \"#\"}"),
            ("w%6frd", "#"),
        ] {
            assert_eq!(hide("word", text), hidden);
        }
        let secrets = Secrets::new(&[SecretString::from("word"), SecretString::from("eightlet")]);
        let data = secrets.hide("word eightlet", Origin::Any, "#");
        assert_eq!(data, "word #");
        let own = secrets.hide(
            "GET /a/eightlet/b: eightlet (POST /eightlet)",
            Origin::Own,
            "#",
        );
        assert_eq!(own, "GET /a/eightlet/b: # (POST /eightlet)");
        let others = secrets.hide("GET /a/eightlet/b", Origin::Any, "#");
        assert_eq!(others, "GET /a/#/b");
    }

    #[test]
    fn data_holds_no_long_secret_as_a_whole() {
        let secrets = Secrets::default();
        secrets.remember_of(
            "`LONG`",
            &SecretString::from("a \"secret\" of some length\n"),
        );
        secrets.remember_of("`SHORT`", &SecretString::from("fifteen-letters"));
        for held in [
            "x a \"secret\" of some length x",
            r#"{"name": "a \"secret\" of some length"}"#,
        ] {
            assert_eq!(
                secrets.whose_is_in(held).as_deref(),
                Some("`LONG`"),
                "{held}"
            );
        }
        for other in ["fifteen-letters", "a \"secret\" of some lengt", ""] {
            assert_eq!(secrets.whose_is_in(other), None, "{other}");
        }
        assert_eq!(secrets.hide("fifteen-letters", Origin::Any, "#"), "#");
    }

    #[test]
    fn a_mask_moves_nothing() {
        let secrets = Secrets::new([&SecretString::from("pässword with ö")]);
        let text = "ä: pässword with ö\nb: p\u{e4}ssword%20with ö";
        let masked = secrets.mask(text);
        assert_eq!(masked.chars().count(), text.chars().count());
        assert_eq!(
            masked,
            format!("ä: {}\nb: {}", "*".repeat(15), "*".repeat(17))
        );
        assert!(format!("{secrets:?}").starts_with("Secrets"));
    }

    #[test]
    fn only_what_is_shown_is_masked_and_what_reaches_into_it() {
        let secrets = Secrets::new([&SecretString::from(SECRET)]);
        let far = "ä".repeat(OVERLAP);
        let text = format!("{SECRET}{far}{SECRET}|{}", percent(&percent(SECRET)));
        let at = SECRET.len() + far.len() + SECRET.len();
        let stars = |text: &str| "*".repeat(text.chars().count());
        assert_eq!(secrets.mask_parts(&text, Vec::new()), None);
        assert_eq!(secrets.mask_parts(&far, vec![0..far.len(), 5..5]), None);
        // The mark between the two is all that is shown.
        let masked = secrets
            .mask_parts(&text, vec![at..at, at..at + 1])
            .expect("secrets");
        assert_eq!(
            masked,
            format!(
                "{SECRET}{far}{}|{}",
                stars(SECRET),
                stars(&percent(&percent(SECRET)))
            )
        );
        let all = secrets.mask_parts(&text, vec![0..0, 0..text.len()]);
        assert_eq!(all.as_deref(), Some(&*secrets.mask(&text)));
    }

    #[test]
    fn bytes_need_not_be_text() {
        let secrets = Secrets::new([&SecretString::from("a-token-of-some-length")]);
        let hidden = secrets.hide_bytes(b"\xff a-token-of-some-length \xfe", Origin::Any, "#");
        assert_eq!(hidden.as_deref(), Some(&b"\xff # \xfe"[..]));
        assert_eq!(secrets.hide_bytes(b"\xff", Origin::Any, "#"), None);
    }

    #[test]
    fn large_texts_take_little_time() {
        let token: String = (0..3000_u32)
            .map(|number| char::from(b'!' + (number * 7919 % 90) as u8))
            .collect();
        let secrets = Secrets::new([&SecretString::from(token.as_str())]);
        let text = format!("{}{token}", "%41\\u0041 some text ".repeat(200_000));
        let start = std::time::Instant::now();
        let across = "_".repeat(CHUNK - OVERLAP - 10) + &token;
        assert!(secrets.hide(&across, Origin::Foreign, "#").ends_with("_#"));
        let across = "_".repeat(CHUNK - 10) + &percent(&token);
        assert!(secrets.hide(&across, Origin::Foreign, "#").ends_with("_#"));
        assert!(secrets.hide(&text, Origin::Foreign, "#").ends_with(" #"));
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}
