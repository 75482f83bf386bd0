//! Names in Markdown: as code, in tables, in fences.
//!
//! A name goes into a `<code>` element with everything that Markdown or HTML could read as more
//! than text written as a numeric entity. "Entity and numeric character references cannot be used
//! in place of symbols indicating structure" (CommonMark 0.31.2, 2.5), so this holds in a table's
//! cell as well, where a backslash before a pipe would not in every case; and GitHub looks for
//! mentions and issue numbers in text, not in code.

use super::super::clean::clean;
use crate::text::as_entities;

/// Returns text as inline code.
pub fn code(text: impl AsRef<str>) -> String {
    let text = clean(text.as_ref());
    // What looks like an address becomes a link, even in an element.
    let links = text.contains("//") || text.to_ascii_lowercase().contains("www.");
    format!("<code>{}</code>", as_entities(&text, links))
}

/// Returns a fence that is longer than any in some texts.
pub(super) fn longest_fence(texts: &[String]) -> String {
    let texts = texts.iter();
    let assignments = texts.flat_map(|text| text.split(|character| character != '`'));
    let longest = assignments.map(str::len).max().unwrap_or_default();
    "`".repeat(longest.saturating_add(1).max(3))
}

/// Returns lines as a fenced block. The fence is longer than any in the lines.
pub(super) fn fenced(language: &str, lines: &str) -> String {
    let fence = longest_fence(&[lines.to_owned()]);
    let lines = lines.trim_end_matches('\n');
    format!("{fence}{language}\n{lines}\n{fence}\n\n")
}

/// Returns the beginning of a text that is longer than so many characters.
pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_can_be_read_and_found() {
        for name in [
            "",
            "Win - BitLocker (v1.2), 100%",
            "m.yaml:3",
            "Büro 'Süd' 👩\u{200d}💻",
        ] {
            assert_eq!(code(name), format!("<code>{name}</code>"));
        }
    }

    #[test]
    fn nothing_in_a_name_is_markup() {
        let all: String = (0..128).map(char::from).collect();
        let coded = code(format!("{all}\u{202e}www.example.com"));
        let inner = coded
            .strip_prefix("<code>")
            .and_then(|rest| rest.strip_suffix("</code>"))
            .expect("a code element");
        // The marks of entities are all that is left.
        let left = inner.split(';').map(|part| match part.rsplit_once("&#") {
            Some((before, number)) => {
                assert!(number.parse::<u8>().is_ok(), "{number}");
                before
            }
            None => part,
        });
        for part in left {
            assert!(
                part.chars()
                    .all(|character| character.is_ascii_alphanumeric()
                        || " -,/()+=%?'".contains(character)),
                "{part:?}"
            );
        }
        assert!(!inner.contains("www."));
    }

    #[test]
    fn a_fence_is_longer_than_those_in_it() {
        assert_eq!(fenced("diff", "+a\n"), "```diff\n+a\n```\n\n");
        assert_eq!(fenced("", "+````x``"), "`````\n+````x``\n`````\n\n");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
    }
}
