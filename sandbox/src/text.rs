//! The text of a state file, as editors and shells on Windows write it: UTF-8 or UTF-16, with or
//! without a byte-order mark. It is written back as UTF-8.

use std::io;

/// Decodes a state file.
pub(crate) fn decode(bytes: Vec<u8>) -> io::Result<String> {
    let units = |bytes: &[u8], read: fn([u8; 2]) -> u16| -> io::Result<String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        match String::from_utf16(&units) {
            Ok(text) if rest.is_empty() => Ok(text),
            _ => Err(invalid("it is UTF-16 with half of a character")),
        }
    };
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec())
            .map_err(|error| invalid(&error.utf8_error().to_string())),
        [0xff, 0xfe, text @ ..] => units(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => units(text, u16::from_be_bytes),
        // JSON begins with ASCII and holds no NUL (RFC 4627, section 3).
        text @ [1..=0xff, 0, 1..=0xff, 0, ..] => units(text, u16::from_le_bytes),
        text @ [0, 1..=0xff, 0, 1..=0xff, ..] => units(text, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| invalid(&error.utf8_error().to_string())),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
