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

mod escapes;
mod sketch;
#[cfg(test)]
mod tests;
mod watch;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{OnceLock, PoisonError, RwLock};

use azure_core::base64;
use escapes::Layer;
use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use sketch::Sketch;
pub use watch::Watch;
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
    sketch: Sketch,
    /// Where the steps of long spellings are; gathered when a text looks as if it held one, which
    /// nearly none does.
    steps: OnceLock<Steps>,
    /// Those that no data may hold.
    whole: Vec<Whole>,
}

/// Steps, sorted, each with the spelling that has it and where.
type Steps = Vec<([u8; STEP], u32, u32)>;

/// A secret that is too long for a word, as a whole.
struct Whole {
    owner: String,
    /// As it is, and as JSON and YAML spell it.
    spellings: Vec<Zeroizing<String>>,
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
        // Manifests that hold what a build service would take for a command.
        let as_yaml = Zeroizing::new(as_json.replace('#', "\\U00000023"));
        let mut spellings = vec![Zeroizing::new(plain.to_owned()), as_json, as_yaml];
        spellings.dedup();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if !known.whole.iter().any(|whole| whole.spellings == spellings) {
            known.whole.push(Whole {
                owner: owner.to_owned(),
                spellings,
            });
        }
    }

    /// Returns whose secret of at least `RUN` characters stands as a whole in data. A shorter one
    /// may be a word, or the name of a policy.
    pub fn whose_is_in(&self, data: &[u8]) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let has = |secret: &Zeroizing<String>| memmem::find(data, secret.as_bytes()).is_some();
        let holds = |whole: &&Whole| whole.spellings.iter().any(has);
        known
            .whole
            .iter()
            .find(holds)
            .map(|whole| whole.owner.clone())
    }

    /// Returns how long the longest secret is that no data may hold.
    fn longest_whole(&self) -> Option<usize> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let spellings = known.whole.iter().flat_map(|whole| &whole.spellings);
        spellings.map(|secret| secret.len()).max()
    }

    /// Does what [`Self::mask`] does where a text is shown, and as far around that as any run takes
    /// with its escapes. None where nothing had to be masked.
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
        for step in steps(&bytes) {
            self.sketch.put(step);
        }
        self.steps = OnceLock::new();
        self.spellings.push(Spelling { bytes, secret_from });
    }

    /// Returns where spellings have a step; not all places where there are many.
    fn places_of(&self, step: [u8; STEP]) -> impl Iterator<Item = (&Spelling, usize)> {
        let all = self.steps.get_or_init(|| {
            let spellings = (0..).zip(&self.spellings);
            let mut all: Steps = spellings
                .flat_map(|(index, spelling)| {
                    let steps = (0..).zip(steps(&spelling.bytes));
                    steps.map(move |(at, step)| (step, index, at))
                })
                .collect();
            all.sort_unstable();
            all
        });
        let first = all.partition_point(|(other, _, _)| *other < step);
        let alike = all[first..]
            .iter()
            .take_while(move |(other, _, _)| *other == step);
        alike.take(MOST_ALIKE).filter_map(|(_, index, at)| {
            let spelling = self.spellings.get(usize::try_from(*index).ok()?)?;
            Some((spelling, usize::try_from(*at).ok()?))
        })
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
        if self.sketch.is_empty() {
            return;
        }
        let mut at = 0;
        while let Some(step) = text.get(at..).and_then(<[u8]>::first_chunk) {
            if !self.sketch.may_have(*step) {
                at += STEP;
                continue;
            }
            let longest = self
                .places_of(*step)
                .filter_map(|(spelling, place)| run(text, at, spelling, place))
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

/// Returns the steps of a spelling, from each of its places on; none of one that is found as a whole.
fn steps(spelling: &[u8]) -> impl Iterator<Item = [u8; STEP]> {
    let long = if spelling.len() < RUN { &[] } else { spelling };
    long.windows(STEP).filter_map(|step| step.try_into().ok())
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
