//! From bytes to text. Programs on Windows write UTF-16 and byte-order marks (Windows PowerShell's `>`
//! writes both) and the code pages of before Unicode.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are not text, or text in an encoding that is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotText {
    /// What was found.
    pub message: String,
    /// What can be shown of it.
    pub shown: String,
    /// Where the fault is in what is shown, in bytes.
    pub at: usize,
}

/// Decodes the bytes of a file: UTF-8 or UTF-16, with or without a byte-order mark.
///
/// # Errors
///
/// Names the encoding that was found.
pub fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    String::from_utf8(to_utf8(bytes)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        not_utf8(error.as_bytes(), at)
    })
}

/// Does the same, but leaves bytes that are neither UTF-8 nor UTF-16 to whoever reads them: a report
/// may end in the middle of a character.
///
/// # Errors
///
/// As [`decode`], for faults in UTF-16.
pub fn to_utf8(mut bytes: Vec<u8>) -> Result<Vec<u8>, NotText> {
    let (encoding, mark) = match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            return Ok(bytes);
        }
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err(NotText {
                message: "it is UTF-32, not UTF-8".to_owned(),
                shown: String::new(),
                at: 0,
            });
        }
        [0xff, 0xfe, ..] => (UTF_16LE, 2),
        [0xfe, 0xff, ..] => (UTF_16BE, 2),
        // Manifests, plans, reports and state files begin with ASCII, and hold no NUL (YAML 1.2.2,
        // section 5.2, tells encodings apart in this way).
        [1..=0xff, 0, 1..=0xff, 0, ..] => (UTF_16LE, 0),
        [0, 1..=0xff, 0, 1..=0xff, ..] => (UTF_16BE, 0),
        _ => return Ok(bytes),
    };
    from_utf16(&bytes[mark..], encoding).map(String::into_bytes)
}

fn from_utf16(bytes: &[u8], encoding: &'static Encoding) -> Result<String, NotText> {
    let (text, has_faults) = encoding.decode_without_bom_handling(bytes);
    if !has_faults {
        return Ok(text.into_owned());
    }
    let name = encoding.name();
    let message = if bytes.len() % 2 == 1 {
        format!("it is {name}, and ends in the middle of a character")
    } else {
        format!("it is {name}, and holds half of a character")
    };
    let at = text.find(char::REPLACEMENT_CHARACTER).unwrap_or_default();
    Err(NotText {
        message,
        at,
        shown: text.into_owned(),
    })
}

/// Says what bytes are that are not UTF-8 from a place on.
fn not_utf8(bytes: &[u8], at: usize) -> NotText {
    let byte = bytes.get(at).copied().unwrap_or_default();
    let lossy = String::from_utf8_lossy(bytes);
    // Where nothing else is UTF-8 beyond ASCII, the file as a whole is of another encoding.
    let is_foreign = lossy
        .chars()
        .all(|character| character.is_ascii() || character == char::REPLACEMENT_CHARACTER);
    // What comes before the byte is ASCII then, the same in both.
    let ansi = is_foreign.then(|| WINDOWS_1252.decode_without_bom_handling(bytes).0);
    let letter = ansi
        .as_ref()
        .and_then(|ansi| ansi.get(at..)?.chars().next())
        .filter(|letter| letter.is_alphanumeric());
    match ansi.zip(letter) {
        Some((ansi, letter)) => NotText {
            message: format!(
                "the byte 0x{byte:02x} is not UTF-8; in Windows-1252 (ANSI) it is `{letter}`"
            ),
            shown: ansi.into_owned(),
            at,
        },
        None => NotText {
            message: format!("the byte 0x{byte:02x} is not UTF-8"),
            shown: lossy.into_owned(),
            at,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            })
            .collect()
    }

    fn fault(bytes: &[u8]) -> String {
        decode(bytes.to_vec()).expect_err("no text").message
    }

    #[test]
    fn f04_what_windows_writes_is_read() {
        let text = "version: 1 # Größe 👋\r\n";
        let mut marked = vec![0xef, 0xbb, 0xbf];
        marked.extend(text.as_bytes());
        for bytes in [
            text.as_bytes().to_vec(),
            marked,
            utf16(text, false),
            utf16(text, true),
            utf16(&format!("\u{feff}{text}"), false),
            utf16(&format!("\u{feff}{text}"), true),
        ] {
            assert_eq!(decode(bytes.clone()).as_deref(), Ok(text), "{bytes:x?}");
        }
        assert_eq!(decode(Vec::new()).as_deref(), Ok(""));
        assert_eq!(decode(vec![0xff, 0xfe]).as_deref(), Ok(""));
        // A mark in the text is a character.
        assert_eq!(decode("a\u{feff}".into()).as_deref(), Ok("a\u{feff}"));
    }

    #[test]
    fn f04_what_is_not_read_is_named() {
        assert_eq!(
            fault(b"name: Gr\xf6\xdfe"),
            "the byte 0xf6 is not UTF-8; in Windows-1252 (ANSI) it is `ö`"
        );
        assert_eq!(
            fault("Größe \u{1f44b}".as_bytes().split_at(10).0),
            "the byte 0xf0 is not UTF-8"
        );
        assert_eq!(fault(b"\xff\xfe\0\0a\0\0\0"), "it is UTF-32, not UTF-8");
        let text = utf16("version: 1 👋", false);
        assert_eq!(
            fault(&text[..text.len() - 2]),
            "it is UTF-16LE, and holds half of a character"
        );
        assert_eq!(
            fault(&text[..text.len() - 1]),
            "it is UTF-16LE, and ends in the middle of a character"
        );
    }

    #[test]
    fn f04_what_is_left_of_a_character_is_left_alone_where_it_may_be() {
        assert_eq!(
            to_utf8(b"{}\n\xc3".to_vec()).as_deref(),
            Ok(&b"{}\n\xc3"[..])
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            if let Err(NotText { shown, at, .. }) = decode(bytes) {
                proptest::prop_assert!(shown.is_char_boundary(at));
            }
        }
    }
}
