//! The small encodings of the wire: percent signs, base64 and GUIDs made from text.
//!
//! The sandbox has its own, so that a mistake in the client's shows as a disagreement.

use aws_lc_rs::digest;

/// Returns the SHA-256 of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Makes a GUID from a text: the same text always gives the same one.
pub fn guid_from(text: &str) -> String {
    let mut bytes = sha256(text.as_bytes());
    bytes.truncate(16);
    // Version 8 ("custom") and the usual variant, so that strict readers take it for a GUID.
    if let Some(byte) = bytes.get_mut(6) {
        *byte = (*byte & 0x0f) | 0x80;
    }
    if let Some(byte) = bytes.get_mut(8) {
        *byte = (*byte & 0x3f) | 0x80;
    }
    let mut guid = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            guid.push('-');
        }
        guid.push(hex_digit(byte >> 4));
        guid.push(hex_digit(byte & 15));
    }
    guid
}

/// Whether a text has the form of a GUID, braces not included.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4).to_ascii_uppercase());
            encoded.push(hex_digit(byte & 15).to_ascii_uppercase());
        }
    }
    encoded
}

/// Undoes one layer of percent-encoding; none for a stray `%` or bytes that are not UTF-8.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' if plus_is_space => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes as base64url without padding, as in a JWT.
pub(super) fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_u32;
        for index in 0..3 {
            group = group << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..=chunk.len() {
            let shift = 18 - 6 * index;
            let digit = BASE64.get((group >> shift & 63) as usize);
            text.push(digit.map_or('A', |byte| char::from(*byte)));
        }
    }
    text
}

/// Decodes base64 in either alphabet, padded or not.
pub(super) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut group, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let byte = match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        };
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        group = (group << 6 | u32::from(digit)) & 0x00ff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(group >> bits & 255).ok()?);
        }
    }
    Some(bytes)
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_back() {
        for text in ["", "a", "ab", "abc", "abcd", "\u{1f600}?>"] {
            let encoded = base64url(text.as_bytes());
            assert_eq!(base64_decode(&encoded), Some(text.as_bytes().to_vec()));
        }
        assert_eq!(base64url(b"\xfb\xff"), "-_8");
        assert_eq!(base64_decode("+/8="), Some(b"\xfb\xff".to_vec()));
        assert_eq!(base64_decode("a"), None);
        assert_eq!(base64_decode("a b"), None);
    }

    #[test]
    fn percent_signs_come_back() {
        assert_eq!(percent_encode(""), "");
        assert_eq!(percent_encode("[Ü]"), "%5B%C3%9C%5D");
        assert_eq!(
            percent_decode("%5B%C3%9C%5D", false).as_deref(),
            Some("[Ü]")
        );
        assert_eq!(percent_decode("a+b", true).as_deref(), Some("a b"));
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decode(broken, true), None, "{broken}");
        }
    }

    #[test]
    fn guids_are_guids_and_stay() {
        let guid = guid_from("Berlin");
        assert!(is_guid(&guid), "{guid}");
        assert_eq!(guid, guid_from("Berlin"));
        assert_ne!(guid, guid_from("berlin"));
        for other in ["", "x", "4cf9e7a1-e7a1-4cf9-a1e7-f94ca1e7f94", "Ü"] {
            assert!(!is_guid(other), "{other}");
        }
    }
}
