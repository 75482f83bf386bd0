//! Bodies of answers, and errors for malformed ones.

use serde::Deserialize;
use serde_json::{Error, Map, Value};

use super::error::GraphError;
use super::transport::RequestLine;
use crate::text::{Cause, excerpt};

/// A JSON object as the service sent it.
pub(super) type Object = Map<String, Value>;

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misread {
    /// It is cut, or comes from someone else. The next answer may be better.
    #[error("{0}")]
    Transient(#[source] Cause),
    /// It is valid JSON of another form.
    #[error("{0}")]
    Shape(#[source] Cause),
    /// A text in it holds a lone surrogate; what stands around it.
    #[error("half of a character: {0}")]
    LoneSurrogate(String),
}

impl Misread {
    /// Makes the error of a request.
    pub(super) fn into_error(self, request: RequestLine) -> GraphError {
        match self {
            Self::Transient(detail) | Self::Shape(detail) => GraphError::Shape { request, detail },
            Self::LoneSurrogate(around) => GraphError::LoneSurrogate { request, around },
        }
    }
}

/// What is wrong with a body, and what it is instead.
#[derive(Debug, thiserror::Error)]
enum Unexpected {
    /// It cannot be read.
    #[error("unexpected response ({source}): {excerpt}")]
    Body { source: Error, excerpt: String },
    /// It can be read up to a place.
    #[error("unexpected response: `{path}`: {source}: {around}")]
    Place {
        path: serde_path_to_error::Path,
        source: Error,
        around: String,
    },
}

/// Decodes a body, or says why it is not what it should be.
pub(super) fn from_json<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Misread> {
    serde_json::from_slice(body).map_err(|error| misread::<T>(error, body))
}

/// Reads an object that was kept.
pub(super) fn from_object<'de, T: Deserialize<'de>>(object: &'de Object) -> Result<T, Misread> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let path = format!("`{}`", error.path());
        Misread::Shape(Cause::of(path, error.into_inner()))
    })
}

fn misread<'de, T: Deserialize<'de>>(error: Error, body: &'de [u8]) -> Misread {
    let at = offset(&error, body);
    if error.is_syntax() && ends_in_lone_surrogate(&body[..at]) {
        return Misread::LoneSurrogate(around(body, at));
    }
    // Where it is takes a second look, which only a wrong answer is worth.
    let mut reader = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        // What is wrong with the whole is not the service's, but a proxy's, say.
        Err(placed) if placed.inner().is_data() && placed.path().iter().count() > 1 => {
            Misread::Shape(Cause::new(Unexpected::Place {
                path: placed.path().clone(),
                source: placed.into_inner(),
                around: around(body, at),
            }))
        }
        _ => Misread::Transient(Cause::new(Unexpected::Body {
            source: error,
            excerpt: excerpt(body),
        })),
    }
}

/// Returns where an error was found.
fn offset(error: &Error, body: &[u8]) -> usize {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    body.len().min(before + error.column())
}

/// Whether the last escape of a text is half of a pair (RFC 8259, 8.2). The parser stops at the end of
/// the escape, or a little behind it, where the other half should be.
fn ends_in_lone_surrogate(text: &[u8]) -> bool {
    let end = &text[text.len().saturating_sub(12)..];
    end.windows(4).any(|part| {
        let [b'\\', b'u', b'd' | b'D', digit] = part else {
            return false;
        };
        matches!(digit, b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F')
    })
}

/// Returns what stands around a place, to show what is wrong there.
fn around(body: &[u8], at: usize) -> String {
    const BEFORE: usize = 120;
    const BEHIND: usize = 40;
    let part = at.saturating_sub(BEFORE)..body.len().min(at + BEHIND);
    let cut = |is_cut| if is_cut { "…" } else { "" };
    format!(
        "`{}{}{}`",
        cut(part.start > 0),
        String::from_utf8_lossy(&body[part.clone()]).trim(),
        cut(part.end < body.len())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{causes, with_causes};

    #[derive(Debug, Deserialize)]
    struct Page {
        #[serde(rename = "value")]
        _value: Vec<Value>,
    }

    /// C4: half of a character in a name.
    #[test]
    fn c4_a_lone_surrogate_is_said_with_what_stands_around_it() {
        for half in [
            r"\ud83d",
            r"\uDC00 x",
            r"\uD83D\u0041",
            r"\ud83dx",
            r"\ud83d\n",
        ] {
            let body = format!(r#"{{"value": [{{"id": "1", "name": "Win {half}"}}]}}"#);
            match from_json::<Value>(body.as_bytes()) {
                Err(Misread::LoneSurrogate(around)) => {
                    assert!(around.contains("\"name\": \"Win "), "{around}");
                }
                other => panic!("{half}: {other:?}"),
            }
        }
        let whole = r#"["\ud83d\ude00"]"#;
        assert_eq!(
            from_json::<Value>(whole.as_bytes()),
            Ok(serde_json::json!(["\u{1f600}"]))
        );
    }

    #[test]
    fn an_error_leads_to_what_the_parser_says() {
        for body in ["{", r#"{"value": 1}"#] {
            let misread = from_json::<Page>(body.as_bytes()).expect_err("not a page");
            let error = misread.into_error(RequestLine::get("/groups"));
            let said = causes(&error).find_map(|error| error.downcast_ref::<Error>());
            let said = said.expect("the parser's error").to_string();
            assert_eq!(error.to_string().matches(&said).count(), 1, "{error}");
            assert_eq!(with_causes(&error), error.to_string());
        }
    }

    #[test]
    fn a_body_that_is_cut_may_be_better_next_time_and_one_of_another_form_may_not() {
        for body in ["", "{\"value\": [", "<html>", "\u{feff}{}"] {
            let misread = from_json::<Value>(body.as_bytes()).expect_err("not JSON");
            assert!(matches!(misread, Misread::Transient(_)), "{misread}");
        }
        let misread = from_json::<Vec<Vec<u8>>>(b"[[1,\n \"x\"]]").expect_err("another form");
        assert!(matches!(misread, Misread::Shape(_)), "{misread}");
        assert!(
            misread.to_string().contains("`[0][1]`: invalid type"),
            "{misread}"
        );
    }
}
