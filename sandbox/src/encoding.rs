//! The encodings of the wire: percent signs, base64 and GUIDs made from text.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::{Builder, Uuid};

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns the SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Makes a GUID from a text: the same text always gives the same one.
pub fn guid_from(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(text.as_bytes())[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Whether a text has the form of a GUID, with hyphens and without braces.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Undoes one layer of percent-encoding; `None` for a stray `%` or bytes that are not UTF-8.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    let text = if plus_is_space {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Encodes as base64url without padding, as in a JWT.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Decodes base64 in either alphabet, padded or not.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let text = text.replace('+', "-").replace('/', "_");
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_both_alphabets() {
        assert_eq!(base64url(b"\xfb\xff"), "-_8");
        assert_eq!(base64_decode("+/8="), Some(b"\xfb\xff".to_vec()));
        assert_eq!(base64_decode("a"), None);
        assert_eq!(base64_decode("a b"), None);
    }

    #[test]
    fn percent_signs_come_back() {
        assert_eq!(percent_encode("[Ü]-._~"), "%5B%C3%9C%5D-._~");
        assert_eq!(
            percent_decode("%5B%C3%9C%5D", false).as_deref(),
            Some("[Ü]")
        );
        assert_eq!(percent_decode("a+b%2B", true).as_deref(), Some("a b+"));
        for broken in ["%", "%4", "%zz", "%ff", "%é"] {
            assert_eq!(percent_decode(broken, true), None, "{broken}");
        }
    }

    #[test]
    fn guids_are_guids_and_stay() {
        // The sample tenant's ids are made so, and stand in people's manifests.
        assert_eq!(
            guid_from("sample tenant"),
            "7ee2608f-5f78-824f-9982-d0ad7d753d35"
        );
        assert_ne!(guid_from("Berlin"), guid_from("berlin"));
        assert!(is_guid(&guid_from("Berlin")));
        for other in ["", "x", "4cf9e7a1-e7a1-4cf9-a1e7-f94ca1e7f94", "Ü"] {
            assert!(!is_guid(other), "{other}");
        }
    }
}
