//! Small pieces of text: counts, excerpts, what may be shown of an address or an error, what caused one, and
//! which characters are never written as they are.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::iter;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Percent-encodes a text for a path segment or a query: only unreserved characters stay.
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Says a number with its noun: `1 policy`, `2 policies`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How long a value may be to be quoted in full.
pub(crate) const LONGEST_QUOTE: usize = 80;

/// The longest beginning that is quoted of a value of the wrong type.
const LONGEST_WRONG: usize = 20;

/// Returns a value in backticks, cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    quoted_to(LONGEST_QUOTE, text)
}

/// Returns the beginning of a value of the wrong type: enough to find it. What is
/// no manifest at all is often one long text, which is not to be repeated.
pub(crate) fn quoted_briefly(text: &str) -> String {
    quoted_to(LONGEST_WRONG, text)
}

fn quoted_to(longest: usize, text: &str) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Returns words in backticks as a choice: `a`, `b` or `c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    listed(words, "or")
}

/// Returns words in backticks as a list: `a`, `b` and `c`.
pub(crate) fn all_of(words: &[&str]) -> String {
    listed(words, "and")
}

/// A longer list helps less than the schema does.
const MOST_LISTED: usize = 12;

fn listed(words: &[&str], before_last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first, second, others @ ..] if others.len() > MOST_LISTED => format!(
            "`{first}`, `{second}` {before_last} {} others (see `assignctl schema`)",
            others.len()
        ),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} {before_last} `{last}`", first.join(", "))
        }
    }
}

/// Returns the beginning of a body, to show what came instead of an answer.
pub fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 200;
    if body.is_empty() {
        return "an empty body".to_owned();
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST)]);
    let mut start: String = text.trim().chars().take(LONGEST).collect();
    if body.len() > start.len() {
        start.push('…');
    }
    format!("`{start}`")
}

/// Returns what may be shown of an address that someone gave: not what stands before an `@`, and
/// nothing from a query or a fragment on. It need not be a URL.
pub fn shown_url(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    // Where a password holds one of them, the `@` comes after it.
    let Some(at) = text.rfind('@') else {
        return text[..end].to_owned();
    };
    let scheme = text
        .find("://")
        .filter(|found| *found < at)
        .map_or("", |found| &text[..found + 3]);
    let rest = &text[at + 1..];
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    format!("{scheme}{}", &rest[..end])
}

/// Cuts a link that was made to fill the screen, and leaves out what it may hold of secrets.
pub fn shortened_url(link: &str) -> String {
    const LONGEST: usize = 200;
    let link = shown_url(link);
    let mut start: String = link.chars().take(LONGEST).collect();
    if start.len() < link.len() {
        start.push('…');
    }
    start
}

/// Returns the causes of an error, the nearest first.
pub(crate) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(error.source(), |error| (*error).source())
}

/// Spells an error with its causes; the outermost text of an HTTP client's error says next to nothing.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        match text.contains(&cause) {
            true => text,
            false => text + ": " + &cause,
        }
    })
}

/// Why something failed: what is said of it, and the error that says so, if there is one. Clones share that.
///
/// Two are equal if they say the same. Only what is said is ever printed, also by `Debug`: an error may hold what
/// it was given.
#[derive(Clone)]
pub struct Cause {
    text: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cause {
    /// Says what an error says, with its causes.
    pub(crate) fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            text: with_causes(&source),
            source: Some(Arc::new(source)),
        }
    }

    /// Says first what it is about.
    pub(crate) fn of(what: impl fmt::Display, source: impl Error + Send + Sync + 'static) -> Self {
        let cause = Self::new(source);
        Self {
            text: format!("{what}: {}", cause.text),
            ..cause
        }
    }
}

impl<T: Into<String>> From<T> for Cause {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            source: None,
        }
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(formatter)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

/// Returns a text as one word of a command line, in quotes if a POSIX shell needs them.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| character.is_alphanumeric() || "_-./:@%+=,\\".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

/// Whether a terminal would act upon a character, or show the others in another order.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' // soft hyphen, which is not shown
            | '\u{61c}' // Arabic letter mark
            | '\u{200b}'..='\u{200f}' // zero width and direction marks; the joiner is let through below
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{202a}'..='\u{202e}' // embeddings and overrides
            | '\u{2060}'..='\u{206f}' // invisible operators, isolates
            | '\u{feff}' // byte order mark
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{e0000}'..='\u{e007f}' // tags
        ) && character != '\u{200d}' // joins emoji
}

/// Spells a text so that Markdown and HTML read it as text, by writing all but harmless punctuation as numeric
/// entities: also dots and colons, if it is for text that could be taken for a link.
pub(crate) fn as_entities(text: &str, could_be_link: bool) -> String {
    text.chars().fold(String::new(), |mut spelled, character| {
        let plain = !character.is_ascii()
            || character.is_ascii_alphanumeric()
            || " -,/()+=%;?'".contains(character)
            || (matches!(character, '.' | ':') && !could_be_link);
        if plain {
            spelled.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(spelled, "&#{};", u32::from(character));
        }
        spelled
    })
}

/// Whether a build service would find a command in the text.
pub(crate) fn holds_command(text: &str) -> bool {
    // Anywhere: of three in a row the last two count. Each row is looked at once, however long.
    let mut rest = text;
    while let Some(start) = rest.find("##") {
        rest = rest[start..].trim_start_matches('#');
        let word = rest.as_bytes().get(..4).unwrap_or_default();
        if rest.starts_with('[') || word.eq_ignore_ascii_case(b"vso[") {
            return true;
        }
    }
    false
}

/// Escapes in JSON what a terminal or a build service would act upon: control and direction characters, and
/// commands. Apart from line ends all of it can only stand inside of texts, where JSON allows that for every
/// character.
pub(crate) fn escaped_in_json(json: &str) -> Cow<'_, str> {
    // Hardly a text has one, and a single byte is found quickly.
    let mut text = Cow::Borrowed(json);
    if json.contains('#') && holds_command(json) {
        text = Cow::Owned(json.replace("##", "#\\u0023"));
    }
    let is_escaped = |character: char| is_unsafe(character) && character != '\n';
    if text.chars().any(is_escaped) {
        let mut escaped = String::with_capacity(text.len() + 8);
        for character in text.chars() {
            if is_escaped(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            } else {
                escaped.push(character);
            }
        }
        text = Cow::Owned(escaped);
    }
    text
}

/// Puts the article before a name, by its first letter.
pub fn with_article(name: &str) -> String {
    match name.starts_with(['a', 'e', 'i', 'o']) {
        true => format!("an {name}"),
        false => format!("a {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_and_leads_to_its_error() {
        let number = "x".parse::<u8>().expect_err("no number");
        let said = number.to_string();
        let cause = Cause::of("`--x`", Cause::of("it is odd", number));
        assert_eq!(cause.to_string(), format!("`--x`: it is odd: {said}"));
        assert_eq!(with_causes(&cause), cause.to_string());
        assert_eq!(causes(&cause).count(), 2);
        assert!(causes(&cause).any(|error| error.is::<std::num::ParseIntError>()));
        // As a text does: what the error itself holds may be secret.
        assert_eq!(format!("{cause:?}"), format!("{:?}", cause.to_string()));
        assert!(Cause::from("said").source().is_none());
    }
}
